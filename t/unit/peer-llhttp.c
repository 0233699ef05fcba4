/*
 * peer-llhttp.c - llhttp 8, the parser of Node.js (Debian's node-llhttp, which
 * is its sources), as a peer. Strict: what is accepted so is read alike when it
 * is loose, as Node.js has it.
 */
#include "peer.h"

#include <ctype.h>

#define LLHTTP_STRICT_MODE 1
#include <llhttp.h>
#include <../../llhttp/api.c>	/* it lies beside the headers */
#include <../../llhttp/http.c>

static llhttp_t parser;
static struct hearing *heard;

static int
on_url(llhttp_t *q, const char *p, size_t len)
{
	return hear_line(heard, llhttp_method_name(
	    (llhttp_method_t)llhttp_get_method(q)), p, len);
}

static int
on_name(llhttp_t *q, const char *p, size_t len)
{
	(void)q;
	return hear_name(heard, p, len);
}

static int
on_value(llhttp_t *q, const char *p, size_t len)
{
	(void)q;
	return hear_value(heard, p, len);
}

static int
on_head(llhttp_t *q)
{
	(void)q;
	return hear_head(heard);
}

static int
on_body(llhttp_t *q, const char *p, size_t len)
{
	(void)q;
	return hear_body(heard, p, len);
}

static int
on_end(llhttp_t *q)
{
	heard->m->whole = true;
	heard->m->keep_alive = llhttp_should_keep_alive(q);
	return HPE_PAUSED;
}

static void
llhttp_open(struct hearing *h)
{
	static const llhttp_settings_t calls = {
		.on_url = on_url, .on_header_field = on_name,
		.on_header_value = on_value, .on_headers_complete = on_head,
		.on_body = on_body, .on_message_complete = on_end,
	};

	heard = h;
	llhttp_init(&parser, HTTP_REQUEST, &calls);
}

static size_t
llhttp_next(const char *p, size_t len, const char **why)
{
	llhttp_errno_t error;

	llhttp_resume(&parser);
	error = llhttp_execute(&parser, p, len);
	heard->m->upgrade = llhttp_get_upgrade(&parser);
	*why = error == HPE_OK || error == HPE_PAUSED ? NULL :
	    llhttp_get_error_reason(&parser);
	if (llhttp_get_method(&parser) == HTTP_PRI)
		*why = "the preface of HTTP/2, or not all of it";
	return error == HPE_OK ? len :
	    (size_t)(llhttp_get_error_pos(&parser) - p);
}

/* Whether at is in what follows the size of a chunk on its line. */
static bool
behind_size(const char *p, const char *at)
{
	const char *line = at;

	while (line > p && line[-1] != '\n')
		line--;
	while (line < at && isxdigit((unsigned char)*line))
		line++;
	return *line == ' ' || *line == '\t' || *line == ';';
}

/*
 * It knows not any token as a method, and some as methods of RTSP or HTTP/2
 * alone; no HTTP/1.2 (RFC 9110, 2.5: it is read as HTTP/1.1); takes no tab for
 * a blank (RFC 9110, 5.6.3) behind a length or a coding; looks at what trailers
 * say of lengths, which is nothing to anybody; takes no blank around the ';' or
 * '=' of a chunk extension (RFC 9112, 7.1.1), no second one behind one with a
 * value, and none that is not in the grammar: we drop them all unread, where
 * they end is said by CR LF alone.
 */
static bool
llhttp_narrower(const struct msg *ours, const char *p, size_t len)
{
	const char *at = llhttp_get_error_pos(&parser);

	(void)ours;
	if (llhttp_get_method(&parser) == HTTP_PRI)
		return true;
	switch (llhttp_get_errno(&parser)) {
	case HPE_INVALID_METHOD:
		return true;
	case HPE_INVALID_CONSTANT:
		return llhttp_get_method(&parser) >= HTTP_DESCRIBE;
	case HPE_INVALID_VERSION:
		return llhttp_get_http_minor(&parser) > 1;
	case HPE_INVALID_TRANSFER_ENCODING:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_INVALID_CONTENT_LENGTH:
		return heard->in_body || memchr(p, '\t', len) != NULL;
	case HPE_INVALID_CHUNK_SIZE:
	case HPE_STRICT:
		return heard->in_body && at < p + len && behind_size(p, at);
	default:
		return false;
	}
}

const struct peer peer_llhttp = {
	llhttp_open, llhttp_next, llhttp_narrower,
};
