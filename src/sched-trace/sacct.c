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
	REQ_TRES, REQ_MEM, NODE_COUNT, RESTARTS, KNOWN
};

/* Name of the column; the text of a job that it is, where it is just copied. */
static const struct { const char *name; int to; } known[KNOWN] = {
	[ID] = { "JobID", -1 }, [ID_RAW] = { "JobIDRaw", -1 },
	[NAME] = { "JobName", JOB_NAME }, [USER] = { "User", JOB_USER },
	[ACCOUNT] = { "Account", JOB_ACCOUNT },
	[PARTITION] = { "Partition", JOB_PARTITION },
	[QOS] = { "QOS", JOB_QOS }, [STATE] = { "State", JOB_STATE },
	[EXIT_CODE] = { "ExitCode", JOB_EXIT_CODE },
	[NODES] = { "NodeList", JOB_NODES },
	[WORKDIR] = { "WorkDir", JOB_WORKDIR },
	[COMMENT] = { "Comment", JOB_COMMENT },
	[SUBMIT] = { "Submit", -1 }, [ELIGIBLE] = { "Eligible", -1 },
	[START] = { "Start", -1 }, [END] = { "End", -1 },
	[ELAPSED_RAW] = { "ElapsedRaw", -1 }, [ELAPSED] = { "Elapsed", -1 },
	[LIMIT_RAW] = { "TimelimitRaw", -1 }, [LIMIT] = { "Timelimit", -1 },
	[ALLOC_CPUS] = { "AllocCPUS", -1 }, [NCPUS] = { "NCPUS", -1 },
	[REQ_CPUS] = { "ReqCPUS", -1 }, [ALLOC_TRES] = { "AllocTRES", -1 },
	[REQ_TRES] = { "ReqTRES", -1 }, [REQ_MEM] = { "ReqMem", -1 },
	[NODE_COUNT] = { "NNodes", -1 }, [RESTARTS] = { "Restarts", -1 },
};

/* Where each known column is in a row; -1: it is not there. */
struct layout {
	size_t columns;
	int at[KNOWN];
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
		for (i = 0; i < l->columns; i++) {
			if (strcasecmp(fields[i], known[k].name) != 0)
				continue;
			if (l->at[k] >= 0)
				return err_perm(e, "the first line names '%s' "
				    "twice", known[k].name);
			l->at[k] = (int)i;
		}
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
time_of(const char *s, double *out, struct err *e)
{
	struct tm tm = { .tm_isdst = -1 }, same;
	const char *end;
	time_t t;

	if (*s == '\0' || line_whole(s, out) == 0)
		return 0;
	end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || *end != '\0')
		return err_perm(e, "'%s' is not a time", s);
	tm.tm_isdst = -1;
	same = tm;
	t = mktime(&tm);
	if (tm.tm_mday != same.tm_mday || tm.tm_hour != same.tm_hour ||
	    tm.tm_min != same.tm_min || tm.tm_sec != same.tm_sec)
		return err_perm(e, "'%s' is not a time: the clock never said "
		    "so", s);
	if (t < 0)
		return err_perm(e, "'%s' is before 1970", s);
	*out = (double)t;
	return 0;
}

static int
count_of(const char *s, double *out, struct err *e)
{
	if (*s == '\0' || line_whole(s, out) == 0)
		return 0;
	return err_perm(e, "'%s' is not a whole number of 0 to 2^53", s);
}

/* "12", "12_3" of an array, "12_[4-9]" of what waits of one, "12+1". */
static int
read_id(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	const char *id = text_of(l, fields, ID), *task = strchr(id, '_');
	const char *raw = text_of(l, fields, ID_RAW);
	char array[24];

	if (task != NULL && line_whole(task + 1, &j->n[JOB_TASK_ID]) == 0) {
		(void)snprintf(array, sizeof(array), "%.*s", (int)(task - id),
		    id);
		if (line_whole(array, &j->n[JOB_ARRAY_ID]) < 0)
			return err_perm(e, "'%s' is not the id of a job", id);
	}
	if (*raw == '\0' && strpbrk(id, "_+") != NULL)
		return err_perm(e, "job '%s' is part of an array or of a "
		    "heterogeneous job: the column JobIDRaw is needed", id);
	if (*raw == '\0')
		raw = id;
	if (line_whole(raw, &j->n[JOB_ID]) < 0 || j->n[JOB_ID] == 0)
		return err_perm(e, "'%s' is not the id of a job", raw);
	return 0;
}

static int
read_limit(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	const char *limit = text_of(l, fields, LIMIT);
	double minutes = -1;
	int64_t limit_s;

	if (count_of(text_of(l, fields, LIMIT_RAW), &minutes, e) < 0)
		return -1;
	if (minutes >= 0 && minutes <= NUMBER_MAX / 60)
		j->n[JOB_LIMIT] = minutes * 60;
	else if (*limit != '\0') {
		if (num_slurm_time(limit, &limit_s, e) < 0)
			return -1;
		j->n[JOB_LIMIT] = (double)limit_s;
	}
	return 0;
}

static int
read_times(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	const char *elapsed = text_of(l, fields, ELAPSED);
	int64_t ms;

	if (time_of(text_of(l, fields, SUBMIT), &j->n[JOB_SUBMIT], e) < 0 ||
	    time_of(text_of(l, fields, ELIGIBLE), &j->n[JOB_ELIGIBLE],
	    e) < 0 ||
	    time_of(text_of(l, fields, START), &j->n[JOB_START], e) < 0 ||
	    time_of(text_of(l, fields, END), &j->n[JOB_END], e) < 0 ||
	    count_of(text_of(l, fields, ELAPSED_RAW), &j->n[JOB_RUN], e) < 0)
		return -1;
	if (j->n[JOB_SUBMIT] < 0)
		return err_perm(e, "no submit time");
	if (j->n[JOB_RUN] < 0 && *elapsed != '\0') {
		if (num_duration(elapsed, &ms, e) < 0)
			return -1;
		j->n[JOB_RUN] = (double)(ms / 1000);
	}
	if (j->n[JOB_START] < 0)
		j->n[JOB_RUN] = -1;	/* sacct says 0 of those too */
	return job_check(j, e);
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

/* "gres/gpu=4"; or the sum of "gres/gpu:a100=2,gres/gpu:v100=2". */
static int
gpus_of(const char *tres, double *gpus, struct err *e)
{
	static const char typed[] = "gres/gpu:";
	char count[32];
	const char *p;
	double n, sum = 0;
	size_t len, name;

	if (tres_part(tres, "gres/gpu", count, sizeof(count)) != NULL)
		return count_of(count, gpus, e);
	for (p = tres; (p = strstr(p, typed)) != NULL; p += len) {
		len = strcspn(p, ",");
		name = MIN(strcspn(p, "=") + 1, len);
		(void)snprintf(count, sizeof(count), "%.*s",
		    (int)(len - name), p + name);
		if (line_whole(count, &n) < 0)
			return err_perm(e, "'%.*s' is not a number of GPUs",
			    (int)len, p);
		*gpus = sum += n;
	}
	return 0;
}

/* "4.50G", "512M": sacct writes fractions, and rounds them itself. */
static int
mem_of(const char *s, double *mb, struct err *e)
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
	*mb = ceil(n * weights[unit - units]);
	return 0;
}

/*
 * "4G" in all; until Slurm 20.11 "4Gn", a node, or "512Mc", a processor. 0 is
 * all that a node has, whatever that is.
 */
static int
read_mem(const struct layout *l, char *const *fields, const char *tres,
    struct job *j, struct err *e)
{
	const char *asked = text_of(l, fields, REQ_MEM);
	size_t len = strlen(asked);
	double times = 1;
	char part[32];

	if (tres_part(tres, "mem", part, sizeof(part)) != NULL &&
	    strcmp(part, "0") != 0)
		return mem_of(part, &j->n[JOB_MEM], e);
	if (len == 0 || len >= sizeof(part) || strcmp(asked, "0") == 0)
		return 0;
	memcpy(part, asked, len + 1);
	if (part[len - 1] == 'n' || part[len - 1] == 'c') {
		times = j->n[part[len - 1] == 'n' ? JOB_NODE_COUNT : JOB_CPUS];
		part[len - 1] = '\0';
	}
	if (mem_of(part, &j->n[JOB_MEM], e) < 0)
		return -1;
	j->n[JOB_MEM] = times > 0 ? j->n[JOB_MEM] * times : -1;
	return 0;
}

static int
read_sizes(const struct layout *l, char *const *fields, struct job *j,
    struct err *e)
{
	static const enum column cpus[] = { ALLOC_CPUS, NCPUS, REQ_CPUS };
	const char *tres = text_of(l, fields, ALLOC_TRES);
	size_t i;

	for (i = 0; i < ARRAY_LEN(cpus) && j->n[JOB_CPUS] <= 0; i++)
		if (count_of(text_of(l, fields, cpus[i]), &j->n[JOB_CPUS],
		    e) < 0)
			return -1;
	if (j->n[JOB_CPUS] == 0)
		j->n[JOB_CPUS] = -1;	/* none yet, and nobody says more */
	if (*tres == '\0')
		tres = text_of(l, fields, REQ_TRES);
	if (count_of(text_of(l, fields, NODE_COUNT), &j->n[JOB_NODE_COUNT],
	    e) < 0 || gpus_of(tres, &j->n[JOB_GPUS], e) < 0 ||
	    read_mem(l, fields, tres, j, e) < 0)
		return -1;
	return count_of(text_of(l, fields, RESTARTS), &j->n[JOB_RESTARTS], e);
}

static void
read_texts(const struct layout *l, char *const *fields, struct job *j)
{
	size_t c;

	for (c = 0; c < KNOWN; c++)
		if (known[c].to >= 0)
			j->t[known[c].to] = text_of(l, fields,
			    (enum column)c);
}

/* 1: a job; 0: a step of one, which is passed over; -1 and *e. */
static int
read_row(const struct layout *l, char *line, size_t len, char **fields,
    struct job *j, struct err *e)
{
	size_t n;

	job_clear(j);
	if (!flat_utf8(line, len))
		return err_perm(e, "this row is not UTF-8");
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
	    read_limit(l, fields, j, e) < 0 ||
	    read_sizes(l, fields, j, e) < 0)
		return -1;
	read_texts(l, fields, j);
	return 1;
}

void
sacct_read(struct nd_in *in)
{
	struct buf b = BUF_INIT(8 * ND_LINE_MAX);
	char *fields[COLUMNS_MAX], *line;
	struct layout l = { 0 };
	struct job j;
	unsigned long steps = 0;
	struct err e;
	size_t len;
	int got;

	if (line_next(in, &line, &len) && read_layout(&l, line, &e) < 0)
		die(ST_PERM, "%s:%lu: %s", in->name, in->line, e.text);
	while (line_next(in, &line, &len)) {
		got = read_row(&l, line, len, fields, &j, &e);
		if (got < 0)
			line_odd(in, &e);
		else if (got > 0)
			job_write(&b, &j, in);
		else
			steps++;
	}
	clean_write(&b);
	if (steps > 0)
		note("%s: passed over %lu rows of steps", in->name, steps);
	buf_release(&b);
}
