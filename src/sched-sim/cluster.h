/*
 * cluster.h - what a cluster is made of, and what a job asks of it.
 *
 *	cluster.c	-c CLUSTER: a number, an ini file, records, slurm.conf
 *	node-records.c	node and partition records
 *	hostlist.c	n[1-4]: many names in one word
 *	need.c		what a job's record asks for
 *	nodes.c		which nodes a job gets, and what of them
 *
 * Without nodes there are only processors, all alike, that are counted.
 */
#ifndef BERTH_CLUSTER_H
#define BERTH_CLUSTER_H

#include "buf.h"
#include "err.h"
#include "flat.h"
#include "map.h"

enum {
	PROCS_MAX = 1 << 30,
	NODES_MAX = 1 << 18,
	RES_CPU = 0, RES_MEM = 1, RES_GRES = 2,
	RES_MAX = 12,		/* CPUs, MiB, and kinds of generic resources */
	ASKS_MAX = 4,		/* generic resources that one job asks for */
	NAMES_MAX = 64,		/* partitions, features: bits of a mask */
	NAME_SIZE = 256,
};

/* What a node has, or has left, or what is taken of it. */
struct res {
	int32_t v[RES_MAX];
};

struct node {
	const char *name;
	struct res has;
	uint64_t partitions, features;	/* by their place in the cluster */
	int32_t weight;			/* the least are taken first */
};

struct partition {
	const char *name;
	int64_t max_s;			/* of a job's limit; 0: none */
	int64_t job_factor, tier;	/* Slurm's priorities */
	int64_t mem_per_cpu, mem_per_node;	/* by default, MiB; -1: none */
	bool exclusive, down;
};

/* Words that stand for bits. */
struct names {
	const char *of[NAMES_MAX];
	int len;
};

struct slurm_conf;	/* slurm.h */
struct slurm_job;

struct cluster {
	int64_t procs;		/* of all nodes, or as given */
	struct node *nodes;	/* in the order of the file */
	int32_t nodes_len;	/* 0: processors are only counted */
	int res_len;
	const char *gres[RES_MAX];	/* "gpu:a100", of each kind */
	struct partition partitions[NAMES_MAX];
	int partitions_len;
	int default_partition;	/* -1: none */
	struct names features;
	bool counts_mem;	/* else memory is not looked at */
	uint8_t *offered;	/* GPUs, of each node: see nodes.c; or NULL */
	struct map node_names;	/* to their place, from 1 */
	struct slurm_conf *slurm;	/* NULL: nothing was said of it */
};

/* A node, and what of it a job has. */
struct part {
	int32_t node;
	struct res res;
};

/* So many of any of the kinds, on each node. */
struct ask {
	uint32_t kinds;
	int32_t count;
};

/* What one job asks for, and what it got. */
struct need {
	int32_t cpus;		/* in all */
	int32_t node_count;	/* 0: as few as it takes */
	bool even;		/* as many CPUs on each of its nodes */
	bool exclusive;		/* whole nodes, and nobody else on them */
	int32_t mem_per_node;	/* MiB; or 0, and */
	int32_t mem_mb, mem_cpus;	/* so many go with so many CPUs */
	struct ask asks[ASKS_MAX];
	int asks_len;
	uint64_t features;	/* all of these; or, with any, one of them */
	bool any;
	int partition;
	struct part *parts;	/* what it has, or is to have */
	int32_t parts_len;
	struct slurm_job *slurm;
};

/* ---- cluster.c ---- */

/*
 * Fills *c, which is empty, from "procs=N" or a file. It lives until the
 * program ends. 0; -1 and *e.
 */
int cluster_load(struct cluster *c, const char *text, struct err *e);

/* The partition of that name, of len bytes, or -1. */
int cluster_partition(const struct cluster *c, const char *name, size_t len);

/* The same, made with Slurm's defaults if need be; -1 and *e: too many. */
int cluster_add_partition(struct cluster *c, const char *name, size_t len,
    struct err *e);

/* The bits of "main,debug", made if need be. 0; -1 and *e. */
int cluster_partition_bits(struct cluster *c, const char *text,
    uint64_t *bits, struct err *e);

/*
 * Adds the nodes that a word like n[1-4] names, each like *like. 0; -1 and *e.
 */
int cluster_add_nodes(struct cluster *c, const char *names,
    const struct node *like, struct err *e);

/*
 * Adds to *has what "gpu:a100:2,gpu:4" says, by kind; a kind that is new is
 * the cluster's from now on. 0; -1 and *e.
 */
int cluster_add_gres(struct cluster *c, const char *text, struct res *has,
    struct err *e);

/*
 * Takes "gpu", "gpu:4", "gpu:a100" or "gpu:a100:4(S:0-1)", which ends before
 * end, apart: *len is how long its kind is. 0; -1 and *e.
 */
int gres_split(const char *s, size_t end, size_t *len, int64_t *count,
    struct err *e);

/* Whether a generic resource is a GPU, of any type. */
bool cluster_is_gpu(const struct cluster *c, int k);

/* Whether a node in that state, in Slurm's words, can be used. */
bool cluster_is_up(const char *state);

/* The bits of "a,b"; new names are added. 0; -1 and *e. */
int cluster_bits(struct names *names, const char *text, uint64_t *bits,
    struct err *e);

/* The place of a name among names, or -1. */
int cluster_name(const struct names *names, const char *name, size_t len);

/* ---- node-records.c ---- */

/* What one record says; other kinds say nothing. 0; -1 and *e. */
int node_record(struct cluster *c, const char *line, size_t len,
    struct err *e);

/* ---- slurm-conf.c ---- */

/*
 * What one line of a slurm.conf says, which is taken apart; and at the end what
 * all say together. 0; -1 and *e.
 */
int slurm_conf_line(struct cluster *c, char *line, struct err *e);
int slurm_conf_end(struct cluster *c, struct err *e);

/* ---- hostlist.c ---- */

/*
 * Calls add with each name that text stands for, in order, until it fails. How
 * many there were; -1 and *e.
 */
int64_t hostlist_each(const char *text,
    int (*add)(void *to, const char *name, struct err *e), void *to,
    struct err *e);

/* Writes the names of parts as one such text. 0; -1 with errno. */
int hostlist_write(struct buf *b, const struct cluster *c,
    const struct part *parts, int32_t len);

/* ---- need.c ---- */

/* Members of a record that say what a job asks for, as they come. */
struct need_line;

struct need_line *need_line_new(void);
void need_line_free(struct need_line *l);
void need_line_clear(struct need_line *l);
void need_line_member(struct need_line *l, const struct flat_member *m);

/*
 * What the job of that line asks for, to be freed by nobody; NULL and *e if
 * no partition of the cluster can ever give it.
 */
struct need *need_new(const struct need_line *l, struct cluster *c,
    int64_t cpus, int64_t limit_s, struct err *e);

/*
 * Of that only which nodes it is for: partition (-1: any), features and asks.
 * 0; -1 and *e.
 */
int need_where(struct need *n, const struct need_line *l,
    const struct cluster *c, struct err *e);

/* ---- nodes.c ---- */

/* Whether a node has the features that it asks for. */
bool nodes_has_features(const struct node *node, const struct need *n);

/*
 * The nodes where free holds what the job asks for, chosen as Slurm does, into
 * *parts (at least as long as the cluster has nodes). Their number; 0: it
 * does not fit.
 */
int32_t nodes_place(const struct cluster *c, const struct res *free_,
    const struct need *n, struct part *parts);

/* Whether the node has the features that the job asks for. */
bool nodes_has_features(const struct node *node, const struct need *n);

/* Whether there is such a place. */
bool nodes_fit(const struct cluster *c, const struct res *free_,
    const struct need *n);

/*
 * The job looks for GPUs on those nodes of its partition that are in set (NULL:
 * in all), and free is what they have left: whether it fits there or not, what
 * it is offered makes them lighter for those that come behind. Until forgotten.
 */
void nodes_offer(struct cluster *c, const struct res *free_,
    const struct need *n, const uint64_t *set);
void nodes_forget(struct cluster *c, const struct need *n,
    const uint64_t *set);

/* Takes, or gives back, what the job has in its parts. */
void nodes_take(const struct cluster *c, struct res *free_,
    const struct part *parts, int32_t len);
void nodes_give(const struct cluster *c, struct res *free_,
    const struct part *parts, int32_t len);

/* Each node's lesser of both, into a. */
void nodes_least(const struct cluster *c, struct res *a, const struct res *b);

/* What all nodes have; the caller frees it. */
struct res *nodes_all(const struct cluster *c);

#endif
