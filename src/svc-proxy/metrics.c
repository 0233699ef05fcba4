/*
 * metrics.c - GET /metrics: what stats.c counts, as Prometheus reads it (text
 * format 0.0.4). Each name comes once, with all its services under it.
 */
#include "proxy.h"

#include <string.h>

#include "clock.h"

static const char *const methods[METHODS] = {
	"safe", "idempotent", "unsafe",
};

typedef int value_fn(struct buf *b, const char *name, const struct svc *s,
    const char *labels);

/* The name, escaped, as the first label. */
static int
put_label(struct buf *b, const struct svc *s)
{
	const char *p;

	if (buf_adds(b, "service=\"") < 0)
		return -1;
	for (p = s->conf.name; *p != '\0'; p++)
		if (((*p == '\\' || *p == '"') && buf_addc(b, '\\') < 0) ||
		    buf_addc(b, *p) < 0)
			return -1;
	return buf_addc(b, '"');
}

static int
put_family(struct buf *b, const char *name, const char *type,
    const char *help)
{
	return buf_addf(b, "# HELP berth_proxy_%s %s.\n"
	    "# TYPE berth_proxy_%s %s\n", name, help, name, type);
}

/* One without labels. */
static int
put_one(struct buf *b, const char *name, const char *type, const char *help,
    int64_t value)
{
	if (put_family(b, name, type, help) < 0)
		return -1;
	return buf_addf(b, "berth_proxy_%s %lld\n", name, (long long)value);
}

/* One family: a line or more of each service. */
static int
put_services(struct buf *b, const char *name, const char *type,
    const char *help, value_fn *fn)
{
	struct buf labels = BUF_INIT(4 * SERVICE_NAME_MAX);
	struct map_item *item;
	size_t at = 0;
	int rc = put_family(b, name, type, help);

	while (rc == 0 && (item = map_next(&px.svcs, &at)) != NULL) {
		const struct svc *s = item->value;

		if (s->gone && s->inflight + s->queued == 0)
			continue;
		buf_cut(&labels, 0);
		rc = put_label(&labels, s);
		if (rc == 0)
			rc = fn(b, name, s, labels.data);
	}
	buf_release(&labels);
	return rc;
}

static int
put_value(struct buf *b, const char *name, const char *labels, int64_t value)
{
	return buf_addf(b, "berth_proxy_%s{%s} %lld\n", name, labels,
	    (long long)value);
}

/* ---- of a service ---- */

static int
put_codes(struct buf *b, const char *name, const struct stats *st,
    const char *labels)
{
	int m, code;

	for (m = 0; m < METHODS; m++)
		for (code = 0; code < CODES; code++)
			if (st->codes[m][code] > 0 && buf_addf(b,
			    "berth_proxy_%s{%s,code=\"%d\",method=\"%s\"} "
			    "%llu\n", name, labels, code + 100, methods[m],
			    (unsigned long long)st->codes[m][code]) < 0)
				return -1;
	return 0;
}

static int
codes(struct buf *b, const char *name, const struct svc *s, const char *labels)
{
	return put_codes(b, name, &s->stats, labels);
}

/* Borders at each fourth of a power of two: 256 us, 1 ms, ... 1 h. */
static int
put_hist(struct buf *b, const char *name, const char *labels,
    const struct hist *h)
{
	int log2_us;

	for (log2_us = 8; log2_us <= 32; log2_us += 2)
		if (buf_addf(b, "berth_proxy_%s_bucket{%s,le=\"%.6f\"} "
		    "%llu\n", name, labels, (double)(1LL << log2_us) / 1e6,
		    (unsigned long long)hist_below(h, log2_us)) < 0)
			return -1;
	return buf_addf(b, "berth_proxy_%s_bucket{%s,le=\"+Inf\"} %llu\n"
	    "berth_proxy_%s_sum{%s} %.6f\nberth_proxy_%s_count{%s} %llu\n",
	    name, labels, (unsigned long long)h->count, name, labels,
	    (double)h->sum_us / 1e6, name, labels,
	    (unsigned long long)h->count);
}

#define HIST(fn, what)							\
static int								\
fn(struct buf *b, const char *name, const struct svc *s,		\
    const char *labels)							\
{									\
	return put_hist(b, name, labels, &s->stats.what);		\
}

#define VALUE(fn, what)							\
static int								\
fn(struct buf *b, const char *name, const struct svc *s,		\
    const char *labels)							\
{									\
	return put_value(b, name, labels, (int64_t)(what));		\
}

HIST(first_byte, first_byte)
HIST(whole, whole)
HIST(wait, wait)
VALUE(queued, s->queued)
VALUE(inflight, s->inflight)
VALUE(failed, s->failed)
VALUE(retries, s->stats.retries)
VALUE(ejections, s->stats.ejections)
VALUE(bytes_in, s->stats.bytes_in)
VALUE(bytes_out, s->stats.bytes_out)

/* ---- of its instances ---- */

static int
put_instances(struct buf *b, const char *name, const struct svc *s,
    const char *labels, int64_t (*value)(const struct instance *))
{
	size_t n;

	for (n = 0; n < s->ninst; n++)
		if (s->inst[n]->rec.url != NULL && buf_addf(b,
		    "berth_proxy_%s{%s,job_id=\"%lld\"} %lld\n", name,
		    labels, (long long)s->inst[n]->rec.job_id,
		    (long long)value(s->inst[n])) < 0)
			return -1;
	return 0;
}

#define OF_INSTANCE(fn, what)						\
static int64_t								\
fn##_of(const struct instance *i)					\
{									\
	return (int64_t)(what);						\
}									\
									\
static int								\
fn(struct buf *b, const char *name, const struct svc *s,		\
    const char *labels)							\
{									\
	return put_instances(b, name, s, labels, fn##_of);		\
}

OF_INSTANCE(usable, pool_usable(i))
OF_INSTANCE(served, i->served)
OF_INSTANCE(outstanding, i->outstanding)

/* ---- all of it ---- */

static const struct {
	const char *name, *type, *help;
	value_fn *fn;
} families[] = {
	{ "requests_total", "counter",
	    "Requests that are over, 499 for clients that left", codes },
	{ "failed_requests_total", "counter",
	    "Requests answered by an error of the proxy of 500 or more, or "
	    "torn by an instance", failed },
	{ "first_byte_seconds", "histogram",
	    "From a request to the first byte of its answer", first_byte },
	{ "request_seconds", "histogram",
	    "From a request to the end of its answer", whole },
	{ "queue_wait_seconds", "histogram",
	    "Of requests that had to wait for an instance", wait },
	{ "queue_length", "gauge", "Requests that wait", queued },
	{ "requests_in_flight", "gauge", "Requests at instances", inflight },
	{ "retries_total", "counter",
	    "Requests sent once more, to another instance", retries },
	{ "ejections_total", "counter",
	    "Instances left out for a while", ejections },
	{ "request_bytes_total", "counter", "Of bodies", bytes_in },
	{ "response_bytes_total", "counter", "Of heads and bodies",
	    bytes_out },
	{ "instance_usable", "gauge",
	    "Whether it would get a request now", usable },
	{ "instance_requests_total", "counter", "Requests sent to it",
	    served },
	{ "instance_requests_in_flight", "gauge", "Requests at it",
	    outstanding },
};

static int
put_process(struct buf *b)
{
	if (put_one(b, "start_time_seconds", "gauge",
	    "When the proxy was started", px.started_at) < 0 ||
	    put_one(b, "connections", "gauge", "Of clients, now",
	    (int64_t)px.nconns) < 0 ||
	    put_one(b, "connections_total", "counter",
	    "Of clients, since the start", (int64_t)px.accepted) < 0 ||
	    put_one(b, "connections_expelled_total", "counter",
	    "Closed as descriptors ran short", (int64_t)px.expelled) < 0 ||
	    put_one(b, "access_log_lost_lines_total", "counter",
	    "Lines that could not be written", (int64_t)px.log_lost) < 0 ||
	    put_one(b, "snapshot_time_seconds", "gauge",
	    "When the table of instances came", px.snapshot_at) < 0 ||
	    put_one(b, "slurm_silent", "gauge", "Whether Slurm does not "
	    "answer", px.stale_since != 0) < 0)
		return -1;
	if (put_family(b, "strays_total", "counter",
	    "Requests that belong to no service") < 0)
		return -1;
	return put_codes(b, "strays_total", &px.other, "service=\"\"");
}

int
metrics_write(struct buf *b)
{
	size_t i;

	if (put_process(b) < 0)
		return -1;
	for (i = 0; i < ARRAY_LEN(families); i++)
		if (put_services(b, families[i].name, families[i].type,
		    families[i].help, families[i].fn) < 0)
			return -1;
	return 0;
}
