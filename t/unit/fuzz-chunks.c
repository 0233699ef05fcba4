/*
 * fuzz-chunks.c - chunked bodies: what is passed on does not depend on how the
 * bytes come, is itself a chunked body of the same data, and has nothing left
 * to be dropped. The first byte says in pieces of which size they come.
 */
#include "fuzz.h"

#include "buf.h"
#include "chunks.h"

enum verdict { BAD, MORE, END };

struct walk {
	enum verdict verdict;
	size_t used;
	struct buf passed;
};

static struct walk
walk(const char *p, size_t len, size_t piece, bool data_only)
{
	struct walk w = { .verdict = MORE, .passed = BUF_INIT(1 << 24) };
	size_t have, pass;
	struct chunks c;
	bool done = false;
	ssize_t n;

	chunks_init(&c, data_only);
	for (have = 0; have < len && !done; ) {
		char *part = fuzz_copy(p + have, MIN(piece, len - have));
		size_t part_len = MIN(piece, len - have), at = 0;

		while (at < part_len && !done) {
			n = chunks_walk(&c, part + at, part_len - at, &pass,
			    &done);
			if (n < 0) {
				free(part);
				w.verdict = BAD;
				return w;
			}
			HOLDS(n > 0 && pass <= (size_t)n);
			HOLDS((size_t)n <= part_len - at);
			HOLDS(buf_add(&w.passed, part + at, pass) == 0);
			at += (size_t)n;
		}
		free(part);
		have += at;
	}
	w.used = have;
	if (done)
		w.verdict = END;
	return w;
}

/* What was passed on, up to the piece in which a fault lay, may differ. */
static void
alike(const struct walk *a, const struct walk *b)
{
	HOLDS(a->verdict == b->verdict);
	if (a->verdict == BAD)
		return;
	HOLDS(a->used == b->used && a->passed.len == b->passed.len);
	HOLDS(a->passed.len == 0 || memcmp(a->passed.data, b->passed.data,
	    a->passed.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct walk whole, pieces, only, only_pieces, twice, only_twice;
	const char *p = (const char *)data + 1;
	size_t piece;

	if (size < 2)
		return 0;
	piece = (size_t)data[0] % 32 + 1;
	size--;
	whole = walk(p, size, size, false);
	pieces = walk(p, size, piece, false);
	alike(&whole, &pieces);
	only = walk(p, size, size, true);
	only_pieces = walk(p, size, piece, true);
	alike(&only, &only_pieces);
	HOLDS(whole.verdict == only.verdict);
	twice = walk(buf_str(&whole.passed), whole.passed.len, piece, false);
	only_twice = walk(buf_str(&whole.passed), whole.passed.len, piece,
	    true);
	if (whole.verdict != BAD) {
		HOLDS(twice.verdict == whole.verdict);
		HOLDS(twice.passed.len == whole.passed.len);
		HOLDS(only_twice.passed.len == only.passed.len);
		HOLDS(only.passed.len == 0 || memcmp(only.passed.data,
		    only_twice.passed.data, only.passed.len) == 0);
	}
	buf_release(&whole.passed);
	buf_release(&pieces.passed);
	buf_release(&only.passed);
	buf_release(&only_pieces.passed);
	buf_release(&twice.passed);
	buf_release(&only_twice.passed);
	return 0;
}
