/*
 * policy-easy-ids.c - EASY backfilling where machines have names, as Batsim
 * has it: the head reserves the lowest machines that will be free together,
 * and a younger job starts only on machines that are free for all its limit,
 * that reservation counted.
 */
#include "sim.h"

#include <inttypes.h>
#include <string.h>

#include "xalloc.h"

struct easy_ids {
	struct profile profile;	/* what the limits of those that run leave */
	int32_t *waiting;	/* in the order of trying, without the head */
	size_t len;
	int32_t head;
	int32_t fresh;		/* from here on nobody has been tried */
	bool shortest_first;
	sim_word *set, *head_set;
};

static void
easy_ids_init(struct sim *s)
{
	struct easy_ids *z = xcalloc(1, sizeof(*z));

	profile_init(&z->profile, s);
	z->waiting = xcalloc((size_t)s->jobs_len + 1, sizeof(*z->waiting));
	z->head = NOBODY;
	z->set = xcalloc(s->words, sizeof(*z->set));
	z->head_set = xcalloc(s->words, sizeof(*z->head_set));
	s->own = z;
}

static void
sjbf_ids_init(struct sim *s)
{
	struct easy_ids *z;

	easy_ids_init(s);
	z = s->own;
	z->shortest_first = true;
}

static void
easy_ids_submit(struct sim *s, int32_t job)
{
	struct easy_ids *z = s->own;
	size_t i = z->len;

	while (z->shortest_first && i > 0 &&
	    s->jobs[z->waiting[i - 1]].limit_s > s->jobs[job].limit_s)
		i--;
	memmove(z->waiting + i + 1, z->waiting + i,
	    (z->len++ - i) * sizeof(*z->waiting));
	z->waiting[i] = job;
}

static void
easy_ids_end(struct sim *s, int32_t job, bool early)
{
	const struct sim_job *j = &s->jobs[job];
	struct easy_ids *z = s->own;

	if (!early)
		return;
	profile_advance(&z->profile, s->now);
	profile_give(&z->profile, s->now, j->start_at + j->limit_s, j,
	    j->machines);
}

/* Starts the job if it can start now; else *at is when it can, on set. */
static bool
try_start(struct sim *s, int32_t job, sim_word *set, int64_t *at)
{
	const struct sim_job *j = &s->jobs[job];
	struct easy_ids *z = s->own;

	*at = profile_find(&z->profile, j, set);
	if (*at > s->now)
		return false;
	profile_take(&z->profile, *at, *at + j->limit_s, j, set);
	sim_start(s, job, set);
	return true;
}

static int32_t
take_oldest(struct easy_ids *z)
{
	size_t i, at = 0;
	int32_t job;

	if (z->len == 0)
		return NOBODY;
	for (i = 1; i < z->len; i++)
		if (z->waiting[i] < z->waiting[at])
			at = i;
	job = z->waiting[at];
	z->len--;
	memmove(z->waiting + at, z->waiting + at + 1,
	    (z->len - at) * sizeof(*z->waiting));
	return job;
}

/* All that wait, or only those that nobody has tried yet. */
static void
try_others(struct sim *s, struct easy_ids *z, bool all)
{
	size_t i, kept = 0;
	int64_t at;
	int32_t job;

	for (i = 0; i < z->len; i++) {
		job = z->waiting[i];
		if ((all || job >= z->fresh) &&
		    s->jobs[job].procs <= s->free &&
		    try_start(s, job, z->set, &at))
			continue;
		z->waiting[kept++] = job;
	}
	z->len = kept;
}

static void
easy_ids_pass(struct sim *s)
{
	struct easy_ids *z = s->own;
	bool all = s->freed;
	const struct sim_job *head;
	int64_t at = 0;

	profile_advance(&z->profile, s->now);
	for (;;) {
		if (z->head == NOBODY) {
			z->head = take_oldest(z);
			all = true;
		}
		if (z->head == NOBODY)
			break;
		if (!try_start(s, z->head, z->head_set, &at))
			break;
		z->head = NOBODY;
	}
	if (z->head != NOBODY) {
		head = &s->jobs[z->head];
		profile_take(&z->profile, at, at + head->limit_s, head,
		    z->head_set);
		try_others(s, z, all);
		profile_give(&z->profile, at, at + head->limit_s, head,
		    z->head_set);
	}
	z->fresh = s->submitted;
}

static void
easy_ids_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct sim_job *j = &s->jobs[job];
	const struct easy_ids *z = s->own;

	if (!explain_plain(s, job, z->head, b))
		(void)buf_addf(b, "it needs %d machine%s until its limit at %"
		    PRId64 ", and of the %" PRId64 " that are free job %"
		    PRId64 " has reserved some before", j->procs,
		    j->procs == 1 ? "" : "s",
		    s->now + j->limit_s, s->free, s->jobs[z->head].id);
}

const struct policy policy_easy_ids = {
	.name = "easy", .init = easy_ids_init, .submit = easy_ids_submit,
	.end = easy_ids_end, .pass = easy_ids_pass, .why = easy_ids_why,
};
const struct policy policy_easy_sjbf_ids = {
	.name = "easy-sjbf", .init = sjbf_ids_init,
	.submit = easy_ids_submit, .end = easy_ids_end,
	.pass = easy_ids_pass, .why = easy_ids_why,
};
