/*
 * options.h - what the command line of sched-sim asks for.
 */
#ifndef BERTH_OPTIONS_H
#define BERTH_OPTIONS_H

#include "rounds.h"

enum { GIVEN_MAX = 32 };

struct options {
	const char *cluster, *policy, *record;
	char *given[GIVEN_MAX];	/* what is to be recorded */
	size_t given_len;
	bool pyss, ids, keep_going, dry_run;
	const char *rounds_only;	/* an option that was given, or NULL */
	const char *space_only;
	bool replay;		/* main.c: what is read is a recording */
	int64_t timeout_ms;	/* -1: not given */
	struct rounds_options rounds;
};

/*
 * Fills *opt. What cannot be ends the program, as do --help and --version. What
 * it points to lives in argv.
 */
void options_parse(struct options *opt, int argc, char **argv);

/*
 * Does what an option says that was kept in a recording; one that is not kept
 * there is refused. 0; -1 and *e.
 */
int options_recorded(struct options *opt, const char *text, struct err *e);

#endif
