/*
 * options.c - the command line of sched-sim, and the options of a recording.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "die.h"
#include "rec.h"
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
	OPT_EXPLAIN, OPT_RECORD,	/* those before are recorded */
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
	ARGS_HOUSE_LONG,
};

static const struct option *
option_of(int c)
{
	const struct option *o = long_options;

	while (o->val != c)
		o++;
	return o;
}

/* Which of two words it is: false the first, true the second. */
static bool
one_of(const char *option, const char *word, const char *no, const char *yes)
{
	if (strcmp(word, no) != 0 && strcmp(word, yes) != 0)
		die(ST_PERM, "%s: '%s' is neither %s nor %s", option, word,
		    no, yes);
	return strcmp(word, yes) == 0;
}

/* Between commas, each larger than the one before. */
static void
parse_queues(struct rounds_options *o, char *text)
{
	int64_t least = 1;
	char *next;

	for (o->queues_len = 0; text != NULL; text = next) {
		next = strchr(text, ',');
		if (next != NULL)
			*next++ = '\0';
		if (o->queues_len == QUEUES_MAX)
			die(ST_PERM, "--queues: more than %d", QUEUES_MAX);
		least = args_int("queues", text, least, REC_MAX) + 1;
		o->queues[o->queues_len++] = least - 1;
	}
}

static void
rounds_option(struct options *opt, int c, char *arg)
{
	struct rounds_options *o = &opt->rounds;

	opt->rounds_only = option_of(c)->name;
	switch (c) {
	case OPT_COMPAT:
		if (strcmp(arg, "synergy") != 0)
			die(ST_PERM, "--compat: '%s' is not synergy", arg);
		o->synergy = true;
		break;
	case OPT_WINDOW: args_window("window", arg, o->window); break;
	case OPT_STATIC: o->at_once = true; break;
	case OPT_ROUNDS: o->say_rounds = true; break;
	case OPT_EXACT: o->exact = true; break;
	case OPT_STARVE:
		o->starve_s = args_duration_ms("starve", arg, INT64_MAX) / 1000;
		break;
	case OPT_QUEUES: parse_queues(o, arg); break;
	default: o->promote = args_int("promote", arg, 1, 1000000);
	}
}

static void
one_option(struct options *opt, int c, char *arg)
{
	switch (c) {
	case OPT_INSTANT:
		opt->pyss = one_of("--same-instant", arg, "batch", "pyss");
		opt->space_only = "--same-instant";
		break;
	case OPT_ALLOCATE:
		opt->ids = one_of("--allocate", arg, "count", "ids");
		opt->space_only = "--allocate";
		break;
	default:
		rounds_option(opt, c, arg);
	}
}

/* One of the options that change what is simulated: kept to be recorded. */
static void
keep_option(struct options *opt, const struct option *o, const char *arg)
{
	if (opt->given_len == GIVEN_MAX)
		die(ST_PERM, "more than %d options", GIVEN_MAX);
	opt->given[opt->given_len++] = o->has_arg == no_argument ?
	    xasprintf("--%s", o->name) : xasprintf("--%s=%s", o->name, arg);
}

static void
long_option(struct options *opt, int c, char *arg)
{
	if (c == OPT_RECORD) {
		opt->record = arg;
	} else if (c == OPT_EXPLAIN) {
		opt->rounds.explain = args_int("explain", arg, 0, REC_MAX);
	} else {
		keep_option(opt, option_of(c), arg);
		one_option(opt, c, arg);
	}
}

static void
parse_timeout(struct options *opt, const char *text)
{
	opt->timeout_ms = args_duration_ms("timeout", text, INT64_MAX);
	if (opt->timeout_ms == 0)
		die(ST_PERM, "--timeout: no program answers in no time");
}

void
options_parse(struct options *opt, int argc, char **argv)
{
	int c;

	*opt = (struct options){ .timeout_ms = -1, .rounds = {
		.window = { -1, -1 }, .starve_s = -1, .explain = -1,
	} };
	while ((c = getopt_long(argc, argv, "c:p:t:kn" ARGS_HOUSE,
	    long_options, NULL)) != -1) {
		switch (c) {
		case 'c': opt->cluster = optarg; break;
		case 'p': opt->policy = optarg; break;
		case 't': parse_timeout(opt, optarg); break;
		case 'k': opt->keep_going = true; break;
		case 'n': opt->dry_run = true; break;
		default:
			if (c < OPT_INSTANT)
				args_house(c, usage_text);
			else
				long_option(opt, c, optarg);
		}
	}
	if (opt->policy == NULL || optind < argc)
		die_usage(usage_text);
}

int
options_recorded(struct options *opt, const char *text, struct err *e)
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
		arg = xstrdup(text + 2 + len + (o->has_arg != no_argument));
		long_option(opt, o->val, arg);
		free(arg);
		return 0;
	}
	return err_perm(e, "sim: '%s' is no option of a recording", text);
}
