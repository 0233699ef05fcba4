/*
 * base.h - the first include of every file: exit statuses and a few macros.
 *
 * A berth tool ends with one of four statuses and nothing else, so that a
 * supervisor can tell "no" from "never" from "not now".
 */
#ifndef BERTH_BASE_H
#define BERTH_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BERTH_VERSION "0.1"

enum {
	ST_OK = 0,	/* done, or the answer is yes */
	ST_NO = 1,	/* ran well: no, nothing there, records skipped (-k) */
	ST_PERM = 2,	/* permanent: usage, configuration, input, refusal */
	ST_TEMP = 75,	/* temporary: something is away or timed out; retry */
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
