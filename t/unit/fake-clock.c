/*
 * fake-clock.c - a monotonic clock that a test holds in its hand, and an
 * epoll_wait that goes with it: linked into a svc-proxy for the tests of its
 * deadlines, by --wrap. At rest without BERTH_CLOCK, which names a file of
 * int64_t: the first is the time in us, each other one counts the turns of the
 * processes whose pid has that remainder. Where a count has grown by two, that
 * process has done what was due. See Clock in t/scenario.py.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

/* Times in the file, and how long it may take until a new one is seen. */
enum { SLOTS = 512, LOOK_MS = 1 };

int64_t __real_clock_mono_us(void);
int64_t __wrap_clock_mono_us(void);
int __real_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int ms);

/* The file, or NULL where the clock is the real one. */
static _Atomic int64_t *
held(void)
{
	static _Atomic int64_t *slots;
	const char *path = getenv("BERTH_CLOCK");
	void *p;
	int fd;

	if (slots != NULL || path == NULL)
		return slots;
	fd = open(path, O_RDWR | O_CLOEXEC);
	p = mmap(NULL, SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (fd < 0 || p == MAP_FAILED)
		abort();
	close(fd);
	slots = p;
	return slots;
}

int64_t
__wrap_clock_mono_us(void)
{
	_Atomic int64_t *slots = held();

	return slots != NULL ? slots[0] : __real_clock_mono_us();
}

int
__wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int ms)
{
	_Atomic int64_t *slots = held();

	if (slots == NULL)
		return __real_epoll_wait(epfd, events, max, ms);
	slots[1 + getpid() % (SLOTS - 1)]++;
	return __real_epoll_wait(epfd, events, max, ms == 0 ? 0 : LOOK_MS);
}
