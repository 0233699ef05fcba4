/*
 * round-policy-fifo.c - first come, first served.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	(void)r;
	return j->submit_at;
}

const struct round_policy round_policy_fifo = {
	.name = "fifo",
	.key = key,
	.opt = true,
};
