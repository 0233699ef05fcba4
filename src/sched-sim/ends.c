/*
 * ends.c - when processors are expected back: sums by time, in blocks that are
 * split when full, so that a change moves few entries and a sum over many ends
 * adds up blocks.
 */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { BLOCK = 128 };

struct ends_block {
	int64_t sum;		/* of procs */
	size_t len;
	int64_t at[BLOCK];
	int64_t procs[BLOCK];
};

/* The block where at is, or belongs: the last that begins no later. */
static size_t
find_block(const struct ends *n, int64_t at)
{
	size_t lo = 0, hi = n->len, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (n->blocks[mid]->at[0] <= at)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* The first entry of b that is not before at. */
static size_t
find_entry(const struct ends_block *b, int64_t at)
{
	size_t lo = 0, hi = b->len, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (b->at[mid] < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void
insert_block(struct ends *n, size_t i, struct ends_block *b)
{
	if (n->len == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 16;
		n->blocks = xrealloc(n->blocks, n->cap, sizeof(*n->blocks));
	}
	memmove(n->blocks + i + 1, n->blocks + i,
	    (n->len - i) * sizeof(*n->blocks));
	n->blocks[i] = b;
	n->len++;
}

/* Moves the later half of block i to a block of its own behind it. */
static void
split(struct ends *n, size_t i)
{
	struct ends_block *b = n->blocks[i];
	struct ends_block *late = xcalloc(1, sizeof(*late));
	size_t k;

	late->len = b->len / 2;
	b->len -= late->len;
	memcpy(late->at, b->at + b->len, late->len * sizeof(*b->at));
	memcpy(late->procs, b->procs + b->len, late->len * sizeof(*b->procs));
	for (k = 0; k < late->len; k++)
		late->sum += late->procs[k];
	b->sum -= late->sum;
	insert_block(n, i + 1, late);
}

void
ends_add(struct ends *n, int64_t at, int64_t procs)
{
	struct ends_block *b;
	size_t i, k, tail;

	if (n->len == 0)
		insert_block(n, 0, xcalloc(1, sizeof(*b)));
	i = find_block(n, at);
	if (n->blocks[i]->len == BLOCK) {
		split(n, i);
		i = find_block(n, at);
	}
	b = n->blocks[i];
	k = find_entry(b, at);
	if (k == b->len || b->at[k] != at) {
		tail = b->len++ - k;
		memmove(b->at + k + 1, b->at + k, tail * sizeof(*b->at));
		memmove(b->procs + k + 1, b->procs + k,
		    tail * sizeof(*b->procs));
		b->at[k] = at;
		b->procs[k] = 0;
	}
	b->procs[k] += procs;
	b->sum += procs;
}

static void
remove_block(struct ends *n, size_t i)
{
	free(n->blocks[i]);
	n->len--;
	memmove(n->blocks + i, n->blocks + i + 1,
	    (n->len - i) * sizeof(*n->blocks));
}

void
ends_del(struct ends *n, int64_t at, int64_t procs)
{
	size_t i = find_block(n, at), k, tail;
	struct ends_block *b = n->blocks[i];

	k = find_entry(b, at);
	assert(k < b->len && b->at[k] == at && b->procs[k] >= procs);
	b->procs[k] -= procs;
	b->sum -= procs;
	if (b->procs[k] > 0)
		return;
	tail = --b->len - k;
	memmove(b->at + k, b->at + k + 1, tail * sizeof(*b->at));
	memmove(b->procs + k, b->procs + k + 1, tail * sizeof(*b->procs));
	if (b->len == 0)
		remove_block(n, i);
}

int64_t
ends_when(const struct ends *n, int64_t need, int64_t *got)
{
	const struct ends_block *b;
	size_t i = 0, k = 0;

	*got = 0;
	while (*got + n->blocks[i]->sum < need) {
		*got += n->blocks[i++]->sum;
		assert(i < n->len);
	}
	b = n->blocks[i];
	while (*got + b->procs[k] < need)
		*got += b->procs[k++];
	*got += b->procs[k];
	return b->at[k];
}
