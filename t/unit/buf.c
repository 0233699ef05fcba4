/*
 * buf.c - one buffer. "max N" makes it anew; "add TEXT", "addc C", "fmt N TEXT"
 * (TEXT after N zeros), "fill N", "reserve N", "drop N", "cut N", "release".
 * Prints what was returned (and errno's name), the length and the text.
 */
#include "buf.h"

#include <assert.h>
#include <errno.h>

#include "unit.h"

static int
fill(struct buf *b, size_t n)
{
	char *s = malloc(n + 1);
	int rc;

	assert(s != NULL);
	memset(s, 'x', n);
	rc = buf_add(b, s, n);
	free(s);
	return rc;
}

static int
change(struct buf *b, const char *what, char *rest)
{
	if (strcmp(what, "add") == 0)
		return buf_adds(b, rest);
	if (strcmp(what, "addc") == 0)
		return buf_addc(b, *rest);
	if (strcmp(what, "fill") == 0)
		return fill(b, (size_t)unit_num(&rest));
	if (strcmp(what, "reserve") == 0)
		return buf_reserve(b, (size_t)unit_num(&rest));
	if (strcmp(what, "fmt") == 0) {
		int n = (int)unit_num(&rest);

		return buf_addf(b, "%0*d%s", n, 0, rest);
	}
	if (strcmp(what, "drop") == 0)
		buf_drop(b, (size_t)unit_num(&rest));
	else if (strcmp(what, "cut") == 0)
		buf_cut(b, (size_t)unit_num(&rest));
	else if (strcmp(what, "release") == 0)
		buf_release(b);
	else if (strcmp(what, "max") == 0)
		buf_init(b, (size_t)unit_num(&rest));
	return 0;
}

int
main(void)
{
	struct buf b = BUF_INIT(0);
	char *line, *what;
	int rc;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (strcmp(what, "max") == 0)
			buf_release(&b);
		rc = change(&b, what, line);
		assert(b.len <= b.max && strlen(buf_str(&b)) == b.len);
		printf("%s %zu %.40s\n", rc == 0 ? "ok" :
		    strerrorname_np(errno), b.len, buf_str(&b));
	}
	buf_release(&b);
	return 0;
}
