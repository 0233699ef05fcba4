/*
 * outside.c - decisions that come from outside: what a policy of ours asserts
 * is an error here, with a sentence.
 */
#include "sim.h"

#include <stdlib.h>

#include "xalloc.h"

struct by_id {
	int64_t id;
	int32_t job;
};

static int
cmp_id(const void *a, const void *b)
{
	int64_t x = ((const struct by_id *)a)->id;
	int64_t y = ((const struct by_id *)b)->id;

	return (x > y) - (x < y);
}

/* All jobs of the run by their ids; lives as long as the program. */
static const struct by_id *
all_by_id(const struct sim *s)
{
	static struct by_id *all;
	int32_t i;

	if (all != NULL)
		return all;
	all = xcalloc((size_t)s->jobs_len + 1, sizeof(*all));
	for (i = 0; i < s->jobs_len; i++)
		all[i] = (struct by_id){ s->jobs[i].id, i };
	qsort(all, (size_t)s->jobs_len, sizeof(*all), cmp_id);
	return all;
}

int32_t
outside_find(const struct sim *s, int64_t id)
{
	const struct by_id key = { .id = id }, *found;

	found = bsearch(&key, all_by_id(s), (size_t)s->jobs_len, sizeof(key),
	    cmp_id);
	return found == NULL ? NOBODY : found->job;
}

static bool
are_free(const struct sim *s, const sim_word *set, int32_t procs)
{
	int64_t n = 0;
	size_t w;

	for (w = 0; w < s->words; w++) {
		if ((set[w] & ~s->free_machines[w]) != 0)
			return false;
		n += __builtin_popcountll(set[w]);
	}
	return n == procs;
}

int
outside_start(struct sim *s, int64_t id, const sim_word *set, struct err *e)
{
	int32_t job = outside_find(s, id);
	const struct sim_job *j = &s->jobs[job];

	if (job == NOBODY)
		return err_perm(e, "starts job %lld, which is not in the input",
		    (long long)id);
	if (job >= s->submitted)
		return err_perm(e, "starts job %lld, which is submitted at "
		    "%lld", (long long)id, (long long)j->submit_at);
	if (j->start_at >= 0)
		return err_perm(e, "starts job %lld, which was started at "
		    "%lld", (long long)id, (long long)j->start_at);
	if (s->free_nodes != NULL && !sim_fits(s, job))
		return err_perm(e, "starts job %lld, which does not fit on "
		    "what is free", (long long)id);
	if (j->procs > s->free)
		return err_perm(e, "starts job %lld, which needs %d "
		    "processors, and %lld are free", (long long)id, j->procs,
		    (long long)s->free);
	if (set != NULL && !are_free(s, set, j->procs))
		return err_perm(e, "starts job %lld on machines that are not "
		    "free, or not %d", (long long)id, j->procs);
	sim_start(s, job, set);
	return 0;
}
