/*
 * fake-clock.c - a monotonic clock that runs BERTH_FASTER times as fast (100),
 * and an epoll_wait that waits accordingly: linked into a svc-proxy for the
 * tests of its deadlines, by --wrap.
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "clock.h"

int64_t __real_clock_mono_us(void);
int64_t __wrap_clock_mono_us(void);
int __real_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);

static int
faster(void)
{
	const char *text = getenv("BERTH_FASTER");

	return text ? (int)strtol(text, NULL, 10) : 100;
}

int64_t
__wrap_clock_mono_us(void)
{
	return __real_clock_mono_us() * faster();
}

int
__wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int ms)
{
	return __real_epoll_wait(epfd, events, max,
	    ms > 0 ? ms / faster() + 1 : ms);
}
