/*
 * http.c - stdin is one message; prints how lib/http reads it.
 *
 *	http request|response|response-to-head|chunks|data [PIECE]
 *
 * It is handed over in pieces of PIECE bytes (default: all at once), and the
 * result must not depend on that.
 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chunks.h"

static char input[1 << 20];

static size_t
slurp(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(0, input + len, sizeof(input) - len)) > 0)
		len += (size_t)n;
	return len;
}

static void
print(const char *what, struct http_slice s)
{
	printf("%s [%.*s]\n", what, (int)s.len, s.p);
}

static int
refuse(const struct http_head *h)
{
	printf("bad %d: %s\n", h->error, h->why);
	return 1;
}

static int
head(const char *mode, size_t len, size_t piece)
{
	static const char *const bodies[] = {
		"none", "length", "chunked", "until close",
	};
	bool request = strcmp(mode, "request") == 0;
	struct http_head h = { 0 };
	size_t line = 0, have = 0, i;
	ssize_t n = 0;
	char *copy;
	int rc;

	while (n == 0 && have < len) {
		have = MIN(have + piece, len);
		n = http_head_len(input, have, &line, &h);
	}
	if (n < 0)
		return refuse(&h);
	if (n == 0) {
		puts("more");
		return 0;
	}
	copy = malloc((size_t)n);	/* so that ASan sees a byte too far */
	if (copy == NULL)
		return 1;
	memcpy(copy, input, (size_t)n);
	rc = request ? http_parse_request(copy, (size_t)n, &h) :
	    http_parse_response(copy, (size_t)n,
	    strcmp(mode, "response-to-head") == 0, &h);
	if (rc < 0) {
		free(copy);
		return refuse(&h);
	}
	if (request) {
		print("method", h.method);
		print("path", h.path);
		print("host", h.host);
		printf("idempotent %d expect %d\n", h.idempotent,
		    h.expect_continue);
	} else {
		printf("status %d\n", h.status);
	}
	printf("minor %d keep-alive %d body %s length %lld\n", h.minor,
	    h.keep_alive, bodies[h.body], (long long)h.length);
	print("upgrade", h.upgrade);
	for (i = 0; i < h.nfields; i++)
		printf("%s[%.*s] [%.*s]\n",
		    http_is_hop(&h, &h.fields[i]) ? "hop " : "",
		    (int)h.fields[i].name.len, h.fields[i].name.p,
		    (int)h.fields[i].value.len, h.fields[i].value.p);
	printf("%zd bytes of head, %zu behind it\n", n, len - (size_t)n);
	free(copy);
	return 0;
}

static int
chunks(bool data_only, size_t len, size_t piece)
{
	struct chunks c;
	size_t at = 0, end, pass;
	bool done = false;
	ssize_t n;

	chunks_init(&c, data_only);
	while (at < len && !done) {
		end = MIN(at + piece, len);
		while (at < end && !done) {
			n = chunks_walk(&c, input + at, end - at, &pass,
			    &done);
			if (n < 0) {
				puts("\nbad");
				return 1;
			}
			(void)fwrite(input + at, 1, pass, stdout);
			at += (size_t)n;
		}
	}
	printf("\n%s, %zu behind it\n", done ? "done" : "more", len - at);
	return 0;
}

int
main(int argc, char **argv)
{
	size_t len = slurp(), piece = len;

	if (argc < 2)
		return 2;
	if (argc > 2)
		piece = strtoul(argv[2], NULL, 10);
	if (piece == 0)
		piece = 1;
	if (strcmp(argv[1], "chunks") == 0 || strcmp(argv[1], "data") == 0)
		return chunks(strcmp(argv[1], "data") == 0, len, piece);
	return head(argv[1], len, piece);
}
