/*
 * arrivals.c - when jobs are submitted: at random (poisson), in bursts (gamma),
 * or by day more than by night (daily: Lublin and Feitelson, "The workload on
 * parallel supercomputers: modeling the characteristics of rigid jobs", J.
 * Parallel Distrib. Comput. 63, 2003, with the parameters that the authors'
 * program has for jobs of all types).
 *
 * Gaps are drawn first, then stretched to the load or the rate that is wanted.
 * In `daily` a gap is so much work for the clock, of which it does more in the
 * half-hours that have more weight.
 */
#include "trace.h"

#include <math.h>
#include <string.h>

enum { HALF_HOURS = 48, HALF_HOUR_S = 1800, DAY_BEGINS = 11, DEFAULT_CV = 2 };

/* A gap is exp(G) s, G of this gamma distribution but no more than gap_max. */
static const double gap_shape = 10.2303 * 1.0225, gap_scale = 0.4871;
static const double gap_max = 13;

/* The jobs of a day are spread as this one, in half-hours from its begin. */
static const double day_shape = 8.1737, day_scale = 3.9631;

/* What is proportional to the density of a gamma distribution. */
static double
density(double x, double shape, double scale)
{
	return x <= 0 ? 0 : dice_exp((shape - 1) * dice_log(x) - x / scale);
}

/* The integral of density(x) * exp(tilt * x), by Simpson's rule. */
static double
integral(double from, double to, double shape, double scale, double tilt)
{
	enum { PARTS = 200 };
	double step = (to - from) / PARTS, sum = 0, x;
	int i;

	for (i = 0; i <= PARTS; i++) {
		x = from + i * step;
		sum += density(x, shape, scale) * dice_exp(tilt * x) *
		    (i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2);
	}
	return sum * step / 3;
}

static void
set_weights(struct arrivals *a)
{
	double sum = 0;
	int i;

	for (i = DAY_BEGINS; i < DAY_BEGINS + HALF_HOURS; i++) {
		a->weights[(i - 1) % HALF_HOURS] = integral(i - 0.5, i + 0.5,
		    day_shape, day_scale, 0);
		sum += a->weights[(i - 1) % HALF_HOURS];
	}
	for (i = 0; i < HALF_HOURS; i++)
		a->weights[i] *= HALF_HOURS / sum;
}

int
arrivals_init(struct arrivals *a, const char *kind, double cv, struct err *e)
{
	static const char *const kinds[] = { "poisson", "gamma", "daily" };
	size_t i;

	*a = (struct arrivals){ .stretch = 1, .mean_s = 1 };
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			break;
	if (i == ARRAY_LEN(kinds))
		return err_perm(e, "--arrivals=%s: known are poisson, gamma "
		    "and daily", kind);
	a->kind = (int)i;
	if (cv > 0 && a->kind != ARRIVALS_GAMMA)
		return err_perm(e, "--cv is not for --arrivals=%s", kind);
	if (cv <= 0)
		cv = DEFAULT_CV;
	a->shape = 1 / (cv * cv);
	if (a->kind == ARRIVALS_DAILY) {
		a->mean_s = integral(0, gap_max, gap_shape, gap_scale, 1) /
		    integral(0, gap_max, gap_shape, gap_scale, 0);
		set_weights(a);
	}
	return 0;
}

double
arrivals_gap(const struct arrivals *a, struct dice *d)
{
	double g;

	if (a->kind == ARRIVALS_POISSON)
		return dice_exponential(d);
	if (a->kind == ARRIVALS_GAMMA)
		return dice_gamma(d, a->shape, 1 / a->shape);
	do
		g = dice_gamma(d, gap_shape, gap_scale);
	while (g > gap_max);
	return dice_exp(g);
}

double
arrivals_next(struct arrivals *a, double gap)
{
	double left = gap * a->stretch, days = floor(left / 86400);
	double in_day, end, room;
	int i;

	if (a->kind == ARRIVALS_DAILY) {	/* a day is a day of work */
		a->now += days * 86400;
		left -= days * 86400;
	}
	while (a->kind == ARRIVALS_DAILY && a->now < NUMBER_MAX / 16) {
		in_day = a->now - floor(a->now / 86400) * 86400;
		i = (int)(in_day / HALF_HOUR_S) % HALF_HOURS;
		end = a->now - in_day + (i + 1) * HALF_HOUR_S;
		room = (end - a->now) * a->weights[i];
		if (left <= room) {
			a->now += left / a->weights[i];
			return a->now;
		}
		left -= room;
		a->now = end;
	}
	a->now += left;
	return a->now;
}
