/*
 * door.c - listeners of services' own, for what needs the root of an address.
 *
 * One is opened for each address that a route names, and closed when none
 * does any more. A socket that was passed to us and has that address is taken,
 * and given back.
 */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "die.h"
#include "num.h"

static unsigned last_door;

/* Numeric: a name would have to be looked up, and that may block. */
static int
parse(const char *text, struct net_addr *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	int64_t port;
	size_t len;

	if (strncmp(text, "unix:", 5) == 0)
		return net_parse(text, out, e);
	len = colon ? (size_t)(colon - text) : sizeof(host);
	if (len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		if (len > 2 && *host == '[' && host[len - 1] == ']') {
			memmove(host, host + 1, len);
			host[len - 2] = '\0';
		}
		if (num_int(colon + 1, 1, 65535, &port, e) == 0 &&
		    net_parse_numeric(len ? host : "127.0.0.1", colon + 1,
		    out) == 0)
			return 0;
	}
	return err_perm(e, "route: 'listen': '%s' is not ADDRESS:PORT or "
	    "unix:PATH", text);
}

static struct listener *
door_named(const char *name)
{
	struct listener *l;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->door != 0 && strcmp(l->door_name, name) == 0)
			return l;
	return NULL;
}

static struct listener *
inherited_at(const struct net_addr *a)
{
	char want[NET_TEXT], text[NET_TEXT];
	struct listener *l;

	(void)net_text(a, want, sizeof(want));
	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->inherited && !l->admin && l->door == 0 &&
		    strcmp(net_text(&l->addr, text, sizeof(text)), want) == 0)
			return l;
	return NULL;
}

static void
shut(struct listener *l)
{
	int fd = l->io.fd;

	free(l->door_name);
	l->door_name = NULL;
	l->door = 0;
	if (l->inherited)
		return;		/* common again; nobody could open it anew */
	ev_io_stop(px.ev, &l->io);
	if (fd >= 0)
		(void)close(fd);
	if (l->addr.sa.sa_family == AF_UNIX)
		(void)unlink(l->addr.un.sun_path);
	l->addr.sa.sa_family = AF_UNSPEC;
}

static int
open_one(const char *by, const char *name, struct err *e)
{
	struct listener *l;
	struct net_addr a;
	char *copy;
	int fd;

	if (parse(name, &a, e) < 0)
		return -1;
	copy = strdup(name);
	if (copy == NULL)
		return err_temp(e, "out of memory");
	l = inherited_at(&a);
	if (l == NULL) {
		fd = takeover_socket(name);
		if (fd < 0)
			fd = net_listen(&a, e);
		if (fd >= 0)
			l = listener_add(fd, e);
	}
	if (l == NULL) {
		free(copy);
		return -1;
	}
	l->door = ++last_door;
	l->door_name = copy;
	l->door_used = true;
	note("%s is on %s", by, name);
	return 0;
}

static void
undo(unsigned before)
{
	struct listener *l;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->door > before)
			shut(l);
}

int
door_open(const struct services *all, struct err *e)
{
	unsigned before = last_door;
	struct listener *l;
	size_t i;

	for (i = 0; i < px.nlisteners; i++)
		px.listeners[i].door_used = false;
	for (i = 0; i < all->len && !px.draining; i++) {
		const char *name = all->list[i].route.listen;

		l = name ? door_named(name) : NULL;
		if (l != NULL)
			l->door_used = true;
		else if (name != NULL && open_one(all->list[i].name,
		    name, e) < 0) {
			undo(before);
			return err_prefix(e, "%s/service.json",
			    all->list[i].dir);
		}
	}
	return 0;
}

unsigned
door_of(const struct service *s)
{
	struct listener *l = NULL;

	if (s->route.listen == NULL)
		return 0;
	l = door_named(s->route.listen);
	return l ? l->door : UINT32_MAX;	/* nowhere: it is draining */
}

void
door_close_unused(void)
{
	struct listener *l;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->door != 0 && !l->door_used && !px.draining)
			shut(l);
}
