/*
 * slurm-job.c - what a job's record says of users and of other jobs, which only
 * policy slurm looks at.
 */
#include "slurm.h"

#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "xalloc.h"

const char *const slurm_job_keys[SJ_KEYS] = {
	[SJ_USER] = "user", [SJ_ACCOUNT] = "account", [SJ_QOS] = "qos",
	[SJ_NAME] = "name", [SJ_DEPENDENCY] = "dependency",
	[SJ_STATE] = "state", [SJ_NICE] = "nice",
	[SJ_PRIORITY] = "priority", [SJ_ARRAY] = "array_job_id",
	[SJ_TASK] = "array_task_id",
};

enum { TEXT_SIZE = 8192, ABSENT = -1, MINUTE_S = 60 };

/* ---- single members ---- */

/* The caller's to free; NULL: it is not there; or *bad, and *e. */
static char *
text(const struct flat_member *m, int k, bool *bad, struct err *e)
{
	char out[TEXT_SIZE];

	if (m[k].type == ABSENT || m[k].type == FLAT_NULL)
		return NULL;
	if (m[k].type == FLAT_STR && flat_str(&m[k], out, sizeof(out)) >= 0)
		return *out == '\0' ? NULL : xstrdup(out);
	*bad = true;
	(void)err_perm(e, "job: '%s' must be text of at most %d bytes",
	    slurm_job_keys[k], TEXT_SIZE - 1);
	return NULL;
}

static int64_t
number(const struct flat_member *m, int k, int64_t least, int64_t missing,
    bool *bad, struct err *e)
{
	if (m[k].type == ABSENT || m[k].type == FLAT_NULL)
		return missing;
	if (m[k].type == FLAT_INT && m[k].num >= least &&
	    m[k].num <= TIME_MAX)
		return m[k].num;
	*bad = true;
	(void)err_perm(e, "job: '%s' must be an integer, %lld to %lld",
	    slurm_job_keys[k], (long long)least, (long long)TIME_MAX);
	return missing;
}

static int32_t
qos_of(const struct slurm_conf *f, const char *name, bool *bad, struct err *e)
{
	int32_t i;

	if (name == NULL || f->qos_len == 0)
		return NOBODY;
	for (i = 0; i < f->qos_len; i++)
		if (strcmp(f->qos[i].name, name) == 0)
			return i;
	*bad = true;
	(void)err_perm(e, "job: there is no record of the qos '%s'", name);
	return NOBODY;
}

/* Whether a job of the past, and so the simulated one, did not end well. */
static bool
is_failure(const char *state)
{
	static const char *const bad[] = { "FAILED", "CANCELLED", "TIMEOUT",
		"NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE" };
	size_t i;

	for (i = 0; state != NULL && i < ARRAY_LEN(bad); i++)
		if (strncmp(state, bad[i], strlen(bad[i])) == 0)
			return true;
	return false;
}

struct slurm_job *
slurm_job_new(const struct flat_member m[SJ_KEYS], struct slurm_conf *conf,
    struct err *e)
{
	struct slurm_job j = { .share = NOBODY, .before = NOBODY,
	    .eligible_at = NEVER }, *out;
	bool bad = false;
	char *account = text(m, SJ_ACCOUNT, &bad, e);
	char *qos = text(m, SJ_QOS, &bad, e);
	char *state = text(m, SJ_STATE, &bad, e);

	j.user = text(m, SJ_USER, &bad, e);
	j.name = text(m, SJ_NAME, &bad, e);
	j.dependency = text(m, SJ_DEPENDENCY, &bad, e);
	j.nice = number(m, SJ_NICE, -TIME_MAX, 0, &bad, e);
	j.given = number(m, SJ_PRIORITY, 0, -1, &bad, e);
	j.array = number(m, SJ_ARRAY, 0, -1, &bad, e);
	j.task = number(m, SJ_TASK, 0, -1, &bad, e);
	j.qos = qos_of(conf, qos, &bad, e);
	j.failed = is_failure(state);
	if (j.user != NULL && !bad)
		j.share = slurm_share_of(conf, account, j.user);
	free(account);
	free(qos);
	free(state);
	if (bad)
		return NULL;
	out = xcalloc(1, sizeof(*out));
	*out = j;
	return out;
}

/* ---- dependencies ---- */

/* Jobs by an id: their own, or their array's. */
struct id {
	int64_t id, task;	/* task is -1 for the job's own id */
	int32_t job;
};

struct ids {
	struct id *of;
	size_t len;
};

static int
cmp_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->job > y->job) - (x->job < y->job);
}

static struct ids
all_ids(const struct sim *s)
{
	struct ids n = { .of = xcalloc(2 * (size_t)s->jobs_len + 1,
	    sizeof(struct id)) };
	const struct slurm_job *j;
	int32_t i;

	for (i = 0; i < s->jobs_len; i++) {
		j = s->jobs[i].need->slurm;
		n.of[n.len++] = (struct id){ s->jobs[i].id, -1, i };
		if (j->array >= 0 && j->array != s->jobs[i].id)
			n.of[n.len++] = (struct id){ j->array, j->task, i };
	}
	qsort(n.of, n.len, sizeof(*n.of), cmp_id);
	return n;
}

static void
add_dep(struct slurm_job *j, enum dep_kind kind, int32_t job, int64_t delay_s)
{
	j->deps = xrealloc(j->deps, (size_t)j->deps_len + 1,
	    sizeof(*j->deps));
	j->deps[j->deps_len++] = (struct dep){ kind, job, delay_s, false };
}

/* Those from the place before on belong together: all of them, or none. */
static void
end_deps(struct slurm_job *j, int32_t before)
{
	if (j->deps_len > before)
		j->deps[j->deps_len - 1].last = true;
}

/* 1: it can be met; 0: never, but another is enough; -1 and *e. */
static int
check_dep(const struct sim *s, int32_t job, enum dep_kind kind, int32_t on,
    struct err *e)
{
	const struct slurm_job *j = s->jobs[on].need->slurm;

	if (on >= job)
		return err_perm(e, "job %lld is not submitted before it",
		    (long long)s->jobs[on].id);
	if (s->jobs[job].need->slurm->any &&
	    ((kind == AFTER_OK && j->failed) ||
	    (kind == AFTER_NOT_OK && !j->failed)))
		return 0;
	if (kind == AFTER_OK && j->failed)
		return err_perm(e, "job %lld failed: it would never run",
		    (long long)s->jobs[on].id);
	if (kind == AFTER_NOT_OK && !j->failed)
		return err_perm(e, "job %lld does not fail: it would never "
		    "run", (long long)s->jobs[on].id);
	return 1;
}

/* "12", "12_3" or "12+5"; ids that are not there ended before the first. */
static int
link_id(struct sim *s, const struct ids *n, int32_t job, enum dep_kind kind,
    char *word, struct err *e)
{
	struct slurm_job *j = s->jobs[job].need->slurm;
	char *plus = strchr(word, '+'), *task = strchr(word, '_');
	int64_t id, delay = 0, only = -1;
	size_t lo = 0, hi = n->len, mid;
	int32_t before = j->deps_len;
	bool there = false;
	int can;

	if (plus != NULL)
		*plus++ = '\0';
	if (task != NULL)
		*task++ = '\0';
	if (num_int(word, 0, TIME_MAX, &id, e) < 0 ||
	    (plus && num_int(plus, 0, INT32_MAX, &delay, e) < 0) ||
	    (task && strcmp(task, "*") != 0 &&
	    num_int(task, 0, TIME_MAX, &only, e) < 0))
		return -1;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (n->of[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n->len && n->of[lo].id == id; lo++) {
		if (only >= 0 && n->of[lo].task != only)
			continue;
		there = true;
		can = check_dep(s, job, kind, n->of[lo].job, e);
		if (can < 0)
			return -1;
		if (can == 0) {		/* nor can all of its array */
			j->deps_len = before;
			return 0;
		}
		add_dep(j, kind, n->of[lo].job, delay * MINUTE_S);
	}
	j->met |= !there;
	end_deps(j, before);
	return 0;
}

/* Finds for each job the last one before it of its user and its name. */
static int
find_before(struct sim *s, struct err *e)
{
	struct buf key = BUF_INIT(2 * TEXT_SIZE + 32);
	struct slurm_job *j;
	struct map last;
	int32_t i;
	int got = 0;

	map_init(&last);
	for (i = 0; i < s->jobs_len && got == 0; i++) {
		j = s->jobs[i].need->slurm;
		if (j->user == NULL || j->name == NULL)
			continue;
		buf_cut(&key, 0);
		got = buf_addf(&key, "%zu %s%s", strlen(j->user), j->user,
		    j->name);
		j->before = (int32_t)(intptr_t)map_get(&last, buf_str(&key)) -
		    1;
		if (got == 0)
			got = map_set(&last, buf_str(&key),
			    (void *)((intptr_t)i + 1));
		if (got < 0)
			(void)err_errno(e, "names of jobs");
	}
	map_release(&last, NULL);
	buf_release(&key);
	return got;
}

/*
 * All before it with its name and its user, back to one that itself waits for
 * all before it: so a long line of them is as many dependencies, not more.
 */
static void
link_singleton(struct sim *s, int32_t job)
{
	struct slurm_job *j = s->jobs[job].need->slurm, *other;
	int32_t i = j->before, before = j->deps_len;

	j->singleton = !j->any;
	j->met |= i == NOBODY;
	while (i != NOBODY) {
		add_dep(j, SINGLETON, i, 0);
		other = s->jobs[i].need->slurm;
		i = other->singleton ? NOBODY : other->before;
	}
	end_deps(j, before);
}

/* "afterok:1:2" */
static int
link_word(struct sim *s, const struct ids *n, int32_t job, char *word,
    struct err *e)
{
	static const struct {
		const char *name;
		enum dep_kind kind;
	} kinds[] = {
		{ "after", AFTER }, { "afterany", AFTER_ANY },
		{ "afterok", AFTER_OK }, { "afternotok", AFTER_NOT_OK },
	};
	char *rest = word, *name = strsep(&rest, ":"), *id;
	size_t i;

	if (strcmp(name, "singleton") == 0 && rest == NULL) {
		link_singleton(s, job);
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0 && rest != NULL)
			break;
	if (i == ARRAY_LEN(kinds))
		return err_perm(e, "'%s' is none of after, afterany, afterok, "
		    "afternotok with jobs, or singleton", name);
	while ((id = strsep(&rest, ":")) != NULL)
		if (link_id(s, n, job, kinds[i].kind, id, e) < 0)
			return -1;
	return 0;
}

static int
link_job(struct sim *s, const struct ids *n, int32_t job, struct err *e)
{
	struct slurm_job *j = s->jobs[job].need->slurm;
	char words[TEXT_SIZE], *rest = words, *word;

	if (j->dependency == NULL)
		return 0;
	memcpy(words, j->dependency, strlen(j->dependency) + 1);
	j->any = strchr(words, '?') != NULL;
	while ((word = strsep(&rest, j->any ? "?" : ",")) != NULL)
		if (link_word(s, n, job, word, e) < 0)
			return err_prefix(e, "job %lld: dependency '%s'",
			    (long long)s->jobs[job].id, j->dependency);
	if (j->any && j->deps_len == 0 && !j->met)
		return err_perm(e, "job %lld: dependency '%s': it would never "
		    "run", (long long)s->jobs[job].id, j->dependency);
	return 0;
}

int
slurm_job_link(struct sim *s, struct err *e)
{
	struct ids n = all_ids(s);
	int32_t i;
	int got = find_before(s, e);

	for (i = 0; i < s->jobs_len && got == 0; i++)
		got = link_job(s, &n, i, e);
	free(n.of);
	return got;
}

bool
slurm_dep_is_met(const struct sim *s, const struct dep *d, int64_t *wake)
{
	const struct sim_job *on = &s->jobs[d->job];

	if (on->start_at < 0)
		return false;
	if (d->kind != AFTER)
		return on->node.at == 0 &&
		    slurm_completes_at(s, d->job) <= s->now;
	if (on->start_at + d->delay_s <= s->now)
		return true;
	*wake = MIN(*wake, on->start_at + d->delay_s);
	return false;
}

bool
slurm_job_is_free(const struct sim *s, int32_t job, int64_t *wake)
{
	const struct slurm_job *j = s->jobs[job].need->slurm;
	bool all = true, some = j->met, together = true;
	int32_t i;

	for (i = 0; i < j->deps_len; i++) {
		together &= slurm_dep_is_met(s, &j->deps[i], wake);
		all &= together;
		if (!j->deps[i].last)
			continue;
		some |= together;
		together = true;
	}
	return all || (j->any && some);
}
