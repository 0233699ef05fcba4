/*
 * rng.c - PCG32 (XSH RR 64/32) with the reference increment.
 */
#include "rng.h"

#define MULTIPLIER UINT64_C(6364136223846793005)
#define INCREMENT UINT64_C(1442695040888963407)

void
rng_seed(struct rng *r, uint64_t seed)
{
	r->state = 0;
	(void)rng_u32(r);
	r->state += seed;
	(void)rng_u32(r);
}

uint32_t
rng_u32(struct rng *r)
{
	uint64_t old = r->state;
	uint32_t x = (uint32_t)(((old >> 18) ^ old) >> 27);
	uint32_t rot = (uint32_t)(old >> 59);

	r->state = old * MULTIPLIER + INCREMENT;
	return (x >> rot) | (x << ((32 - rot) & 31));
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	uint32_t low = -n % n, x;	/* 2^32 mod n: these would be unfair */

	do
		x = rng_u32(r);
	while (x < low);
	return x % n;
}

int64_t
rng_jitter(struct rng *r, int64_t ms, int percent)
{
	int64_t span;

	if (ms > INT32_MAX)
		return ms;
	span = ms * percent / 100;
	if (span <= 0 || span > INT32_MAX)
		return ms;
	return ms - span + rng_below(r, (uint32_t)(2 * span + 1));
}
