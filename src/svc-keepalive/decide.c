/*
 * decide.c - which job plays which part, and what follows from it.
 *
 * All of it is worked out anew from the snapshot and the memory of its jobs,
 * so that it does not matter when, or in which of two keepalives, it happens.
 */
#include <stdio.h>
#include <string.h>

#include "die.h"
#include "keepalive.h"

enum {
	SURE = 2,		/* snapshots that must show the same surplus */
	FOREIGN_REST_S = 600,	/* what drains by itself may take this long */
};

#define EACH_JOB(j, u) \
	(j) = (u)->jobs.list; (j) < (u)->jobs.list + (u)->jobs.len; (j)++

/* ---- roles ---- */

/* Of two that could go, the one that is missed less. */
static bool
goes_first(const struct job *a, const struct job *b)
{
	bool a_waits = !job_running(a), b_waits = !job_running(b);

	if (a_waits != b_waits)
		return a_waits;
	/* Slurm holds a requeued job back for a while */
	if (a_waits && (a->r.restart > 0) != (b->r.restart > 0))
		return a->r.restart > 0;
	if (job_ready(a) != job_ready(b))
		return job_ready(b);
	return a->r.job_id > b->r.job_id;
}

/* Whether b, of the same slot, was ordered after a and for another reason. */
static bool
follows(const struct job *b, const struct job *a)
{
	if (a->r.request == NULL || a->slot != b->slot ||
	    strcmp(a->r.request, b->r.request) == 0)
		return false;
	if (a->r.submit_at != b->r.submit_at)
		return a->r.submit_at < b->r.submit_at;
	return a->r.job_id < b->r.job_id;
}

/*
 * The running job that b takes over from, or NULL. Where the link is lost
 * (the jobs between them are forgotten), the slot still tells.
 */
static struct job *
elder(const struct unit *u, const struct job *b)
{
	struct job *a = jobs_find(&u->jobs, b->m.heir_of), *last = NULL;

	if (a != NULL && a != b && job_running(a) &&
	    a->m.heir_of != b->r.job_id)
		return a;
	if (b->slot < 0 || b->r.request == NULL)
		return NULL;
	for (EACH_JOB(a, u))
		if (a != b && job_running(a) && !job_leaving(a) &&
		    follows(b, a) && (last == NULL || follows(a, last)))
			last = a;
	return last;
}

static void
find_heirs(struct unit *u)
{
	struct job *a, *b;

	for (EACH_JOB(b, u)) {
		b->heir = b->waiting = NULL;
		b->victim = false;
	}
	for (EACH_JOB(b, u)) {
		if (!job_live(b) || job_leaving(b))
			continue;
		a = elder(u, b);
		if (a == NULL)
			continue;
		if (job_ready(b))
			a->heir = b;
		else if (a->waiting == NULL || goes_first(a->waiting, b))
			a->waiting = b;
	}
}

static enum role
role_of(const struct unit *u, const struct job *j)
{
	const struct job *a;

	if (!job_live(j))
		return GONE;
	if (job_leaving(j))
		return LEAVING;
	if (j->heir != NULL)
		return OLD;
	a = job_ready(j) ? NULL : elder(u, j);
	if (a == NULL || job_leaving(a) || a->heir != NULL)
		return PRIMARY;
	return a->waiting == j ? HEIR : EXTRA;
}

static void
assign_roles(struct unit *u)
{
	struct job *j;

	find_heirs(u);
	for (EACH_JOB(j, u))
		j->role = role_of(u, j);
	request_slots(u);
}

static int64_t
count(const struct unit *u, enum role role)
{
	const struct job *j;
	int64_t n = 0;

	for (EACH_JOB(j, u))
		n += j->role == role;
	return n;
}

/* An order whose job will be an heir; else it will be one of the wanted. */
static bool
orders_heir(const struct unit *u, const struct order *o)
{
	const struct job *a = jobs_find(&u->jobs, o->replaces);

	return a != NULL && job_running(a) && !job_leaving(a);
}

static int64_t
count_orders(const struct unit *u)
{
	const struct order *o;
	int64_t n = 0;

	for (o = u->orders; o < u->orders + u->orders_len; o++)
		n += !orders_heir(u, o);
	return n;
}

/* ---- too many ---- */

static struct job *
next_victim(const struct unit *u)
{
	struct job *j, *first = NULL;

	for (EACH_JOB(j, u))
		if (j->role == PRIMARY && !j->victim &&
		    (first == NULL || goes_first(j, first)))
			first = j;
	return first;
}

static void
choose_victims(struct unit *u, int64_t primaries, bool fresh)
{
	int64_t excess = primaries - u->want;
	struct job *j;

	for (EACH_JOB(j, u))
		j->victim = j->role == EXTRA;
	for (; excess > 0; excess--)
		next_victim(u)->victim = true;
	for (EACH_JOB(j, u)) {
		if (!j->victim)
			j->m.suspect = 0;
		else if (fresh && j->m.suspect < SURE)
			j->m.suspect++;
	}
}

static void
let_go(struct keepalive *k, struct unit *u, struct job *j, int64_t primaries)
{
	char why[100];

	(void)snprintf(why, sizeof(why), "%lld live, %lld wanted",
	    (long long)primaries, (long long)u->want);
	if (j->role == EXTRA)
		(void)snprintf(why, sizeof(why), "a second successor");
	order_event(k, u, "surplus", json_pack("{s:I}", "job_id",
	    (json_int_t)j->r.job_id), "job %lld: %s",
	    (long long)j->r.job_id, why);
	if (job_running(j))
		order_drain(k, j, why);
	else
		order_cancel(k, j, why);
}

/* ---- on its way out ---- */

/* Requests in flight at j, as the proxy said after it saw the drain. */
static bool
idle(const struct unit *u, const struct job *j)
{
	const json_t *one;
	int64_t id, n;
	struct err e;
	size_t i;

	if (!u->asked || u->demand_seq <= j->drain_seq)
		return false;
	json_array_foreach(u->demand.instances, i, one) {
		id = n = -1;
		if (rec_int(one, "job_id", 0, REC_MAX, &id, &e) == 0 &&
		    rec_int(one, "inflight", 0, REC_MAX, &n, &e) == 0 &&
		    id == j->r.job_id)
			return n == 0;
	}
	return false;
}

/*
 * What we sent to drain is cancelled once it is idle or had its time. What
 * drains for reasons of its own ends by itself, and sooner or later must.
 */
static void
see_off(struct keepalive *k, struct unit *u, struct job *j)
{
	int64_t drained_s = k->now - j->m.drain_seen_at;

	if (j->m.cancel_at) {
		order_cancel(k, j, "still there");
		return;
	}
	if (!j->m.drain_seen_at) {
		if (j->m.drain_at)
			order_drain(k, j, "still not draining");
		return;
	}
	if (!j->m.drain_at && j->heir == NULL &&
	    j->r.end_at != REC_NONE && j->r.end_at - k->now < FOREIGN_REST_S)
		return;
	if (idle(u, j))
		order_cancel(k, j, "drained: no request in flight");
	else if (drained_s >= u->def->route.drain_s + MARGIN_S)
		order_cancel(k, j, "drained for long enough");
}

static void
hand_over(struct keepalive *k, struct job *j)
{
	char why[60];

	(void)snprintf(why, sizeof(why), "job %lld has taken over",
	    (long long)j->heir->r.job_id);
	order_drain(k, j, why);
}

static void
release(struct keepalive *k, struct unit *u, int64_t primaries)
{
	struct job *j;

	for (EACH_JOB(j, u)) {
		if (j->role == LEAVING)
			see_off(k, u, j);
		else if (j->role == OLD)
			hand_over(k, j);
		else if (j->victim && j->m.suspect >= SURE)
			let_go(k, u, j, primaries);
	}
}

/* ---- too few ---- */

static void
fill(struct keepalive *k, struct unit *u, int64_t primaries)
{
	int64_t have = primaries + count_orders(u), slot = 0;

	for (; have < u->want && past_allows(k, u); have++) {
		slot = request_free_slot(u, slot);
		if (!order_submit(k, u, slot, NULL))
			return;
	}
}

static bool
needs_heir(const struct keepalive *k, const struct unit *u,
    const struct job *j)
{
	size_t i;

	if (j->role != PRIMARY || j->victim || j->waiting != NULL ||
	    !job_running(j) || j->r.end_at == REC_NONE ||
	    j->r.end_at - k->now > want_lead_s(k, u, j))
		return false;
	for (i = 0; i < u->orders_len; i++)
		if (u->orders[i].replaces == j->r.job_id)
			return false;
	return true;
}

static void
order_heirs(struct keepalive *k, struct unit *u)
{
	struct job *j;

	for (EACH_JOB(j, u)) {
		if (!needs_heir(k, u, j))
			continue;
		if (!past_allows(k, u) || !order_submit(k, u, j->slot, j))
			return;
	}
}

static void
decide_unit(struct keepalive *k, struct unit *u, bool fresh)
{
	int64_t primaries;

	assign_roles(u);
	primaries = count(u, PRIMARY);
	want_update(k, u, primaries);
	choose_victims(u, primaries, fresh);
	release(k, u, primaries);
	fill(k, u, primaries);
	order_heirs(k, u);
	chat("%s: %lld wanted, %lld there, %lld to take over, %zu ordered",
	    u->def->name, (long long)u->want, (long long)primaries,
	    (long long)count(u, HEIR), u->orders_len);
}

void
decide(struct keepalive *k, bool fresh)
{
	size_t i;

	for (i = 0; i < k->services.len; i++)
		if (k->units[i].known)
			decide_unit(k, &k->units[i], fresh);
}
