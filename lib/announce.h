/*
 * announce.h - what a job's Comment says of the service it belongs to.
 *
 *	svc,NAME,URL,STATE,RESTART,REQUEST	ours
 *	traefik,NAME,URL			forever-slurm's
 *
 * STATE is wanted, ready or draining. NAME and REQUEST are percent-encoded
 * where they would break the form (comma, percent, bar, blanks, control bytes,
 * quotes). RESTART is the job's restart count when it was said: a requeued job
 * keeps its old Comment, whose URL is dead. A Comment is world-readable: it
 * never carries a secret.
 */
#ifndef BERTH_ANNOUNCE_H
#define BERTH_ANNOUNCE_H

#include "err.h"

#define ANNOUNCE_MAX 1024	/* bytes of a Comment, with its NUL */

enum announce_state {
	ANNOUNCE_WANTED,	/* submitted, has not answered yet */
	ANNOUNCE_READY,
	ANNOUNCE_DRAINING,
	ANNOUNCE_UNKNOWN,	/* a traefik comment says nothing of it */
};

struct announce {
	char name[256];		/* "" where the job serves nothing */
	char url[512];		/* "" where it has none yet */
	enum announce_state state;
	int64_t restart;
	char request[256];	/* "" where nobody ordered it */
};

/* Takes a Comment apart. 1; 0 if it is neither of the two (or is torn). */
int announce_parse(const char *comment, struct announce *a);

/* Writes ours. 0, or -1 and *e: it does not fit. */
int announce_format(const struct announce *a, char out[ANNOUNCE_MAX],
    struct err *e);

/* Whether s is a URL we would send requests to: http://HOST:PORT[/BASE]. */
bool announce_url_ok(const char *s);

#endif
