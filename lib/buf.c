/*
 * buf.c - growable bytes with a stated limit.
 */
#include "buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 120 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT(max);
}

void
buf_release(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

int
buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	char *data;

	if (n > b->max - b->len) {
		errno = EMSGSIZE;
		return -1;
	}
	if (b->data != NULL && n <= b->cap - b->len)
		return 0;
	cap = b->cap ? b->cap : FIRST_CAP;
	while (cap < b->len + n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	data = realloc(b->data, cap + 1);
	if (data == NULL)
		return -1;
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_add(struct buf *b, const void *p, size_t len)
{
	if (buf_reserve(b, len) < 0)
		return -1;
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int
buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int
buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || buf_reserve(b, (size_t)n) < 0)
		return -1;
	va_start(ap, fmt);
	(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
	b->data[b->len] = '\0';
}

void
buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len = n;
	if (b->data != NULL)
		b->data[n] = '\0';
}

const char *
buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}
