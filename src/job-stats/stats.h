/*
 * stats.h - job-stats: jobs in, figures of them out.
 *
 *	main.c		options, and what is read and said in which order
 *	read.c		records in: jobs and the groups that they belong to
 *	measure.c	what is measured of a job; means and percentiles
 *	fair.c		finish-time fairness
 *	usage.c		the cluster over time
 *	versus.c	the difference between two runs, and how sure it is
 *	say.c		records out
 *	table.c		tables out
 *
 * A job takes 64 bytes, and 36 more while a measure is sorted.
 */
#ifndef BERTH_STATS_H
#define BERTH_STATS_H

#include "buf.h"
#include "err.h"
#include "map.h"

enum { GROUP_FIELDS_MAX = 8 };

/* What a cluster is made of. */
enum thing { CPUS, GPUS, THINGS };

#define NOT_KNOWN (-1.0)	/* of what is measured: nothing is below 0 */

struct job {
	double submit_at;
	double start_at, end_at;	/* NOT_KNOWN: not yet, or never */
	double alone_s;		/* what it needs by itself, or NOT_KNOWN */
	double rho;		/* once fair_measure was called */
	double size[THINGS];	/* 0: none, or not known */
	int64_t id;
};

/* Jobs that are answered for together. */
struct group {
	char *values;		/* members of "group", as JSON */
	uint32_t *ended;	/* places in the list of all jobs */
	size_t len, cap;
	uint32_t *others;	/* of those whose start or end is not known */
	size_t others_len, others_cap;
	double first_submit, last_end;	/* of those that ended */
	double used_s[THINGS];	/* size times run time */
	double preemptions;	/* NOT_KNOWN: nobody counted them */
	bool sized[THINGS];	/* somebody has a size */
};

/* What runs from then on, as a `round` record says. */
struct step {
	double at, size[THINGS];
	double running;
};

struct jobs {
	struct job *list;
	size_t len, cap;
	struct map groups;	/* of struct group, in the order they came */
	double total[THINGS];	/* of the cluster, or NOT_KNOWN */
	double last_at;		/* the latest time that a job has */
	struct step *steps;	/* in order of time */
	size_t steps_len, steps_cap;
};

/* ---- read.c ---- */

struct read_options {
	bool keep_going;	/* bad lines are said and skipped */
	int64_t window[2];	/* job ids to be answered for; all if empty */
	const char *by[GROUP_FIELDS_MAX];	/* fields to group by */
	size_t by_len;
	int64_t total[THINGS];	/* of the cluster, whatever is read; or 0 */
};

/*
 * Reads the records of path, NULL for stdin, into js, which is empty. Returns
 * how many lines were skipped; -1 and *e. Memory lives until the program ends.
 */
int64_t jobs_read(struct jobs *js, const struct read_options *o,
    const char *path, struct err *e);

/* ---- measure.c ---- */

enum measure { WAIT, RUN, JCT, SLOWDOWN, BSLD, RHO, MEASURES };
extern const char *const measure_keys[MEASURES];

enum figure { MEAN, P50, P99, P999, LARGEST, FIGURES };
extern const char *const figure_keys[FIGURES];
extern const double figure_parts[FIGURES];	/* of P50 to P999: 0.5 ... */

/* A value and where it comes from. */
struct keyed {
	double value;
	uint32_t at;
};

/* Of a job that has ended; NOT_KNOWN where it cannot be said. */
double job_measure(const struct job *j, enum measure m);

/* Sorts by value, which is never below 0, and keeps the order of equals. */
void keyed_sort(struct keyed *list, size_t len);

/* Between neighbours along a line, as numpy's default. len is not 0. */
double quantile(const struct keyed *sorted, size_t len, double part);

/* Of two neighbours, the value at that part of the way from a to b. */
double between(double a, double b, double part);

/* The figures of a group in one measure. Whether there are any. */
bool group_figures(const struct jobs *js, const struct group *g,
    enum measure m, double out[FIGURES]);

/*
 * The part of the cluster that the group used from its first submission to its
 * last end, or NOT_KNOWN. whole: the group is all that ran.
 */
double group_utilisation(const struct jobs *js, const struct group *g,
    enum thing thing, bool whole);

/* ---- fair.c ---- */

/*
 * Fills in the rho of all jobs: the time from submission to end divided by the
 * time that the job would have taken on its share of the cluster,
 *
 *	rho = (end - submit) / (alone * max(1, size * n / total))
 *
 * where n is the number of jobs in the system, averaged over the time that
 * this one was in it, and 1 / n of the cluster is its share: T_sh / T_id of
 * Mahajan et al., Themis, NSDI 2020, section 3.1, for a job that cannot use
 * more than its size. GPUs count where job and cluster have them, else CPUs.
 */
void fair_measure(struct jobs *js);

/* ---- usage.c ---- */

enum { USAGE_MAX = 1000000 };	/* records of one group */

struct usage {
	double at, span_s;
	double jobs;		/* submitted and not ended, on average */
	double running, queued;	/* NOT_KNOWN where it cannot be said */
	double size[THINGS];	/* in use; likewise */
};

/*
 * The cluster in intervals of span_s, from the group's first submission to its
 * last end. Returns how many there are, which are the caller's; -1 and *e.
 */
ssize_t usage_of(const struct jobs *js, const struct group *g, double span_s,
    bool whole, struct usage **out, struct err *e);

/* ---- versus.c ---- */

struct versus {
	const struct jobs *other;
	struct keyed *by_id;	/* its jobs */
	size_t len;
	bool *taken;
	int64_t resamples;
	uint64_t seed;
};

struct difference {
	double diff, low, high;	/* ours less the other's */
};

struct compared {
	size_t matched, unmatched;	/* of the group's jobs that ended */
	bool known[MEASURES];
	struct difference of[MEASURES][LARGEST];
};

/*
 * Finds the jobs of g, a group of other, by their ids. 0; -1 and *e: one is
 * there twice.
 */
int versus_init(struct versus *v, const struct jobs *other,
    const struct group *g, struct err *e);

/*
 * Pairs the jobs of a group by job_id with those of the other run, and takes
 * the interval that holds 95 % of the differences of as many resamples of the
 * pairs: the percentile interval of Efron and Tibshirani, An Introduction to
 * the Bootstrap, 1993, chapter 13. 0; -1 and *e.
 */
int versus_group(struct versus *v, const struct jobs *js,
    const struct group *g, struct compared *out, struct err *e);

/* Jobs of the other run that nobody was paired with. */
size_t versus_left(const struct versus *v);

/* ---- say.c ---- */

struct say_options {
	bool table, whole;
	double interval_s;	/* 0: no usage */
	struct versus *versus;	/* NULL: there is no other run */
};

/* Writes the answer for a group to stdout. 0; -1 and *e. */
int say_group(const struct jobs *js, const struct group *g,
    const struct say_options *o, struct err *e);

/* ---- table.c ---- */

/* The same as tables for people: c if there is another run, len of usage. */
void table_say(const struct jobs *js, const struct group *g,
    const struct say_options *o, const struct compared *c,
    const struct usage *usage, size_t len);

#endif
