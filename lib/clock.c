/*
 * clock.c - monotonic and wall time.
 */
#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t fixed_s = -1;

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_wall_ms(void)
{
	return fixed_s >= 0 ? fixed_s * 1000 : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

void
clock_set_now(int64_t s)
{
	fixed_s = s;
}

void
clock_sleep_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000 };

	(void)nanosleep(&ts, NULL);
}

char *
clock_rfc3339(int64_t wall_ms, char *s, size_t size)
{
	int ms = (int)((wall_ms % 1000 + 1000) % 1000);
	time_t t = (time_t)((wall_ms - ms) / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70 };
	(void)snprintf(s, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, ms);
	return s;
}
