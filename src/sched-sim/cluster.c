/*
 * cluster.c - how many processors the space-sharing family has.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "rounds.h"

int
cluster_procs(const char *text, int64_t *procs, struct err *e)
{
	struct servers servers = { 0 };

	if (strncmp(text, "procs=", 6) == 0)
		return num_int(text + 6, 1, PROCS_MAX, procs, e) < 0 ?
		    err_prefix(e, "procs") : 0;
	if (rounds_load_cluster(&servers, text, e) < 0)
		return -1;
	free(servers.list);
	*procs = servers.len * (int64_t)servers.cap.v[CPU];
	if (*procs > PROCS_MAX)
		return err_perm(e, "%s: more than %d CPUs", text, PROCS_MAX);
	return 0;
}
