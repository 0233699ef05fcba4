/*
 * knapsack.h - the multiple-choice knapsack problem over several pools: each
 * item is at one of the levels of its kind, and each of its parts has, out of
 * one pool, one of the options of that level. The sum of the levels' values is
 * to be as large as it can be, and no pool may give more than it has.
 *
 * The effort is bounded: after so many steps what has been found by then is all
 * there is, and it is said that it may not be the best.
 */
#ifndef BERTH_KNAPSACK_H
#define BERTH_KNAPSACK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	KNAP_COSTS = 3,		/* things that a pool has; the first are places,
				   of which each part has one, or none has */
	KNAP_POOLS_MAX = 64,
};

/* What one part costs. */
struct knap_option {
	int pool;
	int64_t cost[KNAP_COSTS];	/* 0 or more */
	int64_t taken;		/* out: by how many parts */
};

struct knap_level {
	int64_t value;		/* of a whole item, 0 or more */
	int from, len;		/* its own options, of those of the kind */
	int64_t taken;		/* out: by how many items */
};

/* Items that are all alike. */
struct knap_kind {
	struct knap_level *levels;
	struct knap_option *options;
	int levels_len, options_len;
	int parts;		/* of each item, 1 or more */
	int64_t items;
};

struct knap_pool {
	int64_t room[KNAP_COSTS];
};

enum knap_end {
	KNAP_NOTHING,		/* no solution was found; taken is as it was */
	KNAP_GOOD,		/* there may be a better one */
	KNAP_BEST,
};

/*
 * Fills taken of all levels and options, and *value with the sum of values. Of
 * several solutions it is always the same.
 * several solutions it is always the same.
 */
enum knap_end knapsack(struct knap_kind *kinds, int len,
    const struct knap_pool *pools, int pools_len, int64_t *value);

#endif
