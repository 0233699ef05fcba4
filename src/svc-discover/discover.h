/*
 * discover.h - svc-discover: jobs of Slurm into instance records.
 *
 *	main.c	the command line; polling, and what is written when
 *	job.c	what is said of one job
 *	urls.c	URL files; text that is not UTF-8
 */
#ifndef BERTH_DISCOVER_H
#define BERTH_DISCOVER_H

#include "err.h"
#include "rec.h"
#include "slurmio.h"

/* job.c */

/*
 * A traefik Comment does not say which run of the job it is from. It is this
 * one's if the job was never requeued, or if we saw it change since: before is
 * the same job in the answer before (NULL: it was not there), was_fresh what
 * this function said of that.
 */
bool job_is_fresh(const struct slurmio_job *job,
    const struct slurmio_job *before, bool was_fresh);

/*
 * Fills out with what is to be said of a job: 1; 0: it serves none of names
 * (NULL-ended; none: any); -1 and *e. dir is the directory of URL files, or -1.
 * To be released with rec_instance_release in any case.
 */
int job_instance(const struct slurmio_job *job, bool fresh, int dir,
    char *const *names, struct rec_instance *out, struct err *e);

/* urls.c */

/* The directory of URL files, opened; -1 and *e. */
int urls_open(const char *path, struct err *e);

/*
 * The URL that url-JOBID.txt in dir gives this job, if it does: *url is the
 * caller's. 0, also where there is none; -1 and *e: a later try can help.
 */
int urls_find(int dir, const struct slurmio_job *job, char **url,
    struct err *e);

/*
 * A copy in which each byte that is no UTF-8 is U+FFFD, as a job's name is any
 * bytes and a record is not. The caller's; NULL: no memory.
 */
char *utf8_dup(const char *s);

/* The same into a field that is NULL; "" leaves it so. 0; -1 and *e. */
int utf8_set(char **field, const char *s, struct err *e);

#endif
