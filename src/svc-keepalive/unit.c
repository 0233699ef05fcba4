/*
 * unit.c - the units: one a service, fed by the records of stdin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "keepalive.h"

/* ---- jobs ---- */

void
jobs_release(struct jobs *js)
{
	size_t i;

	for (i = 0; i < js->len; i++)
		rec_instance_release(&js->list[i].r);
	free(js->list);
	*js = (struct jobs){ 0 };
}

struct job *
jobs_add(struct jobs *js)
{
	size_t cap = js->cap ? js->cap * 2 : 8;
	struct job *list;

	if (js->len == js->cap) {
		list = reallocarray(js->list, cap, sizeof(*list));
		if (list == NULL)
			return NULL;
		js->list = list;
		js->cap = cap;
	}
	js->list[js->len] = (struct job){ .slot = -1 };
	return &js->list[js->len++];
}

static int
by_id(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return (x->r.job_id > y->r.job_id) - (x->r.job_id < y->r.job_id);
}

struct job *
jobs_find(const struct jobs *js, int64_t job_id)
{
	struct job key = { .r.job_id = job_id };

	if (js->len == 0)
		return NULL;
	return bsearch(&key, js->list, js->len, sizeof(key), by_id);
}

void
jobs_sort(struct jobs *js)
{
	size_t i, n = 0;

	if (js->len == 0)
		return;
	qsort(js->list, js->len, sizeof(*js->list), by_id);
	for (i = 0; i < js->len; i++) {
		if (n > 0 && by_id(&js->list[n - 1], &js->list[i]) == 0)
			rec_instance_release(&js->list[i].r);
		else
			js->list[n++] = js->list[i];
	}
	js->len = n;
}

bool
job_live(const struct job *j)
{
	return rec_state_is_live(j->r.state);
}

bool
job_running(const struct job *j)
{
	static const char *const waits[] = {
		"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
		"SPECIAL_EXIT", "RESV_DEL_HOLD",
	};
	size_t i;

	if (!job_live(j))
		return false;
	for (i = 0; j->r.state != NULL && i < ARRAY_LEN(waits); i++)
		if (strcmp(j->r.state, waits[i]) == 0)
			return false;
	return true;
}

/* Where nobody says whether it is ready, a URL has to do. */
bool
job_ready(const struct job *j)
{
	if (!job_running(j))
		return false;
	return j->r.ready == 1 || (j->r.ready < 0 && j->r.url != NULL);
}

bool
job_leaving(const struct job *j)
{
	return j->r.draining == 1 || j->m.drain_at || j->m.cancel_at;
}

int64_t
job_ran_s(const struct job *j, int64_t now)
{
	int64_t end_at = job_live(j) || j->r.end_at == REC_NONE ? now :
	    j->r.end_at;

	if (j->r.start_at == REC_NONE || (job_live(j) && !job_running(j)))
		return 0;
	return MAX(end_at - j->r.start_at, 0);
}

/* ---- services ---- */

static int
check_text(const struct service *s, const char *key, struct err *e)
{
	const char *text;

	return rec_str(s->job, key, &text, e);
}

/* What is read here of the job must have the right type; svc-submit checks
 * the rest. */
static int
check_job(const struct service *s, struct err *e)
{
	const json_t *env = json_object_get(s->job, "env");
	int64_t limit_s;

	if (check_text(s, "script", e) < 0 || check_text(s, "name", e) < 0 ||
	    check_text(s, "exclude", e) < 0 ||
	    rec_int(s->job, "time_limit_s", 1, REC_MAX, &limit_s, e) < 0)
		return -1;
	if (env != NULL && !json_is_object(env))
		return err_perm(e, "'env' must be an object");
	return 0;
}

static void
check_script(const struct service *s)
{
	const char *script = "job.sh";
	char path[4096];
	struct err e;

	if (json_object_get(s->job, "command") != NULL)
		return;
	(void)rec_str(s->job, "script", &script, &e);
	(void)snprintf(path, sizeof(path), "%s%s%s",
	    *script == '/' ? "" : s->dir, *script == '/' ? "" : "/", script);
	if (access(path, R_OK) < 0)
		warn("%s/service.json: script '%s' cannot be read", s->dir,
		    path);
}

static int
check(const struct services *all, struct err *e)
{
	const struct service *s;

	for (s = all->list; s < all->list + all->len; s++) {
		if (check_job(s, e) < 0) {
			(void)err_prefix(e, "%s/service.json: job", s->dir);
			return -1;
		}
	}
	for (s = all->list; s < all->list + all->len; s++)
		check_script(s);
	return 0;
}

static void
unit_release(struct unit *u)
{
	jobs_release(&u->jobs);
	jobs_release(&u->next);
	free(u->orders);
	if (u->asked)
		rec_demand_release(&u->demand);
	*u = (struct unit){ 0 };
}

void
units_release(struct keepalive *k)
{
	size_t i;

	for (i = 0; i < k->services.len; i++)
		unit_release(&k->units[i]);
	free(k->units);
	k->units = NULL;
	services_release(&k->services);
}

/* The unit of that name before the reload, or a new one. */
static struct unit
unit_keep(struct keepalive *k, struct service *def)
{
	struct unit *old = unit_find(k, def->name);
	struct unit u = { .want = -1 };

	if (old != NULL) {
		u = *old;
		*old = (struct unit){ 0 };
	} else if (k->read > 0) {
		k->torn = true;		/* its jobs were passed over */
	}
	u.def = def;
	return u;
}

int
units_load(struct keepalive *k, const char *dir, struct err *e)
{
	struct services fresh;
	struct unit *units;
	size_t i;

	if (services_load(dir, &fresh, warn, e) < 0)
		return -1;
	units = calloc(fresh.len + 1, sizeof(*units));
	if (units == NULL || check(&fresh, e) < 0) {
		if (units == NULL)
			(void)err_temp(e, "out of memory");
		free(units);
		services_release(&fresh);
		return -1;
	}
	for (i = 0; i < fresh.len; i++)
		units[i] = unit_keep(k, &fresh.list[i]);
	units_release(k);
	k->services = fresh;
	k->units = units;
	return 0;
}

struct unit *
unit_find(const struct keepalive *k, const char *service)
{
	const struct service *s = services_find(&k->services, service);

	return s ? &k->units[s - k->services.list] : NULL;
}

/* ---- records ---- */

int
unit_add(struct keepalive *k, const json_t *rec, struct err *e)
{
	struct rec_instance r;
	struct unit *u;
	struct job *j = NULL;

	if (rec_instance_read(rec, &r, e) < 0)
		return -1;
	u = unit_find(k, r.service);
	if (u == NULL) {
		rec_instance_release(&r);
		return 0;
	}
	if (u->next.len < JOBS_MAX)
		j = jobs_add(&u->next);
	if (j == NULL) {
		rec_instance_release(&r);
		return err_temp(e, "instance: more than %d jobs of '%s', or "
		    "out of memory", JOBS_MAX, u->def->name);
	}
	j->r = r;
	request_read(j, u->def->name);
	return 0;
}

/* [{"job_id":N,"inflight":N},...] */
static int
check_inflight(const json_t *list, struct err *e)
{
	const json_t *one;
	int64_t n;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one) {
		if (!json_is_object(one))
			return err_perm(e, "demand: 'instances' must be an "
			    "array of objects");
		if (rec_int(one, "job_id", 0, REC_MAX, &n, e) < 0 ||
		    rec_int(one, "inflight", 0, REC_MAX, &n, e) < 0)
			return err_prefix(e, "demand: instances");
	}
	return 0;
}

int
unit_demand(struct keepalive *k, const json_t *rec, struct err *e)
{
	struct rec_demand d;
	struct unit *u;

	if (rec_demand_read(rec, &d, e) < 0)
		return -1;
	u = unit_find(k, d.service);
	if (check_inflight(d.instances, e) < 0 || u == NULL) {
		rec_demand_release(&d);
		return u == NULL ? 0 : -1;
	}
	if (u->asked)
		rec_demand_release(&u->demand);
	u->demand = d;
	u->demand_seq = ++k->demand_seq;
	u->asked = true;
	return 0;
}

void
units_drop(struct keepalive *k)
{
	size_t i;

	for (i = 0; i < k->services.len; i++)
		jobs_release(&k->units[i].next);
}

void
units_turn(struct keepalive *k, int64_t now)
{
	size_t i;

	if (k->now > 0 && now > k->now)
		k->interval_s = now - k->now;
	k->now = now;
	for (i = 0; i < k->services.len; i++) {
		past_learn(k, &k->units[i]);
		k->units[i].known = true;
	}
	k->whole = true;
}

/* ---- orders ---- */

struct order *
unit_order(struct unit *u)
{
	struct order *list;

	list = reallocarray(u->orders, u->orders_len + 1, sizeof(*list));
	if (list == NULL)
		return NULL;
	u->orders = list;
	list[u->orders_len] = (struct order){ 0 };
	return &list[u->orders_len++];
}

void
unit_order_forget(struct unit *u, size_t at)
{
	u->orders_len--;
	memmove(&u->orders[at], &u->orders[at + 1],
	    (u->orders_len - at) * sizeof(*u->orders));
}
