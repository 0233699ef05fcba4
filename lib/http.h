/*
 * http.h - HTTP/1.1 heads and framing (RFC 9110, 9112): pure, bytes in and
 * slices out. Nothing here knows a socket or keeps a pointer.
 *
 * It refuses what two programs could read in two ways: two lengths, a length
 * with chunked, bare LF or CR, folded fields, a space before the colon,
 * control bytes, more than one Host.
 */
#ifndef BERTH_HTTP_H
#define BERTH_HTTP_H

#include <strings.h>

#include "buf.h"
#include "err.h"

enum {
	HTTP_HEAD_MAX = 32768,		/* bytes of a head */
	HTTP_TARGET_MAX = 8192,		/* bytes of a request target */
	HTTP_FIELDS_MAX = 100,
};

struct http_slice {
	const char *p;
	size_t len;
};

/* The fields that a proxy must know by name. */
enum http_name {
	HTTP_OTHER,
	HTTP_AUTHORIZATION,
	HTTP_CONNECTION,
	HTTP_CONTENT_LENGTH,
	HTTP_CONTENT_LOCATION,
	HTTP_EXPECT,
	HTTP_FORWARDED_FOR,	/* X-Forwarded-For */
	HTTP_FORWARDED_REST,	/* Forwarded, any other X-Forwarded-* */
	HTTP_HOP,		/* Keep-Alive, Proxy-Connection, TE, ... */
	HTTP_HOST,
	HTTP_LOCATION,
	HTTP_REQUEST_ID,	/* X-Request-Id */
	HTTP_RETRY_AFTER,
	HTTP_SECRET,		/* X-Berth-Secret */
	HTTP_SET_COOKIE,
	HTTP_TRANSFER_ENCODING,
	HTTP_UPGRADE,
	HTTP_VIA,
};

struct http_field {
	struct http_slice name, value;	/* value without blanks around it */
	enum http_name id;
};

enum http_body {
	HTTP_NO_BODY,
	HTTP_LENGTH,		/* ->length bytes, more than 0 */
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,	/* responses only */
};

struct http_head {
	/* a request */
	struct http_slice method;
	struct http_slice target;	/* as it was sent */
	struct http_slice path;		/* of target: from the first '/' */
	struct http_slice host;		/* "" if absent (HTTP/1.0) */
	bool idempotent;		/* RFC 9110, 9.2.2 */
	bool expect_continue;
	/* a response */
	int status;
	struct http_slice reason;
	/* both */
	int minor;			/* HTTP/1.minor */
	struct http_slice upgrade;	/* with Connection: upgrade, else "" */
	bool keep_alive;
	bool names_hops;	/* Connection names other fields */
	enum http_body body;
	int64_t length;			/* -1: no Content-Length */
	size_t len;			/* bytes of the head itself */
	uint32_t has;			/* see http_has */
	size_t nfields;
	struct http_field fields[HTTP_FIELDS_MAX];
	/* when it is bad: a status to answer with, and why */
	int error;
	const char *why;
};

/*
 * How many bytes of p the head fills with its empty line: more than 0; 0: not
 * whole yet; -1: bad (->error, ->why). *line is where the current line begins:
 * 0 at first, kept by the caller between calls on a growing p.
 */
ssize_t http_head_len(const char *p, size_t len, size_t *line,
    struct http_head *h);

/*
 * Takes a whole head of len bytes apart. Slices point into p. 0; -1: bad.
 * A response must know whether it answers a HEAD.
 */
int http_parse_request(const char *p, size_t len, struct http_head *h);
int http_parse_response(const char *p, size_t len, bool to_head,
    struct http_head *h);

/* Whether Connection names field f. */
bool http_is_named_hop(const struct http_head *h, const struct http_field *f);

/*
 * Whether field f is for this connection only: by name, or by Connection, which
 * cannot take away what we need.
 */
static inline bool
http_is_hop(const struct http_head *h, const struct http_field *f)
{
	if (f->id == HTTP_OTHER)
		return h->names_hops && http_is_named_hop(h, f);
	return f->id == HTTP_CONNECTION || f->id == HTTP_HOP ||
	    f->id == HTTP_UPGRADE;
}

/* Whether a field of that name is there. */
static inline bool
http_has(const struct http_head *h, enum http_name id)
{
	return h->has >> id & 1;
}

/* What names (tokens) and values of fields are made of. */
bool http_token_char(char c);
bool http_value_char(char c);

/* In any case. Inline: most texts are constants, whose length is known then. */
static inline bool
http_is(struct http_slice s, const char *text)
{
	return strlen(text) == s.len && strncasecmp(s.p, text, s.len) == 0;
}

const struct http_field *http_find(const struct http_head *h, const char *name);

/* A set of statuses: "200-399,401". */
struct http_statuses {
	uint64_t bits[10];
};

int http_statuses_parse(const char *text, struct http_statuses *out,
    struct err *e);
bool http_statuses_has(const struct http_statuses *s, int status);

/* "Not Found" for 404; "" for what is not registered. */
const char *http_reason(int status);

#endif
