/*
 * relay.c - the instance's side of a request: send it, pass the answer on as it
 * comes, try elsewhere while nothing of it was passed on.
 */
#include "proxy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "die.h"

static void on_deadline(struct ev_timer *t);

enum why { LOST, REFUSED, LATE, CLOSED };	/* CLOSED: at rest, it seems */

enum { JOIN_MAX = 2048 };	/* a piece of a body sent with its head */

/* ---- lent and given back ---- */

static void
attach(struct conn *c, struct upstream *u)
{
	struct instance *i = u->inst;

	c->up = u;
	u->conn = c;
	u->deaf = false;
	c->job_id = i->rec.job_id;
	i->outstanding++;
	i->served++;
	i->turn = ++i->svc->turns;
	u->trial = i->ejected;
	i->on_trial |= u->trial;
	i->svc->inflight++;
	feed_demand_due(i->svc, false);
}

static void
detach(struct conn *c)
{
	struct upstream *u = c->up;

	c->up = NULL;
	u->conn = NULL;
	u->inst->on_trial &= !u->trial;
	u->inst->outstanding--;
	u->inst->svc->inflight--;
	feed_demand_due(u->inst->svc, false);
}

/* ---- failure ---- */

static bool
may_repeat(const struct conn *c, bool sent)
{
	return !c->answered && c->req_whole && (!sent || c->idempotent ||
	    c->svc->conf.retry.unsafe) &&
	    c->attempts < c->svc->conf.retry.attempts;
}

/*
 * The connection of a request was lost or never made. Elsewhere if that is
 * allowed; the client is told if nothing of an answer was passed on, and cut
 * off if something was.
 */
static void
up_failed(struct upstream *u, enum why why, const char *text)
{
	struct conn *c = u->conn;
	static const int statuses[] = { 502, 503, 504, 502 };
	struct instance *i = u->inst;
	bool sent = c->req_sent > 0 || !c->req_whole;

	detach(c);
	upstream_close(u);
	if (why == REFUSED && !i->gone)
		pool_health(i, HEALTH_DOWN, text);
	if (i->check != NULL && !u->reused)
		check_start(i);
	if (why == CLOSED && !c->fresh)
		c->attempts--;	/* no fault of this one, the first time */
	else
		eject_failure(i, text, u->trial);
	c->fresh |= why == CLOSED;
	if (why != LATE && may_repeat(c, sent)) {
		c->avoid = i;
		c->req_sent = 0;
		if (!relay_try(c))
			queue_add(c, true);
	} else if (c->answered) {
		c->svc->failed++;
		conn_abort(c);
	} else {
		reply_refusal(c, statuses[why], text, why == REFUSED ?
		    REPLY_LATER : "", json_pack("{s:I, s:s*}", "job_id",
		    (json_int_t)i->rec.job_id, "why", sent ? "the request had "
		    "been sent and may have been carried out" : NULL));
	}
	queue_serve(i->svc);
}

static void
on_deadline(struct ev_timer *t)
{
	struct upstream *u = container_of(t, struct upstream, timer);

	if (u->state == UP_CONNECT)
		up_failed(u, REFUSED, "no connection in time");
	else
		up_failed(u, LATE, "no answer in time");
}

/* ---- the request ---- */

void
relay_watch(struct upstream *u)
{
	struct conn *c = u->conn;
	uint32_t want = 0;

	if (u->state != UP_BUSY)
		return;
	if (c->out.len < HIGH_MARK && !u->in_eof)
		want |= EPOLLIN;
	if (c->req_sent < c->req.len && !u->deaf)
		want |= EPOLLOUT;
	ev_io_want(px.ev, &u->io, want);
}

/* Whether what was sent of the request may have to be sent again. */
static bool
is_kept(const struct conn *c)
{
	const struct service *s = &c->svc->conf;

	return c->state != CONN_TUNNEL && c->req_whole &&
	    (c->idempotent || s->retry.unsafe) &&
	    c->req.len <= c->req_head + (size_t)s->retry.body_max_bytes;
}

static void
forget_sent(struct conn *c)
{
	if (is_kept(c) ||
	    (c->req_sent < c->req.len && c->req_sent < HIGH_MARK))
		return;		/* needed, or not worth the move yet */
	c->req_whole = false;
	buf_drop(&c->req, c->req_sent);
	c->req_sent = 0;
}

static void
up_timer(struct upstream *u, int64_t ms)
{
	(void)ev_timer_set(px.ev, &u->timer, ev_now_ms(px.ev) + ms,
	    on_deadline);
}

/* As much as the instance takes now; one that takes something is at work. */
static size_t
send_some(struct upstream *u, const char *p, size_t len)
{
	ssize_t n = send(u->io.fd, p, len, MSG_NOSIGNAL);

	if (n > 0 && u->conn->state != CONN_TUNNEL)
		up_timer(u, RESPONSE_MS);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		u->deaf = true;		/* it may still have answered */
	return n > 0 ? (size_t)n : 0;
}

int
relay_pass(struct conn *c, const char *p, size_t len)
{
	struct upstream *u = c->up;
	size_t sent = 0;

	if (u != NULL && u->state == UP_BUSY && !u->deaf &&
	    c->req_sent == c->req.len && !is_kept(c)) {
		sent = send_some(u, p, len);
		c->req_whole &= sent == 0;
	}
	return buf_add(&c->req, p + sent, len - sent);
}

static void up_done(struct upstream *u);

/* Whether both sides of a tunnel have ended, or one can no longer. */
static bool
tunnel_over(struct upstream *u)
{
	struct conn *c = u->conn;

	if (c->state != CONN_TUNNEL || c->req_sent < c->req.len ||
	    !(c->in_eof || u->deaf))
		return false;
	(void)shutdown(u->io.fd, SHUT_WR);
	return u->in_eof;
}

void
relay_flush(struct conn *c)
{
	struct upstream *u = c->up;

	if (u == NULL || u->state != UP_BUSY)
		return;
	if (c->req_sent < c->req.len && !u->deaf)
		c->req_sent += send_some(u, c->req.data + c->req_sent,
		    c->req.len - c->req_sent);
	/* of what it never took a byte it has nothing: that may go elsewhere */
	if (u->deaf && (c->req_sent > 0 || !c->req_whole))
		c->req_sent = c->req.len;
	if (tunnel_over(u)) {
		up_done(u);
		return;
	}
	if (c->req_sent > 0)
		forget_sent(c);
	relay_watch(u);
	conn_watch(c);
}

static void
not_reached(struct instance *i, struct upstream *u, const char *why)
{
	if (u != NULL)
		upstream_close(u);
	pool_health(i, HEALTH_DOWN, why);
	if (i->check != NULL)
		check_start(i);
}

bool
relay_try(struct conn *c)
{
	struct instance *i;
	struct upstream *u;

	while (c->attempts < c->svc->conf.retry.attempts) {
		i = balance_pick(c);
		if (i == NULL)
			return false;
		c->svc->stats.retries += c->attempts++ > 0;
		/* a body that still comes may be too long to be sent twice */
		u = upstream_get(i, !c->idempotent || !c->body_done, c->fresh);
		if (u == NULL && net_is_shortage(errno)) {
			c->state = CONN_BUSY;
			reply_error(c, 503, "no connection could be made",
			    strerror(errno));
			return true;
		}
		if (u == NULL || head_base(c, i->base) < 0) {
			not_reached(i, u, strerror(errno));
			continue;
		}
		c->state = CONN_BUSY;
		attach(c, u);
		conn_touch(c);
		c->sent_us = ev_now_us(px.ev);
		c->connect_us = 0;
		up_timer(u, u->state == UP_CONNECT ? CONNECT_MS :
		    RESPONSE_MS);
		relay_flush(c);
		if (u->state == UP_CONNECT)
			conn_watch(c);
		return true;
	}
	c->state = CONN_BUSY;
	reply_error(c, 503, "no instance could be reached", NULL);
	return true;
}

void
relay_dispatch(struct conn *c)
{
	/* one that is tied to an instance is not behind those of others */
	if ((c->svc->first != NULL && !balance_is_sticky(c->svc)) ||
	    !relay_try(c))
		queue_add(c, false);
}

void
relay_drop(struct conn *c)
{
	struct upstream *u = c->up;

	if (u == NULL)
		return;
	detach(c);
	upstream_close(u);
	queue_serve(u->inst->svc);
}

/* ---- the answer ---- */

/* The answer is complete: the connection rests, the client goes on. */
static void
up_done(struct upstream *u)
{
	struct conn *c = u->conn;
	struct instance *i = u->inst;
	bool keep = u->keep_alive && !u->deaf && c->body_done &&
	    c->req_sent == c->req.len;

	detach(c);
	if (keep)
		upstream_rest(u);
	else
		upstream_close(u);
	conn_done(c);
	if (i->svc->first != NULL)
		queue_serve(i->svc);
}

/* A head, if there is one, and len bytes of p. false: the client is gone. */
static bool
pass_on(struct conn *c, struct buf *head, const char *p, size_t len)
{
	struct iovec iov[2] = { { 0 }, { (char *)(uintptr_t)p, len } };
	bool joined, sent;

	if (head == NULL || head->len == 0)
		return len == 0 || conn_send(c, iov + 1, 1);
	joined = len <= JOIN_MAX && buf_add(head, p, len) == 0;
	iov[0] = (struct iovec){ head->data, head->len };
	sent = conn_send(c, iov, joined ? 1 : 2);
	buf_cut(head, 0);
	return sent;
}

/* Bytes of the answer's body; false if the connection is gone after it. */
static bool
pass_body(struct upstream *u, struct buf *head, const char *p, size_t len)
{
	struct conn *c = u->conn;
	size_t used = 0, pass = 0;
	bool done = u->body == HTTP_NO_BODY;
	ssize_t n;

	do {
		n = (ssize_t)(len - used);
		if (u->body == HTTP_NO_BODY) {
			n = 0;
		} else if (u->body == HTTP_LENGTH) {
			n = MIN(n, u->body_left);
			u->body_left -= n;
			done = u->body_left == 0;
		}
		pass = (size_t)n;
		if (u->body == HTTP_CHUNKED)
			n = chunks_walk(&u->chunks, p + used, len - used,
			    &pass, &done);
		if (n < 0) {
			up_failed(u, LOST, "its answer is not chunked as it "
			    "says");
			return false;
		}
		c->answered = true;
		if (!pass_on(c, head, p + used, pass))
			return false;
		used += (size_t)n;
	} while (!done && used < len);
	if (!done)
		return true;
	if (used < len)
		u->keep_alive = false;	/* it sent more than it said */
	up_done(u);
	return false;
}

/* From here on bytes pass both ways as they are. */
static bool
begin_tunnel(struct upstream *u, struct buf *head, const char *p, size_t len)
{
	struct conn *c = u->conn;

	c->answered = true;
	c->state = CONN_TUNNEL;
	c->keep_alive = false;
	c->body_done = true;
	u->body = HTTP_UNTIL_CLOSE;
	u->keep_alive = false;
	ev_timer_stop(px.ev, &u->timer);	/* the client's is for both */
	c->req_whole = false;
	if (!pass_on(c, head, p, len))
		return false;
	if (c->in.len > 0 && buf_add(&c->req, c->in.data, c->in.len) == 0)
		buf_cut(&c->in, 0);
	conn_touch(c);
	relay_flush(c);
	return true;
}

/* What the head of the final answer says of what follows. */
static void
begin_answer(struct upstream *u, const struct http_head *h)
{
	struct conn *c = u->conn;

	u->head_done = true;
	u->keep_alive = h->keep_alive;
	u->body = h->body;
	u->body_left = h->length;
	u->data_only = h->body == HTTP_CHUNKED && c->minor == 0;
	if (h->body == HTTP_CHUNKED)
		chunks_init(&u->chunks, u->data_only);
	if (h->body == HTTP_UNTIL_CLOSE || u->data_only || !c->body_done ||
	    u->deaf || px.draining)
		c->keep_alive = false;
	c->status = h->status;
	c->first_us = ev_now_us(px.ev);
	stats_first_byte(c, u->inst);
	eject_answer(u->inst, h->status, u->trial);
}

/* A 503 that says when to come again: to another one, if one is free now. */
static bool
goes_elsewhere(struct upstream *u, const struct http_head *h)
{
	const struct http_field *f = http_find(h, "retry-after");
	struct conn *c = u->conn;
	struct instance *i = u->inst, *other;

	if (f == NULL)
		return false;
	eject_pause(i, f->value);
	if (!may_repeat(c, true))
		return false;
	c->avoid = i;
	other = balance_pick(c);
	if (other == NULL || other == i)
		return false;
	detach(c);
	upstream_close(u);
	c->req_sent = 0;
	if (!relay_try(c))
		queue_add(c, true);
	queue_serve(i->svc);
	return true;
}

/*
 * One head, whole, of len bytes at p; rest is what follows it. Returns false
 * if the connection is done with.
 */
static bool
take_head(struct upstream *u, const char *p, size_t len, const char *rest,
    size_t rest_len)
{
	static struct buf head = BUF_INIT(HTTP_HEAD_MAX * 2);
	struct conn *c = u->conn;
	struct http_head h;
	bool tunnel;

	if (http_parse_response(p, len, c->to_head, &h) < 0) {
		up_failed(u, LOST, h.why);
		return false;
	}
	if (h.status == 503 && goes_elsewhere(u, &h))
		return false;
	tunnel = h.status == 101;
	if (tunnel && !c->upgrade) {
		up_failed(u, LOST, "it switches protocols unasked");
		return false;
	}
	if (h.status >= 200 || tunnel)
		begin_answer(u, &h);
	if (h.status < 200 && !tunnel && c->minor == 0)
		return true;	/* HTTP/1.0 knows no interim answers */
	if (head_response(c, u, &h, &head) < 0) {
		up_failed(u, LOST, "its answer has too long a head");
		return false;
	}
	if (tunnel)
		return begin_tunnel(u, &head, rest, rest_len);
	if (u->head_done)
		return pass_body(u, &head, rest, rest_len);
	return pass_on(c, &head, rest, 0);
}

/* Bytes before the end of the final head. */
static void
take_heads(struct upstream *u, const char *p, size_t len)
{
	struct http_head h;
	ssize_t n;

	while (len > 0) {
		n = http_head_len(p, len, &u->in_line, &h);
		if (n < 0) {
			up_failed(u, LOST, h.why);
			return;
		}
		if (n == 0)
			break;
		u->in_line = 0;
		if (!take_head(u, p, (size_t)n, p + n, len - (size_t)n))
			return;
		p += n;
		len -= (size_t)n;
		if (u->head_done) {
			buf_release(&u->in);
			return;
		}
	}
	/* p may lie in u->in: then what was used is dropped, else it is kept */
	if (u->in.len > 0)
		buf_drop(&u->in, u->in.len - len);
	else if (buf_add(&u->in, p, len) < 0)
		up_failed(u, LOST, "out of memory");
}

static void
take_answer(struct upstream *u, const char *p, size_t len)
{
	if (u->conn->state == CONN_TUNNEL)
		conn_touch(u->conn);
	else
		up_timer(u, RESPONSE_MS);
	if (u->head_done) {
		if (pass_body(u, NULL, p, len))
			relay_watch(u);
		return;
	}
	if (u->in.len > 0) {
		if (buf_add(&u->in, p, len) < 0) {
			up_failed(u, LOST, "its answer has too long a head");
			return;
		}
		p = u->in.data;
		len = u->in.len;
	}
	take_heads(u, p, len);
	if (u->state == UP_BUSY && u->conn != NULL)
		relay_watch(u);
}

/* The instance has ended its side, or error is not 0. */
static void
answer_ended(struct upstream *u, int error)
{
	struct conn *c = u->conn;
	bool begun = u->head_done || u->in.len > 0;

	if (c->state == CONN_TUNNEL && error == 0) {
		u->in_eof = true;
		conn_end_output(c);
		relay_flush(c);
		return;
	}
	if (u->head_done && u->body == HTTP_UNTIL_CLOSE && error == 0) {
		u->keep_alive = false;
		up_done(u);
		return;
	}
	up_failed(u, u->reused && !begun ? CLOSED : LOST, error != 0 ?
	    strerror(error) : begun ? "it closed in mid-answer" :
	    "it closed without an answer");
}

static void
up_connected(struct upstream *u)
{
	struct conn *c = u->conn;

	if (net_connected(u->io.fd) < 0) {
		up_failed(u, REFUSED, strerror(errno));
		return;
	}
	u->state = UP_BUSY;
	c->connect_us = ev_now_us(px.ev);
	up_timer(u, RESPONSE_MS);
	relay_flush(c);
}

void
relay_event(struct ev_io *io, uint32_t events)
{
	struct upstream *u = container_of(io, struct upstream, io);
	ssize_t n;

	if (u->state == UP_IDLE) {
		upstream_close(u);	/* it closed, or speaks unasked */
		return;
	}
	if (u->state == UP_CONNECT) {
		up_connected(u);
		return;
	}
	if (events & EPOLLOUT)
		relay_flush(u->conn);
	if (u->state != UP_BUSY ||
	    !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(io->fd, px.scratch, SCRATCH_SIZE, 0);
	if (n > 0)
		take_answer(u, px.scratch, (size_t)n);
	else if (n == 0)
		answer_ended(u, 0);
	else if (errno != EAGAIN && errno != EINTR)
		answer_ended(u, errno);
}
