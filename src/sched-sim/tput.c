/*
 * tput.c - how fast a model trains with so many cores and so much memory for
 * each of its GPUs. The figures are those of SYNERGY's profiles (V100, OSDI'22,
 * msr-fiddle/synergy, simulator/models): relative to 3 cores and 62.5 GB.
 */
#include "rounds.h"

const double tput_cpus[TPUT_CPUS] = { 1, 2, 3, 4, 5, 6, 9, 12, 24 };
const double tput_mem_gb[TPUT_MEMS] = { 20.83, 62.5, 125, 187.5, 250 };

static const double alexnet[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.3, 0.3, 0.3, 0.3 },
	{ 0.1, 0.66, 0.66, 0.66, 0.66 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.25, 1.25, 1.25, 1.25 },
	{ 0.1, 1.53, 1.53, 1.53, 1.53 },
	{ 0.1, 1.75, 1.75, 1.75, 1.75 },
	{ 0.1, 2, 2, 2, 2 },
	{ 0.1, 2, 2.94, 2.94, 2.94 },
	{ 0.1, 2, 2.94, 2.94, 2.94 },
};

static const double shufflenet[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.3, 0.3, 0.3, 0.3 },
	{ 0.1, 0.66, 0.66, 0.66, 0.66 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.25, 1.25, 1.25, 1.25 },
	{ 0.1, 1.53, 1.53, 1.53, 1.53 },
	{ 0.1, 1.75, 1.75, 1.75, 1.75 },
	{ 0.1, 2, 2, 2, 2 },
	{ 0.1, 2, 2.89, 2.89, 2.89 },
	{ 0.1, 2, 2.89, 2.89, 2.89 },
};

static const double res18[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.37, 0.37, 0.37, 0.37 },
	{ 0.1, 0.72, 0.72, 0.72, 0.72 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.3, 1.3, 1.3, 1.3 },
	{ 0.1, 1.53, 1.53, 1.53, 1.53 },
	{ 0.1, 1.75, 1.75, 1.75, 1.75 },
	{ 0.1, 2.4, 2.4, 2.4, 2.4 },
	{ 0.1, 2.4, 2.4, 2.4, 2.4 },
	{ 0.1, 2.4, 2.4, 2.4, 2.4 },
};

static const double res50[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.4, 0.4, 0.4, 0.4 },
	{ 0.1, 0.74, 0.74, 0.74, 0.74 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
	{ 0.1, 1.15, 1.15, 1.15, 1.15 },
};

static const double mobilenet[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.37, 0.37, 0.37, 0.37 },
	{ 0.1, 0.72, 0.72, 0.72, 0.72 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.3, 1.3, 1.3, 1.3 },
	{ 0.1, 1.49, 1.49, 1.49, 1.49 },
	{ 0.1, 1.55, 1.55, 1.55, 1.55 },
	{ 0.1, 1.55, 1.55, 1.55, 1.55 },
	{ 0.1, 1.55, 1.55, 1.55, 1.55 },
	{ 0.1, 1.55, 1.55, 1.55, 1.55 },
};

static const double m5[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.3, 0.3, 0.3, 0.3 },
	{ 0.1, 0.66, 0.66, 0.66, 0.66 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1.2, 1.2, 1.2, 1.2 },
	{ 0.1, 1.4, 1.4, 1.4, 1.4 },
	{ 0.1, 1.5, 2, 2.5, 2.5 },
	{ 0.1, 1.5, 2, 2.5, 2.5 },
	{ 0.1, 1.5, 2, 2.5, 2.5 },
	{ 0.1, 1.5, 2, 2.5, 2.5 },
};

static const double deepspeech[TPUT_CPUS][TPUT_MEMS] = {
	{ 0.1, 0.3, 0.3, 0.3, 0.3 },
	{ 0.1, 0.66, 0.66, 0.66, 0.66 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
	{ 0.1, 1, 1, 1, 1 },
};

/* Cores and memory suffice, whatever they are. */
static const double flat[TPUT_CPUS][TPUT_MEMS] = {
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
	{ 1, 1, 1, 1, 1 },
};

/* In the order of model.c. */
static const double (*const tables[])[TPUT_MEMS] = {
	alexnet, res18, res50, mobilenet, shufflenet, flat, flat, flat, m5,
	deepspeech,
};

double
tput_at(int model, int cpus, int mem)
{
	return tables[model][cpus][mem];
}

/*
 * Where x lies on an axis: from the returned point, *part of the way to the
 * next one. Beyond the ends it is the end.
 */
static int
locate(const double *axis, int len, double x, double *part)
{
	int i = 0;

	*part = 0;
	if (x >= axis[len - 1])
		return len - 1;
	while (i < len - 2 && x >= axis[i + 1])
		i++;
	if (x > axis[i])
		*part = (x - axis[i]) / (axis[i + 1] - axis[i]);
	return i;
}

static double
between(double a, double b, double part)
{
	return a + (b - a) * part;
}

double
tput(int model, double cpus, double mem_gb)
{
	double to_cpu, to_mem, low, high, few;
	int c = locate(tput_cpus, TPUT_CPUS, cpus, &to_cpu);
	int m = locate(tput_mem_gb, TPUT_MEMS, mem_gb, &to_mem);
	int c2 = MIN(c + 1, TPUT_CPUS - 1), m2 = MIN(m + 1, TPUT_MEMS - 1);

	low = between(tables[model][c][m], tables[model][c][m2], to_mem);
	high = between(tables[model][c2][m], tables[model][c2][m2], to_mem);
	few = MIN(1, cpus / tput_cpus[0]);
	return few * between(low, high, to_cpu);
}
