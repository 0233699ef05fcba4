/*
 * place.c - which GPUs a job gets. GPUs of a server are all the same; their
 * numbers matter for the record of a round alone. A demand fits when no
 * component is larger than what is left, and the slack: SYNERGY has none.
 */
#include "rounds.h"

#include <string.h>

void
place_clear(struct servers *s)
{
	struct server *on;

	for (on = s->list; on < s->list + s->len; on++) {
		memset(&on->used, 0, sizeof(on->used));
		on->free = UINT64_MAX >> (SERVER_GPUS_MAX - s->gpus);
		on->free_len = s->gpus;
		on->runs_len = 0;
	}
	s->free_gpus = s->len * s->gpus;
	s->shares_len = 0;
}

double
place_left(const struct servers *s, const struct server *on, int k)
{
	return s->cap.v[k] - on->used.v[k] + s->slack.v[k];
}

/* How many GPUs of a server, at most max, each with its part, fit there. */
static int
count_fit(const struct servers *s, const struct server *on,
    const struct vec *per, int max)
{
	int k, n = MIN(on->free_len, max);

	for (k = 0; k < SHARED; k++) {
		double left = place_left(s, on, k);

		while (n > 0 && left - (n - 1) * per->v[k] < per->v[k])
			n--;
	}
	return n;
}

static void
use(struct server *on, const struct vec *per, int n)
{
	int k;

	for (k = 0; k < SHARED; k++)
		on->used.v[k] += per->v[k] * n;
}

/* Gives the run n GPUs of a server: the first free ones, or the last. */
static void
take(struct servers *s, struct run *run, int64_t server, int n, bool last)
{
	struct share *sh = &run->shares[run->shares_len++];
	struct server *on = &s->list[server];
	int i;

	*sh = (struct share){ .server = server, .len = n };
	for (i = 0; i < n; i++) {
		int bit = last ? 63 - __builtin_clzll(on->free) :
		    __builtin_ctzll(on->free);

		sh->gpus |= UINT64_C(1) << bit;
		on->free &= ~(UINT64_C(1) << bit);
	}
	on->free_len -= n;
}

/* Makes the shares that take gave out final. */
static void
settle(struct servers *s, struct run *run, const struct vec *per)
{
	int i;

	for (i = 0; i < run->shares_len; i++) {
		struct share *sh = &run->shares[i];
		struct server *on = &s->list[sh->server];

		use(on, per, sh->len);
		on->runs[on->runs_len++] = run;
	}
	s->free_gpus -= run->job->gpus;
	s->shares_len += run->shares_len;
}

static void
give_back(struct servers *s, struct run *run)
{
	while (run->shares_len > 0) {
		struct share *sh = &run->shares[--run->shares_len];
		struct server *on = &s->list[sh->server];

		on->free |= sh->gpus;
		on->free_len += sh->len;
	}
}

/* GPUs in ascending order, wherever their part fits. */
static int
spread(struct servers *s, struct run *run, const struct vec *per)
{
	int need = run->job->gpus, n;
	int64_t i;

	for (i = 0; i < s->len && need > 0; i++) {
		if (s->list[i].free_len == 0)
			continue;
		n = count_fit(s, &s->list[i], per, need);
		if (n > 0)
			take(s, run, i, n, false);
		need -= n;
	}
	return need;
}

static bool
fits_whole(const struct servers *s, const struct server *on,
    const struct vec *want)
{
	int k;

	for (k = 0; k < SHARED; k++)
		if (place_left(s, on, k) < want->v[k])
			return false;
	return true;
}

/* The server with the fewest free GPUs that holds it all, or -1. */
static int64_t
tightest(const struct servers *s, int gpus, const struct vec *want)
{
	int64_t i, best = -1;

	for (i = 0; i < s->len; i++) {
		const struct server *on = &s->list[i];

		if (on->free_len >= gpus && (best < 0 ||
		    on->free_len < s->list[best].free_len) &&
		    fits_whole(s, on, want))
			best = i;
	}
	return best;
}

/* Server after server, those with the fewest free GPUs first. */
static int
fill_up(struct servers *s, struct run *run, const struct vec *per)
{
	int need = run->job->gpus, level, n;
	int64_t i;

	for (level = 1; level <= s->gpus && need > 0; level++)
		for (i = 0; i < s->len && need > 0; i++) {
			if (s->list[i].free_len != level)
				continue;
			n = count_fit(s, &s->list[i], per, need);
			if (n > 0)
				take(s, run, i, n, true);
			need -= n;
		}
	return need;
}

bool
place(struct servers *s, struct run *run, struct vec want, bool together)
{
	int k, gpus = run->job->gpus, missing = 0;
	int64_t one = -1;
	struct vec per;

	for (k = 0; k < SHARED; k++)
		per.v[k] = want.v[k] / gpus;
	run->shares = s->shares + s->shares_len;
	run->shares_len = 0;
	run->have = want;
	if (together && gpus > 1)
		one = tightest(s, gpus, &want);
	if (one >= 0)
		take(s, run, one, gpus, false);
	else
		missing = together ? fill_up(s, run, &per) :
		    spread(s, run, &per);
	if (missing > 0) {
		give_back(s, run);
		return false;
	}
	settle(s, run, &per);
	return true;
}

bool
place_roomiest(struct servers *s, struct run *run, struct vec want)
{
	int k, gpus = run->job->gpus;
	int64_t i, best = -1;
	double most = 0;
	struct vec per;

	for (i = 0; i < s->len; i++) {
		const struct server *on = &s->list[i];
		double room = place_left(s, on, CPU) -
		    s->fair.v[CPU] * on->free_len;

		if (on->free_len >= gpus && (best < 0 || room > most) &&
		    fits_whole(s, on, &want)) {
			best = i;
			most = room;
		}
	}
	if (best < 0)
		return false;
	for (k = 0; k < SHARED; k++)
		per.v[k] = want.v[k] / gpus;
	run->shares = s->shares + s->shares_len;
	run->shares_len = 0;
	run->have = want;
	take(s, run, best, gpus, false);
	settle(s, run, &per);
	return true;
}

void
place_change(struct servers *s, struct run *run, struct vec want)
{
	int i, k, gpus = run->job->gpus;

	for (i = 0; i < run->shares_len; i++) {
		const struct share *sh = &run->shares[i];
		struct vec *used = &s->list[sh->server].used;
		double part = (double)sh->len / gpus;

		for (k = 0; k < SHARED; k++)
			used->v[k] += want.v[k] * part -
			    run->have.v[k] * part;
	}
	run->have = want;
}
