/*
 * stream.c - the streams of Synergy's paper (Mohan et al., OSDI 2022), draw by
 * draw as its simulator makes them; with the functions of libm that Python has.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

enum { CLASSES = STREAM_CLASSES, DURATION_SEED = 42 };

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

/* Log-uniform: four in five below 1000 minutes, the others up to 10000. */
static double
duration(struct mt *m)
{
	bool is_long = mt_random(m) >= 0.8;

	return 60 * pow(10, is_long ? mt_uniform(m, 3, 4) :
	    mt_uniform(m, 1.5, 3));
}

static double
arrive(struct stream *s)
{
	double rate = opt.rate > 0 ? opt.rate : DEFAULT_RATE;

	s->now += ceil(-log(1 - mt_random(&s->arrivals)) / rate * 60 * 60);
	return s->now;
}

void
stream_init(struct stream *s)
{
	*s = (struct stream){ .all = 0 };
	mt_seed(&s->arrivals, opt.seed);
	mt_seed(&s->durations, DURATION_SEED);
}

double
stream_arrival(struct stream *s)
{
	double at = arrive(s);

	(void)mt_digit(&s->arrivals);
	return at;
}

double
stream_duration(struct stream *s)
{
	return duration(&s->durations);
}

/* The class that lacks most of its part; of its models the next one. */
static int
next_class(const struct stream *s)
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
	return class;
}

const char *
stream_model(struct stream *s, double duration_s, double *iters)
{
	int class = next_class(s);
	int model = (int)(s->made[class] % zoo[class].len);

	*iters = floor(duration_s / zoo[class].models[model].iter_s);
	s->made[class]++;
	s->all++;
	return zoo[class].models[model].name;
}

void
stream_write(struct buf *b, struct stream *s, double submit_at,
    double duration_s, double gpus)
{
	double id = (double)s->all, iters;
	const char *model = stream_model(s, duration_s, &iters);

	line_begin(b, "job");
	line_put(b, "job_id", id);
	line_put(b, "submit_at", submit_at);
	line_put_text(b, "model", model);
	line_put(b, "iters", iters);
	line_put(b, "gpus", gpus);
	line_write(b);
}

/* One GPU each; durations are those of seed 42, whatever the seed is. */
static void
next_single(struct buf *b, struct stream *s)
{
	double at = stream_arrival(s);

	stream_write(b, s, at, stream_duration(s), 1);
}

static void
next_synth(struct buf *b, struct stream *s)
{
	double at = arrive(s), duration_s = duration(&s->arrivals);
	double u = mt_random(&s->arrivals);

	(void)mt_digit(&s->arrivals);
	stream_write(b, s, at, duration_s,
	    u >= 0.95 ? 8 : u >= 0.8 ? 4 : u >= 0.7 ? 2 : 1);
}

bool
stream_make(const char *name)
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 2);
	void (*next)(struct buf *, struct stream *) = next_single;
	struct stream s;
	int64_t i;

	if (strcmp(name, "synergy-synth") == 0)
		next = next_synth;
	else if (strcmp(name, "synergy-single") != 0)
		return false;
	stream_init(&s);
	for (i = 0; i < opt.jobs; i++)
		next(&b, &s);
	buf_release(&b);
	return true;
}
