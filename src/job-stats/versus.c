/*
 * versus.c - the difference between two runs of the same jobs, and how sure it
 * is: a paired bootstrap.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "stats.h"
#include "xalloc.h"

/* A measure of all pairs: what they are here and there, each also by size. */
struct pairs {
	size_t len;
	double *diff;		/* here less there */
	struct keyed *here, *there;
	uint32_t *drawn;	/* how often each is in the resample */
};

int
versus_init(struct versus *v, const struct jobs *other, const struct group *g,
    struct err *e)
{
	size_t i;

	v->other = other;
	v->by_id = xcalloc(g->len + 1, sizeof(*v->by_id));
	v->taken = xcalloc(g->len + 1, sizeof(*v->taken));
	for (; v->len < g->len; v->len++)
		v->by_id[v->len] = (struct keyed){
			(double)other->list[g->ended[v->len]].id,
			g->ended[v->len]
		};
	keyed_sort(v->by_id, v->len);
	for (i = 1; i < v->len; i++)
		if (v->by_id[i].value <= v->by_id[i - 1].value)
			return err_perm(e, "job %.0f is there twice",
			    v->by_id[i].value);
	return 0;
}

/* Its place in by_id, or len. */
static size_t
find(const struct versus *v, int64_t id)
{
	size_t low = 0, high = v->len, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (v->by_id[mid].value < (double)id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < v->len && v->by_id[low].value <= (double)id ? low :
	    v->len;
}

/* ---- one resample ---- */

static void
draw(struct pairs *p, struct rng *rng)
{
	size_t i;

	memset(p->drawn, 0, p->len * sizeof(*p->drawn));
	for (i = 0; i < p->len; i++)
		p->drawn[rng_below(rng, (uint32_t)p->len)]++;
}

/* The value at that place of a resample, counted from the smallest. */
static double
drawn_value(const struct pairs *p, const struct keyed *sorted, size_t place,
    size_t *i, size_t *left)
{
	while (*left > place)
		*left -= p->drawn[sorted[--*i].at];
	return sorted[*i].value;
}

/* P50 to P999 of a resample, each sought from its largest down. */
static void
drawn_percentiles(const struct pairs *p, const struct keyed *sorted,
    double out[LARGEST])
{
	size_t i, left, place;
	double above, at;
	int f;

	for (f = P50; f < LARGEST; f++) {
		i = left = p->len;
		at = figure_parts[f] * (double)(p->len - 1);
		place = (size_t)at;
		above = drawn_value(p, sorted, MIN(place + 1, p->len - 1), &i,
		    &left);
		out[f] = between(drawn_value(p, sorted, place, &i, &left),
		    above, at - floor(at));
	}
}

static void
difference(const struct pairs *p, double out[LARGEST])
{
	double there[LARGEST], sum = 0;
	size_t i;
	int f;

	for (i = 0; i < p->len; i++)
		sum += p->drawn[i] * p->diff[i];
	drawn_percentiles(p, p->here, out);
	drawn_percentiles(p, p->there, there);
	for (f = P50; f < LARGEST; f++)
		out[f] -= there[f];
	out[MEAN] = sum / (double)p->len;
}

/* ---- all of them ---- */

static int
by_value(const void *a, const void *b)
{
	double x = ((const struct keyed *)a)->value;
	double y = ((const struct keyed *)b)->value;

	return (x > y) - (x < y);
}

static void
resample(struct pairs *p, const struct versus *v,
    struct difference out[LARGEST])
{
	size_t len = (size_t)v->resamples, i;
	struct keyed *all[LARGEST];
	double one[LARGEST];
	struct rng rng;
	int f;

	for (i = 0; i < p->len; i++)
		p->drawn[i] = 1;	/* as they are */
	difference(p, one);
	for (f = 0; f < LARGEST; f++) {
		out[f].diff = one[f];
		all[f] = xcalloc(len, sizeof(**all));
	}
	rng_seed(&rng, v->seed);
	for (i = 0; i < len; i++) {
		draw(p, &rng);
		difference(p, one);
		for (f = 0; f < LARGEST; f++)
			all[f][i].value = one[f];
	}
	for (f = 0; f < LARGEST; f++) {
		qsort(all[f], len, sizeof(**all), by_value);
		out[f].low = quantile(all[f], len, 0.025);
		out[f].high = quantile(all[f], len, 0.975);
		free(all[f]);
	}
}

/* The pairs of a group, as places in both lists. */
static int
match(struct versus *v, const struct jobs *js, const struct group *g,
    struct compared *out, uint32_t *here, uint32_t *there, struct err *e)
{
	const struct job *j;
	size_t i, at;

	for (i = 0; i < g->len; i++) {
		j = &js->list[g->ended[i]];
		at = find(v, j->id);
		if (at == v->len) {
			out->unmatched++;
			continue;
		}
		if (v->taken[at])
			return err_perm(e, "job %lld is there twice",
			    (long long)j->id);
		v->taken[at] = true;
		here[out->matched] = g->ended[i];
		there[out->matched++] = v->by_id[at].at;
	}
	return 0;
}

/* Whether the measure is known of all pairs. */
static bool
fill(struct pairs *p, enum measure m, const struct jobs *js,
    const struct jobs *other, const uint32_t *here, const uint32_t *there)
{
	double a, b;
	size_t i;

	for (i = 0; i < p->len; i++) {
		a = job_measure(&js->list[here[i]], m);
		b = job_measure(&other->list[there[i]], m);
		if (a < 0 || b < 0)
			return false;
		p->here[i] = (struct keyed){ a, (uint32_t)i };
		p->there[i] = (struct keyed){ b, (uint32_t)i };
		p->diff[i] = a - b;
	}
	keyed_sort(p->here, p->len);
	keyed_sort(p->there, p->len);
	return p->len > 0;
}

int
versus_group(struct versus *v, const struct jobs *js, const struct group *g,
    struct compared *out, struct err *e)
{
	uint32_t *here = xcalloc(g->len + 1, sizeof(*here));
	uint32_t *there = xcalloc(g->len + 1, sizeof(*there));
	struct pairs p = { 0 };
	int m, rc;

	*out = (struct compared){ 0 };
	rc = match(v, js, g, out, here, there, e);
	p.len = rc < 0 ? 0 : out->matched;
	p.diff = xcalloc(p.len + 1, sizeof(*p.diff));
	p.here = xcalloc(p.len + 1, sizeof(*p.here));
	p.there = xcalloc(p.len + 1, sizeof(*p.there));
	p.drawn = xcalloc(p.len + 1, sizeof(*p.drawn));
	for (m = 0; m < MEASURES; m++) {
		out->known[m] = fill(&p, m, js, v->other, here, there);
		if (out->known[m])
			resample(&p, v, out->of[m]);
	}
	free(p.diff);
	free(p.here);
	free(p.there);
	free(p.drawn);
	free(here);
	free(there);
	return rc;
}

size_t
versus_left(const struct versus *v)
{
	size_t i, left = 0;

	for (i = 0; i < v->len; i++)
		left += !v->taken[i];
	return left;
}
