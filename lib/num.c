/*
 * num.c - strict numbers in text.
 */
#include "num.h"

#include <string.h>
#include <strings.h>

/* Digits at *s, advanced past them: 0, or -1 if there is none or too many. */
static int
digits(const char **s, int64_t *out)
{
	const char *p = *s;
	int64_t n = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *p - '0', &n))
			return -1;
	*s = p;
	*out = n;
	return 0;
}

int
num_int(const char *s, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const char *p = s;
	bool minus = *p == '-';
	int64_t n = 0;

	if (minus)
		p++;
	if (*p == '\0' || p[strspn(p, "0123456789")] != '\0')
		return err_perm(e, "'%s' is not a number", s);
	if (digits(&p, &n) == 0 && minus)
		n = -n;
	if (*p != '\0' || n < min || n > max)
		return err_perm(e, "%s is not between %lld and %lld", s,
		    (long long)min, (long long)max);
	*out = n;
	return 0;
}

/* Durations end here, so that a deadline, now + duration, cannot overflow. */
#define MAX_MS (INT32_MAX * INT64_C(86400000))

/* "30s" and the like: number and unit, in ms; -1 if it is not of that form. */
static int
with_unit(const char *s, int64_t *ms)
{
	static const struct { const char *unit; int64_t ms; } units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 },
	};
	size_t i;
	int64_t n;

	if (digits(&s, &n) < 0)
		return -1;
	for (i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(s, units[i].unit) == 0)
			return __builtin_mul_overflow(n, units[i].ms, ms) ||
			    *ms > MAX_MS ? -1 : 0;
	return -1;
}

/*
 * "D-H[:M[:S]]", or fields without days: one field weighs `one` seconds, two
 * are M:S, three H:M:S. Returns the seconds, or -1.
 */
static int64_t
clock_form(const char *s, int64_t one)
{
	int64_t field[3], days = 0, sec;
	bool has_days = false;
	int n = 0;

	if (digits(&s, &field[0]) < 0)
		return -1;
	if (*s == '-') {
		s++;
		has_days = true;
		days = field[0];
		if (digits(&s, &field[0]) < 0)
			return -1;
	}
	for (n = 1; *s == ':' && n < 3; n++) {
		s++;
		if (digits(&s, &field[n]) < 0)
			return -1;
	}
	/* 2^31 a field is 68 years in seconds; no product below overflows. */
	if (*s != '\0' || days > INT32_MAX || field[0] > INT32_MAX ||
	    (n > 1 && field[1] > INT32_MAX) || (n > 2 && field[2] > INT32_MAX))
		return -1;
	if (has_days)
		sec = days * 86400 + field[0] * 3600 +
		    (n > 1 ? field[1] * 60 : 0) + (n > 2 ? field[2] : 0);
	else if (n == 3)
		sec = field[0] * 3600 + field[1] * 60 + field[2];
	else if (n == 2)
		sec = field[0] * 60 + field[1];
	else
		sec = field[0] * one;
	return sec;
}

int
num_duration(const char *s, int64_t *ms, struct err *e)
{
	int64_t sec;

	if (with_unit(s, ms) == 0)
		return 0;
	sec = clock_form(s, 1);
	if (sec < 0)
		return err_perm(e, "'%s' is not a duration "
		    "(30s, 5m, 2h, 1-12:00:00)", s);
	*ms = sec * 1000;
	return 0;
}

int
num_slurm_time(const char *s, int64_t *sec, struct err *e)
{
	int64_t ms;

	if (strcasecmp(s, "infinite") == 0 || strcasecmp(s, "unlimited") == 0) {
		*sec = INT64_MAX;
		return 0;
	}
	if (with_unit(s, &ms) == 0) {
		*sec = (ms + 999) / 1000;
		return 0;
	}
	*sec = clock_form(s, 60);
	if (*sec < 0)
		return err_perm(e, "'%s' is not a time limit "
		    "(30, 8:00:00, 1-12, 90s)", s);
	return 0;
}

int
num_mem_mb(const char *s, int64_t *mb, struct err *e)
{
	const char *p = s;
	int64_t n;

	if (digits(&p, &n) < 0 || n > INT64_C(1) << 40)
		goto bad;
	if (*p != '\0' && p[1] != '\0' && strcasecmp(p + 1, "B") != 0)
		goto bad;
	switch (*p) {
	case 'K':
	case 'k':
		*mb = (n + 1023) / 1024;
		return 0;
	case '\0':
	case 'M':
	case 'm':
		*mb = n;
		return 0;
	case 'G':
	case 'g':
		*mb = n * 1024;
		return 0;
	case 'T':
	case 't':
		*mb = n * 1024 * 1024;
		return 0;
	default:
		break;
	}
bad:
	return err_perm(e, "'%s' is not a memory size (4000, 512M, 4G)", s);
}

int
num_rate(const char *s, int64_t *per_second_e6, struct err *e)
{
	const char *p = s;
	int64_t n, per;

	if (digits(&p, &n) < 0 || n == 0 || n > 1000000)
		goto bad;
	if (strcmp(p, "/s") == 0 || *p == '\0')
		per = 1;
	else if (strcmp(p, "/m") == 0)
		per = 60;
	else if (strcmp(p, "/h") == 0)
		per = 3600;
	else
		goto bad;
	*per_second_e6 = MAX(n * 1000000 / per, 1);
	return 0;
bad:
	return err_perm(e, "'%s' is not a rate (10/s, 5/m)", s);
}
