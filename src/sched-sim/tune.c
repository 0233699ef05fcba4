/*
 * tune.c - SYNERGY's allocation: a job gets all it can use; where that does
 * not fit it gets the fair share; and where even that does not fit, jobs that
 * have more than theirs are put back to it. So as many jobs run as with fair
 * shares for all, and none does worse.
 */
#include "rounds.h"

/* What it has changes, and with that its speed. */
static void
set_speed(struct run *run, double speed)
{
	run->job->speed = speed;
	run->pace_s = run->job->iter_s / speed;
}

static bool
try_place(struct rounds *r, struct run *run, struct vec want, double speed)
{
	if (!place(&r->servers, run, want, r->together))
		return false;
	set_speed(run, speed);
	return true;
}

/*
 * Where to make room: the first server with GPUs enough, or else one after the
 * other, those with the fewest first.
 */
static int
choose_spots(const struct servers *s, int gpus, struct spot *out)
{
	int level, len = 0;
	int64_t i;

	for (i = 0; gpus > 1 && i < s->len; i++)
		if (s->list[i].free_len >= gpus) {
			out[0] = (struct spot){ i, gpus };
			return 1;
		}
	for (level = 1; level <= s->gpus && gpus > 0; level++)
		for (i = 0; i < s->len && gpus > 0; i++) {
			if (s->list[i].free_len != level)
				continue;
			out[len] = (struct spot){ i, MIN(level, gpus) };
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

/*
 * Back to what its job may have when others need the rest. SYNERGY lets it make
 * the iterations of the fair share, whatever it has.
 */
static void
shrink(const struct rounds *r, struct servers *s, struct run *run)
{
	struct rjob *j = run->job;
	struct vec least = j->least;
	int k;

	if (r->o->synergy) {
		place_change(s, run, least);
		set_speed(run, j->least_speed);
		run->pace_s = j->iter_s;
		return;
	}
	for (k = 0; k < SHARED; k++)
		least.v[k] = MIN(least.v[k], run->have.v[k]);
	place_change(s, run, least);
	set_speed(run, model_speed(j, s, least));
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

/* Whether a run has more than its least of what is missing. */
static bool
can_give(const struct run *run, const struct vec *missing)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (missing->v[k] > 0 &&
		    run->have.v[k] > run->job->least.v[k])
			return true;
	return false;
}

/* Takes from *missing what a run has too much of there. true: none is left. */
static bool
cover(const struct rounds *r, const struct run *run, int n,
    struct vec *missing)
{
	double part = (double)n / run->job->gpus;
	bool covered = true;
	int k;

	for (k = 0; k < SHARED; k++) {
		double has = run->have.v[k] * part;
		double keeps = r->o->synergy ? r->servers.fair.v[k] * n :
		    run->job->least.v[k] * part;

		missing->v[k] = MAX(0, missing->v[k] - MAX(0, has - keeps));
		covered = covered && missing->v[k] == 0;
	}
	return covered;
}

/*
 * Makes room for want on one server. SYNERGY shrinks all that come before the
 * last one needed, also those that have nothing to give.
 */
static void
make_room(const struct rounds *r, struct servers *s, int64_t server,
    struct vec want)
{
	struct server *on = &s->list[server];
	bool enough = true;
	int i, k;

	for (k = 0; k < SHARED; k++) {
		want.v[k] = MAX(0, want.v[k] - place_left(s, on, k));
		enough = enough && want.v[k] == 0;
	}
	if (enough)
		return;
	sort_runs(on->runs, on->runs_len);
	for (i = 0; i < on->runs_len && !enough; i++) {
		struct run *run = on->runs[i];

		if (!r->o->synergy && !can_give(run, &want))
			continue;
		enough = cover(r, run, gpus_on(run, server), &want);
		shrink(r, s, run);
	}
}

int
tune_place(struct rounds *r, struct run *run, struct vec want, double speed,
    struct err *e)
{
	struct servers *s = &r->servers;
	struct rjob *j = run->job;
	struct vec part;
	int i, k, len;

	if (try_place(r, run, want, speed) ||
	    try_place(r, run, j->least, j->least_speed))
		return 0;
	len = choose_spots(s, j->gpus, s->spots);
	for (i = 0; i < len; i++) {
		for (k = 0; k < SHARED; k++)
			part.v[k] = j->least.v[k] *
			    ((double)s->spots[i].len / j->gpus);
		make_room(r, s, s->spots[i].server, part);
	}
	if (try_place(r, run, j->least, j->least_speed))
		return 0;
	return err_perm(e, "job %lld: no room at %lld, though %lld GPUs are "
	    "free and all others were put back to their shares",
	    (long long)j->id, (long long)r->now, (long long)s->free_gpus);
}
