/*
 * line.c - what the formats share: lines, odd rows, fields, numbers, records.
 */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "die.h"
#include "num.h"
#include "rec.h"

bool
line_next(struct nd_in *in, char **line, size_t *len)
{
	struct err e;
	int got;

	for (;;) {
		got = nd_next(in, line, len, &e);
		if (got > 0 && memchr(*line, '\0', *len) == NULL) {
			if (*len > 0 && (*line)[*len - 1] == '\r')
				(*line)[--*len] = '\0';
			return true;
		}
		if (got > 0)
			got = err_perm(&e, "NUL byte");
		if (got < 0)
			line_odd(in, &e);
		else if (in->eof)
			return false;
		else if (nd_fill(in, &e) < 0)
			die_err(&e);
	}
}

void
line_odd(const struct nd_in *in, const struct err *e)
{
	size_t len = strlen(in->name);
	char where[64];
	bool named;

	(void)snprintf(where, sizeof(where), ":%lu: ", in->line);
	named = strncmp(e->text, in->name, len) == 0 &&
	    strncmp(e->text + len, where, strlen(where)) == 0;
	if (opt.keep_going && named)
		warn("%s: skipped", e->text);
	else if (opt.keep_going)
		warn("%s%s%s: skipped", in->name, where, e->text);
	else if (named)
		die_err(e);
	else
		die(e->status, "%s%s%s", in->name, where, e->text);
	odd_rows++;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

size_t
line_words(char *line, char **fields, size_t max)
{
	char *p = line;
	size_t n = 0;

	for (;;) {
		while (is_blank(*p))
			p++;
		if (*p == '\0')
			return n;
		if (n < max)
			fields[n] = p;
		n++;
		while (*p != '\0' && !is_blank(*p))
			p++;
		if (*p == '\0')
			return n;
		*p++ = '\0';
	}
}

size_t
line_split(char *line, char at, char **fields, size_t max)
{
	char *p = line;
	size_t n;

	for (n = 0; p != NULL; n++) {
		if (n < max)
			fields[n] = p;
		p = strchr(p, at);
		if (p != NULL)
			*p++ = '\0';
	}
	return n;
}

/* The kind comes first as a rule; where it does, the job's reader sees more. */
int
line_kind(const char *line, size_t len, struct err *e)
{
	int kind = LINE_OTHER, got;
	struct flat_member m;
	struct flat f;

	if (flat_begin(&f, line, len, e) < 0)
		return -1;
	while ((got = flat_next(&f, &m, e)) > 0) {
		if (!flat_is(&m, "kind") || m.type != FLAT_STR)
			continue;
		if (m.text_len == 3 && memcmp(m.text, "job", 3) == 0)
			return LINE_JOB;
		if (m.text_len == 7 && memcmp(m.text, "cluster", 7) == 0)
			kind = LINE_CLUSTER;
	}
	return got < 0 ? -1 : kind;
}

/* Digits are enough for nearly all; what has more to it goes the long way. */
int
line_number(const char *s, double *out)
{
	const char *p = s;
	int64_t n = 0;
	struct err e;
	char *end;

	if (strcmp(s, "-1") == 0) {
		*out = -1;
		return 0;
	}
	for (; *p >= '0' && *p <= '9' && p - s < 15; p++)
		n = n * 10 + *p - '0';
	if (*p == '\0' && p > s) {
		*out = (double)n;
		return 0;
	}
	if (*s == '\0' || s[strspn(s, "0123456789.")] != '\0')
		return -1;
	if (strchr(s, '.') == NULL) {	/* strtod would round 2^53 + 1 */
		if (num_int(s, 0, REC_MAX, &n, &e) < 0)
			return -1;
		*out = (double)n;
		return 0;
	}
	*out = strtod(s, &end);
	return end > s && *end == '\0' && *out <= NUMBER_MAX ? 0 : -1;
}

int
line_whole(const char *s, double *out)
{
	double n;

	if (line_number(s, &n) < 0 || n < 0 || n != (double)(int64_t)n)
		return -1;
	*out = n;
	return 0;
}

/* n digits as a number; -1: they are none. */
static int
digits(const char *s, int n)
{
	int value = 0;

	for (; n > 0; n--, s++) {
		if (*s < '0' || *s > '9')
			return -1;
		value = value * 10 + *s - '0';
	}
	return value;
}

/* Days from 1970-01-01, counted in years that begin in March. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t from_march = (month + 9) % 12;

	year -= month <= 2;
	return year * 365 + year / 4 - year / 100 + year / 400 +
	    (from_march * 153 + 2) / 5 + day - 1 - 719468;
}

int
line_time(const char *s, double *out)
{
	static const int month_days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
	};
	int year, month, day, hour, min, sec, last;

	if (strlen(s) != 19 || s[4] != '-' || s[7] != '-' ||
	    (s[10] != ' ' && s[10] != 'T') || s[13] != ':' || s[16] != ':')
		return -1;
	year = digits(s, 4);
	month = digits(s + 5, 2);
	day = digits(s + 8, 2);
	hour = digits(s + 11, 2);
	min = digits(s + 14, 2);
	sec = digits(s + 17, 2);
	if (year < 1970 || month < 1 || month > 12)
		return -1;
	last = month_days[month - 1] + (month == 2 && year % 4 == 0 &&
	    (year % 100 != 0 || year % 400 == 0));
	if (day < 1 || day > last || hour < 0 || hour > 23 || min < 0 ||
	    min > 59 || sec < 0 || sec > 59)
		return -1;
	*out = (double)(days_of(year, month, day) * 86400 + hour * 3600 +
	    min * 60 + sec);
	return 0;
}

static void
check(int rc)
{
	if (rc < 0)
		die(ST_TEMP, "a record: %s", strerror(errno));
}

void
line_put(struct buf *b, const char *key, double value)
{
	check(flat_put_number(b, key, value));
}

void
line_put_text(struct buf *b, const char *key, const char *s)
{
	check(flat_put_str(b, key, s, strlen(s)));
}

void
line_put_members(struct buf *b, const char *s, size_t len)
{
	check(buf_addc(b, ','));
	check(buf_add(b, s, len));
}

void
line_begin(struct buf *b, const char *kind)
{
	buf_cut(b, 0);
	check(buf_addc(b, '{'));
	line_put_text(b, "kind", kind);
}

void
line_write(struct buf *b)
{
	check(buf_adds(b, "}\n"));
	(void)fwrite_unlocked(b->data, 1, b->len, stdout);
}
