/*
 * nd.c - NDJSON in and out.
 */
#include "nd.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

void
nd_open(struct nd_in *in, int fd, const char *name)
{
	*in = (struct nd_in){ .fd = fd, .name = name };
	buf_init(&in->buf, ND_LINE_MAX + READ_SIZE + 1);
}

void
nd_close(struct nd_in *in)
{
	buf_release(&in->buf);
}

/* The lines already returned make room. */
static void
compact(struct nd_in *in)
{
	buf_drop(&in->buf, in->start);
	in->scanned -= in->start;
	in->start = 0;
}

/*
 * A stream that begins as a text does not; once, when enough of it is there.
 * None of these has an LF in its first three bytes, or a line might be out.
 */
static int
look(struct nd_in *in, struct err *e)
{
	static const struct { const char *bytes, *of, *with; } packed[] = {
		{ "\x1f\x8b\b", "gzip", "zcat" }, { "BZh", "bzip2", "bzcat" },
		{ "\xfd" "7zX", "xz", "xzcat" },
		{ "\x28\xb5\x2f\xfd", "zstd", "zstdcat" },
	};
	static const char mark[] = "\xef\xbb\xbf";	/* of UTF-8 */
	const char *data = in->buf.data;
	size_t i;

	if (in->begun || (in->buf.len < 4 && !in->eof))
		return 0;
	in->begun = true;
	if (in->line > 0)
		return 0;
	in->scanned = 0;	/* what was searched may go */
	for (i = 0; i < ARRAY_LEN(packed); i++) {
		if (strncmp(data, packed[i].bytes,
		    strlen(packed[i].bytes)) != 0)
			continue;
		in->eof = true;
		buf_cut(&in->buf, 0);
		return err_perm(e, "%s: compressed by %s: it must go through "
		    "%s first", in->name, packed[i].of, packed[i].with);
	}
	if (strncmp(data, mark, strlen(mark)) == 0)
		buf_drop(&in->buf, strlen(mark));
	return 0;
}

int
nd_fill(struct nd_in *in, struct err *e)
{
	ssize_t n;

	if (in->eof)
		return 0;
	compact(in);
	if (buf_reserve(&in->buf, READ_SIZE) < 0) {
		in->eof = true;
		return err_errno(e, "%s", in->name);
	}
	do
		n = read(in->fd, in->buf.data + in->buf.len, READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 1;
	if (n <= 0)
		in->eof = true;
	if (n < 0)
		return err_errno(e, "%s", in->name);
	in->buf.len += (size_t)n;
	in->buf.data[in->buf.len] = '\0';
	return look(in, e) < 0 ? -1 : n > 0;
}

static int
too_long(const struct nd_in *in, struct err *e)
{
	return err_perm(e, "%s:%lu: line longer than %zu bytes", in->name,
	    in->line, ND_LINE_MAX);
}

/* Where the line at start ends; NULL if its end is not in memory. */
static char *
line_end(struct nd_in *in)
{
	char *end;

	if (in->buf.data == NULL)
		return NULL;
	end = memchr(in->buf.data + in->scanned, '\n',
	    in->buf.len - in->scanned);
	if (end == NULL)
		in->scanned = in->buf.len;
	if (end == NULL && in->eof && in->buf.len > in->start)
		end = in->buf.data + in->buf.len;
	return end;
}

static bool
blank(const char *s, size_t len)
{
	return strspn(s, " \t\r") == len;
}

int
nd_next(struct nd_in *in, char **line, size_t *len, struct err *e)
{
	char *end;

	for (;;) {
		end = line_end(in);
		if (end == NULL && in->buf.len - in->start > ND_LINE_MAX) {
			/* forget what is there; the rest is skipped too */
			in->line += !in->skipping;
			in->start = in->scanned = in->buf.len;
			if (in->skipping)
				return 0;
			in->skipping = true;
			return too_long(in, e);
		}
		if (end == NULL)
			return 0;
		*line = in->buf.data + in->start;
		*len = (size_t)(end - *line);
		*end = '\0';
		in->start = (size_t)(end - in->buf.data);
		if (in->start < in->buf.len)
			in->start++;
		in->scanned = in->start;
		if (in->skipping) {
			in->skipping = false;
			continue;
		}
		in->line++;
		if (*len > ND_LINE_MAX)
			return too_long(in, e);
		if (!blank(*line, *len))
			return 1;
	}
}

int
nd_parse(const struct nd_in *in, const char *line, size_t len, json_t **rec,
    struct err *e)
{
	const char *nul;
	json_error_t je;

	assert(line != NULL);
	nul = memchr(line, '\0', len);
	*rec = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	if (*rec == NULL)
		return err_perm(e, "%s:%lu: column %d: %s", in->name,
		    in->line, je.column, je.text);
	if (nul != NULL) {	/* jansson skips it behind a number */
		json_decref(*rec);
		*rec = NULL;
		return err_perm(e, "%s:%lu: column %td: NUL byte", in->name,
		    in->line, nul - line + 1);
	}
	if (!json_is_object(*rec)) {
		json_decref(*rec);
		*rec = NULL;
		return err_perm(e, "%s:%lu: not a JSON object", in->name,
		    in->line);
	}
	return 0;
}

/* Somebody else may have made the descriptor we share non-blocking. */
static void
wait_readable(const struct nd_in *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	if (!in->eof)
		(void)poll(&p, 1, -1);
}

int
nd_read(struct nd_in *in, json_t **rec, struct err *e)
{
	char *line = NULL;
	size_t len = 0;
	int got;

	while ((got = nd_next(in, &line, &len, e)) == 0) {
		wait_readable(in);
		got = nd_fill(in, e);
		if (got < 0)
			return -1;
		if (got == 0 && in->buf.len == in->start)
			return 0;
	}
	if (got < 0)
		return -1;
	return nd_parse(in, line, len, rec, e) < 0 ? -1 : 1;
}

static int
add_bytes(const char *p, size_t len, void *b)
{
	return buf_add(b, p, len);
}

int
nd_dump(struct buf *b, const json_t *rec, struct err *e)
{
	size_t before = b->len;

	if (json_dump_callback(rec, add_bytes, b, JSON_COMPACT) < 0 ||
	    b->len - before > ND_LINE_MAX || buf_addc(b, '\n') < 0) {
		buf_cut(b, before);
		return err_temp(e, "a record does not fit in %zu bytes",
		    MIN(b->max, ND_LINE_MAX));
	}
	return 0;
}

int
nd_write(json_t *rec, struct err *e)
{
	char *s = json_dumps(rec, JSON_COMPACT);
	int rc = 0;

	json_decref(rec);
	if (s == NULL)
		return err_temp(e, "a record could not be written as JSON");
	if (strlen(s) > ND_LINE_MAX)
		rc = err_perm(e, "a record does not fit in %zu bytes",
		    ND_LINE_MAX);
	else if (fputs(s, stdout) == EOF || putchar('\n') == EOF)
		rc = err_errno(e, "stdout");
	free(s);
	return rc;
}

int
nd_flush(struct err *e)
{
	return fflush(stdout) == EOF ? err_errno(e, "stdout") : 0;
}
