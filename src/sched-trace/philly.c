/*
 * philly.c - cluster_job_log of Philly's traces (Jeon et al., ATC 2019): one
 * JSON array of jobs, each with its attempts. The array is read job by job,
 * however long it is and wherever its lines end.
 *
 * A job as it was; or, with --synergy, as Synergy's simulator makes jobs of the
 * log: by the length of all attempts, the GPUs of the last, and its own models.
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "rec.h"
#include "xalloc.h"

enum { DEPTH_MAX = 16, NAMES_MAX = 4096 };

/* ---- the array ---- */

enum where { BEFORE, FIRST, NEXT, COMMA, AFTER };

struct scan {
	struct nd_in *in;
	struct buf job;		/* its text, as far as it was read */
	unsigned long lines;	/* ended so far */
	unsigned long number;	/* of the job, from 1 */
	enum where where;
	int64_t depth;		/* of braces and brackets, in a job */
	bool in_text, escaped;
	const char *wrong;	/* why this job will not do */
};

/* What may not be: the rest cannot be told apart any more. */
static void NORETURN
not_an_array(const struct scan *s, const char *why)
{
	die(ST_PERM, "%s:%lu: %s", s->in->name, s->lines + 1, why);
}

/* A byte between jobs. true: it begins one. */
static bool
between(struct scan *s, char c)
{
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return false;
	if (s->where == BEFORE && c == '[') {
		s->where = FIRST;
	} else if ((s->where == FIRST || s->where == COMMA) && c == ']') {
		s->where = AFTER;
	} else if (s->where == COMMA && c == ',') {
		s->where = NEXT;
	} else if ((s->where == FIRST || s->where == NEXT) && c == '{') {
		return true;
	} else {
		not_an_array(s, s->where == BEFORE ? "this is not a "
		    "cluster_job_log: it begins with no '['" :
		    s->where == AFTER ? "there is more behind the array" :
		    s->where == COMMA ? "',' or ']' is due" :
		    "a job is due, in braces");
	}
	return false;
}

/* A byte of a job. true: it is the last. */
static bool
within(struct scan *s, char c)
{
	if (s->in_text) {
		s->in_text = s->escaped || c != '"';
		s->escaped = !s->escaped && c == '\\';
		return false;
	}
	if (c == '"')
		s->in_text = true;
	else if (c == '{' || c == '[')
		s->depth++;
	else if (c == '}' || c == ']')
		s->depth--;
	if (s->depth > DEPTH_MAX && s->wrong == NULL)
		s->wrong = "it is nested too deep";
	return s->depth == 0;
}

static void
add(struct scan *s, const char *p, size_t len)
{
	if (s->wrong == NULL && s->job.len + len > ND_LINE_MAX)
		s->wrong = "it is longer than 1 MiB";
	if (s->wrong == NULL && memchr(p, '\0', len) != NULL)
		s->wrong = "NUL byte";	/* jansson skips it behind a number */
	if (s->wrong == NULL && buf_add(&s->job, p, len) < 0)
		die(ST_TEMP, "out of memory");
}

/* Goes through what is in memory. true: a job is whole. */
static bool
scan_chunk(struct scan *s)
{
	struct nd_in *in = s->in;
	const char *p = in->buf.data + in->start, *from = p;
	const char *end = in->buf.data + in->buf.len;
	bool whole = false;

	for (; p < end && !whole; p++) {
		s->lines += *p == '\n';
		if (s->depth > 0) {
			whole = within(s, *p);
		} else if (between(s, *p)) {
			from = p;
			in->line = s->lines + 1;
			s->depth = 1;
			s->number++;
			s->wrong = NULL;
			buf_cut(&s->job, 0);
		}
	}
	if (s->depth > 0 || whole)
		add(s, from, (size_t)(p - from));
	in->start = in->scanned = (size_t)(p - in->buf.data);
	if (whole)
		s->where = COMMA;
	return whole;
}

/* The next job's text is in s->job. false: the array has ended. */
static bool
scan_next(struct scan *s)
{
	struct err e;

	for (;;) {
		if (s->in->start < s->in->buf.len && scan_chunk(s))
			return true;
		if (s->in->start < s->in->buf.len)
			continue;
		if (s->in->eof)
			break;
		if (nd_fill(s->in, &e) < 0)
			die_err(&e);
	}
	if (s->depth > 0)
		not_an_array(s, "the log ends within a job");
	if (s->where != AFTER && s->where != BEFORE)
		not_an_array(s, "the log ends within its array");
	return false;
}

/* ---- a job ---- */

struct attempt {
	double start_at, end_at;	/* -1: the log does not know */
	double gpus, servers;
};

static int
read_time(const json_t *rec, const char *key, double *out, struct err *e)
{
	const json_t *v = json_object_get(rec, key);
	const char *s;

	*out = -1;
	if (v == NULL || json_is_null(v))
		return 0;
	s = json_string_value(v);
	if (s != NULL && (*s == '\0' || strcmp(s, "None") == 0))
		return 0;
	if (s == NULL || line_time(s, out) < 0)
		return err_perm(e, "'%s' is not a time like 2017-10-07 "
		    "01:11:39", key);
	return 0;
}

/* Counts GPUs, and puts the names of the servers into names. */
static int
read_detail(struct attempt *a, const json_t *detail, struct buf *names,
    struct err *e)
{
	const json_t *server, *gpus;
	const char *ip;
	size_t i;

	a->gpus = 0;
	a->servers = 0;
	buf_cut(names, 0);
	if (!json_is_array(detail))
		return err_perm(e, "an attempt has no list 'detail'");
	json_array_foreach(detail, i, server) {
		gpus = json_object_get(server, "gpus");
		ip = json_string_value(json_object_get(server, "ip"));
		if (!json_is_array(gpus))
			return err_perm(e, "a server of an attempt has no "
			    "list 'gpus'");
		a->gpus += (double)json_array_size(gpus);
		a->servers++;
		if (ip != NULL && buf_addf(names, "%s%s", names->len ? "," :
		    "", ip) < 0)
			return err_perm(e, "the names of its servers are "
			    "longer than %d bytes", NAMES_MAX);
	}
	return 0;
}

static int
read_attempt(struct attempt *a, const json_t *rec, struct buf *names,
    struct err *e)
{
	if (read_time(rec, "start_time", &a->start_at, e) < 0 ||
	    read_time(rec, "end_time", &a->end_at, e) < 0)
		return -1;
	return read_detail(a, json_object_get(rec, "detail"), names, e);
}

static int
read_texts(struct job *j, const json_t *rec, struct err *e)
{
	static const struct { const char *key; int to; } texts[] = {
		{ "jobid", JOB_NAME }, { "vc", JOB_PARTITION },
		{ "user", JOB_USER }, { "status", JOB_STATE },
	};
	static const struct { const char *status, *state; } known[] = {
		{ "Pass", "COMPLETED" }, { "Killed", "CANCELLED" },
		{ "Failed", "FAILED" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (!json_is_null(json_object_get(rec, texts[i].key)) &&
		    rec_str(rec, texts[i].key, &j->t[texts[i].to], e) < 0)
			return -1;
	if (j->t[JOB_STATE] == NULL)
		return 0;
	for (i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(j->t[JOB_STATE], known[i].status) != 0)
			continue;
		j->t[JOB_STATE] = known[i].state;
		return 0;
	}
	return err_perm(e, "'status' is none of Pass, Killed and Failed");
}

/* What all attempts come to; the last one's GPUs are those of the job. */
struct sum {
	size_t attempts;
	struct attempt first, last;
	double run_s;		/* of those whose times are known */
	bool last_counts;	/* for Synergy; and its sum and GPUs */
	double synergy_s, synergy_gpus;
	unsigned long unknown;	/* attempts without start or end */
};

/* Synergy leaves out attempts that its models have no profile for. */
static void
count_for_synergy(struct sum *sum, const struct attempt *a)
{
	double run_s = a->end_at - a->start_at, gpus = a->gpus;

	sum->last_counts = false;
	if (a->start_at < 0 || a->end_at < 0 || (opt.multigpu && gpus > 16))
		return;
	if (opt.multigpu && gpus != 1 && gpus != 2 && gpus != 4 && gpus != 8 &&
	    gpus != 16) {
		if (strcmp(opt.synergy, "exp") != 0)
			return;
		gpus = 1;
	}
	if (run_s <= 0 || gpus <= 0)
		return;
	sum->synergy_s += run_s;
	sum->synergy_gpus = opt.multigpu ? gpus : 1;
	sum->last_counts = true;
}

static int
read_attempts(struct sum *sum, const json_t *rec, struct buf *names,
    struct err *e)
{
	const json_t *attempts = json_object_get(rec, "attempts"), *attempt;
	size_t i;

	*sum = (struct sum){ .attempts = json_array_size(attempts) };
	if (!json_is_array(attempts))
		return err_perm(e, "it has no list 'attempts'");
	json_array_foreach(attempts, i, attempt) {
		if (read_attempt(&sum->last, attempt, names, e) < 0)
			return -1;
		if (i == 0)
			sum->first = sum->last;
		if (opt.synergy != NULL)
			count_for_synergy(sum, &sum->last);
		if (sum->last.start_at < 0 || sum->last.end_at < 0)
			sum->unknown++;
		else
			sum->run_s += sum->last.end_at - sum->last.start_at;
		if (opt.synergy == NULL && sum->last.end_at >= 0 &&
		    sum->last.end_at < sum->last.start_at)
			return err_perm(e, "attempt %zu ends before it starts",
			    i + 1);
	}
	return 0;
}

static int
fill_job(struct job *j, const struct sum *sum, const char *names,
    struct err *e)
{
	if (sum->attempts == 0)
		return 0;
	j->n[JOB_START] = sum->first.start_at;
	j->n[JOB_END] = sum->last.end_at;
	if (j->n[JOB_END] >= 0 && sum->unknown < sum->attempts)
		j->n[JOB_RUN] = sum->run_s;
	j->n[JOB_GPUS] = sum->last.gpus;
	j->n[JOB_CPUS] = sum->last.gpus * (double)opt.cpus_per_gpu;
	j->n[JOB_NODE_COUNT] = sum->last.servers;
	j->n[JOB_RESTARTS] = (double)sum->attempts - 1;
	j->t[JOB_NODES] = names;
	return job_check(j, e);
}

/* ---- the jobs of Synergy ---- */

struct listed {
	double submit_at, run_s, gpus;
	size_t seq;
};

struct list {
	struct listed *jobs;
	size_t len, cap;
	double first_at;	/* the first submission of a job that ran */
};

enum {
	SHORTEST_S = 1898,	/* the first beyond 60 * 10^1.5 s, */
	LONGEST_S = 600000,	/* and 60 * 10^4 s is too long */
	BEGIN_S = 2400 * 3600, END_S = 3000 * 3600, LIST_MAX = 8000,
};

static void
list_add(struct list *l, const struct job *j, const struct sum *sum)
{
	if (sum->attempts == 0)
		return;
	l->first_at = MIN(l->first_at, j->n[JOB_SUBMIT]);
	if (!sum->last_counts)
		return;
	if (sum->synergy_s < SHORTEST_S || sum->synergy_s >= LONGEST_S)
		return;
	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4096;
		l->jobs = xrealloc(l->jobs, l->cap, sizeof(*l->jobs));
	}
	l->jobs[l->len] = (struct listed){
		j->n[JOB_SUBMIT], sum->synergy_s, sum->synergy_gpus, l->len,
	};
	l->len++;
}

static int
by_arrival(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->submit_at != y->submit_at)
		return x->submit_at < y->submit_at ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

/* A busy stretch of the log, in order, from 0. */
static void
list_choose(struct list *l)
{
	size_t i, n = 0;
	double at;

	for (i = 0; i < l->len && n < LIST_MAX; i++) {
		at = l->jobs[i].submit_at;
		if (at > BEGIN_S && at < END_S)
			l->jobs[n++] = l->jobs[i];
	}
	l->len = n;
	if (n == 0)
		return;
	qsort(l->jobs, n, sizeof(*l->jobs), by_arrival);
	at = l->jobs[0].submit_at;
	for (i = 0; i < n; i++)
		l->jobs[i].submit_at -= at;
}

static void
list_write(struct list *l, struct buf *b)
{
	bool drawn = strcmp(opt.synergy, "exp") == 0;
	bool poisson = opt.arrivals == NULL ||
	    strcmp(opt.arrivals, "poisson") == 0;
	struct stream s;
	double at, run_s;
	size_t i;

	for (i = 0; i < l->len; i++)
		l->jobs[i].submit_at -= l->first_at;
	if (!drawn)
		list_choose(l);
	stream_init(&s);
	for (i = 0; i < l->len && (opt.jobs < 0 || (int64_t)i < opt.jobs);
	    i++) {
		at = poisson ? stream_arrival(&s) : l->jobs[i].submit_at;
		run_s = drawn ? stream_duration(&s) : l->jobs[i].run_s;
		stream_write(b, &s, at, run_s, l->jobs[i].gpus);
	}
	free(l->jobs);
}

/* ---- the log ---- */

static int
one_job(struct scan *s, json_t *rec, struct list *l, struct buf *b,
    struct sum *sum, struct err *e)
{
	struct buf names = BUF_INIT(NAMES_MAX);
	struct job j;
	int rc = -1;

	job_clear(&j);
	j.n[JOB_ID] = (double)s->number;
	if (read_texts(&j, rec, e) < 0 || read_time(rec, "submitted_time",
	    &j.n[JOB_SUBMIT], e) < 0 || read_attempts(sum, rec, &names, e) < 0)
		goto out;
	if (j.n[JOB_SUBMIT] < 0) {
		(void)err_perm(e, "'submitted_time' is missing");
		goto out;
	}
	if (opt.synergy != NULL)
		list_add(l, &j, sum);
	else if (fill_job(&j, sum, buf_str(&names), e) < 0)
		goto out;
	else
		job_write(b, &j, s->in);
	rc = 0;
out:
	buf_release(&names);
	return rc;
}

static int
read_job(struct scan *s, struct list *l, struct buf *b, struct sum *sum,
    struct err *e)
{
	json_error_t je;
	json_t *rec;
	int rc;

	if (s->wrong != NULL)
		return err_perm(e, "%s", s->wrong);
	rec = json_loadb(s->job.data, s->job.len, JSON_REJECT_DUPLICATES, &je);
	if (rec == NULL)
		return err_perm(e, "%s", je.text);
	rc = one_job(s, rec, l, b, sum, e);
	json_decref(rec);
	return rc;
}

static void
check_options(void)
{
	static const char *const kinds[] = { "exp", "no-exp" };

	if (opt.synergy == NULL)
		return;
	if (strcmp(opt.synergy, kinds[0]) != 0 &&
	    strcmp(opt.synergy, kinds[1]) != 0)
		die(ST_PERM, "--synergy=%s: known are exp and no-exp",
		    opt.synergy);
	if (opt.arrivals && strcmp(opt.arrivals, "poisson") != 0 &&
	    strcmp(opt.arrivals, "log") != 0)
		die(ST_PERM, "--arrivals=%s: known for philly are poisson and "
		    "log", opt.arrivals);
	if (opt.arrivals && opt.rate > 0 && strcmp(opt.arrivals, "log") == 0)
		die(ST_PERM, "philly: --rate is not for --arrivals=log");
}

void
philly_read(struct nd_in *in)
{
	struct scan s = { .in = in, .job = BUF_INIT(ND_LINE_MAX) };
	struct buf b = BUF_INIT(8 * ND_LINE_MAX);
	struct list l = { .first_at = NUMBER_MAX };
	unsigned long unknown = 0;
	struct sum sum = { .unknown = 0 };
	struct err e;

	check_options();
	while (scan_next(&s)) {
		if (read_job(&s, &l, &b, &sum, &e) == 0) {
			unknown += sum.unknown;
			continue;
		}
		(void)err_prefix(&e, "job %lu", s.number);
		line_odd(in, &e);
	}
	if (opt.synergy != NULL)
		list_write(&l, &b);
	clean_write(&b);
	if (unknown > 0 && opt.synergy == NULL)
		note("%s: %lu attempts without a start or an end: how long "
		    "they ran is not known", in->name, unknown);
	buf_release(&s.job);
	buf_release(&b);
}
