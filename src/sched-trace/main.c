/*
 * sched-trace - logs of clusters in, `job` records out; and back; and
 * workloads that are made up.
 */
#include "trace.h"

#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "num.h"
#include "rec.h"

static const char usage_text[] =
"usage: sched-trace [-kqv] [--clean] swf|synergy|sacct [FILE]\n"
"       sched-trace [-kqv] --to=swf|synergy [FILE]\n"
"       sched-trace generate --stream=STREAM --jobs=N [--rate=R] [--seed=N]\n"
"           [--split=A,B,C] [--procs=N]\n"
"\n"
"Turns the log of a cluster into job records, or job records into a log, or\n"
"makes up a workload.\n"
"\n"
"      --clean         swf: drop, cut and number jobs so that no question is\n"
"                      left open\n"
"      --to=FORMAT     write swf or synergy from job records\n"
"      --stream=NAME   synergy-single, synergy-synth or log-uniform\n"
"      --jobs=N        how many\n"
"      --rate=R        jobs an hour on average [9]\n"
"      --seed=N        where chance begins [42]\n"
"      --split=A,B,C   percent of image, language, speech [20,70,10]\n"
"      --procs=N       log-uniform: processors of the cluster [1024]\n"
"  -k, --keep-going    name odd rows, skip them, end with 1\n"
"  -q, --quiet         say less\n"
"  -v, --verbose       name what --clean does to each row\n"
"  -h, --help          this text\n"
"  -V, --version       the version\n";

enum {
	OPT_CLEAN = 256, OPT_TO, OPT_STREAM, OPT_JOBS, OPT_RATE, OPT_SEED,
	OPT_SPLIT, OPT_PROCS,
};

static const struct option long_options[] = {
	{ "clean", no_argument, NULL, OPT_CLEAN },
	{ "to", required_argument, NULL, OPT_TO },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "jobs", required_argument, NULL, OPT_JOBS },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "split", required_argument, NULL, OPT_SPLIT },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct format {
	const char *name;
	void (*read)(struct nd_in *in);
	void (*write)(struct nd_in *in);
} formats[] = {
	{ "swf", swf_read, swf_write },
	{ "synergy", synergy_read, synergy_write },
	{ "sacct", sacct_read, NULL },
};

struct options opt = {
	.rate = 9, .seed = 42, .split = { 20, 70, 10 }, .jobs = -1,
	.procs = 1024,
};
unsigned long odd_rows;

static const char *to;
static bool for_generate;	/* an option that only it has was given */

static int64_t
option_int(const char *name, int64_t min, int64_t max)
{
	struct err e;
	int64_t n;

	if (num_int(optarg, min, max, &n, &e) < 0)
		die(ST_PERM, "--%s: %s", name, e.text);
	return n;
}

static void
take_rate(void)
{
	char *end;

	opt.rate = strtod(optarg, &end);
	if (strspn(optarg, "0123456789.") != strlen(optarg) ||
	    end == optarg || *end != '\0' || opt.rate < 1e-6 ||
	    opt.rate > 1e9)
		die(ST_PERM, "--rate: '%s' is not a number of jobs an hour, "
		    "0.000001 to 1000000000", optarg);
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

static void
take_generate_option(int c)
{
	for_generate = true;
	switch (c) {
	case OPT_STREAM: opt.stream = optarg; break;
	case OPT_JOBS: opt.jobs = option_int("jobs", 0, REC_MAX); break;
	case OPT_RATE: take_rate(); break;
	case OPT_SEED:
		opt.seed = (uint32_t)option_int("seed", 0, UINT32_MAX);
		break;
	case OPT_SPLIT: take_split(); break;
	case OPT_PROCS: opt.procs = option_int("procs", 1, 1 << 30); break;
	default: die_usage(usage_text);
	}
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "kqvhV", long_options,
	    NULL)) != -1) {
		switch (c) {
		case OPT_CLEAN: opt.clean = true; break;
		case OPT_TO: to = optarg; break;
		case 'k': opt.keep_going = true; break;
		case 'q': verbosity = -1; break;
		case 'v': verbosity++; break;
		case 'h': leave_help(usage_text);
		case 'V': leave_version();
		default: take_generate_option(c); break;
		}
	}
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
	die(ST_PERM, "%s: known are swf, synergy, sacct, and generate", name);
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
		if (opt.clean || optind < argc || opt.stream == NULL ||
		    opt.jobs < 0)
			die_usage(usage_text);
		if (generate(&e) < 0)
			die_err(&e);
		leave(ST_OK);
	}
	if (for_generate || argc - optind > 1 ||
	    (opt.clean && strcmp(what, "swf") != 0) || (opt.clean && to))
		die_usage(usage_text);
	convert(find_format(what), argv[optind]);
	leave(odd_rows > 0 ? ST_NO : ST_OK);
}
