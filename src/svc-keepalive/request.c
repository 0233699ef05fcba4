/*
 * request.c - the ids of orders: SERVICE/SLOT/REPLACED, where REPLACED is the
 * job whose place is taken, as ID@SUBMIT_AT, or 0.
 *
 * The id follows from the snapshot alone, so that two keepalives on two login
 * nodes give the same order the same name and svc-submit carries it out once.
 * A service's name holds no slash.
 */
#include <stdio.h>
#include <string.h>

#include "keepalive.h"
#include "num.h"

enum { SLOT_MAX = 1000000 };

/* The number at *s, which end or the end of the text must follow. */
static int
number(const char **s, char end, int64_t max, int64_t *out)
{
	size_t n = strspn(*s, "0123456789");
	char text[24];
	struct err e;

	if (n >= sizeof(text) || ((*s)[n] != end && (*s)[n] != '\0'))
		return -1;
	memcpy(text, *s, n);
	text[n] = '\0';
	*s += n + ((*s)[n] != '\0');
	return num_int(text, 0, max, out, &e);
}

void
request_read(struct job *j, const char *service)
{
	const char *s = j->r.request;
	size_t n = strlen(service);
	int64_t slot, id, at = 0;

	j->slot = -1;
	j->replaces = j->replaces_at = 0;
	if (s == NULL || strncmp(s, service, n) != 0 || s[n] != '/')
		return;
	s += n + 1;
	if (number(&s, '/', SLOT_MAX, &slot) < 0 ||
	    number(&s, '@', UINT32_MAX, &id) < 0)
		return;
	if (id != 0 && number(&s, '\0', REC_MAX, &at) < 0)
		return;
	if (*s != '\0')
		return;
	j->slot = slot;
	j->replaces = id;
	j->replaces_at = at;
}

static bool
fills(const struct job *j, int64_t slot)
{
	return j->slot == slot && job_live(j) && !job_leaving(j) &&
	    j->role != OLD;
}

int64_t
request_free_slot(const struct unit *u, int64_t from)
{
	int64_t slot = from;
	size_t i = 0, n = u->jobs.len;

	while (i < n + u->orders_len) {
		if (i < n ? fills(&u->jobs.list[i], slot) :
		    u->orders[i - n].slot == slot) {
			slot++;
			i = 0;
		} else {
			i++;
		}
	}
	return slot;
}

/* A job of our making that is to take over from a. */
static const struct job *
taker(const struct unit *u, const struct job *a)
{
	const struct job *j;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++)
		if (j->slot >= 0 && job_live(j) && j->m.heir_of == a->r.job_id)
			return j;
	return NULL;
}

void
request_slots(struct unit *u)
{
	const struct job *heir;
	int64_t slot = 0;
	struct job *j;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++) {
		if (j->slot >= 0 || !job_live(j))
			continue;
		heir = taker(u, j);
		if (heir == NULL)
			slot = request_free_slot(u, slot);
		j->slot = heir ? heir->slot : slot;
	}
}

static bool
later(const struct job *a, const struct job *b)
{
	if (a->r.submit_at != b->r.submit_at)
		return a->r.submit_at > b->r.submit_at;
	return a->r.job_id > b->r.job_id;
}

const struct job *
request_latest(const struct unit *u, int64_t slot)
{
	const struct job *j, *last = NULL;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++)
		if (j->slot == slot && (last == NULL || later(j, last)))
			last = j;
	return last;
}

static const struct job *
carrier(const struct unit *u, const char *request)
{
	const struct job *j;

	for (j = u->jobs.list; j < u->jobs.list + u->jobs.len; j++)
		if (j->r.request && strcmp(j->r.request, request) == 0)
			return j;
	return NULL;
}

int
request_make(const struct unit *u, int64_t slot, const struct job *old,
    char out[REQUEST_MAX])
{
	const char *name = u->def->name;
	size_t tries;
	int n;

	for (tries = 0; tries <= u->jobs.len; tries++) {
		if (old == NULL)
			n = snprintf(out, REQUEST_MAX, "%s/%lld/0", name,
			    (long long)slot);
		else
			n = snprintf(out, REQUEST_MAX, "%s/%lld/%lld@%lld",
			    name, (long long)slot, (long long)old->r.job_id,
			    (long long)MAX(old->r.submit_at, 0));
		if (n < 0 || n >= REQUEST_MAX)
			return -1;
		old = carrier(u, out);
		if (old == NULL)
			return 0;
	}
	return -1;
}
