/*
 * opt.c - the allocation `opt`: of all ways to give the first jobs, those that
 * fill the GPUs, cores and memory at the points of their profiles, so that none
 * is slower than with its fair share, the one that makes the sum of speeds
 * largest (SYNERGY, OSDI'22, section 4.1).
 *
 * SYNERGY's simulator adds up the speeds of jobs, takes the cluster as one
 * server, and lets each job have what was chosen. The corrected form counts a
 * job as often as it has GPUs, takes servers as one only if they are alike and
 * for the same jobs (a pool), and chooses for each GPU of a job, which is as
 * fast as the slowest. It then puts the jobs with most cores for each GPU on
 * the servers that have most left over; where what was chosen does not fit
 * there, it goes on as tune does.
 */
#include "rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "knapsack.h"
#include "opt.h"
#include "xalloc.h"

/* ---- pools ---- */

/* Whether there is no kind of job for which it matters. */
static bool
is_same_pool(const struct rounds *r, int a, int b)
{
	int i;

	if (r->servers.groups[a].type != r->servers.groups[b].type)
		return false;
	for (i = 0; i < r->kinds_len; i++)
		if ((r->kinds[i]->where >> a & 1) !=
		    (r->kinds[i]->where >> b & 1))
			return false;
	return true;
}

static void
add_group(struct opt *o, const struct rounds *r, int group)
{
	const struct server_group *g = &r->servers.groups[group];
	int i;

	for (i = 0; i < o->pools_len; i++)
		if (is_same_pool(r, __builtin_ctzll(o->pools[i].where), group))
			break;
	o->pools_len = MAX(o->pools_len, i + 1);
	o->pools[i].where |= UINT64_C(1) << group;
	o->pools[i].type = g->type;
	o->pools[i].gpus += g->gpus;
}

/*
 * So fine that all points and all fair shares are whole: thousandths of a core
 * and hundredths of a 1024th of a GB, by the GPUs of a server.
 */
static int64_t
whole(const struct server_type *t, int k, double x)
{
	return (int64_t)floor(x * (k == CPU ? 1000 : 102400) * t->gpus + 0.01);
}

/* More than all its GPUs can use makes no difference. */
static void
set_room(const struct rounds *r, const struct opt_pool *from,
    struct knap_pool *to)
{
	const double most[] = {
		[CPU] = tput_cpus[TPUT_CPUS - 1],
		[MEM] = tput_mem_gb[TPUT_MEMS - 1],
	};
	const struct server_type *t = &r->servers.types[from->type];
	double servers = (double)(from->gpus / t->gpus);
	double gpus = (double)from->gpus;
	int k;

	to->room[0] = r->o->synergy ? 0 : from->gpus;
	for (k = CPU; k <= MEM; k++)
		to->room[1 + k] = whole(t, k, MIN(servers * t->cap.v[k],
		    gpus * MAX(most[k], t->fair.v[k])));
}

static void
set_pools(struct opt *o, const struct rounds *r)
{
	int i;

	for (i = 0; i < r->servers.groups_len; i++)
		add_group(o, r, i);
	for (i = 0; i < o->pools_len; i++)
		set_room(r, &o->pools[i], &o->room[i]);
}

/* ---- begin and end ---- */

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

	if (r->o->synergy &&
	    (!is_point(tput_cpus, TPUT_CPUS, s->fair.v[CPU]) ||
	    !is_point(tput_mem_gb, TPUT_MEMS, s->fair.v[MEM])))
		return err_perm(e, "opt: the profiles have no point at %g CPUs "
		    "and %g GB a GPU, the fair share, and SYNERGY's simulator "
		    "dies of that", s->fair.v[CPU], s->fair.v[MEM]);
	r->opt = xcalloc(1, sizeof(*r->opt));
	r->opt->by_kind = xcalloc((size_t)r->kinds_len + 1,
	    sizeof(struct offer *));
	set_pools(r->opt, r);
	return 0;
}

void
opt_free(struct opt *o)
{
	int i;

	if (o == NULL)
		return;
	for (i = 0; i < o->offers_len; i++)
		offer_free(o->offers[i]);
	free(o->offers);
	free(o->problem);
	free(o->by_kind);
	free(o);
}

void
opt_say(const struct rounds *r)
{
	const struct opt *o = r->opt;

	if (o != NULL && o->unsure > 0)
		note("opt: %lld of %lld choices of shares took more work than "
		    "they may, and better ones may be there",
		    (long long)o->unsure, (long long)o->solved);
}

/* ---- choosing ---- */

static void
count(struct rounds *r, const struct rjob *j)
{
	struct opt *o = r->opt;
	struct offer *k = o->by_kind[j->kind->number];
	size_t n = (size_t)o->offers_len + 1;

	if (k == NULL) {
		k = o->by_kind[j->kind->number] = offer_new(r, j->kind);
		o->offers = xrealloc(o->offers, n, sizeof(struct offer *));
		o->problem = xrealloc(o->problem, n, sizeof(*o->problem));
		o->offers[o->offers_len++] = k;
	}
	k->kind.items++;
}

/* Whether as many jobs of each kind are there as the last time. */
static bool
is_solved(const struct opt *o)
{
	int i;

	for (i = 0; i < o->offers_len; i++)
		if (o->offers[i]->kind.items != o->offers[i]->last_items)
			return false;
	return o->solved > 0;
}

static int
solve(struct rounds *r, struct err *e)
{
	struct opt *o = r->opt;
	int64_t value;
	int i;

	for (i = 0; i < o->offers_len; i++) {
		o->problem[i] = o->offers[i]->kind;
		o->offers[i]->last_items = o->problem[i].items;
	}
	o->end = knapsack(o->problem, o->offers_len, o->room, o->pools_len,
	    &value);
	o->solved++;
	if (o->end == KNAP_BEST)
		return 0;
	o->unsure++;
	return r->o->synergy ? err_perm(e, "at %lld: opt: the best choice "
	    "takes more work than it may", (long long)r->now) : 0;
}

static double
most_cpus(struct rounds *r, const struct rjob *j)
{
	struct opt *o = r->opt;
	double cpus = 0;
	int i;

	offer_next(o->by_kind[j->kind->number], &o->pick);
	for (i = 0; i < o->pick.len; i++)
		cpus += o->pick.parts[i].sum.v[CPU];
	return -cpus / j->gpus;
}

static void
begin_giving(struct opt *o)
{
	int i;

	for (i = 0; i < o->offers_len; i++)
		o->offers[i]->given = 0;
}

int
opt_choose(struct rounds *r, struct err *e)
{
	struct opt *o = r->opt;
	size_t i;
	int k;

	for (k = 0; k < o->offers_len; k++)
		o->offers[k]->kind.items = 0;
	for (i = 0; i < r->first_len; i++)
		count(r, r->first[i].job);
	if (!is_solved(o) && solve(r, e) < 0)
		return -1;
	begin_giving(o);
	if (!r->o->synergy && o->end != KNAP_NOTHING)
		rounds_first_by(r, most_cpus);
	begin_giving(o);
	return 0;
}

/* ---- placing ---- */

/* GPUs of one pool, each with as much as they have there on average. */
static bool
place_pick(struct rounds *r, struct run *run, const struct opt_part *p,
    double speed)
{
	struct opt *o = r->opt;
	const struct opt_pool *pool = &o->pools[p->pool];
	struct want *want = &o->wants[pool->type];
	int k;

	want->speed = speed;
	for (k = 0; k < SHARED; k++)
		want->all.v[k] = p->sum.v[k] * run->job->gpus / p->gpus;
	return place_part(&r->servers, run, pool->where, p->gpus, o->wants,
	    r->together);
}

static bool
place_all(struct rounds *r, struct run *run)
{
	const struct pick *p = &r->opt->pick;
	int i;

	place_begin(&r->servers, run);
	for (i = 0; i < p->len; i++)
		if (!place_pick(r, run, &p->parts[i], p->speed)) {
			place_undo(&r->servers, run);
			return false;
		}
	place_end(&r->servers, run);
	return true;
}

int
opt_place(struct rounds *r, struct run *run, struct err *e)
{
	struct opt *o = r->opt;
	struct rjob *j = run->job;
	static const struct want nothing;
	int i;

	if (o->end == KNAP_NOTHING)
		return tune_place(r, run, j->kind->need_on, e);
	offer_next(o->by_kind[j->kind->number], &o->pick);
	if (r->o->synergy) {
		(void)place(&r->servers, run, &nothing, r->together);
		for (i = 0; i < run->shares_len; i++)
			run->shares[i].have = o->pick.parts[0].sum;
	} else if (!place_all(r, run)) {
		return tune_place(r, run, j->kind->least_on, e);
	}
	j->speed = o->pick.speed;
	run->pace_s = j->iter_s / j->speed;
	return 0;
}
