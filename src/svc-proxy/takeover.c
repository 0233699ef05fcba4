/*
 * takeover.c - SIGUSR2: a new process takes over, and this one ends.
 *
 * The old one starts its program again, as it was started itself, and hands
 * over in a memfd what only it knows: the listening sockets, the table of
 * instances, what it read of stdin and did not use, what it has still to write
 * to stdout, what it has learnt. Until the new one says that it is ready, the
 * old one accepts and leaves stdin and stdout alone; if that is never said it
 * goes on as if nothing had been. After it, the old one drains, and learns of
 * later snapshots from the new one: some of its requests may still wait for an
 * instance.
 */
#include "proxy.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"
#include "nd.h"
#include "notify.h"
#include "num.h"
#include "xalloc.h"

#define TAKEOVER_ENV "BERTH_TAKEOVER"

enum {
	STATE_VERSION = 1,	/* of what is handed over; others are refused */
	READY_MS = 30000,	/* for the new process to be ready */
	STATE_MAX = 128 << 20,	/* what is handed over */
	LATER_MAX = 32 << 20,	/* snapshots that the old one has to read */
};

static struct {
	char **argv;
	struct {		/* to the process that takes over from us */
		int fd;		/* -1: there is none */
		struct ev_io io;
		struct ev_timer timer;
		pid_t child;	/* it was started, and is not ready yet */
	} next;
	struct {		/* to the one we have taken over from */
		int fd;
		struct ev_io io;
		struct buf later;	/* not yet sent */
	} last;
	/* while we take over: what was handed to us, and its first line */
	struct buf state;
	json_t *head;
	size_t head_len;
} over = { .next.fd = -1, .last.fd = -1,
    .last.io.fd = -1 };

/* ---- the old process ---- */

static void
drop_next(void)
{
	if (over.next.fd < 0)
		return;
	ev_io_stop(px.ev, &over.next.io);
	(void)close(over.next.fd);
	over.next.fd = -1;
}

static void
end_child(void)
{
	(void)kill(over.next.child, SIGKILL);
	(void)waitpid(over.next.child, NULL, 0);
	over.next.child = 0;
}

static void
failed(const char *why)
{
	warn("no new process takes over: %s; this one goes on", why);
	ev_timer_stop(px.ev, &over.next.timer);
	drop_next();
	if (over.next.child > 0)
		end_child();
	feed_resume();
}

static void
on_late(struct ev_timer *t)
{
	(void)t;
	failed("it was not ready in time");
}

/* The new process accepts from here on. */
static void
handed_over(void)
{
	char text[48];

	ev_timer_stop(px.ev, &over.next.timer);
	ev_io_stop(px.ev, &over.next.io);
	(void)snprintf(text, sizeof(text), "MAINPID=%ld\nREADY=1",
	    (long)over.next.child);
	notify_send(text);
	note("process %ld has taken over", (long)over.next.child);
	over.next.child = 0;
	feed_follow(over.next.fd);
	over.next.fd = -1;	/* feed.c's now */
	proxy_hand_over();
}

static void
on_child(struct ev_io *io, uint32_t events)
{
	char byte;
	ssize_t n = recv(io->fd, &byte, 1, 0);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		handed_over();
	else
		failed("it ended before it was ready");
}

/* Which of its own addresses the new process will know l by. */
static const char *
asked_for(const struct listener *l)
{
	return l->door != 0 && !l->inherited ? l->door_name : l->ask;
}

static json_t *
listeners_json(void)
{
	json_t *list = json_array();
	const struct listener *l;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->io.fd >= 0)
			(void)json_array_append_new(list,
			    json_pack("{s:i, s:s}", "fd", l->io.fd, "ask",
			    asked_for(l)));
	return list;
}

/* All there is to know: a line of JSON, and what it says the lengths of. */
static int
make_state(struct buf *b)
{
	struct buf body = BUF_INIT(STATE_MAX);
	json_t *head = json_pack("{s:i, s:o}", "takeover", STATE_VERSION,
	    "listeners", listeners_json());
	struct err e;
	size_t fed;
	int rc = -1;

	if (head == NULL || feed_save(head, &body) < 0)
		goto out;
	fed = body.len;
	if (memory_save(&body) == 0 && json_object_set_new(head, "memory",
	    json_integer((json_int_t)(body.len - fed))) == 0 &&
	    nd_dump(b, head, &e) == 0)
		rc = buf_add(b, body.data, body.len);
out:
	json_decref(head);
	buf_release(&body);
	return rc;
}

/* A new memfd that holds b; -1 with errno. */
static int
memory_of(const struct buf *b)
{
	int fd = memfd_create("svc-proxy", MFD_CLOEXEC), saved;
	size_t done = 0;
	ssize_t n = 0;

	while (fd >= 0 && n >= 0 && done < b->len) {
		n = write(fd, b->data + done, b->len - done);
		if (n > 0)
			done += (size_t)n;
	}
	if (n >= 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

static int
save_state(void)
{
	struct buf b = BUF_INIT(STATE_MAX);
	int fd = -1;

	errno = ENOMEM;
	if (make_state(&b) == 0)
		fd = memory_of(&b);
	buf_release(&b);
	return fd;
}

/* Its descriptors under their own numbers, kept over exec. */
static int
spawn(int state_fd, int link_fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t pipes;
	const struct listener *l;
	char text[40];
	int rc;

	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, ev_old_sigmask(px.ev));
	(void)posix_spawnattr_setsigdefault(&attr, &pipes);
	(void)posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawn_file_actions_init(&files);
	rc = posix_spawn_file_actions_adddup2(&files, state_fd, state_fd) |
	    posix_spawn_file_actions_adddup2(&files, link_fd, link_fd);
	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->io.fd >= 0)
			rc |= posix_spawn_file_actions_adddup2(&files,
			    l->io.fd, l->io.fd);
	(void)snprintf(text, sizeof(text), "%d,%d", state_fd, link_fd);
	if (rc == 0)
		rc = setenv(TAKEOVER_ENV, text, 1) < 0 ? errno : 0;
	if (rc == 0)
		rc = posix_spawnp(&over.next.child, over.argv[0], &files, &attr,
		    over.argv, environ);
	(void)unsetenv(TAKEOVER_ENV);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	if (rc != 0)
		over.next.child = 0;
	return rc;
}

/* Starts it: 0, or an errno. */
static int
begin(void)
{
	int state_fd = save_state(), pair[2], rc;
	struct err e;

	if (state_fd < 0)
		return errno;
	rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, pair) < 0 ? errno : 0;
	if (rc == 0) {
		rc = spawn(state_fd, pair[1]);
		(void)close(pair[1]);
		over.next.fd = pair[0];
	}
	(void)close(state_fd);
	if (rc == 0 && ev_io_start(px.ev, &over.next.io, over.next.fd,
	    EPOLLIN, on_child, &e) < 0)
		rc = e.code;
	return rc;
}

void
takeover_start(void)
{
	int rc;

	if (px.draining || over.next.child > 0)
		return;
	feed_pause();
	rc = begin();
	if (rc != 0)
		failed(strerror(rc));
	else
		(void)ev_timer_set(px.ev, &over.next.timer,
		    ev_now_ms(px.ev) + READY_MS, on_late);
}

void
takeover_cancel(void)
{
	if (over.next.child > 0)
		failed("it was told to end");
}

/* ---- the new process ---- */

/* The two numbers in the environment; false: nobody is taken over. */
static bool
descriptors(int *state_fd, int *link_fd)
{
	const char *text = getenv(TAKEOVER_ENV), *comma;
	int64_t a, b;
	char first[16];
	struct err e;

	if (text == NULL)
		return false;
	comma = strchr(text, ',');
	(void)snprintf(first, sizeof(first), "%.*s",
	    comma ? (int)MIN(comma - text, 15) : 0, text);
	if (comma == NULL || num_int(first, 3, INT32_MAX, &a, &e) < 0 ||
	    num_int(comma + 1, 3, INT32_MAX, &b, &e) < 0)
		die(ST_PERM, TAKEOVER_ENV "=%s: not from an svc-proxy", text);
	*state_fd = (int)a;
	*link_fd = (int)b;
	(void)unsetenv(TAKEOVER_ENV);
	return true;
}

static void
read_state(int fd)
{
	json_error_t je;
	int64_t version = 0;
	struct err e;
	ssize_t n;
	char *lf;

	buf_init(&over.state, STATE_MAX + SCRATCH_SIZE);
	do {
		if (buf_reserve(&over.state, SCRATCH_SIZE) < 0)
			die(ST_TEMP, "out of memory");
		n = pread(fd, over.state.data + over.state.len, SCRATCH_SIZE,
		    (off_t)over.state.len);
		if (n < 0)
			die(ST_TEMP, TAKEOVER_ENV ": %s", strerror(errno));
		over.state.len += (size_t)n;
	} while (n > 0);
	(void)close(fd);
	lf = memchr(over.state.data, '\n', over.state.len);
	if (lf != NULL)
		over.head_len = (size_t)(lf - over.state.data) + 1;
	over.head = json_loadb(over.state.data, over.head_len, 0, &je);
	if (over.head == NULL || rec_int(over.head, "takeover", STATE_VERSION,
	    STATE_VERSION, &version, &e) < 0 || version == 0)
		die(ST_PERM, TAKEOVER_ENV ": not what this svc-proxy reads");
}

void
takeover_begin(char **argv)
{
	int state_fd, link_fd;

	over.argv = argv;
	buf_init(&over.last.later, LATER_MAX);
	if (!descriptors(&state_fd, &link_fd))
		return;
	over.last.fd = link_fd;
	if (net_adopt(link_fd) < 0)
		die(ST_PERM, TAKEOVER_ENV ": %s", strerror(errno));
	read_state(state_fd);
}

int
takeover_socket(const char *ask)
{
	json_t *list = json_object_get(over.head, "listeners");
	const char *text = "";
	int64_t fd = -1;
	struct err e;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *l = json_array_get(list, i);

		if (rec_str(l, "ask", &text, &e) == 0 &&
		    rec_int(l, "fd", 3, INT32_MAX, &fd, &e) == 0 && fd > 0 &&
		    strcmp(text, ask) == 0) {
			(void)json_array_remove(list, i);
			return net_adopt((int)fd) < 0 ? -1 : (int)fd;
		}
	}
	return -1;
}

static void
drop_last(void)
{
	ev_io_stop(px.ev, &over.last.io);
	(void)close(over.last.fd);
	over.last.fd = -1;
	buf_release(&over.last.later);
}

/* Sends the old one what it does not know yet; it may be gone any time. */
static void
on_last(struct ev_io *io, uint32_t events)
{
	char byte;
	ssize_t n = 0;

	if ((events & EPOLLIN) && recv(io->fd, &byte, 1, 0) == 0) {
		drop_last();
		return;
	}
	if (over.last.later.len > 0)
		n = send(io->fd, over.last.later.data, over.last.later.len,
		    MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop_last();
		return;
	}
	if (n > 0)
		buf_drop(&over.last.later, (size_t)n);
	ev_io_want(px.ev, io, EPOLLIN |
	    (over.last.later.len > 0 ? EPOLLOUT : 0));
}

/* All of it, or the old one learns no more: never a part of a snapshot. */
void
takeover_tell(const char *lines, size_t len)
{
	if (over.last.fd < 0)
		return;
	if (buf_add(&over.last.later, lines, len) < 0)
		drop_last();
	else if (over.last.io.fd >= 0)	/* else we are not ready yet */
		on_last(&over.last.io, 0);
}

void
takeover_load(void)
{
	struct err e;
	int64_t fd = -1, memory = 0;
	size_t i, len = over.state.len - over.head_len;
	json_t *rest = json_object_get(over.head, "listeners");

	if (over.head == NULL)
		return;
	for (i = 0; i < json_array_size(rest); i++)	/* nobody's now */
		if (rec_int(json_array_get(rest, i), "fd", 3, INT32_MAX, &fd,
		    &e) == 0 && fd > 0)
			(void)close((int)fd);
	if (rec_int(over.head, "memory", 0, (int64_t)len, &memory, &e) < 0 ||
	    feed_load(over.head, over.state.data + over.head_len,
	    len - (size_t)memory, &e) < 0)
		die_err(&e);
	memory_load(over.state.data + over.state.len - memory,
	    (size_t)memory);
	json_decref(over.head);
	over.head = NULL;
	buf_release(&over.state);
}

void
takeover_ready(void)
{
	struct err e;

	if (over.last.fd < 0)
		return;
	if (ev_io_start(px.ev, &over.last.io, over.last.fd, EPOLLIN, on_last,
	    &e) < 0)
		die_err(&e);
	if (send(over.last.fd, "r", 1, MSG_NOSIGNAL) != 1)
		drop_last();
	else
		on_last(&over.last.io, 0);
}
