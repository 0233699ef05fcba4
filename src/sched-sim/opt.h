/*
 * opt.h - what opt.c, which chooses and places, and offer.c, which knows what
 * there is to choose from, have in common.
 */
#ifndef BERTH_OPT_H
#define BERTH_OPT_H

#include "knapsack.h"
#include "rounds.h"

/* Servers that are alike, and for the same jobs. */
struct opt_pool {
	uint64_t where;		/* bits of groups */
	int type;
	int64_t gpus;
};

/* What a job has in one pool. */
struct opt_part {
	int pool, gpus;
	struct vec sum;		/* of all these GPUs */
};

/* What was chosen for a job. */
struct pick {
	double speed;
	int len;
	struct opt_part parts[GROUPS_MAX];
};

/* What jobs of one kind may have. */
struct offer {
	struct knap_kind kind;	/* its levels are speeds, the best first */
	double *speeds;		/* of each level */
	struct vec *shares;	/* of each option, for one part */
	int part_gpus;		/* the GPUs of a part */
	int64_t last_items;
	int64_t given;		/* items that have got theirs */
};

struct opt {
	struct opt_pool pools[GROUPS_MAX];
	struct knap_pool room[GROUPS_MAX];
	int pools_len;
	struct offer **by_kind;		/* by that of the jobs */
	struct knap_kind *problem;	/* room for each offer there is */
	struct offer **offers;
	int offers_len;
	enum knap_end end;		/* of last_items of all offers */
	int64_t solved, unsure;		/* how often; and not for sure */
	struct pick pick;
	struct want wants[GROUPS_MAX];
};

struct offer *offer_new(const struct rounds *r, const struct kind *kind);
void offer_free(struct offer *o);

/* What the next of its jobs has, of what was chosen. */
void offer_next(struct offer *o, struct pick *out);

#endif
