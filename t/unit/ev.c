/*
 * ev.c - what the event loop does in one situation: ev NAME. Each handler
 * prints a line when it is called.
 */
#include "ev.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "unit.h"

enum { PIPES = 4 };

static struct ev *ev;
static struct err e;

struct watch {
	struct ev_io io;
	struct ev_timer timer;
	int id, fd[2];
};

static struct watch *watches[PIPES];

static void
end(struct ev_timer *t)
{
	(void)t;
	ev_stop(ev);
}

/* In so many ms, times BERTH_PATIENCE: see t/helper.bash. */
static int64_t
in(int64_t ms)
{
	const char *text = getenv("BERTH_PATIENCE");

	return ev_now_ms(ev) + ms * (text ? strtoll(text, NULL, 10) : 1);
}

static void
end_in(int64_t ms)
{
	static struct ev_timer t;

	(void)ev_timer_set(ev, &t, in(ms), end);
}

static void
make_pipes(ev_io_fn *fn, uint32_t events)
{
	int i;

	for (i = 0; i < PIPES; i++) {
		watches[i] = calloc(1, sizeof(struct watch));
		if (watches[i] == NULL || pipe(watches[i]->fd) < 0)
			exit(75);
		watches[i]->id = i;
		if (ev_io_start(ev, &watches[i]->io, watches[i]->fd[0],
		    events, fn, &e) < 0)
			exit(75);
		if (write(watches[i]->fd[1], "x", 1) != 1)
			exit(75);
	}
}

static void
drop(int i)
{
	ev_io_stop(ev, &watches[i]->io);
	(void)close(watches[i]->fd[0]);
	(void)close(watches[i]->fd[1]);
	free(watches[i]);
	watches[i] = NULL;
}

/* The first that is called frees all, itself too. */
static void
free_all(struct ev_io *io, uint32_t events)
{
	int i;

	(void)io;
	printf("called %u\n", events);
	for (i = 0; i < PIPES; i++)
		drop(i);
	end_in(20);
}

/* The first that is called makes the others lose interest. */
static void
lose_interest(struct ev_io *io, uint32_t events)
{
	int i;

	printf("called %u\n", events);
	for (i = 0; i < PIPES; i++)
		if (&watches[i]->io != io)
			ev_io_want(ev, &watches[i]->io, 0);
	ev_io_stop(ev, io);
	end_in(20);
}

static void
hang_up(struct ev_io *io, uint32_t events)
{
	struct watch *w = container_of(io, struct watch, io);
	char byte;

	if (events & EPOLLIN) {
		printf("%d: %zd byte\n", w->id, read(io->fd, &byte, 1));
		return;
	}
	printf("%d: hang-up %d\n", w->id, (events & EPOLLHUP) != 0);
	ev_io_want(ev, io, 0);	/* or it would be told for ever */
}

static void
told(struct ev_timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);

	printf("timer %d, early %d, late %d\n", w->id, ev_now_ms(ev) < t->at,
	    in(-2000) > t->at);
}

/* Due in this order: 2 1 3; 0 is moved back behind them, 1 forward. */
static void
timers(void)
{
	static const int64_t in_ms[PIPES] = { 10, 500, 20, 60 };
	static struct watch w[PIPES];
	int i;

	for (i = 0; i < PIPES; i++) {
		w[i].id = i;
		(void)ev_timer_set(ev, &w[i].timer, in(in_ms[i]), told);
	}
	(void)ev_timer_set(ev, &w[0].timer, in(90), told);
	(void)ev_timer_set(ev, &w[1].timer, in(40), told);
	end_in(120);
	ev_run(ev);
	(void)ev_timer_set(ev, &w[0].timer, in(10), told);
	(void)ev_timer_set(ev, &w[1].timer, in(10), told);
	(void)ev_timer_set(ev, &w[2].timer, in(10), told);
	ev_timer_stop(ev, &w[1].timer);
	ev_timer_stop(ev, &w[1].timer);
	end_in(30);
	ev_run(ev);
}

static bool is_short;

/* In the place of libc's: no more room where the kernel is short of it. */
int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	if (!is_short || op != EPOLL_CTL_ADD)
		return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
	errno = ENOSPC;
	return -1;
}

/* What could not be watched again is, when there is room. */
static void
shortage(void)
{
	static const uint32_t wants[] = { 0, EPOLLIN, EPOLLPRI, 0, EPOLLIN };
	size_t i, n;

	make_pipes(free_all, EPOLLIN);
	for (n = 0; n < ARRAY_LEN(wants); n++) {
		is_short = n > 0 && n < ARRAY_LEN(wants) - 1;
		for (i = 0; i < PIPES; i++)
			ev_io_want(ev, &watches[i]->io, wants[n]);
	}
	ev_run(ev);
}

static int again;

static void
rearm(struct ev_timer *t)
{
	struct watch *w = container_of(t, struct watch, timer);

	printf("timer %d\n", w->id);
	if (++again < 3)
		(void)ev_timer_set(ev, t, in(5), rearm);
	else
		free(w);
}

static void
on_signal(int signo, void *arg)
{
	printf("signal %s %s\n", signo == SIGUSR1 ? "one" : "two",
	    (const char *)arg);
	if (signo == SIGUSR2)
		ev_stop(ev);
	else
		(void)kill(getpid(), SIGUSR2);
}

static void
signals(void)
{
	static char text[] = "with its argument";
	sigset_t now;

	if (ev_signal(ev, SIGUSR1, on_signal, text, &e) < 0 ||
	    ev_signal(ev, SIGUSR2, on_signal, text, &e) < 0)
		exit(75);
	(void)sigprocmask(SIG_BLOCK, NULL, &now);
	printf("blocked now %d, before %d\n", sigismember(&now, SIGUSR1),
	    sigismember(ev_old_sigmask(ev), SIGUSR1));
	(void)kill(getpid(), SIGUSR1);
	ev_run(ev);
}

static void
turn(void *arg)
{
	(void)arg;
	puts("end of turn");
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct watch *w;
	int i;

	ev = ev_new(&e);
	if (ev == NULL)
		return 75;
	if (strcmp(name, "free") == 0) {
		make_pipes(free_all, EPOLLIN);
		ev_run(ev);
	} else if (strcmp(name, "interest") == 0) {
		make_pipes(lose_interest, EPOLLIN);
		ev_run(ev);
		for (i = 0; i < PIPES; i++)
			drop(i);
	} else if (strcmp(name, "hang-up") == 0) {
		make_pipes(hang_up, EPOLLIN);
		for (i = 0; i < PIPES; i++)
			(void)close(watches[i]->fd[1]);
		end_in(50);
		ev_run(ev);
		for (i = 0; i < PIPES; i++)
			drop(i);
	} else if (strcmp(name, "timers") == 0) {
		timers();
	} else if (strcmp(name, "rearm") == 0) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			return 75;
		(void)ev_timer_set(ev, &w->timer, ev_now_ms(ev), rearm);
		end_in(60);
		ev_run(ev);
	} else if (strcmp(name, "signals") == 0) {
		signals();
	} else if (strcmp(name, "shortage") == 0) {
		shortage();
	} else if (strcmp(name, "turns") == 0) {
		ev_each_turn(ev, turn, NULL);
		end_in(0);
		ev_run(ev);
	} else {
		return 2;
	}
	ev_free(ev);
	return 0;
}
