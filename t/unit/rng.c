/*
 * rng.c - "seed N", then "u32 COUNT", "below N COUNT", "jitter MS PERCENT
 * COUNT": prints that many numbers on one line.
 */
#include "rng.h"

#include "unit.h"

int
main(void)
{
	struct rng r;
	char *line, *what;
	int64_t a = 0, b = 0, i, count;

	rng_seed(&r, 0);
	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "seed") == 0) {
			rng_seed(&r, strtoull(unit_word(&line), NULL, 10));
			continue;
		}
		if (*what != 'u')
			a = unit_num(&line);
		if (*what == 'j')
			b = unit_num(&line);
		count = unit_num(&line);
		for (i = 0; i < count; i++)
			printf("%s%lld", i ? " " : "", *what == 'u' ?
			    (long long)rng_u32(&r) : *what == 'b' ?
			    (long long)rng_below(&r, (uint32_t)a) :
			    (long long)rng_jitter(&r, a, (int)b));
		printf("\n");
	}
	return 0;
}
