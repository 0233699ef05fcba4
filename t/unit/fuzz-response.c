/*
 * fuzz-response.c - heads of answers: as fuzz-request.c. The second byte says
 * whether the request was a HEAD.
 */
#include "fuzz-head.h"

static void
again(const struct http_head *h, bool to_head)
{
	struct buf b = BUF_INIT(4 * HTTP_HEAD_MAX);
	struct http_head h2 = { 0 };
	size_t line = 0;
	ssize_t n;

	HOLDS(buf_addf(&b, "HTTP/1.%d %03d %.*s\r\n", h->minor, h->status,
	    (int)h->reason.len, h->reason.p) == 0);
	fuzz_write_fields(&b, h);
	n = http_head_len(b.data, b.len, &line, &h2);
	HOLDS(n == (ssize_t)b.len || b.len > HTTP_HEAD_MAX);
	if (n > 0) {
		HOLDS(http_parse_response(b.data, b.len, to_head, &h2) == 0);
		fuzz_alike(h, &h2);
	}
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head h = { 0 };
	bool to_head;
	ssize_t n;
	char *p;

	if (size < 2)
		return 0;
	to_head = data[1] == 'h';
	p = fuzz_copy(data + 2, size - 2);
	n = fuzz_head_len(p, size - 2, (size_t)data[0] + 1, &h);
	HOLDS(n == fuzz_head_len(p, size - 2, size, &h));
	free(p);
	if (n <= 0)
		return 0;
	p = fuzz_copy(data + 2, (size_t)n);
	if (http_parse_response(p, (size_t)n, to_head, &h) == 0) {
		HOLDS(h.status >= 100 && h.status <= 599);
		if (to_head || h.status < 200 || h.status == 204 ||
		    h.status == 304) {
			HOLDS(h.body == HTTP_NO_BODY);
		} else {
			fuzz_sound(&h, p, (size_t)n);
			HOLDS(h.body != HTTP_UNTIL_CLOSE || !h.keep_alive);
		}
		again(&h, to_head);
	} else {
		HOLDS(h.error >= 500 && h.why != NULL);
	}
	free(p);
	return 0;
}
