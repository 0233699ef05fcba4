/*
 * round-policy-srtf.c - shortest remaining time first: at the speed with all it
 * can use; as SYNERGY has it, at the one of
 * the last round.
 */
#include "rounds.h"

const struct round_policy round_policy_srtf = {
	.name = "srtf",
	.key = model_left_s,
	.opt = true,
	.starving_first = true,
};
