/*
 * prices.h - prices for what the pools of a knapsack have (Lagrangian
 * relaxation). Every item takes what is best after its price, and the pools
 * themselves are sold: no solution is worth more than that.
 */
#ifndef BERTH_PRICES_H
#define BERTH_PRICES_H

#include "knapsack.h"

enum { DIMS_MAX = KNAP_POOLS_MAX * KNAP_COSTS };

struct prices {
	struct knap_kind *const *kinds;
	int len;
	const struct knap_pool *pools;
	int dims;		/* pools times things */
	double price[DIMS_MAX];
};

/* The first of the dimensions of an option's pool. */
static inline int
prices_dim(const struct knap_option *o)
{
	return o->pool * KNAP_COSTS;
}

/* Looks for prices at which the bound is low; returns it. */
double prices_set(struct prices *s);

/* What an option costs by them. */
double prices_of(const struct prices *s, const struct knap_option *o);

/* The cheapest option of a level, and its price. */
const struct knap_option *prices_cheapest(const struct prices *s,
    const struct knap_kind *kind, const struct knap_level *l, double *price);

/* What an item gains at best; option gets what its parts take then. */
double prices_gain(const struct prices *s, const struct knap_kind *kind,
    const struct knap_option **option);

#endif
