/*
 * sched-sim - simulates a cluster's scheduler: jobs in, the same jobs out with
 * when each would have started and ended. Two families of policies: those of
 * space sharing (sim.h) and those of rounds (rounds.h).
 */
#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "num.h"
#include "rec.h"
#include "record.h"
#include "rounds.h"
#include "sim.h"
#include "watch.h"
#include "xalloc.h"

static const char usage_text[] =
"usage: sched-sim [-c CLUSTER] -p POLICY [options] < jobs.ndjson\n"
"\n"
"Reads job records in order of submission and writes them, in order of their\n"
"ends, with when each starts and ends under POLICY.\n"
"\n"
"  -c, --cluster=CLUSTER    procs=N, an ini file with [CLUSTER], node records, or\n"
"                           a slurm.conf; if not given, procs of the input's\n"
"                           cluster record\n"
"  -p, --policy=POLICY      fcfs, easy, easy-sjbf, conservative, sjf, ljf,\n"
"                           largest, wfp3, unicef, slurm; or, with rounds, fifo,\n"
"                           srtf, srsf, las, ftf, drf, tetris, dlas, gittins,\n"
"                           and +greedy, +fair, +tune or +opt, and +place; or\n"
"                           exec:CMD, a program that decides; or replay\n"
"  -t, --timeout=DUR        for each answer of exec:CMD [30s]\n"
"      --same-instant=HOW   batch (default) or pyss: one pass an instant, or\n"
"                           one an event\n"
"      --allocate=HOW       count (default) or ids: name the machines\n"
"      --compat=synergy     rounds as SYNERGY's simulator has them\n"
"      --exact              with rounds, jobs end at the second\n"
"      --starve=DURATION    with rounds, first those that paused for so long\n"
"      --queues=S,S,...     GPU seconds at which the queues of dlas end\n"
"                           (3250,7200)\n"
"      --promote=N          dlas: back to the first queue after a wait of N\n"
"                           times what it ran\n"
"      --window=A:B         rounds end when all jobs from A to before B have\n"
"      --static             all jobs are there before the first round\n"
"      --rounds             say each round that differs from the one before\n"
"      --explain=JOBID      say at each pass, or round, why that job waits\n"
"      --record=FILE        keep the input and all decisions there; with\n"
"                           -p replay, FILE as input gives the same again\n"
"  -k, --keep-going         skip records that cannot be used\n"
"  -n, --dry-run            read and check, but simulate nothing\n"
"  -q, --quiet              only errors on stderr\n"
"  -v, --verbose            say how many jobs were read and simulated\n"
"  -h, --help               this text\n"
"  -V, --version            the version\n";

enum {
	OPT_INSTANT = 256, OPT_ALLOCATE, OPT_COMPAT, OPT_WINDOW, OPT_STATIC,
	OPT_ROUNDS, OPT_EXACT, OPT_STARVE, OPT_QUEUES, OPT_PROMOTE,
	OPT_EXPLAIN, OPT_RECORD,	/* those above are recorded */
	GIVEN_MAX = 32,
};

static const struct option long_options[] = {
	{ "cluster", required_argument, NULL, 'c' },
	{ "policy", required_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, 't' },
	{ "same-instant", required_argument, NULL, OPT_INSTANT },
	{ "allocate", required_argument, NULL, OPT_ALLOCATE },
	{ "compat", required_argument, NULL, OPT_COMPAT },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "static", no_argument, NULL, OPT_STATIC },
	{ "rounds", no_argument, NULL, OPT_ROUNDS },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "starve", required_argument, NULL, OPT_STARVE },
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "promote", required_argument, NULL, OPT_PROMOTE },
	{ "explain", required_argument, NULL, OPT_EXPLAIN },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static struct {
	const char *cluster, *policy, *record;
	char *given[GIVEN_MAX];	/* what is to be recorded */
	size_t given_len;
	bool pyss, ids, keep_going, dry_run;
	const char *rounds_only;	/* an option that was given, or NULL */
	const char *space_only;
	bool replay;
	int64_t timeout_ms;	/* -1: not given */
	struct rounds_options rounds;
} opt = { .timeout_ms = -1, .rounds = {
	.window = { -1, -1 }, .starve_s = -1, .explain = -1,
} };

enum { TIMEOUT_MS = 30000 };

/* ---- options ---- */

/* Which of two words it is: false the first, true the second. */
static bool
one_of(const char *option, const char *word, const char *no, const char *yes)
{
	if (strcmp(word, no) != 0 && strcmp(word, yes) != 0)
		die(ST_PERM, "%s: '%s' is neither %s nor %s", option, word,
		    no, yes);
	return strcmp(word, yes) == 0;
}

static void
parse_window(char *text)
{
	int64_t *window = opt.rounds.window;
	char *colon = strchr(text, ':');
	struct err e;

	if (colon == NULL)
		die(ST_PERM, "--window: '%s' is not A:B", text);
	*colon = '\0';
	if (num_int(text, 0, REC_MAX, &window[0], &e) < 0 ||
	    num_int(colon + 1, 0, REC_MAX, &window[1], &e) < 0)
		die(ST_PERM, "--window: %s", e.text);
	if (window[0] >= window[1])
		die(ST_PERM, "--window: no job lies from %s to before %s",
		    text, colon + 1);
}

static void
parse_starve(const char *text)
{
	struct err e;
	int64_t ms;

	if (num_duration(text, &ms, &e) < 0)
		die(ST_PERM, "--starve: %s", e.text);
	opt.rounds.starve_s = ms / 1000;
}

static void
parse_promote(const char *text)
{
	struct err e;

	if (num_int(text, 1, 1000000, &opt.rounds.promote, &e) < 0)
		die(ST_PERM, "--promote: %s", e.text);
}

/* Between commas, each larger than the one before. */
static void
parse_queues(char *text)
{
	struct rounds_options *o = &opt.rounds;
	int64_t least = 1, *end;
	struct err e;
	char *next;

	for (o->queues_len = 0; text != NULL; text = next) {
		next = strchr(text, ',');
		if (next != NULL)
			*next++ = '\0';
		if (o->queues_len == QUEUES_MAX)
			die(ST_PERM, "--queues: more than %d", QUEUES_MAX);
		end = &o->queues[o->queues_len++];
		if (num_int(text, least, REC_MAX, end, &e) < 0)
			die(ST_PERM, "--queues: %s", e.text);
		least = *end + 1;
	}
}

static void
parse_timeout(const char *text)
{
	struct err e;

	if (num_duration(text, &opt.timeout_ms, &e) < 0)
		die(ST_PERM, "--timeout: %s", e.text);
	if (opt.timeout_ms == 0)
		die(ST_PERM, "--timeout: no program answers in no time");
}

/* A wrong name is answered with the right ones. */
static void
die_unknown(const char *policy)
{
	const struct round_policy *const *p;
	struct buf names = BUF_INIT(1000);

	for (p = round_policies; *p != NULL; p++)
		(void)buf_addf(&names, ", %s", (*p)->name);
	die(ST_PERM, "policy '%s' is not known; known are %s%s", policy,
	    policy_names(), buf_str(&names));
}

static void
rounds_option(int c, char *arg)
{
	const struct option *o;

	for (o = long_options; o->val != c; o++)
		;
	opt.rounds_only = o->name;
	switch (c) {
	case OPT_COMPAT:
		if (strcmp(arg, "synergy") != 0)
			die(ST_PERM, "--compat: '%s' is not synergy", arg);
		opt.rounds.synergy = true;
		break;
	case OPT_WINDOW: parse_window(arg); break;
	case OPT_STATIC: opt.rounds.at_once = true; break;
	case OPT_ROUNDS: opt.rounds.say_rounds = true; break;
	case OPT_EXACT: opt.rounds.exact = true; break;
	case OPT_STARVE: parse_starve(arg); break;
	case OPT_QUEUES: parse_queues(arg); break;
	default: parse_promote(arg);	/* OPT_PROMOTE */
	}
}

static void
one_option(int c, char *arg)
{
	switch (c) {
	case OPT_INSTANT:
		opt.pyss = one_of("--same-instant", arg, "batch", "pyss");
		opt.space_only = "--same-instant";
		break;
	case OPT_ALLOCATE:
		opt.ids = one_of("--allocate", arg, "count", "ids");
		opt.space_only = "--allocate";
		break;
	default:
		rounds_option(c, arg);
	}
}

/* One of the options that change what is simulated: kept to be recorded. */
static void
keep_option(const struct option *o, const char *arg)
{
	size_t size = strlen(o->name) + (arg ? strlen(arg) : 0) + 4;
	char *text = xcalloc(size, 1);

	if (opt.given_len == GIVEN_MAX)
		die(ST_PERM, "more than %d options", GIVEN_MAX);
	(void)snprintf(text, size, "--%s%s%s", o->name, arg ? "=" : "",
	    arg ? arg : "");
	opt.given[opt.given_len++] = text;
}

static void
long_option(int c, char *arg)
{
	const struct option *o;
	struct err e;

	if (c == OPT_RECORD) {
		opt.record = arg;
	} else if (c == OPT_EXPLAIN) {
		if (num_int(arg, 0, REC_MAX, &opt.rounds.explain, &e) < 0)
			die(ST_PERM, "--explain: %s", e.text);
	} else {
		for (o = long_options; o->val != c; o++)
			;
		keep_option(o, arg);
		one_option(c, arg);
	}
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:p:t:knqvhV", long_options,
	    NULL)) != -1) {
		switch (c) {
		case 'c': opt.cluster = optarg; break;
		case 'p': opt.policy = optarg; break;
		case 't': parse_timeout(optarg); break;
		case 'k': opt.keep_going = true; break;
		case 'n': opt.dry_run = true; break;
		case 'q': verbosity = -1; break;
		case 'v': verbosity++; break;
		case 'h': leave_help(usage_text);
		case 'V': leave_version();
		case '?': die_usage(usage_text);
		default: long_option(c, optarg);
		}
	}
	if (opt.policy == NULL || optind < argc)
		die_usage(usage_text);
}

static struct cluster cluster;
static struct sim s = { .cluster = &cluster };

/* ---- a recording ---- */

/* An option as it was kept: nothing else of a recording is done. */
static int
recorded_option(const char *text, struct err *e)
{
	const struct option *o;
	size_t len;
	char *arg;

	for (o = long_options; o->name != NULL; o++) {
		len = strlen(o->name);
		if (o->val < OPT_INSTANT || o->val >= OPT_EXPLAIN ||
		    strncmp(text, "--", 2) != 0 ||
		    strncmp(text + 2, o->name, len) != 0)
			continue;
		if (text[2 + len] != (o->has_arg == no_argument ? '\0' : '='))
			continue;
		arg = o->has_arg == no_argument ? NULL :
		    xstrdup(text + 3 + len);
		long_option(o->val, arg);
		free(arg);
		return 0;
	}
	return err_perm(e, "sim: '%s' is no option of a recording", text);
}

/*
 * -p replay: the options of the recording, and, if that is not given, its
 * cluster. Rounds, and policies of ours on nodes, are simulated once more from
 * the same input; for all others the decisions are taken as they are.
 */
static int
begin_replay(struct input *in, const char **policy, struct err *e)
{
	const json_t *options = json_object_get(in->recording, "options");
	const json_t *option;
	size_t i;

	*policy = NULL;
	if (in->recording == NULL)
		return err_perm(e, "replay: the input does not begin with a "
		    "sim record, as --record writes it");
	if (rec_str(in->recording, "policy", policy, e) < 0 ||
	    (opt.cluster == NULL && rec_str(in->recording, "cluster",
	    &opt.cluster, e) < 0))
		return -1;
	json_array_foreach(options, i, option)
		if (recorded_option(json_is_string(option) ?
		    json_string_value(option) : "", e) < 0)
			return -1;
	in->other = replay_line;
	in->ended = replay_whole;
	if (*policy == NULL)
		return err_perm(e, "sim: 'policy' is missing");
	if (policy_find(*policy, &s) == NULL && !rounds_is_policy(*policy))
		return err_perm(e, "sim: policy '%s' is not known", *policy);
	if (rounds_is_policy(*policy))
		opt.policy = *policy;
	return 0;
}

static void
begin_record(const struct input *in)
{
	struct err e;

	if (opt.record == NULL || opt.dry_run)
		return;
	if (record_open(opt.record, opt.policy, opt.cluster, opt.given,
	    opt.given_len, &e) < 0)
		die_err(&e);
	record_cluster(in->cluster);
}

/* ---- the two families ---- */

static int64_t
run_rounds(struct input *in, struct err *e)
{
	struct rounds_options *o = &opt.rounds;

	o->policy = opt.policy;
	o->cluster = opt.cluster;
	o->keep_going = opt.keep_going;
	o->dry_run = opt.dry_run;
	o->go_on = watch_go_on;
	if (opt.space_only != NULL)
		return err_perm(e, "%s is not for policies of rounds",
		    opt.space_only);
	if (opt.cluster == NULL)
		return err_perm(e, "rounds need servers: -c with an ini file");
	return rounds_run(o, in, e);
}

/* As -c says, or else the head of the input. */
static int
find_cluster(const struct input *in, struct err *e)
{
	if (opt.cluster != NULL)
		return cluster_load(&cluster, opt.cluster, e);
	cluster.procs = input_procs(in);
	if (cluster.procs == 0)
		return err_perm(e, "no -c, and the input does not begin with "
		    "a cluster record that has procs");
	if (cluster.procs > PROCS_MAX)
		return err_perm(e, "%s: more than %d processors", in->nd.name,
		    PROCS_MAX);
	return 0;
}

static int
write_all(struct err *e)
{
	bool was_stopped = watch_stopped();
	int32_t i;

	for (i = 0; i < s.ended_len; i++) {
		if (!was_stopped && watch_stopped())
			return err_temp(e, "interrupted: %d of %d jobs are "
			    "written", i, s.ended_len);
		if (load_write(&s, &s.jobs[s.ended[i]], e) < 0)
			return -1;
	}
	return 0;
}

static int64_t
run_space(struct input *in, const char *recorded, struct err *e)
{
	static struct load l;	/* all lives until the program ends */

	s.go_on = watch_go_on;
	s.command = opt.policy;
	s.timeout_ms = opt.timeout_ms < 0 ? TIMEOUT_MS : opt.timeout_ms;
	s.one_by_one = opt.pyss && !opt.replay;
	s.started = opt.record != NULL ? record_start : NULL;
	s.explain = NOBODY;
	if (opt.rounds_only != NULL)
		return err_perm(e, "--%s is only for policies of rounds",
		    opt.rounds_only);
	if (opt.pyss && opt.ids)
		return err_perm(e, "--same-instant=pyss counts processors; it "
		    "does not go with --allocate=ids");
	if (find_cluster(in, e) < 0)
		return -1;
	if (cluster.nodes_len > 0 && opt.replay && policy_find(recorded, &s) !=
	    &policy_exec)
		opt.policy = recorded;
	if (cluster.nodes_len > 0 && opt.space_only != NULL)
		return err_perm(e, "%s is not for a cluster of nodes",
		    opt.space_only);
	if (load_jobs(&l, in, &cluster, opt.keep_going, e) < 0)
		return -1;
	chat("%d jobs read", l.len);
	s.policy = policy_find(opt.policy, &s);
	s.procs = cluster.procs;
	s.jobs = l.jobs;
	s.jobs_len = l.len;
	if (s.policy->check != NULL && s.policy->check(&s, e) < 0)
		return -1;
	if (opt.dry_run)
		return l.skipped;
	if (opt.rounds.explain >= 0) {
		s.explain = outside_find(&s, opt.rounds.explain);
		if (s.explain == NOBODY)
			return err_perm(e, "job %lld, to be explained, is not "
			    "in the input", (long long)opt.rounds.explain);
		input_pass_cluster(in, s.procs, 0);
	}
	if (sim_run(&s, e) < 0)
		return -1;
	if (s.stopped)
		warn("interrupted at simulated time %lld: %d of %d jobs have "
		    "ended", (long long)s.now, s.ended_len, s.jobs_len);
	chat("%d jobs simulated, the last ends at %lld", s.ended_len,
	    (long long)s.now);
	if (s.now > REC_MAX)
		return err_perm(e, "the last job ends at %lld, and records "
		    "have no time after %lld", (long long)s.now,
		    (long long)REC_MAX);
	watch_clear();
	input_pass_cluster(in, s.procs, 0);
	return write_all(e) < 0 ? -1 : l.skipped;
}

int
main(int argc, char **argv)
{
	static struct input in;
	int64_t skipped;
	const char *recorded = NULL;
	bool space;
	struct err e;

	prog = "sched-sim";
	parse_options(argc, argv);
	assert(opt.policy != NULL);
	opt.replay = strcmp(opt.policy, policy_replay.name) == 0;
	s.name_machines = opt.ids;
	space = policy_find(opt.policy, &s) != NULL;
	if (!space && !rounds_is_policy(opt.policy))
		die_unknown(opt.policy);
	if (opt.timeout_ms >= 0 && strncmp(opt.policy, "exec:", 5) != 0)
		die(ST_PERM, "--timeout is only for exec:CMD");
	watch_begin();
	if (input_open(&in, STDIN_FILENO, "stdin", &e) < 0)
		die_err(&e);
	if (opt.replay && begin_replay(&in, &recorded, &e) < 0)
		die_err(&e);
	s.name_machines = opt.ids;
	begin_record(&in);
	in.used = record_line;
	space = !rounds_is_policy(opt.policy);
	skipped = space ? run_space(&in, recorded, &e) : run_rounds(&in, &e);
	if (skipped < 0)
		die_err(&e);
	watch_clear();
	if (watch_obeyed())
		leave(ST_TEMP);
	if (record_close(&e) < 0)
		die_err(&e);
	input_close(&in);
	leave(skipped > 0 ? ST_NO : ST_OK);
}
