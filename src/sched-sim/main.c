/*
 * sched-sim - simulates a cluster's scheduler: jobs in, the same jobs out with
 * when each would have started and ended. Two families of policies: those of
 * space sharing (sim.h) and those of rounds (rounds.h).
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "options.h"
#include "rec.h"
#include "record.h"
#include "sim.h"
#include "watch.h"

enum { TIMEOUT_MS = 30000 };

static struct options opt;
static struct cluster cluster;
static struct sim s = { .cluster = &cluster };

/* A wrong name is answered with the right ones. */
static void
die_unknown(const char *policy)
{
	const struct round_policy *const *p;
	struct buf names = BUF_INIT(1000);

	for (p = round_policies; *p != NULL; p++)
		(void)buf_addf(&names, ", %s", (*p)->name);
	die(ST_PERM, "policy '%s' is not known; known are %s%s", policy,
	    policy_names(), buf_str(&names));
}

/* ---- a recording ---- */

/*
 * -p replay: the options of the recording, and, if that is not given, its
 * cluster. Rounds, and policies of ours on nodes, are simulated once more from
 * the same input; for all others the decisions are taken as they are.
 */
static int
begin_replay(struct input *in, const char **policy, struct err *e)
{
	const json_t *options = json_object_get(in->recording, "options");
	const json_t *option;
	size_t i;

	*policy = NULL;
	if (in->recording == NULL)
		return err_perm(e, "replay: the input does not begin with a "
		    "sim record, as --record writes it");
	if (rec_str(in->recording, "policy", policy, e) < 0 ||
	    (opt.cluster == NULL && rec_str(in->recording, "cluster",
	    &opt.cluster, e) < 0))
		return -1;
	json_array_foreach(options, i, option)
		if (options_recorded(&opt, json_is_string(option) ?
		    json_string_value(option) : "", e) < 0)
			return -1;
	in->other = replay_line;
	in->ended = replay_whole;
	if (*policy == NULL)
		return err_perm(e, "sim: 'policy' is missing");
	if (policy_find(*policy, &s) == NULL && !rounds_is_policy(*policy))
		return err_perm(e, "sim: policy '%s' is not known", *policy);
	if (rounds_is_policy(*policy))
		opt.policy = *policy;
	return 0;
}

static void
begin_record(const struct input *in, const char *policy)
{
	struct err e;

	if (opt.record == NULL || opt.dry_run)
		return;
	if (record_open(opt.record, policy, opt.cluster, opt.given,
	    opt.given_len, &e) < 0)
		die_err(&e);
	record_cluster(in->cluster);
}

/* ---- the two families ---- */

static int64_t
run_rounds(struct input *in, struct err *e)
{
	struct rounds_options *o = &opt.rounds;

	o->policy = opt.policy;
	o->cluster = opt.cluster;
	o->keep_going = opt.keep_going;
	o->dry_run = opt.dry_run;
	o->go_on = watch_go_on;
	if (opt.space_only != NULL)
		return err_perm(e, "%s is not for policies of rounds",
		    opt.space_only);
	if (opt.cluster == NULL)
		return err_perm(e, "rounds need servers: -c with an ini "
		    "file, or node records");
	return rounds_run(o, in, e);
}

/* As -c says, or else the head of the input. */
static int
find_cluster(const struct input *in, struct err *e)
{
	if (opt.cluster != NULL)
		return cluster_load(&cluster, opt.cluster, e);
	cluster.procs = input_procs(in);
	if (cluster.procs == 0)
		return err_perm(e, "no -c, and the input does not begin with "
		    "a cluster record that has procs");
	if (cluster.procs > PROCS_MAX)
		return err_perm(e, "%s: more than %d processors", in->nd.name,
		    PROCS_MAX);
	return 0;
}

static int
write_all(struct err *e)
{
	int32_t i;

	for (i = 0; i < s.ended_len; i++) {
		if (!s.stopped && watch_stopped())
			return err_temp(e, "interrupted: %d of %d jobs are "
			    "written", i, s.ended_len);
		if (load_write(&s, &s.jobs[s.ended[i]], e) < 0)
			return -1;
	}
	return 0;
}

static int64_t
run_space(struct input *in, const char *recorded, struct err *e)
{
	static struct load l;	/* all lives until the program ends */

	s.go_on = watch_go_on;
	s.command = opt.policy;
	s.timeout_ms = opt.timeout_ms < 0 ? TIMEOUT_MS : opt.timeout_ms;
	s.one_by_one = opt.pyss && !opt.replay;
	s.started = opt.record != NULL ? record_start : NULL;
	s.explain = NOBODY;
	if (opt.rounds_only != NULL)
		return err_perm(e, "--%s is only for policies of rounds",
		    opt.rounds_only);
	if (opt.pyss && opt.ids)
		return err_perm(e, "--same-instant=pyss counts processors; it "
		    "does not go with --allocate=ids");
	if (find_cluster(in, e) < 0)
		return -1;
	if (cluster.nodes_len > 0 && opt.replay && policy_find(recorded, &s) !=
	    &policy_exec)
		opt.policy = recorded;
	if (cluster.nodes_len > 0 && opt.space_only != NULL)
		return err_perm(e, "%s is not for a cluster of nodes",
		    opt.space_only);
	if (load_jobs(&l, in, &cluster, opt.keep_going, e) < 0)
		return -1;
	chat("%d jobs read", l.len);
	s.policy = policy_find(opt.policy, &s);
	s.procs = cluster.procs;
	s.jobs = l.jobs;
	s.jobs_len = l.len;
	if (s.policy->check != NULL && s.policy->check(&s, e) < 0)
		return -1;
	if (opt.dry_run)
		return l.skipped;
	if (opt.rounds.explain >= 0) {
		s.explain = outside_find(&s, opt.rounds.explain);
		if (s.explain == NOBODY)
			return err_perm(e, "job %lld, to be explained, is not "
			    "in the input", (long long)opt.rounds.explain);
		input_pass_cluster(in, s.procs, 0);
	}
	if (sim_run(&s, e) < 0)
		return -1;
	if (s.stopped)
		warn("interrupted at simulated time %lld: %d of %d jobs have "
		    "ended", (long long)s.now, s.ended_len, s.jobs_len);
	chat("%d jobs simulated, the last ends at %lld", s.ended_len,
	    (long long)s.now);
	if (s.now > REC_MAX)
		return err_perm(e, "the last job ends at %lld, and records "
		    "have no time after %lld", (long long)s.now,
		    (long long)REC_MAX);
	watch_clear();
	input_pass_cluster(in, s.procs, 0);
	return write_all(e) < 0 ? -1 : l.skipped;
}

int
main(int argc, char **argv)
{
	static struct input in;
	int64_t skipped;
	const char *recorded = NULL;
	bool space;
	struct err e;

	prog = "sched-sim";
	options_parse(&opt, argc, argv);
	assert(opt.policy != NULL);
	opt.replay = strcmp(opt.policy, policy_replay.name) == 0;
	s.name_machines = opt.ids;
	space = policy_find(opt.policy, &s) != NULL;
	if (!space && !rounds_is_policy(opt.policy))
		die_unknown(opt.policy);
	if (opt.timeout_ms >= 0 && strncmp(opt.policy, "exec:", 5) != 0)
		die(ST_PERM, "--timeout is only for exec:CMD");
	die_if_closed(true);
	watch_begin();
	if (input_open(&in, STDIN_FILENO, "stdin", &e) < 0)
		die_err(&e);
	if (opt.replay && begin_replay(&in, &recorded, &e) < 0)
		die_err(&e);
	s.name_machines = opt.ids;
	/* of a recording, too, it is said who decided */
	begin_record(&in, recorded != NULL ? recorded : opt.policy);
	in.used = record_line;
	space = !rounds_is_policy(opt.policy);
	skipped = space ? run_space(&in, recorded, &e) : run_rounds(&in, &e);
	if (skipped < 0)
		die_err(&e);
	watch_clear();
	if (watch_obeyed())
		leave(ST_TEMP);
	if (ferror(stdout))
		leave(ST_TEMP);		/* and there is no recording */
	if (nd_flush(&e) < 0 || record_close(&e) < 0)
		die_err(&e);
	input_close(&in);
	leave(skipped > 0 ? ST_NO : ST_OK);
}
