/*
 * die.c - "out TEXT" prints on stdout; "warn", "note", "chat TEXT" ("hex HEX"
 * warns of any bytes); "level N" sets the verbosity; "die STATUS TEXT", "err
 * TEXT", "leave STATUS", "help", "version", "usage", "alloc N SIZE" end it.
 */
#include "die.h"

#include "unit.h"
#include "xalloc.h"

static const char usage_text[] = "usage: unit-die [-h]\n  -h  this text\n";

static void
talk(const char *what, char *text)
{
	if (strcmp(what, "out") == 0)
		printf("%s\n", text);
	else if (strcmp(what, "warn") == 0)
		warn("%s", text);
	else if (strcmp(what, "note") == 0)
		note("%s", text);
	else if (strcmp(what, "chat") == 0)
		chat("%s", text);
	else if (strcmp(what, "hex") == 0 && unit_unhex(text) > 0)
		warn("%s", text);
	else if (strcmp(what, "level") == 0)
		verbosity = (int)unit_num(&text);
}

static void
end(const char *what, char *rest)
{
	struct err e;
	size_t n;

	if (strcmp(what, "help") == 0)
		leave_help(usage_text);
	if (strcmp(what, "version") == 0)
		leave_version();
	if (strcmp(what, "usage") == 0)
		die_usage(usage_text);
	if (strcmp(what, "leave") == 0)
		leave((int)unit_num(&rest));
	if (strcmp(what, "err") == 0) {
		(void)err_temp(&e, "%s", rest);
		die_err(&e);
	}
	n = strtoull(unit_word(&rest), NULL, 10);
	if (strcmp(what, "die") == 0)
		die((int)n, "%s", rest);
	if (strcmp(what, "alloc") == 0)
		free(xrealloc(NULL, n, strtoull(rest, NULL, 10)));
}

int
main(void)
{
	char *line, *what;

	prog = "unit-die";
	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		talk(what, line);
		end(what, line);
	}
	leave(ST_OK);
}
