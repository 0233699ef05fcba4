/*
 * net.h - sockets: listen, connect, accept; what an address is written like.
 *
 * Every socket made here is non-blocking and close-on-exec.
 */
#ifndef BERTH_NET_H
#define BERTH_NET_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "err.h"

struct net_addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage any;
	};
};

enum { NET_TEXT = 128 };	/* room for net_text */

/*
 * "HOST:PORT", "[IPV6]:PORT", ":PORT" (loopback), "unix:PATH". Names are
 * looked up (which may block: at start-up, or for numeric hosts only).
 */
int net_parse(const char *text, struct net_addr *out, struct err *e);

/* The same, but a host must be numeric: 0, or -1 at once. */
int net_parse_numeric(const char *host, const char *port,
    struct net_addr *out);

/* "127.0.0.1:80", "[::1]:80", "unix:PATH"; returns text. */
char *net_text(const struct net_addr *a, char *text, size_t size);

/*
 * A listening socket. A Unix socket is made with mode 0600, in place of a dead
 * one; a live one is an error. The descriptor, or -1 and *e.
 */
int net_listen(const struct net_addr *a, struct err *e);

/* The address a socket is bound to. */
int net_local(int fd, struct net_addr *out, struct err *e);

/* Begins to connect: the descriptor, or -1 with errno. */
int net_connect(const struct net_addr *a);

/* Of a net_connect: this machine is short of something, nobody else is. */
bool net_is_shortage(int error);

/* How the connect of fd ended: 0, or -1 with errno. */
int net_connected(int fd);

/* One connection of a listening socket, or -1 with errno (EAGAIN: none). */
int net_accept(int fd, struct net_addr *peer);

/*
 * Has the other end asked every few seconds whether it is there: one that is
 * gone makes an error of it, after the minute that its system remembers it.
 */
void net_probe(int fd);

/* Makes an inherited fd non-blocking and close-on-exec: fd, or -1. */
int net_adopt(int fd);

/*
 * The i-th socket systemd passed (LISTEN_FDS, LISTEN_PID), from 0; made
 * non-blocking and close-on-exec. -1: there is none.
 */
int net_systemd_fd(int i);

#endif
