/*
 * fuzz-nd.c - records: the same lines and the same verdicts whether they come
 * at once or in pieces; what was read can be written, and reads as the same.
 * The first byte says in pieces of which size they come.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "announce.h"
#include "nd.h"
#include "rec.h"

/* Every record, and a line for each that is bad, in out. */
static void
drain(struct nd_in *in, struct buf *out)
{
	json_t *rec, *copy;
	struct err e;
	size_t len, before;
	char *line;
	int got;

	while ((got = nd_next(in, &line, &len, &e)) != 0) {
		HOLDS(got < 0 || line[len] == '\0');
		if (got < 0 || nd_parse(in, line, len, &rec, &e) < 0) {
			HOLDS(buf_addf(out, "%s\n", e.text) == 0);
			continue;
		}
		before = out->len;
		HOLDS(nd_dump(out, rec, &e) == 0);
		copy = json_loadb(out->data + before, out->len - before, 0,
		    NULL);
		HOLDS(copy != NULL && json_equal(rec, copy));
		json_decref(copy);
		json_decref(rec);
	}
}

/* An instance that was read is written as one that reads the same. */
static void
instances(const struct buf *lines)
{
	const char *p = buf_str(lines), *lf;
	struct rec_instance a, b;
	json_t *rec, *again;
	struct err e;

	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		rec = json_loadb(p, (size_t)(lf - p), 0, NULL);
		if (rec != NULL && rec_instance_read(rec, &a, &e) == 0) {
			if (a.url != NULL)
				(void)announce_url_ok(a.url);
			again = rec_instance_json(&a);
			HOLDS(rec_instance_read(again, &b, &e) == 0);
			HOLDS(a.job_id == b.job_id &&
			    strcmp(a.service, b.service) == 0);
			rec_instance_release(&a);
			rec_instance_release(&b);
			json_decref(again);
		}
		json_decref(rec);
	}
}

/* Whether the stream goes on; if not, the reason is in out. */
static bool
fill(struct nd_in *in, struct buf *out)
{
	struct err e;
	int got = nd_fill(in, &e);

	HOLDS(got >= 0 || buf_addf(out, "%s\n", e.text) == 0);
	return got > 0;
}

static void
read_all(const uint8_t *data, size_t size, size_t piece, struct buf *out)
{
	struct nd_in in;
	size_t at = 0, n;
	int fds[2];
	bool more = true;

	HOLDS(pipe2(fds, O_NONBLOCK) == 0);
	nd_open(&in, fds[0], "in");
	while (more && at < size) {
		n = MIN(piece, size - at);
		HOLDS(write(fds[1], data + at, n) == (ssize_t)n);
		at += n;
		more = fill(&in, out);
		HOLDS(more || in.eof);
		drain(&in, out);
	}
	(void)close(fds[1]);
	while (!in.eof)		/* who looks into /proc may hold it a moment */
		(void)fill(&in, out);
	drain(&in, out);
	nd_close(&in);
	(void)close(fds[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(1 << 24), pieces = BUF_INIT(1 << 24);

	if (size < 2)
		return 0;
	read_all(data + 1, size - 1, 65536, &whole);
	read_all(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
	HOLDS(whole.len == pieces.len);
	HOLDS(strcmp(buf_str(&whole), buf_str(&pieces)) == 0);
	instances(&whole);
	buf_release(&whole);
	buf_release(&pieces);
	return 0;
}
