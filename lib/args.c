/*
 * args.c - the options of every tool, and values that mean the same everywhere.
 */
#include "args.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "die.h"
#include "num.h"
#include "rec.h"

enum { DAY_MS = 86400000 };

void
args_house(int c, const char *usage)
{
	switch (c) {
	case 'q': verbosity = -1; break;
	case 'v': verbosity++; break;
	case 'h': leave_help(usage);
	case 'V': leave_version();
	default: die_usage(usage);
	}
}

int64_t
args_int(const char *name, const char *value, int64_t min, int64_t max)
{
	struct err e;
	int64_t n = 0;

	if (num_int(value, min, max, &n, &e) < 0)
		die(ST_PERM, "--%s: %s", name, e.text);
	return n;
}

int64_t
args_duration_ms(const char *name, const char *value, int64_t max_ms)
{
	struct err e;
	int64_t ms = 0;

	if (num_duration(value, &ms, &e) < 0)
		die(ST_PERM, "--%s: %s", name, e.text);
	if (ms > max_ms)
		die(ST_PERM, "--%s: '%s' is longer than %" PRId64 " days",
		    name, value, max_ms / DAY_MS);
	return ms;
}

void
args_window(const char *name, const char *value, int64_t window[2])
{
	size_t len = strcspn(value, ":");
	char first[32];
	int n;

	n = snprintf(first, sizeof(first), "%.*s", (int)len, value);
	if (value[len] == '\0' || n < 0 || (size_t)n >= sizeof(first))
		die(ST_PERM, "--%s: '%s' is not A:B", name, value);
	window[0] = args_int(name, first, 0, REC_MAX);
	window[1] = args_int(name, value + len + 1, 0, REC_MAX);
	if (window[0] >= window[1])
		die(ST_PERM, "--%s: no job is in %s", name, value);
}
