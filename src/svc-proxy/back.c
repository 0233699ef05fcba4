/*
 * back.c - paths in answers, as the client must see them. An instance knows
 * neither the prefix that was cut off nor, often, by which name it is reached:
 * Location, Content-Location and the Path of a Set-Cookie are put right.
 */
#include "proxy.h"

#include <string.h>
#include <strings.h>

size_t
back_more(const struct conn *c, const struct http_head *h)
{
	size_t i, n = 0;

	if (!http_has(h, HTTP_LOCATION) && !http_has(h, HTTP_SET_COOKIE) &&
	    !http_has(h, HTTP_CONTENT_LOCATION))
		return 0;
	for (i = 0; i < h->nfields; i++)
		n += back_maps(&h->fields[i]) ? c->strip + 1 : 0;
	return n;
}

/* Whether path is dir or lies in it; dir has no slash at its end. */
static bool
lies_in(struct http_slice path, const char *dir, size_t len)
{
	return path.len >= len && memcmp(path.p, dir, len) == 0 &&
	    (path.len == len || strchr("/?#;", path.p[len]) != NULL);
}

/*
 * An absolute path of the instance's: what of it stays, and whether the prefix
 * goes before that. One that has the prefix already was made by an
 * application that knows of X-Forwarded-Prefix.
 */
static struct http_slice
map_path(const struct conn *c, const struct instance *i,
    struct http_slice path, bool *prefixed)
{
	size_t base = strlen(i->base);

	*prefixed = false;
	if (c->strip > 0 && lies_in(path, c->svc->conf.route.prefix, c->strip))
		return path;
	if (!lies_in(path, i->base, base))
		return path;
	path.p += base;
	path.len -= base;
	*prefixed = c->strip > 0;
	if (path.len == 0 && !*prefixed)
		path = (struct http_slice){ "/", 1 };
	return path;
}

static void
put(struct buf *b, struct http_slice s)
{
	buf_put(b, s.p, s.len);		/* back_more made room */
}

static void
put_path(const struct conn *c, const struct instance *i,
    struct http_slice path, bool cookie, struct buf *b)
{
	bool prefixed;

	path = map_path(c, i, path, &prefixed);
	if (prefixed) {
		put(b, (struct http_slice){ c->svc->conf.route.prefix,
		    c->strip });
		/* a cookie for "/x/" would not be sent to "/x" */
		if (cookie && path.len == 1)
			return;
	}
	put(b, path);
}

/*
 * The authority of "http://HOST:PORT/path" or "//HOST:PORT/path"; false: v is
 * no such thing.
 */
static bool
authority(struct http_slice v, struct http_slice *out)
{
	size_t n = v.len >= 2 && v.p[0] == '/' && v.p[1] == '/' ? 2 :
	    v.len >= 7 && strncasecmp(v.p, "http://", 7) == 0 ? 7 :
	    v.len >= 8 && strncasecmp(v.p, "https://", 8) == 0 ? 8 : 0;
	size_t end = n;

	while (end < v.len && strchr("/?#", v.p[end]) == NULL)
		end++;
	*out = (struct http_slice){ v.p + n, end - n };
	return n > 0;
}

/* Whether host is what the instance is announced or reached as. */
static bool
is_instance(const struct instance *i, struct http_slice host)
{
	const char *url = i->rec.url + 7;	/* behind "http://" */
	char text[NET_TEXT];

	return host.len > 0 && ((strcspn(url, "/") == host.len &&
	    strncasecmp(url, host.p, host.len) == 0) ||
	    http_is(host, net_text(&i->addr, text, sizeof(text))));
}

static void
put_location(const struct conn *c, const struct instance *i,
    struct http_slice v, struct buf *b)
{
	struct http_slice host, path;

	if (!authority(v, &host)) {
		if (v.len > 0 && *v.p == '/')
			put_path(c, i, v, false, b);
		else
			put(b, v);
		return;
	}
	path.p = host.p + host.len;
	path.len = (size_t)(v.p + v.len - path.p);
	if (is_instance(i, host)) {
		if (path.len == 0)
			path = (struct http_slice){ "/", 1 };
	} else if (c->strip > 0 && http_is(host, c->host) && host.len > 0) {
		put(b, (struct http_slice){ v.p, (size_t)(path.p - v.p) });
	} else {
		put(b, v);
		return;
	}
	if (path.len > 0 && *path.p == '/')
		put_path(c, i, path, false, b);
	else
		put(b, path);
}

/* Where Path=/... has its value in a cookie, the last one, or NULL. */
static const char *
cookie_path(struct http_slice v)
{
	const char *p = v.p, *end = v.p + v.len, *path = NULL;

	while ((p = memchr(p, ';', (size_t)(end - p))) != NULL) {
		for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
			continue;
		if (end - p >= 5 && strncasecmp(p, "Path=", 5) == 0)
			path = end - p > 5 && p[5] == '/' ? p + 5 : NULL;
	}
	return path;
}

static void
put_cookie(const struct conn *c, const struct instance *i,
    struct http_slice v, struct buf *b)
{
	const char *path = cookie_path(v), *end = v.p + v.len, *to;

	/* the name "__Host-..." stands for Path=/ */
	if (path == NULL || (v.len > 7 &&
	    strncasecmp(v.p, "__Host-", 7) == 0)) {
		put(b, v);
		return;
	}
	to = memchr(path, ';', (size_t)(end - path));
	if (to == NULL)
		to = end;
	put(b, (struct http_slice){ v.p, (size_t)(path - v.p) });
	put_path(c, i, (struct http_slice){ path, (size_t)(to - path) }, true,
	    b);
	put(b, (struct http_slice){ to, (size_t)(end - to) });
}

void
back_put(const struct conn *c, const struct instance *i,
    const struct http_field *f, struct buf *b)
{
	put(b, f->name);
	put(b, (struct http_slice){ ": ", 2 });
	if (f->id == HTTP_SET_COOKIE)
		put_cookie(c, i, f->value, b);
	else
		put_location(c, i, f->value, b);
	put(b, (struct http_slice){ "\r\n", 2 });
}
