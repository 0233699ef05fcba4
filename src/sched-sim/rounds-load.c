/*
 * rounds-load.c - the cluster of the rounds family: an ini file as SYNERGY's
 * simulator has it, or node records that are all alike.
 */
#include "rounds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cluster.h"
#include "num.h"
#include "xalloc.h"

enum {
	RACKS, SERVERS, GPUS, CPUS, DRAM, STORAGE, NET, KEYS,
	INI_LINE_MAX = 1024,
};

static const char *const ini_keys[KEYS] = {
	[RACKS] = "racks", [SERVERS] = "servers_per_rack",
	[GPUS] = "gpus_per_server", [CPUS] = "cpus_per_server",
	[DRAM] = "dram_per_server", [STORAGE] = "sspeed_per_server",
	[NET] = "net_per_server",
};

static char *
trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	for (len = strlen(s); len > 0 && isspace((unsigned char)s[len - 1]);
	    len--)
		;
	s[len] = '\0';
	return s;
}

/* One line; *inside says whether it belongs to [CLUSTER]. */
static int
ini_line(char *line, bool *inside, int64_t values[KEYS], struct err *e)
{
	char *s = trim(line), *eq;
	int64_t *to = NULL;
	int i;

	if (*s == '\0' || *s == '#' || *s == ';')
		return 0;
	if (*s == '[') {
		*inside = strcmp(s, "[CLUSTER]") == 0;
		return 0;
	}
	eq = strpbrk(s, "=:");
	if (eq == NULL)
		return err_perm(e, "'%s' is not KEY = VALUE", s);
	*eq++ = '\0';
	s = trim(s);
	for (i = 0; i < KEYS; i++)
		if (strcasecmp(s, ini_keys[i]) == 0)
			to = &values[i];
	if (!*inside || to == NULL)
		return 0;
	if (*to >= 0)
		return err_perm(e, "%s is there twice", s);
	if (num_int(trim(eq), 1, 1000000000, to, e) < 0)
		return err_prefix(e, "%s", s);
	return 0;
}

static int
ini_read(FILE *in, const char *path, int64_t values[KEYS], struct err *e)
{
	char line[INI_LINE_MAX];
	bool inside = false;
	unsigned long n = 0;

	while (fgets(line, sizeof(line), in) != NULL) {
		n++;
		if (strchr(line, '\n') == NULL && !feof(in))
			return err_perm(e, "%s:%lu: longer than %d bytes",
			    path, n, INI_LINE_MAX - 2);
		if (ini_line(line, &inside, values, e) < 0)
			return err_prefix(e, "%s:%lu", path, n);
	}
	return ferror(in) ? err_errno(e, "%s", path) : 0;
}

static int
check_cluster(const int64_t values[KEYS], struct err *e)
{
	int i;

	for (i = 0; i < KEYS; i++)
		if (values[i] < 0 && i != NET)
			return err_perm(e, "[CLUSTER] has no %s", ini_keys[i]);
	if (values[RACKS] > 1)
		return err_perm(e, "racks = %lld: only one rack is simulated; "
		    "put all servers into it", (long long)values[RACKS]);
	if (values[SERVERS] > SERVERS_MAX || values[GPUS] > SERVER_GPUS_MAX)
		return err_perm(e, "more than %d servers, or more than %d "
		    "GPUs on one", SERVERS_MAX, SERVER_GPUS_MAX);
	return 0;
}

static void
set_servers(struct servers *s, int64_t len, int64_t gpus, struct vec cap)
{
	int k;

	s->len = len;
	s->gpus = (int)gpus;
	s->cap = cap;
	for (k = 0; k < SHARED; k++)
		s->fair.v[k] = s->cap.v[k] / s->gpus;
	s->list = xcalloc((size_t)s->len, sizeof(*s->list));
}

int
rounds_load_ini(struct servers *s, const char *path, struct err *e)
{
	int64_t values[KEYS];
	FILE *in;
	int i, got;

	for (i = 0; i < KEYS; i++)
		values[i] = -1;
	in = fopen(path, "re");
	if (in == NULL)
		return err_errno(e, "%s", path);
	got = ini_read(in, path, values, e);
	(void)fclose(in);
	if (got < 0)
		return -1;
	if (check_cluster(values, e) < 0)
		return err_prefix(e, "%s", path);
	set_servers(s, values[SERVERS], values[GPUS], (struct vec){ .v = {
		[CPU] = (double)values[CPUS], [MEM] = (double)values[DRAM],
		[SPEED] = (double)values[STORAGE],
	} });
	return 0;
}

/* ---- node records ---- */

static int64_t
count_gpus(const struct cluster *c, const struct node *n)
{
	int64_t gpus = 0;
	int k;

	for (k = RES_GRES; k < c->res_len; k++)
		if (strncmp(c->gres[k], "gpu", 3) == 0)
			gpus += n->has.v[k];
	return gpus;
}

static int
check_nodes(const struct cluster *c, struct err *e)
{
	const struct node *first = c->nodes;
	int64_t gpus;
	int32_t i;

	if (c->nodes_len == 0)
		return err_perm(e, "no node is there");
	for (i = 1; i < c->nodes_len; i++)
		if (memcmp(&c->nodes[i].has, &first->has,
		    sizeof(first->has)) != 0)
			return err_perm(e, "%s is not like %s: rounds need "
			    "servers that are all alike", c->nodes[i].name,
			    first->name);
	gpus = count_gpus(c, first);
	if (gpus == 0)
		return err_perm(e, "%s has no GPUs, and rounds share them out",
		    first->name);
	if (c->nodes_len > SERVERS_MAX || gpus > SERVER_GPUS_MAX)
		return err_perm(e, "more than %d servers, or more than %d "
		    "GPUs on one", SERVERS_MAX, SERVER_GPUS_MAX);
	return 0;
}

/* Nodes say nothing of storage, and maybe nothing of memory: that suffices. */
static int
load_nodes(struct servers *s, const char *path, struct err *e)
{
	static struct cluster c;	/* lives until the program ends */
	struct vec cap;
	int64_t gpus;

	if (cluster_load(&c, path, e) < 0)
		return -1;
	if (check_nodes(&c, e) < 0)
		return err_prefix(e, "%s", path);
	gpus = count_gpus(&c, c.nodes);
	cap.v[CPU] = c.nodes->has.v[RES_CPU];
	cap.v[MEM] = c.counts_mem ? c.nodes->has.v[RES_MEM] / 1024.0 :
	    tput_mem_gb[TPUT_MEMS - 1] * (double)gpus;
	cap.v[SPEED] = MODEL_SPEED * (double)gpus;
	set_servers(s, c.nodes_len, gpus, cap);
	return 0;
}

/* Whether the first thing in a file is an object. -1 and *e. */
static int
is_records(const char *path, struct err *e)
{
	FILE *in = fopen(path, "re");
	int c;

	if (in == NULL)
		return err_errno(e, "%s", path);
	while ((c = getc(in)) != EOF && isspace(c))
		;
	(void)fclose(in);
	return c == '{';
}

int
rounds_load_cluster(struct servers *s, const char *path, struct err *e)
{
	int got;

	if (strncmp(path, "procs=", 6) == 0)
		return err_perm(e, "%s: rounds need servers: an ini file, or "
		    "node records", path);
	got = is_records(path, e);
	if (got < 0)
		return -1;
	return got > 0 ? load_nodes(s, path, e) : rounds_load_ini(s, path, e);
}
