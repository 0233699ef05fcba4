/*
 * hist.c - durations in us, one a line, are counted; then "part PERMILLE" and
 * "below LOG2_US" are asked, and "clear" begins anew.
 */
#include "../../src/svc-proxy/hist.c"

#include "unit.h"

int
main(void)
{
	static struct hist h;
	char *line, *word;

	while ((line = unit_line()) != NULL) {
		word = unit_word(&line);
		if (strcmp(word, "part") == 0)
			printf("%lld\n", (long long)hist_part(&h, NULL,
			    (int)unit_num(&line)));
		else if (strcmp(word, "both") == 0)
			printf("%lld\n", (long long)hist_part(&h, &h,
			    (int)unit_num(&line)));
		else if (strcmp(word, "below") == 0)
			printf("%llu\n", (unsigned long long)hist_below(&h,
			    (int)unit_num(&line)));
		else if (strcmp(word, "clear") == 0)
			hist_clear(&h);
		else
			hist_add(&h, strtoll(word, NULL, 10));
	}
	return 0;
}
