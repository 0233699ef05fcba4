/*
 * fake-socket.c - send and sendmsg of a socket that is nearly full, recv of one
 * to which bytes come in drops: one byte, a few, a half, or none (EAGAIN).
 * Linked into the svc-proxy of the tests by --wrap; at rest without
 * BERTH_SHORT, which seeds it. Only where a kernel may do the same: in a stream
 * that does not block. A single byte always has room: it is what wakes somebody
 * up.
 *
 * And of a request with X-Lost the first send finds that the connection has
 * just been reset: that moment is too short for a test to hit.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base.h"
#include "rng.h"

ssize_t __real_recv(int fd, void *p, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t len, int flags);
ssize_t __real_send(int fd, const void *p, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t len, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);

/* Whether the kernel could take or give less. */
static bool
may_cut(int fd, size_t len)
{
	int type = 0;
	socklen_t size = sizeof(type);

	return getenv("BERTH_SHORT") != NULL && len > 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	    type == SOCK_STREAM && (fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* How many of len bytes fd takes or gives now; 0: EAGAIN. */
static size_t
room(int fd, size_t len)
{
	static struct rng rng;
	static bool seeded;
	size_t few;

	if (!may_cut(fd, len))
		return len;
	if (!seeded)
		rng_seed(&rng, strtoull(getenv("BERTH_SHORT"), NULL, 10));
	seeded = true;
	few = 1 + rng_below(&rng, (uint32_t)MAX(len / 8, 40));
	switch (rng_below(&rng, 4)) {
	case 0:
		return len == 1;
	case 1:
		return 1;
	case 2:
		return MIN(len, few);
	default:
		return len / 2 + len % 2;
	}
}

ssize_t
__wrap_recv(int fd, void *p, size_t len, int flags)
{
	int there = 0;
	size_t n;

	if ((flags & MSG_PEEK) || ioctl(fd, FIONREAD, &there) < 0 || there <= 0)
		return __real_recv(fd, p, len, flags);
	n = room(fd, MIN(len, (size_t)there));
	if (n > 0)
		return __real_recv(fd, p, n, flags);
	errno = EAGAIN;
	return -1;
}

static bool
is_lost(int fd, const void *p, size_t len)
{
	static bool done;

	if (done || memmem(p, len, "\r\nX-Lost:", 9) == NULL)
		return false;
	done = true;
	(void)shutdown(fd, SHUT_RDWR);
	errno = EPIPE;
	return true;
}

ssize_t
__wrap_send(int fd, const void *p, size_t len, int flags)
{
	/* a check's request is the first on its connection: it has room */
	bool fits = memmem(p, len, "(health check)", 14) != NULL;
	size_t n = fits ? len : room(fd, len);

	if (is_lost(fd, p, len))
		return -1;
	if (n > 0 || len == 0)
		return __real_send(fd, p, n, flags);
	errno = EAGAIN;
	return -1;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr part = *msg;
	struct iovec iov[8];
	size_t i, len = 0, n;

	for (i = 0; i < msg->msg_iovlen; i++)
		len += msg->msg_iov[i].iov_len;
	n = room(fd, len);
	if (n == 0 && len > 0) {
		errno = EAGAIN;
		return -1;
	}
	part.msg_iov = iov;
	part.msg_iovlen = MIN(msg->msg_iovlen, ARRAY_LEN(iov));
	for (i = 0; i < part.msg_iovlen; i++) {
		iov[i] = msg->msg_iov[i];
		iov[i].iov_len = MIN(iov[i].iov_len, n);
		n -= iov[i].iov_len;
	}
	return __real_sendmsg(fd, &part, flags);
}
