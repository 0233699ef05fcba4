/*
 * svc-discover - lists my service jobs and the URL each has announced.
 *
 * Asks slurmctld for all jobs of this user in one RPC, says of each job which
 * service it belongs to, and closes the snapshot with an `end` record. When
 * Slurm does not answer, a `stale` record says so: unknown is not gone.
 */
#include "discover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "die.h"
#include "nd.h"
#include "rng.h"

enum {
	INTERVAL_MS = 5000,
	INTERVAL_MIN_MS = 500,		/* two RPCs a second are the most */
	BACKOFF_MAX_MS = 60000,
	QUIET_POLLS = 120,		/* so many polls without a change ... */
	QUIET_FACTOR_MAX = 4,		/* ... and we are an interval slower */
	JITTER_DIVISOR = 10,		/* up to a tenth later, never earlier */
};
#define SNAPSHOT_MAX ((size_t)256 << 20)

static const char usage_text[] =
"usage: svc-discover [-fqv] [-i DURATION] [--urls=DIR] [NAME...]\n"
"\n"
"List my service jobs and the URL each has announced, as instance records\n"
"closed by an end record. NAMEs narrow the list to these services.\n"
"\n"
"  -f, --follow         a snapshot every interval, until SIGTERM\n"
"  -i, --interval=DUR   time between polls of Slurm (5s; at least 500ms)\n"
"      --urls=DIR       also read URLs from DIR/url-JOBID.txt\n"
"      --seed=N         seed of the jitter between polls\n"
"  -q, --quiet          only errors\n"
"  -v, --verbose        say why a URL file is passed over\n"
"  -h, --help           this text\n"
"  -V, --version        the version\n";

struct discover {
	char **names;			/* services asked for; NULL-ended */
	const char *urls_dir;		/* NULL: none */
	int64_t interval_ms;
	struct rng rng;
	struct slurmio_jobs jobs;	/* the last good answer */
	bool *fresh;			/* per job: see job_is_fresh */
	struct buf text;		/* the snapshot as it is made */
	struct buf last;		/* the one before, less its end */
	int64_t unchanged;		/* polls since text was news */
	int64_t good_at;		/* when Slurm last answered; 0: never */
	size_t count;			/* records in text */
	int failures;			/* polls failed since then */
};

static volatile sig_atomic_t writing, stopping;

/*
 * Between snapshots nothing is buffered, so the process may end wherever it
 * is, also inside libslurm. A second signal tears even a snapshot whose reader
 * has stopped reading.
 */
static void
on_term(int signo)
{
	(void)signo;
	if (!writing || stopping)
		_exit(ST_OK);
	stopping = 1;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_term, .sa_flags = SA_RESTART };

	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
}

/* ---- one poll ---- */

/*
 * The same job in the last answer, or NULL. An id may have been reused for
 * another; a job that was requeued keeps it and may get a new submit time.
 */
static const struct slurmio_job *
find_before(const struct slurmio_jobs *jobs, const struct slurmio_job *job,
    size_t *at)
{
	const struct slurmio_job *before;

	while (*at < jobs->len && jobs->list[*at].job_id < job->job_id)
		++*at;
	if (*at == jobs->len || jobs->list[*at].job_id != job->job_id)
		return NULL;
	before = &jobs->list[*at];
	return before->submit_at == job->submit_at ||
	    before->restart < job->restart ? before : NULL;
}

/* Takes the new answer over in place of the last; both are sorted by id. */
static int
remember(struct discover *d, struct slurmio_jobs *jobs, struct err *e)
{
	bool *fresh = calloc(jobs->len + 1, sizeof(*fresh));
	const struct slurmio_job *before;
	size_t i, at = 0;

	if (fresh == NULL)
		return err_temp(e, "out of memory");
	for (i = 0; i < jobs->len; i++) {
		before = find_before(&d->jobs, &jobs->list[i], &at);
		fresh[i] = job_is_fresh(&jobs->list[i], before,
		    before != NULL && d->fresh[at]);
	}
	slurmio_jobs_release(&d->jobs);
	free(d->fresh);
	d->jobs = *jobs;
	d->fresh = fresh;
	return 0;
}

/* Adds one line made of rec, which it takes over. */
static int
add_line(struct buf *text, json_t *rec, struct err *e)
{
	int rc = rec ? nd_dump(text, rec, e) : err_temp(e, "out of memory");

	json_decref(rec);
	return rc;
}

/* Adds the record of one job to the snapshot. dir: of URL files, or -1. */
static int
add_job(struct discover *d, const struct slurmio_job *job, bool fresh,
    int dir, struct err *e)
{
	struct rec_instance in;
	int rc = job_instance(job, fresh, dir, d->names, &in, e);

	if (rc > 0) {
		rc = add_line(&d->text, rec_instance_json(&in), e);
		d->count++;
	}
	rec_instance_release(&in);
	return rc;
}

static int
add_jobs(struct discover *d, struct err *e)
{
	int dir = -1, rc = 0;
	size_t i;

	d->count = 0;
	if (d->urls_dir != NULL && (dir = urls_open(d->urls_dir, e)) < 0)
		return -1;
	for (i = 0; i < d->jobs.len && rc == 0; i++)
		rc = add_job(d, &d->jobs.list[i], d->fresh[i], dir, e);
	if (dir >= 0)
		(void)close(dir);
	return rc;
}

static int
add_end(struct discover *d, struct err *e)
{
	return add_line(&d->text, json_pack("{s:s, s:s, s:I, s:I}", "kind",
	    "end", "of", "instance", "count", (json_int_t)d->count, "at",
	    (json_int_t)d->good_at), e);
}

/* Keeps what was said for the next poll, and whether it was news. */
static int
note_change(struct discover *d, struct err *e)
{
	if (d->text.len == d->last.len &&
	    strcmp(buf_str(&d->text), buf_str(&d->last)) == 0) {
		d->unchanged++;
		return 0;
	}
	d->unchanged = 0;
	buf_cut(&d->last, 0);
	if (buf_add(&d->last, buf_str(&d->text), d->text.len) < 0)
		return err_errno(e, "%zu bytes of a snapshot", d->text.len);
	return 0;
}

/* Fills d->text with a whole snapshot. 0; -1 and *e. */
static int
take_snapshot(struct discover *d, struct err *e)
{
	struct slurmio_jobs jobs;
	int64_t at;

	if (slurmio_my_jobs(&jobs, e) < 0)
		return -1;
	at = jobs.at > 0 ? jobs.at : clock_wall_s();
	if (remember(d, &jobs, e) < 0) {
		slurmio_jobs_release(&jobs);
		return -1;
	}
	if (add_jobs(d, e) < 0 || note_change(d, e) < 0)
		return -1;
	d->good_at = at;
	return add_end(d, e);
}

/* Fills d->text with a stale record instead. 0; -1 and *e: no memory. */
static int
say_stale(struct discover *d, const struct err *why, struct err *e)
{
	char *text = utf8_dup(why->text);
	json_t *rec = NULL;

	buf_cut(&d->text, 0);
	if (text != NULL)
		rec = json_pack("{s:s, s:s, s:I, s:s}", "kind", "stale", "of",
		    "instance", "since_at", (json_int_t)d->good_at, "error",
		    text);
	free(text);
	return add_line(&d->text, rec, e);
}

/* A write that failed is temporary here, whatever errno says: a full disk. */
static void
put(struct discover *d)
{
	writing = 1;
	if (fwrite(buf_str(&d->text), 1, d->text.len, stdout) != d->text.len ||
	    fflush(stdout) == EOF)
		die(ST_TEMP, "stdout: %s", strerror(errno));
	writing = 0;
	if (stopping)
		leave(ST_OK);
}

/* Polls once and writes what came of it. 0; -1 and *e: Slurm did not answer. */
static int
poll_once(struct discover *d, struct err *e)
{
	struct err nomem;
	int rc;

	buf_cut(&d->text, 0);
	rc = take_snapshot(d, e);
	if (rc < 0 && say_stale(d, e, &nomem) < 0)
		die_err(&nomem);
	put(d);
	d->failures = rc < 0 ? MIN(d->failures + 1, 20) : 0;
	return rc;
}

/* ---- when to poll again ---- */

static int64_t
wait_ms(struct discover *d)
{
	int64_t ms = d->interval_ms;

	if (d->failures > 0)
		ms = MIN(ms << (d->failures - 1), MAX(ms, BACKOFF_MAX_MS));
	else
		ms *= MIN(1 + d->unchanged / QUIET_POLLS, QUIET_FACTOR_MAX);
	return ms + rng_below(&d->rng, (uint32_t)(ms / JITTER_DIVISOR) + 1);
}

/* Says once that Slurm is away, and once that it is back. */
static void
tell(int before, const struct discover *d, const struct err *e)
{
	if (before == 0 && d->failures > 0)
		warn("%s; the last snapshot stands", e->text);
	else if (before > 0 && d->failures == 0)
		note("Slurm answers again");
}

static void
follow(struct discover *d) NORETURN;

static void
follow(struct discover *d)
{
	struct err e;
	int before;

	catch_signals();
	for (;;) {
		before = d->failures;
		(void)poll_once(d, &e);
		tell(before, d, &e);
		clock_sleep_ms(wait_ms(d));
	}
}

/* ---- the command line ---- */

static void
init(struct discover *d)
{
	*d = (struct discover){ .interval_ms = INTERVAL_MS };
	buf_init(&d->text, SNAPSHOT_MAX);
	buf_init(&d->last, SNAPSHOT_MAX);
	rng_seed(&d->rng, (uint64_t)clock_mono_us() ^ (uint64_t)getpid());
}

static void
set_interval(struct discover *d, const char *s)
{
	d->interval_ms = args_duration_ms("interval", s, INT32_MAX);
	if (d->interval_ms >= INTERVAL_MIN_MS)
		return;
	note("-i %s: raised to %dms, to be kind to slurmctld", s,
	    INTERVAL_MIN_MS);
	d->interval_ms = INTERVAL_MIN_MS;
}

static const struct option long_options[] = {
	{ "follow", no_argument, NULL, 'f' },
	{ "interval", required_argument, NULL, 'i' },
	{ "urls", required_argument, NULL, 'u' },
	{ "seed", required_argument, NULL, 'S' },
	ARGS_HOUSE_LONG,
};

static bool
read_options(struct discover *d, int argc, char **argv)
{
	bool following = false;
	int c;

	while ((c = getopt_long(argc, argv, "fi:" ARGS_HOUSE, long_options,
	    NULL)) != -1) {
		switch (c) {
		case 'f': following = true; break;
		case 'i': set_interval(d, optarg); break;
		case 'u': d->urls_dir = optarg; break;
		case 'S':
			rng_seed(&d->rng, (uint64_t)args_int("seed", optarg, 0,
			    INT64_MAX));
			break;
		default: args_house(c, usage_text);
		}
	}
	d->names = argv + optind;
	return following;
}

/* What cannot get better by waiting is said before the first poll. */
static void
check(const struct discover *d)
{
	struct err e;
	int dir;

	/* a socket of libslurm must not become stdout */
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		die(ST_TEMP, "stdout: %s", strerror(errno));
	if (d->urls_dir != NULL) {
		dir = urls_open(d->urls_dir, &e);
		if (dir < 0)
			die_err(&e);
		(void)close(dir);
	}
	if (slurmio_open(&e) < 0)
		die_err(&e);
}

int
main(int argc, char **argv)
{
	struct discover d;
	struct err e;
	bool following;

	prog = "svc-discover";
	init(&d);
	following = read_options(&d, argc, argv);
	check(&d);
	if (following)
		follow(&d);
	if (poll_once(&d, &e) < 0)
		die_err(&e);
	leave(ST_OK);
}
