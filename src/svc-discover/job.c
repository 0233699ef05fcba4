/*
 * job.c - what one job serves, and where: its Comment, its name, its URL file.
 *
 * What a job announced counts only for the run that announced it: a requeued
 * job keeps its Comment, and the URL in it is dead.
 */
#include "discover.h"

#include <string.h>

#include "announce.h"

/* Whether its script runs: Slurm may be at something else with it too. */
static bool
running(const struct slurmio_job *job)
{
	static const char *const words[] = {
		"RUNNING", "SIGNALING", "RESIZING",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(job->state, words[i]) == 0)
			return true;
	return false;
}

bool
job_is_fresh(const struct slurmio_job *job, const struct slurmio_job *before,
    bool was_fresh)
{
	if (job->restart == 0)
		return true;
	if (before == NULL)
		return false;
	if (strcmp(before->comment, job->comment) != 0)
		return running(job);
	return before->restart == job->restart && was_fresh;
}

/* Whether the announcement was made by the run that goes on now. */
static bool
is_of_this_run(const struct slurmio_job *job, const struct announce *a,
    bool fresh)
{
	if (!running(job))
		return false;
	if (a->state == ANNOUNCE_UNKNOWN)
		return fresh;
	return a->restart == job->restart;
}

static int64_t
known(int64_t at)
{
	return at > 0 ? at : REC_NONE;
}

/* What every record says, service or not. */
static int
set_job(const struct slurmio_job *job, const char *service,
    struct rec_instance *out, struct err *e)
{
	*out = (struct rec_instance){
		.job_id = job->job_id, .submit_at = known(job->submit_at),
		.restart = job->restart, .ready = 0, .draining = -1,
		.start_at = known(job->start_at), .end_at = known(job->end_at),
	};
	if (utf8_set(&out->service, service, e) < 0 ||
	    utf8_set(&out->state, job->state, e) < 0 ||
	    utf8_set(&out->reason, job->reason, e) < 0 ||
	    utf8_set(&out->node, job->batch_host, e) < 0)
		return -1;
	return 0;
}

/* What the run that goes on has announced. */
static int
set_announced(const struct announce *a, struct rec_instance *out,
    struct err *e)
{
	if (a->state == ANNOUNCE_DRAINING)
		out->draining = 1;
	if (a->url[0] == '\0' || a->state == ANNOUNCE_WANTED)
		return 0;
	out->ready = a->state == ANNOUNCE_UNKNOWN ? -1 : 1;
	return utf8_set(&out->url, a->url, e);
}

static bool
asked_for(char *const *names, const char *service)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, service) == 0)
			return true;
	return false;
}

int
job_instance(const struct slurmio_job *job, bool fresh, int dir,
    char *const *names, struct rec_instance *out, struct err *e)
{
	struct announce a;
	bool said = announce_parse(job->comment, &a) == 1;
	const char *service = said ? a.name : job->name;

	*out = (struct rec_instance){ 0 };
	if (*service == '\0' || !asked_for(names, service))
		return 0;
	if (set_job(job, service, out, e) < 0)
		return -1;
	if (said && utf8_set(&out->request, a.request, e) < 0)
		return -1;
	if (said && is_of_this_run(job, &a, fresh) &&
	    set_announced(&a, out, e) < 0)
		return -1;
	if (out->url != NULL || dir < 0 || !running(job))
		return 1;
	if (urls_find(dir, job, &out->url, e) < 0)
		return -1;
	if (out->url != NULL)
		out->ready = -1;	/* a file says nothing of it */
	return 1;
}
