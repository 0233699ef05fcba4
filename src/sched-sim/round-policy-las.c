/*
 * round-policy-las.c - least attained service first: seconds times GPUs.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	(void)r;
	return (double)(j->ran_s * j->gpus);
}

const struct round_policy round_policy_las = {
	.name = "las",
	.key = key,
	.starving_first = true,
	.first_only = true,
};
