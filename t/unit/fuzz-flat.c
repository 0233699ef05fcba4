/*
 * fuzz-flat.c - the flat reader of records takes and refuses what the tree
 * does, reads the same members from it, and writes texts and numbers alike.
 */
#include "fuzz.h"

#include "flat-twin.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nd_in in = { .name = "in", .line = 1 };
	char *line = malloc(size + 1);
	const char *why;
	bool taken;

	HOLDS(line != NULL);
	memcpy(line, data, size);
	line[size] = '\0';	/* as nd_next gives it */
	why = twin_line(&in, line, size, &taken);
	if (why == NULL)
		why = twin_text(line, size);
	if (why != NULL)
		(void)fprintf(stderr, "not alike: %s\n", why);
	HOLDS(why == NULL);
	free(line);
	return 0;
}
