/*
 * knapsack.h - the multiple-choice knapsack problem with two costs, exactly:
 * one choice for each item, the sum of their values as large as it can be, and
 * neither sum of costs above its room.
 */
#ifndef BERTH_KNAPSACK_H
#define BERTH_KNAPSACK_H

#include "err.h"

enum { KNAP_COSTS = 2 };

struct knap_choice {
	int64_t value, cost[KNAP_COSTS];	/* 0 or more */
};

/* Items that are all alike. */
struct knap_kind {
	const struct knap_choice *choices;
	int len;
	int64_t items;
	int64_t *taken;		/* out: how many items have each choice */
};

/*
 * Fills taken of all kinds. The sum of values; or -1 and *e: nothing fits, or
 * it takes more memory than it may. Of several solutions it is always the same.
 */
int64_t knapsack(const struct knap_kind *kinds, int len,
    const int64_t room[KNAP_COSTS], struct err *e);

#endif
