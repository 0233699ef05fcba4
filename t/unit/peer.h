/*
 * peer.h - what fuzz-peer.c asks of an HTTP parser that is not ours. Nothing of
 * berth links one.
 */
#ifndef BERTH_PEER_H
#define BERTH_PEER_H

#include <string.h>

#include "buf.h"
#include "http.h"

struct msg {
	struct buf text;	/* first line, fields and body, spelled out */
	size_t end;		/* where it ends */
	bool keep_alive;
	bool whole;		/* else the rest of its body is to come */
	bool upgrade;		/* what follows may be no HTTP */
};

/* A request as its parser tells it, piece by piece. */
struct hearing {
	struct msg *m;
	struct http_slice name, value;
	bool in_value, in_body;
};

/* Each returns 0, as callbacks of parsers do who want to go on. */
int hear_line(struct hearing *h, const char *method, const char *p,
    size_t len);
int hear_name(struct hearing *h, const char *p, size_t len);
int hear_value(struct hearing *h, const char *p, size_t len);
int hear_head(struct hearing *h);	/* what fields come now are trailers */
int hear_body(struct hearing *h, const char *p, size_t len);

/* It keeps its state itself: one connection at a time. */
struct peer {
	/* A new connection, of which h hears. */
	void (*open)(struct hearing *h);

	/*
	 * Reads the request at p as far as it is there, and no further; sets
	 * ->keep_alive, ->whole and ->upgrade. Returns how many bytes it took;
	 * *why: what is wrong with it, or NULL.
	 */
	size_t (*next)(const char *p, size_t len, const char **why);

	/*
	 * Whether what it has just refused at p is what we may accept: ours is
	 * how we read it. What it takes beyond us is its own affair.
	 */
	bool (*narrower)(const struct msg *ours, const char *p, size_t len);
};

extern const struct peer peer_parser;	/* Debian's libhttp-parser */
extern const struct peer peer_llhttp;	/* Debian's node-llhttp */

#endif
