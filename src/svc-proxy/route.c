/*
 * route.c - the services at run time, and which of them a path belongs to.
 */
#include "proxy.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

struct svc *
route_find(struct http_slice path)
{
	size_t i;

	if (path.len == 0 || path.p[0] != '/')
		return NULL;
	for (i = 0; i < px.nroutes; i++)
		if (under(path, px.routes[i]->conf.route.prefix,
		    route_prefix_len(px.routes[i])))
			return px.routes[i];
	return NULL;
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

static int
longest_first(const void *a, const void *b)
{
	const struct svc *x = *(struct svc *const *)a;
	const struct svc *y = *(struct svc *const *)b;
	size_t lx = strlen(x->conf.route.prefix);
	size_t ly = strlen(y->conf.route.prefix);

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

/* Moves one loaded service into its svc; it is fresh from services_load. */
static struct svc *
take(struct service *from)
{
	struct svc *s = svc_named(from->name);
	struct err e;
	int rc;

	if (s == NULL)
		return NULL;
	service_release(&s->conf);
	s->conf = *from;
	*from = (struct service){ 0 };
	rc = http_statuses_parse(s->conf.health.status, &s->healthy, &e);
	assert(rc == 0);
	s->gone = false;
	return s;
}

int
route_load(struct err *e)
{
	struct services all;
	struct svc **routes, *s;
	size_t i, n = 0;

	if (services_load(px.dir, &all, warn, e) < 0)
		return -1;
	routes = calloc(all.len ? all.len : 1, sizeof(*routes));
	if (routes == NULL) {
		services_release(&all);
		return err_temp(e, "out of memory");
	}
	mark_all_gone();
	for (i = 0; i < all.len; i++) {
		s = take(&all.list[i]);
		if (s != NULL)
			routes[n++] = s;
		else
			warn("out of memory: %s is left out",
			    all.list[i].name);
	}
	services_release(&all);
	free(px.routes);
	px.routes = routes;
	px.nroutes = n;
	qsort(routes, n, sizeof(*routes), longest_first);
	return 0;
}
