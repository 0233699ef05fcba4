/*
 * fetch.c - each line of stdin is a URL: prints the status and the body's
 * length and first line, or why there is none. Bodies end at 100 bytes.
 */
#include "fetch.h"

#include <stdio.h>
#include <string.h>

int
main(void)
{
	struct buf body = BUF_INIT(100);
	char line[512];
	struct err e;
	int status;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		buf_cut(&body, 0);
		if (fetch_get(line, 2000, &body, &status, &e) < 0)
			printf("%d\n", e.status);
		else
			printf("%d %zu %.*s\n", status, body.len,
			    (int)strcspn(buf_str(&body), "\n"),
			    buf_str(&body));
	}
	buf_release(&body);
	return 0;
}
