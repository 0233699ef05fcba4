/*
 * conn.c - the client's side of a request.
 *
 * Bytes are read into px.scratch and used from there; only what cannot be used
 * yet is kept, so an idle connection holds no buffers.
 */
#include "proxy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"

enum {
	ACCEPT_BATCH = 64,
	ADMIN_OUT_MAX = 16 << 20,	/* a status of ten thousand jobs */
	FULL_MS = 100,
	FAR_MS = 24 * 3600 * 1000,
	CLIENT_GONE = 499,	/* in the log: it left before an answer */
};

static void on_client(struct ev_io *io, uint32_t events);
static void on_deadline(struct ev_timer *t);

/* ---- birth and death ---- */

static void
peer_name(struct conn *c, const struct net_addr *peer)
{
	char text[NET_TEXT], *end;
	const char *from = net_text(peer, text, sizeof(text));

	trust_addr(peer, &c->peer_addr);
	c->trusted = trust_has(&c->peer_addr);
	c->client_addr = c->peer_addr;
	if (peer->sa.sa_family == AF_UNIX) {
		memcpy(c->peer, "unix", sizeof("unix"));
		memcpy(c->client, "unix", sizeof("unix"));
		return;
	}
	end = strrchr(text, ':');
	*end = '\0';
	if (*from == '[') {
		from++;
		end[-1] = '\0';
	}
	(void)snprintf(c->peer, sizeof(c->peer), "%s", from);
	memcpy(c->client, c->peer, sizeof(c->client));
}

static void
link_conn(struct conn *c)
{
	c->all_next = px.conns;
	if (px.conns != NULL)
		px.conns->all_prev = c;
	px.conns = c;
	px.nconns++;
	px.accepted++;
}

static void
unlink_conn(struct conn *c)
{
	if (c->all_prev != NULL)
		c->all_prev->all_next = c->all_next;
	else
		px.conns = c->all_next;
	if (c->all_next != NULL)
		c->all_next->all_prev = c->all_prev;
	px.nconns--;
}

/* One client; refused (the descriptor closed) when there is no memory. */
static void
begin(int fd, const struct net_addr *peer, const struct listener *l)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct err e;

	if (c == NULL || ev_io_start(px.ev, &c->io, fd, EPOLLIN, on_client,
	    &e) < 0) {
		(void)close(fd);
		free(c);
		return;
	}
	c->admin = l->admin;
	c->door = l->door;
	c->body_done = true;
	buf_init(&c->in, IN_MAX);
	buf_init(&c->out, l->admin ? ADMIN_OUT_MAX : OUT_MAX);
	buf_init(&c->req, REQ_MAX);
	peer_name(c, peer);
	link_conn(c);
	rest_begin(c);
	conn_deadline(c, CLIENT_IDLE_MS);
}

static void
on_accept_timer(struct ev_timer *t)
{
	(void)t;
	proxy_accept_again();
}

/* Looks again in a moment. */
static void
pause_accepting(bool admin_too)
{
	size_t i;

	for (i = 0; i < px.nlisteners; i++)
		if (admin_too || !px.listeners[i].admin)
			ev_io_want(px.ev, &px.listeners[i].io, 0);
	px.full = true;
	(void)ev_timer_set(px.ev, &px.accept_timer,
	    ev_now_ms(px.ev) + FULL_MS, on_accept_timer);
}

void
conn_accept(struct ev_io *io, uint32_t events)
{
	struct listener *l = container_of(io, struct listener, io);
	struct net_addr peer;
	int fd, n;

	(void)events;
	for (n = 0; n < ACCEPT_BATCH; n++) {
		if (!l->admin && !rest_room()) {
			pause_accepting(false);
			return;
		}
		fd = net_accept(io->fd, &peer);
		if (fd < 0)
			break;
		begin(fd, &peer, l);
	}
	if (n < ACCEPT_BATCH && (errno == EMFILE || errno == ENFILE ||
	    errno == ENOMEM || errno == ENOBUFS))
		pause_accepting(true);
}

void
conn_close(struct conn *c)
{
	int fd = c->io.fd;

	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_QUEUED)
		queue_remove(c);
	c->state = CONN_DEAD;
	rest_gone(c);
	relay_drop(c);
	ev_timer_stop(px.ev, &c->timer);
	ev_io_stop(px.ev, &c->io);
	(void)close(fd);
	unlink_conn(c);
	c->next = px.dead_conns;
	px.dead_conns = c;
}

/* status is for the log, of a request that was not answered. */
static void
cut_off(struct conn *c, int status)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_DEAD)
		return;
	if (c->start_us != 0 && c->state != CONN_IDLE) {
		if (!c->answered)
			c->status = status;
		access_log(c);
		stats_done(c);
	}
	(void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	conn_close(c);
}

void
conn_abort(struct conn *c)
{
	cut_off(c, CLIENT_GONE);
}

void
conn_expel(struct conn *c)
{
	if (c->state == CONN_BUSY || c->state == CONN_QUEUED)
		cut_off(c, 408);
	else
		conn_close(c);
}

/*
 * Reset, so that no answer without its end is taken for whole. Who waits comes
 * first: the others leave instances free, and nothing more is to be sent there.
 */
void
conn_cut_all(void)
{
	struct conn *c, *next;

	for (c = px.conns; c != NULL; c = next) {
		next = c->all_next;
		if (c->state == CONN_QUEUED)
			cut_off(c, 503);
	}
	for (c = px.conns; c != NULL; c = next) {
		next = c->all_next;
		if (c->state == CONN_BUSY || c->state == CONN_TUNNEL ||
		    c->out.len > 0)
			cut_off(c, 503);
	}
}

void
conn_bury(void)
{
	struct conn *c;
	bool any = px.dead_conns != NULL;

	while ((c = px.dead_conns) != NULL) {
		px.dead_conns = c->next;
		buf_release(&c->in);
		buf_release(&c->out);
		buf_release(&c->req);
		free(c->log_method);
		free(c->log_path);
		free(c);
	}
	if (any)
		proxy_conn_gone();
}

void
conn_drain(bool idle_too)
{
	struct conn *c, *next;

	for (c = px.conns; c != NULL; c = next) {
		next = c->all_next;
		/* after a takeover, what was told to stay may stay */
		if (idle_too || !c->answered)
			c->keep_alive = false;
		if (idle_too && c->state == CONN_IDLE && c->out.len == 0)
			conn_close(c);
	}
}

/* ---- deadlines and what is watched ---- */

void
conn_deadline(struct conn *c, int64_t ms)
{
	if (ev_timer_set(px.ev, &c->timer, ev_now_ms(px.ev) + ms,
	    on_deadline) < 0)
		conn_close(c);
}

void
conn_touch(struct conn *c)
{
	if (c->state == CONN_QUEUED || c->state == CONN_HEAD)
		return;		/* theirs was set once for all */
	if (c->out.len > 0)
		conn_deadline(c, CLIENT_SEND_MS);
	else if (c->state == CONN_BUSY)
		conn_deadline(c, c->body_done ? FAR_MS : CLIENT_BODY_MS);
	else if (c->state == CONN_TUNNEL)
		conn_deadline(c, TUNNEL_MS);
	else
		conn_deadline(c, c->state == CONN_LINGER ? LINGER_MS :
		    CLIENT_IDLE_MS);
}

/* Whether it is the instance that is waited for; it has its own deadline. */
static bool
instances_turn(const struct conn *c)
{
	return c->up != NULL && c->out.len == 0 &&
	    (c->body_done || !input_wanted(c));
}

static void
on_deadline(struct ev_timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	switch (c->state) {
	case CONN_HEAD:
		input_refuse(c, 408, "the request did not come in time");
		break;
	case CONN_QUEUED:
		queue_remove(c);
		queue_refuse(c, "no instance was ready in time");
		break;
	case CONN_BUSY:
		if (instances_turn(c)) {
			conn_touch(c);
		} else if (c->out.len > 0 || c->answered) {
			conn_abort(c);
		} else {
			c->keep_alive = false;
			relay_drop(c);
			reply_error(c, 408, "the body did not come in time",
			    NULL);
		}
		break;
	case CONN_TUNNEL:
		conn_abort(c);
		break;
	default:
		conn_close(c);
		break;
	}
}

/* It has ended its side and seems to wait for an answer: see net_probe. */
static bool
waits_after_end(const struct conn *c)
{
	return c->in_eof &&
	    (c->state == CONN_QUEUED || c->state == CONN_BUSY);
}

void
conn_watch(struct conn *c)
{
	if (c->state != CONN_DEAD)
		ev_io_want(px.ev, &c->io, (input_wanted(c) ? EPOLLIN : 0) |
		    (c->out.len > 0 ? EPOLLOUT : 0) |
		    (waits_after_end(c) ? EPOLLERR : 0));
}

/* ---- output ---- */

/* Keeps what writev did not take. */
static int
keep_rest(struct buf *out, const struct iovec *iov, int n, size_t sent)
{
	int i;

	for (i = 0; i < n; i++) {
		size_t skip = MIN(sent, iov[i].iov_len);

		sent -= skip;
		if (buf_add(out, (char *)iov[i].iov_base + skip,
		    iov[i].iov_len - skip) < 0)
			return -1;
	}
	return 0;
}

bool
conn_send(struct conn *c, struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	bool waited = c->out.len > 0;
	size_t all = 0;
	ssize_t sent = 0;
	int i;

	if (c->state == CONN_DEAD)
		return false;
	for (i = 0; i < n; i++)
		all += iov[i].iov_len;
	c->bytes_out += all;
	if (!waited && n == 1)	/* costs less than sendmsg */
		sent = send(c->io.fd, iov->iov_base, all, MSG_NOSIGNAL);
	else if (!waited)
		sent = sendmsg(c->io.fd, &msg, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		conn_abort(c);
		return false;
	}
	if (sent < 0)
		sent = 0;
	if ((size_t)sent < all) {
		if (keep_rest(&c->out, iov, n, (size_t)sent) < 0) {
			conn_abort(c);
			return false;
		}
		if (!waited)
			conn_touch(c);
		conn_watch(c);
	}
	return true;
}

void
conn_end_output(struct conn *c)
{
	if (c->out.len == 0)
		(void)shutdown(c->io.fd, SHUT_WR);
}

/* Everything is sent: close, or wait for the client to do so. */
static void
flushed(struct conn *c)
{
	if (c->body_done && c->in.len == 0) {
		conn_close(c);
		return;
	}
	/* closing with unread input would reset what we have just sent */
	c->state = CONN_LINGER;
	rest_begin(c);
	buf_cut(&c->in, 0);
	c->in_eof = false;
	(void)shutdown(c->io.fd, SHUT_WR);
	conn_touch(c);
	conn_watch(c);
}

/* Some or all of what was kept is sent: what waited for that goes on. */
static void
after_flush(struct conn *c)
{
	if (c->state == CONN_IDLE && c->out.len == 0 && px.draining &&
	    !px.handed_over) {
		conn_close(c);
		return;
	}
	if (c->state == CONN_IDLE && c->out.len == 0)
		rest_begin(c);
	conn_touch(c);
	conn_watch(c);
	if (c->up != NULL) {
		relay_watch(c->up);
		if (c->up->in_eof)
			conn_end_output(c);
	} else if (c->out.len < HIGH_MARK && (c->state == CONN_IDLE ||
	    c->state == CONN_HEAD)) {
		input_kept(c);
	}
}

static void
flush(struct conn *c)
{
	ssize_t n = send(c->io.fd, c->out.data, c->out.len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_abort(c);
		return;
	}
	buf_drop(&c->out, (size_t)n);
	if (c->out.len == 0 && c->out.cap > KEEP_CAP)
		buf_release(&c->out);
	if (c->out.len == 0 && c->state == CONN_FLUSH)
		flushed(c);
	else
		after_flush(c);
}

/* ---- input ---- */

static void
on_client(struct ev_io *io, uint32_t events)
{
	struct conn *c = container_of(io, struct conn, io);
	ssize_t n;

	if (waits_after_end(c) && (events & (EPOLLERR | EPOLLHUP))) {
		conn_abort(c);	/* it is gone altogether */
		return;
	}
	if (events & EPOLLOUT) {
		flush(c);
		if (c->state == CONN_DEAD)
			return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(io->fd, px.scratch, SCRATCH_SIZE, 0);
	if (n > 0)
		input_take(c, px.scratch, (size_t)n);
	else if (n == 0)
		input_ended(c);
	else if (errno != EAGAIN && errno != EINTR)
		conn_abort(c);
}

/* ---- the end of an answer ---- */

void
conn_end_answers(struct conn *c)
{
	c->state = CONN_FLUSH;
	if (c->out.len == 0)
		flushed(c);
	else
		conn_watch(c);
}

void
conn_done(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	access_log(c);
	stats_done(c);
	if (c->svc != NULL)
		c->svc->answered++;
	c->start_us = 0;
	if (!c->keep_alive || !c->body_done ||
	    (px.draining && !px.handed_over) ||
	    (c->in_eof && c->in.len == 0)) {
		conn_end_answers(c);
		return;
	}
	c->state = CONN_IDLE;
	c->svc = NULL;
	if (c->req.cap > KEEP_CAP)
		buf_release(&c->req);
	buf_cut(&c->req, 0);
	c->req_sent = 0;
	if (c->out.len == 0)
		rest_begin(c);
	conn_touch(c);
	if (c->io.events != EPOLLIN)
		conn_watch(c);
	input_kept(c);
}

void
conn_reply(struct conn *c, int status, const char *type, const char *fields,
    const char *body, size_t len)
{
	char head[512];
	struct iovec iov[2];
	int n;

	if (!c->body_done)
		c->keep_alive = false;
	n = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n", status,
	    http_reason(status), type, len, fields,
	    !c->keep_alive ? "Connection: close\r\n" :
	    c->minor == 0 ? "Connection: keep-alive\r\n" : "");
	assert(n > 0 && (size_t)n < sizeof(head));
	c->status = status;
	c->answered = true;
	iov[0] = (struct iovec){ head, (size_t)n };
	iov[1] = (struct iovec){ (char *)(uintptr_t)body,
	    c->to_head ? 0 : len };
	if (conn_send(c, iov, 2))
		conn_done(c);
}
