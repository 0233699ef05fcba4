/*
 * watch.c - progress on the terminal, and interrupts.
 */
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "term.h"

enum { CALLS = 32 };		/* of watch_go_on, for one look at the clock */

static struct term term;
static volatile sig_atomic_t stopped;
static bool obeyed;
static int stop_fd = -1;
static int64_t began_ms;	/* the simulation; 0: not yet */

static void
on_signal(int signo)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)signo;
	stopped = 1;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		stopped = 1;	/* the flag is there in any case */
	errno = saved;
}

/* One that was ignored from the beginning, as in a shell's "&", stays so. */
static void
catch(int signo)
{
	struct sigaction sa = {
		.sa_handler = on_signal,
		.sa_flags = (int)(SA_RESETHAND | SA_RESTART),
	}, was;

	if (sigaction(signo, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		(void)sigaction(signo, &sa, NULL);
}

void
watch_begin(void)
{
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		die(ST_TEMP, "out of descriptors");
	catch(SIGINT);
	catch(SIGTERM);
	term_open(&term, STDERR_FILENO, verbosity < 0);
	die_before = watch_clear;
}

bool
watch_stopped(void)
{
	obeyed = obeyed || stopped;
	return stopped;
}

bool
watch_obeyed(void)
{
	return obeyed;
}

int
watch_fd(void)
{
	return stop_fd;
}

void
watch_clear(void)
{
	term_clear(&term);
}

void
watch_reading(int fd, int64_t lines, int64_t bytes, int64_t size_bytes)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};
	char text[64];

	if (term_due(&term)) {
		(void)snprintf(text, sizeof(text), "%" PRId64 " lines", lines);
		term_show(&term, "reading", bytes, size_bytes, text);
	}
	while (!stopped && poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (stopped)
		die(ST_TEMP, "interrupted after %" PRId64 " lines of the "
		    "input; nothing was simulated", lines);
}

/* "1:02:03 left" */
static int
add_left(char *text, size_t size, int64_t left_s)
{
	if (left_s >= 3600)
		return snprintf(text, size, ", %" PRId64 ":%02d:%02d left",
		    left_s / 3600, (int)(left_s / 60 % 60), (int)(left_s % 60));
	return snprintf(text, size, ", %d:%02d left", (int)(left_s / 60),
	    (int)(left_s % 60));
}

static void
show(int64_t now, int64_t ended, int64_t all)
{
	int64_t ms = MAX(clock_mono_ms() - began_ms, 1);
	int64_t rate = ended * 1000 / ms;
	char text[160];
	int len;

	len = snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64 " jobs",
	    ended, all);
	if (ended > 0)
		len += add_left(text + len, sizeof(text) - (size_t)len,
		    (all - ended) * ms / ended / 1000);
	(void)snprintf(text + len, sizeof(text) - (size_t)len, ", %" PRId64
	    "/s, at %" PRId64, rate, now);
	term_show(&term, "simulating", ended, all, text);
}

bool
watch_go_on(int64_t now, int64_t ended, int64_t all)
{
	static unsigned calls;

	if (watch_stopped())
		return false;
	if (!term.on || calls++ % CALLS != 0)
		return true;
	if (began_ms == 0)
		began_ms = clock_mono_ms();
	if (term_due(&term))
		show(now, ended, all);
	return true;
}
