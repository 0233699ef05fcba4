/*
 * round-policy-ftf.c - finish-time fairness as SYNERGY's simulator has it: the
 * expected time in the system over the time alone, and the smallest first.
 * Themis, where the measure comes from, takes the largest first.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	double alone_s = j->model->iter_s * (double)j->iters;

	return ((double)r->now - j->submit_at + model_left_s(r, j)) / alone_s;
}

const struct round_policy round_policy_ftf = {
	.name = "ftf",
	.key = key,
	.starving_first = true,
};
