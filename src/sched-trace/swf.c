/*
 * swf.c - the Standard Workload Format of the Parallel Workloads Archive: 18
 * numbers a job, -1 for what is not known, and a header of comments.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"
#include "map.h"
#include "num.h"
#include "rec.h"
#include "xalloc.h"

enum column {
	JOB, SUBMIT, WAIT, RUN, PROCS, CPU, USED_MEM, REQ_PROCS, LIMIT, MEM,
	STATUS, USER, GROUP, NAME, QUEUE, PARTITION, AFTER, THINK, COLUMNS
};

/* A field of the record for each; names are numbers here and texts there. */
static const struct {
	const char *key;
	bool text;
} columns[COLUMNS] = {
	[JOB] = { "job_id", false },
	[SUBMIT] = { "submit_at", false },
	[WAIT] = { "wait_s", false },
	[RUN] = { "run_s", false },
	[PROCS] = { "cpus", false },
	[CPU] = { "cpu_per_proc_s", false },
	[USED_MEM] = { "used_mem_per_proc_kb", false },
	[REQ_PROCS] = { "cpus_requested", false },
	[LIMIT] = { "limit_s", false },
	[MEM] = { "mem_per_proc_kb", false },
	[STATUS] = { "state", true },
	[USER] = { "user", true },
	[GROUP] = { "account", true },
	[NAME] = { "name", true },
	[QUEUE] = { "qos", true },
	[PARTITION] = { "partition", true },
	[AFTER] = { "after_job_id", false },
	[THINK] = { "think_s", false },
};

static const char *const states[] = {
	"FAILED", "COMPLETED", "PARTIAL", "PARTIAL_COMPLETED",
	"PARTIAL_FAILED", "CANCELLED",
};

struct row {
	double v[COLUMNS];
};

/* ---- in ---- */

struct cluster {
	int64_t procs, nodes, start_at;		/* -1: not said */
	char *name;
	bool written;
};

/* "; KEY: VALUE"; whatever else is a comment. */
static void
read_header(struct cluster *c, char *line)
{
	static const char *const keys[] = {
		"MaxProcs", "MaxNodes", "UnixStartTime", "Computer",
	};
	int64_t *numbers[] = { &c->procs, &c->nodes, &c->start_at }, n;
	char *key = line + 1 + strspn(line + 1, "; \t"), *value;
	struct err e;
	size_t i;

	value = strchr(key, ':');
	if (value == NULL)
		return;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (strcasecmp(key, keys[i]) == 0)
			break;
	if (i == ARRAY_LEN(numbers) && c->name == NULL &&
	    flat_utf8(value, strlen(value)))
		c->name = xstrdup(value);
	if (i >= ARRAY_LEN(numbers))
		return;
	value[strcspn(value, " \t(")] = '\0';
	if (num_int(value, 0, REC_MAX, &n, &e) == 0)
		*numbers[i] = n;
}

static void
write_cluster(struct cluster *c, struct buf *b)
{
	if (c->written)
		return;
	c->written = true;
	if (c->procs < 0 && c->nodes < 0)
		return;
	line_begin(b, "cluster");
	if (c->name != NULL)
		line_put_text(b, "name", c->name);
	if (c->procs >= 0)
		line_put(b, "procs", (double)c->procs);
	if (c->nodes >= 0)
		line_put(b, "node_count", (double)c->nodes);
	if (c->start_at >= 0)
		line_put(b, "start_at", (double)c->start_at);
	line_write(b);
}

static int
read_row(struct row *r, char *line, struct err *e)
{
	char *fields[COLUMNS];
	size_t n = line_words(line, fields, COLUMNS), i;

	if (n != COLUMNS)
		return err_perm(e, "%zu fields where SWF has 18", n);
	for (i = 0; i < COLUMNS; i++) {
		if (line_number(fields[i], &r->v[i]) < 0 || (i != CPU &&
		    r->v[i] != (double)(int64_t)r->v[i]))
			return err_perm(e, "field %zu: '%s' is neither -1 nor "
			    "a %snumber of 0 to 2^53", i + 1, fields[i],
			    i == CPU ? "" : "whole ");
	}
	if (r->v[JOB] < 0 || r->v[SUBMIT] < 0)
		return err_perm(e, "field %d is -1: a job has a number and a "
		    "submit time", r->v[JOB] < 0 ? 1 : 2);
	if (r->v[SUBMIT] + r->v[WAIT] + r->v[RUN] > NUMBER_MAX)
		return err_perm(e, "it ends after 2^53");
	if (r->v[STATUS] >= (double)ARRAY_LEN(states))
		return err_perm(e, "field 11: status '%s' is not -1 to 5",
		    fields[STATUS]);
	return 0;
}

static void
put_column(struct buf *b, const struct row *r, size_t i)
{
	char text[32];

	if (r->v[i] < 0)
		return;
	if (i == STATUS) {
		line_put_text(b, "state", states[(int)r->v[i]]);
	} else if (columns[i].text) {
		(void)snprintf(text, sizeof(text), "%lld",
		    (long long)r->v[i]);
		line_put_text(b, columns[i].key, text);
	} else {
		line_put(b, columns[i].key, r->v[i]);
	}
}

static void
put_columns(struct buf *b, const struct row *r, size_t from)
{
	size_t i;

	for (i = from; i < COLUMNS; i++)
		put_column(b, r, i);
}

static void
write_row(struct buf *b, const struct row *r)
{
	double start_at = r->v[SUBMIT] + r->v[WAIT];

	line_begin(b, "job");
	put_columns(b, r, JOB);
	if (r->v[WAIT] >= 0)
		line_put(b, "start_at", start_at);
	if (r->v[WAIT] >= 0 && r->v[RUN] >= 0)
		line_put(b, "end_at", start_at + r->v[RUN]);
	line_write(b);
}

static void
clean_row(struct buf *b, struct row *r, const struct nd_in *in)
{
	struct clean_times when = { r->v[SUBMIT], -1, -1 };

	if (r->v[PROCS] <= 0)
		r->v[PROCS] = r->v[REQ_PROCS];
	if (!clean_rules(in, &r->v[RUN], &r->v[PROCS], &r->v[LIMIT]))
		return;
	r->v[AFTER] = r->v[THINK] = -1;	/* the numbers will be others */
	if (r->v[WAIT] >= 0) {
		when.start_at = r->v[SUBMIT] + r->v[WAIT];
		when.end_at = when.start_at + r->v[RUN];
	}
	buf_cut(b, 0);
	put_columns(b, r, WAIT);
	clean_keep(&when, b);
}

void
swf_read(struct nd_in *in)
{
	struct cluster c = { .procs = -1, .nodes = -1, .start_at = -1 };
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	struct row r = { 0 };
	struct err e;
	char *line;
	size_t len;

	while (line_next(in, &line, &len)) {
		line += strspn(line, " \t");
		if (*line == ';') {
			read_header(&c, line);
			continue;
		}
		write_cluster(&c, &b);
		if (read_row(&r, line, &e) < 0)
			line_odd(in, &e);
		else if (opt.clean)
			clean_row(&b, &r, in);
		else
			write_row(&b, &r);
	}
	write_cluster(&c, &b);
	clean_write(&b);
	free(c.name);
	buf_release(&b);
}

/* ---- out ---- */

enum { TEXT_MAX = 256 };

/* The names of one column, numbered as they come; or numbers already. */
struct names {
	struct map known;
	bool numbers, words;
};

static int
number_of(struct names *n, const char *key, const char *name, double *out,
    struct err *e)
{
	bool number = *name != '\0' &&
	    strspn(name, "0123456789") == strlen(name) &&
	    line_number(name, out) == 0;
	void *known;

	if (number ? n->words : n->numbers)
		return err_perm(e, "'%s' has both names and numbers in this "
		    "stream: '%s'", key, name);
	*(number ? &n->numbers : &n->words) = true;
	if (number)
		return 0;
	known = map_get(&n->known, name);
	if (known == NULL) {
		known = (void *)(uintptr_t)(n->known.count + 1);
		if (map_set(&n->known, name, known) < 0)
			die(ST_TEMP, "out of memory");
	}
	*out = (double)(uintptr_t)known;
	return 0;
}

/* Slurm has more ways to fail than SWF has. */
static double
status_of(const char *state)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(state, states[i]) == 0)
			return (double)i;
	return rec_state_is_live(state) ? -1 : 0;
}

static int
take_text(struct row *r, size_t i, struct names *names,
    const struct flat_member *m, struct err *e)
{
	char text[TEXT_MAX];

	if (m->type != FLAT_STR)
		return err_perm(e, "job: '%s' must be text", columns[i].key);
	if (flat_str(m, text, sizeof(text)) < 0)
		return err_perm(e, "job: '%s' is longer than %d bytes",
		    columns[i].key, TEXT_MAX - 1);
	if (i != STATUS)
		return number_of(&names[i], columns[i].key, text, &r->v[i], e);
	r->v[i] = status_of(text);
	return 0;
}

static int
take_number(double *out, const struct flat_member *m, const char *key,
    bool whole, struct err *e)
{
	if (m->type != FLAT_INT && (whole || m->type != FLAT_REAL))
		return err_perm(e, "job: '%s' must be %s", key,
		    whole ? "an integer" : "a number");
	*out = flat_real(m);
	if (!(*out >= 0 && *out <= NUMBER_MAX))
		return err_perm(e, "job: '%s' must be 0 to 2^53", key);
	return 0;
}

static int
take_member(struct row *r, double when[2], struct names *names,
    const struct flat_member *m, struct err *e)
{
	static const char *const ends[] = { "start_at", "end_at" };
	size_t i;

	for (i = 0; i < COLUMNS; i++) {
		if (!flat_is(m, columns[i].key))
			continue;
		if (columns[i].text)
			return take_text(r, i, names, m, e);
		return take_number(&r->v[i], m, columns[i].key, i != CPU, e);
	}
	for (i = 0; i < ARRAY_LEN(ends); i++)
		if (flat_is(m, ends[i]))
			return take_number(&when[i], m, ends[i], true, e);
	return 0;
}

static int
record_row(struct row *r, struct names *names, const char *line, size_t len,
    struct err *e)
{
	double when[2] = { -1, -1 };
	struct flat_member m;
	struct flat f;
	size_t i;
	int got;

	for (i = 0; i < COLUMNS; i++)
		r->v[i] = -1;
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0)
		if (take_member(r, when, names, &m, e) < 0)
			return -1;
	if (got < 0)
		return -1;
	if (r->v[JOB] < 0 || r->v[SUBMIT] < 0)
		return err_perm(e, "job: '%s' is missing",
		    r->v[JOB] < 0 ? "job_id" : "submit_at");
	if (job_times(r->v[SUBMIT], when[0], when[1], e) < 0)
		return -1;
	if (r->v[WAIT] < 0 && when[0] >= 0)
		r->v[WAIT] = when[0] - r->v[SUBMIT];
	if (r->v[RUN] < 0 && when[0] >= 0 && when[1] >= 0)
		r->v[RUN] = when[1] - when[0];
	return 0;
}

static void
print_row(const struct row *r)
{
	char text[FLAT_NUMBER_SIZE];
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		(void)printf("%s%s", i > 0 ? " " : "",
		    flat_shortest(text, r->v[i]));
	(void)putchar('\n');
}

static void
print_header(const char *line)
{
	static const struct { const char *key, *label; } known[] = {
		{ "name", "Computer" }, { "procs", "MaxProcs" },
		{ "node_count", "MaxNodes" }, { "start_at", "UnixStartTime" },
	};
	json_t *rec = json_loads(line, 0, NULL), *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++) {
		v = json_object_get(rec, known[i].key);
		if (json_is_integer(v))
			(void)printf("; %s: %lld\n", known[i].label,
			    (long long)json_integer_value(v));
		else if (json_is_string(v) &&
		    strpbrk(json_string_value(v), "\r\n") == NULL)
			(void)printf("; %s: %s\n", known[i].label,
			    json_string_value(v));
	}
	json_decref(rec);
}

void
swf_write(struct nd_in *in)
{
	struct names names[COLUMNS] = { 0 };
	bool begun = false;
	struct row r;
	struct err e;
	char *line;
	size_t len, i;
	int kind;

	for (i = 0; i < COLUMNS; i++)
		map_init(&names[i].known);
	while (line_next(in, &line, &len)) {
		kind = line_kind(line, len, &e);
		if (kind >= 0 && !begun)
			(void)puts("; Version: 2.2");
		begun = begun || kind >= 0;
		if (kind == LINE_CLUSTER)
			print_header(line);
		else if (kind < 0 || (kind == LINE_JOB &&
		    record_row(&r, names, line, len, &e) < 0))
			line_odd(in, &e);
		else if (kind == LINE_JOB)
			print_row(&r);
	}
	for (i = 0; i < COLUMNS; i++)
		map_release(&names[i].known, NULL);
}
