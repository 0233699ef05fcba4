/*
 * flat.c - reads NDJSON on stdin with both readers, and says where they do not
 * agree: on taking a line, on its members, on what is written of them. With
 * "show", prints each member: TYPE KEY VALUE. With "mutate SEED N": N damaged
 * copies of each line. The last line counts: lines, taken, different.
 */
#include "flat-twin.h"

#include "rng.h"
#include "unit.h"

static struct { unsigned long lines, taken, different; } count;
static bool showing;

static void
differ(const char *line, size_t len, const char *why)
{
	count.different++;
	printf("%s: %.*s\n", why, (int)MIN(len, 300), line);
}

static void
show(const char *line, size_t len)
{
	struct flat f;
	struct flat_member m;
	struct err e;
	int got = flat_begin(&f, line, len, &e);

	while (got >= 0 && (got = flat_next(&f, &m, &e)) > 0)
		printf("%d %.*s %.*s\n", m.type, (int)m.key_len, m.key,
		    (int)m.text_len, m.text);
	if (got < 0)
		unit_err(&e);
}

static void
compare(const struct nd_in *in, const char *line, size_t len)
{
	const char *why;
	bool taken;

	if (showing)
		show(line, len);
	count.lines++;
	why = twin_line(in, line, len, &taken);
	if (why != NULL)
		differ(line, len, why);
	count.taken += taken;
	why = twin_text(line, len);
	if (why != NULL)
		differ(line, len, why);
}

static void
damage(struct rng *r, char *p, size_t *len)
{
	static const char bytes[] = "{}[]:,\"\\u0019-+.eEtfn \t\r\n/aD8\x80\xc3"
	    "\xed\xa0\xf0\x9f";
	size_t at = rng_below(r, (uint32_t)*len), to;

	switch (rng_below(r, 4)) {
	case 0:		/* another byte */
		p[at] = bytes[rng_below(r, sizeof(bytes))];
		break;
	case 1:		/* one less */
		memmove(p + at, p + at + 1, *len - at);
		--*len;
		break;
	case 2:		/* one more */
		memmove(p + at + 1, p + at, *len - at + 1);
		p[at] = bytes[rng_below(r, sizeof(bytes))];
		++*len;
		break;
	default:	/* a piece from elsewhere */
		to = rng_below(r, (uint32_t)*len);
		memmove(p + to, p + at, MIN(*len - MAX(at, to), 12));
	}
}

static void
mutate(struct rng *r, const struct nd_in *in, const char *line, size_t len,
    long n)
{
	char *copy = malloc(len + 9);
	size_t size;
	int k;

	for (; n > 0; n--) {
		memcpy(copy, line, len + 1);
		size = len;
		for (k = 1 + (int)rng_below(r, 4); k > 0 && size > 0; k--)
			damage(r, copy, &size);
		compare(in, copy, size);
	}
	free(copy);
}

int
main(int argc, char **argv)
{
	struct nd_in in;
	struct rng r;
	struct err e;
	char *line;
	size_t len;
	int got;

	showing = argc > 1 && strcmp(argv[1], "show") == 0;
	rng_seed(&r, argc > 3 ? strtoull(argv[2], NULL, 10) : 0);
	nd_open(&in, 0, "stdin");
	do {
		while ((got = nd_next(&in, &line, &len, &e)) > 0) {
			compare(&in, line, len);
			if (argc > 3)
				mutate(&r, &in, line, len,
				    strtol(argv[3], NULL, 10));
		}
	} while (nd_fill(&in, &e) > 0 || in.buf.len > in.start);
	nd_close(&in);
	printf("%lu lines, %lu taken, %lu different\n", count.lines,
	    count.taken, count.different);
	return fflush(stdout) != 0;
}
