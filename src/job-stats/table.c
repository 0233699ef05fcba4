/*
 * table.c - answers as tables for people: times as days, hours, minutes and
 * seconds, other numbers with commas, nothing wider than 80 columns.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "stats.h"

enum { CELL_SIZE = 32, DAY_S = 86400, DATES_FROM = 500000000 };

/* "12,345.67" of a number that is not negative. */
static const char *
grouped(char *cell, double value, int decimals)
{
	char plain[CELL_SIZE];
	size_t len, whole, i, at = 0;

	if (snprintf(plain, sizeof(plain), "%.*f", decimals, value) >=
	    (int)sizeof(plain))
		(void)snprintf(plain, sizeof(plain), "%.6g", value);
	len = strlen(plain);
	whole = strspn(plain, "0123456789");
	for (i = 0; i < len && at < CELL_SIZE - 2; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0)
			cell[at++] = ',';
		cell[at++] = plain[i];
	}
	cell[at] = '\0';
	return cell;
}

/* "0s", "12.34s", "1:02:03", "4d 05:06:07", "1,234d 05:06" */
static const char *
duration(char *cell, double s)
{
	int64_t whole = (int64_t)(s + 0.5), days = whole / DAY_S;
	int hours = (int)(whole % DAY_S / 3600), min = (int)(whole / 60 % 60);
	int sec = (int)(whole % 60);
	char text[CELL_SIZE];

	if (s < 59.995)
		(void)snprintf(cell, CELL_SIZE, s == floor(s) ? "%.0fs" :
		    "%.2fs", s);
	else if (days == 0)
		(void)snprintf(cell, CELL_SIZE, "%d:%02d:%02d", hours, min,
		    sec);
	else if (days < 1000)
		(void)snprintf(cell, CELL_SIZE, "%dd %02d:%02d:%02d",
		    (int)days, hours, min, sec);
	else
		(void)snprintf(cell, CELL_SIZE, "%.20sd %02d:%02d",
		    grouped(text, (double)days, 0), hours, min);
	return cell;
}

static bool
is_time(enum measure m)
{
	const char *key = measure_keys[m];

	return strcmp(key + strlen(key) - 2, "_s") == 0;
}

/* What a measure is called, and one of its values. */
static void
label(enum measure m)
{
	(void)printf("%-9.*s", (int)(strlen(measure_keys[m]) -
	    (is_time(m) ? 2 : 0)), measure_keys[m]);
}

static const char *
value_of(char *cell, enum measure m, double value)
{
	return is_time(m) ? duration(cell, value) :
	    grouped(cell, value, value < 1e6 ? 2 : 0);
}

static void
head(const struct jobs *js, const struct group *g, bool whole)
{
	static const char *const names[THINGS] = { "processors", "GPUs" };
	char cell[CELL_SIZE];
	double util;
	int i;

	if (g->values[0] != '\0')
		(void)printf("{%s}\n", g->values);
	(void)printf("%s %s ended", grouped(cell, (double)g->len, 0),
	    g->len == 1 ? "job has" : "jobs have");
	(void)printf(", %s %s not\n", grouped(cell, (double)g->others_len,
	    0), g->others_len == 1 ? "has" : "have");
	if (g->len > 0)
		(void)printf("%s from the first submission to the last end\n",
		    duration(cell, g->last_end - g->first_submit));
	for (i = 0; i < THINGS; i++) {
		util = group_utilisation(js, g, (enum thing)i, whole);
		if (util >= 0)
			(void)printf("%.1f %% of the %s in use\n", 100 * util,
			    names[i]);
	}
	if (g->preemptions >= 0)
		(void)printf("%s preemptions\n", grouped(cell, g->preemptions,
		    0));
}

static void
measures(const struct jobs *js, const struct group *g)
{
	char cell[CELL_SIZE];
	double out[FIGURES];
	int i, f;

	(void)printf("\n%-9s %12s %12s %12s %12s %12s\n", "", "mean",
	    "p50", "p99", "p99.9", "max");
	for (i = 0; i < MEASURES; i++) {
		if (!group_figures(js, g, (enum measure)i, out))
			continue;
		label((enum measure)i);
		for (f = 0; f < FIGURES; f++)
			(void)printf(" %12s", value_of(cell, (enum measure)i,
			    out[f]));
		(void)putchar('\n');
	}
}

static void
difference(enum measure m, double value)
{
	char cell[CELL_SIZE], with_sign[CELL_SIZE + 1];

	(void)snprintf(with_sign, sizeof(with_sign), "%s%s", value < 0 ? "-" :
	    "+", value_of(cell, m, fabs(value)));
	(void)printf(" %15s", with_sign);
}

static void
versus(const struct versus *v, const struct compared *c)
{
	static const char *const names[] = { "mean", "p50", "p99", "p99.9" };
	char cell[CELL_SIZE];
	int m, f;

	(void)printf("\n%s jobs are in both runs", grouped(cell,
	    (double)c->matched, 0));
	(void)printf(", %s only here; the difference, and where 95 %%\n",
	    grouped(cell, (double)c->unmatched, 0));
	(void)printf("of %s resamples lie:\n\n", grouped(cell,
	    (double)v->resamples, 0));
	(void)printf("%-16s %15s %15s %15s\n", "", "difference", "from", "to");
	for (m = 0; m < MEASURES; m++)
		for (f = 0; f < LARGEST && c->known[m]; f++) {
			if (f == 0)
				label((enum measure)m);
			(void)printf("%*s%-6s", f == 0 ? 1 : 10, "",
			    names[f]);
			difference((enum measure)m, c->of[m][f].diff);
			difference((enum measure)m, c->of[m][f].low);
			difference((enum measure)m, c->of[m][f].high);
			(void)putchar('\n');
		}
}

/* A part of the cluster, or a dash. */
static void
part(double used, double total)
{
	if (used < 0 || total <= 0)
		(void)printf(" %9s", "-");
	else
		(void)printf(" %7.1f %%", 100 * used / total);
}

/* A date where the clock is that of the calendar; else how long it runs. */
static const char *
moment(char *cell, double at)
{
	if (at < DATES_FROM)
		return duration(cell, at);
	(void)clock_rfc3339((int64_t)at * 1000, cell, CELL_SIZE);
	cell[10] = ' ';
	cell[19] = '\0';
	return cell;
}

static void
over_time(const struct jobs *js, const struct usage *list, size_t len)
{
	char cell[CELL_SIZE];
	size_t i;

	(void)printf("\n%-20s %12s %12s %9s %9s\n", list[0].at < DATES_FROM ?
	    "from" : "from (UTC)", "running", "queued", "CPUs", "GPUs");
	for (i = 0; i < len; i++) {
		(void)printf("%-20s", moment(cell, list[i].at));
		if (list[i].running < 0) {
			(void)printf(" %12s %12s", "-", "-");
		} else {
			(void)printf(" %12s", grouped(cell, list[i].running,
			    1));
			(void)printf(" %12s", grouped(cell, list[i].queued,
			    1));
		}
		part(list[i].size[CPUS], js->total[CPUS]);
		part(list[i].size[GPUS], js->total[GPUS]);
		(void)putchar('\n');
	}
}

void
table_say(const struct jobs *js, const struct group *g,
    const struct say_options *o, const struct compared *c,
    const struct usage *usage, size_t len)
{
	head(js, g, o->whole);
	measures(js, g);
	if (o->versus != NULL)
		versus(o->versus, c);
	if (len > 0)
		over_time(js, usage, len);
}
