/*
 * num.c - "int MIN MAX TEXT", "dur TEXT", "time TEXT", "mem TEXT", "rate TEXT":
 * prints the number, or the error.
 */
#include "num.h"

#include "unit.h"

static int
parse(const char *what, char *rest, int64_t *n, struct err *e)
{
	int64_t min, max;

	if (strcmp(what, "dur") == 0)
		return num_duration(rest, n, e);
	if (strcmp(what, "time") == 0)
		return num_slurm_time(rest, n, e);
	if (strcmp(what, "mem") == 0)
		return num_mem_mb(rest, n, e);
	if (strcmp(what, "rate") == 0)
		return num_rate(rest, n, e);
	min = unit_num(&rest);
	max = unit_num(&rest);
	return num_int(rest, min, max, n, e);
}

int
main(void)
{
	struct err e;
	char *line, *what;
	int64_t n;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (parse(what, line, &n, &e) < 0)
			unit_err(&e);
		else
			printf("%lld\n", (long long)n);
	}
	return 0;
}
