/*
 * script.c - the text of a batch script, checked as sbatch checks it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "submit.h"

static int
read_all(int fd, const char *path, struct buf *b, struct err *e)
{
	ssize_t n;

	for (;;) {
		if (b->len == b->max)
			return err_perm(e, "%s: longer than %d bytes", path,
			    SCRIPT_MAX);
		if (buf_reserve(b, MIN(b->max - b->len, 65536)) < 0)
			return err_errno(e, "%s", path);
		n = read(fd, b->data + b->len, MIN(b->max - b->len, 65536));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "%s", path);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
}

static int
check(const struct buf *b, const char *path, struct err *e)
{
	const char *s = buf_str(b);

	if (b->len == 0)
		return err_perm(e, "%s: the script is empty", path);
	if (strncmp(s, "#!", 2) != 0)
		return err_perm(e, "%s: the first line does not begin with #! "
		    "and an interpreter", path);
	if (memchr(s, '\0', b->len) != NULL)
		return err_perm(e, "%s: the script holds a NUL byte", path);
	if (memmem(s, b->len, "\r\n", 2) != NULL)
		return err_perm(e, "%s: the script has DOS line ends", path);
	return 0;
}

/* A FIFO without a writer must not stop us, so it is opened non-blocking. */
static int
open_script(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_errno(e, "%s", path);
		goto bad;
	}
	if (!S_ISREG(st.st_mode)) {
		(void)err_perm(e, "%s: not a regular file", path);
		goto bad;
	}
	return fd;
bad:
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

char *
script_load(const char *path, struct err *e)
{
	struct buf b = BUF_INIT(SCRIPT_MAX + 1);
	int fd = open_script(path, e), rc;

	if (fd < 0)
		return NULL;
	rc = read_all(fd, path, &b, e);
	(void)close(fd);
	if (rc < 0 || check(&b, path, e) < 0) {
		buf_release(&b);
		return NULL;
	}
	return b.data;
}
