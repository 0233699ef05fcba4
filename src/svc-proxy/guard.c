/*
 * guard.c - whom the admin listener believes: pages of somebody else's must not
 * use a person's browser to look at services, or to drain their jobs.
 *
 * Such a page cannot read what comes from another origin, nor set a field of
 * its own making there; unless its own name leads to our address (DNS
 * rebinding). Then that name is in Host. It has a dot: names without one are
 * not to be had from the public DNS.
 */
#include "proxy.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A Host without its port. */
static struct http_slice
name_of(struct http_slice host)
{
	const char *colon = host.len > 0 && *host.p != '[' ?
	    memchr(host.p, ':', host.len) : NULL;

	if (colon != NULL)
		host.len = (size_t)(colon - host.p);
	return host;
}

/* Numbers and dots, or [IPv6]: head parsing has looked at what is within. */
static bool
is_address(struct http_slice name)
{
	size_t i;

	for (i = 0; i < name.len && *name.p != '['; i++)
		if (!isdigit((unsigned char)name.p[i]) && name.p[i] != '.')
			return false;
	return true;
}

/* Whether an --admin names it. */
static bool
is_asked_for(struct http_slice name)
{
	const struct listener *l;
	struct http_slice ask;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++) {
		if (!l->admin || l->ask == NULL)
			continue;
		ask = name_of((struct http_slice){ l->ask, strlen(l->ask) });
		if (ask.len == name.len &&
		    strncasecmp(ask.p, name.p, name.len) == 0)
			return true;
	}
	return false;
}

/* HTTP/1.0 knows no Host, and browsers no HTTP/1.0. */
bool
guard_host_ok(struct http_slice host)
{
	struct http_slice name = name_of(host);

	return memchr(name.p, '.', name.len) == NULL || is_address(name) ||
	    is_asked_for(name);
}

/* Whether an Origin is the one that Host says. */
static bool
is_own(struct http_slice origin, struct http_slice host)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;

	return origin.len == n + host.len &&
	    memcmp(origin.p, scheme, n) == 0 &&
	    strncasecmp(origin.p + n, host.p, host.len) == 0;
}

bool
guard_is_forged(const struct conn *c, const struct http_head *h)
{
	const struct http_field *origin = http_find(h, "origin");
	const struct http_field *site = http_find(h, "sec-fetch-site");

	if (origin != NULL && !is_own(origin->value, h->host))
		return true;
	if (site != NULL && !http_is(site->value, "same-origin") &&
	    !http_is(site->value, "none"))
		return true;
	/* over TCP, or from a browser, where a tunnel ends in our socket */
	return (strcmp(c->peer, "unix") != 0 || origin != NULL) &&
	    http_find(h, "x-berth") == NULL;
}
