/*
 * buf.h - growable bytes with a stated limit.
 *
 * Invariants: len <= max; data is NULL only while nothing was ever stored;
 * otherwise data[len] is NUL, so text in it is a C string. Nothing ever makes
 * a buf grow past the max it was born with.
 */
#ifndef BERTH_BUF_H
#define BERTH_BUF_H

#include <assert.h>
#include <string.h>

#include "base.h"

struct buf {
	char *data;
	size_t len;	/* bytes stored */
	size_t cap;	/* bytes allocated, less one for the NUL */
	size_t max;	/* limit of len */
};

#define BUF_INIT(limit) { .max = (limit) }

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);	/* frees; the limit stays */

/*
 * These return 0, or -1 with errno ENOMEM or EMSGSIZE (the limit) and the
 * content unchanged.
 */
int buf_add(struct buf *b, const void *p, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for at least n more bytes after data + len; buf_add then cannot fail. */
int buf_reserve(struct buf *b, size_t n);

/* Adds bytes for which buf_reserve has made room: on a hot path. */
static inline void
buf_put(struct buf *b, const void *p, size_t len)
{
	assert(len <= b->cap - b->len);
	memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
}

/* Forgets the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* Forgets all but the first n bytes. */
void buf_cut(struct buf *b, size_t n);

/* The text as a C string, "" if there is none; valid until the next change. */
const char *buf_str(const struct buf *b);

#endif
