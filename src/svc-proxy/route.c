/*
 * route.c - the services at run time, and which of them a path belongs to.
 */
#include "proxy.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "die.h"

struct svc *
route_by_name(const char *name)
{
	return map_get(&px.svcs, name);
}

size_t
route_prefix_len(const struct svc *s)
{
	size_t len = strlen(s->conf.route.prefix);

	return len == 1 ? 0 : len;
}

/* Whether p is prefix; %c3 and %C3 are the same byte. */
static bool
same_prefix(const char *p, const char *prefix, size_t len)
{
	size_t i, encoded = 0;

	if (memcmp(p, prefix, len) == 0)
		return true;
	for (i = 0; i < len; i++) {
		if (p[i] != prefix[i] && (encoded == 0 || !isxdigit(
		    (unsigned char)p[i]) || (p[i] | 32) != (prefix[i] | 32)))
			return false;
		encoded = p[i] == '%' ? 2 : encoded - (encoded > 0);
	}
	return true;
}

/* Whether path lies under prefix: "/a" has "/a", "/a/b", "/a?x", not "/ab". */
static bool
under(struct http_slice path, const char *prefix, size_t len)
{
	if (path.len < len || !same_prefix(path.p, prefix, len))
		return false;
	return path.len == len || path.p[len] == '/' || path.p[len] == '?';
}

/* Whether a Host, maybe with a port, is of that name. */
static bool
same_host(struct http_slice host, const char *name)
{
	size_t len = strlen(name);

	return host.len >= len && strncasecmp(host.p, name, len) == 0 &&
	    (host.len == len || host.p[len] == ':');
}

/* Whether s is to be had where c came in, and by that name. */
static bool
is_offered(const struct svc *s, const struct conn *c, const struct http_head *h)
{
	return s->door == c->door && (s->conf.route.host == NULL ||
	    same_host(h->host, s->conf.route.host));
}

struct svc *
route_find(struct conn *c, const struct http_head *h)
{
	struct svc *s, *other = NULL;
	size_t i, len;

	c->strip = 0;
	if (h->path.len == 0 || h->path.p[0] != '/')
		return NULL;
	for (i = 0; i < px.nroutes; i++) {
		s = px.routes[i];
		len = route_prefix_len(s);
		if (is_offered(s, c, h) &&
		    under(h->path, s->conf.route.prefix, len)) {
			c->strip = s->conf.route.strip ? len : 0;
			return s;
		}
		if (s->conf.route.is_default && s->door == c->door)
			other = s;
	}
	return other;
}

json_t *
route_list(const struct conn *c, const struct http_head *h)
{
	json_t *list = json_array();
	size_t i = px.nroutes;

	while (i-- > 0)		/* the shortest first */
		if (is_offered(px.routes[i], c, h))
			(void)json_array_append_new(list, json_string(
			    px.routes[i]->conf.route.prefix));
	return json_pack("{s:o}", "prefixes", list);
}

/* The svc of that name, made if there is none. NULL: no memory. */
static struct svc *
svc_named(const char *name)
{
	struct svc *s = route_by_name(name);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL || map_set(&px.svcs, name, s) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

/* Those with a host name before all others. */
static int
longest_first(const void *a, const void *b)
{
	const struct svc *x = *(struct svc *const *)a;
	const struct svc *y = *(struct svc *const *)b;
	bool hx = x->conf.route.host != NULL, hy = y->conf.route.host != NULL;
	size_t lx = strlen(x->conf.route.prefix);
	size_t ly = strlen(y->conf.route.prefix);

	if (hx != hy)
		return hy - hx;
	return lx != ly ? (lx < ly) - (lx > ly) :
	    strcmp(x->conf.route.prefix, y->conf.route.prefix);
}

static void
mark_all_gone(void)
{
	struct map_item *item;
	size_t at = 0;

	while ((item = map_next(&px.svcs, &at)) != NULL)
		((struct svc *)item->value)->gone = true;
}

static bool
same_checks(const struct service *a, const struct service *b)
{
	return a->health.path != NULL &&
	    strcmp(a->health.path, b->health.path) == 0 &&
	    strcmp(a->health.status, b->health.status) == 0 &&
	    a->health.interval_s == b->health.interval_s;
}

/* The next check may be far off by what was said of them before. */
static void
check_all(const struct svc *s)
{
	size_t n;

	for (n = 0; n < s->ninst; n++)
		if (s->inst[n]->check != NULL)
			check_start(s->inst[n]);
}

/* Moves one loaded service into its svc, and the files that it names. */
static struct svc *
take(struct service *from, struct auth_files *files)
{
	struct svc *s = svc_named(from->name);
	struct err e;
	bool same;
	int rc;

	if (s == NULL)
		return NULL;
	same = same_checks(&s->conf, from);
	service_release(&s->conf);
	s->conf = *from;
	*from = (struct service){ 0 };
	auth_close(&s->files);
	s->files = *files;
	*files = (struct auth_files){ 0 };
	s->door = door_of(&s->conf);
	rc = http_statuses_parse(s->conf.health.status, &s->healthy, &e);
	assert(rc == 0);
	s->gone = false;
	if (!same)
		check_all(s);
	return s;
}

/*
 * Requests under way may have another prefix now: what their answers say of
 * paths is put under the one that can be reached.
 */
static void
strip_anew(void)
{
	struct conn *c;

	for (c = px.conns; c != NULL; c = c->all_next)
		if (c->svc != NULL && c->strip > 0)
			c->strip = c->svc->conf.route.strip ?
			    route_prefix_len(c->svc) : 0;
}

/* Swaps the table of services; nothing fails any more. */
static void
take_all(struct services *all, struct auth_files *files, struct svc **routes)
{
	struct svc *s;
	size_t i, n = 0;

	mark_all_gone();
	for (i = 0; i < all->len; i++) {
		s = take(&all->list[i], &files[i]);
		if (s != NULL)
			routes[n++] = s;
		else
			warn("out of memory: %s is left out",
			    all->list[i].name);
	}
	free(px.routes);
	px.routes = routes;
	px.nroutes = n;
	qsort(routes, n, sizeof(*routes), longest_first);
	strip_anew();
	door_close_unused();
}

static int
open_files(const struct services *all, struct auth_files *files,
    struct err *e)
{
	size_t i;

	for (i = 0; i < all->len; i++)
		if (auth_open(&all->list[i], &files[i], e) < 0)
			return -1;
	return 0;
}

int
route_load(struct err *e)
{
	struct auth_files *files;
	struct services all;
	struct svc **routes;
	size_t i;
	int rc = -1;

	if (services_load(px.dir, &all, warn, e) < 0)
		return -1;
	files = calloc(all.len + 1, sizeof(*files));
	routes = calloc(all.len + 1, sizeof(*routes));
	if (files == NULL || routes == NULL) {
		(void)err_temp(e, "out of memory");
	} else if (open_files(&all, files, e) == 0 && door_open(&all, e) == 0) {
		take_all(&all, files, routes);
		routes = NULL;
		rc = 0;
	}
	for (i = 0; files != NULL && i < all.len; i++)
		auth_close(&files[i]);
	free(files);
	free(routes);
	services_release(&all);
	return rc;
}
