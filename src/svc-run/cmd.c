/*
 * cmd.c - starts CMD and ends it, with all its descendants.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "xalloc.h"

enum { ARG_MAX_BYTES = 1 << 20, CHILDREN_MAX = 4096 };

struct placeholder {
	const char *text;
	const char *value;
};

/* The placeholder at s, or NULL. */
static const struct placeholder *
placeholder_at(const struct placeholder *p, const char *s)
{
	for (; p->text != NULL; p++)
		if (strncmp(s, p->text, strlen(p->text)) == 0)
			return p;
	return NULL;
}

/* A copy of arg with its placeholders replaced; the caller frees it. */
static char *
expand(const char *arg, const struct placeholder *list)
{
	struct buf b = BUF_INIT(ARG_MAX_BYTES);
	const struct placeholder *p;
	int rc = buf_adds(&b, "");
	char *out = NULL;

	while (*arg != '\0' && rc == 0) {
		p = *arg == '{' ? placeholder_at(list, arg) : NULL;
		rc = p ? buf_adds(&b, p->value) : buf_addc(&b, *arg);
		arg += p ? strlen(p->text) : 1;
	}
	if (rc == 0)
		out = strdup(b.data);
	buf_release(&b);
	return out;
}

static void
free_argv(char **argv)
{
	size_t i;

	for (i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

static char **
expand_argv(const struct run *r, const char *port)
{
	const struct placeholder list[] = {
		{ "{port}", port }, { "{host}", r->host }, { "{url}", r->url },
		{ NULL, NULL },
	};
	size_t n = 0, i;
	char **argv;

	while (r->argv[n] != NULL)
		n++;
	argv = xcalloc(n + 1, sizeof(*argv));
	for (i = 0; i < n; i++) {
		argv[i] = expand(r->argv[i], list);
		if (argv[i] == NULL) {
			free_argv(argv);
			return NULL;
		}
	}
	return argv;
}

/* A process group of its own, and no signal blocked or ignored. */
static int
spawn(const struct run *r, char **argv, pid_t *pid)
{
	posix_spawnattr_t attr;
	sigset_t all;
	int rc = posix_spawnattr_init(&attr);

	if (rc != 0)
		return rc;
	(void)sigfillset(&all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setsigmask(&attr, ev_old_sigmask(r->ev));
	rc = posix_spawnp(pid, argv[0], NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

int
cmd_start(struct run *r, int hold, struct err *e)
{
	char port[8], **argv;

	(void)snprintf(port, sizeof(port), "%u", r->port);
	argv = expand_argv(r, port);
	if (argv == NULL || setenv("PORT", port, 1) < 0 ||
	    setenv("HOST", r->host, 1) < 0 || setenv("URL", r->url, 1) < 0) {
		(void)close(hold);
		if (argv != NULL)
			free_argv(argv);
		return err_temp(e, "%s: no room for its arguments",
		    r->argv[0]);
	}
	(void)close(hold);
	errno = spawn(r, argv, &r->cmd);
	free_argv(argv);
	if (errno != 0) {
		r->cmd = 0;
		return err_errno(e, "%s", r->argv[0]);
	}
	r->cmd_at_ms = clock_mono_ms();
	return 0;
}

void
cmd_signal(const struct run *r, int signo)
{
	if (r->cmd > 0)
		(void)kill(-r->cmd, signo);
}

static bool
is_helper(const struct run *r, pid_t pid)
{
	return pid == r->prober || pid == r->sayer || pid == r->asker;
}

/*
 * We are the reaper of orphans below us, so that all that CMD started and
 * whose parent ended is our child, in whatever group or session.
 */
void
cmd_signal_rest(const struct run *r, int signo)
{
	char path[64], text[CHILDREN_MAX], *p = text, *end;
	ssize_t n;
	long pid;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	    (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	text[MAX(n, 0)] = '\0';
	while ((pid = strtol(p, &end, 10)) > 0 && *end == ' ') {
		if (!is_helper(r, (pid_t)pid) &&
		    (r->cmd == 0 || getpgid((pid_t)pid) != r->cmd))
			(void)kill((pid_t)pid, signo);
		p = end + 1;
	}
}

int
cmd_exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

char *
cmd_how(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		(void)snprintf(text, size, "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, size, "exit status %d",
		    WEXITSTATUS(status));
	return text;
}
