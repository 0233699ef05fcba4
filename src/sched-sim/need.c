/*
 * need.c - what a job's record asks of nodes. Amounts that a record has in all
 * are spread here: memory goes with the CPUs, or in equal parts on so many
 * nodes as are asked for.
 */
#include "cluster.h"

#include <stdlib.h>
#include <string.h>

#include "slurm.h"
#include "xalloc.h"

enum {
	NODE_COUNT, GPUS, GRES, MEM_MB, PARTITION, CONSTRAINT, EXCLUSIVE,
	NTASKS_PER_NODE, KEYS,
};

static const char *const keys[KEYS] = {
	[NODE_COUNT] = "node_count", [GPUS] = "gpus", [GRES] = "gres",
	[MEM_MB] = "mem_mb", [PARTITION] = "partition",
	[CONSTRAINT] = "constraint", [EXCLUSIVE] = "exclusive",
	[NTASKS_PER_NODE] = "ntasks_per_node",
};

enum { ABSENT = -1 };

struct need_line {
	struct flat_member m[KEYS];
	struct flat_member slurm[SJ_KEYS];
};

struct need_line *
need_line_new(void)
{
	return xcalloc(1, sizeof(struct need_line));
}

void
need_line_free(struct need_line *l)
{
	free(l);
}

void
need_line_clear(struct need_line *l)
{
	int k;

	for (k = 0; k < KEYS; k++)
		l->m[k].type = ABSENT;
	for (k = 0; k < SJ_KEYS; k++)
		l->slurm[k].type = ABSENT;
}

void
need_line_member(struct need_line *l, const struct flat_member *m)
{
	int k;

	for (k = 0; k < KEYS; k++)
		if (flat_is(m, keys[k]))
			l->m[k] = *m;
	for (k = 0; k < SJ_KEYS; k++)
		if (flat_is(m, slurm_job_keys[k]))
			l->slurm[k] = *m;
}

/* ---- single members ---- */

/* A number from least on, 0 if it is not there. */
static int
number(const struct need_line *l, int k, int64_t *out, struct err *e)
{
	const struct flat_member *m = &l->m[k];

	*out = 0;
	if (m->type == ABSENT || m->type == FLAT_NULL)
		return 0;
	if (m->type != FLAT_INT || m->num < 0 || m->num > PROCS_MAX)
		return err_perm(e, "job: '%s' must be an integer, 0 to %d",
		    keys[k], PROCS_MAX);
	*out = m->num;
	return 0;
}

/* A text, "" if it is not there. */
static int
text(const struct need_line *l, int k, char out[NAME_SIZE], struct err *e)
{
	const struct flat_member *m = &l->m[k];

	*out = '\0';
	if (m->type == ABSENT || m->type == FLAT_NULL)
		return 0;
	if (m->type != FLAT_STR)
		return err_perm(e, "job: '%s' must be text", keys[k]);
	return flat_str(m, out, NAME_SIZE) < 0 ? err_perm(e, "job: '%s' is "
	    "longer than %d bytes", keys[k], NAME_SIZE - 1) : 0;
}

/* ---- what they mean ---- */

static int
take_partition(struct need *n, const struct need_line *l,
    const struct cluster *c, struct err *e)
{
	char name[NAME_SIZE];

	if (text(l, PARTITION, name, e) < 0)
		return -1;
	n->partition = *name == '\0' ? c->default_partition :
	    cluster_partition(c, name, strlen(name));
	if (n->partition < 0 && *name != '\0')
		return err_perm(e, "job: the cluster has no partition '%s'",
		    name);
	return 0;
}

static int
need_partition(const struct need *n, struct err *e)
{
	return n->partition >= 0 ? 0 : err_perm(e, "job: 'partition' is "
	    "missing, and none is the default");
}

/* "a&b" or "a|b", not both. */
static int
take_features(struct need *n, const struct need_line *l,
    const struct cluster *c, struct err *e)
{
	char words[NAME_SIZE], *s;
	size_t len;
	int i;

	if (text(l, CONSTRAINT, words, e) < 0)
		return -1;
	n->any = strchr(words, '|') != NULL;
	if (strpbrk(words, "[]()*") != NULL ||
	    (n->any && strpbrk(words, "&,") != NULL))
		return err_perm(e, "job: constraint '%s': only A&B and A|B are "
		    "understood", words);
	for (s = words; *s != '\0'; s += len + (s[len] != '\0')) {
		len = strcspn(s, "&|,");
		i = cluster_name(&c->features, s, len);
		if (i < 0)
			return err_perm(e, "job: no node has the feature "
			    "'%.*s'", (int)len, s);
		n->features |= (uint64_t)1 << i;
	}
	return 0;
}

/* The kinds that a name without a type, or with one, can be of. */
static uint32_t
kinds_of(const struct cluster *c, const char *name, size_t len)
{
	uint32_t kinds = 0;
	int k;

	for (k = RES_GRES; k < c->res_len; k++)
		if (strncmp(c->gres[k], name, len) == 0 &&
		    (c->gres[k][len] == '\0' || c->gres[k][len] == ':'))
			kinds |= (uint32_t)1 << k;
	return kinds;
}

static int
add_ask(struct need *n, const struct cluster *c, const char *name,
    size_t len, int64_t count, struct err *e)
{
	struct ask a = { kinds_of(c, name, len), (int32_t)count };
	int at;

	if (count == 0)
		return 0;
	if (a.kinds == 0)
		return err_perm(e, "job: no node has the gres '%.*s'",
		    (int)len, name);
	if (n->asks_len == ASKS_MAX)
		return err_perm(e, "job: more than %d kinds of gres",
		    ASKS_MAX);
	/* a certain type first, so that it is not gone to who takes any */
	at = memchr(name, ':', len) != NULL ? 0 : n->asks_len;
	memmove(&n->asks[at + 1], &n->asks[at],
	    (size_t)(n->asks_len++ - at) * sizeof(a));
	n->asks[at] = a;
	return 0;
}

/* gres is of each node. */
static int
take_gres(struct need *n, const struct need_line *l, const struct cluster *c,
    struct err *e)
{
	char words[NAME_SIZE], *s;
	size_t end, len;
	int64_t count;

	if (text(l, GRES, words, e) < 0)
		return -1;
	for (s = words; *s != '\0'; s += end + (s[end] != '\0')) {
		end = strcspn(s, ",");
		if (gres_split(s, end, &len, &count, e) < 0 ||
		    add_ask(n, c, s, len, count, e) < 0)
			return -1;
	}
	return 0;
}

/* The most GPUs on a node of the job's partition, with its features. */
static int64_t
most_gpus(const struct need *n, const struct cluster *c, uint32_t kinds)
{
	int64_t most = 0, sum;
	int32_t i;
	int k;

	for (i = 0; i < c->nodes_len; i++) {
		if (!(c->nodes[i].partitions >> n->partition & 1) ||
		    !nodes_has_features(&c->nodes[i], n))
			continue;
		sum = 0;
		for (k = RES_GRES; k < c->res_len; k++)
			if (kinds >> k & 1)
				sum += c->nodes[i].has.v[k];
		most = MAX(most, sum);
	}
	return most;
}

/* gpus are of the job: on as few nodes as have so many, or as it asks for. */
static int
take_gpus(struct need *n, const struct need_line *l, const struct cluster *c,
    struct err *e)
{
	uint32_t kinds = kinds_of(c, "gpu", 3);
	int64_t gpus, most;
	int i;

	if (number(l, GPUS, &gpus, e) < 0)
		return -1;
	for (i = 0; i < n->asks_len; i++)
		if (n->asks[i].kinds & kinds)
			return 0;		/* gres says it better */
	if (gpus == 0)
		return 0;
	most = most_gpus(n, c, kinds);
	if (most == 0)
		return err_perm(e, "job: no node of partition '%s' that it may "
		    "use has GPUs", c->partitions[n->partition].name);
	if (n->node_count == 0)
		n->node_count = (int32_t)((gpus + most - 1) / most);
	return add_ask(n, c, "gpu", 3,
	    (gpus + n->node_count - 1) / n->node_count, e);
}

static int
take_memory(struct need *n, const struct need_line *l, const struct cluster *c,
    struct err *e)
{
	const struct partition *p = &c->partitions[n->partition];
	int64_t mb;

	n->mem_cpus = 1;
	if (number(l, MEM_MB, &mb, e) < 0)
		return -1;
	if (!c->counts_mem)
		return 0;
	if (l->m[MEM_MB].type == ABSENT || l->m[MEM_MB].type == FLAT_NULL) {
		n->mem_mb = (int32_t)MAX(p->mem_per_cpu, 0);
		n->mem_per_node = (int32_t)MAX(p->mem_per_node, 0);
	} else if (n->node_count > 0) {
		n->mem_per_node = (int32_t)((mb + n->node_count - 1) /
		    n->node_count);
	} else {
		n->mem_mb = (int32_t)mb;
		n->mem_cpus = n->cpus;
	}
	return 0;
}

static int
take_nodes(struct need *n, const struct need_line *l, const struct cluster *c,
    struct err *e)
{
	const struct flat_member *x = &l->m[EXCLUSIVE];
	int64_t count, tasks;

	if (number(l, NODE_COUNT, &count, e) < 0 ||
	    number(l, NTASKS_PER_NODE, &tasks, e) < 0)
		return -1;
	n->node_count = (int32_t)count;
	n->cpus = MAX(n->cpus, n->node_count);
	n->even = tasks > 0 && count > 0 && n->cpus % n->node_count == 0;
	n->exclusive = c->partitions[n->partition].exclusive ||
	    (x->type == FLAT_BOOL && x->num) || x->type == FLAT_STR;
	return 0;
}

/* ---- all of it ---- */

/* A job that not even an empty cluster could run would wait for ever. */
static int
check(const struct need *n, const struct cluster *c, int64_t limit_s,
    struct err *e)
{
	const struct partition *p = &c->partitions[n->partition];
	struct res *all;
	bool fits;

	if (p->max_s > 0 && limit_s > p->max_s)
		return err_perm(e, "its limit of %lld s is longer than the "
		    "%lld s of partition '%s'", (long long)limit_s,
		    (long long)p->max_s, p->name);
	if (p->down)
		return err_perm(e, "partition '%s' is down", p->name);
	all = nodes_all(c);
	fits = nodes_fit(c, all, n);
	free(all);
	if (fits)
		return 0;
	return err_perm(e, "asks for more than partition '%s' can ever give: "
	    "%d CPUs on %d nodes, with memory and generic resources", p->name,
	    n->cpus, MAX(n->node_count, 1));
}

struct need *
need_new(const struct need_line *l, struct cluster *c, int64_t cpus,
    int64_t limit_s, struct err *e)
{
	struct need n = { .cpus = (int32_t)cpus }, *out;

	if (take_partition(&n, l, c, e) < 0 || need_partition(&n, e) < 0 ||
	    take_nodes(&n, l, c, e) < 0 ||
	    take_features(&n, l, c, e) < 0 || take_gres(&n, l, c, e) < 0 ||
	    take_gpus(&n, l, c, e) < 0 || take_memory(&n, l, c, e) < 0 ||
	    check(&n, c, limit_s, e) < 0)
		return NULL;
	n.slurm = slurm_job_new(l->slurm, slurm_conf_of(c), e);
	if (n.slurm == NULL)
		return NULL;
	out = xcalloc(1, sizeof(*out));
	*out = n;
	return out;
}

int
need_where(struct need *n, const struct need_line *l, const struct cluster *c,
    struct err *e)
{
	*n = (struct need){ 0 };
	if (take_partition(n, l, c, e) < 0 || take_features(n, l, c, e) < 0 ||
	    take_gres(n, l, c, e) < 0)
		return -1;
	if (n->partition >= 0 && c->partitions[n->partition].down)
		return err_perm(e, "job: partition '%s' is down",
		    c->partitions[n->partition].name);
	return 0;
}
