/*
 * policy.c - the policies by name.
 */
#include "sim.h"

#include <string.h>

/*
 * One row a policy; ids: where machines have names, nodes: on a cluster of
 * nodes, if that differs.
 */
static const struct {
	const struct policy *counts, *ids, *nodes;
} policies[] = {
	{ &policy_fcfs, NULL, NULL },
	{ &policy_easy, &policy_easy_ids, &policy_easy_nodes },
	{ &policy_easy_sjbf, &policy_easy_sjbf_ids, &policy_easy_sjbf_nodes },
	{ &policy_conservative, NULL, NULL },
	{ &policy_sjf, NULL, NULL },
	{ &policy_ljf, NULL, NULL },
	{ &policy_largest, NULL, NULL },
	{ &policy_wfp3, NULL, NULL },
	{ &policy_unicef, NULL, NULL },
	{ &policy_slurm, NULL, NULL },
};

const struct policy *
policy_find(const char *name, const struct sim *s)
{
	size_t i;

	if (strncmp(name, "exec:", 5) == 0)
		return &policy_exec;
	if (strcmp(name, policy_replay.name) == 0)
		return &policy_replay;
	for (i = 0; i < ARRAY_LEN(policies); i++) {
		if (strcmp(policies[i].counts->name, name) != 0)
			continue;
		if (s->name_machines && policies[i].ids != NULL)
			return policies[i].ids;
		if (s->cluster->nodes_len > 0 && policies[i].nodes != NULL)
			return policies[i].nodes;
		return policies[i].counts;
	}
	return NULL;
}

const char *
policy_names(void)
{
	static struct buf names = BUF_INIT(1000);
	size_t i;

	buf_cut(&names, 0);
	for (i = 0; i < ARRAY_LEN(policies); i++)
		(void)buf_addf(&names, "%s%s", i > 0 ? ", " : "",
		    policies[i].counts->name);
	(void)buf_adds(&names, ", exec:CMD, replay");
	return buf_str(&names);
}
