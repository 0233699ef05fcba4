/*
 * rounds-order.c - the jobs that have arrived and not ended, in the order of
 * the policy.
 *
 * Where many wait, most of them are far from their turn, and keys change slowly
 * while they wait. So now and then all are put in order, and those that, as
 * their keys will be at the end of some rounds from now, cannot come before a
 * certain place are set aside, unordered: r->order is the near jobs and then
 * the far ones. Until then the near ones that come before that place are the
 * beginning of the whole order. Where the packing needs more than that, all
 * are put in order at once, so that nothing depends on the guess but the time
 * it takes.
 */
#include "rounds.h"

#include <string.h>

double
rounds_pause_s(const struct rounds *r, const struct rjob *j)
{
	return (double)r->now - (j->left_at >= 0 ? (double)j->left_at :
	    j->submit_at);
}

static int
level(const struct rounds *r, struct rjob *j)
{
	int at = r->policy->level != NULL ? r->policy->level(r, j) : 0;

	if (r->o->starve_s >= 0)
		j->starved = rounds_pause_s(r, j) > (double)r->o->starve_s;
	return j->starved && (r->policy->starving_first || !r->o->synergy) ?
	    -1 : at;
}

static void
set_keys(struct rounds *r, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++) {
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

/* ---- near and far ---- */

enum {
	FAR_ROUNDS = 64,	/* for so many rounds, at most */
	NEAR_MIN = 64,
};

/* By level and key alone. */
static bool
is_behind(const struct rank *a, const struct rank *b)
{
	return a->level != b->level ? a->level > b->level : a->key > b->key;
}

bool
rounds_can_split(const struct rounds *r)
{
	size_t i;

	if (r->o->say_rounds || r->o->at_once || r->explained != NULL ||
	    r->o->promote > 0 || r->allocation == OPT ||
	    (r->o->synergy && r->policy->first_only))
		return false;
	/* Equals stay in their order of the last round, which is not known. */
	for (i = 1; i < r->jobs_len; i++)
		if (r->jobs[i].submit_at == r->jobs[i - 1].submit_at)
			return false;
	return true;
}

/* Whether it is behind the cut at some time, if it does not run before. */
static bool
is_behind_at(struct rounds *r, struct rjob *j, int64_t at)
{
	struct rank then = { .job = j };
	int64_t now = r->now;
	bool starves;

	r->now = at;
	starves = r->o->synergy && !j->starved &&
	    rounds_pause_s(r, j) > STARVED_S;
	then.level = level(r, j);
	then.key = r->policy->key(r, j);
	r->now = now;
	return !starves && is_behind(&then, &r->cut);
}

void
rounds_split(struct rounds *r)
{
	size_t at = r->tried_len * 5 / 4 + NEAR_MIN, i, near, far = 0;

	if (!r->splits || r->near_len < r->order_len ||
	    at + NEAR_MIN > r->order_len)
		return;
	r->cut = r->order[at];
	r->far_until = r->now + FAR_ROUNDS * ROUND_S;
	for (i = near = at; i < r->order_len; i++) {
		struct rank *k = &r->order[i];

		if (!is_behind_at(r, k->job, r->now) ||
		    !is_behind_at(r, k->job, r->far_until)) {
			r->order[near++] = *k;
			continue;
		}
		k->job->speed = k->job->speedup;
		r->scratch[far++] = *k;
	}
	memcpy(r->order + near, r->scratch, far * sizeof(*r->order));
	r->near_len = near;
	r->tried_len = 0;
}

/* ---- the order ---- */

void
rounds_order_all(struct rounds *r)
{
	set_keys(r, r->near_len, r->order_len);
	sort_ranks(r->order, r->order_len, r->scratch);
	r->near_len = r->sure_len = r->order_len;
}

void
rounds_order(struct rounds *r)
{
	set_keys(r, 0, r->near_len);
	if (r->near_len == r->order_len || r->now > r->far_until) {
		rounds_order_all(r);
		return;
	}
	sort_ranks(r->order, r->near_len, r->scratch);
	r->sure_len = r->near_len;
	while (r->sure_len > 0 &&
	    is_behind(&r->order[r->sure_len - 1], &r->cut))
		r->sure_len--;
}

void
rounds_first_by(struct rounds *r,
    double (*key)(struct rounds *r, const struct rjob *j))
{
	size_t i;

	for (i = 0; i < r->first_len; i++) {
		r->first[i].level = 0;
		r->first[i].key = key(r, r->first[i].job);
		r->first[i].submit_at = 0;
	}
	sort_ranks(r->first, r->first_len, r->scratch);
}
