/*
 * policy-replay.c - the decisions of a recording once more. What may have been
 * changed since is not believed.
 */
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "rec.h"
#include "xalloc.h"

struct decision {
	int64_t at, id;
	char *alloc;		/* "0-3,7", or NULL */
	unsigned long line;
};

static struct decision *decisions;
static size_t decisions_len, decisions_cap, taken;
static bool whole;

/* ---- reading ---- */

static int
add(const struct decision *d, const char *alloc, struct err *e)
{
	if (decisions_len > 0 && d->at < decisions[decisions_len - 1].at)
		return err_perm(e, "start: %" PRId64 " is before the one before"
		    " it", d->at);
	if (decisions_len == decisions_cap) {
		decisions_cap = decisions_cap ? decisions_cap * 2 : 1024;
		decisions = xrealloc(decisions, decisions_cap,
		    sizeof(*decisions));
	}
	decisions[decisions_len] = *d;
	decisions[decisions_len++].alloc = alloc == NULL ? NULL :
	    xstrdup(alloc);
	return 0;
}

static int
add_start(const json_t *rec, unsigned long line, struct err *e)
{
	const json_t *ids = json_object_get(rec, "job_ids"), *id;
	struct decision d = { .at = -1, .line = line };
	const char *alloc = NULL;
	size_t i;

	if (rec_int(rec, "at", 0, REC_MAX, &d.at, e) < 0 ||
	    rec_str(rec, "alloc", &alloc, e) < 0)
		return -1;
	if (d.at < 0)
		return err_perm(e, "start: 'at' is missing");
	if (!json_is_array(ids))
		return err_perm(e, "start: 'job_ids' must be an array");
	json_array_foreach(ids, i, id) {
		if (!json_is_integer(id))
			return err_perm(e, "start: 'job_ids' must be integers");
		d.id = json_integer_value(id);
		if (add(&d, alloc, e) < 0)
			return -1;
	}
	return 0;
}

int
replay_line(const struct input *in, const char *line, size_t len,
    struct err *e)
{
	const char *of = "";
	json_t *rec;
	int rc = 0;

	if (nd_parse(&in->nd, line, len, &rec, e) < 0)
		return -1;
	if (rec_is(rec, "start"))
		rc = add_start(rec, in->nd.line, e);
	else if (rec_is(rec, "end") && (rc = rec_str(rec, "of", &of, e)) == 0)
		whole = whole || strcmp(of, "sim") == 0;
	json_decref(rec);
	return rc;
}

int
replay_whole(struct err *e)
{
	return whole ? 0 : err_perm(e, "stdin: the recording has no end: a "
	    "part of it is missing");
}

/* ---- deciding ---- */

/* Adds one part of "0-3,7", which is cut up, to set. */
static int
add_range(const struct sim *s, char *text, sim_word *set, struct err *e)
{
	char *dash = strchr(text, '-');
	int64_t from, to;

	if (dash != NULL)
		*dash++ = '\0';
	if (num_int(text, 0, s->procs - 1, &from, e) < 0 ||
	    num_int(dash != NULL ? dash : text, from, s->procs - 1, &to,
	    e) < 0)
		return err_prefix(e, "alloc");
	for (; from <= to; from++)
		set[from / 64] |= (sim_word)1 << (from % 64);
	return 0;
}

/* Adds all of "0-3,7", which is cut up, to set. */
static int
add_ranges(const struct sim *s, char *text, sim_word *set, struct err *e)
{
	char *next;

	for (; text != NULL; text = next) {
		next = strchr(text, ',');
		if (next != NULL)
			*next++ = '\0';
		if (add_range(s, text, set, e) < 0)
			return -1;
	}
	return 0;
}

static int
start(struct sim *s, const struct decision *d, struct err *e)
{
	sim_word *set;
	char *text;
	int rc;

	if (d->alloc == NULL || !s->name_machines)
		return outside_start(s, d->id, NULL, e);
	set = xcalloc(s->words, sizeof(*set));
	text = xstrdup(d->alloc);
	rc = add_ranges(s, text, set, e);
	if (rc == 0)
		rc = outside_start(s, d->id, set, e);
	free(text);
	free(set);
	return rc;
}

static void
refuse(struct sim *s, const struct decision *d, const struct err *e)
{
	s->failed = true;
	s->err = *e;
	(void)err_prefix(&s->err, "stdin:%lu: at %" PRId64, d->line, d->at);
}

/*
 * What cannot be now may be when a job that takes no time has ended: there is
 * one more pass at this instant then.
 */
static bool
ends_now(const struct sim *s)
{
	const struct heap_node *n = heap_top(&s->running);

	return n != NULL && n->key == s->now;
}

static void
replay_pass(struct sim *s)
{
	const struct decision *d;
	struct err e;

	for (; taken < decisions_len; taken++) {
		d = &decisions[taken];
		if (d->at > s->now)
			return;
		if (start(s, d, &e) < 0) {
			if (!ends_now(s))
				refuse(s, d, &e);
			return;
		}
	}
}

static int64_t
replay_wake(const struct sim *s)
{
	(void)s;
	return taken < decisions_len ? decisions[taken].at : NEVER;
}

/* A decision that is left when all have ended is one too many. */
static void
replay_release(struct sim *s)
{
	struct err e;

	if (!s->failed && !s->stopped && taken < decisions_len &&
	    start(s, &decisions[taken], &e) < 0)
		refuse(s, &decisions[taken], &e);
}

const struct policy policy_replay = {
	.name = "replay", .pass = replay_pass, .wake = replay_wake,
	.release = replay_release, .outside = true,
};
