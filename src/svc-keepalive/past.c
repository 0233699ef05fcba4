/*
 * past.c - what the step from one snapshot to the next teaches: which orders
 * have become jobs, which jobs have started well or failed, how long it takes
 * until an instance is ready, and from that how long to hold back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keepalive.h"

/* ---- back-off ---- */

static int64_t
delay_s(int64_t failures)
{
	int64_t d = DELAY_FIRST_S;

	if (failures < 2)
		return 0;
	while (failures-- > 2 && d < DELAY_MAX_S)
		d *= 2;
	return MIN(d, DELAY_MAX_S);
}

/* One failure more, at that time; returns the fields of its event. */
static json_t *
fail(struct keepalive *k, struct unit *u, int64_t at)
{
	u->failures++;
	u->retry_at = MAX(u->retry_at,
	    MIN(at, k->now) + delay_s(u->failures));
	return json_pack("{s:I,s:I}", "failures", (json_int_t)u->failures,
	    "delay_s", (json_int_t)MAX(u->retry_at - k->now, 0));
}

static void
prove(struct keepalive *k, struct unit *u, struct job *j)
{
	j->m.proven = 1;
	u->proven = 1;
	if (u->failures > 0)
		order_event(k, u, "recovered", NULL, "job %lld ran for %lld s",
		    (long long)j->r.job_id,
		    (long long)job_ran_s(j, k->now));
	past_forgive(u);
}

void
past_forgive(struct unit *u)
{
	u->failures = 0;
	u->retry_at = 0;
}

/* Neither ready nor long enough alive: it may yet fail as others did. */
static int64_t
unproven(const struct unit *u)
{
	const struct job *j;
	int64_t n = (int64_t)u->orders_len;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++) {
		if (!job_live(j) || job_leaving(j))
			continue;
		/* what waits in the queue of a service that is known to work
		 * must not hold up the successors of its other instances */
		if (u->proven && !job_running(j))
			continue;
		n += !j->m.proven && !j->m.ready_at;
	}
	return n;
}

bool
past_allows(const struct keepalive *k, const struct unit *u)
{
	int64_t n = unproven(u);

	if (k->now < u->retry_at)
		return false;
	if (u->failures > (u->proven ? 1 : 0) && n > 0)
		return false;
	return u->proven || n < UNPROVEN_MAX;
}

/* ---- start-up times ---- */

static void
sample(struct keepalive *k, struct unit *u, const struct job *j)
{
	int64_t ready_at = k->now, took_s;

	/* In the first snapshot of all it may have been ready for hours. */
	if (u->want < 0)
		ready_at = j->r.start_at;
	if (j->r.submit_at == REC_NONE || ready_at < j->r.submit_at)
		return;
	took_s = ready_at - j->r.submit_at;
	u->samples[u->samples_at] = took_s;
	u->samples_at = (u->samples_at + 1) % SAMPLES_MAX;
	u->samples_len = MIN(u->samples_len + 1, SAMPLES_MAX);
}

/* ---- one job ---- */

static void
judge_live(struct keepalive *k, struct unit *u, struct job *j)
{
	j->m.seen = 1;
	if (!job_running(j))
		return;
	if (j->r.end_at != REC_NONE)
		j->m.planned_end_at = j->r.end_at;
	if (j->r.draining == 1 && !j->m.drain_seen_at) {
		j->m.drain_seen_at = k->now;
		j->drain_seq = k->demand_seq;
	}
	if (job_ready(j) && !j->m.ready_at) {
		j->m.ready_at = k->now;
		u->proven = 1;
		sample(k, u, j);
	}
	if (!j->m.proven && job_ran_s(j, k->now) >= PROOF_S)
		prove(k, u, j);
}

/*
 * svc-run ends an instance somewhat before its time limit; where the limit is
 * a minute that is no failure, unless it came much too early.
 */
static bool
ended_on_time(const struct unit *u, const struct job *j)
{
	int64_t early_s = u->def->route.drain_s + POLL_S;

	if (!j->m.planned_end_at || j->r.start_at == REC_NONE ||
	    j->r.end_at == REC_NONE)
		return false;
	early_s = MIN(early_s, (j->m.planned_end_at - j->r.start_at) / 4);
	return j->r.end_at >= j->m.planned_end_at - early_s;
}

static bool
is_state(const struct job *j, const char *state)
{
	return j->r.state && strncmp(j->r.state, state, strlen(state)) == 0;
}

/* Told to go, or seen to: what has ended no longer says that it drained. */
static bool
left(const struct job *j)
{
	return job_leaving(j) || j->m.drain_seen_at;
}

static void
judge_ended(struct keepalive *k, struct unit *u, struct job *j)
{
	int64_t ran_s = job_ran_s(j, k->now);
	long long id = j->r.job_id;

	if (j->m.judged || is_state(j, "COMPLETING"))
		return;		/* it may yet turn out to be requeued */
	j->m.judged = 1;
	if (j->m.proven)
		return;
	if (ran_s >= PROOF_S) {
		prove(k, u, j);
		return;
	}
	if (left(j) || ended_on_time(u, j))
		return;
	/* not known is who cancelled a job before our time; and what looked
	 * like surplus to us another keepalive may have let go */
	if (is_state(j, "CANCELLED") && (j->m.suspect ||
	    (!j->m.seen && !j->m.ours)))
		return;
	if (j->r.start_at == REC_NONE)
		order_event(k, u, "backoff", fail(k, u, k->now),
		    "job %lld %s before its start", id, j->r.state);
	else
		order_event(k, u, "backoff", fail(k, u, j->r.end_at == REC_NONE
		    ? k->now : j->r.end_at), "job %lld %s %lld s after its "
		    "start", id, j->r.state, (long long)ran_s);
}

/* Where the clock was ahead, what is to be repeated would wait for it. */
static void
not_ahead(struct memory *m, int64_t now)
{
	m->drain_at = MIN(m->drain_at, now);
	m->drain_seen_at = MIN(m->drain_seen_at, now);
	m->cancel_at = MIN(m->cancel_at, now);
}

static void
judge(struct keepalive *k, struct unit *u, struct job *j)
{
	not_ahead(&j->m, k->now);
	if (job_live(j))
		judge_live(k, u, j);
	else
		judge_ended(k, u, j);
}

/* Slurm no longer knows it, and nobody saw how it ended. */
static void
judge_vanished(struct keepalive *k, struct unit *u, struct job *j)
{
	int64_t ran_s = job_ran_s(j, k->now);
	const char *state = j->r.state ? j->r.state : "alive";

	if (j->m.judged || j->m.proven || left(j))
		return;
	if (ran_s >= PROOF_S) {
		prove(k, u, j);
		return;
	}
	order_event(k, u, "backoff", fail(k, u, k->now),
	    "job %lld is gone from Slurm, last seen %s",
	    (long long)j->r.job_id, state);
}

/* ---- from one snapshot to the next ---- */

static bool
same_job(const struct job *a, const struct job *b)
{
	return a->r.submit_at == b->r.submit_at &&
	    MAX(a->r.restart, 0) == MAX(b->r.restart, 0);
}

/* A requeue keeps the id and may move the time of submission. */
static bool
requeued(const struct job *was, const struct job *is)
{
	return is->r.restart > MAX(was->r.restart, 0);
}

/* The job that still serves and that j shall take over from; 0: none. */
static int64_t
heir_of(const struct jobs *js, const struct job *j)
{
	int64_t id = j->replaces, at = j->replaces_at;
	const struct job *a;
	size_t n;

	for (n = 0; n < js->len && id != 0; n++) {
		a = jobs_find(js, id);
		if (a == NULL || a == j ||
		    (MAX(a->r.submit_at, 0) != at && a->r.restart <= 0))
			return 0;
		if (job_live(a))
			return job_running(a) ? id : 0;
		/* an heir that died took over from the same one */
		id = a->replaces;
		at = a->replaces_at;
	}
	return 0;
}

static void
meet(struct unit *u, struct job *j)
{
	const struct order *o;
	size_t i;

	j->m.heir_of = heir_of(&u->next, j);
	for (i = 0; j->r.request != NULL && i < u->orders_len; i++) {
		o = &u->orders[i];
		if (strcmp(o->request, j->r.request) != 0)
			continue;
		j->m.ours = 1;
		j->m.limit_s = o->limit_s;
		j->m.heir_of = o->replaces;
		unit_order_forget(u, i);
		return;
	}
}

static void
remember(struct unit *u, struct job *j)
{
	const struct job *was = jobs_find(&u->jobs, j->r.job_id);

	if (was != NULL && same_job(was, j)) {
		j->m = was->m;
		j->drain_seq = was->drain_seq;
	} else if (was != NULL && requeued(was, j)) {
		j->m.ours = was->m.ours;
		j->m.limit_s = was->m.limit_s;
		j->m.heir_of = was->m.heir_of;
	} else {
		meet(u, j);
	}
}

static bool
vanished(const struct unit *u, const struct job *was)
{
	const struct job *is = jobs_find(&u->next, was->r.job_id);

	return is == NULL || !(same_job(was, is) || requeued(was, is));
}

static void
age_orders(struct keepalive *k, struct unit *u)
{
	char request[REQUEST_MAX];
	struct order *o;
	int64_t age_s;
	size_t i = 0;

	while (i < u->orders_len) {
		o = &u->orders[i];
		o->at = MIN(o->at, k->now);
		age_s = k->now - o->at;
		if (++o->snaps < LOST_SNAPS || age_s < LOST_S) {
			i++;
			continue;
		}
		memcpy(request, o->request, sizeof(request));
		unit_order_forget(u, i);
		order_event(k, u, "lost", fail(k, u, k->now), "order %s is "
		    "not in Slurm after %lld s: lost or refused", request,
		    (long long)age_s);
	}
}

/* When what is to be learnt of it happened. */
static int64_t
when(const struct job *j)
{
	if (!job_live(j))
		return j->r.end_at;
	return j->r.start_at == REC_NONE ? INT64_MAX :
	    j->r.start_at + PROOF_S;
}

static int
by_time(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	if (when(x) != when(y))
		return when(x) < when(y) ? -1 : 1;
	return (x->r.job_id > y->r.job_id) - (x->r.job_id < y->r.job_id);
}

void
past_learn(struct keepalive *k, struct unit *u)
{
	struct jobs *next = &u->next;
	size_t i;

	jobs_sort(next);
	for (i = 0; i < next->len; i++)
		remember(u, &next->list[i]);
	age_orders(k, u);
	for (i = 0; i < u->jobs.len; i++)
		if (vanished(u, &u->jobs.list[i]))
			judge_vanished(k, u, &u->jobs.list[i]);
	/* failures in a row are counted in the order they happened */
	if (next->len > 0)
		qsort(next->list, next->len, sizeof(*next->list), by_time);
	for (i = 0; i < next->len; i++)
		judge(k, u, &next->list[i]);
	jobs_sort(next);
	u->retry_at = MIN(u->retry_at, k->now + DELAY_MAX_S);
	jobs_release(&u->jobs);
	u->jobs = *next;
	*next = (struct jobs){ 0 };
}
