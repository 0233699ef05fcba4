/*
 * flat.c - reads NDJSON on stdin with both readers, and says where they do not
 * agree: on taking a line, on its members, on what is written of them. With
 * "show", prints each member: TYPE KEY VALUE. With "mutate SEED N": N damaged
 * copies of each line. The last line counts: lines, taken, different.
 */
#include "flat.h"

#include <stdlib.h>

#include "nd.h"
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

/* One member beside the same one of the tree. */
static bool
same(const struct flat_member *m, const json_t *v)
{
	static const int types[] = {
		JSON_INTEGER, JSON_REAL, JSON_STRING, JSON_TRUE, JSON_NULL,
		JSON_OBJECT,
	};
	static char text[ND_LINE_MAX + 1];
	ssize_t n;

	switch (m->type) {
	case FLAT_INT:
		return json_is_integer(v) && json_integer_value(v) == m->num;
	case FLAT_REAL:
		return json_is_real(v) && json_real_value(v) == flat_real(m);
	case FLAT_STR:
		n = flat_str(m, text, sizeof(text));
		return json_is_string(v) && n >= 0 &&
		    (size_t)n == json_string_length(v) &&
		    memcmp(text, json_string_value(v), (size_t)n) == 0;
	case FLAT_BOOL:
		return json_is_boolean(v) && json_is_true(v) == m->num;
	case FLAT_TREE:
		return json_is_object(v) || json_is_array(v);
	default:
		return (int)json_typeof(v) == types[m->type];
	}
}

static void
show(const struct flat_member *m)
{
	printf("%d %.*s %.*s\n", m->type, (int)m->key_len, m->key,
	    (int)m->text_len, m->text);
}

/* 1: taken; 0: refused. The members must be those of the tree, if any. */
static bool
walk(const char *line, size_t len, json_t *tree, struct buf *again)
{
	struct flat f;
	struct flat_member m;
	struct err e;
	void *at = json_object_iter(tree);
	int got = flat_begin(&f, line, len, &e);

	if (got == 0)
		while ((got = flat_next(&f, &m, &e)) > 0) {
			if (showing)
				show(&m);
			if (tree != NULL && (at == NULL ||
			    !same(&m, json_object_iter_value(at)) ||
			    (m.key_len < FLAT_KEY_SIZE &&
			    !flat_is(&m, json_object_iter_key(at)))))
				differ(line, len, "member");
			at = tree ? json_object_iter_next(tree, at) : NULL;
			(void)flat_put_member(again, &m);
		}
	if (got < 0 && showing)
		unit_err(&e);
	if (got == 0 && tree != NULL && at != NULL)
		differ(line, len, "members are missing");
	return got == 0;
}

static void
compare(const struct nd_in *in, const char *line, size_t len)
{
	struct buf again = BUF_INIT(2 * ND_LINE_MAX);
	json_t *tree = NULL;
	struct err e;

	count.lines++;
	(void)nd_parse(in, line, len, &tree, &e);
	(void)buf_addc(&again, '{');
	if (walk(line, len, tree, &again) != (tree != NULL))
		differ(line, len, tree ? "refused" : "taken");
	count.taken += tree != NULL;
	(void)buf_addc(&again, '}');
	if (tree != NULL) {
		json_t *twin = json_loadb(again.data, again.len, 0, NULL);

		if (!json_equal(tree, twin))
			differ(line, len, "written");
		json_decref(twin);
	}
	buf_release(&again);
	json_decref(tree);
}

/* Texts of all bytes, as flat_put_str and as jansson write them. */
static void
write_text(const char *line, size_t len)
{
	struct buf b = BUF_INIT(16 * ND_LINE_MAX), want = b;
	json_t *rec = json_pack("{s:s%}", "k", line, len);
	struct err e;

	if ((rec != NULL && strlen(line) >= len) != flat_utf8(line, len))
		differ(line, len, "UTF-8");
	if (rec != NULL) {
		(void)buf_addc(&b, '{');
		(void)flat_put_str(&b, "k", line, len);
		(void)buf_adds(&b, "}\n");
		if (nd_dump(&want, rec, &e) < 0 ||
		    strcmp(buf_str(&b), buf_str(&want)) != 0)
			differ(line, len, "text");
	}
	buf_release(&b);
	buf_release(&want);
	json_decref(rec);
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
		write_text(copy, size);
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
			write_text(line, len);
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
