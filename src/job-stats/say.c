/*
 * say.c - answers: `stats` and `usage` records, or a table for people.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "flat.h"
#include "nd.h"
#include "stats.h"

static const char *const thing_keys[THINGS] = { "cpus", "gpus" };

static void
check(int rc)
{
	if (rc < 0)
		die(ST_TEMP, "a record: %s", strerror(errno));
}

/* ---- records ---- */

/* An object of those of the numbers that are known; none, if none is. */
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
put_group(struct buf *b, const struct group *g)
{
	struct buf in = BUF_INIT(ND_LINE_MAX);

	if (g->values[0] == '\0')
		return;
	check(buf_addf(&in, "{%s}", g->values));
	check(flat_put_raw(b, "group", in.data, in.len));
	buf_release(&in);
}

/* "mean":{"diff":1,"low":0,"high":2}, and so on. */
static void
put_differences(struct buf *b, const char *key,
    const struct difference of[LARGEST])
{
	struct buf in = BUF_INIT(4096), one = BUF_INIT(4096);
	int f;

	check(buf_addc(&in, '{'));
	for (f = 0; f < LARGEST; f++) {
		buf_cut(&one, 0);
		check(buf_addc(&one, '{'));
		check(flat_put_number(&one, "diff", of[f].diff));
		check(flat_put_number(&one, "low", of[f].low));
		check(flat_put_number(&one, "high", of[f].high));
		check(buf_addc(&one, '}'));
		check(flat_put_raw(&in, figure_keys[f], one.data, one.len));
	}
	check(buf_addc(&in, '}'));
	check(flat_put_raw(b, key, in.data, in.len));
	buf_release(&in);
	buf_release(&one);
}

static void
put_versus(struct buf *b, const struct versus *v, const struct compared *c)
{
	struct buf in = BUF_INIT(65536);
	int m;

	check(buf_addc(&in, '{'));
	check(flat_put_int(&in, "matched", (int64_t)c->matched));
	check(flat_put_int(&in, "unmatched", (int64_t)c->unmatched));
	check(flat_put_int(&in, "resamples", v->resamples));
	check(flat_put_int(&in, "seed", (int64_t)v->seed));
	for (m = 0; m < MEASURES; m++)
		if (c->known[m])
			put_differences(&in, measure_keys[m], c->of[m]);
	check(buf_addc(&in, '}'));
	check(flat_put_raw(b, "vs", in.data, in.len));
	buf_release(&in);
}

static void
say_record(const struct jobs *js, const struct group *g,
    const struct say_options *o, const struct compared *c)
{
	struct buf b = BUF_INIT(2 * ND_LINE_MAX);
	double out[FIGURES], util[THINGS];
	int i;

	check(buf_adds(&b, "{\"kind\":\"stats\""));
	put_group(&b, g);
	check(flat_put_int(&b, "count", (int64_t)g->len));
	check(flat_put_int(&b, "unfinished", (int64_t)g->unfinished));
	for (i = 0; i < MEASURES; i++)
		if (group_figures(js, g, (enum measure)i, out))
			put_object(&b, measure_keys[i], figure_keys, out,
			    FIGURES);
	if (g->len > 0)
		check(flat_put_number(&b, "makespan_s", g->last_end -
		    g->first_submit));
	for (i = 0; i < THINGS; i++)
		util[i] = group_utilisation(js, g, (enum thing)i, o->whole);
	put_object(&b, "util", thing_keys, util, THINGS);
	if (g->preemptions >= 0)
		check(flat_put_number(&b, "preemptions", g->preemptions));
	if (o->versus != NULL)
		put_versus(&b, o->versus, c);
	(void)printf("%s}\n", b.data);
	buf_release(&b);
}

static void
usage_record(const struct jobs *js, const struct group *g,
    const struct usage *u)
{
	struct buf b = BUF_INIT(2 * ND_LINE_MAX);
	double util[THINGS];
	int i;

	check(buf_adds(&b, "{\"kind\":\"usage\""));
	put_group(&b, g);
	check(flat_put_number(&b, "at", u->at));
	check(flat_put_number(&b, "span_s", u->span_s));
	check(flat_put_number(&b, "jobs", u->jobs));
	if (u->running >= 0) {
		check(flat_put_number(&b, "running", u->running));
		check(flat_put_number(&b, "queued", u->jobs - u->running));
	}
	for (i = 0; i < THINGS; i++) {
		util[i] = NOT_KNOWN;
		if (u->size[i] < 0)
			continue;
		check(flat_put_number(&b, thing_keys[i], u->size[i]));
		if (js->total[i] > 0)
			util[i] = u->size[i] / js->total[i];
	}
	put_object(&b, "util", thing_keys, util, THINGS);
	(void)printf("%s}\n", b.data);
	buf_release(&b);
}

/* ---- tables ---- */

static void
table_head(const struct jobs *js, const struct group *g, bool whole)
{
	static const char *const names[THINGS] = { "processors", "GPUs" };
	double util;
	int i;

	if (g->values[0] != '\0')
		(void)printf("{%s}\n", g->values);
	(void)printf("%zu jobs ended, %llu have not", g->len,
	    (unsigned long long)g->unfinished);
	if (g->len > 0)
		(void)printf("; %.0f s from first to last", g->last_end -
		    g->first_submit);
	for (i = 0; i < THINGS; i++) {
		util = group_utilisation(js, g, (enum thing)i, whole);
		if (util >= 0)
			(void)printf("; %.1f %% of the %s", 100 * util,
			    names[i]);
	}
	if (g->preemptions >= 0)
		(void)printf("; %.0f preemptions", g->preemptions);
	(void)putchar('\n');
}

static void
table_versus(const struct versus *v, const struct compared *c)
{
	static const char *const names[] = { "mean", "p50", "p99", "p99.9" };
	int m, f;

	(void)printf("\n%zu jobs are in both runs, %zu only here; the "
	    "difference, and where 95 %% of %lld\nresamples lie:\n\n",
	    c->matched, c->unmatched, (long long)v->resamples);
	(void)printf("%-9s %-6s %14s %14s %14s\n", "", "", "difference",
	    "from", "to");
	for (m = 0; m < MEASURES; m++)
		for (f = 0; f < LARGEST && c->known[m]; f++)
			(void)printf("%-9s %-6s %+14.2f %+14.2f %+14.2f\n",
			    f == 0 ? measure_keys[m] : "", names[f],
			    c->of[m][f].diff, c->of[m][f].low,
			    c->of[m][f].high);
}

static void
say_table(const struct jobs *js, const struct group *g,
    const struct say_options *o, const struct compared *c)
{
	double out[FIGURES];
	int i, f;

	table_head(js, g, o->whole);
	(void)printf("\n%-9s %12s %12s %12s %12s %12s\n", "", "mean",
	    "p50", "p99", "p99.9", "max");
	for (i = 0; i < MEASURES; i++) {
		if (!group_figures(js, g, (enum measure)i, out))
			continue;
		(void)printf("%-9s", measure_keys[i]);
		for (f = 0; f < FIGURES; f++)
			(void)printf(" %12.2f", out[f]);
		(void)putchar('\n');
	}
	if (o->versus != NULL)
		table_versus(o->versus, c);
}

/* A part of the cluster, or a dash. */
static void
table_part(double used, double total)
{
	if (used < 0 || total <= 0)
		(void)printf(" %7s", "-");
	else
		(void)printf(" %6.1f%%", 100 * used / total);
}

static void
table_usage(const struct jobs *js, const struct usage *list, size_t len)
{
	size_t i;

	(void)printf("\n%12s %10s %10s %7s %7s\n", "at", "running",
	    "queued", "cpus", "gpus");
	for (i = 0; i < len; i++) {
		(void)printf("%12.0f", list[i].at);
		if (list[i].running < 0)
			(void)printf(" %10s %10s", "-", "-");
		else
			(void)printf(" %10.1f %10.1f", list[i].running,
			    list[i].jobs - list[i].running);
		table_part(list[i].size[CPUS], js->total[CPUS]);
		table_part(list[i].size[GPUS], js->total[GPUS]);
		(void)putchar('\n');
	}
}

int
say_group(const struct jobs *js, const struct group *g,
    const struct say_options *o, struct err *e)
{
	struct compared c = { 0 };
	struct usage *usage = NULL;
	ssize_t len = 0, i;

	if (o->versus != NULL && versus_group(o->versus, js, g, &c, e) < 0)
		return -1;
	if (o->interval_s > 0)
		len = usage_of(js, g, o->interval_s, o->whole, &usage, e);
	if (len < 0)
		return -1;
	(o->table ? say_table : say_record)(js, g, o, &c);
	if (o->table && len > 0)
		table_usage(js, usage, (size_t)len);
	for (i = 0; i < len && !o->table; i++)
		usage_record(js, g, &usage[i]);
	free(usage);
	return 0;
}
