/*
 * heap.c - one heap of numbered nodes. "push ID KEY", "move ID KEY" and
 * "remove ID" change it; "top" and "pop" print "ID KEY", or "-".
 */
#include "heap.h"

#include <assert.h>

#include "unit.h"

enum { NODES = 4096 };

static struct heap_node nodes[NODES];

static void
show(const struct heap_node *n)
{
	if (n != NULL)
		printf("%td %lld\n", n - nodes, (long long)n->key);
	else
		printf("-\n");
}

static void
change(struct heap *h, const char *what, char *rest)
{
	int64_t id = unit_num(&rest);
	int64_t key = unit_num(&rest);

	assert(id >= 0 && id < NODES);
	if (strcmp(what, "push") == 0)
		assert(heap_push(h, &nodes[id], key) == 0);
	else if (strcmp(what, "move") == 0)
		heap_move(h, &nodes[id], key);
	else
		heap_remove(h, &nodes[id]);
}

int
main(void)
{
	struct heap h;
	char *line, *what;

	heap_init(&h);
	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "top") == 0)
			show(heap_top(&h));
		else if (strcmp(what, "pop") == 0)
			show(heap_pop(&h));
		else
			change(&h, what, line);
	}
	heap_release(&h);
	return 0;
}
