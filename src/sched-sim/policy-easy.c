/*
 * policy-easy.c - EASY backfilling: the oldest waiting job, the head, is to
 * start as soon as the limits of those that run allow (the shadow time); a
 * younger one may start before it if it ends by then, or fits into what the
 * head will leave over (extra). easy looks at the younger ones in order of
 * submission, easy-sjbf shortest limit first.
 *
 * While nothing ends, neither shadow nor extra grow, so that a waiting job
 * which did not fit still does not: only those just submitted are looked at.
 */
#include "sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "xalloc.h"

struct easy {
	struct queue queue;	/* all that wait but the head and the fresh */
	struct ends ends;	/* of all that run, by their limits */
	int32_t *rank, *job;	/* rank of a job, job of a rank; NULL: same */
	int32_t head;
	int32_t oldest;		/* nobody older waits but the head */
	int32_t fresh;		/* from here on they are not in the queue */
	int64_t shadow, extra;
};

struct by_limit {
	int64_t limit_s;
	int32_t job;
};

static int
cmp_limit(const void *a, const void *b)
{
	const struct by_limit *x = a, *y = b;

	if (x->limit_s != y->limit_s)
		return x->limit_s < y->limit_s ? -1 : 1;
	return x->job < y->job ? -1 : 1;
}

static void
easy_init(struct sim *s)
{
	struct easy *z = xcalloc(1, sizeof(*z));

	queue_init(&z->queue, s->jobs, s->jobs_len, NULL);
	z->head = NOBODY;
	s->own = z;
}

static void
sjbf_init(struct sim *s)
{
	size_t n = (size_t)s->jobs_len, i;
	struct by_limit *all = xcalloc(n + 1, sizeof(*all));
	struct easy *z = xcalloc(1, sizeof(*z));

	for (i = 0; i < n; i++)
		all[i] = (struct by_limit){ s->jobs[i].limit_s, (int32_t)i };
	qsort(all, n, sizeof(*all), cmp_limit);
	z->rank = xcalloc(n + 1, sizeof(*z->rank));
	z->job = xcalloc(n + 1, sizeof(*z->job));
	for (i = 0; i < n; i++) {
		z->job[i] = all[i].job;
		z->rank[all[i].job] = (int32_t)i;
	}
	free(all);
	queue_init(&z->queue, s->jobs, s->jobs_len, z->job);
	z->head = NOBODY;
	s->own = z;
}

static int32_t
rank_of(const struct easy *z, int32_t job)
{
	return z->rank == NULL ? job : z->rank[job];
}

static void
easy_start(struct sim *s, struct easy *z, int32_t job)
{
	const struct sim_job *j = &s->jobs[job];

	sim_start(s, job, NULL);
	ends_add(&z->ends, s->now + j->limit_s, j->procs);
}

static void
easy_end(struct sim *s, int32_t job, bool early)
{
	const struct sim_job *j = &s->jobs[job];
	struct easy *z = s->own;

	(void)early;
	ends_del(&z->ends, j->start_at + j->limit_s, j->procs);
}

/* Takes the oldest waiting job out of the queue; NOBODY: none waits. */
static int32_t
take_oldest(struct sim *s, struct easy *z)
{
	while (z->oldest < s->submitted && s->jobs[z->oldest].start_at >= 0)
		z->oldest++;
	if (z->oldest == s->submitted)
		return NOBODY;
	if (z->oldest < z->fresh)
		queue_del(&z->queue, rank_of(z, z->oldest),
		    &s->jobs[z->oldest]);
	else
		z->fresh = z->oldest + 1;
	return z->oldest++;
}

/*
 * Starts heads until one does not fit: true, if its shadow is to be found
 * anew.
 */
static bool
start_heads(struct sim *s, struct easy *z)
{
	bool anew = s->freed;

	for (;;) {
		if (z->head == NOBODY) {
			z->head = take_oldest(s, z);
			anew = true;
		}
		if (z->head == NOBODY || s->jobs[z->head].procs > s->free)
			return anew;
		easy_start(s, z, z->head);
		z->head = NOBODY;
	}
}

static void
find_shadow(struct sim *s, struct easy *z)
{
	int64_t need = s->jobs[z->head].procs, back;

	z->shadow = ends_when(&z->ends, need - s->free, &back);
	z->extra = s->free + back - need;
}

static void
pass_by(struct sim *s, struct easy *z, int32_t job)
{
	if (s->jobs[job].limit_s > z->shadow - s->now)
		z->extra -= s->jobs[job].procs;
	assert(z->extra >= 0);
	easy_start(s, z, job);
}

/* Looks at the only job that is new, while nothing else is. */
static void
one_fresh(struct sim *s, struct easy *z)
{
	const struct sim_job *j = &s->jobs[z->fresh];

	if (j->procs <= s->free && (j->limit_s <= z->shadow - s->now ||
	    j->procs <= z->extra))
		pass_by(s, z, z->fresh);
	else
		queue_add(&z->queue, rank_of(z, z->fresh), j);
	z->fresh++;
}

static void
all_waiting(struct sim *s, struct easy *z)
{
	int32_t rank, job;

	for (; z->fresh < s->submitted; z->fresh++)
		queue_add(&z->queue, rank_of(z, z->fresh),
		    &s->jobs[z->fresh]);
	for (rank = 0; s->free > 0; rank++) {
		rank = queue_find(&z->queue, rank, s->free,
		    z->shadow - s->now, z->extra);
		if (rank == NOBODY)
			break;
		job = z->job == NULL ? rank : z->job[rank];
		queue_del(&z->queue, rank, &s->jobs[job]);
		pass_by(s, z, job);
	}
}

static void
easy_pass(struct sim *s)
{
	struct easy *z = s->own;
	bool anew = start_heads(s, z);

	if (z->head == NOBODY)
		return;
	if (anew)
		find_shadow(s, z);
	if (!anew && s->submitted - z->fresh == 1)
		one_fresh(s, z);
	else
		all_waiting(s, z);
}

static void
easy_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct sim_job *j = &s->jobs[job];
	const struct easy *z = s->own;

	if (!explain_plain(s, job, z->head, b))
		(void)buf_addf(b, "it would delay job %" PRId64 ", which can "
		    "start at %" PRId64 ": its limit ends at %" PRId64
		    ", it needs %d processor%s, and %" PRId64 " %s extra",
		    s->jobs[z->head].id, z->shadow, s->now + j->limit_s,
		    j->procs, j->procs == 1 ? "" : "s", z->extra,
		    z->extra == 1 ? "is" : "are");
}

const struct policy policy_easy = {
	.name = "easy", .init = easy_init, .end = easy_end,
	.pass = easy_pass, .why = easy_why,
};
const struct policy policy_easy_sjbf = {
	.name = "easy-sjbf", .init = sjbf_init, .end = easy_end,
	.pass = easy_pass, .why = easy_why,
};
