/*
 * csv.c - tables as RFC 4180 has them: names in the first line, fields in
 * quotes where they hold a comma or a quote. A field never goes over a line.
 */
#include "trace.h"

#include <string.h>

#include "die.h"

/* Where each known column of a table is in a row; -1: it is not there. */
struct layout {
	const struct csv_table *table;
	size_t columns;
	int at[CSV_KNOWN_MAX];
};

/* Behind the quote that ends the text at p; NULL: it does not end here. */
static const char *
behind_quote(const char *p)
{
	for (; (p = strchr(p, '"')) != NULL; p += 2)
		if (p[1] != '"')
			return p + 1;
	return NULL;
}

/* Whether a field in quotes goes on in the next line. */
static bool
is_open(const char *p)
{
	do
		if (*p == '"' && (p = behind_quote(p + 1)) == NULL)
			return true;
	while ((p = strchr(p, ',')) != NULL && *++p != '\0');
	return false;
}

/* What follows is text of the odd row that began it, and no row. */
static void
skip_text(struct nd_in *in)
{
	unsigned long from = in->line;
	char *line;
	size_t len;

	while (line_next(in, &line, &len))
		if (behind_quote(line) != NULL)
			return;
	die(ST_PERM, "%s:%lu: a quote is never closed", in->name, from);
}

/* One field, undone in place; *p goes on behind it. */
static int
take_field(char **p, char **out, struct err *e)
{
	char *from = *p, *to;

	if (*from != '"') {
		*out = from;
		*p = from + strcspn(from, ",");
		if (memchr(from, '"', (size_t)(*p - from)) != NULL)
			return err_perm(e, "a quote within a field that does "
			    "not begin with one");
		return 0;
	}
	*out = to = ++from;
	for (;;) {
		if (*from == '\0')
			return err_perm(e, "a quote is not closed in its "
			    "line");
		if (*from == '"' && *++from != '"')
			break;
		*to++ = *from++;
	}
	if (*from != ',' && *from != '\0')
		return err_perm(e, "text behind a field in quotes");
	*to = '\0';
	*p = from;
	return 0;
}

/* The number of fields, which may exceed max; -1 and *e. */
static int
split(char *line, char **fields, int max, struct err *e)
{
	char *p = line, end;
	int n = 0;

	do {
		if (take_field(&p, &fields[MIN(n, max - 1)], e) < 0)
			return -1;
		n++;
		end = *p;
		*p++ = '\0';
	} while (end == ',');
	return n;
}

/* Two columns of one name: which of them counts, nobody knows. */
static int
unlike(char **fields, int n, struct err *e)
{
	int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < i; k++)
			if (*fields[i] != '\0' &&
			    strcmp(fields[i], fields[k]) == 0)
				return err_perm(e, "the first line names '%s' "
				    "twice", fields[i]);
	return 0;
}

/* The name of a column that the table must have and that is not there. */
static const char *
missing(struct layout *l, const struct csv_table *t, char **fields, int n)
{
	size_t k;
	int i;

	l->table = t;
	l->columns = (size_t)n;
	for (k = 0; k < t->len; k++) {
		l->at[k] = -1;
		for (i = 0; i < n; i++)
			if (strcmp(fields[i], t->columns[k].name) == 0)
				l->at[k] = i;
		if (l->at[k] < 0 && t->columns[k].always)
			return t->columns[k].name;
	}
	return NULL;
}

static int
read_names(struct layout *l, const struct csv_table *tables, size_t len,
    char *line, struct err *e)
{
	char *fields[CSV_COLUMNS_MAX];
	size_t k;
	int n;

	n = split(line, fields, CSV_COLUMNS_MAX, e);
	if (n < 0)
		return -1;
	if (n > CSV_COLUMNS_MAX)
		return err_perm(e, "more than %d columns", CSV_COLUMNS_MAX);
	if (unlike(fields, n, e) < 0)
		return -1;
	for (k = 0; k < len; k++)
		if (missing(l, &tables[k], fields, n) == NULL)
			return 0;
	return err_perm(e, "the first line does not name the columns of such "
	    "a log: there is no '%s'", missing(l, tables, fields, n));
}

/* What such tables write where they know nothing. */
static bool
is_none(const struct csv_column *c, const char *s)
{
	static const char *const none[] = {
		"", "nan", "NaN", "None", "NaT", "NULL", "Unknown",
	};
	size_t i, len = c->type == CSV_TEXT ? 3 : ARRAY_LEN(none);

	for (i = 0; i < len; i++)
		if (strcmp(s, none[i]) == 0)
			return true;
	return false;
}

static int
take_value(struct job *j, const struct csv_column *c, char *s, struct err *e)
{
	if (is_none(c, s))
		return 0;
	switch (c->type) {
	case CSV_TEXT:
		j->t[c->to] = s;
		return 0;
	case CSV_TIME:
		return line_time(s, &j->n[c->to]) == 0 ? 0 : err_perm(e,
		    "%s: '%s' is not a time like 2024-05-06 07:08:09",
		    c->name, s);
	case CSV_NUMBER:
		return line_number(s, &j->n[c->to]) == 0 ? 0 : err_perm(e,
		    "%s: '%s' is neither -1 nor a number of 0 to 2^53",
		    c->name, s);
	default:
		return line_whole(s, &j->n[c->to]) == 0 ? 0 : err_perm(e,
		    "%s: '%s' is not a whole number of 0 to 2^53", c->name,
		    s);
	}
}

static int
read_row(const struct layout *l, struct job *j, char *line, size_t len,
    struct err *e)
{
	char *fields[CSV_COLUMNS_MAX];
	size_t k;
	int n;

	if (!flat_utf8(line, len))
		return err_perm(e, "this row is not UTF-8");
	n = split(line, fields, CSV_COLUMNS_MAX, e);
	if (n < 0)
		return -1;
	if ((size_t)n != l->columns)
		return err_perm(e, "%d fields where the first line has %zu",
		    n, l->columns);
	job_clear(j);
	for (k = 0; k < l->table->len; k++)
		if (l->at[k] >= 0 && take_value(j, &l->table->columns[k],
		    fields[l->at[k]], e) < 0)
			return -1;
	return 0;
}

void
csv_read(struct nd_in *in, const struct csv_table *tables, size_t tables_len)
{
	struct buf b = BUF_INIT(8 * ND_LINE_MAX);
	struct layout l = { 0 };
	struct job j;
	struct err e;
	char *line;
	size_t len;
	bool open;

	if (!line_next(in, &line, &len))
		return;
	if (read_names(&l, tables, tables_len, line, &e) < 0)
		die(ST_PERM, "%s:%lu: %s", in->name, in->line, e.text);
	while (line_next(in, &line, &len)) {
		open = is_open(line);
		if (read_row(&l, &j, line, len, &e) < 0 ||
		    l.table->row(&b, &j, in, &e) < 0) {
			line_odd(in, &e);
			if (open)
				skip_text(in);
		}
	}
	clean_write(&b);
	buf_release(&b);
}
