/*
 * jobspec.c - reads and prints resource keys. Each line is one of
 *
 *	json RECORD		its keys
 *	opt NAME[=VALUE]	one option of sbatch
 *	script HEX		the #SBATCH lines of a script called job.sh
 *	over RECORD HEX		a record's keys, and what a script adds
 *	now SECONDS		stops the clock
 *
 * and prints the keys as JSON and as sbatch's options, or the error.
 */
#include "jobspec.h"

#include "clock.h"
#include "unit.h"

static const char *const others[] = { "kind", "script", NULL };

static void
print(const struct jobspec *s)
{
	char **argv = jobspec_argv(s), **p;
	json_t *rec = json_object();
	struct err e;
	char *text;

	if (jobspec_json(s, rec, &e) < 0)
		unit_err(&e);
	text = json_dumps(rec, JSON_COMPACT);
	printf("%s", text);
	for (p = argv; p != NULL && *p != NULL; p++)
		printf(" %s", *p);
	printf("\n");
	free(text);
	json_decref(rec);
	jobspec_argv_free(argv);
}

static int
read_json(struct jobspec *s, const char *text, struct err *e)
{
	json_t *rec = json_loads(text, 0, NULL);
	int rc;

	if (rec == NULL)
		return err_perm(e, "the test's JSON is bad");
	rc = jobspec_read(s, rec, others, e);
	json_decref(rec);
	return rc;
}

static int
read_option(struct jobspec *s, char *text, struct err *e)
{
	char *value = strchr(text, '=');

	if (value != NULL)
		*value++ = '\0';
	return jobspec_option(s, text, value, e);
}

static int
read_script(struct jobspec *s, char *hex, struct err *e)
{
	struct jobspec lines = { 0 };
	int rc;

	(void)unit_unhex(hex);
	rc = jobspec_script(&lines, hex, "job.sh", e);
	jobspec_fill(s, &lines);
	return rc;
}

static int
command(const char *what, char *rest, struct jobspec *s, struct err *e)
{
	char *json;

	if (strcmp(what, "json") == 0)
		return read_json(s, rest, e);
	if (strcmp(what, "opt") == 0)
		return read_option(s, rest, e);
	if (strcmp(what, "script") == 0)
		return read_script(s, rest, e);
	if (strcmp(what, "over") == 0) {
		json = unit_word(&rest);
		return read_json(s, json, e) < 0 ? -1 :
		    read_script(s, rest, e);
	}
	clock_set_now(unit_num(&rest));
	return 0;
}

int
main(void)
{
	struct jobspec s = { 0 };
	struct err e;
	char *line, *what;

	while ((line = unit_line()) != NULL) {
		what = unit_word(&line);
		if (command(what, line, &s, &e) < 0)
			unit_err(&e);
		else
			print(&s);
		jobspec_release(&s);
	}
	return 0;
}
