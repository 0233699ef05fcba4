/*
 * fuzz-peer.c - requests as libhttp-parser frames them (Debian's
 * libhttp-parser-dev; nothing of berth links it): whatever we accept, it
 * accepts too, with the same method, target, fields, body and end. What it
 * takes beyond that is its own affair.
 */
#include "fuzz.h"

#include <http_parser.h>

#include "buf.h"
#include "chunks.h"
#include "http.h"

enum { TEXT_MAX = 1 << 22 };

struct msg {
	struct buf text;	/* first line, fields and body, spelled out */
	size_t end;		/* where it ends */
	bool keep_alive;
	bool whole;		/* else the rest of its body is to come */
	bool upgrade;		/* what follows may be no HTTP */
};

/* ---- ours ---- */

static void
add_field(struct buf *b, struct http_slice name, struct http_slice value)
{
	HOLDS(buf_addf(b, "%.*s:", (int)name.len, name.p) == 0);
	HOLDS(buf_add(b, value.p, value.len) == 0 && buf_addc(b, '\n') == 0);
}

/* Bytes of a chunked body at p; 0: not whole; -1: bad. */
static ssize_t
own_chunks(const char *p, size_t len, struct buf *b)
{
	struct chunks c;
	size_t at = 0, pass;
	bool done = false;
	ssize_t n;

	chunks_init(&c, true);
	while (!done && at < len) {
		n = chunks_walk(&c, p + at, len - at, &pass, &done);
		if (n < 0)
			return -1;
		HOLDS(buf_add(b, p + at, pass) == 0);
		at += (size_t)n;
	}
	return done ? (ssize_t)at : 0;
}

/* false: it is bad. */
static bool
own_body(const struct http_head *h, const char *p, size_t len, struct msg *m)
{
	ssize_t n = 0;

	m->whole = true;
	if (h->body == HTTP_CHUNKED) {
		n = own_chunks(p, len, &m->text);
		m->whole = n > 0;
	} else if (h->body == HTTP_LENGTH) {
		m->whole = (uint64_t)h->length <= len;
		n = m->whole ? (ssize_t)h->length : 0;
		HOLDS(buf_add(&m->text, p, (size_t)n) == 0);
	}
	m->end += m->whole ? (size_t)n : 0;
	return n >= 0;
}

/* The request at at; false: it is bad, or its head is not whole. */
static bool
own_next(const char *p, size_t len, size_t at, struct msg *m)
{
	struct http_head h = { 0 };
	size_t line = 0, i;
	ssize_t n;

	while (len - at >= 2 && p[at] == '\r' && p[at + 1] == '\n')
		at += 2;
	n = http_head_len(p + at, len - at, &line, &h);
	if (n <= 0 || http_parse_request(p + at, (size_t)n, &h) < 0)
		return false;
	HOLDS(buf_addf(&m->text, "%.*s %.*s\n", (int)h.method.len, h.method.p,
	    (int)h.target.len, h.target.p) == 0);
	for (i = 0; i < h.nfields; i++)
		add_field(&m->text, h.fields[i].name, h.fields[i].value);
	HOLDS(buf_addc(&m->text, '\n') == 0);
	m->end = at + (size_t)n;
	m->keep_alive = h.keep_alive;
	m->upgrade = h.upgrade.len > 0;
	return own_body(&h, p + m->end, len - m->end, m);
}

/* ---- the peer's ---- */

struct peer {
	http_parser parser;
	struct msg *m;
	struct http_slice name, value;
	bool in_value, in_body;
};

/* A field is known to be whole when something else begins. */
static void
field_end(struct peer *q)
{
	if (q->in_value && !q->in_body) {
		while (q->value.len > 0 &&
		    strchr(" \t", q->value.p[q->value.len - 1]) != NULL)
			q->value.len--;
		add_field(&q->m->text, q->name, q->value);
	}
	q->in_value = false;
}

static int
on_url(http_parser *parser, const char *p, size_t len)
{
	struct peer *q = parser->data;

	HOLDS(buf_addf(&q->m->text, "%s %.*s\n", http_method_str(
	    (enum http_method)parser->method), (int)len, p) == 0);
	return 0;
}

static int
on_name(http_parser *parser, const char *p, size_t len)
{
	struct peer *q = parser->data;

	field_end(q);
	q->name = (struct http_slice){ p, len };
	return 0;
}

static int
on_value(http_parser *parser, const char *p, size_t len)
{
	struct peer *q = parser->data;

	HOLDS(!q->in_value || q->in_body);
	q->value = (struct http_slice){ p, len };
	q->in_value = true;
	return 0;
}

static int
on_head(http_parser *parser)
{
	struct peer *q = parser->data;

	field_end(q);
	HOLDS(buf_addc(&q->m->text, '\n') == 0);
	q->in_body = true;	/* what fields come now are trailers */
	return 0;
}

static int
on_body(http_parser *parser, const char *p, size_t len)
{
	struct peer *q = parser->data;

	HOLDS(buf_add(&q->m->text, p, len) == 0);
	return 0;
}

static int
on_end(http_parser *parser)
{
	struct peer *q = parser->data;

	q->m->whole = true;
	q->m->keep_alive = http_should_keep_alive(parser);
	http_parser_pause(parser, 1);
	return 0;
}

/* The request at at, as far as it is there. What is wrong with it, or HPE_OK */
static enum http_errno
peer_next(struct peer *q, const char *p, size_t len, size_t at, struct msg *m)
{
	static const http_parser_settings calls = {
		.on_url = on_url, .on_header_field = on_name,
		.on_header_value = on_value, .on_headers_complete = on_head,
		.on_body = on_body, .on_message_complete = on_end,
	};
	enum http_errno error;

	q->m = m;
	q->in_value = q->in_body = false;
	http_parser_pause(&q->parser, 0);
	m->end = at + http_parser_execute(&q->parser, &calls, p + at,
	    len - at);
	m->upgrade = q->parser.upgrade;
	error = HTTP_PARSER_ERRNO(&q->parser);
	return error == HPE_PAUSED ? HPE_OK : error;
}

/* ---- beside each other ---- */

/* Whether a name begins like that of a, but goes on. */
static bool
has_longer(const struct msg *a, const char *name)
{
	const char *at = buf_str(&a->text);

	while ((at = strcasestr(at, name)) != NULL) {
		at += strlen(name);
		if (*at != ':')
			return true;
	}
	return false;
}

/*
 * Whether it refuses what we may accept: it knows not any token as a method,
 * takes no tab for a blank (RFC 9110, 5.6.3) behind a length, a coding or the
 * size of a chunk, takes Transfer-Encodings for Transfer-Encoding, and looks at
 * what trailers say of lengths, which is nothing to anybody.
 */
static bool
narrower(enum http_errno error, const struct msg *a, const struct peer *q,
    const char *p, size_t len)
{
	switch (error) {
	case HPE_INVALID_METHOD:
		return true;
	case HPE_INVALID_TRANSFER_ENCODING:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_INVALID_CONTENT_LENGTH:
		if (q->in_body || has_longer(a, "\ntransfer-encoding"))
			return true;
		/* FALLTHROUGH */
	case HPE_INVALID_CHUNK_SIZE:
		return memchr(p, '\t', len) != NULL;
	default:
		return false;
	}
}

/* Returns whether there may be a next one. */
static bool
alike(const struct msg *a, const struct msg *b, enum http_errno error)
{
	if (error != HPE_OK)
		(void)fprintf(stderr, "%s\n", http_errno_description(error));
	HOLDS(error == HPE_OK || !a->whole);
	HOLDS(a->whole == b->whole || error != HPE_OK);
	if (!a->whole)
		return false;
	HOLDS(a->end == b->end);
	HOLDS(a->text.len == b->text.len);
	HOLDS(memcmp(a->text.data, b->text.data, a->text.len) == 0);
	return a->keep_alive && b->keep_alive && !a->upgrade && !b->upgrade;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *p = fuzz_copy(data, size);
	struct peer q = { 0 };
	enum http_errno error = HPE_OK;
	size_t at = 0;
	bool more = true;

	http_parser_init(&q.parser, HTTP_REQUEST);
	q.parser.data = &q;
	while (more && at < size) {
		struct msg a = { .text = BUF_INIT(TEXT_MAX) };
		struct msg b = { .text = BUF_INIT(TEXT_MAX) };

		more = own_next(p, size, at, &a);
		if (more)
			error = peer_next(&q, p, size, at, &b);
		more = more && !narrower(error, &a, &q, p, size) &&
		    alike(&a, &b, error);
		at = a.end;
		buf_release(&a.text);
		buf_release(&b.text);
	}
	free(p);
	return 0;
}
