/*
 * net.c - sockets.
 */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"

enum { BACKLOG = 4096, FIRST_SYSTEMD_FD = 3 };

static int
parse_unix(const char *path, struct net_addr *out, struct err *e)
{
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(out->un.sun_path))
		return err_perm(e, "unix:%s: a socket's path has 1 to %zu "
		    "bytes", path, sizeof(out->un.sun_path) - 1);
	*out = (struct net_addr){ .len = sizeof(out->un) };
	out->un.sun_family = AF_UNIX;
	memcpy(out->un.sun_path, path, len + 1);
	return 0;
}

static int
resolve(const char *host, const char *port, int flags, struct net_addr *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = flags | AI_NUMERICSERV }, *list;
	int rc;

	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		return rc;
	*out = (struct net_addr){ .len = list->ai_addrlen };
	memcpy(&out->any, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

int
net_parse_numeric(const char *host, const char *port, struct net_addr *out)
{
	return resolve(host, port, AI_NUMERICHOST, out) == 0 ? 0 : -1;
}

int
net_parse(const char *text, struct net_addr *out, struct err *e)
{
	char host[256];
	const char *colon, *from = text;
	int64_t port;
	size_t len;
	int rc;

	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, out, e);
	colon = strrchr(text, ':');
	if (colon == NULL || (text[0] == '[' && colon[-1] != ']'))
		return err_perm(e, "'%s' is not HOST:PORT or unix:PATH", text);
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		from++;
		len -= 2;
	}
	if (len >= sizeof(host))
		return err_perm(e, "'%s': host too long", text);
	memcpy(host, from, len);
	host[len] = '\0';
	if (num_int(colon + 1, 0, 65535, &port, e) < 0)
		return err_prefix(e, "'%s': port", text);
	rc = resolve(*host ? host : "127.0.0.1", colon + 1, 0, out);
	if (rc != 0 && rc != EAI_AGAIN)
		return err_perm(e, "'%s': %s", text, gai_strerror(rc));
	if (rc != 0)
		return err_temp(e, "'%s': %s", text, gai_strerror(rc));
	return 0;
}

char *
net_text(const struct net_addr *a, char *text, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
		(void)snprintf(text, size, "%s:%d", ip,
		    ntohs(a->in.sin_port));
	} else if (a->sa.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
		(void)snprintf(text, size, "[%s]:%d", ip,
		    ntohs(a->in6.sin6_port));
	} else {
		(void)snprintf(text, size, "unix:%s",
		    a->len > offsetof(struct sockaddr_un, sun_path) ?
		    a->un.sun_path : "");
	}
	return text;
}

static int
make_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd >= 0 && family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return fd;
}

/* A socket nobody listens on any more is left behind by a crash: unlink it. */
static int
clear_dead_socket(const struct net_addr *a, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(a->un.sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_perm(e, "%s: exists and is not a socket",
		    a->un.sun_path);
	fd = make_socket(AF_UNIX);
	if (fd < 0)
		return err_errno(e, "socket");
	rc = connect(fd, &a->sa, a->len);
	if (rc < 0 && errno != ECONNREFUSED)
		rc = err_errno(e, "%s", a->un.sun_path);
	else if (rc == 0)
		rc = err_perm(e, "%s: somebody listens there already",
		    a->un.sun_path);
	else
		rc = unlink(a->un.sun_path) < 0 ?
		    err_errno(e, "%s", a->un.sun_path) : 0;
	(void)close(fd);
	return rc;
}

static int
bind_unix(int fd, const struct net_addr *a)
{
	mode_t old = umask(0177);
	int rc = bind(fd, &a->sa, a->len);
	int saved = errno;

	(void)umask(old);
	errno = saved;
	return rc;
}

int
net_listen(const struct net_addr *a, struct err *e)
{
	char text[NET_TEXT];
	int fd, rc, on = 1;

	if (a->sa.sa_family == AF_UNIX && clear_dead_socket(a, e) < 0)
		return -1;
	fd = make_socket(a->sa.sa_family);
	if (fd < 0)
		return err_errno(e, "socket");
	if (a->sa.sa_family == AF_UNIX) {
		rc = bind_unix(fd, a);
	} else {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
		    sizeof(on));
		rc = bind(fd, &a->sa, a->len);
	}
	if (rc < 0 || listen(fd, BACKLOG) < 0) {
		(void)err_errno(e, "%s", net_text(a, text, sizeof(text)));
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
net_local(int fd, struct net_addr *out, struct err *e)
{
	*out = (struct net_addr){ .len = sizeof(out->any) };
	if (getsockname(fd, &out->sa, &out->len) < 0)
		return err_errno(e, "getsockname");
	return 0;
}

int
net_connect(const struct net_addr *a)
{
	int fd = make_socket(a->sa.sa_family), saved;

	if (fd < 0)
		return -1;
	if (connect(fd, &a->sa, a->len) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

bool
net_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	    error == ENOBUFS || error == ENOSPC || error == EADDRNOTAVAIL;
}

int
net_connected(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -1;
	errno = error;
	return error ? -1 : 0;
}

int
net_accept(int fd, struct net_addr *peer)
{
	int on = 1, conn;

	peer->len = sizeof(peer->any);
	conn = accept4(fd, &peer->sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (conn >= 0 && peer->sa.sa_family != AF_UNIX)
		(void)setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return conn;
}

void
net_probe(int fd)
{
	/* a network that is away for two minutes is no end */
	static const int on = 1, every_s = 2, most = 60;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &every_s, sizeof(int));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(int));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &most, sizeof(int));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int));
}

int
net_adopt(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return fd;
}

int
net_systemd_fd(int i)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t n;
	struct err e;

	if (pid == NULL || fds == NULL ||
	    num_int(pid, getpid(), getpid(), &n, &e) < 0 ||
	    num_int(fds, 0, 1000, &n, &e) < 0 || i >= n)
		return -1;
	return net_adopt(FIRST_SYSTEMD_FD + i);
}
