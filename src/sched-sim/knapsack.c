/*
 * knapsack.c - dynamic programming over the items, with prices to cut it down.
 *
 * A price for each cost gives an upper bound to all solutions: every item takes
 * what is best after its price, and the room itself is sold (Lagrangian
 * relaxation). Prices at which the bound is lowest are searched for. The
 * program then keeps only the sums from which a target can still be reached by
 * that bound: at first the bound itself, then less and less, until a solution
 * is found. It is the best, for none that reaches the target was dropped.
 */
#include "knapsack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum {
	STATES_MAX = 1 << 23,
	STEPS = 40,		/* of the search for a price */
};

/* Sums that some choices for the first items come to. */
struct state {
	int64_t value, cost[KNAP_COSTS];
	int32_t from;		/* the state of one item less */
	int16_t kind, choice;	/* and what the last item took */
};

struct solver {
	const struct knap_kind *kinds;
	int len;
	const int64_t *room;
	double price[KNAP_COSTS];
	int64_t unit;		/* all values are multiples of it */

	double rest;		/* what the items to come make, after prices */
	int64_t rest_cost[KNAP_COSTS];	/* and the least they cost */
	int64_t target;

	struct state *states;
	int32_t states_len, states_cap;
	int32_t stage;		/* where the states of the last item begin */
	int32_t *table;		/* of that stage, by costs; -1: free */
	size_t table_len;	/* a power of two */
};

/* ---- prices ---- */

static double
after_price(const struct solver *s, const struct knap_choice *c)
{
	return (double)c->value - s->price[0] * (double)c->cost[0] -
	    s->price[1] * (double)c->cost[1];
}

static double
best_after_price(const struct solver *s, const struct knap_kind *k)
{
	double best = -INFINITY;
	int i;

	for (i = 0; i < k->len; i++)
		best = MAX(best, after_price(s, &k->choices[i]));
	return best;
}

static double
bound(const struct solver *s)
{
	double sum = s->price[0] * (double)s->room[0] +
	    s->price[1] * (double)s->room[1];
	int i;

	for (i = 0; i < s->len; i++)
		sum += (double)s->kinds[i].items *
		    best_after_price(s, &s->kinds[i]);
	return sum;
}

/* Above it, no choice is worth its price. */
static double
highest_price(const struct solver *s, int cost)
{
	double most = 0;
	int i, j;

	for (i = 0; i < s->len; i++)
		for (j = 0; j < s->kinds[i].len; j++) {
			const struct knap_choice *c = &s->kinds[i].choices[j];

			if (c->cost[cost] > 0)
				most = MAX(most, (double)c->value /
				    (double)c->cost[cost]);
		}
	return most;
}

/* The lowest bound over one price and those behind it; the price stays set. */
static double
lowest(struct solver *s, int cost, double (*of)(struct solver *s))
{
	double low = 0, high = highest_price(s, cost), a, b, at_a, at_b;
	int i;

	for (i = 0; i < STEPS; i++) {
		a = high - (high - low) * 0.6180339887498949;
		b = low + (high - low) * 0.6180339887498949;
		s->price[cost] = a;
		at_a = of(s);
		s->price[cost] = b;
		at_b = of(s);
		if (at_a <= at_b)
			high = b;
		else
			low = a;
	}
	s->price[cost] = low;
	at_a = of(s);
	s->price[cost] = high;
	at_b = of(s);
	if (at_a <= at_b)
		s->price[cost] = low;
	return MIN(at_a, at_b);
}

static double
at_prices(struct solver *s)
{
	return bound(s);
}

static double
at_first_price(struct solver *s)
{
	return lowest(s, 1, at_prices);
}

static void
set_prices(struct solver *s)
{
	(void)lowest(s, 0, at_first_price);
	(void)lowest(s, 1, at_prices);
}

/* ---- states ---- */

static size_t
slot(const struct solver *s, const int64_t cost[KNAP_COSTS])
{
	uint64_t h = (uint64_t)cost[0] * UINT64_C(0x9e3779b97f4a7c15) +
	    (uint64_t)cost[1] * UINT64_C(0xc2b2ae3d27d4eb4f);
	size_t at = (h ^ h >> 29) & (s->table_len - 1);

	while (s->table[at] >= 0 && memcmp(s->states[s->table[at]].cost, cost,
	    sizeof(s->states[0].cost)) != 0)
		at = (at + 1) & (s->table_len - 1);
	return at;
}

static void
fill_table(struct solver *s, size_t len)
{
	int32_t i;

	if (len != s->table_len) {
		s->table = xrealloc(s->table, len, sizeof(*s->table));
		s->table_len = len;
	}
	memset(s->table, 0xff, len * sizeof(*s->table));
	for (i = s->stage; i < s->states_len; i++)
		s->table[slot(s, s->states[i].cost)] = i;
}

/* Of two that cost the same the better one stays, and else the first. */
static int
add_state(struct solver *s, const struct state *new, struct err *e)
{
	size_t at = slot(s, new->cost);

	if (s->table[at] >= 0) {
		if (s->states[s->table[at]].value < new->value)
			s->states[s->table[at]] = *new;
		return 0;
	}
	if (s->states_len == STATES_MAX)
		return err_perm(e, "opt: more than %d sums to choose from",
		    STATES_MAX);
	if (s->states_len == s->states_cap) {
		s->states_cap *= 2;
		s->states = xrealloc(s->states, (size_t)s->states_cap,
		    sizeof(*s->states));
	}
	s->table[at] = s->states_len;
	s->states[s->states_len++] = *new;
	if ((size_t)(s->states_len - s->stage) * 2 > s->table_len)
		fill_table(s, s->table_len * 2);
	return 0;
}

static bool
can_reach(const struct solver *s, const struct state *st)
{
	double most = (double)st->value + s->rest;
	int k;

	for (k = 0; k < KNAP_COSTS; k++) {
		int64_t left = s->room[k] - st->cost[k];

		if (left < s->rest_cost[k])
			return false;
		most += s->price[k] * (double)left;
	}
	return most >= (double)s->target - 1e-3;
}

/* One more item, of kind k, for each state of the stage before. */
static int
add_item(struct solver *s, int k, struct err *e)
{
	const struct knap_kind *kind = &s->kinds[k];
	int32_t from = s->stage, to = s->states_len;
	int i;

	s->stage = to;
	fill_table(s, s->table_len);
	for (; from < to; from++)
		for (i = 0; i < kind->len; i++) {
			const struct knap_choice *c = &kind->choices[i];
			struct state new = s->states[from];

			new.value += c->value;
			new.cost[0] += c->cost[0];
			new.cost[1] += c->cost[1];
			new.from = from;
			new.kind = (int16_t)k;
			new.choice = (int16_t)i;
			if (can_reach(s, &new) && add_state(s, &new, e) < 0)
				return -1;
		}
	return 0;
}

/* ---- the whole ---- */

static int64_t
least_cost(const struct knap_kind *k, int cost)
{
	int64_t least = INT64_MAX;
	int i;

	for (i = 0; i < k->len; i++)
		least = MIN(least, k->choices[i].cost[cost]);
	return least;
}

static void
set_rest(struct solver *s)
{
	int i, k;

	s->rest = 0;
	memset(s->rest_cost, 0, sizeof(s->rest_cost));
	for (i = 0; i < s->len; i++) {
		s->rest += (double)s->kinds[i].items *
		    best_after_price(s, &s->kinds[i]);
		for (k = 0; k < KNAP_COSTS; k++)
			s->rest_cost[k] += s->kinds[i].items *
			    least_cost(&s->kinds[i], k);
	}
}

/* All that can reach the target. 0; -1 and *e. */
static int
enumerate(struct solver *s, struct err *e)
{
	int64_t n;
	int i, k;

	set_rest(s);
	s->states[0] = (struct state){ .from = -1 };
	s->states_len = 1;
	s->stage = 0;
	for (i = 0; i < s->len; i++)
		for (n = 0; n < s->kinds[i].items; n++) {
			s->rest -= best_after_price(s, &s->kinds[i]);
			for (k = 0; k < KNAP_COSTS; k++)
				s->rest_cost[k] -=
				    least_cost(&s->kinds[i], k);
			if (add_item(s, i, e) < 0)
				return -1;
		}
	return 0;
}

/* The best of the last stage, or -1. */
static int32_t
best_state(const struct solver *s)
{
	int32_t i, best = -1;

	for (i = s->stage; i < s->states_len; i++)
		if (best < 0 || s->states[i].value > s->states[best].value)
			best = i;
	return best;
}

static int64_t
divisor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static int64_t
common_unit(const struct solver *s)
{
	int64_t unit = 0;
	int i, j;

	for (i = 0; i < s->len; i++)
		for (j = 0; j < s->kinds[i].len; j++)
			unit = divisor(unit, s->kinds[i].choices[j].value);
	return MAX(unit, 1);
}

/* The state that is best, or -1 and *e. */
static int32_t
search(struct solver *s, struct err *e)
{
	int64_t most = (int64_t)floor(bound(s) + 1e-3), below = 0;
	int32_t best = -1;

	most -= most % s->unit;
	for (;;) {
		s->target = most - below;
		if (enumerate(s, e) < 0)
			return -1;
		best = best_state(s);
		if (best >= 0 && s->states[best].value >= s->target)
			return best;
		if (s->target <= 0)
			return err_perm(e, "opt: nothing fits");
		below = below == 0 ? s->unit : below * 3;
	}
}

int64_t
knapsack(const struct knap_kind *kinds, int len,
    const int64_t room[KNAP_COSTS], struct err *e)
{
	struct solver s = {
		.kinds = kinds, .len = len, .room = room,
		.states_cap = 1024, .table_len = 1024,
	};
	int64_t value = -1;
	int32_t at;
	int i;

	s.states = xcalloc((size_t)s.states_cap, sizeof(*s.states));
	s.table = xcalloc(s.table_len, sizeof(*s.table));
	s.unit = common_unit(&s);
	set_prices(&s);
	at = search(&s, e);
	if (at >= 0)
		value = s.states[at].value;
	for (i = 0; at >= 0 && i < len; i++)
		memset(kinds[i].taken, 0,
		    (size_t)kinds[i].len * sizeof(*kinds[i].taken));
	for (; at > 0; at = s.states[at].from)
		kinds[s.states[at].kind].taken[s.states[at].choice]++;
	free(s.states);
	free(s.table);
	return value;
}
