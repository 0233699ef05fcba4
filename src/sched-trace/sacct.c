/*
 * sacct.c - what `sacct -P` prints: a line of column names, then one line a
 * job or step, "|" between fields. The columns may be any, in any order.
 */
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "die.h"
#include "num.h"
#include "rec.h"

enum { COLUMNS_MAX = 200 };

enum column {
	ID, ID_RAW, NAME, USER, ACCOUNT, PARTITION, QOS, STATE, EXIT_CODE,
	NODES, WORKDIR, COMMENT, SUBMIT, ELIGIBLE, START, END, ELAPSED_RAW,
	ELAPSED, LIMIT_RAW, LIMIT, ALLOC_CPUS, NCPUS, REQ_CPUS, ALLOC_TRES,
	REQ_TRES, NODE_COUNT, RESTARTS, KNOWN
};

/* Name of the column; the member that is its text, where it is just copied. */
static const struct { const char *name, *key; } known[KNOWN] = {
	[ID] = { "JobID", NULL }, [ID_RAW] = { "JobIDRaw", NULL },
	[NAME] = { "JobName", "name" }, [USER] = { "User", "user" },
	[ACCOUNT] = { "Account", "account" },
	[PARTITION] = { "Partition", "partition" }, [QOS] = { "QOS", "qos" },
	[STATE] = { "State", "state" },
	[EXIT_CODE] = { "ExitCode", "exit_code" },
	[NODES] = { "NodeList", "nodes" },
	[WORKDIR] = { "WorkDir", "workdir" },
	[COMMENT] = { "Comment", "comment" },
	[SUBMIT] = { "Submit", NULL }, [ELIGIBLE] = { "Eligible", NULL },
	[START] = { "Start", NULL }, [END] = { "End", NULL },
	[ELAPSED_RAW] = { "ElapsedRaw", NULL },
	[ELAPSED] = { "Elapsed", NULL },
	[LIMIT_RAW] = { "TimelimitRaw", NULL },
	[LIMIT] = { "Timelimit", NULL },
	[ALLOC_CPUS] = { "AllocCPUS", NULL }, [NCPUS] = { "NCPUS", NULL },
	[REQ_CPUS] = { "ReqCPUS", NULL },
	[ALLOC_TRES] = { "AllocTRES", NULL },
	[REQ_TRES] = { "ReqTRES", NULL }, [NODE_COUNT] = { "NNodes", NULL },
	[RESTARTS] = { "Restarts", NULL },
};

/* Where each known column is in a row; -1: it is not there. */
struct layout {
	size_t columns;
	int at[KNOWN];
};

/* Numbers of a job; -1: not known. */
struct job {
	int64_t id, array_id, task_id, submit_at, eligible_at, start_at,
	    end_at, run_s, limit_s, cpus, gpus, mem_mb, node_count, restarts;
};

static int
read_layout(struct layout *l, char *line, struct err *e)
{
	char *fields[COLUMNS_MAX];
	size_t i, k;

	l->columns = line_split(line, '|', fields, COLUMNS_MAX);
	if (l->columns > COLUMNS_MAX)
		return err_perm(e, "more than %d columns", COLUMNS_MAX);
	for (k = 0; k < KNOWN; k++) {
		l->at[k] = -1;
		for (i = 0; i < l->columns; i++)
			if (strcasecmp(fields[i], known[k].name) == 0)
				l->at[k] = (int)i;
	}
	if ((l->at[ID] < 0 && l->at[ID_RAW] < 0) || l->at[SUBMIT] < 0)
		return err_perm(e, "this is not what sacct -P prints, or it "
		    "has no column %s", l->at[SUBMIT] < 0 ? "Submit" :
		    "JobIDRaw or JobID");
	return 0;
}

/* The text of a column; "" where Slurm says that it has none. */
static const char *
text_of(const struct layout *l, char *const *fields, enum column c)
{
	static const char *const none[] = {
		"Unknown", "None", "None assigned", "INVALID",
		"Partition_Limit", "UNLIMITED", "INFINITE",
	};
	const char *s = l->at[c] < 0 ? "" : fields[l->at[c]];
	size_t i;

	if (c != NAME && c != COMMENT && c != USER)
		for (i = 0; i < ARRAY_LEN(none); i++)
			if (strcmp(s, none[i]) == 0)
				return "";
	return s;
}

/* Local time as sacct prints it, or seconds (SLURM_TIME_FORMAT=%s). */
static int
time_of(const char *s, int64_t *out, struct err *e)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end;

	if (*s == '\0')
		return 0;
	if (s[strspn(s, "0123456789")] == '\0')
		return num_int(s, 0, REC_MAX, out, e);
	end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || *end != '\0')
		return err_perm(e, "'%s' is not a time", s);
	tm.tm_isdst = -1;
	*out = (int64_t)mktime(&tm);
	return *out < 0 ? err_perm(e, "'%s' is before 1970", s) : 0;
}

static int
count_of(const char *s, int64_t *out, struct err *e)
{
	return *s == '\0' ? 0 : num_int(s, 0, REC_MAX, out, e);
}

static int
read_id(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	const char *id = text_of(l, fields, ID), *task = strchr(id, '_');
	const char *raw = text_of(l, fields, ID_RAW);
	char array[24];

	if (task != NULL && strspn(task + 1, "0123456789") ==
	    strlen(task + 1)) {
		(void)snprintf(array, sizeof(array), "%.*s", (int)(task - id),
		    id);
		if (num_int(array, 1, REC_MAX, &j->array_id, e) < 0 ||
		    num_int(task + 1, 0, REC_MAX, &j->task_id, e) < 0)
			return -1;
	}
	if (*raw == '\0' && strpbrk(id, "_+") != NULL)
		return err_perm(e, "job '%s' is part of an array or of a "
		    "heterogeneous job: the column JobIDRaw is needed", id);
	return num_int(*raw != '\0' ? raw : id, 1, REC_MAX, &j->id, e);
}

static int
read_times(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	const char *elapsed = text_of(l, fields, ELAPSED);
	const char *limit = text_of(l, fields, LIMIT);
	int64_t ms, minutes = -1;

	if (time_of(text_of(l, fields, SUBMIT), &j->submit_at, e) < 0 ||
	    time_of(text_of(l, fields, ELIGIBLE), &j->eligible_at, e) < 0 ||
	    time_of(text_of(l, fields, START), &j->start_at, e) < 0 ||
	    time_of(text_of(l, fields, END), &j->end_at, e) < 0 ||
	    count_of(text_of(l, fields, ELAPSED_RAW), &j->run_s, e) < 0 ||
	    count_of(text_of(l, fields, LIMIT_RAW), &minutes, e) < 0)
		return -1;
	if (j->submit_at < 0)
		return err_perm(e, "no submit time");
	if (j->run_s < 0 && *elapsed != '\0') {
		if (num_duration(elapsed, &ms, e) < 0)
			return -1;
		j->run_s = ms / 1000;
	}
	if (minutes >= 0 && minutes <= REC_MAX / 60)
		j->limit_s = minutes * 60;
	else if (*limit != '\0' && num_slurm_time(limit, &j->limit_s, e) < 0)
		return -1;
	if (j->start_at < 0)
		j->run_s = -1;	/* sacct says 0 of what has not started */
	return 0;
}

/* The value of a part of "cpu=4,gres/gpu=2,mem=8G", or NULL. */
static char *
tres_part(const char *tres, const char *what, char *out, size_t size)
{
	size_t len = strlen(what), n;
	const char *p;

	for (p = tres; p != NULL && *p != '\0'; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, what, len) != 0 || p[len] != '=')
			continue;
		n = strcspn(p + len + 1, ",");
		if (n == 0 || n >= size)
			return NULL;
		memcpy(out, p + len + 1, n);
		out[n] = '\0';
		return out;
	}
	return NULL;
}

/* "4.50G", "512M": sacct writes fractions, and rounds them itself. */
static int
mem_of(const char *s, int64_t *mb, struct err *e)
{
	static const char units[] = "KMGTP";
	static const double weights[] = {
		1.0 / 1024, 1, 1024, 1048576, 1073741824,
	};
	const char *unit;
	char *end;
	double n = strtod(s, &end);

	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (end == s || s[strspn(s, "0123456789.")] != *end || unit == NULL ||
	    end[1] != '\0' || n > 1e9)
		return err_perm(e, "mem=%s is not a size", s);
	*mb = (int64_t)ceil(n * weights[unit - units]);
	return 0;
}

static int
read_sizes(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	static const enum column cpus[] = { ALLOC_CPUS, NCPUS, REQ_CPUS };
	const char *tres = text_of(l, fields, ALLOC_TRES);
	char part[32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(cpus) && j->cpus <= 0; i++)
		if (count_of(text_of(l, fields, cpus[i]), &j->cpus, e) < 0)
			return -1;
	if (j->cpus == 0)
		j->cpus = -1;	/* none yet, and nobody says how many */
	if (*tres == '\0')
		tres = text_of(l, fields, REQ_TRES);
	if (tres_part(tres, "gres/gpu", part, sizeof(part)) != NULL &&
	    num_int(part, 0, REC_MAX, &j->gpus, e) < 0)
		return -1;
	if (tres_part(tres, "mem", part, sizeof(part)) != NULL &&
	    mem_of(part, &j->mem_mb, e) < 0)
		return -1;
	if (count_of(text_of(l, fields, NODE_COUNT), &j->node_count, e) < 0)
		return -1;
	return count_of(text_of(l, fields, RESTARTS), &j->restarts, e);
}

static void
write_texts(struct buf *b, const struct layout *l, char *const *fields)
{
	const char *s;
	size_t c;

	for (c = 0; c < KNOWN; c++) {
		s = text_of(l, fields, (enum column)c);
		if (known[c].key != NULL && *s != '\0')
			line_put_text(b, known[c].key, s);
	}
}

static void
write_job(struct buf *b, const struct job *j, const struct layout *l,
    char *const *fields)
{
	const struct { const char *key; int64_t value; } numbers[] = {
		{ "job_id", j->id }, { "array_job_id", j->array_id },
		{ "array_task_id", j->task_id },
		{ "submit_at", j->submit_at },
		{ "eligible_at", j->eligible_at },
		{ "start_at", j->start_at }, { "end_at", j->end_at },
		{ "wait_s", j->start_at >= j->submit_at ?
		    j->start_at - j->submit_at : -1 },
		{ "run_s", j->run_s }, { "limit_s", j->limit_s },
		{ "cpus", j->cpus }, { "gpus", j->gpus },
		{ "mem_mb", j->mem_mb }, { "node_count", j->node_count },
		{ "restarts", j->restarts },
	};
	size_t i;

	line_begin(b, "job");
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].value >= 0)
			line_put(b, numbers[i].key, (double)numbers[i].value);
	write_texts(b, l, fields);
	line_write(b);
}

/* 1: a job; 0: a step of one, which is passed over; -1 and *e. */
static int
read_row(const struct layout *l, char *line, size_t len, char **fields,
    struct job *j, struct err *e)
{
	size_t n;

	memset(j, 0xff, sizeof(*j));
	if (!flat_utf8(line, len))
		return err_perm(e, "this row is not UTF-8");
	line[strcspn(line, "\r")] = '\0';
	n = line_split(line, '|', fields, COLUMNS_MAX);
	if (n != l->columns)
		return err_perm(e, "%zu fields where the first line has %zu; "
		    "a name with a '|' in it?", n, l->columns);
	if (strchr(text_of(l, fields, ID), '.') != NULL ||
	    strchr(text_of(l, fields, ID_RAW), '.') != NULL)
		return 0;
	if (l->at[STATE] >= 0)	/* "CANCELLED by 1000" */
		fields[l->at[STATE]][strcspn(fields[l->at[STATE]], " +")] =
		    '\0';
	if (read_id(l, fields, j, e) < 0 || read_times(l, fields, j, e) < 0 ||
	    read_sizes(l, fields, j, e) < 0)
		return -1;
	return 1;
}

void
sacct_read(struct nd_in *in)
{
	struct buf b = BUF_INIT(8 * ND_LINE_MAX);
	char *fields[COLUMNS_MAX], *line;
	struct layout l = { 0 };
	struct job j;
	struct err e;
	size_t len;
	int got;

	if (line_next(in, &line, &len)) {
		line[strcspn(line, "\r")] = '\0';
		if (read_layout(&l, line, &e) < 0)
			die(ST_PERM, "%s:%lu: %s", in->name, in->line, e.text);
	}
	while (line_next(in, &line, &len)) {
		got = read_row(&l, line, len, fields, &j, &e);
		if (got < 0)
			line_odd(in, &e);
		else if (got > 0)
			write_job(&b, &j, &l, fields);
	}
	buf_release(&b);
}
