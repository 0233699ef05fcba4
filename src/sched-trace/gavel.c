/*
 * gavel.c - the traces of Gavel's simulator (Narayanan et al., OSDI 2020) and
 * of those that grew from it: a line a job, tabs between fields. Which fields
 * there are has changed over time, and their number tells which.
 */
#include "trace.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS_MAX = 11, MODEL_MAX = 128 };

enum field { TYPE, STEPS, ARRIVAL, SCALE, MODE, WEIGHT, SLO, USED };

/* Where each field is; -1: such a trace has none. */
static const struct layout {
	size_t fields;
	int at[USED];
} layouts[] = {
	{ 6, { 0, 3, 4, 5, -1, -1, -1 } },
	{ 7, { 0, 4, 5, 6, -1, -1, -1 } },	/* needs_data_dir */
	{ 9, { 0, 4, 8, 5, -1, 6, 7 } },	/* priority weight and SLO */
	{ 10, { 0, 5, 9, 6, -1, 7, 8 } },	/* working_directory */
	{ 11, { 0, 5, 10, 6, 7, 8, 9 } },	/* mode: Shockwave's */
};

/* "ResNet-18 (batch size 64)" */
static int
read_type(struct job *j, char *type, struct err *e)
{
	static const char batch[] = " (batch size ";
	char *p = strstr(type, batch), *end;

	if (p != NULL) {
		*p = '\0';
		p += strlen(batch);
		end = strchr(p, ')');
		if (end == NULL || end[1] != '\0')
			return err_perm(e, "field 1: the batch size does not "
			    "end with ')'");
		*end = '\0';
		if (line_whole(p, &j->n[JOB_BATCH]) < 0)
			return err_perm(e, "field 1: '%s' is not a batch size",
			    p);
	}
	if (*type == '\0' || strlen(type) >= MODEL_MAX)
		return err_perm(e, "field 1: no job type, or one of more than "
		    "%d bytes", MODEL_MAX - 1);
	j->t[JOB_MODEL] = type;
	return 0;
}

/* "-1", "-1.000000" */
static bool
is_none(const char *s)
{
	return strncmp(s, "-1", 2) == 0 && (s[2] == '\0' || (s[2] == '.' &&
	    s[3 + strspn(s + 3, "0")] == '\0'));
}

static int
read_number(struct job *j, int to, char *const *fields, int at, bool whole,
    struct err *e)
{
	if (at < 0)
		return 0;
	if (whole && line_whole(fields[at], &j->n[to]) < 0)
		return err_perm(e, "field %d: '%s' is not a whole number of 0 "
		    "to 2^53", at + 1, fields[at]);
	if (!whole && !is_none(fields[at]) &&
	    line_number(fields[at], &j->n[to]) < 0)
		return err_perm(e, "field %d: '%s' is neither -1 nor a number "
		    "of 0 to 2^53", at + 1, fields[at]);
	return 0;
}

static int
read_row(struct job *j, const struct layout *l, char **fields, struct err *e)
{
	if (read_type(j, fields[l->at[TYPE]], e) < 0 ||
	    read_number(j, JOB_ITERS, fields, l->at[STEPS], true, e) < 0 ||
	    read_number(j, JOB_SUBMIT, fields, l->at[ARRIVAL], false, e) < 0 ||
	    read_number(j, JOB_GPUS, fields, l->at[SCALE], true, e) < 0 ||
	    read_number(j, JOB_WEIGHT, fields, l->at[WEIGHT], false, e) < 0 ||
	    read_number(j, JOB_SLO, fields, l->at[SLO], false, e) < 0)
		return -1;
	if (j->n[JOB_SUBMIT] < 0)
		return err_perm(e, "field %d: the arrival is not known",
		    l->at[ARRIVAL] + 1);
	if (l->at[MODE] >= 0)
		j->t[JOB_MODE] = fields[l->at[MODE]];
	j->n[JOB_CPUS] = j->n[JOB_GPUS] * (double)opt.cpus_per_gpu;
	return 0;
}

static const struct layout *
find_layout(size_t fields)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(layouts); i++)
		if (layouts[i].fields == fields)
			return &layouts[i];
	return NULL;
}

static int
take_line(struct job *j, const struct layout **l, char *line, size_t len,
    char **fields, struct err *e)
{
	size_t n;

	if (!flat_utf8(line, len))
		return err_perm(e, "this row is not UTF-8");
	n = line_split(line, '\t', fields, FIELDS_MAX);
	if (*l == NULL)
		*l = find_layout(n);
	if (*l == NULL)
		return err_perm(e, "%zu fields where Gavel's traces have 6, "
		    "7, 9, 10 or 11", n);
	if (n != (*l)->fields)
		return err_perm(e, "%zu fields where the lines before have "
		    "%zu", n, (*l)->fields);
	return read_row(j, *l, fields, e);
}

void
gavel_read(struct nd_in *in)
{
	struct buf b = BUF_INIT(8 * ND_LINE_MAX);
	const struct layout *l = NULL;
	char *fields[FIELDS_MAX], *line;
	double id = 0;
	struct job j;
	struct err e;
	size_t len;

	for (; line_next(in, &line, &len); id++) {
		job_clear(&j);
		j.n[JOB_ID] = id;
		if (take_line(&j, &l, line, len, fields, &e) < 0)
			line_odd(in, &e);
		else
			job_write(&b, &j, in);
	}
	buf_release(&b);
}
