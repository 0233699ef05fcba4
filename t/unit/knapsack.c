/*
 * knapsack.c - problems, of lines "pool PLACES A B", "kind PARTS ITEMS",
 * "level VALUE" and "option POOL A B", which belong to what stands before them.
 * "solve" says how it ended, the value, and of each kind what was taken of its
 * levels and options; then the next one may follow.
 */
#include "../../src/sched-sim/knapsack.c"
#include "../../src/sched-sim/prices.c"

#include "unit.h"

enum { MANY = 64 };

static struct knap_pool pools[MANY];
static struct knap_kind kinds[MANY];
static struct knap_level levels[MANY][MANY];
static struct knap_option options[MANY][MANY];
static int pools_len, len;

static void
add_kind(char *line)
{
	kinds[len] = (struct knap_kind){
		.levels = levels[len], .options = options[len],
		.parts = (int)unit_num(&line), .items = unit_num(&line),
	};
	len++;
}

static void
add_option(struct knap_kind *k, char *line)
{
	struct knap_option *o = &k->options[k->options_len++];

	*o = (struct knap_option){ .pool = (int)unit_num(&line) };
	o->cost[0] = 1;
	o->cost[1] = unit_num(&line);
	o->cost[2] = unit_num(&line);
	k->levels[k->levels_len - 1].len++;
}

static void
solve(void)
{
	static const char *const ends[] = { "nothing", "good", "best" };
	int64_t value;
	int i, n;

	n = knapsack(kinds, len, pools, pools_len, &value);
	printf("%s %lld\n", ends[n], (long long)value);
	for (i = 0; i < len && n != KNAP_NOTHING; i++) {
		for (n = 0; n < kinds[i].levels_len; n++)
			printf("%lld ", (long long)levels[i][n].taken);
		for (n = 0; n < kinds[i].options_len; n++)
			printf(" %lld", (long long)options[i][n].taken);
		printf("\n");
	}
	pools_len = len = 0;
}

int
main(void)
{
	char *line, *word;

	while ((line = unit_line()) != NULL) {
		struct knap_kind *k = &kinds[MAX(0, len - 1)];

		word = unit_word(&line);
		if (strcmp(word, "pool") == 0) {
			int64_t *room = pools[pools_len++].room;

			room[0] = unit_num(&line);
			room[1] = unit_num(&line);
			room[2] = unit_num(&line);
		} else if (strcmp(word, "kind") == 0) {
			add_kind(line);
		} else if (strcmp(word, "level") == 0) {
			k->levels[k->levels_len++] = (struct knap_level){
				.value = unit_num(&line),
				.from = k->options_len,
			};
		} else if (strcmp(word, "option") == 0) {
			add_option(k, line);
		} else {
			solve();
		}
	}
	return 0;
}
