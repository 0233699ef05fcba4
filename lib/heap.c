/*
 * heap.c - an intrusive binary min-heap, ties in insertion order.
 */
#include "heap.h"

#include <assert.h>
#include <stdlib.h>

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_release(struct heap *h)
{
	free(h->nodes);
	heap_init(h);
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static void
put(struct heap *h, size_t i, struct heap_node *n)
{
	h->nodes[i] = n;
	n->at = i + 1;
}

static void
sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i > 0 && before(n, h->nodes[(i - 1) / 2])) {
		put(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, n);
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	size_t kid;

	while ((kid = 2 * i + 1) < h->len) {
		if (kid + 1 < h->len &&
		    before(h->nodes[kid + 1], h->nodes[kid]))
			kid++;
		if (!before(h->nodes[kid], n))
			break;
		put(h, i, h->nodes[kid]);
		i = kid;
	}
	put(h, i, n);
}

int
heap_push(struct heap *h, struct heap_node *n, int64_t key)
{
	struct heap_node **nodes;
	size_t cap;

	assert(n->at == 0);
	if (h->len == h->cap) {
		cap = h->cap ? h->cap * 2 : 16;
		nodes = reallocarray(h->nodes, cap, sizeof(*nodes));
		if (nodes == NULL)
			return -1;
		h->nodes = nodes;
		h->cap = cap;
	}
	n->key = key;
	n->seq = h->next_seq++;
	sift_up(h, h->len++, n);
	return 0;
}

struct heap_node *
heap_top(const struct heap *h)
{
	return h->len ? h->nodes[0] : NULL;
}

struct heap_node *
heap_pop(struct heap *h)
{
	struct heap_node *n = heap_top(h);

	if (n != NULL)
		heap_remove(h, n);
	return n;
}

/* Settles n at i, whichever way it must go. */
static void
settle(struct heap *h, size_t i, struct heap_node *n)
{
	if (i > 0 && before(n, h->nodes[(i - 1) / 2]))
		sift_up(h, i, n);
	else
		sift_down(h, i, n);
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	size_t i;

	if (n->at == 0)
		return;
	i = n->at - 1;
	assert(i < h->len && h->nodes[i] == n);
	n->at = 0;
	last = h->nodes[--h->len];
	if (last != n)
		settle(h, i, last);
}

void
heap_move(struct heap *h, struct heap_node *n, int64_t key)
{
	assert(n->at != 0);
	n->key = key;
	n->seq = h->next_seq++;
	settle(h, n->at - 1, n);
}
