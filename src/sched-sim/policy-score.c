/*
 * policy-score.c - strict orders that change as jobs wait: at each pass the job
 * of the highest score is first, and as long as it does not fit, nobody passes
 * it. Of equals the one that was submitted first is first.
 *
 * A score is a double that lives through one comparison, made of divisions and
 * products alone, in one order: so it is the same on every machine.
 */
#include "sim.h"

#include <float.h>
#include <string.h>

#include "xalloc.h"

/* No more digits in between than a double has: not the x87. */
_Static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1,
    "doubles are to be doubles");

struct line {
	int32_t *jobs;		/* in order of submission */
	size_t len, cap;
};

typedef double score(const struct sim_job *j, int64_t wait);

static double
wfp3(const struct sim_job *j, int64_t wait)
{
	double r = (double)wait / (double)j->limit_s;

	return r * r * r * (double)j->procs;
}

enum { LOG2_BITS = 16 };

/* Binary logarithm in 1/65536, cut off: by squaring, as libms differ. */
static int64_t
log2_fixed(int32_t n)
{
	int whole = 31 - __builtin_clz((unsigned)n), i;
	uint64_t x = ((uint64_t)n << 31) >> whole;	/* 1.31 bits */
	int64_t out = whole;

	for (i = 0; i < LOG2_BITS; i++) {
		x = (x * x) >> 31;
		out = 2 * out + (x >= UINT64_C(1) << 32);
		if (x >= UINT64_C(1) << 32)
			x >>= 1;
	}
	return out;
}

static double
unicef(const struct sim_job *j, int64_t wait)
{
	double log2 = (double)log2_fixed(MAX(j->procs, 2)) / 65536.0;

	return (double)wait / (log2 * (double)j->limit_s);
}

static void
score_init(struct sim *s)
{
	s->own = xcalloc(1, sizeof(struct line));
}

static void
score_submit(struct sim *s, int32_t job)
{
	struct line *l = s->own;

	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->jobs = xrealloc(l->jobs, l->cap, sizeof(*l->jobs));
	}
	l->jobs[l->len++] = job;
}

/* The place in line of the highest score. */
static size_t
best(const struct sim *s, score *f)
{
	const struct line *l = s->own;
	const struct sim_job *j;
	double high = -1, now;
	size_t at = 0, i;

	for (i = 0; i < l->len; i++) {
		j = &s->jobs[l->jobs[i]];
		now = f(j, s->now - j->submit_at);
		if (now > high) {
			high = now;
			at = i;
		}
	}
	return at;
}

static void
score_pass(struct sim *s, score *f)
{
	struct line *l = s->own;
	int32_t job;
	size_t at;

	while (l->len > 0 && s->free > 0) {
		at = best(s, f);
		job = l->jobs[at];
		if (!sim_fits(s, job))
			return;
		l->len--;
		memmove(l->jobs + at, l->jobs + at + 1,
		    (l->len - at) * sizeof(*l->jobs));
		sim_start(s, job, NULL);
	}
}

static void
wfp3_pass(struct sim *s)
{
	score_pass(s, wfp3);
}

static void
unicef_pass(struct sim *s)
{
	score_pass(s, unicef);
}

static void
wfp3_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct line *l = s->own;

	explain_order(s, job, l->jobs[best(s, wfp3)], b);
}

static void
unicef_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct line *l = s->own;

	explain_order(s, job, l->jobs[best(s, unicef)], b);
}

const struct policy policy_wfp3 = {
	.name = "wfp3", .init = score_init, .submit = score_submit,
	.pass = wfp3_pass, .why = wfp3_why,
};
const struct policy policy_unicef = {
	.name = "unicef", .init = score_init, .submit = score_submit,
	.pass = unicef_pass, .why = unicef_why,
};
