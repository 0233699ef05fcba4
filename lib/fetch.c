/*
 * fetch.c - HTTP GET by libcurl.
 */
#include "fetch.h"

#include <curl/curl.h>

struct reply {
	struct buf *body;	/* NULL: dropped */
	size_t dropped;
	bool full;		/* the limit was met: the rest is left */
};

static size_t
drop(struct reply *r, size_t len)
{
	r->dropped += len;
	r->full = r->dropped > FETCH_DROP_MAX;
	return r->full ? 0 : len;
}

/* To take less than was given makes libcurl end the transfer. */
static size_t
on_body(char *p, size_t one, size_t len, void *arg)
{
	struct reply *r = arg;
	size_t room;

	len *= one;
	if (r->body == NULL)
		return drop(r, len);
	room = r->body->max - r->body->len;
	r->full = len > room;
	if (buf_add(r->body, p, MIN(len, room)) < 0)
		return 0;
	return MIN(len, room);
}

static void
set_options(CURL *h, const char *url, int64_t timeout_ms, struct reply *r)
{
	(void)curl_easy_setopt(h, CURLOPT_URL, url);
	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(h, CURLOPT_USERAGENT, "berth/" BERTH_VERSION);
	(void)curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS,
	    (long)MAX(MIN(timeout_ms, INT32_MAX), 1));
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(h, CURLOPT_WRITEDATA, r);
}

static int
failed(CURLcode code, const char *url, const char *why, struct err *e)
{
	if (*why == '\0')
		why = curl_easy_strerror(code);
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return err_perm(e, "%s: %s", url, why);
	return err_temp(e, "%s: %s", url, why);
}

int
fetch_get(const char *url, int64_t timeout_ms, struct buf *body, int *status,
    struct err *e)
{
	struct reply r = { .body = body };
	char why[CURL_ERROR_SIZE] = "";
	CURL *h = curl_easy_init();
	CURLcode code;
	long got = 0;

	if (h == NULL)
		return err_temp(e, "%s: out of memory", url);
	set_options(h, url, timeout_ms, &r);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
	code = curl_easy_perform(h);
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &got);
	curl_easy_cleanup(h);
	if (got >= 200 && (code == CURLE_OK || r.full || body == NULL)) {
		*status = (int)got;
		return 0;
	}
	return failed(code, url, why, e);
}
