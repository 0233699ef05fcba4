/*
 * trace.h - sched-trace: logs of clusters in, `job` records out, and back.
 *
 *	main.c		options
 *	line.c		what the formats share: odd rows, fields, numbers
 *	job.c		a job as a record
 *	clean.c		--clean: sorted, numbered, nothing left open
 *	swf.c		the Standard Workload Format, both ways
 *	synergy.c	the replays of Synergy's simulator, both ways
 *	sacct.c		what sacct -P prints
 *	csv.c		tables with a first line of names
 *	tables.c	the logs that are such tables: helios, openb, tiresias
 *	gavel.c		the traces of Gavel's simulator
 *	philly.c	the job log of Philly's traces
 *	generate.c	workloads made up from a seed
 *	arrivals.c	when their jobs are submitted
 *	dice.c		chance that is the same on every machine
 *	stream.c	the streams of Synergy's paper
 *	mt.c		the generator that Python's `random` has
 */
#ifndef SCHED_TRACE_H
#define SCHED_TRACE_H

#include "buf.h"
#include "err.h"
#include "flat.h"
#include "nd.h"

#define NUMBER_MAX 9007199254740992.0	/* jq rounds what is larger */

struct options {
	bool clean, keep_going, multigpu, models;
	const char *synergy;	/* philly: how it makes jobs of a log; NULL */
	const char *stream, *arrivals, *estimates;
	double rate;		/* jobs an hour; 0: not said */
	double load;		/* part of the cluster; 0: not said */
	double cv;		/* of gaps: deviation over mean; 0: not said */
	uint32_t seed;
	int64_t split[3];	/* percent of jobs: image, language, speech */
	int64_t jobs;
	int64_t procs;		/* of the cluster, the largest job */
	int64_t cpus_per_gpu;	/* where a log tells GPUs alone */
};

extern struct options opt;
extern unsigned long odd_rows;

/* ---- line.c ---- */

/*
 * The next line without its CR; false at the end. What cannot be read ends the
 * process.
 */
bool line_next(struct nd_in *in, char **line, size_t *len);

/* A row that is not as it should be: the end, or with -k the next row. */
void line_odd(const struct nd_in *in, const struct err *e);

/*
 * These split a line in place, at each `at` or at runs of blanks. They return
 * the number of fields, also where it exceeds max; no more than max are set.
 */
size_t line_words(char *line, char **fields, size_t max);
size_t line_split(char *line, char at, char **fields, size_t max);

/* What kind a record is of; -1 and *e: the line is none. */
enum { LINE_OTHER, LINE_JOB, LINE_CLUSTER };
int line_kind(const char *line, size_t len, struct err *e);

/* A number as JSON and logs write it, 0 to 2^53, or -1. 0; -1: it is none. */
int line_number(const char *s, double *out);

/* The same, but whole and not negative, as most are. */
int line_whole(const char *s, double *out);

/*
 * "2024-05-06 07:08:09", or with a T, in seconds since 1970. Such logs do not
 * say where their clock stood: it is read as UTC. 0; -1: it is none.
 */
int line_time(const char *s, double *out);

/* Adds a member: an integer where it is whole, else its shortest form. */
void line_put(struct buf *b, const char *key, double value);
void line_put_text(struct buf *b, const char *key, const char *s);

/* Adds members that were put into a buf of their own, one or more. */
void line_put_members(struct buf *b, const char *s, size_t len);

/* The beginning of a record in b, and its end, which writes it to stdout. */
void line_begin(struct buf *b, const char *kind);
void line_write(struct buf *b);

/* ---- job.c ---- */

enum job_number {
	JOB_ID, JOB_ARRAY_ID, JOB_TASK_ID, JOB_SUBMIT, JOB_ELIGIBLE,
	JOB_START, JOB_END, JOB_WAIT, JOB_RUN, JOB_LIMIT, JOB_CPUS,
	JOB_CPU_MILLI, JOB_GPUS, JOB_GPU_MILLI, JOB_MEM, JOB_NODE_COUNT,
	JOB_RESTARTS, JOB_ITERS, JOB_BATCH, JOB_WEIGHT, JOB_SLO, JOB_NUMBERS
};

enum job_text {
	JOB_NAME, JOB_USER, JOB_ACCOUNT, JOB_PARTITION, JOB_QOS, JOB_STATE,
	JOB_EXIT_CODE, JOB_NODES, JOB_WORKDIR, JOB_COMMENT, JOB_CONSTRAINT,
	JOB_MODEL, JOB_MODE, JOB_TEXTS
};

/* What is not known: -1, and NULL or "". Texts are borrowed. */
struct job {
	double n[JOB_NUMBERS];
	const char *t[JOB_TEXTS];
};

void job_clear(struct job *j);

/* Whether times are in order; -1: not known. 0; -1 and *e. */
int job_times(double submit, double start, double end, struct err *e);

/*
 * The same of a job; fills in wait and run time where they follow
 * from the others. 0; -1 and *e.
 */
int job_check(struct job *j, struct err *e);

/*
 * Writes it, using b; or with --clean changes it and keeps it for later. With
 * --models it first gets one.
 */
void job_write(struct buf *b, struct job *j, const struct nd_in *in);

/* ---- clean.c ---- */

struct clean_times {
	double submit_at, start_at, end_at;	/* -1: not known */
};

/* The rules for one job, which may change it. false: it is dropped. */
bool clean_rules(const struct nd_in *in, double *run_s, double *procs,
    double *limit_s);

/* Keeps a job; members has all but its job_id and these times. */
void clean_keep(const struct clean_times *when, const struct buf *members);

/* Writes what was kept, using b, and says what the rules have done. */
void clean_write(struct buf *b);

/* ---- csv.c ---- */

enum { CSV_COLUMNS_MAX = 64, CSV_KNOWN_MAX = 16 };

struct csv_column {
	const char *name;
	enum { CSV_WHOLE, CSV_NUMBER, CSV_TIME, CSV_TEXT } type;
	int to;			/* which number or text of a job */
	bool always;		/* no table of this kind is without it */
};

/* One kind of table, and what a row of it becomes; -1 and *e: it is odd. */
struct csv_table {
	const struct csv_column *columns;
	size_t len;
	int (*row)(struct buf *b, struct job *j, const struct nd_in *in,
	    struct err *e);
};

/*
 * Reads RFC 4180: names in the first line, in any order. It is the first of
 * these tables whose columns are all there; others that it has are ignored.
 */
void csv_read(struct nd_in *in, const struct csv_table *tables, size_t len);

/* ---- the formats: stdin to its end ---- */

void swf_read(struct nd_in *in);
void swf_write(struct nd_in *in);
void synergy_read(struct nd_in *in);
void synergy_write(struct nd_in *in);
void sacct_read(struct nd_in *in);
void helios_read(struct nd_in *in);
void openb_read(struct nd_in *in);
void tiresias_read(struct nd_in *in);
void gavel_read(struct nd_in *in);
void philly_read(struct nd_in *in);

/* ---- mt.c ---- */

struct mt {
	uint32_t state[624];
	int at;
};

/* As random.seed(N), random.random() and random.randint(0, 9) of CPython. */
void mt_seed(struct mt *m, uint32_t seed);
double mt_random(struct mt *m);
int mt_digit(struct mt *m);

/* A uniform number in a .. b, as random.uniform(). */
double mt_uniform(struct mt *m, double a, double b);

/* ---- dice.c ---- */

struct dice {
	struct mt mt;
	double spare;
	bool has_spare;
};

double dice_log(double x);
double dice_exp(double x);
double dice_exponential(struct dice *d);	/* mean 1 */
double dice_gamma(struct dice *d, double shape, double scale);

/* ---- arrivals.c ---- */

enum { ARRIVALS_POISSON, ARRIVALS_GAMMA, ARRIVALS_DAILY };

struct arrivals {
	int kind;
	double shape;		/* of gaps, in ARRIVALS_GAMMA */
	double weights[48];	/* of half-hours, from midnight; mean 1 */
	double mean_s;		/* of a gap */
	double stretch;		/* what gaps are multiplied with */
	double now;
};

/* cv is for gamma, 0: the default. 0; -1 and *e: there is none such. */
int arrivals_init(struct arrivals *a, const char *kind, double cv,
    struct err *e);

/* Draws a gap, in s; it is not stretched yet. */
double arrivals_gap(const struct arrivals *a, struct dice *d);

/* When a job comes so long after the one before. */
double arrivals_next(struct arrivals *a, double gap);

/* ---- stream.c ---- */

enum { STREAM_CLASSES = 3, DEFAULT_RATE = 9 };

struct stream {
	struct mt arrivals, durations;
	int64_t made[STREAM_CLASSES], all;	/* jobs so far */
	double now;
};

void stream_init(struct stream *s);

/* Of a job: when it arrives, and how long it takes where that is drawn. */
double stream_arrival(struct stream *s);
double stream_duration(struct stream *s);

/*
 * The model of the next job, and the iterations that take so long on a fair
 * share of a server: the class that lacks most of its part of --split, and of
 * its models each in turn (see Synergy's simulator).
 */
const char *stream_model(struct stream *s, double duration_s, double *iters);

/* Writes the next job, using b, with such a model. */
void stream_write(struct buf *b, struct stream *s, double submit_at,
    double duration_s, double gpus);

/* Writes opt.jobs jobs of the stream of this name; false: there is none. */
bool stream_make(const char *name);

/* ---- generate.c ---- */

/* Writes opt.jobs jobs of opt.stream. 0; -1 and *e: there is none such. */
int generate(struct err *e);

#endif
