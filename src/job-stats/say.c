/*
 * say.c - answers: `stats` and `usage` records; or tables, which are table.c's.
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
	check(flat_put_int(&b, "unfinished", (int64_t)g->others_len));
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
		check(flat_put_number(&b, "queued", u->queued));
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
	if (o->table)
		table_say(js, g, o, &c, usage, (size_t)len);
	else
		say_record(js, g, o, &c);
	for (i = 0; i < len && !o->table; i++)
		usage_record(js, g, &usage[i]);
	free(usage);
	return 0;
}
