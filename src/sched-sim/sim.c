/*
 * sim.c - the loop of the space-sharing family. It knows which processors are
 * free and who runs; the policy decides.
 *
 * At one instant, all that ends comes first, then all that is submitted, then
 * one pass. One by one, it is as pyss does it: each submission, then each end,
 * has a pass of its own; and what was planned to end by now counts as free
 * from the instant's beginning.
 */
#include "sim.h"

#include <assert.h>
#include <string.h>

#include "die.h"
#include "xalloc.h"

static int64_t
planned_end(const struct sim_job *j)
{
	return j->start_at + j->limit_s;
}

bool
sim_fits(const struct sim *s, int32_t job)
{
	const struct sim_job *j = &s->jobs[job];

	if (s->free_nodes == NULL)
		return j->procs <= s->free;
	return nodes_fit(s->cluster, s->free_nodes, j->need);
}

/* The job's own copy of its parts. */
void
sim_keep_parts(struct need *n, const struct part *parts, int32_t len)
{
	n->parts = xrealloc(n->parts, (size_t)len, sizeof(*parts));
	memcpy(n->parts, parts, (size_t)len * sizeof(*parts));
	n->parts_len = len;
}

static void
start_on_nodes(struct sim *s, struct sim_job *j)
{
	struct need *n = j->need;
	int32_t len, i;

	if (n->parts_len == 0) {
		len = nodes_place(s->cluster, s->free_nodes, n, s->parts);
		assert(len > 0);
		sim_keep_parts(n, s->parts, len);
	}
	nodes_take(s->cluster, s->free_nodes, n->parts, n->parts_len);
	j->procs = 0;
	for (i = 0; i < n->parts_len; i++)
		j->procs += n->parts[i].res.v[RES_CPU];
}

void
sim_start(struct sim *s, int32_t job, const sim_word *machines)
{
	struct sim_job *j = &s->jobs[job];
	size_t w;

	assert(j->start_at < 0 && job < s->submitted);
	if (s->free_nodes != NULL)
		start_on_nodes(s, j);
	assert(j->procs <= s->free);
	j->start_at = s->now;
	s->free -= j->procs;
	if (s->name_machines && j->machines == NULL)
		j->machines = xcalloc(s->words, sizeof(*j->machines));
	if (s->name_machines && machines == NULL) {
		profile_lowest(s->free_machines, s->words, j->procs,
		    j->machines);
		machines = j->machines;
	}
	for (w = 0; w < s->words; w++) {
		assert((machines[w] & ~s->free_machines[w]) == 0);
		j->machines[w] = machines[w];
		s->free_machines[w] &= ~machines[w];
	}
	if (heap_push(&s->running, &j->node, s->now + j->run_s) < 0)
		die(ST_TEMP, "out of memory");
	if (s->started != NULL)
		s->started(s, job);
}

static void
give_back(struct sim *s, int32_t job)
{
	struct sim_job *j = &s->jobs[job];
	size_t w;

	s->free += j->procs;
	assert(s->free <= s->procs);
	if (s->free_nodes != NULL)
		nodes_give(s->cluster, s->free_nodes, j->need->parts,
		    j->need->parts_len);
	for (w = 0; w < s->words; w++) {
		assert((s->free_machines[w] & j->machines[w]) == 0);
		s->free_machines[w] |= j->machines[w];
	}
	s->freed = true;
	if (s->policy->end != NULL)
		s->policy->end(s, job, planned_end(j) > s->now);
}

static void
pass(struct sim *s)
{
	s->policy->pass(s);
	s->freed = false;
	if (s->explain != NOBODY)
		explain(s);
}

static void
submit_next(struct sim *s)
{
	int32_t job = s->submitted++;

	if (s->policy->submit != NULL)
		s->policy->submit(s, job);
}

static bool
submission_is_due(const struct sim *s)
{
	return s->submitted < s->jobs_len &&
	    s->jobs[s->submitted].submit_at == s->now;
}

/* Whoever ends now leaves the heap for the list; where they begin in it. */
static int32_t
take_ended(struct sim *s)
{
	struct heap_node *n;
	int32_t first = s->ended_len;

	while ((n = heap_top(&s->running)) != NULL && n->key == s->now) {
		(void)heap_pop(&s->running);
		s->ended[s->ended_len++] = (int32_t)(container_of(n,
		    struct sim_job, node) - s->jobs);
	}
	return first;
}

static void
instant_at_once(struct sim *s)
{
	int32_t i;

	for (i = take_ended(s); i < s->ended_len; i++)
		give_back(s, s->ended[i]);
	while (submission_is_due(s))
		submit_next(s);
	pass(s);
}

static void
instant_one_by_one(struct sim *s)
{
	int32_t first = take_ended(s), last = s->ended_len, i;

	for (i = first; i < last; i++)
		if (planned_end(&s->jobs[s->ended[i]]) == s->now)
			give_back(s, s->ended[i]);
	if (first == last && !submission_is_due(s))
		pass(s);
	while (submission_is_due(s)) {
		submit_next(s);
		pass(s);
	}
	for (i = first; i < last; i++) {
		if (planned_end(&s->jobs[s->ended[i]]) > s->now)
			give_back(s, s->ended[i]);
		pass(s);
	}
}

static int64_t
next_instant(const struct sim *s)
{
	const struct heap_node *n = heap_top(&s->running);
	int64_t at = n == NULL ? NEVER : n->key;

	if (s->submitted < s->jobs_len)
		at = MIN(at, s->jobs[s->submitted].submit_at);
	if (s->policy->wake != NULL && s->ended_len < s->jobs_len)
		at = MIN(at, s->policy->wake(s));
	return at;
}

static void
begin(struct sim *s)
{
	size_t i;

	s->free = s->procs;
	s->words = s->name_machines ? (size_t)(s->procs + 63) / 64 : 0;
	s->free_machines = xcalloc(s->words + 1, sizeof(*s->free_machines));
	for (i = 0; s->name_machines && i < (size_t)s->procs; i++)
		s->free_machines[i / 64] |= (sim_word)1 << (i % 64);
	if (s->cluster->nodes_len > 0) {
		s->free_nodes = nodes_all(s->cluster);
		s->parts = xcalloc((size_t)s->cluster->nodes_len,
		    sizeof(*s->parts));
	}
	s->ended = xcalloc((size_t)s->jobs_len + 1, sizeof(*s->ended));
	heap_init(&s->running);
	if (s->policy->init != NULL)
		s->policy->init(s);
}

/* Nothing will ever happen again, but not all have ended. */
static int
stuck(const struct sim *s, struct err *e)
{
	int32_t i = 0;

	while (s->jobs[i].start_at >= 0)
		i++;
	return err_perm(e, "%s: job %lld waits for ever: at %lld nothing runs, "
	    "and nobody else is to be submitted", s->command,
	    (long long)s->jobs[i].id, (long long)s->now);
}

int
sim_run(struct sim *s, struct err *e)
{
	int64_t at;

	begin(s);
	while (!s->failed && !s->stopped && (at = next_instant(s)) != NEVER) {
		assert(at >= s->now);
		s->stopped = !s->go_on(s->now, s->ended_len, s->jobs_len);
		if (s->stopped)
			break;
		s->now = at;
		if (s->one_by_one)
			instant_one_by_one(s);
		else
			instant_at_once(s);
	}
	if (s->policy->release != NULL)
		s->policy->release(s);
	if (s->failed) {
		*e = s->err;
		return -1;
	}
	if (s->stopped)
		return 0;
	if (s->policy->outside && s->ended_len < s->jobs_len)
		return stuck(s, e);
	assert(s->ended_len == s->jobs_len && s->free == s->procs);
	return 0;
}
