/*
 * heap.h - a min-heap of nodes that lie in the caller's structs.
 *
 * Equal keys come out in the order they went in, so what is built on it
 * (timers, simulated events) is deterministic.
 */
#ifndef BERTH_HEAP_H
#define BERTH_HEAP_H

#include "base.h"

struct heap_node {
	int64_t key;
	uint64_t seq;	/* the heap's: order of insertion */
	size_t at;	/* the heap's: place + 1; 0 while not in a heap */
};

struct heap {
	struct heap_node **nodes;
	size_t len, cap;
	uint64_t next_seq;
};

void heap_init(struct heap *h);
void heap_release(struct heap *h);	/* the nodes are the caller's */

/* Puts n in under key. 0, or -1 with errno ENOMEM and nothing changed. */
int heap_push(struct heap *h, struct heap_node *n, int64_t key);

/* The least node, or NULL. */
struct heap_node *heap_top(const struct heap *h);

/* Takes the least node out; NULL if the heap is empty. */
struct heap_node *heap_pop(struct heap *h);

/* Takes n out wherever it is; nothing if it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *n);

/* Moves n, which is in the heap, to a new key, behind its equals. */
void heap_move(struct heap *h, struct heap_node *n, int64_t key);

#endif
