/*
 * model.c - what each model asks for and gains: the profiles of SYNERGY's
 * simulator (V100, OSDI'22), one table for each ratio of cores to GPUs.
 */
#include "rounds.h"

#include <math.h>
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

static struct vec
times(const struct vec *per, int n)
{
	struct vec v;
	int k;

	for (k = 0; k < SHARED; k++)
		v.v[k] = per->v[k] * n;
	return v;
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
scale_speedup(const struct kind *k, const struct server_type *t,
    struct want *need, struct err *e)
{
	double ideal = k->gpus * k->model->cpus;
	double fair = k->gpus * (t->cap.v[CPU] / t->gpus);

	if (ideal == fair)
		return err_perm(e, "%s on %d GPUs needs more than a server "
		    "has, and its profile does not say how fast it is with "
		    "less", k->model->name, k->gpus);
	need->speed = 1 + (need->speed - 1) / (ideal - fair) *
	    (need->all.v[CPU] - fair);
	return 0;
}

static int
cap_demand(const struct kind *k, const struct server_type *t,
    struct want *need, struct err *e)
{
	struct vec *d = &need->all;
	bool capped = false;
	int i;

	need->speed = k->model->speedup;
	for (i = 0; i < SHARED; i++) {
		if (d->v[i] <= t->cap.v[i])
			continue;
		d->v[i] = t->cap.v[i];
		capped = true;
		if (k->gpus > t->gpus) {
			d->v[i] = k->gpus * (t->cap.v[i] / t->gpus);
			need->speed = 1;
			capped = false;
		}
	}
	return capped ? scale_speedup(k, t, need, e) : 0;
}

/* ---- the corrected form ---- */

static double
tput_with(const struct kind *k, struct vec have)
{
	return tput(model_index(k->model), have.v[CPU] / k->gpus,
	    have.v[MEM] / k->gpus);
}

double
model_speed(const struct kind *k, const struct servers *s, struct vec have)
{
	return tput_with(k, have) / tput_with(k, times(&s->fair, k->gpus));
}

/* Each GPU has at most its part of a server that holds no other job. */
static void
limit_demand(const struct kind *k, const struct servers *s,
    const struct server_type *t, struct want *need)
{
	int i, together = MIN(k->gpus, t->gpus);
	struct vec *d = &need->all;

	for (i = 0; i < SHARED; i++)
		d->v[i] = MIN(d->v[i], k->gpus * (t->cap.v[i] / together));
	d->v[SPEED] = MIN(d->v[SPEED], t->fair.v[SPEED] * k->gpus);
	need->speed = model_speed(k, s, *d);
}

/* ---- both ---- */

static bool
is_more(const struct vec *a, const struct vec *b)
{
	int i;

	for (i = 0; i < SHARED; i++)
		if (a->v[i] > b->v[i])
			return true;
	return false;
}

/* On servers of type n. */
static int
demand_on(struct kind *k, int n, const struct servers *s, bool synergy,
    struct err *e)
{
	const struct server_type *t = &s->types[n];
	struct want *need = &k->need_on[n], *least = &k->least_on[n];
	struct want *fair = &k->fair_on[n];
	int i;

	need->all.v[CPU] = k->gpus * k->model->cpus;
	need->all.v[MEM] = k->gpus * k->model->mem_gb;
	need->all.v[SPEED] = k->gpus * MODEL_SPEED;
	if (!synergy)
		limit_demand(k, s, t, need);
	else if (cap_demand(k, t, need, e) < 0)
		return -1;
	fair->all = times(&t->fair, k->gpus);
	fair->speed = synergy ? 1 : model_speed(k, s, fair->all);
	*least = *need;
	if (!is_more(&need->all, &fair->all))
		return 0;
	*least = *fair;
	for (i = 0; i < SHARED && !synergy; i++)
		least->all.v[i] = MIN(fair->all.v[i], need->all.v[i]);
	if (!synergy)
		least->speed = model_speed(k, s, least->all);
	return 0;
}

int
model_demand(struct kind *k, const struct servers *s, bool synergy,
    struct err *e)
{
	uint64_t types = kind_types(s, k->where);
	double slowest = INFINITY;
	int i, n;

	k->iter_s = k->model->iter_s;
	if (!synergy)
		k->iter_s /= tput_with(k, times(&s->fair, k->gpus));
	for (n = 0; n < s->types_len; n++) {
		const struct want *need = &k->need_on[n];

		if (!(types >> n & 1))
			continue;
		if (demand_on(k, n, s, synergy, e) < 0)
			return -1;
		k->speedup = MAX(k->speedup, need->speed);
		slowest = MIN(slowest, k->fair_on[n].speed);
		for (i = 0; i < SHARED; i++)
			k->need.v[i] = MAX(k->need.v[i], need->all.v[i]);
	}
	if (k->iter_s / slowest > ROUND_S)
		return err_perm(e, "with the fair share an iteration of "
		    "%s takes %g s, more than a round", k->model->name,
		    k->iter_s / slowest);
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
