/*
 * announce.c - texts in hex ("-" is none), so that any byte can be asked for.
 * "parse COMMENT" prints "-" or "NAME URL STATE RESTART REQUEST"; "format NAME
 * URL STATE RESTART REQUEST" prints the comment or the error; "url URL" prints
 * yes or no.
 */
#include "announce.h"

#include <assert.h>

#include "unit.h"

static void
put(const char *s, char end)
{
	if (*s != '\0')
		unit_puthex(s);
	else
		printf("-");
	printf("%c", end);
}

static void
get(char **rest, char *to, size_t size)
{
	char *word = unit_word(rest);
	size_t len = unit_unhex(word);

	assert(len < size);
	memcpy(to, word, len + 1);
}

static void
parse(char *rest)
{
	struct announce a;
	char *comment = unit_word(&rest);

	(void)unit_unhex(comment);
	if (!announce_parse(comment, &a)) {
		printf("-\n");
		return;
	}
	put(a.name, ' ');
	put(a.url, ' ');
	printf("%d %lld ", (int)a.state, (long long)a.restart);
	put(a.request, '\n');
}

static void
format(char *rest)
{
	char out[ANNOUNCE_MAX];
	struct announce a;
	struct err e;

	get(&rest, a.name, sizeof(a.name));
	get(&rest, a.url, sizeof(a.url));
	a.state = (enum announce_state)unit_num(&rest);
	a.restart = unit_num(&rest);
	get(&rest, a.request, sizeof(a.request));
	if (announce_format(&a, out, &e) < 0)
		unit_err(&e);
	else
		put(out, '\n');
}

int
main(void)
{
	char *line, *what;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "parse") == 0) {
			parse(line);
		} else if (strcmp(what, "format") == 0) {
			format(line);
		} else {
			(void)unit_unhex(line);
			printf("%s\n", announce_url_ok(line) ? "yes" : "no");
		}
	}
	return 0;
}
