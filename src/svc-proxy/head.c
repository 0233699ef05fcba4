/*
 * head.c - heads rewritten on their way through: the prefix stripped, fields
 * for one connection only taken out, what the other side must know put in.
 * Everything else passes byte for byte.
 */
#include "proxy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What we add at most, prefix and client's host apart. */
enum { ADDED_MAX = 512 };

static void
put(struct buf *b, const char *p, size_t len)
{
	int rc = buf_add(b, p, len);

	assert(rc == 0);	/* reserved beforehand */
}

static void
puts_(struct buf *b, const char *s)
{
	put(b, s, strlen(s));
}

static void
put_slice(struct buf *b, struct http_slice s)
{
	put(b, s.p, s.len);
}

static void
put_field(struct buf *b, const struct http_field *f)
{
	put_slice(b, f->name);
	put(b, ": ", 2);
	put_slice(b, f->value);
	put(b, "\r\n", 2);
}

static size_t
size_of(const struct http_head *h)
{
	size_t i, n = h->target.len + h->reason.len + h->host.len +
	    h->upgrade.len + ADDED_MAX;

	for (i = 0; i < h->nfields; i++)
		n += h->fields[i].name.len + h->fields[i].value.len + 4;
	return n;
}

static void
put_path(struct buf *b, const struct svc *s, struct http_slice path)
{
	size_t n = s->conf.route.strip ? route_prefix_len(s) : 0;

	if (path.len == n || path.p[n] != '/')
		put(b, "/", 1);
	put(b, path.p + n, path.len - n);
}

static void
put_forwarded(struct conn *c, const struct http_head *h)
{
	struct buf *b = &c->req;
	const struct svc *s = c->svc;

	puts_(b, "X-Forwarded-For: ");
	puts_(b, c->client);
	puts_(b, "\r\nX-Forwarded-Proto: http\r\n");
	if (h->host.len > 0) {
		puts_(b, "X-Forwarded-Host: ");
		put_slice(b, h->host);
		puts_(b, "\r\n");
	}
	if (s->conf.route.strip && route_prefix_len(s) > 0) {
		puts_(b, "X-Forwarded-Prefix: ");
		puts_(b, s->conf.route.prefix);
		puts_(b, "\r\n");
	}
	puts_(b, h->minor ? "Via: 1.1 berth\r\n" : "Via: 1.0 berth\r\n");
}

static void
put_upgrade(struct buf *b, struct http_slice upgrade)
{
	puts_(b, "Connection: upgrade\r\nUpgrade: ");
	put_slice(b, upgrade);
	puts_(b, "\r\n");
}

/*
 * The request as the instance gets it, in c->req. What a client says of
 * X-Forwarded-* is not passed on: nobody vouches for it.
 */
int
head_request(struct conn *c, const struct http_head *h)
{
	struct buf *b = &c->req;
	size_t i;

	buf_cut(b, 0);
	if (buf_reserve(b, size_of(h) + h->method.len +
	    strlen(c->svc->conf.route.prefix)) < 0)
		return -1;
	put_slice(b, h->method);
	put(b, " ", 1);
	c->req_target = b->len;
	c->req_base = 0;
	put_path(b, c->svc, h->path);
	puts_(b, " HTTP/1.1\r\n");
	if (h->host.len == 0)
		puts_(b, "Host: berth\r\n");
	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		if (f->id == HTTP_FORWARDED_FOR ||
		    f->id == HTTP_FORWARDED_REST || http_is_hop(h, f) ||
		    (f->id == HTTP_HOST && f->value.len == 0))
			continue;
		put_field(b, f);
	}
	put_forwarded(c, h);
	if (h->upgrade.len > 0)
		put_upgrade(b, h->upgrade);
	put(b, "\r\n", 2);
	c->req_head = b->len;
	return 0;
}

/* Makes base the beginning of the target in c->req, in place of the last. */
int
head_base(struct conn *c, const char *base)
{
	size_t len = strlen(base), at = c->req_target, old = c->req_base;
	struct buf *b = &c->req;

	if (len == old && memcmp(b->data + at, base, len) == 0)
		return 0;
	if (buf_reserve(b, len) < 0)
		return -1;
	memmove(b->data + at + len, b->data + at + old, b->len - at - old);
	memcpy(b->data + at, base, len);
	b->len += len - old;
	b->data[b->len] = '\0';
	c->req_head += len - old;
	c->req_base = len;
	return 0;
}

/* An answer as the client gets it, in out. */
int
head_response(struct conn *c, const struct upstream *u,
    const struct http_head *h, struct buf *out)
{
	char line[40];
	size_t i;

	buf_cut(out, 0);
	if (buf_reserve(out, size_of(h)) < 0)
		return -1;
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %03d ", h->status);
	puts_(out, line);
	put_slice(out, h->reason);
	put(out, "\r\n", 2);
	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		if (http_is_hop(h, f) ||
		    (u->data_only && f->id == HTTP_TRANSFER_ENCODING))
			continue;
		put_field(out, f);
	}
	puts_(out, h->minor ? "Via: 1.1 berth\r\n" : "Via: 1.0 berth\r\n");
	if (h->status == 101)
		put_upgrade(out, h->upgrade);
	else if (h->status >= 200 && !c->keep_alive)
		puts_(out, "Connection: close\r\n");
	else if (h->status >= 200 && c->minor == 0)
		puts_(out, "Connection: keep-alive\r\n");
	put(out, "\r\n", 2);
	return 0;
}
