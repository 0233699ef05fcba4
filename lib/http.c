/*
 * http.c - HTTP/1.1 heads, strictly; chunks.c has the bodies.
 */
#include "http.h"

#include <string.h>

#include "num.h"

/* ---- characters ---- */

enum {
	C_TOKEN = 1,
	C_TARGET = 2,
	C_VALUE = 4,
	C_HOST = 8,
	C_ADDR = 16,
	C_DIGIT = 32,
};

/*
 * RFC 9110 5.6.2 tokens; request targets: visible ASCII but '#'; field values:
 * all but control bytes, tab allowed; hosts by name; addresses in brackets;
 * ports.
 */
static uint8_t class_of[256];

static void
mark(const char *chars, uint8_t class)
{
	for (; *chars != '\0'; chars++)
		class_of[(unsigned char)*chars] |= class;
}

__attribute__((constructor)) static void
fill_classes(void)
{
	static const char alnum[] = "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	int c;

	for (c = ' '; c < 256; c++) {
		if (c != 127)
			class_of[c] |= C_VALUE;
		if (c > ' ' && c < 127 && c != '#')
			class_of[c] |= C_TARGET;
	}
	class_of['\t'] |= C_VALUE;
	mark(alnum, C_TOKEN | C_HOST);
	mark("!#$%&'*+-.^_`|~", C_TOKEN);
	mark("-._~!$&'()*+;=%", C_HOST);
	mark("0123456789abcdefABCDEF:.", C_ADDR);
	mark("0123456789", C_DIGIT);
}

bool
http_token_char(char c)
{
	return class_of[(unsigned char)c] & C_TOKEN;
}

bool
http_value_char(char c)
{
	return class_of[(unsigned char)c] & C_VALUE;
}

/*
 * Length of the run of that class at the start of p, in a head: each line of it
 * ends with CR, which is of no class.
 */
static size_t
run(const char *p, uint8_t class)
{
	const char *at = p;

	while (class_of[(unsigned char)*at] & class)
		at++;
	return (size_t)(at - p);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
bad(struct http_head *h, int error, const char *why)
{
	h->error = error;
	h->why = why;
	return -1;
}

/* ---- slices ---- */

/* The next element of a comma-separated list, trimmed; false at its end. */
static bool
next_token(struct http_slice *list, struct http_slice *token)
{
	const char *comma;
	size_t n;

	if (list->len == 0)
		return false;
	comma = memchr(list->p, ',', list->len);
	n = comma ? (size_t)(comma - list->p) : list->len;
	*token = (struct http_slice){ list->p, n };
	n += comma != NULL;
	list->p += n;
	list->len -= n;
	while (token->len > 0 && (*token->p == ' ' || *token->p == '\t')) {
		token->p++;
		token->len--;
	}
	while (token->len > 0 && (token->p[token->len - 1] == ' ' ||
	    token->p[token->len - 1] == '\t'))
		token->len--;
	return true;
}

const struct http_field *
http_find(const struct http_head *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->nfields; i++)
		if (http_is(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

/* ---- the extent of a head ---- */

ssize_t
http_head_len(const char *p, size_t len, size_t *line, struct http_head *h)
{
	const char *begin = p + *line, *end = p + len, *lf;

	while (begin < end &&
	    (lf = memchr(begin, '\n', (size_t)(end - begin))) != NULL &&
	    lf - p < HTTP_HEAD_MAX) {
		if (lf == begin || lf[-1] != '\r')
			return bad(h, 400, "a line ends without CR LF");
		if (lf == begin + 1)
			return lf + 1 - p;
		begin = lf + 1;
	}
	*line = (size_t)(begin - p);
	if (len >= HTTP_HEAD_MAX)
		return bad(h, *line == 0 ? 414 : 431,
		    "the head is longer than 32 KiB");
	return 0;
}

/* ---- fields ---- */

#define KNOWN(name, id) { name, sizeof(name) - 1, id }

/* By length, which tells most names apart. */
static const struct {
	const char *name;
	size_t len;
	enum http_name id;
} known[] = {
	KNOWN("te", HTTP_HOP),
	KNOWN("via", HTTP_VIA),
	KNOWN("host", HTTP_HOST),
	KNOWN("close", HTTP_HOP),	/* an option; never a field */
	KNOWN("expect", HTTP_EXPECT),
	KNOWN("upgrade", HTTP_UPGRADE),
	KNOWN("location", HTTP_LOCATION),
	KNOWN("forwarded", HTTP_FORWARDED_REST),
	KNOWN("connection", HTTP_CONNECTION),
	KNOWN("keep-alive", HTTP_HOP),
	KNOWN("set-cookie", HTTP_SET_COOKIE),
	KNOWN("retry-after", HTTP_RETRY_AFTER),
	KNOWN("x-request-id", HTTP_REQUEST_ID),
	KNOWN("authorization", HTTP_AUTHORIZATION),
	KNOWN("content-length", HTTP_CONTENT_LENGTH),
	KNOWN("x-berth-secret", HTTP_SECRET),
	KNOWN("x-forwarded-for", HTTP_FORWARDED_FOR),
	KNOWN("content-location", HTTP_CONTENT_LOCATION),
	KNOWN("proxy-connection", HTTP_HOP),
	KNOWN("transfer-encoding", HTTP_TRANSFER_ENCODING),
	KNOWN("proxy-authorization", HTTP_HOP),
};

enum { KNOWN_LEN_MAX = 19 };

/* The first of each length in known; ARRAY_LEN(known): there is none. */
static uint8_t first_of[KNOWN_LEN_MAX + 1];

__attribute__((constructor)) static void
fill_first_of(void)
{
	size_t i = ARRAY_LEN(known);

	memset(first_of, ARRAY_LEN(known), sizeof(first_of));
	while (i-- > 0)
		first_of[known[i].len] = (uint8_t)i;
}

static enum http_name
name_id(const char *p, size_t len)
{
	size_t i = len <= KNOWN_LEN_MAX ? first_of[len] : ARRAY_LEN(known);

	for (; i < ARRAY_LEN(known) && known[i].len == len; i++)
		if ((*p | 32) == known[i].name[0] &&
		    strncasecmp(p, known[i].name, len) == 0)
			return known[i].id;
	if (len > 12 && (*p | 32) == 'x' &&
	    strncasecmp(p, "x-forwarded-", 12) == 0)
		return HTTP_FORWARDED_REST;
	return HTTP_OTHER;
}

/* Whether eight bytes hold one below ' ', or 127. */
static bool
has_control(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t del = x ^ 127 * ones;

	return (((x - ' ' * ones) & ~x) | ((del - ones) & ~del)) &
	    0x80 * ones;
}

/* Behind what a value may be made of; the head ends at end. */
static const char *
value_end(const char *p, const char *end)
{
	uint64_t x;

	for (; end - p >= (ptrdiff_t)sizeof(x); p += sizeof(x)) {
		memcpy(&x, p, sizeof(x));
		if (has_control(x))	/* it may be a tab */
			break;
	}
	return p + run(p, C_VALUE);
}

/* One line, at p: returns the next one, or NULL. */
static const char *
parse_field(const char *p, const char *end, struct http_head *h)
{
	size_t n = run(p, C_TOKEN);
	struct http_field *f;
	const char *next;

	if (n == 0 && is_blank(*p)) {
		(void)bad(h, 400, "a folded field line");
		return NULL;
	}
	if (n == 0 || p[n] != ':') {
		(void)bad(h, 400, "a field line without a name and colon");
		return NULL;
	}
	if (h->nfields == HTTP_FIELDS_MAX) {
		(void)bad(h, 431, "more than 100 fields");
		return NULL;
	}
	f = &h->fields[h->nfields++];
	f->name = (struct http_slice){ p, n };
	f->id = name_id(p, n);
	h->has |= UINT32_C(1) << f->id;
	for (p += n + 1; is_blank(*p); p++)
		continue;
	end = value_end(p, end);
	if (end[0] != '\r' || end[1] != '\n') {
		(void)bad(h, 400, "a control byte in a field");
		return NULL;
	}
	next = end + 2;
	while (end > p && is_blank(end[-1]))
		end--;
	f->value = (struct http_slice){ p, (size_t)(end - p) };
	return next;
}

/* Up to the empty line. */
static int
parse_fields(const char *p, const char *end, struct http_head *h)
{
	h->nfields = 0;
	h->has = 0;
	while (end - p > 2) {
		p = parse_field(p, end, h);
		if (p == NULL)
			return -1;
	}
	return 0;
}

/* ---- framing ---- */

struct framing {
	bool chunked, close, keep_alive, upgrade;
	int hosts;
	size_t hops;		/* options of Connection that name fields */
};

static int
content_length(struct http_slice v, struct http_head *h)
{
	int64_t n = 0;
	size_t i;

	if (h->length >= 0)
		return bad(h, 400, "more than one Content-Length");
	if (v.len == 0 || v.len > 18)
		return bad(h, 400, "a Content-Length that is no length");
	for (i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return bad(h, 400,
			    "a Content-Length that is no length");
		n = n * 10 + (v.p[i] - '0');
	}
	h->length = n;
	return 0;
}

/* "h", "h:80", "[::1]:80", or nothing. */
static bool
is_host(struct http_slice v)
{
	size_t n;

	if (v.len > 0 && *v.p == '[') {
		n = 1 + run(v.p + 1, C_ADDR);
		if (n == 1 || n == v.len || v.p[n++] != ']')
			return false;
	} else {
		n = run(v.p, C_HOST);
	}
	if (n < v.len && v.p[n] == ':')
		n += 1 + run(v.p + n + 1, C_DIGIT);
	return n == v.len;
}

static int
host_field(struct http_slice v, struct http_head *h, struct framing *fr)
{
	if (++fr->hosts > 1)
		return bad(h, 400, "more than one Host");
	if (!is_host(v))
		return bad(h, 400, "a Host that is no host");
	h->host = v;
	return 0;
}

/* Each field is compared with each of them later: hence the bound. */
static int
connection_field(struct http_slice list, struct http_head *h,
    struct framing *fr)
{
	struct http_slice t;

	while (next_token(&list, &t)) {
		if (http_is(t, "close"))
			fr->close = true;
		else if (http_is(t, "keep-alive"))
			fr->keep_alive = true;
		else if (http_is(t, "upgrade"))
			fr->upgrade = true;
		else if (++fr->hops > HTTP_FIELDS_MAX)
			return bad(h, 431, "Connection names more than 100 "
			    "fields");
		else
			h->names_hops = true;
	}
	return 0;
}

static int
frame_field(const struct http_field *f, struct http_head *h,
    struct framing *fr)
{
	switch (f->id) {
	case HTTP_CONTENT_LENGTH:
		return content_length(f->value, h);
	case HTTP_TRANSFER_ENCODING:
		if (fr->chunked || !http_is(f->value, "chunked"))
			return bad(h, 400, "a Transfer-Encoding other than "
			    "chunked");
		fr->chunked = true;
		return 0;
	case HTTP_HOST:
		return host_field(f->value, h, fr);
	case HTTP_CONNECTION:
		return connection_field(f->value, h, fr);
	case HTTP_UPGRADE:
		h->upgrade = f->value;
		return 0;
	case HTTP_EXPECT:
		h->expect_continue = http_is(f->value, "100-continue");
		return 0;
	default:
		return 0;
	}
}

/* What the fields say together of the body and the connection. */
static int
frame(struct http_head *h, struct framing *fr)
{
	size_t i;

	*fr = (struct framing){ 0 };
	h->length = -1;
	h->body = HTTP_NO_BODY;
	h->expect_continue = h->names_hops = false;
	h->host = h->upgrade = (struct http_slice){ "", 0 };
	for (i = 0; i < h->nfields; i++)
		if (frame_field(&h->fields[i], h, fr) < 0)
			return -1;
	if (fr->chunked && h->length >= 0)
		return bad(h, 400, "Content-Length with Transfer-Encoding");
	if (fr->chunked && h->minor == 0)
		return bad(h, 400, "Transfer-Encoding in HTTP/1.0");
	if (fr->chunked)
		h->body = HTTP_CHUNKED;
	else if (h->length > 0)
		h->body = HTTP_LENGTH;
	h->keep_alive = !fr->close && (h->minor > 0 || fr->keep_alive);
	if (!fr->upgrade || h->minor == 0)
		h->upgrade = (struct http_slice){ "", 0 };
	return 0;
}

/* "HTTP/1.0" or "HTTP/1.1", 8 bytes. */
static int
version(const char *p, struct http_head *h)
{
	if (memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' ||
	    p[5] < '0' || p[5] > '9' || p[7] < '0' || p[7] > '9')
		return bad(h, 400, "no HTTP version");
	if (p[5] != '1')
		return bad(h, 505, "not HTTP/1");
	h->minor = p[7] == '0' ? 0 : 1;
	return 0;
}

static bool
is_idempotent(struct http_slice m)
{
	static const char *const methods[] = {
		"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(methods); i++)
		if (strlen(methods[i]) == m.len &&
		    memcmp(methods[i], m.p, m.len) == 0)
			return true;
	return false;
}

/*
 * Where the path begins: "/x", "http://host/x", "http://host" (it is "/"), or
 * "*". An absolute target's authority must be what Host says.
 */
static int
target_path(struct http_head *h)
{
	struct http_slice t = h->target, a;
	const char *slash;

	h->path = t;
	if (t.p[0] == '/' || (t.len == 1 && t.p[0] == '*'))
		return 0;
	if (t.len <= 7 || strncasecmp(t.p, "http://", 7) != 0)
		return bad(h, 400, "a request target that is no path");
	a = (struct http_slice){ t.p + 7, t.len - 7 };
	slash = memchr(a.p, '/', a.len);
	h->path = (struct http_slice){ "/", 1 };
	if (slash != NULL) {
		h->path.p = slash;
		h->path.len = (size_t)(a.p + a.len - slash);
		a.len = (size_t)(slash - a.p);
	}
	if (a.len == 0 || a.len != h->host.len ||
	    strncasecmp(a.p, h->host.p, a.len) != 0)
		return bad(h, 400, "the request target and Host disagree");
	return 0;
}

/* Splits "METHOD TARGET HTTP/1.1", len bytes without CR LF. */
static int
request_line(const char *p, size_t len, struct http_head *h)
{
	size_t n = run(p, C_TOKEN);

	if (n == 0 || p[n] != ' ')
		return bad(h, 400, "no method");
	if (n > 32)
		return bad(h, 501, "a method of more than 32 bytes");
	h->method = (struct http_slice){ p, n };
	p += n + 1;
	len -= n + 1;
	n = run(p, C_TARGET);
	if (n == 0 || p[n] != ' ')
		return bad(h, 400, "no request target");
	if (n > HTTP_TARGET_MAX)
		return bad(h, 414, "the request target is longer than 8 KiB");
	h->target = (struct http_slice){ p, n };
	if (len - n - 1 != 8)
		return bad(h, 400, "no HTTP version");
	return version(p + n + 1, h);
}

int
http_parse_request(const char *p, size_t len, struct http_head *h)
{
	const char *lf = memchr(p, '\n', len);
	size_t line = (size_t)(lf - p) + 1;
	struct framing fr;

	h->len = len;
	h->reason = (struct http_slice){ "", 0 };
	if (request_line(p, line - 2, h) < 0 ||
	    parse_fields(p + line, p + len, h) < 0 || frame(h, &fr) < 0)
		return -1;
	if (fr.hosts == 0 && h->minor > 0)
		return bad(h, 400, "HTTP/1.1 without Host");
	if (http_is(h->method, "CONNECT"))
		return bad(h, 501, "CONNECT is not for here");
	h->idempotent = is_idempotent(h->method);
	return target_path(h);
}

static int
status_line(const char *p, size_t len, struct http_head *h)
{
	int i;

	if (len < 12 || version(p, h) < 0 || p[8] != ' ' ||
	    (len > 12 && p[12] != ' '))
		return bad(h, 502, "no status line");
	h->status = 0;
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return bad(h, 502, "no status line");
		h->status = h->status * 10 + (p[i] - '0');
	}
	if (h->status < 100 || h->status > 599 ||
	    run(p + 12, C_VALUE) != len - 12)
		return bad(h, 502, "no status line");
	h->reason = (struct http_slice){ p + 12 + (len > 12),
	    len - 12 - (len > 12) };
	return 0;
}

int
http_parse_response(const char *p, size_t len, bool to_head,
    struct http_head *h)
{
	const char *lf = memchr(p, '\n', len);
	size_t line = (size_t)(lf - p) + 1;
	struct framing fr;

	h->len = len;
	h->method = h->target = h->path = (struct http_slice){ "", 0 };
	if (status_line(p, line - 2, h) < 0)
		return -1;
	if (parse_fields(p + line, p + len, h) < 0 || frame(h, &fr) < 0) {
		h->error = 502;
		return -1;
	}
	if (to_head || h->status < 200 || h->status == 204 ||
	    h->status == 304) {
		h->body = HTTP_NO_BODY;
	} else if (h->body == HTTP_NO_BODY && h->length < 0) {
		h->body = HTTP_UNTIL_CLOSE;
		h->keep_alive = false;
	}
	return 0;
}

bool
http_is_named_hop(const struct http_head *h, const struct http_field *f)
{
	struct http_slice list, t;
	size_t i;

	for (i = 0; i < h->nfields; i++) {
		if (h->fields[i].id != HTTP_CONNECTION)
			continue;
		list = h->fields[i].value;
		while (next_token(&list, &t))
			if (t.len == f->name.len &&
			    strncasecmp(t.p, f->name.p, t.len) == 0)
				return true;
	}
	return false;
}

/* ---- statuses ---- */

int
http_statuses_parse(const char *text, struct http_statuses *out,
    struct err *e)
{
	char part[16];
	const char *p = text, *dash;
	int64_t from, to, i;
	size_t n;

	*out = (struct http_statuses){ { 0 } };
	do {
		n = strcspn(p, ",");
		if (n >= sizeof(part))
			goto bad;
		memcpy(part, p, n);
		part[n] = '\0';
		dash = strchr(part, '-');
		if (dash != NULL)
			part[dash - part] = '\0';
		if (num_int(part, 100, 599, &from, e) < 0)
			goto bad;
		to = from;
		if (dash != NULL && (num_int(dash + 1, 100, 599, &to, e) < 0 ||
		    to < from))
			goto bad;
		for (i = from; i <= to; i++)
			out->bits[i / 64] |= UINT64_C(1) << (i % 64);
		p += n;
	} while (*p++ == ',');
	return 0;
bad:
	return err_perm(e, "'%s' is not a list of statuses (200-399,401)",
	    text);
}

bool
http_statuses_has(const struct http_statuses *s, int status)
{
	return status >= 0 && status < 640 &&
	    (s->bits[status / 64] >> (status % 64) & 1) != 0;
}

const char *
http_reason(int status)
{
	static const struct { int status; const char *reason; } all[] = {
		{ 100, "Continue" }, { 101, "Switching Protocols" },
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 411, "Length Required" }, { 413, "Content Too Large" },
		{ 414, "URI Too Long" }, { 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].status == status)
			return all[i].reason;
	return "";
}
