/*
 * xalloc.h - allocate or die. For start-up and one-shot tools only: a daemon
 * checks its allocations, refuses the one client and lives.
 */
#ifndef BERTH_XALLOC_H
#define BERTH_XALLOC_H

#include "base.h"

/* Zeroed memory for n things of size bytes; the caller frees it. */
void *xcalloc(size_t n, size_t size);

/* realloc to n things of size bytes, overflow checked. */
void *xrealloc(void *p, size_t n, size_t size);

/* A copy the caller frees. */
char *xstrdup(const char *s);

/* A formatted string the caller frees. */
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
