/*
 * policy-easy-nodes.c - EASY backfilling on a cluster of nodes. The head's
 * shadow time is when it fits by the limits of those that run; a younger job
 * starts if it ends by then, or if the head fits then all the same.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

struct easy_nodes {
	int32_t *waiting;	/* in order of submission */
	size_t len;
	bool shortest_first;
	int32_t *others;	/* in the order of trying */
	int32_t *running;
	size_t running_len;
	struct res *then;	/* what is free at the shadow time */
};

static void
easy_nodes_init(struct sim *s)
{
	struct easy_nodes *z = xcalloc(1, sizeof(*z));
	size_t n = (size_t)s->jobs_len + 1;

	z->waiting = xcalloc(n, sizeof(*z->waiting));
	z->others = xcalloc(n, sizeof(*z->others));
	z->running = xcalloc(n, sizeof(*z->running));
	z->then = nodes_all(s->cluster);
	s->own = z;
}

static void
sjbf_nodes_init(struct sim *s)
{
	struct easy_nodes *z;

	easy_nodes_init(s);
	z = s->own;
	z->shortest_first = true;
}

static void
easy_nodes_submit(struct sim *s, int32_t job)
{
	struct easy_nodes *z = s->own;

	z->waiting[z->len++] = job;
}

static void
drop(int32_t *list, size_t *len, int32_t job)
{
	size_t i;

	for (i = 0; list[i] != job; i++)
		;
	--*len;
	memmove(list + i, list + i + 1, (*len - i) * sizeof(*list));
}

static void
easy_nodes_end(struct sim *s, int32_t job, bool early)
{
	struct easy_nodes *z = s->own;

	(void)early;
	drop(z->running, &z->running_len, job);
}

/* By planned end: those that run are few, and come nearly in that order. */
static void
start(struct sim *s, int32_t job)
{
	struct easy_nodes *z = s->own;
	int64_t end = s->now + s->jobs[job].limit_s;
	const struct sim_job *j;
	size_t i = z->running_len++;

	sim_start(s, job, NULL);
	for (; i > 0; i--) {
		j = &s->jobs[z->running[i - 1]];
		if (j->start_at + j->limit_s <= end)
			break;
		z->running[i] = z->running[i - 1];
	}
	z->running[i] = job;
}

/* When the head fits by the limits of those that run; fills z->then. */
static int64_t
find_shadow(const struct sim *s, struct easy_nodes *z, const struct need *head)
{
	const struct sim_job *j;
	int64_t at = s->now;
	size_t i = 0;

	memcpy(z->then, s->free_nodes,
	    (size_t)s->cluster->nodes_len * sizeof(*z->then));
	while (i < z->running_len) {
		j = &s->jobs[z->running[i]];
		at = j->start_at + j->limit_s;
		for (; i < z->running_len; i++) {
			j = &s->jobs[z->running[i]];
			if (j->start_at + j->limit_s > at)
				break;
			nodes_give(s->cluster, z->then, j->need->parts,
			    j->need->parts_len);
		}
		if (nodes_fit(s->cluster, z->then, head))
			break;
	}
	return at;
}

static bool
may_pass(struct sim *s, struct easy_nodes *z, const struct need *head,
    const struct sim_job *j, int64_t shadow)
{
	struct need *n = j->need;
	int32_t len;

	if (n->cpus > s->free)
		return false;
	len = nodes_place(s->cluster, s->free_nodes, n, s->parts);
	if (len == 0)
		return false;
	if (j->limit_s > shadow - s->now) {
		nodes_take(s->cluster, z->then, s->parts, len);
		if (!nodes_fit(s->cluster, z->then, head)) {
			nodes_give(s->cluster, z->then, s->parts, len);
			return false;
		}
	}
	sim_keep_parts(n, s->parts, len);
	return true;
}

static int
cmp_limit(const void *a, const void *b, void *jobs)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	const struct sim_job *i = jobs;

	if (i[x].limit_s != i[y].limit_s)
		return i[x].limit_s < i[y].limit_s ? -1 : 1;
	return (x > y) - (x < y);
}

static void
try_others(struct sim *s, struct easy_nodes *z)
{
	const struct need *head = s->jobs[z->waiting[0]].need;
	int64_t shadow = find_shadow(s, z, head);
	size_t n = z->len - 1, i;

	memcpy(z->others, z->waiting + 1, n * sizeof(*z->others));
	if (z->shortest_first)
		qsort_r(z->others, n, sizeof(*z->others), cmp_limit, s->jobs);
	for (i = 0; i < n && s->free > 0; i++) {
		if (!may_pass(s, z, head, &s->jobs[z->others[i]], shadow))
			continue;
		drop(z->waiting, &z->len, z->others[i]);
		start(s, z->others[i]);
	}
}

static void
easy_nodes_pass(struct sim *s)
{
	struct easy_nodes *z = s->own;
	int32_t head;

	while (z->len > 0 && sim_fits(s, z->waiting[0])) {
		head = z->waiting[0];
		drop(z->waiting, &z->len, head);
		start(s, head);
	}
	if (z->len > 1)
		try_others(s, z);
}

static void
easy_nodes_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct easy_nodes *z = s->own;
	int32_t head = z->waiting[0];

	if (!explain_plain(s, job, head, b))
		(void)buf_addf(b, "it would delay job %lld",
		    (long long)s->jobs[head].id);
}

const struct policy policy_easy_nodes = {
	.name = "easy", .init = easy_nodes_init, .submit = easy_nodes_submit,
	.end = easy_nodes_end, .pass = easy_nodes_pass,
	.why = easy_nodes_why,
};
const struct policy policy_easy_sjbf_nodes = {
	.name = "easy-sjbf", .init = sjbf_nodes_init,
	.submit = easy_nodes_submit, .end = easy_nodes_end,
	.pass = easy_nodes_pass, .why = easy_nodes_why,
};
