/*
 * round-policy-gittins.c - the largest Gittins index first, over GPU time
 * (Tiresias's 2D-Gittins, NSDI'19, section 3.2.2): for a job that has had a,
 * the largest over d > a of
 *
 *	P(size <= d | size > a) / E[min(size, d) - a | size > a]
 *
 * The distribution is that of the jobs of the input, whose size is the time
 * with all that they can use, times their GPUs. On the curve with one point
 * for each size d,
 *
 *	x = the sum of min(size, d) over all jobs, y = those with size <= d,
 *
 * the index is the steepest slope from the point of a to a later one. So the
 * later points that can be it lie on a concave hull, which is kept as a list
 * for each point: which one is next on the hull of those behind it.
 */
#include "rounds.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "xalloc.h"

struct point {
	int64_t size;
	int64_t x, y;
	size_t next;		/* of the hull; at the last: itself */
};

struct gittins {
	size_t len;
	int64_t jobs;
	struct point points[];
};

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* All bits of n jobs times x seconds: *low has the last 32, the others come. */
static uint64_t
product(int64_t n, int64_t x, uint64_t *low)
{
	uint64_t right;

	assert(n >= 0 && n <= INT32_MAX && x >= 0);
	right = (uint64_t)n * ((uint64_t)x & UINT32_MAX);
	*low = right & UINT32_MAX;
	return (uint64_t)n * ((uint64_t)x >> 32) + (right >> 32);
}

/* Whether the slope from (x, y) to a is smaller than the one to b. */
static bool
is_flatter(int64_t x, int64_t y, const struct point *a, const struct point *b)
{
	uint64_t a_low, b_low;
	uint64_t a_high = product(a->y - y, b->x - x, &a_low);
	uint64_t b_high = product(b->y - y, a->x - x, &b_low);

	return a_high != b_high ? a_high < b_high : a_low < b_low;
}

/* The steepest from (x, y), of the point first and those behind it. */
static size_t
steepest(const struct gittins *g, int64_t x, int64_t y, size_t first)
{
	size_t at = first, next;

	for (; (next = g->points[at].next) != at; at = next)
		if (!is_flatter(x, y, &g->points[at], &g->points[next]))
			break;
	return at;
}

static void
add_point(struct gittins *g, int64_t size, int64_t y)
{
	const struct point *last = &g->points[g->len];
	struct point *p = &g->points[g->len++];

	*p = (struct point){ .size = size, .y = y };
	if (g->len == 1)
		p->x = size * g->jobs;
	else
		p->x = last[-1].x + (size - last[-1].size) *
		    (g->jobs - last[-1].y);
}

/* The sizes of all jobs; their sum is the largest x. NULL and *e: too large. */
static int64_t *
sizes_of(const struct rounds *r, struct err *e)
{
	int64_t *sizes = xcalloc(r->jobs_len + 1, sizeof(*sizes));
	int64_t left = INT64_MAX;
	size_t i;

	for (i = 0; i < r->jobs_len; i++) {
		sizes[i] = r->jobs[i].gpus *
		    (int64_t)ceil(model_left_s(r, &r->jobs[i]));
		if (sizes[i] > left || i == INT32_MAX) {
			(void)err_perm(e, "gittins: all jobs together are too "
			    "large");
			free(sizes);
			return NULL;
		}
		left -= sizes[i];
	}
	return sizes;
}

static int
begin(struct rounds *r, struct err *e)
{
	int64_t *sizes = sizes_of(r, e);
	struct gittins *g;
	size_t i;

	if (sizes == NULL)
		return -1;
	g = xcalloc(1, sizeof(*g) + r->jobs_len * sizeof(g->points[0]));
	qsort(sizes, r->jobs_len, sizeof(*sizes), by_size);
	g->jobs = (int64_t)r->jobs_len;
	for (i = 0; i < r->jobs_len; i++)
		if (i + 1 == r->jobs_len || sizes[i] < sizes[i + 1])
			add_point(g, sizes[i], (int64_t)i + 1);
	free(sizes);
	for (i = g->len; i-- > 0;) {
		struct point *p = &g->points[i];

		p->next = i + 1 == g->len ? i :
		    steepest(g, p->x, p->y, i + 1);
	}
	r->gittins = g;
	return 0;
}

/* The first point whose size is above a; len if there is none. */
static size_t
above(const struct gittins *g, int64_t a)
{
	size_t low = 0, high = g->len, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (g->points[mid].size > a)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static double
key(const struct rounds *r, const struct rjob *j)
{
	const struct gittins *g = r->gittins;
	int64_t had = j->ran_s * j->gpus, y = 0;
	size_t i = above(g, had);
	const struct point *best;
	int64_t x;

	if (i == g->len)
		return 0;
	if (i == 0) {
		x = had * g->jobs;
	} else {
		y = g->points[i - 1].y;
		x = g->points[i - 1].x +
		    (had - g->points[i - 1].size) * (g->jobs - y);
	}
	best = &g->points[steepest(g, x, y, i)];
	return -((double)(best->y - y) / (double)(best->x - x));
}

const struct round_policy round_policy_gittins = {
	.name = "gittins",
	.key = key,
	.begin = begin,
	.not_there = "it is Tiresias's, and not in SYNERGY's simulator",
};
