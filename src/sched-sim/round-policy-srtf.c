/*
 * round-policy-srtf.c - shortest remaining time first, at the speed a job had
 * in the last round.
 */
#include "rounds.h"

const struct round_policy round_policy_srtf = {
	.name = "srtf",
	.key = model_left_s,
	.starving_first = true,
};
