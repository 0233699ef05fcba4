/*
 * round-policy-ftf.c - finish-time fairness: the time that a job will have been
 * in the system over the time alone. Themis (NSDI'20, section 3), where the
 * measure comes from, takes the largest first: who is furthest behind. (How
 * many share the cluster, by which it multiplies the time alone, is the same
 * for all and does not change the order.) SYNERGY's simulator takes the
 * smallest.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	double alone_s = j->iter_s * (double)j->iters;
	double rho = ((double)r->now - j->submit_at + model_left_s(r, j)) /
	    alone_s;

	return r->o->synergy ? rho : -rho;
}

const struct round_policy round_policy_ftf = {
	.name = "ftf",
	.key = key,
	.starving_first = true,
};
