/*
 * balance.c - which instance gets a request: one function a way to compare
 * two, by the service's `balance`.
 *
 * Instances that are ejected count only where no other is alive.
 */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A mean is recent this long; shorter differences are no reason to prefer. */
enum { RECENT_US = 10000000, SAME_US = 1024 };

/* ---- what a request's place depends on ---- */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9U;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static uint64_t
hash_of(struct http_slice s)
{
	uint64_t h = 0xcbf29ce484222325U;
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
	return mix(h);
}

uint64_t
balance_id(const struct rec_instance *rec)
{
	return mix(mix(mix((uint64_t)rec->job_id) ^
	    (uint64_t)rec->submit_at) ^ (uint64_t)rec->restart);
}

/* The value of the first cookie of that name in v; p is NULL: none. */
static struct http_slice
cookie_in(struct http_slice v, const char *name)
{
	const char *p, *end = v.p + v.len, *semi;
	size_t len = strlen(name);

	for (p = v.p; p < end; p = semi + 1) {
		semi = memchr(p, ';', (size_t)(end - p));
		if (semi == NULL)
			semi = end;
		while (p < semi && *p == ' ')
			p++;
		if ((size_t)(semi - p) > len && p[len] == '=' &&
		    memcmp(p, name, len) == 0)
			return (struct http_slice){ p + len + 1,
			    (size_t)(semi - p) - len - 1 };
	}
	return (struct http_slice){ NULL, 0 };
}

/* Gateways from HTTP/2 may send a field for each cookie. */
static struct http_slice
find_cookie(const struct http_head *h, const char *name)
{
	struct http_slice found = { NULL, 0 };
	size_t i;

	for (i = 0; i < h->nfields && found.p == NULL; i++)
		if (http_is(h->fields[i].name, "cookie"))
			found = cookie_in(h->fields[i].value, name);
	return found;
}

static void
sticky_key(struct conn *c, struct http_slice value)
{
	char text[17], *end;

	if (value.len != sizeof(text) - 1)
		return;
	(void)snprintf(text, sizeof(text), "%.*s", (int)value.len, value.p);
	c->key = strtoull(text, &end, 16);
	c->has_key = *end == '\0';
}

void
balance_key(struct conn *c, const struct http_head *h)
{
	const struct service_balance *b = &c->svc->conf.how;
	struct http_slice s = { NULL, 0 };
	const struct http_field *f;

	c->has_key = false;
	switch (b->by) {
	case BALANCE_CLIENT:
		s = (struct http_slice){ c->client, strlen(c->client) };
		break;
	case BALANCE_HEADER:
		f = http_find(h, b->name);
		if (f != NULL)
			s = f->value;
		break;
	case BALANCE_COOKIE:
		s = find_cookie(h, b->name);
		break;
	case BALANCE_STICKY:
		s = find_cookie(h, b->name);
		if (s.p != NULL)
			sticky_key(c, s);
		return;
	default:
		return;
	}
	c->has_key = s.p != NULL;
	c->key = c->has_key ? hash_of(s) : 0;
}

/* ---- which of two ---- */

/* 0: less than SAME_US, or not known; one more for each doubling of it. */
static int
slowness(const struct instance *i)
{
	uint64_t n = (uint64_t)i->first_us / SAME_US;

	if (n == 0 || ev_now_us(px.ev) - i->first_at_us > RECENT_US)
		return 0;
	return 64 - __builtin_clzll(n);
}

static bool
less_used(const struct conn *c, const struct instance *a,
    const struct instance *b)
{
	(void)c;
	return a->turn < b->turn;
}

static bool
less_busy(const struct conn *c, const struct instance *a,
    const struct instance *b)
{
	int slow_a, slow_b;

	if (a->outstanding != b->outstanding)
		return a->outstanding < b->outstanding;
	slow_a = slowness(a);
	slow_b = slowness(b);
	return slow_a != slow_b ? slow_a < slow_b : less_used(c, a, b);
}

/*
 * Rendezvous: each instance has a rank for each key, so that one that comes or
 * goes changes the place of its own keys only.
 */
static bool
higher_rank(const struct conn *c, const struct instance *a,
    const struct instance *b)
{
	return c->has_key ? mix(c->key ^ a->id) > mix(c->key ^ b->id) :
	    less_busy(c, a, b);
}

typedef bool better_fn(const struct conn *, const struct instance *,
    const struct instance *);

static better_fn *const ways[] = {
	[BALANCE_LEAST] = less_busy,
	[BALANCE_P2C] = less_busy,
	[BALANCE_RR] = less_used,
	[BALANCE_CLIENT] = higher_rank,
	[BALANCE_HEADER] = higher_rank,
	[BALANCE_COOKIE] = higher_rank,
	[BALANCE_STICKY] = less_busy,
};

/* ---- the choice ---- */

/* Keeps two of all that are offered, each pair as likely: seen counts them. */
static void
offer(struct instance *two[2], uint32_t seen, struct instance *i)
{
	uint32_t at = seen < 2 ? seen : rng_below(&px.rng, seen + 1);

	if (at < 2)
		two[at] = i;
}

/* The best of those that are free; *alive counts those that need not be. */
static struct instance *
choose(const struct conn *c, bool ejected_too, size_t *alive)
{
	const struct svc *s = c->svc;
	better_fn *better = ways[s->conf.how.by];
	struct instance *best = NULL, *avoided = NULL, *two[2] = { NULL }, *i;
	uint32_t seen = 0;
	size_t n;

	for (n = 0; n < s->ninst; n++) {
		i = s->inst[n];
		if (!pool_alive(i) || (!ejected_too && eject_barred(i)))
			continue;
		++*alive;
		if (!pool_free(i))
			continue;
		if (i == c->avoid)
			avoided = i;	/* rather than nowhere */
		else if (s->conf.how.by == BALANCE_P2C)
			offer(two, seen++, i);
		else if (best == NULL || better(c, i, best))
			best = i;
	}
	if (seen > 0)
		best = seen > 1 && better(c, two[1], two[0]) ? two[1] : two[0];
	return best ? best : avoided;
}

bool
balance_is_sticky(const struct svc *s)
{
	return s->conf.how.by == BALANCE_STICKY;
}

/* The instance that c is tied to, if it still takes requests. */
static struct instance *
own_instance(const struct conn *c)
{
	size_t n;

	for (n = 0; c->has_key && n < c->svc->ninst; n++) {
		struct instance *i = c->svc->inst[n];

		if (i->id == c->key)
			return i != c->avoid && pool_alive(i) &&
			    !eject_barred(i) ? i : NULL;
	}
	return NULL;
}

struct instance *
balance_pick(const struct conn *c)
{
	struct instance *i;
	size_t alive = 0;

	if (balance_is_sticky(c->svc)) {
		i = own_instance(c);
		if (i != NULL)	/* what it remembers is worth a wait */
			return pool_free(i) ? i : NULL;
	}
	i = choose(c, false, &alive);
	return alive > 0 ? i : choose(c, true, &alive);
}

const char *
balance_cookie(const struct conn *c, const struct instance *i)
{
	static char text[2048];
	const struct service *s = &c->svc->conf;

	if (!balance_is_sticky(c->svc) || (c->has_key && c->key == i->id))
		return "";
	(void)snprintf(text, sizeof(text), "Set-Cookie: %s=%016llx; Path=%s; "
	    "HttpOnly; SameSite=Lax\r\n", s->how.name,
	    (unsigned long long)i->id,
	    s->route.is_default ? "/" : s->route.prefix);
	return text;
}
