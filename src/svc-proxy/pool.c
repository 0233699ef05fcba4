/*
 * pool.c - the instances of a service, and which one gets the next request.
 */
#include "proxy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "die.h"

/* ---- one instance ---- */

/* Running, announced, not about to end: it may be checked and may serve. */
static bool
is_open(const struct instance *i)
{
	const struct rec_instance *r = &i->rec;

	return !i->gone && i->has_addr && r->draining != 1 &&
	    (r->state == NULL || strcmp(r->state, "RUNNING") == 0);
}

static bool
near_its_end(const struct instance *i)
{
	return i->rec.end_at > 0 && i->rec.end_at - clock_wall_s() <=
	    i->svc->conf.route.drain_s;
}

bool
pool_alive(const struct instance *i)
{
	return is_open(i) && i->health == HEALTH_UP && !i->held &&
	    !near_its_end(i);
}

bool
pool_free(const struct instance *i)
{
	int64_t most = i->svc->conf.per_instance;

	return most == 0 || i->outstanding < most;
}

bool
pool_usable(const struct instance *i)
{
	return pool_alive(i) && pool_free(i) && !eject_barred(i);
}

void
pool_health(struct instance *i, enum health health, const char *why)
{
	bool was = i->health == HEALTH_UP;

	if (*why != '\0' || !i->ejected)
		(void)snprintf(i->last_error, sizeof(i->last_error), "%s",
		    why);
	if (i->health == health)
		return;
	i->health = health;
	if (health == HEALTH_UP)
		note("%s: job %lld at %s is up", i->svc->conf.name,
		    (long long)i->rec.job_id, i->rec.url);
	else if (was)
		note("%s: job %lld at %s is down: %s", i->svc->conf.name,
		    (long long)i->rec.job_id, i->rec.url, why);
	feed_demand_due(i->svc, false);
	queue_serve(i->svc);
}

static void
free_instance(struct instance *i)
{
	assert(i->outstanding == 0 && i->nidle == 0 && i->check == NULL);
	rec_instance_release(&i->rec);
	free(i);
}

void
pool_unref(struct instance *i)
{
	assert(i->refs > 0);
	if (--i->refs == 0)
		free_instance(i);
}

/* Splits http://HOST:PORT/BASE. */
static void
find_address(struct instance *i)
{
	const char *at = i->rec.url + 7, *colon, *slash = strchr(at, '/');
	char host[256], port[8] = "80";
	size_t len = slash ? (size_t)(slash - at) : strlen(at);

	i->base = slash ? slash : "";
	if (*at == '[')
		colon = strchr(strchr(at, ']'), ':');
	else
		colon = memchr(at, ':', len);
	if (colon != NULL && colon < at + len) {
		(void)snprintf(port, sizeof(port), "%.*s",
		    (int)(at + len - colon - 1), colon + 1);
		len = (size_t)(colon - at);
	}
	if (*at == '[') {
		at++;
		len -= 2;
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)len, at);
	if (net_parse_numeric(host, port, &i->addr) == 0)
		i->has_addr = true;
	else
		resolve_start(i, host, port);
}

static void
close_idle(struct instance *i)
{
	while (i->idle != NULL)
		upstream_close(i->idle);
}

/*
 * The URL is known for the first time. svc-run announces only what has
 * answered; of any other URL nothing is known until a check has passed.
 */
static void
open_instance(struct instance *i)
{
	i->health = i->rec.ready == 1 ? HEALTH_UP : HEALTH_UNKNOWN;
	find_address(i);
}

/* ---- the table ---- */

static struct instance *
add_instance(struct svc *s)
{
	struct instance **list, *i;
	size_t cap;

	if (s->ninst == s->inst_cap) {
		cap = s->inst_cap ? 2 * s->inst_cap : 8;
		list = reallocarray(s->inst, cap, sizeof(*list));
		if (list == NULL)
			return NULL;
		s->inst = list;
		s->inst_cap = cap;
	}
	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return NULL;
	i->svc = s;
	i->refs = 1;	/* the table's */
	s->inst[s->ninst++] = i;
	return i;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/*
 * Whether i is the job rec speaks of: ids are reused after a reset and kept
 * over a requeue. Another URL is another server.
 */
static bool
same_job(const struct instance *i, const struct rec_instance *rec)
{
	return i->rec.job_id == rec->job_id &&
	    i->rec.submit_at == rec->submit_at &&
	    i->rec.restart == rec->restart &&
	    (i->rec.url == NULL || same_text(i->rec.url, rec->url));
}

/* From behind the last one on: snapshots keep their order. */
static struct instance *
find_instance(struct svc *s, const struct rec_instance *rec)
{
	size_t n, at;

	for (n = 0; n < s->ninst; n++) {
		at = (s->inst_at + n) % s->ninst;
		if (same_job(s->inst[at], rec)) {
			s->inst_at = at + 1;
			return s->inst[at];
		}
	}
	return NULL;
}

/* What goes before paths, which begin with a slash, ends with none. */
static void
trim_url(char *url)
{
	size_t len = url != NULL ? strlen(url) : 0;

	while (len > 0 && url[len - 1] == '/')
		url[--len] = '\0';
}

void
pool_update(struct svc *s, struct rec_instance *rec, uint64_t generation)
{
	struct instance *i;
	bool had_url;

	trim_url(rec->url);
	i = find_instance(s, rec);
	if (i == NULL)
		i = add_instance(s);
	if (i == NULL) {
		warn("out of memory: job %lld is left out",
		    (long long)rec->job_id);
		rec_instance_release(rec);
		return;
	}
	had_url = i->rec.url != NULL;
	rec_instance_release(&i->rec);
	i->rec = *rec;
	*rec = (struct rec_instance){ 0 };
	i->generation = generation;
	i->id = balance_id(&i->rec);
	if (i->rec.url != NULL && !had_url)
		open_instance(i);
	else if (had_url)
		i->base = strchr(i->rec.url + 7, '/');
	if (i->base == NULL)
		i->base = "";
	if (i->check != NULL && !is_open(i)) {
		check_stop(i);
		close_idle(i);
	} else if (i->check == NULL && is_open(i)) {
		check_start(i);
	}
}

/* Requests at it go on; nothing new comes. */
static void
remove_instance(struct instance *i)
{
	i->gone = true;
	eject_stop(i);
	check_stop(i);
	resolve_stop(i);
	close_idle(i);
	pool_unref(i);
}

void
pool_sweep(struct svc *s, uint64_t generation)
{
	size_t n, kept = 0;

	for (n = 0; n < s->ninst; n++) {
		if (s->inst[n]->generation == generation)
			s->inst[kept++] = s->inst[n];
		else
			remove_instance(s->inst[n]);
	}
	s->ninst = kept;
}

/* ---- drained by hand ---- */

size_t
pool_hold(int64_t job_id, bool held)
{
	struct map_item *item;
	size_t at = 0, n, found = 0;
	struct svc *s;

	while ((item = map_next(&px.svcs, &at)) != NULL) {
		s = item->value;
		for (n = 0; n < s->ninst; n++) {
			if (s->inst[n]->rec.job_id != job_id)
				continue;
			s->inst[n]->held = held;
			found++;
			feed_demand_due(s, false);
		}
		queue_serve(s);
	}
	return found;
}

/* ---- in words ---- */

static void
why_instance(const struct instance *i, struct buf *b)
{
	const struct rec_instance *r = &i->rec;
	const char *state = r->state ? r->state : "RUNNING";

	(void)buf_addf(b, "job %lld %s", (long long)r->job_id, state);
	if (strcmp(state, "RUNNING") != 0) {
		if (r->reason != NULL && *r->reason != '\0')
			(void)buf_addf(b, ": %s", r->reason);
		return;
	}
	if (r->node != NULL && *r->node != '\0')
		(void)buf_addf(b, " on %s", r->node);
	if (r->draining == 1 || near_its_end(i))
		(void)buf_adds(b, ": about to end");
	else if (i->held)
		(void)buf_adds(b, ": drained by hand");
	else if (r->url == NULL)
		(void)buf_adds(b, ": has not answered yet");
	else if (i->health == HEALTH_UP && !pool_free(i))
		(void)buf_adds(b, ": busy");
	else if (i->health == HEALTH_UP && eject_barred(i))
		(void)buf_addf(b, ": left out: %s", i->last_error);
	else if (i->last_error[0] != '\0')
		(void)buf_addf(b, ": %s", i->last_error);
	else
		(void)buf_adds(b, ": not checked yet");
}

const char *
pool_why(const struct svc *s, struct buf *b)
{
	size_t n, said = 0;

	for (n = 0; n < s->ninst && said < 5; n++) {
		if (!rec_state_is_live(s->inst[n]->rec.state))
			continue;
		if (said++ > 0)
			(void)buf_adds(b, "; ");
		why_instance(s->inst[n], b);
	}
	if (said == 0 && px.snapshot_at == 0)
		(void)buf_adds(b, "nothing was heard of Slurm yet");
	else if (said == 0)
		(void)buf_addf(b, "Slurm has no job for %s", s->conf.name);
	if (px.stale_since != 0)
		(void)buf_addf(b, "; Slurm has not answered for %lld s",
		    (long long)MAX(clock_wall_s() - px.stale_since, 0));
	return buf_str(b);
}
