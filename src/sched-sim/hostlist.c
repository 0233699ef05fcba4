/*
 * hostlist.c - many names in one word, as Slurm writes them: n[1-4,7],m1. One
 * pair of brackets a name; the digits keep their leading zeros.
 */
#include "cluster.h"

#include <ctype.h>
#include <string.h>

enum { DIGITS_MAX = 9 };

/* The number at *s, moved past it; -1: there is none. *width: its digits. */
static int64_t
number(const char **s, int *width)
{
	int64_t n = 0;

	*width = 0;
	while (isdigit((unsigned char)**s)) {
		if (++*width > DIGITS_MAX)
			return -1;
		n = n * 10 + (*(*s)++ - '0');
	}
	return *width == 0 ? -1 : n;
}

struct each {
	int (*add)(void *to, const char *name, struct err *e);
	void *to;
	const char *head, *tail;	/* of the name, around the brackets */
	int head_len, tail_len;
	int64_t count;
};

static int
one_name(struct each *h, int width, int64_t n, struct err *e)
{
	struct buf name = BUF_INIT(NAME_SIZE - 1);
	int got = 0;

	if (h->count++ == NODES_MAX)
		return err_perm(e, "more than %d names", NODES_MAX);
	if (buf_add(&name, h->head, (size_t)h->head_len) < 0 ||
	    (width > 0 &&
	    buf_addf(&name, "%0*lld", width, (long long)n) < 0) ||
	    buf_add(&name, h->tail, (size_t)h->tail_len) < 0)
		got = err_perm(e, "a name is longer than %d bytes",
		    NAME_SIZE - 1);
	else
		got = h->add(h->to, buf_str(&name), e);
	buf_release(&name);
	return got;
}

/* "1-4,7", up to the bracket that closes it. */
static int
one_range(struct each *h, const char *s, struct err *e)
{
	int64_t n, last;
	int width, other;

	for (;;) {
		n = last = number(&s, &width);
		if (n >= 0 && *s == '-') {
			s++;
			last = number(&s, &other);
		}
		if (n < 0 || last < n || (*s != ',' && *s != ']'))
			return err_perm(e, "cannot be read at '%s'", s);
		for (; n <= last; n++)
			if (one_name(h, width, n, e) < 0)
				return -1;
		if (*s++ == ']')
			return 0;
	}
}

/* From s to before end: a name, with brackets or without. */
static int
one_word(struct each *h, const char *s, const char *end, struct err *e)
{
	const char *open = memchr(s, '[', (size_t)(end - s));
	const char *close = open ? memchr(open, ']', (size_t)(end - open)) :
	    NULL;

	if (s == end || (open != NULL && close == NULL))
		return err_perm(e, "a name is missing, or a bracket");
	h->head = s;
	h->head_len = (int)((open ? open : end) - s);
	h->tail = close ? close + 1 : end;
	h->tail_len = (int)(end - h->tail);
	if (memchr(h->tail, '[', (size_t)h->tail_len) != NULL)
		return err_perm(e, "two pairs of brackets in one name");
	return open ? one_range(h, open + 1, e) : one_name(h, 0, 0, e);
}

int64_t
hostlist_each(const char *text,
    int (*add)(void *to, const char *name, struct err *e), void *to,
    struct err *e)
{
	struct each h = { .add = add, .to = to };
	const char *s = text, *p;
	bool inside = false;

	for (p = text;; p++) {
		if (*p == '\0' || (*p == ',' && !inside)) {
			if (one_word(&h, s, p, e) < 0)
				return err_prefix(e, "'%s'", text);
			s = p + 1;
		}
		if (*p == '\0')
			return h.count;
		if (*p == '[' || *p == ']')
			inside = *p == '[';
	}
}

/* ---- and back ---- */

/* Where the digits at the end of a name begin. */
static int
digits_at(const char *name)
{
	int len = (int)strlen(name), i = len;

	while (i > 0 && len - i < DIGITS_MAX &&
	    isdigit((unsigned char)name[i - 1]))
		i--;
	return i;
}

/* Whether b is the name that follows a: its number is one more. */
static bool
follows(const char *a, const char *b)
{
	int at = digits_at(a), x, y;
	const char *p = a + at, *q = b + at;
	int64_t n, m;

	if (strlen(a) != strlen(b) || digits_at(b) != at ||
	    memcmp(a, b, (size_t)at) != 0)
		return false;
	n = number(&p, &x);
	m = number(&q, &y);
	return n >= 0 && m == n + 1;
}

/* Whether both belong into one pair of brackets. */
static bool
alike(const char *a, const char *b)
{
	int at = digits_at(a);

	return a[at] != '\0' && digits_at(b) == at && b[at] != '\0' &&
	    memcmp(a, b, (size_t)at) == 0;
}

static int
write_ranges(struct buf *b, const char *const *names, int32_t len)
{
	int32_t i, first = 0;
	int at = digits_at(names[0]);

	for (i = 1; i <= len; i++) {
		if (i < len && follows(names[i - 1], names[i]))
			continue;
		if ((first > 0 && buf_addc(b, ',') < 0) ||
		    buf_adds(b, names[first] + at) < 0 ||
		    (i - 1 > first && (buf_addc(b, '-') < 0 ||
		    buf_adds(b, names[i - 1] + at) < 0)))
			return -1;
		first = i;
	}
	return 0;
}

static int
write_group(struct buf *b, const char *const *names, int32_t len)
{
	if (len == 1)
		return buf_adds(b, names[0]);
	if (buf_add(b, names[0], (size_t)digits_at(names[0])) < 0 ||
	    buf_addc(b, '[') < 0 || write_ranges(b, names, len) < 0)
		return -1;
	return buf_addc(b, ']');
}

int
hostlist_write(struct buf *b, const struct cluster *c,
    const struct part *parts, int32_t len)
{
	enum { GROUP_MAX = 1024 };
	const char *names[GROUP_MAX];
	int32_t i, n;

	for (i = 0; i < len; i += n) {
		for (n = 0; i + n < len && n < GROUP_MAX; n++) {
			names[n] = c->nodes[parts[i + n].node].name;
			if (n > 0 && !alike(names[0], names[n]))
				break;
		}
		if ((i > 0 && buf_addc(b, ',') < 0) ||
		    write_group(b, names, n) < 0)
			return -1;
	}
	return 0;
}
