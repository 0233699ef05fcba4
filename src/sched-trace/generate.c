/*
 * generate.c - workloads made up from a seed: the streams of Synergy's paper,
 * draw by draw as its simulator makes them, and jobs for tests of load.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

enum { CLASSES = 3, DURATION_SEED = 42 };

/* The models in the order in which they take turns, and an iteration's s. */
static const struct zoo {
	int len;
	struct { const char *name; double iter_s; } models[5];
} zoo[CLASSES] = {
	{ 5, { { "alexnet", 0.6 }, { "res18", 0.64 }, { "res50", 0.78 },
	    { "mobilenet", 0.71 }, { "shufflenet", 0.615 } } },
	{ 3, { { "gnmt", 0.12 }, { "transformer", 0.67 },
	    { "lstm", 0.011 } } },
	{ 2, { { "m5", 0.6 }, { "deepspeech", 0.757 } } },
};

struct stream {
	struct mt arrivals, durations;
	int64_t made[CLASSES], all;	/* jobs so far */
	int64_t now;
};

struct job {
	int64_t submit_at, gpus;
	double duration_s;
	const char *model;
	double iter_s;
};

/* Log-uniform: four in five below 1000 minutes, the others up to 10000. */
static double
duration(struct mt *m)
{
	bool is_long = mt_random(m) >= 0.8;

	return 60 * pow(10, is_long ? mt_uniform(m, 3, 4) :
	    mt_uniform(m, 1.5, 3));
}

static void
arrive(struct stream *s, struct job *j)
{
	s->now += (int64_t)ceil(-log(1 - mt_random(&s->arrivals)) / opt.rate *
	    60 * 60);
	j->submit_at = s->now;
}

/* The class that lacks most of its part; of its models the next one. */
static void
choose_model(struct stream *s, struct job *j)
{
	double lacks, most = -INFINITY;
	int i, class = 0;

	for (i = 0; i < CLASSES; i++) {
		lacks = s->all == 0 ? 0 : (double)opt.split[i] / 100 -
		    (double)s->made[i] / (double)s->all;
		if (lacks > most) {
			most = lacks;
			class = i;
		}
	}
	i = (int)(s->made[class] % zoo[class].len);
	j->model = zoo[class].models[i].name;
	j->iter_s = zoo[class].models[i].iter_s;
	s->made[class]++;
	s->all++;
}

/* One GPU each; durations are those of seed 42, whatever the seed is. */
static void
next_single(struct stream *s, struct job *j)
{
	arrive(s, j);
	j->duration_s = duration(&s->durations);
	j->gpus = 1;
	(void)mt_digit(&s->arrivals);
}

static void
next_synth(struct stream *s, struct job *j)
{
	double u;

	arrive(s, j);
	j->duration_s = duration(&s->arrivals);
	u = mt_random(&s->arrivals);
	j->gpus = u >= 0.95 ? 8 : u >= 0.8 ? 4 : u >= 0.7 ? 2 : 1;
	(void)mt_digit(&s->arrivals);
}

static void
synergy(void (*next)(struct stream *, struct job *))
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	struct stream s = { 0 };
	struct job j;
	int64_t id;

	mt_seed(&s.arrivals, opt.seed);
	mt_seed(&s.durations, DURATION_SEED);
	for (id = 0; id < opt.jobs; id++) {
		next(&s, &j);
		choose_model(&s, &j);
		line_begin(&b, "job");
		line_put(&b, "job_id", (double)id);
		line_put(&b, "submit_at", (double)j.submit_at);
		line_put_text(&b, "model", j.model);
		line_put(&b, "iters", floor(j.duration_s / j.iter_s));
		line_put(&b, "gpus", (double)j.gpus);
		line_write(&b);
	}
	buf_release(&b);
}

static void
synergy_single(void)
{
	synergy(next_single);
}

static void
synergy_synth(void)
{
	synergy(next_synth);
}

/*
 * Poisson arrivals; run times log-uniform from 10 s to a day; sizes powers of
 * two, each as likely, up to the cluster; estimates up to 5 times too long.
 */
static void
log_uniform(void)
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	int64_t id, run_s, now = 0;
	int sizes = 1 + (int)floor(log2((double)opt.procs)), size;
	struct mt m = { 0 };

	mt_seed(&m, opt.seed);
	line_begin(&b, "cluster");
	line_put(&b, "procs", (double)opt.procs);
	line_write(&b);
	for (id = 1; id <= opt.jobs; id++) {
		now += (int64_t)floor(-log(1 - mt_random(&m)) / opt.rate *
		    3600);
		run_s = (int64_t)floor(exp(mt_uniform(&m, log(10),
		    log(86400))));
		size = (int)floor(mt_random(&m) * sizes);
		line_begin(&b, "job");
		line_put(&b, "job_id", (double)id);
		line_put(&b, "submit_at", (double)now);
		line_put(&b, "run_s", (double)run_s);
		line_put(&b, "cpus", (double)(INT64_C(1) << size));
		line_put(&b, "limit_s", ceil((double)run_s *
		    mt_uniform(&m, 1, 5)));
		line_write(&b);
	}
	buf_release(&b);
}

int
generate(struct err *e)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} streams[] = {
		{ "synergy-single", synergy_single },
		{ "synergy-synth", synergy_synth },
		{ "log-uniform", log_uniform },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(streams); i++) {
		if (strcmp(streams[i].name, opt.stream) != 0)
			continue;
		streams[i].make();
		return 0;
	}
	return err_perm(e, "--stream=%s: known are synergy-single, "
	    "synergy-synth and log-uniform", opt.stream);
}
