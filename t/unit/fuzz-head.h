/*
 * fuzz-head.h - what holds of every head, of a request or an answer.
 */
#ifndef BERTH_FUZZ_HEAD_H
#define BERTH_FUZZ_HEAD_H

#include "fuzz.h"

#include "http.h"

/* The first byte says in pieces of which size the others come. */
static inline ssize_t
fuzz_head_len(const char *p, size_t len, size_t piece, struct http_head *h)
{
	size_t line = 0, have = 0;
	ssize_t n = 0;

	while (n == 0 && have < len) {
		have = MIN(have + piece, len);
		n = http_head_len(p, have, &line, h);
		HOLDS(n <= (ssize_t)have && line <= have);
	}
	return n;
}

static inline void
fuzz_slice(struct http_slice s, const char *p, size_t len)
{
	size_t i;

	HOLDS(s.len == 0 || (s.p >= p && s.p + s.len <= p + len) ||
	    (s.len == 1 && *s.p == '/'));	/* the path of http://host */
	for (i = 0; i < s.len; i++)
		HOLDS(s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0');
}

/* Framing can be read in one way only, and no slice breaks a line. */
static inline void
fuzz_sound(const struct http_head *h, const char *p, size_t len)
{
	size_t i, lengths = 0, codings = 0, hosts = 0;

	HOLDS(h->nfields <= HTTP_FIELDS_MAX);
	HOLDS(h->minor == 0 || h->minor == 1);
	fuzz_slice(h->upgrade, p, len);
	fuzz_slice(h->host, p, len);
	fuzz_slice(h->reason, p, len);
	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		fuzz_slice(f->name, p, len);
		fuzz_slice(f->value, p, len);
		HOLDS(f->name.len > 0);
		HOLDS(memchr(f->name.p, ':', f->name.len) == NULL);
		HOLDS(memchr(f->name.p, ' ', f->name.len) == NULL);
		lengths += http_is(f->name, "Content-Length");
		codings += http_is(f->name, "Transfer-Encoding");
		hosts += http_is(f->name, "Host");
		(void)http_is_hop(h, f);
	}
	HOLDS(lengths + codings <= 1);
	HOLDS(hosts <= 1);
	HOLDS(h->body != HTTP_CHUNKED || codings == 1);
	HOLDS(h->body != HTTP_LENGTH || (lengths == 1 && h->length > 0));
}

/* Two readings of one head: the same, slice by slice. */
static inline void
fuzz_alike(const struct http_head *a, const struct http_head *b)
{
	size_t i;

	HOLDS(a->nfields == b->nfields && a->minor == b->minor);
	HOLDS(a->body == b->body && a->length == b->length);
	HOLDS(a->keep_alive == b->keep_alive && a->status == b->status);
	for (i = 0; i < a->nfields; i++) {
		const struct http_field *f = &a->fields[i];
		const struct http_field *g = &b->fields[i];

		HOLDS(f->id == g->id && f->name.len == g->name.len &&
		    f->value.len == g->value.len);
		HOLDS(memcmp(f->name.p, g->name.p, f->name.len) == 0);
		HOLDS(memcmp(f->value.p, g->value.p, f->value.len) == 0);
	}
}

/* The fields as svc-proxy would write them, behind the first line in b. */
static inline void
fuzz_write_fields(struct buf *b, const struct http_head *h)
{
	size_t i;

	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		HOLDS(buf_addf(b, "%.*s: %.*s\r\n", (int)f->name.len,
		    f->name.p, (int)f->value.len, f->value.p) == 0);
	}
	HOLDS(buf_adds(b, "\r\n") == 0);
}

#endif
