/*
 * policy-conservative.c - everybody has a reservation: on arrival the earliest
 * hole for its limit. When a job ends early, each that waits, in order of
 * submission, gives its reservation up and takes the earliest hole again,
 * which is never later.
 */
#include "sim.h"

#include <inttypes.h>
#include <string.h>

#include "die.h"
#include "xalloc.h"

struct conservative {
	struct profile profile;
	struct heap starts;	/* reservations by time; the key is the time */
	int32_t *waiting;	/* in order of submission */
	size_t len;
	size_t reserved;	/* of these, so many have a reservation */
	bool early;		/* somebody ended early since the last pass */
	sim_word *set;
};

static void
conservative_init(struct sim *s)
{
	struct conservative *c = xcalloc(1, sizeof(*c));

	profile_init(&c->profile, s);
	heap_init(&c->starts);
	c->waiting = xcalloc((size_t)s->jobs_len + 1, sizeof(*c->waiting));
	c->set = xcalloc(s->words + 1, sizeof(*c->set));
	s->own = c;
}

static void
conservative_submit(struct sim *s, int32_t job)
{
	struct conservative *c = s->own;

	c->waiting[c->len++] = job;
}

static void
conservative_end(struct sim *s, int32_t job, bool early)
{
	const struct sim_job *j = &s->jobs[job];
	struct conservative *c = s->own;

	if (!early)
		return;
	profile_advance(&c->profile, s->now);
	profile_give(&c->profile, s->now, j->start_at + j->limit_s, j,
	    j->machines);
	c->early = true;
}

/* Takes the earliest hole; returns when. */
static int64_t
take_hole(struct sim *s, struct conservative *c, struct sim_job *j)
{
	int64_t at = profile_find(&c->profile, j, c->set);

	profile_take(&c->profile, at, at + j->limit_s, j, c->set);
	if (s->words > 0)
		memcpy(j->machines, c->set, s->words * sizeof(*c->set));
	return at;
}

static void
reserve(struct sim *s, struct conservative *c, struct sim_job *j)
{
	if (s->words > 0)
		j->machines = xcalloc(s->words, sizeof(*j->machines));
	if (heap_push(&c->starts, &j->node, take_hole(s, c, j)) < 0)
		die(ST_TEMP, "out of memory");
}

/* Equal starts go by when they were decided: who does not move, stays. */
static void
reserve_again(struct sim *s, struct conservative *c, struct sim_job *j)
{
	int64_t was = j->node.key, at;

	profile_give(&c->profile, was, was + j->limit_s, j, j->machines);
	at = take_hole(s, c, j);
	if (at != was)
		heap_move(&c->starts, &j->node, at);
}

/* Forgets those that have started. */
static void
sweep(struct sim *s, struct conservative *c)
{
	size_t i, kept = 0;

	for (i = 0; i < c->len; i++)
		if (s->jobs[c->waiting[i]].start_at < 0)
			c->waiting[kept++] = c->waiting[i];
	c->len = c->reserved = kept;
}

static void
conservative_pass(struct sim *s)
{
	struct conservative *c = s->own;
	struct heap_node *n;
	struct sim_job *j;
	size_t i;
	bool started = false;

	profile_advance(&c->profile, s->now);
	for (i = 0; c->early && i < c->reserved; i++)
		reserve_again(s, c, &s->jobs[c->waiting[i]]);
	c->early = false;
	for (; c->reserved < c->len; c->reserved++)
		reserve(s, c, &s->jobs[c->waiting[c->reserved]]);
	while ((n = heap_top(&c->starts)) != NULL && n->key == s->now) {
		(void)heap_pop(&c->starts);
		j = container_of(n, struct sim_job, node);
		sim_start(s, (int32_t)(j - s->jobs), j->machines);
		started = true;
	}
	if (started)
		sweep(s, c);
}

/* A reservation behind another's old one may begin where nothing ends. */
static int64_t
conservative_wake(const struct sim *s)
{
	const struct conservative *c = s->own;
	const struct heap_node *n = heap_top(&c->starts);

	return n == NULL ? NEVER : n->key;
}

static void
conservative_why(const struct sim *s, int32_t job, struct buf *b)
{
	(void)buf_addf(b, "it has a reservation at %" PRId64 ", and ",
	    s->jobs[job].node.key);
	explain_room(s, job, b);
}

const struct policy policy_conservative = {
	.name = "conservative", .init = conservative_init,
	.submit = conservative_submit, .end = conservative_end,
	.pass = conservative_pass, .wake = conservative_wake,
	.why = conservative_why,
};
