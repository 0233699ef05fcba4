/*
 * nd.h - NDJSON in and out: one JSON object a line, UTF-8, at most 1 MiB.
 *
 * A filter loops over nd_read and answers with nd_write. A daemon calls
 * nd_fill when its descriptor is readable and then nd_next until it says 0.
 */
#ifndef BERTH_ND_H
#define BERTH_ND_H

#include <jansson.h>

#include "buf.h"
#include "err.h"

#define ND_LINE_MAX ((size_t)1 << 20)	/* bytes of a line, newline apart */

struct nd_in {
	int fd;			/* the caller's; never closed here */
	const char *name;	/* for messages: a path, or "stdin" */
	unsigned long line;	/* number of the line last returned */
	struct buf buf;
	size_t start;		/* where the next line begins in buf */
	size_t scanned;		/* how far buf was searched for its end */
	bool eof;
	bool begun;		/* it was seen how the stream begins */
	bool skipping;		/* inside a line that was too long */
};

/* name is borrowed. The descriptor may be blocking or not. */
void nd_open(struct nd_in *in, int fd, const char *name);
void nd_close(struct nd_in *in);

/*
 * One read(2). 1: something came (or a non-blocking descriptor had nothing);
 * 0: end of file; -1: a read error, or the stream is compressed, after which it
 * is at its end. A byte order mark at the beginning is passed over.
 */
int nd_fill(struct nd_in *in, struct err *e);

/*
 * The next whole line that is in memory, without its newline and NUL-ended;
 * it stays valid until the next call. Blank lines are passed over. A last
 * line without newline counts once nd_fill has said 0. 1: a line; 0: none
 * yet; -1: a bad one (too long), named in *e, and the next call goes on.
 */
int nd_next(struct nd_in *in, char **line, size_t *len, struct err *e);

/*
 * A line as a JSON object (the caller's reference): 0, or -1 and *e. Nothing is
 * read behind it.
 */
int nd_parse(const struct nd_in *in, const char *line, size_t len,
    json_t **rec, struct err *e);

/*
 * The next record, waiting for it (the caller's reference). 1; 0 at the end;
 * -1: a bad line, named FILE:LINE in *e, and the next call goes on behind it.
 */
int nd_read(struct nd_in *in, json_t **rec, struct err *e);

/* Adds rec as one line to b. 0, or -1 and *e (b is then unchanged). */
int nd_dump(struct buf *b, const json_t *rec, struct err *e);

/* Writes rec as one line to stdout and takes it over, also on failure. */
int nd_write(json_t *rec, struct err *e);

/* Flushes stdout: after each record of a stream that follows. */
int nd_flush(struct err *e);

#endif
