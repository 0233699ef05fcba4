/*
 * state.c - the file that carries the past over a restart: what was learnt of
 * each service, its orders that no snapshot has shown yet, and the memory of
 * the jobs of the last snapshot. Slurm stays the truth: without the file all
 * but the measured times comes back from the snapshots.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "die.h"
#include "keepalive.h"

#define STATE_KIND "svc-keepalive-state"

enum { STATE_VERSION = 1, STATE_MAX_BYTES = 64 << 20, PATH_BYTES = 4096 };

/* ---- one struct of integers as one object ---- */

struct number {
	const char *key;
	size_t offset;
};

#define U(field) { #field, offsetof(struct unit, field) }
#define O(field) { #field, offsetof(struct order, field) }
#define M(field) { #field, offsetof(struct job, m.field) }
#define R(field) { #field, offsetof(struct job, r.field) }

static const struct number unit_numbers[] = {
	U(failures), U(retry_at), U(proven), U(want), U(had), U(low_at),
	U(low_want),
};

static const struct number order_numbers[] = {
	O(slot), O(replaces), O(at), O(snaps), O(limit_s),
};

static const struct number job_numbers[] = {
	R(job_id), R(submit_at), R(restart), R(start_at), R(end_at),
	M(limit_s), M(heir_of), M(planned_end_at), M(seen), M(ours),
	M(judged), M(proven), M(ready_at), M(suspect), M(drain_at),
	M(drain_tries), M(drain_seen_at), M(cancel_at), M(cancel_tries),
};

static void
put(const struct number *n, size_t len, const void *from, json_t *to)
{
	int64_t v;

	for (; len > 0; len--, n++) {
		memcpy(&v, (const char *)from + n->offset, sizeof(v));
		if (v != 0 && v != REC_NONE)
			(void)json_object_set_new(to, n->key, json_integer(v));
	}
}

/* What is absent keeps the value it has. */
static int
get(const struct number *n, size_t len, const json_t *from, void *to,
    struct err *e)
{
	int64_t v;

	for (; len > 0; len--, n++) {
		memcpy(&v, (char *)to + n->offset, sizeof(v));
		if (rec_int(from, n->key, 0, REC_MAX, &v, e) < 0)
			return -1;
		memcpy((char *)to + n->offset, &v, sizeof(v));
	}
	return 0;
}

/* ---- writing ---- */

static json_t *
jobs_json(const struct unit *u)
{
	json_t *list = json_array(), *one;
	const struct job *j;
	struct job kept;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++) {
		one = json_object();
		kept = *j;
		/* Slurm's guesses for what waits change all the time */
		if (job_live(j) && !job_running(j))
			kept.r.start_at = kept.r.end_at = REC_NONE;
		put(job_numbers, ARRAY_LEN(job_numbers), &kept, one);
		if (j->r.state != NULL)
			(void)json_object_set_new(one, "state",
			    json_string(j->r.state));
		(void)json_array_append_new(list, one);
	}
	return list;
}

static json_t *
orders_json(const struct unit *u)
{
	json_t *list = json_array(), *one;
	const struct order *o;

	for (o = u->orders; o < u->orders + u->orders_len; o++) {
		one = json_pack("{s:s}", "request", o->request);
		put(order_numbers, ARRAY_LEN(order_numbers), o, one);
		(void)json_array_append_new(list, one);
	}
	return list;
}

/* Oldest first, so that reading them back is adding them in turn. */
static json_t *
samples_json(const struct unit *u)
{
	json_t *list = json_array();
	int64_t i, first = u->samples_at - u->samples_len + SAMPLES_MAX;

	for (i = 0; i < u->samples_len; i++)
		(void)json_array_append_new(list, json_integer(
		    u->samples[(first + i) % SAMPLES_MAX]));
	return list;
}

static json_t *
state_json(const struct keepalive *k, bool once)
{
	json_t *root = json_pack("{s:s,s:i}", "kind", STATE_KIND, "version",
	    STATE_VERSION);
	json_t *services = json_object(), *one;
	const struct unit *u;
	size_t i;

	/* only a run of its own each time must look up when the last one was */
	if (once)
		(void)json_object_set_new(root, "at", json_integer(k->now));
	for (i = 0; i < k->services.len; i++) {
		u = &k->units[i];
		if (!u->known)
			continue;
		one = json_object();
		put(unit_numbers, ARRAY_LEN(unit_numbers), u, one);
		(void)json_object_set_new(one, "samples", samples_json(u));
		(void)json_object_set_new(one, "orders", orders_json(u));
		(void)json_object_set_new(one, "jobs", jobs_json(u));
		(void)json_object_set_new(services, u->def->name, one);
	}
	(void)json_object_set_new(root, "services", services);
	return root;
}

static int
write_all(int fd, const char *s, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, s, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A new file takes the old one's name, so that a crash leaves either whole. */
static int
replace(const char *path, const char *text, struct err *e)
{
	char tmp[PATH_BYTES];
	int fd, rc;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld.tmp", path, (long)getpid()) >=
	    (int)sizeof(tmp))
		return err_perm(e, "%s: path too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return err_errno(e, "%s", tmp);
	rc = write_all(fd, text, strlen(text));
	if (rc == 0)
		rc = fsync(fd);
	if (rc < 0)
		(void)err_errno(e, "%s", tmp);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(e, "%s", tmp);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = err_errno(e, "%s", path);
	if (rc < 0)
		(void)unlink(tmp);
	return rc;
}

void
state_save(struct keepalive *k, const char *path, bool once)
{
	static char *last;
	static bool said;
	json_t *root = state_json(k, once);
	char *text = json_dumps(root, JSON_COMPACT);
	struct err e;

	json_decref(root);
	if (text == NULL || (last != NULL && strcmp(last, text) == 0)) {
		free(text);
		return;
	}
	if (replace(path, text, &e) < 0) {
		if (!said)
			warn("%s: the state is not kept", e.text);
		said = true;
		free(text);
		return;
	}
	if (said)
		note("%s: the state is kept again", path);
	said = false;
	free(last);
	last = text;
}

/* ---- reading ---- */

static int
read_jobs(const json_t *list, struct unit *u, struct err *e)
{
	const char *state;
	struct job *j;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) {
		state = NULL;
		j = u->jobs.len < JOBS_MAX ? jobs_add(&u->jobs) : NULL;
		if (j == NULL)
			return err_temp(e, "too many jobs");
		j->r.submit_at = j->r.restart = REC_NONE;
		j->r.start_at = j->r.end_at = REC_NONE;
		j->r.ready = j->r.draining = -1;
		if (get(job_numbers, ARRAY_LEN(job_numbers), one, j, e) < 0 ||
		    rec_str(one, "state", &state, e) < 0)
			return -1;
		if (state != NULL && (j->r.state = strdup(state)) == NULL)
			return err_temp(e, "out of memory");
	}
	jobs_sort(&u->jobs);
	return 0;
}

static int
read_orders(const json_t *list, struct unit *u, struct err *e)
{
	const char *request;
	struct order *o;
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) {
		request = NULL;
		o = u->orders_len < JOBS_MAX ? unit_order(u) : NULL;
		if (o == NULL)
			return err_temp(e, "too many orders");
		if (get(order_numbers, ARRAY_LEN(order_numbers), one, o,
		    e) < 0 || rec_str(one, "request", &request, e) < 0)
			return -1;
		if (request == NULL || snprintf(o->request, REQUEST_MAX, "%s",
		    request) >= REQUEST_MAX)
			return err_perm(e, "'request' is missing or too long");
	}
	return 0;
}

static int
read_samples(const json_t *list, struct unit *u, struct err *e)
{
	json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) {
		if (!json_is_integer(one) || json_integer_value(one) < 0 ||
		    i >= SAMPLES_MAX)
			return err_perm(e, "'samples' must be at most %d "
			    "integers", SAMPLES_MAX);
		u->samples[u->samples_at] = json_integer_value(one);
		u->samples_at = (u->samples_at + 1) % SAMPLES_MAX;
		u->samples_len++;
	}
	return 0;
}

/* Into a unit of its own, so that a bad file leaves nothing half read. */
static int
read_unit(const json_t *rec, struct unit *u, struct err *e)
{
	*u = (struct unit){ 0 };
	if (!json_is_object(rec))
		return err_perm(e, "not an object");
	if (get(unit_numbers, ARRAY_LEN(unit_numbers), rec, u, e) < 0 ||
	    read_samples(json_object_get(rec, "samples"), u, e) < 0 ||
	    read_orders(json_object_get(rec, "orders"), u, e) < 0 ||
	    read_jobs(json_object_get(rec, "jobs"), u, e) < 0)
		return -1;
	return 0;
}

static int
read_units(struct keepalive *k, const json_t *services, struct unit *units,
    struct err *e)
{
	const json_t *rec;
	size_t i;

	for (i = 0; i < k->services.len; i++) {
		units[i] = (struct unit){ .want = -1 };
		rec = json_object_get(services, k->services.list[i].name);
		if (rec != NULL && read_unit(rec, &units[i], e) < 0)
			return err_prefix(e, "%s", k->services.list[i].name);
	}
	return 0;
}

static void
drop_units(struct unit *units, size_t len)
{
	for (; len > 0; len--, units++) {
		jobs_release(&units->jobs);
		free(units->orders);
	}
}

static int
read_state(struct keepalive *k, const json_t *root, struct err *e)
{
	struct unit *units;
	int64_t version = 0, at = 0;
	size_t i;

	if (!rec_is(root, STATE_KIND))
		return err_perm(e, "not a state of svc-keepalive");
	if (rec_int(root, "version", 0, REC_MAX, &version, e) < 0 ||
	    rec_int(root, "at", 0, REC_MAX, &at, e) < 0)
		return -1;
	if (version != STATE_VERSION)
		return err_perm(e, "version %lld, where %d is known",
		    (long long)version, STATE_VERSION);
	units = calloc(k->services.len + 1, sizeof(*units));
	if (units == NULL)
		return err_temp(e, "out of memory");
	if (read_units(k, json_object_get(root, "services"), units, e) < 0) {
		drop_units(units, k->services.len);
		free(units);
		return -1;
	}
	for (i = 0; i < k->services.len; i++)
		units[i].def = &k->services.list[i];
	free(k->units);
	k->units = units;
	k->now = at;
	return 0;
}

/* The text of the file: 1; 0: there is none; -1. */
static int
read_text(const char *path, struct buf *b, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	while (n > 0 && buf_reserve(b, 65536) == 0) {
		n = read(fd, b->data + b->len, 65536);
		if (n > 0)
			b->len += (size_t)n;
	}
	if (n < 0)
		(void)err_errno(e, "%s", path);
	else if (n > 0)
		(void)err_perm(e, "%s: larger than %d bytes", path,
		    STATE_MAX_BYTES);
	(void)close(fd);
	return n == 0 ? 1 : -1;
}

static void
put_aside(const char *path, const struct err *e)
{
	char bad[PATH_BYTES];

	if (snprintf(bad, sizeof(bad), "%s.bad", path) < (int)sizeof(bad) &&
	    rename(path, bad) == 0)
		warn("%s: %s: kept as %s, starting afresh", path, e->text,
		    bad);
	else
		warn("%s: %s: ignored, starting afresh", path, e->text);
}

void
state_load(struct keepalive *k, const char *path)
{
	struct buf b = BUF_INIT(STATE_MAX_BYTES);
	json_t *root = NULL;
	json_error_t je;
	struct err e;
	int got = read_text(path, &b, &e);

	if (got < 0)
		warn("%s: the state is not known", e.text);
	if (got == 1) {
		root = json_loadb(buf_str(&b), b.len, 0, &je);
		if (root == NULL)
			(void)err_perm(&e, "line %d: %s", je.line, je.text);
		if (root == NULL || read_state(k, root, &e) < 0)
			put_aside(path, &e);
	}
	json_decref(root);
	buf_release(&b);
}
