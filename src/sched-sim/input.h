/*
 * input.h - standard input, for both families: its head, which says of what
 * cluster the jobs are or that this is a recording, and then line after line.
 * An interrupt ends the waiting for one.
 */
#ifndef BERTH_INPUT_H
#define BERTH_INPUT_H

#include "nd.h"

struct input {
	struct nd_in nd;
	char *line;		/* the first line behind the head */
	size_t len;
	int got;		/* what nd_next said of it, */
	struct err err;		/* and why */
	bool ahead;		/* it has not been returned yet */
	int64_t lines, bytes;	/* so far */
	int64_t size_bytes;	/* in all; 0: not known */
	/* called with lines that were used as jobs, or not as such; or NULL */
	void (*used)(const char *line, size_t len);
	int (*other)(const struct input *in, const char *line, size_t len,
	    struct err *e);
	int (*ended)(struct err *e);	/* at the end: was that all? or NULL */
	json_t *recording;	/* `sim` record of the head; NULL: none */
	json_t *cluster;	/* `cluster` record of the head; NULL: none */
};

/* Reads the head. 0; -1 and *e. name is borrowed. */
int input_open(struct input *in, int fd, const char *name, struct err *e);
void input_close(struct input *in);

/*
 * The next line, as nd_next gives it, waited for: 1; 0 at the end; -1 and *e:
 * a bad one, and the next call goes on. Does not return from a read error, an
 * interrupt, or an end that is none.
 */
int input_next(struct input *in, char **line, size_t *len, struct err *e);

/* What the reader has done with a line. 0; -1 and *e. */
void input_used(const struct input *in, const char *line, size_t len);
int input_other(const struct input *in, const char *line, size_t len,
    struct err *e);

/*
 * Whether each of the jobs' ids is there once: 0; -1 and *e, which calls the
 * input name. They are sorted, unless they are already.
 */
int input_once(int64_t *ids, size_t len, const char *name, struct err *e);

/* Processors of the head's cluster; 0: it does not say. */
int64_t input_procs(const struct input *in);

/*
 * Writes the head's cluster to stdout, once, before all else; with as many
 * processors and GPUs as were simulated, where that is not 0.
 */
void input_pass_cluster(struct input *in, int64_t procs, int64_t gpus);

#endif
