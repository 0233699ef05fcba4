/*
 * upstream.c - connections to instances: made, at rest between two requests,
 * the one used last first, lent to checks, closed.
 */
#include "proxy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- at rest ---- */

static void
idle_remove(struct upstream *u)
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
	px.nidle--;
}

static void
on_idle_deadline(struct ev_timer *t)
{
	upstream_close(container_of(t, struct upstream, timer));
}

void
upstream_rest(struct upstream *u)
{
	struct instance *i = u->inst;

	assert(u->conn == NULL);
	if (i->gone || i->check == NULL || i->nidle >= IDLE_MAX ||
	    !rest_may_keep()) {
		upstream_close(u);
		return;
	}
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
	px.nidle++;
	(void)ev_timer_set(px.ev, &u->timer, ev_now_ms(px.ev) +
	    UPSTREAM_IDLE_MS, on_idle_deadline);
	ev_io_want(px.ev, &u->io, EPOLLIN);
}

void
upstream_close_spare(void)
{
	struct map_item *item;
	size_t at = 0, n;
	struct svc *s;

	while ((item = map_next(&px.svcs, &at)) != NULL) {
		s = item->value;
		for (n = 0; n < s->ninst; n++) {
			if (s->inst[n]->idle != NULL) {
				upstream_close(s->inst[n]->idle);
				return;
			}
		}
	}
}

/* ---- birth and death ---- */

/* Its descriptor is the caller's now. */
static int
let_go(struct upstream *u)
{
	int fd = u->io.fd;

	assert(u->conn == NULL);
	if (u->state == UP_IDLE)
		idle_remove(u);
	u->state = UP_DEAD;
	ev_timer_stop(px.ev, &u->timer);
	ev_io_stop(px.ev, &u->io);
	px.nups--;
	u->next = px.dead_ups;
	px.dead_ups = u;
	return fd;
}

void
upstream_close(struct upstream *u)
{
	if (u->state != UP_DEAD)
		(void)close(let_go(u));
}

void
upstream_bury(void)
{
	struct upstream *u;

	while ((u = px.dead_ups) != NULL) {
		px.dead_ups = u->next;
		buf_release(&u->in);
		pool_unref(u->inst);
		free(u);
	}
}

/*
 * A connection to i: the one of its checks, or a new one, being made. NULL with
 * errno.
 */
static struct upstream *
connect_to(struct instance *i)
{
	struct upstream *u = calloc(1, sizeof(*u));
	struct err e;
	int fd;

	if (u == NULL)
		return NULL;
	fd = check_lend(i);
	u->reused = fd >= 0;
	if (fd < 0 && px.nconns + px.nups >= px.fds_max)
		upstream_close_spare();
	if (fd < 0)
		fd = net_connect(&i->addr);
	if (fd < 0) {
		free(u);
		return NULL;
	}
	if (ev_io_start(px.ev, &u->io, fd, EPOLLOUT, relay_event, &e) < 0) {
		(void)close(fd);
		free(u);
		errno = e.code;
		return NULL;
	}
	u->state = u->reused ? UP_BUSY : UP_CONNECT;
	u->inst = i;
	i->refs++;
	px.nups++;
	buf_init(&u->in, HTTP_HEAD_MAX + SCRATCH_SIZE);
	return u;
}

/* ---- taken from those at rest ---- */

static bool
is_quiet(const struct upstream *u)
{
	char byte;

	return recv(u->io.fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/*
 * NULL: there is none. What must not be sent twice is not sent into one that
 * the instance has closed meanwhile, as far as one can know: that is careful.
 */
static struct upstream *
take(struct instance *i, bool careful)
{
	struct upstream *u;

	while ((u = i->idle) != NULL) {
		/* pending: it has just closed, or speaks unasked */
		if (u->io.pending == 0 && (!careful || is_quiet(u))) {
			idle_remove(u);
			u->state = UP_BUSY;
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

struct upstream *
upstream_get(struct instance *i, bool careful, bool fresh)
{
	struct upstream *u = fresh ? NULL : take(i, careful);

	return u ? u : connect_to(i);
}

int
upstream_lend(struct instance *i)
{
	struct upstream *u = take(i, true);

	return u ? let_go(u) : -1;
}
