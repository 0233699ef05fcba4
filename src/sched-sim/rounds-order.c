/*
 * rounds-order.c - the jobs that have arrived and not ended, in the order of
 * the policy.
 */
#include "rounds.h"

#include <string.h>

/* Seconds since it ran last, or since it came. */
static double
pause_s(const struct rounds *r, const struct rjob *j)
{
	return (double)r->now - (j->left_at >= 0 ? (double)j->left_at :
	    j->submit_at);
}

static int
level(const struct rounds *r, struct rjob *j)
{
	int at = r->policy->level != NULL ? r->policy->level(r, j) : 0;

	if (r->o->starve_s >= 0)
		j->starved = pause_s(r, j) > (double)r->o->starve_s;
	return j->starved && (r->policy->starving_first || !r->o->synergy) ?
	    -1 : at;
}

static void
set_keys(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->order_len; i++) {
		struct rank *k = &r->order[i];

		k->level = level(r, k->job);
		k->key = r->policy->key(r, k->job);
	}
}

static bool
rank_less(const struct rank *a, const struct rank *b)
{
	if (a->level != b->level)
		return a->level < b->level;
	if (a->key != b->key)
		return a->key < b->key;
	return a->submit_at < b->submit_at;
}

/* Merges [at, mid) and [mid, end), of which the first comes first. */
static void
merge(struct rank *a, size_t at, size_t mid, size_t end, struct rank *tmp)
{
	size_t i = 0, left = mid - at, to = at;

	if (!rank_less(&a[mid], &a[mid - 1]))
		return;
	memcpy(tmp, a + at, left * sizeof(*a));
	while (i < left && mid < end)
		a[to++] = rank_less(&a[mid], &tmp[i]) ? a[mid++] : tmp[i++];
	memcpy(a + to, tmp + i, (left - i) * sizeof(*a));
}

/* Stable; quick where little has changed since the last round. */
static void
sort_ranks(struct rank *a, size_t len, struct rank *tmp)
{
	size_t width, at;

	for (at = 1; at < len && !rank_less(&a[at], &a[at - 1]); at++)
		;
	if (at >= len)
		return;
	for (width = 1; width < len; width *= 2)
		for (at = 0; at + width < len; at += 2 * width)
			merge(a, at, at + width, MIN(at + 2 * width, len),
			    tmp);
}

void
rounds_order(struct rounds *r)
{
	set_keys(r);
	sort_ranks(r->order, r->order_len, r->scratch);
}

/*
 * The first jobs that fill the GPUs by number alone; smaller ones behind one
 * that does not fit come forward.
 */
void
rounds_choose_first(struct rounds *r)
{
	int64_t free_gpus = r->servers.len * r->servers.gpus;
	size_t i;

	r->first_len = 0;
	for (i = 0; i < r->order_len; i++) {
		struct rjob *j = r->order[i].job;

		if (j->gpus <= free_gpus) {
			r->first[r->first_len++] = r->order[i];
			free_gpus -= j->gpus;
		}
		if (r->o->synergy && pause_s(r, j) > STARVED_S)
			j->starved = true;
	}
}

void
rounds_first_by_gpus(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->first_len; i++) {
		r->first[i].level = 0;
		r->first[i].key = -r->first[i].job->gpus;
		r->first[i].submit_at = 0;
	}
	sort_ranks(r->first, r->first_len, r->scratch);
}
