/*
 * fuzz.h - what each fuzz-*.c is: a function that is given bytes, and aborts
 * where what it holds does not hold. Two programs come of it: libFuzzer's
 * (t/fuzz, -DFUZZING), and a driver that is given files: the corpus.
 */
#ifndef BERTH_FUZZ_H
#define BERTH_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stays on in every build, unlike assert under -DNDEBUG. */
#define HOLDS(what) do { \
	if (!(what)) { \
		(void)fprintf(stderr, "%s:%d: does not hold: %s\n", \
		    __FILE__, __LINE__, #what); \
		abort(); \
	} \
} while (0)

/* A copy of exactly that size, so that a byte too far is seen. */
static inline char *
fuzz_copy(const void *p, size_t len)
{
	char *copy = malloc(len ? len : 1);

	HOLDS(copy != NULL);
	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	static uint8_t input[1 << 20];
	size_t len;
	FILE *f;
	int i;

	for (i = 1; i < argc; i++) {
		f = fopen(argv[i], "rb");
		if (f == NULL)
			return 2;
		len = fread(input, 1, sizeof(input), f);
		(void)fclose(f);
		(void)LLVMFuzzerTestOneInput(input, len);
	}
	printf("%d\n", argc - 1);
	return 0;
}
#endif

#endif
