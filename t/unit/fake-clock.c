/*
 * fake-clock.c - a monotonic clock that runs BERTH_FASTER times as fast (100),
 * where everything is BERTH_PATIENCE times slower that much less, and an
 * epoll_wait that waits accordingly: linked into a svc-proxy for the tests of
 * its deadlines, by --wrap.
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "clock.h"

int64_t __real_clock_mono_us(void);
int64_t __wrap_clock_mono_us(void);
int __real_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);

static int
number(const char *name, int otherwise)
{
	const char *text = getenv(name);

	return text ? (int)strtol(text, NULL, 10) : otherwise;
}

static int
faster(void)
{
	return MAX(number("BERTH_FASTER", 100) / number("BERTH_PATIENCE", 1),
	    1);
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
