/*
 * input.c - standard input, its head and its lines.
 */
#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "die.h"
#include "rec.h"
#include "watch.h"

/* Waits for the next line, as input_next. */
static int
next(struct input *in, char **line, size_t *len, struct err *e)
{
	int got;

	while ((got = nd_next(&in->nd, line, len, e)) == 0 && !in->nd.eof) {
		watch_reading(in->nd.fd, in->lines, in->bytes, in->size_bytes);
		if (nd_fill(&in->nd, e) < 0)
			die_err(e);
	}
	if (got == 0 && in->ended != NULL && in->ended(e) < 0)
		die_err(e);
	in->lines += got > 0;
	in->bytes += got > 0 ? (int64_t)*len + 1 : 0;
	return got;
}

/*
 * Keeps the line if it is of the head: 1; 0; -1 and *e. What is wrong with any
 * other is said by who reads it.
 */
static int
take_head(struct input *in, const char *line, size_t len, struct err *e)
{
	int64_t procs = 0;
	struct err ignored;
	json_t *rec, **to = NULL;

	if (nd_parse(&in->nd, line, len, &rec, &ignored) < 0)
		return 0;
	if (rec_is(rec, "sim"))
		to = &in->recording;
	else if (rec_is(rec, "cluster"))
		to = &in->cluster;
	if (to == NULL || *to != NULL) {
		json_decref(rec);
		return 0;
	}
	*to = rec;
	if (to == &in->cluster && rec_int(rec, "procs", 1, REC_MAX, &procs,
	    e) < 0)
		return err_prefix(e, "%s:%lu", in->nd.name, in->nd.line);
	return 1;
}

int
input_open(struct input *in, int fd, const char *name, struct err *e)
{
	struct stat st;
	int taken;

	*in = (struct input){ .ahead = true };
	nd_open(&in->nd, fd, name);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		in->size_bytes = st.st_size;
	for (;;) {
		in->got = next(in, &in->line, &in->len, &in->err);
		if (in->got <= 0)
			return 0;
		taken = take_head(in, in->line, in->len, e);
		if (taken <= 0)
			return taken;
	}
}

void
input_close(struct input *in)
{
	nd_close(&in->nd);
	json_decref(in->recording);
	json_decref(in->cluster);
}

int
input_next(struct input *in, char **line, size_t *len, struct err *e)
{
	if (!in->ahead || in->got == 0)	/* an end is asked once more */
		return next(in, line, len, e);
	in->ahead = false;
	*line = in->line;
	*len = in->len;
	if (in->got < 0)
		*e = in->err;
	return in->got;
}

void
input_used(const struct input *in, const char *line, size_t len)
{
	if (in->used != NULL)
		in->used(line, len);
}

int
input_other(const struct input *in, const char *line, size_t len,
    struct err *e)
{
	return in->other == NULL ? 0 : in->other(in, line, len, e);
}

static int
cmp_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int
input_once(int64_t *ids, size_t len, const char *name, struct err *e)
{
	size_t i;

	for (i = 1; i < len && ids[i] > ids[i - 1]; i++)
		;
	if (i >= len)
		return 0;
	qsort(ids, len, sizeof(*ids), cmp_id);
	for (i = 1; i < len; i++)
		if (ids[i] == ids[i - 1])
			return err_perm(e, "%s: job_id %lld is there twice",
			    name, (long long)ids[i]);
	return 0;
}

int64_t
input_procs(const struct input *in)
{
	return json_integer_value(json_object_get(in->cluster, "procs"));
}

static void
set_number(json_t *rec, const char *key, int64_t n)
{
	if (n > 0 && json_object_set_new(rec, key, json_integer(n)) < 0)
		die(ST_TEMP, "out of memory");
}

void
input_pass_cluster(struct input *in, int64_t procs, int64_t gpus)
{
	json_t *rec = in->cluster;
	struct err e;

	in->cluster = NULL;
	if (rec == NULL)
		return;
	set_number(rec, "procs", procs);
	set_number(rec, "gpus", gpus);
	if (nd_write(rec, &e) < 0)
		die_err(&e);
}
