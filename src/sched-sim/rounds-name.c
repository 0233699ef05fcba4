/*
 * rounds-name.c - what the text "srtf+tune+place" asks for, and which options
 * go with it.
 */
#include "rounds.h"

#include <string.h>

const struct round_policy *const round_policies[] = {
	&round_policy_fifo, &round_policy_srtf, &round_policy_srsf,
	&round_policy_las, &round_policy_ftf, &round_policy_drf,
	&round_policy_tetris, &round_policy_dlas, &round_policy_gittins, NULL,
};

static const struct round_policy *
find_policy(const char *name, size_t len)
{
	size_t i;

	for (i = 0; round_policies[i] != NULL; i++)
		if (strlen(round_policies[i]->name) == len &&
		    memcmp(round_policies[i]->name, name, len) == 0)
			return round_policies[i];
	return NULL;
}

bool
rounds_is_policy(const char *text)
{
	return find_policy(text, strcspn(text, "+")) != NULL;
}

/* One word behind a "+". */
static int
parse_part(struct rounds *r, const char *part, size_t len, bool *given)
{
	static const char *const words[] = {
		[GREEDY] = "greedy", [FAIR] = "fair", [TUNE] = "tune",
		[OPT] = "opt",
	};
	size_t i;

	if (len == 5 && memcmp(part, "place", 5) == 0 && !r->together) {
		r->together = true;
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len &&
		    memcmp(words[i], part, len) == 0 && !*given) {
			r->allocation = (enum allocation)i;
			*given = true;
			return 0;
		}
	return -1;
}

/* What does not go together. */
static int
check(const struct rounds *r, struct err *e)
{
	const struct rounds_options *o = r->o;
	const struct round_policy *p = r->policy;
	const char *option = o->exact ? "--exact" :
	    o->starve_s >= 0 ? "--starve" : NULL;

	if (o->synergy && p->not_there != NULL)
		return err_perm(e, "policy %s: %s", o->policy, p->not_there);
	if (o->synergy && option != NULL)
		return err_perm(e, "%s: SYNERGY's simulator has it not; leave "
		    "out --compat=synergy", option);
	if (o->synergy && r->allocation == OPT && !p->opt)
		return err_perm(e, "policy %s: SYNERGY's simulator dies of opt "
		    "but for fifo and srtf", o->policy);
	if (p != &round_policy_dlas && (o->queues_len > 0 || o->promote > 0))
		return err_perm(e, "%s is only for policy dlas",
		    o->queues_len > 0 ? "--queues" : "--promote");
	return 0;
}

int
rounds_name(struct rounds *r, struct err *e)
{
	const char *text = r->o->policy, *p;
	size_t len = strcspn(text, "+");
	bool given = false;

	r->policy = find_policy(text, len);
	if (r->policy == NULL)
		return err_perm(e, "policy %s: not known", text);
	for (p = text + len; *p == '+'; p += len) {
		p++;
		len = strcspn(p, "+");
		if (parse_part(r, p, len, &given) < 0)
			return err_perm(e, "policy %s: '%.*s' is not one of "
			    "greedy, fair, tune, opt and place, or is one too "
			    "many", text, (int)len, p);
	}
	return check(r, e);
}
