/*
 * help.c - what may block, each in a forked child: waiting until CMD answers,
 * announcing, asking for the time left.
 *
 * libslurm waits seconds for a slurmctld that is away, and a dead file server
 * holds whoever writes to it. The loop must meet its deadlines meanwhile, so
 * it only starts these children and sees how they end.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "fetch.h"
#include "net.h"
#include "slurmio.h"

enum {
	TRY_MS = 5000,			/* an answer may take this long */
	TRY_MIN_MS = 1000,
	PAUSE_FIRST_MS = 50,
	PAUSE_MAX_MS = 1000,
	SAY_TIMEOUT_S = 60,		/* then SIGALRM ends the child */
};

pid_t
help_start(const struct run *r, help_fn *fn, struct err *e)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(e, "fork");
	if (pid > 0)
		return pid;
	/* whoever kills svc-run must not leave us behind */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(ST_TEMP);
	_exit(fn(r));
}

/* ---- does CMD answer? ---- */

static int
try_http(const struct run *r, int64_t timeout_ms, struct err *e)
{
	char url[URL_MAX + HTTP_TARGET_MAX];
	int status = 0;

	(void)snprintf(url, sizeof(url), "%s%s", r->url, r->path);
	if (fetch_get(url, timeout_ms, NULL, &status, e) < 0)
		return -1;
	if (http_statuses_has(&r->status, status))
		return 0;
	return err_temp(e, "%s: status %d %s is not one of %s", url, status,
	    http_reason(status), r->status_text);
}

static int
try_connect(const struct run *r, int64_t timeout_ms, struct err *e)
{
	const char *where = r->url + strlen("http://");
	struct pollfd p = { .fd = -1, .events = POLLOUT };
	struct net_addr a;
	int rc = 0;

	if (net_parse(where, &a, e) < 0)
		return -1;
	p.fd = net_connect(&a);
	if (p.fd < 0)
		return err_errno(e, "%s", where);
	if (poll(&p, 1, (int)timeout_ms) == 0)
		rc = err_temp(e, "%s: no answer", where);
	else if (net_connected(p.fd) < 0)
		rc = err_errno(e, "%s", where);
	(void)close(p.fd);
	return rc;
}

static int
try(const struct run *r, int64_t left_ms, struct err *e)
{
	/* the last try must see more than its own haste */
	int64_t ms = MIN(MAX(left_ms, TRY_MIN_MS), TRY_MS);

	return strcmp(r->path, "-") == 0 ? try_connect(r, ms, e) :
	    try_http(r, ms, e);
}

int
help_probe(const struct run *r)
{
	int64_t end_ms = r->cmd_at_ms + r->ready_ms, pause_ms = PAUSE_FIRST_MS;
	int64_t left_ms;
	struct err e = { .text = "not asked yet" };

	while ((left_ms = end_ms - clock_mono_ms()) > 0) {
		if (try(r, left_ms, &e) == 0)
			return ST_OK;
		chat("not ready: %s", e.text);
		clock_sleep_ms(MIN(pause_ms, left_ms));
		pause_ms = MIN(pause_ms * 3 / 2, PAUSE_MAX_MS);
	}
	warn("not ready after %lld s: %s", (long long)r->ready_ms / 1000,
	    e.text);
	return ST_TEMP;
}

/* ---- announcing ---- */

static const char *
state_word(const struct run *r)
{
	return r->saying == ANNOUNCE_READY ? "ready" : "draining";
}

static void
file_name(const struct run *r, char *path, size_t size, const char *suffix)
{
	(void)snprintf(path, size, "%s/url-%u.txt%s", r->dir, r->file_id,
	    suffix);
}

static int
write_file(const char *path, const char *url, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
	    O_CLOEXEC, 0644);
	char line[URL_MAX + 2];
	int n = snprintf(line, sizeof(line), "%s\n", url);
	bool bad;

	if (fd < 0)
		return err_errno(e, "%s", path);
	/* who reads it may be somebody else, whatever the umask says */
	bad = fchmod(fd, 0644) < 0 || write(fd, line, (size_t)n) != n;
	if (close(fd) < 0 || bad)
		return err_errno(e, "%s", path);
	return 0;
}

static int
say_file(const struct run *r, struct err *e)
{
	char path[PATH_MAX], new[PATH_MAX];

	file_name(r, path, sizeof(path), "");
	file_name(r, new, sizeof(new), ".new");
	if (r->saying != ANNOUNCE_READY) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_errno(e, "%s", path);
		return 0;
	}
	if (write_file(new, r->url, e) < 0)
		return -1;
	return rename(new, path) < 0 ? err_errno(e, "%s", path) : 0;
}

/* Our job in the list, or NULL. */
static const struct slurmio_job *
find_job(const struct slurmio_jobs *jobs, uint32_t job_id)
{
	size_t i;

	for (i = 0; i < jobs->len; i++)
		if (jobs->list[i].job_id == job_id)
			return &jobs->list[i];
	return NULL;
}

/*
 * The Comment to be, from the one that is: the order's id stays, and so does
 * the name under which the job was ordered unless -n gave another. 1; 0: it is
 * to stay as it is; -1 and *e.
 */
static int
new_comment(const struct run *r, const struct slurmio_job *job,
    char text[ANNOUNCE_MAX], struct err *e)
{
	struct announce a;
	bool was = announce_parse(job->comment, &a) == 1 &&
	    a.state != ANNOUNCE_UNKNOWN;
	const char *name = r->name;

	if (name == NULL)
		name = was && a.name[0] != '\0' ? a.name : job->name;
	if (was && a.state == ANNOUNCE_DRAINING && a.restart == r->restart)
		return 0;	/* ordered meanwhile: never back to ready */
	if (job->restart > r->restart)
		return 0;	/* requeued: the Comment is the next run's */
	if (!was)
		a = (struct announce){ .name = "" };
	if (name != a.name && snprintf(a.name, sizeof(a.name), "%s", name) >=
	    (int)sizeof(a.name))
		return err_perm(e, "'%.40s...' is too long a name", name);
	(void)snprintf(a.url, sizeof(a.url), "%s", r->url);
	a.state = r->saying;
	a.restart = r->restart;
	return announce_format(&a, text, e) < 0 ? -1 : 1;
}

static int
say_comment(const struct run *r, struct err *e)
{
	struct slurmio_jobs jobs;
	const struct slurmio_job *job;
	char text[ANNOUNCE_MAX] = "";
	int rc;

	if (slurmio_open(e) < 0 || slurmio_my_jobs(&jobs, e) < 0)
		return -1;
	job = find_job(&jobs, r->job_id);
	if (job == NULL) {
		rc = err_temp(e, "job %u is not among the jobs of this user",
		    r->job_id);
	} else {
		rc = new_comment(r, job, text, e);
		if (rc > 0 && strcmp(text, job->comment) != 0)
			rc = slurmio_set_comment(r->job_id, text, e);
	}
	slurmio_jobs_release(&jobs);
	return rc;
}

int
help_say(const struct run *r)
{
	struct err e;
	int rc;

	(void)alarm(SAY_TIMEOUT_S);
	rc = r->dir ? say_file(r, &e) : say_comment(r, &e);
	if (rc >= 0)
		return ST_OK;
	if (e.status == ST_PERM && r->saying == ANNOUNCE_DRAINING) {
		/* the job is over for Slurm, and so is what it announced */
		chat("not announced as draining: %s", e.text);
		return ST_OK;
	}
	warn("not announced as %s: %s; again in %lld s", state_word(r),
	    e.text, (long long)r->say_wait_ms / 1000);
	return ST_TEMP;
}

void
help_unsay(const struct run *r)
{
	char path[PATH_MAX];

	if (r->dir == NULL)
		return;
	file_name(r, path, sizeof(path), "");
	(void)unlink(path);
}

/* ---- the time limit ---- */

int
help_ask(const struct run *r)
{
	struct err e;
	int64_t left_s;

	(void)alarm(SAY_TIMEOUT_S);
	if (slurmio_open(&e) < 0 ||
	    (left_s = slurmio_time_left(r->job_id, &e)) < 0) {
		chat("time limit not known: %s", e.text);
		return ST_TEMP;
	}
	*r->asked_s = left_s;
	return ST_OK;
}
