/*
 * place.c - the address and the port at which the instance is to listen.
 */
#include "run.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "die.h"
#include "net.h"

/*
 * Below the range the kernel takes for outgoing connections, one of which
 * could otherwise get the port between our look and CMD's bind.
 */
enum {
	PORT_FIRST = 20000,
	PORT_LAST = 32767,
	ANY_PORT = 9,
	TAKEN_MS = 1000,	/* for who listens at our port to answer */
};

/* Our end of a way to ai, as text. Connecting UDP sends nothing. */
static int
local_end(const struct addrinfo *ai, char host[HOST_MAX])
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	int fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = -1;

	if (fd < 0)
		return -1;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&own, len, host, HOST_MAX, NULL, 0,
	    NI_NUMERICHOST) == 0)
		rc = strchr(host, '%') == NULL ? 0 : -1;	/* link-local */
	(void)close(fd);
	return rc;
}

static int
host_towards(const char *name, char host[HOST_MAX])
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *ai;
	char port[8];
	int rc = -1;

	(void)snprintf(port, sizeof(port), "%d", ANY_PORT);
	rc = getaddrinfo(name, port, &hints, &list);
	if (rc != 0) {
		warn("%s (SLURM_SUBMIT_HOST): %s", name, gai_strerror(rc));
		return -1;
	}
	rc = -1;
	for (ai = list; ai != NULL && rc < 0; ai = ai->ai_next)
		rc = local_end(ai, host);
	freeaddrinfo(list);
	if (rc < 0)
		warn("%s (SLURM_SUBMIT_HOST): no way there from this node",
		    name);
	return rc;
}

void
place_host(struct run *r)
{
	const char *login = getenv("SLURM_SUBMIT_HOST");

	if (r->job_id == 0 || login == NULL || *login == '\0') {
		(void)snprintf(r->host, HOST_MAX, "127.0.0.1");
		return;
	}
	if (host_towards(login, r->host) == 0)
		return;
	if (gethostname(r->host, HOST_MAX) < 0)
		(void)snprintf(r->host, HOST_MAX, "localhost");
	r->host[HOST_MAX - 1] = '\0';
	warn("announcing this node by its name, %s; --host=HOST says "
	    "otherwise", r->host);
}

/*
 * Binds the port on every address of the node, IPv6 and IPv4, without
 * SO_REUSEADDR: what CMD may do, with or without it, then works too.
 */
static int
hold_port(uint16_t port)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port),
	};
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(port),
	};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), off = 0;

	if (fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off,
	    sizeof(off)) == 0) {
		if (bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0)
			return fd;
		if (errno == EADDRINUSE)
			goto taken;
	}
	if (fd >= 0)
		(void)close(fd);
	/* no IPv6 on this node */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
taken:
	off = errno;
	(void)close(fd);
	errno = off;
	return -1;
}

/*
 * Whether somebody listens there. Binding it again would not tell: what is left
 * of CMD's own connections can hold a port for a minute. Our own address
 * answers or refuses at once; --host may be another's, which is not waited for.
 */
bool
place_taken(const struct run *r)
{
	struct pollfd p = { .events = POLLOUT };
	struct net_addr a;
	char port[8];
	bool taken;

	(void)snprintf(port, sizeof(port), "%u", r->port);
	if (net_parse_numeric(r->host, port, &a) < 0)
		return false;
	p.fd = net_connect(&a);
	if (p.fd < 0)
		return false;
	taken = poll(&p, 1, TAKEN_MS) > 0 && net_connected(p.fd) == 0;
	(void)close(p.fd);
	return taken;
}

int
place_port(struct run *r, struct err *e)
{
	const uint32_t span = PORT_LAST - PORT_FIRST + 1;
	uint32_t from = rng_below(&r->rng, span), i;
	bool v6 = strchr(r->host, ':') != NULL;
	int fd = -1;

	for (i = 0; i < span && fd < 0; i++) {
		r->port = (uint16_t)(PORT_FIRST + (from + i) % span);
		fd = hold_port(r->port);
		if (fd < 0 && errno != EADDRINUSE)
			return err_errno(e, "port %u", r->port);
	}
	if (fd < 0)
		return err_temp(e, "no port from %d to %d is free",
		    PORT_FIRST, PORT_LAST);
	(void)snprintf(r->url, sizeof(r->url), "http://%s%s%s:%u",
	    v6 ? "[" : "", r->host, v6 ? "]" : "", r->port);
	return fd;
}
