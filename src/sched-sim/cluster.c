/*
 * cluster.c - what -c names: so many processors, an ini file, or a file whose
 * lines are records or Slurm's configuration.
 */
#include "cluster.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "map.h"
#include "nd.h"
#include "num.h"
#include "rounds.h"
#include "xalloc.h"

/* ---- names ---- */

int
cluster_name(const struct names *names, const char *name, size_t len)
{
	int i;

	for (i = 0; i < names->len; i++)
		if (strlen(names->of[i]) == len &&
		    memcmp(names->of[i], name, len) == 0)
			return i;
	return -1;
}

int
cluster_bits(struct names *names, const char *text, uint64_t *bits,
    struct err *e)
{
	const char *s = text;
	size_t len;
	int i;

	for (*bits = 0; *s != '\0'; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		i = cluster_name(names, s, len);
		if (i < 0 && names->len == NAMES_MAX)
			return err_perm(e, "'%s': more than %d such names",
			    text, NAMES_MAX);
		if (i < 0) {
			i = names->len++;
			names->of[i] = xasprintf("%.*s", (int)len, s);
		}
		*bits |= (uint64_t)1 << i;
	}
	return 0;
}

int
cluster_partition(const struct cluster *c, const char *name, size_t len)
{
	int i;

	for (i = 0; i < c->partitions_len; i++)
		if (strlen(c->partitions[i].name) == len &&
		    memcmp(c->partitions[i].name, name, len) == 0)
			return i;
	return -1;
}

int
cluster_add_partition(struct cluster *c, const char *name, size_t len,
    struct err *e)
{
	int i = cluster_partition(c, name, len);

	if (i >= 0)
		return i;
	if (c->partitions_len == NAMES_MAX)
		return err_perm(e, "more than %d partitions", NAMES_MAX);
	i = c->partitions_len++;
	c->partitions[i] = (struct partition){
		.name = xasprintf("%.*s", (int)len, name), .job_factor = 1,
		.tier = 1, .mem_per_cpu = -1, .mem_per_node = -1,
	};
	return i;
}

int
cluster_partition_bits(struct cluster *c, const char *text, uint64_t *bits,
    struct err *e)
{
	const char *s = text;
	size_t len;
	int i;

	for (*bits = 0; *s != '\0'; s += len + (s[len] == ',')) {
		len = strcspn(s, ",");
		i = cluster_add_partition(c, s, len, e);
		if (i < 0)
			return -1;
		*bits |= (uint64_t)1 << i;
	}
	return 0;
}

/* ---- nodes ---- */

/* Slurm's states in which a node runs nothing new; also of IDLE+DRAIN one. */
bool
cluster_is_up(const char *state)
{
	static const char *const down[] = { "DOWN", "DRAIN", "DRNG", "FAIL",
		"FUTURE", "MAINT", "ERROR" };
	size_t i;

	for (;;) {
		for (i = 0; i < ARRAY_LEN(down); i++)
			if (strncasecmp(state, down[i], strlen(down[i])) == 0)
				return false;
		state = strchr(state, '+');
		if (state == NULL)
			return true;
		state++;
	}
}

static int
kind_of_gres(struct cluster *c, const char *name, size_t len, struct err *e)
{
	int k;

	for (k = RES_GRES; k < c->res_len; k++)
		if (strlen(c->gres[k]) == len &&
		    memcmp(c->gres[k], name, len) == 0)
			return k;
	if (c->res_len == RES_MAX)
		return err_perm(e, "more than %d kinds of generic resources",
		    RES_MAX - RES_GRES);
	c->gres[c->res_len] = xasprintf("%.*s", (int)len, name);
	return c->res_len++;
}

bool
cluster_is_gpu(const struct cluster *c, int k)
{
	const char *name = c->gres[k];

	return strcmp(name, "gpu") == 0 || strncmp(name, "gpu:", 4) == 0;
}

int
gres_split(const char *s, size_t end, size_t *len, int64_t *count,
    struct err *e)
{
	char digits[24];
	size_t stop = strcspn(s, "(,"), at;

	end = MIN(end, stop);
	*len = end;
	*count = 1;
	for (at = end; at > 0 && s[at - 1] != ':'; at--)
		;
	if (at == 0 || at == end || !isdigit((unsigned char)s[at]))
		return 0;
	if (end - at >= sizeof(digits))
		return err_perm(e, "'%s': too many", s);
	memcpy(digits, s + at, end - at);
	digits[end - at] = '\0';
	*len = at - 1;
	if (num_int(digits, 0, PROCS_MAX, count, e) < 0)
		return err_prefix(e, "'%s'", s);
	return 0;
}

/* Whether a name can stand in a record as it is. */
static bool
is_plain(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || strchr("\"\\", s[i]) != NULL)
			return false;
	return true;
}

int
cluster_add_gres(struct cluster *c, const char *text, struct res *has,
    struct err *e)
{
	const char *s = text;
	int64_t count;
	size_t end, len;
	int k;

	for (; *s != '\0'; s += end + (s[end] == ',')) {
		end = strcspn(s, ",");
		if (gres_split(s, end, &len, &count, e) < 0)
			return -1;
		if (len == 0 || !is_plain(s, len))
			return err_perm(e, "gres '%s' cannot be read", text);
		k = kind_of_gres(c, s, len, e);
		if (k < 0)
			return -1;
		if (count > PROCS_MAX - has->v[k])
			return err_perm(e, "gres '%s': too many", text);
		has->v[k] += (int32_t)count;
	}
	return 0;
}

/* Names that were given, and the nodes they are to be like. */
struct adding {
	struct cluster *c;
	const struct node *like;
};

static int
add_node(void *to, const char *name, struct err *e)
{
	static int32_t cap;
	struct adding *a = to;
	struct cluster *c = a->c;
	struct node *n;

	if (!is_plain(name, strlen(name)))
		return err_perm(e, "node names have no quotes, "
		    "backslashes or control characters");
	if (map_get(&c->node_names, name) != NULL)
		return err_perm(e, "node %s is there twice", name);
	if (c->nodes_len == NODES_MAX)
		return err_perm(e, "more than %d nodes", NODES_MAX);
	if (c->nodes_len == cap) {
		cap = cap ? cap * 2 : 64;
		c->nodes = xrealloc(c->nodes, (size_t)cap, sizeof(*n));
	}
	c->procs += a->like->has.v[RES_CPU];
	if (c->procs > PROCS_MAX)
		return err_perm(e, "more than %d CPUs", PROCS_MAX);
	n = &c->nodes[c->nodes_len++];
	*n = *a->like;
	n->name = xstrdup(name);
	return map_set(&c->node_names, name, (void *)(intptr_t)c->nodes_len) <
	    0 ?
	    err_errno(e, "node %s", name) : 0;
}

int
cluster_add_nodes(struct cluster *c, const char *names,
    const struct node *like, struct err *e)
{
	struct adding a = { c, like };

	return hostlist_each(names, add_node, &a, e) < 0 ? -1 : 0;
}

/* ---- the file ---- */

/* What is left to do when all lines are read. */
static int
finish(struct cluster *c, struct err *e)
{
	uint64_t all;
	int32_t i;

	if (slurm_conf_end(c, e) < 0)
		return -1;
	if (c->nodes_len == 0)
		return err_perm(e, "no node that can be used: neither records "
		    "of nodes nor a slurm.conf nor an ini file");
	if (c->partitions_len == 0) {
		(void)cluster_partition_bits(c, "all", &all, e);
		for (i = 0; i < c->nodes_len; i++)
			c->nodes[i].partitions = all;
	}
	if (c->partitions_len == 1)
		c->default_partition = 0;
	return 0;
}

static char *
trim_left(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* One line: 1; or 0: it is an ini file, and all is still to be read. */
static int
one_line(struct cluster *c, char *line, size_t len, bool *any, struct err *e)
{
	char *s = trim_left(line);

	if (*s == '\0' || *s == '#' || (*s == ';' && !*any))
		return 1;
	if (*s == '[' && !*any)
		return 0;
	*any = true;
	if (*s == '{')
		return node_record(c, line, len, e) < 0 ? -1 : 1;
	return slurm_conf_line(c, s, e) < 0 ? -1 : 1;
}

static int
read_lines(struct cluster *c, struct nd_in *in, struct err *e)
{
	bool any = false;
	char *line;
	size_t len;
	int got;

	for (;;) {
		while ((got = nd_next(in, &line, &len, e)) == 0 && !in->eof)
			if (nd_fill(in, e) < 0)
				return -1;
		if (got < 0)
			return -1;
		if (got == 0)
			return finish(c, e) < 0 ?
			    err_prefix(e, "%s", in->name) : 1;
		got = one_line(c, line, len, &any, e);
		if (got < 0)
			return err_prefix(e, "%s:%lu", in->name, in->line);
		if (got == 0)
			return 0;
	}
}

/* An ini file of the rounds: its CPUs are the processors. */
static int
load_ini(struct cluster *c, const char *path, struct err *e)
{
	struct servers servers = { 0 };

	if (rounds_load_ini(&servers, path, e) < 0)
		return -1;
	free(servers.list);
	c->procs = (int64_t)servers.total.v[CPU];
	return c->procs > PROCS_MAX ? err_perm(e, "%s: more than %d CPUs",
	    path, PROCS_MAX) : 0;
}

int
cluster_load(struct cluster *c, const char *text, struct err *e)
{
	struct nd_in in;
	int fd, got;

	*c = (struct cluster){ .res_len = RES_GRES, .default_partition = -1,
	    .counts_mem = true };
	map_init(&c->node_names);
	if (strncmp(text, "procs=", 6) == 0)
		return num_int(text + 6, 1, PROCS_MAX, &c->procs, e) < 0 ?
		    err_prefix(e, "procs") : 0;
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", text);
	nd_open(&in, fd, text);
	got = read_lines(c, &in, e);
	nd_close(&in);
	(void)close(fd);
	if (got < 0)
		return -1;
	return got > 0 ? 0 : load_ini(c, text, e);
}
