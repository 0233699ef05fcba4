/*
 * slurmio.c - libslurm, turned into our own structs at once. The only file
 * that includes <slurm/slurm.h>.
 *
 * How long a call takes: libslurm tries to connect and then waits for the
 * answer, each for at most MessageTimeout of slurm.conf (10 s where it says
 * nothing), so no call outlives twice that. It prints nothing: its own log is
 * shut once the configuration is read.
 */
#include "slurmio.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#include "buf.h"

/*
 * Exported by libslurm, but not declared in its headers. The log's options
 * are three levels and a word of flags, which is quiet when all are 0.
 */
struct slurm_log_quiet {
	int stderr_level, syslog_level, logfile_level;
	unsigned int flags;
};
extern int slurm_log_alter(struct slurm_log_quiet opt, int facility,
    char *file);
extern slurm_conf_t slurm_conf;
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 2, 0)
extern char *slurm_job_state_reason_string(enum job_state_reason why);
#define reason_string slurm_job_state_reason_string
#else
extern char *slurm_job_reason_string(enum job_state_reason why);
#define reason_string slurm_job_reason_string
#endif

#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(23, 11, 0)
#define GRES_PREFIX "gres/"
#else
#define GRES_PREFIX "gres:"
#endif

/* ---- errors ---- */

/* The answer did not come: the request may have been carried out. */
static bool
outcome_unknown(int code)
{
	switch (code) {
	case SLURM_COMMUNICATIONS_RECEIVE_ERROR:
	case SLURM_COMMUNICATIONS_SHUTDOWN_ERROR:
	case SLURMCTLD_COMMUNICATIONS_RECEIVE_ERROR:
	case SLURMCTLD_COMMUNICATIONS_SHUTDOWN_ERROR:
	case SLURM_PROTOCOL_AUTHENTICATION_ERROR:	/* of the answer? */
	case SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH:
	case SLURM_PROTOCOL_SOCKET_IMPL_NEGATIVE_RECV_LENGTH:
	case ESLURM_PROTOCOL_INCOMPLETE_PACKET:
	case SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT:
	case SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT:
	case ETIMEDOUT:
	case ECONNRESET:
	case EPIPE:
		return true;
	default:
		return false;
	}
}

/* Things that pass by themselves: limits, states, daemons that are away. */
static bool
passes(int code)
{
	switch (code) {
	case SLURM_ERROR:			/* "Unspecified error" */
	case SLURM_COMMUNICATIONS_CONNECTION_ERROR:
	case SLURM_COMMUNICATIONS_SEND_ERROR:
	case SLURM_COMMUNICATIONS_MISSING_SOCKET_ERROR:
	case SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR:
	case SLURMCTLD_COMMUNICATIONS_SEND_ERROR:
	case SLURM_PROTOCOL_SOCKET_IMPL_NOT_ALL_DATA_SENT:
	case ESLURM_ERROR_ON_DESC_TO_RECORD_COPY:	/* MaxJobCount */
	case ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE:
	case ESLURM_NODES_BUSY:
	case ESLURM_WRITING_TO_FILE:
	case ESLURM_TRANSITION_STATE_NO_UPDATE:
	case ESLURM_INTERCONNECT_FAILURE:
	case ESLURM_IN_STANDBY_MODE:
	case ESLURM_IN_STANDBY_USE_BACKUP:
	case ESLURM_DISABLED:
	case ESLURM_NEED_RESTART:
	case ESLURM_ACCOUNTING_POLICY:		/* a limit of jobs or size */
	case ESLURM_RESERVATION_BUSY:
	case ESLURM_PORTS_BUSY:
	case ESLURM_PROLOG_RUNNING:
	case ESLURM_NODE_NOT_AVAIL:
	case ESLURM_PARTITION_NOT_AVAIL:
	case ESLURM_PARTITION_DOWN:
	case ESLURM_PARTITION_IN_USE:
	case ESLURM_QOS_THRES:
	case ESLURM_INTERCONNECT_BUSY:
	case ESLURM_CAN_NOT_START_IMMEDIATELY:
	case ESLURM_BURST_BUFFER_WAIT:
	case ESLURM_JOB_SETTING_DB_INX:
	case ESLURM_SUBMISSIONS_DISABLED:
	case ESLURM_RESERVATION_MAINT:
	case ESLURM_REBOOT_IN_PROGRESS:
	case ESLURM_DEFER:
	case ESLURM_AUTH_CRED_INVALID:		/* clocks apart, too slow */
	case ESLURM_AUTH_NET_ERROR:		/* munged is away */
	case ESLURM_DB_CONNECTION:
	case ESLURM_DB_CONNECTION_INVALID:
	case ESLURM_FED_JOB_LOCK:
		return true;
	default:
		return false;
	}
}

/* Fills *e from Slurm's code, or errno's. Returns -1. */
static int
slurm_err(struct err *e, int code, const char *what)
{
	bool unknown = outcome_unknown(code);

	errno = code;
	if (code > 0 && code < SLURM_UNEXPECTED_MSG_ERROR && !unknown) {
		(void)err_errno(e, "%s", what);
		return -1;
	}
	if (unknown || passes(code))
		(void)err_temp(e, "%s: %s", what, slurm_strerror(code));
	else
		(void)err_perm(e, "%s: %s", what, slurm_strerror(code));
	e->code = code;
	e->unknown = unknown;
	return -1;
}

/* Slurm's calls return its code, or -1 and leave the code in errno. */
static int
call_err(struct err *e, int rc, const char *what)
{
	return slurm_err(e, rc > 0 ? rc : errno, what);
}

bool
slurmio_is_away(const struct err *e)
{
	return e->status == ST_TEMP && e->code > 0 &&
	    (e->code < SLURM_NO_CHANGE_IN_DATA ||
	    (e->code >= SLURM_PROTOCOL_SOCKET_IMPL_ZERO_RECV_LENGTH &&
	    e->code < ESLURM_DB_CONNECTION) ||
	    e->code == ESLURM_IN_STANDBY_MODE);
}

/* ---- open ---- */

/* Where libslurm will find its configuration; NULL: nowhere. */
static const char *
conf_path(void)
{
	static const char *const usual[] = {
		"/etc/slurm/slurm.conf", "/run/slurm/conf/slurm.conf",
	};
	const char *s = getenv("SLURM_CONF");
	size_t i;

	if (s != NULL)
		return s;
	for (i = 0; i < ARRAY_LEN(usual); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	return NULL;
}

int
slurmio_open(struct err *e)
{
	const struct slurm_log_quiet quiet = { 0 };
	static bool open;
	const char *path;

	if (open)
		return 0;
	path = conf_path();
	if (path == NULL)
		return err_perm(e, "no slurm.conf: this machine is not part "
		    "of a Slurm cluster (is SLURM_CONF set?)");
	if (access(path, R_OK) < 0)
		return err_errno(e, "%s", path);
	/* on a bad file this says why, and ends the process */
	slurm_init(NULL);
	(void)slurm_log_alter(quiet, 0, NULL);
	open = true;
	return 0;
}

/* ---- jobs ---- */

/*
 * Hidden partitions too, this cluster only: without SHOW_LOCAL each call asks
 * for the federation first, which is a second RPC.
 */
enum { SHOW_MINE = SHOW_ALL | SHOW_LOCAL };

static const char *
state_word(uint32_t state)
{
	static const struct { uint32_t flag; const char *word; } flags[] = {
		{ JOB_STAGE_OUT, "STAGE_OUT" },
		{ JOB_CONFIGURING, "CONFIGURING" },
		{ JOB_RESIZING, "RESIZING" },
		{ JOB_REQUEUE, "REQUEUED" },
		{ JOB_REQUEUE_FED, "REQUEUE_FED" },
		{ JOB_REQUEUE_HOLD, "REQUEUE_HOLD" },
		{ JOB_SPECIAL_EXIT, "SPECIAL_EXIT" },
		{ JOB_STOPPED, "STOPPED" },
		{ JOB_REVOKED, "REVOKED" },
		{ JOB_RESV_DEL_HOLD, "RESV_DEL_HOLD" },
		{ JOB_SIGNALING, "SIGNALING" },
	};
	static const char *const base[] = {
		"PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED",
		"FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL",
		"DEADLINE", "OUT_OF_MEMORY",
	};
	uint32_t word = state & JOB_STATE_BASE;
	size_t i;

	/* a requeued job that still winds up is pending, not ended */
	if ((state & JOB_COMPLETING) && word > JOB_SUSPENDED)
		return "COMPLETING";
	for (i = 0; i < ARRAY_LEN(flags); i++)
		if (state & flags[i].flag)
			return flags[i].word;
	return word < ARRAY_LEN(base) ? base[word] : "UNKNOWN";
}

static const char *
reason_word(const slurm_job_info_t *in)
{
	const char *s = in->state_desc;

	if (s != NULL && *s != '\0')
		return s;
	s = reason_string((enum job_state_reason)in->state_reason);
	return s == NULL || strcmp(s, "None") == 0 ? "" : s;
}

/* A pending job has no end; one without limit has none in sight. */
static int64_t
end_at(const slurm_job_info_t *in)
{
	uint32_t word = in->job_state & JOB_STATE_BASE;

	if (word == JOB_PENDING ||
	    (word <= JOB_SUSPENDED && in->time_limit == INFINITE))
		return 0;
	return in->end_time;
}

static int
copy_text(char **to, const char *s)
{
	*to = strdup(s ? s : "");
	return *to ? 0 : -1;
}

static int
copy_job(struct slurmio_job *job, const slurm_job_info_t *in)
{
	job->job_id = in->job_id;
	job->restart = in->restart_cnt;
	job->submit_at = in->submit_time;
	job->start_at = in->start_time;
	job->end_at = end_at(in);
	if (copy_text(&job->name, in->name) < 0 ||
	    copy_text(&job->comment, in->comment) < 0 ||
	    copy_text(&job->state, state_word(in->job_state)) < 0 ||
	    copy_text(&job->reason, reason_word(in)) < 0 ||
	    copy_text(&job->nodes, in->nodes) < 0 ||
	    copy_text(&job->batch_host, in->batch_host) < 0)
		return -1;
	return 0;
}

static int
by_id(const void *a, const void *b)
{
	uint32_t x = ((const struct slurmio_job *)a)->job_id;
	uint32_t y = ((const struct slurmio_job *)b)->job_id;

	return (x > y) - (x < y);
}

static int
copy_jobs(struct slurmio_jobs *out, const job_info_msg_t *msg, struct err *e)
{
	uint32_t i;

	*out = (struct slurmio_jobs){ .at = msg->last_update };
	if (msg->record_count == 0)
		return 0;
	out->list = calloc(msg->record_count, sizeof(out->list[0]));
	if (out->list == NULL)
		return err_temp(e, "out of memory");
	for (i = 0; i < msg->record_count; i++) {
		out->len++;
		if (copy_job(&out->list[i], &msg->job_array[i]) < 0) {
			slurmio_jobs_release(out);
			return err_temp(e, "out of memory");
		}
	}
	qsort(out->list, out->len, sizeof(out->list[0]), by_id);
	return 0;
}

int
slurmio_my_jobs(struct slurmio_jobs *out, struct err *e)
{
	job_info_msg_t *msg = NULL;
	int rc;

	*out = (struct slurmio_jobs){ 0 };
	rc = slurm_load_job_user(&msg, getuid(), SHOW_MINE);
	if (rc != SLURM_SUCCESS)
		return call_err(e, rc, "cannot list the jobs");
	rc = copy_jobs(out, msg, e);
	slurm_free_job_info_msg(msg);
	return rc;
}

void
slurmio_jobs_release(struct slurmio_jobs *jobs)
{
	size_t i;

	for (i = 0; i < jobs->len; i++) {
		free(jobs->list[i].name);
		free(jobs->list[i].comment);
		free(jobs->list[i].state);
		free(jobs->list[i].reason);
		free(jobs->list[i].nodes);
		free(jobs->list[i].batch_host);
	}
	free(jobs->list);
	*jobs = (struct slurmio_jobs){ 0 };
}

int
slurmio_set_comment(uint32_t job_id, const char *comment, struct err *e)
{
	job_desc_msg_t desc;
	int rc;

	slurm_init_job_desc_msg(&desc);
	desc.job_id = job_id;
	desc.comment = (char *)(uintptr_t)comment;	/* read only */
	rc = slurm_update_job(&desc);
	if (rc == SLURM_SUCCESS)
		return 0;
	if ((rc > 0 ? rc : errno) == ESLURM_JOB_FINISHED)
		return 1;
	(void)call_err(e, rc, "cannot set the comment");
	return err_prefix(e, "job %u", job_id);
}

int
slurmio_cancel(uint32_t job_id, struct err *e)
{
	char id[16];
	int rc;

	(void)snprintf(id, sizeof(id), "%u", job_id);
	rc = slurm_kill_job2(id, SIGKILL, 0, NULL);
	if (rc == SLURM_SUCCESS || (rc > 0 ? rc : errno) == ESLURM_ALREADY_DONE)
		return 0;
	(void)call_err(e, rc, "cannot cancel it");
	return err_prefix(e, "job %u", job_id);
}

static int64_t
left_of(const job_info_msg_t *msg, uint32_t job_id, struct err *e)
{
	const slurm_job_info_t *job;
	uint32_t i;

	for (i = 0; i < msg->record_count; i++) {
		job = &msg->job_array[i];
		if (job->job_id != job_id)
			continue;
		if (job->time_limit == INFINITE || job->end_time == 0)
			return INT64_MAX;
		return MAX(job->end_time - time(NULL), 0);
	}
	return err_perm(e, "job %u: Slurm does not know it", job_id);
}

int64_t
slurmio_time_left(uint32_t job_id, struct err *e)
{
	job_info_msg_t *msg = NULL;
	int64_t left;
	int rc;

	rc = slurm_load_job(&msg, job_id, SHOW_MINE);
	if (rc != SLURM_SUCCESS) {
		(void)call_err(e, rc, "cannot ask for its time limit");
		return err_prefix(e, "job %u", job_id);
	}
	left = left_of(msg, job_id, e);
	slurm_free_job_info_msg(msg);
	return left;
}

/* ---- submit ---- */

enum {
	MADE_MAX = 8,			/* texts made for one description */
	MADE_BYTES = 1 << 20,
	ENV_EXTRA = 32,			/* variables sbatch adds at most */
};

/* What is built for one call, and freed behind it. */
struct made {
	char *text[MADE_MAX];
	size_t texts;
	char **env;
	size_t env_len, env_own;	/* the first env_own are ours */
	bool failed;			/* no memory for one of them */
};

static void
made_release(struct made *m)
{
	size_t i;

	for (i = 0; i < m->texts; i++)
		free(m->text[i]);
	for (i = 0; i < m->env_own; i++)
		free(m->env[i]);
	free(m->env);
}

/* Takes over the text of b. */
static char *
keep(struct made *m, struct buf *b)
{
	assert(m->texts < MADE_MAX && b->data != NULL);
	m->text[m->texts++] = b->data;
	return b->data;
}

static char *
not_made(struct made *m, struct buf *b)
{
	buf_release(b);
	m->failed = true;
	return NULL;
}

/* "gpu:2,shard:1" as "gres:gpu:2,gres:shard:1". */
static char *
with_prefix(struct made *m, const char *list, const char *prefix)
{
	struct buf b = BUF_INIT(MADE_BYTES);
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (buf_adds(&b, prefix) < 0 || buf_add(&b, list, n) < 0 ||
		    (list[n] == ',' && buf_addc(&b, ',') < 0))
			return not_made(m, &b);
		if (list[n] == '\0')
			return keep(m, &b);
	}
}

/* sbatch makes the paths of output and error absolute, from the job's. */
static char *
absolute(struct made *m, char *path, const char *dir)
{
	struct buf b = BUF_INIT(MADE_BYTES);

	if (path == NULL || *path == '/')
		return path;
	if (buf_addf(&b, "%s/%s", dir, path) < 0)
		return not_made(m, &b);
	return keep(m, &b);
}

static void
put_nodes(job_desc_msg_t *d, const struct jobspec_value *v)
{
	d->min_nodes = (uint32_t)v->num;
	if (v->max != 0)
		d->max_nodes = (uint32_t)v->max;
}

static void
put_time(job_desc_msg_t *d, const struct jobspec_value *v)
{
	int64_t min = (v->num + 59) / 60;

	d->time_limit = v->num == 0 ? INFINITE :
	    (uint32_t)MIN(min, (int64_t)NO_VAL - 1);
}

static void
put_signal(job_desc_msg_t *d, const struct jobspec_value *v)
{
	struct jobspec_signal s;
	struct err e;
	int rc = jobspec_signal(v->text, &s, &e);

	assert(rc == 0);		/* it was checked when it was read */
	d->warn_signal = (uint16_t)s.num;
	d->warn_time = (uint16_t)s.before_s;
	d->warn_flags = (uint16_t)((s.batch ? KILL_JOB_BATCH : 0) |
	    (s.reservation ? KILL_JOB_RESV : 0));
}

static void
put_share(job_desc_msg_t *d, const struct jobspec_value *v)
{
	if (v->text != NULL)
		d->shared = strcmp(v->text, "user") == 0 ? JOB_SHARED_USER :
		    JOB_SHARED_MCS;
	else if (v->num)
		d->shared = JOB_SHARED_NONE;
}

#define PUT_TEXT(d, m, v, field) (d)->field = (v)->text
#define PUT_NODES(d, m, v, field) put_nodes(d, v)
#define PUT_COUNT(d, m, v, field) (d)->field = (uint32_t)(v)->num
#define PUT_COUNT16(d, m, v, field) (d)->field = (uint16_t)(v)->num
#define PUT_MEM(d, m, v, field) (d)->field = (uint64_t)(v)->num
#define PUT_MEM_CPU(d, m, v, field) \
	(d)->field = (uint64_t)(v)->num | MEM_PER_CPU
#define PUT_GRES(d, m, v, field) \
	(d)->field = with_prefix(m, (v)->text, GRES_PREFIX)
#define PUT_GPUS(d, m, v, field) \
	(d)->field = with_prefix(m, (v)->text, GRES_PREFIX "gpu:")
#define PUT_TIME(d, m, v, field) put_time(d, v)
#define PUT_WHEN(d, m, v, field) (d)->field = (time_t)(v)->num
#define PUT_REQUEUE(d, m, v, field) (d)->field = (uint16_t)(v)->num
#define PUT_SIGNAL(d, m, v, field) put_signal(d, v)
#define PUT_HOLD(d, m, v, field) (d)->field = (v)->num ? 0 : NO_VAL
#define PUT_SHARE(d, m, v, field) put_share(d, v)

#define PUT(key, type, option, letter, field) \
	if (spec->v[JOBSPEC_##key].set) \
		PUT_##type(d, m, &spec->v[JOBSPEC_##key], field);

static void
put_spec(job_desc_msg_t *d, struct made *m, const struct jobspec *spec)
{
	JOBSPEC_TABLE(PUT)
}

/* Tasks as sbatch counts them; *said: they were asked for, not guessed. */
static uint32_t
count_tasks(const struct jobspec *spec, const job_desc_msg_t *d, bool *said)
{
	bool nodes = spec->v[JOBSPEC_nodes].set ||
	    spec->v[JOBSPEC_nodelist].set;
	uint32_t min = nodes ? MAX(d->min_nodes, 1) : 1;
	bool one_size;

	*said = true;
	if (spec->v[JOBSPEC_ntasks].set)
		return d->num_tasks;
	one_size = !nodes || d->max_nodes == NO_VAL || d->max_nodes == min;
	*said = one_size && spec->v[JOBSPEC_ntasks_per_node].set;
	if (spec->v[JOBSPEC_ntasks_per_node].set)
		return min * d->ntasks_per_node;
	return one_size ? min : 1;
}

static void
count_nodes(const struct jobspec *spec, job_desc_msg_t *d)
{
	hostlist_t hl;

	if (!spec->v[JOBSPEC_nodelist].set || spec->v[JOBSPEC_nodes].set)
		return;
	hl = slurm_hostlist_create(spec->v[JOBSPEC_nodelist].text);
	if (hl == NULL)
		return;			/* slurmctld will say what is wrong */
	slurm_hostlist_uniq(hl);
	d->min_nodes = (uint32_t)slurm_hostlist_count(hl);
	slurm_hostlist_destroy(hl);
}

/* Sizes that follow from others. Returns the tasks for SLURM_NTASKS, or 0. */
static uint32_t
derive_sizes(const struct jobspec *spec, job_desc_msg_t *d)
{
	uint32_t tasks;
	bool said;

	count_nodes(spec, d);
	tasks = count_tasks(spec, d, &said);
	if (spec->v[JOBSPEC_nodes].set && spec->v[JOBSPEC_ntasks].set) {
		if (d->max_nodes != NO_VAL && tasks < d->max_nodes)
			d->max_nodes = tasks;
		if (tasks < d->min_nodes)
			d->min_nodes = d->max_nodes = tasks;
	}
	d->min_cpus = tasks;
	if (spec->v[JOBSPEC_cpus_per_task].set) {
		d->min_cpus = tasks * d->cpus_per_task;
		d->pn_min_cpus = d->cpus_per_task;
	}
	if (said)
		d->num_tasks = tasks;
	return said ? tasks : 0;
}

/* ---- the environment that sbatch adds ---- */

/* K=V; what the caller gave under that name is replaced. */
static int
env_put(struct made *m, const char *name, const char *value)
{
	struct buf b = BUF_INIT(MADE_BYTES);
	size_t len = strlen(name), i;

	if (buf_addf(&b, "%s=%s", name, value) < 0)
		return -1;
	for (i = m->env_own; i < m->env_len; i++) {
		if (strncmp(m->env[i], b.data, len + 1) == 0) {
			m->env[i] = m->env[--m->env_len];
			break;
		}
	}
	m->env[m->env_len++] = m->env[m->env_own];
	m->env[m->env_own++] = b.data;
	m->env[m->env_len] = NULL;
	return 0;
}

static bool
env_has(const struct made *m, const char *name)
{
	size_t len = strlen(name), i;

	for (i = 0; i < m->env_len; i++)
		if (strncmp(m->env[i], name, len) == 0 && m->env[i][len] == '=')
			return true;
	return false;
}

static int
env_num(struct made *m, const char *name, unsigned long long n)
{
	char value[24];

	(void)snprintf(value, sizeof(value), "%llu", n);
	return env_put(m, name, value);
}

/* Whether name is in a comma-separated list, or the list is "ALL". */
static bool
listed(const char *list, const char *name)
{
	size_t n;

	if (strcasecmp(list, "ALL") == 0)
		return true;
	for (;; list += n + 1) {
		n = strcspn(list, ", ");
		if (n == strlen(name) && strncasecmp(list, name, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
	}
}

/* What PropagateResourceLimits and ...Except of slurm.conf say. */
static bool
propagated(const char *name)
{
	if (slurm_conf.propagate_rlimits != NULL)
		return listed(slurm_conf.propagate_rlimits, name);
	if (slurm_conf.propagate_rlimits_except != NULL)
		return !listed(slurm_conf.propagate_rlimits_except, name);
	return true;
}

static int
env_limits(struct made *m)
{
	static const struct { const char *name; int what; } limits[] = {
		{ "CPU", RLIMIT_CPU }, { "FSIZE", RLIMIT_FSIZE },
		{ "DATA", RLIMIT_DATA }, { "STACK", RLIMIT_STACK },
		{ "CORE", RLIMIT_CORE }, { "RSS", RLIMIT_RSS },
		{ "NPROC", RLIMIT_NPROC }, { "NOFILE", RLIMIT_NOFILE },
		{ "MEMLOCK", RLIMIT_MEMLOCK }, { "AS", RLIMIT_AS },
	};
	struct rlimit now;
	char name[32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(limits); i++) {
		if (!propagated(limits[i].name) ||
		    getrlimit((__rlimit_resource_t)limits[i].what, &now) < 0)
			continue;
		(void)snprintf(name, sizeof(name), "SLURM_RLIMIT_%s",
		    limits[i].name);
		if (env_num(m, name, now.rlim_cur) < 0)
			return -1;
	}
	return 0;
}

static int
env_place(struct made *m)
{
	char dir[PATH_MAX], host[256], mask[8];
	mode_t old = umask(0);

	(void)umask(old);
	(void)snprintf(mask, sizeof(mask), "0%03o", (unsigned int)old & 0777);
	if (getcwd(dir, sizeof(dir)) == NULL ||
	    gethostname(host, sizeof(host)) < 0)
		return -1;
	host[sizeof(host) - 1] = '\0';
	if (env_put(m, "SLURM_SUBMIT_DIR", dir) < 0 ||
	    env_put(m, "SLURM_SUBMIT_HOST", host) < 0)
		return -1;
	/* as sbatch: a job that submits a job hands its own on */
	return env_has(m, "SLURM_UMASK") ? 0 : env_put(m, "SLURM_UMASK", mask);
}

static int
env_sizes(struct made *m, const struct jobspec *spec, uint32_t tasks)
{
	const struct jobspec_value *v = spec->v;

	if (tasks != 0 && (env_num(m, "SLURM_NTASKS", tasks) < 0 ||
	    env_num(m, "SLURM_NPROCS", tasks) < 0))
		return -1;
	if (v[JOBSPEC_cpus_per_task].set && env_num(m, "SLURM_CPUS_PER_TASK",
	    (unsigned long long)v[JOBSPEC_cpus_per_task].num) < 0)
		return -1;
	if (v[JOBSPEC_ntasks_per_node].set && env_num(m,
	    "SLURM_NTASKS_PER_NODE",
	    (unsigned long long)v[JOBSPEC_ntasks_per_node].num) < 0)
		return -1;
	if (v[JOBSPEC_gpus].set &&
	    env_put(m, "SLURM_GPUS", v[JOBSPEC_gpus].text) < 0)
		return -1;
	if (v[JOBSPEC_dependency].set &&
	    env_put(m, "SLURM_JOB_DEPENDENCY", v[JOBSPEC_dependency].text) < 0)
		return -1;
	return 0;
}

static int
env_make(struct made *m, char *const env[], const struct jobspec *spec,
    const char *name, uint32_t tasks)
{
	char nice[16];
	size_t n = 0;

	while (env[n] != NULL)
		n++;
	m->env = calloc(n + ENV_EXTRA + 1, sizeof(m->env[0]));
	if (m->env == NULL)
		return -1;
	memcpy(m->env, env, n * sizeof(env[0]));
	m->env_len = n;
	(void)snprintf(nice, sizeof(nice), "%d", getpriority(PRIO_PROCESS, 0));
	if (env_put(m, "SLURM_JOB_NAME", name) < 0 ||
	    env_put(m, "SLURM_PRIO_PROCESS", nice) < 0)
		return -1;
	if (env_place(m) < 0 || env_limits(m) < 0)
		return -1;
	return env_sizes(m, spec, tasks);
}

static int
fill(job_desc_msg_t *d, struct made *m, const struct jobspec *spec,
    char *const argv[], char *const env[], struct err *e)
{
	struct buf cwd = BUF_INIT(PATH_MAX);
	uint32_t tasks, argc = 0;

	slurm_init_job_desc_msg(d);
	put_spec(d, m, spec);
	tasks = derive_sizes(spec, d);
	if (d->work_dir == NULL && (buf_reserve(&cwd, PATH_MAX - 1) < 0 ||
	    getcwd(cwd.data, PATH_MAX) == NULL)) {
		buf_release(&cwd);
		return err_errno(e, "the working directory");
	}
	if (d->work_dir == NULL)
		d->work_dir = keep(m, &cwd);
	d->std_in = (char *)(uintptr_t)"/dev/null";
	d->std_out = absolute(m, d->std_out, d->work_dir);
	d->std_err = absolute(m, d->std_err, d->work_dir);
	if (d->name == NULL)
		d->name = (char *)(uintptr_t)"sbatch";
	d->user_id = getuid();
	d->group_id = getgid();
	while (argv[argc] != NULL)
		argc++;
	d->argc = argc;
	d->argv = (char **)(uintptr_t)argv;
	if (m->failed)
		return err_temp(e, "out of memory");
	if (env_make(m, env, spec, d->name, tasks) < 0)
		return err_errno(e, "the environment of the job");
	d->environment = m->env;
	d->env_size = (uint32_t)m->env_len;
	return 0;
}

static int64_t
send_job(job_desc_msg_t *d, struct err *e)
{
	submit_response_msg_t *answer = NULL;
	int64_t job_id;
	int rc;

	rc = slurm_submit_batch_job(d, &answer);
	if (rc != SLURM_SUCCESS || answer == NULL)
		return call_err(e, rc, "cannot submit the job");
	job_id = answer->job_id;
	slurm_free_submit_response_response_msg(answer);
	return job_id;
}

int64_t
slurmio_submit(const struct jobspec *spec, const char *script,
    char *const argv[], char *const env[], struct err *e)
{
	struct made m = { 0 };
	job_desc_msg_t d;
	int64_t job_id = -1;

	if (fill(&d, &m, spec, argv, env, e) == 0) {
		d.script = (char *)(uintptr_t)script;
		job_id = send_job(&d, e);
	}
	made_release(&m);
	return job_id;
}
