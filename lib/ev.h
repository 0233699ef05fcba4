/*
 * ev.h - one epoll loop: descriptors, timers, signals. Level-triggered.
 *
 * Watchers lie in the caller's structs (container_of finds the owner). A
 * handler may stop or free any watcher, its own too: the loop never calls one
 * that was stopped. All times are clock_mono_ms.
 */
#ifndef BERTH_EV_H
#define BERTH_EV_H

#include <sys/epoll.h>

#include "err.h"
#include "heap.h"

struct ev;
struct ev_io;
struct ev_timer;

typedef void ev_io_fn(struct ev_io *io, uint32_t events);
typedef void ev_timer_fn(struct ev_timer *t);
typedef void ev_signal_fn(int signo, void *arg);

struct ev_io {
	int fd;			/* -1 while stopped */
	uint32_t events;	/* EPOLLIN | EPOLLOUT as registered */
	ev_io_fn *fn;
	size_t pending;		/* the loop's: place in this turn + 1 */
};

/*
 * A deadline that moves back on every request costs no heap work: `at` is
 * what the owner wants, the node's key is when the loop looks again.
 */
struct ev_timer {
	struct heap_node node;
	int64_t at;
	ev_timer_fn *fn;
};

struct ev *ev_new(struct err *e);	/* NULL and *e */
void ev_free(struct ev *ev);

/* Watches fd. 0; -1 and *e. The descriptor stays the caller's. */
int ev_io_start(struct ev *ev, struct ev_io *io, int fd, uint32_t events,
    ev_io_fn *fn, struct err *e);

/*
 * Changes what is watched for; no system call if nothing changes. With 0 not
 * even a hang-up is reported. Where the kernel has no memory for it, all stays
 * as it was; wanted again, it is tried again.
 */
void ev_io_change(struct ev *ev, struct ev_io *io, uint32_t events);
static inline void
ev_io_want(struct ev *ev, struct ev_io *io, uint32_t events)
{
	if (io->events != events)
		ev_io_change(ev, io, events);
}

/* Stops watching. Call it before close(2). Nothing if it is stopped. */
void ev_io_stop(struct ev *ev, struct ev_io *io);

/* Calls fn once, at or soon after that time. 0, or -1 with errno ENOMEM. */
int ev_timer_set(struct ev *ev, struct ev_timer *t, int64_t at_ms,
    ev_timer_fn *fn);
void ev_timer_stop(struct ev *ev, struct ev_timer *t);

/* Handles signo in the loop (signalfd); blocks its default. 0; -1 and *e. */
int ev_signal(struct ev *ev, int signo, ev_signal_fn *fn, void *arg,
    struct err *e);

/*
 * The set of signals to give back to a child: what was blocked before the
 * first ev_signal.
 */
const void *ev_old_sigmask(const struct ev *ev);

/* Runs turns until ev_stop. */
void ev_run(struct ev *ev);
void ev_stop(struct ev *ev);

/* The time this turn began: one clock read a turn. */
int64_t ev_now_ms(const struct ev *ev);
int64_t ev_now_us(const struct ev *ev);

/* Called at the end of each turn, for what should be done once a turn. */
void ev_each_turn(struct ev *ev, void (*fn)(void *), void *arg);

#endif
