/*
 * round-policy-srsf.c - shortest remaining service first: the remaining time,
 * times the GPUs (Tiresias, NSDI'19, section 3.1).
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	return model_left_s(r, j) * j->gpus;
}

const struct round_policy round_policy_srsf = {
	.name = "srsf",
	.key = key,
	.not_there = "srsf is defined in SYNERGY's simulator and cannot be "
	    "constructed there",
};
