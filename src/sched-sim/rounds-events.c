/*
 * rounds-events.c - what happens next in SYNERGY's simulator, where that says
 * more than the times do. Its events lie in a heap of Python's (heapq), which
 * does not keep the order of equals: jobs that are submitted at once come as
 * the heap gives them, and with them the ends of rounds. The same moves are
 * made here, of the same events.
 */
#include "rounds.h"

#include "xalloc.h"

static bool
is_before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->what < b->what;
}

/* Puts ev at i, or as far towards the root as it comes before what is there. */
static void
rise(struct events *q, size_t i, struct event ev)
{
	for (; i > 0 && is_before(&ev, &q->list[(i - 1) / 2]); i = (i - 1) / 2)
		q->list[i] = q->list[(i - 1) / 2];
	q->list[i] = ev;
}

void
events_push(struct events *q, struct event ev)
{
	if (q->len == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 1024;
		q->list = xrealloc(q->list, q->cap, sizeof(*q->list));
	}
	rise(q, q->len++, ev);
}

/* The hole goes down to a leaf, of equals by the right; the last one rises. */
struct event
events_pop(struct events *q)
{
	struct event first = q->list[0], last = q->list[--q->len];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < q->len; i = child) {
		if (child + 1 < q->len &&
		    !is_before(&q->list[child], &q->list[child + 1]))
			child++;
		q->list[i] = q->list[child];
	}
	rise(q, i, last);
	return first;
}
