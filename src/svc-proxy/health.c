/*
 * health.c - active checks: GET of the health path, every interval.
 *
 * One check an instance, one at a time, on a connection of its own that is
 * closed after it. health.fall failures in a row take an instance out,
 * health.rise passed checks bring it back; a refused connection counts at
 * once, as there is nobody who could answer.
 */
#include "proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

enum { ANSWER_MAX = HTTP_HEAD_MAX, FAST_MS = 250 };

struct check {
	struct instance *inst;
	struct ev_io io;
	struct ev_timer timer;
	bool connected;
	int failures, passes;	/* in a row */
	struct buf in;
	size_t line;
};

static void next_check(struct check *k, int64_t ms);

static int64_t
interval_ms(const struct check *k)
{
	return k->inst->svc->conf.health.interval_s * 1000;
}

static void
hang_up(struct check *k)
{
	int fd = k->io.fd;

	if (fd < 0)
		return;
	ev_io_stop(px.ev, &k->io);
	(void)close(fd);
	buf_release(&k->in);
}

static void
passed(struct check *k)
{
	hang_up(k);
	k->failures = 0;
	k->passes++;
	next_check(k, rng_jitter(&px.rng, interval_ms(k), 10));
	if (k->inst->health == HEALTH_UP ||
	    k->passes >= k->inst->svc->conf.health.rise)
		pool_health(k->inst, HEALTH_UP, "");
}

/*
 * One that never passed, or was just lost, is looked at again soon: it is what
 * requests wait for.
 */
static void
failed(struct check *k, const char *why, bool certain)
{
	int64_t ms = interval_ms(k);

	hang_up(k);
	k->failures++;
	k->passes = 0;
	if (k->inst->health != HEALTH_UP || certain)
		ms = MIN(ms, (int64_t)FAST_MS << MIN(k->failures, 8));
	next_check(k, rng_jitter(&px.rng, ms, 10));
	if (k->inst->health != HEALTH_UP || certain ||
	    k->failures >= k->inst->svc->conf.health.fall)
		pool_health(k->inst, HEALTH_DOWN, why);
}

static bool
send_request(struct check *k)
{
	const struct svc *s = k->inst->svc;
	char text[NET_TEXT];
	struct buf b = BUF_INIT(8192);
	struct http_slice secret;
	bool ok;

	if (auth_secret(s, &secret) < 0)
		return false;
	ok = buf_addf(&b, "GET %s%s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: svc-proxy (health check)\r\nAccept: */*\r\n"
	    "%s%.*s%sConnection: close\r\n\r\n", k->inst->base,
	    s->conf.health.path, net_text(&k->inst->addr, text, sizeof(text)),
	    secret.len ? "X-Berth-Secret: " : "", (int)secret.len, secret.p,
	    secret.len ? "\r\n" : "") == 0 &&
	    send(k->io.fd, b.data, b.len, MSG_NOSIGNAL) == (ssize_t)b.len;
	buf_release(&b);
	return ok;
}

static void
judge(struct check *k, const char *p, size_t len)
{
	struct http_head h;
	char why[64];

	if (http_parse_response(p, len, false, &h) < 0) {
		failed(k, h.why, false);
	} else if (http_statuses_has(&k->inst->svc->healthy, h.status)) {
		passed(k);
	} else {
		(void)snprintf(why, sizeof(why), "health check: status %d",
		    h.status);
		failed(k, why, false);
	}
}

static void
read_answer(struct check *k)
{
	char piece[4096];
	struct http_head h;
	ssize_t n = recv(k->io.fd, piece, sizeof(piece), 0), len;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		failed(k, "health check: closed without an answer", false);
		return;
	}
	if (buf_add(&k->in, piece, (size_t)n) < 0) {
		failed(k, "health check: an answer too long", false);
		return;
	}
	len = http_head_len(k->in.data, k->in.len, &k->line, &h);
	if (len < 0)
		failed(k, h.why, false);
	else if (len > 0)
		judge(k, k->in.data, (size_t)len);
}

static void
on_check(struct ev_io *io, uint32_t events)
{
	struct check *k = container_of(io, struct check, io);

	if (k->connected) {
		read_answer(k);
		return;
	}
	(void)events;
	if (net_connected(io->fd) < 0) {
		failed(k, strerror(errno), errno == ECONNREFUSED);
		return;
	}
	k->connected = true;
	if (strcmp(k->inst->svc->conf.health.path, "-") == 0)
		passed(k);
	else if (send_request(k))
		ev_io_want(px.ev, io, EPOLLIN);
	else
		failed(k, "health check: connection lost", false);
}

static void
begin(struct check *k)
{
	struct err e;
	int fd = net_connect(&k->inst->addr);

	if (fd < 0) {
		failed(k, strerror(errno), errno == ECONNREFUSED);
		return;
	}
	if (ev_io_start(px.ev, &k->io, fd, EPOLLOUT, on_check, &e) < 0) {
		(void)close(fd);
		failed(k, e.text, false);
		return;
	}
	k->connected = false;
	k->line = 0;
	next_check(k, k->inst->svc->conf.health.timeout_s * 1000);
}

/* Either the time of the next check, or the end of this one's patience. */
static void
on_timer(struct ev_timer *t)
{
	struct check *k = container_of(t, struct check, timer);

	if (k->io.fd >= 0)
		failed(k, "health check: no answer in time", false);
	else
		begin(k);
}

static void
next_check(struct check *k, int64_t ms)
{
	ev_timer_stop(px.ev, &k->timer);
	if (ev_timer_set(px.ev, &k->timer, ev_now_ms(px.ev) + ms,
	    on_timer) < 0)
		warn("out of memory: no more checks of job %lld",
		    (long long)k->inst->rec.job_id);
}

void
check_start(struct instance *i)
{
	struct check *k = i->check;

	if (k == NULL) {
		k = calloc(1, sizeof(*k));
		if (k == NULL) {
			warn("out of memory: job %lld is not checked",
			    (long long)i->rec.job_id);
			return;
		}
		k->inst = i;
		k->io.fd = -1;
		buf_init(&k->in, ANSWER_MAX);
		i->check = k;
		i->refs++;
	}
	if (k->io.fd < 0)
		next_check(k, 0);
}

void
check_stop(struct instance *i)
{
	struct check *k = i->check;

	if (k == NULL)
		return;
	hang_up(k);
	ev_timer_stop(px.ev, &k->timer);
	i->check = NULL;
	free(k);
	pool_unref(i);
}
