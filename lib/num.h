/*
 * num.h - strict numbers in text: the whole string counts, or it is an error.
 */
#ifndef BERTH_NUM_H
#define BERTH_NUM_H

#include "err.h"

/* A decimal integer, min <= n <= max; no blanks, no "+", no suffix. */
int num_int(const char *s, int64_t min, int64_t max, int64_t *out,
    struct err *e);

/*
 * A duration of the house, in ms: "250ms", "30s", "5m", "2h", "1d", "MM:SS",
 * "HH:MM:SS", "D-HH[:MM[:SS]]"; a bare number is seconds. Never negative.
 */
int num_duration(const char *s, int64_t *ms, struct err *e);

/*
 * A time limit as sbatch reads it, in s: "MIN", "MIN:SEC", "H:MIN:SEC",
 * "D-H", "D-H:MIN", "D-H:MIN:SEC"; or a duration with a unit ("90s", "8h").
 * "INFINITE" and "UNLIMITED" give INT64_MAX.
 */
int num_slurm_time(const char *s, int64_t *sec, struct err *e);

/* Memory as sbatch reads it, in MiB: a bare number is MiB; K, M, G, T. */
int num_mem_mb(const char *s, int64_t *mb, struct err *e);

/* A rate "N/s", "N/m" or "N/h": events per second times 1e6. */
int num_rate(const char *s, int64_t *per_second_e6, struct err *e);

#endif
