/*
 * flat.c - one JSON object without a tree.
 *
 * Whatever is rare (a nested value, more members than FLAT_KEYS_MAX) is handed
 * to jansson, so that both readers agree on it by themselves.
 */
#include "flat.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
bad(const struct flat *f, const char *what, struct err *e)
{
	return err_perm(e, "column %zu: %s", (size_t)(f->p - f->line) + 1,
	    what);
}

static void
skip_blanks(struct flat *f)
{
	while (*f->p == ' ' || *f->p == '\t' || *f->p == '\n' || *f->p == '\r')
		f->p++;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- texts ---- */

/* Bytes of the sound UTF-8 sequence at p, which is not ASCII; 0: none is. */
static size_t
utf8_len(const unsigned char *p, const unsigned char *end)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	uint32_t c;

	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if (*p >= 0xe0 && *p <= 0xef)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	else
		return 0;
	if ((size_t)(end - p) < n)
		return 0;
	c = *p & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

bool
flat_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	size_t n;

	for (; p < end; p += n) {
		n = *p < 0x80 ? *p != '\0' : utf8_len(p, end);
		if (n == 0)
			return false;
	}
	return true;
}

/* Four hex digits, or -1; never past the NUL behind the line. */
static int
hex4(const char *p)
{
	int n = 0, i, c;

	for (i = 0; i < 4; i++) {
		c = p[i] | 0x20;
		if (is_digit(p[i]))
			n = n * 16 + p[i] - '0';
		else if (c >= 'a' && c <= 'f')
			n = n * 16 + c - 'a' + 10;
		else
			return -1;
	}
	return n;
}

/* What an escape at p, behind its backslash, means; -1: it is none. */
static int32_t
escape(const char **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int high, low;

	if (**p == '\0')
		return -1;
	at = strchr(from, **p);
	if (at != NULL) {
		++*p;
		return to[at - from];
	}
	high = **p == 'u' ? hex4(*p + 1) : -1;
	if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	*p += 5;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	low = (*p)[0] == '\\' && (*p)[1] == 'u' ? hex4(*p + 2) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*p += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* A text whose quote is at f->p: its inside. *escaped: it has escapes. */
static int
scan_text(struct flat *f, const char **text, size_t *len, bool *escaped,
    struct err *e)
{
	const char *p = f->p + 1;
	size_t n;

	*text = p;
	*escaped = false;
	while (*p != '"') {
		n = 1;
		if (*p == '\\') {
			*escaped = true;
			p++;
			n = 0;
			if (escape(&p) < 0)
				goto wrong;
		} else if ((unsigned char)*p < ' ') {
			goto wrong;
		} else if ((unsigned char)*p >= 0x80) {
			n = utf8_len((const unsigned char *)p,
			    (const unsigned char *)f->end);
			if (n == 0)
				goto wrong;
		}
		p += n;
	}
	*len = (size_t)(p - *text);
	f->p = p + 1;
	return 0;
wrong:
	f->p = p;
	return bad(f, p >= f->end ? "the line ends in a text" :
	    "not allowed in a text", e);
}

/* Writes c as UTF-8; returns its bytes, at most 4. */
static size_t
put_utf8(char *out, int32_t c)
{
	static const int32_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	for (i = n; i > 1; i--) {
		out[i - 1] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(lead[n > 1 ? n : 0] | c);
	return n;
}

/* Undoes the escapes of a sound text. Its length, or -1: no room. */
static ssize_t
unescape(const char *s, size_t len, char *out, size_t size)
{
	const char *end = s + len;
	size_t n = 0, k;
	char one[4];

	while (s < end) {
		k = 1;
		if (*s != '\\') {
			one[0] = *s++;
		} else {
			s++;
			k = put_utf8(one, escape(&s));
		}
		if (size - n <= k)
			return -1;
		memcpy(out + n, one, k);
		n += k;
	}
	if (size == 0)
		return -1;
	out[n] = '\0';
	return (ssize_t)n;
}

ssize_t
flat_str(const struct flat_member *m, char *out, size_t size)
{
	return unescape(m->text, m->text_len, out, size);
}

/* ---- keys ---- */

/* What the tree says of the whole line: of keys that are there twice. */
static int
ask_tree(struct flat *f, struct err *e)
{
	json_error_t je;
	json_t *rec = json_loadb(f->line, (size_t)(f->end - f->line),
	    JSON_REJECT_DUPLICATES, &je);

	if (rec == NULL)
		return err_perm(e, "column %d: %s", je.column, je.text);
	json_decref(rec);
	f->unique = true;
	return 0;
}

/* Few keys: comparing a hash with all is quicker than any table. */
static int
check_key(struct flat *f, const char *key, size_t len, bool escaped,
    struct err *e)
{
	uint32_t hash = (uint32_t)len;
	size_t i;
	int k;

	if (f->unique)
		return 0;
	if (escaped || f->keys_len == FLAT_KEYS_MAX)
		return ask_tree(f, e);
	for (i = 0; i < len; i++)
		hash = hash * 31 + (unsigned char)key[i];
	for (k = 0; k < f->keys_len; k++)
		if (f->hashes[k] == hash && f->lens[k] == len &&
		    memcmp(f->keys[k], key, len) == 0)
			return bad(f, "a key is there twice", e);
	f->hashes[k] = hash;
	f->lens[k] = (uint32_t)len;
	f->keys[k] = key;
	f->keys_len++;
	return 0;
}

static int
read_key(struct flat *f, struct flat_member *m, struct err *e)
{
	bool escaped;
	ssize_t n;

	if (*f->p != '"')
		return bad(f, "a key is due", e);
	if (scan_text(f, &m->key, &m->key_len, &escaped, e) < 0 ||
	    check_key(f, m->key, m->key_len, escaped, e) < 0)
		return -1;
	m->raw_key = m->key;
	m->raw_key_len = m->key_len;
	n = escaped ? unescape(m->key, m->key_len, f->key,
	    sizeof(f->key)) : -1;
	if (n >= 0) {
		m->key = f->key;
		m->key_len = (size_t)n;
	}
	skip_blanks(f);
	if (*f->p != ':')
		return bad(f, "a colon is due", e);
	f->p++;
	skip_blanks(f);
	return 0;
}

bool
flat_is(const struct flat_member *m, const char *key)
{
	return strlen(key) == m->key_len &&
	    memcmp(m->key, key, m->key_len) == 0;
}

/* ---- values ---- */

static const char *
skip_digits(const char *p)
{
	while (is_digit(*p))
		p++;
	return p;
}

/* Behind an integer part at f->p: fraction and exponent. */
static int
read_real(struct flat *f, struct flat_member *m, struct err *e)
{
	const char *p = f->p;

	if (*p == '.') {
		if (!is_digit(p[1]))
			return bad(f, "a fraction has no digits", e);
		p = skip_digits(p + 1);
	}
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (!is_digit(*p))
			return bad(f, "an exponent has no digits", e);
		p = skip_digits(p);
	}
	f->p = p;
	m->type = FLAT_REAL;
	if (isinf(strtod(m->text, NULL)))
		return bad(f, "a number is too large", e);
	return 0;
}

static int
read_number(struct flat *f, struct flat_member *m, struct err *e)
{
	bool minus = *f->p == '-', over = false;
	const char *p = f->p + minus;
	int64_t n = 0;

	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		return bad(f, "not a number", e);
	for (; is_digit(*p); p++)	/* downwards: INT64_MIN has no twin */
		over |= __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, *p - '0', &n);
	f->p = p;
	if (*p == '.' || *p == 'e' || *p == 'E')
		return read_real(f, m, e);
	if (over || (!minus && n == INT64_MIN))
		return bad(f, "an integer is too large", e);
	m->type = FLAT_INT;
	m->num = minus ? n : -n;
	return 0;
}

static int
read_word(struct flat *f, struct flat_member *m, struct err *e)
{
	static const struct { const char *word; int type, num; } words[] = {
		{ "true", FLAT_BOOL, 1 }, { "false", FLAT_BOOL, 0 },
		{ "null", FLAT_NULL, 0 },
	};
	size_t i, len;

	for (i = 0; i < ARRAY_LEN(words); i++) {
		len = strlen(words[i].word);
		if (strncmp(f->p, words[i].word, len) != 0)
			continue;
		f->p += len;
		m->type = words[i].type;
		m->num = words[i].num;
		return 0;
	}
	return bad(f, "a value is due", e);
}

/* Behind the bracket that closes the one at p, in a sound line. */
static const char *
tree_end(const char *p, const char *end)
{
	size_t depth = 0;
	bool inside = false;

	for (; p < end && *p != '\0'; p++) {
		if (inside && *p == '\\')
			p++;
		else if (*p == '"')
			inside = !inside;
		else if (!inside && (*p == '{' || *p == '['))
			depth++;
		else if (!inside && (*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/* Put into a list, it has the depth that it has in the line. */
static int
read_tree(struct flat *f, struct flat_member *m, struct err *e)
{
	const char *end = tree_end(f->p, f->end);
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	json_error_t je;
	json_t *tree;

	if (end == NULL)
		return bad(f, "the line ends in a value", e);
	if (buf_addc(&b, '[') < 0 ||
	    buf_add(&b, f->p, (size_t)(end - f->p)) < 0 ||
	    buf_addc(&b, ']') < 0) {
		buf_release(&b);
		return err_temp(e, "out of memory");
	}
	tree = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, &je);
	buf_release(&b);
	if (tree == NULL)
		return bad(f, je.text, e);
	json_decref(tree);
	f->p = end;
	m->type = FLAT_TREE;
	return 0;
}

static int
read_value(struct flat *f, struct flat_member *m, struct err *e)
{
	bool escaped;

	m->num = 0;
	m->text = f->p;
	if (*f->p == '"') {
		m->type = FLAT_STR;
		return scan_text(f, &m->text, &m->text_len, &escaped, e);
	}
	if ((is_digit(*f->p) || *f->p == '-' ? read_number(f, m, e) :
	    *f->p == '{' || *f->p == '[' ? read_tree(f, m, e) :
	    read_word(f, m, e)) < 0)
		return -1;
	m->text_len = (size_t)(f->p - m->text);
	return 0;
}

double
flat_real(const struct flat_member *m)
{
	return m->type == FLAT_INT ? (double)m->num : strtod(m->text, NULL);
}

/* ---- the line ---- */

int
flat_begin(struct flat *f, const char *line, size_t len, struct err *e)
{
	f->line = f->p = line;
	f->end = line + len;
	f->first = true;
	f->unique = false;
	f->keys_len = 0;
	skip_blanks(f);
	if (*f->p != '{')
		return bad(f, "not a JSON object", e);
	f->p++;
	return 0;
}

static int
finish(struct flat *f, struct err *e)
{
	f->p++;
	skip_blanks(f);
	return f->p == f->end ? 0 : bad(f, "more behind the object", e);
}

int
flat_next(struct flat *f, struct flat_member *m, struct err *e)
{
	skip_blanks(f);
	if (*f->p == '}')
		return finish(f, e);
	if (!f->first) {
		if (*f->p != ',')
			return bad(f, "a comma is due", e);
		f->p++;
		skip_blanks(f);
	}
	f->first = false;
	if (read_key(f, m, e) < 0 || read_value(f, m, e) < 0)
		return -1;
	return 1;
}

/* ---- writing ---- */

static int
put_key(struct buf *b, const char *key, size_t len)
{
	bool comma = b->len > 0 && b->data[b->len - 1] != '{';
	size_t at = b->len;

	if (buf_reserve(b, len + 4) < 0)
		return -1;
	if (comma)
		b->data[at++] = ',';
	b->data[at++] = '"';
	memcpy(b->data + at, key, len);
	at += len;
	b->data[at++] = '"';
	b->data[at++] = ':';
	b->data[at] = '\0';
	b->len = at;
	return 0;
}

int
flat_put_int(struct buf *b, const char *key, int64_t value)
{
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[20], *p = text + sizeof(text);

	if (put_key(b, key, strlen(key)) < 0)
		return -1;
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	if (value < 0)
		*--p = '-';
	return buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

int
flat_put_raw(struct buf *b, const char *key, const char *s, size_t len)
{
	if (put_key(b, key, strlen(key)) < 0)
		return -1;
	return buf_add(b, s, len);
}

const char *
flat_shortest(char text[FLAT_NUMBER_SIZE], double value)
{
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, FLAT_NUMBER_SIZE, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

int
flat_put_number(struct buf *b, const char *key, double value)
{
	char text[FLAT_NUMBER_SIZE];

	if (value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
	    value == (double)(int64_t)value)
		return flat_put_int(b, key, (int64_t)value);
	(void)flat_shortest(text, value);
	return flat_put_raw(b, key, text, strlen(text));
}

/* As jansson writes them: \n and the like, else \u and capitals. */
static int
put_escaped(struct buf *b, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = strchr(from, c);

	if (c == '\0' || at == NULL)
		return buf_addf(b, "\\u%04X", (unsigned char)c);
	return buf_addc(b, '\\') < 0 ? -1 : buf_addc(b, to[at - from]);
}

int
flat_put_str(struct buf *b, const char *key, const char *s, size_t len)
{
	size_t i, n;

	if (put_key(b, key, strlen(key)) < 0 || buf_addc(b, '"') < 0)
		return -1;
	for (i = 0; i < len; i += n) {
		for (n = 0; i + n < len && s[i + n] != '"' &&
		    s[i + n] != '\\' && (unsigned char)s[i + n] >= ' '; n++)
			;
		if (buf_add(b, s + i, n) < 0)
			return -1;
		if (i + n < len && put_escaped(b, s[i + n++]) < 0)
			return -1;
	}
	return buf_addc(b, '"');
}

int
flat_put_member(struct buf *b, const struct flat_member *m)
{
	size_t quote = m->type == FLAT_STR;

	if (put_key(b, m->raw_key, m->raw_key_len) < 0)
		return -1;
	return buf_add(b, m->text - quote, m->text_len + 2 * quote);
}
