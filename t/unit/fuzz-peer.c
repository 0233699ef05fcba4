/*
 * fuzz-peer.c - requests as others frame them: whatever we accept, each peer
 * accepts too, with the same method, target, fields, body and end.
 */
#include "fuzz.h"

#include "peer.h"

#include "chunks.h"

enum { TEXT_MAX = 1 << 22 };

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

/* A field is known to be whole when something else begins. */
static void
field_end(struct hearing *h)
{
	if (h->in_value && !h->in_body) {
		while (h->value.len > 0 &&
		    strchr(" \t", h->value.p[h->value.len - 1]) != NULL)
			h->value.len--;
		add_field(&h->m->text, h->name, h->value);
	}
	h->in_value = false;
}

int
hear_line(struct hearing *h, const char *method, const char *p, size_t len)
{
	HOLDS(buf_addf(&h->m->text, "%s %.*s\n", method, (int)len, p) == 0);
	return 0;
}

int
hear_name(struct hearing *h, const char *p, size_t len)
{
	field_end(h);
	h->name = (struct http_slice){ p, len };
	return 0;
}

int
hear_value(struct hearing *h, const char *p, size_t len)
{
	HOLDS(!h->in_value || h->in_body);
	h->value = (struct http_slice){ p, len };
	h->in_value = true;
	return 0;
}

int
hear_head(struct hearing *h)
{
	field_end(h);
	HOLDS(buf_addc(&h->m->text, '\n') == 0);
	h->in_body = true;
	return 0;
}

int
hear_body(struct hearing *h, const char *p, size_t len)
{
	HOLDS(buf_add(&h->m->text, p, len) == 0);
	return 0;
}

/* ---- beside each other ---- */

/* Returns whether there may be a next one. */
static bool
alike(const struct msg *a, const struct msg *b, const char *why)
{
	if (why != NULL)
		(void)fprintf(stderr, "%s\n", why);
	HOLDS(why == NULL || !a->whole);
	HOLDS(a->whole == b->whole || why != NULL);
	if (!a->whole)
		return false;
	HOLDS(a->end == b->end);
	HOLDS(a->text.len == b->text.len);
	HOLDS(memcmp(a->text.data, b->text.data, a->text.len) == 0);
	return a->keep_alive && b->keep_alive && !a->upgrade && !b->upgrade;
}

/* The request at *at, which is put behind it. Whether there may be another. */
static bool
beside(const struct peer *peer, struct hearing *h, const char *p, size_t len,
    size_t *at)
{
	struct msg a = { .text = BUF_INIT(TEXT_MAX) };
	struct msg b = { .text = BUF_INIT(TEXT_MAX) };
	const char *why;
	bool more = own_next(p, len, *at, &a);

	if (more) {
		*h = (struct hearing){ .m = &b };
		b.end = *at + peer->next(p + *at, len - *at, &why);
		more = (why == NULL || !peer->narrower(&a, p + *at,
		    len - *at)) && alike(&a, &b, why);
	}
	*at = a.end;
	buf_release(&a.text);
	buf_release(&b.text);
	return more;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct peer *const peers[] = {
		&peer_parser, &peer_llhttp,
	};
	char *p = fuzz_copy(data, size);
	size_t i;

	for (i = 0; i < ARRAY_LEN(peers); i++) {
		struct hearing h = { 0 };
		size_t at = 0;

		peers[i]->open(&h);
		while (at < size && beside(peers[i], &h, p, size, &at))
			continue;
	}
	free(p);
	return 0;
}
