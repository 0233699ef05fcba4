/*
 * watch.h - what a person may want while a simulation runs: to see how far it
 * is, and to end it. The simulators know neither clocks nor signals; they ask
 * watch_go_on.
 */
#ifndef BERTH_WATCH_H
#define BERTH_WATCH_H

#include "base.h"

/*
 * From here on SIGINT and SIGTERM only make watch_go_on say no; the second of
 * a kind ends the program. If stderr is a terminal, and nobody wants it quiet,
 * progress is shown there.
 */
void watch_begin(void);

/* Whether such a signal came; who asks is to obey. */
bool watch_stopped(void);

/* Whether anybody had to: one that came too late changes nothing. */
bool watch_obeyed(void);

/* A descriptor that becomes readable then; for who waits in poll(2). */
int watch_fd(void);

/*
 * Waits until fd is readable, and shows how much was read; size_bytes is 0
 * where it is not known. Does not return from an interrupt.
 */
void watch_reading(int fd, int64_t lines, int64_t bytes, int64_t size_bytes);

/*
 * The same, while at simulated time now so many of all jobs have ended: false,
 * if it is to end here.
 */
bool watch_go_on(int64_t now, int64_t ended, int64_t all);

/* Nothing more is shown. */
void watch_clear(void);

#endif
