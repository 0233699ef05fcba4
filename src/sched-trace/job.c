/*
 * job.c - a job as a record, whatever log it comes from.
 */
#include "trace.h"

/* The members of the record, in its order. */
static const char *const number_keys[JOB_NUMBERS] = {
	[JOB_ID] = "job_id", [JOB_ARRAY_ID] = "array_job_id",
	[JOB_TASK_ID] = "array_task_id", [JOB_SUBMIT] = "submit_at",
	[JOB_ELIGIBLE] = "eligible_at", [JOB_START] = "start_at",
	[JOB_END] = "end_at", [JOB_WAIT] = "wait_s", [JOB_RUN] = "run_s",
	[JOB_LIMIT] = "limit_s", [JOB_CPUS] = "cpus",
	[JOB_CPU_MILLI] = "cpu_milli", [JOB_GPUS] = "gpus",
	[JOB_GPU_MILLI] = "gpu_milli", [JOB_MEM] = "mem_mb",
	[JOB_NODE_COUNT] = "node_count", [JOB_RESTARTS] = "restarts",
	[JOB_ITERS] = "iters", [JOB_BATCH] = "batch_size",
	[JOB_WEIGHT] = "weight", [JOB_SLO] = "slo",
};

static const char *const text_keys[JOB_TEXTS] = {
	[JOB_NAME] = "name", [JOB_USER] = "user", [JOB_ACCOUNT] = "account",
	[JOB_PARTITION] = "partition", [JOB_QOS] = "qos",
	[JOB_STATE] = "state", [JOB_EXIT_CODE] = "exit_code",
	[JOB_NODES] = "nodes", [JOB_WORKDIR] = "workdir",
	[JOB_COMMENT] = "comment", [JOB_CONSTRAINT] = "constraint",
	[JOB_MODEL] = "model", [JOB_MODE] = "mode",
};

void
job_clear(struct job *j)
{
	size_t i;

	for (i = 0; i < JOB_NUMBERS; i++)
		j->n[i] = -1;
	for (i = 0; i < JOB_TEXTS; i++)
		j->t[i] = NULL;
}

int
job_times(double submit, double start, double end, struct err *e)
{
	if (start >= 0 && start < submit)
		return err_perm(e, "it starts before it is submitted");
	if (end >= 0 && end < MAX(submit, start))
		return err_perm(e, "it ends before it %s",
		    start >= 0 ? "starts" : "is submitted");
	return 0;
}

int
job_check(struct job *j, struct err *e)
{
	double submit = j->n[JOB_SUBMIT], start = j->n[JOB_START];
	double end = j->n[JOB_END];

	if (job_times(submit, start, end, e) < 0)
		return -1;
	if (start >= 0 && j->n[JOB_WAIT] < 0)
		j->n[JOB_WAIT] = start - submit;
	if (start >= 0 && end >= 0 && j->n[JOB_RUN] < 0)
		j->n[JOB_RUN] = end - start;
	return 0;
}

static void
put_texts(struct buf *b, const struct job *j)
{
	size_t i;

	for (i = 0; i < JOB_TEXTS; i++)
		if (j->t[i] != NULL && *j->t[i] != '\0')
			line_put_text(b, text_keys[i], j->t[i]);
}

static void
put_numbers(struct buf *b, const struct job *j, uint32_t without)
{
	size_t i;

	for (i = 0; i < JOB_NUMBERS; i++)
		if (j->n[i] >= 0 && !(without >> i & 1))
			line_put(b, number_keys[i], j->n[i]);
}

/* What is written by clean.c, or would refer to the numbers of before. */
static void
keep(struct buf *b, struct job *j, const struct nd_in *in)
{
	struct clean_times when = {
		j->n[JOB_SUBMIT], j->n[JOB_START], j->n[JOB_END],
	};
	double run_s = j->n[JOB_RUN];

	if (!clean_rules(in, &j->n[JOB_RUN], &j->n[JOB_CPUS],
	    &j->n[JOB_LIMIT]))
		return;
	if (when.end_at >= 0)	/* what is cut off is at the end */
		when.end_at -= run_s - j->n[JOB_RUN];
	buf_cut(b, 0);
	put_numbers(b, j, 1u << JOB_ID | 1u << JOB_SUBMIT | 1u << JOB_START |
	    1u << JOB_END | 1u << JOB_ELIGIBLE | 1u << JOB_ARRAY_ID |
	    1u << JOB_TASK_ID);
	put_texts(b, j);
	clean_keep(&when, b);
}

/* Jobs that did not run have no model. */
static void
give_model(struct job *j)
{
	static struct stream s;

	j->t[JOB_MODEL] = NULL;
	j->n[JOB_ITERS] = -1;
	if (j->n[JOB_RUN] <= 0 || j->n[JOB_GPUS] <= 0)
		return;
	j->t[JOB_MODEL] = stream_model(&s, j->n[JOB_RUN], &j->n[JOB_ITERS]);
	j->n[JOB_ITERS] = MAX(j->n[JOB_ITERS], 1);
}

void
job_write(struct buf *b, struct job *j, const struct nd_in *in)
{
	if (opt.models)
		give_model(j);
	if (opt.clean) {
		keep(b, j, in);
		return;
	}
	line_begin(b, "job");
	put_numbers(b, j, 0);
	put_texts(b, j);
	line_write(b);
}
