/*
 * peer-parser.c - libhttp-parser (Debian's libhttp-parser-dev), as a peer.
 */
#include "peer.h"

#include <http_parser.h>

static http_parser parser;
static struct hearing *heard;

static int
on_url(http_parser *q, const char *p, size_t len)
{
	return hear_line(heard, http_method_str((enum http_method)q->method),
	    p, len);
}

static int
on_name(http_parser *q, const char *p, size_t len)
{
	(void)q;
	return hear_name(heard, p, len);
}

static int
on_value(http_parser *q, const char *p, size_t len)
{
	(void)q;
	return hear_value(heard, p, len);
}

static int
on_head(http_parser *q)
{
	(void)q;
	return hear_head(heard);
}

static int
on_body(http_parser *q, const char *p, size_t len)
{
	(void)q;
	return hear_body(heard, p, len);
}

static int
on_end(http_parser *q)
{
	heard->m->whole = true;
	heard->m->keep_alive = http_should_keep_alive(q);
	http_parser_pause(q, 1);
	return 0;
}

static void
parser_open(struct hearing *h)
{
	heard = h;
	http_parser_init(&parser, HTTP_REQUEST);
}

static size_t
parser_next(const char *p, size_t len, const char **why)
{
	static const http_parser_settings calls = {
		.on_url = on_url, .on_header_field = on_name,
		.on_header_value = on_value, .on_headers_complete = on_head,
		.on_body = on_body, .on_message_complete = on_end,
	};
	enum http_errno error;
	size_t n;

	http_parser_pause(&parser, 0);
	n = http_parser_execute(&parser, &calls, p, len);
	heard->m->upgrade = parser.upgrade;
	error = HTTP_PARSER_ERRNO(&parser);
	*why = error == HPE_OK || error == HPE_PAUSED ? NULL :
	    http_errno_description(error);
	return n;
}

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
 * It knows not any token as a method, takes no tab for a blank (RFC 9110,
 * 5.6.3) behind a length, a coding or the size of a chunk, takes
 * Transfer-Encodings for Transfer-Encoding, and looks at what trailers say of
 * lengths, which is nothing to anybody.
 */
static bool
parser_narrower(const struct msg *ours, const char *p, size_t len)
{
	switch (HTTP_PARSER_ERRNO(&parser)) {
	case HPE_INVALID_METHOD:
		return true;
	case HPE_INVALID_TRANSFER_ENCODING:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_INVALID_CONTENT_LENGTH:
		if (heard->in_body || has_longer(ours, "\ntransfer-encoding"))
			return true;
		/* FALLTHROUGH */
	case HPE_INVALID_CHUNK_SIZE:
		return memchr(p, '\t', len) != NULL;
	default:
		return false;
	}
}

const struct peer peer_parser = {
	parser_open, parser_next, parser_narrower,
};
