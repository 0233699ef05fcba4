/*
 * round-policy-drf.c - least dominant share first: the largest part that the
 * job's demand makes of the cluster's GPUs, cores or memory.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	const struct servers *s = &r->servers;
	double n = (double)s->len;
	double most = j->gpus / (s->gpus * n);

	most = MAX(most, j->need.v[CPU] / (s->cap.v[CPU] * n));
	return MAX(most, j->need.v[MEM] / (s->cap.v[MEM] * n));
}

const struct round_policy round_policy_drf = {
	.name = "drf",
	.key = key,
	.starving_first = true,
};
