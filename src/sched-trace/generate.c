/*
 * generate.c - workloads made up from a seed, whose load can be chosen.
 *
 * lublin: sizes and run times as Lublin and Feitelson found them (see
 * arrivals.c), with their program's parameters for jobs of all types. A job is
 * alone on one processor; or log2 of its size is uniform in two stages, and
 * more often than not a whole number. ln of its run time is a mixture of two
 * gamma distributions, the longer one more likely the larger it is.
 * log-uniform: for tests of load, each decade and each power as likely.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

#include "die.h"

/* ---- sizes and run times ---- */

static const double serial = 0.244, power_of_2 = 0.576;
static const double log2_low = 0.8, log2_last_stage = 2.5, first_stage = 0.86;
static const double short_shape = 4.2, short_scale = 0.94;
static const double long_shape = 312, long_scale = 0.03;
static const double short_slope = -0.0054, short_at_0 = 0.78;
static const double log_run_max = 12;	/* about two days */

struct work {
	int64_t procs, run_s, limit_s;
};

/* What is the same for all jobs. */
struct load {
	void (*draw)(struct load *l, struct work *w);	/* size, run time */
	struct dice dice;
	struct arrivals arrivals;
	double log2_procs;
	int estimates;
};

static double
log2_of(double x)
{
	int whole;

	return frexp(x, &whole) == 0.5 ? whole - 1 :
	    dice_log(x) / dice_log(2);
}

static int64_t
power(double log2)
{
	return (int64_t)floor(dice_exp(log2 * dice_log(2)) + 0.5);
}

static int64_t
lublin_size(struct load *l)
{
	double u = mt_random(&l->dice.mt), high = l->log2_procs, middle, x;
	int64_t size;

	middle = fmax(high - log2_last_stage, (log2_low + high) / 2);
	if (u <= serial || high < 1)
		return 1;
	x = mt_random(&l->dice.mt) <= first_stage ?
	    mt_uniform(&l->dice.mt, log2_low, middle) :
	    mt_uniform(&l->dice.mt, middle, high);
	if (u > serial + power_of_2)
		return MIN(power(x), opt.procs);
	size = INT64_C(1) << (int)floor(x + 0.5);
	return size <= opt.procs ? size : size / 2;
}

static int64_t
lublin_run_s(struct load *l, int64_t size)
{
	double p = short_slope * (double)size + short_at_0, x;

	do
		x = mt_random(&l->dice.mt) <= p ?
		    dice_gamma(&l->dice, short_shape, short_scale) :
		    dice_gamma(&l->dice, long_shape, long_scale);
	while (x > log_run_max);
	return (int64_t)floor(dice_exp(x));
}

static void
lublin(struct load *l, struct work *w)
{
	w->procs = lublin_size(l);
	w->run_s = lublin_run_s(l, w->procs);
}

/* From 10 s to a day. */
static void
log_uniform(struct load *l, struct work *w)
{
	double sizes = 1 + floor(l->log2_procs);

	w->run_s = (int64_t)floor(10 * dice_exp(mt_random(&l->dice.mt) *
	    dice_log(8640)));
	w->procs = INT64_C(1) << (int)floor(mt_random(&l->dice.mt) * sizes);
}

/* ---- estimates ---- */

enum { EXACT, FACTOR, ROUND };

static const char *const estimates[] = { "exact", "factor", "round" };

/* The few times that users write (Tsafrir et al., JSSPP 2005), in minutes. */
static const int written_min[] = {
	1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 360, 480, 600,
	720, 900, 1080, 1440, 2160, 2880, 4320, 5760, 7200, 10080, 14400,
};

static int64_t
estimate(struct load *l, int64_t run_s)
{
	double limit_s = (double)run_s;
	size_t i;

	if (l->estimates == EXACT)
		return run_s;
	limit_s = ceil(limit_s * mt_uniform(&l->dice.mt, 1, 5));
	if (l->estimates == ROUND)
		for (i = 0; i < ARRAY_LEN(written_min); i++)
			if (limit_s <= written_min[i] * 60.0)
				return written_min[i] * 60;
	return (int64_t)limit_s;
}

static int
set_estimates(struct load *l, const char *name, struct err *e)
{
	for (l->estimates = 0; l->estimates < (int)ARRAY_LEN(estimates);
	    l->estimates++)
		if (strcmp(estimates[l->estimates], name) == 0)
			return 0;
	return err_perm(e, "--estimates=%s: known are exact, factor and round",
	    name);
}

/* ---- all together ---- */

static void
seed(struct load *l)
{
	l->dice = (struct dice){ .has_spare = false };
	mt_seed(&l->dice.mt, opt.seed);
	l->arrivals.now = 0;
}

static void
draw(struct load *l, double *gap, struct work *w)
{
	*gap = arrivals_gap(&l->arrivals, &l->dice);
	l->draw(l, w);
	w->limit_s = estimate(l, w->run_s);
}

/* How far gaps must be stretched, so that this very stream has the load. */
static double
stretch_for_load(struct load *l)
{
	double gap, gaps_s = 0, area = 0;
	struct work w;
	int64_t i;

	seed(l);
	for (i = 0; i < opt.jobs; i++) {
		draw(l, &gap, &w);
		gaps_s += gap;
		area += (double)w.procs * (double)w.run_s;
	}
	return gaps_s <= 0 ? 1 : area / (opt.load * (double)opt.procs) /
	    gaps_s;
}

static void
write_work(struct buf *b, int64_t id, double submit_at, const struct work *w)
{
	line_begin(b, "job");
	line_put(b, "job_id", (double)id);
	line_put(b, "submit_at", floor(submit_at));
	line_put(b, "run_s", (double)w->run_s);
	line_put(b, "cpus", (double)w->procs);
	line_put(b, "limit_s", (double)w->limit_s);
	line_write(b);
}

static void
write_all(struct load *l)
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	struct work w;
	int64_t id;
	double gap;

	line_begin(&b, "cluster");
	line_put(&b, "procs", (double)opt.procs);
	line_write(&b);
	seed(l);
	for (id = 1; id <= opt.jobs; id++) {
		draw(l, &gap, &w);
		gap = arrivals_next(&l->arrivals, gap);
		if (gap > NUMBER_MAX)
			die(ST_PERM, "job %lld would be submitted after 2^53 "
			    "s", (long long)id);
		write_work(&b, id, gap, &w);
	}
	buf_release(&b);
}

/* By default as its model has it. */
static int
make(void (*draw_work)(struct load *, struct work *), const char *arrivals,
    const char *default_estimates, struct err *e)
{
	const char *kind = opt.arrivals ? opt.arrivals : arrivals;
	struct load l = {
		.draw = draw_work, .log2_procs = log2_of((double)opt.procs),
	};

	if (opt.load > 0 && opt.rate > 0)
		return err_perm(e, "--load and --rate: one of them is enough");
	if (arrivals_init(&l.arrivals, kind, opt.cv, e) < 0 ||
	    set_estimates(&l, opt.estimates ? opt.estimates :
	    default_estimates, e) < 0)
		return -1;
	if (opt.load > 0)
		l.arrivals.stretch = stretch_for_load(&l);
	else if (opt.rate > 0 || l.arrivals.kind != ARRIVALS_DAILY)
		l.arrivals.stretch = 3600 / (opt.rate > 0 ? opt.rate :
		    DEFAULT_RATE) / l.arrivals.mean_s;
	write_all(&l);
	return 0;
}

int
generate(struct err *e)
{
	if (strcmp(opt.stream, "lublin") == 0)
		return make(lublin, "daily", "exact", e);
	if (strcmp(opt.stream, "log-uniform") == 0)
		return make(log_uniform, "poisson", "factor", e);
	if (stream_make(opt.stream))
		return 0;
	return err_perm(e, "--stream=%s: known are synergy-single, "
	    "synergy-synth, lublin and log-uniform", opt.stream);
}
