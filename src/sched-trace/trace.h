/*
 * trace.h - sched-trace: logs of clusters in, `job` records out, and back.
 *
 *	main.c		options
 *	line.c		what the formats share: odd rows, fields, numbers
 *	swf.c		the Standard Workload Format, both ways
 *	synergy.c	the replays of Synergy's simulator, both ways
 *	sacct.c		what sacct -P prints
 *	generate.c	workloads made up from a seed
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
	bool clean, keep_going;
	const char *stream;
	double rate;		/* jobs an hour */
	uint32_t seed;
	int64_t split[3];	/* percent of jobs: image, language, speech */
	int64_t jobs;
	int64_t procs;		/* of the cluster, the largest job */
};

extern struct options opt;
extern unsigned long odd_rows;

/* ---- line.c ---- */

/* The next line; false at the end. What cannot be read ends the process. */
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

/* Adds a member: an integer where it is whole, else its shortest form. */
void line_put(struct buf *b, const char *key, double value);
void line_put_text(struct buf *b, const char *key, const char *s);

/* The beginning of a record in b, and its end, which writes it to stdout. */
void line_begin(struct buf *b, const char *kind);
void line_write(struct buf *b);

/* ---- the formats: stdin to its end ---- */

void swf_read(struct nd_in *in);
void swf_write(struct nd_in *in);
void synergy_read(struct nd_in *in);
void synergy_write(struct nd_in *in);
void sacct_read(struct nd_in *in);

/* ---- generate.c ---- */

/* Writes opt.jobs jobs of opt.stream. 0; -1 and *e: there is none such. */
int generate(struct err *e);

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

#endif
