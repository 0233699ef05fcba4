/*
 * sched-sim - simulates a cluster's scheduler: jobs in, the same jobs out with
 * when each would have started and ended. Two families of policies: those of
 * space sharing (sim.h) and those of rounds (rounds.h).
 */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "num.h"
#include "rec.h"
#include "rounds.h"
#include "sim.h"

static const char usage_text[] =
"usage: sched-sim -c CLUSTER -p POLICY [options] < jobs.ndjson\n"
"\n"
"Reads job records in order of submission and writes them, in order of their\n"
"ends, with when each starts and ends under POLICY.\n"
"\n"
"  -c, --cluster=CLUSTER    procs=N, an ini file with [CLUSTER], or node records\n"
"  -p, --policy=POLICY      fcfs, easy, easy-sjbf, conservative, sjf, ljf,\n"
"                           largest, wfp3, unicef; or, with rounds, fifo, srtf,\n"
"                           las, ftf, drf, tetris, and +greedy, +fair or +tune,\n"
"                           and +place\n"
"      --same-instant=HOW   batch (default) or pyss: one pass an instant, or\n"
"                           one an event\n"
"      --allocate=HOW       count (default) or ids: name the machines\n"
"      --compat=synergy     rounds as SYNERGY's simulator has them (needed\n"
"                           by the policies of rounds)\n"
"      --window=A:B         rounds end when all jobs from A to before B have\n"
"      --static             all jobs are there before the first round\n"
"      --rounds             say each round that differs from the one before\n"
"  -k, --keep-going         skip records that cannot be used\n"
"  -n, --dry-run            read and check, but simulate nothing\n"
"  -q, --quiet              only errors on stderr\n"
"  -v, --verbose            say how many jobs were read and simulated\n"
"  -h, --help               this text\n"
"  -V, --version            the version\n";

enum {
	OPT_INSTANT = 256, OPT_ALLOCATE, OPT_COMPAT, OPT_WINDOW, OPT_STATIC,
	OPT_ROUNDS,
};

static const struct option long_options[] = {
	{ "cluster", required_argument, NULL, 'c' },
	{ "policy", required_argument, NULL, 'p' },
	{ "same-instant", required_argument, NULL, OPT_INSTANT },
	{ "allocate", required_argument, NULL, OPT_ALLOCATE },
	{ "compat", required_argument, NULL, OPT_COMPAT },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "static", no_argument, NULL, OPT_STATIC },
	{ "rounds", no_argument, NULL, OPT_ROUNDS },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static struct {
	const char *cluster, *policy;
	bool pyss, ids, synergy, keep_going, dry_run;
	const char *rounds_only;	/* an option that was given, or NULL */
	const char *space_only;
	int64_t window[2];
	bool at_once, say_rounds;
} opt = { .window = { -1, -1 } };

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
	char *colon = strchr(text, ':');
	struct err e;

	if (colon == NULL)
		die(ST_PERM, "--window: '%s' is not A:B", text);
	*colon = '\0';
	if (num_int(text, 0, REC_MAX, &opt.window[0], &e) < 0 ||
	    num_int(colon + 1, 0, REC_MAX, &opt.window[1], &e) < 0)
		die(ST_PERM, "--window: %s", e.text);
	if (opt.window[0] >= opt.window[1])
		die(ST_PERM, "--window: no job lies from %s to before %s",
		    text, colon + 1);
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
	case OPT_COMPAT:
		if (strcmp(arg, "synergy") != 0)
			die(ST_PERM, "--compat: '%s' is not synergy", arg);
		opt.synergy = true;
		opt.rounds_only = "--compat";
		break;
	case OPT_WINDOW:
		parse_window(arg);
		opt.rounds_only = "--window";
		break;
	case OPT_STATIC:
		opt.at_once = true;
		opt.rounds_only = "--static";
		break;
	default:	/* OPT_ROUNDS */
		opt.say_rounds = true;
		opt.rounds_only = "--rounds";
	}
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:p:knqvhV", long_options,
	    NULL)) != -1) {
		switch (c) {
		case 'c': opt.cluster = optarg; break;
		case 'p': opt.policy = optarg; break;
		case 'k': opt.keep_going = true; break;
		case 'n': opt.dry_run = true; break;
		case 'q': verbosity = -1; break;
		case 'v': verbosity++; break;
		case 'h': leave_help(usage_text);
		case 'V': leave_version();
		case '?': die_usage(usage_text);
		default: one_option(c, optarg);
		}
	}
	if (opt.cluster == NULL || opt.policy == NULL || optind < argc)
		die_usage(usage_text);
}

/* ---- the two families ---- */

static struct cluster cluster;
static struct sim s = { .cluster = &cluster };

static int64_t
run_rounds(struct err *e)
{
	struct rounds_options o = {
		.policy = opt.policy, .cluster = opt.cluster,
		.window = { opt.window[0], opt.window[1] },
		.at_once = opt.at_once, .say_rounds = opt.say_rounds,
		.keep_going = opt.keep_going, .dry_run = opt.dry_run,
	};

	if (opt.space_only != NULL)
		return err_perm(e, "%s is not for policies of rounds",
		    opt.space_only);
	if (!opt.synergy)
		return err_perm(e, "policy %s needs --compat=synergy, the only "
		    "form there is", opt.policy);
	return rounds_run(&o, STDIN_FILENO, "stdin", e);
}

static int
write_all(struct err *e)
{
	int32_t i;

	for (i = 0; i < s.ended_len; i++)
		if (load_write(&s, &s.jobs[s.ended[i]], e) < 0)
			return -1;
	return 0;
}

static int64_t
run_space(struct err *e)
{
	static struct load l;	/* all lives until the program ends */

	s.one_by_one = opt.pyss;
	if (opt.rounds_only != NULL)
		return err_perm(e, "%s is only for policies of rounds",
		    opt.rounds_only);
	if (opt.pyss && opt.ids)
		return err_perm(e, "--same-instant=pyss counts processors; it "
		    "does not go with --allocate=ids");
	if (cluster_load(&cluster, opt.cluster, e) < 0)
		return -1;
	if (cluster.nodes_len > 0 && opt.space_only != NULL)
		return err_perm(e, "%s is not for a cluster of nodes",
		    opt.space_only);
	if (load_jobs(&l, STDIN_FILENO, "stdin", &cluster, opt.keep_going,
	    e) < 0)
		return -1;
	chat("%d jobs read", l.len);
	if (opt.dry_run)
		return l.skipped;
	s.policy = policy_find(opt.policy, &s);
	s.procs = cluster.procs;
	s.jobs = l.jobs;
	s.jobs_len = l.len;
	sim_run(&s);
	chat("%d jobs simulated, the last ends at %lld", l.len,
	    (long long)s.now);
	if (s.now > REC_MAX)
		return err_perm(e, "the last job ends at %lld, and records "
		    "have no time after %lld", (long long)s.now,
		    (long long)REC_MAX);
	return write_all(e) < 0 ? -1 : l.skipped;
}

int
main(int argc, char **argv)
{
	int64_t skipped;
	bool space;
	struct err e;

	prog = "sched-sim";
	parse_options(argc, argv);
	s.name_machines = opt.ids;
	space = policy_find(opt.policy, &s) != NULL;
	if (!space && !rounds_is_policy(opt.policy))
		die_unknown(opt.policy);
	skipped = space ? run_space(&e) : run_rounds(&e);
	if (skipped < 0)
		die_err(&e);
	leave(skipped > 0 ? ST_NO : ST_OK);
}
