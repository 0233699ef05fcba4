/*
 * keepalive.h - what the files of svc-keepalive share.
 *
 * One unit a service: its definition, the jobs of the last whole snapshot,
 * the orders no snapshot has shown yet, and what was learnt from the past.
 * A decision is a pure function of units, demand and time: nothing here talks
 * to Slurm, and time comes from the snapshot.
 *
 *	main.c	   options, the loop over stdin, signals
 *	unit.c	   the units: made from the services, fed by records
 *	request.c  the ids of orders, and which slot a job fills
 *	past.c	   what the step from one snapshot to the next teaches
 *	want.c	   how many instances, and how early a successor
 *	decide.c   which job plays which part; what is ordered
 *	order.c	   the records of those orders
 *	state.c	   the file that carries the past over a restart
 */
#ifndef BERTH_KEEPALIVE_H
#define BERTH_KEEPALIVE_H

#include <jansson.h>

#include "err.h"
#include "rec.h"
#include "service.h"

enum {
	REQUEST_MAX = 256,	/* bytes of a request id, with its NUL */
	SAMPLES_MAX = 50,	/* start-ups the lead is measured from */
	JOBS_MAX = 100000,	/* jobs of one service in a snapshot */
	PROOF_S = 60,		/* a job that ran this long has started well */
	LOST_S = 30,		/* until an order not seen is given up, */
	LOST_SNAPS = 2,		/* and how many snapshots must not show it */
	UNPROVEN_MAX = 4,	/* jobs of a service that has never worked */
	DELAY_FIRST_S = 60,	/* back-off: second failure, then doubled */
	DELAY_MAX_S = 3600,
	MARGIN_S = 10,		/* svc-run's own margin before a job's end */
	POLL_S = 15,		/* least allowance for the time between polls */
	POLL_MAX_S = 600,
};

/* What a job does for its service; worked out anew at each decision. */
enum role {
	GONE,		/* ended */
	LEAVING,	/* drains, or was told to */
	OLD,		/* its successor is ready: to be drained */
	HEIR,		/* waits to take over from one that still serves */
	EXTRA,		/* a second heir of the same job */
	PRIMARY,	/* counts as one of the wanted */
};

/* What is known of a job beyond what the snapshot says; 0: not so, never. */
struct memory {
	int64_t limit_s;	/* time limit it was ordered with */
	int64_t heir_of;	/* id of the live job it shall replace */
	int64_t planned_end_at;	/* its end as long as it ran */
	int64_t seen;		/* 1: a snapshot has shown it alive */
	int64_t ours;		/* 1: it answers an order of ours */
	int64_t judged;		/* 1: its end was counted, good or bad */
	int64_t proven;		/* 1: it ran PROOF_S */
	int64_t ready_at;	/* when it was first seen ready */
	int64_t suspect;	/* snapshots on end that show it as surplus */
	int64_t drain_at, drain_tries;
	int64_t drain_seen_at;	/* when draining was first visible */
	int64_t cancel_at, cancel_tries;
};

struct job {
	struct rec_instance r;
	struct memory m;
	int64_t slot;		/* -1: its request names none */
	int64_t replaces;	/* job id its request names; 0: none */
	int64_t replaces_at;	/* and when that one was submitted */
	uint64_t drain_seq;	/* demand records when its drain was visible */
	/* for one decision: */
	enum role role;
	bool victim;		/* more than is wanted */
	struct job *heir;	/* ready to take over, or NULL */
	struct job *waiting;	/* ordered to take over, not ready */
};

struct jobs {
	struct job *list;	/* by job id, once the snapshot is whole */
	size_t len, cap;
};

struct order {
	char request[REQUEST_MAX];
	int64_t slot;
	int64_t replaces;	/* id of the live job it is an heir of, or 0 */
	int64_t at;
	int64_t snaps;		/* snapshots since */
	int64_t limit_s;	/* 0: the script's own */
};

struct unit {
	struct service *def;
	struct jobs jobs;	/* the last whole snapshot */
	struct jobs next;	/* the one being read */
	struct order *orders;
	size_t orders_len;

	int64_t samples[SAMPLES_MAX];	/* submission to readiness, s */
	int64_t samples_len, samples_at;
	int64_t failures;	/* in a row */
	int64_t retry_at;	/* nothing is submitted before */
	int64_t proven;		/* 1: some job of it has worked */
	int64_t want;		/* -1: not worked out yet */
	int64_t had;		/* primaries when that was last worked out */
	int64_t low_at;		/* since when less would do; 0: it would not */
	int64_t low_want;

	bool known;		/* a whole snapshot has been read for it */
	bool asked;		/* a demand record has come */
	struct rec_demand demand;
	uint64_t demand_seq;
};

struct keepalive {
	struct services services;
	struct unit *units;	/* one a service, in their order */
	int64_t now;		/* the time of the last whole snapshot */
	int64_t interval_s;	/* between the last two; 0: not known */
	uint64_t demand_seq;
	bool whole;		/* a snapshot to decide on is there */
	bool torn;		/* the one being read cannot be used */
	size_t read;		/* records of it that have come */
	bool stale;		/* Slurm does not answer */
};

/* ---- unit.c ---- */

/*
 * Reads the services; units of the same name keep their past. 0; -1 and *e,
 * and nothing has changed.
 */
int units_load(struct keepalive *k, const char *dir, struct err *e);
void units_release(struct keepalive *k);
struct unit *unit_find(const struct keepalive *k, const char *service);

/* An instance of the snapshot being read. 0; -1 and *e. */
int unit_add(struct keepalive *k, const json_t *rec, struct err *e);
int unit_demand(struct keepalive *k, const json_t *rec, struct err *e);

/* Forgets what was read of a snapshot that will not be whole. */
void units_drop(struct keepalive *k);

/* The snapshot is whole: takes it in, at time now. */
void units_turn(struct keepalive *k, int64_t now);

void jobs_release(struct jobs *js);
struct job *jobs_add(struct jobs *js);		/* zeroed; NULL: no memory */
struct job *jobs_find(const struct jobs *js, int64_t job_id);
void jobs_sort(struct jobs *js);		/* by job id, each once */

/* NULL: no memory, or there are too many. */
struct order *unit_order(struct unit *u);
void unit_order_forget(struct unit *u, size_t at);

/* Whether Slurm has it; whether it holds a node; whether it takes requests. */
bool job_live(const struct job *j);
bool job_running(const struct job *j);
bool job_ready(const struct job *j);
bool job_leaving(const struct job *j);
int64_t job_ran_s(const struct job *j, int64_t now);	/* 0 if it did not */

/* ---- request.c ---- */

/* Fills slot and replaces of a job from its request. */
void request_read(struct job *j, const char *service);

/* Gives each live job without a slot of its own a free one. */
void request_slots(struct unit *u);

/* The lowest slot, not below from, that no job and no order of ours fills. */
int64_t request_free_slot(const struct unit *u, int64_t from);

/* The latest job of a slot, live or ended, or NULL. */
const struct job *request_latest(const struct unit *u, int64_t slot);

/*
 * The id of an order for slot that replaces old (NULL: nothing). Where a job
 * carries that id already, the order replaces this job instead, and so on.
 * 0; -1: there is none that is free.
 */
int request_make(const struct unit *u, int64_t slot, const struct job *old,
    char out[REQUEST_MAX]);

/* ---- past.c ---- */

/* Learns from u->next, compared with u->jobs, which it then replaces. */
void past_learn(struct keepalive *k, struct unit *u);

/* Whether an order may go out now: back-off, and few unproven at once. */
bool past_allows(const struct keepalive *k, const struct unit *u);

/* The back-off ends at once, as when its cause has been seen to. */
void past_forgive(struct unit *u);

/* ---- want.c ---- */

/* Brings u->want up to date; primaries is what there is. */
void want_update(struct keepalive *k, struct unit *u, int64_t primaries);

/* How long before its end j needs a successor to be ordered. */
int64_t want_lead_s(const struct keepalive *k, const struct unit *u,
    const struct job *j);

/* ---- decide.c ---- */

/* Decides on all units. fresh: a snapshot has come since the last time. */
void decide(struct keepalive *k, bool fresh);

/* ---- order.c ---- */

/*
 * Orders an instance for slot, as heir of old or (NULL) as one more. false:
 * it was not ordered.
 */
bool order_submit(struct keepalive *k, struct unit *u, int64_t slot,
    struct job *old);

/* Not again while an earlier one may yet show its effect. */
void order_drain(struct keepalive *k, struct job *j, const char *why);
void order_cancel(struct keepalive *k, struct job *j, const char *why);

/*
 * An event: a record, and a line on stderr. more is an object with further
 * fields of the record, or NULL; it is taken over.
 */
void order_event(struct keepalive *k, const struct unit *u,
    const char *event, json_t *more, const char *why, ...)
    PRINTF_LIKE(5, 6);

/* ---- state.c ---- */

/* A missing file is a fresh start, a bad one is put aside; both are said. */
void state_load(struct keepalive *k, const char *path);

/* Writes it if it has changed; what fails is said once. */
void state_save(struct keepalive *k, const char *path, bool once);

#endif
