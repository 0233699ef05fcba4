/*
 * job-stats - job records in, one `stats` record out: how long jobs waited,
 * ran and took in all, and how full the machine was. Real and simulated jobs
 * are alike to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "flat.h"
#include "map.h"
#include "nd.h"
#include "num.h"
#include "rec.h"
#include "xalloc.h"

static const char usage_text[] =
"usage: job-stats [-kqtv] [--window=A:B] [--group-by=FIELD,...] [--procs=N]\n"
"           [--gpus=N] [FILE]\n"
"\n"
"Reads job records and says how long the jobs waited, ran and took.\n"
"\n"
"  -t, --table         a table for people\n"
"      --window=A:B    only jobs whose job_id is A or more and less than B\n"
"      --group-by=FIELD,...\n"
"                      one answer for each value of these fields\n"
"      --procs=N       processors of the cluster, for its utilisation\n"
"      --gpus=N        GPUs of the cluster\n"
"  -k, --keep-going    name bad lines, skip them, end with 1\n"
"  -q, --quiet         say less\n"
"  -v, --verbose       name jobs that have not ended\n"
"  -h, --help          this text\n"
"  -V, --version       the version\n";

enum { OPT_WINDOW = 256, OPT_GROUP, OPT_PROCS, OPT_GPUS };

static const struct option long_options[] = {
	{ "table", no_argument, NULL, 't' },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "group-by", required_argument, NULL, OPT_GROUP },
	{ "procs", required_argument, NULL, OPT_PROCS },
	{ "gpus", required_argument, NULL, OPT_GPUS },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

enum { GROUP_FIELDS_MAX = 8, SHORT_S = 10 };

static struct {
	bool table, keep_going, windowed;
	int64_t window[2];
	const char *by[GROUP_FIELDS_MAX];
	size_t by_len;
	int64_t procs, gpus;		/* 0: not given */
} opt;

/* What is measured of each job. */
enum measure { WAIT, RUN, JCT, SLOWDOWN, BSLD, MEASURES };

static const char *const measure_keys[MEASURES] = {
	"wait_s", "run_s", "jct_s", "slowdown", "bsld",
};

enum number {
	JOB_ID, SUBMIT, START, END, WAIT_S, RUN_S, CPUS, GPUS, PREEMPTIONS,
	NUMBERS
};

static const char *const number_keys[NUMBERS] = {
	[JOB_ID] = "job_id", [SUBMIT] = "submit_at", [START] = "start_at",
	[END] = "end_at", [WAIT_S] = "wait_s", [RUN_S] = "run_s",
	[CPUS] = "cpus", [GPUS] = "gpus", [PREEMPTIONS] = "preemptions",
};

struct group {
	char *values;			/* members of "group", as JSON */
	double *samples[MEASURES];
	size_t len, cap;
	uint64_t unfinished;
	double first_submit, last_end;
	double cpu_s, gpu_s;		/* used: size times run time */
	double preemptions;
	bool preempting;		/* somebody counted them */
};

static struct map groups;
static int64_t cluster[2];		/* its procs and gpus, as its record */

/* ---- records ---- */

struct job {
	double v[NUMBERS];		/* -1: not there */
	struct buf values;		/* of the fields grouped by */
};

static int
take_member(struct job *j, const struct flat_member *m, struct err *e)
{
	double n;
	size_t i;

	for (i = 0; i < opt.by_len; i++)
		if (flat_is(m, opt.by[i]) && flat_put_member(&j->values,
		    m) < 0)
			return err_errno(e, "'%s'", opt.by[i]);
	for (i = 0; i < NUMBERS && !flat_is(m, number_keys[i]); i++)
		;
	if (i == NUMBERS)
		return 0;
	n = m->type == FLAT_INT || m->type == FLAT_REAL ? flat_real(m) : -1;
	if (!(n >= 0 && n <= (double)REC_MAX))
		return err_perm(e, "job: '%s' must be a number, 0 to 2^53",
		    number_keys[i]);
	j->v[i] = n;
	return 0;
}

static void
take_cluster(const struct flat_member *m)
{
	if (m->type == FLAT_INT && flat_is(m, "procs"))
		cluster[0] = m->num;
	if (m->type == FLAT_INT && flat_is(m, "gpus"))
		cluster[1] = m->num;
}

/* Members that come before the kind are read a second time. */
static int
kind_of(const char *line, size_t len, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int got;

	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0) {
		if (!flat_is(&m, "kind") || m.type != FLAT_STR)
			continue;
		if (m.text_len == 3 && memcmp(m.text, "job", 3) == 0)
			return 'j';
		if (m.text_len == 7 && memcmp(m.text, "cluster", 7) == 0)
			return 'c';
	}
	return got;
}

/* Fills in what follows from the rest. Whether the job has ended. */
static bool
complete(double v[NUMBERS])
{
	if (v[START] < 0 && v[WAIT_S] >= 0)
		v[START] = v[SUBMIT] + v[WAIT_S];
	if (v[END] < 0 && v[START] >= 0 && v[RUN_S] >= 0)
		v[END] = v[START] + v[RUN_S];
	return v[START] >= 0 && v[END] >= 0;
}

static struct group *
group_of(const struct job *j)
{
	const char *key = buf_str(&j->values);
	struct group *g = map_get(&groups, key);

	if (g != NULL)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->values = xstrdup(key);
	if (map_set(&groups, key, g) < 0)
		die(ST_TEMP, "out of memory");
	return g;
}

static void
add_sample(struct group *g, const double v[NUMBERS])
{
	double wait = v[START] - v[SUBMIT], run = v[END] - v[START];
	double jct = v[END] - v[SUBMIT];
	size_t i;

	if (g->len == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 256;
		for (i = 0; i < MEASURES; i++)
			g->samples[i] = xrealloc(g->samples[i], g->cap,
			    sizeof(double));
	}
	if (g->len == 0 || v[SUBMIT] < g->first_submit)
		g->first_submit = v[SUBMIT];
	if (g->len == 0 || v[END] > g->last_end)
		g->last_end = v[END];
	g->samples[WAIT][g->len] = wait;
	g->samples[RUN][g->len] = run;
	g->samples[JCT][g->len] = jct;
	g->samples[SLOWDOWN][g->len] = run > 0 ? jct / run : 1;
	g->samples[BSLD][g->len] = MAX(jct / MAX(run, (double)SHORT_S), 1);
	g->len++;
	g->cpu_s += run * MAX(v[CPUS], 0);
	g->gpu_s += run * MAX(v[GPUS], 0);
	g->preempting |= v[PREEMPTIONS] >= 0;
	g->preemptions += MAX(v[PREEMPTIONS], 0);
}

static int
count_job(struct job *j, struct err *e)
{
	double *v = j->v;
	struct group *g;

	if (v[JOB_ID] < 0 || v[SUBMIT] < 0)
		return err_perm(e, "job: '%s' is missing",
		    v[JOB_ID] < 0 ? "job_id" : "submit_at");
	if (opt.windowed && (v[JOB_ID] < (double)opt.window[0] ||
	    v[JOB_ID] >= (double)opt.window[1]))
		return 0;
	if (complete(v) && (v[START] < v[SUBMIT] || v[END] < v[START]))
		return err_perm(e, "job %.0f: %s", v[JOB_ID],
		    v[END] < v[START] ? "ends before it starts" :
		    "starts before it was submitted");
	g = group_of(j);
	if (v[START] >= 0 && v[END] >= 0) {
		add_sample(g, v);
		return 0;
	}
	chat("job %.0f has not ended", v[JOB_ID]);
	g->unfinished++;
	return 0;
}

static int
one_line(struct job *j, const char *line, size_t len, struct err *e)
{
	int kind = kind_of(line, len, e), got;
	struct flat_member m;
	struct flat f;
	size_t i;

	if (kind <= 0)
		return kind;
	for (i = 0; i < NUMBERS; i++)
		j->v[i] = -1;
	buf_cut(&j->values, 0);
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0) {
		if (kind == 'c')
			take_cluster(&m);
		else if (take_member(j, &m, e) < 0)
			return -1;
	}
	if (got < 0 || kind == 'c')
		return got;
	return count_job(j, e);
}

/* ---- measures ---- */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between neighbours along a line, rounded as numpy does it. */
static double
quantile(const double *sorted, size_t len, double q)
{
	double at = q * (double)(len - 1), t = at - floor(at), a, b;
	size_t i = (size_t)at;

	a = sorted[i];
	b = sorted[MIN(i + 1, len - 1)];
	return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

enum { MEAN, P50, P99, P999, LARGEST, FIGURES };

static const char *const figure_keys[FIGURES] = {
	"mean", "p50", "p99", "p999", "max",
};

/* Sorts the samples. There is at least one. */
static void
figures(double *samples, size_t len, double out[FIGURES])
{
	double sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += samples[i];
	qsort(samples, len, sizeof(*samples), by_value);
	out[MEAN] = sum / (double)len;
	out[P50] = quantile(samples, len, 0.5);
	out[P99] = quantile(samples, len, 0.99);
	out[P999] = quantile(samples, len, 99.9 / 100);	/* as pandas */
	out[LARGEST] = samples[len - 1];
}

/* The part of the machine that was used, or -1: not known. */
static double
utilisation(const struct group *g, int thing)
{
	int64_t given = thing == 0 ? opt.procs : opt.gpus;
	double all = (double)(given > 0 ? given : cluster[thing]);
	double span = g->last_end - g->first_submit;

	if (g->len == 0 || all <= 0 || span <= 0)
		return -1;
	return (thing == 0 ? g->cpu_s : g->gpu_s) / (all * span);
}

/* ---- answers ---- */

static void
check(int rc)
{
	if (rc < 0)
		die(ST_TEMP, "a record: %s", strerror(errno));
}

static void
put_object(struct buf *b, const char *key, const char *const *keys,
    const double *values, size_t len)
{
	struct buf in = BUF_INIT(4096);
	size_t i;

	check(buf_addc(&in, '{'));
	for (i = 0; i < len; i++)
		if (values[i] >= 0)
			check(flat_put_number(&in, keys[i], values[i]));
	if (in.len > 1) {
		check(buf_addc(&in, '}'));
		check(flat_put_raw(b, key, in.data, in.len));
	}
	buf_release(&in);
}

static void
say_record(struct group *g)
{
	static const char *const things[] = { "cpus", "gpus" };
	double out[FIGURES], util[2] = {
		utilisation(g, 0), utilisation(g, 1),
	};
	struct buf b = BUF_INIT(2 * ND_LINE_MAX), in = b;
	size_t i;

	check(buf_adds(&b, "{\"kind\":\"stats\""));
	if (opt.by_len > 0) {
		check(buf_addf(&in, "{%s}", g->values));
		check(flat_put_raw(&b, "group", in.data, in.len));
	}
	check(flat_put_int(&b, "count", (int64_t)g->len));
	check(flat_put_int(&b, "unfinished", (int64_t)g->unfinished));
	for (i = 0; i < MEASURES && g->len > 0; i++) {
		figures(g->samples[i], g->len, out);
		put_object(&b, measure_keys[i], figure_keys, out, FIGURES);
	}
	if (g->len > 0)
		check(flat_put_number(&b, "makespan_s", g->last_end -
		    g->first_submit));
	put_object(&b, "util", things, util, 2);
	if (g->preempting)
		check(flat_put_number(&b, "preemptions", g->preemptions));
	(void)printf("%s}\n", b.data);
	buf_release(&b);
	buf_release(&in);
}

static void
say_table(struct group *g)
{
	static const char *const names[] = { "processors", "GPUs" };
	double out[FIGURES];
	size_t i, k;

	if (opt.by_len > 0)
		(void)printf("{%s}\n", g->values);
	(void)printf("%zu jobs ended, %llu have not", g->len,
	    (unsigned long long)g->unfinished);
	if (g->len > 0)
		(void)printf("; %.0f s from first to last", g->last_end -
		    g->first_submit);
	for (i = 0; i < 2; i++)
		if (utilisation(g, (int)i) >= 0)
			(void)printf("; %.1f %% of the %s", 100 *
			    utilisation(g, (int)i), names[i]);
	if (g->preempting)
		(void)printf("; %.0f preemptions", g->preemptions);
	(void)printf("\n\n%-9s %12s %12s %12s %12s %12s\n", "", "mean",
	    "p50", "p99", "p99.9", "max");
	for (i = 0; i < MEASURES && g->len > 0; i++) {
		figures(g->samples[i], g->len, out);
		(void)printf("%-9s", measure_keys[i]);
		for (k = 0; k < FIGURES; k++)
			(void)printf(" %12.2f", out[k]);
		(void)putchar('\n');
	}
}

static void
say_all(void)
{
	struct map_item *item;
	size_t at = 0, n = 0;

	while ((item = map_next(&groups, &at)) != NULL) {
		if (opt.table && n++ > 0)
			(void)putchar('\n');
		(opt.table ? say_table : say_record)(item->value);
	}
}

/* ---- input ---- */

/* The number of bad lines. */
static unsigned long
read_all(struct nd_in *in)
{
	struct job j = { .values = BUF_INIT(ND_LINE_MAX) };
	unsigned long bad = 0;
	struct err e;
	char *line;
	size_t len;
	int got;

	for (;;) {
		got = nd_next(in, &line, &len, &e);
		if (got == 0 && in->eof)
			break;
		if (got == 0) {
			if (nd_fill(in, &e) < 0)
				die_err(&e);
			continue;
		}
		if (got > 0) {
			if (one_line(&j, line, len, &e) >= 0)
				continue;
			(void)err_prefix(&e, "%s:%lu", in->name, in->line);
		}
		if (!opt.keep_going)
			die_err(&e);
		warn("%s: skipped", e.text);
		bad++;
	}
	buf_release(&j.values);
	return bad;
}

/* ---- options ---- */

static void
take_window(void)
{
	char *colon = strchr(optarg, ':');
	struct err e;

	if (colon == NULL)
		die(ST_PERM, "--window: '%s' is not A:B", optarg);
	*colon = '\0';
	if (num_int(optarg, 0, REC_MAX, &opt.window[0], &e) < 0 ||
	    num_int(colon + 1, 0, REC_MAX, &opt.window[1], &e) < 0)
		die(ST_PERM, "--window: %s", e.text);
	if (opt.window[0] >= opt.window[1])
		die(ST_PERM, "--window: no job is in %lld:%lld",
		    (long long)opt.window[0], (long long)opt.window[1]);
	opt.windowed = true;
}

static void
take_group_by(void)
{
	char *p = optarg, *comma;

	for (opt.by_len = 0; p != NULL; p = comma) {
		comma = strchr(p, ',');
		if (comma != NULL)
			*comma++ = '\0';
		if (*p == '\0' || opt.by_len == GROUP_FIELDS_MAX)
			die(ST_PERM, "--group-by: 1 to %d names of fields "
			    "are wanted", GROUP_FIELDS_MAX);
		opt.by[opt.by_len++] = p;
	}
}

static int64_t
take_count(const char *name)
{
	struct err e;
	int64_t n;

	if (num_int(optarg, 1, REC_MAX, &n, &e) < 0)
		die(ST_PERM, "--%s: %s", name, e.text);
	return n;
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "tkqvhV", long_options,
	    NULL)) != -1) {
		switch (c) {
		case 't': opt.table = true; break;
		case OPT_WINDOW: take_window(); break;
		case OPT_GROUP: take_group_by(); break;
		case OPT_PROCS: opt.procs = take_count("procs"); break;
		case OPT_GPUS: opt.gpus = take_count("gpus"); break;
		case 'k': opt.keep_going = true; break;
		case 'q': verbosity = -1; break;
		case 'v': verbosity++; break;
		case 'h': leave_help(usage_text);
		case 'V': leave_version();
		default: die_usage(usage_text);
		}
	}
	if (argc - optind > 1)
		die_usage(usage_text);
}

int
main(int argc, char **argv)
{
	struct job none = { .values = BUF_INIT(1) };
	unsigned long bad;
	const char *path;
	struct nd_in in;
	struct err e;
	int fd;

	prog = "job-stats";
	parse_options(argc, argv);
	path = argv[optind];
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (fd < 0) {
		(void)err_errno(&e, "%s", path);
		die_err(&e);
	}
	map_init(&groups);
	if (opt.by_len == 0)
		(void)group_of(&none);	/* an answer also to nothing */
	nd_open(&in, fd, path ? path : "stdin");
	bad = read_all(&in);
	nd_close(&in);
	say_all();
	leave(bad > 0 ? ST_NO : ST_OK);
}
