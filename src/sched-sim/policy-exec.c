/*
 * policy-exec.c - a program of any language decides. At each pass it reads one
 * line, a `pass` record with what has changed since the one before, and
 * answers with one, a `start` record. It sees of a job what was known when it
 * was submitted, and never how long it runs; what it decides is not believed.
 */
#include "sim.h"

#include <signal.h>
#include <string.h>

#include "die.h"
#include "flat.h"
#include "rec.h"
#include "watch.h"
#include "xalloc.h"

/* What a policy may see of a record, beside what it plans with. */
static const char *const visible[] = {
	"array_job_id", "array_task_id", "name", "user", "account",
	"partition", "qos", "priority", "nice", "gpus", "gres", "mem_mb",
	"node_count", "constraint", "exclusive", "dependency", "begin_at",
	"after_job_id", "comment", "model",
};

struct exec {
	struct child child;
	struct sigaction sigpipe;	/* as it was */
	int32_t *ended;		/* since the last pass */
	int32_t ended_len;
	int32_t told;		/* jobs before this one it has been told of */
	int64_t wake_at;
	struct buf line, jobs, record;
};

/* The run is over: why, and when. Returns -1. */
static int
fail(struct sim *s, const struct err *e)
{
	s->err = *e;
	s->failed = true;
	return err_prefix(&s->err, "%s: at %lld", s->command,
	    (long long)s->now);
}

static void
exec_init(struct sim *s)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct exec *x = xcalloc(1, sizeof(*x));

	buf_init(&x->line, ND_LINE_MAX + 1);
	buf_init(&x->jobs, ND_LINE_MAX);
	buf_init(&x->record, ND_LINE_MAX + 3);
	x->ended = xcalloc((size_t)s->jobs_len + 1, sizeof(*x->ended));
	x->wake_at = NEVER;
	s->own = x;
	(void)sigaction(SIGPIPE, &ignore, &x->sigpipe);
	s->failed = child_start(&x->child, s->command + strlen("exec:"),
	    &s->err) < 0;
	if (s->failed)
		(void)err_prefix(&s->err, "%s", s->command);
}

static void
exec_end(struct sim *s, int32_t job, bool early)
{
	struct exec *x = s->own;

	(void)early;
	x->ended[x->ended_len++] = job;
}

/* ---- what it is told ---- */

static bool
is_visible(const struct flat_member *m)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(visible); i++)
		if (flat_is(m, visible[i]))
			return true;
	return false;
}

/* The members of a job's record that were known when it was submitted. */
static int
add_visible(struct exec *x, const struct sim_job *j, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int got;

	buf_cut(&x->record, 0);
	if (buf_addc(&x->record, '{') < 0 ||
	    buf_add(&x->record, j->text, j->text_len) < 0 ||
	    buf_addc(&x->record, '}') < 0)
		return err_errno(e, "job %lld", (long long)j->id);
	if (flat_begin(&f, buf_str(&x->record), x->record.len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0)
		if (is_visible(&m) && flat_put_member(&x->jobs, &m) < 0)
			return err_perm(e, "job %lld: its record is too long",
			    (long long)j->id);
	return got;
}

/* Adds a job to those that are told; x->jobs holds them. */
static int
add_job(struct exec *x, const struct sim_job *j, struct err *e)
{
	if (buf_adds(&x->jobs, x->jobs.len > 0 ? ",{" : "{") < 0 ||
	    flat_put_int(&x->jobs, "job_id", j->id) < 0 ||
	    flat_put_int(&x->jobs, "submit_at", j->submit_at) < 0 ||
	    flat_put_int(&x->jobs, "cpus", j->procs) < 0 ||
	    flat_put_int(&x->jobs, "limit_s", j->limit_s) < 0)
		return err_errno(e, "jobs");
	if (add_visible(x, j, e) < 0)
		return -1;
	return buf_addc(&x->jobs, '}') < 0 ? err_errno(e, "jobs") : 0;
}

/* The ids of those that ended, first to before end. */
static int
add_ended(const struct sim *s, struct exec *x, int32_t first, int32_t end)
{
	int32_t i;

	for (i = first; i < end; i++)
		if (buf_addf(&x->line, "%s%lld", i > first ? "," : "",
		    (long long)s->jobs[x->ended[i]].id) < 0)
			return -1;
	return 0;
}

/* The line of a pass, or of a part of it. */
static int
add_pass(const struct sim *s, struct exec *x, int32_t first, int32_t end,
    bool more, struct err *e)
{
	buf_cut(&x->line, 0);
	if (buf_addf(&x->line, "{\"kind\":\"pass\",\"at\":%lld,"
	    "\"procs\":%lld,\"free\":%lld,\"ended\":[", (long long)s->now,
	    (long long)s->procs, (long long)s->free) < 0 ||
	    add_ended(s, x, first, end) < 0 ||
	    buf_adds(&x->line, "],\"submitted\":[") < 0 ||
	    buf_adds(&x->line, buf_str(&x->jobs)) < 0 ||
	    buf_adds(&x->line, more ? "],\"more\":true}\n" : "]}\n") < 0)
		return err_errno(e, "a pass");
	buf_cut(&x->jobs, 0);
	return 0;
}

enum { PART = 1 << 18, ENDED_PART = PART / 20 };

/*
 * What is too much for one line goes ahead in lines of its own, so that none
 * is longer than records may be.
 */
static int
tell_pass(const struct sim *s, struct exec *x, struct err *e)
{
	int32_t done = 0;

	for (; x->ended_len - done > ENDED_PART; done += ENDED_PART)
		if (add_pass(s, x, done, done + ENDED_PART, true, e) < 0 ||
		    child_tell(&x->child, &x->line, s->timeout_ms, e) < 0)
			return -1;
	while (x->told < s->submitted) {
		if (add_job(x, &s->jobs[x->told++], e) < 0)
			return -1;
		if (x->jobs.len < PART || x->told == s->submitted)
			continue;
		if (add_pass(s, x, done, x->ended_len, true, e) < 0 ||
		    child_tell(&x->child, &x->line, s->timeout_ms, e) < 0)
			return -1;
		done = x->ended_len;
	}
	if (add_pass(s, x, done, x->ended_len, false, e) < 0)
		return -1;
	x->ended_len = 0;
	return 0;
}

/* ---- what it decides ---- */

static int
start_all(struct sim *s, const json_t *ids, struct err *e)
{
	const json_t *id;
	size_t i;

	if (!json_is_array(ids))
		return err_perm(e, "start: 'job_ids' must be an array");
	json_array_foreach(ids, i, id) {
		if (!json_is_integer(id))
			return err_perm(e, "start: 'job_ids' must be integers");
		if (outside_start(s, json_integer_value(id), NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int
obey(struct sim *s, struct exec *x, const json_t *answer, struct err *e)
{
	const json_t *ids = json_object_get(answer, "job_ids");

	if (!rec_is(answer, "start"))
		return err_perm(e, "its answer is not a start record");
	x->wake_at = NEVER;
	if (start_all(s, ids, e) < 0 || rec_int(answer, "wake_at", 0, REC_MAX,
	    &x->wake_at, e) < 0)
		return -1;
	if (x->wake_at < s->now || (x->wake_at == s->now &&
	    json_array_size(ids) == 0))
		return err_perm(e, "wants to wake at %lld, which has passed",
		    (long long)x->wake_at);
	return 0;
}

static void
exec_pass(struct sim *s)
{
	struct exec *x = s->own;
	json_t *answer = NULL;
	struct err e;

	if (s->failed || s->stopped)
		return;
	if (tell_pass(s, x, &e) < 0 || child_ask(&x->child, &x->line, &answer,
	    s->timeout_ms, &e) < 0 || obey(s, x, answer, &e) < 0) {
		s->stopped = watch_stopped();
		if (!s->stopped)
			(void)fail(s, &e);
	}
	json_decref(answer);
}

static int64_t
exec_wake(const struct sim *s)
{
	const struct exec *x = s->own;

	return x->wake_at;
}

static void
exec_release(struct sim *s)
{
	struct exec *x = s->own;
	struct err e;

	bool early = s->failed || s->stopped;

	if (child_end(&x->child, early ? 0 : s->timeout_ms, &e) < 0 && !early)
		warn("%s: %s", s->command, e.text);
	(void)sigaction(SIGPIPE, &x->sigpipe, NULL);
	buf_release(&x->line);
	buf_release(&x->jobs);
	buf_release(&x->record);
}

const struct policy policy_exec = {
	.name = "exec", .init = exec_init, .end = exec_end,
	.pass = exec_pass, .wake = exec_wake, .release = exec_release,
	.outside = true,
};
