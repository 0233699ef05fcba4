/*
 * flat-twin.h - the two readers of a record, lib/flat and the tree, beside each
 * other: what flat.c does with given lines, and fuzz-flat.c with any.
 */
#ifndef BERTH_FLAT_TWIN_H
#define BERTH_FLAT_TWIN_H

#include "flat.h"

#include <stdlib.h>
#include <string.h>

#include "nd.h"

/* One member beside the same one of the tree. */
static inline bool
twin_value(const struct flat_member *m, const json_t *v)
{
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
		return json_is_null(v);
	}
}

/* A number is written so that it reads as the same. */
static inline bool
twin_number(const struct flat_member *m)
{
	char text[FLAT_NUMBER_SIZE];

	return m->type != FLAT_REAL ||
	    strtod(flat_shortest(text, flat_real(m)), NULL) == flat_real(m);
}

/*
 * Member by member beside the tree (NULL: the line must be refused), which are
 * put into again. NULL, or what is not alike.
 */
static inline const char *
twin_walk(const char *line, size_t len, json_t *tree, struct buf *again)
{
	struct flat f;
	struct flat_member m;
	struct err e;
	void *at = json_object_iter(tree);
	const char *key;
	int got = flat_begin(&f, line, len, &e);

	while (got == 0 && (got = flat_next(&f, &m, &e)) > 0) {
		got = 0;
		if (!twin_number(&m))
			return "number";
		(void)flat_put_member(again, &m);
		if (tree == NULL)
			continue;	/* the fault is to come */
		key = at != NULL ? json_object_iter_key(at) : NULL;
		if (key == NULL ||
		    !twin_value(&m, json_object_iter_value(at)) ||
		    (m.key_len < FLAT_KEY_SIZE && !flat_is(&m, key)))
			return "member";
		at = json_object_iter_next(tree, at);
	}
	if (tree == NULL)
		return got == 0 ? "taken" : NULL;
	return got < 0 ? "refused" : at != NULL ? "members are missing" : NULL;
}

/*
 * Both readers on a line (line[len] is NUL), and what is written of it. NULL,
 * or how they differ; *taken says whether it is a record.
 */
static inline const char *
twin_line(const struct nd_in *in, const char *line, size_t len, bool *taken)
{
	struct buf again = BUF_INIT(2 * ND_LINE_MAX);
	json_t *tree = NULL, *twin;
	struct err e;
	const char *why;

	*taken = nd_parse(in, line, len, &tree, &e) == 0;
	(void)buf_addc(&again, '{');
	why = twin_walk(line, len, tree, &again);
	(void)buf_addc(&again, '}');
	if (tree != NULL) {
		twin = json_loadb(again.data, again.len, 0, NULL);
		if (why == NULL && !json_equal(tree, twin))
			why = "written";
		json_decref(twin);
	}
	buf_release(&again);
	json_decref(tree);
	return why;
}

/* Any bytes as a text: as flat_put_str and as jansson write them. */
static inline const char *
twin_text(const char *s, size_t len)
{
	struct buf b = BUF_INIT(16 * ND_LINE_MAX), want = b;
	json_t *rec = json_pack("{s:s%}", "k", s, len);
	const char *why = NULL;
	struct err e;

	if ((rec != NULL && strlen(s) >= len) != flat_utf8(s, len))
		why = "UTF-8";
	if (rec != NULL) {
		(void)buf_addc(&b, '{');
		(void)flat_put_str(&b, "k", s, len);
		(void)buf_adds(&b, "}\n");
		if (nd_dump(&want, rec, &e) < 0 ||
		    strcmp(buf_str(&b), buf_str(&want)) != 0)
			why = "text";
	}
	buf_release(&b);
	buf_release(&want);
	json_decref(rec);
	return why;
}

#endif
