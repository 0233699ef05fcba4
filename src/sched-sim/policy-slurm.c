/*
 * policy-slurm.c - Slurm's scheduling: who may run, in order of partition tier
 * and priority; a main pass whenever something is submitted or ends, in which
 * who does not fit blocks the nodes of its partition for all behind it; and now
 * and then a backfill.
 *
 * Passes take no time, and look at the whole queue.
 */
#include "slurm.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define BASIC_FIRST INT64_C(4294901760)	/* priority/basic counts down */
#define PRIORITY_MAX INT64_C(4294967295)

static const struct slurm_conf *
conf_of(const struct sim *s)
{
	return s->cluster->slurm;
}

static struct slurm_job *
slurm_of(const struct sim *s, int32_t job)
{
	return s->jobs[job].need->slurm;
}

/* ---- priorities ---- */

static double
unit(double x)
{
	return x < 0 ? 0 : MIN(x, 1);
}

/* In CPUs and in nodes, of the whole cluster. */
static double
size_factor(const struct sim *s, const struct sim_job *j)
{
	const struct slurm_conf *f = conf_of(s);
	double cpus = (double)s->cluster->procs, all = s->cluster->nodes_len;
	double nodes = MAX(j->need->node_count, 1), n = j->need->cpus, size;

	if (f->relative_to_time) {
		size = MAX(nodes * cpus / all, n) /
		    ((double)j->limit_s / 60) / cpus;
		return unit(f->favor_small ? 1 - size : size);
	}
	if (f->favor_small)
		return unit(((all - nodes) / all + (cpus - n) / cpus) / 2);
	return unit((nodes / all + n / cpus) / 2);
}

static double
age_factor(const struct sim *s, const struct sim_job *j)
{
	const struct slurm_conf *f = conf_of(s);
	int64_t since = f->accrue_always ? j->submit_at :
	    j->need->slurm->eligible_at;

	if (since >= s->now)
		return 0;
	return f->max_age_s == 0 ? 1 :
	    unit((double)(s->now - since) / (double)f->max_age_s);
}

static int64_t
multifactor(const struct sim *s, const struct sim_job *j)
{
	const struct slurm_conf *f = conf_of(s);
	const struct slurm_job *u = j->need->slurm;
	const struct slurm *z = s->own;
	double sum;

	sum = age_factor(s, j) * (double)f->age_weight;
	if (u->share != NOBODY)
		sum += f->shares[u->share].factor * (double)f->share_weight;
	sum += size_factor(s, j) * (double)f->size_weight;
	sum += (double)s->cluster->partitions[j->need->partition].job_factor /
	    (double)z->best_partition * (double)f->partition_weight;
	if (u->qos != NOBODY)
		sum += (double)f->qos[u->qos].priority /
		    (double)z->best_qos * (double)f->qos_weight;
	sum -= (double)u->nice;
	return sum < 1 ? 1 : sum > (double)PRIORITY_MAX ? PRIORITY_MAX :
	    (int64_t)sum;
}

/*
 * One less for each job as it is submitted, an array being one; and its own
 * nice off, which those behind it do not feel.
 */
static int64_t
basic(struct slurm *z, const struct slurm_job *u)
{
	if (u->array < 0 || u->array != z->array)
		z->lowest--;
	z->array = u->array;
	return MAX(z->lowest - u->nice, 1);
}

static void
set_priority(struct sim *s, int32_t job)
{
	struct slurm_job *u = slurm_of(s, job);

	if (u->given >= 0)
		u->priority = u->given;
	else if (conf_of(s)->multifactor)
		u->priority = multifactor(s, &s->jobs[job]);
}

static int
cmp_queue(const void *a, const void *b, void *sim)
{
	const struct sim *s = sim;
	int32_t i = *(const int32_t *)a, k = *(const int32_t *)b;
	const struct slurm_job *x = slurm_of(s, i), *y = slurm_of(s, k);
	const struct partition *p = s->cluster->partitions;
	int64_t t = p[s->jobs[i].need->partition].tier;
	int64_t u = p[s->jobs[k].need->partition].tier;

	if (t != u)
		return t > u ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return (i > k) - (i < k);
}

/* ---- what was used ---- */

/* So much of what the job has run since the priorities were found last. */
static void
count_usage(struct sim *s, const struct slurm *z, int32_t job)
{
	const struct sim_job *j = &s->jobs[job];
	int64_t span = MIN(s->now, j->start_at + j->run_s) -
	    MAX(z->counted_at, j->start_at);
	struct slurm_conf *f = s->cluster->slurm;

	if (span > 0)
		slurm_share_use(f, j->need->slurm->share,
		    (double)span * (double)j->procs *
		    slurm_share_kept(f, span));
}

static void
find_priorities(struct sim *s, struct slurm *z)
{
	struct slurm_conf *f = s->cluster->slurm;
	int32_t i;

	slurm_share_decay(f, s->now - z->counted_at);
	for (; z->counted < s->ended_len; z->counted++)
		count_usage(s, z, s->ended[z->counted]);
	for (i = 0; i < z->running_len; i++)
		count_usage(s, z, z->running[i]);
	z->counted_at = s->now;
	slurm_share_rank(f);
	for (i = 0; i < z->queue_len; i++)
		set_priority(s, z->queue[i]);
	qsort_r(z->queue, (size_t)z->queue_len, sizeof(*z->queue), cmp_queue,
	    s);
	z->calc_at += f->calc_s * ((s->now - z->calc_at) / f->calc_s + 1);
}

/* ---- the queue ---- */

static int
slurm_check(struct sim *s, struct err *e)
{
	if (s->cluster->nodes_len == 0)
		return err_perm(e, "policy slurm needs a cluster of nodes: "
		    "records, or a slurm.conf");
	(void)slurm_conf_of(s->cluster);
	return slurm_job_link(s, e);
}

static void
policy_init(struct sim *s)
{
	const struct slurm_conf *f = conf_of(s);
	struct slurm *z = xcalloc(1, sizeof(*z));
	size_t n = (size_t)s->jobs_len + 1;
	int i;

	z->queue = xcalloc(n, sizeof(*z->queue));
	z->held = xcalloc(n, sizeof(*z->held));
	z->running = xcalloc(n, sizeof(*z->running));
	z->free_ = nodes_all(s->cluster);
	z->all = nodes_all(s->cluster);
	s->cluster->offered = xcalloc((size_t)s->cluster->nodes_len, 1);
	z->starts = xcalloc((size_t)f->shares_len + 1, sizeof(*z->starts));
	z->lowest = BASIC_FIRST;
	z->completing = xcalloc((size_t)s->cluster->nodes_len,
	    sizeof(*z->completing));
	z->backfill_at = z->dep_at = NEVER;
	if (s->jobs_len > 0)
		z->counted_at = z->calc_at = z->backfilled_at =
		    s->jobs[0].submit_at;
	z->best_qos = z->best_partition = 1;
	for (i = 0; i < f->qos_len; i++)
		z->best_qos = MAX(z->best_qos, f->qos[i].priority);
	for (i = 0; i < s->cluster->partitions_len; i++)
		z->best_partition = MAX(z->best_partition,
		    s->cluster->partitions[i].job_factor);
	s->own = z;
}

/* Who waits for nobody any more joins the queue. */
static void
release(struct sim *s, struct slurm *z)
{
	int32_t i, kept = 0, job, at;

	z->dep_at = NEVER;
	for (i = 0; i < z->held_len; i++) {
		job = z->held[i];
		if (!slurm_job_is_free(s, job, &z->dep_at)) {
			z->held[kept++] = job;
			continue;
		}
		slurm_of(s, job)->eligible_at = s->now;
		set_priority(s, job);
		at = z->queue_len++;
		for (; at > 0 && cmp_queue(&z->queue[at - 1], &job, s) > 0;
		    at--)
			z->queue[at] = z->queue[at - 1];
		z->queue[at] = job;
		z->queued[s->jobs[job].need->partition]++;
	}
	z->changed |= kept < z->held_len;
	z->held_len = kept;
}

static int64_t
planned_end(const struct sim *s, int32_t job)
{
	return s->jobs[job].start_at + s->jobs[job].limit_s;
}

/* Whether a comes before b among those that run. */
static bool
ends_before(const struct sim *s, int32_t a, int32_t b)
{
	if (planned_end(s, a) != planned_end(s, b))
		return planned_end(s, a) < planned_end(s, b);
	return slurm_of(s, a)->place < slurm_of(s, b)->place;
}

/* What is left of an array when a task starts is a new job in the list. */
static void
split_array(const struct sim *s, struct slurm *z, int32_t job)
{
	int64_t array = slurm_of(s, job)->array;

	if (array >= 0 && job + 1 < s->submitted &&
	    slurm_of(s, job + 1)->array == array)
		slurm_of(s, job + 1)->place = z->places++;
}

void
slurm_start(struct sim *s, int32_t at)
{
	struct slurm *z = s->own;
	int32_t job = z->queue[at], i;

	z->queue_len--;
	z->queued[s->jobs[job].need->partition]--;
	memmove(z->queue + at, z->queue + at + 1,
	    (size_t)(z->queue_len - at) * sizeof(*z->queue));
	sim_start(s, job, NULL);
	z->started = true;
	split_array(s, z, job);
	for (i = z->running_len++; i > 0 &&
	    ends_before(s, job, z->running[i - 1]); i--)
		z->running[i] = z->running[i - 1];
	z->running[i] = job;
}

static void
slurm_end(struct sim *s, int32_t job, bool early)
{
	const struct need *n = s->jobs[job].need;
	struct slurm *z = s->own;
	int32_t i;

	(void)early;
	for (i = 0; i < n->parts_len; i++)
		z->completing[n->parts[i].node] = slurm_completes_at(s, job);
	for (i = 0; z->running[i] != job; i++)
		;
	z->running_len--;
	memmove(z->running + i, z->running + i + 1,
	    (size_t)(z->running_len - i) * sizeof(*z->running));
}

/* ---- completing ---- */

int64_t
slurm_completes_at(const struct sim *s, int32_t job)
{
	return s->jobs[job].start_at + s->jobs[job].run_s +
	    conf_of(s)->complete_s;
}

/* Its CPUs are free for plans at once, but nobody starts on such a node. */
void
slurm_leave_completing(const struct sim *s, struct res *left)
{
	const struct slurm *z = s->own;
	int32_t i;

	for (i = 0; i < s->cluster->nodes_len; i++)
		if (z->completing[i] > s->now)
			left[i].v[RES_CPU] = 0;
}

/* Whether somebody is no longer. */
static bool
completed(const struct sim *s, struct slurm *z)
{
	int32_t first = z->completed;

	while (z->completed < s->ended_len &&
	    slurm_completes_at(s, s->ended[z->completed]) <= s->now)
		z->completed++;
	return z->completed > first;
}

/* ---- passes ---- */

/* Nodes of that partition have nothing left, for this pass. */
static void
block(const struct sim *s, struct res *left, int partition)
{
	int32_t i;

	for (i = 0; i < s->cluster->nodes_len; i++)
		if (s->cluster->nodes[i].partitions >> partition & 1)
			left[i].v[RES_CPU] = 0;
}

/* The partitions that somebody of the queue is for. */
static uint64_t
wanted(const struct sim *s, const struct slurm *z)
{
	uint64_t bits = 0;
	int p;

	for (p = 0; p < s->cluster->partitions_len; p++)
		bits |= (uint64_t)(z->queued[p] > 0) << p;
	return bits;
}

static void
main_pass(struct sim *s, struct slurm *z)
{
	uint64_t open = wanted(s, z);	/* those where nobody has failed */
	struct need *n;
	int32_t i = 0, len;

	memcpy(z->free_, s->free_nodes,
	    (size_t)s->cluster->nodes_len * sizeof(*z->free_));
	slurm_leave_completing(s, z->free_);
	while (open != 0 && i < z->queue_len) {
		n = s->jobs[z->queue[i]].need;
		if (!(open >> n->partition & 1)) {
			i++;
			continue;
		}
		nodes_forget(s->cluster, n, NULL);
		nodes_offer(s->cluster, s->free_nodes, n, NULL);
		len = nodes_place(s->cluster, z->free_, n, s->parts);
		if (len == 0) {
			nodes_offer(s->cluster, z->all, n, NULL);
			open &= ~((uint64_t)1 << n->partition);
			block(s, z->free_, n->partition);
			i++;
			continue;
		}
		sim_keep_parts(n, s->parts, len);
		nodes_take(s->cluster, z->free_, s->parts, len);
		slurm_start(s, i);
	}
}

/* When the next backfill is, now that something has changed. */
static int64_t
next_backfill(const struct sim *s, const struct slurm *z)
{
	int64_t every = conf_of(s)->bf_interval_s;

	return z->backfilled_at + every *
	    MAX((s->now - z->backfilled_at + every - 1) / every, 1);
}

/* What has changed, and who may run now. */
static void
notice(struct sim *s, struct slurm *z)
{
	z->changed |= s->freed;
	z->changed |= completed(s, z);
	if (conf_of(s)->multifactor && z->calc_at <= s->now) {
		find_priorities(s, z);
		z->changed = true;
	}
	release(s, z);
}

/* Without defer each is looked at as it comes, an array as one. */
static void
policy_submit(struct sim *s, int32_t job)
{
	const struct slurm_job *u = slurm_of(s, job);
	struct slurm *z = s->own;

	slurm_of(s, job)->priority = basic(z, u);
	slurm_of(s, job)->place = z->places++;
	z->held[z->held_len++] = job;
	nodes_forget(s->cluster, s->jobs[job].need, NULL);
	nodes_offer(s->cluster, z->all, s->jobs[job].need, NULL);
	if (conf_of(s)->defer)
		return;
	if (u->array >= 0 && job + 1 < s->jobs_len &&
	    s->jobs[job + 1].submit_at == s->now &&
	    slurm_of(s, job + 1)->array == u->array)
		return;
	notice(s, z);
	if (z->changed)
		main_pass(s, z);
}

/*
 * When somebody has started, the next backfill plans anew, and so early sees
 * who waited for that start alone.
 */
static void
plan_anew(const struct sim *s, struct slurm *z)
{
	int64_t next = next_backfill(s, z), wake = NEVER;
	int32_t i;

	if (!conf_of(s)->no_backfill && z->backfill_at == NEVER)
		z->backfill_at = next;
	for (i = 0; i < z->held_len; i++)
		if (slurm_job_is_free(s, z->held[i], &wake))
			wake = MIN(wake, next);
	z->dep_at = MIN(z->dep_at, wake);
	z->started = false;
}

/*
 * As Slurm's threads fall into step when both look once a second: the backfill
 * first, and right behind it the main pass, which sees whom it has released.
 */
static void
slurm_pass(struct sim *s)
{
	const struct slurm_conf *f = conf_of(s);
	struct slurm *z = s->own;

	notice(s, z);
	if (z->changed && !f->no_backfill && (z->backfill_at == NEVER ||
	    z->backfill_at < s->now))
		z->backfill_at = next_backfill(s, z);
	if (z->backfill_at <= s->now) {
		if (z->queue_len > 0)
			slurm_backfill(s);
		z->backfilled_at = s->now;
		z->backfill_at = NEVER;
		release(s, z);
	}
	main_pass(s, z);
	z->changed = false;
	if (z->started)
		plan_anew(s, z);
}

static int64_t
slurm_wake(const struct sim *s)
{
	const struct slurm *z = s->own;
	int64_t at = z->dep_at;

	if (z->queue_len + z->held_len > 0 && z->completed < s->ended_len)
		at = MIN(at, slurm_completes_at(s,
		    s->ended[z->completed]));
	if (z->queue_len > 0)
		at = MIN(at, z->backfill_at);
	if (conf_of(s)->multifactor &&
	    (z->queue_len + z->held_len + z->running_len > 0 ||
	    (s->submitted < s->jobs_len && z->counted < s->ended_len)))
		at = MIN(at, z->calc_at);
	return at;
}

const struct policy policy_slurm = {
	.name = "slurm", .check = slurm_check, .init = policy_init,
	.submit = policy_submit, .end = slurm_end, .pass = slurm_pass,
	.wake = slurm_wake, .why = slurm_why,
};
