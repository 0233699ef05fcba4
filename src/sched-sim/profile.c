/*
 * profile.c - what is free, now and later, as steps in order of time: counted,
 * with names, or of each node.
 *
 * Steps that have become equal to the one before are joined as they appear, so
 * their number is bounded by the jobs that run or have a reservation.
 */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
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
	if (p->cluster != NULL)
		p->nodes = xrealloc(p->nodes, p->cap, sizeof(*p->nodes));
}

void
profile_init(struct profile *p, const struct sim *s)
{
	*p = (struct profile){ .words = s->words, .parts = s->parts,
	    .cluster = s->cluster->nodes_len > 0 ? s->cluster : NULL };
	make_room(p);
	p->at[0] = 0;
	p->free[0] = s->procs;
	p->len = 1;
	if (p->cluster != NULL) {
		p->nodes[0] = nodes_all(p->cluster);
		p->least = nodes_all(p->cluster);
	}
	if (p->words > 0)
		memcpy(p->sets, s->free_machines,
		    p->words * sizeof(*p->sets));
}

static size_t
nodes_len(const struct profile *p)
{
	return (size_t)p->cluster->nodes_len;
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
	if (p->cluster != NULL)
		memmove(p->nodes + to, p->nodes + i, n * sizeof(*p->nodes));
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
	if (p->cluster != NULL) {
		p->nodes[i + 1] = xcalloc(nodes_len(p), sizeof(struct res));
		memcpy(p->nodes[i + 1], p->nodes[i],
		    nodes_len(p) * sizeof(struct res));
	}
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
	if (p->cluster != NULL) {
		if (memcmp(p->nodes[i], p->nodes[i - 1],
		    nodes_len(p) * sizeof(struct res)) != 0)
			return;
		free(p->nodes[i]);
	}
	if (i + 1 < p->len)
		shift(p, i + 1, -1);
	else
		p->len--;
}

void
profile_advance(struct profile *p, int64_t now)
{
	size_t past = step_at(p, now), n, i;

	if (past > 0) {
		n = p->len - past;
		for (i = 0; p->cluster != NULL && i < past; i++)
			free(p->nodes[i]);
		if (p->cluster != NULL)
			memmove(p->nodes, p->nodes + past,
			    n * sizeof(*p->nodes));
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

/* The same on nodes; where is then in p->parts. Its length, or 0. */
static int32_t
fits_nodes(const struct profile *p, size_t i, const struct sim_job *j)
{
	size_t k;

	memcpy(p->least, p->nodes[i], nodes_len(p) * sizeof(*p->least));
	for (k = i + 1; k < p->len && p->at[k] - p->at[i] < j->limit_s; k++)
		nodes_least(p->cluster, p->least, p->nodes[k]);
	return nodes_place(p->cluster, p->least, j->need, p->parts);
}

static int64_t
find_nodes(const struct profile *p, const struct sim_job *j)
{
	int32_t len;
	size_t i = 0;

	while ((len = fits_nodes(p, i, j)) == 0) {
		i++;
		assert(i < p->len);
	}
	sim_keep_parts(j->need, p->parts, len);
	return p->at[i];
}

int64_t
profile_find(const struct profile *p, const struct sim_job *j, sim_word *set)
{
	size_t i = 0, next = 0;

	if (p->cluster != NULL)
		return find_nodes(p, j);
	while (!fits(p, i, j->limit_s, j->procs, set, &next)) {
		i = next;
		assert(i < p->len);
	}
	if (p->words > 0)
		profile_lowest(set, p->words, j->procs, set);
	return p->at[i];
}

/* Gives to, or takes from, one step. */
static void
change_step(struct profile *p, size_t i, const struct sim_job *j,
    const sim_word *set, bool give)
{
	size_t w;

	if (p->cluster != NULL) {
		(give ? nodes_give : nodes_take)(p->cluster, p->nodes[i],
		    j->need->parts, j->need->parts_len);
		return;
	}
	p->free[i] += give ? j->procs : -j->procs;
	assert(p->free[i] >= 0);
	for (w = 0; w < p->words; w++) {
		assert((set_of(p, i)[w] & set[w]) == (give ? 0 : set[w]));
		set_of(p, i)[w] ^= set[w];
	}
}

static void
change(struct profile *p, int64_t at, int64_t end, const struct sim_job *j,
    const sim_word *set, bool give)
{
	size_t first, last, i;

	if (at >= end)
		return;
	first = cut(p, at);
	last = cut(p, end);
	for (i = first; i < last; i++)
		change_step(p, i, j, set, give);
	join(p, last);
	join(p, first);
}

void
profile_take(struct profile *p, int64_t at, int64_t end,
    const struct sim_job *j, const sim_word *set)
{
	change(p, at, end, j, set, false);
}

void
profile_give(struct profile *p, int64_t at, int64_t end,
    const struct sim_job *j, const sim_word *set)
{
	change(p, at, end, j, set, true);
}
