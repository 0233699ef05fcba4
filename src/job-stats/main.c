/*
 * job-stats - job records in, one `stats` record out: how long jobs waited,
 * ran and took in all, and how full the machine was. Real and simulated jobs
 * are alike to it.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "die.h"
#include "flat.h"
#include "rec.h"
#include "stats.h"

static const char usage_text[] =
"usage: job-stats [options] [FILE]\n"
"\n"
"Reads job records and says how long the jobs waited, ran and took.\n"
"\n"
"  -t, --table          a table for people\n"
"  -i, --interval=DUR   also the cluster in intervals of that length\n"
"      --window=A:B     only jobs whose job_id is A or more and less than B\n"
"      --group-by=FIELD,...\n"
"                       one answer for each value of these fields\n"
"      --vs=FILE        also the difference to the same jobs in FILE\n"
"      --resamples=N    of which the interval of a difference is made (1000)\n"
"      --seed=N         where their chance begins (1)\n"
"      --procs=N        processors of the cluster, for its utilisation\n"
"      --gpus=N         GPUs of the cluster\n"
"  -k, --keep-going     name bad lines, skip them, end with 1\n"
"  -q, --quiet          say less\n"
"  -v, --verbose        name jobs that have not ended\n"
"  -h, --help           this text\n"
"  -V, --version        the version\n";

enum {
	OPT_WINDOW = 256, OPT_GROUP, OPT_PROCS, OPT_GPUS, OPT_VS,
	OPT_RESAMPLES, OPT_SEED,
};

static const struct option long_options[] = {
	{ "table", no_argument, NULL, 't' },
	{ "interval", required_argument, NULL, 'i' },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "group-by", required_argument, NULL, OPT_GROUP },
	{ "vs", required_argument, NULL, OPT_VS },
	{ "resamples", required_argument, NULL, OPT_RESAMPLES },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "gpus", required_argument, NULL, OPT_GPUS },
	{ "keep-going", no_argument, NULL, 'k' },
	ARGS_HOUSE_LONG,
};

enum { RESAMPLES_MAX = 100000 };

static struct read_options reading;
static struct say_options saying;
static struct versus versus = { .resamples = 1000, .seed = 1 };
static const char *vs_path;

/* ---- options ---- */

/* What needs no escape, as it is a key of the answer too. */
static bool
is_plain(const char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == '"' || *name == '\\')
			return false;
	return true;
}

static void
take_group_by(void)
{
	char *p = optarg, *comma;
	size_t i;

	for (reading.by_len = 0; p != NULL; p = comma) {
		comma = strchr(p, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (*p == '\0' || reading.by_len == GROUP_FIELDS_MAX)
			die(ST_PERM, "--group-by: 1 to %d names of fields "
			    "are wanted", GROUP_FIELDS_MAX);
		if (!is_plain(p) || !flat_utf8(p, strlen(p)))
			die(ST_PERM, "--group-by: '%s' is no name of a field",
			    p);
		for (i = 0; i < reading.by_len; i++)
			if (strcmp(reading.by[i], p) == 0)
				die(ST_PERM, "--group-by: '%s' twice", p);
		reading.by[reading.by_len++] = p;
	}
}

static void
take_interval(void)
{
	int64_t ms = args_duration_ms("interval", optarg, INT64_MAX);

	if (ms == 0)
		die(ST_PERM, "--interval: 0 is no length");
	saying.interval_s = (double)ms / 1000;
}

static void
one_option(int c)
{
	switch (c) {
	case 't': saying.table = true; break;
	case 'i': take_interval(); break;
	case OPT_WINDOW:
		args_window("window", optarg, reading.window);
		break;
	case OPT_GROUP: take_group_by(); break;
	case OPT_VS: vs_path = optarg; break;
	case OPT_RESAMPLES:
		versus.resamples = args_int("resamples", optarg, 1,
		    RESAMPLES_MAX);
		break;
	case OPT_SEED:
		versus.seed = (uint64_t)args_int("seed", optarg, 0, REC_MAX);
		break;
	case OPT_PROCS:
		reading.total[CPUS] = args_int("procs", optarg, 1, REC_MAX);
		break;
	case OPT_GPUS:
		reading.total[GPUS] = args_int("gpus", optarg, 1, REC_MAX);
		break;
	case 'k': reading.keep_going = true; break;
	default: args_house(c, usage_text);
	}
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "ti:k" ARGS_HOUSE, long_options,
	    NULL)) != -1)
		one_option(c);
	if (argc - optind > 1)
		die_usage(usage_text);
	saying.whole = reading.by_len == 0 && reading.window[1] == 0;
}

/* ---- answers ---- */

/* The jobs of the other run; how many of its lines were skipped. */
static int64_t
read_other(const struct jobs *js)
{
	static struct jobs other;
	struct read_options o = reading;
	struct err e;
	int64_t bad;
	int i;

	o.by_len = 0;
	bad = jobs_read(&other, &o, vs_path, &e);
	if (bad < 0)
		die_err(&e);
	for (i = 0; i < THINGS; i++)
		if (other.total[i] <= 0)
			other.total[i] = js->total[i];
	fair_measure(&other);
	if (versus_init(&versus, &other, map_get(&other.groups, ""), &e) < 0)
		die(ST_PERM, "--vs: %s: %s", vs_path, e.text);
	saying.versus = &versus;
	return bad;
}

static void
say_all(const struct jobs *js)
{
	struct map_item *item;
	size_t at = 0, n = 0;
	struct err e;

	while ((item = map_next(&js->groups, &at)) != NULL) {
		if (saying.table && n++ > 0)
			(void)putchar('\n');
		if (say_group(js, item->value, &saying, &e) < 0)
			die_err(&e);
	}
	if (vs_path != NULL && versus_left(&versus) > 0)
		note("%zu jobs are only in %s", versus_left(&versus), vs_path);
}

int
main(int argc, char **argv)
{
	static struct jobs js;
	struct err e;
	int64_t bad;

	prog = "job-stats";
	parse_options(argc, argv);
	bad = jobs_read(&js, &reading, argv[optind], &e);
	if (bad < 0)
		die_err(&e);
	fair_measure(&js);
	if (vs_path != NULL)
		bad += read_other(&js);
	say_all(&js);
	leave(bad > 0 ? ST_NO : ST_OK);
}
