/*
 * rounds.c - the loop of the rounds family. Before each round all jobs that
 * have arrived are put in order and packed on empty servers; what runs makes
 * whole iterations for the round, and ends at the end of one.
 */
#include "rounds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "xalloc.h"

const struct round_policy *const round_policies[] = {
	&round_policy_fifo, &round_policy_srtf, &round_policy_las,
	&round_policy_ftf, &round_policy_drf, &round_policy_tetris, NULL,
};

/* ---- the policy's name ---- */

static const struct round_policy *
find_policy(const char *name, size_t len)
{
	size_t i;

	for (i = 0; round_policies[i] != NULL; i++)
		if (strlen(round_policies[i]->name) == len &&
		    memcmp(round_policies[i]->name, name, len) == 0)
			return round_policies[i];
	return NULL;
}

bool
rounds_is_policy(const char *text)
{
	size_t len = strcspn(text, "+");

	return find_policy(text, len) != NULL ||
	    (len == 4 && memcmp(text, "srsf", 4) == 0);
}

/* One word behind a "+". */
static int
parse_part(struct rounds *r, const char *part, size_t len, bool *given)
{
	static const char *const words[] = {
		[GREEDY] = "greedy", [FAIR] = "fair", [TUNE] = "tune",
	};
	size_t i;

	if (len == 5 && memcmp(part, "place", 5) == 0) {
		r->together = true;
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len &&
		    memcmp(words[i], part, len) == 0 && !*given) {
			r->allocation = (enum allocation)i;
			*given = true;
			return 0;
		}
	return -1;
}

static int
parse_policy(struct rounds *r, const char *text, struct err *e)
{
	size_t len = strcspn(text, "+");
	const char *p = text + len;
	bool given = false;

	if (len == 4 && memcmp(text, "srsf", 4) == 0)
		return err_perm(e, "policy %s: srsf is defined in SYNERGY's "
		    "simulator and cannot be constructed there", text);
	r->policy = find_policy(text, len);
	if (r->policy == NULL)
		return err_perm(e, "policy %s: not known", text);
	while (*p == '+') {
		p++;
		len = strcspn(p, "+");
		if (parse_part(r, p, len, &given) < 0)
			return err_perm(e, "policy %s: '%.*s' is not one of "
			    "greedy, fair, tune and place, or is one too "
			    "many", text, (int)len, p);
		p += len;
	}
	return 0;
}

/* ---- the order ---- */

static void
set_keys(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->order_len; i++) {
		struct rank *k = &r->order[i];

		k->starved = r->policy->starving_first && k->job->starved ?
		    -1 : 0;
		k->key = r->policy->key(r, k->job);
	}
}

static bool
rank_less(const struct rank *a, const struct rank *b)
{
	if (a->starved != b->starved)
		return a->starved < b->starved;
	if (a->key != b->key)
		return a->key < b->key;
	return a->submit_at < b->submit_at;
}

/* Merges [at, mid) and [mid, end), of which the first comes first. */
static void
merge(struct rank *a, size_t at, size_t mid, size_t end, struct rank *tmp)
{
	size_t i = 0, left = mid - at, to = at;

	if (!rank_less(&a[mid], &a[mid - 1]))
		return;
	memcpy(tmp, a + at, left * sizeof(*a));
	while (i < left && mid < end)
		a[to++] = rank_less(&a[mid], &tmp[i]) ? a[mid++] : tmp[i++];
	memcpy(a + to, tmp + i, (left - i) * sizeof(*a));
}

/* Stable; quick where little has changed since the last round. */
static void
sort_ranks(struct rank *a, size_t len, struct rank *tmp)
{
	size_t width, at;

	for (at = 1; at < len && !rank_less(&a[at], &a[at - 1]); at++)
		;
	if (at >= len)
		return;
	for (width = 1; width < len; width *= 2)
		for (at = 0; at + width < len; at += 2 * width)
			merge(a, at, at + width, MIN(at + 2 * width, len),
			    tmp);
}

/*
 * The first jobs that fill the GPUs by number alone; smaller ones behind one
 * that does not fit come forward. On the way, who has starved is found.
 */
static void
choose_first(struct rounds *r)
{
	int64_t free_gpus = r->servers.len * r->servers.gpus;
	size_t i;

	r->first_len = 0;
	for (i = 0; i < r->order_len; i++) {
		struct rjob *j = r->order[i].job;

		if (j->gpus <= free_gpus) {
			r->first[r->first_len++] = r->order[i];
			free_gpus -= j->gpus;
		}
		if ((double)r->now - (j->left_at >= 0 ? (double)j->left_at :
		    j->submit_at) > STARVED_S)
			j->starved = true;
	}
}

/* The order by GPUs, largest first, in place of that of the policy. */
static void
sort_first_by_gpus(struct rounds *r)
{
	size_t i;

	for (i = 0; i < r->first_len; i++) {
		r->first[i].starved = 0;
		r->first[i].key = -r->first[i].job->gpus;
		r->first[i].submit_at = 0;
	}
	sort_ranks(r->first, r->first_len, r->scratch);
}

/* ---- packing ---- */

/*
 * Whether one that asks for the same did not fit. What is free only becomes
 * less within a round, so this one would not fit either.
 */
static bool
is_too_big(const struct rounds *r, const struct rjob *j)
{
	int i;

	for (i = 0; i < r->too_big_len; i++)
		if (r->too_big[i]->model == j->model &&
		    r->too_big[i]->gpus == j->gpus)
			return true;
	return false;
}

static bool
try_job(struct rounds *r, struct run *run)
{
	struct rjob *j = run->job;
	bool fair = r->allocation == FAIR;
	double iter_s = j->model->iter_s;

	if (is_too_big(r, j))
		return false;
	if (!place(&r->servers, run, fair ? model_fair(&r->servers, j->gpus) :
	    j->need, r->together)) {
		assert(r->too_big_len < JOB_KINDS_MAX);
		r->too_big[r->too_big_len++] = j;
		return false;
	}
	run->steps = (int64_t)(ROUND_S / (fair ? iter_s : iter_s / j->speed));
	return true;
}

static int
pack_job(struct rounds *r, struct rjob *j, struct err *e)
{
	struct run *run = &r->runs[r->runs_len];

	run->job = j;
	if (r->allocation != TUNE) {
		r->runs_len += try_job(r, run);
		return 0;
	}
	if (tune_place(r, run, e) < 0)
		return -1;
	r->runs_len++;
	return 0;
}

/*
 * Where a packing looks at the same jobs in the same order as the last one, it
 * would end the same: shares depend on nothing else.
 */
static bool
same_as_last(const struct rounds *r, const struct rank *list, size_t len)
{
	size_t i;

	if (r->tried_len > len || (!r->filled && r->tried_len != len))
		return false;
	for (i = 0; i < r->tried_len; i++)
		if (list[i].job != r->tried[i])
			return false;
	return r->tried_len > 0;
}

static int
pack(struct rounds *r, struct err *e)
{
	const struct rank *list = r->order;
	size_t i, len = r->order_len;

	if (r->policy->first_only) {
		if (r->allocation == TUNE)
			sort_first_by_gpus(r);
		list = r->first;
		len = r->first_len;
	}
	if (same_as_last(r, list, len))
		return 0;
	for (i = 0; i < r->order_len; i++)
		r->order[i].job->speed = r->order[i].job->speedup;
	place_clear(&r->servers);
	r->runs_len = 0;
	r->too_big_len = 0;
	for (i = 0; i < len && r->servers.free_gpus > 0; i++) {
		r->tried[i] = list[i].job;
		if (list[i].job->gpus <= r->servers.free_gpus &&
		    pack_job(r, list[i].job, e) < 0)
			return -1;
	}
	r->tried_len = i;
	r->filled = r->servers.free_gpus == 0;
	return 0;
}

/* ---- a round ---- */

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
		j->rounds++;
		j->tuned_rounds += j->speed != j->speedup;
		j->servers = MAX(j->servers, run->shares_len);
		j->iters_done = MIN(j->iters, j->iters_done + run->steps);
		j->ran_s += ROUND_S;
		j->left_at = r->now + ROUND_S;
	}
}

static bool
is_done(const struct rjob *j)
{
	return j->iters_done >= j->iters;
}

/* Takes those that have ended out of the order. */
static void
end_round(struct rounds *r)
{
	size_t i, kept = 0;

	for (i = 0; i < r->order_len; i++) {
		struct rjob *j = r->order[i].job;

		if (!is_done(j)) {
			r->order[kept++] = r->order[i];
			continue;
		}
		j->end_at = r->now + ROUND_S;
		r->ended[r->ended_len++] = j;
		if (j->id >= r->window[0] && j->id < r->window[1])
			r->window_left--;
	}
	r->order_len = kept;
}

static void
admit(struct rounds *r)
{
	for (; r->arrived < r->jobs_len; r->arrived++) {
		struct rjob *j = &r->jobs[r->arrived];

		if (!r->at_once && j->submit_at > (double)r->now)
			return;
		r->order[r->order_len++] = (struct rank){
			.job = j, .submit_at = j->submit_at,
		};
	}
}

/* The beginning of the first round at or after a time. */
static int64_t
round_at(double t)
{
	int64_t before = (int64_t)t / ROUND_S * ROUND_S;

	return (double)before < t ? before + ROUND_S : before;
}

static int
one_round(struct rounds *r, bool say, struct err *e)
{
	set_keys(r);
	sort_ranks(r->order, r->order_len, r->scratch);
	choose_first(r);
	if (pack(r, e) < 0)
		return -1;
	if (r->runs_len == 0)	/* and nothing could ever change that */
		return err_perm(e, "job %lld: does not fit on empty servers",
		    (long long)r->order[0].job->id);
	if (say && rounds_say_round(r, e) < 0)
		return -1;
	credit(r);
	end_round(r);
	return 0;
}

/* Nobody is there: on to the next arrival. false: there is none. */
static bool
skip_idle(struct rounds *r)
{
	if (r->arrived == r->jobs_len)
		return false;
	r->now = round_at(r->jobs[r->arrived].submit_at);
	admit(r);
	return true;
}

static int
simulate(struct rounds *r, bool say, struct err *e)
{
	r->now = r->at_once || r->jobs_len == 0 ? 1 :
	    round_at(r->jobs[0].submit_at);
	for (;; r->now += ROUND_S) {
		admit(r);
		if (r->order_len == 0) {
			r->runs_len = r->tried_len = 0;
			if (say && rounds_say_round(r, e) < 0)
				return -1;
			if (!skip_idle(r))
				return 0;
		}
		if (one_round(r, say, e) < 0)
			return -1;
		if (r->window[0] >= 0 && r->window_left == 0)
			return 0;
	}
}

/* ---- the whole ---- */

static void
make_room(struct rounds *r)
{
	size_t n = r->jobs_len + 1;
	int64_t gpus = r->servers.len * r->servers.gpus, i;

	r->order = xcalloc(n, sizeof(*r->order));
	r->scratch = xcalloc(n, sizeof(*r->scratch));
	r->first = xcalloc(n, sizeof(*r->first));
	r->tried = xcalloc(n, sizeof(*r->tried));
	r->ended = xcalloc(n, sizeof(*r->ended));
	r->runs = xcalloc((size_t)gpus, sizeof(*r->runs));
	for (i = 0; i < r->servers.len; i++)
		r->servers.list[i].runs = xcalloc((size_t)r->servers.gpus,
		    sizeof(struct run *));
}

static void
release(struct rounds *r)
{
	int64_t i;
	size_t j;

	for (i = 0; r->servers.list != NULL && i < r->servers.len; i++)
		free(r->servers.list[i].runs);
	for (j = 0; j < r->jobs_len; j++)
		free(r->jobs[j].line);
	free(r->servers.list);
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

	r->window[0] = window[0];
	r->window[1] = window[1];
	for (i = 0; i < r->jobs_len; i++)
		r->window_left += r->jobs[i].id >= window[0] &&
		    r->jobs[i].id < window[1];
	if (window[0] >= 0 && r->window_left < window[1] - window[0])
		return err_perm(e, "window %lld:%lld: the input has only %lld "
		    "of these jobs", (long long)window[0],
		    (long long)window[1], (long long)r->window_left);
	return 0;
}

static void
say_result(const struct rounds *r)
{
	chat("%zu jobs simulated, the last round begins at %lld",
	    r->ended_len, (long long)r->now);
	if (r->window[0] >= 0 && r->arrived == r->jobs_len)
		note("the last job was submitted before the window had ended: "
		    "with more of them it could end otherwise");
	rounds_say_jobs(r);
}

int64_t
rounds_run(const struct rounds_options *o, int fd, const char *name,
    struct err *e)
{
	struct rounds r = {
		.at_once = o->at_once,
		.saying = BUF_INIT(ROUND_RECORD_MAX),
		.said = BUF_INIT(ROUND_RECORD_MAX),
	};
	int64_t result = -1;

	if (parse_policy(&r, o->policy, e) < 0 ||
	    rounds_load_cluster(&r.servers, o->cluster, e) < 0 ||
	    rounds_load_jobs(&r, fd, name, o->keep_going, e) < 0)
		goto out;
	chat("%zu jobs read", r.jobs_len);
	make_room(&r);
	if (set_window(&r, o->window, e) < 0 ||
	    (!o->dry_run && simulate(&r, o->say_rounds, e) < 0))
		goto out;
	if (!o->dry_run)
		say_result(&r);
	result = r.unusable;
out:
	release(&r);
	return result;
}
