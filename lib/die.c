/*
 * die.c - messages of the tools, and their exits.
 */
#include "die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *prog = "berth";
int verbosity;
void (*die_before)(void);

/*
 * One line, one write. Control bytes of foreign text (a record, a response)
 * would let it forge lines or drive the terminal, so they become '?'.
 */
static void
say(const char *fmt, va_list ap)
{
	char line[1024];
	size_t i, len;
	int n;

	if (die_before != NULL)
		die_before();
	n = snprintf(line, sizeof(line), "%s: ", prog);
	len = n < 0 ? 0 : (size_t)n;
	if (len < sizeof(line) - 1) {
		n = vsnprintf(line + len, sizeof(line) - 1 - len, fmt, ap);
		len += n < 0 ? 0 : (size_t)n;
	}
	len = MIN(len, sizeof(line) - 2);
	for (i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;		/* nowhere left to say it */
}

void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
note(const char *fmt, ...)
{
	va_list ap;

	if (verbosity < 0)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
chat(const char *fmt, ...)
{
	va_list ap;

	if (verbosity < 1)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
die(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
	exit(status);
}

void
die_err(const struct err *e)
{
	die(e->status, "%s", e->text);
}

void
die_if_closed(bool need_stdin)
{
	static const char *const names[] = { "stdin", "stdout" };
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == STDOUT_FILENO || (fd == STDIN_FILENO && need_stdin))
			die(fd == STDOUT_FILENO ? ST_TEMP : ST_PERM, "%s: %s",
			    names[fd], strerror(errno));
		if (open("/dev/null", O_RDWR) != fd)
			die(ST_TEMP, "/dev/null: cannot open it");
	}
}

void
leave(int status)
{
	bool bad = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) != 0 || fclose(stdout) != 0)
		bad = true;
	if (bad) {
		warn("stdout: %s", errno ? strerror(errno) : "write error");
		exit(ST_TEMP);
	}
	exit(status);
}

void
leave_help(const char *usage)
{
	(void)fputs(usage, stdout);
	leave(ST_OK);
}

void
leave_version(void)
{
	(void)printf("%s (berth) %s\n", prog, BERTH_VERSION);
	leave(ST_OK);
}

void
die_usage(const char *usage)
{
	(void)fprintf(stderr, "%.*s\nTry '%s --help'.\n",
	    (int)strcspn(usage, "\n"), usage, prog);
	exit(ST_PERM);
}
