/*
 * tune.c - SYNERGY's allocation: a job gets all it can use; where that does
 * not fit it gets the fair share; and where even that does not fit, jobs that
 * have more than theirs are put back to it. So as many jobs run as with fair
 * shares for all, and none does worse.
 */
#include "rounds.h"

/* GPUs of a server that a job could have. */
struct part {
	int64_t server;
	int len;
};

static void
put_on_own(struct run *run)
{
	run->steps = (int64_t)(ROUND_S / (run->job->model->iter_s /
	    run->job->speed));
}

/* At the speed of the fair share, whatever it has. */
static void
put_on_fair(struct run *run)
{
	run->steps = (int64_t)(ROUND_S / run->job->model->iter_s);
}

static bool
try_place(struct rounds *r, struct run *run, struct vec want)
{
	if (!place(&r->servers, run, want, r->together))
		return false;
	put_on_own(run);
	return true;
}

/*
 * Where to make room: the first server with GPUs enough, or else one after the
 * other, those with the fewest first.
 */
static int
choose_parts(const struct servers *s, int gpus, struct part *out)
{
	int level, len = 0;
	int64_t i;

	for (i = 0; gpus > 1 && i < s->len; i++)
		if (s->list[i].free_len >= gpus) {
			out[0] = (struct part){ i, gpus };
			return 1;
		}
	for (level = 1; level <= s->gpus && gpus > 0; level++)
		for (i = 0; i < s->len && gpus > 0; i++) {
			if (s->list[i].free_len != level)
				continue;
			out[len] = (struct part){ i, MIN(level, gpus) };
			gpus -= out[len++].len;
		}
	return len;
}

/* < 0: a gives before b. Few servers first, then who has most per GPU. */
static int
compare(const struct run *a, const struct run *b)
{
	int k;

	if (a->shares_len != b->shares_len)
		return a->shares_len < b->shares_len ? -1 : 1;
	for (k = CPU; k <= MEM; k++) {
		double x = a->have.v[k] / a->job->gpus;
		double y = b->have.v[k] / b->job->gpus;

		if (x != y)
			return x > y ? -1 : 1;
	}
	return 0;
}

/* Stable, and the list stays sorted for the next time. */
static void
sort_runs(struct run **runs, int len)
{
	int i, at;

	for (i = 1; i < len; i++) {
		struct run *x = runs[i];

		for (at = i; at > 0 && compare(x, runs[at - 1]) < 0; at--)
			runs[at] = runs[at - 1];
		runs[at] = x;
	}
}

/* Back to what its job may have when others need the rest. */
static void
shrink(struct servers *s, struct run *run)
{
	struct rjob *j = run->job;

	if (model_wants_more(j, s)) {
		j->speed = 1;
		place_change(s, run, model_fair(s, j->gpus));
	} else {
		place_change(s, run, j->need);
	}
	put_on_fair(run);
}

static int
gpus_on(const struct run *run, int64_t server)
{
	int i;

	for (i = 0; i < run->shares_len; i++)
		if (run->shares[i].server == server)
			return run->shares[i].len;
	return 0;
}

/* Takes from *missing what a run has too much of there. true: none is left. */
static bool
cover(const struct servers *s, const struct run *run, int n,
    struct vec *missing)
{
	bool covered = true;
	int k;

	for (k = 0; k < SHARED; k++) {
		double has = run->have.v[k] * ((double)n / run->job->gpus);
		double excess = MAX(0, has - s->fair.v[k] * n);

		missing->v[k] = MAX(0, missing->v[k] - excess);
		covered = covered && missing->v[k] == 0;
	}
	return covered;
}

/*
 * Makes room for want on one server. All that come before the last one needed
 * are shrunk, also those that have nothing to give.
 */
static void
make_room(struct servers *s, int64_t server, struct vec want)
{
	struct server *on = &s->list[server];
	bool enough = true;
	int i, k, len;

	for (k = 0; k < SHARED; k++) {
		want.v[k] = MAX(0, want.v[k] - place_left(s, on, k));
		enough = enough && want.v[k] == 0;
	}
	if (enough)
		return;
	sort_runs(on->runs, on->runs_len);
	for (len = 0; len < on->runs_len && !enough; len++)
		enough = cover(s, on->runs[len], gpus_on(on->runs[len],
		    server), &want);
	for (i = 0; i < len; i++)
		shrink(s, on->runs[i]);
}

int
tune_place(struct rounds *r, struct run *run, struct err *e)
{
	struct servers *s = &r->servers;
	struct part parts[JOB_GPUS_MAX];
	struct rjob *j = run->job;
	struct vec want = j->need, part;
	int i, k, len;

	if (try_place(r, run, want))
		return 0;
	if (model_wants_more(j, s)) {
		want = model_fair(s, j->gpus);
		j->speed = 1;
		if (try_place(r, run, want))
			return 0;
	}
	len = choose_parts(s, j->gpus, parts);
	for (i = 0; i < len; i++) {
		for (k = 0; k < SHARED; k++)
			part.v[k] = want.v[k] * ((double)parts[i].len /
			    j->gpus);
		make_room(s, parts[i].server, part);
	}
	if (try_place(r, run, want))
		return 0;
	return err_perm(e, "job %lld: no room at %lld, though %lld GPUs are "
	    "free and all others were put back to their shares",
	    (long long)j->id, (long long)r->now, (long long)s->free_gpus);
}
