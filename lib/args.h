/*
 * args.h - what the command lines of several tools have in common. getopt_long
 * and its table stay in each tool; here are the four options that every tool
 * has, and values that mean the same everywhere.
 */
#ifndef BERTH_ARGS_H
#define BERTH_ARGS_H

#include <getopt.h>

#include "base.h"

/* The letters of those four, and the last rows of a table of getopt_long. */
#define ARGS_HOUSE "qvhV"
#define ARGS_HOUSE_LONG \
	{ "quiet", no_argument, NULL, 'q' }, \
	{ "verbose", no_argument, NULL, 'v' }, \
	{ "help", no_argument, NULL, 'h' }, \
	{ "version", no_argument, NULL, 'V' }, \
	{ NULL, 0, NULL, 0 }

/*
 * Does what one of them asks for: -h and -V end the tool. Any other c is a
 * wrong command line, which ends it too, with the first line of usage.
 */
void args_house(int c, const char *usage);

/*
 * The value of option --NAME. What it must not be ends the tool with ST_PERM
 * and "--NAME: why".
 */

/* min <= n <= max. */
int64_t args_int(const char *name, const char *value, int64_t min,
    int64_t max);

/* A duration (num.h), in ms, of max_ms at most. */
int64_t args_duration_ms(const char *name, const char *value, int64_t max_ms);

/* A:B, jobs from window[0] to before window[1]. */
void args_window(const char *name, const char *value, int64_t window[2]);

#endif
