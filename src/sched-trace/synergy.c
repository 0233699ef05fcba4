/*
 * synergy.c - the replays of Synergy's simulator, one line a job:
 *
 *	job_id,model,arrival,iterations,gpus
 *
 * An arrival may have a fraction, as in ".123".
 */
#include "trace.h"

#include <stdio.h>
#include <string.h>

#include "die.h"

enum field { JOB, MODEL, ARRIVAL, ITERS, GPUS, FIELDS };
enum { MODEL_MAX = 64 };

static const char *const keys[FIELDS] = {
	[JOB] = "job_id", [MODEL] = "model", [ARRIVAL] = "submit_at",
	[ITERS] = "iters", [GPUS] = "gpus",
};

static bool
is_model(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < MODEL_MAX && strspn(s, "abcdefghijklmnopqrstu"
	    "vwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static int
read_fields(char *line, char *fields[FIELDS], double v[FIELDS],
    struct err *e)
{
	size_t n = line_split(line, ',', fields, FIELDS);
	int i;

	if (n != FIELDS)
		return err_perm(e, "%zu fields where a replay has 5", n);
	for (i = 0; i < FIELDS; i++) {
		if (i == MODEL)
			continue;
		if (line_number(fields[i], &v[i]) < 0 || v[i] < 0 ||
		    (i != ARRIVAL && v[i] != (double)(int64_t)v[i]))
			return err_perm(e, "field %d, %s: '%s' is not a "
			    "number of 0 to 2^53", i + 1, keys[i], fields[i]);
	}
	if (!is_model(fields[MODEL]))
		return err_perm(e, "field 2: '%s' is not the name of a model",
		    fields[MODEL]);
	return 0;
}

static void
write_job(struct buf *b, char *const *fields, const double *v)
{
	line_begin(b, "job");
	line_put(b, keys[JOB], v[JOB]);
	line_put(b, keys[ARRIVAL], v[ARRIVAL]);
	line_put_text(b, keys[MODEL], fields[MODEL]);
	line_put(b, keys[ITERS], v[ITERS]);
	line_put(b, keys[GPUS], v[GPUS]);
	line_write(b);
}

void
synergy_read(struct nd_in *in)
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	char *fields[FIELDS] = { NULL }, *line;
	double v[FIELDS] = { 0 };
	struct err e;
	size_t len;

	while (line_next(in, &line, &len)) {
		if (read_fields(line, fields, v, &e) < 0)
			line_odd(in, &e);
		else
			write_job(&b, fields, v);
	}
	buf_release(&b);
}

/* ---- out ---- */

struct replay {
	double v[FIELDS];
	char model[MODEL_MAX];
};

static int
take_member(struct replay *r, const struct flat_member *m, struct err *e)
{
	int i;

	for (i = 0; i < FIELDS && !flat_is(m, keys[i]); i++)
		;
	if (i == FIELDS)
		return 0;
	if (i == MODEL) {
		if (m->type != FLAT_STR || flat_str(m, r->model,
		    sizeof(r->model)) < 0 || !is_model(r->model))
			return err_perm(e, "job: 'model' must be a name of "
			    "less than %d bytes", MODEL_MAX);
		r->v[i] = 0;
		return 0;
	}
	if (m->type != FLAT_INT && (i != ARRIVAL || m->type != FLAT_REAL))
		return err_perm(e, "job: '%s' must be %s", keys[i],
		    i == ARRIVAL ? "a number" : "an integer");
	r->v[i] = flat_real(m);
	if (!(r->v[i] >= 0 && r->v[i] <= NUMBER_MAX))
		return err_perm(e, "job: '%s' must be 0 to 2^53", keys[i]);
	return 0;
}

static int
record(struct replay *r, const char *line, size_t len, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int i, got;

	for (i = 0; i < FIELDS; i++)
		r->v[i] = -1;
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0)
		if (take_member(r, &m, e) < 0)
			return -1;
	if (got < 0)
		return -1;
	for (i = 0; i < FIELDS; i++)
		if (r->v[i] < 0)
			return err_perm(e, "job: '%s' is missing", keys[i]);
	return 0;
}

void
synergy_write(struct nd_in *in)
{
	char arrival[FLAT_NUMBER_SIZE];
	struct replay r;
	struct err e;
	char *line;
	size_t len;
	int kind;

	while (line_next(in, &line, &len)) {
		kind = line_kind(line, len, &e);
		if (kind < 0 || (kind == LINE_JOB &&
		    record(&r, line, len, &e) < 0))
			line_odd(in, &e);
		else if (kind == LINE_JOB)
			(void)printf("%.0f,%s,%s,%.0f,%.0f\n", r.v[JOB],
			    r.model, flat_shortest(arrival, r.v[ARRIVAL]),
			    r.v[ITERS], r.v[GPUS]);
	}
}
