/*
 * rec.h - the record kinds of svc-records(5); sole owner of field names.
 *
 * Each kind is a struct and one table of its fields, from which it is read,
 * written and released. A field that is not known is REC_NONE (integers), -1
 * (truth values) or NULL (text), and is left out when written.
 */
#ifndef BERTH_REC_H
#define BERTH_REC_H

#include <jansson.h>

#include "err.h"

#define REC_NONE INT64_MIN
#define REC_MAX (INT64_C(1) << 53)	/* jq rounds what is larger */

enum rec_type {
	REC_STR,	/* char *, owned by the struct */
	REC_INT,	/* int64_t, 0 .. REC_MAX */
	REC_BOOL,	/* int: 1, 0, -1 not known */
};

struct rec_field {
	const char *key;
	enum rec_type type;
	size_t offset;
};

/* The kind of a record, "" if it has none that is a string. Borrowed. */
const char *rec_kind(const json_t *rec);

bool rec_is(const json_t *rec, const char *kind);

/*
 * Whether the snapshot that rec, an end, closes had as many records as it says,
 * if it does: 0; -1 and *e: some were lost before got of them were read.
 */
int rec_end_check(const json_t *rec, size_t got, struct err *e);

/* A new object with its kind set, or NULL (no memory). */
json_t *rec_new(const char *kind);

/*
 * Single fields of foreign objects. 0, with *out untouched where the key is
 * absent; -1 where its type or range is wrong, saying so. Text is borrowed.
 */
int rec_str(const json_t *rec, const char *key, const char **out,
    struct err *e);
int rec_int(const json_t *rec, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *e);
int rec_bool(const json_t *rec, const char *key, int *out, struct err *e);

/* What svc-discover says of one job. */
struct rec_instance {
	char *service;
	int64_t job_id;
	int64_t submit_at;	/* s since the epoch, like all _at */
	int64_t restart;	/* how often the job was requeued */
	char *state;		/* Slurm's word: PENDING, RUNNING, FAILED */
	char *reason;		/* why it is pending, Slurm's word */
	char *node;
	char *url;		/* http://HOST:PORT[/BASE], no last slash */
	int ready;		/* 1: svc-run saw it answer; -1: nobody said */
	int draining;
	int64_t start_at;	/* started, or expected to start */
	int64_t end_at;		/* time limit reached, or ended */
	char *request;		/* id of the order that made it */
};

/* 0, or -1 and *e: not an instance (service and job_id are required). */
int rec_instance_read(const json_t *rec, struct rec_instance *out,
    struct err *e);
json_t *rec_instance_json(const struct rec_instance *in);
void rec_instance_release(struct rec_instance *in);

/* Whether Slurm will still run, or runs, a job in this state. */
bool rec_state_is_live(const char *state);

/* What svc-proxy asks for one service. */
struct rec_demand {
	char *service;
	int64_t queued;		/* requests waiting for an instance */
	int64_t inflight;	/* requests at instances */
	int64_t ready;		/* instances that take requests */
	int64_t rate_mhz;	/* requests a second, in thousandths: rate_s */
	json_t *instances;	/* [{"job_id":N,"inflight":N},...]; owned */
};

int rec_demand_read(const json_t *rec, struct rec_demand *out, struct err *e);
void rec_demand_release(struct rec_demand *in);

#endif
