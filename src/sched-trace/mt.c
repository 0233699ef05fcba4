/*
 * mt.c - MT19937 (Matsumoto and Nishimura 1998), seeded and read the way
 * Python's `random` does it, so that streams made there can be made here.
 */
#include "trace.h"

enum { N = 624, M = 397 };

static void
init(struct mt *m, uint32_t seed)
{
	int i;

	m->state[0] = seed;
	for (i = 1; i < N; i++)
		m->state[i] = 1812433253u * (m->state[i - 1] ^
		    m->state[i - 1] >> 30) + (uint32_t)i;
	m->at = N;
}

/* Python seeds by an array of 32-bit words; a small seed is one word. */
void
mt_seed(struct mt *m, uint32_t seed)
{
	uint32_t *s = m->state;
	int i = 1, k;

	init(m, 19650218u);
	for (k = 0; k < N; k++) {
		s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1664525u) + seed;
		if (++i >= N) {
			s[0] = s[N - 1];
			i = 1;
		}
	}
	for (k = 0; k < N - 1; k++) {
		s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1566083941u) -
		    (uint32_t)i;
		if (++i >= N) {
			s[0] = s[N - 1];
			i = 1;
		}
	}
	s[0] = 0x80000000u;
}

static void
turn(struct mt *m)
{
	uint32_t *s = m->state, y;
	int i;

	for (i = 0; i < N; i++) {
		y = (s[i] & 0x80000000u) | (s[(i + 1) % N] & 0x7fffffffu);
		s[i] = s[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
	}
	m->at = 0;
}

static uint32_t
next(struct mt *m)
{
	uint32_t y;

	if (m->at >= N)
		turn(m);
	y = m->state[m->at++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9d2c5680u;
	y ^= y << 15 & 0xefc60000u;
	return y ^ y >> 18;
}

double
mt_random(struct mt *m)
{
	uint32_t a = next(m) >> 5, b = next(m) >> 6;

	return (a * 67108864.0 + b) / 9007199254740992.0;
}

double
mt_uniform(struct mt *m, double a, double b)
{
	return a + (b - a) * mt_random(m);
}

int
mt_digit(struct mt *m)
{
	uint32_t n;

	do
		n = next(m) >> 28;
	while (n >= 10);
	return (int)n;
}
