/*
 * secret.c - files that hold tokens, passwords and secrets: lines of text that
 * nobody but their owner may read. A file is looked at again when it is used,
 * at most once a second; one that cannot be used lets nobody in.
 */
#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"

enum { FILE_MAX_BYTES = 1 << 20, LOOK_MS = 1000 };

struct secret_file {
	char *path;
	size_t most;		/* lines */
	secret_line_fn *ok;
	int64_t looked_ms;
	struct stat seen;	/* when it was last read */
	bool usable;
	uint64_t version;
	char *text;		/* FILE_MAX_BYTES at most */
	size_t text_len;
	struct http_slice *lines;	/* of text */
	size_t nlines;
};

static uint64_t versions;

bool
secret_same(struct http_slice a, struct http_slice b)
{
	size_t differ = a.len ^ b.len, i;

	for (i = 0; i < a.len && b.len > 0; i++)
		differ |= (unsigned char)(a.p[i] ^ b.p[i % b.len]);
	return differ == 0;
}

static void
forget(struct secret_file *f)
{
	if (f->text != NULL)
		explicit_bzero(f->text, f->text_len);
	free(f->text);
	free(f->lines);
	f->text = NULL;
	f->lines = NULL;
	f->text_len = f->nlines = 0;
	f->usable = false;
	f->version = ++versions;
}

void
secret_free(struct secret_file *f)
{
	if (f == NULL)
		return;
	forget(f);
	free(f->path);
	free(f);
}

static int
read_text(struct secret_file *f, int fd, struct err *e)
{
	size_t size;
	ssize_t n;

	if (fstat(fd, &f->seen) < 0)
		return err_errno(e, "%s", f->path);
	if (!S_ISREG(f->seen.st_mode))
		return err_perm(e, "%s: not a regular file", f->path);
	if ((f->seen.st_mode & 077) != 0)
		return err_perm(e, "%s: others may use it (mode %04o); it must "
		    "be 0600", f->path, f->seen.st_mode & 07777);
	if (f->seen.st_size > FILE_MAX_BYTES)
		return err_perm(e, "%s: longer than %d bytes", f->path,
		    FILE_MAX_BYTES);
	size = (size_t)f->seen.st_size;
	f->text = calloc(1, size + 1);
	if (f->text == NULL)
		return err_temp(e, "out of memory");
	while (f->text_len < size) {
		n = read(fd, f->text + f->text_len, size - f->text_len);
		if (n < 0)
			return err_errno(e, "%s", f->path);
		if (n == 0)
			break;
		f->text_len += (size_t)n;
	}
	return 0;
}

static int
add_line(struct secret_file *f, struct http_slice line)
{
	struct http_slice *list = reallocarray(f->lines, f->nlines + 1,
	    sizeof(*list));

	if (list == NULL)
		return -1;
	f->lines = list;
	f->lines[f->nlines++] = line;
	return 0;
}

/* Empty lines and those that begin with '#' say nothing. */
static int
split(struct secret_file *f, struct err *e)
{
	const char *p = f->text, *end = p + f->text_len, *lf;
	struct http_slice line;
	int number = 0;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		number++;
		line = (struct http_slice){ p, (size_t)(lf - p) };
		if (line.len > 0 && p[line.len - 1] == '\r')
			line.len--;
		if (line.len == 0 || *p == '#')
			continue;
		if (!f->ok(line))
			return err_perm(e, "%s:%d: not what must stand there",
			    f->path, number);
		if (f->nlines == f->most)
			return err_perm(e, "%s:%d: more than %zu lines",
			    f->path, number, f->most);
		if (add_line(f, line) < 0)
			return err_temp(e, "out of memory");
	}
	return f->nlines > 0 ? 0 : err_perm(e, "%s: nothing in it", f->path);
}

static int
load(struct secret_file *f, struct err *e)
{
	int fd, rc;

	forget(f);
	f->seen = (struct stat){ 0 };
	fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "%s", f->path);
	rc = read_text(f, fd, e);
	(void)close(fd);
	if (rc == 0)
		rc = split(f, e);
	f->usable = rc == 0;
	return rc;
}

struct secret_file *
secret_open(const char *dir, const char *path, size_t most,
    secret_line_fn *ok, struct err *e)
{
	struct secret_file *f = calloc(1, sizeof(*f));
	char whole[PATH_MAX];
	int n;

	n = snprintf(whole, sizeof(whole), "%s%s%s", *path == '/' ? "" : dir,
	    *path == '/' ? "" : "/", path);
	if (f != NULL && n > 0 && (size_t)n < sizeof(whole))
		f->path = strdup(whole);
	if (f == NULL || f->path == NULL) {
		(void)err_perm(e, "%s: path too long, or out of memory", path);
		free(f);
		return NULL;
	}
	f->most = most;
	f->ok = ok;
	f->looked_ms = ev_now_ms(px.ev);
	if (load(f, e) < 0) {
		secret_free(f);
		return NULL;
	}
	return f;
}

/* The change of mode or owner changes its ctime. */
static bool
is_changed(const struct stat *a, const struct stat *b)
{
	return a->st_ino != b->st_ino || a->st_dev != b->st_dev ||
	    a->st_size != b->st_size ||
	    a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec ||
	    a->st_ctim.tv_sec != b->st_ctim.tv_sec ||
	    a->st_ctim.tv_nsec != b->st_ctim.tv_nsec;
}

static void
look(struct secret_file *f)
{
	bool was = f->usable;
	struct stat st;
	struct err e;

	f->looked_ms = ev_now_ms(px.ev);
	if (was && stat(f->path, &st) == 0 && !is_changed(&st, &f->seen))
		return;
	if (load(f, &e) == 0)
		note("%s read again", f->path);
	else if (was)
		warn("%s; nobody is let in until that is mended", e.text);
}

ssize_t
secret_lines(struct secret_file *f, const struct http_slice **lines)
{
	if (ev_now_ms(px.ev) - f->looked_ms >= LOOK_MS)
		look(f);
	*lines = f->lines;
	return f->usable ? (ssize_t)f->nlines : -1;
}

uint64_t
secret_version(const struct secret_file *f)
{
	return f->version;
}
