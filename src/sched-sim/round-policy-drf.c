/*
 * round-policy-drf.c - least dominant share first: the largest part that the
 * job's demand makes of the cluster's GPUs, cores or memory.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	const struct servers *s = &r->servers;
	const struct vec *need = &j->kind->need;
	double most = j->gpus / (double)s->gpus;

	most = MAX(most, need->v[CPU] / s->total.v[CPU]);
	return MAX(most, need->v[MEM] / s->total.v[MEM]);
}

const struct round_policy round_policy_drf = {
	.name = "drf",
	.key = key,
	.starving_first = true,
};
