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

/* What jobs of one kind may have. */
struct offer {
	int len;
	struct want choices[CHOICES_MAX];	/* best first */
	struct knap_choice costs[CHOICES_MAX];
	int64_t taken[CHOICES_MAX];
	int64_t items, last_items;
	int64_t given;		/* items that have got theirs */
};

struct opt {
	struct offer **by_kind;		/* by that of the jobs */
	struct knap_kind *problem;	/* room for each offer there is */
	struct offer **offers;
	int offers_len;
	bool solved;			/* with last_items of all offers */
};

/* ---- what there is to choose from ---- */

static bool
is_better(const struct offer *k, int a, int b)
{
	const struct knap_choice *x = &k->costs[a], *y = &k->costs[b];
	bool same = memcmp(x, y, sizeof(*x)) == 0;

	return x->value >= y->value && x->cost[0] <= y->cost[0] &&
	    x->cost[1] <= y->cost[1] && (!same || a < b);
}

/* Drops what costs no less than another, and is no better. */
static void
drop_worse(struct offer *k)
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
best_first(struct offer *k)
{
	int i, j;

	for (i = 1; i < k->len; i++)
		for (j = i; j > 0 && k->costs[j].value >
		    k->costs[j - 1].value; j--) {
			struct knap_choice cost = k->costs[j];
			struct want choice = k->choices[j];

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
add_choice(struct offer *k, struct vec all, double speed, double value)
{
	k->choices[k->len] = (struct want){ all, speed };
	k->costs[k->len++] = (struct knap_choice){
		.value = llround(value),
		.cost = { (int64_t)floor(all.v[CPU] * 1000 + 1e-6),
		    (int64_t)floor(all.v[MEM] * 100 + 1e-6) },
	};
}

static void
add_points(struct offer *o, const struct rounds *r, const struct kind *kind)
{
	const struct server_type *t = r->servers.types;
	int model = model_index(kind->model), c, m, together;
	double fair = tput(model, t->fair.v[CPU], t->fair.v[MEM]);

	together = r->o->synergy ? 1 : MIN(kind->gpus, t->gpus);
	for (c = 0; c < TPUT_CPUS; c++)
		for (m = 0; m < TPUT_MEMS; m++) {
			double speed = tput_at(model, c, m);
			struct vec all = { .v = {
				[CPU] = kind->gpus * tput_cpus[c],
				[MEM] = kind->gpus * tput_mem_gb[m],
				[SPEED] = kind->need.v[SPEED],
			} };

			if (speed < fair)
				continue;
			if (r->o->synergy)
				add_choice(o, all, speed, speed * 100);
			else if (tput_cpus[c] * together <= t->cap.v[CPU] &&
			    tput_mem_gb[m] * together <= t->cap.v[MEM])
				add_choice(o, all, speed / fair,
				    speed / fair * kind->gpus * 10000);
		}
}

static struct offer *
new_offer(const struct rounds *r, const struct kind *kind)
{
	const struct want *least = kind->least_on;
	struct offer *o = xcalloc(1, sizeof(*o));

	if (!r->o->synergy)
		add_choice(o, least->all, least->speed,
		    least->speed * kind->gpus * 10000);
	add_points(o, r, kind);
	drop_worse(o);
	best_first(o);
	return o;
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

/* The solver takes all servers as one: that is so if they are alike. */
static int
check_alike(const struct rounds *r, struct err *e)
{
	const struct servers *s = &r->servers;
	int i;

	if (s->types_len > 1)
		return err_perm(e, "opt: the servers are not all alike; fair, "
		    "tune and greedy take any");
	for (i = 0; i < r->kinds_len; i++)
		if (r->kinds[i]->where != kind_everywhere(s))
			return err_perm(e, "opt: some jobs may not run on all "
			    "servers; fair, tune and greedy take such");
	return 0;
}

int
opt_begin(struct rounds *r, struct err *e)
{
	const struct servers *s = &r->servers;

	if (check_alike(r, e) < 0)
		return -1;
	if (r->o->synergy &&
	    (!is_point(tput_cpus, TPUT_CPUS, s->fair.v[CPU]) ||
	    !is_point(tput_mem_gb, TPUT_MEMS, s->fair.v[MEM])))
		return err_perm(e, "opt: the profiles have no point at %g CPUs "
		    "and %g GB a GPU, the fair share, and SYNERGY's simulator "
		    "dies of that", s->fair.v[CPU], s->fair.v[MEM]);
	r->opt = xcalloc(1, sizeof(*r->opt));
	r->opt->by_kind = xcalloc((size_t)r->kinds_len + 1,
	    sizeof(struct offer *));
	return 0;
}

void
opt_free(struct opt *o)
{
	int i;

	if (o == NULL)
		return;
	for (i = 0; i < o->offers_len; i++)
		free(o->offers[i]);
	free(o->offers);
	free(o->problem);
	free(o->by_kind);
	free(o);
}

static void
count(struct rounds *r, const struct rjob *j)
{
	struct opt *o = r->opt;
	struct offer *k = o->by_kind[j->kind->number];
	size_t n = (size_t)o->offers_len + 1;

	if (k == NULL) {
		k = o->by_kind[j->kind->number] = new_offer(r, j->kind);
		o->offers = xrealloc(o->offers, n, sizeof(struct offer *));
		o->problem = xrealloc(o->problem, n, sizeof(*o->problem));
		o->offers[o->offers_len++] = k;
	}
	k->items++;
}

/* Whether as many jobs of each kind are there as the last time. */
static bool
is_solved(const struct opt *o)
{
	int i;

	for (i = 0; i < o->offers_len; i++)
		if (o->offers[i]->items != o->offers[i]->last_items)
			return false;
	return o->solved;
}

static int
solve(struct rounds *r, struct err *e)
{
	const struct servers *s = &r->servers;
	struct opt *o = r->opt;
	int64_t room[KNAP_COSTS] = {
		(int64_t)floor(s->total.v[CPU] * 1000 + 1e-6),
		(int64_t)floor(s->total.v[MEM] * 100 + 1e-6),
	};
	int i;

	for (i = 0; i < o->offers_len; i++) {
		struct offer *k = o->offers[i];

		o->problem[i] = (struct knap_kind){
			k->costs, k->len, k->items, k->taken,
		};
		k->last_items = k->items;
	}
	o->solved = knapsack(o->problem, o->offers_len, room, e) >= 0;
	return o->solved ? 0 : err_prefix(e, "at %lld", (long long)r->now);
}

/* What the next job of a kind has. */
static const struct want *
next_choice(struct offer *k)
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
	return -next_choice(r->opt->by_kind[j->kind->number])->all.v[CPU] /
	    j->gpus;
}

int
opt_choose(struct rounds *r, struct err *e)
{
	struct opt *o = r->opt;
	size_t i;
	int k;

	for (k = 0; k < o->offers_len; k++)
		o->offers[k]->items = o->offers[k]->given = 0;
	for (i = 0; i < r->first_len; i++)
		count(r, r->first[i].job);
	if (!is_solved(o) && solve(r, e) < 0)
		return -1;
	if (!r->o->synergy)
		rounds_first_by(r, most_cpus);
	for (k = 0; k < o->offers_len; k++)
		o->offers[k]->given = 0;
	return 0;
}

int
opt_place(struct rounds *r, struct run *run, struct err *e)
{
	struct rjob *j = run->job;
	const struct want *c = next_choice(r->opt->by_kind[j->kind->number]);
	static const struct want nothing;
	int i;

	if (r->o->synergy) {
		(void)place(&r->servers, run, &nothing, r->together);
		for (i = 0; i < run->shares_len; i++)
			run->shares[i].have = c->all;
	} else if (!place_roomiest(&r->servers, run, c)) {
		return tune_place(r, run, c, e);
	}
	j->speed = c->speed;
	run->pace_s = j->iter_s / j->speed;
	return 0;
}
