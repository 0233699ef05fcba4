/*
 * read.c - records in: `job`, what `cluster` says of the cluster's size, and
 * what `round` says of who runs when. Other kinds are passed over.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "flat.h"
#include "nd.h"
#include "rec.h"
#include "stats.h"
#include "xalloc.h"

enum number {
	JOB_ID, SUBMIT, START, END, WAIT_S, RUN_S, ROUNDS, CPUS_N, GPUS_N,
	PREEMPTIONS, NUMBERS
};

static const char *const number_keys[NUMBERS] = {
	[JOB_ID] = "job_id", [SUBMIT] = "submit_at", [START] = "start_at",
	[END] = "end_at", [WAIT_S] = "wait_s", [RUN_S] = "run_s",
	[ROUNDS] = "rounds", [CPUS_N] = "cpus", [GPUS_N] = "gpus",
	[PREEMPTIONS] = "preemptions",
};

struct reader {
	struct jobs *js;
	const struct read_options *o;
	double v[NUMBERS];
	/* of the fields grouped by: as they came, and as one text */
	struct flat_member by[GROUP_FIELDS_MAX];
	bool has[GROUP_FIELDS_MAX];
	struct buf values;
	const struct nd_in *in;
};

static const double nothing[NUMBERS] = {
	NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN,
	NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, NOT_KNOWN,
};

/* ---- members ---- */

static int
take_member(struct reader *r, const struct flat_member *m, struct err *e)
{
	double n;
	size_t i;

	for (i = 0; i < r->o->by_len; i++)
		if (flat_is(m, r->o->by[i])) {
			r->by[i] = *m;
			r->has[i] = true;
		}
	for (i = 0; i < NUMBERS && !flat_is(m, number_keys[i]); i++)
		;
	if (i == NUMBERS)
		return 0;
	n = m->type == FLAT_INT || m->type == FLAT_REAL ? flat_real(m) : -1;
	if (!(n >= 0 && n <= (double)REC_MAX))
		return err_perm(e, "job: '%s' must be a number, 0 to 2^53",
		    number_keys[i]);
	r->v[i] = n;
	return 0;
}

static void
take_cluster(struct jobs *js, const struct flat_member *m)
{
	if (m->type == FLAT_INT && m->num > 0 && flat_is(m, "procs"))
		js->total[CPUS] = (double)m->num;
	if (m->type == FLAT_INT && m->num > 0 && flat_is(m, "gpus"))
		js->total[GPUS] = (double)m->num;
}

/* 'j', 'c' or 'r' for the kinds that count; else 0. */
static int
kind_is(const struct flat_member *m)
{
	static const char *const kinds[] = { "job", "cluster", "round" };
	size_t i;

	for (i = 0; m->type == FLAT_STR && i < 3; i++)
		if (m->text_len == strlen(kinds[i]) &&
		    memcmp(m->text, kinds[i], m->text_len) == 0)
			return kinds[i][0];
	return 0;
}

/* Members that come before the kind are read a second time. */
static int
kind_of(const char *line, size_t len, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int got, kind = 0;

	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0)
		if (flat_is(&m, "kind")) {
			kind = kind_is(&m);
			if (kind > 0)
				return kind;	/* the rest is read below */
		}
	return got;
}

/* ---- jobs ---- */

/* Texts and keys are the same however they were written. */
static int
put_value(struct buf *b, const char *key, const struct flat_member *m)
{
	char *text;
	int rc;

	if (m->type != FLAT_STR)
		return flat_put_raw(b, key, m->text, m->text_len);
	text = xcalloc(m->text_len + 1, 1);
	rc = flat_str(m, text, m->text_len + 1);
	if (rc >= 0)
		rc = flat_put_str(b, key, text, strlen(text));
	free(text);
	return rc;
}

/* The values by which this job is grouped, in the order that was asked for. */
static int
put_values(struct reader *r, struct err *e)
{
	size_t i;

	buf_cut(&r->values, 0);
	for (i = 0; i < r->o->by_len; i++)
		if (r->has[i] && put_value(&r->values, r->o->by[i],
		    &r->by[i]) < 0)
			return err_perm(e, "job: '%s' cannot be grouped by",
			    r->o->by[i]);
	return 0;
}

static struct group *
group_of(struct jobs *js, const char *key)
{
	struct group *g = map_get(&js->groups, key);

	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->values = xstrdup(key);
	g->preemptions = NOT_KNOWN;
	if (map_set(&js->groups, key, g) < 0)
		die(ST_TEMP, "out of memory");
	return g;
}

/* Fills in what follows from the rest. Whether the job has ended. */
static bool
complete(double v[NUMBERS])
{
	if (v[START] < 0 && v[WAIT_S] >= 0)
		v[START] = v[SUBMIT] + v[WAIT_S];
	if (v[END] < 0 && v[START] >= 0 && v[RUN_S] >= 0)
		v[END] = v[START] + v[RUN_S];
	return v[START] >= 0 && v[END] >= 0;
}

/*
 * A job of rounds may pause, so its time from start to end says nothing of
 * what it needs; the other kind runs from start to end.
 */
static struct job *
add_job(struct jobs *js, const double v[NUMBERS])
{
	struct job *j;

	if (js->len == UINT32_MAX)
		die(ST_PERM, "more than 2^32 jobs");
	if (js->len == js->cap) {
		js->cap = js->cap ? js->cap * 2 : 1024;
		js->list = xrealloc(js->list, js->cap, sizeof(*js->list));
	}
	j = &js->list[js->len++];
	*j = (struct job){
		.id = (int64_t)v[JOB_ID], .submit_at = v[SUBMIT],
		.start_at = v[START], .end_at = v[END], .rho = NOT_KNOWN,
		.size = { MAX(v[CPUS_N], 0), MAX(v[GPUS_N], 0) },
		.alone_s = v[RUN_S] >= 0 ? v[RUN_S] :
		    v[ROUNDS] < 0 && v[PREEMPTIONS] <= 0 && v[START] >= 0 &&
		    v[END] >= 0 ? v[END] - v[START] : NOT_KNOWN,
	};
	js->last_at = MAX(js->last_at, MAX(v[SUBMIT], MAX(v[START], v[END])));
	return j;
}

static void
add_place(uint32_t **list, size_t *len, size_t *cap, size_t place)
{
	if (*len == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		*list = xrealloc(*list, *cap, sizeof(**list));
	}
	(*list)[(*len)++] = (uint32_t)place;
}

static void
add_ended(struct group *g, const struct jobs *js, double preemptions)
{
	const struct job *j = &js->list[js->len - 1];
	int i;

	if (g->len == 0 || j->submit_at < g->first_submit)
		g->first_submit = j->submit_at;
	if (g->len == 0 || j->end_at > g->last_end)
		g->last_end = j->end_at;
	add_place(&g->ended, &g->len, &g->cap, js->len - 1);
	for (i = 0; i < THINGS; i++) {
		g->used_s[i] += (j->end_at - j->start_at) * j->size[i];
		g->sized[i] |= j->size[i] > 0;
	}
	if (preemptions >= 0)
		g->preemptions = MAX(g->preemptions, 0) + preemptions;
}

static int
count_job(struct reader *r, struct err *e)
{
	const int64_t *window = r->o->window;
	double *v = r->v;
	struct group *g;
	bool ended;

	if (v[JOB_ID] < 0 || v[SUBMIT] < 0)
		return err_perm(e, "job: '%s' is missing",
		    v[JOB_ID] < 0 ? "job_id" : "submit_at");
	ended = complete(v);
	if (v[START] >= 0 && v[START] < v[SUBMIT])
		return err_perm(e, "job %.0f: starts before it was submitted",
		    v[JOB_ID]);
	if (v[END] >= 0 && v[END] < MAX(v[SUBMIT], v[START]))
		return err_perm(e, "job %.0f: ends before it %s", v[JOB_ID],
		    ended ? "starts" : "was submitted");
	(void)add_job(r->js, v);
	if (window[1] > 0 && (v[JOB_ID] < (double)window[0] ||
	    v[JOB_ID] >= (double)window[1]))
		return 0;
	if (put_values(r, e) < 0)
		return -1;
	g = group_of(r->js, buf_str(&r->values));
	if (ended) {
		add_ended(g, r->js, v[PREEMPTIONS]);
		return 0;
	}
	chat("job %.0f has not %s", v[JOB_ID], v[END] >= 0 ? "run" : "ended");
	add_place(&g->others, &g->others_len, &g->others_cap, r->js->len - 1);
	return 0;
}

/* ---- rounds ---- */

/* What all placements of a round take. */
static int
sum_round(const json_t *running, struct step *s, struct err *e)
{
	const json_t *job, *share, *cpus;
	size_t i, k;

	json_array_foreach(running, i, job) {
		s->running++;
		json_array_foreach(json_object_get(job, "shares"), k, share) {
			cpus = json_object_get(share, "cpus");
			if (!json_is_number(cpus) ||
			    json_number_value(cpus) < 0)
				return err_perm(e, "round: 'cpus' of a share "
				    "must be a number");
			s->size[CPUS] += json_number_value(cpus);
			s->size[GPUS] += (double)json_array_size(
			    json_object_get(share, "gpus"));
		}
	}
	return 0;
}

static int
take_round(struct reader *r, const char *line, size_t len, struct err *e)
{
	struct jobs *js = r->js;
	struct step s = { .at = NOT_KNOWN };
	int64_t at = -1;
	json_t *rec;
	int rc;

	if (nd_parse(r->in, line, len, &rec, e) < 0)
		return -1;
	rc = rec_int(rec, "at", 0, REC_MAX, &at, e);
	if (rc >= 0 && at < 0)
		rc = err_perm(e, "round: 'at' is missing");
	if (rc >= 0)
		rc = sum_round(json_object_get(rec, "running"), &s, e);
	json_decref(rec);
	if (rc < 0)
		return -1;
	s.at = (double)at;
	if (js->steps_len > 0 && s.at < js->steps[js->steps_len - 1].at)
		return err_perm(e, "round: comes after one that is later");
	if (js->steps_len == js->steps_cap) {
		js->steps_cap = js->steps_cap ? js->steps_cap * 2 : 64;
		js->steps = xrealloc(js->steps, js->steps_cap,
		    sizeof(*js->steps));
	}
	js->steps[js->steps_len++] = s;
	return 0;
}

/* ---- lines ---- */

static int
one_line(struct reader *r, const char *line, size_t len, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int kind, got;

	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	got = flat_next(&f, &m, e);
	if (got <= 0)
		return got;	/* {} is of no kind */
	kind = flat_is(&m, "kind") ? kind_is(&m) : 0;
	if (kind == 0) {
		kind = kind_of(line, len, e);
		if (kind <= 0)
			return kind;
		if (flat_begin(&f, line, len, e) < 0)
			return -1;
	}
	memcpy(r->v, nothing, sizeof(nothing));
	memset(r->has, 0, sizeof(r->has));
	while ((got = flat_next(&f, &m, e)) > 0) {
		if (kind == 'c')
			take_cluster(r->js, &m);
		else if (kind == 'j' && take_member(r, &m, e) < 0)
			return -1;
	}
	if (got < 0 || kind == 'c')
		return got;
	return kind == 'r' ? take_round(r, line, len, e) : count_job(r, e);
}

static int64_t
read_all(struct reader *r, struct nd_in *in, struct err *e)
{
	int64_t bad = 0;
	char *line;
	size_t len;
	int got;

	for (;;) {
		got = nd_next(in, &line, &len, e);
		if (got == 0 && in->eof)
			return bad;
		if (got == 0) {
			if (nd_fill(in, e) < 0)
				return -1;
			continue;
		}
		if (got > 0) {
			if (one_line(r, line, len, e) >= 0)
				continue;
			(void)err_prefix(e, "%s:%lu", in->name, in->line);
		}
		if (!r->o->keep_going)
			return -1;
		warn("%s: skipped", e->text);
		bad++;
	}
}

int64_t
jobs_read(struct jobs *js, const struct read_options *o, const char *path,
    struct err *e)
{
	struct reader r = {
		.js = js, .o = o, .values = BUF_INIT(ND_LINE_MAX),
	};
	struct nd_in in;
	int64_t bad;
	int fd, i;

	*js = (struct jobs){ .total = { NOT_KNOWN, NOT_KNOWN } };
	map_init(&js->groups);
	if (o->by_len == 0)
		(void)group_of(js, "");		/* an answer also to nothing */
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0)
		return err_errno(e, "%s", path);
	nd_open(&in, fd, path ? path : "stdin");
	r.in = &in;
	bad = read_all(&r, &in, e);
	nd_close(&in);
	buf_release(&r.values);
	if (path != NULL)
		(void)close(fd);
	for (i = 0; i < THINGS; i++)
		if (o->total[i] > 0)
			js->total[i] = (double)o->total[i];
	return bad;
}
