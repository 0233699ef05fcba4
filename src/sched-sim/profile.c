/*
 * profile.c - what is free, now and later, as steps in order of time.
 *
 * Steps that have become equal to the one before are joined as they appear, so
 * their number is bounded by the jobs that run or have a reservation.
 */
#include "sim.h"

#include <assert.h>
#include <string.h>

#include "xalloc.h"

static sim_word *
set_of(const struct profile *p, size_t i)
{
	return p->sets + i * p->words;
}

static void
make_room(struct profile *p)
{
	if (p->len < p->cap)
		return;
	p->cap = p->cap ? p->cap * 2 : 64;
	p->at = xrealloc(p->at, p->cap, sizeof(*p->at));
	p->free = xrealloc(p->free, p->cap, sizeof(*p->free));
	if (p->words > 0)
		p->sets = xrealloc(p->sets, p->cap * p->words,
		    sizeof(*p->sets));
}

void
profile_init(struct profile *p, const struct sim *s)
{
	*p = (struct profile){ .words = s->words };
	make_room(p);
	p->at[0] = 0;
	p->free[0] = s->procs;
	p->len = 1;
	if (p->words > 0)
		memcpy(p->sets, s->free_machines,
		    p->words * sizeof(*p->sets));
}

/* Moves the steps from i on by one place up, or down over i - 1. */
static void
shift(struct profile *p, size_t i, int by)
{
	size_t to = by > 0 ? i + 1 : i - 1, n = p->len - i;

	memmove(p->at + to, p->at + i, n * sizeof(*p->at));
	memmove(p->free + to, p->free + i, n * sizeof(*p->free));
	if (p->words > 0)
		memmove(set_of(p, to), set_of(p, i),
		    n * p->words * sizeof(*p->sets));
	p->len = by > 0 ? p->len + 1 : p->len - 1;
}

/* The step that lasts at t. */
static size_t
step_at(const struct profile *p, int64_t t)
{
	size_t lo = 0, hi = p->len, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (p->at[mid] <= t)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* The step that begins at t, made if need be. */
static size_t
cut(struct profile *p, int64_t t)
{
	size_t i = step_at(p, t);

	if (p->at[i] == t)
		return i;
	make_room(p);
	if (i + 1 < p->len) {
		shift(p, i + 1, 1);
	} else {
		p->len++;
	}
	p->at[i + 1] = t;
	p->free[i + 1] = p->free[i];
	if (p->words > 0)
		memcpy(set_of(p, i + 1), set_of(p, i),
		    p->words * sizeof(*p->sets));
	return i + 1;
}

/* Drops step i if it is as the one before. */
static void
join(struct profile *p, size_t i)
{
	if (i == 0 || i >= p->len || p->free[i] != p->free[i - 1])
		return;
	if (p->words > 0 && memcmp(set_of(p, i), set_of(p, i - 1),
	    p->words * sizeof(*p->sets)) != 0)
		return;
	if (i + 1 < p->len)
		shift(p, i + 1, -1);
	else
		p->len--;
}

void
profile_advance(struct profile *p, int64_t now)
{
	size_t past = step_at(p, now), n;

	if (past > 0) {
		n = p->len - past;
		memmove(p->at, p->at + past, n * sizeof(*p->at));
		memmove(p->free, p->free + past, n * sizeof(*p->free));
		if (p->words > 0)
			memmove(p->sets, set_of(p, past),
			    n * p->words * sizeof(*p->sets));
		p->len = n;
	}
	p->at[0] = now;
}

static int64_t
count(const sim_word *set, size_t words)
{
	int64_t n = 0;
	size_t w;

	for (w = 0; w < words; w++)
		n += __builtin_popcountll(set[w]);
	return n;
}

void
profile_lowest(const sim_word *set, size_t words, int64_t n, sim_word *out)
{
	sim_word left;
	size_t w;

	for (w = 0; w < words; w++) {
		left = set[w];
		out[w] = 0;
		for (; left != 0 && n > 0; n--) {
			out[w] |= left & -left;
			left &= left - 1;
		}
	}
	assert(n == 0);
}

/*
 * Whether procs are free from step i on for span. false: *next is the first
 * step from which to try again.
 */
static bool
fits(const struct profile *p, size_t i, int64_t span, int64_t procs,
    sim_word *set, size_t *next)
{
	size_t k, w;

	for (k = i; k < p->len && p->at[k] - p->at[i] < span; k++) {
		if (p->free[k] < procs) {
			*next = k + 1;
			return false;
		}
		if (p->words == 0)
			continue;
		for (w = 0; w < p->words; w++)
			set[w] = set_of(p, k)[w] & (k == i ? ~(sim_word)0 :
			    set[w]);
		if (count(set, p->words) < procs) {
			*next = i + 1;
			return false;
		}
	}
	return true;
}

int64_t
profile_find(const struct profile *p, int64_t span, int64_t procs,
    sim_word *set)
{
	size_t i = 0, next = 0;

	while (!fits(p, i, span, procs, set, &next)) {
		i = next;
		assert(i < p->len);
	}
	if (p->words > 0)
		profile_lowest(set, p->words, procs, set);
	return p->at[i];
}

/* Adds procs (less than none: takes) to the steps from at to end. */
static void
change(struct profile *p, int64_t at, int64_t end, int64_t procs,
    const sim_word *set)
{
	size_t first, last, i, w;

	if (at >= end)
		return;
	first = cut(p, at);
	last = cut(p, end);
	for (i = first; i < last; i++) {
		p->free[i] += procs;
		assert(p->free[i] >= 0);
		for (w = 0; w < p->words; w++) {
			assert((set_of(p, i)[w] & set[w]) ==
			    (procs < 0 ? set[w] : 0));
			set_of(p, i)[w] ^= set[w];
		}
	}
	join(p, last);
	join(p, first);
}

void
profile_take(struct profile *p, int64_t at, int64_t end, int64_t procs,
    const sim_word *set)
{
	change(p, at, end, -procs, set);
}

void
profile_give(struct profile *p, int64_t at, int64_t end, int64_t procs,
    const sim_word *set)
{
	change(p, at, end, procs, set);
}
