/*
 * rounds.c - the loop of the rounds family. Before each round all jobs that
 * have arrived are put in order and packed on empty servers; what runs makes
 * whole iterations for the round, and ends at the end of one.
 */
#include "rounds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "rec.h"
#include "xalloc.h"

/* ---- packing ---- */

/*
 * What is free only becomes less within a round, so that where one did not fit
 * none that asks for the same does. A kind is open while that has not been
 * seen, and some of it have not been tried.
 */
static bool
is_open(const struct kind *k)
{
	return !k->failed && k->tried < k->here;
}

static void
open_kinds(struct rounds *r)
{
	int i;

	r->open = 0;
	for (i = 0; i < r->kinds_len; i++) {
		struct kind *k = r->kinds[i];

		k->tried = 0;
		k->failed = false;
		r->open += is_open(k);
	}
}

static const struct want *
wants(const struct rounds *r, const struct kind *k)
{
	return r->allocation == FAIR ? k->fair_on : k->need_on;
}

/* As its model has it, or not at all. */
static bool
try_job(struct rounds *r, struct run *run)
{
	struct rjob *j = run->job;

	if (!place(&r->servers, run, wants(r, j->kind), r->together))
		return false;
	if (r->allocation != FAIR)
		j->speed = run->speed;
	run->pace_s = j->iter_s / run->speed;
	return true;
}

/* 1; 0: it does not fit; -1 and *e. */
static int
pack_job(struct rounds *r, struct rjob *j, struct err *e)
{
	struct run *run = &r->runs[r->runs_len];

	if (j->gpus > place_free(&r->servers, j->kind->where))
		return 0;
	run->job = j;
	if (r->allocation == TUNE ?
	    tune_place(r, run, j->kind->need_on, e) < 0 :
	    r->allocation == OPT && opt_place(r, run, e) < 0)
		return -1;
	if (r->allocation != TUNE && r->allocation != OPT && !try_job(r, run))
		return 0;
	r->runs_len++;
	return 1;
}

/*
 * Where a packing looks at the same jobs in the same order as the last one, it
 * would end the same: shares depend on nothing else.
 */
static bool
same_as_last(const struct rounds *r, const struct rank *list, size_t len)
{
	size_t i;
	int k;

	if (r->tried_len > len)
		return false;
	for (i = 0; i < r->tried_len; i++)
		if (list[i].job != r->tried[i])
			return false;
	for (k = 0; k < r->kinds_len && r->servers.free_gpus > 0; k++)
		if (is_open(r->kinds[k]))
			return false;
	return r->tried_len > 0;
}

static int
pack_list(struct rounds *r, const struct rank *list, size_t len,
    struct err *e)
{
	size_t i;
	int got;

	for (i = 0; i < len && r->servers.free_gpus > 0 && r->open > 0; i++) {
		struct kind *k = list[i].job->kind;

		r->tried[i] = list[i].job;
		k->tried++;
		if (k->failed)
			continue;
		got = pack_job(r, list[i].job, e);
		if (got < 0)
			return -1;
		k->failed = got == 0;
		r->open -= !is_open(k);
	}
	r->tried_len = i;
	return 0;
}

/* Whether one that was not tried could run beside what was packed. */
static bool
others_can_run(struct rounds *r)
{
	struct run *run = &r->runs[r->runs_len];
	int i;

	for (i = 0; i < r->kinds_len && r->servers.free_gpus > 0; i++) {
		struct kind *k = r->kinds[i];
		struct rjob like = { .kind = k, .gpus = k->gpus };

		run->job = &like;
		if (!is_open(k))
			continue;
		if (k->gpus <= place_free(&r->servers, k->where) &&
		    (r->allocation == TUNE || place_fits(&r->servers, run,
		    wants(r, k), r->together)))
			return true;
		k->failed = true;
	}
	return false;
}

static double
most_gpus(struct rounds *r, const struct rjob *j)
{
	(void)r;
	return -j->gpus;
}

static int
pack(struct rounds *r, struct err *e)
{
	bool first = r->allocation == OPT ||
	    (r->o->synergy && r->policy->first_only);
	const struct rank *list = first ? r->first : r->order;
	size_t i, len = first ? r->first_len : r->sure_len;

	if (r->o->synergy && r->policy->first_only && r->allocation == TUNE)
		rounds_first_by(r, most_gpus);
	if (!r->drifts && same_as_last(r, list, len))
		return 0;
	for (i = 0; i < r->near_len; i++)
		r->order[i].job->speed = r->order[i].job->speedup;
	place_clear(&r->servers);
	r->runs_len = 0;
	open_kinds(r);
	if (r->allocation == OPT && opt_choose(r, e) < 0)
		return -1;
	return pack_list(r, list, len, e);
}

/* ---- a round ---- */

/* Whole iterations alone; what a round has no room for is lost. */
static void
progress(struct rjob *j, double pace_s)
{
	j->iters_done = MIN(j->iters, j->iters_done +
	    (int64_t)(ROUND_S / pace_s));
}

/* Begun iterations go on in the next round, and the last one ends the job. */
static void
progress_exactly(const struct rounds *r, struct rjob *j, double pace_s)
{
	double left = (double)(j->iters - j->iters_done) - j->part_done;
	double left_s = left * pace_s - 1e-6;	/* roundings add up */
	double made = j->part_done + ROUND_S / pace_s, whole;

	if (left_s <= ROUND_S) {
		j->end_at = r->now + MAX(1, (int64_t)ceil(left_s));
		j->iters_done = j->iters;
		return;
	}
	j->part_done = modf(made, &whole);
	j->iters_done = MIN(j->iters - 1, j->iters_done + (int64_t)whole);
}

static void
credit(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->runs_len; i++) {
		const struct run *run = &r->runs[i];
		struct rjob *j = run->job;

		if (j->start_at < 0)
			j->start_at = r->now;
		else if (j->left_at != r->now)
			j->preemptions++;
		if (j->ran_s == j->base_s)
			j->base_at = r->now;
		j->rounds++;
		j->tuned_rounds += j->speed != j->speedup;
		j->servers = MAX(j->servers, run->shares_len);
		if (r->o->exact)
			progress_exactly(r, j, run->pace_s);
		else
			progress(j, run->pace_s);
		j->ran_s += ROUND_S;
		j->left_at = r->now + ROUND_S;
	}
}

static bool
is_done(const struct rjob *j)
{
	return j->iters_done >= j->iters;
}

/* Of those that end in one round, too, the first to end is the first. */
static void
add_ended(struct rounds *r, struct rjob *j)
{
	size_t at = r->ended_len++;

	for (; at > 0 && r->ended[at - 1]->end_at > j->end_at; at--)
		r->ended[at] = r->ended[at - 1];
	r->ended[at] = j;
	if (j->id >= r->o->window[0] && j->id < r->o->window[1])
		r->window_left--;
}

/* Takes those that have ended out of the order. */
static void
end_round(struct rounds *r)
{
	size_t i, kept = 0, moved;

	for (i = 0; i < r->near_len; i++) {
		struct rjob *j = r->order[i].job;

		if (!is_done(j)) {
			r->order[kept++] = r->order[i];
			continue;
		}
		if (j->end_at < 0)
			j->end_at = r->now + ROUND_S;
		j->kind->here--;
		add_ended(r, j);
	}
	moved = MIN(r->near_len - kept, r->order_len - r->near_len);
	memcpy(r->order + kept, r->order + r->order_len - moved,
	    moved * sizeof(*r->order));
	r->order_len -= r->near_len - kept;
	r->near_len = kept;
}

static void
admit_job(struct rounds *r, struct rjob *j)
{
	j->kind->here++;
	r->order[r->order_len++] = r->order[r->near_len];
	r->order[r->near_len++] = (struct rank){
		.job = j, .submit_at = j->submit_at,
	};
	r->arrived++;
}

/* All that comes before this round, as SYNERGY's events have it. */
static void
admit_by_events(struct rounds *r)
{
	struct event ev;

	while ((ev = events_pop(&r->events)).what != ROUND_BEGINS) {
		if (ev.what == ARRIVES)
			admit_job(r, &r->jobs[ev.number]);
		else if (r->drifts)
			place_release(&r->servers, &r->runs[ev.number]);
	}
	if (r->drifts)
		place_keep(&r->servers);
}

static void
admit(struct rounds *r)
{
	bool all = r->o->at_once && !r->o->synergy;

	if (r->by_events) {
		admit_by_events(r);
		return;
	}
	while (r->arrived < r->jobs_len &&
	    (all || r->jobs[r->arrived].submit_at <= (double)r->now))
		admit_job(r, &r->jobs[r->arrived]);
}

/* The next round. */
static void
expect_round(struct rounds *r, int64_t at)
{
	if (r->by_events)
		events_push(&r->events, (struct event){
			.at = (double)at, .what = ROUND_BEGINS,
		});
}

/* The ends of all that runs, and the next round. */
static void
expect_ends(struct rounds *r)
{
	size_t i;

	for (i = 0; r->by_events && i < r->runs_len; i++)
		events_push(&r->events, (struct event){
			.at = (double)(r->now + ROUND_S), .what = ROUND_ENDS,
			.number = i,
		});
	expect_round(r, r->now + ROUND_S);
}

/* The beginning of the first round at or after a time. */
static int64_t
round_at(const struct rounds *r, double t)
{
	int64_t first = r->o->at_once ? 1 : 0;
	int64_t at = ((int64_t)t - first) / ROUND_S * ROUND_S + first;

	return (double)at < t ? at + ROUND_S : at;
}

static int
one_round(struct rounds *r, struct err *e)
{
	rounds_order(r);
	if (r->o->synergy || r->allocation == OPT)
		rounds_choose_first(r);
	if (pack(r, e) < 0)
		return -1;
	if (r->sure_len < r->order_len && others_can_run(r)) {
		rounds_order_all(r);
		if (pack(r, e) < 0)
			return -1;
	}
	rounds_split(r);
	/* and nothing could ever change that, but roundings of others */
	if (r->runs_len == 0 && !(r->drifts && r->arrived < r->jobs_len))
		return err_perm(e, "job %lld: does not fit on empty servers",
		    (long long)r->order[0].job->id);
	if (r->o->synergy && r->allocation != OPT && r->servers.overdrawn)
		return err_perm(e, "at %lld more was shared out than a server "
		    "has, or given back than was shared out: SYNERGY's "
		    "simulator dies there", (long long)r->now);
	expect_ends(r);
	if (r->o->say_rounds && rounds_say_round(r, e) < 0)
		return -1;
	credit(r);
	if (r->explained != NULL)
		rounds_say_why(r);
	end_round(r);
	return 0;
}

/* Nobody is there: on to the next arrival. false: there is none. */
static bool
skip_idle(struct rounds *r)
{
	if (r->arrived == r->jobs_len)
		return false;
	if (r->drifts)	/* the original ends here, and so do its roundings */
		place_forget(&r->servers);
	r->drifts = false;
	r->now = round_at(r, r->by_events ? r->events.list[0].at :
	    r->jobs[r->arrived].submit_at);
	expect_round(r, r->now);
	admit(r);
	return true;
}

static void
begin_events(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->jobs_len; i++)
		events_push(&r->events, (struct event){
			.at = r->jobs[i].submit_at, .what = ARRIVES,
			.number = i,
		});
	expect_round(r, r->now);
}

static int
simulate(struct rounds *r, struct err *e)
{
	r->now = r->o->at_once || r->jobs_len == 0 ? 1 :
	    round_at(r, r->jobs[0].submit_at);
	if (r->by_events)
		begin_events(r);
	for (;; r->now += ROUND_S) {
		r->stopped = !r->o->go_on(r->now, (int64_t)r->ended_len,
		    (int64_t)r->jobs_len);
		if (r->stopped)
			return 0;
		admit(r);
		if (r->order_len == 0) {
			r->runs_len = r->tried_len = 0;
			if (r->o->say_rounds && rounds_say_round(r, e) < 0)
				return -1;
			if (!skip_idle(r))
				return 0;
		}
		if (one_round(r, e) < 0)
			return -1;
		if (r->o->window[0] >= 0 && r->window_left == 0)
			return 0;
	}
}

/* ---- the whole ---- */

static void
make_room(struct rounds *r)
{
	size_t n = r->jobs_len + 1;
	struct servers *s = &r->servers;
	int64_t i;

	r->order = xcalloc(n, sizeof(*r->order));
	r->scratch = xcalloc(n, sizeof(*r->scratch));
	r->first = xcalloc(n, sizeof(*r->first));
	r->tried = xcalloc(n, sizeof(*r->tried));
	r->ended = xcalloc(n, sizeof(*r->ended));
	r->runs = xcalloc((size_t)s->gpus, sizeof(*r->runs));
	s->shares = xcalloc((size_t)s->gpus, sizeof(*s->shares));
	s->spots = xcalloc((size_t)s->len, sizeof(*s->spots));
	for (i = 0; i < s->len; i++)
		s->list[i].shares = xcalloc((size_t)s->list[i].type->gpus,
		    sizeof(struct share *));
}

static void
release(struct rounds *r)
{
	int64_t i;
	size_t j;

	for (i = 0; r->servers.list != NULL && i < r->servers.len; i++)
		free(r->servers.list[i].shares);
	for (j = 0; j < r->jobs_len; j++)
		free(r->jobs[j].line);
	free(r->servers.list);
	free(r->servers.shares);
	free(r->servers.spots);
	free(r->events.list);
	kinds_free(r);
	free(r->gittins);
	opt_free(r->opt);
	free(r->jobs);
	free(r->order);
	free(r->scratch);
	free(r->first);
	free(r->tried);
	free(r->ended);
	free(r->runs);
	buf_release(&r->saying);
	buf_release(&r->said);
}

/* Counts the window's jobs. 0; -1 and *e: there is none. */
static int
set_window(struct rounds *r, const int64_t window[2], struct err *e)
{
	size_t i;

	for (i = 0; i < r->jobs_len; i++)
		r->window_left += r->jobs[i].id >= window[0] &&
		    r->jobs[i].id < window[1];
	if (window[0] >= 0 && r->window_left < window[1] - window[0])
		return err_perm(e, "window %lld:%lld: the input has only %lld "
		    "of these jobs", (long long)window[0],
		    (long long)window[1], (long long)r->window_left);
	return 0;
}

/* Finds the job to be explained. */
static int
set_explained(struct rounds *r, struct err *e)
{
	size_t i;

	for (i = 0; i < r->jobs_len; i++)
		if (r->jobs[i].id == r->o->explain)
			r->explained = &r->jobs[i];
	if (r->o->explain >= 0 && r->explained == NULL)
		return err_perm(e, "job %lld, to be explained, is not in the "
		    "input", (long long)r->o->explain);
	return 0;
}

static int
check_end(const struct rounds *r, struct err *e)
{
	int64_t at = r->ended_len > 0 ? r->ended[r->ended_len - 1]->end_at : 0;

	return at <= REC_MAX ? 0 : err_perm(e, "the last job ends at %lld, and "
	    "records have no time after %lld", (long long)at,
	    (long long)REC_MAX);
}

/* Whether shares of a server may come to more or less than it, by roundings. */
static bool
drifts(const struct servers *s)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (fmod(s->fair.v[k] * (1 << 20), 1) != 0)
			return true;
	return false;
}

/*
 * With fair shares SYNERGY also looks at the network, of which each job may
 * have all of a server: that of a GPU, times their number, may be more.
 */
static void
share_net(struct servers *s)
{
	struct server_type *t;

	for (t = s->types; t < s->types + s->types_len; t++) {
		double per = s->net / t->gpus, held = 0;
		int n = 0;

		for (; n < t->gpus && s->net - held >= per; n++)
			held += per;
		t->job_gpus = n;
	}
}

/* Whether some are submitted at once, or after others that are below. */
static bool
has_ties(const struct rounds *r)
{
	size_t i;

	for (i = 1; i < r->jobs_len; i++)
		if (r->jobs[i].submit_at <= r->jobs[i - 1].submit_at)
			return true;
	return false;
}

static int
begin(struct rounds *r, struct err *e)
{
	make_room(r);
	if (set_window(r, r->o->window, e) < 0 || set_explained(r, e) < 0)
		return -1;
	r->drifts = r->o->synergy && r->allocation != OPT &&
	    drifts(&r->servers);
	if (r->o->synergy && r->allocation == FAIR)
		share_net(&r->servers);
	r->by_events = r->o->synergy && (r->drifts || has_ties(r));
	r->splits = !r->drifts && rounds_can_split(r);
	if (r->policy->begin != NULL && r->policy->begin(r, e) < 0)
		return -1;
	return r->allocation == OPT ? opt_begin(r, e) : 0;
}

/* Sums of shares that come to a whole server are more by a rounding. */
static void
set_slack(struct servers *s)
{
	int i, k;

	for (i = 0; i < s->types_len; i++)
		for (k = 0; k < SHARED; k++)
			s->types[i].slack.v[k] = s->types[i].cap.v[k] * 1e-9;
}

static void
pass_cluster(const struct servers *s, struct input *in)
{
	input_pass_cluster(in, (int64_t)s->total.v[CPU], s->gpus);
}

static void
say_result(const struct rounds *r)
{
	if (r->stopped)
		warn("interrupted at simulated time %lld: %zu of %zu jobs have "
		    "ended", (long long)r->now, r->ended_len, r->jobs_len);
	chat("%zu jobs simulated, the last round begins at %lld",
	    r->ended_len, (long long)r->now);
	if (!r->stopped && r->o->window[0] >= 0 &&
	    r->arrived == r->jobs_len)
		note("the last job was submitted before the window had ended: "
		    "with more of them it could end otherwise");
	opt_say(r);
	rounds_say_jobs(r);
}

int64_t
rounds_run(const struct rounds_options *o, struct input *in, struct err *e)
{
	struct rounds r = {
		.o = o,
		.saying = BUF_INIT(ND_LINE_MAX),
		.said = BUF_INIT(ND_LINE_MAX),
	};
	int64_t result = -1;

	map_init(&r.kind_names);
	if (rounds_name(&r, e) < 0 ||
	    rounds_load_cluster(&r.servers, o->cluster, o->synergy, e) < 0)
		goto out;
	if (!o->synergy)
		set_slack(&r.servers);
	if (rounds_load_jobs(&r, in, o->keep_going, e) < 0)
		goto out;
	chat("%zu jobs read", r.jobs_len);
	if (begin(&r, e) < 0)
		goto out;
	if (!o->dry_run && (o->say_rounds || o->explain >= 0))
		pass_cluster(&r.servers, in);
	if (!o->dry_run && (simulate(&r, e) < 0 || check_end(&r, e) < 0))
		goto out;
	if (!o->dry_run) {
		pass_cluster(&r.servers, in);
		say_result(&r);
	}
	result = r.unusable;
out:
	release(&r);
	return result;
}
