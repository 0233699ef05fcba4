/*
 * rng.h - a seeded generator for simulation and jitter, never for secrets.
 * The sequence of a seed is the same on every machine: PCG32 (O'Neill 2014).
 */
#ifndef BERTH_RNG_H
#define BERTH_RNG_H

#include "base.h"

struct rng {
	uint64_t state;
};

void rng_seed(struct rng *r, uint64_t seed);

/* 32 uniform bits. */
uint32_t rng_u32(struct rng *r);

/* Uniform in 0 .. n-1; n > 0. */
uint32_t rng_below(struct rng *r, uint32_t n);

/* ms moved by up to +-percent of itself. */
int64_t rng_jitter(struct rng *r, int64_t ms, int percent);

#endif
