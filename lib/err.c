/*
 * err.c - fills struct err. No memory is taken, so reporting cannot fail.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * A text that was cut in the middle of a character would not be UTF-8, and no
 * record could carry it: the torn character goes too.
 */
static void
cut(char *text, size_t size)
{
	size_t len = strlen(text), tail = 0;
	unsigned char lead;

	if (len + 1 < size)
		return;
	while (tail < 3 && ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80)
		tail++;
	lead = (unsigned char)text[len - 1 - tail];
	if ((lead >= 0xc0 && tail < 1) || (lead >= 0xe0 && tail < 2) ||
	    (lead >= 0xf0 && tail < 3))
		text[len - 1 - tail] = '\0';
}

static void
fill(struct err *e, int status, const char *fmt, va_list ap)
{
	e->status = status;
	e->code = 0;
	e->unknown = false;
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	cut(e->text, sizeof(e->text));
}

int
err_perm(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, ST_PERM, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_temp(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, ST_TEMP, fmt, ap);
	va_end(ap);
	return -1;
}

static bool
passes(int code)
{
	switch (code) {
	case EAGAIN:
	case EINTR:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EPIPE:
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EADDRINUSE:
	case ESTALE:
		return true;
	default:
		return false;
	}
}

int
err_errno(struct err *e, const char *fmt, ...)
{
	int code = errno;
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	fill(e, passes(code) ? ST_TEMP : ST_PERM, fmt, ap);
	va_end(ap);
	e->code = code;
	len = strlen(e->text);
	(void)snprintf(e->text + len, sizeof(e->text) - len, ": %s",
	    strerror(code));
	cut(e->text, sizeof(e->text));
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	size_t len;
	va_list ap;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	(void)snprintf(e->text + len, sizeof(e->text) - len, ": %s", old);
	cut(e->text, sizeof(e->text));
	return -1;
}
