/*
 * tables.c - logs of GPU clusters that are tables:
 *
 *	helios		cluster_log.csv of the Helios data (Hu et al., SC 2021)
 *	openb		openb_pod_list_*.csv and openb_node_list_*.csv of
 *			Alibaba's cluster-trace-gpu-v2023 (Weng et al., ATC
 *			2023)
 *	tiresias	jobs and clusters of Tiresias's simulator (Gu et al.,
 *			NSDI 2019)
 */
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The fields that no row may leave open. */
static int
need(const struct job *j, const struct csv_column *columns, size_t len,
    struct err *e)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (columns[i].always && columns[i].type != CSV_TEXT &&
		    j->n[columns[i].to] < 0)
			return err_perm(e, "%s is not known",
			    columns[i].name);
	return 0;
}

/* ---- helios ---- */

static const struct csv_column helios_columns[] = {
	{ "job_id", CSV_WHOLE, JOB_ID, true },
	{ "user", CSV_TEXT, JOB_USER, false },
	{ "vc", CSV_TEXT, JOB_PARTITION, false },
	{ "gpu_num", CSV_WHOLE, JOB_GPUS, true },
	{ "cpu_num", CSV_WHOLE, JOB_CPUS, true },
	{ "node_num", CSV_WHOLE, JOB_NODE_COUNT, false },
	{ "state", CSV_TEXT, JOB_STATE, true },
	{ "submit_time", CSV_TIME, JOB_SUBMIT, true },
	{ "start_time", CSV_TIME, JOB_START, false },
	{ "end_time", CSV_TIME, JOB_END, false },
	{ "duration", CSV_WHOLE, JOB_RUN, false },
	{ "queue", CSV_WHOLE, JOB_WAIT, false },
};

static int
helios_row(struct buf *b, struct job *j, const struct nd_in *in,
    struct err *e)
{
	double wait_s = j->n[JOB_START] - j->n[JOB_SUBMIT];
	double run_s = j->n[JOB_END] - j->n[JOB_START];

	if (need(j, helios_columns, ARRAY_LEN(helios_columns), e) < 0 ||
	    job_check(j, e) < 0)
		return -1;
	if (j->n[JOB_START] >= 0 && j->n[JOB_WAIT] != wait_s)
		return err_perm(e, "queue is not start_time - submit_time");
	if (j->n[JOB_START] >= 0 && j->n[JOB_END] >= 0 &&
	    j->n[JOB_RUN] != run_s)
		return err_perm(e, "duration is not end_time - start_time");
	job_write(b, j, in);
	return 0;
}

void
helios_read(struct nd_in *in)
{
	static const struct csv_table tables[] = {
		{ helios_columns, ARRAY_LEN(helios_columns), helios_row },
	};

	csv_read(in, tables, ARRAY_LEN(tables));
}

/* ---- openb ---- */

static const struct csv_column pod_columns[] = {
	{ "name", CSV_TEXT, JOB_NAME, true },
	{ "cpu_milli", CSV_WHOLE, JOB_CPU_MILLI, true },
	{ "memory_mib", CSV_WHOLE, JOB_MEM, true },
	{ "num_gpu", CSV_WHOLE, JOB_GPUS, true },
	{ "gpu_milli", CSV_WHOLE, JOB_GPU_MILLI, false },
	{ "gpu_spec", CSV_TEXT, JOB_CONSTRAINT, false },
	{ "qos", CSV_TEXT, JOB_QOS, false },
	{ "pod_phase", CSV_TEXT, JOB_STATE, true },
	{ "creation_time", CSV_WHOLE, JOB_SUBMIT, true },
	{ "deletion_time", CSV_WHOLE, JOB_END, false },
	{ "scheduled_time", CSV_WHOLE, JOB_START, false },
};

/* Slurm's word for where a pod was in its life when the log ends. */
static int
pod_state(struct job *j, struct err *e)
{
	static const struct { const char *phase, *state; } known[] = {
		{ "Succeeded", "COMPLETED" }, { "Failed", "FAILED" },
		{ "Running", "RUNNING" }, { "Pending", "PENDING" },
	};
	size_t i;

	if (j->t[JOB_STATE] == NULL)
		return 0;
	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(j->t[JOB_STATE], known[i].phase) != 0)
			continue;
		j->t[JOB_STATE] = known[i].state;
		return 0;
	}
	return err_perm(e, "pod_phase: '%s' is none of Succeeded, Failed, "
	    "Running and Pending", j->t[JOB_STATE]);
}

/* Parts of processors and GPUs stay beside the whole ones that hold them. */
static int
pod_row(struct buf *b, struct job *j, const struct nd_in *in, struct err *e)
{
	double *cpu_milli = &j->n[JOB_CPU_MILLI];
	double *gpu_milli = &j->n[JOB_GPU_MILLI];

	if (need(j, pod_columns, ARRAY_LEN(pod_columns), e) < 0 ||
	    pod_state(j, e) < 0 || job_check(j, e) < 0)
		return -1;
	if (*gpu_milli > 1000)
		return err_perm(e, "gpu_milli is more than 1000");
	j->n[JOB_ID] = (double)in->line - 1;
	j->n[JOB_CPUS] = ceil(*cpu_milli / 1000);
	if (*cpu_milli == j->n[JOB_CPUS] * 1000)
		*cpu_milli = -1;
	if (*gpu_milli == 1000 || j->n[JOB_GPUS] == 0)
		*gpu_milli = -1;
	job_write(b, j, in);
	return 0;
}

/* A node, for which the numbers and texts of a job serve as well. */
static const struct csv_column node_columns[] = {
	{ "sn", CSV_TEXT, JOB_NAME, true },
	{ "cpu_milli", CSV_WHOLE, JOB_CPU_MILLI, true },
	{ "memory_mib", CSV_WHOLE, JOB_MEM, true },
	{ "gpu", CSV_WHOLE, JOB_GPUS, true },
	{ "model", CSV_TEXT, JOB_MODEL, true },
};

static void
node_write(struct buf *b, const char *name, double cpus, double mem_mb,
    double gpus, const char *model)
{
	line_begin(b, "node");
	line_put_text(b, "name", name);
	line_put(b, "cpus", cpus);
	line_put(b, "mem_mb", mem_mb);
	if (gpus > 0)
		line_put(b, "gpus", gpus);
	if (model != NULL)
		line_put_text(b, "features", model);
	line_write(b);
}

/* Pods say in their constraint which models will do. */
static int
node_row(struct buf *b, struct job *j, const struct nd_in *in, struct err *e)
{
	(void)in;
	if (need(j, node_columns, ARRAY_LEN(node_columns), e) < 0)
		return -1;
	if (j->t[JOB_NAME] == NULL)
		return err_perm(e, "sn is not known");
	node_write(b, j->t[JOB_NAME], floor(j->n[JOB_CPU_MILLI] / 1000),
	    j->n[JOB_MEM], j->n[JOB_GPUS], j->t[JOB_MODEL]);
	return 0;
}

void
openb_read(struct nd_in *in)
{
	static const struct csv_table tables[] = {
		{ pod_columns, ARRAY_LEN(pod_columns), pod_row },
		{ node_columns, ARRAY_LEN(node_columns), node_row },
	};

	csv_read(in, tables, ARRAY_LEN(tables));
}

/* ---- tiresias ---- */

static const struct csv_column tiresias_columns[] = {
	{ "job_id", CSV_WHOLE, JOB_ID, true },
	{ "num_gpu", CSV_WHOLE, JOB_GPUS, true },
	{ "submit_time", CSV_NUMBER, JOB_SUBMIT, true },
	{ "duration", CSV_WHOLE, JOB_RUN, true },
	{ "iterations", CSV_WHOLE, JOB_ITERS, false },
	{ "model_name", CSV_TEXT, JOB_MODEL, false },
};

static int
tiresias_row(struct buf *b, struct job *j, const struct nd_in *in,
    struct err *e)
{
	if (need(j, tiresias_columns, ARRAY_LEN(tiresias_columns), e) < 0)
		return -1;
	j->n[JOB_CPUS] = j->n[JOB_GPUS] * (double)opt.cpus_per_gpu;
	job_write(b, j, in);
	return 0;
}

/* One row, of a cluster whose nodes are all alike. */
static const struct csv_column cluster_columns[] = {
	{ "num_switch", CSV_WHOLE, JOB_NODE_COUNT, true },
	{ "num_node_p_switch", CSV_WHOLE, JOB_BATCH, true },
	{ "num_gpu_p_node", CSV_WHOLE, JOB_GPUS, true },
	{ "num_cpu_p_node", CSV_WHOLE, JOB_CPUS, true },
	{ "mem_p_node", CSV_WHOLE, JOB_MEM, true },
};

static int
cluster_row(struct buf *b, struct job *j, const struct nd_in *in,
    struct err *e)
{
	double nodes = j->n[JOB_NODE_COUNT] * j->n[JOB_BATCH];
	char name[32];

	(void)in;
	if (need(j, cluster_columns, ARRAY_LEN(cluster_columns), e) < 0)
		return -1;
	if (nodes < 1 || nodes > 1e6 || j->n[JOB_MEM] > 1e9)
		return err_perm(e, "a cluster has 1 to 1000000 nodes, and "
		    "none more than 1000000000 GB");
	(void)snprintf(name, sizeof(name), nodes > 1 ? "n[1-%.0f]" : "n%.0f",
	    nodes);
	node_write(b, name, j->n[JOB_CPUS], j->n[JOB_MEM] * 1024,
	    j->n[JOB_GPUS], NULL);
	return 0;
}

void
tiresias_read(struct nd_in *in)
{
	static const struct csv_table tables[] = {
		{ tiresias_columns, ARRAY_LEN(tiresias_columns),
		    tiresias_row },
		{ cluster_columns, ARRAY_LEN(cluster_columns), cluster_row },
	};

	csv_read(in, tables, ARRAY_LEN(tables));
}
