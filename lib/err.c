/*
 * err.c - fills struct err. No memory is taken, so reporting cannot fail.
 */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
fill(struct err *e, int status, const char *fmt, va_list ap)
{
	e->status = status;
	e->code = 0;
	e->unknown = false;
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
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
	return -1;
}
