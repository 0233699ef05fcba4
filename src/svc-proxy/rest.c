/*
 * rest.c - clients that are waited for, and which of them must go when
 * descriptors run short.
 *
 * A request needs two descriptors, the client's and one to an instance; a
 * client at rest needs its own alone. Each counts as two until there is no
 * room for a newcomer. Then those that have been silent the longest count as
 * one: they are light. When all of them do, they are closed, the longest first,
 * between two requests, in a head, or in a body that comes in drops: a client
 * that does something is never further from the end of this list than those
 * that do nothing. Nobody is closed who has just come, or whose bytes wait to
 * be read, or who is being answered.
 *
 * Some room is kept for light ones that ask again. If more of them do at once
 * than that, there are still the descriptors of raise_limits; then it is 503.
 */
#include "proxy.h"

#include <errno.h>
#include <sys/socket.h>

#include "die.h"

enum {
	FRESH_MS = 250,		/* so long nobody is expected to be silent */
	STEP_MS = 10,		/* the order of the list is no finer */
	WARN_MS = 60000,
	SPARE_PART = 16,	/* of all descriptors, for who asks again */
};

/* ---- the list: who has been silent the longest comes first ---- */

static void
unlist(struct conn *c)
{
	if (!c->rests)
		return;
	if (c->rest_prev != NULL)
		c->rest_prev->rest_next = c->rest_next;
	else
		px.rest_first = c->rest_next;
	if (c->rest_next != NULL)
		c->rest_next->rest_prev = c->rest_prev;
	else
		px.rest_last = c->rest_prev;
	if (px.rest_heavy == c)
		px.rest_heavy = c->rest_next;
	c->rests = false;
}

static void
list(struct conn *c)
{
	c->rest_prev = px.rest_last;
	c->rest_next = NULL;
	if (c->rest_prev != NULL)
		c->rest_prev->rest_next = c;
	else
		px.rest_first = c;
	px.rest_last = c;
	if (px.rest_heavy == NULL)
		px.rest_heavy = c;
	c->rests = true;
	c->rest_ms = ev_now_ms(px.ev);
}

/* ---- room ---- */

static size_t
spare(void)
{
	return MAX(px.nidle, MIN(px.nlight, px.fds_max / SPARE_PART));
}

/* The last who came may be one too many: see raise_limits. */
bool
rest_fits(void)
{
	return 2 * px.nconns - px.nlight + spare() <= px.fds_max;
}

static bool
is_fresh(const struct conn *c)
{
	return ev_now_ms(px.ev) - c->rest_ms < FRESH_MS;
}

/* Nothing of what it has sent waits to be read. */
static bool
is_silent(const struct conn *c)
{
	char byte;

	return c->io.pending == 0 && recv(c->io.fd, &byte, 1, MSG_PEEK) < 0 &&
	    errno == EAGAIN;
}

static bool
is_at_rest(const struct conn *c)
{
	return c->out.len == 0 && (c->state == CONN_IDLE ||
	    c->state == CONN_HEAD || c->state == CONN_LINGER);
}

static bool
is_in_body(const struct conn *c)
{
	return (c->state == CONN_BUSY || c->state == CONN_QUEUED) &&
	    !c->body_done && !c->answered;
}

/* The next one that counts as two counts as one from now on, if it may. */
static bool
lighten(void)
{
	struct conn *c = px.rest_heavy;

	if (c == NULL || is_fresh(c))
		return false;
	if (!is_silent(c)) {
		rest_begin(c);
		return true;
	}
	px.rest_heavy = c->rest_next;
	if (is_at_rest(c) && !c->light) {
		c->light = true;
		px.nlight++;
	}
	return true;
}

static void
expel(struct conn *c)
{
	static int64_t warned_ms;
	int64_t now = ev_now_ms(px.ev);

	if (warned_ms == 0 || now - warned_ms >= WARN_MS) {
		warn("descriptors run short: clients that have long been "
		    "silent are closed; %zu are connected", px.nconns);
		warned_ms = now;
	}
	px.expelled++;
	conn_expel(c);
}

/* Closes the one that has been silent the longest, if there is one. */
static bool
expel_one(void)
{
	struct conn *c = px.rest_first;

	if (c == NULL || is_fresh(c))
		return false;
	if (!is_at_rest(c) && !is_in_body(c))
		unlist(c);	/* it is being answered */
	else if (!is_silent(c))
		rest_begin(c);
	else
		expel(c);
	return true;
}

bool
rest_room(void)
{
	while (!rest_fits()) {
		if (px.nidle > px.fds_max / SPARE_PART)
			upstream_close_spare();
		else if (!lighten() && !expel_one())
			return false;
	}
	return true;
}

/* ---- for others ---- */

void
rest_begin(struct conn *c)
{
	if (c->rests && ev_now_ms(px.ev) - c->rest_ms < STEP_MS)
		return;
	unlist(c);
	list(c);
}

void
rest_gone(struct conn *c)
{
	unlist(c);
	px.nlight -= c->light;
	c->light = false;
}

void
rest_end(struct conn *c)
{
	if (!c->light)
		return;		/* in the list it is in nobody's way */
	rest_gone(c);
	(void)rest_room();
}

bool
rest_may_keep(void)
{
	return px.nidle < px.fds_max / SPARE_PART || rest_fits();
}
