/*
 * clock.c - "rfc MS": RFC 3339; "now S": stops the wall clock and reads it;
 * "wall": seconds; "sleep MS": how long it took by the monotonic clock.
 */
#include "clock.h"

#include "unit.h"

static void
nap(int64_t ms)
{
	int64_t us = clock_mono_us(), start = clock_mono_ms();

	clock_sleep_ms(ms);
	printf("%lld %lld\n", (long long)(clock_mono_ms() - start),
	    (long long)(clock_mono_us() - us));
}

int
main(void)
{
	char text[CLOCK_RFC3339];
	char *line, *what;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "rfc") == 0) {
			printf("%s\n", clock_rfc3339(unit_num(&line), text,
			    sizeof(text)));
		} else if (strcmp(what, "sleep") == 0) {
			nap(unit_num(&line));
		} else {
			if (strcmp(what, "now") == 0)
				clock_set_now(unit_num(&line));
			printf("%lld %lld\n", (long long)clock_wall_s(),
			    (long long)(clock_wall_ms() / 1000));
		}
	}
	return 0;
}
