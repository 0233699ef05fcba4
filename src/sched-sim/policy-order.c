/*
 * policy-order.c - strict orders that never change: the first in line starts
 * when it fits, and as long as it does not, nobody passes it. Of equals the one
 * that was submitted first is first.
 */
#include "sim.h"

#include "die.h"
#include "xalloc.h"

static void
order_init(struct sim *s)
{
	s->own = xcalloc(1, sizeof(struct heap));
	heap_init(s->own);
}

static void
order_add(struct sim *s, int32_t job, int64_t key)
{
	if (heap_push(s->own, &s->jobs[job].node, key) < 0)
		die(ST_TEMP, "out of memory");
}

static void
order_pass(struct sim *s)
{
	struct heap *line = s->own;
	struct heap_node *n;
	struct sim_job *j;

	while ((n = heap_top(line)) != NULL) {
		j = container_of(n, struct sim_job, node);
		if (!sim_fits(s, (int32_t)(j - s->jobs)))
			break;
		(void)heap_pop(line);
		sim_start(s, (int32_t)(j - s->jobs), NULL);
	}
}

static void
order_why(const struct sim *s, int32_t job, struct buf *b)
{
	const struct sim_job *first = container_of(heap_top(s->own),
	    struct sim_job, node);

	explain_order(s, job, (int32_t)(first - s->jobs), b);
}

static void
fcfs_submit(struct sim *s, int32_t job)
{
	order_add(s, job, 0);
}

static void
sjf_submit(struct sim *s, int32_t job)
{
	order_add(s, job, s->jobs[job].limit_s);
}

static void
ljf_submit(struct sim *s, int32_t job)
{
	order_add(s, job, -s->jobs[job].limit_s);
}

static void
largest_submit(struct sim *s, int32_t job)
{
	order_add(s, job, -s->jobs[job].procs);
}

const struct policy policy_fcfs = {
	.name = "fcfs", .init = order_init, .submit = fcfs_submit,
	.pass = order_pass, .why = order_why,
};
const struct policy policy_sjf = {
	.name = "sjf", .init = order_init, .submit = sjf_submit,
	.pass = order_pass, .why = order_why,
};
const struct policy policy_ljf = {
	.name = "ljf", .init = order_init, .submit = ljf_submit,
	.pass = order_pass, .why = order_why,
};
const struct policy policy_largest = {
	.name = "largest", .init = order_init, .submit = largest_submit,
	.pass = order_pass, .why = order_why,
};
