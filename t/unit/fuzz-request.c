/*
 * fuzz-request.c - request heads: what is accepted is sound, does not depend on
 * how the bytes come, and means the same when it is written and read again.
 */
#include "fuzz-head.h"

static void
again(const struct http_head *h)
{
	struct buf b = BUF_INIT(4 * HTTP_HEAD_MAX);
	struct http_head h2 = { 0 };
	size_t line = 0;
	ssize_t n;

	HOLDS(buf_addf(&b, "%.*s %.*s HTTP/1.%d\r\n", (int)h->method.len,
	    h->method.p, (int)h->target.len, h->target.p, h->minor) == 0);
	fuzz_write_fields(&b, h);
	/* a blank is added to "a:b": longer than allowed is no finding */
	n = http_head_len(b.data, b.len, &line, &h2);
	HOLDS(n == (ssize_t)b.len || b.len > HTTP_HEAD_MAX);
	if (n > 0) {
		HOLDS(http_parse_request(b.data, b.len, &h2) == 0);
		fuzz_alike(h, &h2);
		HOLDS(h->path.len == h2.path.len);
		HOLDS(memcmp(h->path.p, h2.path.p, h->path.len) == 0);
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head h = { 0 };
	ssize_t n, whole;
	char *p;

	if (size == 0)
		return 0;
	p = fuzz_copy(data + 1, size - 1);
	n = fuzz_head_len(p, size - 1, (size_t)data[0] + 1, &h);
	whole = fuzz_head_len(p, size - 1, size, &h);
	HOLDS(n == whole);
	free(p);
	if (n <= 0) {
		HOLDS(n == 0 || h.error >= 400);
		return 0;
	}
	p = fuzz_copy(data + 1, (size_t)n);
	if (http_parse_request(p, (size_t)n, &h) == 0) {
		fuzz_sound(&h, p, (size_t)n);
		fuzz_slice(h.method, p, (size_t)n);
		fuzz_slice(h.target, p, (size_t)n);
		fuzz_slice(h.path, p, (size_t)n);
		HOLDS(h.method.len > 0 && h.target.len > 0);
		HOLDS(h.path.p[0] == '/' || http_is(h.path, "*"));
		HOLDS(h.body != HTTP_UNTIL_CLOSE);
		again(&h);
	} else {
		HOLDS(h.error >= 400 && h.error < 600 && h.why != NULL);
	}
	free(p);
	return 0;
}
