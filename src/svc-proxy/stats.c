/*
 * stats.c - what is counted of requests: since the start for Prometheus, of
 * the last minutes for people. Costs a few additions a request.
 */
#include "proxy.h"

#include <string.h>

/* Durations of the last one to two minutes: windows change at these ticks. */
enum { WINDOW_TICKS = 60 };

enum method_class
stats_method(const struct conn *c, struct http_slice method)
{
	if (!c->idempotent)
		return METHOD_UNSAFE;
	return method.p[0] == 'P' || method.p[0] == 'D' ? METHOD_IDEMPOTENT :
	    METHOD_SAFE;	/* PUT and DELETE; GET, HEAD, OPTIONS, TRACE */
}

/*
 * The last eighth of the mean is the newest: it follows an instance that has
 * become slow within some ten requests.
 */
void
stats_first_byte(const struct conn *c, struct instance *i)
{
	int64_t us = c->first_us - c->sent_us;

	hist_add(&i->recent[0], us);
	i->first_us += i->first_at_us == 0 ? us : (us - i->first_us) / 8;
	i->first_at_us = c->first_us;
}

static void
count_times(const struct conn *c, struct stats *st)
{
	int64_t now = ev_now_us(px.ev);

	if (c->first_us != 0) {
		hist_add(&st->first_byte, c->first_us - c->start_us);
		hist_add(&st->recent[0], c->first_us - c->start_us);
		hist_add(&st->history.step, c->first_us - c->start_us);
		hist_add(&st->whole, now - c->start_us);
	}
	if (c->queue_us != 0)
		hist_add(&st->wait, queue_waited_us(c));
}

void
stats_done(const struct conn *c)
{
	struct stats *st = c->svc ? &c->svc->stats : &px.other;
	int code = c->status - 100;

	if (c->admin)
		return;
	if (code >= 0 && code < CODES)
		st->codes[c->method_class][code]++;
	st->bytes_in += c->bytes_in;
	st->bytes_out += c->bytes_out;
	count_times(c, st);
}

/* One step of the history is over. */
static void
end_step(struct svc *s, size_t at)
{
	struct history *h = &s->stats.history;

	h->requests[at] = (uint32_t)(s->requests - h->mark);
	h->failed[at] = (uint32_t)(s->failed - h->failed_mark);
	h->p50_us[at] = (uint32_t)hist_part(&h->step, NULL, 500);
	h->p95_us[at] = (uint32_t)hist_part(&h->step, NULL, 950);
	h->mark = s->requests;
	h->failed_mark = s->failed;
	hist_clear(&h->step);
}

static void
shift(struct hist recent[2])
{
	recent[1] = recent[0];
	hist_clear(&recent[0]);
}

static void
next_window(struct svc *s)
{
	size_t n;

	shift(s->stats.recent);
	for (n = 0; n < s->ninst; n++)
		shift(s->inst[n]->recent);
}

static void
tick(void)
{
	bool window = ++px.ticks % WINDOW_TICKS == 0;
	struct map_item *item;
	size_t at = 0;

	if (px.ticks % HISTORY_STEP_S != 0)
		return;
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		end_step(item->value, (size_t)(px.ticks / HISTORY_STEP_S) %
		    HISTORY_LEN);
		if (window)
			next_window(item->value);
	}
}

void
stats_tick(void)
{
	int64_t now = ev_now_ms(px.ev) / 1000;

	/* what is older is in no history */
	px.ticks = MAX(px.ticks, now - HISTORY_LEN * HISTORY_STEP_S);
	while (px.ticks < now)
		tick();
}
