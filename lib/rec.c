/*
 * rec.c - the records: one table of fields a kind, and what walks it.
 */
#include "rec.h"

#include <stdlib.h>
#include <string.h>

const char *
rec_kind(const json_t *rec)
{
	const char *kind = json_string_value(json_object_get(rec, "kind"));

	return kind ? kind : "";
}

bool
rec_is(const json_t *rec, const char *kind)
{
	return strcmp(rec_kind(rec), kind) == 0;
}

int
rec_end_check(const json_t *rec, size_t got, struct err *e)
{
	int64_t count = (int64_t)got;

	if (rec_int(rec, "count", 0, REC_MAX, &count, e) < 0)
		return -1;
	if (count != (int64_t)got)
		return err_temp(e, "end: %zu of %lld records have come", got,
		    (long long)count);
	return 0;
}

json_t *
rec_new(const char *kind)
{
	return json_pack("{s:s}", "kind", kind);
}

static int
wrong(const json_t *rec, const char *key, const char *want, struct err *e)
{
	const char *kind = rec_kind(rec);

	return err_perm(e, "%s%s'%s' must be %s", kind, *kind ? ": " : "",
	    key, want);
}

int
rec_str(const json_t *rec, const char *key, const char **out, struct err *e)
{
	const json_t *v = json_object_get(rec, key);

	if (v == NULL)
		return 0;
	if (!json_is_string(v))
		return wrong(rec, key, "text", e);
	*out = json_string_value(v);
	return 0;
}

int
rec_int(const json_t *rec, const char *key, int64_t min, int64_t max,
    int64_t *out, struct err *e)
{
	const json_t *v = json_object_get(rec, key);
	char want[80];

	if (v == NULL)
		return 0;
	if (!json_is_integer(v))
		return wrong(rec, key, "an integer", e);
	if (json_integer_value(v) < min || json_integer_value(v) > max) {
		(void)snprintf(want, sizeof(want), "%lld to %lld",
		    (long long)min, (long long)max);
		return wrong(rec, key, want, e);
	}
	*out = json_integer_value(v);
	return 0;
}

int
rec_bool(const json_t *rec, const char *key, int *out, struct err *e)
{
	const json_t *v = json_object_get(rec, key);

	if (v == NULL)
		return 0;
	if (!json_is_boolean(v))
		return wrong(rec, key, "true or false", e);
	*out = json_is_true(v);
	return 0;
}

/* ---- tables ---- */

static void *
at(const void *base, const struct rec_field *f)
{
	return (char *)(uintptr_t)base + f->offset;
}

static void
clear(const struct rec_field *f, size_t n, void *out)
{
	for (; n > 0; n--, f++) {
		if (f->type == REC_STR)
			*(char **)at(out, f) = NULL;
		else if (f->type == REC_INT)
			*(int64_t *)at(out, f) = REC_NONE;
		else
			*(int *)at(out, f) = -1;
	}
}

static void
release(const struct rec_field *f, size_t n, void *out)
{
	for (; n > 0; n--, f++) {
		if (f->type != REC_STR)
			continue;
		free(*(char **)at(out, f));
		*(char **)at(out, f) = NULL;
	}
}

static int
read_field(const struct rec_field *f, const json_t *rec, void *out,
    struct err *e)
{
	const char *s = NULL;

	if (f->type == REC_INT)
		return rec_int(rec, f->key, 0, REC_MAX, at(out, f), e);
	if (f->type == REC_BOOL)
		return rec_bool(rec, f->key, at(out, f), e);
	if (rec_str(rec, f->key, &s, e) < 0)
		return -1;
	if (s == NULL)
		return 0;
	*(char **)at(out, f) = strdup(s);
	return *(char **)at(out, f) ? 0 : err_temp(e, "out of memory");
}

static int
read_fields(const struct rec_field *f, size_t n, const json_t *rec, void *out,
    struct err *e)
{
	size_t i;

	clear(f, n, out);
	for (i = 0; i < n; i++) {
		if (read_field(&f[i], rec, out, e) < 0) {
			release(f, n, out);
			return -1;
		}
	}
	return 0;
}

static json_t *
write_fields(const struct rec_field *f, size_t n, const char *kind,
    const void *in)
{
	json_t *rec = rec_new(kind), *v;

	for (; n > 0; n--, f++) {
		if (f->type == REC_STR && *(char **)at(in, f) != NULL)
			v = json_string(*(char **)at(in, f));
		else if (f->type == REC_INT && *(int64_t *)at(in, f) >= 0)
			v = json_integer(*(int64_t *)at(in, f));
		else if (f->type == REC_BOOL && *(int *)at(in, f) >= 0)
			v = json_boolean(*(int *)at(in, f));
		else
			continue;
		/* a text that is not UTF-8 has no JSON form: left out */
		if (v != NULL)
			(void)json_object_set_new(rec, f->key, v);
	}
	return rec;
}

/* ---- instance ---- */

#define I(type, field) { #field, type, offsetof(struct rec_instance, field) }

static const struct rec_field instance_fields[] = {
	I(REC_STR, service), I(REC_INT, job_id), I(REC_INT, submit_at),
	I(REC_INT, restart), I(REC_STR, state), I(REC_STR, reason),
	I(REC_STR, node), I(REC_STR, url), I(REC_BOOL, ready),
	I(REC_BOOL, draining), I(REC_INT, start_at), I(REC_INT, end_at),
	I(REC_STR, request),
};

int
rec_instance_read(const json_t *rec, struct rec_instance *out, struct err *e)
{
	if (read_fields(instance_fields, ARRAY_LEN(instance_fields), rec, out,
	    e) < 0)
		return -1;
	if (out->service != NULL && out->job_id != REC_NONE)
		return 0;
	(void)err_perm(e, "instance: '%s' is missing",
	    out->service ? "job_id" : "service");
	rec_instance_release(out);
	return -1;
}

json_t *
rec_instance_json(const struct rec_instance *in)
{
	return write_fields(instance_fields, ARRAY_LEN(instance_fields),
	    "instance", in);
}

void
rec_instance_release(struct rec_instance *in)
{
	release(instance_fields, ARRAY_LEN(instance_fields), in);
}

bool
rec_state_is_live(const char *state)
{
	static const char *const live[] = {
		"PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "REQUEUED",
		"REQUEUE_HOLD", "RESIZING", "SIGNALING", "STOPPED",
		"STAGE_OUT", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD",
	};
	size_t i;

	if (state == NULL)
		return true;	/* not said, as in a URL file: take its word */
	for (i = 0; i < ARRAY_LEN(live); i++)
		if (strcmp(state, live[i]) == 0)
			return true;
	return false;
}

/* ---- demand ---- */

#define D(type, field) { #field, type, offsetof(struct rec_demand, field) }

static const struct rec_field demand_fields[] = {
	D(REC_STR, service), D(REC_INT, queued), D(REC_INT, inflight),
	D(REC_INT, ready),
};

static int
demand_rest(const json_t *rec, struct rec_demand *out, struct err *e)
{
	const json_t *rate = json_object_get(rec, "rate_s");
	json_t *instances = json_object_get(rec, "instances");

	if (out->service == NULL)
		return err_perm(e, "demand: 'service' is missing");
	if (rate != NULL && (!json_is_number(rate) ||
	    json_number_value(rate) < 0 || json_number_value(rate) > 1e12))
		return err_perm(e, "demand: 'rate_s' must be a number, 0 to "
		    "1e12");
	if (instances != NULL && !json_is_array(instances))
		return err_perm(e, "demand: 'instances' must be an array");
	if (rate != NULL)
		out->rate_mhz = (int64_t)(json_number_value(rate) * 1000);
	out->instances = json_incref(instances);
	return 0;
}

int
rec_demand_read(const json_t *rec, struct rec_demand *out, struct err *e)
{
	out->instances = NULL;
	out->rate_mhz = REC_NONE;
	if (read_fields(demand_fields, ARRAY_LEN(demand_fields), rec, out,
	    e) < 0)
		return -1;
	if (demand_rest(rec, out, e) == 0)
		return 0;
	rec_demand_release(out);
	return -1;
}

void
rec_demand_release(struct rec_demand *in)
{
	json_decref(in->instances);
	in->instances = NULL;
	release(demand_fields, ARRAY_LEN(demand_fields), in);
}
