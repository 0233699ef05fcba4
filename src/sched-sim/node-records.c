/*
 * node-records.c - a cluster as records: node, partition, and for policy slurm
 * qos, share and cluster.
 */
#include "cluster.h"

#include <stdio.h>
#include <string.h>

#include "slurm.h"

/* The members that are looked at, of all kinds. */
enum {
	KIND, NAME, CPUS, MEM_MB, GPUS, GRES, FEATURES, PARTITION, STATE,
	WEIGHT, MAX_S, DEFAULT, JOB_FACTOR, TIER, PRIORITY, ACCOUNT, PARENT,
	USER, SHARES, COMPLETE_S, KEYS,
};

static const char *const keys[KEYS] = {
	[KIND] = "kind", [NAME] = "name", [CPUS] = "cpus",
	[MEM_MB] = "mem_mb", [GPUS] = "gpus", [GRES] = "gres",
	[FEATURES] = "features", [PARTITION] = "partition",
	[STATE] = "state", [WEIGHT] = "weight", [MAX_S] = "max_s",
	[DEFAULT] = "default", [JOB_FACTOR] = "job_factor", [TIER] = "tier",
	[PRIORITY] = "priority", [ACCOUNT] = "account",
	[PARENT] = "parent", [USER] = "user", [SHARES] = "shares",
	[COMPLETE_S] = "complete_s",
};

enum { ABSENT = -1, TEXT_SIZE = 4096, COMPLETE_MAX_S = 86400 };

struct record {
	struct flat_member m[KEYS];
	char kind[NAME_SIZE];
};

/* A text, "" if it is not there. */
static int
text(const struct record *r, int k, char *out, size_t size, struct err *e)
{
	const struct flat_member *m = &r->m[k];

	*out = '\0';
	if (m->type == ABSENT)
		return 0;
	if (m->type != FLAT_STR)
		return err_perm(e, "%s: '%s' must be text", r->kind, keys[k]);
	return flat_str(m, out, size) < 0 ? err_perm(e, "%s: '%s' is longer "
	    "than %zu bytes", r->kind, keys[k], size - 1) : 0;
}

/* A number from least to most; *out is left alone if it is not there. */
static int
number(const struct record *r, int k, int64_t least, int64_t most,
    int64_t *out, struct err *e)
{
	const struct flat_member *m = &r->m[k];

	if (m->type == ABSENT)
		return 0;
	if (m->type != FLAT_INT || m->num < least || m->num > most)
		return err_perm(e, "%s: '%s' must be an integer, %lld to %lld",
		    r->kind, keys[k], (long long)least, (long long)most);
	*out = m->num;
	return 0;
}

static int
read_record(struct record *r, const char *line, size_t len, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int k, got;

	for (k = 0; k < KEYS; k++)
		r->m[k].type = ABSENT;
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0)
		for (k = 0; k < KEYS; k++)
			if (flat_is(&m, keys[k]))
				r->m[k] = m;
	if (got < 0)
		return -1;
	(void)memcpy(r->kind, "record", sizeof("record"));
	return text(r, KIND, r->kind, sizeof(r->kind), e);
}

static int
need_name(const struct record *r, int k, char *name, struct err *e)
{
	if (text(r, k, name, NAME_SIZE, e) < 0)
		return -1;
	return *name == '\0' ? err_perm(e, "%s: '%s' is missing", r->kind,
	    keys[k]) : 0;
}

/* Generic resources: gres, or so many GPUs of no type. */
static int
node_gres(struct cluster *c, const struct record *r, struct node *n,
    struct err *e)
{
	char gres[TEXT_SIZE];
	int64_t gpus = 0;

	if (text(r, GRES, gres, sizeof(gres), e) < 0 ||
	    number(r, GPUS, 0, PROCS_MAX, &gpus, e) < 0)
		return -1;
	if (*gres == '\0' && gpus > 0)
		(void)snprintf(gres, sizeof(gres), "gpu:%lld", (long long)gpus);
	return cluster_add_gres(c, gres, &n->has, e);
}

static int
add_nodes(struct cluster *c, const struct record *r, struct err *e)
{
	char names[TEXT_SIZE], word[TEXT_SIZE];
	int64_t cpus = 0, mem = 0, weight = 1;
	struct node n = { 0 };

	if (text(r, NAME, names, sizeof(names), e) < 0)
		return -1;
	if (*names == '\0')
		return err_perm(e, "node: 'name' is missing");
	if (r->m[CPUS].type == ABSENT)
		return err_perm(e, "node: 'cpus' is missing");
	if (number(r, CPUS, 1, PROCS_MAX, &cpus, e) < 0 ||
	    number(r, MEM_MB, 0, PROCS_MAX, &mem, e) < 0 ||
	    number(r, WEIGHT, 0, INT32_MAX, &weight, e) < 0 ||
	    node_gres(c, r, &n, e) < 0 ||
	    text(r, FEATURES, word, sizeof(word), e) < 0 ||
	    cluster_bits(&c->features, word, &n.features, e) < 0 ||
	    text(r, PARTITION, word, sizeof(word), e) < 0 ||
	    cluster_partition_bits(c, word, &n.partitions, e) < 0 ||
	    text(r, STATE, word, sizeof(word), e) < 0)
		return -1;
	if (!cluster_is_up(word))
		return 0;
	n.has.v[RES_CPU] = (int32_t)cpus;
	n.has.v[RES_MEM] = (int32_t)mem;
	n.weight = (int32_t)weight;
	return cluster_add_nodes(c, names, &n, e);
}

static int
set_partition(struct cluster *c, const struct record *r, struct err *e)
{
	char name[NAME_SIZE], state[NAME_SIZE];
	struct partition *p;
	int i;

	if (need_name(r, NAME, name, e) < 0)
		return -1;
	i = cluster_add_partition(c, name, strlen(name), e);
	if (i < 0)
		return -1;
	p = &c->partitions[i];
	if (r->m[DEFAULT].type == FLAT_BOOL && r->m[DEFAULT].num)
		c->default_partition = i;
	if (text(r, STATE, state, sizeof(state), e) < 0)
		return -1;
	p->down = *state != '\0' && strcmp(state, "UP") != 0;
	return number(r, MAX_S, 1, INT64_C(1) << 53, &p->max_s, e) < 0 ||
	    number(r, JOB_FACTOR, 0, 65533, &p->job_factor, e) < 0 ||
	    number(r, TIER, 0, 65533, &p->tier, e) < 0 ? -1 : 0;
}

static int
set_qos(struct cluster *c, const struct record *r, struct err *e)
{
	char name[NAME_SIZE];
	int64_t priority = 0;

	if (need_name(r, NAME, name, e) < 0 ||
	    number(r, PRIORITY, 0, UINT32_MAX, &priority, e) < 0)
		return -1;
	return slurm_add_qos(slurm_conf_of(c), name, priority, e);
}

static int
set_share(struct cluster *c, const struct record *r, struct err *e)
{
	char account[NAME_SIZE], parent[NAME_SIZE], user[NAME_SIZE];
	int64_t shares = 1;

	if (need_name(r, ACCOUNT, account, e) < 0 ||
	    text(r, PARENT, parent, sizeof(parent), e) < 0 ||
	    text(r, USER, user, sizeof(user), e) < 0 ||
	    number(r, SHARES, 0, INT32_MAX, &shares, e) < 0)
		return -1;
	return slurm_add_share(slurm_conf_of(c), account, parent, user, shares,
	    e);
}

/* Of other records of that kind nothing is to be made: no slurm.conf either. */
static int
set_cluster(struct cluster *c, const struct record *r, struct err *e)
{
	if (r->m[COMPLETE_S].type == ABSENT)
		return 0;
	return number(r, COMPLETE_S, 0, COMPLETE_MAX_S,
	    &slurm_conf_of(c)->complete_s, e);
}

int
node_record(struct cluster *c, const char *line, size_t len, struct err *e)
{
	struct record r;

	if (read_record(&r, line, len, e) < 0)
		return -1;
	if (strcmp(r.kind, "node") == 0)
		return add_nodes(c, &r, e);
	if (strcmp(r.kind, "partition") == 0)
		return set_partition(c, &r, e);
	if (strcmp(r.kind, "qos") == 0)
		return set_qos(c, &r, e);
	if (strcmp(r.kind, "share") == 0)
		return set_share(c, &r, e);
	if (strcmp(r.kind, "cluster") == 0)
		return set_cluster(c, &r, e);
	return 0;
}
