/*
 * child.c - a program that answers lines: started by its argv, with a pipe to
 * it and one from it, a deadline for each answer, and an end in any case. What
 * it says on its standard error is people's.
 */
#include "sim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "watch.h"
#include "xalloc.h"

enum {
	BLAME_MS = 1000,	/* for one that closed a pipe to end */
	LOOK_MS = 10,		/* for an end that nothing tells of */
};

/* ---- its command ---- */

/* Cuts text in place; argv has room for all. The number of arguments. */
static size_t
split(char *text, char **argv)
{
	char *to = text;
	size_t n = 0;

	while (*text != '\0') {
		while (*text == ' ' || *text == '\t')
			text++;
		if (*text == '\0')
			break;
		argv[n++] = to;
		for (; *text != '\0' && *text != ' ' && *text != '\t'; text++) {
			if (*text == '\\' && text[1] != '\0')
				text++;
			*to++ = *text;
		}
		if (*text != '\0')
			text++;
		*to++ = '\0';
	}
	argv[n] = NULL;
	return n;
}

/* In a group of its own: an interrupt of the terminal is ours. */
static int
spawn(struct child *c, char **argv, int in, int out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int rc;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out,
		    STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawnp(&c->pid, argv[0], &files, &attr, argv,
		    environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int
start(struct child *c, char **argv, struct err *e)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return err_errno(e, "a pipe");
	if (pipe2(from, O_CLOEXEC) < 0) {
		(void)err_errno(e, "a pipe");
		(void)close(to[0]);
		(void)close(to[1]);
		return -1;
	}
	errno = spawn(c, argv, to[0], from[1]);
	(void)close(to[0]);
	(void)close(from[1]);
	c->to = to[1];
	c->from = from[0];
	if (errno != 0) {
		(void)err_errno(e, "%s", argv[0]);
		(void)close(c->to);
		(void)close(c->from);
		c->to = c->from = -1;
		return -1;
	}
	(void)fcntl(c->to, F_SETFL, O_NONBLOCK);
	(void)fcntl(c->from, F_SETFL, O_NONBLOCK);
	nd_open(&c->in, c->from, "its answers");
	return 0;
}

int
child_start(struct child *c, const char *command, struct err *e)
{
	size_t len = strlen(command);
	char *text = xstrdup(command);
	char **argv = xcalloc(len / 2 + 2, sizeof(*argv));
	int rc;

	*c = (struct child){ .to = -1, .from = -1 };
	if (split(text, argv) == 0)
		rc = err_perm(e, "there is no command");
	else
		rc = start(c, argv, e);
	free(argv);
	free(text);
	return rc;
}

/* ---- lines ---- */

/*
 * Waits for it to end: 1; 0: it has not, by then. Where there is no pidfd_open
 * (filters of containers, valgrind), it is looked for.
 */
static int
await_end(struct child *c, int64_t timeout_ms, int *status)
{
	struct pollfd p = { .fd = pidfd_open(c->pid, 0), .events = POLLIN };
	int64_t until = clock_mono_ms() + timeout_ms, left = timeout_ms;
	pid_t ended = waitpid(c->pid, status, WNOHANG);

	for (; ended == 0 && left > 0; left = until - clock_mono_ms()) {
		(void)poll(&p, 1, p.fd < 0 ? LOOK_MS : (int)left);
		ended = waitpid(c->pid, status, WNOHANG);
	}
	if (p.fd >= 0)
		(void)close(p.fd);
	if (ended != c->pid)
		return 0;
	c->pid = 0;
	return 1;
}

/* Says how it ended, which was not for us to want. */
static int
blame(struct child *c, const char *what, struct err *e)
{
	int status = 0;

	if (c->pid == 0 || await_end(c, BLAME_MS, &status) == 0)
		return err_perm(e, "it has closed its %s", what);
	if (WIFSIGNALED(status))
		return err_perm(e, "signal %d has killed it",
		    WTERMSIG(status));
	return err_perm(e, "it has ended, with status %d",
	    WEXITSTATUS(status));
}

static int
send_some(struct child *c, const struct buf *out, size_t *sent, struct err *e)
{
	ssize_t n = write(c->to, out->data + *sent, out->len - *sent);

	if (n > 0)
		*sent += (size_t)n;
	if (n >= 0 || errno == EAGAIN || errno == EINTR)
		return 0;
	return errno == EPIPE ? blame(c, "input", e) :
	    err_errno(e, "its input");
}

/* A whole line of it, if there is one: 1; 0; -1 and *e. */
static int
take_answer(struct child *c, json_t **answer, struct err *e)
{
	char *line;
	size_t len;
	int got = nd_next(&c->in, &line, &len, e);

	if (got > 0 && nd_parse(&c->in, line, len, answer, e) < 0)
		return -1;
	if (got == 0 && c->in.eof)
		return blame(c, "output", e);
	return got;
}

/* One wait: sends what can be sent, takes what is there. 0; -1 and *e. */
static int
turn(struct child *c, const struct buf *out, size_t *sent, int64_t left_ms,
    struct err *e)
{
	struct pollfd p[3] = {
		{ .fd = c->from, .events = POLLIN },
		{ .fd = *sent < out->len ? c->to : -1, .events = POLLOUT },
		{ .fd = watch_fd(), .events = POLLIN },
	};

	if (watch_stopped())
		return err_temp(e, "interrupted");
	if (left_ms <= 0)
		return err_perm(e, "no answer in time");
	if (poll(p, 3, (int)MIN(left_ms, INT32_MAX)) < 0)
		return errno == EINTR ? 0 : err_errno(e, "poll");
	if (p[1].revents != 0 && send_some(c, out, sent, e) < 0)
		return -1;
	if (p[0].revents != 0 && nd_fill(&c->in, e) < 0)
		return -1;
	return 0;
}

int
child_tell(struct child *c, const struct buf *out, int64_t timeout_ms,
    struct err *e)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	size_t sent = 0;

	while (sent < out->len)
		if (turn(c, out, &sent, until - clock_mono_ms(), e) < 0)
			return -1;
	return 0;
}

int
child_ask(struct child *c, const struct buf *out, json_t **answer,
    int64_t timeout_ms, struct err *e)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	size_t sent = 0;
	int got;

	got = take_answer(c, answer, e);
	if (got > 0) {
		json_decref(*answer);
		*answer = NULL;
		return err_perm(e, "it said more than one line");
	}
	while (got == 0) {
		if (turn(c, out, &sent, until - clock_mono_ms(), e) < 0)
			return -1;
		got = take_answer(c, answer, e);
	}
	return got < 0 ? -1 : 0;
}

/* ---- its end ---- */

int
child_end(struct child *c, int64_t timeout_ms, struct err *e)
{
	int status = 0, rc = 0;

	if (c->to >= 0)
		(void)close(c->to);
	if (c->pid > 0 && await_end(c, timeout_ms, &status) == 0) {
		(void)kill(-c->pid, SIGKILL);
		(void)waitpid(c->pid, &status, 0);
		c->pid = 0;
	}
	if (WIFSIGNALED(status))
		rc = err_perm(e, "it had to be killed");
	else if (WEXITSTATUS(status) != 0)
		rc = err_perm(e, "it ended with status %d",
		    WEXITSTATUS(status));
	if (c->from >= 0) {
		nd_close(&c->in);
		(void)close(c->from);
	}
	return rc;
}
