/*
 * unit.h - what the drivers share: commands come in lines on stdin, results go
 * out in lines on stdout. A driver asserts nothing: the bats file that runs it
 * knows what must come out.
 */
#ifndef BERTH_UNIT_H
#define BERTH_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

/* The next line of stdin without its newline, or NULL; valid until the next. */
static inline char *
unit_line(void)
{
	static char *line;
	static size_t size;
	ssize_t n = getline(&line, &size, stdin);

	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	if (n < 0) {
		free(line);
		line = NULL;
	}
	return line;
}

/* Cuts the first word off *rest and returns it; "" at the end. */
static inline char *
unit_word(char **rest)
{
	char *word = *rest + strspn(*rest, " ");
	char *end = word + strcspn(word, " ");

	*rest = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word;
}

/* A number that the test itself wrote: no checks. */
static inline int64_t
unit_num(char **rest)
{
	return strtoll(unit_word(rest), NULL, 10);
}

/* Hex digits as bytes, in place; "-" is no bytes. Returns how many. */
static inline size_t
unit_unhex(char *s)
{
	size_t n = 0;
	unsigned int byte;

	for (; sscanf(s + 2 * n, "%2x", &byte) == 1; n++)
		s[n] = (char)byte;
	s[n] = '\0';
	return n;
}

static inline void
unit_puthex(const char *s)
{
	for (; *s != '\0'; s++)
		printf("%02x", (unsigned char)*s);
}

/* "! STATUS TEXT": how every driver prints an error. */
static inline void
unit_err(const struct err *e)
{
	printf("! %d %s\n", e->status, e->text);
}

#endif
