/*
 * rounds-load.c - the cluster of the rounds family: an ini file as SYNERGY's
 * simulator has it.
 */
#include "rounds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

int
rounds_load_cluster(struct servers *s, const char *path, struct err *e)
{
	int64_t values[KEYS];
	FILE *in;
	int i, got;

	for (i = 0; i < KEYS; i++)
		values[i] = -1;
	if (strncmp(path, "procs=", 6) == 0)
		return err_perm(e, "%s: rounds need servers: an ini file",
		    path);
	in = fopen(path, "re");
	if (in == NULL)
		return err_errno(e, "%s", path);
	got = ini_read(in, path, values, e);
	(void)fclose(in);
	if (got < 0)
		return -1;
	if (check_cluster(values, e) < 0)
		return err_prefix(e, "%s", path);
	s->len = values[SERVERS];
	s->gpus = (int)values[GPUS];
	s->cap.v[CPU] = (double)values[CPUS];
	s->cap.v[MEM] = (double)values[DRAM];
	s->cap.v[SPEED] = (double)values[STORAGE];
	for (i = 0; i < SHARED; i++)
		s->fair.v[i] = s->cap.v[i] / s->gpus;
	s->list = xcalloc((size_t)s->len, sizeof(*s->list));
	return 0;
}
