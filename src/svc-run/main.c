/*
 * svc-run - runs one service instance inside a Slurm job.
 *
 * Picks a free port, starts CMD, waits until it really answers, and only then
 * announces it. Before the end (SIGTERM, or the job's time limit) it announces
 * that the instance is draining, lets it finish what it has, and ends CMD with
 * all its descendants. This file is what happens when; it never waits: what
 * may block is done by children (help.c).
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "die.h"
#include "num.h"

enum {
	READY_MS = 600000,
	DRAIN_MS = 30000,
	KILL_MS = 10000,	/* from SIGTERM to SIGKILL */
	KILL_UNREADY_MS = 5000,	/* the same for one that never served */
	KILL_LEFT_MS = 5000,	/* the same for what CMD left */
	GIVE_UP_MS = 5000,	/* after SIGKILL: hung in the kernel */
	PORT_LOST_MS = 5000,	/* so long it may be another's that answers */
	PORTS = 4,		/* tried in all */
	SAY_FIRST_MS = 1000,
	SAY_MAX_MS = 60000,
	ASK_MS = 300000,	/* a time limit may be changed */
	ASK_AGAIN_MS = 30000,
};

static const char usage_text[] =
"usage: svc-run [-qv] [-n NAME] [OPTION...] -- CMD [ARG...]\n"
"\n"
"Run CMD as one instance of a service, inside a job: on a free port,\n"
"announced once it answers, drained before it ends. {port}, {host} and {url}\n"
"in CMD's arguments are replaced; PORT, HOST, URL are in its environment.\n"
"\n"
"  -n, --name=NAME          of the service (as it was ordered; the job's)\n"
"      --path=PATH          what to GET to see it answer (/); -: connect only\n"
"      --status=SET         statuses that mean ready (200-399,401)\n"
"      --ready-timeout=DUR  for the first answer (10m)\n"
"      --drain=DUR          from the announced end to SIGTERM (30s)\n"
"      --announce=comment   in the job's Comment (the default)\n"
"      --announce=file:DIR  in DIR/url-JOBID.txt\n"
"      --host=HOST          to listen on (the way to the login node)\n"
"      --seed=N             seed of the choice of port\n"
"  -q, --quiet              only errors\n"
"  -v, --verbose            say each try\n"
"  -h, --help               this text\n"
"  -V, --version            the version\n";

static void begin(struct run *r);

/* ---- announcing ---- */

static void on_say_time(struct ev_timer *t);

static void
say_later(struct run *r)
{
	(void)ev_timer_set(r->ev, &r->say_timer,
	    clock_mono_ms() + r->say_wait_ms, on_say_time);
	r->say_wait_ms = MIN(r->say_wait_ms * 2, SAY_MAX_MS);
}

static void
say_now(struct run *r)
{
	struct err e;

	r->sayer = help_start(r, help_say, &e);
	if (r->sayer > 0)
		return;
	r->sayer = 0;
	warn("not announced: %s", e.text);
	say_later(r);
}

static void
on_say_time(struct ev_timer *t)
{
	say_now(container_of(t, struct run, say_timer));
}

static void
end_helper(pid_t *pid)
{
	if (*pid > 0)
		(void)kill(*pid, SIGKILL);
	*pid = 0;	/* reaped like any orphan */
}

/* What was being said before is not true any more. */
static void
say(struct run *r, enum announce_state state)
{
	end_helper(&r->sayer);
	ev_timer_stop(r->ev, &r->say_timer);
	r->saying = state;
	r->say_wait_ms = SAY_FIRST_MS;
	say_now(r);
}

static void
sayer_ended(struct run *r, int status)
{
	r->sayer = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == ST_OK) {
		if (r->say_wait_ms > SAY_FIRST_MS)
			note("announced at last");
		return;
	}
	if (WIFSIGNALED(status))	/* otherwise it has spoken */
		warn("not announced: no answer in time; again in %lld s",
		    (long long)r->say_wait_ms / 1000);
	say_later(r);
}

/* ---- the end ---- */

static void
after(struct run *r, int64_t ms, ev_timer_fn *fn)
{
	(void)ev_timer_set(r->ev, &r->phase_timer, clock_mono_ms() + ms, fn);
}

/* SIGKILL did not help: it hangs in the kernel, and we need not. */
static void
on_give_up_time(struct ev_timer *t)
{
	struct run *r = container_of(t, struct run, phase_timer);

	warn("processes of %s outlive SIGKILL: leaving them", r->argv[0]);
	if (r->phase == ENDING)
		r->cmd_status = SIGKILL;
	ev_stop(r->ev);
}

static void
on_kill_time(struct ev_timer *t)
{
	struct run *r = container_of(t, struct run, phase_timer);

	warn("%s does not end: SIGKILL", r->argv[0]);
	r->killing = true;
	cmd_signal(r, SIGKILL);
	cmd_signal_rest(r, SIGKILL);
	after(r, GIVE_UP_MS, on_give_up_time);
}

static void
end_cmd(struct run *r)
{
	r->phase = ENDING;
	end_helper(&r->prober);
	cmd_signal(r, SIGTERM);
	after(r, r->gave_up ? KILL_UNREADY_MS : KILL_MS, on_kill_time);
}

static void
on_drained(struct ev_timer *t)
{
	end_cmd(container_of(t, struct run, phase_timer));
}

/*
 * How long to drain: what was asked for, but the time limit must leave CMD its
 * time to end, and where that is all there is, each gets half.
 */
static int64_t
drain_ms(const struct run *r)
{
	int64_t left_ms = r->end_ms - clock_mono_ms();

	if (r->end_ms == 0)
		return r->drain_ms;
	left_ms = MAX(left_ms, 0);
	return MIN(r->drain_ms, MAX(left_ms - KILL_MS, left_ms / 2));
}

/* Only what was announced can have requests to finish. */
static void
drain(struct run *r, const char *why)
{
	int64_t ms = drain_ms(r);

	if (r->phase == STARTING) {
		note("%s: ending %s, which was not ready yet", why,
		    r->argv[0]);
		end_cmd(r);
		return;
	}
	note("%s: draining for %lld s", why, (long long)ms / 1000);
	r->phase = DRAINING;
	say(r, ANNOUNCE_DRAINING);
	after(r, ms, on_drained);
}

static void
on_term(int signo, void *arg)
{
	struct run *r = arg;

	r->told_to_end = true;
	if (r->phase < DRAINING)
		drain(r, strsignal(signo));
	else if (r->phase == DRAINING)
		end_cmd(r);
}

static void
pass_on(int signo, void *arg)
{
	cmd_signal(arg, signo);
}

/* ---- the time limit ---- */

static void
on_end_near(struct ev_timer *t)
{
	struct run *r = container_of(t, struct run, end_timer);

	r->told_to_end = true;
	if (r->phase < DRAINING)
		drain(r, "the job's time limit is near");
}

/*
 * A job that is short against drain keeps half of its time for service.
 */
static void
set_end(struct run *r, int64_t left_s)
{
	int64_t now_ms = clock_mono_ms(), lead_ms = r->drain_ms + KILL_MS;

	if (left_s > INT32_MAX) {	/* none, or 68 years */
		r->end_ms = 0;
		ev_timer_stop(r->ev, &r->end_timer);
		return;
	}
	r->end_ms = now_ms + left_s * 1000;
	r->time_left_ms = MAX(r->time_left_ms, left_s * 1000);
	lead_ms = MIN(lead_ms, r->time_left_ms / 2);
	chat("the job has %lld s left; draining %lld s before its end",
	    (long long)left_s, (long long)lead_ms / 1000);
	(void)ev_timer_set(r->ev, &r->end_timer, r->end_ms - lead_ms,
	    on_end_near);
}

static void
on_ask_time(struct ev_timer *t)
{
	struct run *r = container_of(t, struct run, ask_timer);
	struct err e;

	r->asker = help_start(r, help_ask, &e);
	if (r->asker > 0)
		return;
	r->asker = 0;
	(void)ev_timer_set(r->ev, t, clock_mono_ms() + ASK_AGAIN_MS,
	    on_ask_time);
}

static void
asker_ended(struct run *r, int status)
{
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == ST_OK;

	r->asker = 0;
	if (good && r->phase < DRAINING)
		set_end(r, *r->asked_s);
	(void)ev_timer_set(r->ev, &r->ask_timer, clock_mono_ms() +
	    (good ? ASK_MS : ASK_AGAIN_MS), on_ask_time);
}

/* ---- CMD starts, answers, ends ---- */

static void
prober_ended(struct run *r, int status)
{
	r->prober = 0;
	if (r->phase != STARTING)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == ST_OK) {
		note("ready at %s after %.2f s", r->url,
		    (double)(clock_mono_ms() - r->cmd_at_ms) / 1000);
		r->phase = UP;
		say(r, ANNOUNCE_READY);
		return;
	}
	r->gave_up = true;
	end_cmd(r);
}

/*
 * CMD is gone and not yet reaped, so that its process group still has its
 * name. What it leaves is told to end, unless it was told already.
 */
static void
cmd_ended(struct run *r)
{
	r->lost_early = r->phase == STARTING || (r->phase == UP &&
	    clock_mono_ms() - r->cmd_at_ms < PORT_LOST_MS);
	if (r->phase != ENDING)
		cmd_signal(r, SIGTERM);
	cmd_signal_rest(r, r->killing ? SIGKILL : SIGTERM);
	r->phase = CLEARING;
	end_helper(&r->prober);
	end_helper(&r->sayer);
	end_helper(&r->asker);
	ev_timer_stop(r->ev, &r->say_timer);
	ev_timer_stop(r->ev, &r->ask_timer);
	if (!r->killing)
		after(r, KILL_LEFT_MS, on_kill_time);
}

/* CMD was reaped. */
static void
cmd_reaped(struct run *r, int status)
{
	char how[80];

	r->cmd = 0;
	r->cmd_status = status;
	note("%s ended after %.1f s: %s", r->argv[0],
	    (double)(clock_mono_ms() - r->cmd_at_ms) / 1000,
	    cmd_how(status, how, sizeof(how)));
}

/* Nothing of CMD is left. */
static void
cleared(struct run *r)
{
	ev_timer_stop(r->ev, &r->phase_timer);
	if (!r->lost_early || r->told_to_end || r->ports_lost == PORTS - 1 ||
	    !place_taken(r)) {
		ev_stop(r->ev);
		return;
	}
	r->ports_lost++;
	note("port %u was taken meanwhile: trying another", r->port);
	help_unsay(r);
	begin(r);
}

static void
child_ended(struct run *r, pid_t pid)
{
	int status = 0;

	if (pid == r->cmd)
		cmd_ended(r);
	if (waitpid(pid, &status, 0) < 0)
		return;
	if (pid == r->cmd)
		cmd_reaped(r, status);
	else if (pid == r->prober)
		prober_ended(r, status);
	else if (pid == r->sayer)
		sayer_ended(r, status);
	else if (pid == r->asker)
		asker_ended(r, status);
	else if (r->killing)
		cmd_signal_rest(r, SIGKILL);	/* orphans it leaves us */
}

static void
on_child(int signo, void *arg)
{
	struct run *r = arg;
	siginfo_t info;
	int rc;

	(void)signo;
	for (;;) {
		info.si_pid = 0;
		rc = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
		if (rc < 0 || info.si_pid == 0)
			break;
		child_ended(r, info.si_pid);
	}
	if (rc < 0 && r->phase == CLEARING)
		cleared(r);
}

static void
begin(struct run *r)
{
	struct err e;
	int hold = place_port(r, &e);

	if (hold < 0)
		die_err(&e);
	if (!announce_url_ok(r->url)) {
		(void)close(hold);
		die(ST_PERM, "'%s' is not a host", r->host);
	}
	r->phase = STARTING;
	r->killing = false;
	if (cmd_start(r, hold, &e) < 0)
		die_err(&e);
	chat("started %s (process %d) for %s", r->argv[0], (int)r->cmd,
	    r->url);
	if (r->job_id != 0)
		on_ask_time(&r->ask_timer);
	r->prober = help_start(r, help_probe, &e);
	if (r->prober > 0)
		return;
	r->prober = 0;
	warn("%s", e.text);
	r->gave_up = true;
	end_cmd(r);
}

/* ---- the command line ---- */

static void
set_path(struct run *r, const char *s)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p == 127 || *p == '#')
			break;
	if (strcmp(s, "-") != 0 && (*s != '/' || *p != '\0'))
		die(ST_PERM, "--path: '%s' is not a path (/health), nor -", s);
	if (strlen(s) > HTTP_TARGET_MAX)
		die(ST_PERM, "--path: longer than %d bytes", HTTP_TARGET_MAX);
	r->path = s;
}

static void
set_status(struct run *r, const char *s)
{
	struct err e;

	if (http_statuses_parse(s, &r->status, &e) < 0)
		die(ST_PERM, "--status: %s", e.text);
	r->status_text = s;
}

static void
set_announce(struct run *r, const char *s)
{
	if (strcmp(s, "comment") == 0)
		r->dir = NULL;
	else if (strncmp(s, "file:", 5) == 0 && s[5] != '\0')
		r->dir = s + 5;
	else
		die(ST_PERM, "--announce: '%s' is neither comment nor "
		    "file:DIR", s);
}

static void
set_host(struct run *r, const char *s)
{
	if (*s == '\0' || strlen(s) >= HOST_MAX)
		die(ST_PERM, "--host: '%s' is not a host", s);
	(void)snprintf(r->host, HOST_MAX, "%s", s);
}

static void
set_name(struct run *r, const char *s)
{
	if (*s == '\0' || strlen(s) >= sizeof(((struct announce *)0)->name))
		die(ST_PERM, "--name: '%s' is not a name", s);
	r->name = s;
}

static const struct option long_options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "path", required_argument, NULL, 'p' },
	{ "status", required_argument, NULL, 's' },
	{ "ready-timeout", required_argument, NULL, 'r' },
	{ "drain", required_argument, NULL, 'd' },
	{ "announce", required_argument, NULL, 'a' },
	{ "host", required_argument, NULL, 'H' },
	{ "seed", required_argument, NULL, 'S' },
	ARGS_HOUSE_LONG,
};

static void
read_options(struct run *r, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "+n:" ARGS_HOUSE, long_options,
	    NULL)) != -1) {
		switch (c) {
		case 'n': set_name(r, optarg); break;
		case 'p': set_path(r, optarg); break;
		case 's': set_status(r, optarg); break;
		case 'r':
			r->ready_ms = args_duration_ms("ready-timeout", optarg,
			    INT32_MAX);
			break;
		case 'd':
			r->drain_ms = args_duration_ms("drain", optarg,
			    INT32_MAX);
			break;
		case 'a': set_announce(r, optarg); break;
		case 'H': set_host(r, optarg); break;
		case 'S':
			rng_seed(&r->rng, (uint64_t)args_int("seed", optarg, 0,
			    INT64_MAX));
			break;
		default: args_house(c, usage_text);
		}
	}
	r->argv = argv + optind;
	if (*r->argv == NULL)
		die_usage(usage_text);
}

/* ---- starting ---- */

/* A number of Slurm's environment; 0 if it is not there. */
static uint32_t
slurm_number(const char *name)
{
	const char *s = getenv(name);
	int64_t n = 0;
	struct err e;

	if (s != NULL && num_int(s, 0, UINT32_MAX - 1, &n, &e) < 0)
		die(ST_PERM, "%s: %s", name, e.text);
	return (uint32_t)n;
}

static void
check_dir(const char *dir)
{
	/* room for "/url-4294967295.txt.new" */
	if (strlen(dir) > URL_MAX)
		die(ST_PERM, "--announce: longer than %d bytes", URL_MAX);
	if (access(dir, W_OK | X_OK) < 0)
		die(ST_PERM, "%s: %s", dir, strerror(errno));
}

static void
find_job(struct run *r)
{
	r->job_id = slurm_number("SLURM_JOB_ID");
	r->restart = slurm_number("SLURM_RESTART_COUNT");
	r->file_id = r->job_id ? r->job_id : (uint32_t)getpid();
	if (r->job_id == 0 && r->dir == NULL)
		die(ST_PERM, "not inside a Slurm job (SLURM_JOB_ID is not "
		    "set): use --announce=file:DIR");
	if (r->dir != NULL)
		check_dir(r->dir);
}

static void
init(struct run *r)
{
	struct err e;

	*r = (struct run){
		.path = "/", .ready_ms = READY_MS, .drain_ms = DRAIN_MS,
		.saying = ANNOUNCE_WANTED,
	};
	rng_seed(&r->rng, (uint64_t)clock_mono_us() ^
	    (uint64_t)getpid() << 32);
	set_status(r, "200-399,401");
	r->ev = ev_new(&e);
	if (r->ev == NULL)
		die_err(&e);
	r->asked_s = mmap(NULL, sizeof(*r->asked_s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->asked_s == MAP_FAILED)
		die(ST_TEMP, "out of memory");
}

static void
watch_signals(struct run *r)
{
	static const struct {
		int signo;
		ev_signal_fn *fn;
	} list[] = {
		{ SIGCHLD, on_child }, { SIGTERM, on_term },
		{ SIGINT, on_term }, { SIGHUP, on_term },
		{ SIGUSR1, pass_on }, { SIGUSR2, pass_on },
	};
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_LEN(list); i++)
		if (ev_signal(r->ev, list[i].signo, list[i].fn, r, &e) < 0)
			die_err(&e);
	/* orphans below us become our children, so none is overlooked */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int
main(int argc, char **argv)
{
	struct run r;

	prog = "svc-run";
	init(&r);
	read_options(&r, argc, argv);
	find_job(&r);
	if (r.host[0] == '\0')
		place_host(&r);
	help_unsay(&r);		/* what a former run of the job has left */
	watch_signals(&r);
	begin(&r);
	ev_run(r.ev);
	help_unsay(&r);
	leave(r.gave_up ? ST_TEMP : cmd_exit_status(r.cmd_status));
}
