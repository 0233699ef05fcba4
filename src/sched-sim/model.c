/*
 * model.c - what each model asks for and gains: the profiles of SYNERGY's
 * simulator (V100, OSDI'22), one table for each ratio of cores to GPUs.
 */
#include "rounds.h"

#include <string.h>

static const struct {
	double cpus_per_gpu;
	struct model models[MODELS];
} profiles[] = {
	{ 3, {
		{ "alexnet", 12, 125, 0.6, 2.94 },
		{ "res18", 9, 62.5, 0.64, 2.4 },
		{ "res50", 4, 62.5, 0.78, 1.15 },
		{ "mobilenet", 6, 62.5, 0.71, 1.55 },
		{ "shufflenet", 12, 125, 0.615, 2.89 },
		{ "gnmt", 1, 20, 0.12, 1 },
		{ "transformer", 1, 20, 0.67, 1 },
		{ "lstm", 1, 20, 0.011, 1 },
		{ "m5", 6, 187.5, 0.6, 2.5 },
		{ "deepspeech", 3, 62.5, 0.757, 1 },
	} },
	{ 4, {
		{ "alexnet", 12, 125, 0.48, 2.352 },
		{ "res18", 9, 62.5, 0.5, 1.85 },
		{ "res50", 4, 62.5, 0.68, 1 },
		{ "mobilenet", 6, 62.5, 0.55, 1.2 },
		{ "shufflenet", 12, 125, 0.492, 2.312 },
		{ "gnmt", 1, 20, 0.12, 1 },
		{ "transformer", 1, 20, 0.67, 1 },
		{ "lstm", 1, 20, 0.011, 1 },
		{ "m5", 6, 187.5, 0.5, 2.08 },
		{ "deepspeech", 3, 62.5, 0.757, 1 },
	} },
	{ 5, {
		{ "alexnet", 12, 125, 0.392, 1.92 },
		{ "res18", 9, 62.5, 0.41, 1.568 },
		{ "res50", 4, 62.5, 0.68, 1 },
		{ "mobilenet", 6, 62.5, 0.47, 1.04 },
		{ "shufflenet", 12, 125, 0.401, 1.88 },
		{ "gnmt", 1, 20, 0.12, 1 },
		{ "transformer", 1, 20, 0.67, 1 },
		{ "lstm", 1, 20, 0.011, 1 },
		{ "m5", 6, 187.5, 0.42, 1.78 },
		{ "deepspeech", 3, 62.5, 0.757, 1 },
	} },
	{ 6, {
		{ "alexnet", 24, 125, 0.34, 2.18 },
		{ "res18", 9, 62.5, 0.365, 1.37 },
		{ "res50", 4, 62.5, 0.68, 1 },
		{ "mobilenet", 6, 62.5, 0.458, 1 },
		{ "shufflenet", 24, 125, 0.351, 2.59 },
		{ "gnmt", 1, 20, 0.12, 1 },
		{ "transformer", 1, 20, 0.67, 1 },
		{ "lstm", 1, 20, 0.011, 1 },
		{ "m5", 6, 187.5, 0.3, 1 },
		{ "deepspeech", 3, 62.5, 0.757, 1 },
	} },
};

const struct model *
model_find(const char *name, size_t len, double cpus_per_gpu)
{
	const struct model *m = profiles[0].models;
	size_t i;

	for (i = 0; i < ARRAY_LEN(profiles); i++)
		if (profiles[i].cpus_per_gpu == cpus_per_gpu)
			m = profiles[i].models;
	for (i = 0; i < MODELS; i++)
		if (strlen(m[i].name) == len &&
		    memcmp(m[i].name, name, len) == 0)
			return &m[i];
	return NULL;
}

const char *
model_names(void)
{
	return "alexnet, res18, res50, mobilenet, shufflenet, gnmt, "
	    "transformer, lstm, m5, deepspeech";
}

struct vec
model_fair(const struct servers *s, int n)
{
	struct vec v;
	int k;

	for (k = 0; k < SHARED; k++)
		v.v[k] = s->fair.v[k] * n;
	return v;
}

bool
model_wants_more(const struct rjob *j, const struct servers *s)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (j->need.v[k] > s->fair.v[k] * j->gpus)
			return true;
	return false;
}

int
model_index(const struct model *m)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(profiles); i++)
		if (m >= profiles[i].models && m < profiles[i].models + MODELS)
			return (int)(m - profiles[i].models);
	return -1;
}

/* ---- as SYNERGY's simulator has it ---- */

/*
 * A speedup was measured with all the cores a model can use; where it cannot
 * have them, it lies on the line from there to 1 on the fair share. Cores
 * alone count, even where it was memory that did not suffice.
 */
static int
scale_speedup(struct rjob *j, const struct servers *s, struct err *e)
{
	double ideal = j->gpus * j->model->cpus;
	double fair = j->gpus * (s->cap.v[CPU] / s->gpus);

	if (ideal == fair)
		return err_perm(e, "%s on %d GPUs needs more than a server "
		    "has, and its profile does not say how fast it is with "
		    "less", j->model->name, j->gpus);
	j->speedup = 1 + (j->speedup - 1) / (ideal - fair) *
	    (j->need.v[CPU] - fair);
	return 0;
}

static int
cap_demand(struct rjob *j, const struct servers *s, struct err *e)
{
	struct vec *d = &j->need;
	bool capped = false;
	int k;

	j->speedup = j->model->speedup;
	for (k = 0; k < SHARED; k++) {
		if (d->v[k] <= s->cap.v[k])
			continue;
		d->v[k] = s->cap.v[k];
		capped = true;
		if (j->gpus > s->gpus) {
			d->v[k] = j->gpus * (s->cap.v[k] / s->gpus);
			j->speedup = 1;
			capped = false;
		}
	}
	return capped ? scale_speedup(j, s, e) : 0;
}

/* ---- the corrected form ---- */

static double
tput_with(const struct rjob *j, struct vec have)
{
	return tput(model_index(j->model), have.v[CPU] / j->gpus,
	    have.v[MEM] / j->gpus);
}

double
model_speed(const struct rjob *j, const struct servers *s, struct vec have)
{
	return tput_with(j, have) / tput_with(j, model_fair(s, j->gpus));
}

/* Each GPU has at most its part of a server that holds no other job. */
static void
limit_demand(struct rjob *j, const struct servers *s)
{
	int k, together = MIN(j->gpus, s->gpus);

	for (k = 0; k < SHARED; k++)
		j->need.v[k] = MIN(j->need.v[k],
		    j->gpus * (s->cap.v[k] / together));
	j->need.v[SPEED] = MIN(j->need.v[SPEED], s->fair.v[SPEED] * j->gpus);
	j->speedup = model_speed(j, s, j->need);
	j->iter_s /= tput_with(j, model_fair(s, j->gpus));
}

int
model_demand(struct rjob *j, const struct servers *s, bool synergy,
    struct err *e)
{
	struct vec *d = &j->need;
	int k;

	d->v[CPU] = j->gpus * j->model->cpus;
	d->v[MEM] = j->gpus * j->model->mem_gb;
	d->v[SPEED] = j->gpus * MODEL_SPEED;
	j->iter_s = j->model->iter_s;
	if (!synergy)
		limit_demand(j, s);
	else if (cap_demand(j, s, e) < 0)
		return -1;
	j->least = j->need;
	j->least_speed = j->speedup;
	if (model_wants_more(j, s)) {
		j->least = model_fair(s, j->gpus);
		for (k = 0; k < SHARED && !synergy; k++)
			j->least.v[k] = MIN(j->least.v[k], d->v[k]);
		j->least_speed = synergy ? 1 : model_speed(j, s, j->least);
	}
	return 0;
}

double
model_left_s(const struct rounds *r, const struct rjob *j)
{
	double left_s = j->iter_s *
	    ((double)(j->iters - j->iters_done) - j->part_done);

	if (r->allocation == FAIR)
		return left_s;
	return left_s / (r->o->synergy && r->allocation != OPT ? j->speed :
	    j->speedup);
}
