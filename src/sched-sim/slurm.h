/*
 * slurm.h - policy slurm: multifactor priorities, main pass and backfill, as
 * slurm.conf(5), priority_multifactor.html, fair_tree.html and
 * sched_config.html have them, in the version of Slurm 22.05.
 *
 *	slurm-conf.c	Slurm's own configuration file
 *	slurm-job.c	users, dependencies: what a job's record says of them
 *	slurm-share.c	who has used how much, and what that is worth
 *	slurm-backfill.c  reservations, and who may start before them
 *	slurm-why.c	why a job waits
 *	policy-slurm.c	the queue, and the main pass
 */
#ifndef BERTH_SLURM_H
#define BERTH_SLURM_H

#include "sim.h"

/* An account, or a user in one: an association. */
struct share {
	const char *account, *user;	/* user is NULL: an account */
	int32_t parent;			/* its place; NOBODY: the root */
	int32_t first, next;		/* child, sibling; or NOBODY */
	int64_t shares, below;	/* its own; the sum of its children's */
	double used;		/* CPU seconds, decayed, children's too */
	double level;		/* of Fair Tree: S / U among its siblings */
	double norm, effective;	/* classic: of all shares, of all usage */
	double factor;		/* of fair share, 0 to 1 */
};

struct qos {
	const char *name;
	int64_t priority;
};

struct slurm_conf {
	/* PriorityType=priority/multifactor, and what belongs to it */
	bool multifactor, no_fair_tree, favor_small, relative_to_time,
	    accrue_always;
	int64_t age_weight, share_weight, size_weight, partition_weight,
	    qos_weight;
	int64_t max_age_s, half_life_s, calc_s;
	int64_t damp;
	/* SchedulerType, SchedulerParameters */
	bool no_backfill, defer;
	int64_t bf_interval_s, bf_resolution_s, bf_window_s;
	int64_t bf_max_job_test, bf_max_job_start, bf_max_job_user;
	int64_t complete_s;	/* how long jobs are COMPLETING */
	/* sacctmgr's */
	struct share *shares;
	int32_t shares_len;
	struct qos *qos;
	int32_t qos_len;
};

enum dep_kind { AFTER, AFTER_ANY, AFTER_OK, AFTER_NOT_OK, SINGLETON };

struct dep {
	enum dep_kind kind;
	int32_t job;
	int64_t delay_s;	/* of AFTER */
	bool last;		/* of those that one word, or id, stands for */
};

/* What only this policy looks at. */
struct slurm_job {
	const char *user, *name, *dependency;	/* or NULL */
	int32_t share, qos;	/* NOBODY: none */
	int64_t nice, given;	/* priority that was given; -1: none */
	int64_t array, task;	/* or -1 */
	bool failed;		/* its record says so */
	struct dep *deps;
	int32_t deps_len;
	bool any;		/* of deps one is enough, */
	bool met;		/* and one had ended before the first job */
	int32_t before;		/* the last of its user and name; or NOBODY */
	bool singleton;		/* it waits for all of these, whatever else */
	int64_t eligible_at;
	int64_t priority;
	int64_t place;		/* in Slurm's list of jobs */
};

/* ---- slurm-conf.c ---- */

/* The configuration of a cluster, Slurm's defaults if it has none yet. */
struct slurm_conf *slurm_conf_of(struct cluster *c);

/* ---- slurm-job.c ---- */

/* The members of a record that it looks at. */
enum {
	SJ_USER, SJ_ACCOUNT, SJ_QOS, SJ_NAME, SJ_DEPENDENCY, SJ_STATE,
	SJ_NICE, SJ_PRIORITY, SJ_ARRAY, SJ_TASK, SJ_KEYS,
};

extern const char *const slurm_job_keys[SJ_KEYS];

/* From these; type is -1 of those that are not there. NULL and *e. */
struct slurm_job *slurm_job_new(const struct flat_member m[SJ_KEYS],
    struct slurm_conf *conf, struct err *e);

/* Finds the jobs of all dependencies. 0; -1 and *e: they cannot be. */
int slurm_job_link(struct sim *s, struct err *e);

/*
 * Whether a job may run as far as others are concerned; else *wake is when it
 * may, if only time has to pass, or NEVER.
 */
bool slurm_job_is_free(const struct sim *s, int32_t job, int64_t *wake);

/* The same of one dependency; *wake becomes no later. */
bool slurm_dep_is_met(const struct sim *s, const struct dep *d, int64_t *wake);

/* ---- slurm-share.c ---- */

/* What sacctmgr would say. 0; -1 and *e. */
int slurm_add_qos(struct slurm_conf *f, const char *name, int64_t priority,
    struct err *e);
int slurm_add_share(struct slurm_conf *f, const char *account,
    const char *parent, const char *user, int64_t shares, struct err *e);

/* The place of that user's share, made if need be. */
int32_t slurm_share_of(struct slurm_conf *f, const char *account,
    const char *user);

/* Time passes: what was used before counts less. */
void slurm_share_decay(struct slurm_conf *f, int64_t span_s);

/* So many CPU seconds more, just now. */
void slurm_share_use(struct slurm_conf *f, int32_t share, double cpu_s);

/* 2^-(span / half life), of whole seconds, the same on any machine. */
double slurm_share_kept(const struct slurm_conf *f, int64_t span_s);

/* Sets all factors. */
void slurm_share_rank(struct slurm_conf *f);

/* ---- policy-slurm.c, slurm-backfill.c, slurm-why.c ---- */

/* Nodes that the last backfill has kept for a job. */
struct slurm_kept {
	int32_t job, len;
	int64_t at, end;
	struct part *parts;	/* its own */
};

struct slurm {
	int32_t *queue;		/* who may run, in order of priority */
	int32_t queue_len;
	int32_t queued[NAMES_MAX];	/* of these, for each partition */
	int32_t *held;		/* who waits for others */
	int32_t held_len;
	int32_t *running;	/* by planned end, then by place */
	int32_t running_len;
	int64_t counted_at;	/* until then usage has been counted */
	int32_t counted;	/* of those that have ended: before this one */
	int64_t calc_at;	/* when priorities are to be found anew */
	int64_t backfill_at;	/* when the next backfill is; NEVER: not */
	int64_t backfilled_at;	/* when the last one was */
	int64_t dep_at;		/* when a dependency ends by itself */
	int64_t lowest;		/* of priority/basic, nice apart */
	int64_t array;		/* of who was submitted last, or -1 */
	int64_t places;		/* that have been given */
	int32_t completed;	/* those that have ended before this one */
	int64_t *completing;	/* each node, before this time */
	bool changed;		/* since the last pass */
	bool started;		/* somebody has, at this instant */
	int64_t best_qos, best_partition;	/* of all priorities */
	struct res *free_;	/* room for trying */
	struct res *all;	/* what all nodes have */
	int32_t *starts;	/* of each share, in one backfill */
	struct slurm_kept *kept;	/* only if a job is to be explained */
	int32_t kept_len;
};

/* Takes it off the queue and starts it, on its parts if it has some. */
void slurm_start(struct sim *s, int32_t at);

/* When a job that has ended leaves COMPLETING. */
int64_t slurm_completes_at(const struct sim *s, int32_t job);

/* Nodes where a job is COMPLETING have nothing left. */
void slurm_leave_completing(const struct sim *s, struct res *left);

/* One pass over the queue. */
void slurm_backfill(struct sim *s);

/* Notes a reservation, for slurm_why; and drops all that were noted. */
void slurm_remember(const struct sim *s, int32_t job, int64_t at, int64_t end,
    const struct part *parts, int32_t len);
void slurm_forget(struct slurm *z);

/* Adds why the job, which has been submitted, waits, as squeue names it. */
void slurm_why(const struct sim *s, int32_t job, struct buf *b);

#endif
