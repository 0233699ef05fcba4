/*
 * sim.h - sched-sim's space-sharing family: each job holds its processors from
 * its start to its end, and a policy says who starts when.
 *
 *	main.c		options, and which family a policy belongs to
 *	input.h		lines in, for both families
 *	watch.h		progress and interrupts
 *	load.c		records in and out; the only file here that knows JSON
 *	cluster.h	nodes, and what a job asks of them
 *	sim.c		the loop: ends, submissions, passes, in order of time
 *	policy.c	the table of policies
 *	policy-*.c	one policy, or one family of them, each
 *	queue.c		who of the waiting jobs fits, in order
 *	ends.c		when processors are expected back
 *	profile.c	processors, or machines, over time: reservations
 *	explain.c	why a job did not start
 *	outside.c	decisions that come from outside, and may be wrong
 *	child.c		the program of exec:, and lines to and from it
 *
 * Time is int64_t, in whatever unit the records have. A policy sees a job's
 * limit and never its run time. Same input, same bytes out.
 */
#ifndef BERTH_SIM_H
#define BERTH_SIM_H

#include "cluster.h"
#include "heap.h"
#include "input.h"

enum {
	NOBODY = -1,		/* no job, no rank */
};

#define TIME_MAX (INT64_C(1) << 53)	/* of a time or a span in a record */
#define NEVER INT64_MAX

/* Machine ids as bits; the words are the cluster's procs / 64, rounded up. */
typedef uint64_t sim_word;

struct sim_job {
	int64_t submit_at;
	int64_t run_s;		/* how long it really runs, at most limit_s */
	int64_t limit_s;	/* what the policy plans with, at least 1 */
	int64_t start_at;	/* the policy's plan; then the truth */
	int64_t id;
	struct heap_node node;	/* in the queue of a policy, then running */
	const char *text;	/* its record, without what is found out here */
	uint32_t text_len;
	int32_t procs;
	union {
		sim_word *machines;	/* NULL: they are only counted */
		struct need *need;	/* on a cluster of nodes */
	};
};

struct sim;

/* What a policy is. Any but pass may be NULL. */
struct policy {
	const char *name;
	/* sees that it can do all jobs: 0; -1 and *e */
	int (*check)(struct sim *s, struct err *e);
	void (*init)(struct sim *s);
	void (*submit)(struct sim *s, int32_t job);
	/* its processors are free again; early: before its limit */
	void (*end)(struct sim *s, int32_t job, bool early);
	void (*pass)(struct sim *s);	/* starts all that is to start now */
	/* the next time it wants a pass, whatever happens; or NEVER */
	int64_t (*wake)(const struct sim *s);
	void (*release)(struct sim *s);
	/* adds why a job did not start in this pass, as plain text */
	void (*why)(const struct sim *s, int32_t job, struct buf *b);
	bool outside;	/* it may leave jobs waiting for ever: an error */
};

struct sim {
	const struct policy *policy;
	bool one_by_one;	/* a pass after each event, as pyss does */
	bool name_machines;	/* else they are only counted */
	struct cluster *cluster;
	int64_t procs;
	size_t words;		/* of a set of machines */
	const char *command;	/* of exec: */
	int64_t timeout_ms;	/* for each of its answers */

	struct sim_job *jobs;	/* in order of submission */
	int32_t jobs_len;

	int64_t now;
	int64_t free;		/* processors */
	sim_word *free_machines;
	struct res *free_nodes;	/* NULL: there are no nodes */
	struct part *parts;	/* room for as many as there are nodes */
	struct heap running;	/* by end */
	int32_t submitted;	/* jobs before this one have been submitted */
	bool freed;		/* processors came back since the last pass */
	int32_t *ended;		/* in order of their ends */
	int32_t ended_len;
	void *own;		/* the policy's */
	bool failed;		/* a policy says so, with err; it ends here */
	struct err err;
	/* asked before each instant; false: it ends here */
	bool (*go_on)(int64_t now, int64_t ended, int64_t all);
	bool stopped;		/* by that, or by the policy */
	void (*started)(const struct sim *s, int32_t job);	/* or NULL */
	int32_t explain;	/* the job that is to be; or NOBODY */
};

/* ---- load.c ---- */

struct load {
	struct sim_job *jobs;
	int32_t len;
	int64_t limits_s;	/* sum of all limits */
	int64_t skipped;	/* records that could not be used */
};

/*
 * Reads all `job` records, and sees that each can run on the cluster. 0; -1
 * and *e. With keep_going a bad record is said and counted instead.
 */
int load_jobs(struct load *l, struct input *in, struct cluster *c,
    bool keep_going, struct err *e);

/* Adds where the job runs, as members behind others. 0; -1: no room. */
int load_alloc(struct buf *b, const struct sim *s, const struct sim_job *j);

/* Writes the record of a job that has ended to stdout. 0; -1 and *e. */
int load_write(const struct sim *s, const struct sim_job *j, struct err *e);

/* ---- sim.c ---- */

/*
 * Runs all jobs to their ends, or to where it was stopped. 0; -1 and *e: the
 * policy cannot go on.
 */
int sim_run(struct sim *s, struct err *e);

/* For policies: whether the job, which waits, could start now. */
bool sim_fits(const struct sim *s, int32_t job);

/*
 * For policies: the job starts now, on a cluster of nodes on its parts, or if
 * there are none where nodes_place says. machines may be NULL: the lowest that
 * are free are taken, where machines have names.
 */
void sim_start(struct sim *s, int32_t job, const sim_word *machines);

/* Sets what the job has, or is to have, of which nodes: a copy of parts. */
void sim_keep_parts(struct need *n, const struct part *parts, int32_t len);

/* ---- explain.c ---- */

/* Writes an `event` record on stdout if the job to be explained waits. */
void explain(const struct sim *s);

/* For policies. Adds "needs 4 processors, 2 are free", of a job. */
void explain_room(const struct sim *s, int32_t job, struct buf *b);

/* Adds that first, which may be job itself, does not fit, and blocks. */
void explain_order(const struct sim *s, int32_t job, int32_t first,
    struct buf *b);

/* Adds why, if job is the first or does not fit; else false, and nothing. */
bool explain_plain(const struct sim *s, int32_t job, int32_t first,
    struct buf *b);

/* ---- policy.c ---- */

/* The form of that policy for what is to be simulated; NULL: no such name. */
const struct policy *policy_find(const char *name, const struct sim *s);

/* The names, with commas between, for messages. */
const char *policy_names(void);

/* policy-exec.c: a program decides; policy-replay.c: a recording does. */
extern const struct policy policy_exec, policy_replay;
/* policy-order.c: strict order, and the first that does not fit blocks. */
extern const struct policy policy_fcfs, policy_sjf, policy_ljf,
    policy_largest;
/* policy-score.c: the same, by a score that changes as jobs wait. */
extern const struct policy policy_wfp3, policy_unicef;
/* policy-easy.c: as fcfs, but others may pass if they do not delay the head. */
extern const struct policy policy_easy, policy_easy_sjbf;
/* policy-easy-ids.c: the same, where the head's machines have names. */
extern const struct policy policy_easy_ids, policy_easy_sjbf_ids;
/* policy-conservative.c: everybody has a reservation. */
extern const struct policy policy_conservative;
/* policy-easy-nodes.c: easy on a cluster of nodes. */
extern const struct policy policy_easy_nodes, policy_easy_sjbf_nodes;
/* policy-slurm.c: Slurm's priorities, main pass and backfill; on nodes only. */
extern const struct policy policy_slurm;

/* ---- outside.c: decisions that come from outside ---- */

/* The job with that id, or NOBODY. */
int32_t outside_find(const struct sim *s, int64_t id);

/*
 * Starts the job with that id now, if it can be, and on these machines, if set
 * is not NULL. 0; -1 and *e, which says what is wrong with that.
 */
int outside_start(struct sim *s, int64_t id, const sim_word *set,
    struct err *e);

/* ---- child.c: a program that answers lines ---- */

struct child {
	pid_t pid;
	int to, from;		/* its input and its output; not blocking */
	struct nd_in in;
};

/*
 * Starts a command, blanks between its arguments; a backslash takes the byte
 * behind it as it is. No shell is asked. 0; -1 and *e.
 */
int child_start(struct child *c, const char *command, struct err *e);

/* Sends lines that want no answer yet. 0; -1 and *e. */
int child_tell(struct child *c, const struct buf *out, int64_t timeout_ms,
    struct err *e);

/*
 * Sends a line, and waits for the one that answers it (the caller's
 * reference). 0; -1 and *e.
 */
int child_ask(struct child *c, const struct buf *out, json_t **answer,
    int64_t timeout_ms, struct err *e);

/*
 * Ends it: its input ends, and what has not ended timeout_ms later is killed.
 * 0: it ended with status 0; -1 and *e.
 */
int child_end(struct child *c, int64_t timeout_ms, struct err *e);

/* ---- queue.c: waiting jobs, sought by rank ---- */

enum { QUEUE_TREES = 31 };	/* by the binary logarithm of processors */

/*
 * A tree over ranks of one width: each node has the least processors and the
 * least limit of the jobs below it.
 */
struct queue_tree {
	int32_t len;
	size_t width;		/* leaves, a power of two */
	int32_t *rank;		/* of each leaf, in order */
	int32_t *procs;		/* INT32_MAX: nobody */
	int64_t *limit_s;
};

struct queue {
	struct queue_tree trees[QUEUE_TREES];
	int32_t *place;		/* of each rank: its leaf */
};

/* For jobs of which job_of has the one of each rank; NULL: they are equal. */
void queue_init(struct queue *q, const struct sim_job *jobs, int32_t len,
    const int32_t *job_of);
void queue_add(struct queue *q, int32_t rank, const struct sim_job *j);
void queue_del(struct queue *q, int32_t rank, const struct sim_job *j);

/*
 * The first rank, not before from, of a job that needs at most procs
 * processors, and either no longer than limit_s or at most extra processors.
 * NOBODY: there is none.
 */
int32_t queue_find(const struct queue *q, int32_t from, int64_t procs,
    int64_t limit_s, int64_t extra);

/* ---- ends.c: when processors are expected back ---- */

struct ends {
	struct ends_block **blocks;	/* in order of time */
	size_t len, cap;
};

void ends_add(struct ends *n, int64_t at, int64_t procs);
void ends_del(struct ends *n, int64_t at, int64_t procs);

/*
 * The first time by which at least need processors have come back; *got is
 * how many have by then. need is no more than all.
 */
int64_t ends_when(const struct ends *n, int64_t need, int64_t *got);

/* ---- profile.c: what is free, now and later ---- */

/*
 * Steps in order of time, each lasting to the next and the last for ever. Free
 * processors are counted; kept as sets of machines too (words > 0); or kept of
 * each node (cluster).
 */
struct profile {
	int64_t *at, *free;
	sim_word *sets;		/* of step i: words from i * words on */
	struct res **nodes;	/* of step i: of all nodes; or NULL */
	size_t len, cap, words;
	const struct cluster *cluster;	/* NULL: there are no nodes */
	struct res *least;	/* of some steps */
	struct part *parts;
};

void profile_init(struct profile *p, const struct sim *s);

/* Forgets what was before now. */
void profile_advance(struct profile *p, int64_t now);

/*
 * The earliest time, from the first step on, when the job fits for its limit;
 * with sets, on the same machines all the time, and set (words long) gets the
 * lowest of them; with nodes, the job's parts become these.
 */
int64_t profile_find(const struct profile *p, const struct sim_job *j,
    sim_word *set);

/* Takes, or gives back, what the job has, from at to end. */
void profile_take(struct profile *p, int64_t at, int64_t end,
    const struct sim_job *j, const sim_word *set);
void profile_give(struct profile *p, int64_t at, int64_t end,
    const struct sim_job *j, const sim_word *set);

/* The lowest n machines of set, which has as many, into out; may be set. */
void profile_lowest(const sim_word *set, size_t words, int64_t n,
    sim_word *out);

#endif
