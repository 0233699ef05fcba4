/*
 * round-policy-tetris.c - smallest first, by resources times remaining time.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	const struct servers *s = &r->servers;
	double n = (double)s->len, left_s = model_left_s(r, j);

	return j->gpus / (s->gpus * n) * left_s +
	    j->need.v[CPU] / (s->cap.v[CPU] * n) * left_s +
	    j->need.v[MEM] / (s->cap.v[MEM] * n) * left_s;
}

const struct round_policy round_policy_tetris = {
	.name = "tetris",
	.key = key,
	.starving_first = true,
};
