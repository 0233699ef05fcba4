/*
 * record.h - a recording of a run: its input, its options and its decisions in
 * one file of records, that are input again.
 */
#ifndef BERTH_RECORD_H
#define BERTH_RECORD_H

#include "sim.h"

/*
 * Begins a recording, that appears under path when it is whole. options are
 * len texts as on a command line. 0; -1 and *e. Without it the others do
 * nothing.
 */
int record_open(const char *path, const char *policy, const char *cluster,
    char *const *options, size_t len, struct err *e);

/* The head's cluster (may be NULL), and each line of input that is used. */
void record_cluster(const json_t *rec);
void record_line(const char *line, size_t len);

/* The job starts now. */
void record_start(const struct sim *s, int32_t job);

/* Puts the whole recording in its place. 0; -1 and *e. */
int record_close(struct err *e);

/* ---- policy-replay.c ---- */

/*
 * A line of a recording that is no job: its decisions and its end are kept. 0;
 * -1 and *e.
 */
int replay_line(const struct input *in, const char *line, size_t len,
    struct err *e);

/* Whether its end has been read. 0; -1 and *e: it has not. */
int replay_whole(struct err *e);

#endif
