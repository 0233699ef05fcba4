/*
 * offer.c - what jobs of one kind may have under `opt`: at each speed, which
 * share of which servers one of their GPUs needs for it.
 */
#include "opt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { TYPE_CHOICES_MAX = TPUT_CPUS * TPUT_MEMS + 1 };

/* A share of a server, for a part of a job. */
struct choice {
	double speed;
	struct vec share;
};

/* Of servers of one type. */
struct choices {
	int len;
	struct choice list[TYPE_CHOICES_MAX];
};

/* ---- shares ---- */

static void
add_choice(struct choices *c, double speed, struct vec share)
{
	c->list[c->len++] = (struct choice){ speed, share };
}

/* In SYNERGY's form a job is one part, and all servers are one. */
static void
add_synergy(struct choices *to, const struct rounds *r,
    const struct kind *kind)
{
	const struct server_type *t = r->servers.types;
	int model = model_index(kind->model), c, m;
	double fair = tput(model, t->fair.v[CPU], t->fair.v[MEM]);

	for (c = 0; c < TPUT_CPUS; c++)
		for (m = 0; m < TPUT_MEMS; m++) {
			struct vec all = { .v = {
				[CPU] = kind->gpus * tput_cpus[c],
				[MEM] = kind->gpus * tput_mem_gb[m],
				[SPEED] = kind->need.v[SPEED],
			} };

			if (tput_at(model, c, m) >= fair)
				add_choice(to, tput_at(model, c, m), all);
		}
}

static struct vec
part_of(const struct kind *kind, const struct vec *all)
{
	struct vec v;
	int k;

	for (k = 0; k < SHARED; k++)
		v.v[k] = all->v[k] / kind->gpus;
	return v;
}

/* The least it may have there, and the points that are better. */
static void
add_type(struct choices *to, const struct rounds *r, const struct kind *kind,
    int n)
{
	const struct servers *s = &r->servers;
	const struct server_type *t = &s->types[n];
	const struct want *least = &kind->least_on[n];
	int model = model_index(kind->model), c, m;
	int together = MIN(kind->gpus, t->gpus);
	double fair = tput(model, t->fair.v[CPU], t->fair.v[MEM]);

	add_choice(to, least->speed, part_of(kind, &least->all));
	for (c = 0; c < TPUT_CPUS; c++)
		for (m = 0; m < TPUT_MEMS; m++) {
			double speed = tput_at(model, c, m);
			struct vec share = { .v = {
				[CPU] = tput_cpus[c], [MEM] = tput_mem_gb[m],
				[SPEED] = kind->need_on[n].all.v[SPEED] /
				    kind->gpus,
			} };

			if (speed >= fair &&
			    share.v[CPU] * together <= t->cap.v[CPU] &&
			    share.v[MEM] * together <= t->cap.v[MEM])
				add_choice(to, speed / tput(model,
				    s->fair.v[CPU], s->fair.v[MEM]), share);
		}
}

/* ---- levels ---- */

static bool
costs_no_more(const struct choice *a, const struct choice *b)
{
	return a->share.v[CPU] <= b->share.v[CPU] &&
	    a->share.v[MEM] <= b->share.v[MEM];
}

/*
 * Whether b is of no use beside a, at a speed that both have. With one part it
 * is of none either if a is faster: that is another level.
 */
static bool
is_worse(const struct choice *b, const struct choice *a, bool one_part)
{
	if (a == b || !costs_no_more(a, b))
		return false;
	if (one_part && a->speed != b->speed)
		return a->speed > b->speed;
	return !costs_no_more(b, a) || a < b;
}

/* Whether it is one to take for that speed. */
static bool
is_for(const struct choices *all, const struct choice *c, double speed,
    bool one_part)
{
	int i;

	if (c->speed < speed || (one_part && c->speed > speed))
		return false;
	for (i = 0; i < all->len; i++)
		if (all->list[i].speed >= speed &&
		    is_worse(c, &all->list[i], one_part))
			return false;
	return true;
}

static void
add_option(struct offer *o, const struct rounds *r, int pool,
    const struct choice *c)
{
	const struct server_type *t =
	    &r->servers.types[r->opt->pools[pool].type];
	size_t n = (size_t)o->kind.options_len + 1;
	struct knap_option *to;

	o->kind.options = xrealloc(o->kind.options, n, sizeof(*to));
	o->shares = xrealloc(o->shares, n, sizeof(*o->shares));
	to = &o->kind.options[o->kind.options_len];
	*to = (struct knap_option){ .pool = pool };
	to->cost[0] = r->o->synergy ? 0 : 1;	/* they are enough */
	to->cost[1] = (int64_t)llround(c->share.v[CPU] * 1000 * t->gpus);
	to->cost[2] = (int64_t)llround(c->share.v[MEM] * 102400 * t->gpus);
	o->shares[o->kind.options_len++] = c->share;
}

/* All that makes this speed, in each pool that the jobs may use. */
static void
add_level(struct offer *o, const struct rounds *r, const struct kind *kind,
    const struct choices *by_type, double speed)
{
	struct knap_kind *k = &o->kind;
	struct knap_level *l = &k->levels[k->levels_len];
	double weight = r->o->synergy ? 100 : kind->gpus * 10000.0;
	int i, p;

	*l = (struct knap_level){
		.value = llround(speed * weight), .from = k->options_len,
	};
	for (p = 0; p < r->opt->pools_len; p++) {
		const struct opt_pool *pool = &r->opt->pools[p];
		const struct choices *all = &by_type[pool->type];

		for (i = 0; i < all->len &&
		    (pool->where & kind->where) != 0; i++)
			if (is_for(all, &all->list[i], speed, k->parts == 1))
				add_option(o, r, p, &all->list[i]);
	}
	l->len = k->options_len - l->from;
	if (l->len > 0)
		o->speeds[k->levels_len++] = speed;
}

static int
by_speed(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x == y ? 0 : x > y ? -1 : 1;
}

static void
add_levels(struct offer *o, const struct rounds *r, const struct kind *kind,
    const struct choices *by_type)
{
	size_t most = (size_t)r->servers.types_len * TYPE_CHOICES_MAX;
	double *speeds = xcalloc(most, sizeof(double));
	size_t n = 0, i;
	int t, c;

	for (t = 0; t < r->servers.types_len; t++)
		for (c = 0; c < by_type[t].len; c++)
			speeds[n++] = by_type[t].list[c].speed;
	qsort(speeds, n, sizeof(double), by_speed);
	o->speeds = xcalloc(n, sizeof(double));
	o->kind.levels = xcalloc(n, sizeof(struct knap_level));
	for (i = 0; i < n; i++)
		if (i == 0 || speeds[i] != speeds[i - 1])
			add_level(o, r, kind, by_type, speeds[i]);
	free(speeds);
}

struct offer *
offer_new(const struct rounds *r, const struct kind *kind)
{
	int i, n = r->servers.types_len;
	struct offer *o = xcalloc(1, sizeof(*o));
	struct choices *by_type = xcalloc((size_t)n, sizeof(*by_type));
	uint64_t types = kind_types(&r->servers, kind->where);

	o->kind.parts = r->o->synergy ? 1 : kind->gpus;
	o->part_gpus = r->o->synergy ? kind->gpus : 1;
	for (i = 0; i < n; i++)
		if (r->o->synergy)
			add_synergy(&by_type[i], r, kind);
		else if (types >> i & 1)
			add_type(&by_type[i], r, kind, i);
	add_levels(o, r, kind, by_type);
	free(by_type);
	return o;
}

void
offer_free(struct offer *o)
{
	free(o->kind.levels);
	free(o->kind.options);
	free(o->speeds);
	free(o->shares);
	free(o);
}

/* ---- who has what ---- */

/* So many parts of one option. */
static void
add_parts(const struct offer *o, struct pick *out, int option, int64_t n)
{
	int pool = o->kind.options[option].pool, k;
	struct opt_part *p = &out->parts[MAX(0, out->len - 1)];

	if (out->len == 0 || p->pool != pool) {
		p = &out->parts[out->len++];
		*p = (struct opt_part){ .pool = pool };
	}
	p->gpus += (int)n * o->part_gpus;
	for (k = 0; k < SHARED; k++)
		p->sum.v[k] += o->shares[option].v[k] * (double)n;
}

/*
 * Items have the levels in order, and their parts the options of these in
 * order, so that most have all of one pool.
 */
void
offer_next(struct offer *o, struct pick *out)
{
	const struct knap_level *l = o->kind.levels;
	int64_t before = 0, from, to, first = 0, last;
	int i;

	for (; before + l->taken <= o->given; l++)
		before += l->taken;
	from = (o->given++ - before) * o->kind.parts;
	to = from + o->kind.parts;
	out->speed = o->speeds[l - o->kind.levels];
	out->len = 0;
	for (i = l->from; i < l->from + l->len; i++) {
		last = first + o->kind.options[i].taken;
		if (MIN(last, to) > MAX(first, from))
			add_parts(o, out, i, MIN(last, to) -
			    MAX(first, from));
		first = last;
	}
}
