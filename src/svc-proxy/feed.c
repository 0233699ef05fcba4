/*
 * feed.c - records in and out.
 *
 * stdin: snapshots of instances. A snapshot is staged until its `end`, then
 * the table is swapped whole and the snapshot passed on to stdout, with the
 * demand of every service behind it. The end of stdin keeps the last table.
 *
 * stdout: whole lines, from a bounded buffer, only when poll says that a write
 * of PIPE_BUF bytes will not block. A reader that is slow misses snapshots,
 * never parts of one; a request never waits for it.
 *
 * A process that takes over goes on in the midst of both: see takeover.c.
 */
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "announce.h"
#include "clock.h"
#include "die.h"
#include "nd.h"

enum {
	STAGE_MAX = 16 << 20,	/* bytes of one snapshot */
	OUT_LIMIT = 32 << 20,
	OUT_FULL = 1 << 20,	/* no further snapshot behind this much */
	TRY_AGAIN_MS = 50,
};

static struct {
	struct nd_in in;
	struct ev_io in_io;
	struct buf stage;	/* lines of the snapshot being read */
	bool torn;		/* it lacks a line: not to be used */
	struct rec_instance *list;	/* what those lines say */
	size_t len, cap;
	uint64_t generation;

	struct buf out;
	struct ev_io out_io;
	struct ev_timer out_timer;
	bool out_watched;	/* epoll takes stdout; else it is polled */
	bool out_dead;
	bool beating;		/* the demand timer runs */

	bool paused;		/* another process is about to take over */
	bool known;		/* these lines were passed on already */
} feed;

/* ---- out ---- */

static void
out_lost(void)
{
	warn("stdout: %s; nothing more is passed on", strerror(errno));
	feed.out_dead = true;
	buf_release(&feed.out);
	ev_io_stop(px.ev, &feed.out_io);
	ev_timer_stop(px.ev, &feed.out_timer);
}

/* As many whole lines as a pipe takes in one piece, or a part of a long one. */
static size_t
piece_len(void)
{
	size_t most = MIN(feed.out.len, (size_t)PIPE_BUF);
	const char *lf = memrchr(feed.out.data, '\n', most);

	return lf ? (size_t)(lf - feed.out.data) + 1 : most;
}

static void
out_write(void)
{
	struct pollfd p = { STDOUT_FILENO, POLLOUT, 0 };
	size_t done = 0;
	ssize_t n;

	while (feed.out.len > 0 && done < 16 * PIPE_BUF) {
		if (poll(&p, 1, 0) <= 0)
			break;
		n = write(STDOUT_FILENO, feed.out.data, piece_len());
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			out_lost();
			return;
		}
		buf_drop(&feed.out, (size_t)n);
		done += (size_t)n;
	}
}

static void out_later(void);

static void
on_out(struct ev_io *io, uint32_t events)
{
	(void)io;
	(void)events;
	out_write();
	out_later();
}

static void
on_out_timer(struct ev_timer *t)
{
	(void)t;
	out_write();
	out_later();
}

/* What is left goes when there is room. */
static void
out_later(void)
{
	if (feed.out_dead || feed.paused)
		return;
	if (feed.out_watched)
		ev_io_want(px.ev, &feed.out_io, feed.out.len ? EPOLLOUT : 0);
	else if (feed.out.len > 0)
		(void)ev_timer_set(px.ev, &feed.out_timer,
		    ev_now_ms(px.ev) + TRY_AGAIN_MS, on_out_timer);
}

static void
out_line(const char *line, size_t len)
{
	size_t before = feed.out.len;

	if (feed.out_dead)
		return;
	if (buf_add(&feed.out, line, len) < 0 || buf_addc(&feed.out, '\n') < 0)
		buf_cut(&feed.out, before);
}

static void
out_go(void)
{
	if (feed.out_dead || feed.paused || feed.out.len == 0)
		return;
	out_write();
	out_later();
}

/* ---- demand ---- */

static json_t *
demand_instances(const struct svc *s)
{
	json_t *list = json_array();
	size_t n;

	for (n = 0; n < s->ninst; n++)
		if (s->inst[n]->rec.url != NULL)
			(void)json_array_append_new(list, json_pack(
			    "{s:I, s:I}", "job_id",
			    (json_int_t)s->inst[n]->rec.job_id, "inflight",
			    (json_int_t)s->inst[n]->outstanding));
	return list;
}

static int64_t
count_ready(const struct svc *s)
{
	int64_t ready = 0;
	size_t n;

	for (n = 0; n < s->ninst; n++)
		ready += pool_usable(s->inst[n]);
	return ready;
}

static void
demand_write(struct svc *s)
{
	struct err e;
	json_t *rec;

	s->demand_due = false;
	if (s->gone || feed.out_dead || feed.out.len > OUT_FULL)
		return;
	rec = json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o}", "kind",
	    "demand", "service", s->conf.name, "queued",
	    (json_int_t)s->queued, "inflight", (json_int_t)s->inflight,
	    "ready", (json_int_t)count_ready(s), "rate_s",
	    (double)s->rate_mhz / 1000,
	    "instances", demand_instances(s));
	if (rec == NULL || nd_dump(&feed.out, rec, &e) < 0)
		warn("%s: no demand record: out of memory", s->conf.name);
	json_decref(rec);
}

/*
 * Requests a second since the last time; it is said once when they end.
 * Returns whether there were any.
 */
static bool
take_rate(struct svc *s, int64_t us)
{
	int64_t n = (int64_t)(s->requests - s->rate_mark);
	int64_t mhz = us > 0 ? n * 1000000000 / us : 0;

	s->rate_mark = s->requests;
	if (mhz != s->rate_mhz)
		s->demand_due = true;
	s->rate_mhz = mhz;
	return mhz != 0;
}

int64_t
feed_beat(int64_t ms)
{
	return (ms + BEAT_MS - 1) / BEAT_MS * BEAT_MS;
}

static void on_beat(struct ev_timer *t);

static void
next_beat(void)
{
	feed.beating = ev_timer_set(px.ev, &px.beat_timer,
	    feed_beat(ev_now_ms(px.ev) + 1), on_beat) == 0;
}

/* The services where something changed; no further beat after requests end. */
static void
on_beat(struct ev_timer *t)
{
	int64_t now_us = ev_now_us(px.ev);
	struct map_item *item;
	bool busy = false;
	struct svc *s;
	size_t at = 0;

	(void)t;
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		s = item->value;
		s->woke = false;
		busy |= take_rate(s, now_us - px.rate_us);
		if (s->demand_due)
			demand_write(s);
	}
	px.rate_us = now_us;
	stats_tick();
	feed.beating = false;
	if (busy)
		next_beat();
	out_go();
}

/* At rest nothing recurs, and nothing was counted since the last beat. */
static void
beat_again(void)
{
	px.rate_us = (feed_beat(ev_now_ms(px.ev) + 1) - BEAT_MS) * 1000;
	next_beat();
}

void
feed_busy(void)
{
	if (!feed.beating)
		beat_again();
}

void
feed_demand_due(struct svc *s, bool now)
{
	s->demand_due = true;
	feed_busy();
	if (now && !s->woke) {
		s->woke = true;
		demand_write(s);
		out_go();
	}
}

/* ---- in ---- */

static void
drop_stage(void)
{
	while (feed.len > 0)
		rec_instance_release(&feed.list[--feed.len]);
	buf_cut(&feed.stage, 0);
	feed.torn = false;
}

static void
apply_snapshot(void)
{
	struct map_item *item;
	struct svc *s;
	size_t i, at = 0;

	feed.generation++;
	for (i = 0; i < feed.len; i++) {
		s = route_by_name(feed.list[i].service);
		if (s != NULL && !s->gone)
			pool_update(s, &feed.list[i], feed.generation);
	}
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		s = item->value;
		pool_sweep(s, feed.generation);
		if (s->gone)
			queue_dismiss(s);
		else
			queue_serve(s);
	}
	px.snapshot_at = clock_wall_s();
	px.stale_since = 0;
}

/* The snapshot and behind it all demand; or none of it. */
static void
pass_snapshot(const char *end, size_t len)
{
	struct map_item *item;
	size_t at = 0;

	if (feed.out_dead || feed.out.len > OUT_FULL)
		return;
	if (buf_reserve(&feed.out, feed.stage.len + len + 1) < 0)
		return;
	(void)buf_add(&feed.out, feed.stage.data, feed.stage.len);
	out_line(end, len);
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		struct svc *s = item->value;

		demand_write(s);
	}
	out_go();
}

static void
pass_on(const char *end, size_t len)
{
	pass_snapshot(end, len);
	takeover_tell(feed.stage.data, feed.stage.len);
	takeover_tell(end, len);
	takeover_tell("\n", 1);
}

static void
take_end(const json_t *rec, const char *line, size_t len)
{
	struct err e;

	if (!feed.torn && rec_end_check(rec, feed.len, &e) < 0) {
		warn("stdin:%lu: %s: this snapshot is not used", feed.in.line,
		    e.text);
	} else if (feed.torn) {
		warn("stdin:%lu: this snapshot lacks a line and is not used",
		    feed.in.line);
	} else {
		apply_snapshot();
		if (!feed.known)
			pass_on(line, len);
	}
	drop_stage();
}

static int
stage_instance(const json_t *rec, const char *line, size_t len, struct err *e)
{
	struct rec_instance *list;
	size_t cap;

	if (feed.torn)
		return 0;	/* until its end */
	if (feed.len == feed.cap) {
		cap = feed.cap ? 2 * feed.cap : 64;
		list = reallocarray(feed.list, cap, sizeof(*list));
		if (list == NULL)
			return err_errno(e, "instance");
		feed.list = list;
		feed.cap = cap;
	}
	if (rec_instance_read(rec, &feed.list[feed.len], e) < 0)
		return -1;
	feed.len++;
	if (feed.list[feed.len - 1].url != NULL &&
	    !announce_url_ok(feed.list[feed.len - 1].url))
		return err_perm(e, "instance: 'url' must be "
		    "http://HOST[:PORT][/BASE]");
	if (buf_add(&feed.stage, line, len) < 0 ||
	    buf_addc(&feed.stage, '\n') < 0)
		return err_errno(e, "snapshot");
	return 0;
}

static void
take_stale(const json_t *rec)
{
	const char *error = "";
	int64_t since = clock_wall_s();
	struct err e;

	(void)rec_str(rec, "error", &error, &e);
	(void)rec_int(rec, "since_at", 1, REC_MAX, &since, &e);
	px.stale_since = since;
	(void)snprintf(px.stale_error, sizeof(px.stale_error), "%s", error);
}

/* The end of another kind's snapshot says nothing of ours. */
static bool
is_our_end(const json_t *rec)
{
	const char *of = "instance";
	struct err e;

	return rec_is(rec, "end") && rec_str(rec, "of", &of, &e) == 0 &&
	    strcmp(of, "instance") == 0;
}

static int
take_record(const json_t *rec, const char *line, size_t len, struct err *e)
{
	if (rec_is(rec, "instance"))
		return stage_instance(rec, line, len, e);
	if (is_our_end(rec)) {
		take_end(rec, line, len);
		return 0;
	}
	if (rec_is(rec, "stale"))
		take_stale(rec);
	if (feed.out.len <= OUT_FULL)
		out_line(line, len);
	return 0;
}

static void
take_line(const char *line, size_t len)
{
	json_t *rec = NULL;
	struct err e;

	if (nd_parse(&feed.in, line, len, &rec, &e) < 0) {
		warn("%s", e.text);
		feed.torn = true;
	} else if (take_record(rec, line, len, &e) < 0) {
		warn("stdin:%lu: %s", feed.in.line, e.text);
		feed.torn = true;
	}
	json_decref(rec);
}

/* false: stdin has ended. */
static bool
read_more(void)
{
	struct err e;
	char *line;
	size_t len;
	int more = nd_fill(&feed.in, &e), got;

	if (more < 0)
		warn("%s", e.text);
	while ((got = nd_next(&feed.in, &line, &len, &e)) != 0) {
		if (got > 0) {
			take_line(line, len);
		} else {
			warn("%s", e.text);
			feed.torn = true;
		}
	}
	out_go();
	return more > 0;
}

static void
on_in(struct ev_io *io, uint32_t events)
{
	(void)events;
	if (read_more())
		return;
	ev_io_stop(px.ev, io);
	feed.in.eof = true;
	if (feed.in.fd == STDIN_FILENO)
		note("end of stdin: the last table stands");
	else
		(void)close(feed.in.fd);
}

/* ---- a takeover ---- */

void
feed_pause(void)
{
	feed.paused = true;
	ev_io_stop(px.ev, &feed.in_io);
	ev_io_stop(px.ev, &feed.out_io);
	ev_timer_stop(px.ev, &feed.out_timer);
}

void
feed_resume(void)
{
	struct err e;

	feed.paused = false;
	feed.out_watched = feed.out_watched && ev_io_start(px.ev,
	    &feed.out_io, STDOUT_FILENO, EPOLLOUT, on_out, &e) == 0;
	if (!feed.in.eof && ev_io_start(px.ev, &feed.in_io, STDIN_FILENO,
	    EPOLLIN, on_in, &e) < 0)
		warn("stdin: %s; nothing more is read", e.text);
}

/* Ready is what we know better than the record: whether it answers now. */
static int
save_instance(const struct instance *i, struct buf *b)
{
	json_t *rec = rec_instance_json(&i->rec);
	struct err e;
	int rc;

	if (rec == NULL)
		return -1;
	if (i->rec.url != NULL)
		(void)json_object_set_new(rec, "ready",
		    json_boolean(i->health == HEALTH_UP));
	rc = nd_dump(b, rec, &e);
	json_decref(rec);
	return rc;
}

static int
save_table(struct buf *b)
{
	struct map_item *item;
	size_t at = 0, n;

	if (px.snapshot_at == 0)
		return 0;
	while ((item = map_next(&px.svcs, &at)) != NULL) {
		const struct svc *s = item->value;

		for (n = 0; n < s->ninst; n++)
			if (save_instance(s->inst[n], b) < 0)
				return -1;
	}
	return buf_adds(b, "{\"kind\":\"end\"}\n");
}

/*
 * Into body: what is to be written, the table, the lines of the snapshot that
 * is being read, part of a line. head says how much of each, and the rest.
 */
int
feed_save(json_t *head, struct buf *body)
{
	size_t unread = feed.in.buf.len - feed.in.start, table;

	if (buf_add(body, feed.out.data, feed.out.len) < 0 ||
	    save_table(body) < 0)
		return -1;
	table = body->len - feed.out.len;
	if (buf_add(body, feed.stage.data, feed.stage.len) < 0 ||
	    (unread > 0 && buf_add(body, feed.in.buf.data + feed.in.start,
	    unread) < 0))
		return -1;
	return json_object_update_new(head, json_pack("{s:I, s:I, s:I, s:I, "
	    "s:I, s:b, s:b, s:I, s:I, s:s}", "out",
	    (json_int_t)feed.out.len, "table", (json_int_t)table, "stage",
	    (json_int_t)feed.stage.len, "unread", (json_int_t)unread, "line",
	    (json_int_t)feed.in.line, "skipping", feed.in.skipping, "torn",
	    feed.torn, "snapshot_at", (json_int_t)px.snapshot_at,
	    "stale_since_at", (json_int_t)px.stale_since, "stale_error",
	    px.stale_error));
}

static void
load_lines(const char *p, size_t len)
{
	const char *lf;

	while (len > 0 && (lf = memchr(p, '\n', len)) != NULL) {
		take_line(p, (size_t)(lf - p));
		len -= (size_t)(lf - p) + 1;
		p = lf + 1;
	}
}

static int
load_flags(const json_t *head, struct err *e)
{
	int64_t line = 0;
	int skipping = 0, torn = 0;
	const char *error = "";

	if (rec_int(head, "line", 0, REC_MAX, &line, e) < 0 ||
	    rec_bool(head, "skipping", &skipping, e) < 0 ||
	    rec_bool(head, "torn", &torn, e) < 0 ||
	    rec_int(head, "snapshot_at", 0, REC_MAX, &px.snapshot_at, e) < 0 ||
	    rec_int(head, "stale_since_at", 0, REC_MAX, &px.stale_since,
	    e) < 0 || rec_str(head, "stale_error", &error, e) < 0)
		return -1;
	feed.in.line = (unsigned long)line;
	feed.in.skipping = skipping;
	feed.torn = torn;
	(void)snprintf(px.stale_error, sizeof(px.stale_error), "%s", error);
	return 0;
}

int
feed_load(const json_t *head, const char *body, size_t len, struct err *e)
{
	static const char *const parts[] = { "out", "table", "stage",
	    "unread" };
	int64_t n[4] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (rec_int(head, parts[i], 0, (int64_t)len, &n[i], e) < 0)
			return -1;
		len -= (size_t)n[i];
	}
	if (buf_add(&feed.out, body, (size_t)n[0]) < 0)
		return err_errno(e, "takeover");
	body += n[0];
	feed.known = true;
	load_lines(body, (size_t)n[1]);
	feed.known = false;
	body += n[1];
	load_lines(body, (size_t)n[2]);
	if (buf_add(&feed.in.buf, body + n[2], (size_t)n[3]) < 0)
		return err_errno(e, "takeover");
	return load_flags(head, e);
}

/* Snapshots come from the process that has taken over; nothing goes out. */
void
feed_follow(int fd)
{
	struct err e;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	feed.out_dead = true;
	buf_release(&feed.out);
	drop_stage();
	nd_close(&feed.in);
	nd_open(&feed.in, fd, "takeover");
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)close(null);
	}
	if (ev_io_start(px.ev, &feed.in_io, fd, EPOLLIN, on_in, &e) < 0)
		(void)close(fd);
}

void
feed_init(void)
{
	nd_open(&feed.in, STDIN_FILENO, "stdin");
	buf_init(&feed.stage, STAGE_MAX);
	buf_init(&feed.out, OUT_LIMIT);
}

int
feed_start(struct err *e)
{
	feed.out_watched = ev_io_start(px.ev, &feed.out_io, STDOUT_FILENO,
	    EPOLLOUT, on_out, e) == 0;
	if (feed.out_watched)
		ev_io_want(px.ev, &feed.out_io, 0);
	if (ev_io_start(px.ev, &feed.in_io, STDIN_FILENO, EPOLLIN, on_in,
	    e) < 0) {
		if (e->code != EPERM)
			return err_prefix(e, "stdin");
		while (read_more())	/* a file: all of it, now */
			continue;
	}
	beat_again();
	return 0;
}
