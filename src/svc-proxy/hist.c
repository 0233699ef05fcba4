/*
 * hist.c - durations counted by size, in fixed space: eight buckets for each
 * power of two, so that a percentile is right to within an eighth.
 */
#include "proxy.h"

#include <string.h>

enum { SUB = 1 << HIST_BITS };

/* Durations below SUB us have a bucket each; the last one has all beyond. */
static size_t
bucket(uint64_t us)
{
	unsigned int top;
	size_t at;

	if (us < SUB)
		return (size_t)us;
	top = 63 - (unsigned int)__builtin_clzll(us);
	at = (size_t)(top - HIST_BITS + 1) * SUB +
	    (size_t)((us >> (top - HIST_BITS)) & (SUB - 1));
	return MIN(at, (size_t)HIST_LEN - 1);
}

/* The least duration of a bucket. */
static int64_t
least_of(size_t at)
{
	if (at < SUB)
		return (int64_t)at;
	return (int64_t)(SUB + at % SUB) << (at / SUB - 1);
}

void
hist_add(struct hist *h, int64_t us)
{
	uint64_t n = us > 0 ? (uint64_t)us : 0;

	h->n[bucket(n)]++;
	h->count++;
	h->sum_us += n;
}

void
hist_clear(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

int64_t
hist_part(const struct hist *a, const struct hist *b, int permille)
{
	uint64_t all = a->count + (b ? b->count : 0), want, seen = 0;
	size_t at;

	if (all == 0)
		return 0;
	want = MAX((all * (uint64_t)permille + 999) / 1000, 1);
	for (at = 0; at < HIST_LEN - 1; at++) {
		seen += a->n[at] + (b ? b->n[at] : 0);
		if (seen >= want)
			break;
	}
	return (least_of(at) + least_of(at + 1)) / 2;
}

uint64_t
hist_below(const struct hist *h, int log2_us)
{
	size_t at, end = bucket((uint64_t)1 << log2_us);
	uint64_t n = 0;

	for (at = 0; at < end; at++)
		n += h->n[at];
	return n;
}
