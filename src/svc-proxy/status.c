/*
 * status.c - answers of our own: the admin listener, and errors in words.
 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "die.h"

/* ---- errors ---- */

/*
 * A JSON body that says what is wrong and why. The connection of a request
 * that is not understood is closed behind it.
 */
void
reply_error(struct conn *c, int status, const char *error, const char *why)
{
	json_t *o = json_pack("{s:s, s:i}", "error", error, "status", status);
	char *body;

	if (c->svc != NULL) {
		(void)json_object_set_new(o, "service",
		    json_string(c->svc->conf.name));
		c->svc->failed++;
	}
	if (why != NULL)
		(void)json_object_set_new(o, "why", json_string(why));
	body = json_dumps(o, 0);
	json_decref(o);
	conn_reply(c, status, "application/json",
	    status == 503 ? "Retry-After: 5\r\n" :
	    status == 405 ? "Allow: GET, HEAD\r\n" : "",
	    body ? body : "{}", body ? strlen(body) : 2);
	free(body);
}

/* ---- GET /status ---- */

static const char *
health_word(const struct instance *i)
{
	static const char *const words[] = { "unknown", "up", "down" };

	return i->rec.draining == 1 ? "draining" : words[i->health];
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
	return o;
}

static json_t *
service_status(const struct svc *s)
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
	o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "service", s->conf.name, "prefix", s->conf.route.prefix,
	    "ready", (json_int_t)ready, "queued", (json_int_t)s->queued,
	    "inflight", (json_int_t)s->inflight,
	    "requests", (json_int_t)s->requests,
	    "answered", (json_int_t)s->answered,
	    "failed", (json_int_t)s->failed, "instances", list);
	if (ready == 0)
		(void)json_object_set_new(o, "why",
		    json_string(pool_why(s, &why)));
	buf_release(&why);
	return o;
}

static json_t *
whole_status(void)
{
	json_t *list = json_array(), *o;
	struct map_item *item;
	size_t at = 0;

	while ((item = map_next(&px.svcs, &at)) != NULL) {
		const struct svc *s = item->value;

		if (!s->gone || s->inflight > 0)
			(void)json_array_append_new(list, service_status(s));
	}
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
	    "version", BERTH_VERSION, "started_at",
	    (json_int_t)px.started_at, "connections",
	    (json_int_t)px.nconns, "accepted", (json_int_t)px.accepted,
	    "requests", (json_int_t)px.requests, "log_lost",
	    (json_int_t)px.log_lost, "draining", px.draining, "services",
	    list);
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

void
status_serve(struct conn *c, const struct http_head *h)
{
	char *body;
	json_t *o;

	if (!http_is(h->path, "/status")) {
		reply_error(c, 404, "there is only GET /status here", NULL);
		return;
	}
	if (!http_is(h->method, "GET") && !c->to_head) {
		reply_error(c, 405, "there is only GET /status here", NULL);
		return;
	}
	o = whole_status();
	body = json_dumps(o, JSON_INDENT(1));
	json_decref(o);
	if (body == NULL)
		reply_error(c, 503, "out of memory", NULL);
	else
		conn_reply(c, 200, "application/json", "", body, strlen(body));
	free(body);
}
