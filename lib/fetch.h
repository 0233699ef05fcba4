/*
 * fetch.h - one HTTP GET that ends within a deadline. fetch.c is the only file
 * that includes <curl/curl.h>.
 *
 * It goes straight to the host of the URL: no proxy of the environment, no
 * redirect, no credentials, no scheme but http.
 */
#ifndef BERTH_FETCH_H
#define BERTH_FETCH_H

#include "buf.h"
#include "err.h"

enum { FETCH_DROP_MAX = 65536 };	/* bytes read of a body nobody wants */

/*
 * GETs url, waiting at most timeout_ms. 0 and the *status of the answer; -1 and
 * *e: none came, or no whole body.
 *
 * The body is added to *body up to its limit and the rest is left unread. With
 * a NULL body the status alone counts: a body that is long or breaks off is no
 * error.
 */
int fetch_get(const char *url, int64_t timeout_ms, struct buf *body,
    int *status, struct err *e);

#endif
