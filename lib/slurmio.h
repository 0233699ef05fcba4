/*
 * slurmio.h - Slurm, as the tools see it. slurmio.c is the only file that
 * includes <slurm/slurm.h>, and no Slurm type is named here, so that a second
 * implementation over Slurm's commands can stand beside it.
 *
 * Every failure is a struct err with Slurm's code and text. It is temporary
 * where the same call may succeed later (slurmctld away, busy, timed out), and
 * ->unknown is set where the request may have been carried out all the same.
 */
#ifndef BERTH_SLURMIO_H
#define BERTH_SLURMIO_H

#include "err.h"
#include "jobspec.h"

struct slurmio_job {
	uint32_t job_id;
	uint32_t restart;	/* how often it was requeued */
	int64_t submit_at;	/* s since the epoch; 0: not known */
	int64_t start_at;	/* started, or expected to; 0: not known */
	int64_t end_at;		/* ended, or time limit reached; 0: none */
	char *name;
	char *comment;		/* "" if none */
	char *state;		/* Slurm's word: PENDING, COMPLETING, ... */
	char *reason;		/* Slurm's word, "" if "None" */
	char *nodes;		/* "" before it started */
	char *batch_host;	/* where its script runs, "" before */
};

struct slurmio_jobs {
	struct slurmio_job *list;	/* by job_id */
	size_t len;
	int64_t at;		/* slurmctld's time of the answer */
};

/*
 * Reads slurm.conf. Once, before anything else; libslurm itself ends the
 * process where there is none, so this looks first. 0; -1 and *e.
 */
int slurmio_open(struct err *e);

/*
 * Whether a call failed because slurmctld did not answer, or could not be
 * asked: any other call will fail as well for a while.
 */
bool slurmio_is_away(const struct err *e);

/* All jobs of this user, ended ones as long as Slurm remembers: one RPC. */
int slurmio_my_jobs(struct slurmio_jobs *out, struct err *e);
void slurmio_jobs_release(struct slurmio_jobs *jobs);

/*
 * Submits one batch job: the keys of spec, the script text, argv (argv[0] is
 * what the job is called by), the environment "K=V" (NULL-ended). The id of
 * the job, or -1 and *e.
 */
int64_t slurmio_submit(const struct jobspec *spec, const char *script,
    char *const argv[], char *const env[], struct err *e);

/* Sets the Comment of a job of this user. 0; 1: it had ended; -1 and *e. */
int slurmio_set_comment(uint32_t job_id, const char *comment, struct err *e);

/*
 * Ends a job of this user, all its array tasks too. 0, also when it had ended
 * by itself; -1 and *e.
 */
int slurmio_cancel(uint32_t job_id, struct err *e);

/* Seconds until the job's time limit; INT64_MAX if it has none. -1 and *e. */
int64_t slurmio_time_left(uint32_t job_id, struct err *e);

#endif
