/*
 * flat.h - one JSON object, member by member, without a tree: for streams of a
 * million records. It takes and refuses exactly the lines that nd_parse takes
 * and refuses; and it writes members as nd_dump would.
 */
#ifndef BERTH_FLAT_H
#define BERTH_FLAT_H

#include "buf.h"
#include "err.h"

enum { FLAT_INT, FLAT_REAL, FLAT_STR, FLAT_BOOL, FLAT_NULL, FLAT_TREE };

enum { FLAT_KEYS_MAX = 48, FLAT_KEY_SIZE = 64 };

/* Where the reading of a line stands. Nothing is allocated, or to release. */
struct flat {
	const char *line, *p, *end;
	bool first;		/* no member has been read */
	bool unique;		/* keys need no comparing: the tree was asked */
	int keys_len;
	uint32_t hashes[FLAT_KEYS_MAX];
	const char *keys[FLAT_KEYS_MAX];	/* as written */
	uint32_t lens[FLAT_KEYS_MAX];
	char key[FLAT_KEY_SIZE];	/* the last one, if it had escapes */
};

struct flat_member {
	const char *key;	/* escapes undone, unless it is very long */
	size_t key_len;
	const char *raw_key;	/* as written */
	size_t raw_key_len;
	int type;
	int64_t num;		/* of FLAT_INT; 0 or 1 of FLAT_BOOL */
	const char *text;	/* the value as written; a text's inside */
	size_t text_len;
};

/*
 * Begins a line of len bytes; line[len] must be NUL, as nd_next gives it. The
 * line stays the caller's, and members borrow from it. 0; -1 and *e.
 */
int flat_begin(struct flat *f, const char *line, size_t len, struct err *e);

/* The next member: 1; 0: that was all, and the line is sound; -1 and *e. */
int flat_next(struct flat *f, struct flat_member *m, struct err *e);

/* Whether the member is called so. */
bool flat_is(const struct flat_member *m, const char *key);

/*
 * The value of a FLAT_STR with its escapes undone, and NUL-ended. Returns its
 * length; -1 if it needs more than size bytes.
 */
ssize_t flat_str(const struct flat_member *m, char *out, size_t size);

/* The value of a FLAT_REAL or FLAT_INT. */
double flat_real(const struct flat_member *m);

/*
 * These write: a comma where one is due, key and value. The caller writes the
 * braces. 0; -1 with errno of buf.h. Keys are plain.
 */
int flat_put_int(struct buf *b, const char *key, int64_t value);
int flat_put_str(struct buf *b, const char *key, const char *s, size_t len);

/* The same for a value that is JSON already: a number, a member's own text. */
int flat_put_raw(struct buf *b, const char *key, const char *s, size_t len);

/* Whole numbers up to 2^53 as integers, others as flat_shortest writes them. */
int flat_put_number(struct buf *b, const char *key, double value);

/* The shortest text that reads as value, which is finite; returns it. */
enum { FLAT_NUMBER_SIZE = 32 };
const char *flat_shortest(char text[FLAT_NUMBER_SIZE], double value);

/* A member as it was read. */
int flat_put_member(struct buf *b, const struct flat_member *m);

/* Whether s is sound UTF-8 without NUL, as a text of JSON must be. */
bool flat_utf8(const char *s, size_t len);

#endif
