/*
 * usage.c - the cluster over time: how many jobs wait and run, and what they
 * hold, as averages of intervals.
 */
#include <math.h>
#include <stdlib.h>

#include "stats.h"
#include "xalloc.h"

enum what { PRESENT, RUNNING, HELD, WHATS = HELD + THINGS };

/*
 * Sums of value times seconds for each interval. What covers whole intervals
 * is kept as the steps between them, so that a job costs the same however long
 * it is.
 */
struct axis {
	double from, to, span_s;
	size_t len;
	double *part[WHATS];	/* in intervals that are covered in part */
	double *step[WHATS];	/* from this interval on, as a height */
};

static double
begins(const struct axis *x, size_t i)
{
	return x->from + (double)i * x->span_s;
}

static void
axis_init(struct axis *x)
{
	int w;

	for (w = 0; w < WHATS; w++) {
		x->part[w] = xcalloc(x->len + 1, sizeof(double));
		x->step[w] = xcalloc(x->len + 1, sizeof(double));
	}
}

static void
axis_release(struct axis *x)
{
	int w;

	for (w = 0; w < WHATS; w++) {
		free(x->part[w]);
		free(x->step[w]);
	}
}

static void
axis_add(struct axis *x, enum what w, double from, double to, double value)
{
	size_t a, b;

	from = MAX(from, x->from) - x->from;
	to = MIN(to, x->to) - x->from;
	if (from >= to || value <= 0)
		return;
	a = MIN((size_t)(from / x->span_s), x->len - 1);
	b = MIN((size_t)(to / x->span_s), x->len - 1);
	if (a == b) {
		x->part[w][a] += value * (to - from);
		return;
	}
	x->part[w][a] += value * ((double)(a + 1) * x->span_s - from);
	x->step[w][a + 1] += value;
	x->step[w][b] -= value;
	x->part[w][b] += value * (to - (double)b * x->span_s);
}

/* ---- what is added ---- */

static void
add_held(struct axis *x, double from, double to, double running,
    const double size[THINGS])
{
	int i;

	axis_add(x, RUNNING, from, to, running);
	for (i = 0; i < THINGS; i++)
		axis_add(x, HELD + i, from, to, size[i]);
}

static void
add_job(struct axis *x, const struct jobs *js, const struct job *j,
    bool rounds)
{
	double end_at = j->end_at >= 0 ? j->end_at : js->last_at;

	axis_add(x, PRESENT, j->submit_at, end_at, 1);
	if (!rounds && j->start_at >= 0)
		add_held(x, j->start_at, end_at, 1, j->size);
}

static void
add_rounds(struct axis *x, const struct jobs *js)
{
	double until;
	size_t i;

	for (i = 0; i < js->steps_len; i++) {
		until = i + 1 < js->steps_len ? js->steps[i + 1].at : x->to;
		add_held(x, js->steps[i].at, until, js->steps[i].running,
		    js->steps[i].size);
	}
}

/* ---- the answer ---- */

/*
 * What is left when all that was added up is taken away again need not be 0,
 * where there are fractions.
 */
static double
not_less(double value)
{
	return value < 1e-9 ? 0 : value;
}

/* Sums into averages. held: who held what is known. */
static struct usage *
averages(struct axis *x, const bool sized[THINGS], bool held)
{
	struct usage *out = xcalloc(x->len + 1, sizeof(*out)), *u;
	double height[WHATS] = { 0 }, mean[WHATS];
	size_t i;
	int w;

	for (i = 0; i < x->len; i++) {
		u = &out[i];
		u->at = begins(x, i);
		u->span_s = MIN(x->span_s, x->to - u->at);
		for (w = 0; w < WHATS; w++) {
			height[w] = not_less(height[w] + x->step[w][i]);
			mean[w] = (x->part[w][i] + height[w] * u->span_s) /
			    u->span_s;
		}
		u->jobs = mean[PRESENT];
		u->running = held ? mean[RUNNING] : NOT_KNOWN;
		u->queued = held ? not_less(mean[PRESENT] - mean[RUNNING]) :
		    NOT_KNOWN;
		for (w = 0; w < THINGS; w++)
			u->size[w] = held && sized[w] ? mean[HELD + w] :
			    NOT_KNOWN;
	}
	return out;
}

ssize_t
usage_of(const struct jobs *js, const struct group *g, double span_s,
    bool whole, struct usage **out, struct err *e)
{
	struct axis x = {
		.from = g->first_submit, .to = g->last_end, .span_s = span_s,
	};
	bool rounds = js->steps_len > 0, sized[THINGS];
	double len = ceil((x.to - x.from) / span_s);
	size_t i;

	*out = NULL;
	if (g->len == 0 || len < 1)
		return 0;
	if (len > USAGE_MAX)
		return err_perm(e, "--interval: %.0f intervals of %g s are "
		    "more than %d", len, span_s, USAGE_MAX);
	x.len = (size_t)len;
	while (x.len > 1 && begins(&x, x.len - 1) >= x.to)
		x.len--;	/* the quotient was rounded up */
	axis_init(&x);
	for (i = 0; i < js->len && whole; i++)
		add_job(&x, js, &js->list[i], rounds);
	for (i = 0; i < g->len && !whole; i++)
		add_job(&x, js, &js->list[g->ended[i]], rounds);
	for (i = 0; i < g->others_len && !whole; i++)
		add_job(&x, js, &js->list[g->others[i]], rounds);
	if (rounds)
		add_rounds(&x, js);
	for (i = 0; i < THINGS; i++)
		sized[i] = g->sized[i] || rounds;
	*out = averages(&x, sized, rounds ? whole : !(g->preemptions > 0));
	axis_release(&x);
	return (ssize_t)x.len;
}
