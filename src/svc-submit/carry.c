/*
 * carry.c - carries orders out on Slurm, each at most once.
 *
 * Orders wait in one list and are tried in rounds. A round asks for my jobs
 * once, if an order must find a job or make sure that none carries its request
 * yet; tries each order that is due; and asks once more whether somebody else
 * submitted one of the same requests meanwhile. Then the lower job id wins,
 * and who has the higher one cancels it: so two of us on two login nodes need
 * not know of each other.
 *
 * When slurmctld does not answer, the rest of the round is put off with the
 * order that noticed it: each call may take as long as MessageTimeout.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "announce.h"
#include "clock.h"
#include "die.h"
#include "map.h"
#include "rec.h"
#include "rng.h"
#include "slurmio.h"
#include "submit.h"

enum {
	WAIT_FIRST_MS = 1000,
	WAIT_MAX_MS = 30000,
	JITTER_PERCENT = 20,
	LOOKS = 2,	/* in vain, before an unknown outcome is "no" */
};

static struct order orders[WORK_MAX];
static size_t orders_len;
static struct rng jitter;
static int64_t rate_due_ms;	/* no submission before */

void
work_open(void)
{
	struct err e;

	rng_seed(&jitter, settings.seed);
	if (slurmio_open(&e) < 0)
		die_err(&e);
}

void
work_add(struct order *o)
{
	orders[orders_len++] = *o;
	*o = (struct order){ 0 };
}

size_t
work_len(void)
{
	return orders_len;
}

int64_t
work_wait_ms(void)
{
	int64_t first = INT64_MAX;
	size_t i;

	for (i = 0; i < orders_len; i++)
		first = MIN(first, orders[i].due_ms);
	if (orders_len == 0)
		return -1;
	return MAX(first - clock_mono_ms(), 0);
}

/* ---- tries that fail ---- */

static void
put_off(struct order *o, int64_t now)
{
	o->wait_ms = o->wait_ms == 0 ? WAIT_FIRST_MS :
	    MIN(o->wait_ms * 2, WAIT_MAX_MS);
	o->due_ms = now + rng_jitter(&jitter, o->wait_ms, JITTER_PERCENT);
	o->due_ms = MIN(o->due_ms, o->deadline_ms);
}

/* The last word on an order that ran out of time. */
static void
give_up(struct order *o, const struct err *e)
{
	struct err last = *e;

	if (o->state == ORDER_SUBMITTED) {
		order_done(o, false);
		return;
	}
	if (o->state == ORDER_UNKNOWN)
		(void)err_prefix(&last, "outcome unknown");
	order_refused(o, &last);
}

/* A try failed: another one later, if there is time and it can help. */
static void
failed(struct order *o, const struct err *e)
{
	int64_t now = clock_mono_ms();

	if (e->status != ST_TEMP) {
		give_up(o, e);
		return;
	}
	if (o->deadline_ms == 0)
		o->deadline_ms = now + settings.timeout_ms;
	if (now >= o->deadline_ms) {
		give_up(o, e);
		return;
	}
	put_off(o, now);
	o->error = *e;
	chat("%s; next try in %.1f s", e->text,
	    (double)(o->due_ms - now) / 1000);
}

/* ---- finding jobs ---- */

/* My jobs as one answer of Slurm's has them. */
struct look {
	struct slurmio_jobs jobs;
	struct map by_request;	/* the lowest job that carries each */
};

static void
look_close(struct look *look)
{
	map_release(&look->by_request, NULL);
	slurmio_jobs_release(&look->jobs);
}

/* 0; -1 and *e, and there is nothing to close. */
static int
look_open(struct look *look, struct err *e)
{
	struct announce a;
	size_t i;

	if (slurmio_my_jobs(&look->jobs, e) < 0)
		return -1;
	map_init(&look->by_request);
	for (i = 0; i < look->jobs.len; i++) {
		if (!announce_parse(look->jobs.list[i].comment, &a) ||
		    a.request[0] == '\0' ||
		    map_get(&look->by_request, a.request) != NULL)
			continue;
		if (map_set(&look->by_request, a.request,
		    &look->jobs.list[i]) < 0) {
			(void)err_errno(e, "the jobs' requests");
			look_close(look);
			return -1;
		}
	}
	return 0;
}

static const struct slurmio_job *
find_id(const struct look *look, int64_t job_id)
{
	size_t i;

	for (i = 0; i < look->jobs.len; i++)
		if (look->jobs.list[i].job_id == job_id)
			return &look->jobs.list[i];
	return NULL;
}

static const struct slurmio_job *
find_request(const struct look *look, const char *request)
{
	return map_get(&look->by_request, request);
}

/* Whether an order before this one has the same request. */
static bool
has_twin(const struct order *o)
{
	const struct order *other;

	for (other = orders; o->request != NULL && other < o; other++)
		if (other->request != NULL &&
		    strcmp(other->request, o->request) == 0)
			return true;
	return false;
}

/* Whether it takes a look at the jobs before the order can be carried out. */
static bool
must_look(const struct order *o)
{
	if (o->kind != ORDER_SUBMIT || o->state == ORDER_UNKNOWN)
		return true;
	return o->state == ORDER_NEW && o->request != NULL && !o->own_request;
}

/* ---- submitting ---- */

extern char **environ;

/* Our own environment with the order's on top; NULL: no memory. */
static char **
environment(const struct order *o)
{
	size_t n = 0, more = 0, i, j;
	char **env;

	while (environ[n] != NULL)
		n++;
	while (o->env != NULL && o->env[more] != NULL)
		more++;
	env = calloc(n + more + 1, sizeof(env[0]));
	if (env == NULL)
		return NULL;
	memcpy(env, environ, n * sizeof(env[0]));
	for (i = 0; i < more; i++) {
		size_t len = strcspn(o->env[i], "=") + 1;

		for (j = 0; j < n && strncmp(env[j], o->env[i], len) != 0; j++)
			;
		n += j == n;
		env[j] = o->env[i];
	}
	return env;
}

static int64_t
submit_job(const struct order *o, struct err *e)
{
	char **env;
	int64_t job_id;

	env = environment(o);
	if (env == NULL)
		return err_temp(e, "out of memory");
	job_id = settings.via_sbatch ?
	    sbatch_submit(o, env, settings.timeout_ms, e) :
	    slurmio_submit(&o->spec, o->script, o->argv, env, e);
	free(env);
	return job_id;
}

static void
count_rate(int64_t now)
{
	if (settings.rate_e6 != 0)
		rate_due_ms = MAX(now, rate_due_ms) +
		    1000 * INT64_C(1000000) / settings.rate_e6;
}

/* The order is new and nobody carries its request. 0; -1 and *e. */
static int
submit_new(struct order *o, struct err *e)
{
	struct err said;
	int64_t job_id;

	count_rate(clock_mono_ms());
	job_id = submit_job(o, e);
	if (job_id >= 0) {
		o->job_id = job_id;
		o->state = ORDER_SUBMITTED;
		if (o->request == NULL || o->own_request)
			order_done(o, false);
		return 0;
	}
	if (!e->unknown)
		return -1;
	if (o->request == NULL) {
		said = *e;	/* *e is of others too, if Slurm is away */
		said.status = ST_TEMP;
		(void)err_prefix(&said, "outcome unknown, not repeated");
		order_refused(o, &said);
		return -1;
	}
	o->state = ORDER_UNKNOWN;
	o->looks = 0;
	return -1;
}

/* Submitted, but no answer came. 1: the job is there, or it is put off. */
static int
look_again(struct order *o, const struct slurmio_job *job)
{
	struct err e;

	if (job != NULL) {
		o->job_id = job->job_id;
		order_done(o, false);
		return 1;
	}
	if (++o->looks < LOOKS) {
		(void)err_temp(&e, "no job carries request %.100s yet",
		    o->request);
		failed(o, &e);
		return 1;
	}
	o->state = ORDER_NEW;
	return 0;
}

static int
carry_submit(struct order *o, const struct look *look, struct err *e)
{
	const struct slurmio_job *job = NULL;

	if (must_look(o))
		job = find_request(look, o->request);
	if (o->state == ORDER_UNKNOWN) {
		if (look_again(o, job))
			return 0;
	} else if (job != NULL) {
		o->job_id = job->job_id;
		order_done(o, true);
		return 0;
	}
	if (has_twin(o))	/* the next look will find its job */
		return err_temp(e, "request %.100s is being carried out "
		    "already", o->request);
	if (clock_mono_ms() < rate_due_ms) {
		o->due_ms = rate_due_ms;
		return 0;
	}
	return submit_new(o, e);
}

/* ---- draining and cancelling ---- */

static const struct slurmio_job *
find_target(const struct order *o, const struct look *look,
    struct err *e)
{
	const struct slurmio_job *job = find_id(look, o->job_id);

	if (job == NULL)
		(void)err_perm(e, "job %lld is not among your jobs",
		    (long long)o->job_id);
	else if (o->submit_at != 0 && job->submit_at != o->submit_at) {
		(void)err_perm(e, "job %lld is another job now: submitted at "
		    "%lld, not %lld", (long long)o->job_id,
		    (long long)job->submit_at, (long long)o->submit_at);
		job = NULL;
	}
	return job;
}

/* The Comment that says draining; 0: it says so already. */
static int
draining_comment(const struct slurmio_job *job, char text[ANNOUNCE_MAX],
    struct err *e)
{
	struct announce a;

	if (!announce_parse(job->comment, &a)) {
		if (job->comment[0] != '\0')
			return err_perm(e, "job %u is no service's: its "
			    "comment is not ours to change", job->job_id);
		if (strlen(job->name) >= sizeof(a.name))
			return err_perm(e, "job %u: its name is too long",
			    job->job_id);
		memcpy(a.name, job->name, strlen(job->name) + 1);
	}
	if (a.state == ANNOUNCE_UNKNOWN) {
		a.restart = job->restart;
	} else if (a.restart < job->restart) {
		/* said before it was requeued: that URL is dead */
		a.url[0] = '\0';
		a.restart = job->restart;
	} else if (a.state == ANNOUNCE_DRAINING) {
		return 0;
	}
	a.state = ANNOUNCE_DRAINING;
	return announce_format(&a, text, e) < 0 ? -1 : 1;
}

static int
drain(const struct slurmio_job *job, struct err *e)
{
	char text[ANNOUNCE_MAX];
	int rc;

	if (!rec_state_is_live(job->state))
		return 0;
	rc = draining_comment(job, text, e);
	if (rc > 0)
		rc = slurmio_set_comment(job->job_id, text, e);
	return MIN(rc, 0);	/* ended meanwhile: nothing left to drain */
}

static int
carry_end(struct order *o, const struct look *look, struct err *e)
{
	const struct slurmio_job *job = find_target(o, look, e);
	int rc = 0;

	if (job == NULL)
		return -1;
	if (o->kind == ORDER_DRAIN)
		rc = drain(job, e);
	else if (rec_state_is_live(job->state))
		rc = slurmio_cancel(job->job_id, e);
	if (rc == 0)
		order_done(o, false);
	return rc;
}

/* ---- rounds ---- */

/* Has somebody else submitted what we just did? */
static void
settle(struct order *o, const struct look *look)
{
	const struct slurmio_job *job = find_request(look, o->request);
	int64_t ours = o->job_id;
	struct err e;

	if (job == NULL || job->job_id >= ours) {
		order_done(o, false);
		return;
	}
	note("job %lld is cancelled: job %u carries request %s already",
	    (long long)ours, job->job_id, o->request);
	if (slurmio_cancel((uint32_t)ours, &e) < 0) {
		warn("%s", e.text);
		if (e.status == ST_TEMP) {
			failed(o, &e);
			return;
		}
	}
	o->job_id = job->job_id;
	order_done(o, true);
}

static void
settle_all(int64_t now)
{
	struct look look;
	struct order *o;
	struct err e;
	int asked = 0;	/* 1: look is there; -1: e is */

	for (o = orders; o < orders + orders_len; o++) {
		if (o->state != ORDER_SUBMITTED || o->due_ms > now)
			continue;
		if (asked == 0)
			asked = look_open(&look, &e) < 0 ? -1 : 1;
		if (asked > 0)
			settle(o, &look);
		else
			failed(o, &e);
	}
	if (asked > 0)
		look_close(&look);
}

static bool
anyone_must_look(int64_t now)
{
	size_t i;

	for (i = 0; i < orders_len; i++)
		if (orders[i].due_ms <= now && must_look(&orders[i]))
			return true;
	return false;
}

static void
forget_answered(void)
{
	size_t i, kept = 0;

	for (i = 0; i < orders_len; i++) {
		if (orders[i].state == ORDER_ANSWERED)
			order_release(&orders[i]);
		else
			orders[kept++] = orders[i];
	}
	orders_len = kept;
}

/* The order's try. -1: slurmctld is away, as *e says. */
static int
carry(struct order *o, const struct look *look, struct err *e)
{
	int rc = o->kind == ORDER_SUBMIT ? carry_submit(o, look, e) :
	    carry_end(o, look, e);

	if (rc == 0)
		return 0;
	if (o->state != ORDER_ANSWERED)
		failed(o, e);
	return slurmio_is_away(e) ? -1 : 0;
}

static void
hold_for_rate(int64_t now)
{
	struct order *o;

	for (o = orders; o < orders + orders_len && now < rate_due_ms; o++)
		if (o->kind == ORDER_SUBMIT && o->state == ORDER_NEW)
			o->due_ms = MAX(o->due_ms, rate_due_ms);
}

void
work_round(void)
{
	int64_t now = clock_mono_ms();
	struct look look = { 0 };
	struct order *o;
	struct err e;
	int64_t away_due_ms = 0;
	bool away = false;

	hold_for_rate(now);
	if (anyone_must_look(now) && look_open(&look, &e) < 0)
		away = true;
	for (o = orders; o < orders + orders_len && !told_to_end(); o++) {
		if (o->due_ms > now || o->state == ORDER_SUBMITTED)
			continue;
		if (!away && carry(o, &look, &e) == 0)
			continue;
		if (away)
			failed(o, &e);
		away = true;
		/* together again, or each would need a look of its own */
		if (away_due_ms == 0)
			away_due_ms = o->due_ms;
		o->due_ms = MIN(away_due_ms, MAX(o->deadline_ms, 1));
	}
	look_close(&look);
	settle_all(now);
	forget_answered();
}

void
work_refuse_all(void)
{
	struct order *o;
	struct err e;

	for (o = orders; o < orders + orders_len; o++) {
		(void)err_temp(&e, "told to end before it could be carried "
		    "out");
		give_up(o, &e);
	}
	forget_answered();
}
