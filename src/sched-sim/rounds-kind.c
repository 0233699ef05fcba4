/*
 * rounds-kind.c - what jobs of rounds ask for: of which servers, and of these
 * each kind of job once.
 */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>

#include "cluster.h"
#include "xalloc.h"

uint64_t
kind_everywhere(const struct servers *s)
{
	return UINT64_MAX >> (GROUPS_MAX - s->groups_len);
}

uint64_t
kind_types(const struct servers *s, uint64_t where)
{
	uint64_t types = 0;
	int i;

	for (i = 0; i < s->groups_len; i++)
		if (where >> i & 1)
			types |= UINT64_C(1) << s->groups[i].type;
	return types;
}

int64_t
kind_gpus(const struct servers *s, uint64_t where)
{
	int64_t gpus = 0;
	int i;

	for (i = 0; i < s->groups_len; i++)
		gpus += where >> i & 1 ? s->groups[i].gpus : 0;
	return gpus;
}

/*
 * Whether a node has what is asked for on it. GPUs are shared out by number, so
 * that who wants a type is for nodes that have no other.
 */
static bool
has_gres(const struct cluster *c, const struct node *node,
    const struct ask *a)
{
	int64_t count = 0;
	bool gpus = false;
	int k;

	for (k = RES_GRES; k < c->res_len; k++) {
		bool asked = a->kinds >> k & 1;

		gpus = gpus || (asked && cluster_is_gpu(c, k));
		count += asked ? node->has.v[k] : 0;
	}
	for (k = RES_GRES; gpus && k < c->res_len; k++)
		if (!(a->kinds >> k & 1) && cluster_is_gpu(c, k) &&
		    node->has.v[k] > 0)
			return false;
	return count >= (gpus ? 1 : a->count);
}

static bool
is_for(const struct cluster *c, const struct node *node,
    const struct need *n)
{
	int i;

	if (n->partition >= 0 && !(node->partitions >> n->partition & 1))
		return false;
	for (i = 0; i < n->asks_len; i++)
		if (!has_gres(c, node, &n->asks[i]))
			return false;
	return nodes_has_features(node, n);
}

uint64_t
kind_where(const struct servers *s, const struct need_line *l, struct err *e)
{
	uint64_t where = 0;
	struct need n;
	int i;

	if (need_where(&n, l, s->cluster, e) < 0)
		return 0;
	for (i = 0; i < s->groups_len; i++)
		if (is_for(s->cluster, s->groups[i].like, &n))
			where |= UINT64_C(1) << i;
	if (where == 0)
		(void)err_perm(e, "job: no node has GPUs, and all that it "
		    "asks for of nodes");
	return where;
}

static struct kind *
new_kind(struct rounds *r, const struct model *m, int gpus, uint64_t where,
    struct err *e)
{
	size_t n = (size_t)r->kinds_len + 1;
	struct kind *k = xcalloc(1, sizeof(*k));

	*k = (struct kind){
		.number = r->kinds_len, .model = m, .gpus = gpus,
		.where = where,
	};
	if (model_demand(k, &r->servers, r->o->synergy, e) < 0) {
		free(k);
		return NULL;
	}
	r->kinds = xrealloc(r->kinds, n, sizeof(struct kind *));
	r->kinds[r->kinds_len++] = k;
	return k;
}

struct kind *
kind_find(struct rounds *r, const struct model *m, int gpus, uint64_t where,
    struct err *e)
{
	struct kind *k;
	char name[64];

	(void)snprintf(name, sizeof(name), "%d %d %llx", model_index(m), gpus,
	    (unsigned long long)where);
	k = map_get(&r->kind_names, name);
	if (k != NULL)
		return k;
	k = new_kind(r, m, gpus, where, e);
	if (k != NULL && map_set(&r->kind_names, name, k) < 0) {
		(void)err_errno(e, "job");
		return NULL;
	}
	return k;
}

void
kinds_free(struct rounds *r)
{
	int i;

	for (i = 0; i < r->kinds_len; i++)
		free(r->kinds[i]);
	free(r->kinds);
	map_release(&r->kind_names, NULL);
}
