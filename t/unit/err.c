/*
 * err.c - one struct err. "perm TEXT", "temp TEXT", "errno NAME TEXT",
 * "prefix TEXT" ("*N" stands for N letters a) change it; prints
 * "RETURNED STATUS CODE LENGTH TEXT".
 */
#include "err.h"

#include <errno.h>

#include "unit.h"

static int
number(const char *name)
{
	int i;

	for (i = 1; i < 256; i++)
		if (strerrorname_np(i) && strcmp(strerrorname_np(i), name) == 0)
			return i;
	return 0;
}

static int
change(struct err *e, const char *what, const char *text)
{
	if (strcmp(what, "temp") == 0)
		return err_temp(e, "%s", text);
	if (strcmp(what, "errno") == 0)
		return err_errno(e, "%s", text);
	if (strcmp(what, "prefix") == 0)
		return err_prefix(e, "%s", text);
	return err_perm(e, "%s", text);
}

int
main(void)
{
	static char many[2001];
	struct err e;
	char *line, *what;
	int code = 0, rc;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "errno") == 0)
			code = number(unit_word(&line));
		if (*line == '*') {
			line++;
			memset(many, 'a', sizeof(many) - 1);
			many[unit_num(&line)] = '\0';
			strncat(many, line, sizeof(many) - strlen(many) - 1);
			line = many;
		}
		errno = code;
		rc = change(&e, what, line);
		printf("%d %d %d %zu %s\n", rc, e.status,
		    e.code == 0 ? 0 : e.code == code, strlen(e.text), e.text);
	}
	return 0;
}
