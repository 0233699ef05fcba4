/*
 * limit.c - requests a second of one client at one service.
 *
 * A bucket is one number: when it will be full again. The table is bounded:
 * where a set is crowded, the bucket nearest to full is forgotten first, which
 * forgives its client some requests and takes none away.
 */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 2048, WAYS = 4 };

struct bucket {
	const struct svc *svc;	/* NULL: free */
	struct trust_addr of;
	int64_t full_us;
};

static struct bucket (*table)[WAYS];
static uint64_t seed;

/* One IPv6 client has a /64 to choose from. */
static struct trust_addr
client_of(const struct conn *c)
{
	static const uint8_t mapped[12] = {
		[10] = 0xff, [11] = 0xff,
	};
	struct trust_addr a = c->client_addr;

	if (memcmp(a.bytes, mapped, sizeof(mapped)) != 0)
		memset(a.bytes + 8, 0, 8);
	return a;
}

static size_t
set_of(const struct svc *s, const struct trust_addr *a)
{
	uint64_t half[2], x;

	memcpy(half, a->bytes, sizeof(half));
	x = seed ^ (uintptr_t)s;
	x = (x ^ half[0]) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 32 ^ half[1]) * UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	return (size_t)(x * UINT64_C(0xd6e8feb86659fd93) >> 32) % SETS;
}

static struct bucket *
bucket_of(const struct svc *s, const struct trust_addr *a)
{
	struct bucket *set = table[set_of(s, a)], *b, *fullest = set;

	for (b = set; b < set + WAYS; b++) {
		if (b->svc == s && memcmp(&b->of, a, sizeof(*a)) == 0)
			return b;
		if (b->full_us < fullest->full_us)
			fullest = b;
	}
	*fullest = (struct bucket){ .svc = s, .of = *a };
	return fullest;
}

static bool
begin(void)
{
	table = calloc(SETS, sizeof(*table));
	seed = (uint64_t)rng_u32(&px.ids) << 32 | rng_u32(&px.ids);
	return table != NULL;
}

bool
limit_check(struct conn *c)
{
	const struct service *s = &c->svc->conf;
	int64_t now = ev_now_us(px.ev), whole = s->limit.per_s * 1000000, due;
	struct trust_addr client;
	struct bucket *b;
	char retry[48];

	if (s->limit.requests == 0 || (table == NULL && !begin()))
		return true;
	client = client_of(c);
	b = bucket_of(c->svc, &client);
	/* before SIGHUP, a bucket may have taken longer to fill */
	b->full_us = MIN(MAX(b->full_us, now), now + whole);
	due = b->full_us + whole / s->limit.requests;
	if (due - now <= whole) {
		b->full_us = due;
		return true;
	}
	(void)snprintf(retry, sizeof(retry), "Retry-After: %lld\r\n",
	    (long long)((due - now - whole + 999999) / 1000000));
	reply_refusal(c, 429, "too many requests of one client", retry, NULL);
	return false;
}
