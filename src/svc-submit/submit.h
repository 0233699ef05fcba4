/*
 * submit.h - what the files of svc-submit share: an order, from the record or
 * the command line to its answer.
 *
 *	main.c		options, the loop over stdin
 *	order.c		one order, read from a record; its answer, written
 *	script.c	the text of a batch script
 *	carry.c		carries orders out, each at most once
 *	sbatch.c	hands a job to sbatch (--via=sbatch)
 */
#ifndef BERTH_SUBMIT_H
#define BERTH_SUBMIT_H

#include <jansson.h>

#include "err.h"
#include "jobspec.h"

struct settings {
	bool dry_run;
	bool via_sbatch;
	int64_t timeout_ms;	/* how long an order is tried */
	int64_t rate_e6;	/* submissions a second, times 1e6; 0: any */
	uint64_t seed;		/* of the jitter */
};
extern struct settings settings;

enum order_kind { ORDER_SUBMIT, ORDER_DRAIN, ORDER_CANCEL };

enum order_state {
	ORDER_NEW,		/* not tried, or known not to be done */
	ORDER_UNKNOWN,		/* submitted, but no answer came */
	ORDER_SUBMITTED,	/* job_id is ours; was somebody quicker? */
	ORDER_ANSWERED,
};

struct order {
	enum order_kind kind;
	enum order_state state;
	char *request;		/* NULL: none, then it is never repeated */
	bool own_request;	/* we made it up: nobody else can carry it */
	char *service;		/* NULL: none */
	struct jobspec spec;
	char *path;		/* of the script, absolute; NULL: a command */
	char *script;		/* its text */
	char **argv;		/* of the job; argv[0] names the script */
	char **env;		/* "K=V", on top of our own environment */
	char **extra;		/* options that only sbatch knows */
	int64_t job_id;
	int64_t submit_at;	/* drain, cancel: of the job meant; 0: any */
	int64_t deadline_ms;	/* of the last try; 0: it never failed */
	int64_t wait_ms;	/* between the tries */
	int64_t due_ms;		/* when to try next */
	int looks;		/* in vain, since the outcome is unknown */
	struct err error;	/* of the last try */
};

/* Whether a signal asks us to end: looked at between two calls. */
bool told_to_end(void);

/* ---- order.c ---- */

/*
 * The order in a submit, drain or cancel record. On -1 and *e the order names
 * itself as far as it could be read, so that it can be refused. The caller
 * zeroes it before and releases it in either case.
 */
int order_read(struct order *o, const json_t *rec, struct err *e);

/* The order of a command line: script path and its arguments. */
int order_command_line(struct order *o, char *const operands[],
    struct err *e);
void order_release(struct order *o);

/* What a submit order comes to, as a submit record. NULL and *e. */
json_t *order_json(const struct order *o, struct err *e);

/*
 * Answers: each writes a record, flushes it, and ends the tool (75) if stdout
 * does not take it. again: the job was there before.
 */
void order_done(struct order *o, bool again);
void order_refused(struct order *o, const struct err *e);

/* How many were refused, and the status of the last one. */
extern unsigned long orders_refused;
extern int orders_refused_status;

/* ---- script.c ---- */

enum { SCRIPT_MAX = 4 << 20 };	/* bytes; sbatch's own limit */

/* The text of a script that Slurm takes, or NULL and *e. */
char *script_load(const char *path, struct err *e);

/* ---- carry.c ---- */

enum { WORK_MAX = 1024 };	/* orders at hand */

/* Before the first order, and anything else; ends the tool if it must. */
void work_open(void);

/* Takes the order over; there must be room. */
void work_add(struct order *o);
size_t work_len(void);

/* Tries each order that is due, and forgets those that were answered. */
void work_round(void);

/* Ms until the next order is due; -1: there is none. */
int64_t work_wait_ms(void);

/* Refuses what is left: we were told to end. */
void work_refuse_all(void);

/* ---- sbatch.c ---- */

/* The id of the job that sbatch made of the order, or -1 and *e. */
int64_t sbatch_submit(const struct order *o, char *const env[],
    int64_t timeout_ms, struct err *e);

#endif
