/*
 * fake-slurm.c - the few calls of libslurm that lib/slurmio.c makes, played
 * from the directory that FAKE_SLURM names. Linked in libslurm's place. Set
 * SLURM_CONF to a file that exists (/dev/null), for slurmio.c looks first.
 *
 *	jobs	one job a line, as JSON: job_id, name, comment, state (PENDING
 *		if absent), reason, flags (a number, as <slurm/slurm.h> has
 *		them), restart, submit_at, start_at, end_at, time_limit_s (no
 *		limit if absent), nodes, batch_host. Submitting, commenting and
 *		cancelling rewrite it.
 *	answers	one line for each coming failure, "CALL CODE" or "CALL CODE
 *		done"; CALL is jobs, job, submit, update or cancel. The first
 *		line of a call is taken out and decides its next use: it fails
 *		with CODE (Slurm's, or errno's) and does nothing, or with
 *		`done` does its work and fails all the same; CODE 0 succeeds.
 *		"CALL CODE always" stays.
 *	join	lines for `jobs` that appear when the next job is submitted, as
 *		if somebody else had been quicker; then renamed to `joined`
 *	next_id	the id of the next job (default: 100, or the highest + 1)
 *	delay_ms	how long each call takes
 *	now	the submit time of new jobs (default: the time)
 *	log	what was called, one JSON object a call, appended
 *
 * Calls of several processes are made one after another.
 */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#include "clock.h"
#include "num.h"
#include "xalloc.h"

slurm_conf_t slurm_conf;

struct slurm_log_quiet {
	int stderr_level, syslog_level, logfile_level;
	unsigned int flags;
};
int slurm_log_alter(struct slurm_log_quiet opt, int facility, char *file);
char *slurm_job_reason_string(enum job_state_reason why);
char *slurm_job_state_reason_string(enum job_state_reason why);

/* ---- the directory ---- */

static char *
path_of(const char *name)
{
	const char *dir = getenv("FAKE_SLURM");

	if (dir == NULL) {
		(void)fputs("fake-slurm: FAKE_SLURM is not set\n", stderr);
		abort();
	}
	return xasprintf("%s/%s", dir, name);
}

static FILE *
open_file(const char *name, const char *mode)
{
	char *path = path_of(name);
	FILE *f = fopen(path, mode);

	free(path);
	return f;
}

static int64_t
number(const char *name, int64_t otherwise)
{
	FILE *f = open_file(name, "r");
	char text[24];
	int64_t n;
	struct err e;

	if (f == NULL)
		return otherwise;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	(void)fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return num_int(text, 0, INT64_MAX, &n, &e) < 0 ? otherwise : n;
}

/* The records of a file; an array, empty where there is no such file. */
static json_t *
load(const char *name)
{
	json_t *all = json_array(), *one;
	FILE *f = open_file(name, "r");
	json_error_t e;

	while (f != NULL && (one = json_loadf(f, JSON_DISABLE_EOF_CHECK,
	    &e)) != NULL)
		(void)json_array_append_new(all, one);
	if (f != NULL)
		(void)fclose(f);
	return all;
}

static void
store(const char *name, const char *mode, const json_t *all)
{
	FILE *f = open_file(name, mode);
	const json_t *one;
	size_t i;

	json_array_foreach(all, i, one) {
		(void)json_dumpf(one, f, JSON_COMPACT);
		(void)putc('\n', f);
	}
	(void)fclose(f);
}

/* Takes over what was called. */
static void
log_call(json_t *call)
{
	json_t *all = json_array();

	(void)json_array_append_new(all, call);
	store("log", "a", all);
	json_decref(all);
}

static int
lock(void)
{
	char *path = path_of("lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	free(path);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		abort();
	return fd;
}

/* ---- what a call answers ---- */

struct answer {
	int code;
	bool done;	/* it does its work although it fails */
};

/* Whether line is of call; always: it is not used up. */
static bool
answers(const char *line, const char *call, struct answer *a, bool *always)
{
	char name[16], how[16] = "";
	int code;

	if (sscanf(line, "%15s %d %15s", name, &code, how) < 2 ||
	    strcmp(name, call) != 0)
		return false;
	a->code = code;
	a->done = code == 0 || strcmp(how, "done") == 0;
	*always = strcmp(how, "always") == 0;
	return true;
}

static struct answer
next_answer(const char *call)
{
	struct answer a = { .done = true };
	FILE *f = open_file("answers", "r"), *out;
	char line[80], *rest = xcalloc(1, 1 << 16);
	bool found = false, always = true;
	size_t len = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (!found && answers(line, call, &a, &always)) {
			found = true;
			if (!always)
				continue;
		}
		len += (size_t)snprintf(rest + len, (1 << 16) - len, "%s",
		    line);
	}
	if (f != NULL)
		(void)fclose(f);
	if (found && !always) {
		out = open_file("answers", "w");
		(void)fwrite(rest, 1, len, out);
		(void)fclose(out);
	}
	free(rest);
	return a;
}

static struct answer
begin(const char *call, int *fd)
{
	clock_sleep_ms(number("delay_ms", 0));
	*fd = lock();
	return next_answer(call);
}

/* As libslurm does: -1 and errno. */
static int
end(int fd, struct answer a)
{
	(void)close(fd);
	if (a.code == 0)
		return SLURM_SUCCESS;
	errno = a.code;
	return SLURM_ERROR;
}

/* ---- jobs ---- */

static const char *const states[] = {
	"PENDING", "RUNNING", "SUSPENDED", "COMPLETED", "CANCELLED", "FAILED",
	"TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
	"OUT_OF_MEMORY",
};

static uint32_t
state_number(const char *word)
{
	uint32_t i;

	for (i = 0; word != NULL && i < ARRAY_LEN(states); i++)
		if (strcmp(states[i], word) == 0)
			return i;
	return JOB_PENDING;
}

static char *
text(const json_t *job, const char *key)
{
	const char *s = json_string_value(json_object_get(job, key));

	return s ? xstrdup(s) : NULL;
}

static int64_t
integer(const json_t *job, const char *key)
{
	return json_integer_value(json_object_get(job, key));
}

static void
fill_job(slurm_job_info_t *out, const json_t *job)
{
	char *state = text(job, "state");

	out->job_id = (uint32_t)integer(job, "job_id");
	out->restart_cnt = (uint16_t)integer(job, "restart");
	out->job_state = state_number(state) |
	    (uint32_t)integer(job, "flags");
	out->submit_time = integer(job, "submit_at");
	out->start_time = integer(job, "start_at");
	out->end_time = integer(job, "end_at");
	out->time_limit = json_object_get(job, "time_limit_s") == NULL ?
	    INFINITE : (uint32_t)(integer(job, "time_limit_s") / 60);
	out->name = text(job, "name");
	out->comment = text(job, "comment");
	out->state_desc = text(job, "reason");
	out->nodes = text(job, "nodes");
	out->batch_host = text(job, "batch_host");
	free(state);
}

/* job_id 0: all of them. */
static job_info_msg_t *
answer_jobs(uint32_t job_id)
{
	job_info_msg_t *msg = xcalloc(1, sizeof(*msg));
	json_t *all = load("jobs"), *job;
	size_t i;

	msg->last_update = number("now", time(NULL));
	msg->job_array = xcalloc(json_array_size(all) + 1,
	    sizeof(msg->job_array[0]));
	json_array_foreach(all, i, job)
		if (job_id == 0 || integer(job, "job_id") == job_id)
			fill_job(&msg->job_array[msg->record_count++], job);
	json_decref(all);
	return msg;
}

int
slurm_load_job_user(job_info_msg_t **out, uint32_t user, uint16_t flags)
{
	struct answer a;
	int fd;

	(void)user;
	a = begin("jobs", &fd);
	log_call(json_pack("{ss si}", "call", "jobs", "flags", (int)flags));
	if (a.code == 0)
		*out = answer_jobs(0);
	return end(fd, a);
}

int
slurm_load_job(job_info_msg_t **out, uint32_t job_id, uint16_t flags)
{
	struct answer a;
	int fd;

	a = begin("job", &fd);
	log_call(json_pack("{ss si si}", "call", "job", "job_id", (int)job_id,
	    "flags", (int)flags));
	if (a.code == 0)
		*out = answer_jobs(job_id);
	if (a.code == 0 && (*out)->record_count == 0) {
		slurm_free_job_info_msg(*out);
		*out = NULL;
		a.code = ESLURM_INVALID_JOB_ID;
	}
	return end(fd, a);
}

void
slurm_free_job_info_msg(job_info_msg_t *msg)
{
	uint32_t i;

	for (i = 0; i < msg->record_count; i++) {
		free(msg->job_array[i].name);
		free(msg->job_array[i].comment);
		free(msg->job_array[i].state_desc);
		free(msg->job_array[i].nodes);
		free(msg->job_array[i].batch_host);
	}
	free(msg->job_array);
	free(msg);
}

/* Sets key of a job, unless it has ended. Slurm's code, 0 if done. */
static int
change(uint32_t job_id, const char *key, const char *value, int ended)
{
	json_t *all = load("jobs"), *job;
	int code = ESLURM_INVALID_JOB_ID;
	char *state;
	size_t i;

	json_array_foreach(all, i, job) {
		if (integer(job, "job_id") != job_id)
			continue;
		state = text(job, "state");
		code = state_number(state) > JOB_SUSPENDED ? ended : 0;
		free(state);
		if (code == 0)
			(void)json_object_set_new(job, key,
			    json_string(value));
	}
	if (code == 0)
		store("jobs", "w", all);
	json_decref(all);
	return code;
}

int
slurm_update_job(job_desc_msg_t *d)
{
	struct answer a;
	int fd, code;

	a = begin("update", &fd);
	log_call(json_pack("{ss si ss?}", "call", "update", "job_id",
	    (int)d->job_id, "comment", d->comment));
	if (a.done) {
		code = change(d->job_id, "comment", d->comment,
		    ESLURM_JOB_FINISHED);
		a.code = a.code ? a.code : code;
	}
	return end(fd, a);
}

int
slurm_kill_job2(const char *id, uint16_t sig, uint16_t flags,
    const char *sibling)
{
	struct answer a;
	int64_t job_id = 0;
	struct err e;
	int fd, code;

	(void)sibling;
	a = begin("cancel", &fd);
	log_call(json_pack("{ss ss si si}", "call", "cancel", "job_id", id,
	    "signal", (int)sig, "flags", (int)flags));
	if (a.done && num_int(id, 1, UINT32_MAX, &job_id, &e) == 0) {
		code = change((uint32_t)job_id, "state", "CANCELLED",
		    ESLURM_ALREADY_DONE);
		a.code = a.code ? a.code : code;
	}
	return end(fd, a);
}

/* ---- submit ---- */

static json_t *
strings(char *const *list, size_t n)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(all, json_string(list[i]));
	return all;
}

/* A text field of the description, left out where it is NULL. */
#define ADD_TEXT(field) \
	if (d->field != NULL) \
		(void)json_object_set_new(call, #field, json_string(d->field))

/* A number, left out where it is Slurm's "not said". */
#define ADD_NUMBER(field, none) \
	if (d->field != (none)) \
		(void)json_object_set_new(call, #field, \
		    json_integer((json_int_t)d->field))

static void
log_submit(const job_desc_msg_t *d)
{
	json_t *call = json_pack("{ss so so}", "call", "submit", "argv",
	    strings(d->argv, d->argc), "environment",
	    strings(d->environment, d->env_size));

	ADD_TEXT(name);
	ADD_TEXT(partition);
	ADD_TEXT(account);
	ADD_TEXT(qos);
	ADD_TEXT(tres_per_node);
	ADD_TEXT(tres_per_job);
	ADD_TEXT(features);
	ADD_TEXT(exc_nodes);
	ADD_TEXT(req_nodes);
	ADD_TEXT(reservation);
	ADD_TEXT(licenses);
	ADD_TEXT(dependency);
	ADD_TEXT(array_inx);
	ADD_TEXT(std_in);
	ADD_TEXT(std_out);
	ADD_TEXT(std_err);
	ADD_TEXT(work_dir);
	ADD_TEXT(comment);
	ADD_TEXT(script);
	ADD_NUMBER(min_nodes, NO_VAL);
	ADD_NUMBER(max_nodes, NO_VAL);
	ADD_NUMBER(num_tasks, NO_VAL);
	ADD_NUMBER(min_cpus, NO_VAL);
	ADD_NUMBER(ntasks_per_node, NO_VAL16);
	ADD_NUMBER(cpus_per_task, NO_VAL16);
	ADD_NUMBER(pn_min_memory, NO_VAL64);
	ADD_NUMBER(time_limit, NO_VAL);
	ADD_NUMBER(begin_time, 0);
	ADD_NUMBER(requeue, NO_VAL16);
	ADD_NUMBER(warn_signal, 0);
	ADD_NUMBER(warn_time, 0);
	ADD_NUMBER(warn_flags, 0);
	ADD_NUMBER(priority, NO_VAL);
	ADD_NUMBER(shared, NO_VAL16);
	log_call(call);
}

static void
join(json_t *all)
{
	json_t *more = load("join");
	char *from = path_of("join"), *to = path_of("joined");

	(void)json_array_extend(all, more);
	json_decref(more);
	(void)rename(from, to);
	free(from);
	free(to);
}

static uint32_t
add_job(const job_desc_msg_t *d)
{
	json_t *all = load("jobs"), *job;
	int64_t id = 99;
	size_t i;

	json_array_foreach(all, i, job)
		id = MAX(id, integer(job, "job_id"));
	id = number("next_id", id + 1);
	join(all);
	job = json_pack("{sI ss? ss ss sI}", "job_id", (json_int_t)id, "name",
	    d->name, "state", "PENDING", "reason", "Priority", "submit_at",
	    (json_int_t)number("now", time(NULL)));
	if (d->comment != NULL)
		(void)json_object_set_new(job, "comment",
		    json_string(d->comment));
	(void)json_array_append_new(all, job);
	store("jobs", "w", all);
	json_decref(all);
	return (uint32_t)id;
}

int
slurm_submit_batch_job(job_desc_msg_t *d, submit_response_msg_t **out)
{
	struct answer a;
	uint32_t id = 0;
	int fd;

	a = begin("submit", &fd);
	log_submit(d);
	if (a.done)
		id = add_job(d);
	if (a.code == 0) {
		*out = xcalloc(1, sizeof(**out));
		(*out)->job_id = id;
	}
	return end(fd, a);
}

void
slurm_free_submit_response_response_msg(submit_response_msg_t *msg)
{
	free(msg);
}

/* ---- the rest ---- */

void
slurm_init(const char *conf)
{
	(void)conf;
}

int
slurm_log_alter(struct slurm_log_quiet opt, int facility, char *file)
{
	(void)opt;
	(void)facility;
	(void)file;
	return 0;
}

/* "Not said" is 0 or all ones less one, as in libslurm's own. */
void
slurm_init_job_desc_msg(job_desc_msg_t *d)
{
	*d = (job_desc_msg_t){
		.min_nodes = NO_VAL, .max_nodes = NO_VAL, .num_tasks = NO_VAL,
		.min_cpus = NO_VAL, .ntasks_per_node = NO_VAL16,
		.cpus_per_task = NO_VAL16, .pn_min_cpus = NO_VAL16,
		.pn_min_memory = NO_VAL64, .time_limit = NO_VAL,
		.requeue = NO_VAL16, .priority = NO_VAL, .shared = NO_VAL16,
	};
}

char *
slurm_strerror(int code)
{
	static const struct { int code; const char *text; } texts[] = {
		{ SLURM_ERROR, "Unspecified error" },
		{ SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR,
		    "Unable to contact slurm controller (connect failure)" },
		{ ESLURM_INVALID_PARTITION_NAME,
		    "Invalid partition name specified" },
		{ ESLURM_ERROR_ON_DESC_TO_RECORD_COPY,
		    "Slurm job queue full, sleeping and retrying" },
		{ ESLURM_INVALID_JOB_ID, "Invalid job id specified" },
		{ ESLURM_JOB_FINISHED, "Job has already finished" },
		{ ESLURM_ACCOUNTING_POLICY,
		    "Job violates accounting/QOS policy" },
		{ SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT,
		    "Socket timed out on send/recv operation" },
	};
	static char other[32];
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].code == code)
			return (char *)(uintptr_t)texts[i].text;
	(void)snprintf(other, sizeof(other), "Slurm error %d", code);
	return other;
}

char *
slurm_job_reason_string(enum job_state_reason why)
{
	(void)why;
	return (char *)(uintptr_t)"None";
}

char *
slurm_job_state_reason_string(enum job_state_reason why)
{
	return slurm_job_reason_string(why);
}

/* A host list here is its text; names with brackets count as one. */
hostlist_t
slurm_hostlist_create(const char *names)
{
	return (hostlist_t)(void *)xstrdup(names);
}

void
slurm_hostlist_uniq(hostlist_t hl)
{
	(void)hl;
}

int
slurm_hostlist_count(hostlist_t hl)
{
	const char *s = (const char *)(void *)hl;
	int n = 1;

	for (; *s != '\0'; s++)
		n += *s == ',';
	return n;
}

void
slurm_hostlist_destroy(hostlist_t hl)
{
	free((void *)hl);
}
