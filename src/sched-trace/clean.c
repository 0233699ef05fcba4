/*
 * clean.c - what --clean does: jobs of which no question is left open, sorted
 * by submission, numbered from 1, and the first of them submitted at 1.
 */
#include "trace.h"

#include <math.h>
#include <stdlib.h>

#include "die.h"
#include "xalloc.h"

struct kept {
	struct clean_times when;
	size_t text;		/* where its members begin in `texts` */
	size_t len;
	size_t seq;		/* of equals, the first stays first */
};

static struct kept *list;
static size_t list_len, list_cap;
static bool mixed;		/* they did not come in their order */
static struct buf texts = BUF_INIT(SIZE_MAX / 2);
static unsigned long no_run, no_procs, cut;

bool
clean_rules(const struct nd_in *in, double *run_s, double *procs,
    double *limit_s)
{
	if (*run_s <= 0 || *procs <= 0) {
		*(*run_s <= 0 ? &no_run : &no_procs) += 1;
		chat("%s:%lu: no %s: dropped", in->name, in->line,
		    *run_s <= 0 ? "run time" : "processors");
		return false;
	}
	if (*limit_s <= 0)
		*limit_s = *run_s;
	if (*run_s > *limit_s) {
		cut++;
		chat("%s:%lu: longer than its estimate: cut", in->name,
		    in->line);
		*run_s = *limit_s;
	}
	return true;
}

void
clean_keep(const struct clean_times *when, const struct buf *members)
{
	struct kept *k;

	if (list_len == list_cap) {
		list_cap = list_cap ? list_cap * 2 : 4096;
		list = xrealloc(list, list_cap, sizeof(*list));
	}
	k = &list[list_len];
	*k = (struct kept){ *when, texts.len, members->len, list_len };
	if (buf_add(&texts, members->data, members->len) < 0)
		die(ST_TEMP, "out of memory");
	if (list_len > 0 && when->submit_at < k[-1].when.submit_at)
		mixed = true;
	list_len++;
}

static int
by_submit(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->when.submit_at != y->when.submit_at)
		return x->when.submit_at < y->when.submit_at ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

static void
write_kept(struct buf *b, const struct kept *k, size_t id, double shift)
{
	line_begin(b, "job");
	line_put(b, "job_id", (double)id);
	line_put(b, "submit_at", floor(k->when.submit_at) + shift);
	line_put_members(b, texts.data + k->text, k->len);
	if (k->when.start_at >= 0)
		line_put(b, "start_at", floor(k->when.start_at) + shift);
	if (k->when.start_at >= 0 && k->when.end_at >= 0)
		line_put(b, "end_at", floor(k->when.end_at) + shift);
	line_write(b);
}

void
clean_write(struct buf *b)
{
	double first;
	size_t i;

	if (mixed)
		qsort(list, list_len, sizeof(*list), by_submit);
	first = list_len > 0 ? floor(list[0].when.submit_at) : 0;
	for (i = 0; i < list_len; i++)
		write_kept(b, &list[i], i + 1, 1 - first);
	free(list);
	buf_release(&texts);
	if (no_run + no_procs + cut > 0)
		note("dropped %lu without a run time and %lu without "
		    "processors; cut %lu to their estimates (-v names them)",
		    no_run, no_procs, cut);
}
