/*
 * nodes.c - which nodes a job gets, and what of them.
 *
 * The choice is that of Slurm's select/cons_tres without a topology, as it was
 * seen on Slurm 22.05: among runs of neighbouring nodes of the least weight the
 * smallest that is sufficient, or else the largest and so on; in a run the one
 * node that holds the job most tightly, or else node after node, each filled
 * but for one CPU for each node that must follow. If that fails though it need
 * not, nodes with few CPUs are left out; and at last those with most are taken.
 * So a job fits if there is any way at all.
 *
 * A node that has GPUs for a job weighs so much less, at the eighth bit behind
 * its weight. Slurm 22.05 notes that on the node as the job is tested, and does
 * so anew only when a job is to start: of those that are tested meanwhile, by
 * backfill, jobs without GPUs find the weights that others have left.
 */
#include "cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { OFFERED_MAX = 255 };

/* ---- amounts ---- */

/* Takes the job's generic resources of one node out of *left. */
static bool
take_asks(const struct need *n, int res_len, struct res *left)
{
	int i, k;

	for (i = 0; i < n->asks_len; i++) {
		int32_t want = n->asks[i].count, got;

		for (k = RES_GRES; k < res_len && want > 0; k++) {
			if (!(n->asks[i].kinds >> k & 1))
				continue;
			got = MIN(want, left->v[k]);
			left->v[k] -= got;
			want -= got;
		}
		if (want > 0)
			return false;
	}
	return true;
}

/* So much memory of a node goes with so many CPUs of it. */
static int64_t
mem_of(const struct need *n, int64_t cpus)
{
	return n->mem_per_node + (n->mem_mb * cpus + n->mem_cpus - 1) /
	    n->mem_cpus;
}

/* What of a node the job takes with so many CPUs. */
static struct res
amount(const struct cluster *c, const struct res *left, const struct need *n,
    int32_t cpus)
{
	struct res after = *left, out = *left;
	int k;

	if (n->exclusive)
		return out;
	(void)take_asks(n, c->res_len, &after);
	for (k = RES_GRES; k < RES_MAX; k++)
		out.v[k] = left->v[k] - after.v[k];
	out.v[RES_CPU] = cpus;
	out.v[RES_MEM] = (int32_t)mem_of(n, cpus);
	return out;
}

bool
nodes_has_features(const struct node *node, const struct need *n)
{
	if (n->features == 0)
		return true;
	return n->any ? (node->features & n->features) != 0 :
	    (node->features & n->features) == n->features;
}

/*
 * Whether it can only be on one. With generic resources such a job is offered
 * no more CPUs of a node than it needs, so that all where it fits are alike.
 */
static bool
on_one_node(const struct need *n)
{
	return !n->exclusive && (n->node_count == 1 || n->cpus == 1);
}

/* How many CPUs of the node the job could have. */
static int32_t
usable(const struct cluster *c, int32_t i, const struct res *left,
    const struct need *n)
{
	const struct node *node = &c->nodes[i];
	struct res after;
	int32_t cpus = left->v[RES_CPU], each;

	if (cpus == 0 || !(node->partitions >> n->partition & 1) ||
	    !nodes_has_features(node, n) || n->mem_per_node > left->v[RES_MEM])
		return 0;
	if (n->exclusive && memcmp(left, &node->has, sizeof(*left)) != 0)
		return 0;
	if (n->mem_mb > 0)
		cpus = (int32_t)MIN(cpus, (int64_t)left->v[RES_MEM] *
		    n->mem_cpus / n->mem_mb);
	if (n->asks_len > 0) {
		after = *left;
		if (!take_asks(n, c->res_len, &after))
			return 0;
		if (on_one_node(n))
			return cpus < n->cpus ? 0 : n->cpus;
	}
	if (n->even) {
		each = n->cpus / n->node_count;
		return cpus < each ? 0 : each;
	}
	return cpus;
}

/* ---- the choice ---- */

struct run {
	int32_t first, last, nodes;
	int64_t cpus, weight;
};

/* One choice as it is made; the arrays serve all of them, one at a time. */
struct choice {
	const struct cluster *c;
	const struct need *n;
	int32_t *cpus;		/* that each node could give; 0: none */
	int32_t most_cpus;	/* of these */
	struct run *runs;
	int32_t runs_len;
	int32_t *nodes, *taken;	/* chosen, and the CPUs of each */
	int32_t len;
	int64_t left;		/* CPUs that are still to be found */
	int32_t least, most;	/* nodes that must, or may, still come */
};

static int64_t
weight_of(const struct cluster *c, int32_t i)
{
	return (int64_t)c->nodes[i].weight * (OFFERED_MAX + 1) -
	    (c->offered == NULL ? 0 : c->offered[i]);
}

static void
find_runs(struct choice *h)
{
	struct run *run = NULL;
	int64_t weight;
	int32_t i;

	h->runs_len = 0;
	for (i = 0; i < h->c->nodes_len; i++) {
		if (h->cpus[i] == 0) {
			run = NULL;
			continue;
		}
		weight = weight_of(h->c, i);
		if (run == NULL || run->weight != weight) {
			run = &h->runs[h->runs_len++];
			*run = (struct run){ .first = i, .weight = weight };
		}
		run->last = i;
		run->nodes++;
		run->cpus += h->cpus[i];
	}
}

/* The run to take from next, or NULL. */
static struct run *
best_run(const struct choice *h)
{
	struct run *best = NULL, *r;
	bool enough = false, is;

	for (r = h->runs; r < h->runs + h->runs_len; r++) {
		if (r->nodes == 0)
			continue;
		is = r->cpus >= h->left && r->nodes >= h->least;
		if (best == NULL || r->weight < best->weight ||
		    (r->weight == best->weight && (is ?
		    !enough || r->cpus < best->cpus :
		    !enough && r->cpus > best->cpus))) {
			best = r;
			enough = is;
		}
	}
	return best;
}

static void
choose(struct choice *h, int32_t node)
{
	int64_t spare = h->left - MAX(h->least - 1, 0);
	int32_t cpus = (int32_t)MIN((int64_t)h->cpus[node], MAX(spare, 1));

	h->nodes[h->len] = node;
	h->taken[h->len++] = cpus;
	h->left -= cpus;
	h->least--;
	h->most--;
}

static bool
is_done(const struct choice *h)
{
	return h->left <= 0 && h->least <= 0;
}

/* The one node of the run that holds all most tightly, or -1. */
static int32_t
tightest(const struct choice *h, const struct run *r)
{
	int32_t best = -1, i;

	for (i = r->first; i <= r->last; i++)
		if (h->cpus[i] >= h->left && h->cpus[i] > 0 &&
		    (best < 0 || h->cpus[i] < h->cpus[best]))
			best = i;
	return best;
}

static void
take_run(struct choice *h, struct run *r)
{
	int32_t i = h->least <= 1 ? tightest(h, r) : -1;

	if (i >= 0)
		choose(h, i);
	for (i = r->first; i <= r->last && h->most > 0 && !is_done(h); i++)
		if (h->cpus[i] > 0 && (h->most > 1 || h->cpus[i] >= h->left))
			choose(h, i);
	r->nodes = 0;
}

static void
begin(struct choice *h)
{
	h->len = 0;
	h->left = h->n->cpus;
	h->least = MAX(h->n->node_count, 1);
	h->most = h->n->node_count > 0 ? h->n->node_count : INT32_MAX;
}

static bool
run_by_run(struct choice *h)
{
	struct run *r;

	begin(h);
	find_runs(h);
	while (!is_done(h) && h->most > 0 && (r = best_run(h)) != NULL)
		take_run(h, r);
	return is_done(h);
}

/* The nodes that can give least are out. Whether there are others. */
static bool
leave_least_out(struct choice *h)
{
	int32_t least = INT32_MAX, i;

	for (i = 0; i < h->c->nodes_len; i++)
		if (h->cpus[i] > 0)
			least = MIN(least, h->cpus[i]);
	for (i = 0; i < h->c->nodes_len; i++)
		if (h->cpus[i] <= least)
			h->cpus[i] = 0;
	return least < h->most_cpus;
}

/* The nodes with most CPUs, of equals the first, then in their order. */
static void
largest(struct choice *h)
{
	int32_t i, best, k;

	for (k = 0; k < h->n->node_count; k++) {
		best = -1;
		for (i = 0; i < h->c->nodes_len; i++)
			if (h->cpus[i] > 0 &&
			    (best < 0 || h->cpus[i] > h->cpus[best]))
				best = i;
		h->cpus[best] = -h->cpus[best];
	}
	begin(h);
	for (i = 0; i < h->c->nodes_len; i++) {
		if (h->cpus[i] >= 0)
			continue;
		h->cpus[i] = -h->cpus[i];
		choose(h, i);
	}
	assert(is_done(h));
}

/* How many nodes could give more CPUs than that; *sum: what they could give. */
static int32_t
count_above(const struct choice *h, int32_t cpus, int64_t *sum)
{
	int32_t i, n = 0;

	*sum = 0;
	for (i = 0; i < h->c->nodes_len; i++)
		if (h->cpus[i] > cpus) {
			*sum += h->cpus[i];
			n++;
		}
	return n;
}

/* Whether as many nodes as it asks for, those with most CPUs, are enough. */
static bool
are_enough(const struct choice *h)
{
	int32_t count = h->n->node_count, low = 0, high = h->most_cpus, mid, n;
	int64_t sum;

	if (high >= h->n->cpus || (int64_t)high * count < h->n->cpus)
		return high >= h->n->cpus;
	/* fewer than count have more than high: the least of them has that */
	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (count_above(h, mid, &sum) < count)
			high = mid;
		else
			low = mid;
	}
	n = count_above(h, high, &sum);
	return sum + (int64_t)(count - n) * high >= h->n->cpus;
}

/* How many CPUs each node could give. Whether they are enough. */
static bool
look(struct choice *h, const struct res *free_)
{
	int64_t sum = 0;
	int32_t i, nodes = 0;

	h->most_cpus = 0;
	for (i = 0; i < h->c->nodes_len; i++) {
		h->cpus[i] = usable(h->c, i, &free_[i], h->n);
		h->most_cpus = MAX(h->most_cpus, h->cpus[i]);
		sum += h->cpus[i];
		nodes += h->cpus[i] > 0;
	}
	if (sum < h->n->cpus || nodes < h->n->node_count)
		return false;
	return h->n->node_count == 0 || are_enough(h);
}

/* Whether they are enough; then one of these ways has to find them. */
static bool
find(struct choice *h, const struct res *free_)
{
	if (!look(h, free_))
		return false;
	if (run_by_run(h))
		return true;
	while (leave_least_out(h))
		if (run_by_run(h))
			return true;
	(void)look(h, free_);
	largest(h);
	return true;
}

static struct choice *
choice_for(const struct cluster *c, const struct need *n)
{
	static struct choice h;
	size_t len = (size_t)c->nodes_len;

	if (h.c != c) {
		h.cpus = xcalloc(len, sizeof(*h.cpus));
		h.runs = xcalloc(len, sizeof(*h.runs));
		h.nodes = xcalloc(len, sizeof(*h.nodes));
		h.taken = xcalloc(len, sizeof(*h.taken));
		h.c = c;
	}
	h.n = n;
	return &h;
}

static int
cmp_part(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

int32_t
nodes_place(const struct cluster *c, const struct res *free_,
    const struct need *n, struct part *parts)
{
	struct choice *h = choice_for(c, n);
	int32_t i;

	if (!find(h, free_))
		return 0;
	for (i = 0; i < h->len; i++) {
		parts[i].node = h->nodes[i];
		parts[i].res = amount(c, &free_[h->nodes[i]], n, h->taken[i]);
	}
	qsort(parts, (size_t)h->len, sizeof(*parts), cmp_part);
	return h->len;
}

bool
nodes_fit(const struct cluster *c, const struct res *free_,
    const struct need *n)
{
	return look(choice_for(c, n), free_);
}

/* ---- what is free ---- */

static bool
is_gpu(const char *gres)
{
	return strncmp(gres, "gpu", 3) == 0 &&
	    (gres[3] == '\0' || gres[3] == ':');
}

/* How many GPUs it asks for on each node. */
static int32_t
gpus_of(const struct cluster *c, const struct need *n)
{
	int32_t sum = 0;
	int i, k;

	for (i = 0; i < n->asks_len; i++)
		for (k = RES_GRES; k < c->res_len; k++)
			if ((n->asks[i].kinds >> k & 1) && is_gpu(c->gres[k])) {
				sum += n->asks[i].count;
				break;
			}
	return MIN(sum, OFFERED_MAX);
}

static bool
is_for(const struct cluster *c, int32_t i, const struct need *n,
    const uint64_t *set)
{
	return (c->nodes[i].partitions >> n->partition & 1) &&
	    nodes_has_features(&c->nodes[i], n) &&
	    (set == NULL || (set[i / 64] >> (i % 64) & 1));
}

void
nodes_offer(struct cluster *c, const struct res *free_, const struct need *n,
    const uint64_t *set)
{
	int32_t gpus = gpus_of(c, n), i;
	struct res after;

	for (i = 0; gpus > 0 && i < c->nodes_len; i++) {
		after = free_[i];
		if (is_for(c, i, n, set) && take_asks(n, c->res_len, &after) &&
		    mem_of(n, 1) <= free_[i].v[RES_MEM])
			c->offered[i] = (uint8_t)gpus;
	}
}

void
nodes_forget(struct cluster *c, const struct need *n, const uint64_t *set)
{
	int32_t i;

	for (i = 0; i < c->nodes_len; i++)
		if (is_for(c, i, n, set))
			c->offered[i] = 0;
}

void
nodes_take(const struct cluster *c, struct res *free_,
    const struct part *parts, int32_t len)
{
	int32_t i;
	int k;

	for (i = 0; i < len; i++)
		for (k = 0; k < c->res_len; k++) {
			free_[parts[i].node].v[k] -= parts[i].res.v[k];
			assert(free_[parts[i].node].v[k] >= 0);
		}
}

void
nodes_give(const struct cluster *c, struct res *free_,
    const struct part *parts, int32_t len)
{
	int32_t i;
	int k;

	for (i = 0; i < len; i++)
		for (k = 0; k < c->res_len; k++) {
			free_[parts[i].node].v[k] += parts[i].res.v[k];
			assert(free_[parts[i].node].v[k] <=
			    c->nodes[parts[i].node].has.v[k]);
		}
}

void
nodes_least(const struct cluster *c, struct res *a, const struct res *b)
{
	int32_t i;
	int k;

	for (i = 0; i < c->nodes_len; i++)
		for (k = 0; k < c->res_len; k++)
			a[i].v[k] = MIN(a[i].v[k], b[i].v[k]);
}

struct res *
nodes_all(const struct cluster *c)
{
	struct res *all = xcalloc((size_t)c->nodes_len, sizeof(*all));
	int32_t i;

	for (i = 0; i < c->nodes_len; i++)
		all[i] = c->nodes[i].has;
	return all;
}
