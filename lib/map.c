/*
 * map.c - an insertion-ordered hash table (items in an array, an index of
 * open-addressed slots beside it), as small dictionaries are usually built.
 */
#include "map.h"

#include <stdlib.h>
#include <string.h>

#define DELETED UINT32_MAX

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_release(struct map *m, void (*free_value)(void *))
{
	size_t i;

	for (i = 0; i < m->used; i++) {
		if (m->items[i].key == NULL)
			continue;
		free(m->items[i].key);
		if (free_value != NULL)
			free_value(m->items[i].value);
	}
	free(m->items);
	free(m->slots);
	map_init(m);
}

/* FNV-1a, 64 bit. */
static uint64_t
hash_of(const char *s)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
	return h;
}

/* The slot of key, or the first one it could take. */
static uint32_t *
find(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->slots_len - 1);
	uint32_t *grave = NULL;
	uint32_t s;

	for (;; i = (i + 1) & (m->slots_len - 1)) {
		s = m->slots[i];
		if (s == 0)
			return grave ? grave : &m->slots[i];
		if (s == DELETED) {
			if (grave == NULL)
				grave = &m->slots[i];
		} else if (m->items[s - 1].hash == hash &&
		    strcmp(m->items[s - 1].key, key) == 0) {
			return &m->slots[i];
		}
	}
}

/* Makes both arrays anew without holes, with room to grow. */
static int
rebuild(struct map *m)
{
	size_t cap = 8, i;
	struct map n = { 0 };

	while (cap < m->count * 2 + 2)
		cap *= 2;
	n.items_cap = cap;
	n.slots_len = cap * 2;
	n.items = calloc(cap, sizeof(*n.items));
	n.slots = calloc(n.slots_len, sizeof(*n.slots));
	if (n.items == NULL || n.slots == NULL) {
		free(n.items);
		free(n.slots);
		return -1;
	}
	for (i = 0; i < m->used; i++) {
		if (m->items[i].key == NULL)
			continue;
		n.items[n.used++] = m->items[i];
		*find(&n, m->items[i].key, m->items[i].hash) =
		    (uint32_t)n.used;
		n.count++;
	}
	free(m->items);
	free(m->slots);
	*m = n;
	return 0;
}

static bool
taken(uint32_t slot)
{
	return slot != 0 && slot != DELETED;
}

void *
map_get(const struct map *m, const char *key)
{
	uint32_t *slot;

	if (m->count == 0)
		return NULL;
	slot = find(m, key, hash_of(key));
	return taken(*slot) ? m->items[*slot - 1].value : NULL;
}

int
map_set(struct map *m, const char *key, void *value)
{
	uint64_t hash = hash_of(key);
	struct map_item *item;
	uint32_t *slot;
	char *copy;

	if (m->used == m->items_cap && rebuild(m) < 0)
		return -1;
	slot = find(m, key, hash);
	if (taken(*slot)) {
		m->items[*slot - 1].value = value;
		return 0;
	}
	copy = strdup(key);
	if (copy == NULL)
		return -1;
	item = &m->items[m->used++];
	item->key = copy;
	item->value = value;
	item->hash = hash;
	m->count++;
	*slot = (uint32_t)m->used;
	return 0;
}

void *
map_del(struct map *m, const char *key)
{
	struct map_item *item;
	uint32_t *slot;

	if (m->count == 0)
		return NULL;
	slot = find(m, key, hash_of(key));
	if (!taken(*slot))
		return NULL;
	item = &m->items[*slot - 1];
	*slot = DELETED;
	free(item->key);
	item->key = NULL;
	m->count--;
	return item->value;
}

struct map_item *
map_next(const struct map *m, size_t *at)
{
	while (*at < m->used) {
		struct map_item *item = &m->items[(*at)++];

		if (item->key != NULL)
			return item;
	}
	return NULL;
}
