/*
 * round-policy-dlas.c - Tiresias's discretised least attained service (NSDI'19,
 * section 3.2): queues by the GPU time a job has had, the first queue first;
 * in a queue, who started first, and then who came first. So within a queue
 * nobody takes another's place.
 *
 * A job below the first queue that has waited PROMOTEKNOB times as long as it
 * ran comes back to the first one, and both times begin anew.
 */
#include "rounds.h"

#include <math.h>

static const int64_t usual[] = { 3250, 7200 };	/* of Tiresias's simulator */

static int
queue(const struct rounds_options *o, int64_t service_s)
{
	const int64_t *ends = o->queues_len > 0 ? o->queues : usual;
	int len = o->queues_len > 0 ? o->queues_len : (int)ARRAY_LEN(usual);
	int at = 0;

	while (at < len && service_s >= ends[at])
		at++;
	return at;
}

static int
level(const struct rounds *r, struct rjob *j)
{
	int64_t ran_s = j->ran_s - j->base_s;
	int at = queue(r->o, ran_s * j->gpus);

	if (at == 0 || r->o->promote == 0 ||
	    r->now - j->base_at - ran_s < r->o->promote * ran_s)
		return at;
	j->base_s = j->ran_s;
	return 0;
}

static double
key(const struct rounds *r, const struct rjob *j)
{
	(void)r;
	return j->start_at < 0 ? INFINITY : (double)j->start_at;
}

const struct round_policy round_policy_dlas = {
	.name = "dlas",
	.key = key,
	.level = level,
	.not_there = "it is Tiresias's, and not in SYNERGY's simulator",
};
