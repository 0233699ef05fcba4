/*
 * err.h - how a library function says what went wrong.
 *
 * The library reports, the tool decides: a function returns 0 or more, or -1
 * with *e filled. err_perm, err_temp and err_errno fill *e and return -1, so
 * that a failure is one line: return err_perm(e, "%s: bad port", s);
 */
#ifndef BERTH_ERR_H
#define BERTH_ERR_H

#include "base.h"

struct err {
	int status;		/* ST_PERM, or ST_TEMP: retrying can help */
	int code;		/* errno or Slurm's code; 0 if there is none */
	bool unknown;		/* the request may have been carried out */
	char text[480];		/* one line, no full stop */
};

/* A permanent error: the same call will fail again. Returns -1. */
int err_perm(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A temporary error: the same call may succeed later. Returns -1. */
int err_temp(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * From errno: "TEXT: strerror". Temporary where a later try can help (no
 * memory, no descriptor, disk full, refused, timed out), else permanent.
 * Returns -1.
 */
int err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "WHERE: " before the text of *e. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
