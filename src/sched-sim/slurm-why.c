/*
 * slurm-why.c - why a job waits, in the words that squeue has for it: what it
 * depends on, who is before it, what its nodes lack, and for whom backfill
 * keeps them.
 */
#include "slurm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { NODES_SHOWN = 8 };

/* ---- what it waits for ---- */

static void
say_dep(const struct sim *s, const struct dep *d, struct buf *b)
{
	const struct sim_job *on = &s->jobs[d->job];

	(void)buf_addf(b, "(Dependency) job %" PRId64 " ", on->id);
	if (on->start_at < 0)
		(void)buf_adds(b, "has not started");
	else if (d->kind == AFTER)
		(void)buf_addf(b, "started at %" PRId64 ", and not %" PRId64
		    " s ago", on->start_at, d->delay_s);
	else if (on->start_at + on->run_s > s->now)
		(void)buf_adds(b, "has not ended");
	else
		(void)buf_addf(b, "is COMPLETING until %" PRId64,
		    slurm_completes_at(s, d->job));
}

/* The first thing that it waits for. */
static void
say_deps(const struct sim *s, int32_t job, struct buf *b)
{
	const struct slurm_job *j = s->jobs[job].need->slurm;
	int64_t wake = NEVER;
	int32_t i;

	for (i = 0; i < j->deps_len; i++)
		if (!slurm_dep_is_met(s, &j->deps[i], &wake)) {
			say_dep(s, &j->deps[i], b);
			return;
		}
}

/* ---- what nodes lack ---- */

static const char *
plural(int32_t n)
{
	return n == 1 ? "" : "s";
}

/* "gpu" of "gpu:a100" */
static void
say_gres(const struct cluster *c, const struct ask *a, struct buf *b)
{
	int k = RES_GRES;

	while (k < c->res_len - 1 && !(a->kinds >> k & 1))
		k++;
	(void)buf_addf(b, "%d %.*s", a->count, (int)strcspn(c->gres[k], ":"),
	    c->gres[k]);
}

static void
say_need(const struct cluster *c, const struct need *n, struct buf *b)
{
	int i;

	(void)buf_addf(b, "it needs %d CPU%s", n->cpus, plural(n->cpus));
	if (n->node_count > 0)
		(void)buf_addf(b, " on %d%s node%s", n->node_count,
		    n->exclusive ? " whole" : "", plural(n->node_count));
	if (c->counts_mem && n->mem_per_node > 0)
		(void)buf_addf(b, ", %d MiB on each", n->mem_per_node);
	if (c->counts_mem && n->mem_mb > 0)
		(void)buf_addf(b, ", %d MiB with each", (n->mem_mb - 1) /
		    n->mem_cpus + 1);
	for (i = 0; i < n->asks_len; i++) {
		(void)buf_adds(b, ", ");
		say_gres(c, &n->asks[i], b);
		(void)buf_adds(b, " on each node");
	}
}

/* How many of the kinds that it asks for the node has left. */
static int32_t
gres_left(const struct cluster *c, const struct ask *a, const struct res *left)
{
	int32_t sum = 0;
	int k;

	for (k = RES_GRES; k < c->res_len; k++)
		if (a->kinds >> k & 1)
			sum += left->v[k];
	return sum;
}

/* What the node has left, of all that the job asks for. */
static void
say_node(const struct sim *s, int32_t i, const struct need *n, struct buf *b)
{
	const struct cluster *c = s->cluster;
	const struct slurm *z = s->own;
	const struct res *left = &s->free_nodes[i];
	struct ask have;
	int k;

	(void)buf_adds(b, c->nodes[i].name);
	if (!nodes_has_features(&c->nodes[i], n)) {
		(void)buf_adds(b, " lacks a feature");
		return;
	}
	if (z->completing[i] > s->now) {
		(void)buf_adds(b, " is COMPLETING");
		return;
	}
	(void)buf_addf(b, " has %d CPU%s", left->v[RES_CPU],
	    plural(left->v[RES_CPU]));
	if (c->counts_mem && (n->mem_per_node > 0 || n->mem_mb > 0))
		(void)buf_addf(b, ", %d MiB", left->v[RES_MEM]);
	for (k = 0; k < n->asks_len; k++) {
		(void)buf_adds(b, ", ");
		have = (struct ask){ n->asks[k].kinds,
		    gres_left(c, &n->asks[k], left) };
		say_gres(c, &have, b);
	}
}

static void
say_nodes(const struct sim *s, const struct need *n, struct buf *b)
{
	const struct cluster *c = s->cluster;
	int32_t i, shown = 0, more = 0;

	say_need(c, n, b);
	for (i = 0; i < c->nodes_len; i++) {
		if (!(c->nodes[i].partitions >> n->partition & 1))
			continue;
		if (shown == NODES_SHOWN) {
			more++;
			continue;
		}
		(void)buf_adds(b, shown++ == 0 ? ": " : "; ");
		say_node(s, i, n, b);
	}
	if (more > 0)
		(void)buf_addf(b, "; and %d more node%s", more, plural(more));
}

/* ---- reservations ---- */

void
slurm_remember(const struct sim *s, int32_t job, int64_t at, int64_t end,
    const struct part *parts, int32_t len)
{
	struct slurm *z = s->own;
	struct slurm_kept *k;

	if (s->explain == NOBODY)
		return;
	z->kept = xrealloc(z->kept, (size_t)z->kept_len + 1,
	    sizeof(*z->kept));
	k = &z->kept[z->kept_len++];
	*k = (struct slurm_kept){ .job = job, .at = at, .end = end,
	    .len = len, .parts = xcalloc((size_t)len, sizeof(*parts)) };
	memcpy(k->parts, parts, (size_t)len * sizeof(*parts));
}

void
slurm_forget(struct slurm *z)
{
	while (z->kept_len > 0)
		free(z->kept[--z->kept_len].parts);
}

static bool
share_a_node(const struct slurm_kept *k, const struct part *parts, int32_t len)
{
	int32_t a, i;

	for (a = 0; a < k->len; a++)
		for (i = 0; i < len; i++)
			if (k->parts[a].node == parts[i].node)
				return true;
	return false;
}

/* It would fit: for whom backfill keeps these nodes, too soon for its limit. */
static void
say_kept(const struct sim *s, int32_t job, int32_t len, struct buf *b)
{
	const struct slurm *z = s->own;
	const struct slurm_kept *k;

	for (k = z->kept; k < z->kept + z->kept_len; k++) {
		if (k->job == job || k->at >= s->now + s->jobs[job].limit_s ||
		    k->end <= s->now || !share_a_node(k, s->parts, len))
			continue;
		(void)buf_adds(b, "; it would fit on ");
		(void)hostlist_write(b, s->cluster, s->parts, len);
		(void)buf_addf(b, ", but job %" PRId64 " has a reservation "
		    "there from %" PRId64 " until %" PRId64 ", and its own "
		    "limit ends at %" PRId64, s->jobs[k->job].id, k->at,
		    k->end, s->now + s->jobs[job].limit_s);
		return;
	}
}

/* When and where backfill has planned it. */
static void
say_planned(const struct sim *s, int32_t job, struct buf *b)
{
	const struct slurm *z = s->own;
	const struct slurm_kept *k;

	for (k = z->kept; k < z->kept + z->kept_len; k++) {
		if (k->job != job)
			continue;
		(void)buf_addf(b, "; its own reservation begins at %" PRId64
		    " on ", k->at);
		(void)hostlist_write(b, s->cluster, k->parts, k->len);
		return;
	}
}

/* ---- all of it ---- */

static bool
is_queued(const struct slurm *z, int32_t job)
{
	int32_t i = 0;

	while (i < z->queue_len && z->queue[i] != job)
		i++;
	return i < z->queue_len;
}

/* The first of the queue that waits for its partition, or for any. */
static int32_t
head_of(const struct sim *s, int partition)
{
	const struct slurm *z = s->own;
	int32_t i = 0;

	while (partition >= 0 &&
	    s->jobs[z->queue[i]].need->partition != partition)
		i++;
	return z->queue[i];
}

void
slurm_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct need *n = s->jobs[job].need;
	struct slurm *z = s->own;
	int64_t wake = NEVER;
	int32_t head, len;

	if (!slurm_job_is_free(s, job, &wake)) {
		say_deps(s, job, b);
		return;
	}
	if (!is_queued(z, job)) {	/* that was in this very pass */
		(void)buf_adds(b, "(Dependency) who it waited for has just "
		    "started, and the next pass sees that");
		return;
	}
	memcpy(z->free_, s->free_nodes,
	    (size_t)s->cluster->nodes_len * sizeof(*z->free_));
	slurm_leave_completing(s, z->free_);
	len = nodes_place(s->cluster, z->free_, n, s->parts);
	head = head_of(s, n->partition);
	if (head == job && len > 0)
		head = head_of(s, -1);	/* of a higher tier */
	if (head == job || len == 0) {
		(void)buf_addf(b, head == job ? "(Resources) " :
		    "(Priority) job %" PRId64 " is before it, and ",
		    s->jobs[head].id);
		say_nodes(s, n, b);
	} else {
		(void)buf_addf(b, "(Priority) job %" PRId64 " is before it",
		    s->jobs[head].id);
		say_kept(s, job, len, b);
	}
	say_planned(s, job, b);
}
