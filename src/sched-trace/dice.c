/*
 * dice.c - chance that falls the same way on every machine. What libm has for
 * logarithms and powers differs in the last digit from one to the next, and a
 * seed should not: here are only sums, products, quotients and square roots,
 * which IEEE 754 rounds in one way.
 */
#include "trace.h"

#include <math.h>

/* ln 2 in two parts; multiples of the first are exact. */
static const double ln2_high = 0x1.62e42fefa38p-1;
static const double ln2_low = 0x1.ef35793c7673p-45;

/* By the series of artanh; to a unit in the last place or two. */
double
dice_log(double x)
{
	double m, f, z, sum = 0;
	int e, k;

	m = frexp(x, &e);
	if (m < 0x1.6a09e667f3bcdp-1) {	/* the root of one half */
		m *= 2;
		e--;
	}
	f = (m - 1) / (m + 1);
	z = f * f;
	for (k = 25; k >= 3; k -= 2)
		sum = z * (sum + 1.0 / k);
	return e * ln2_high + (2 * f + (2 * f * sum + e * ln2_low));
}

/* By Taylor's series, after whole powers of 2 are taken out. */
double
dice_exp(double x)
{
	double k = floor(x / (ln2_high + ln2_low) + 0.5), r, sum = 1;
	int i;

	r = x - k * ln2_high - k * ln2_low;
	for (i = 14; i >= 1; i--)
		sum = 1 + r * sum / i;
	return ldexp(sum, (int)k);
}

double
dice_exponential(struct dice *d)
{
	return -dice_log(1 - mt_random(&d->mt));
}

/* Of two normal numbers made from a point in the circle, the other waits. */
static double
normal(struct dice *d)
{
	double x, y, r;

	if (d->has_spare) {
		d->has_spare = false;
		return d->spare;
	}
	do {
		x = mt_uniform(&d->mt, -1, 1);
		y = mt_uniform(&d->mt, -1, 1);
		r = x * x + y * y;
	} while (r >= 1 || r == 0);
	r = sqrt(-2 * dice_log(r) / r);
	d->spare = y * r;
	d->has_spare = true;
	return x * r;
}

/* Marsaglia and Tsang, ACM Trans. Math. Softw. 26, 2000. */
double
dice_gamma(struct dice *d, double shape, double scale)
{
	double less = shape < 1 ? dice_exp(-dice_exponential(d) / shape) : 1;
	double a = shape < 1 ? shape + 1 : shape;
	double b = a - 1.0 / 3, c = 1 / sqrt(9 * b), x, v, u;

	do {
		do {
			x = normal(d);
			v = 1 + c * x;
		} while (v <= 0);
		v = v * v * v;
		u = 1 - mt_random(&d->mt);
	} while (u >= 1 - 0.0331 * (x * x) * (x * x) &&
	    dice_log(u) >= 0.5 * x * x + b * (1 - v + dice_log(v)));
	return b * v * scale * less;
}
