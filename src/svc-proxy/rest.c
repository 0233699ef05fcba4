/*
 * rest.c - connections to instances between two requests, the one used last
 * first: kept for the next request, for a while, or for a check.
 */
#include "proxy.h"

#include <errno.h>
#include <sys/socket.h>

static void
on_timer(struct ev_timer *t)
{
	relay_close(container_of(t, struct upstream, timer));
}

void
rest_add(struct upstream *u)
{
	struct instance *i = u->inst;

	u->state = UP_IDLE;
	u->reused = true;
	u->head_done = false;
	u->in_line = 0;
	buf_release(&u->in);
	u->prev = NULL;
	u->next = i->idle;
	if (i->idle != NULL)
		i->idle->prev = u;
	i->idle = u;
	i->nidle++;
	(void)ev_timer_set(px.ev, &u->timer, ev_now_ms(px.ev) +
	    UPSTREAM_IDLE_MS, on_timer);
	ev_io_want(px.ev, &u->io, EPOLLIN);
}

void
rest_remove(struct upstream *u)
{
	struct instance *i = u->inst;

	if (u->prev != NULL)
		u->prev->next = u->next;
	else
		i->idle = u->next;
	if (u->next != NULL)
		u->next->prev = u->prev;
	u->prev = u->next = NULL;
	i->nidle--;
}

static bool
is_quiet(const struct upstream *u)
{
	char byte;

	return recv(u->io.fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

struct upstream *
rest_take(struct instance *i, bool careful)
{
	struct upstream *u;

	while ((u = i->idle) != NULL) {
		/* pending: it has just closed, or speaks unasked */
		if (u->io.pending == 0 && (!careful || is_quiet(u))) {
			rest_remove(u);
			u->state = UP_BUSY;
			return u;
		}
		relay_close(u);
	}
	return NULL;
}

int
rest_lend(struct instance *i)
{
	struct upstream *u = rest_take(i, true);

	return u ? relay_let_go(u) : -1;
}
