/*
 * jobtext.c - the values of the resource keys as sbatch spells them.
 */
#include "jobtext.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "clock.h"
#include "num.h"

enum { YEAR_S = 366 * 86400 };

/* ---- points in time ---- */

/* N digits at *s, advanced past them: their value, or -1. */
static int
field(const char **s, int n)
{
	int value = 0, i;

	for (i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*s)[i]))
			return -1;
		value = value * 10 + ((*s)[i] - '0');
	}
	*s += n;
	return value;
}

/* "HH:MM[:SS]" and nothing behind it. */
static bool
read_clock(const char *s, struct tm *tm)
{
	tm->tm_hour = field(&s, isdigit((unsigned char)s[0]) &&
	    s[1] == ':' ? 1 : 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || *s++ != ':')
		return false;
	tm->tm_min = field(&s, 2);
	tm->tm_sec = 0;
	if (*s == ':') {
		s++;
		tm->tm_sec = field(&s, 2);
	}
	return *s == '\0' && tm->tm_min >= 0 && tm->tm_min < 60 &&
	    tm->tm_sec >= 0 && tm->tm_sec < 60;
}

/* Month and day, perhaps a year, in American order: MMDD[YY], MM/DD[/YY]. */
static bool
read_date_american(const char **s, struct tm *tm, bool *year)
{
	bool slash;

	tm->tm_mon = field(s, 2) - 1;
	slash = **s == '/';
	*s += slash;
	tm->tm_mday = field(s, 2);
	*year = slash ? **s == '/' : isdigit((unsigned char)**s);
	if (*year) {
		*s += slash;
		tm->tm_year = field(s, 2) + 100;
	}
	return tm->tm_mday > 0 && tm->tm_mon >= 0 && (!*year ||
	    tm->tm_year >= 100);
}

static bool
read_date_iso(const char **s, struct tm *tm)
{
	tm->tm_year = field(s, 4) - 1900;
	if (*(*s)++ != '-')
		return false;
	tm->tm_mon = field(s, 2) - 1;
	if (*(*s)++ != '-')
		return false;
	tm->tm_mday = field(s, 2);
	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mday > 0;
}

/* A date, "T" or "-" and a time of day, or a date alone. */
static bool
read_date(const char *s, int64_t now, struct tm *tm)
{
	bool year = true, ok;
	struct tm copy;

	ok = strlen(s) > 4 && s[4] == '-' && isdigit((unsigned char)s[0]) ?
	    read_date_iso(&s, tm) : read_date_american(&s, tm, &year);
	if (!ok || tm->tm_mon > 11 || tm->tm_mday > 31)
		return false;
	tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
	if ((*s == 'T' || *s == '-') && !read_clock(s + 1, tm))
		return false;
	if (*s != 'T' && *s != '-' && *s != '\0')
		return false;
	copy = *tm;
	if (!year && mktime(&copy) < now)
		tm->tm_year++;		/* the next such day */
	return true;
}

/* "now" and what may follow it: "+N[unit]". */
static int
read_now(const char *s, int64_t now, int64_t *at)
{
	static const struct { const char *unit; int64_t s; } units[] = {
		{ "", 1 }, { "second", 1 }, { "minute", 60 }, { "hour", 3600 },
		{ "day", 86400 }, { "week", 7 * 86400 },
	};
	char digits[12];
	size_t n, len, i;
	int64_t count;
	struct err e;

	*at = now;
	if (*s == '\0')
		return 0;
	if (*s++ != '+')
		return -1;
	n = strspn(s, "0123456789");
	if (n == 0 || n >= sizeof(digits))
		return -1;
	memcpy(digits, s, n);
	digits[n] = '\0';
	s += n;
	len = strlen(s);
	if (len > 1 && s[len - 1] == 's')
		len--;
	if (num_int(digits, 0, 20 * (int64_t)YEAR_S, &count, &e) < 0)
		return -1;
	for (i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].unit) == len &&
		    strncasecmp(units[i].unit, s, len) == 0) {
			*at = now + count * units[i].s;
			return 0;
		}
	}
	return -1;
}

/*
 * A time of day, or a word for one: the next time it is that late. As with any
 * date alone, tomorrow begins at midnight.
 */
static bool
read_time_of_day(const char *s, int64_t now, struct tm *tm)
{
	static const struct { const char *word; int hour; } words[] = {
		{ "midnight", 0 }, { "noon", 12 }, { "teatime", 16 },
		{ "fika", 15 },
	};
	struct tm copy;
	size_t i;

	if (strcasecmp(s, "today") == 0)
		return true;
	if (strcasecmp(s, "tomorrow") == 0) {
		tm->tm_mday++;
		tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
		return true;
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i].word) == 0)
			break;
	if (i < ARRAY_LEN(words)) {
		tm->tm_hour = words[i].hour;
		tm->tm_min = tm->tm_sec = 0;
	} else if (!read_clock(s, tm))
		return false;
	copy = *tm;
	if (mktime(&copy) < now)
		tm->tm_mday++;
	return true;
}

int
jobtext_when(const char *s, int64_t *at, struct err *e)
{
	time_t now = clock_wall_s(), then;
	struct tm tm, date;

	if (strncasecmp(s, "now", 3) == 0 && read_now(s + 3, now, at) == 0)
		return 0;
	if (localtime_r(&now, &tm) == NULL)
		return err_perm(e, "this machine's clock makes no sense");
	tm.tm_isdst = -1;
	date = tm;
	if (read_date(s, now, &date))
		tm = date;
	else if (!read_time_of_day(s, now, &tm))
		return err_perm(e, "'%s' is not a time (now+1hour, 16:00, "
		    "2030-01-31T16:00:00)", s);
	then = mktime(&tm);
	if (then == (time_t)-1)
		return err_perm(e, "'%s' is not a time of this machine", s);
	*at = then;
	return 0;
}

/* ---- signals ---- */

static int
signal_number(const char *s, size_t n)
{
	static const struct { const char *name; int num; } names[] = {
		{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT },
		{ "ABRT", SIGABRT }, { "KILL", SIGKILL }, { "ALRM", SIGALRM },
		{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
		{ "URG", SIGURG }, { "CONT", SIGCONT }, { "STOP", SIGSTOP },
		{ "TSTP", SIGTSTP }, { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },
	};
	char word[16];
	int64_t num;
	struct err e;
	size_t i;

	if (n >= sizeof(word))
		return -1;
	memcpy(word, s, n);
	word[n] = '\0';
	if (num_int(word, 1, 64, &num, &e) == 0)
		return (int)num;
	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(word, names[i].name) == 0 ||
		    (strncasecmp(word, "SIG", 3) == 0 &&
		    strcasecmp(word + 3, names[i].name) == 0))
			return names[i].num;
	return -1;
}

int
jobspec_signal(const char *text, struct jobspec_signal *out, struct err *e)
{
	const char *s = text, *colon = strchr(text, ':');
	int64_t before = 60;
	size_t n;

	*out = (struct jobspec_signal){ 0 };
	for (; colon != NULL && s < colon; s++) {
		out->batch |= toupper((unsigned char)*s) == 'B';
		out->reservation |= toupper((unsigned char)*s) == 'R';
		if (strchr("BbRr", *s) == NULL)
			goto bad;
	}
	if (colon != NULL)
		s++;
	n = strcspn(s, "@");
	out->num = signal_number(s, n);
	if (out->num < 0 || (s[n] == '@' &&
	    num_int(s + n + 1, 0, UINT16_MAX, &before, e) < 0))
		goto bad;
	out->before_s = (int)before;
	return 0;
bad:
	return err_perm(e, "'%s' is not a signal ([R][B:]SIG[@SECONDS])", text);
}

/* ---- values ---- */

static int
nodes(const char *s, struct jobspec_value *v, struct err *e)
{
	const char *dash = strchr(s, '-');
	char first[12];
	size_t n = dash ? (size_t)(dash - s) : strlen(s);

	v->max = 0;
	if (n >= sizeof(first))
		goto bad;
	memcpy(first, s, n);
	first[n] = '\0';
	if (num_int(first, 1, INT32_MAX, &v->num, e) < 0)
		goto bad;
	if (dash == NULL)
		v->max = v->num;
	else if (num_int(dash + 1, v->num, INT32_MAX, &v->max, e) < 0)
		goto bad;
	return 0;
bad:
	return err_perm(e, "'%s' is not a count of nodes (2, 2-4)", s);
}

/* "2", "a100:2", "a100:1,v100:1": each part ends in a count. */
static int
gpus(const char *s, struct err *e)
{
	const char *p = s;
	size_t n, digits;

	for (;; p += n + 1) {
		n = strcspn(p, ",");
		for (digits = 0; digits < n &&
		    isdigit((unsigned char)p[n - digits - 1]); digits++)
			;
		if (digits == 0 || (digits < n && p[n - digits - 1] != ':'))
			return err_perm(e, "'%s' is not a count of GPUs "
			    "(2, a100:2)", s);
		if (p[n] == '\0')
			return 0;
	}
}

static int
share(const char *s, struct err *e)
{
	if (strcmp(s, "user") == 0 || strcmp(s, "mcs") == 0)
		return 0;
	return err_perm(e, "'%s' is not one of user, mcs", s);
}

static int
plain(const char *s, struct err *e)
{
	const char *p;

	for (p = s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return err_perm(e, "holds a control character");
	if (p - s > JOBTEXT_MAX)
		return err_perm(e, "is longer than %d bytes", JOBTEXT_MAX);
	return 0;
}

static int
checked(enum jobspec_type type, const char *s, struct jobspec_value *v,
    struct err *e)
{
	struct jobspec_signal sig;

	switch (type) {
	case JOBSPEC_NODES:
		return nodes(s, v, e);
	case JOBSPEC_COUNT:
		return num_int(s, 1, INT32_MAX, &v->num, e);
	case JOBSPEC_COUNT16:
		return num_int(s, 1, UINT16_MAX - 2, &v->num, e);
	case JOBSPEC_MEM:
	case JOBSPEC_MEM_CPU:
		return num_mem_mb(s, &v->num, e);
	case JOBSPEC_TIME:
		if (num_slurm_time(s, &v->num, e) < 0)
			return -1;
		if (v->num == INT64_MAX)
			v->num = 0;
		return 0;
	case JOBSPEC_WHEN:
		return jobtext_when(s, &v->num, e);
	case JOBSPEC_SIGNAL:
		return jobspec_signal(s, &sig, e);
	case JOBSPEC_GPUS:
		return gpus(s, e);
	case JOBSPEC_SHARE:
		return share(s, e);
	case JOBSPEC_REQUEUE:
	case JOBSPEC_HOLD:
		return err_perm(e, "takes no value");
	case JOBSPEC_TEXT:
	case JOBSPEC_GRES:
		break;
	}
	return 0;
}

static bool
has_text(enum jobspec_type type)
{
	return type == JOBSPEC_TEXT || type == JOBSPEC_GRES ||
	    type == JOBSPEC_GPUS || type == JOBSPEC_SIGNAL ||
	    type == JOBSPEC_SHARE;
}

int
jobtext_read(enum jobspec_type type, const char *s, struct jobspec_value *v,
    struct err *e)
{
	struct jobspec_value new = { .set = true, .num = 1 };

	if (*s == '\0')
		return err_perm(e, "is empty");
	if (plain(s, e) < 0 || checked(type, s, &new, e) < 0)
		return -1;
	if (has_text(type)) {
		new.text = strdup(s);
		if (new.text == NULL)
			return err_temp(e, "out of memory");
	}
	free(v->text);
	*v = new;
	return 0;
}
