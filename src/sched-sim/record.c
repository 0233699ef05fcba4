/*
 * record.c - writes a recording: under another name until it is whole, so that
 * nobody takes a part of it for all.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "die.h"
#include "xalloc.h"

enum { IDS_MAX = 10000 };	/* in one record, which is then short enough */

static FILE *out;
static char *final, *temporary;	/* names; of the second while it is there */

/* Those that started at one time, and are not written yet. */
static int64_t ids[IDS_MAX], ids_at;
static size_t ids_len;

static void
drop(void)
{
	if (temporary != NULL)
		(void)unlink(temporary);
}

static int
make(const char *path, struct err *e)
{
	size_t size = strlen(path) + sizeof(".XXXXXX");
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return err_errno(e, "%s", path);
	}
	final = xstrdup(path);
	temporary = xcalloc(size, 1);
	(void)snprintf(temporary, size, "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);	/* mode 0600 */
	if (fd < 0) {
		(void)err_errno(e, "%s", path);
		free(temporary);
		temporary = NULL;
		return -1;
	}
	(void)atexit(drop);
	out = fdopen(fd, "w");
	return out == NULL ? err_errno(e, "%s", path) : 0;
}

static void
put(json_t *rec)
{
	struct buf b = BUF_INIT(ND_LINE_MAX + 1);
	struct err e;

	if (nd_dump(&b, rec, &e) < 0)
		die_err(&e);
	(void)fwrite(b.data, 1, b.len, out);
	buf_release(&b);
}

int
record_open(const char *path, const char *policy, const char *cluster,
    char *const *options, size_t len, struct err *e)
{
	json_t *list, *rec;
	size_t i;

	if (make(path, e) < 0)
		return -1;
	list = json_array();
	for (i = 0; i < len; i++)
		(void)json_array_append_new(list, json_string(options[i]));
	rec = json_pack("{s:s, s:s, s:s, s:s?, s:o}", "kind", "sim",
	    "version", BERTH_VERSION, "policy", policy, "cluster", cluster,
	    "options", list);
	if (rec == NULL)
		return err_perm(e, "--record: policy, cluster and options are "
		    "to be UTF-8");
	if (cluster == NULL)
		(void)json_object_del(rec, "cluster");
	put(rec);
	json_decref(rec);
	return 0;
}

void
record_cluster(const json_t *rec)
{
	json_t *copy;

	if (out == NULL || rec == NULL)
		return;
	copy = json_deep_copy(rec);
	put(copy);
	json_decref(copy);
}

void
record_line(const char *line, size_t len)
{
	if (out == NULL)
		return;
	(void)fwrite(line, 1, len, out);
	(void)fputc('\n', out);
}

/* Writes those that started at one time. */
static void
flush(void)
{
	size_t i;

	if (ids_len == 0)
		return;
	(void)fprintf(out, "{\"kind\":\"start\",\"at\":%" PRId64
	    ",\"job_ids\":[", ids_at);
	for (i = 0; i < ids_len; i++)
		(void)fprintf(out, "%s%" PRId64, i > 0 ? "," : "", ids[i]);
	(void)fputs("]}\n", out);
	ids_len = 0;
}

void
record_start(const struct sim *s, int32_t job)
{
	struct buf b = BUF_INIT(ND_LINE_MAX);

	if (out == NULL)
		return;
	if (s->name_machines) {
		(void)fprintf(out, "{\"kind\":\"start\",\"at\":%" PRId64
		    ",\"job_ids\":[%" PRId64 "]", s->now, s->jobs[job].id);
		if (load_alloc(&b, s, &s->jobs[job]) == 0)
			(void)fputs(buf_str(&b), out);
		(void)fputs("}\n", out);
		buf_release(&b);
		return;
	}
	if (ids_len == IDS_MAX || ids_at != s->now)
		flush();
	ids_at = s->now;
	ids[ids_len++] = s->jobs[job].id;
}

int
record_close(struct err *e)
{
	int bad;

	if (out == NULL)
		return 0;
	flush();
	(void)fputs("{\"kind\":\"end\",\"of\":\"sim\"}\n", out);
	bad = ferror(out) || fflush(out) != 0 || fsync(fileno(out)) < 0;
	if (fclose(out) != 0 || bad)
		return err_temp(e, "%s: could not be written", final);
	out = NULL;
	if (rename(temporary, final) < 0)
		return err_errno(e, "%s", final);
	free(temporary);
	temporary = NULL;
	return 0;
}
