/*
 * head.c - heads rewritten on their way through: the prefix stripped, fields
 * for one connection only taken out, what the other side must know put in.
 * Everything else passes byte for byte.
 */
#include "proxy.h"

#include <string.h>

/* What we add at most, prefix and client's host apart. */
enum { ADDED_MAX = 512 };

/* Here and below: head_request and head_response have reserved the room. */
static inline void
put_text(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static void
put_slice(struct buf *b, struct http_slice s)
{
	buf_put(b, s.p, s.len);
}

/* Field lines side by side that pass as they came: one copy for all. */
struct run {
	const char *p;
	size_t len;
};

static void
put_run(struct buf *b, struct run *r)
{
	buf_put(b, r->p, r->len);
	r->len = 0;
}

/* Blanks around a value are one before and none behind it, for all. */
static void
put_field(struct buf *b, struct run *r, const struct http_field *f)
{
	const char *from = f->name.p, *end = f->value.p + f->value.len;

	if (f->value.p - from != (ptrdiff_t)f->name.len + 2 ||
	    f->value.p[-1] != ' ' || *end != '\r') {
		put_run(b, r);
		put_slice(b, f->name);
		put_text(b, ": ");
		put_slice(b, f->value);
		put_text(b, "\r\n");
		return;
	}
	if (from != r->p + r->len)
		put_run(b, r);
	if (r->len == 0)
		r->p = from;
	r->len = (size_t)(end + 2 - r->p);
}

/* Bytes of h as we write it, at most: "a:b" becomes "a: b". */
static size_t
size_of(const struct http_head *h)
{
	return h->len + h->nfields + h->host.len + h->upgrade.len + ADDED_MAX;
}

static void
put_path(struct buf *b, size_t n, struct http_slice path)
{
	if (path.len == n || path.p[n] != '/')
		put_text(b, "/");
	buf_put(b, path.p + n, path.len - n);
}

/* What a trusted peer has said of where the request comes from. */
struct forwarded {
	bool proto, host;
	struct http_slice prefix;
};

static void
put_forwarded_for(struct conn *c, const struct http_head *h)
{
	struct buf *b = &c->req;
	size_t i;

	put_text(b, "X-Forwarded-For: ");
	for (i = 0; c->trusted && i < h->nfields; i++) {
		if (h->fields[i].id != HTTP_FORWARDED_FOR)
			continue;
		put_slice(b, h->fields[i].value);
		put_text(b, ", ");
	}
	put_text(b, c->peer);
	put_text(b, "\r\n");
}

static void
put_forwarded(struct conn *c, const struct http_head *h,
    const struct forwarded *said)
{
	struct buf *b = &c->req;

	put_forwarded_for(c, h);
	if (!said->proto)
		put_text(b, "X-Forwarded-Proto: http\r\n");
	if (!said->host && h->host.len > 0) {
		put_text(b, "X-Forwarded-Host: ");
		put_slice(b, h->host);
		put_text(b, "\r\n");
	}
	if (c->strip > 0 || said->prefix.len > 0) {
		put_text(b, "X-Forwarded-Prefix: ");
		put_slice(b, said->prefix);
		buf_put(b, c->svc->conf.route.prefix, c->strip);
		put_text(b, "\r\n");
	}
	put_text(b, h->minor ? "Via: 1.1 berth\r\n" : "Via: 1.0 berth\r\n");
	put_text(b, "X-Request-Id: ");
	put_text(b, c->id);
	put_text(b, "\r\n");
}

/* Whether f, of X-Forwarded-* or Forwarded, is passed on as it stands. */
static bool
keep_forwarded(const struct conn *c, const struct http_field *f,
    struct forwarded *said)
{
	if (!c->trusted)
		return false;
	if (http_is(f->name, "X-Forwarded-Prefix")) {
		said->prefix = f->value;
		while (said->prefix.len > 0 &&
		    said->prefix.p[said->prefix.len - 1] == '/')
			said->prefix.len--;
		return false;
	}
	said->proto |= http_is(f->name, "X-Forwarded-Proto");
	said->host |= http_is(f->name, "X-Forwarded-Host");
	return true;
}

/* Whether a client's field goes on to the instance. */
static bool
keep_field(const struct conn *c, const struct http_head *h,
    const struct http_field *f, struct forwarded *said)
{
	switch (f->id) {
	case HTTP_FORWARDED_FOR:
	case HTTP_REQUEST_ID:
	case HTTP_SECRET:
		return false;
	case HTTP_FORWARDED_REST:
		return keep_forwarded(c, f, said);
	case HTTP_AUTHORIZATION:
		return c->svc->files.bearer == NULL &&
		    c->svc->files.basic == NULL;
	case HTTP_HOST:
		return f->value.len > 0;
	default:
		return !http_is_hop(h, f) && !trust_is_alias(f->name);
	}
}

static bool
id_ok(struct http_slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.len > 0 && s.len <= ID_MAX;
}

/* Eight hex digits, all at once: a byte of x for each, then its letter. */
static void
put_hex(char out[8], uint32_t bits)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = bits, letters;

	x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
	x = (x << 4 | x) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	letters = (x + 6 * ones) >> 4 & ones;	/* 1 where it is 10 or more */
	x += '0' * ones + letters * ('a' - '0' - 10);
	memcpy(out, &x, sizeof(x));
}

/* The request's id: the client's, if it is one, or else one of our own. */
void
head_id(struct conn *c, const struct http_head *h)
{
	size_t i;

	for (i = 0; http_has(h, HTTP_REQUEST_ID) && i < h->nfields; i++) {
		const struct http_slice v = h->fields[i].value;

		if (h->fields[i].id != HTTP_REQUEST_ID || !id_ok(v))
			continue;
		memcpy(c->id, v.p, v.len);
		c->id[v.len] = '\0';
		return;
	}
	for (i = 0; i < 32; i += 8)
		put_hex(c->id + i, rng_u32(&px.ids));
	c->id[i] = '\0';
}

static void
keep_host(struct conn *c, const struct http_head *h)
{
	size_t len = c->strip > 0 && h->host.len < HOST_MAX ? h->host.len : 0;

	memcpy(c->host, h->host.p, len);
	c->host[len] = '\0';
}

static void
put_upgrade(struct buf *b, struct http_slice upgrade)
{
	put_text(b, "Connection: upgrade\r\nUpgrade: ");
	put_slice(b, upgrade);
	put_text(b, "\r\n");
}

/*
 * The request as the instance gets it, in c->req. What a client says of
 * X-Forwarded-* is not passed on unless it is trusted: nobody vouches for it.
 */
int
head_request(struct conn *c, const struct http_head *h)
{
	struct forwarded said = { .prefix = { "", 0 } };
	struct buf *b = &c->req;
	struct http_slice secret;
	struct run run = { "", 0 };
	size_t i;

	buf_cut(b, 0);
	if (auth_secret(c->svc, &secret) < 0 || buf_reserve(b, size_of(h) +
	    c->strip + secret.len) < 0)
		return -1;
	keep_host(c, h);
	put_slice(b, h->method);
	put_text(b, " ");
	c->req_target = b->len;
	c->req_base = 0;
	put_path(b, c->strip, h->path);
	put_text(b, " HTTP/1.1\r\n");
	if (h->host.len == 0)
		put_text(b, "Host: berth\r\n");
	for (i = 0; i < h->nfields; i++)
		if (keep_field(c, h, &h->fields[i], &said))
			put_field(b, &run, &h->fields[i]);
	put_run(b, &run);
	put_forwarded(c, h, &said);
	if (secret.len > 0) {
		put_text(b, "X-Berth-Secret: ");
		put_slice(b, secret);
		put_text(b, "\r\n");
	}
	if (h->upgrade.len > 0)
		put_upgrade(b, h->upgrade);
	put_text(b, "\r\n");
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

static void
put_status(struct buf *b, const struct http_head *h)
{
	char line[] = "HTTP/1.1 000 ";

	line[9] = (char)('0' + h->status / 100);
	line[10] = (char)('0' + h->status / 10 % 10);
	line[11] = (char)('0' + h->status % 10);
	buf_put(b, line, sizeof(line) - 1);
	put_slice(b, h->reason);
	put_text(b, "\r\n");
}

/* Whether it frames a body that is not there, or for HTTP/1.0 in chunks. */
static bool
is_idle_framing(const struct conn *c, const struct http_head *h,
    const struct http_field *f)
{
	bool none = h->status < 200 || h->status == 204;

	return (f->id == HTTP_TRANSFER_ENCODING && (none || c->minor == 0)) ||
	    (f->id == HTTP_CONTENT_LENGTH && none);
}

/* The fields of an answer; paths in them as the client must see them. */
static void
put_answer_fields(const struct conn *c, const struct upstream *u,
    const struct http_head *h, struct buf *out)
{
	struct run run = { "", 0 };
	size_t i;

	for (i = 0; i < h->nfields; i++) {
		const struct http_field *f = &h->fields[i];

		if (http_is_hop(h, f) || is_idle_framing(c, h, f))
			continue;
		if (back_maps(f)) {
			put_run(out, &run);
			back_put(c, u->inst, f, out);
		} else {
			put_field(out, &run, f);
		}
	}
	put_run(out, &run);
}

/* An answer as the client gets it, in out. */
int
head_response(struct conn *c, const struct upstream *u,
    const struct http_head *h, struct buf *out)
{
	const char *cookie = h->status >= 200 || h->status == 101 ?
	    balance_cookie(c, u->inst) : "";

	buf_cut(out, 0);
	if (buf_reserve(out, size_of(h) + strlen(cookie) +
	    back_more(c, h)) < 0)
		return -1;
	put_status(out, h);
	put_answer_fields(c, u, h, out);
	put_text(out, h->minor ? "Via: 1.1 berth\r\n" :
	    "Via: 1.0 berth\r\n");
	put_text(out, cookie);
	if (h->status == 101)
		put_upgrade(out, h->upgrade);
	else if (h->status >= 200 && !c->keep_alive)
		put_text(out, "Connection: close\r\n");
	else if (h->status >= 200 && c->minor == 0)
		put_text(out, "Connection: keep-alive\r\n");
	put_text(out, "\r\n");
	return 0;
}
