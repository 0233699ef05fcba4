/*
 * status.c - answers of our own: the admin listener, and errors in words.
 */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "die.h"
#include "num.h"

#define ONLY "there is GET /, /status and /metrics here, " \
	"and POST /drain/JOBID and /undrain/JOBID"

enum { METRICS_MAX = 15 << 20 };	/* what an admin connection holds */

/* ---- errors ---- */

/* A JSON body that says what is wrong, and more of it, which is taken over. */
void
reply_refusal(struct conn *c, int status, const char *error,
    const char *fields, json_t *more)
{
	json_t *o = json_pack("{s:s, s:i}", "error", error, "status", status);
	char *body;

	if (c->svc != NULL) {
		(void)json_object_set_new(o, "service",
		    json_string(c->svc->conf.name));
		c->svc->failed += status >= 500;
	}
	if (more != NULL)
		(void)json_object_update(o, more);
	json_decref(more);
	body = json_dumps(o, 0);
	json_decref(o);
	conn_reply(c, status, "application/json", fields,
	    body ? body : "{}", body ? strlen(body) : 2);
	free(body);
}

/* The connection of a request that is not understood is closed behind it. */
void
reply_error(struct conn *c, int status, const char *error, const char *why)
{
	reply_refusal(c, status, error,
	    status == 503 ? REPLY_LATER : "",
	    why ? json_pack("{s:s}", "why", why) : NULL);
}

/* ---- GET /status ---- */

static const char *
health_word(const struct instance *i)
{
	static const char *const words[] = { "unknown", "up", "down" };

	if (i->rec.draining == 1 || i->held)
		return "draining";
	if (i->health == HEALTH_UP && i->ejected)
		return "ejected";
	return words[i->health];
}

/* Of the last one to two minutes; nothing where nothing happened. */
static void
set_latency(json_t *o, const struct hist recent[2])
{
	const struct hist *a = &recent[0], *b = &recent[1];

	if (a->count + b->count > 0)
		(void)json_object_set_new(o, "latency_us", json_pack(
		    "{s:I, s:I, s:I, s:I}",
		    "count", (json_int_t)a->count + (json_int_t)b->count,
		    "p50", (json_int_t)hist_part(a, b, 500),
		    "p90", (json_int_t)hist_part(a, b, 900),
		    "p99", (json_int_t)hist_part(a, b, 990)));
}

static json_t *
instance_status(const struct instance *i)
{
	json_t *o = rec_instance_json(&i->rec);

	(void)json_object_del(o, "kind");
	(void)json_object_del(o, "service");
	if (i->rec.url != NULL)
		(void)json_object_set_new(o, "health",
		    json_string(health_word(i)));
	if (i->held)
		(void)json_object_set_new(o, "held", json_true());
	(void)json_object_set_new(o, "usable", json_boolean(pool_usable(i)));
	(void)json_object_set_new(o, "inflight", json_integer(i->outstanding));
	(void)json_object_set_new(o, "requests",
	    json_integer((json_int_t)i->served));
	if (i->rec.end_at > 0)
		(void)json_object_set_new(o, "left_s", json_integer(
		    MAX(i->rec.end_at - clock_wall_s(), 0)));
	if (i->last_error[0] != '\0')
		(void)json_object_set_new(o, "last_error",
		    json_string(i->last_error));
	if (i->ejected)
		(void)json_object_set_new(o, "ejected_s", json_integer(
		    MAX(i->ejected_until_ms - ev_now_ms(px.ev), 0) / 1000));
	set_latency(o, i->recent);
	return o;
}

/* Oldest step first. */
static json_t *
steps(const uint32_t *of)
{
	size_t now = (size_t)(px.ticks / HISTORY_STEP_S), n;
	json_t *list = json_array();

	for (n = 1; n <= HISTORY_LEN; n++)
		(void)json_array_append_new(list,
		    json_integer(of[(now + n) % HISTORY_LEN]));
	return list;
}

static json_t *
history(const struct history *h)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o}",
	    "step_s", (int)HISTORY_STEP_S, "requests", steps(h->requests),
	    "failed", steps(h->failed), "p50_us", steps(h->p50_us),
	    "p95_us", steps(h->p95_us));
}

static void
set_route(json_t *o, const struct svc *s)
{
	(void)json_object_set_new(o, "prefix",
	    json_string(s->conf.route.prefix));
	if (s->conf.route.host != NULL)
		(void)json_object_set_new(o, "host",
		    json_string(s->conf.route.host));
	if (s->conf.route.listen != NULL)
		(void)json_object_set_new(o, "listen",
		    json_string(s->conf.route.listen));
	if (s->conf.route.is_default)
		(void)json_object_set_new(o, "default", json_true());
}

static json_t *
service_status(const struct svc *s, bool all)
{
	struct buf why = BUF_INIT(4096);
	json_t *list = json_array(), *o;
	int64_t ready = 0;
	size_t n;

	for (n = 0; n < s->ninst; n++) {
		ready += pool_usable(s->inst[n]);
		(void)json_array_append_new(list,
		    instance_status(s->inst[n]));
	}
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "service", s->conf.name,
	    "ready", (json_int_t)ready, "queued", (json_int_t)s->queued,
	    "inflight", (json_int_t)s->inflight,
	    "requests", (json_int_t)s->requests,
	    "answered", (json_int_t)s->answered,
	    "failed", (json_int_t)s->failed, "instances", list);
	set_route(o, s);
	if (ready == 0)
		(void)json_object_set_new(o, "why",
		    json_string(pool_why(s, &why)));
	(void)json_object_set_new(o, "retries",
	    json_integer((json_int_t)s->stats.retries));
	(void)json_object_set_new(o, "ejections",
	    json_integer((json_int_t)s->stats.ejections));
	set_latency(o, s->stats.recent);
	if (all)
		(void)json_object_set_new(o, "history",
		    history(&s->stats.history));
	buf_release(&why);
	return o;
}

static json_t *
whole_status(bool all)
{
	json_t *list = json_array(), *o;
	struct map_item *item;
	size_t at = 0;

	while ((item = map_next(&px.svcs, &at)) != NULL) {
		const struct svc *s = item->value;

		if (!s->gone || s->inflight + s->queued > 0)
			(void)json_array_append_new(list,
			    service_status(s, all));
	}
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
	    "version", BERTH_VERSION,
	    "started_at", (json_int_t)px.started_at,
	    "connections", (json_int_t)px.nconns,
	    "accepted", (json_int_t)px.accepted,
	    "expelled", (json_int_t)px.expelled,
	    "requests", (json_int_t)px.requests,
	    "log_lost", (json_int_t)px.log_lost,
	    "draining", px.draining, "services", list);
	if (px.snapshot_at != 0)
		(void)json_object_set_new(o, "snapshot_at",
		    json_integer(px.snapshot_at));
	if (px.stale_since != 0) {
		(void)json_object_set_new(o, "stale_since_at",
		    json_integer(px.stale_since));
		(void)json_object_set_new(o, "stale_error",
		    json_string(px.stale_error));
	}
	return o;
}

/* ---- what is there ---- */

static void
reply_status(struct conn *c, bool all)
{
	json_t *o = whole_status(all);
	char *body = json_dumps(o, JSON_INDENT(1));

	json_decref(o);
	if (body == NULL)
		reply_error(c, 503, "out of memory", NULL);
	else
		conn_reply(c, 200, "application/json",
		    "Cache-Control: no-store\r\n", body, strlen(body));
	free(body);
}

static void
reply_metrics(struct conn *c)
{
	struct buf b = BUF_INIT(METRICS_MAX);

	if (metrics_write(&b) < 0)
		reply_error(c, 503, "out of memory", NULL);
	else
		conn_reply(c, 200, "text/plain; version=0.0.4; charset=utf-8",
		    "", b.data, b.len);
	buf_release(&b);
}

/* Nothing but what is in the page, and nobody around it. */
static void
reply_page(struct conn *c)
{
	conn_reply(c, 200, "text/html; charset=utf-8",
	    "Content-Security-Policy: default-src 'none'; "
	    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
	    "connect-src 'self'; img-src data:; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'\r\n"
	    "X-Content-Type-Options: nosniff\r\n",
	    page_html, strlen(page_html));
}

/* ---- drain and undrain ---- */

/* The job id at the end of /WORD/JOBID; -1: none. */
static int64_t
path_id(struct http_slice path, const char *word)
{
	size_t len = strlen(word);
	char text[24];
	int64_t id;
	struct err e;

	if (path.len <= len || path.len - len >= sizeof(text) ||
	    memcmp(path.p, word, len) != 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%.*s", (int)(path.len - len),
	    path.p + len);
	return num_int(text, 0, REC_MAX, &id, &e) < 0 ? -1 : id;
}

static void
reply_hold(struct conn *c, const struct http_head *h, int64_t id, bool held)
{
	char body[64];
	int n;

	if (guard_is_forged(c, h)) {
		reply_error(c, 403, "this needs the field X-Berth, and no "
		    "Origin but our own", NULL);
		return;
	}
	if (pool_hold(id, held) == 0) {
		reply_error(c, 404, "no service has this job", NULL);
		return;
	}
	note("job %lld is %s by hand", (long long)id,
	    held ? "drained" : "taken in again");
	n = snprintf(body, sizeof(body), "{\"job_id\": %lld, \"draining\": %s}",
	    (long long)id, held ? "true" : "false");
	conn_reply(c, 200, "application/json", "", body, (size_t)n);
}

void
status_serve(struct conn *c, const struct http_head *h)
{
	int64_t drain = path_id(h->path, "/drain/");
	int64_t undrain = path_id(h->path, "/undrain/");
	bool get = http_is(h->method, "GET") || c->to_head;
	bool post = http_is(h->method, "POST");

	stats_tick();		/* at rest there is no beat */
	if (!guard_host_ok(h->host)) {
		reply_error(c, 403, "Host must be an address, localhost, a "
		    "name without a dot, or that of --admin", NULL);
	} else if (drain >= 0 || undrain >= 0) {
		if (post)
			reply_hold(c, h, MAX(drain, undrain), drain >= 0);
		else
			reply_refusal(c, 405, "drain and undrain take POST",
			    "Allow: POST\r\n", NULL);
	} else if (!get) {
		reply_refusal(c, 405, ONLY, "Allow: GET, HEAD\r\n", NULL);
	} else if (http_is(h->path, "/status")) {
		reply_status(c, false);
	} else if (http_is(h->path, "/status?history")) {
		reply_status(c, true);
	} else if (http_is(h->path, "/metrics")) {
		reply_metrics(c);
	} else if (http_is(h->path, "/")) {
		reply_page(c);
	} else {
		reply_error(c, 404, ONLY, NULL);
	}
}
