/*
 * rounds-say.c - what the rounds family writes: `round` records, one for each
 * round in which something else runs than in the one before, and the jobs.
 */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest text that reads back as the same number. */
static int
add_real(struct buf *b, double x)
{
	char text[32];
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	return buf_adds(b, text);
}

static int
add_gpus(struct buf *b, const struct servers *s, const struct share *sh)
{
	uint64_t left = sh->gpus;

	for (; left != 0; left &= left - 1)
		if (buf_addf(b, "%s%lld", left == sh->gpus ? "" : ",",
		    (long long)s->list[sh->server].first_gpu +
		    __builtin_ctzll(left)) < 0)
			return -1;
	return 0;
}

/* {"server":0,"gpus":[2,3],"cpus":12,"mem_gb":250} */
static int
add_share(struct buf *b, const struct servers *s, const struct run *run,
    const struct share *sh)
{
	double part = (double)sh->len / run->job->gpus;

	if (buf_addf(b, "{\"server\":%lld,\"gpus\":[",
	    (long long)sh->server) < 0 || add_gpus(b, s, sh) < 0 ||
	    buf_adds(b, "],\"cpus\":") < 0 ||
	    add_real(b, sh->have.v[CPU] * part) < 0 ||
	    buf_adds(b, ",\"mem_gb\":") < 0 ||
	    add_real(b, sh->have.v[MEM] * part) < 0)
		return -1;
	return buf_addc(b, '}');
}

/* With fair shares SYNERGY names the speed that all it can use would make. */
static double
speed_of(const struct rounds *r, const struct run *run)
{
	return r->allocation == FAIR && !r->o->synergy ? run->speed :
	    run->job->speed;
}

static int
add_run(struct buf *b, const struct rounds *r, const struct run *run)
{
	const struct servers *s = &r->servers;
	int i;

	if (buf_addf(b, "{\"job_id\":%lld,\"speedup\":",
	    (long long)run->job->id) < 0 || add_real(b, speed_of(r, run)) < 0 ||
	    buf_adds(b, ",\"shares\":[") < 0)
		return -1;
	for (i = 0; i < run->shares_len; i++)
		if ((i > 0 && buf_addc(b, ',') < 0) ||
		    add_share(b, s, run, &run->shares[i]) < 0)
			return -1;
	return buf_adds(b, "]}");
}

/* What runs, where: by this a round differs from another. */
static int
add_running(struct buf *b, const struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->runs_len; i++)
		if ((i > 0 && buf_addc(b, ',') < 0) ||
		    add_run(b, r, &r->runs[i]) < 0)
			return -1;
	return 0;
}

/* The whole record; -1: it is longer than records may be. */
static int
add_round(struct buf *b, const struct rounds *r)
{
	size_t i;

	if (buf_addf(b, "{\"kind\":\"round\",\"at\":%lld,\"order\":[",
	    (long long)r->now) < 0)
		return -1;
	for (i = 0; i < r->order_len; i++)
		if (buf_addf(b, "%s%lld", i > 0 ? "," : "",
		    (long long)r->order[i].job->id) < 0)
			return -1;
	if (buf_adds(b, "],\"running\":[") < 0 ||
	    buf_add(b, r->saying.data, r->saying.len) < 0)
		return -1;
	return buf_adds(b, "]}");
}

static int
too_long(const struct rounds *r, struct err *e)
{
	return err_perm(e, "--rounds: the round at %lld does not fit in a "
	    "record of %zu bytes", (long long)r->now, ND_LINE_MAX);
}

int
rounds_say_round(struct rounds *r, struct err *e)
{
	struct buf last = r->said, line = BUF_INIT(ND_LINE_MAX);
	int got;

	r->said = r->saying;
	r->saying = last;
	buf_cut(&r->saying, 0);
	if (add_running(&r->saying, r) < 0)
		return too_long(r, e);
	if (strcmp(buf_str(&r->said), buf_str(&r->saying)) == 0)
		return 0;
	got = add_round(&line, r);
	if (got == 0)
		(void)puts(buf_str(&line));
	buf_release(&line);
	return got < 0 ? too_long(r, e) : 0;
}

/* The GPUs of a run in some groups. */
static int64_t
gpus_in(const struct rounds *r, const struct run *run, uint64_t where)
{
	int64_t gpus = 0;
	int i;

	for (i = 0; i < run->shares_len; i++) {
		const struct share *sh = &run->shares[i];

		if (where >> r->servers.list[sh->server].group & 1)
			gpus += sh->len;
	}
	return gpus;
}

static const struct run *
run_of(const struct rounds *r, const struct rjob *j)
{
	const struct run *run = r->runs;

	while (run->job != j)
		run++;
	return run;
}

/* The jobs that run before place n of the order, and their GPUs of those. */
static size_t
count_before(const struct rounds *r, size_t n, uint64_t where, int64_t *gpus)
{
	size_t i, jobs = 0;
	int64_t n_gpus;

	*gpus = 0;
	for (i = 0; i < n; i++) {
		const struct rjob *j = r->order[i].job;

		if (j->left_at != r->now + ROUND_S)
			continue;
		n_gpus = gpus_in(r, run_of(r, j), where);
		*gpus += n_gpus;
		jobs += n_gpus > 0;
	}
	return jobs;
}

static void
say_needs(const struct rounds *r, const struct rjob *j)
{
	const struct want *want = r->allocation == FAIR ? j->kind->fair_on :
	    j->kind->need_on;

	if (r->servers.types_len == 1)
		(void)printf("the %g CPUs, %g GB and %g MB/s that each of its "
		    "%d needs\"}\n", want->all.v[CPU] / j->gpus,
		    want->all.v[MEM] / j->gpus, want->all.v[SPEED] / j->gpus,
		    j->gpus);
	else
		(void)printf("the CPUs and the memory that each of its %d "
		    "would have there\"}\n", j->gpus);
}

/* Called when the round has been credited, and nobody has left the order. */
void
rounds_say_why(const struct rounds *r)
{
	const struct rjob *j = r->explained;
	const struct servers *s = &r->servers;
	bool anywhere = j->kind->where == kind_everywhere(s);
	const char *its = anywhere ? "" : " it may use";
	int64_t all = kind_gpus(s, j->kind->where), held;
	size_t at = 0, jobs;

	while (at < r->order_len && r->order[at].job != j)
		at++;
	if (at == r->order_len || j->left_at == r->now + ROUND_S)
		return;
	jobs = count_before(r, at, j->kind->where, &held);
	(void)printf("{\"kind\":\"event\",\"event\":\"waits\",\"job_id\":%lld,"
	    "\"at\":%lld,\"why\":\"place %zu of %zu: ", (long long)j->id,
	    (long long)r->now, at + 1, r->order_len);
	if (all - held < j->gpus) {
		(void)printf("%zu jobs before it have %lld of the %lld GPUs%s, "
		    "and it needs %d\"}\n", jobs, (long long)held,
		    (long long)all, its, j->gpus);
		return;
	}
	(void)printf("%lld of the %lld GPUs%s are left, but not with ",
	    (long long)(all - held), (long long)all, its);
	say_needs(r, j);
}

/* How long it waited, where submit_at is a whole number, and has a sense. */
static void
say_wait(const struct rjob *j)
{
	int64_t submit_at = (int64_t)j->submit_at;

	if ((double)submit_at == j->submit_at && submit_at <= j->start_at)
		(void)printf(",\"wait_s\":%lld",
		    (long long)(j->start_at - submit_at));
}

/* The record as it came, and what was found out at its end. */
static void
say_job(const struct rjob *j)
{
	(void)fputs(j->line, stdout);
	if (j->start_at >= 0)
		(void)printf(",\"start_at\":%lld", (long long)j->start_at);
	if (j->end_at >= 0)
		(void)printf(",\"end_at\":%lld", (long long)j->end_at);
	if (j->start_at >= 0)
		say_wait(j);
	(void)printf(",\"rounds\":%lld,\"preemptions\":%lld,"
	    "\"tuned_rounds\":%lld,\"servers\":%lld}\n",
	    (long long)j->rounds, (long long)j->preemptions,
	    (long long)j->tuned_rounds, (long long)j->servers);
}

void
rounds_say_jobs(const struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->ended_len; i++)
		say_job(r->ended[i]);
	for (i = 0; !r->stopped && i < r->jobs_len; i++)
		if (r->jobs[i].end_at < 0)
			say_job(&r->jobs[i]);
}
