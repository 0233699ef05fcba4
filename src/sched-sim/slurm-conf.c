/*
 * slurm-conf.c - Slurm's own configuration file, as far as a simulation needs
 * it: nodes, partitions, priorities and the scheduler. Other lines are passed
 * over; what would change the outcome and is not known here is refused.
 */
#include "slurm.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "num.h"
#include "xalloc.h"

enum { MINUTE_S = 60, DAY_S = 86400, WORDS_MAX = 64 };

struct slurm_conf *
slurm_conf_of(struct cluster *c)
{
	static const struct slurm_conf defaults = {
		.max_age_s = 7 * DAY_S, .half_life_s = 7 * DAY_S,
		.calc_s = 5 * MINUTE_S, .damp = 1,
		.bf_interval_s = 30, .bf_resolution_s = 60,
		.bf_window_s = DAY_S, .bf_max_job_test = 500,
	};

	if (c->slurm == NULL) {
		c->slurm = xcalloc(1, sizeof(*c->slurm));
		*c->slurm = defaults;
	}
	return c->slurm;
}

/* ---- KEY=VALUE ---- */

struct pair {
	const char *key, *value;
};

/* The pairs of a line, which is cut up. How many; -1 and *e. */
static int
split(char *s, struct pair pairs[WORDS_MAX], struct err *e)
{
	char *eq;
	int n = 0;

	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (*s == '\0' || *s == '#')
			return n;
		eq = s + strcspn(s, "= \t");
		if (*eq != '=')
			break;
		if (n == WORDS_MAX)
			return err_perm(e, "more than %d words", WORDS_MAX);
		*eq = '\0';
		pairs[n].key = s;
		s = eq + 1;
		if (*s == '"') {
			pairs[n++].value = ++s;
			s += strcspn(s, "\"");
		} else {
			pairs[n++].value = s;
			s += strcspn(s, " \t\r#");
		}
		if (*s == '\0' || *s == '#') {
			*s = '\0';
			return n;
		}
		*s++ = '\0';
	}
	(void)err_perm(e, "'%.*s' is not KEY=VALUE",
	    (int)strcspn(s, " \t"), s);
	return -1;
}

static const char *
value_of(const struct pair *p, int n, const char *key)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcasecmp(p[i].key, key) == 0)
			return p[i].value;
	return NULL;
}

/* *out is left alone if the key is not there. */
static int
number(const struct pair *p, int n, const char *key, int64_t *out,
    struct err *e)
{
	const char *v = value_of(p, n, key);

	if (v == NULL)
		return 0;
	return num_int(v, 0, PROCS_MAX, out, e) < 0 ? err_prefix(e, "%s",
	    key) : 0;
}

/* Minutes, or as sbatch has it; 0: without a limit. */
static int
limit(const char *key, const char *v, int64_t *out, struct err *e)
{
	if (num_slurm_time(v, out, e) < 0)
		return err_prefix(e, "%s", key);
	if (*out == INT64_MAX)
		*out = 0;
	return 0;
}

/* ---- nodes ---- */

/* A node as it is being told, and as NodeName=DEFAULT has it. */
struct told {
	int64_t cpus, boards, sockets, cores, threads, mem, weight;
};

static int
node_res(struct cluster *c, const struct pair *p, int n, struct node *node,
    struct told *t, struct err *e)
{
	const char *v;

	if (number(p, n, "CPUs", &t->cpus, e) < 0 ||
	    number(p, n, "Boards", &t->boards, e) < 0 ||
	    number(p, n, "Sockets", &t->sockets, e) < 0 ||
	    number(p, n, "SocketsPerBoard", &t->sockets, e) < 0 ||
	    number(p, n, "CoresPerSocket", &t->cores, e) < 0 ||
	    number(p, n, "ThreadsPerCore", &t->threads, e) < 0 ||
	    number(p, n, "RealMemory", &t->mem, e) < 0 ||
	    number(p, n, "Weight", &t->weight, e) < 0)
		return -1;
	if ((v = value_of(p, n, "Gres")) != NULL) {
		memset(node->has.v + RES_GRES, 0,
		    sizeof(node->has.v) - RES_GRES * sizeof(*node->has.v));
		if (strcasecmp(v, "(null)") != 0 &&
		    cluster_add_gres(c, v, &node->has, e) < 0)
			return -1;
	}
	v = value_of(p, n, "Features");
	if (v == NULL)
		v = value_of(p, n, "Feature");
	return v == NULL ? 0 : cluster_bits(&c->features, v, &node->features,
	    e);
}

static int
add_nodes(struct cluster *c, const struct pair *p, int n, struct err *e)
{
	static struct told usual = { 0, 1, 1, 1, 1, 1, 1 };
	static struct node like;
	struct told t = usual;
	struct node node = like;
	const char *state = value_of(p, n, "State");
	int64_t cpus;

	if (node_res(c, p, n, &node, &t, e) < 0)
		return -1;
	if (strcasecmp(p[0].value, "DEFAULT") == 0) {
		usual = t;
		like = node;
		return 0;
	}
	cpus = t.cpus > 0 ? t.cpus : t.boards * t.sockets * t.cores *
	    t.threads;
	if (cpus < 1 || cpus > PROCS_MAX)
		return err_perm(e, "node %s: %lld CPUs", p[0].value,
		    (long long)cpus);
	node.has.v[RES_CPU] = (int32_t)cpus;
	node.has.v[RES_MEM] = (int32_t)t.mem;
	node.weight = (int32_t)t.weight;
	if (state != NULL && !cluster_is_up(state))
		return 0;
	return cluster_add_nodes(c, p[0].value, &node, e);
}

/* ---- partitions ---- */

/* A name for nodes: those of a list, and those with a feature. */
struct node_set {
	char *name, *nodes, *feature;	/* NULL: of these none */
};

/* Which nodes belong to which: known when all lines are read. */
static struct {
	char *nodes[NAMES_MAX];
	struct node_set sets[NAMES_MAX];
	int sets_len;
	int64_t mem_per_cpu, mem_per_node;
	bool linear;
	struct partition like;
	char *like_nodes;
	struct buf line;	/* that goes on in the next one */
} kept = {
	.mem_per_cpu = -1, .mem_per_node = -1,
	.like = { .job_factor = 1, .tier = 1, .mem_per_cpu = -1,
	    .mem_per_node = -1 },
	.line = BUF_INIT(1 << 20),
};

static int
partition_values(const struct pair *p, int n, struct partition *t,
    struct err *e)
{
	const char *v;

	if ((v = value_of(p, n, "MaxTime")) != NULL &&
	    limit("MaxTime", v, &t->max_s, e) < 0)
		return -1;
	if ((v = value_of(p, n, "State")) != NULL)
		t->down = strcasecmp(v, "UP") != 0;
	v = value_of(p, n, "OverSubscribe");
	if (v == NULL)
		v = value_of(p, n, "Shared");
	if (v != NULL)
		t->exclusive = strcasecmp(v, "EXCLUSIVE") == 0;
	return number(p, n, "PriorityJobFactor", &t->job_factor, e) < 0 ||
	    number(p, n, "PriorityTier", &t->tier, e) < 0 ||
	    number(p, n, "DefMemPerCPU", &t->mem_per_cpu, e) < 0 ||
	    number(p, n, "DefMemPerNode", &t->mem_per_node, e) < 0 ? -1 : 0;
}

static int
set_partition(struct cluster *c, const struct pair *p, int n, struct err *e)
{
	struct partition t = kept.like;
	const char *nodes = value_of(p, n, "Nodes"), *v;
	int i;

	if (nodes == NULL)
		nodes = kept.like_nodes;
	if (partition_values(p, n, &t, e) < 0)
		return -1;
	if (strcasecmp(p[0].value, "DEFAULT") == 0) {
		kept.like = t;
		kept.like_nodes = nodes ? xstrdup(nodes) : NULL;
		return 0;
	}
	i = cluster_add_partition(c, p[0].value, strlen(p[0].value), e);
	if (i < 0)
		return -1;
	t.name = c->partitions[i].name;
	c->partitions[i] = t;
	kept.nodes[i] = nodes ? xstrdup(nodes) : NULL;
	v = value_of(p, n, "Default");
	if (v != NULL && strcasecmp(v, "YES") == 0)
		c->default_partition = i;
	return 0;
}

static int
add_set(const struct pair *p, int n, struct err *e)
{
	const char *nodes = value_of(p, n, "Nodes");
	const char *feature = value_of(p, n, "Feature");

	if (kept.sets_len == NAMES_MAX)
		return err_perm(e, "more than %d sets of nodes", NAMES_MAX);
	kept.sets[kept.sets_len++] = (struct node_set){
		.name = xstrdup(p[0].value),
		.nodes = nodes ? xstrdup(nodes) : NULL,
		.feature = feature ? xstrdup(feature) : NULL,
	};
	return 0;
}

/* ---- the scheduler ---- */

/* A word of SchedulerParameters, with its number or without. */
static int
scheduler_word(struct slurm_conf *f, const char *word, size_t len,
    struct err *e)
{
	const struct {
		const char *key;
		int64_t *to, unit;
	} known[] = {
		{ "bf_interval=", &f->bf_interval_s, 1 },
		{ "bf_resolution=", &f->bf_resolution_s, 1 },
		{ "bf_window=", &f->bf_window_s, MINUTE_S },
		{ "bf_max_job_test=", &f->bf_max_job_test, 1 },
		{ "bf_max_job_start=", &f->bf_max_job_start, 1 },
		{ "bf_max_job_user=", &f->bf_max_job_user, 1 },
	};
	char text[NAME_SIZE];
	size_t i, key;

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, word);
	if (strcmp(text, "defer") == 0)
		f->defer = true;
	for (i = 0; i < ARRAY_LEN(known); i++) {
		key = strlen(known[i].key);
		if (strncmp(text, known[i].key, key) != 0)
			continue;
		if (num_int(text + key, 0, PROCS_MAX, known[i].to, e) < 0)
			return err_prefix(e, "SchedulerParameters: %s", text);
		*known[i].to *= known[i].unit;
	}
	f->bf_interval_s = MAX(f->bf_interval_s, 1);
	f->bf_resolution_s = MAX(f->bf_resolution_s, 1);
	return 0;
}

static int
scheduler_words(struct slurm_conf *f, const char *words, struct err *e)
{
	size_t len;

	for (; *words != '\0'; words += len + (words[len] == ',')) {
		len = strcspn(words, ",");
		if (scheduler_word(f, words, len, e) < 0)
			return -1;
	}
	return 0;
}

static bool
has_word(const char *words, const char *word)
{
	size_t len;

	for (; *words != '\0'; words += len + (words[len] == ',')) {
		len = strcspn(words, ",");
		if (len == strlen(word) && strncasecmp(words, word, len) == 0)
			return true;
	}
	return false;
}

/* PriorityDecayHalfLife=0: nothing is ever forgotten. */
static int
priority_times(struct slurm_conf *f, const struct pair *p, int n,
    struct err *e)
{
	const struct {
		const char *key;
		int64_t *to;
	} spans[] = {
		{ "PriorityDecayHalfLife", &f->half_life_s },
		{ "PriorityMaxAge", &f->max_age_s },
		{ "PriorityCalcPeriod", &f->calc_s },
	};
	const char *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(spans); i++)
		if ((v = value_of(p, n, spans[i].key)) != NULL &&
		    limit(spans[i].key, v, spans[i].to, e) < 0)
			return -1;
	f->calc_s = MAX(f->calc_s, 1);
	return 0;
}

static int
priority_words(struct slurm_conf *f, const struct pair *p, int n,
    struct err *e)
{
	const char *v = value_of(p, n, "PriorityFlags");

	if (v != NULL) {
		f->no_fair_tree = has_word(v, "NO_FAIR_TREE");
		f->relative_to_time = has_word(v, "SMALL_RELATIVE_TO_TIME");
		f->accrue_always = has_word(v, "ACCRUE_ALWAYS");
	}
	if ((v = value_of(p, n, "PriorityFavorSmall")) != NULL)
		f->favor_small = strcasecmp(v, "YES") == 0;
	if ((v = value_of(p, n, "PriorityType")) != NULL)
		f->multifactor = strcmp(v, "priority/multifactor") == 0;
	if (value_of(p, n, "PriorityWeightTRES") != NULL)
		return err_perm(e, "PriorityWeightTRES is not simulated");
	if ((v = value_of(p, n, "PriorityUsageResetPeriod")) != NULL &&
	    strcasecmp(v, "NONE") != 0)
		return err_perm(e, "PriorityUsageResetPeriod is not simulated");
	return priority_times(f, p, n, e) < 0 ||
	    number(p, n, "FairShareDampeningFactor", &f->damp, e) < 0 ||
	    number(p, n, "PriorityWeightAge", &f->age_weight, e) < 0 ||
	    number(p, n, "PriorityWeightFairshare", &f->share_weight, e) < 0 ||
	    number(p, n, "PriorityWeightJobSize", &f->size_weight, e) < 0 ||
	    number(p, n, "PriorityWeightPartition", &f->partition_weight,
	    e) < 0 ||
	    number(p, n, "PriorityWeightQOS", &f->qos_weight, e) < 0 ? -1 : 0;
}

static int
other_line(struct cluster *c, const struct pair *p, int n, struct err *e)
{
	struct slurm_conf *f = slurm_conf_of(c);
	const char *v;

	if ((v = value_of(p, n, "SchedulerType")) != NULL)
		f->no_backfill = strcmp(v, "sched/backfill") != 0;
	if ((v = value_of(p, n, "SelectType")) != NULL)
		kept.linear = strcmp(v, "select/linear") == 0;
	if ((v = value_of(p, n, "SelectTypeParameters")) != NULL)
		c->counts_mem = strcasestr(v, "memory") != NULL;
	if ((v = value_of(p, n, "SchedulerParameters")) != NULL &&
	    scheduler_words(f, v, e) < 0)
		return -1;
	return priority_words(f, p, n, e) < 0 ||
	    number(p, n, "DefMemPerCPU", &kept.mem_per_cpu, e) < 0 ||
	    number(p, n, "DefMemPerNode", &kept.mem_per_node, e) < 0 ? -1 : 0;
}

/* ---- all of it ---- */

static int
whole_line(struct cluster *c, char *line, struct err *e)
{
	struct pair pairs[WORDS_MAX];
	int n;

	if (strncasecmp(line, "include ", 8) == 0)
		return err_perm(e, "Include is not followed: put all into one "
		    "file");
	n = split(line, pairs, e);
	if (n <= 0)
		return n;
	if (strcasecmp(pairs[0].key, "NodeName") == 0)
		return add_nodes(c, pairs, n, e);
	if (strcasecmp(pairs[0].key, "NodeSet") == 0)
		return add_set(pairs, n, e);
	if (strcasecmp(pairs[0].key, "PartitionName") == 0)
		return set_partition(c, pairs, n, e);
	return other_line(c, pairs, n, e);
}

int
slurm_conf_line(struct cluster *c, char *line, struct err *e)
{
	size_t len = strlen(line);
	bool more = len > 0 && line[len - 1] == '\\';
	int got;

	if (c->slurm == NULL)
		c->counts_mem = false;	/* until a line says otherwise */
	(void)slurm_conf_of(c);
	if (more)
		line[len - 1] = '\0';
	if (buf_adds(&kept.line, line) < 0)
		return err_perm(e, "a line of too many lines");
	if (more)
		return 0;
	got = whole_line(c, kept.line.data, e);
	buf_cut(&kept.line, 0);
	return got;
}

struct joining {
	struct cluster *c;
	uint64_t bit;
};

static int
join_node(void *to, const char *name, struct err *e)
{
	struct joining *j = to;
	int32_t i = (int32_t)(intptr_t)map_get(&j->c->node_names, name);

	(void)e;	/* a node that is not known may be one that is down */
	if (i > 0)
		j->c->nodes[i - 1].partitions |= j->bit;
	return 0;
}

static int
join_set(struct joining *j, const struct node_set *set, struct err *e)
{
	int feature = set->feature == NULL ? -1 : cluster_name(
	    &j->c->features, set->feature, strlen(set->feature));
	int32_t i;

	for (i = 0; feature >= 0 && i < j->c->nodes_len; i++)
		if (j->c->nodes[i].features >> feature & 1)
			j->c->nodes[i].partitions |= j->bit;
	return set->nodes == NULL ? 0 :
	    (int)hostlist_each(set->nodes, join_node, j, e);
}

/* The name of a node, or of a set of them. */
static int
join_name(void *to, const char *name, struct err *e)
{
	int i;

	for (i = 0; i < kept.sets_len; i++)
		if (strcmp(kept.sets[i].name, name) == 0)
			return join_set(to, &kept.sets[i], e) < 0 ? -1 : 0;
	return join_node(to, name, e);
}

static int
join_nodes(struct cluster *c, int partition, struct err *e)
{
	struct joining j = { c, (uint64_t)1 << partition };
	const char *nodes = kept.nodes[partition];
	int32_t i;

	if (nodes == NULL)
		return 0;
	if (strcasecmp(nodes, "ALL") != 0)
		return hostlist_each(nodes, join_name, &j, e) < 0 ?
		    err_prefix(e, "partition %s",
		    c->partitions[partition].name) : 0;
	for (i = 0; i < c->nodes_len; i++)
		c->nodes[i].partitions |= j.bit;
	return 0;
}

int
slurm_conf_end(struct cluster *c, struct err *e)
{
	struct partition *p;
	int i;

	for (i = 0; i < c->partitions_len; i++) {
		p = &c->partitions[i];
		if (p->mem_per_cpu < 0 && p->mem_per_node < 0) {
			p->mem_per_cpu = kept.mem_per_cpu;
			p->mem_per_node = kept.mem_per_node;
		}
		if (p->mem_per_cpu >= 0)	/* it wins, as in 22.05 */
			p->mem_per_node = -1;
		p->exclusive |= kept.linear;
		if (join_nodes(c, i, e) < 0)
			return -1;
	}
	return 0;
}
