/*
 * slurm-backfill.c - sched/backfill: job after job in order of priority is told
 * when it would start, and then whole nodes are kept for it; who can start now
 * without touching these does.
 */
#include "slurm.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* Jobs that end within so many seconds of each other are taken together. */
enum { END_WINDOW_S = 30 };

/* From its beginning to the next's: which nodes are kept for nobody. */
struct step {
	int64_t at;
	uint64_t *nodes;
};

struct plan {
	struct step *steps;
	size_t len, cap, words;
	int64_t end;		/* of the last step */
	uint64_t *of[NAMES_MAX];	/* the nodes of each partition */
};

static bool
is_in(const uint64_t *set, int32_t node)
{
	return set[node / 64] >> (node % 64) & 1;
}

/* ---- the plan ---- */

static void
plan_init(struct plan *p, const struct sim *s)
{
	const struct slurm_conf *f = s->cluster->slurm;
	int32_t i;
	int k;

	*p = (struct plan){ .words = (size_t)(s->cluster->nodes_len + 63) / 64,
	    .end = s->now + f->bf_window_s, .len = 1, .cap = 64 };
	p->steps = xcalloc(p->cap, sizeof(*p->steps));
	p->steps[0].at = s->now;
	p->steps[0].nodes = xcalloc(p->words, sizeof(uint64_t));
	memset(p->steps[0].nodes, 0xff, p->words * sizeof(uint64_t));
	for (k = 0; k < s->cluster->partitions_len; k++) {
		p->of[k] = xcalloc(p->words, sizeof(uint64_t));
		for (i = 0; i < s->cluster->nodes_len; i++)
			p->of[k][i / 64] |= (s->cluster->nodes[i].partitions >>
			    k & 1) << (i % 64);
	}
}

static void
plan_release(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		free(p->steps[i].nodes);
	for (i = 0; i < NAMES_MAX; i++)
		free(p->of[i]);
	free(p->steps);
}

/* The step that begins at t, made if need be; t is not before the first. */
static size_t
cut(struct plan *p, int64_t t)
{
	size_t i = p->len;
	struct step *new;

	while (p->steps[i - 1].at > t)
		i--;
	if (p->steps[i - 1].at == t)
		return i - 1;
	if (p->len == p->cap) {
		p->cap *= 2;
		p->steps = xrealloc(p->steps, p->cap, sizeof(*p->steps));
	}
	memmove(p->steps + i + 1, p->steps + i,
	    (p->len++ - i) * sizeof(*p->steps));
	new = &p->steps[i];
	new->at = t;
	new->nodes = xcalloc(p->words, sizeof(uint64_t));
	memcpy(new->nodes, p->steps[i - 1].nodes,
	    p->words * sizeof(uint64_t));
	return i;
}

/*
 * Of these steps the first one that is like the one before it is dropped,
 * and no other, as in Slurm. It can be seen which are left: a job that finds no
 * nodes looks no further than the first step behind its end.
 */
static void
drop_like(struct plan *p, size_t from, size_t to)
{
	size_t i, size = p->words * sizeof(uint64_t);

	for (i = from + 1; i <= to && i < p->len; i++)
		if (memcmp(p->steps[i - 1].nodes, p->steps[i].nodes,
		    size) == 0) {
			free(p->steps[i].nodes);
			memmove(p->steps + i, p->steps + i + 1,
			    (--p->len - i) * sizeof(*p->steps));
			return;
		}
}

/*
 * Keeps these nodes, whole, from at to end, in steps of the resolution, for
 * the job.
 */
static void
keep(struct plan *p, const struct sim *s, int32_t job, int64_t at, int64_t end,
    const struct part *parts, int32_t len)
{
	int64_t unit = s->cluster->slurm->bf_resolution_s;
	size_t first, last, i;
	int32_t k;

	at = MAX(at / unit, s->now / unit) * unit;
	end = MAX(end / unit * unit, at + unit);
	at = MAX(at, s->now);
	if (at >= p->end || at >= end)
		return;
	slurm_remember(s, job, at, end, parts, len);
	first = cut(p, at);
	last = end < p->end ? cut(p, end) : p->len;
	for (i = first; i < last; i++)
		for (k = 0; k < len; k++)
			p->steps[i].nodes[parts[k].node / 64] &=
			    ~((uint64_t)1 << (parts[k].node % 64));
	drop_like(p, first < 2 ? 0 : first - 2, last);
}

/* Whether the second step has a node of all that the first leaves of now. */
static bool
gains(const struct plan *p, const uint64_t *all, const uint64_t *now,
    size_t first)
{
	const uint64_t *a = p->steps[first].nodes;
	const uint64_t *b = p->steps[first + 1].nodes;
	size_t w;

	for (w = 0; w < p->words; w++)
		if (all[w] & b[w] & ~(now[w] & a[w]))
			return true;
	return false;
}

/*
 * Which of all nodes are kept for nobody from at to end; *later is the first
 * end of a step after at where others can be had, or NEVER.
 */
static void
kept_for_nobody(const struct plan *p, const uint64_t *all, int64_t at,
    int64_t end, uint64_t *out, int64_t *later)
{
	int64_t until;
	size_t i, w;

	memcpy(out, all, p->words * sizeof(*out));
	*later = NEVER;
	for (i = 0; i < p->len; i++) {
		until = i + 1 < p->len ? p->steps[i + 1].at : p->end;
		if (until <= at)
			continue;
		if (*later == NEVER && i + 1 < p->len && gains(p, all, out, i))
			*later = until;
		if (p->steps[i].at > end)
			break;
		for (w = 0; w < p->words; w++)
			out[w] &= p->steps[i].nodes[w];
	}
}

/* ---- when, and where ---- */

/* Gives back, on these nodes, what the job will. Whether it has any. */
static bool
give_back(const struct sim *s, struct res *left, int32_t job,
    const uint64_t *set)
{
	const struct need *n = s->jobs[job].need;
	bool any = false;
	int32_t i;

	for (i = 0; i < n->parts_len; i++)
		if (is_in(set, n->parts[i].node)) {
			nodes_give(s->cluster, left, &n->parts[i], 1);
			any = true;
		}
	return any;
}

/* Ends that are taken together, as what runs is gone through. */
struct ends_window {
	int32_t next;		/* of those that run */
	int64_t barrier, span;	/* ends up to their sum */
};

static int64_t
planned_end(const struct sim *s, int32_t job)
{
	return s->jobs[job].start_at + s->jobs[job].limit_s;
}

/*
 * Gives back what the next ones have on these nodes; the last end of them, or
 * NEVER: there are none. The barrier follows from the first end of all, and the
 * span grows, so that few tries are made for ends far away. Only the one behind
 * one that is on these nodes is compared with it, as in 22.05: if that one is
 * not on them, whoever is next there is taken along, however late its end.
 */
static int64_t
give_back_some(const struct sim *s, const struct slurm *z,
    struct ends_window *w, const uint64_t *set)
{
	int64_t last = NEVER;
	int32_t job;

	while (w->next < z->running_len) {
		job = z->running[w->next++];
		if (!give_back(s, z->free_, job, set))
			continue;
		last = planned_end(s, job);
		if (w->barrier == 0)
			w->barrier = last + w->span - last % w->span;
		if (w->next < z->running_len && planned_end(s,
		    z->running[w->next]) > w->barrier + w->span)
			break;
	}
	do
		w->span *= 2;
	while (w->next < z->running_len &&
	    planned_end(s, z->running[w->next]) > w->barrier + w->span);
	return last;
}

/*
 * When the job could start on these nodes by the limits of those that run;
 * NEVER: not at all. Where, in s->parts and *len.
 */
static int64_t
would_start(const struct sim *s, struct slurm *z, const struct need *n,
    const uint64_t *set, int32_t *len)
{
	struct ends_window w = { .span = END_WINDOW_S };
	int64_t last;
	int32_t i;

	memcpy(z->free_, s->free_nodes,
	    (size_t)s->cluster->nodes_len * sizeof(*z->free_));
	for (i = 0; i < s->cluster->nodes_len; i++)
		if (!is_in(set, i))
			z->free_[i].v[RES_CPU] = 0;
	nodes_offer(s->cluster, z->free_, n, set);
	*len = nodes_place(s->cluster, z->free_, n, s->parts);
	if (*len > 0)
		return s->now;
	while (w.next < z->running_len) {
		last = give_back_some(s, z, &w, set);
		nodes_offer(s->cluster, z->free_, n, set);
		*len = nodes_place(s->cluster, z->free_, n, s->parts);
		if (*len > 0 && last != NEVER)
			return MAX(last, s->now + 1);
	}
	return NEVER;
}

/* Whether some of these nodes are kept at some time from at to end. */
static bool
overlaps(const struct plan *p, const struct slurm_conf *f, int64_t at,
    int64_t end, const struct part *parts, int32_t len)
{
	int64_t unit = f->bf_resolution_s, until;
	size_t i;
	int32_t k;

	at = at / unit * unit;
	end = end / unit * unit;
	for (i = 0; i < p->len && p->steps[i].at < end; i++) {
		until = i + 1 < p->len ? p->steps[i + 1].at : p->end;
		for (k = 0; k < len && until > at; k++)
			if (!is_in(p->steps[i].nodes, parts[k].node))
				return true;
	}
	return false;
}

/*
 * Whether the job, which could start now as far as CPUs go, does: not where
 * another is COMPLETING. Then s->parts and *len are where.
 */
static bool
may_start(const struct sim *s, struct slurm *z, const struct need *n,
    const uint64_t *set, int32_t *len)
{
	int32_t i, got;

	nodes_forget(s->cluster, n, set);
	nodes_offer(s->cluster, z->free_, n, set);
	for (i = 0; i < *len; i++)
		if (z->completing[s->parts[i].node] > s->now)
			return false;
	slurm_leave_completing(s, z->free_);
	got = nodes_place(s->cluster, z->free_, n, s->parts);
	if (got > 0)
		*len = got;
	return got > 0;
}

/*
 * Finds a time for the job of the queue that is at *at: starts it, or keeps
 * nodes for it. true: it has started.
 */
static bool
find_time(struct sim *s, struct slurm *z, struct plan *p, int32_t at,
    uint64_t *set)
{
	const struct slurm_conf *f = s->cluster->slurm;
	struct sim_job *j = &s->jobs[z->queue[at]];
	const uint64_t *all = p->of[j->need->partition];
	int64_t from = s->now, later, start;
	int32_t len = 0;

	for (;;) {
		kept_for_nobody(p, all, from, from + j->limit_s, set, &later);
		start = would_start(s, z, j->need, set, &len);
		if (start != NEVER)
			start = MAX(start, from);
		if (start == s->now && may_start(s, z, j->need, set, &len)) {
			sim_keep_parts(j->need, s->parts, len);
			slurm_start(s, at);
			return true;
		}
		if (start == s->now) {
			start++;
			later = NEVER;
		}
		if (later != NEVER && start > later)
			from = later;
		else if (start > from && start <= p->end &&
		    overlaps(p, f, start, start + j->limit_s, s->parts, len))
			from = start;
		else
			break;
	}
	if (start <= p->end)
		keep(p, s, z->queue[at], start, start + j->limit_s, s->parts,
		    len);
	return false;
}

/* Whether the user of the job has had enough tries. */
static bool
had_enough(const struct slurm_conf *f, struct slurm *z, int32_t share)
{
	return f->bf_max_job_user > 0 && share != NOBODY &&
	    ++z->starts[share] > f->bf_max_job_user;
}

void
slurm_backfill(struct sim *s)
{
	const struct slurm_conf *f = s->cluster->slurm;
	struct slurm *z = s->own;
	int64_t tests = 0, starts = 0;
	uint64_t *set;
	struct plan p;
	int32_t i = 0;

	plan_init(&p, s);
	slurm_forget(z);
	set = xcalloc(p.words, sizeof(*set));
	memset(z->starts, 0, (size_t)f->shares_len * sizeof(*z->starts));
	while (i < z->queue_len && tests++ < f->bf_max_job_test) {
		if (had_enough(f, z,
		    s->jobs[z->queue[i]].need->slurm->share) ||
		    !find_time(s, z, &p, i, set)) {
			i++;
			continue;
		}
		if (f->bf_max_job_start > 0 && ++starts >= f->bf_max_job_start)
			break;
	}
	free(set);
	plan_release(&p);
}
