/*
 * health.c - active checks: GET of the health path, every interval.
 *
 * One check an instance, one at a time. health.fall failures in a row take an
 * instance out, health.rise passed checks bring it back; a refused connection
 * counts at once, as there is nobody who could answer.
 *
 * Hundreds of idle instances must cost next to nothing, and what costs most is
 * to be woken. So a connection is kept from check to check, where the instance
 * does so too; those that are up and have the same interval are checked in one
 * round; and their answers are looked for together LOOK_MS later: no event is
 * waited for, no descriptor watched but for its end. What is slower than that
 * is watched until its time is over.
 *
 * A connection at rest is lent to a request that needs one, and the
 * other way round: an instance that serves one connection at a time would not
 * hear the second one.
 */
#include "proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"

enum {
	ANSWER_MAX = HTTP_HEAD_MAX + SCRATCH_SIZE,
	FAST_MS = 250,
	LOOK_MS = 100,
	KEPT_MAX = 256,		/* raise_limits leaves room for these */
};

enum check_state {
	CHECK_REST,		/* there is no connection */
	CHECK_CONNECT,
	CHECK_WATCHED,		/* asked; an event will say that it answers */
	CHECK_QUIET,		/* asked; the timer looks for an answer */
	CHECK_KEPT,		/* between two checks */
};

struct check {
	struct instance *inst;
	struct ev_io io;
	struct ev_timer timer;
	enum check_state state;
	bool used;		/* the connection has served before */
	bool early;		/* this check is, as a connection was closed */
	bool closes;		/* the instance closes what is unused */
	bool again;		/* the one under way is not the last word */
	int64_t begun_ms;
	struct buf in;		/* part of a head */
	size_t line;
	/* of the answer's body */
	bool body_done;
	enum http_body body;
	int64_t body_left;
	struct chunks chunks;
	char host[NET_TEXT];	/* its address in words */
};

static size_t nkept;

static bool
by_connect(const struct check *k)
{
	return strcmp(k->inst->svc->conf.health.path, "-") == 0;
}

/* ---- when ---- */

static void on_timer(struct ev_timer *t);

static void
at(struct check *k, int64_t ms)
{
	if (ev_timer_set(px.ev, &k->timer, ms, on_timer) < 0)
		warn("out of memory: no more checks of job %lld",
		    (long long)k->inst->rec.job_id);
}

static void
at_timeout(struct check *k)
{
	at(k, k->begun_ms + k->inst->svc->conf.health.timeout_s * 1000);
}

/*
 * An interval after the last one began, a tenth more or less. At once, if that
 * was asked for meanwhile.
 */
static void
at_interval(struct check *k)
{
	at(k, k->again ? ev_now_ms(px.ev) : k->begun_ms + rng_jitter(&px.rng,
	    k->inst->svc->conf.health.interval_s * 1000, 10));
}

/*
 * With the first round that is at least half an interval after the last one
 * began. Rounds of one length are the same for all, an interval apart, each up
 * to a tenth earlier by chance: so that those of several proxies do not stay
 * together.
 */
static void
at_round(struct check *k)
{
	static uint64_t seed;
	int64_t ms = k->inst->svc->conf.health.interval_s * 1000, round;
	int64_t least = MAX(k->begun_ms + ms / 2, ev_now_ms(px.ev));
	int64_t n = least / ms;
	struct rng chance;

	if (k->again) {
		at_interval(k);
		return;
	}
	if (seed == 0)
		seed = rng_u32(&px.rng);
	do {
		rng_seed(&chance, seed ^ (uint64_t)++n);
		round = n * ms - rng_below(&chance, (uint32_t)(ms / 10 + 1));
	} while (round < least);
	at(k, round);
}

/* ---- the connection ---- */

static void
let_go(struct check *k)
{
	ev_io_stop(px.ev, &k->io);
	nkept -= k->used;
	k->used = false;
	k->state = CHECK_REST;
	buf_release(&k->in);
}

static void
hang_up(struct check *k)
{
	int fd = k->io.fd;

	if (fd < 0)
		return;
	let_go(k);
	(void)close(fd);
}

static void
watch(struct check *k)
{
	k->state = CHECK_WATCHED;
	ev_io_want(px.ev, &k->io, EPOLLIN);
	at_timeout(k);
}

/*
 * Kept for the next check, be it borrowed or not. Not where requests are at
 * work: one of them may wait until the instance is done with this connection.
 */
static void
keep(struct check *k)
{
	if (k->inst->outstanding > 0 || nkept - k->used >= KEPT_MAX) {
		hang_up(k);
		return;
	}
	nkept += !k->used;
	k->used = true;
	k->state = CHECK_KEPT;
	buf_release(&k->in);
	ev_io_want(px.ev, &k->io, EPOLLRDHUP);
}

/* ---- the outcome ---- */

static void
passed(struct check *k)
{
	k->closes |= k->early;	/* it is there: so it does that */
	k->early = false;
	k->inst->failures = 0;
	k->inst->passes++;
	if (k->inst->health == HEALTH_UP ||
	    k->inst->passes >= k->inst->svc->conf.health.rise) {
		at_round(k);
		pool_health(k->inst, HEALTH_UP, "");
	} else {
		at_interval(k);
	}
}

/*
 * One that never passed, or was just lost, is looked at again soon: it is what
 * requests wait for.
 */
static void
failed(struct check *k, const char *why, bool certain)
{
	const struct service *conf = &k->inst->svc->conf;
	int64_t soon = (int64_t)FAST_MS << MIN(k->inst->failures + 1, 8);

	hang_up(k);
	k->early = false;
	k->inst->failures++;
	k->inst->passes = 0;
	if ((k->inst->health != HEALTH_UP || certain) &&
	    soon < conf->health.interval_s * 1000)
		at(k, ev_now_ms(px.ev) + rng_jitter(&px.rng, soon, 10));
	else
		at_interval(k);
	if (k->inst->health != HEALTH_UP || certain ||
	    k->inst->failures >= conf->health.fall)
		pool_health(k->inst, HEALTH_DOWN, why);
}

/* ---- the request ---- */

static void
put(struct buf *b, const char *p, size_t len)
{
	(void)buf_add(b, p, len);	/* reserved beforehand */
}

/*
 * The same few pieces each time, as a secret may be another the next time.
 * NULL; or why it was not sent.
 */
static const char *
send_request(struct check *k)
{
	static const char more[] = "\r\nUser-Agent: svc-proxy (health check)"
	    "\r\nAccept: */*\r\n", secret[] = "X-Berth-Secret: ";
	static struct buf b = BUF_INIT(65536);
	const char *path = k->inst->svc->conf.health.path;
	struct http_slice s;

	if (auth_secret(k->inst->svc, &s) < 0)
		return "health check: the secret is not known now";
	buf_cut(&b, 0);
	if (buf_reserve(&b, strlen(k->inst->base) + strlen(path) + s.len +
	    sizeof(k->host) + 128) < 0)
		return "health check: out of memory";
	put(&b, "GET ", 4);
	put(&b, k->inst->base, strlen(k->inst->base));
	put(&b, path, strlen(path));
	put(&b, " HTTP/1.1\r\nHost: ", 17);
	put(&b, k->host, strlen(k->host));
	put(&b, more, sizeof(more) - 1);
	if (s.len > 0) {
		put(&b, secret, sizeof(secret) - 1);
		put(&b, s.p, s.len);
		put(&b, "\r\n", 2);
	}
	put(&b, "\r\n", 2);
	k->line = 0;
	if (send(k->io.fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
		return "health check: connection lost";
	return NULL;
}

/* ---- the answer ---- */

/* Bytes of its body: false if the connection is of no further use. */
static bool
take_body(struct check *k, const char *p, size_t len)
{
	size_t pass;
	ssize_t n;

	while (k->body == HTTP_CHUNKED && len > 0 && !k->body_done) {
		n = chunks_walk(&k->chunks, p, len, &pass, &k->body_done);
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	if (k->body == HTTP_LENGTH && !k->body_done) {
		pass = MIN((uint64_t)k->body_left, len);
		k->body_left -= (int64_t)pass;
		k->body_done = k->body_left == 0;
		len -= pass;
	}
	return len == 0 && k->body != HTTP_UNTIL_CLOSE;
}

static void
judge(struct check *k, const char *p, size_t head_len, size_t len)
{
	struct http_head h;
	char why[64];

	if (http_parse_response(p, head_len, false, &h) < 0) {
		failed(k, h.why, false);
		return;
	}
	if (!http_statuses_has(&k->inst->svc->healthy, h.status)) {
		(void)snprintf(why, sizeof(why), "health check: status %d",
		    h.status);
		failed(k, why, false);
		return;
	}
	k->body = h.body;
	k->body_left = h.length;
	k->body_done = h.body == HTTP_NO_BODY;
	chunks_init(&k->chunks, false);
	if (h.keep_alive && take_body(k, p + head_len, len - head_len))
		keep(k);
	else
		hang_up(k);
	passed(k);
}

static void begin(struct check *k);

static void
take_answer(struct check *k, const char *p, size_t len)
{
	struct http_head h;
	ssize_t n;

	if (k->in.len > 0) {
		if (buf_add(&k->in, p, len) < 0) {
			failed(k, "health check: an answer too long", false);
			return;
		}
		p = k->in.data;
		len = k->in.len;
	}
	n = http_head_len(p, len, &k->line, &h);
	if (n < 0)
		failed(k, h.why, false);
	else if (n > 0)
		judge(k, p, (size_t)n, len);
	else if (k->in.len == 0 && buf_add(&k->in, p, len) < 0)
		failed(k, "health check: an answer too long", false);
	else if (k->state == CHECK_QUIET)
		watch(k);
}

static void
read_answer(struct check *k)
{
	ssize_t n = recv(k->io.fd, px.scratch, SCRATCH_SIZE, 0);

	if (n > 0) {
		take_answer(k, px.scratch, (size_t)n);
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (k->state == CHECK_QUIET)
			watch(k);
	} else if (k->used && k->in.len == 0) {
		hang_up(k);	/* closed at rest: nothing is known by that */
		begin(k);
	} else {
		failed(k, "health check: closed without an answer", false);
	}
}

/* ---- from one to the next ---- */

static void
connected(struct check *k)
{
	const char *why;

	if (net_connected(k->io.fd) < 0) {
		failed(k, strerror(errno), errno == ECONNREFUSED);
	} else if (by_connect(k)) {
		hang_up(k);
		passed(k);
	} else if ((why = send_request(k)) != NULL) {
		failed(k, why, false);
	} else {
		k->state = CHECK_WATCHED;
		ev_io_want(px.ev, &k->io, EPOLLIN);
	}
}

/*
 * Closed between two checks: the instance is gone, or has had enough of an
 * unused connection. A check tells which; one is enough.
 */
static void
closed(struct check *k)
{
	hang_up(k);
	if (k->closes)
		return;
	k->early = true;
	at(k, MIN(k->timer.at, feed_beat(ev_now_ms(px.ev) + 1)));
}

static void
on_check(struct ev_io *io, uint32_t events)
{
	struct check *k = container_of(io, struct check, io);

	(void)events;
	if (k->state == CHECK_CONNECT)
		connected(k);
	else if (k->state == CHECK_KEPT)
		closed(k);
	else
		read_answer(k);
}

/* The rest of the last answer is there, and nothing more. */
static bool
is_clean(struct check *k)
{
	char rest[4096];
	ssize_t n;

	if (!k->body_done) {
		n = recv(k->io.fd, rest, sizeof(rest), 0);
		if (n <= 0 || !take_body(k, rest, (size_t)n) || !k->body_done)
			return false;
	}
	return recv(k->io.fd, rest, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* On a connection that is there: false if it is of no use. */
static bool
ask_again(struct check *k)
{
	if ((!k->body_done && !is_clean(k)) || send_request(k) != NULL) {
		hang_up(k);
		return false;
	}
	if (k->inst->health == HEALTH_UP && k->inst->failures == 0) {
		k->state = CHECK_QUIET;
		at(k, k->begun_ms + LOOK_MS);
	} else {
		watch(k);
	}
	return true;
}

/* Takes fd over, or closes it. */
static int
start(struct check *k, int fd, enum check_state state, uint32_t events,
    struct err *e)
{
	if (ev_io_start(px.ev, &k->io, fd, events, on_check, e) < 0) {
		(void)close(fd);
		return -1;
	}
	k->state = state;
	return 0;
}

static void
borrow(struct check *k)
{
	struct err e;
	int fd = upstream_lend(k->inst);

	if (fd < 0 || start(k, fd, CHECK_KEPT, EPOLLRDHUP, &e) < 0)
		return;
	k->used = k->body_done = true;
	nkept++;
}

static void
begin(struct check *k)
{
	struct err e;
	int fd;

	k->begun_ms = ev_now_ms(px.ev);
	k->again = false;
	if (by_connect(k))
		hang_up(k);	/* it was not, before SIGHUP */
	else if (k->state == CHECK_REST && k->inst->outstanding == 0)
		borrow(k);
	if (k->state == CHECK_KEPT && ask_again(k))
		return;
	fd = net_connect(&k->inst->addr);
	if (fd < 0 && net_is_shortage(errno))
		at_interval(k);		/* nothing is known by that */
	else if (fd < 0)
		failed(k, strerror(errno), errno == ECONNREFUSED);
	else if (start(k, fd, CHECK_CONNECT, EPOLLOUT, &e) < 0)
		failed(k, e.text, false);
	else
		at_timeout(k);
}

static void
on_timer(struct ev_timer *t)
{
	struct check *k = container_of(t, struct check, timer);

	if (k->state == CHECK_REST || k->state == CHECK_KEPT)
		begin(k);
	else if (k->state == CHECK_QUIET)
		read_answer(k);
	else
		failed(k, "health check: no answer in time", false);
}

/* ---- for others ---- */

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
		(void)net_text(&i->addr, k->host, sizeof(k->host));
		i->check = k;
		i->refs++;
	}
	if (k->state == CHECK_REST || k->state == CHECK_KEPT)
		at(k, ev_now_ms(px.ev));
	else
		k->again = true;
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

int
check_lend(struct instance *i)
{
	struct check *k = i->check;
	int fd;

	if (k == NULL || k->io.pending != 0)
		return -1;
	if (k->state == CHECK_QUIET)
		watch(k);	/* so that it is not in the way for long */
	if (k->state != CHECK_KEPT)
		return -1;
	if (!is_clean(k)) {
		hang_up(k);
		return -1;
	}
	fd = k->io.fd;
	let_go(k);
	return fd;
}
