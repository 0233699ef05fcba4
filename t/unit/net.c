/*
 * net.c - sockets, by commands on stdin:
 *
 *	parse TEXT	the address it stands for
 *	listen TEXT	the address; it stays open
 *	connect TEXT	how it ended
 *	inherited N	the address of the N-th socket that was passed
 *	notify TEXT	to $NOTIFY_SOCKET
 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "notify.h"
#include "unit.h"

static void
failed(const struct err *e)
{
	printf("%d %s\n", e->status, e->text);
}

static void
connect_to(const struct net_addr *a)
{
	struct pollfd p = { .fd = net_connect(a), .events = POLLOUT };

	if (p.fd >= 0)
		(void)poll(&p, 1, 5000);
	puts(p.fd < 0 || net_connected(p.fd) < 0 ? strerror(errno) :
	    "connected");
	if (p.fd >= 0)
		(void)close(p.fd);
}

static void
describe(int fd)
{
	char text[NET_TEXT];
	struct net_addr a;
	struct err e;

	if (net_local(fd, &a, &e) < 0)
		failed(&e);
	else
		printf("%s, non-blocking %d, close-on-exec %d\n",
		    net_text(&a, text, sizeof(text)),
		    (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
		    (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
with_address(const char *command, const char *where)
{
	char text[NET_TEXT];
	struct net_addr a;
	struct err e;
	int fd;

	if (net_parse(where, &a, &e) < 0) {
		failed(&e);
	} else if (strcmp(command, "parse") == 0) {
		puts(net_text(&a, text, sizeof(text)));
	} else if (strcmp(command, "connect") == 0) {
		connect_to(&a);
	} else {
		fd = net_listen(&a, &e);
		if (fd < 0)
			failed(&e);
		else
			describe(fd);
	}
}

int
main(void)
{
	char *rest;
	const char *command;
	int fd;

	while ((rest = unit_line()) != NULL) {
		command = unit_word(&rest);
		if (strcmp(command, "inherited") == 0) {
			fd = net_systemd_fd((int)unit_num(&rest));
			if (fd < 0)
				puts("none");
			else
				describe(fd);
		} else if (strcmp(command, "notify") == 0) {
			notify_send(rest);
		} else {
			with_address(command, rest);
		}
		(void)fflush(stdout);
	}
	return 0;
}
