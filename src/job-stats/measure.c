/*
 * measure.c - what is measured of a job; means and percentiles of a group.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats.h"
#include "xalloc.h"

const char *const measure_keys[MEASURES] = {
	"wait_s", "run_s", "jct_s", "slowdown", "bsld", "rho",
};

const char *const figure_keys[FIGURES] = {
	"mean", "p50", "p99", "p999", "max",
};

const double figure_parts[FIGURES] = {
	[P50] = 0.5, [P99] = 0.99, [P999] = 99.9 / 100,	/* as pandas */
};

enum { SHORT_S = 10 };		/* a shorter run does not slow down more */

double
job_measure(const struct job *j, enum measure m)
{
	double run = j->end_at - j->start_at, jct = j->end_at - j->submit_at;

	switch (m) {
	case WAIT: return j->start_at - j->submit_at;
	case RUN: return run;
	case JCT: return jct;
	case SLOWDOWN: return run > 0 ? jct / run : 1;
	case BSLD: return MAX(jct / MAX(run, (double)SHORT_S), 1);
	default: return j->rho;
	}
}

/* ---- sorting ---- */

/*
 * By digits, lowest first: doubles that are not negative are in the order of
 * their bits. A digit that all have in common is passed over.
 */
enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

static size_t
digit_of(double value, int digit)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits >> (digit * DIGIT_BITS) & (BUCKETS - 1);
}

static void
sort_by_digit(const struct keyed *from, struct keyed *to, size_t len,
    int digit, size_t count[BUCKETS])
{
	size_t i, start = 0, here;

	for (i = 0; i < BUCKETS; i++) {
		here = count[i];
		count[i] = start;
		start += here;
	}
	for (i = 0; i < len; i++)
		to[count[digit_of(from[i].value, digit)]++] = from[i];
}

void
keyed_sort(struct keyed *list, size_t len)
{
	static size_t count[DIGITS][BUCKETS];
	struct keyed *from = list, *to, *spare, *swap;
	size_t i;
	int d;

	if (len < 2)
		return;
	memset(count, 0, sizeof(count));
	for (i = 0; i < len; i++) {
		list[i].value += 0.0;	/* -0 is 0 */
		for (d = 0; d < DIGITS; d++)
			count[d][digit_of(list[i].value, d)]++;
	}
	to = spare = xcalloc(len, sizeof(*spare));
	for (d = 0; d < DIGITS; d++) {
		if (count[d][digit_of(list[0].value, d)] == len)
			continue;
		sort_by_digit(from, to, len, d, count[d]);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != list)
		memcpy(list, from, len * sizeof(*list));
	free(spare);
}

double
between(double a, double b, double part)
{
	return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

double
quantile(const struct keyed *sorted, size_t len, double part)
{
	double at = part * (double)(len - 1);
	size_t i = (size_t)at;

	return between(sorted[i].value, sorted[MIN(i + 1, len - 1)].value,
	    at - floor(at));
}

/* ---- of a group ---- */

bool
group_figures(const struct jobs *js, const struct group *g, enum measure m,
    double out[FIGURES])
{
	struct keyed *list = xcalloc(g->len + 1, sizeof(*list));
	double sum = 0, value;
	size_t i, len = 0;
	int f;

	for (i = 0; i < g->len; i++) {
		value = job_measure(&js->list[g->ended[i]], m);
		if (value < 0)
			continue;
		sum += value;
		list[len++].value = value;
	}
	if (len > 0) {
		keyed_sort(list, len);
		out[MEAN] = sum / (double)len;
		for (f = P50; f < LARGEST; f++)
			out[f] = quantile(list, len, figure_parts[f]);
		out[LARGEST] = list[len - 1].value;
	}
	free(list);
	return len > 0;
}

/* What all rounds took between two times. */
static double
rounds_used_s(const struct jobs *js, double from, double to, enum thing thing)
{
	double used_s = 0, until;
	size_t i;

	for (i = 0; i < js->steps_len; i++) {
		until = i + 1 < js->steps_len ? js->steps[i + 1].at : to;
		used_s += js->steps[i].size[thing] * MAX(0, MIN(until, to) -
		    MAX(js->steps[i].at, from));
	}
	return used_s;
}

double
group_utilisation(const struct jobs *js, const struct group *g,
    enum thing thing, bool whole)
{
	double span_s = g->last_end - g->first_submit, used_s;

	if (g->len == 0 || js->total[thing] <= 0 || span_s <= 0)
		return NOT_KNOWN;
	if (js->steps_len > 0 && whole)
		used_s = rounds_used_s(js, g->first_submit, g->last_end,
		    thing);
	else if (g->preemptions > 0 || js->steps_len > 0)
		return NOT_KNOWN;	/* who paused when, nobody says */
	else
		used_s = g->used_s[thing];
	return used_s / (js->total[thing] * span_s);
}
