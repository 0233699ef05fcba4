/*
 * access.c - the access log: one NDJSON line a request.
 *
 * A log that cannot be written (a full disk) never stops a request: lines are
 * lost, counted, and said once.
 */
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "nd.h"

static int log_fd = -1;
static const char *log_path;
static bool log_failing;
static bool log_torn;		/* the last line has no end */

bool
access_on(void)
{
	return log_fd >= 0;
}

int
access_open(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
	    O_NONBLOCK, 0600);

	if (fd < 0)
		return err_errno(e, "%s", path);
	if (log_fd >= 0)
		(void)close(log_fd);
	log_fd = fd;
	log_path = path;
	return 0;
}

void
access_reopen(void)
{
	struct err e;

	if (log_path != NULL && access_open(log_path, &e) < 0)
		warn("access log: %s", e.text);
}

/* A line of which only a part was written is ended before the next one. */
static void
write_line(const struct buf *b)
{
	char end[] = "\n";
	struct iovec v[2] = {
		{ .iov_base = end, .iov_len = log_torn },
		{ .iov_base = b->data, .iov_len = b->len },
	};
	ssize_t n = writev(log_fd, v, 2);

	if (n == (ssize_t)(v[0].iov_len + b->len)) {
		log_failing = log_torn = false;
		return;
	}
	if (n >= 0)
		errno = ENOSPC;		/* what a short write does not say */
	log_torn |= n > 0;
	px.log_lost++;
	if (!log_failing)
		warn("access log: %s: %s; lines are lost", log_path,
		    strerror(errno));
	log_failing = true;
}

static void
set_ms(json_t *rec, const char *key, int64_t from_us, int64_t to_us)
{
	if (from_us > 0 && to_us >= from_us)
		(void)json_object_set_new(rec, key,
		    json_integer((to_us - from_us) / 1000));
}

static json_t *
make_record(const struct conn *c)
{
	int64_t now = ev_now_us(px.ev), wall = clock_wall_ms();
	char time[CLOCK_RFC3339];
	json_t *rec;

	rec = json_pack("{s:s, s:s, s:I, s:s, s:s*, s:s*, s:i, s:I, s:I, "
	    "s:i}", "kind", "access",
	    "time", clock_rfc3339(wall, time, sizeof(time)),
	    "at_ms", (json_int_t)wall, "client", c->client,
	    "method", c->log_method, "path", c->log_path,
	    "status", c->status, "bytes_in", (json_int_t)c->bytes_in,
	    "bytes_out", (json_int_t)c->bytes_out, "retries",
	    MAX(c->attempts - 1, 0));
	if (rec == NULL)
		return NULL;
	if (c->svc != NULL)
		(void)json_object_set_new(rec, "service",
		    json_string(c->svc->conf.name));
	if (c->job_id != REC_NONE)
		(void)json_object_set_new(rec, "job_id",
		    json_integer(c->job_id));
	if (c->id[0] != '\0')
		(void)json_object_set_new(rec, "request_id",
		    json_string(c->id));
	if (c->queue_us != 0)
		(void)json_object_set_new(rec, "queue_ms",
		    json_integer(queue_waited_us(c) / 1000));
	set_ms(rec, "connect_ms", c->sent_us, c->connect_us);
	set_ms(rec, "first_byte_ms", c->start_us, c->first_us);
	set_ms(rec, "total_ms", c->start_us, now);
	return rec;
}

void
access_log(const struct conn *c)
{
	struct buf b = BUF_INIT(65536);
	struct err e;
	json_t *rec;

	if (log_fd < 0 || c->admin)
		return;
	rec = make_record(c);
	if (rec != NULL && nd_dump(&b, rec, &e) == 0)
		write_line(&b);
	else
		px.log_lost++;	/* a path that is not UTF-8 */
	json_decref(rec);
	buf_release(&b);
}
