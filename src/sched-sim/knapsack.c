/*
 * knapsack.c - branch and bound, with prices to cut it down.
 *
 * A price for each thing of each pool gives an upper bound to all solutions:
 * every item takes what is best after its price, and the pools themselves are
 * sold (Lagrangian relaxation). Prices at which the bound is low are searched
 * for. Whatever else an item takes is a loss by them, so that the search has
 * only to look at choices whose losses together leave it above a target: at
 * first the bound itself, then less and less, until a solution is found. From
 * then on it looks for better ones, and when there is none left it is the best.
 *
 * Items come one after the other, those first that have fewest pools to choose
 * from. What has been taken so far is all that matters for the rest, so that no
 * such sums are looked at twice, unless they are worth more than before.
 */
#include "knapsack.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "prices.h"
#include "xalloc.h"

enum {
	SUMS_MAX = 1 << 18,	/* looked at in all: the bound of work */
	PARTS_MAX = 1 << 16,
};

/* A level and, for so many parts, an option. */
struct move {
	double loss;
	int level, option, parts;
};

/* A kind, with what follows from the prices. */
struct part {
	struct knap_kind *kind;
	double gain;		/* of an item, at best */
	struct move *first;	/* of an item, by loss */
	struct move *more;	/* of its other parts, level by level */
	int first_len;
	int64_t *least;		/* of all things: the least that a part of it,
				   or of those behind it, has of them */
};

/* Where the search stands, and with what it came there. */
struct step {
	int part, at_part;	/* that part, of an item of that kind */
	int64_t item;
	int level;		/* of the item; -1: to be chosen */
	int next;		/* move to be tried */
	double loss;
	int64_t value;
	const struct move *made;
};

/* Where it has been. Two sums of the same name are taken for the same. */
struct sum {
	uint64_t name[2];
	int64_t value;		/* -1: none */
};

struct solver {
	struct part *parts;
	struct knap_kind **kinds;	/* the same, for the prices */
	int len, dims;
	const struct knap_pool *pools;
	struct prices prices;
	int64_t unit;		/* all values are multiples of it */
	int64_t spare;		/* places that nobody needs */

	double bound;
	int64_t left[DIMS_MAX];
	uint64_t mix[DIMS_MAX][2], name[2];	/* of what is left */

	struct step *steps;
	int64_t target, found;	/* the best so far, or -1 */
	uint64_t pass;
	struct sum *table;
	size_t table_len;	/* a power of two */
	int sums, sums_max;
};

/* ---- moves ---- */

static int
compare_moves(const void *a, const void *b)
{
	const struct move *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return x->option - y->option;
}

/* Where there is but one option, all parts of an item have it at once. */
static void
set_level(const struct solver *s, struct part *p, int level)
{
	const struct knap_level *l = &p->kind->levels[level];
	double low = 0;
	int i;

	(void)prices_cheapest(&s->prices, p->kind, l, &low);
	for (i = l->from; i < l->from + l->len; i++) {
		double over = prices_of(&s->prices,
		    &p->kind->options[i]) - low;
		struct move m = {
			.loss = over, .level = level, .option = i,
			.parts = l->len == 1 ? p->kind->parts : 1,
		};

		p->more[i] = m;
		m.loss += p->gain - (double)l->value + low * p->kind->parts;
		p->first[p->first_len++] = m;
	}
	qsort(p->more + l->from, (size_t)l->len, sizeof(struct move),
	    compare_moves);
}

static void
set_moves(const struct solver *s, struct part *p)
{
	size_t n = (size_t)p->kind->options_len;
	const struct knap_option *o = NULL;
	int i;

	p->first = xcalloc(n, sizeof(struct move));
	p->more = xcalloc(n, sizeof(struct move));
	p->gain = prices_gain(&s->prices, p->kind, &o);
	for (i = 0; i < p->kind->levels_len; i++)
		set_level(s, p, i);
	qsort(p->first, (size_t)p->first_len, sizeof(struct move),
	    compare_moves);
}

/* With what the parts behind it have at least; a pool without any has 0. */
static void
set_least(const struct solver *s, struct part *p, const int64_t *behind)
{
	int i, d, k;

	p->least = xcalloc((size_t)s->dims, sizeof(*p->least));
	for (d = 0; d < s->dims; d++)
		p->least[d] = behind != NULL ? behind[d] : INT64_MAX;
	for (i = 0; i < p->kind->options_len; i++) {
		const struct knap_option *o = &p->kind->options[i];

		for (d = prices_dim(o), k = 0; k < KNAP_COSTS; k++)
			p->least[d + k] = MIN(p->least[d + k], o->cost[k]);
	}
}

/* ---- the search ---- */

static void
name_step(const struct solver *s, const struct step *st, uint64_t name[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		uint64_t h = s->name[i] + s->pass * s->mix[0][1 - i];

		h += (uint64_t)st->item << 32 | (uint64_t)st->at_part << 8;
		h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
		h += (uint64_t)st->part << 32 | (uint64_t)(st->level + 1);
		h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
		name[i] = h ^ h >> 32;
	}
}

static struct sum *
find_sum(const struct solver *s, const uint64_t name[2])
{
	size_t at = name[0] & (s->table_len - 1);

	while (s->table[at].value >= 0 && (s->table[at].name[0] != name[0] ||
	    s->table[at].name[1] != name[1]))
		at = (at + 1) & (s->table_len - 1);
	return &s->table[at];
}

static void
new_table(struct solver *s, size_t len)
{
	struct sum *old = s->table;
	size_t i, old_len = s->table_len;

	s->table = xcalloc(len, sizeof(*s->table));
	s->table_len = len;
	for (i = 0; i < len; i++)
		s->table[i].value = -1;
	for (i = 0; i < old_len; i++)
		if (old[i].value >= 0)
			*find_sum(s, old[i].name) = old[i];
	free(old);
}

/* Whether the search was here, with as much; it will have been. */
static bool
was_here(struct solver *s, const struct step *st)
{
	struct sum *sum;
	uint64_t name[2];

	name_step(s, st, name);
	sum = find_sum(s, name);
	if (sum->value >= st->value)
		return true;
	if (sum->value < 0)
		s->sums++;
	*sum = (struct sum){ { name[0], name[1] }, st->value };
	if ((size_t)s->sums * 2 > s->table_len)
		new_table(s, s->table_len * 2);
	return false;
}

static void
take(struct solver *s, const struct knap_option *o, int parts)
{
	int k, d = prices_dim(o);

	for (k = 0; k < KNAP_COSTS; k++) {
		s->left[d + k] -= parts * o->cost[k];
		s->name[0] += s->mix[d + k][0] *
		    (uint64_t)(parts * o->cost[k]);
		s->name[1] += s->mix[d + k][1] *
		    (uint64_t)(parts * o->cost[k]);
	}
}

/*
 * Whether those to come can have what they have at least: of the places that
 * are left in a pool only the spare ones may stay empty.
 */
static bool
suffices(const struct solver *s, int pool, const int64_t *least)
{
	int d = pool * KNAP_COSTS, k;
	int64_t must = s->left[d] - s->spare;

	for (k = 0; k < KNAP_COSTS; k++)
		if (s->left[d + k] < 0)
			return false;
	for (k = 1; k < KNAP_COSTS && must > 0; k++)
		if (least[d + k] > s->left[d + k] / must)
			return false;
	return true;
}

static const struct knap_option *
option_of(const struct solver *s, const struct step *st)
{
	return &s->parts[st->part].kind->options[st->made->option];
}

/* The step behind a move; what it takes has been taken. */
static struct step
behind(const struct solver *s, const struct step *st, const struct move *m)
{
	const struct knap_kind *kind = s->parts[st->part].kind;
	struct step to = *st;

	to.next = 0;
	to.loss += m->loss;
	to.level = m->level;
	to.at_part += m->parts;
	if (st->level < 0)
		to.value += kind->levels[m->level].value;
	if (to.at_part < kind->parts)
		return to;
	to.at_part = 0;
	to.level = -1;
	if (++to.item < kind->items)
		return to;
	to.item = 0;
	to.part++;
	return to;
}

/* The next move that may lead to the target, or NULL. */
static const struct move *
next_move(const struct solver *s, struct step *st)
{
	const struct part *p = &s->parts[st->part];
	const struct knap_level *l = &p->kind->levels[MAX(0, st->level)];
	const struct move *m = st->level < 0 ? p->first : p->more + l->from;
	int len = st->level < 0 ? p->first_len : l->len;

	if (st->next == len || s->bound - st->loss - m[st->next].loss <
	    (double)s->target - 1e-3)
		return NULL;
	return &m[st->next++];
}

/* All items have theirs. */
static void
keep(struct solver *s, const struct step *last)
{
	const struct step *st;
	int i, n;

	s->found = last->value;
	s->target = s->found + s->unit;
	for (i = 0; i < s->len; i++) {
		struct knap_kind *kind = s->parts[i].kind;

		for (n = 0; n < kind->levels_len; n++)
			kind->levels[n].taken = 0;
		for (n = 0; n < kind->options_len; n++)
			kind->options[n].taken = 0;
	}
	for (st = s->steps; st < last; st++) {
		struct knap_kind *kind = s->parts[st->part].kind;

		kind->options[st->made->option].taken += st->made->parts;
		if (st->level < 0)
			kind->levels[st->made->level].taken++;
	}
}

static void
untake(struct solver *s, const struct step *st)
{
	take(s, option_of(s, st), -st->made->parts);
}

/* Whether the step that a move led to is worth to be looked at. */
static bool
is_open(struct solver *s, const struct step *from, const struct step *to)
{
	bool last = to->part == s->len;
	const int64_t *least = s->parts[last ? s->len - 1 : to->part].least;

	if (!suffices(s, option_of(s, from)->pool, least))
		return false;
	if (last && to->value >= s->target)
		keep(s, to);
	return !last && !was_here(s, to);
}

/* All that can reach the target. false: that is more than it may look at. */
static bool
look(struct solver *s)
{
	struct step *st = s->steps;
	int d;

	for (d = 0; d < s->dims; d++)
		s->left[d] = s->pools[d / KNAP_COSTS].room[d % KNAP_COSTS];
	s->pass++;
	s->name[0] = s->name[1] = 0;
	*st = (struct step){ .level = -1 };
	while (s->sums < s->sums_max) {
		st->made = next_move(s, st);
		if (st->made != NULL) {
			take(s, option_of(s, st), st->made->parts);
			st[1] = behind(s, st, st->made);
			if (is_open(s, st, &st[1]))
				st++;
			else
				untake(s, st);
		} else if (st == s->steps) {
			return true;
		} else {
			untake(s, --st);
		}
	}
	return false;
}

static enum knap_end
search(struct solver *s)
{
	int64_t most = (int64_t)(s->bound + 1e-3), below = 0;

	most -= most % s->unit;
	s->sums_max = SUMS_MAX;
	for (;;) {
		s->target = most - below;
		if (!look(s))
			break;
		if (s->found >= 0)
			return KNAP_BEST;
		if (s->target <= 0)
			return KNAP_NOTHING;
		below = below == 0 ? s->unit : below * 3;
	}
	s->target = MAX(0, s->found);
	s->sums_max += SUMS_MAX / 4;
	if (s->found < 0)
		(void)look(s);
	return s->found >= 0 ? KNAP_GOOD : KNAP_NOTHING;
}

/* ---- the whole ---- */

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
		for (j = 0; j < s->parts[i].kind->levels_len; j++)
			unit = divisor(unit,
			    s->parts[i].kind->levels[j].value);
	return MAX(unit, 1);
}

static int
pools_of(const struct knap_kind *k)
{
	uint64_t pools = 0;
	int i;

	for (i = 0; i < k->options_len; i++)
		pools |= UINT64_C(1) << k->options[i].pool;
	return __builtin_popcountll(pools);
}

/* How much of a place may be gained. */
static int64_t
range_of(const struct knap_kind *k)
{
	int64_t least = INT64_MAX, most = 0;
	int i;

	for (i = 0; i < k->levels_len; i++) {
		least = MIN(least, k->levels[i].value);
		most = MAX(most, k->levels[i].value);
	}
	return (most - least) / k->parts;
}

static bool
is_before(const struct knap_kind *a, const struct knap_kind *b)
{
	int x = pools_of(a), y = pools_of(b);

	return x != y ? x < y : range_of(a) > range_of(b);
}

static void
set_prices(struct solver *s)
{
	int i;

	s->kinds = xcalloc((size_t)s->len, sizeof(struct knap_kind *));
	for (i = 0; i < s->len; i++)
		s->kinds[i] = s->parts[i].kind;
	s->prices = (struct prices){
		.kinds = s->kinds, .len = s->len, .pools = s->pools,
		.dims = s->dims,
	};
	s->bound = prices_set(&s->prices);
}

/* In order; those of which there is none are left out. */
static void
set_parts(struct solver *s, struct knap_kind *kinds, int len)
{
	int i, at;

	s->parts = xcalloc((size_t)len + 1, sizeof(*s->parts));
	for (i = 0; i < len; i++) {
		if (kinds[i].items == 0)
			continue;
		for (at = s->len++; at > 0 &&
		    is_before(&kinds[i], s->parts[at - 1].kind); at--)
			s->parts[at] = s->parts[at - 1];
		s->parts[at] = (struct part){ .kind = &kinds[i] };
	}
}

static void
set_mix(struct solver *s)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15);
	int i;

	for (i = 0; i < 2 * s->dims; i++) {
		h ^= h << 13;
		h ^= h >> 7;
		h ^= h << 17;
		s->mix[i / 2][i % 2] = h | 1;
	}
}

static void
release(struct solver *s)
{
	int i;

	for (i = 0; i < s->len; i++) {
		free(s->parts[i].first);
		free(s->parts[i].more);
		free(s->parts[i].least);
	}
	free(s->parts);
	free(s->kinds);
	free(s->steps);
	free(s->table);
}

static void
prepare(struct solver *s, size_t steps)
{
	int i;

	s->steps = xcalloc(steps, sizeof(*s->steps));
	s->unit = common_unit(s);
	set_mix(s);
	set_prices(s);
	for (i = 0; i < s->len; i++)
		set_moves(s, &s->parts[i]);
	for (i = s->len - 1; i >= 0; i--)
		set_least(s, &s->parts[i], i + 1 < s->len ?
		    s->parts[i + 1].least : NULL);
	new_table(s, 1024);
}

enum knap_end
knapsack(struct knap_kind *kinds, int len, const struct knap_pool *pools,
    int pools_len, int64_t *value)
{
	struct solver s = {
		.pools = pools, .dims = pools_len * KNAP_COSTS, .found = -1,
	};
	enum knap_end end = KNAP_NOTHING;
	int64_t steps = 1;
	int i;

	set_parts(&s, kinds, len);
	for (i = 0; i < pools_len; i++)
		s.spare += pools[i].room[0];
	for (i = 0; i < s.len; i++) {
		const struct knap_kind *k = s.parts[i].kind;

		s.spare -= k->items * k->parts * k->options[0].cost[0];
		steps += k->items * k->parts;
	}
	if (steps <= PARTS_MAX && s.len > 0) {
		prepare(&s, (size_t)steps);
		end = search(&s);
	}
	*value = s.found;
	release(&s);
	return end;
}
