/*
 * place.c - which GPUs a job gets. GPUs of a server are all the same; their
 * numbers matter for the record of a round alone. A demand fits when no
 * component is larger than what is left, and the slack: SYNERGY has none.
 */
#include "rounds.h"

void
place_clear(struct servers *s)
{
	struct server *on;
	int i;

	for (on = s->list; on < s->list + s->len; on++) {
		on->used = on->kept;
		on->free = UINT64_MAX >> (SERVER_GPUS_MAX - on->type->gpus);
		on->free_len = on->type->gpus;
		on->shares_len = 0;
	}
	for (i = 0; i < s->groups_len; i++)
		s->groups[i].free_gpus = s->groups[i].gpus;
	s->free_gpus = s->gpus;
	s->shares_len = 0;
}

double
place_left(const struct server *on, int k)
{
	return on->type->cap.v[k] - on->used.v[k] + on->type->slack.v[k];
}

int64_t
place_free(const struct servers *s, uint64_t where)
{
	int64_t free_gpus = 0;
	int i;

	if (where == kind_everywhere(s))
		return s->free_gpus;
	for (i = 0; i < s->groups_len; i++)
		free_gpus += where >> i & 1 ? s->groups[i].free_gpus : 0;
	return free_gpus;
}

/* GPUs that are sought for a run. */
struct search {
	uint64_t where;		/* bits of groups */
	int gpus;
	const struct want *want;	/* by type, for all GPUs of the job */
};

static bool
is_there(const struct search *f, const struct server *on)
{
	return f->where >> on->group & 1;
}

static const struct want *
want_on(const struct servers *s, const struct search *f,
    const struct server *on)
{
	return &f->want[on->type - s->types];
}

/* What a job asks for, for each of its GPUs. */
static struct vec
part_of(const struct run *run, const struct want *want)
{
	struct vec per;
	int k;

	for (k = 0; k < SHARED; k++)
		per.v[k] = want->all.v[k] / run->job->gpus;
	return per;
}

/* n times per, as SYNERGY adds it up: it may not come to the same. */
static double
add_up(double per, int n)
{
	double sum = per;

	while (--n > 0)
		sum += per;
	return sum;
}

/* How many GPUs of a server, at most max, each with its part, fit there. */
static int
count_fit(const struct server *on, struct vec per, int max)
{
	int k, n, fit = MIN(MIN(on->free_len, on->type->job_gpus), max);

	for (k = 0; k < SHARED; k++) {
		double left = place_left(on, k), held = 0;

		for (n = 0; n < fit && left - held >= per.v[k]; n++)
			held += per.v[k];
		fit = n;
	}
	return fit;
}

/* SYNERGY asserts both, but of storage. */
static void
use(struct servers *s, struct share *sh)
{
	struct server *on = &s->list[sh->server];
	int k;

	for (k = 0; k < SHARED; k++) {
		if (k != SPEED &&
		    sh->held.v[k] > on->type->cap.v[k] - on->used.v[k])
			s->overdrawn = true;
		on->used.v[k] += sh->held.v[k];
	}
}

static void
give_back(struct servers *s, const struct share *sh)
{
	struct server *on = &s->list[sh->server];
	int k;

	for (k = 0; k < SHARED; k++) {
		if (k != SPEED && on->used.v[k] < sh->held.v[k])
			s->overdrawn = true;
		on->used.v[k] -= sh->held.v[k];
	}
}

/*
 * Gives the run n GPUs of a server: the first free ones, or the last. The
 * slowest sets its speed.
 */
static struct share *
take(struct servers *s, struct run *run, const struct search *f,
    int64_t server, int n, bool last)
{
	bool first = run->shares_len == 0;
	struct share *sh = &run->shares[run->shares_len++];
	struct server *on = &s->list[server];
	const struct want *want = want_on(s, f, on);
	struct vec per = part_of(run, want);
	int i;

	*sh = (struct share){
		.run = run, .server = server, .len = n, .have = want->all,
	};
	for (i = 0; i < SHARED; i++)
		sh->held.v[i] = add_up(per.v[i], n);
	run->speed = first ? want->speed : MIN(run->speed, want->speed);
	for (i = 0; i < n; i++) {
		int bit = last ? 63 - __builtin_clzll(on->free) :
		    __builtin_ctzll(on->free);

		sh->gpus |= UINT64_C(1) << bit;
		on->free &= ~(UINT64_C(1) << bit);
	}
	on->free_len -= n;
	s->groups[on->group].free_gpus -= n;
	s->free_gpus -= n;
	return sh;
}

void
place_begin(struct servers *s, struct run *run)
{
	run->shares = s->shares + s->shares_len;
	run->shares_len = 0;
}

void
place_end(struct servers *s, struct run *run)
{
	struct share *sh;

	for (sh = run->shares; sh < run->shares + run->shares_len; sh++) {
		struct server *on = &s->list[sh->server];

		use(s, sh);
		on->shares[on->shares_len++] = sh;
	}
	s->shares_len += run->shares_len;
	place_count(run);
}

void
place_undo(struct servers *s, struct run *run)
{
	while (run->shares_len > 0) {
		struct share *sh = &run->shares[--run->shares_len];
		struct server *on = &s->list[sh->server];

		on->free |= sh->gpus;
		on->free_len += sh->len;
		s->groups[on->group].free_gpus += sh->len;
		s->free_gpus += sh->len;
	}
}

/* GPUs in ascending order, wherever their part fits. */
static int
spread(struct servers *s, struct run *run, const struct search *f)
{
	int need = f->gpus, n;
	int64_t i;

	for (i = 0; i < s->len && need > 0; i++) {
		const struct server *on = &s->list[i];

		if (on->free_len == 0 || !is_there(f, on))
			continue;
		n = count_fit(on, part_of(run, want_on(s, f, on)), need);
		if (n > 0)
			(void)take(s, run, f, i, n, false);
		need -= n;
	}
	return need;
}

static bool
fits_whole(const struct servers *s, const struct run *run,
    const struct search *f, const struct server *on)
{
	const struct vec *all = &want_on(s, f, on)->all;
	double part = (double)f->gpus / run->job->gpus;
	int k;

	if (on->free_len < f->gpus || !is_there(f, on))
		return false;
	for (k = 0; k < SHARED; k++)
		if (place_left(on, k) < all->v[k] * part)
			return false;
	return true;
}

/* The server with the fewest free GPUs that holds it all, or -1. */
static int64_t
tightest(const struct servers *s, const struct run *run,
    const struct search *f)
{
	int64_t i, best = -1;

	for (i = 0; i < s->len; i++) {
		const struct server *on = &s->list[i];

		if ((best < 0 || on->free_len < s->list[best].free_len) &&
		    fits_whole(s, run, f, on))
			best = i;
	}
	return best;
}

/* Server after server, those with the fewest free GPUs first. */
static int
fill_up(struct servers *s, struct run *run, const struct search *f)
{
	int need = f->gpus, level, n;
	int64_t i;

	for (level = 1; level <= s->most_gpus && need > 0; level++)
		for (i = 0; i < s->len && need > 0; i++) {
			const struct server *on = &s->list[i];

			if (on->free_len != level || !is_there(f, on))
				continue;
			n = count_fit(on, part_of(run, want_on(s, f, on)),
			    need);
			if (n > 0)
				(void)take(s, run, f, i, n, true);
			need -= n;
		}
	return need;
}

/* All that is sought on one server, in one piece. */
static void
take_whole(struct servers *s, struct run *run, const struct search *f,
    int64_t server)
{
	struct share *sh = take(s, run, f, server, f->gpus, false);
	double part = (double)f->gpus / run->job->gpus;
	int k;

	for (k = 0; k < SHARED; k++)
		sh->held.v[k] = sh->have.v[k] * part;
}

/* Takes GPUs on which it fits; false: there are not as many. */
static bool
grab(struct servers *s, struct run *run, const struct search *f,
    bool together)
{
	int64_t one = -1;

	if (together && f->gpus > 1)
		one = tightest(s, run, f);
	if (one >= 0) {
		take_whole(s, run, f, one);
		return true;
	}
	return (together ? fill_up(s, run, f) : spread(s, run, f)) == 0;
}

/* All its GPUs, wherever it may run. */
static bool
grab_all(struct servers *s, struct run *run, const struct want *want,
    bool together)
{
	struct search f = { run->job->kind->where, run->job->gpus, want };

	place_begin(s, run);
	if (grab(s, run, &f, together))
		return true;
	place_undo(s, run);
	return false;
}

bool
place(struct servers *s, struct run *run, const struct want *want,
    bool together)
{
	if (!grab_all(s, run, want, together))
		return false;
	place_end(s, run);
	return true;
}

bool
place_fits(struct servers *s, struct run *run, const struct want *want,
    bool together)
{
	if (!grab_all(s, run, want, together))
		return false;
	place_undo(s, run);
	return true;
}

/*
 * Of the servers on which it fits the one that has most cores beyond the fair
 * shares of its free GPUs; or -1.
 */
static int64_t
roomiest(const struct servers *s, const struct run *run,
    const struct search *f)
{
	int64_t i, best = -1;
	double most = 0;

	for (i = 0; i < s->len; i++) {
		const struct server *on = &s->list[i];
		double room = place_left(on, CPU) -
		    on->type->fair.v[CPU] * on->free_len;

		if ((best < 0 || room > most) && fits_whole(s, run, f, on)) {
			best = i;
			most = room;
		}
	}
	return best;
}

bool
place_part(struct servers *s, struct run *run, uint64_t where, int gpus,
    const struct want *want, bool together)
{
	struct search f = { where, gpus, want };
	int64_t one = roomiest(s, run, &f);

	if (one < 0)
		return grab(s, run, &f, together);
	take_whole(s, run, &f, one);
	return true;
}

void
place_change(struct servers *s, struct share *sh, struct vec want)
{
	double part = (double)sh->len / sh->run->job->gpus;
	int k;

	give_back(s, sh);
	for (k = 0; k < SHARED; k++)
		sh->held.v[k] = want.v[k] * part;
	use(s, sh);
	sh->have = want;
}

void
place_count(struct run *run)
{
	const struct share *sh = run->shares;
	int k;

	run->held = (struct vec){ { 0 } };
	for (; sh < run->shares + run->shares_len; sh++)
		for (k = 0; k < SHARED; k++)
			run->held.v[k] += sh->held.v[k];
}

void
place_release(struct servers *s, const struct run *run)
{
	int i;

	for (i = 0; i < run->shares_len; i++)
		give_back(s, &run->shares[i]);
}

void
place_keep(struct servers *s)
{
	struct server *on;

	for (on = s->list; on < s->list + s->len; on++)
		on->kept = on->used;
}

void
place_forget(struct servers *s)
{
	struct server *on;

	for (on = s->list; on < s->list + s->len; on++)
		on->kept = (struct vec){ { 0 } };
}
