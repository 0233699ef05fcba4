/*
 * rounds-jobs.c - the jobs of the rounds family: `job` records, checked.
 */
#include "rounds.h"

#include <stdlib.h>
#include <string.h>

#include "cluster.h"
#include "die.h"
#include "flat.h"
#include "rec.h"
#include "xalloc.h"

enum field { KIND, JOB_ID, SUBMIT_AT, MODEL, JOB_GPUS, ITERS, RUN_S, FIELDS };

static const char *const field_keys[FIELDS] = {
	[KIND] = "kind", [JOB_ID] = "job_id", [SUBMIT_AT] = "submit_at",
	[MODEL] = "model", [JOB_GPUS] = "gpus", [ITERS] = "iters",
	[RUN_S] = "run_s",
};

/* What the simulation finds out; what the input has of it is dropped. */
static const char *const found_keys[] = {
	"start_at", "end_at", "wait_s", "nodes", "alloc", "rounds",
	"preemptions", "tuned_rounds", "servers",
};

enum { MODEL_NAME_MAX = 64 };

static const double alone_max_s = 36525.0 * 24 * 3600;	/* 100 years */

struct reader {
	struct input *in;
	struct buf text;	/* of the record, without its last brace */
	struct need_line *need;	/* members that say on which nodes; or NULL */
	size_t cap;		/* of the jobs */
};

/* The fields of a record that count here; they borrow from its line. */
struct fields {
	struct flat_member m[FIELDS];
	bool has[FIELDS];
};

static bool
is_found(const struct flat_member *m)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(found_keys); i++)
		if (flat_is(m, found_keys[i]))
			return true;
	return false;
}

static int
missing(enum field f, struct err *e)
{
	return err_perm(e, "job: '%s' is missing", field_keys[f]);
}

/* *out is left alone if the field is not there. */
static int
take_int(const struct fields *fs, enum field f, int64_t min, int64_t *out,
    struct err *e)
{
	const struct flat_member *m = &fs->m[f];

	if (!fs->has[f])
		return 0;
	if (m->type != FLAT_INT)
		return err_perm(e, "job: '%s' must be an integer",
		    field_keys[f]);
	if (m->num < min || m->num > REC_MAX)
		return err_perm(e, "job: '%s' must be %lld to %lld",
		    field_keys[f], (long long)min, (long long)REC_MAX);
	*out = m->num;
	return 0;
}

/* submit_at may have a fraction here: SYNERGY's replays have. */
static int
take_submit(struct rjob *j, const struct fields *fs, struct err *e)
{
	const struct flat_member *m = &fs->m[SUBMIT_AT];

	if (!fs->has[SUBMIT_AT])
		return missing(SUBMIT_AT, e);
	if (m->type != FLAT_INT && m->type != FLAT_REAL)
		return err_perm(e, "job: 'submit_at' must be a number");
	j->submit_at = flat_real(m);
	if (!(j->submit_at >= 0 && j->submit_at <= (double)REC_MAX))
		return err_perm(e, "job: 'submit_at' must be 0 to %lld",
		    (long long)REC_MAX);
	return 0;
}

static int
take_model(struct rjob *j, const struct fields *fs, const struct rounds *r,
    struct err *e)
{
	double ratio = r->o->synergy ? r->servers.fair.v[CPU] : 3;
	const struct flat_member *m = &fs->m[MODEL];
	char name[MODEL_NAME_MAX] = "";

	if (!fs->has[MODEL])
		return missing(MODEL, e);
	if (m->type != FLAT_STR)
		return err_perm(e, "job: 'model' must be text");
	if (flat_str(m, name, sizeof(name)) >= 0)
		j->model = model_find(name, strlen(name), ratio);
	if (j->model == NULL)
		return err_perm(e, "job: model '%.*s' is not known; known are "
		    "%s", (int)MIN(m->text_len, MODEL_NAME_MAX), m->text,
		    model_names());
	return 0;
}

/* As given; or else what the run time comes to on the fair share. */
static int
take_iters(struct rjob *j, const struct fields *fs, struct err *e)
{
	int64_t run_s = -1;

	j->iters = -1;
	if (take_int(fs, ITERS, 1, &j->iters, e) < 0 ||
	    take_int(fs, RUN_S, 0, &run_s, e) < 0)
		return -1;
	if (j->iters < 0 && run_s >= 0)
		j->iters = MAX(1, (int64_t)((double)run_s / j->iter_s));
	if (j->iters < 0)
		return err_perm(e, "job: neither 'iters' nor 'run_s' is there");
	if ((double)j->iters * j->iter_s > alone_max_s)
		return err_perm(e, "job: %lld iterations of %g s are more than "
		    "a hundred years", (long long)j->iters, j->iter_s);
	return 0;
}

static int
take_gpus(struct rjob *j, const struct fields *fs, const struct rounds *r,
    struct err *e)
{
	int64_t gpus = -1, all = r->servers.gpus;

	if (take_int(fs, JOB_GPUS, 0, &gpus, e) < 0)
		return -1;
	if (gpus < 0)
		return missing(JOB_GPUS, e);
	if (r->o->synergy && (gpus < 1 || gpus > PROFILED_GPUS_MAX ||
	    (gpus & (gpus - 1)) != 0))
		return err_perm(e, "job: %lld GPUs: profiles are there for 1, "
		    "2, 4, 8 and 16", (long long)gpus);
	if (gpus == 0)
		return err_perm(e, "job: 0 GPUs: rounds share out GPUs, and a "
		    "job needs one at least");
	if (gpus > all)
		return err_perm(e, "job: %lld GPUs are more than the %lld of "
		    "the cluster", (long long)gpus, (long long)all);
	j->gpus = (int)gpus;
	return 0;
}

static int
take_kind(struct rjob *j, const struct reader *in, struct rounds *r,
    struct err *e)
{
	uint64_t where = in->need != NULL ? kind_where(&r->servers, in->need,
	    e) : kind_everywhere(&r->servers);
	int64_t all = kind_gpus(&r->servers, where);

	if (where == 0)
		return -1;
	if (j->gpus > all)
		return err_perm(e, "job: %d GPUs are more than the %lld of the "
		    "nodes that it asks for", j->gpus, (long long)all);
	j->kind = kind_find(r, j->model, j->gpus, where, e);
	if (j->kind == NULL)
		return err_prefix(e, "job");
	j->iter_s = j->kind->iter_s;
	j->speed = j->speedup = j->kind->speedup;
	return 0;
}

/* Fills all of *j but its line. */
static int
take_job(struct rjob *j, const struct fields *fs, const struct reader *in,
    struct rounds *r, struct err *e)
{
	*j = (struct rjob){
		.id = -1, .left_at = -1, .start_at = -1, .end_at = -1,
	};
	if (take_int(fs, JOB_ID, 0, &j->id, e) < 0)
		return -1;
	if (j->id < 0)
		return missing(JOB_ID, e);
	if (take_submit(j, fs, e) < 0 || take_model(j, fs, r, e) < 0 ||
	    take_gpus(j, fs, r, e) < 0 || take_kind(j, in, r, e) < 0)
		return -1;
	return take_iters(j, fs, e);
}

static int
add_job(struct rounds *r, struct reader *in, const struct fields *fs,
    struct err *e)
{
	struct rjob j;

	if (take_job(&j, fs, in, r, e) < 0)
		return -1;
	if (r->jobs_len > 0 && !r->o->at_once &&
	    j.submit_at < r->jobs[r->jobs_len - 1].submit_at)
		return err_perm(e, "job: submitted before the one above it; "
		    "sort by submit_at");
	j.line = xstrdup(buf_str(&in->text));
	if (r->jobs_len == in->cap) {
		in->cap = in->cap ? in->cap * 2 : 1024;
		r->jobs = xrealloc(r->jobs, in->cap, sizeof(*r->jobs));
	}
	r->jobs[r->jobs_len++] = j;
	return 0;
}

/* All members of a line: those that count, and the text to be passed on. */
static int
read_fields(struct reader *in, const char *line, size_t len,
    struct fields *fs, struct err *e)
{
	struct flat_member m;
	struct flat f;
	int got, i;

	*fs = (struct fields){ 0 };
	buf_cut(&in->text, 0);
	if (in->need != NULL)
		need_line_clear(in->need);
	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	if (buf_addc(&in->text, '{') < 0)
		return err_errno(e, "record");
	while ((got = flat_next(&f, &m, e)) > 0) {
		for (i = 0; i < FIELDS; i++)
			if (flat_is(&m, field_keys[i])) {
				fs->m[i] = m;
				fs->has[i] = true;
			}
		if (in->need != NULL)
			need_line_member(in->need, &m);
		if (!is_found(&m) && flat_put_member(&in->text, &m) < 0)
			return err_errno(e, "record");
	}
	return got;
}

static int
read_line(struct rounds *r, struct reader *in, const char *line, size_t len,
    struct err *e)
{
	const struct flat_member *kind;
	struct fields fs;

	if (read_fields(in, line, len, &fs, e) < 0)
		return -1;
	kind = &fs.m[KIND];
	if (!fs.has[KIND] || kind->type != FLAT_STR || kind->text_len != 3 ||
	    memcmp(kind->text, "job", 3) != 0)
		return input_other(in->in, line, len, e);
	if (add_job(r, in, &fs, e) < 0)
		return -1;
	input_used(in->in, line, len);
	return 0;
}

static int
check_ids(const struct rounds *r, const char *name, struct err *e)
{
	int64_t *ids = xcalloc(r->jobs_len + 1, sizeof(*ids));
	size_t i;
	int ok;

	for (i = 0; i < r->jobs_len; i++)
		ids[i] = r->jobs[i].id;
	ok = input_once(ids, r->jobs_len, name, e);
	free(ids);
	return ok;
}

/* 1: a line was read; 0: the end; -1: a bad line, named in *e. */
static int
next_line(struct rounds *r, struct reader *in, struct err *e)
{
	const struct nd_in *nd = &in->in->nd;
	char *line = NULL;
	size_t len = 0;
	int got = input_next(in->in, &line, &len, e);

	if (got > 0 && read_line(r, in, line, len, e) < 0) {
		(void)err_prefix(e, "%s:%lu", nd->name, nd->line);
		return -1;
	}
	return got;
}

int
rounds_load_jobs(struct rounds *r, struct input *input, bool keep_going,
    struct err *e)
{
	struct reader in = {
		.in = input, .text = BUF_INIT(2 * ND_LINE_MAX),
	};
	int got;

	/* SYNERGY's form knows of no partitions */
	if (r->servers.cluster != NULL && !r->o->synergy)
		in.need = need_line_new();
	while ((got = next_line(r, &in, e)) != 0) {
		if (got > 0)
			continue;
		if (!keep_going)
			break;
		warn("%s: skipped", e->text);
		r->unusable++;
	}
	buf_release(&in.text);
	need_line_free(in.need);
	return got < 0 ? -1 : check_ids(r, input->nd.name, e);
}
