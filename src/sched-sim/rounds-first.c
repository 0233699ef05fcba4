/*
 * rounds-first.c - for whom there are GPUs, by their number alone, where jobs
 * may run on some groups of servers and not on others. That a job more has room
 * is seen by giving those before it others of the GPUs that they may have
 * (augmenting paths): jobs for the same groups are one flow.
 */
#include "rounds.h"

#include <stdlib.h>

#include "xalloc.h"

struct flow {
	uint64_t where;
	int64_t given[GROUPS_MAX];	/* GPUs of each group */
	int64_t refused;	/* so many were too many, and will be */
};

struct fill {
	const struct servers *servers;
	int64_t left[GROUPS_MAX];
	struct flow *flows;
	int len;
};

/* A way on which GPUs can be passed: from which flow each group is reached. */
struct path {
	int from[GROUPS_MAX];		/* the flow that would give up some */
	int before[GROUPS_MAX];		/* of this group; -1: the first */
	int queue[GROUPS_MAX];
	int len;
	uint64_t seen;
};

static void
reach(struct path *p, uint64_t where, int before, int from)
{
	uint64_t new = where & ~p->seen;

	p->seen |= where;
	for (; new != 0; new &= new - 1) {
		int g = __builtin_ctzll(new);

		p->before[g] = before;
		p->from[g] = from;
		p->queue[p->len++] = g;
	}
}

/* The nearest group with GPUs left that a flow can get at; or -1. */
static int
find(const struct fill *f, const struct flow *of, struct path *p)
{
	int i, n;

	p->len = 0;
	p->seen = 0;
	reach(p, of->where, -1, -1);
	for (i = 0; i < p->len; i++) {
		if (f->left[p->queue[i]] > 0)
			return p->queue[i];
		for (n = 0; n < f->len; n++)
			if (f->flows[n].given[p->queue[i]] > 0)
				reach(p, f->flows[n].where, p->queue[i], n);
	}
	return -1;
}

/* Gives a flow at most so many GPUs along that way. Returns how many. */
static int64_t
push(struct fill *f, struct flow *of, const struct path *p, int end,
    int64_t gpus)
{
	int64_t n = MIN(gpus, f->left[end]);
	int g;

	for (g = end; p->before[g] >= 0; g = p->before[g])
		n = MIN(n, f->flows[p->from[g]].given[p->before[g]]);
	f->left[end] -= n;
	for (g = end; p->before[g] >= 0; g = p->before[g]) {
		f->flows[p->from[g]].given[g] += n;
		f->flows[p->from[g]].given[p->before[g]] -= n;
	}
	of->given[g] += n;
	return n;
}

static struct flow *
flow_of(struct fill *f, uint64_t where)
{
	int i;

	for (i = 0; i < f->len; i++)
		if (f->flows[i].where == where)
			return &f->flows[i];
	f->flows = xrealloc(f->flows, (size_t)f->len + 1, sizeof(*f->flows));
	f->flows[f->len] = (struct flow){
		.where = where, .refused = INT64_MAX,
	};
	return &f->flows[f->len++];
}

/* Takes back so many of a flow's GPUs, of any group. */
static void
take_back(struct fill *f, struct flow *of, int64_t gpus)
{
	int64_t n;
	int g;

	for (g = 0; g < f->servers->groups_len; g++) {
		n = MIN(gpus, of->given[g]);
		of->given[g] -= n;
		f->left[g] += n;
		gpus -= n;
	}
}

/* Whether all before it, and it, can have theirs; then it does. */
static bool
add(struct fill *f, const struct rjob *j)
{
	struct flow *of = flow_of(f, j->kind->where);
	struct path p;
	int64_t need = j->gpus;
	int end = 0;

	if (need >= of->refused)
		return false;
	while (need > 0 && end >= 0) {
		end = find(f, of, &p);
		if (end >= 0)
			need -= push(f, of, &p, end, need);
	}
	if (need == 0)
		return true;
	take_back(f, of, j->gpus - need);
	of->refused = j->gpus;
	return false;
}

void
rounds_choose_first(struct rounds *r)
{
	const struct servers *s = &r->servers;
	struct fill f = { .servers = s };
	int64_t free_gpus = s->gpus;
	size_t i;
	int g;

	for (g = 0; g < s->groups_len; g++)
		f.left[g] = s->groups[g].gpus;
	r->first_len = 0;
	for (i = 0; i < r->near_len; i++) {
		struct rjob *j = r->order[i].job;

		if (j->gpus <= free_gpus && add(&f, j)) {
			r->first[r->first_len++] = r->order[i];
			free_gpus -= j->gpus;
		}
		if (r->o->synergy && rounds_pause_s(r, j) > STARVED_S)
			j->starved = true;
	}
	free(f.flows);
}
