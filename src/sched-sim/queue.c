/*
 * queue.c - waiting jobs by rank, in trees that find the next one that fits.
 *
 * A node bounds the jobs below it from below, in processors and in time, each
 * on its own, so that a search may go down in vain where one job is narrow and
 * another short. Therefore jobs of about the same width have a tree of their
 * own: in all trees but one, either all or none are narrow enough, and time
 * alone decides.
 */
#include "sim.h"

#include <assert.h>

#include "xalloc.h"

static int
class_of(int32_t procs)
{
	return 31 - __builtin_clz((unsigned)procs);
}

static void
tree_init(struct queue_tree *t, int32_t len)
{
	size_t i;

	t->len = 0;
	for (t->width = 1; t->width < (size_t)len; t->width *= 2)
		;
	t->rank = xcalloc((size_t)len, sizeof(*t->rank));
	t->procs = xcalloc(2 * t->width, sizeof(*t->procs));
	t->limit_s = xcalloc(2 * t->width, sizeof(*t->limit_s));
	for (i = 0; i < 2 * t->width; i++) {
		t->procs[i] = INT32_MAX;
		t->limit_s[i] = INT64_MAX;
	}
}

void
queue_init(struct queue *q, const struct sim_job *jobs, int32_t len,
    const int32_t *job_of)
{
	int32_t n[QUEUE_TREES] = { 0 }, i;
	struct queue_tree *t;
	int c;

	*q = (struct queue){ .place = xcalloc((size_t)len + 1,
	    sizeof(*q->place)) };
	for (i = 0; i < len; i++)
		n[class_of(jobs[i].procs)]++;
	for (c = 0; c < QUEUE_TREES; c++)
		if (n[c] > 0)
			tree_init(&q->trees[c], n[c]);
	for (i = 0; i < len; i++) {
		t = &q->trees[class_of(jobs[job_of ? job_of[i] : i].procs)];
		q->place[i] = t->len;
		t->rank[t->len++] = i;
	}
}

/* Sets a leaf, and above it what changes. */
static void
put(struct queue_tree *t, int32_t place, int32_t procs, int64_t limit_s)
{
	size_t i = t->width + (size_t)place;

	for (;;) {
		t->procs[i] = procs;
		t->limit_s[i] = limit_s;
		if (i == 1)
			return;
		procs = MIN(procs, t->procs[i ^ 1]);
		limit_s = MIN(limit_s, t->limit_s[i ^ 1]);
		i /= 2;
		if (t->procs[i] == procs && t->limit_s[i] == limit_s)
			return;
	}
}

void
queue_add(struct queue *q, int32_t rank, const struct sim_job *j)
{
	put(&q->trees[class_of(j->procs)], q->place[rank], j->procs,
	    j->limit_s);
}

void
queue_del(struct queue *q, int32_t rank, const struct sim_job *j)
{
	struct queue_tree *t = &q->trees[class_of(j->procs)];

	assert(t->procs[t->width + (size_t)q->place[rank]] == j->procs);
	put(t, q->place[rank], INT32_MAX, INT64_MAX);
}

/* The first place of a rank that is not before from. */
static size_t
first_place(const struct queue_tree *t, int32_t from)
{
	int32_t lo = 0, hi = t->len, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (t->rank[mid] < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (size_t)lo;
}

static bool
may_fit(const struct queue_tree *t, size_t i, int64_t procs, int64_t limit_s,
    int64_t extra)
{
	return t->procs[i] <= procs &&
	    (t->limit_s[i] <= limit_s || t->procs[i] <= extra);
}

static int32_t
tree_find(const struct queue_tree *t, int32_t from, int64_t procs,
    int64_t limit_s, int64_t extra)
{
	size_t i = first_place(t, from);

	if (i == t->width)
		return NOBODY;
	for (i += t->width; i != 0;) {
		if (may_fit(t, i, procs, limit_s, extra)) {
			if (i >= t->width)
				return t->rank[i - t->width];
			i *= 2;
			continue;
		}
		while (i & 1)
			i /= 2;
		if (i != 0)
			i++;
	}
	return NOBODY;
}

int32_t
queue_find(const struct queue *q, int32_t from, int64_t procs,
    int64_t limit_s, int64_t extra)
{
	const struct queue_tree *t;
	int32_t first = NOBODY, rank;

	for (t = q->trees; t < q->trees + QUEUE_TREES; t++) {
		if (t->len == 0 || !may_fit(t, 1, procs, limit_s, extra))
			continue;
		rank = tree_find(t, from, procs, limit_s, extra);
		if (rank != NOBODY && (first == NOBODY || rank < first))
			first = rank;
	}
	return first;
}
