/*
 * die.h - how a tool speaks and exits.
 *
 * All talk goes to stderr as "PROG: text", one line, one write(2), so that
 * lines of several programs in one log do not tear. Nothing in lib/ but this
 * module (and args, xalloc, term) prints or exits.
 */
#ifndef BERTH_DIE_H
#define BERTH_DIE_H

#include "err.h"

extern const char *prog;	/* set first thing in main */
extern int verbosity;		/* -q: -1; default 0; each -v: +1 */

/* Called before anything is said: a line of progress makes way. Or NULL. */
extern void (*die_before)(void);

/* Says it, whatever the verbosity. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Says it unless -q was given. */
void note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Says it if -v was given. */
void chat(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Says it and exits with status; stdout is flushed first. */
void die(int status, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;

/* Says e->text and exits with e->status. */
void die_err(const struct err *e) NORETURN;

/*
 * A standard descriptor that was closed when we began would be given to the
 * next file or socket, and then our records or messages would go there. So this
 * comes before any is opened: without stdout, or a stdin that is needed, it
 * ends the tool.
 */
void die_if_closed(bool need_stdin);

/*
 * The end of every tool: flushes stdout and exits. What could not be written
 * (a full disk, a closed stdout) is said and makes the status ST_TEMP.
 */
void leave(int status) NORETURN;

/* -h: the usage on stdout, status 0. */
void leave_help(const char *usage) NORETURN;

/* -V: "PROG (berth) VERSION" on stdout, status 0. */
void leave_version(void) NORETURN;

/* A wrong command line: the first line of usage on stderr, status 2. */
void die_usage(const char *usage) NORETURN;

#endif
