/*
 * floor.c - the least a proxy can do: floor PORT TO copies bytes between each
 * connection to PORT and one of its own to TO, blind, in one epoll loop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 4096 };

static int peer[FDS];

static int
tcp(const char *port, int (*use)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons((unsigned short)strtol(port, NULL, 10)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (fd < 0 || fd >= FDS || use(fd, (struct sockaddr *)&a,
	    sizeof(a)) < 0) {
		perror("floor");
		exit(75);
	}
	return fd;
}

static void
watch(int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		exit(75);
}

static void
copy(int fd)
{
	static char buf[65536];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n > 0 && send(peer[fd], buf, (size_t)n, MSG_NOSIGNAL) == n)
		return;
	(void)close(peer[fd]);
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event ev[256];
	int ep = epoll_create1(0), listener, fd, n, i;

	if (argc != 3)
		return 2;
	listener = tcp(argv[1], bind);
	if (listen(listener, 1024) < 0)
		return 75;
	watch(ep, listener);
	for (;;) {
		n = epoll_wait(ep, ev, 256, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd != listener) {
				copy(ev[i].data.fd);
				continue;
			}
			fd = accept(listener, NULL, NULL);
			if (fd < 0 || fd >= FDS)
				continue;
			peer[fd] = tcp(argv[2], connect);
			peer[peer[fd]] = fd;
			watch(ep, fd);
			watch(ep, peer[fd]);
		}
	}
}
