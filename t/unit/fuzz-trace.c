/*
 * fuzz-trace.c - the logs that sched-trace reads: whatever they hold, what it
 * writes are records, one a line, and the same ones each time. The first byte
 * says which format, and with which options.
 */
#include "fuzz.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/sched-trace/trace.h"
#include "die.h"

static void (*const readers[])(struct nd_in *) = {
	swf_read, synergy_read, sacct_read, helios_read, openb_read,
	tiresias_read, gavel_read, philly_read, swf_write, synergy_write,
};
enum { FIRST_WRITER = 8 };

struct options opt;
unsigned long odd_rows;
const char *prog = "fuzz-trace";
int verbosity;

static jmp_buf dead;

/* A log that would end the process leaves its buffers to the exit. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* In die.c's place: it says nothing, and what would exit comes back here. */
void
warn(const char *fmt, ...)
{
	(void)fmt;
}

void
note(const char *fmt, ...)
{
	(void)fmt;
}

void
chat(const char *fmt, ...)
{
	(void)fmt;
}

void
die(int status, const char *fmt, ...)
{
	(void)status;
	(void)fmt;
	longjmp(dead, 1);
}

void
die_err(const struct err *e)
{
	(void)e;
	longjmp(dead, 1);
}

/* What a reader writes, and at *len how much of it; the caller frees it. */
static char *
read_log(int fd, unsigned how, size_t *len)
{
	void (*read)(struct nd_in *) = readers[how % ARRAY_LEN(readers)];
	FILE *screen = stdout;
	struct nd_in in;
	char *out = NULL;

	HOLDS(lseek(fd, 0, SEEK_SET) == 0);
	opt = (struct options){
		.keep_going = true, .seed = 42, .split = { 20, 70, 10 },
		.jobs = -1, .cpus_per_gpu = 1, .multigpu = how & 64,
		.synergy = how & 128 ? "exp" : NULL,
	};
	stdout = open_memstream(&out, len);
	HOLDS(stdout != NULL);
	nd_open(&in, fd, "in");
	if (setjmp(dead) == 0)
		read(&in);
	nd_close(&in);
	HOLDS(fclose(stdout) == 0);
	stdout = screen;
	return out;
}

static void
are_records(char *out)
{
	struct nd_in in = { .name = "out" };
	char *line = out, *end;
	struct err e;
	json_t *rec;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		in.line++;
		HOLDS(nd_parse(&in, line, (size_t)(end - line), &rec, &e) ==
		    0);
		HOLDS(json_is_string(json_object_get(rec, "kind")));
		json_decref(rec);
	}
	HOLDS(*line == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, again;
	char *out, *same;
	int fd;

	if (size < 1)
		return 0;
	fd = memfd_create("log", 0);
	HOLDS(fd >= 0);
	HOLDS(write(fd, data + 1, size - 1) == (ssize_t)size - 1);
	out = read_log(fd, data[0], &len);
	same = read_log(fd, data[0], &again);
	HOLDS(len == again && memcmp(out, same, len) == 0);
	if (data[0] % ARRAY_LEN(readers) < FIRST_WRITER)
		are_records(out);
	free(out);
	free(same);
	(void)close(fd);
	return 0;
}
