/*
 * sched-trace - logs of clusters in, `job` records out; and back; and
 * workloads that are made up.
 */
#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "die.h"
#include "num.h"
#include "rec.h"

static const char usage_text[] =
"usage: sched-trace [-kqv] [--clean] [--cpus-per-gpu=N] [--models] FORMAT [FILE]\n"
"       sched-trace [-kqv] philly --synergy=exp|no-exp [--multigpu]\n"
"           [--arrivals=log|poisson] [--rate=R] [--seed=N] [--split=A,B,C]\n"
"           [--jobs=N] [FILE]\n"
"       sched-trace [-kqv] --to=swf|synergy [FILE]\n"
"       sched-trace generate --stream=STREAM --jobs=N [--seed=N] [--rate=R]\n"
"           [--split=A,B,C] [--procs=N] [--load=L] [--arrivals=HOW]\n"
"           [--cv=C] [--estimates=HOW]\n"
"\n"
"Turns the log of a cluster into job records, or job records into a log, or\n"
"makes up a workload. FORMAT: swf, synergy, sacct, helios, openb, tiresias,\n"
"gavel or philly.\n"
"\n"
"      --clean         drop, cut, sort and number jobs so that no question is\n"
"                      left open\n"
"      --cpus-per-gpu=N  philly, gavel, tiresias: processors of a GPU [1]\n"
"      --models        give each job one of the models of sched-sim, in turn\n"
"      --synergy=HOW   philly: jobs as Synergy's simulator makes them of it:\n"
"                      exp draws run times, no-exp takes those of the log\n"
"      --multigpu      philly: keep the number of GPUs, up to 16\n"
"      --to=FORMAT     write swf or synergy from job records\n"
"      --stream=NAME   synergy-single, synergy-synth, lublin or log-uniform\n"
"      --jobs=N        how many\n"
"      --rate=R        jobs an hour on average [9; daily: as the model]\n"
"      --load=L        work a second over --procs, instead of a rate\n"
"      --arrivals=HOW  poisson, gamma or daily [lublin: daily, else poisson]\n"
"      --cv=C          gamma: deviation of gaps over their mean [2]\n"
"      --estimates=HOW  exact, factor or round [lublin: exact, else factor]\n"
"      --seed=N        where chance begins [42]\n"
"      --split=A,B,C   percent of image, language, speech [20,70,10]\n"
"      --procs=N       processors of the cluster [1024]\n"
"  -k, --keep-going    name odd rows, skip them, end with 1\n"
"  -q, --quiet         say less\n"
"  -v, --verbose       name what --clean does to each row\n"
"  -h, --help          this text\n"
"  -V, --version       the version\n";

enum {
	OPT_CLEAN = 256, OPT_TO, OPT_STREAM, OPT_JOBS, OPT_RATE, OPT_SEED,
	OPT_SPLIT, OPT_PROCS, OPT_CPUS, OPT_LOAD, OPT_CV, OPT_ARRIVALS,
	OPT_ESTIMATES, OPT_SYNERGY, OPT_MULTIGPU, OPT_MODELS,
};

static const struct option long_options[] = {
	{ "clean", no_argument, NULL, OPT_CLEAN },
	{ "cpus-per-gpu", required_argument, NULL, OPT_CPUS },
	{ "models", no_argument, NULL, OPT_MODELS },
	{ "to", required_argument, NULL, OPT_TO },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "synergy", required_argument, NULL, OPT_SYNERGY },
	{ "multigpu", no_argument, NULL, OPT_MULTIGPU },
	{ "load", required_argument, NULL, OPT_LOAD },
	{ "cv", required_argument, NULL, OPT_CV },
	{ "arrivals", required_argument, NULL, OPT_ARRIVALS },
	{ "estimates", required_argument, NULL, OPT_ESTIMATES },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "split", required_argument, NULL, OPT_SPLIT },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "keep-going", no_argument, NULL, 'k' },
	ARGS_HOUSE_LONG,
};

/*
 * What a command takes; each option is for some of them. DRAWN: what chance
 * makes. SPLIT: of Synergy's models. ARRIVALS: as one likes. LOAD: for so many
 * processors. LIKE_SYNERGY: from a log.
 */
enum {
	MAKE = 1, CLEAN = 2, GPUS_ALONE = 4, DRAWN = 8, PHILLY = 16, JOBS = 32,
	SPLIT = 64, ARRIVALS = 128, LOAD = 256, LIKE_SYNERGY = 512,
};

static const struct format {
	const char *name;
	void (*read)(struct nd_in *in);
	void (*write)(struct nd_in *in);
	int takes;
} formats[] = {
	{ "swf", swf_read, swf_write, CLEAN },
	{ "synergy", synergy_read, synergy_write, 0 },
	{ "sacct", sacct_read, NULL, CLEAN | JOBS },
	{ "helios", helios_read, NULL, CLEAN | JOBS },
	{ "openb", openb_read, NULL, CLEAN | JOBS },
	{ "tiresias", tiresias_read, NULL, CLEAN | GPUS_ALONE | JOBS },
	{ "gavel", gavel_read, NULL, GPUS_ALONE },
	{ "philly", philly_read, NULL, CLEAN | GPUS_ALONE | PHILLY | JOBS },
};

static const char known_formats[] =
	"swf, synergy, sacct, helios, openb, tiresias, gavel, philly";

struct options opt = {
	.seed = 42, .split = { 20, 70, 10 }, .jobs = -1,
	.procs = 1024, .cpus_per_gpu = 1,
};
unsigned long odd_rows;

static const char *to;
static bool given[ARRAY_LEN(long_options)];

static double
option_number(const char *name, double min, double max)
{
	double n;

	if (line_number(optarg, &n) < 0 || n < min || n > max)
		die(ST_PERM, "--%s: '%s' is not a number of %g to %g", name,
		    optarg, min, max);
	return n;
}

static void
take_split(void)
{
	char *parts[3];
	struct err e;
	size_t i, n = line_split(optarg, ',', parts, 3);
	int64_t sum = 0;

	if (n != 3)
		die(ST_PERM, "--split: three percentages are wanted, as in "
		    "20,70,10");
	for (i = 0; i < 3; i++) {
		if (num_int(parts[i], 0, 100, &opt.split[i], &e) < 0)
			die(ST_PERM, "--split: %s", e.text);
		sum += opt.split[i];
	}
	if (sum != 100)
		die(ST_PERM, "--split: the percentages sum to %lld, not 100",
		    (long long)sum);
}

/* Which commands an option is for. */
static int
takers(int c)
{
	switch (c) {
	case OPT_CLEAN: return CLEAN;
	case OPT_MODELS: return JOBS;
	case OPT_CPUS: return GPUS_ALONE;
	case OPT_SYNERGY: return PHILLY;
	case OPT_MULTIGPU: return LIKE_SYNERGY;
	case OPT_JOBS: case OPT_RATE: case OPT_SEED: return DRAWN;
	case OPT_SPLIT: return SPLIT;
	case OPT_ARRIVALS: return ARRIVALS;
	case OPT_STREAM: return MAKE;
	default: return LOAD;
	}
}

static void
take_option(int c)
{
	switch (c) {
	case OPT_CLEAN: opt.clean = true; break;
	case OPT_MODELS: opt.models = true; break;
	case OPT_CPUS:
		opt.cpus_per_gpu = args_int("cpus-per-gpu", optarg, 1,
		    1 << 20);
		break;
	case OPT_SYNERGY: opt.synergy = optarg; break;
	case OPT_MULTIGPU: opt.multigpu = true; break;
	case OPT_STREAM: opt.stream = optarg; break;
	case OPT_ARRIVALS: opt.arrivals = optarg; break;
	case OPT_ESTIMATES: opt.estimates = optarg; break;
	case OPT_JOBS: opt.jobs = args_int("jobs", optarg, 0, REC_MAX); break;
	case OPT_RATE: opt.rate = option_number("rate", 1e-6, 1e9); break;
	case OPT_LOAD: opt.load = option_number("load", 0.001, 100); break;
	case OPT_CV: opt.cv = option_number("cv", 0.1, 10); break;
	case OPT_SEED:
		opt.seed = (uint32_t)args_int("seed", optarg, 0,
		    UINT32_MAX);
		break;
	case OPT_SPLIT: take_split(); break;
	default:		/* OPT_PROCS */
		opt.procs = args_int("procs", optarg, 1, 1 << 30);
	}
}

static void
parse_options(int argc, char **argv)
{
	int c, i = 0;

	while ((c = getopt_long(argc, argv, "k" ARGS_HOUSE, long_options,
	    &i)) != -1) {
		switch (c) {
		case OPT_TO: to = optarg; break;
		case 'k': opt.keep_going = true; break;
		default:
			if (c < OPT_CLEAN) {
				args_house(c, usage_text);
				break;
			}
			take_option(c);
			given[i] = true;
		}
	}
}

/* An option that says nothing to a command would be passed over in silence. */
static void
check_given(const char *command, int takes)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(given); i++)
		if (given[i] && (takers(long_options[i].val) & takes) == 0)
			die(ST_PERM, "--%s is not for %s",
			    long_options[i].name, command);
}

/* Which of the others go with a stream. */
static void
check_stream(void)
{
	bool synergy = strncmp(opt.stream, "synergy-", 8) == 0;
	char name[64];

	(void)snprintf(name, sizeof(name), "--stream=%s", opt.stream);
	check_given(name, MAKE | DRAWN | (synergy ? SPLIT : ARRIVALS | LOAD));
}

/* Which go with a format; philly has two faces. */
static void
check_format(const struct format *f)
{
	int other = PHILLY | LIKE_SYNERGY | DRAWN | SPLIT | ARRIVALS;

	if ((f->takes & PHILLY) == 0) {
		check_given(to ? "--to" : f->name, to ? 0 : f->takes);
		return;
	}
	check_given(f->name, f->takes | other);
	if (opt.synergy == NULL)
		check_given("philly without --synergy", f->takes);
	else
		check_given("philly --synergy", other);
}

/* The format called so; the process ends where there is none. */
static const struct format *
find_format(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0 &&
		    (to == NULL || formats[i].write != NULL))
			return &formats[i];
	if (to != NULL)
		die(ST_PERM, "--to=%s: known are swf and synergy", name);
	die(ST_PERM, "%s: known are %s, and generate", name, known_formats);
}

static void
convert(const struct format *f, const char *path)
{
	struct nd_in in;
	struct err e;
	int fd = STDIN_FILENO;

	if (path != NULL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		(void)err_errno(&e, "%s", path);
		die_err(&e);
	}
	nd_open(&in, fd, path ? path : "stdin");
	(to ? f->write : f->read)(&in);
	nd_close(&in);
	if (odd_rows > 0)
		warn("%s: %lu odd rows skipped", in.name, odd_rows);
}

int
main(int argc, char **argv)
{
	const struct format *f;
	const char *what;
	struct err e;

	prog = "sched-trace";
	parse_options(argc, argv);
	what = to ? to : argv[optind];
	if (what == NULL)
		die_usage(usage_text);
	if (to == NULL)
		optind++;
	if (to == NULL && strcmp(what, "generate") == 0) {
		check_given(what, MAKE | DRAWN | SPLIT | ARRIVALS | LOAD);
		if (optind < argc)
			die_usage(usage_text);
		if (opt.stream == NULL || opt.jobs < 0)
			die(ST_PERM, "generate: --stream and --jobs must say "
			    "what");
		check_stream();
		if (generate(&e) < 0)
			die_err(&e);
		leave(ST_OK);
	}
	f = find_format(what);
	check_format(f);
	if (argc - optind > 1)
		die_usage(usage_text);
	convert(f, argv[optind]);
	leave(odd_rows > 0 ? ST_NO : ST_OK);
}
