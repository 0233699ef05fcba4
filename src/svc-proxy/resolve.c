/*
 * resolve.c - the address of an instance that is announced by name.
 *
 * getaddrinfo can block for as long as a name server is silent, so a child
 * asks, and writes the address into a pipe. It is ended after a while. Few ask
 * at once, however long a table of names may be.
 */
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "die.h"

enum { PATIENCE_MS = 10000, AGAIN_MS = 10000, CHILDREN_MAX = 32 };

struct resolver {
	struct instance *inst;
	struct resolver *prev, *next;	/* among those that wait for a child */
	bool waits;
	struct ev_io io;
	struct ev_timer timer;
	pid_t pid;
	char host[256], port[8];
};

static struct resolver *first, *last;
static size_t nchildren;

static void begin(struct resolver *r);

static void
wait_for_child(struct resolver *r)
{
	r->prev = last;
	r->next = NULL;
	if (last != NULL)
		last->next = r;
	else
		first = r;
	last = r;
	r->waits = true;
}

static void
wait_no_more(struct resolver *r)
{
	if (!r->waits)
		return;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		first = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	else
		last = r->prev;
	r->waits = false;
}

/* One fewer asks: the next one may. */
static void
child_ended(void)
{
	struct resolver *r = first;

	nchildren--;
	if (r == NULL)
		return;
	wait_no_more(r);
	begin(r);
}

/*
 * In the child: the address to the pipe, or nothing. Our connections are not
 * the child's: one that we close must be closed.
 */
static NORETURN void
ask(const struct resolver *r, int fd)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	struct net_addr a = { 0 };

	(void)close_range(0, (unsigned int)fd - 1, 0);
	(void)close_range((unsigned int)fd + 1, ~0U, 0);
	if (getaddrinfo(r->host, r->port, &hints, &list) != 0)
		_exit(1);
	a.len = list->ai_addrlen;
	memcpy(&a.any, list->ai_addr, list->ai_addrlen);
	_exit(write(fd, &a, sizeof(a)) == sizeof(a) ? 0 : 1);
}

static void
end_child(struct resolver *r)
{
	int fd = r->io.fd;

	if (fd < 0)
		return;
	ev_io_stop(px.ev, &r->io);
	(void)close(fd);
	(void)kill(r->pid, SIGKILL);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	child_ended();
}

static void
on_timer(struct ev_timer *t)
{
	struct resolver *r = container_of(t, struct resolver, timer);

	if (r->io.fd >= 0) {
		end_child(r);
		pool_health(r->inst, HEALTH_DOWN, "its host name has no "
		    "address yet");
		(void)ev_timer_set(px.ev, t, ev_now_ms(px.ev) + AGAIN_MS,
		    on_timer);
	} else {
		begin(r);
	}
}

static void
on_answer(struct ev_io *io, uint32_t events)
{
	struct resolver *r = container_of(io, struct resolver, io);
	struct instance *i = r->inst;
	struct net_addr a;
	ssize_t n = read(io->fd, &a, sizeof(a));

	(void)events;
	end_child(r);
	if (n == sizeof(a)) {
		i->addr = a;
		i->has_addr = true;
		i->refs++;
		resolve_stop(i);
		check_start(i);
		feed_demand_due(i->svc, false);
		queue_serve(i->svc);
		pool_unref(i);
		return;
	}
	pool_health(i, HEALTH_DOWN, "its host name is not known here");
	ev_timer_stop(px.ev, &r->timer);
	(void)ev_timer_set(px.ev, &r->timer, ev_now_ms(px.ev) + AGAIN_MS,
	    on_timer);
}

static void
begin(struct resolver *r)
{
	struct err e;
	int fds[2];

	if (nchildren == CHILDREN_MAX) {
		wait_for_child(r);
		return;
	}
	(void)ev_timer_set(px.ev, &r->timer, ev_now_ms(px.ev) + PATIENCE_MS,
	    on_timer);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	r->pid = fork();
	if (r->pid == 0)
		ask(r, fds[1]);
	(void)close(fds[1]);
	if (r->pid < 0 || ev_io_start(px.ev, &r->io, fds[0], EPOLLIN,
	    on_answer, &e) < 0) {
		(void)close(fds[0]);
		if (r->pid > 0) {
			(void)kill(r->pid, SIGKILL);
			(void)waitpid(r->pid, NULL, 0);
		}
		return;
	}
	nchildren++;
}

void
resolve_start(struct instance *i, const char *host, const char *port)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		warn("out of memory: job %lld has no address",
		    (long long)i->rec.job_id);
		return;
	}
	r->inst = i;
	r->io.fd = -1;
	(void)snprintf(r->host, sizeof(r->host), "%s", host);
	(void)snprintf(r->port, sizeof(r->port), "%s", port);
	i->resolver = r;
	i->refs++;
	begin(r);
}

void
resolve_stop(struct instance *i)
{
	struct resolver *r = i->resolver;

	if (r == NULL)
		return;
	wait_no_more(r);
	end_child(r);
	ev_timer_stop(px.ev, &r->timer);
	i->resolver = NULL;
	free(r);
	pool_unref(i);
}
