/*
 * urls.c - the files in which jobs leave their URLs, and text of any bytes.
 */
#include "discover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "announce.h"
#include "die.h"

enum { URL_FILE_MAX = 1024 };	/* bytes of a URL file */

/* ---- text ---- */

/* Length of the UTF-8 sequence at s, 0 if it is none. */
static size_t
utf8_len(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* the second byte rules out overlong forms, surrogates, > 10FFFF */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

char *
utf8_dup(const char *s)
{
	char *out = malloc(3 * strlen(s) + 1), *p = out;
	size_t n;

	if (out == NULL)
		return NULL;
	while (*s != '\0') {
		n = utf8_len((const unsigned char *)s);
		(void)memcpy(p, n ? s : "\xef\xbf\xbd", n ? n : 3);
		p += n ? n : 3;
		s += n ? n : 1;
	}
	*p = '\0';
	return out;
}

int
utf8_set(char **field, const char *s, struct err *e)
{
	if (*s == '\0')
		return 0;
	*field = utf8_dup(s);
	return *field ? 0 : err_temp(e, "out of memory");
}

/* ---- URL files ---- */

/* The URL in text[0..len), ended in place; NULL if there is none. */
static char *
url_line(char *text, size_t len)
{
	char *end = memchr(text, '\n', len);

	if (end == NULL)
		return NULL;	/* half written: it lacks its line end */
	while (end > text && strchr("\r \t/", end[-1]) != NULL)
		end--;
	*end = '\0';
	return announce_url_ok(text) ? text : NULL;
}

/* Why the file cannot be job's, or NULL. */
static const char *
not_its_file(const struct stat *st, const struct slurmio_job *job)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (st->st_uid != geteuid())
		return "somebody else's file";
	if (st->st_size > URL_FILE_MAX)
		return "too long for a URL";
	if (st->st_mtime < job->start_at)
		return "older than the start of the job";
	return NULL;
}

/* Reads an open URL file: 1 and the URL; 0: it is passed over; -1 and *e. */
static int
read_url(int fd, const char *name, const struct slurmio_job *job, char **url,
    struct err *e)
{
	char text[URL_FILE_MAX + 1], *found;
	struct stat st;
	const char *why;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_errno(e, "%s", name);
	why = not_its_file(&st, job);
	if (why == NULL) {
		n = read(fd, text, sizeof(text) - 1);
		if (n < 0)
			return err_errno(e, "%s", name);
		found = url_line(text, (size_t)n);
		if (found != NULL)
			return utf8_set(url, found, e) < 0 ? -1 : 1;
		why = "its first line is no URL";
	}
	chat("%s: passed over: %s", name, why);
	return 0;
}

int
urls_find(int dir, const struct slurmio_job *job, char **url,
    struct err *e)
{
	char name[32];
	int fd, got;

	(void)snprintf(name, sizeof(name), "url-%u.txt", job->job_id);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	got = fd < 0 ? err_errno(e, "%s", name) :
	    read_url(fd, name, job, url, e);
	if (fd >= 0)
		(void)close(fd);
	if (got >= 0 || e->status == ST_TEMP)
		return got < 0 ? -1 : 0;
	chat("%s", e->text);
	return 0;
}

int
urls_open(const char *path, struct err *e)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? err_errno(e, "%s", path) : dir;
}
