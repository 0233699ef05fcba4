/*
 * nd.c - reads NDJSON on stdin as a filter does (nd_read), or with "poll" as a
 * daemon does (poll, nd_fill, nd_next, nd_parse). Prints "LINE JSON", or
 * "LINE N bytes" for what is long, or the error. With "write": nd_write.
 * "read" reads stdin with O_NONBLOCK set, as another process may have left it.
 */
#include "nd.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "unit.h"

static bool writing;

static void
show(struct nd_in *in, json_t *rec)
{
	struct buf b = BUF_INIT(2 * ND_LINE_MAX);
	struct err e;

	if (writing) {
		if (nd_write(rec, &e) < 0)
			unit_err(&e);
		return;
	}
	if (nd_dump(&b, rec, &e) < 0)
		unit_err(&e);
	else if (b.len > 200)
		printf("%lu %zu bytes\n", in->line, b.len);
	else
		printf("%lu %s", in->line, buf_str(&b));
	buf_release(&b);
	json_decref(rec);
}

static void
as_filter(struct nd_in *in)
{
	json_t *rec;
	struct err e;
	int got;

	while ((got = nd_read(in, &rec, &e)) != 0) {
		if (got < 0)
			unit_err(&e);
		else
			show(in, rec);
	}
}

/* nd_parse, where not one byte more than the line may be read. */
static int
parse_alone(const struct nd_in *in, const char *line, size_t len,
    json_t **rec, struct err *e)
{
	char *alone = malloc(len);
	int got;

	if (alone == NULL)
		return err_errno(e, "nd");
	memcpy(alone, line, len);
	got = nd_parse(in, alone, len, rec, e);
	free(alone);
	return got;
}

static void
lines(struct nd_in *in)
{
	json_t *rec;
	struct err e;
	size_t len;
	char *line;
	int got;

	while ((got = nd_next(in, &line, &len, &e)) != 0) {
		if (got < 0 || parse_alone(in, line, len, &rec, &e) < 0)
			unit_err(&e);
		else
			show(in, rec);
	}
}

static void
as_daemon(struct nd_in *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	struct err e;
	int got;

	do {
		(void)poll(&p, 1, -1);
		got = nd_fill(in, &e);
		if (got < 0)
			unit_err(&e);
		lines(in);
	} while (got > 0);
}

int
main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct nd_in in;

	writing = strcmp(how, "write") == 0;
	if (strcmp(how, "poll") == 0 || strcmp(how, "read") == 0)
		(void)fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
	nd_open(&in, 0, "stdin");
	if (strcmp(how, "poll") == 0)
		as_daemon(&in);
	else
		as_filter(&in);
	nd_close(&in);
	return fflush(stdout) != 0;
}
