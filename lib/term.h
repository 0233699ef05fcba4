/*
 * term.h - progress on a terminal: one line that is drawn again in place, ten
 * times a second at most, and leaves nothing behind.
 */
#ifndef BERTH_TERM_H
#define BERTH_TERM_H

#include "base.h"

struct term {
	int fd;
	bool on;		/* whether anything is shown at all */
	bool shown;		/* the line is there */
	int64_t next_ms;	/* not before is it drawn again */
};

/*
 * Shows nothing if quiet, if fd is no terminal or a dumb one, or if NO_COLOR
 * is set; and nothing in the first half second, so that what is quick does not
 * flicker.
 */
void term_open(struct term *t, int fd, bool quiet);

/* Whether it is time to draw; reads the clock, but only if it is on. */
bool term_due(struct term *t);

/*
 * Draws "WHAT [====>     ]  45% DETAIL", as much of it as the terminal is wide
 * now. WHAT goes first, then what is behind a comma of detail, part by part,
 * then the bar. Without all (0: not known) there is neither bar nor percentage.
 */
void term_show(struct term *t, const char *what, int64_t done, int64_t all,
    const char *detail);

/* Takes the line away, if it is there. */
void term_clear(struct term *t);

#endif
