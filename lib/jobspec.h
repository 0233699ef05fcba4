/*
 * jobspec.h - what a job asks of Slurm: the resource keys, by one table.
 *
 * The table below is the only place that pairs a record's key, sbatch's option
 * and the field of Slurm's job description (a bare word here, which slurmio.c
 * alone expands). Records, command lines and #SBATCH lines are read through
 * it; records and sbatch's options are written through it.
 *
 * An absent key is not set. A key that is set to false is set: it keeps a
 * #SBATCH line from setting it to true.
 */
#ifndef BERTH_JOBSPEC_H
#define BERTH_JOBSPEC_H

#include <jansson.h>

#include "err.h"

/*	key		type	sbatch's option	letter	field of Slurm */
#define JOBSPEC_TABLE(X) \
	X(name,		TEXT,	"job-name",	'J',	name) \
	X(partition,	TEXT,	"partition",	'p',	partition) \
	X(account,	TEXT,	"account",	'A',	account) \
	X(qos,		TEXT,	"qos",		'q',	qos) \
	X(nodes,	NODES,	"nodes",	'N',	min_nodes) \
	X(ntasks,	COUNT,	"ntasks",	'n',	num_tasks) \
	X(ntasks_per_node, COUNT16, "ntasks-per-node", 0, ntasks_per_node) \
	X(cpus_per_task, COUNT16, "cpus-per-task", 'c',	cpus_per_task) \
	X(mem_mb,	MEM,	"mem",		0,	pn_min_memory) \
	X(mem_per_cpu_mb, MEM_CPU, "mem-per-cpu", 0,	pn_min_memory) \
	X(gres,		GRES,	"gres",		0,	tres_per_node) \
	X(gpus,		GPUS,	"gpus",		'G',	tres_per_job) \
	X(constraint,	TEXT,	"constraint",	'C',	features) \
	X(exclude,	TEXT,	"exclude",	'x',	exc_nodes) \
	X(nodelist,	TEXT,	"nodelist",	'w',	req_nodes) \
	X(time_limit_s,	TIME,	"time",		't',	time_limit) \
	X(reservation,	TEXT,	"reservation",	0,	reservation) \
	X(licenses,	TEXT,	"licenses",	'L',	licenses) \
	X(dependency,	TEXT,	"dependency",	'd',	dependency) \
	X(array,	TEXT,	"array",	'a',	array_inx) \
	X(begin_at,	WHEN,	"begin",	'b',	begin_time) \
	X(requeue,	REQUEUE, "requeue",	0,	requeue) \
	X(signal,	SIGNAL,	"signal",	0,	warn_signal) \
	X(hold,		HOLD,	"hold",		'H',	priority) \
	X(output,	TEXT,	"output",	'o',	std_out) \
	X(error,	TEXT,	"error",	'e',	std_err) \
	X(chdir,	TEXT,	"chdir",	'D',	work_dir) \
	X(exclusive,	SHARE,	"exclusive",	0,	shared) \
	X(comment,	TEXT,	"comment",	0,	comment)

enum jobspec_type {
	JOBSPEC_TEXT,		/* as Slurm takes it */
	JOBSPEC_NODES,		/* num to max: 2 or "2-4" */
	JOBSPEC_COUNT,		/* 1 and more */
	JOBSPEC_COUNT16,	/* 1 to 65533 */
	JOBSPEC_MEM,		/* MiB; 0: all of the node */
	JOBSPEC_MEM_CPU,
	JOBSPEC_GRES,		/* text: "gpu:a100:2,shard:1" */
	JOBSPEC_GPUS,		/* text: "2" or "a100:2" */
	JOBSPEC_TIME,		/* s; 0: no limit */
	JOBSPEC_WHEN,		/* s since the epoch */
	JOBSPEC_REQUEUE,	/* truth value; --requeue, --no-requeue */
	JOBSPEC_SIGNAL,		/* text: "[R][B:]SIG[@SEC]" */
	JOBSPEC_HOLD,		/* truth value */
	JOBSPEC_SHARE,		/* truth value, or text: "user", "mcs" */
};

#define JOBSPEC_ENUM(key, type, option, letter, field) JOBSPEC_##key,
enum jobspec_id {
	JOBSPEC_TABLE(JOBSPEC_ENUM)
	JOBSPEC_LEN
};

struct jobspec_key {
	const char *key;	/* of a record */
	const char *option;	/* of sbatch, without "--" */
	char letter;		/* of sbatch, without "-"; 0: none */
	enum jobspec_type type;
};
extern const struct jobspec_key jobspec_keys[JOBSPEC_LEN];

struct jobspec_value {
	bool set;
	int64_t num;		/* numbers and truth values */
	int64_t max;		/* of nodes */
	char *text;		/* NULL where the type has none; owned */
};

/* Zero it before its first use: struct jobspec s = { 0 }. */
struct jobspec {
	struct jobspec_value v[JOBSPEC_LEN];
};

void jobspec_release(struct jobspec *s);

/* The table's line of that option or letter, or NULL. */
const struct jobspec_key *jobspec_find_option(const char *option);
const struct jobspec_key *jobspec_find_letter(char letter);

/* Whether a record's key is in the table, or in others (may be NULL). */
bool jobspec_is_key(const char *key, const char *const *others);

/*
 * The resource keys of a record. Keys of `others` (NULL-ended; may be NULL)
 * are the caller's; any key else is refused by its name. 0; -1 and *e.
 */
int jobspec_read(struct jobspec *s, const json_t *rec,
    const char *const *others, struct err *e);

/*
 * One option with its value in sbatch's form; value is NULL where none was
 * given. "no-requeue" is an option too. 0; -1 and *e, which names it.
 */
int jobspec_option(struct jobspec *s, const char *option, const char *value,
    struct err *e);

/* Whether the option may, or must, have a value. 0 for unknown options. */
enum jobspec_arg { JOBSPEC_ARG_NONE, JOBSPEC_ARG_MAY, JOBSPEC_ARG_MUST };
enum jobspec_arg jobspec_arg(const char *option);

/* Text as the key's value, as jobspec_option. For defaults: name, comment. */
int jobspec_set(struct jobspec *s, enum jobspec_id id, const char *value,
    struct err *e);

/*
 * The #SBATCH lines of a script, as far as sbatch would read them: up to the
 * first line that is neither empty nor a comment. A later line wins. -1 and
 * *e, which names FILE:LINE and the directive.
 */
int jobspec_script(struct jobspec *s, const char *script, const char *file,
    struct err *e);

/* Moves what s has not set over from `from`, and releases that. */
void jobspec_fill(struct jobspec *s, struct jobspec *from);

/* Sets the keys in rec. 0, or -1 and *e (no memory, not UTF-8). */
int jobspec_json(const struct jobspec *s, json_t *rec, struct err *e);

/*
 * As options of sbatch: "--time=30:00". A NULL-ended list that
 * jobspec_argv_free takes, or NULL (no memory).
 */
char **jobspec_argv(const struct jobspec *s);
void jobspec_argv_free(char **argv);

/* What a signal key says. 0; -1 and *e. */
struct jobspec_signal {
	int num;
	int before_s;		/* the end of the job */
	bool batch;		/* B: the batch shell alone */
	bool reservation;	/* R: also when its reservation starts */
};
int jobspec_signal(const char *text, struct jobspec_signal *out,
    struct err *e);

#endif
