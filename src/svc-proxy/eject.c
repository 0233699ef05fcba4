/*
 * eject.c - instances that fail requests are left out for a while.
 *
 * health.eject_after failures in a row (5xx, an answer that breaks off, no
 * connection) eject an instance: for EJECT_MS, twice as long each time. After
 * that it is on trial: one request at a time, until one succeeds. Where no
 * other instance is alive an ejected one serves all the same: its errors say
 * more than ours would. What it was asked before counts for nothing.
 */
#include "proxy.h"

#include <stdio.h>

#include "die.h"

enum { EJECT_MS = 5000, EJECT_MAX_MS = 300000 };

/* Not for its turn: ejected, or on trial with another request. */
bool
eject_barred(const struct instance *i)
{
	return i->ejected && (i->on_trial ||
	    ev_now_ms(px.ev) < i->ejected_until_ms);
}

static void
on_trial_begins(struct ev_timer *t)
{
	struct instance *i = container_of(t, struct instance, eject_timer);

	feed_demand_due(i->svc, false);
	queue_serve(i->svc);
}

void
eject_resume(struct instance *i)
{
	(void)ev_timer_set(px.ev, &i->eject_timer, i->ejected_until_ms,
	    on_trial_begins);
}

static void
leave_out(struct instance *i, int64_t ms)
{
	i->ejected = true;
	i->errors = 0;
	i->ejected_until_ms = ev_now_ms(px.ev) + ms;
	eject_resume(i);
	feed_demand_due(i->svc, false);
}

static void
eject(struct instance *i, const char *why)
{
	int64_t ms;

	/* one that has served well for long begins anew */
	if (!i->ejected && ev_now_ms(px.ev) - i->readmitted_ms > EJECT_MAX_MS)
		i->ejections = 0;
	ms = MIN((int64_t)EJECT_MS << MIN(i->ejections, 16),
	    (int64_t)EJECT_MAX_MS);
	i->ejections++;
	i->svc->stats.ejections++;
	note("%s: job %lld at %s is left out for %lld s: %s",
	    i->svc->conf.name, (long long)i->rec.job_id, i->rec.url,
	    (long long)ms / 1000, why);
	leave_out(i, ms);
}

void
eject_failure(struct instance *i, const char *why, bool trial)
{
	int64_t most = i->svc->conf.health.eject_after;

	(void)snprintf(i->last_error, sizeof(i->last_error), "%s", why);
	if (most == 0 || i->gone)
		return;
	if (i->ejected) {
		if (trial && ev_now_ms(px.ev) >= i->ejected_until_ms)
			eject(i, why);
	} else if (++i->errors >= most) {
		eject(i, why);
	}
}

static void
readmit(struct instance *i)
{
	eject_stop(i);
	i->ejected = false;
	i->readmitted_ms = ev_now_ms(px.ev);
	i->last_error[0] = '\0';
	note("%s: job %lld at %s is taken in again", i->svc->conf.name,
	    (long long)i->rec.job_id, i->rec.url);
	feed_demand_due(i->svc, false);
}

/* Statuses that speak of the request, or of a pause, do not count. */
void
eject_answer(struct instance *i, int status, bool trial)
{
	char why[32];

	if (status >= 500 && status != 501 && status != 505) {
		(void)snprintf(why, sizeof(why), "it answered %d", status);
		eject_failure(i, why, trial);
		return;
	}
	i->errors = 0;
	if (i->ejected && trial)
		readmit(i);
}

/* Seconds of Retry-After; a date is as good as soon. */
static int64_t
pause_ms(struct http_slice after)
{
	int64_t s = 0;
	size_t i;

	for (i = 0; i < after.len && i < 6; i++) {
		if (after.p[i] < '0' || after.p[i] > '9')
			return 1000;
		s = 10 * s + after.p[i] - '0';
	}
	return s * 1000;
}

void
eject_pause(struct instance *i, struct http_slice after)
{
	int64_t ms = MIN(pause_ms(after), (int64_t)EJECT_MAX_MS);

	(void)snprintf(i->last_error, sizeof(i->last_error),
	    "it answered 503 with Retry-After");
	if (i->ejected)		/* what it is left out for may be longer */
		ms = MAX(ms, i->ejected_until_ms - ev_now_ms(px.ev));
	if (!i->gone && ms > 0)
		leave_out(i, ms);
}

void
eject_stop(struct instance *i)
{
	ev_timer_stop(px.ev, &i->eject_timer);
}
