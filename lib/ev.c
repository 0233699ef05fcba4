/*
 * ev.c - the event loop.
 */
#include "ev.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"

enum { TURN_EVENTS = 256, TURN_TIMERS = 128 };

struct ev {
	int epfd;
	bool stop;
	int64_t now_us, now_ms;
	struct heap timers;
	struct epoll_event turn[TURN_EVENTS];
	int turn_len;
	void (*each_turn)(void *);
	void *each_turn_arg;
	struct ev_io signal_io;
	sigset_t signals, old_signals;
	struct {
		ev_signal_fn *fn;
		void *arg;
	} on_signal[NSIG];
};

static void
read_clock(struct ev *ev)
{
	ev->now_us = clock_mono_us();
	ev->now_ms = ev->now_us / 1000;
}

struct ev *
ev_new(struct err *e)
{
	struct ev *ev = calloc(1, sizeof(*ev));

	if (ev == NULL) {
		(void)err_errno(e, "event loop");
		return NULL;
	}
	ev->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epfd < 0) {
		(void)err_errno(e, "epoll_create");
		free(ev);
		return NULL;
	}
	ev->signal_io.fd = -1;
	(void)sigemptyset(&ev->signals);
	(void)sigprocmask(SIG_BLOCK, NULL, &ev->old_signals);
	read_clock(ev);
	return ev;
}

void
ev_free(struct ev *ev)
{
	if (ev->signal_io.fd >= 0)
		(void)close(ev->signal_io.fd);
	(void)close(ev->epfd);
	heap_release(&ev->timers);
	free(ev);
}

int
ev_io_start(struct ev *ev, struct ev_io *io, int fd, uint32_t events,
    ev_io_fn *fn, struct err *e)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	if (epoll_ctl(ev->epfd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, "epoll_ctl");
	*io = (struct ev_io){ .fd = fd, .events = events, .fn = fn };
	return 0;
}

/*
 * Wanting nothing takes the descriptor out of the set: epoll reports a hang-up
 * whether it was asked for or not, and would turn the loop for ever.
 */
void
ev_io_change(struct ev *ev, struct ev_io *io, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };
	int op = EPOLL_CTL_MOD;

	if (io->fd < 0)
		return;
	if (events == 0)
		op = EPOLL_CTL_DEL;
	else if (io->events == 0)
		op = EPOLL_CTL_ADD;
	if (epoll_ctl(ev->epfd, op, io->fd, &event) < 0) {
		assert(errno == ENOMEM || errno == ENOSPC);
		return;		/* as before, until it is wanted again */
	}
	io->events = events;
	if (events == 0 && io->pending != 0) {
		ev->turn[io->pending - 1].data.ptr = NULL;
		io->pending = 0;
	}
}

void
ev_io_stop(struct ev *ev, struct ev_io *io)
{
	if (io->fd < 0)
		return;
	if (io->events != 0)
		(void)epoll_ctl(ev->epfd, EPOLL_CTL_DEL, io->fd, NULL);
	io->fd = -1;
	if (io->pending != 0)
		ev->turn[io->pending - 1].data.ptr = NULL;
	io->pending = 0;
}

int
ev_timer_set(struct ev *ev, struct ev_timer *t, int64_t at_ms, ev_timer_fn *fn)
{
	t->at = at_ms;
	t->fn = fn;
	if (t->node.at == 0)
		return heap_push(&ev->timers, &t->node, at_ms);
	if (at_ms < t->node.key)
		heap_move(&ev->timers, &t->node, at_ms);
	return 0;
}

void
ev_timer_stop(struct ev *ev, struct ev_timer *t)
{
	heap_remove(&ev->timers, &t->node);
}

/*
 * Calls what is due; moves what was only put back. Descriptors do not wait for
 * more than a turn's share of them: the next turn has the rest.
 */
static void
run_timers(struct ev *ev)
{
	int64_t now = ev_now_ms(ev);
	struct heap_node *n;
	struct ev_timer *t;
	int ran = 0;

	while (ran++ < TURN_TIMERS && (n = heap_top(&ev->timers)) != NULL &&
	    n->key <= now) {
		t = container_of(n, struct ev_timer, node);
		if (t->at > n->key) {
			heap_move(&ev->timers, n, t->at);
			continue;
		}
		heap_remove(&ev->timers, n);
		t->fn(t);
	}
}

static int
wait_ms(const struct ev *ev)
{
	struct heap_node *n = heap_top(&ev->timers);
	int64_t ms;

	if (n == NULL)
		return -1;
	ms = n->key - clock_mono_us() / 1000;
	return (int)(ms < 0 ? 0 : MIN(ms, 3600000));
}

static void
run_events(struct ev *ev)
{
	struct ev_io *io;
	uint32_t events;
	int i;

	for (i = 0; i < ev->turn_len; i++) {
		io = ev->turn[i].data.ptr;
		io->pending = (size_t)i + 1;
	}
	for (i = 0; i < ev->turn_len; i++) {
		io = ev->turn[i].data.ptr;
		if (io == NULL)
			continue;	/* stopped by an earlier handler */
		io->pending = 0;
		/* an earlier handler may have lost interest in some */
		events = ev->turn[i].events &
		    (io->events | EPOLLHUP | EPOLLERR);
		if (events != 0)
			io->fn(io, events);
	}
	ev->turn_len = 0;
}

void
ev_run(struct ev *ev)
{
	int n;

	ev->stop = false;
	while (!ev->stop) {
		n = epoll_wait(ev->epfd, ev->turn, TURN_EVENTS, wait_ms(ev));
		read_clock(ev);
		ev->turn_len = n > 0 ? n : 0;
		run_events(ev);
		run_timers(ev);
		if (ev->each_turn != NULL)
			ev->each_turn(ev->each_turn_arg);
	}
}

void
ev_stop(struct ev *ev)
{
	ev->stop = true;
}

int64_t
ev_now_ms(const struct ev *ev)
{
	return ev->now_ms;
}

int64_t
ev_now_us(const struct ev *ev)
{
	return ev->now_us;
}

void
ev_each_turn(struct ev *ev, void (*fn)(void *), void *arg)
{
	ev->each_turn = fn;
	ev->each_turn_arg = arg;
}

static void
on_signal_fd(struct ev_io *io, uint32_t events)
{
	struct ev *ev = container_of(io, struct ev, signal_io);
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof(info)) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo > 0 && signo < NSIG && ev->on_signal[signo].fn)
			ev->on_signal[signo].fn(signo,
			    ev->on_signal[signo].arg);
	}
}

int
ev_signal(struct ev *ev, int signo, ev_signal_fn *fn, void *arg,
    struct err *e)
{
	int fd;

	(void)sigaddset(&ev->signals, signo);
	if (sigprocmask(SIG_BLOCK, &ev->signals, NULL) < 0)
		return err_errno(e, "sigprocmask");
	fd = signalfd(ev->signal_io.fd, &ev->signals,
	    SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "signalfd");
	ev->on_signal[signo].fn = fn;
	ev->on_signal[signo].arg = arg;
	if (ev->signal_io.fd >= 0)
		return 0;
	return ev_io_start(ev, &ev->signal_io, fd, EPOLLIN, on_signal_fd, e);
}

const void *
ev_old_sigmask(const struct ev *ev)
{
	return &ev->old_signals;
}
