/*
 * round-policy-tetris.c - smallest first, by resources times remaining time.
 */
#include "rounds.h"

static double
key(const struct rounds *r, const struct rjob *j)
{
	const struct servers *s = &r->servers;
	const struct vec *need = &j->kind->need;
	double left_s = model_left_s(r, j);

	return j->gpus / (double)s->gpus * left_s +
	    need->v[CPU] / s->total.v[CPU] * left_s +
	    need->v[MEM] / s->total.v[MEM] * left_s;
}

const struct round_policy round_policy_tetris = {
	.name = "tetris",
	.key = key,
	.starving_first = true,
};
