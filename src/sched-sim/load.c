/*
 * load.c - records of the space-sharing family in and out. Of each record its
 * text is kept, but for the members that a simulation finds out; they are
 * written anew behind the others.
 */
#include "sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "flat.h"
#include "xalloc.h"

enum {
	CHUNK = 1 << 20,	/* bytes of text allocated together */
	RECORD_MAX = (1 << 21) + CHUNK,	/* bytes of a record written */
	FIRST_JOBS = 1024,
};

/* No plan lies behind the last submission and the limits of all. */
#define SUM_MAX (INT64_C(1) << 61)

/* The members that are looked at. */
enum {
	KIND, JOB_ID, SUBMIT_AT, START_AT, END_AT, RUN_S, LIMIT_S, CPUS,
	WAIT_S, NODES, ALLOC, KEYS,
	FIRST_DROPPED = WAIT_S,
};

static const char *const keys[KEYS] = {
	[KIND] = "kind", [JOB_ID] = "job_id", [SUBMIT_AT] = "submit_at",
	[START_AT] = "start_at", [END_AT] = "end_at", [RUN_S] = "run_s",
	[LIMIT_S] = "limit_s", [CPUS] = "cpus", [WAIT_S] = "wait_s",
	[NODES] = "nodes", [ALLOC] = "alloc",
};

/* What one line said; type of a member that is not there: ABSENT. */
enum { ABSENT = -1 };

struct line {
	struct flat_member m[KEYS];
	struct buf text;	/* the members that are kept */
	struct need_line *need;	/* more of them; NULL: there are no nodes */
};

/* ---- in ---- */

static int
key_of(const struct flat_member *m)
{
	int k;

	for (k = 0; k < KEYS; k++)
		if (flat_is(m, keys[k]))
			return k;
	return KEYS;
}

/* Whether the simulation says it itself. */
static bool
is_found(int k)
{
	return k == START_AT || k == END_AT || k == RUN_S ||
	    (k >= FIRST_DROPPED && k < KEYS);
}

/* Takes the line apart. 0; -1 and *e. */
static int
read_line(struct line *l, const char *line, size_t len, struct err *e)
{
	struct flat f;
	struct flat_member m;
	int k, got;

	for (k = 0; k < KEYS; k++)
		l->m[k].type = ABSENT;
	if (l->need != NULL)
		need_line_clear(l->need);
	buf_cut(&l->text, 0);
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0) {
		k = key_of(&m);
		if (k < KEYS)
			l->m[k] = m;
		else if (l->need != NULL)
			need_line_member(l->need, &m);
		if (!is_found(k) && flat_put_member(&l->text, &m) < 0)
			return err_errno(e, "a record");
	}
	return got;
}

static bool
is_job(const struct line *l)
{
	const struct flat_member *m = &l->m[KIND];

	return m->type == FLAT_STR && m->text_len == 3 &&
	    memcmp(m->text, "job", 3) == 0;
}

/* A number that has to be there unless least is -1, which then is its value. */
static int
take_int(const struct line *l, int k, int64_t least, int64_t most,
    int64_t *out, struct err *e)
{
	const struct flat_member *m = &l->m[k];

	*out = -1;
	if (m->type == ABSENT)
		return least < 0 ? 0 : err_perm(e, "job: '%s' is missing",
		    keys[k]);
	if (m->type != FLAT_INT)
		return err_perm(e, "job: '%s' must be an integer", keys[k]);
	least = MAX(least, 0);
	if (m->num < least || m->num > most)
		return err_perm(e, "job: '%s' must be %lld to %lld", keys[k],
		    (long long)least, (long long)most);
	*out = m->num;
	return 0;
}

/* run_s, or what a job of the past took; never longer than its limit. */
static int
take_spans(const struct line *l, struct sim_job *j, struct err *e)
{
	int64_t start, end;

	if (take_int(l, RUN_S, -1, TIME_MAX, &j->run_s, e) < 0 ||
	    take_int(l, LIMIT_S, -1, TIME_MAX, &j->limit_s, e) < 0)
		return -1;
	if (j->run_s < 0) {
		if (take_int(l, START_AT, -1, TIME_MAX, &start, e) < 0 ||
		    take_int(l, END_AT, -1, TIME_MAX, &end, e) < 0)
			return -1;
		if (start < 0 || end < 0)
			return err_perm(e, "job: 'run_s' is missing");
		if (end < start)
			return err_perm(e, "job: ends before it starts");
		j->run_s = end - start;
	}
	if (j->limit_s < 0)
		j->limit_s = j->run_s;
	j->run_s = MIN(j->run_s, j->limit_s);
	j->limit_s = MAX(j->limit_s, 1);
	return 0;
}

static int
take_job(const struct line *l, struct sim_job *j, const struct cluster *c,
    struct err *e)
{
	int64_t n;

	*j = (struct sim_job){ .start_at = -1 };
	if (take_int(l, JOB_ID, 0, TIME_MAX, &j->id, e) < 0 ||
	    take_int(l, SUBMIT_AT, 0, TIME_MAX, &j->submit_at, e) < 0 ||
	    take_int(l, CPUS, 1, TIME_MAX, &n, e) < 0 ||
	    take_spans(l, j, e) < 0)
		return -1;
	if (n > c->procs)
		return err_perm(e, "job %lld: %lld processors are more than "
		    "the %lld of the cluster", (long long)j->id, (long long)n,
		    (long long)c->procs);
	j->procs = (int32_t)n;
	return 0;
}

/* A copy of text among many, never freed. */
static const char *
keep_text(const struct buf *text)
{
	static char *chunk;
	static size_t left;
	char *p;

	if (chunk == NULL || text->len > left) {
		left = MAX(text->len, CHUNK);
		chunk = xrealloc(NULL, left, 1);
	}
	p = memcpy(chunk, buf_str(text), text->len);
	chunk += text->len;
	left -= text->len;
	return p;
}

static int
add_job(struct load *l, size_t *cap, const struct line *line,
    struct cluster *c, struct err *e)
{
	struct sim_job j;

	if (take_job(line, &j, c, e) < 0)
		return -1;
	if (l->len > 0 && j.submit_at < l->jobs[l->len - 1].submit_at)
		return err_perm(e, "job %lld: submitted before the job before "
		    "it; sort by submit_at", (long long)j.id);
	if (j.limit_s > SUM_MAX - j.submit_at - l->limits_s)
		return err_perm(e, "job %lld: with it the limits of all jobs "
		    "add up to more than %lld", (long long)j.id,
		    (long long)SUM_MAX);
	if (l->len == INT32_MAX / 4)
		return err_perm(e, "more than %d jobs", INT32_MAX / 4);
	if (line->need != NULL) {	/* last, for it stays */
		j.need = need_new(line->need, c, j.procs, j.limit_s, e);
		if (j.need == NULL)
			return err_prefix(e, "job %lld", (long long)j.id);
	}
	if ((size_t)l->len == *cap) {
		*cap = *cap ? *cap * 2 : FIRST_JOBS;
		l->jobs = xrealloc(l->jobs, *cap, sizeof(*l->jobs));
	}
	j.text = keep_text(&line->text);
	j.text_len = (uint32_t)line->text.len;
	l->jobs[l->len++] = j;
	l->limits_s += j.limit_s;
	return 0;
}

static int
check_ids(const struct load *l, const char *name, struct err *e)
{
	int64_t *ids = xcalloc((size_t)l->len + 1, sizeof(*ids));
	int32_t i;
	int ok;

	for (i = 0; i < l->len; i++)
		ids[i] = l->jobs[i].id;
	ok = input_once(ids, (size_t)l->len, name, e);
	free(ids);
	return ok;
}

static int
one_line(struct load *l, size_t *cap, struct line *line, struct input *in,
    struct cluster *c, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	int got = input_next(in, &text, &len, e);

	if (got <= 0)
		return got;
	if (read_line(line, text, len, e) < 0)
		return err_prefix(e, "%s:%lu", in->nd.name, in->nd.line);
	got = is_job(line) ? add_job(l, cap, line, c, e) :
	    input_other(in, text, len, e);
	if (got < 0)
		return err_prefix(e, "%s:%lu", in->nd.name, in->nd.line);
	if (is_job(line))
		input_used(in, text, len);
	return 1;
}

int
load_jobs(struct load *l, struct input *in, struct cluster *c,
    bool keep_going, struct err *e)
{
	struct line line = { .text = BUF_INIT(2 * ND_LINE_MAX) };
	size_t cap = 0;
	int got;

	if (c->nodes_len > 0)
		line.need = need_line_new();
	while ((got = one_line(l, &cap, &line, in, c, e)) != 0) {
		if (got > 0)
			continue;
		if (!keep_going)
			break;
		warn("%s: skipped", e->text);
		l->skipped++;
	}
	buf_release(&line.text);
	need_line_free(line.need);
	return got < 0 ? -1 : check_ids(l, in->nd.name, e);
}

/* ---- out ---- */

/* "0-3,7" */
static int
add_machines(struct buf *b, const struct sim *s, const sim_word *set)
{
	int64_t i, first = -1;
	const char *comma = "";
	bool in;

	for (i = 0; i <= s->procs; i++) {
		in = i < s->procs && (set[i / 64] >> (i % 64) & 1);
		if (in && first < 0)
			first = i;
		if (in || first < 0)
			continue;
		if (buf_addf(b, first == i - 1 ? "%s%lld" : "%s%lld-%lld",
		    comma, (long long)first, (long long)i - 1) < 0)
			return -1;
		comma = ",";
		first = -1;
	}
	return 0;
}

/* CPUs on each node in turn, as SLURM_JOB_CPUS_PER_NODE: "8(x2),4" */
static int
add_cpus(struct buf *b, const struct need *n)
{
	int32_t i, same, cpus;

	for (i = 0; i < n->parts_len; i += same) {
		cpus = n->parts[i].res.v[RES_CPU];
		for (same = 1; i + same < n->parts_len &&
		    n->parts[i + same].res.v[RES_CPU] == cpus; same++)
			;
		if (buf_addf(b, "%s%d", i > 0 ? "," : "", cpus) < 0 ||
		    (same > 1 && buf_addf(b, "(x%d)", same) < 0))
			return -1;
	}
	return 0;
}

static int
add_nodes(struct buf *b, const struct sim *s, const struct need *n)
{
	if (buf_adds(b, ",\"nodes\":\"") < 0 ||
	    hostlist_write(b, s->cluster, n->parts, n->parts_len) < 0 ||
	    buf_adds(b, "\",\"alloc\":\"") < 0 || add_cpus(b, n) < 0)
		return -1;
	return buf_addc(b, '"');
}

int
load_alloc(struct buf *b, const struct sim *s, const struct sim_job *j)
{
	if (s->free_nodes != NULL)
		return add_nodes(b, s, j->need);
	if (!s->name_machines)
		return 0;
	if (buf_adds(b, ",\"alloc\":\"") < 0 ||
	    add_machines(b, s, j->machines) < 0)
		return -1;
	return buf_addc(b, '"');
}

int
load_write(const struct sim *s, const struct sim_job *j, struct err *e)
{
	static struct buf b = BUF_INIT(RECORD_MAX);

	assert(j->start_at >= j->submit_at);
	buf_cut(&b, 0);
	if (buf_addc(&b, '{') < 0 || buf_add(&b, j->text, j->text_len) < 0 ||
	    flat_put_int(&b, "start_at", j->start_at) < 0 ||
	    flat_put_int(&b, "end_at", j->start_at + j->run_s) < 0 ||
	    flat_put_int(&b, "wait_s", j->start_at - j->submit_at) < 0 ||
	    flat_put_int(&b, "run_s", j->run_s) < 0 ||
	    load_alloc(&b, s, j) < 0 || buf_adds(&b, "}\n") < 0 ||
	    b.len > ND_LINE_MAX + 1)
		return err_temp(e, "job %lld: its record does not fit in a "
		    "line", (long long)j->id);
	if (fwrite(b.data, 1, b.len, stdout) != b.len)
		return err_errno(e, "stdout");
	return 0;
}
