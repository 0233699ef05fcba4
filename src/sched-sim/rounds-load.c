/*
 * rounds-load.c - the cluster of the rounds family: an ini file as SYNERGY's
 * simulator has it, or node records, which need not be alike.
 */
#include "rounds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cluster.h"
#include "num.h"
#include "xalloc.h"

enum {
	RACKS, SERVERS, GPUS, CPUS, DRAM, STORAGE, NET, KEYS,
	INI_LINE_MAX = 1024,
	NET_DEFAULT = 40,	/* of SYNERGY */
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

/* What is looked at first and then read cannot be a pipe. NULL and *e. */
static FILE *
open_file(const char *path, struct err *e)
{
	struct stat st;
	FILE *in;

	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
		(void)err_perm(e, "%s: must be a file: it is read more than "
		    "once", path);
		return NULL;
	}
	in = fopen(path, "re");
	if (in == NULL)
		(void)err_errno(e, "%s", path);
	return in;
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

static bool
is_same(const struct vec *a, const struct vec *b)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (a->v[k] != b->v[k])
			return false;
	return true;
}

/* The number of a type, made if it is new; -1 and *e. */
static int
find_type(struct servers *s, int64_t gpus, struct vec cap, struct err *e)
{
	struct server_type *t;
	int i, k;

	for (i = 0; i < s->types_len; i++)
		if (s->types[i].gpus == gpus && is_same(&s->types[i].cap, &cap))
			return i;
	if (s->types_len == GROUPS_MAX)
		return err_perm(e, "more than %d types of nodes", GROUPS_MAX);
	t = &s->types[s->types_len++];
	*t = (struct server_type){
		.gpus = (int)gpus, .job_gpus = (int)gpus, .cap = cap,
	};
	for (k = 0; k < SHARED; k++)
		t->fair.v[k] = cap.v[k] / t->gpus;
	return i;
}

static bool
is_like(const struct node *a, const struct node *b)
{
	return a == b || (a->partitions == b->partitions &&
	    a->features == b->features &&
	    memcmp(&a->has, &b->has, sizeof(a->has)) == 0);
}

/* The same of a group. Nodes that are alike are of one type. */
static int
find_group(struct servers *s, const struct node *like, int type,
    struct err *e)
{
	int i;

	for (i = s->groups_len - 1; i >= 0; i--)
		if (is_like(s->groups[i].like, like))
			return i;
	if (s->groups_len == GROUPS_MAX)
		return err_perm(e, "more than %d groups of nodes that are "
		    "alike", GROUPS_MAX);
	s->groups[s->groups_len] = (struct server_group){
		.like = like, .type = type,
	};
	return s->groups_len++;
}

/* There is room in the list; like is NULL if nothing is known of it. */
static int
add_server(struct servers *s, int64_t gpus, struct vec cap,
    const struct node *like, struct err *e)
{
	int k, group, type = find_type(s, gpus, cap, e);

	if (type < 0)
		return -1;
	group = find_group(s, like, type, e);
	if (group < 0)
		return -1;
	s->list[s->len++] = (struct server){
		.type = &s->types[type], .group = group, .first_gpu = s->gpus,
	};
	s->groups[group].gpus += gpus;
	s->gpus += gpus;
	s->most_gpus = MAX(s->most_gpus, (int)gpus);
	for (k = 0; k < SHARED; k++) {
		s->total.v[k] += cap.v[k];
		s->fair.v[k] = s->total.v[k] / (double)s->gpus;
	}
	return 0;
}

int
rounds_load_ini(struct servers *s, const char *path, struct err *e)
{
	int64_t values[KEYS];
	struct vec cap;
	FILE *in;
	int64_t n;
	int i, got;

	for (i = 0; i < KEYS; i++)
		values[i] = -1;
	in = open_file(path, e);
	if (in == NULL)
		return -1;
	got = ini_read(in, path, values, e);
	(void)fclose(in);
	if (got < 0)
		return -1;
	if (check_cluster(values, e) < 0)
		return err_prefix(e, "%s", path);
	cap = (struct vec){ .v = {
		[CPU] = (double)values[CPUS], [MEM] = (double)values[DRAM],
		[SPEED] = (double)values[STORAGE],
	} };
	if (values[NET] >= 0)
		s->net = (double)values[NET];
	s->list = xcalloc((size_t)values[SERVERS], sizeof(*s->list));
	for (n = 0; n < values[SERVERS]; n++)
		if (add_server(s, values[GPUS], cap, NULL, e) < 0)
			return -1;
	return 0;
}

/* ---- node records ---- */

static int64_t
count_gpus(const struct cluster *c, const struct node *n)
{
	int64_t gpus = 0;
	int k;

	for (k = RES_GRES; k < c->res_len; k++)
		if (cluster_is_gpu(c, k))
			gpus += n->has.v[k];
	return gpus;
}

/* Of storage nothing is said, and maybe nothing of memory: that suffices. */
static struct vec
cap_of(const struct cluster *c, const struct node *n, int64_t gpus)
{
	bool says_mem = c->counts_mem && n->has.v[RES_MEM] > 0;

	return (struct vec){ .v = {
		[CPU] = n->has.v[RES_CPU],
		[MEM] = says_mem ? n->has.v[RES_MEM] / 1024.0 :
		    tput_mem_gb[TPUT_MEMS - 1] * (double)gpus,
		[SPEED] = MODEL_SPEED * (double)gpus,
	} };
}

/* The nodes that have GPUs are the servers; the others have no part in it. */
static int
add_nodes(struct servers *s, const struct cluster *c, bool alike,
    struct err *e)
{
	const struct node *n, *first = c->nodes;
	int64_t gpus;

	s->list = xcalloc((size_t)c->nodes_len, sizeof(*s->list));
	for (n = c->nodes; n < c->nodes + c->nodes_len; n++) {
		gpus = count_gpus(c, n);
		if (alike && memcmp(&n->has, &first->has, sizeof(n->has)) != 0)
			return err_perm(e, "%s is not like %s: in SYNERGY's "
			    "form all servers are alike", n->name,
			    first->name);
		if (gpus > SERVER_GPUS_MAX || s->len == SERVERS_MAX)
			return err_perm(e, "more than %d servers, or more "
			    "than %d GPUs on one", SERVERS_MAX,
			    SERVER_GPUS_MAX);
		if (gpus > 0 && add_server(s, gpus, cap_of(c, n, gpus), n,
		    e) < 0)
			return -1;
	}
	return s->len > 0 ? 0 : err_perm(e, "no node has GPUs, and rounds "
	    "share them out");
}

static int
load_nodes(struct servers *s, const char *path, bool alike, struct err *e)
{
	static struct cluster c;	/* lives until the program ends */

	if (cluster_load(&c, path, e) < 0)
		return -1;
	s->cluster = &c;
	return add_nodes(s, &c, alike, e) < 0 ? err_prefix(e, "%s", path) : 0;
}

/* Whether a line of the file is a record, or names nodes. -1 and *e. */
static int
has_nodes(const char *path, struct err *e)
{
	static const char nodes[] = "NodeName=";
	FILE *in = open_file(path, e);
	char text[INI_LINE_MAX];
	const char *s;
	bool found = false, begins = true;

	if (in == NULL)
		return -1;
	while (!found && fgets(text, sizeof(text), in) != NULL) {
		for (s = text; isspace((unsigned char)*s); s++)
			;
		found = begins && (*s == '{' ||
		    strncasecmp(s, nodes, strlen(nodes)) == 0);
		begins = strchr(text, '\n') != NULL;
	}
	(void)fclose(in);
	return found;
}

int
rounds_load_cluster(struct servers *s, const char *path, bool alike,
    struct err *e)
{
	int got;

	if (strncmp(path, "procs=", 6) == 0)
		return err_perm(e, "%s: rounds need servers: an ini file, or "
		    "node records", path);
	got = has_nodes(path, e);
	if (got < 0)
		return -1;
	s->net = NET_DEFAULT;
	return got > 0 ? load_nodes(s, path, alike, e) :
	    rounds_load_ini(s, path, e);
}
