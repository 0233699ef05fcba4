/*
 * opt.c - the allocation `opt`: of all ways to give the first jobs, those that
 * fill the GPUs, cores and memory at the points of their profiles, so that none
 * is slower than with its fair share, the one that makes the sum of speeds
 * largest (SYNERGY, OSDI'22, section 4.1).
 *
 * SYNERGY's simulator adds up the speeds of jobs, takes the cluster as one
 * server, and lets each job have what was chosen. The corrected form counts a
 * job as often as it has GPUs, and then puts those with most cores for each GPU
 * on the servers that have most left over; where what was chosen does not fit
 * there, it goes on as tune does.
 */
#include "rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "knapsack.h"
#include "xalloc.h"

enum { CHOICES_MAX = TPUT_CPUS * TPUT_MEMS + 1 };

struct choice {
	struct vec want;
	double speed;
};

/* Jobs of one model on one number of GPUs. */
struct kind {
	int len;
	struct choice choices[CHOICES_MAX];	/* best first */
	struct knap_choice costs[CHOICES_MAX];
	int64_t taken[CHOICES_MAX];
	int64_t items, last_items;
	int64_t given;		/* items that have got theirs */
};

struct opt {
	struct kind **by_kind;		/* by that of the jobs */
	struct knap_kind *problem;	/* room for each kind there is */
	struct kind **kinds;
	int kinds_len;
	int64_t all;			/* kinds there can be */
	bool solved;			/* with last_items of all kinds */
};

/* ---- what there is to choose from ---- */

static bool
is_better(const struct kind *k, int a, int b)
{
	const struct knap_choice *x = &k->costs[a], *y = &k->costs[b];
	bool same = memcmp(x, y, sizeof(*x)) == 0;

	return x->value >= y->value && x->cost[0] <= y->cost[0] &&
	    x->cost[1] <= y->cost[1] && (!same || a < b);
}

/* Drops what costs no less than another, and is no better. */
static void
drop_worse(struct kind *k)
{
	bool drop[CHOICES_MAX] = { false };
	int i, j, kept = 0;

	for (i = 0; i < k->len; i++)
		for (j = 0; j < k->len && !drop[i]; j++)
			drop[i] = j != i && is_better(k, j, i);
	for (i = 0; i < k->len; i++)
		if (!drop[i]) {
			k->choices[kept] = k->choices[i];
			k->costs[kept++] = k->costs[i];
		}
	k->len = kept;
}

static void
best_first(struct kind *k)
{
	int i, j;

	for (i = 1; i < k->len; i++)
		for (j = i; j > 0 && k->costs[j].value >
		    k->costs[j - 1].value; j--) {
			struct knap_choice cost = k->costs[j];
			struct choice choice = k->choices[j];

			k->costs[j] = k->costs[j - 1];
			k->choices[j] = k->choices[j - 1];
			k->costs[j - 1] = cost;
			k->choices[j - 1] = choice;
		}
}

/*
 * Thousandths of a core, hundredths of a GB, in which all points are whole, as
 * are hundredths of SYNERGY's speeds.
 */
static void
add_choice(struct kind *k, struct vec want, double speed, double value)
{
	k->choices[k->len] = (struct choice){ want, speed };
	k->costs[k->len++] = (struct knap_choice){
		.value = llround(value),
		.cost = { (int64_t)floor(want.v[CPU] * 1000 + 1e-6),
		    (int64_t)floor(want.v[MEM] * 100 + 1e-6) },
	};
}

static void
add_points(struct kind *k, const struct rounds *r, const struct rjob *j)
{
	const struct servers *s = &r->servers;
	int model = model_index(j->model), c, m, together;
	double fair = tput(model, s->fair.v[CPU], s->fair.v[MEM]);

	together = r->o->synergy ? 1 : MIN(j->gpus, s->gpus);
	for (c = 0; c < TPUT_CPUS; c++)
		for (m = 0; m < TPUT_MEMS; m++) {
			double speed = tput_at(model, c, m);
			struct vec want = { .v = {
				[CPU] = j->gpus * tput_cpus[c],
				[MEM] = j->gpus * tput_mem_gb[m],
				[SPEED] = j->need.v[SPEED],
			} };

			if (speed < fair)
				continue;
			if (r->o->synergy)
				add_choice(k, want, speed, speed * 100);
			else if (tput_cpus[c] * together <= s->cap.v[CPU] &&
			    tput_mem_gb[m] * together <= s->cap.v[MEM])
				add_choice(k, want, speed / fair,
				    speed / fair * j->gpus * 10000);
		}
}

static struct kind *
new_kind(const struct rounds *r, const struct rjob *j)
{
	struct kind *k = xcalloc(1, sizeof(*k));

	if (!r->o->synergy)
		add_choice(k, j->least, j->least_speed,
		    j->least_speed * j->gpus * 10000);
	add_points(k, r, j);
	drop_worse(k);
	best_first(k);
	return k;
}

/* ---- choosing ---- */

static bool
is_point(const double *axis, int len, double x)
{
	int i;

	for (i = 0; i < len; i++)
		if (axis[i] == x)
			return true;
	return false;
}

int
opt_begin(struct rounds *r, struct err *e)
{
	const struct servers *s = &r->servers;
	struct opt *o;

	if (r->o->synergy &&
	    (!is_point(tput_cpus, TPUT_CPUS, s->fair.v[CPU]) ||
	    !is_point(tput_mem_gb, TPUT_MEMS, s->fair.v[MEM])))
		return err_perm(e, "opt: the profiles have no point at %g CPUs "
		    "and %g GB a GPU, the fair share, and SYNERGY's simulator "
		    "dies of that", s->fair.v[CPU], s->fair.v[MEM]);
	o = xcalloc(1, sizeof(*o));
	o->all = MODELS * (s->len * s->gpus + 1);
	o->by_kind = xcalloc((size_t)o->all, sizeof(struct kind *));
	r->opt = o;
	return 0;
}

void
opt_free(struct opt *o)
{
	int i;

	if (o == NULL)
		return;
	for (i = 0; i < o->kinds_len; i++)
		free(o->kinds[i]);
	free(o->kinds);
	free(o->problem);
	free(o->by_kind);
	free(o);
}

static void
count(struct rounds *r, const struct rjob *j)
{
	struct opt *o = r->opt;
	struct kind *k = o->by_kind[j->kind];
	size_t n = (size_t)o->kinds_len + 1;

	if (k == NULL) {
		k = o->by_kind[j->kind] = new_kind(r, j);
		o->kinds = xrealloc(o->kinds, n, sizeof(struct kind *));
		o->problem = xrealloc(o->problem, n, sizeof(*o->problem));
		o->kinds[o->kinds_len++] = k;
	}
	k->items++;
}

/* Whether as many jobs of each kind are there as the last time. */
static bool
is_solved(const struct opt *o)
{
	int i;

	for (i = 0; i < o->kinds_len; i++)
		if (o->kinds[i]->items != o->kinds[i]->last_items)
			return false;
	return o->solved;
}

static int
solve(struct rounds *r, struct err *e)
{
	const struct servers *s = &r->servers;
	struct opt *o = r->opt;
	int64_t room[KNAP_COSTS] = {
		(int64_t)floor(s->cap.v[CPU] * (double)s->len * 1000 + 1e-6),
		(int64_t)floor(s->cap.v[MEM] * (double)s->len * 100 + 1e-6),
	};
	int i;

	for (i = 0; i < o->kinds_len; i++) {
		struct kind *k = o->kinds[i];

		o->problem[i] = (struct knap_kind){
			k->costs, k->len, k->items, k->taken,
		};
		k->last_items = k->items;
	}
	o->solved = knapsack(o->problem, o->kinds_len, room, e) >= 0;
	return o->solved ? 0 : err_prefix(e, "at %lld", (long long)r->now);
}

/* What the next job of a kind has. */
static const struct choice *
next_choice(struct kind *k)
{
	int64_t before = 0;
	int i;

	for (i = 0; before + k->taken[i] <= k->given; i++)
		before += k->taken[i];
	k->given++;
	return &k->choices[i];
}

static double
most_cpus(struct rounds *r, const struct rjob *j)
{
	return -next_choice(r->opt->by_kind[j->kind])->want.v[CPU] / j->gpus;
}

int
opt_choose(struct rounds *r, struct err *e)
{
	struct opt *o = r->opt;
	size_t i;
	int k;

	for (k = 0; k < o->kinds_len; k++)
		o->kinds[k]->items = o->kinds[k]->given = 0;
	for (i = 0; i < r->first_len; i++)
		count(r, r->first[i].job);
	if (!is_solved(o) && solve(r, e) < 0)
		return -1;
	if (!r->o->synergy)
		rounds_first_by(r, most_cpus);
	for (k = 0; k < o->kinds_len; k++)
		o->kinds[k]->given = 0;
	return 0;
}

int
opt_place(struct rounds *r, struct run *run, struct err *e)
{
	struct rjob *j = run->job;
	const struct choice *c = next_choice(r->opt->by_kind[j->kind]);
	static const struct vec nothing;

	if (r->o->synergy) {
		(void)place(&r->servers, run, nothing, r->together);
		run->have = c->want;
	} else if (!place_roomiest(&r->servers, run, c->want)) {
		return tune_place(r, run, c->want, c->speed, e);
	}
	j->speed = c->speed;
	run->pace_s = j->iter_s / j->speed;
	return 0;
}
