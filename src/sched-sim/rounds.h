/*
 * rounds.h - the rounds family of sched-sim: jobs that train a model on GPUs,
 * run in rounds of 300 s, are ordered anew before each round, and share the
 * CPUs and the memory of their servers by what their model gains from them.
 *
 *	rounds.c	the loop: arrivals, packing, progress, ends
 *	rounds-events.c	SYNERGY's heap of events, where it decides
 *	rounds-name.c	what "srtf+tune+place" asks for
 *	rounds-order.c	the jobs in the order of the policy
 *	rounds-load.c	the cluster
 *	rounds-jobs.c	the jobs, checked
 *	rounds-kind.c	what jobs ask for, and of which servers
 *	rounds-say.c	records out
 *	model.c		what each model asks for and gains
 *	tput.c		the speed of a model by its cores and memory
 *	place.c		which GPUs a job gets
 *	tune.c		shares taken back from those that have most
 *	opt.c		shares that make the most of all
 *	offer.c		what there is to choose from, for opt.c
 *	knapsack.c	the exact solver behind opt.c
 *	prices.c	what it sells at
 *	rounds-first.c	for whom GPUs are there, by their number
 *	round-policy-*.c  one order each
 *
 * There are two forms: that of SYNERGY's simulator to the job, oddities
 * included (synergy), and a corrected one, which sched-sim(1) compares.
 *
 * Doubles are used where the model has them (demands, speedups, keys), with
 * one order of operations, so that the same input gives the same bytes.
 */
#ifndef BERTH_ROUNDS_H
#define BERTH_ROUNDS_H

#include "buf.h"
#include "err.h"
#include "input.h"
#include "map.h"

enum {
	ROUND_S = 300,
	STARVED_S = 3600000,	/* SYNERGY: not run so long: first for ever */
	PROFILED_GPUS_MAX = 16,
	QUEUES_MAX = 16,	/* of dlas */
	MODELS = 10,
	TPUT_CPUS = 9, TPUT_MEMS = 5,	/* points of the profiles */
	SERVER_GPUS_MAX = 64,	/* bits of a mask */
	SERVERS_MAX = 100000,
	GROUPS_MAX = 64,	/* bits of a mask */
};

/* What is shared beside GPUs: cores, GB of memory, MB/s of storage. */
enum { CPU, MEM, SPEED, SHARED };

struct vec {
	double v[SHARED];
};

struct model {
	const char *name;
	double cpus, mem_gb;	/* what it can use, per GPU */
	double iter_s;		/* an iteration on the fair share */
	double speedup;		/* with all it can use */
};

struct cluster;
struct node;
struct rjob;
struct run;
struct share;

/* Free GPUs of a server that a job could have. */
struct spot {
	int64_t server;
	int len;
};

/* What servers of one type have. */
struct server_type {
	int gpus;		/* of one server, and so on */
	int job_gpus;		/* for one job, at most */
	struct vec cap;
	struct vec fair;	/* the share that goes with one GPU */
	struct vec slack;	/* may be missing, and it fits all the same */
};

/* Servers of one type that are for the same jobs. */
struct server_group {
	const struct node *like;	/* NULL: nothing is known of them */
	int type;
	int64_t gpus, free_gpus;	/* of all of them */
};

struct servers {
	int64_t len;
	struct server *list;
	const struct cluster *cluster;	/* of node records, or NULL */
	struct server_type types[GROUPS_MAX];
	int types_len;
	struct server_group groups[GROUPS_MAX];
	int groups_len;
	int64_t gpus, free_gpus;	/* of all servers */
	int most_gpus;			/* of one */
	double net;			/* Gbit/s of one; for SYNERGY alone */
	struct vec total;
	struct vec fair;	/* the share of a GPU on average */
	struct share *shares;	/* of all runs; room for one a GPU */
	int64_t shares_len;
	struct spot *spots;	/* for tune.c; room for one a server */
	bool overdrawn;		/* more cores or GB were taken than are there,
				   or given back than were taken */
};

struct server {
	const struct server_type *type;
	int group;
	int64_t first_gpu;	/* its number in the cluster */
	struct vec used;
	struct vec kept;	/* used when nothing runs: roundings */
	uint64_t free;		/* bit n: GPU n of it is free */
	int free_len;
	int shares_len;
	struct share **shares;	/* in placing order, room for each GPU */
};

/* GPUs of one job on one server. */
struct share {
	struct run *run;
	int64_t server;
	uint64_t gpus;
	int len;
	struct vec have;	/* as if all its GPUs had as much as these */
	struct vec held;	/* of the server, as its parts add up */
};

/* A job that runs in this round. */
struct run {
	struct rjob *job;
	double speed;		/* of its slowest GPUs, as it was placed */
	double pace_s;		/* an iteration takes */
	int shares_len;
	struct share *shares;	/* one for each server, of servers.shares */
	struct vec held;	/* in all */
};

/* So much for all GPUs of a job, and the speed that it makes. */
struct want {
	struct vec all;
	double speed;
};

/* Jobs that ask for the same. What they get goes by the type of a server. */
struct kind {
	int number;
	const struct model *model;
	int gpus;
	uint64_t where;		/* bits of the groups they may run on */
	double iter_s;		/* an iteration on the average fair share */
	double speedup;		/* where it is largest */
	struct vec need;	/* the most, of all servers they may use */
	struct want need_on[GROUPS_MAX];	/* all they can use */
	struct want least_on[GROUPS_MAX];	/* when others need the rest */
	struct want fair_on[GROUPS_MAX];
	int64_t here;		/* such jobs have arrived and not ended */
	int64_t tried;		/* of these in this packing, */
	bool failed;		/* and no more of them fit */
};

struct rjob {
	int64_t id;
	double submit_at;
	const struct model *model;
	int gpus;
	struct kind *kind;
	double iter_s, speedup;	/* of its kind */
	int64_t iters;		/* to be done */
	char *line;		/* its record, up to where more is added */

	double speed;		/* speedup of this round, or of the last */
	int64_t iters_done;
	double part_done;	/* of the next iteration, with exact */
	int64_t ran_s;		/* rounds granted, in seconds */
	int64_t left_at;	/* when its last round ended; -1: none yet */
	bool starved;
	int64_t base_s, base_at;	/* dlas: ran_s when last promoted, and
					   when it ran first after that */

	int64_t start_at, end_at;	/* -1: not yet */
	int64_t rounds, preemptions, tuned_rounds, servers;
};

/* Where times are equal, what comes first is the smaller. */
struct event {
	double at;
	enum { ARRIVES, ROUND_ENDS, ROUND_BEGINS } what;
	size_t number;		/* of the job, or of the run that ends */
};

struct events {
	struct event *list;
	size_t len, cap;
};

struct rounds;

/*
 * An order of jobs: by level, then by key, then by submission. Of equals, the
 * one that came before stays before.
 */
struct round_policy {
	const char *name;
	double (*key)(const struct rounds *r, const struct rjob *j);
	/* Before each round, where not NULL; it may change j. */
	int (*level)(const struct rounds *r, struct rjob *j);
	/* Once, when all jobs have been read: 0; -1 and *e. Or NULL. */
	int (*begin)(struct rounds *r, struct err *e);
	const char *not_there;	/* why SYNERGY's simulator has it not */
	/* Of SYNERGY's form: */
	bool starving_first;	/* the starved come before all others */
	bool first_only;	/* only the first that fill the GPUs may run */
	bool opt;		/* opt is there for it */
};

extern const struct round_policy *const round_policies[];
extern const struct round_policy round_policy_fifo, round_policy_srtf,
    round_policy_srsf, round_policy_las, round_policy_ftf, round_policy_drf,
    round_policy_tetris, round_policy_dlas, round_policy_gittins;

/* How CPUs and memory are shared out. */
enum allocation {
	GREEDY,		/* all a job can use, or it waits */
	FAIR,		/* the fair share, neither more nor less */
	TUNE,		/* all it can use, or else the fair share */
	OPT,		/* what makes the sum of speeds largest */
};

struct rounds_options {
	const char *policy;	/* as given: "srtf+tune+place" */
	const char *cluster;	/* path of an ini file */
	int64_t window[2];	/* ids, from and before: ends when these have
				   ended; -1: when all have */
	bool synergy;		/* as SYNERGY's simulator does it */
	bool at_once;		/* the first round is at 1, and all jobs are
				   there; SYNERGY: as they are submitted */
	bool exact;		/* jobs end at the second, within a round */
	int64_t starve_s;	/* not run for so long: first; -1: never */
	int64_t queues[QUEUES_MAX];	/* dlas: GPU seconds at which each ends,
					   ascending */
	int queues_len;
	int64_t promote;	/* dlas: waited so many times what it ran: back
				   to the first queue; 0: never */
	int64_t explain;	/* say why this job does not run; -1: none */
	bool say_rounds;	/* `round` records */
	bool keep_going;	/* skip bad records */
	bool dry_run;		/* read and check, no more */
	/* asked before each round; false: it ends here */
	bool (*go_on)(int64_t now, int64_t ended, int64_t all);
};

/* A record of the sorted list. */
struct rank {
	double key, submit_at;
	int level;
	struct rjob *job;
};

struct rounds {
	const struct rounds_options *o;
	const struct round_policy *policy;
	enum allocation allocation;
	bool together;		/* +place: few servers for a job */
	int64_t now;		/* when this round began */
	struct servers servers;

	struct rjob *jobs;	/* all, as read */
	size_t jobs_len, arrived;
	int64_t unusable;	/* records that were skipped */
	bool by_events;		/* SYNERGY's events decide what comes first */
	bool drifts;		/* and its sums of shares are not exact */
	struct events events;
	struct kind **kinds;	/* by number */
	int kinds_len;
	struct map kind_names;

	struct rank *order;	/* those that have arrived and not ended */
	struct rank *scratch;
	size_t order_len;
	bool splits;		/* rounds-order.c: far jobs may be set aside */
	size_t near_len;	/* the others, which come before them */
	size_t sure_len;	/* the beginning of the whole order */
	struct rank cut;
	int64_t far_until;
	struct rank *first;	/* those that fill the GPUs, by count alone */
	size_t first_len;

	struct run *runs;	/* room for one a GPU */
	size_t runs_len;
	struct rjob **tried;	/* what the packing looked at, in order */
	size_t tried_len, tried_cap;
	int open;		/* kinds of which more could be tried */
	struct opt *opt;
	struct gittins *gittins;

	struct rjob **ended;	/* in order of their ends */
	size_t ended_len;
	int64_t window_left;
	const struct rjob *explained;
	bool stopped;		/* by go_on */
	struct buf saying, said;	/* what runs now, and before */
};

/* ---- rounds.c ---- */

/*
 * The whole task: `job` records in; records on stdout, once all has gone well.
 * The number of records that were skipped; or -1 and *e.
 */
int64_t rounds_run(const struct rounds_options *o, struct input *in,
    struct err *e);

/* ---- rounds-name.c ---- */

/* Whether the text names a policy of this family. */
bool rounds_is_policy(const char *text);

/* Fills policy, allocation and together from r->o. 0; -1 and *e. */
int rounds_name(struct rounds *r, struct err *e);

/* ---- rounds-order.c ---- */

/* Puts r->order in order: the first sure_len of it, at least. */
void rounds_order(struct rounds *r);

/* After that in the same round: all of it. */
void rounds_order_all(struct rounds *r);

/* Whether jobs may be set aside; asked once, when all have been read. */
bool rounds_can_split(const struct rounds *r);

/* Sets far jobs aside, when a packing has shown how many are looked at. */
void rounds_split(struct rounds *r);

/* Seconds since it ran last, or since it came. */
double rounds_pause_s(const struct rounds *r, const struct rjob *j);

/* Puts r->first in the order of a key, which is asked in the order so far. */
void rounds_first_by(struct rounds *r,
    double (*key)(struct rounds *r, const struct rjob *j));

/* ---- rounds-events.c ---- */

/* As heapq.heappush and heapq.heappop of Python; list is freed by the owner. */
void events_push(struct events *q, struct event ev);
struct event events_pop(struct events *q);	/* there is one */

/* ---- rounds-first.c ---- */

/*
 * Fills r->first: the first jobs that fill the GPUs by number alone; smaller
 * ones behind one that does not fit come forward. Who has starved as SYNERGY
 * has it is found on the way.
 */
void rounds_choose_first(struct rounds *r);

/* ---- rounds-load.c, rounds-jobs.c ---- */

/* alike: all servers have to be. 0; -1 and *e. */
int rounds_load_cluster(struct servers *s, const char *path, bool alike,
    struct err *e);
int rounds_load_ini(struct servers *s, const char *path, struct err *e);
int rounds_load_jobs(struct rounds *r, struct input *in, bool keep_going,
    struct err *e);

/* ---- rounds-kind.c ---- */

struct need_line;

/* The bits of the groups that a job may run on; 0 and *e: there is none. */
uint64_t kind_where(const struct servers *s, const struct need_line *l,
    struct err *e);

/* All groups; and of some of them the bits of the types, and the GPUs. */
uint64_t kind_everywhere(const struct servers *s);
uint64_t kind_types(const struct servers *s, uint64_t where);
int64_t kind_gpus(const struct servers *s, uint64_t where);

/* The kind of such jobs, made if it is new; NULL and *e: it cannot be. */
struct kind *kind_find(struct rounds *r, const struct model *m, int gpus,
    uint64_t where, struct err *e);
void kinds_free(struct rounds *r);

/* ---- rounds-say.c ---- */

/* Says this round, if other jobs run, or elsewhere. 0; -1 and *e. */
int rounds_say_round(struct rounds *r, struct err *e);

/* Says why the job to be explained does not run, if it waits. */
void rounds_say_why(const struct rounds *r);

/* The jobs in order of their ends; then those that have none. */
void rounds_say_jobs(const struct rounds *r);

/* ---- model.c ---- */

/* Storage that goes with each GPU, whatever the model, in MB/s. */
#define MODEL_SPEED 62.5

/*
 * The profile of a model for servers with that many cores a GPU (3 to 6 have
 * tables of their own, all others get that of 3). NULL: there is none.
 */
const struct model *model_find(const char *name, size_t len,
    double cpus_per_gpu);

/* The known names, with commas between, for messages. */
const char *model_names(void);

/* Its place in the table: of all profiles the same. */
int model_index(const struct model *m);

/*
 * Fills all that follows from model, gpus and where. 0; -1 and *e: it cannot
 * be.
 */
int model_demand(struct kind *k, const struct servers *s, bool synergy,
    struct err *e);

/*
 * The speed with so much in all, over that with the average fair share;
 * corrected form.
 */
double model_speed(const struct kind *k, const struct servers *s,
    struct vec have);

/* Seconds until j ends, at its speed and with no pause. */
double model_left_s(const struct rounds *r, const struct rjob *j);

/* ---- tput.c ---- */

/* The points at which models were measured, for each GPU. */
extern const double tput_cpus[TPUT_CPUS], tput_mem_gb[TPUT_MEMS];

/* The speed at such a point, over that with 3 cores and 62.5 GB. */
double tput_at(int model, int cpus, int mem);

/* The same anywhere, on straight lines between the points. */
double tput(int model, double cpus, double mem_gb);

/* ---- place.c ---- */

void place_clear(struct servers *s);	/* all GPUs are free again */

/* What is left of one thing on one server. */
double place_left(const struct server *on, int k);

/* How many GPUs are free in these groups. */
int64_t place_free(const struct servers *s, uint64_t where);

/*
 * Puts run->job on GPUs, with want by the type of each server. false: they do
 * not fit, and nothing has changed.
 */
bool place(struct servers *s, struct run *run, const struct want *want,
    bool together);

/* Whether it would; nothing changes. */
bool place_fits(struct servers *s, struct run *run, const struct want *want,
    bool together);

/*
 * The same part by part, of which each is for other groups: begin; some GPUs of
 * the job after others, on one server if that can be, of those the one that
 * has most cores beyond the fair shares of its free GPUs; then end, or, if a
 * part does not fit, undo.
 */
void place_begin(struct servers *s, struct run *run);
bool place_part(struct servers *s, struct run *run, uint64_t where, int gpus,
    const struct want *want, bool together);
void place_end(struct servers *s, struct run *run);
void place_undo(struct servers *s, struct run *run);

/* Changes what a run has on the server of one share; when all are, count. */
void place_change(struct servers *s, struct share *sh, struct vec want);
void place_count(struct run *run);

/*
 * Where sums are not exact: what all runs have is given back, one after the
 * other; and what is then left over counts as used from the next clear on.
 */
void place_release(struct servers *s, const struct run *run);
void place_keep(struct servers *s);
void place_forget(struct servers *s);

/* ---- tune.c ---- */

/*
 * Places run->job with want, or with its least, if need be at others' cost. 0;
 * -1 and *e: it cannot be.
 */
int tune_place(struct rounds *r, struct run *run, const struct want *want,
    struct err *e);

/* ---- opt.c ---- */

/* Refuses where SYNERGY's simulator would die. 0; -1 and *e. */
int opt_begin(struct rounds *r, struct err *e);
void opt_free(struct opt *o);

/* Chooses shares for all of r->first, and orders it. 0; -1 and *e. */
int opt_choose(struct rounds *r, struct err *e);

/* Places run->job, of r->first, with what was chosen. 0; -1 and *e. */
int opt_place(struct rounds *r, struct run *run, struct err *e);

/* Says how often it may not have been the best that was chosen. */
void opt_say(const struct rounds *r);

#endif
