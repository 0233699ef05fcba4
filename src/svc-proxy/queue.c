/*
 * queue.c - requests that wait for an instance: one queue a service, first in
 * first out, bounded, each with a deadline. A client that goes away leaves it.
 */
#include "proxy.h"

#include <stdio.h>

void
queue_add(struct conn *c, bool first)
{
	struct svc *s = c->svc;
	int64_t left_ms = s->conf.queue.timeout_s * 1000 -
	    c->waited_us / 1000;

	if (s->queued >= s->conf.queue.max || left_ms <= 0) {
		queue_refuse(c, left_ms <= 0 ?
		    "no instance was ready in time" : "too many requests wait");
		return;
	}
	c->state = CONN_QUEUED;
	c->queue_us = ev_now_us(px.ev);
	c->prev = first ? NULL : s->last;
	c->next = first ? s->first : NULL;
	if (c->prev != NULL)
		c->prev->next = c;
	else
		s->first = c;
	if (c->next != NULL)
		c->next->prev = c;
	else
		s->last = c;
	s->queued++;
	conn_deadline(c, left_ms);
	conn_watch(c);
	feed_demand_due(s, s->queued == 1);
}

int64_t
queue_waited_us(const struct conn *c)
{
	return c->waited_us + (c->state == CONN_QUEUED ?
	    ev_now_us(px.ev) - c->queue_us : 0);
}

void
queue_remove(struct conn *c)
{
	struct svc *s = c->svc;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		s->last = c->prev;
	c->prev = c->next = NULL;
	c->waited_us = queue_waited_us(c);
	c->state = CONN_BUSY;
	s->queued--;
	feed_demand_due(s, false);
}

/* The one whose turn it is; who waits for its own instance holds up nobody. */
static struct conn *
next_of(const struct svc *s)
{
	struct conn *c = s->first;

	while (c != NULL && balance_pick(c) == NULL)
		c = balance_is_sticky(s) ? c->next : NULL;
	return c;
}

void
queue_serve(struct svc *s)
{
	struct conn *c;

	while ((c = next_of(s)) != NULL) {
		queue_remove(c);
		if (!relay_try(c)) {
			queue_add(c, true);
			break;
		}
	}
}

void
queue_dismiss(struct svc *s)
{
	struct conn *c;

	while ((c = s->first) != NULL) {
		queue_remove(c);
		reply_error(c, 404, "the service is no longer there", NULL);
	}
}

void
queue_refuse(struct conn *c, const char *error)
{
	struct buf why = BUF_INIT(4096);

	reply_error(c, 503, error, pool_why(c->svc, &why));
	buf_release(&why);
}
