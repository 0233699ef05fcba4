/*
 * explain.c - why a job did not start, at each pass that left it waiting: an
 * `event` record, in words with numbers.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>

enum { WHY_MAX = 1000 };

void
explain_room(const struct sim *s, int32_t job, struct buf *b)
{
	const struct sim_job *j = &s->jobs[job];

	if (s->free_nodes != NULL && j->procs <= s->free)
		(void)buf_addf(b, "does not fit on the nodes, though %" PRId64
		    " CPUs are free", s->free);
	else
		(void)buf_addf(b, "needs %d processor%s, %" PRId64 " %s free",
		    j->procs, j->procs == 1 ? "" : "s", s->free,
		    s->free == 1 ? "is" : "are");
}

void
explain_order(const struct sim *s, int32_t job, int32_t first, struct buf *b)
{
	if (job == first)
		(void)buf_adds(b, "it is the first in line, and ");
	else
		(void)buf_addf(b, "job %" PRId64 " before it ",
		    s->jobs[first].id);
	explain_room(s, first, b);
}

bool
explain_plain(const struct sim *s, int32_t job, int32_t first, struct buf *b)
{
	if (job == first) {
		explain_order(s, job, job, b);
	} else if (!sim_fits(s, job)) {
		(void)buf_adds(b, "it ");
		explain_room(s, job, b);
	} else {
		return false;
	}
	return true;
}

void
explain(const struct sim *s)
{
	const struct sim_job *j = &s->jobs[s->explain];
	struct buf why = BUF_INIT(WHY_MAX);

	if (s->explain >= s->submitted || j->start_at >= 0 || s->failed)
		return;
	if (s->policy->why != NULL) {
		s->policy->why(s, s->explain, &why);
	} else {
		(void)buf_addf(&why, "%s did not start it; it ",
		    s->policy->name);
		explain_room(s, s->explain, &why);
	}
	(void)printf("{\"kind\":\"event\",\"event\":\"waits\",\"job_id\":%"
	    PRId64 ",\"at\":%" PRId64 ",\"why\":\"%s\"}\n", j->id, s->now,
	    buf_str(&why));
	buf_release(&why);
}
