/*
 * chunks.c - HTTP/1.1 chunked bodies, walked and checked byte by byte.
 */
#include "chunks.h"

#include "http.h"

enum {
	SIZE,		/* hex digits */
	BLANK,		/* after them: blanks, which only a ';' may follow */
	EXT,		/* an extension */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	LINE,		/* start of a trailer line, or the last CR */
	NAME,		/* a trailer's name */
	VALUE,
	VALUE_LF,
	LAST_LF,
	DONE,
};

void
chunks_init(struct chunks *c, bool data_only)
{
	*c = (struct chunks){ .state = SIZE, .data_only = data_only };
}

static int
hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if ((ch | 32) >= 'a' && (ch | 32) <= 'f')
		return (ch | 32) - 'a' + 10;
	return -1;
}

/* The size line: 15 digits are 2^60, more than any body has. */
static int
size_byte(struct chunks *c, char ch)
{
	int digit = hex(ch);

	if (c->state == SIZE && digit >= 0) {
		if (++c->digits > 15)
			return -1;
		c->left = c->left * 16 + (uint64_t)digit;
	} else if (c->digits == 0) {
		return -1;
	} else if (ch == '\r' && c->state != BLANK) {
		c->state = SIZE_LF;
	} else if (c->state != EXT && ch == ';') {
		c->state = EXT;
	} else if (c->state != EXT && (ch == ' ' || ch == '\t')) {
		c->state = BLANK;
	} else if (c->state != EXT) {
		return -1;
	} else if (!http_value_char(ch)) {
		return -1;
	}
	if ((c->state == EXT || c->state == BLANK) &&
	    ++c->extra > CHUNKS_EXTRA_MAX)
		return -1;
	return 0;
}

static int
trailer_byte(struct chunks *c, char ch)
{
	bool token = http_token_char(ch);

	if (++c->extra > CHUNKS_EXTRA_MAX)
		return -1;
	if (c->state == LINE && ch == '\r')
		c->state = LAST_LF;
	else if (c->state == LINE && token)
		c->state = NAME;
	else if (c->state == NAME && ch == ':')
		c->state = VALUE;
	else if (c->state == VALUE && ch == '\r')
		c->state = VALUE_LF;
	else if (c->state == NAME ? !token :
	    c->state != VALUE || !http_value_char(ch))
		return -1;
	return 0;
}

/* One byte outside of chunk data. */
static int
step(struct chunks *c, char ch)
{
	switch (c->state) {
	case SIZE:
	case BLANK:
	case EXT:
		return size_byte(c, ch);
	case SIZE_LF:
		c->state = c->left > 0 ? DATA : LINE;
		c->extra = 0;
		return ch == '\n' ? 0 : -1;
	case DATA_CR:
		c->state = DATA_LF;
		return ch == '\r' ? 0 : -1;
	case DATA_LF:
		chunks_init(c, c->data_only);
		return ch == '\n' ? 0 : -1;
	case VALUE_LF:
		c->state = LINE;
		return ch == '\n' ? 0 : -1;
	case LAST_LF:
		c->state = DONE;
		return ch == '\n' ? 0 : -1;
	default:
		return trailer_byte(c, ch);
	}
}

static bool
in_extension(const struct chunks *c)
{
	return c->state == EXT || c->state == BLANK;
}

/* Drops an extension up to its CR. Returns how many bytes; -1. */
static ssize_t
skip_extension(struct chunks *c, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len && p[i] != '\r'; i++)
		if (step(c, p[i]) < 0)
			return -1;
	return (ssize_t)i;
}

/* Some bytes of chunk data, or one byte of what is around it. 0; -1. */
static int
advance(struct chunks *c, const char *p, size_t len, size_t *i)
{
	size_t n;

	if (c->state != DATA)
		return step(c, p[(*i)++]);
	n = (size_t)MIN(c->left, len - *i);
	c->left -= n;
	*i += n;
	if (c->left == 0)
		c->state = DATA_CR;
	return 0;
}

/* As they are, but for the extensions. */
static ssize_t
walk_all(struct chunks *c, const char *p, size_t len, size_t *pass)
{
	size_t i = 0;
	ssize_t n;

	if (in_extension(c)) {
		if (p[0] != '\r')
			return skip_extension(c, p, len);
		if (step(c, p[i++]) < 0)
			return -1;
	}
	while (i < len && c->state != DONE && !in_extension(c))
		if (advance(c, p, len, &i) < 0)
			return -1;
	*pass = i - in_extension(c);
	if (!in_extension(c))
		return (ssize_t)i;
	n = skip_extension(c, p + i, len - i);
	return n < 0 ? -1 : (ssize_t)i + n;
}

/* The data alone. */
static ssize_t
walk_data(struct chunks *c, const char *p, size_t len, size_t *pass)
{
	bool data = c->state == DATA;
	size_t i = 0;

	while (i < len && c->state != DONE && (c->state == DATA) == data)
		if (advance(c, p, len, &i) < 0)
			return -1;
	*pass = data ? i : 0;
	return (ssize_t)i;
}

ssize_t
chunks_walk(struct chunks *c, const char *p, size_t len,
    size_t *pass, bool *done)
{
	ssize_t n = 0;

	*pass = 0;
	if (len > 0)
		n = c->data_only ? walk_data(c, p, len, pass) :
		    walk_all(c, p, len, pass);
	*done = c->state == DONE;
	return n;
}
