/*
 * order.c - the records that go to svc-submit, and the events.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "die.h"
#include "keepalive.h"
#include "nd.h"

enum { TRY_S = 30, TRY_MAX_S = 3600, NODES_MAX = 65536 };

/* An order that cannot be written is nobody's order: the tool ends. */
static void
emit(json_t *rec)
{
	struct err e;

	if (rec == NULL)
		die(ST_TEMP, "out of memory");
	if (nd_write(rec, &e) < 0 || nd_flush(&e) < 0)
		die_err(&e);
}

void
order_event(struct keepalive *k, const struct unit *u, const char *event,
    json_t *more, const char *why, ...)
{
	json_t *rec = rec_new("event");
	char text[400];
	va_list ap;

	va_start(ap, why);
	(void)vsnprintf(text, sizeof(text), why, ap);
	va_end(ap);
	(void)json_object_set_new(rec, "event", json_string(event));
	(void)json_object_set_new(rec, "service", json_string(u->def->name));
	(void)json_object_set_new(rec, "at", json_integer(k->now));
	(void)json_object_update(rec, more);
	(void)json_object_set_new(rec, "why", json_string(text));
	if (json_object_get(more, "delay_s") != NULL)
		note("%s: %s: %s; next try in %lld s", u->def->name, event,
		    text, (long long)json_integer_value(
		    json_object_get(more, "delay_s")));
	else
		note("%s: %s: %s", u->def->name, event, text);
	json_decref(more);
	emit(rec);
}

/* ---- submit ---- */

/* When j will end; -1: nobody knows. */
static int64_t
expected_end(const struct keepalive *k, const struct job *j)
{
	if (!job_running(j) && j->m.limit_s > 0)
		return k->now + j->m.limit_s;
	return j->r.end_at == REC_NONE ? -1 : j->r.end_at;
}

/* How far from any other end of the service one at that time would be. */
static int64_t
gap_s(const struct keepalive *k, const struct unit *u, int64_t at,
    const struct job *old)
{
	int64_t end_at, gap = INT64_MAX;
	const struct order *o;
	const struct job *j;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++) {
		end_at = expected_end(k, j);
		if (j != old && job_live(j) && !job_leaving(j) && end_at >= 0)
			gap = MIN(gap, at > end_at ? at - end_at :
			    end_at - at);
	}
	for (o = u->orders; o < u->orders + u->orders_len; o++) {
		end_at = o->at + o->limit_s;
		if (o->limit_s > 0)
			gap = MIN(gap, at > end_at ? at - end_at :
			    end_at - at);
	}
	return gap;
}

/*
 * A time limit such that the instances of a service do not end together: the
 * first of T, T - step, ... T / 2 that lies a step from every other end, or
 * else the one that lies farthest from them.
 */
static int64_t
stagger(const struct keepalive *k, const struct unit *u, int64_t full_s,
    const struct job *old)
{
	int64_t step = full_s / (2 * MAX(u->want, 1)) / 60 * 60;
	int64_t limit, gap, best = full_s, best_gap = -1;

	if (u->want < 2 || full_s < 120)
		return full_s;
	step = MAX(step, 60);
	for (limit = full_s; limit >= MAX(full_s / 2, 60); limit -= step) {
		gap = gap_s(k, u, k->now + limit, old);
		if (gap >= step)
			return limit;
		if (gap > best_gap) {
			best = limit;
			best_gap = gap;
		}
	}
	return best;
}

/* Whether the comma-separated list has that word. */
static bool
listed(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (n == len && memcmp(list, word, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
	}
}

/* Nodes of the other instances, behind those excluded by hand. */
static void
spread(const struct unit *u, const struct job *old, json_t *rec)
{
	const char *given = json_string_value(json_object_get(rec, "exclude"));
	struct buf b = BUF_INIT(NODES_MAX);
	const struct job *j;
	bool fits = buf_adds(&b, given ? given : "") == 0;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++) {
		if (j == old || j->r.node == NULL || *j->r.node == '\0' ||
		    !job_running(j) || job_leaving(j) ||
		    listed(buf_str(&b), j->r.node))
			continue;
		fits = fits && (b.len == 0 || buf_addc(&b, ',') == 0) &&
		    buf_adds(&b, j->r.node) == 0;
	}
	if (b.len > 0 && fits)
		(void)json_object_set_new(rec, "exclude",
		    json_string(b.data));
	buf_release(&b);
}

static void
add_script(const struct service *s, json_t *rec)
{
	const char *script = "job.sh";
	char path[4096];
	struct err e;

	if (json_object_get(rec, "command") != NULL)
		return;
	(void)rec_str(rec, "script", &script, &e);
	(void)snprintf(path, sizeof(path), "%s%s%s",
	    *script == '/' ? "" : s->dir, *script == '/' ? "" : "/", script);
	(void)json_object_set_new(rec, "script", json_string(path));
}

static void
add_env(const struct service *s, json_t *rec)
{
	json_t *env = json_object_get(rec, "env");

	if (env == NULL) {
		env = json_object();
		(void)json_object_set_new(rec, "env", env);
	}
	(void)json_object_set_new(env, "SVC_DIR", json_string(s->dir));
	(void)json_object_set_new(env, "SVC_NAME", json_string(s->name));
}

static json_t *
submit_json(const struct keepalive *k, const struct unit *u, struct order *o,
    const struct job *old)
{
	const struct service *s = u->def;
	json_t *rec = rec_new("submit"), *job = json_deep_copy(s->job);

	(void)json_object_set_new(rec, "request", json_string(o->request));
	(void)json_object_set_new(rec, "service", json_string(s->name));
	(void)json_object_set_new(rec, "name", json_string(s->name));
	(void)json_object_del(job, "kind");
	(void)json_object_del(job, "request");
	(void)json_object_del(job, "service");
	(void)json_object_update(rec, job);
	json_decref(job);
	add_script(s, rec);
	add_env(s, rec);
	(void)rec_int(rec, "time_limit_s", 1, REC_MAX, &o->limit_s,
	    &(struct err){ 0 });
	if (o->limit_s > 0) {
		o->limit_s = stagger(k, u, o->limit_s, old);
		(void)json_object_set_new(rec, "time_limit_s",
		    json_integer(o->limit_s));
	}
	if (s->instances.spread == 1)
		spread(u, old, rec);
	return rec;
}

static void
submit_event(struct keepalive *k, const struct unit *u, int64_t slot,
    const struct job *was)
{
	long long id = was ? (long long)was->r.job_id : 0;
	json_t *more;

	if (was == NULL) {
		order_event(k, u, "start", json_pack("{s:I}", "slot",
		    (json_int_t)slot), "%lld wanted", (long long)u->want);
		return;
	}
	more = json_pack("{s:I,s:I}", "slot", (json_int_t)slot, "job_id",
	    (json_int_t)was->r.job_id);
	if (!job_live(was))
		order_event(k, u, "replace", more, "job %lld has ended: %s",
		    id, was->r.state);
	else if (job_leaving(was) || was->r.end_at == REC_NONE)
		order_event(k, u, "replace", more, "job %lld leaves", id);
	else
		order_event(k, u, "replace", more, "job %lld ends in %lld s",
		    id, (long long)MAX(was->r.end_at - k->now, 0));
}

bool
order_submit(struct keepalive *k, struct unit *u, int64_t slot,
    struct job *old)
{
	const struct job *was = old ? old : request_latest(u, slot);
	struct order o = { .slot = slot, .at = k->now }, *kept;
	json_t *rec;

	if (request_make(u, slot, was, o.request) < 0) {
		warn("%s: no request id for slot %lld", u->def->name,
		    (long long)slot);
		return false;
	}
	o.replaces = old ? old->r.job_id : 0;
	rec = submit_json(k, u, &o, old);
	kept = rec ? unit_order(u) : NULL;
	if (kept == NULL) {
		warn("%s: out of memory", u->def->name);
		json_decref(rec);
		return false;
	}
	*kept = o;
	submit_event(k, u, slot, was);
	emit(rec);
	return true;
}

/* ---- drain and cancel ---- */

/* After 30 s, then doubled, an order may have been lost. */
static bool
due(const struct keepalive *k, int64_t at, int64_t tries)
{
	int64_t wait_s = TRY_S;

	while (tries-- > 1 && wait_s < TRY_MAX_S)
		wait_s *= 2;
	return at == 0 || k->now - at >= MIN(wait_s, TRY_MAX_S);
}

static void
order_end(const char *kind, const struct job *j, const char *why)
{
	json_t *rec = rec_new(kind);

	(void)json_object_set_new(rec, "job_id", json_integer(j->r.job_id));
	if (j->r.submit_at != REC_NONE)
		(void)json_object_set_new(rec, "submit_at",
		    json_integer(j->r.submit_at));
	(void)json_object_set_new(rec, "why", json_string(why));
	emit(rec);
}

void
order_drain(struct keepalive *k, struct job *j, const char *why)
{
	if (!due(k, j->m.drain_at, j->m.drain_tries))
		return;
	order_end("drain", j, why);
	j->m.drain_at = k->now;
	j->m.drain_tries++;
}

void
order_cancel(struct keepalive *k, struct job *j, const char *why)
{
	if (!due(k, j->m.cancel_at, j->m.cancel_tries))
		return;
	order_end("cancel", j, why);
	j->m.cancel_at = k->now;
	j->m.cancel_tries++;
}
