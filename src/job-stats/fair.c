/*
 * fair.c - finish-time fairness: did a job fare better or worse than with an
 * equal share of the cluster for itself?
 */
#include <stdlib.h>

#include "stats.h"
#include "xalloc.h"

/* The part of the cluster that the job fills, or NOT_KNOWN. */
static double
part_of(const struct jobs *js, const struct job *j)
{
	int thing;

	for (thing = THINGS - 1; thing >= 0; thing--)
		if (js->total[thing] > 0 && j->size[thing] > 0)
			return j->size[thing] / js->total[thing];
	return NOT_KNOWN;
}

/* Submissions, and behind them ends, of all jobs, by time. */
static struct keyed *
all_events(const struct jobs *js)
{
	struct keyed *list = xcalloc(2 * js->len + 1, sizeof(*list));
	const struct job *j;
	size_t i;

	for (i = 0; i < js->len; i++) {
		j = &js->list[i];
		list[i] = (struct keyed){ j->submit_at, (uint32_t)i };
		list[js->len + i] = (struct keyed){
			j->end_at >= 0 ? j->end_at : js->last_at, (uint32_t)i
		};
	}
	keyed_sort(list, js->len);
	keyed_sort(list + js->len, js->len);
	return list;
}

/*
 * Walks both in order of time, and with them grows the sum of jobs in the
 * system times seconds; what it was at a job's submission waits in its rho.
 */
static void
sum_jobs(struct jobs *js, const struct keyed *submits)
{
	const struct keyed *ends = submits + js->len, *next;
	double now = js->len > 0 ? submits[0].value : 0, sum_s = 0;
	size_t in = 0, out = 0;
	bool comes;

	while (out < js->len) {
		comes = in < js->len && submits[in].value <= ends[out].value;
		next = comes ? &submits[in] : &ends[out];
		sum_s += (double)(in - out) * (next->value - now);
		now = next->value;
		if (comes) {
			js->list[next->at].rho = sum_s;
			in++;
		} else {
			js->list[next->at].rho = sum_s -
			    js->list[next->at].rho;
			out++;
		}
	}
}

void
fair_measure(struct jobs *js)
{
	struct keyed *events;
	struct job *j;
	double part, jct;

	if (js->total[CPUS] <= 0 && js->total[GPUS] <= 0)
		return;
	events = all_events(js);
	sum_jobs(js, events);
	free(events);
	for (j = js->list; j < js->list + js->len; j++) {
		part = part_of(js, j);
		jct = j->end_at - j->submit_at;
		if (j->end_at < 0 || part < 0 || j->alone_s <= 0 || jct <= 0)
			j->rho = NOT_KNOWN;
		else	/* rho is n times jct so far */
			j->rho = jct / (j->alone_s *
			    MAX(1, part * j->rho / jct));
	}
}
