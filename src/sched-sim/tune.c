/*
 * tune.c - SYNERGY's allocation: a job gets all it can use; where that does
 * not fit it gets the fair share; and where even that does not fit, jobs that
 * have more than theirs are put back to it. So as many jobs run as with fair
 * shares for all, and none does worse.
 */
#include "rounds.h"

#include <math.h>

/* What it has changes, and with that its speed. */
static void
set_speed(struct run *run, double speed)
{
	run->job->speed = speed;
	run->pace_s = run->job->iter_s / speed;
}

static bool
try_place(struct rounds *r, struct run *run, const struct want *want)
{
	if (!place(&r->servers, run, want, r->together))
		return false;
	set_speed(run, run->speed);
	return true;
}

/*
 * Where to make room: the first server with GPUs enough, or else one after the
 * other, those with the fewest first.
 */
static int
choose_spots(const struct servers *s, const struct kind *kind,
    struct spot *out)
{
	int level, len = 0, gpus = kind->gpus;
	int64_t i;

	for (i = 0; gpus > 1 && i < s->len; i++)
		if (s->list[i].free_len >= gpus &&
		    kind->where >> s->list[i].group & 1) {
			out[0] = (struct spot){ i, gpus };
			return 1;
		}
	for (level = 1; level <= s->most_gpus && gpus > 0; level++)
		for (i = 0; i < s->len && gpus > 0; i++) {
			if (s->list[i].free_len != level ||
			    !(kind->where >> s->list[i].group & 1))
				continue;
			out[len] = (struct spot){ i, MIN(level, gpus) };
			gpus -= out[len++].len;
		}
	return len;
}

/* As if all GPUs of the run had as much; SYNERGY's servers are alike. */
static const struct vec *
has_of(const struct rounds *r, const struct share *sh)
{
	return r->o->synergy ? &sh->run->held : &sh->have;
}

/* < 0: a gives before b. Few servers first, then who has most per GPU. */
static int
compare(const struct rounds *r, const struct share *a, const struct share *b)
{
	int k;

	if (a->run->shares_len != b->run->shares_len)
		return a->run->shares_len < b->run->shares_len ? -1 : 1;
	for (k = CPU; k <= MEM; k++) {
		double x = has_of(r, a)->v[k] / a->run->job->gpus;
		double y = has_of(r, b)->v[k] / b->run->job->gpus;

		if (x != y)
			return x > y ? -1 : 1;
	}
	return 0;
}

/* Stable, and the list stays sorted for the next time. */
static void
sort_shares(const struct rounds *r, struct share **shares, int len)
{
	int i, at;

	for (i = 1; i < len; i++) {
		struct share *x = shares[i];

		for (at = i; at > 0 && compare(r, x, shares[at - 1]) < 0; at--)
			shares[at] = shares[at - 1];
		shares[at] = x;
	}
}

static const struct vec *
least_of(const struct servers *s, const struct share *sh)
{
	const struct server_type *type = s->list[sh->server].type;

	return &sh->run->job->kind->least_on[type - s->types].all;
}

/*
 * Back to what its job may have when others need the rest. SYNERGY lets it make
 * the iterations of the fair share, whatever it has.
 */
static void
shrink(const struct rounds *r, struct servers *s, struct run *run)
{
	const struct kind *kind = run->job->kind;
	double slowest = INFINITY;
	int i, k;

	for (i = 0; i < run->shares_len; i++) {
		struct share *sh = &run->shares[i];
		struct vec least = *least_of(s, sh);

		for (k = 0; k < SHARED && !r->o->synergy; k++)
			least.v[k] = MIN(least.v[k], sh->have.v[k]);
		place_change(s, sh, least);
		slowest = MIN(slowest, model_speed(kind, s, least));
	}
	place_count(run);
	if (r->o->synergy) {
		set_speed(run, kind->least_on[0].speed);
		run->pace_s = kind->iter_s;
		return;
	}
	set_speed(run, slowest);
}

/* Whether a run has more than its least of what is missing. */
static bool
can_give(const struct servers *s, const struct share *sh,
    const struct vec *missing)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (missing->v[k] > 0 &&
		    sh->have.v[k] > least_of(s, sh)->v[k])
			return true;
	return false;
}

/* Takes from *missing what a run has too much of there. true: none is left. */
static bool
cover(const struct rounds *r, const struct share *sh, struct vec *missing)
{
	double part = (double)sh->len / sh->run->job->gpus;
	bool covered = true;
	int k;

	for (k = 0; k < SHARED; k++) {
		double has = has_of(r, sh)->v[k] * part;
		double keeps = r->o->synergy ? r->servers.fair.v[k] * sh->len :
		    least_of(&r->servers, sh)->v[k] * part;

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
		want.v[k] = MAX(0, want.v[k] - place_left(on, k));
		enough = enough && want.v[k] == 0;
	}
	if (enough)
		return;
	sort_shares(r, on->shares, on->shares_len);
	for (i = 0; i < on->shares_len && !enough; i++) {
		const struct share *sh = on->shares[i];

		if (!r->o->synergy && !can_give(s, sh, &want))
			continue;
		enough = cover(r, sh, &want);
		shrink(r, s, sh->run);
	}
}

int
tune_place(struct rounds *r, struct run *run, const struct want *want,
    struct err *e)
{
	struct servers *s = &r->servers;
	const struct rjob *j = run->job;
	const struct want *least = j->kind->least_on;
	int i, k, len;

	if (try_place(r, run, want) || try_place(r, run, least))
		return 0;
	len = choose_spots(s, j->kind, s->spots);
	for (i = 0; i < len; i++) {
		const struct spot *spot = &s->spots[i];
		struct vec part =
		    least[s->list[spot->server].type - s->types].all;

		for (k = 0; k < SHARED; k++)
			part.v[k] *= (double)spot->len / j->gpus;
		make_room(r, s, spot->server, part);
	}
	if (try_place(r, run, least))
		return 0;
	return err_perm(e, "job %lld: no room at %lld, though %lld GPUs are "
	    "free and all others were put back to their shares",
	    (long long)j->id, (long long)r->now, (long long)s->free_gpus);
}
