/*
 * prices.c - prices at which a knapsack's bound is low. It is convex in them:
 * subgradients lead near the lowest place, and then each price is tried alone.
 */
#include "prices.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base.h"

enum {
	TRIES = 300, VAIN = 10,
	SWEEPS = 2, STEPS = 30,
	SWEPT_MAX = 24,		/* more prices would take too long */
};

double
prices_of(const struct prices *s, const struct knap_option *o)
{
	const double *price = s->price + prices_dim(o);
	double sum = 0;
	int k;

	for (k = 0; k < KNAP_COSTS; k++)
		sum += price[k] * (double)o->cost[k];
	return sum;
}

const struct knap_option *
prices_cheapest(const struct prices *s, const struct knap_kind *kind,
    const struct knap_level *l, double *price)
{
	const struct knap_option *o = kind->options + l->from, *best = NULL;
	const struct knap_option *end = o + l->len;

	for (; o < end; o++) {
		double p = prices_of(s, o);

		if (best == NULL || p < *price) {
			best = o;
			*price = p;
		}
	}
	return best;
}

double
prices_gain(const struct prices *s, const struct knap_kind *kind,
    const struct knap_option **option)
{
	double most = -INFINITY;
	int i;

	for (i = 0; i < kind->levels_len; i++) {
		double price = 0;
		const struct knap_option *o = prices_cheapest(s, kind,
		    &kind->levels[i], &price);
		double gain = (double)kind->levels[i].value -
		    price * kind->parts;

		if (gain > most) {
			most = gain;
			*option = o;
		}
	}
	return most;
}

/* The bound; used gets what would be used by it. */
static double
bound(const struct prices *s, double *used)
{
	double sum = 0;
	int i, k, d;

	for (d = 0; d < s->dims; d++) {
		sum += s->price[d] *
		    (double)s->pools[d / KNAP_COSTS].room[d % KNAP_COSTS];
		used[d] = 0;
	}
	for (i = 0; i < s->len; i++) {
		const struct knap_kind *kind = s->kinds[i];
		const struct knap_option *o = NULL;
		double items = (double)kind->items;

		sum += items * prices_gain(s, kind, &o);
		assert(o != NULL);	/* every kind has a level */
		for (k = 0; k < KNAP_COSTS; k++)
			used[prices_dim(o) + k] += items * kind->parts *
			    (double)o->cost[k];
	}
	return sum;
}

/* Above it, nothing is worth its price. */
static double
highest_price(const struct prices *s, int d)
{
	double most = 0;
	int i, j, n;

	for (i = 0; i < s->len; i++) {
		const struct knap_kind *kind = s->kinds[i];

		for (j = 0; j < kind->levels_len; j++)
			for (n = 0; n < kind->levels[j].len; n++) {
				const struct knap_option *o = kind->options +
				    kind->levels[j].from + n;
				double cost = (double)o->cost[d % KNAP_COSTS];

				if (o->pool == d / KNAP_COSTS && cost > 0)
					most = MAX(most, (double)
					    kind->levels[j].value /
					    (cost * kind->parts));
			}
	}
	return most;
}

/* The lowest value that there is for all: what can surely be had, about. */
static double
least_value(const struct prices *s)
{
	double sum = 0;
	int i, j;

	for (i = 0; i < s->len; i++) {
		const struct knap_kind *kind = s->kinds[i];
		int64_t least = INT64_MAX;

		for (j = 0; j < kind->levels_len; j++)
			least = MIN(least, kind->levels[j].value);
		sum += (double)kind->items * (double)least;
	}
	return sum;
}

static double
room_of(const struct prices *s, int d)
{
	return MAX(1, (double)
	    s->pools[d / KNAP_COSTS].room[d % KNAP_COSTS]);
}

/*
 * Polyak's rule: prices go up where more is used than is there, and down where
 * less, so far as would take the bound that much down if it were straight.
 * false: all is used up.
 */
static bool
go_down(struct prices *s, double by, double *used)
{
	double room, norm = 0;
	int d;

	for (d = 0; d < s->dims; d++) {
		used[d] = used[d] / room_of(s, d) - 1;
		if (used[d] > 0 || s->price[d] > 0)
			norm += used[d] * used[d];
	}
	if (norm == 0)
		return false;
	for (d = 0; d < s->dims; d++) {
		room = room_of(s, d);
		s->price[d] = MAX(0, s->price[d] + by * used[d] / norm / room);
	}
	return true;
}

/* The rule wants a value that can be had, and is trusted less and less. */
static void
descend(struct prices *s)
{
	double best[DIMS_MAX] = { 0 }, used[DIMS_MAX], low = least_value(s);
	double scale = 1, lowest, at;
	int i, vain = 0;

	memset(s->price, 0, sizeof(s->price));
	lowest = at = bound(s, used);
	for (i = 0; i < TRIES && go_down(s, scale * (at - low), used); i++) {
		at = bound(s, used);
		vain++;
		if (at < lowest) {
			lowest = at;
			memcpy(best, s->price, sizeof(best));
			vain = 0;
		} else if (vain == VAIN) {
			scale /= 2;
			vain = 0;
			memcpy(s->price, best, sizeof(best));
			at = bound(s, used);
		}
	}
	memcpy(s->price, best, sizeof(best));
}

/* The lowest bound along one price, by the golden section. */
static void
lower(struct prices *s, int d)
{
	double low = 0, high = highest_price(s, d), was = s->price[d];
	double used[DIMS_MAX], before = bound(s, used), a, b, at_a, at_b;
	int i;

	for (i = 0; i < STEPS; i++) {
		a = high - (high - low) * 0.6180339887498949;
		b = low + (high - low) * 0.6180339887498949;
		s->price[d] = a;
		at_a = bound(s, used);
		s->price[d] = b;
		at_b = bound(s, used);
		if (at_a <= at_b)
			high = b;
		else
			low = a;
	}
	s->price[d] = low;
	if (bound(s, used) >= before)
		s->price[d] = was;
}

double
prices_set(struct prices *s)
{
	double used[DIMS_MAX];
	int i, d;

	descend(s);
	for (i = 0; i < SWEEPS && s->dims <= SWEPT_MAX; i++)
		for (d = 0; d < s->dims; d++)
			lower(s, d);
	return bound(s, used);
}
