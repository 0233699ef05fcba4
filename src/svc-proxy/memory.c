/*
 * memory.c - what a process has learnt and counted, told to the one that takes
 * over from it: of each service its counters, of each instance its health,
 * whether it is drained or left out, and how quick it was.
 *
 * Times are of the monotonic clock, which both processes have in common. What
 * the old one still does after it has told is not counted by the new one.
 */
#include "proxy.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "nd.h"

enum field_type { U64, I64, INT, BOOL };

/* Of a struct, by its name there: that is the key. */
struct field {
	const char *key;
	enum field_type type;
	size_t at;
};

#define FIELD(type, of, member) { #member, type, offsetof(of, member) }

static const struct field of_proxy[] = {
	FIELD(U64, struct proxy, accepted),
	FIELD(U64, struct proxy, expelled),
	FIELD(U64, struct proxy, requests),
	FIELD(U64, struct proxy, log_lost),
	FIELD(I64, struct proxy, started_at),
	FIELD(I64, struct proxy, ticks),
};

static const struct field of_service[] = {
	FIELD(U64, struct svc, requests),
	FIELD(U64, struct svc, answered),
	FIELD(U64, struct svc, failed),
	FIELD(U64, struct svc, rate_mark),
	FIELD(U64, struct svc, turns),
	FIELD(U64, struct svc, stats.bytes_in),
	FIELD(U64, struct svc, stats.bytes_out),
	FIELD(U64, struct svc, stats.retries),
	FIELD(U64, struct svc, stats.ejections),
	FIELD(U64, struct svc, stats.history.mark),
	FIELD(U64, struct svc, stats.history.failed_mark),
};

static const struct field of_instance[] = {
	FIELD(INT, struct instance, health),
	FIELD(INT, struct instance, failures),
	FIELD(INT, struct instance, passes),
	FIELD(BOOL, struct instance, held),
	FIELD(BOOL, struct instance, ejected),
	FIELD(INT, struct instance, errors),
	FIELD(INT, struct instance, ejections),
	FIELD(I64, struct instance, ejected_until_ms),
	FIELD(I64, struct instance, readmitted_ms),
	FIELD(U64, struct instance, served),
	FIELD(U64, struct instance, turn),
	FIELD(I64, struct instance, first_us),
	FIELD(I64, struct instance, first_at_us),
};

/* Durations, and the steps of a history. */
static const struct field hists_of_service[] = {
	FIELD(U64, struct svc, stats.first_byte),
	FIELD(U64, struct svc, stats.whole),
	FIELD(U64, struct svc, stats.wait),
	FIELD(U64, struct svc, stats.recent[0]),
	FIELD(U64, struct svc, stats.recent[1]),
	FIELD(U64, struct svc, stats.history.step),
};

static const struct field hists_of_instance[] = {
	FIELD(U64, struct instance, recent[0]),
	FIELD(U64, struct instance, recent[1]),
};

static const struct field steps_of_service[] = {
	FIELD(U64, struct svc, stats.history.requests),
	FIELD(U64, struct svc, stats.history.failed),
	FIELD(U64, struct svc, stats.history.p50_us),
	FIELD(U64, struct svc, stats.history.p95_us),
};

/* ---- fields ---- */

static json_int_t
get(const struct field *f, const char *of)
{
	switch (f->type) {
	case INT:
		return *(const int *)(const void *)(of + f->at);
	case BOOL:
		return *(const bool *)(of + f->at);
	default:
		return *(const int64_t *)(const void *)(of + f->at);
	}
}

static void
set(const struct field *f, char *of, json_int_t n)
{
	switch (f->type) {
	case INT:
		*(int *)(void *)(of + f->at) = (int)MIN(n, INT32_MAX);
		break;
	case BOOL:
		*(bool *)(of + f->at) = n != 0;
		break;
	default:
		*(int64_t *)(void *)(of + f->at) = n;
		break;
	}
}

/* What is 0 is left out: the new process begins with that. */
static void
save_fields(json_t *o, const struct field *f, size_t n, const void *of)
{
	for (; n > 0; f++, n--)
		if (get(f, of) != 0)
			(void)json_object_set_new(o, f->key,
			    json_integer(get(f, of)));
}

static void
load_fields(const json_t *o, const struct field *f, size_t n, void *of)
{
	int64_t value;
	struct err e;

	for (; n > 0; f++, n--) {
		value = -1;
		if (rec_int(o, f->key, 0, INT64_MAX, &value, &e) == 0 &&
		    value >= 0)
			set(f, of, value);
	}
}

/* ---- lists of numbers ---- */

/* [AT, N, AT, N, ...] of those that are not 0. */
static json_t *
save_list(const uint64_t *n, size_t len)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < len; i++)
		if (n[i] != 0) {
			(void)json_array_append_new(list,
			    json_integer((json_int_t)i));
			(void)json_array_append_new(list,
			    json_integer((json_int_t)n[i]));
		}
	return list;
}

static void
load_list(const json_t *list, uint64_t *n, size_t len)
{
	size_t i, at;

	for (i = 0; i + 1 < json_array_size(list); i += 2) {
		at = (size_t)json_integer_value(json_array_get(list, i));
		if (at < len)
			n[at] = (uint64_t)json_integer_value(
			    json_array_get(list, i + 1));
	}
}

static void
save_hists(json_t *o, const struct field *f, size_t n, const void *of)
{
	for (; n > 0; f++, n--) {
		const struct hist *h = (const void *)((const char *)of + f->at);

		if (h->count > 0)
			(void)json_object_set_new(o, f->key, json_pack(
			    "{s:I, s:o}", "sum_us", (json_int_t)h->sum_us,
			    "n", save_list(h->n, HIST_LEN)));
	}
}

static void
load_hists(const json_t *o, const struct field *f, size_t n, void *of)
{
	size_t i;

	for (; n > 0; f++, n--) {
		struct hist *h = (void *)((char *)of + f->at);
		const json_t *said = json_object_get(o, f->key);

		load_list(json_object_get(said, "n"), h->n, HIST_LEN);
		h->sum_us = (uint64_t)json_integer_value(
		    json_object_get(said, "sum_us"));
		for (h->count = i = 0; i < HIST_LEN; i++)
			h->count += h->n[i];
	}
}

static void
save_steps(json_t *o, const struct svc *s)
{
	const struct field *f = steps_of_service;
	uint64_t wide[HISTORY_LEN];
	size_t i;

	for (; f < steps_of_service + ARRAY_LEN(steps_of_service); f++) {
		const uint32_t *steps = (const void *)
		    ((const char *)s + f->at);

		for (i = 0; i < HISTORY_LEN; i++)
			wide[i] = steps[i];
		(void)json_object_set_new(o, f->key,
		    save_list(wide, HISTORY_LEN));
	}
}

static void
load_steps(const json_t *o, struct svc *s)
{
	const struct field *f = steps_of_service;
	uint64_t wide[HISTORY_LEN];
	size_t i;

	for (; f < steps_of_service + ARRAY_LEN(steps_of_service); f++) {
		uint32_t *steps = (void *)((char *)s + f->at);

		memset(wide, 0, sizeof(wide));
		load_list(json_object_get(o, f->key), wide, HISTORY_LEN);
		for (i = 0; i < HISTORY_LEN; i++)
			steps[i] = (uint32_t)wide[i];
	}
}

/* ---- what is told ---- */

static int
tell(struct buf *b, json_t *o)
{
	struct err e;
	int rc = o ? nd_dump(b, o, &e) : -1;

	json_decref(o);
	return rc;
}

static json_t *
instance_memory(const struct instance *i)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s*, s:s}",
	    "of", "instance", "service", i->svc->conf.name,
	    "job_id", (json_int_t)i->rec.job_id,
	    "submit_at", (json_int_t)i->rec.submit_at,
	    "restart", (json_int_t)i->rec.restart, "url", i->rec.url,
	    "last_error", i->last_error);

	save_fields(o, of_instance, ARRAY_LEN(of_instance), i);
	save_hists(o, hists_of_instance, ARRAY_LEN(hists_of_instance), i);
	return o;
}

static json_t *
service_memory(const struct svc *s)
{
	json_t *o = json_pack("{s:s, s:s, s:o}", "of", "service",
	    "service", s->conf.name, "codes",
	    save_list(&s->stats.codes[0][0], METHODS * CODES));

	save_fields(o, of_service, ARRAY_LEN(of_service), s);
	save_hists(o, hists_of_service, ARRAY_LEN(hists_of_service), s);
	save_steps(o, s);
	return o;
}

static json_t *
proxy_memory(void)
{
	json_t *o = json_pack("{s:s, s:o}", "of", "proxy", "codes",
	    save_list(&px.other.codes[0][0], METHODS * CODES));

	save_fields(o, of_proxy, ARRAY_LEN(of_proxy), &px);
	return o;
}

int
memory_save(struct buf *b)
{
	struct map_item *item;
	size_t at = 0, n;

	if (tell(b, proxy_memory()) < 0)
		return -1;
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		const struct svc *s = item->value;

		if (s->gone)
			continue;
		if (tell(b, service_memory(s)) < 0)
			return -1;
		for (n = 0; n < s->ninst; n++)
			if (tell(b, instance_memory(s->inst[n])) < 0)
				return -1;
	}
	return 0;
}

/* ---- and taken ---- */

static struct instance *
instance_of(const struct svc *s, const json_t *o)
{
	int64_t job_id = -1, submit_at = -1, restart = -1;
	const char *url = "";
	struct err e;
	size_t n;

	if (rec_int(o, "job_id", 0, REC_MAX, &job_id, &e) < 0 ||
	    rec_int(o, "submit_at", 0, REC_MAX, &submit_at, &e) < 0 ||
	    rec_int(o, "restart", 0, REC_MAX, &restart, &e) < 0 ||
	    rec_str(o, "url", &url, &e) < 0)
		return NULL;
	for (n = 0; n < s->ninst; n++) {
		const struct rec_instance *r = &s->inst[n]->rec;

		if (r->job_id == job_id && r->submit_at == submit_at &&
		    r->restart == restart &&
		    strcmp(r->url ? r->url : "", url) == 0)
			return s->inst[n];
	}
	return NULL;
}

static void
load_instance(struct instance *i, const json_t *o)
{
	const char *text = "";
	struct err e;

	load_fields(o, of_instance, ARRAY_LEN(of_instance), i);
	load_hists(o, hists_of_instance, ARRAY_LEN(hists_of_instance), i);
	if (rec_str(o, "last_error", &text, &e) == 0)
		(void)snprintf(i->last_error, sizeof(i->last_error), "%s",
		    text);
	if (i->ejected)
		eject_resume(i);
}

static void
load_service(struct svc *s, const json_t *o)
{
	load_fields(o, of_service, ARRAY_LEN(of_service), s);
	load_hists(o, hists_of_service, ARRAY_LEN(hists_of_service), s);
	load_steps(o, s);
	load_list(json_object_get(o, "codes"), &s->stats.codes[0][0],
	    METHODS * CODES);
}

static void
load_one(const json_t *o)
{
	const char *of = "", *service = "";
	struct instance *i;
	struct err e;
	struct svc *s;

	if (rec_str(o, "of", &of, &e) < 0 ||
	    rec_str(o, "service", &service, &e) < 0)
		return;
	s = route_by_name(service);
	if (strcmp(of, "proxy") == 0) {
		load_fields(o, of_proxy, ARRAY_LEN(of_proxy), &px);
		load_list(json_object_get(o, "codes"),
		    &px.other.codes[0][0], METHODS * CODES);
	} else if (s != NULL && strcmp(of, "service") == 0) {
		load_service(s, o);
	} else if (s != NULL && strcmp(of, "instance") == 0) {
		i = instance_of(s, o);
		if (i != NULL)
			load_instance(i, o);
	}
}

void
memory_load(const char *lines, size_t len)
{
	const char *lf;
	json_t *o;

	while (len > 0 && (lf = memchr(lines, '\n', len)) != NULL) {
		o = json_loadb(lines, (size_t)(lf - lines), 0, NULL);
		if (o != NULL)
			load_one(o);
		json_decref(o);
		len -= (size_t)(lf - lines) + 1;
		lines = lf + 1;
	}
}
