/*
 * map.c - one map. "set KEY N" (N > 0), "get KEY", "del KEY": prints the value
 * or "-"; "walk": all, in order; "sweep N": walks and deletes the values that
 * N divides; "count".
 */
#include "map.h"

#include <assert.h>

#include "unit.h"

static void
show(void *value)
{
	if (value != NULL)
		printf("%lu\n", (unsigned long)(uintptr_t)value);
	else
		printf("-\n");
}

static void
walk(struct map *m, unsigned long sweep)
{
	struct map_item *item;
	unsigned long value;
	size_t at = 0;

	while ((item = map_next(m, &at)) != NULL) {
		value = (unsigned long)(uintptr_t)item->value;
		if (sweep == 0)
			printf("%s=%lu ", item->key, value);
		else if (value % sweep == 0)
			assert(map_del(m, item->key) != NULL);
	}
	printf("%zu\n", m->count);
}

static void
command(struct map *m, const char *what, char *rest)
{
	const char *key;

	if (strcmp(what, "count") == 0 || strcmp(what, "walk") == 0 ||
	    strcmp(what, "sweep") == 0) {
		if (*what == 'c')
			printf("%zu\n", m->count);
		else
			walk(m, (unsigned long)unit_num(&rest));
		return;
	}
	key = unit_word(&rest);
	if (strcmp(what, "set") == 0) {
		assert(map_set(m, key, (void *)(uintptr_t)unit_num(&rest)) ==
		    0);
		printf("%zu\n", m->count);
	} else {
		show(*what == 'd' ? map_del(m, key) : map_get(m, key));
	}
}

int
main(void)
{
	struct map m;
	char *line, *what;

	map_init(&m);
	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		command(&m, what, line);
	}
	map_release(&m, NULL);
	return 0;
}
