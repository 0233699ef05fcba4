/* term: lines "WHAT DONE ALL DETAIL" drawn on stderr, then taken away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

int
main(int argc, char **argv)
{
	char line[1000], what[100], detail[800];
	long long done, all;
	struct term t;

	(void)argv;
	term_open(&t, 2, argc > 1);
	printf("%s\n", t.on ? "on" : "off");
	while (t.on && fgets(line, sizeof(line), stdin) != NULL) {
		detail[0] = '\0';
		if (sscanf(line, "%99s %lld %lld %799[^\n]", what, &done,
		    &all, detail) < 3)
			return 2;
		term_show(&t, what, done, all, detail);
	}
	term_clear(&t);
	term_clear(&t);
	return 0;
}
