/*
 * input.c - what a client sends: heads, bodies, its end; one request after the
 * other.
 */
#include "proxy.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_MIN = 1024 };	/* less of a body is a drop */

bool
input_wanted(const struct conn *c)
{
	size_t unsent = c->req.len - c->req_sent;
	size_t most = HIGH_MARK;

	if (c->in_eof || c->state == CONN_FLUSH)
		return false;
	if (c->state == CONN_TUNNEL)
		return unsent < HIGH_MARK;
	if (c->state != CONN_QUEUED && c->state != CONN_BUSY)
		return c->out.len < HIGH_MARK;
	if (c->body_done)
		return c->in.len < SCRATCH_SIZE;
	if (c->svc == NULL)
		return false;	/* refused: the rest is nobody's */
	if (c->up == NULL || c->up->state == UP_CONNECT)
		most = MAX(most, c->req_head +
		    (size_t)c->svc->conf.retry.body_max_bytes);
	return unsent < most;
}

/* The body's bytes as the instance will get them. */
static int
add_body(struct conn *c, const char *p, size_t len)
{
	c->bytes_in += len;
	return relay_pass(c, p, len);
}

/* The rest of a request's body will not come, or is none. */
static void
body_failed(struct conn *c, const char *why)
{
	c->keep_alive = false;
	if (c->state == CONN_QUEUED)
		queue_remove(c);
	relay_drop(c);
	c->due = false;
	if (c->answered)
		conn_abort(c);
	else
		reply_error(c, 400, why, NULL);
}

static void
note_progress(struct conn *c)
{
	if (c->bytes_in - c->rest_mark >= PIECE_MIN) {
		c->rest_mark = c->bytes_in;
		rest_begin(c);
	}
}

static ssize_t
take_chunks(struct conn *c, const char *p, size_t len)
{
	size_t used = 0, pass;
	ssize_t n;

	while (used < len && !c->body_done) {
		n = chunks_walk(&c->chunks, p + used, len - used, &pass,
		    &c->body_done);
		if (n < 0 || add_body(c, p + used, pass) < 0)
			return -1;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* Part of a request's body: how many bytes were of it. */
static size_t
take_body(struct conn *c, const char *p, size_t len)
{
	ssize_t n;

	if (c->body == HTTP_CHUNKED) {
		n = take_chunks(c, p, len);
	} else {
		n = (ssize_t)MIN((uint64_t)c->body_left, len);
		c->body_left -= n;
		c->body_done = c->body_left == 0;
		if (add_body(c, p, (size_t)n) < 0)
			n = -1;
	}
	if (n >= 0) {
		conn_touch(c);
		note_progress(c);
		return (size_t)n;
	}
	body_failed(c, "the body is not chunked as it says");
	return len;
}

static void
note_for_log(struct conn *c, const struct http_head *h)
{
	size_t path = h->path.len;
	const char *q = memchr(h->path.p, '?', path);

	if (q != NULL)
		path = (size_t)(q - h->path.p);
	c->log_method = strndup(h->method.p, h->method.len);
	c->log_path = strndup(h->path.p, path);
}

static void
reset_request(struct conn *c)
{
	c->svc = NULL;
	c->avoid = NULL;
	c->req_sent = 0;
	c->req_whole = true;
	c->answered = c->due = c->fresh = false;
	c->attempts = 0;
	c->status = 0;
	c->start_us = ev_now_us(px.ev);
	c->sent_us = c->connect_us = c->first_us = 0;
	c->queue_us = c->waited_us = 0;
	c->id[0] = '\0';
	c->job_id = REC_NONE;
	free(c->log_method);
	free(c->log_path);
	c->log_method = c->log_path = NULL;
	c->bytes_in = c->bytes_out = c->rest_mark = 0;
	buf_cut(&c->req, 0);
}

/* A whole request head is there. */
static void
begin_request(struct conn *c, const struct http_head *h)
{
	c->body = h->body;
	c->body_left = h->length;
	c->body_done = h->body == HTTP_NO_BODY;
	c->idempotent = h->idempotent;
	c->method_class = stats_method(c, h->method);
	c->to_head = http_is(h->method, "HEAD");
	c->keep_alive = h->keep_alive && !px.draining;
	c->upgrade = h->upgrade.len > 0;
	c->minor = h->minor;
	if (c->body == HTTP_CHUNKED)
		chunks_init(&c->chunks, false);
	if (access_on())
		note_for_log(c, h);
	if (c->admin) {
		status_serve(c, h);
		return;
	}
	head_id(c, h);
	if (c->trusted)
		trust_client(c, h);
	c->svc = route_find(c, h);
	if (c->svc == NULL) {
		reply_refusal(c, 404, "no service has this path", "",
		    px.list ? route_list(c, h) : NULL);
		return;
	}
	c->svc->requests++;
	feed_busy();
	if (!limit_check(c) || !auth_check(c, h))
		return;
	balance_key(c, h);
	if (head_request(c, h) < 0) {
		c->keep_alive = false;
		reply_error(c, 503, "out of memory", NULL);
		return;
	}
	if (!c->body_done) {
		rest_begin(c);
		conn_touch(c);
	}
	c->due = true;
}

void
input_refuse(struct conn *c, int error, const char *why)
{
	c->state = CONN_BUSY;
	rest_end(c);
	px.requests++;
	reset_request(c);
	c->keep_alive = false;
	c->body_done = false;	/* who knows what follows */
	c->to_head = false;
	reply_error(c, error, why, NULL);
}

/* A head, or part of one: how many bytes were used; 0: more is needed. */
static size_t
take_head(struct conn *c, const char *p, size_t len)
{
	struct http_head h;
	ssize_t n;

	/* RFC 9112, 2.2: an empty line before a request is passed over */
	if (c->state == CONN_IDLE && p[0] == '\r' &&
	    (len == 1 || p[1] == '\n'))
		return len == 1 ? 0 : 2;
	n = http_head_len(p, len, &c->in_line, &h);
	if (n == 0) {
		if (c->state == CONN_IDLE) {
			conn_deadline(c, CLIENT_HEAD_MS);
			rest_begin(c);
		}
		c->state = CONN_HEAD;
		return 0;
	}
	c->in_line = 0;
	if (n < 0 || http_parse_request(p, (size_t)n, &h) < 0) {
		input_refuse(c, h.error, h.why);
		return len;
	}
	c->state = CONN_BUSY;
	rest_end(c);
	px.requests++;
	reset_request(c);
	begin_request(c, &h);
	return (size_t)n;
}

/*
 * Uses what it can of p: heads, bodies, one request after the other as long
 * as each is answered at once. Returns how many bytes were used.
 */
static size_t
conn_feed(struct conn *c, const char *p, size_t len)
{
	size_t used = 0, n;

	c->feeding = true;
	while (used < len) {
		if (c->state == CONN_IDLE || c->state == CONN_HEAD) {
			n = c->out.len < HIGH_MARK ?
			    take_head(c, p + used, len - used) : 0;
			if (n == 0)
				break;
		} else if (!c->body_done && (c->state == CONN_BUSY ||
		    c->state == CONN_QUEUED)) {
			n = take_body(c, p + used, len - used);
		} else {
			break;
		}
		used += n;
		if (c->due && (c->body_done || used == len)) {
			c->due = false;
			relay_dispatch(c);
		}
	}
	c->feeding = false;
	if (c->state == CONN_BUSY && c->up != NULL &&
	    c->req_sent < c->req.len)
		relay_flush(c);
	if (c->state == CONN_FLUSH || c->state == CONN_DEAD)
		return len;
	return used;
}

/* The client has ended its side, and all it sent before was looked at. */
static void
no_more_input(struct conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		input_refuse(c, 400, "the request ended in its head");
		break;
	case CONN_QUEUED:
	case CONN_BUSY:
		if (!c->body_done) {
			body_failed(c, "the request ended in its body");
			break;
		}
		net_probe(c->io.fd);	/* it may be gone altogether */
		conn_watch(c);
		break;
	case CONN_TUNNEL:
		conn_touch(c);
		relay_flush(c);
		conn_watch(c);
		break;
	case CONN_IDLE:
		conn_end_answers(c);
		break;
	case CONN_FLUSH:
		conn_watch(c);
		break;
	default:
		conn_close(c);
		break;
	}
}

void
input_kept(struct conn *c)
{
	size_t used;

	if (c->in.len == 0 || c->feeding)
		return;
	used = conn_feed(c, c->in.data, c->in.len);
	if (c->state == CONN_DEAD)
		return;
	buf_drop(&c->in, MIN(used, c->in.len));
	if (c->in.len == 0)
		buf_release(&c->in);
	if (c->in_eof && c->out.len < HIGH_MARK)
		no_more_input(c);
	else
		conn_watch(c);
}

/*
 * Whether a client that has ended its side is taken to have gone. One that
 * said that this was its last request may still wait for the answer; one that
 * gets an answer already will show by itself whether it reads.
 */
static bool
has_left(const struct conn *c)
{
	return (c->state == CONN_QUEUED || c->state == CONN_BUSY) &&
	    c->body_done && c->keep_alive && !c->answered && c->in.len == 0;
}

void
input_ended(struct conn *c)
{
	c->in_eof = true;
	if (has_left(c))
		conn_abort(c);
	else if (c->in.len == 0 || c->state == CONN_HEAD)
		no_more_input(c);
	else
		conn_watch(c);
}

void
input_take(struct conn *c, const char *p, size_t len)
{
	size_t used = 0;

	if (c->state == CONN_LINGER)
		return;
	if (c->state == CONN_TUNNEL) {
		conn_touch(c);
		if (relay_pass(c, p, len) < 0)
			conn_abort(c);
		else
			relay_flush(c);
		return;
	}
	if (c->in.len > 0) {
		if (buf_add(&c->in, p, len) < 0)
			conn_abort(c);
		else
			input_kept(c);
		return;
	}
	used = conn_feed(c, p, len);
	if (c->state == CONN_DEAD)
		return;
	if (used < len && buf_add(&c->in, p + used, len - used) < 0)
		conn_abort(c);
	else
		conn_watch(c);
}
