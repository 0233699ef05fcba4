/*
 * want.c - how many instances a service wants, and how early the successor of
 * one must be ordered.
 */
#include <stdlib.h>
#include <string.h>

#include "keepalive.h"

enum { LEAD_LEAST_S = 30, LEAD_UNKNOWN_S = 60, SAMPLES_FEW = 20 };

static int64_t
known(int64_t n)
{
	return MAX(n, 0);
}

static bool
elastic(const struct service *s)
{
	return s->instances.target_inflight > 0 || s->instances.min == 0;
}

/* What the demand of this moment asks for. */
static int64_t
asked_for(const struct unit *u)
{
	const struct service *s = u->def;
	int64_t target = s->instances.target_inflight, n = s->instances.min;
	int64_t load;

	if (!u->asked)
		return n;
	load = known(u->demand.queued) + known(u->demand.inflight);
	if (target > 0)
		n = MAX(n, load / target + (load % target > 0));
	/* short requests may all be over whenever somebody looks */
	if (load > 0 || u->demand.rate_mhz > 0)
		n = MAX(n, 1);
	return MIN(n, s->instances.max);
}

static void
change(struct keepalive *k, struct unit *u, int64_t to)
{
	json_t *more;

	if (to == u->want)
		return;
	more = json_pack("{s:I,s:I}", "from", (json_int_t)u->want, "to",
	    (json_int_t)to);
	if (!elastic(u->def))
		order_event(k, u, "scale", more, "service.json now says %lld",
		    (long long)to);
	else if (to > u->want)
		order_event(k, u, "scale", more,
		    "%lld requests wait, %lld are served",
		    (long long)known(u->demand.queued),
		    (long long)known(u->demand.inflight));
	else
		order_event(k, u, "scale", more,
		    "for %lld s no more than %lld would have been needed",
		    (long long)(k->now - u->low_at), (long long)to);
	u->want = to;
}

/* Less is wanted only after less has been enough for idle_s. */
static void
shrink(struct keepalive *k, struct unit *u, int64_t to)
{
	if (!u->low_at) {
		u->low_at = k->now;
		u->low_want = to;
	}
	u->low_at = MIN(u->low_at, k->now);
	u->low_want = MAX(u->low_want, to);
	if (k->now - u->low_at < u->def->instances.idle_s)
		return;
	change(k, u, u->low_want);
	u->low_at = u->low_want > to ? k->now : 0;
	u->low_want = to;
}

void
want_update(struct keepalive *k, struct unit *u, int64_t primaries)
{
	const struct service *s = u->def;
	int64_t n = asked_for(u);
	int64_t kept = MIN(primaries, s->instances.max);

	if (!elastic(s)) {
		if (u->want >= 0)
			change(k, u, n);
		u->want = n;
		u->low_at = 0;
		return;
	}
	if (u->want < 0)
		u->want = n;
	/*
	 * What came without our asking came for the demand that was before we
	 * began to look, or that another keepalive sees: it is let go like our
	 * own, in time.
	 */
	if (kept > u->had)
		u->want = MAX(u->want, kept);
	u->had = kept;
	u->want = MIN(u->want, s->instances.max);
	if (n < u->want) {
		shrink(k, u, n);
		return;
	}
	u->low_at = 0;
	change(k, u, n);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/*
 * Submission to readiness as it nearly always was, and a quarter more. A few
 * samples say little of a 90th percentile: the rank is near the upper end of
 * its confidence interval (the largest of up to 29), and as long as there are
 * fewer than SAMPLES_FEW the lead is at least an eighth of the job's limit.
 */
static int64_t
measured_s(const struct unit *u, int64_t limit_s)
{
	int64_t sorted[SAMPLES_MAX], n = u->samples_len, rank;
	int64_t least = n < SAMPLES_FEW ? limit_s / 8 : 0;

	if (n == 0)
		return MAX(least, LEAD_UNKNOWN_S);
	memcpy(sorted, u->samples, (size_t)n * sizeof(*sorted));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	/* 90 % of n, and a twentieth of the largest n for the doubt */
	rank = MIN((n * 9 + 9) / 10 + SAMPLES_MAX / 20, n);
	return MAX(sorted[rank - 1] * 5 / 4, MAX(least, LEAD_LEAST_S));
}

int64_t
want_lead_s(const struct keepalive *k, const struct unit *u,
    const struct job *j)
{
	const struct service *s = u->def;
	int64_t poll_s = MIN(MAX(2 * k->interval_s, POLL_S), POLL_MAX_S);
	int64_t rest_s = s->route.drain_s + MARGIN_S + poll_s;
	int64_t limit_s;

	if (s->instances.lead_s >= 0)
		return s->instances.lead_s + rest_s;
	if (j->r.start_at == REC_NONE)
		return measured_s(u, 0) + rest_s;
	/* or jobs of a minute would be replaced all the time */
	limit_s = j->r.end_at - j->r.start_at;
	return MIN(measured_s(u, limit_s) + rest_s, limit_s / 2);
}
