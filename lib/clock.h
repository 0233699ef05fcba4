/*
 * clock.h - monotonic and wall time, RFC 3339, and the --now of tests.
 */
#ifndef BERTH_CLOCK_H
#define BERTH_CLOCK_H

#include "base.h"

/* For intervals and deadlines: never jumps. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Since the epoch; what clock_set_now said, if it was called. */
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void);

/* Stops the wall clock at s (the --now of tests). */
void clock_set_now(int64_t s);

/* Sleeps that long, or until a signal is handled. */
void clock_sleep_ms(int64_t ms);

/* "2024-05-06T07:08:09.123Z"; size is at least CLOCK_RFC3339. Returns s. */
enum { CLOCK_RFC3339 = 32 };
char *clock_rfc3339(int64_t wall_ms, char *s, size_t size);

#endif
