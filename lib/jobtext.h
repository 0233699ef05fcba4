/*
 * jobtext.h - the values of the resource keys as sbatch spells them.
 */
#ifndef BERTH_JOBTEXT_H
#define BERTH_JOBTEXT_H

#include "jobspec.h"

enum { JOBTEXT_MAX = 32768 };	/* bytes of a value */

/*
 * One value of that type. A truth value takes no text here: its option alone
 * says it. On success v is set (its old text is freed). 0; -1 and *e.
 */
int jobtext_read(enum jobspec_type type, const char *s,
    struct jobspec_value *v, struct err *e);

/*
 * A point in time as --begin takes it: "now", "now+90minutes", "16:00",
 * "noon", "tomorrow", "2030-01-31", "2030-01-31T16:00[:00]", "01/31/30",
 * "013130", each with or without "-HH:MM". 0; -1 and *e.
 */
int jobtext_when(const char *s, int64_t *at, struct err *e);

#endif
