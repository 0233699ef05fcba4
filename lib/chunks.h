/*
 * chunks.h - chunked bodies of HTTP/1.1 (RFC 9112, 7.1): pure, like http.h.
 */
#ifndef BERTH_CHUNKS_H
#define BERTH_CHUNKS_H

#include "base.h"

enum { CHUNKS_EXTRA_MAX = 8192 };	/* bytes of an extension, of trailers */

/*
 * Walks a chunked body and checks it, so that its bytes can be passed on as
 * they are, but for chunk extensions, which are to be dropped.
 */
struct chunks {
	uint8_t state;
	uint8_t digits;
	uint16_t extra;		/* bytes of an extension or of trailers */
	bool data_only;
	uint64_t left;		/* bytes of the chunk to come */
};

/*
 * data_only: not even the framing is to be passed on, only what it frames (to
 * a client of HTTP/1.0).
 */
void chunks_init(struct chunks *c, bool data_only);

/*
 * Looks at len bytes: returns how many it took, of which the first *pass are
 * to be passed on and the rest dropped; call again with what is left. *done is
 * set behind the body's last byte. -1: not a chunked body.
 */
ssize_t chunks_walk(struct chunks *c, const char *p, size_t len,
    size_t *pass, bool *done);

#endif
