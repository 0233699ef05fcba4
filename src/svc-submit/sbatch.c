/*
 * sbatch.c - hands a job to `sbatch --parsable`, for what our table of keys
 * does not know. The options and the script go by argv; a script that we made
 * goes by a descriptor that has no name in the file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "num.h"
#include "submit.h"

enum {
	OUTPUT_MAX = 4096,	/* bytes kept of what sbatch says */
	ANSWER_MS = 60000,	/* it may take, where one try is all there is */
};

struct child {
	pid_t pid;
	int out, err;		/* the ends we read */
	struct buf said[2];
};

/* ---- its command line ---- */

static size_t
count(char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static char **
add_all(char **to, char *const *list)
{
	size_t n = count(list);

	if (n > 0)
		memcpy(to, list, n * sizeof(list[0]));
	return to + n;
}

/* The list is the caller's; what is in it is borrowed. */
static char **
command_line(const struct order *o, char **options, char *script)
{
	static char name[] = "sbatch", parsable[] = "--parsable", end[] = "--";
	char **argv = calloc(5 + count(options) + count(o->extra) +
	    count(o->argv), sizeof(argv[0])), **p = argv;

	if (argv == NULL)
		return NULL;
	*p++ = name;
	*p++ = parsable;
	p = add_all(p, options);
	p = add_all(p, o->extra);
	*p++ = end;
	*p++ = script;
	(void)add_all(p, o->argv + 1);
	return argv;
}

/* A script without a file: what it is called by, and its descriptor. */
static int
script_path(const struct order *o, char *path, size_t size, int *fd,
    struct err *e)
{
	size_t len = strlen(o->script);

	*fd = -1;
	if (o->path != NULL)
		return 0;
	*fd = memfd_create("script", 0);
	if (*fd < 0 || write(*fd, o->script, len) != (ssize_t)len)
		return err_errno(e, "the script");
	(void)snprintf(path, size, "/dev/fd/%d", *fd);
	return 0;
}

/* ---- running it ---- */

static int
spawn(struct child *c, char *const argv[], char *const env[],
    const int out[2], const int err[2])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO,
	    "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	(void)posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO);
	rc = posix_spawnp(&c->pid, argv[0], &files, &attr, argv, env);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	return rc;
}

static int
start(struct child *c, char *const argv[], char *const env[], struct err *e)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(e, "sbatch");
	if (pipe2(err, O_CLOEXEC) < 0) {
		(void)close(out[0]);
		(void)close(out[1]);
		return err_errno(e, "sbatch");
	}
	errno = spawn(c, argv, env, out, err);
	(void)close(out[1]);
	(void)close(err[1]);
	c->out = out[0];
	c->err = err[0];
	if (errno == 0)
		return 0;
	(void)err_errno(e, "sbatch");
	(void)close(c->out);
	(void)close(c->err);
	return -1;
}

/* Keeps what fits; the rest is read and dropped. False at its end. */
static bool
take(int fd, struct buf *b)
{
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0)
		(void)buf_add(b, bytes, MIN((size_t)n, b->max - b->len));
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Reads both until they end. False: the time was up. */
static bool
listen_to(struct child *c, int64_t deadline_ms)
{
	struct pollfd p[2] = {
		{ .fd = c->out, .events = POLLIN },
		{ .fd = c->err, .events = POLLIN },
	};
	int64_t left;
	int i;

	while (p[0].fd >= 0 || p[1].fd >= 0) {
		left = deadline_ms - clock_mono_ms();
		if (left <= 0)
			return false;
		if (poll(p, 2, (int)MIN(left, INT32_MAX)) < 0 &&
		    errno != EINTR)
			return false;
		for (i = 0; i < 2; i++) {
			if (p[i].fd >= 0 && p[i].revents != 0 &&
			    !take(p[i].fd, &c->said[i]))
				p[i].fd = -1;
			p[i].revents = 0;
		}
	}
	return true;
}

/* Its wait status; -1: it was killed, for the time was up. */
static int
finish(struct child *c, bool ended)
{
	int status;

	if (!ended)
		(void)kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)close(c->out);
	(void)close(c->err);
	return ended ? status : -1;
}

/* ---- what it said ---- */

/* Its lines without "sbatch: error: ", joined by "; ". */
static void
join_lines(const char *said, char *out, size_t size)
{
	static const char *const marks[] = { "sbatch: ", "error: ", "fatal: " };
	size_t len = 0, n, i;

	out[0] = '\0';
	for (; *said != '\0'; said += n + (said[n] == '\n')) {
		for (i = 0; i < ARRAY_LEN(marks); i++)
			if (strncmp(said, marks[i], strlen(marks[i])) == 0)
				said += strlen(marks[i]);
		n = strcspn(said, "\n");
		if (n == 0 || len + n + 3 > size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%.*s",
		    len ? "; " : "", (int)n, said);
	}
}

/* sbatch ends with 1 whatever happened: only its words tell. */
static int
failure(const char *said, struct err *e)
{
	static const char *const lost[] = {
		"timed out on send/recv", "Zero Bytes were transmitted",
	};
	static const char *const away[] = {
		"Unable to contact slurm controller", "temporarily",
		"job queue full", "Job violates accounting/QOS policy",
	};
	char text[400];
	size_t i;

	join_lines(said, text, sizeof(text));
	for (i = 0; i < ARRAY_LEN(lost); i++) {
		if (strstr(said, lost[i]) == NULL)
			continue;
		(void)err_temp(e, "sbatch: %s", text);
		e->unknown = true;
		return -1;
	}
	for (i = 0; i < ARRAY_LEN(away); i++)
		if (strstr(said, away[i]) != NULL)
			return err_temp(e, "sbatch: %s", text);
	return err_perm(e, "sbatch: %s", *text ? text : "it failed");
}

/* "123" or "123;cluster". */
static int64_t
job_id_of(struct child *c, int status, struct err *e)
{
	int64_t job_id;
	struct err why;

	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return failure(buf_str(&c->said[1]), e);
	buf_cut(&c->said[0], strcspn(buf_str(&c->said[0]), ";\n"));
	if (status == -1)
		(void)err_temp(e, "sbatch: no answer in time");
	else if (status != 0)
		(void)err_temp(e, "sbatch: signal %d ended it",
		    WTERMSIG(status));
	else if (num_int(buf_str(&c->said[0]), 1, UINT32_MAX, &job_id,
	    &why) < 0)
		(void)err_temp(e, "sbatch's answer: %s", why.text);
	else
		return job_id;
	e->unknown = true;	/* the job may be there all the same */
	return -1;
}

static int64_t
run(char *const argv[], char *const env[], int64_t timeout_ms, struct err *e)
{
	struct child c = { .said = {
		BUF_INIT(OUTPUT_MAX), BUF_INIT(OUTPUT_MAX) } };
	int64_t job_id;
	bool ended;

	if (start(&c, argv, env, e) < 0)
		return -1;
	ended = listen_to(&c, clock_mono_ms() +
	    (timeout_ms > 0 ? timeout_ms : ANSWER_MS));
	job_id = job_id_of(&c, finish(&c, ended), e);
	buf_release(&c.said[0]);
	buf_release(&c.said[1]);
	return job_id;
}

int64_t
sbatch_submit(const struct order *o, char *const env[], int64_t timeout_ms,
    struct err *e)
{
	char **options = jobspec_argv(&o->spec), **argv = NULL;
	char path[32];
	int64_t job_id = -1;
	int fd = -1;

	if (script_path(o, path, sizeof(path), &fd, e) == 0) {
		argv = command_line(o, options, o->path ? o->path : path);
		job_id = options == NULL || argv == NULL ?
		    err_temp(e, "out of memory") :
		    run(argv, env, timeout_ms, e);
	}
	if (fd >= 0)
		(void)close(fd);
	free(argv);
	jobspec_argv_free(options);
	return job_id;
}
