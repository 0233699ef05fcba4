/*
 * map.h - string -> pointer, walked in the order of insertion.
 *
 * Keys are copied; values are the caller's. Deleting keeps the order.
 */
#ifndef BERTH_MAP_H
#define BERTH_MAP_H

#include "base.h"

struct map_item {
	char *key;	/* NULL: deleted */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_item *items;	/* in insertion order, with holes */
	size_t used, items_cap;
	size_t count;		/* live items */
	uint32_t *slots;	/* open addressing: item + 1, 0 empty */
	size_t slots_len;	/* a power of two */
};

void map_init(struct map *m);

/* Frees the map; free_value (may be NULL) is called on each value. */
void map_release(struct map *m, void (*free_value)(void *));

/* The value of key, or NULL. */
void *map_get(const struct map *m, const char *key);

/* Sets key; the old value, if any, is lost. 0, or -1 with errno ENOMEM. */
int map_set(struct map *m, const char *key, void *value);

/* Takes key out and returns its value, or NULL. */
void *map_del(struct map *m, const char *key);

/*
 * Walks: *at starts at 0; returns the next item, or NULL at the end. The item
 * just returned may be deleted; nothing may be added meanwhile.
 */
struct map_item *map_next(const struct map *m, size_t *at);

#endif
