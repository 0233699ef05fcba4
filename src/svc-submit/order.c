/*
 * order.c - one order: read from a record or a command line, and answered.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "announce.h"
#include "buf.h"
#include "clock.h"
#include "die.h"
#include "nd.h"
#include "rec.h"
#include "submit.h"

unsigned long orders_refused;
int orders_refused_status;

static const char *const kinds[] = { "submit", "drain", "cancel" };
static const char *const done_kinds[] = { "submitted", "drained", "cancelled" };

static int
no_memory(struct err *e)
{
	return err_temp(e, "out of memory");
}

/* ---- lists of strings ---- */

static void
list_free(char **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

/* first (may be NULL) and then the texts of an array, which may be absent. */
static int
list_read(char ***out, const char *first, const json_t *rec, const char *key,
    struct err *e)
{
	const json_t *array = json_object_get(rec, key), *v;
	size_t n = 0, i;
	char **list;

	if (array != NULL && !json_is_array(array))
		return err_perm(e, "'%s' must be an array of texts", key);
	list = calloc(json_array_size(array) + 2, sizeof(list[0]));
	if (list == NULL || (first != NULL &&
	    (list[n++] = strdup(first)) == NULL))
		goto no_memory;
	json_array_foreach(array, i, v) {
		if (!json_is_string(v)) {
			list_free(list);
			return err_perm(e, "'%s' must be an array of texts",
			    key);
		}
		if ((list[n++] = strdup(json_string_value(v))) == NULL)
			goto no_memory;
	}
	*out = list;
	return 0;
no_memory:
	list_free(list);
	return no_memory(e);
}

/* ---- reading ---- */

static int
text_field(char **out, const json_t *rec, const char *key, size_t max,
    struct err *e)
{
	const char *s = NULL;

	if (rec_str(rec, key, &s, e) < 0)
		return -1;
	if (s == NULL)
		return 0;
	if (*s == '\0')
		return err_perm(e, "'%s' is empty", key);
	if (strlen(s) > max)
		return err_perm(e, "'%s' is longer than %zu bytes", key, max);
	*out = strdup(s);
	return *out ? 0 : no_memory(e);
}

/* {"K":"V"} as "K=V". */
static int
env_read(struct order *o, const json_t *rec, struct err *e)
{
	const json_t *env = json_object_get(rec, "env");
	const char *name;
	json_t *v;
	size_t n = 0;

	if (env == NULL)
		return 0;
	if (!json_is_object(env))
		return err_perm(e, "'env' must be an object of texts");
	o->env = calloc(json_object_size(env) + 1, sizeof(o->env[0]));
	if (o->env == NULL)
		return no_memory(e);
	json_object_foreach((json_t *)(uintptr_t)env, name, v) {
		if (!json_is_string(v))
			return err_perm(e, "'env' must be an object of texts");
		if (*name == '\0' || strchr(name, '=') != NULL)
			return err_perm(e, "env: '%.100s' cannot be the name "
			    "of a variable", name);
		if (asprintf(&o->env[n], "%s=%s", name,
		    json_string_value(v)) < 0) {
			o->env[n] = NULL;
			return no_memory(e);
		}
		n++;
	}
	return 0;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int
absolute_path(char **out, const char *path, struct err *e)
{
	char cwd[PATH_MAX];

	if (strncmp(path, "./", 2) == 0)
		path += 2;
	if (*path == '/')
		*out = strdup(path);
	else if (getcwd(cwd, sizeof(cwd)) == NULL)
		return err_errno(e, "the working directory");
	else if (asprintf(out, "%s/%s", cwd, path) < 0)
		*out = NULL;
	return *out ? 0 : no_memory(e);
}

/* A script of the user's, and what its #SBATCH lines add to the spec. */
static int
take_script(struct order *o, const char *path, struct err *e)
{
	struct jobspec lines = { 0 };

	if (absolute_path(&o->path, path, e) < 0)
		return -1;
	o->script = script_load(o->path, e);
	if (o->script == NULL)
		return -1;
	if (settings.via_sbatch)
		return 0;		/* sbatch reads them itself */
	if (jobspec_script(&lines, o->script, path, e) < 0) {
		jobspec_release(&lines);
		return -1;
	}
	jobspec_fill(&o->spec, &lines);
	return 0;
}

/*
 * A command becomes a script that does not name it: the job's arguments are
 * the command, so no shell ever reads them as text.
 */
static int
take_command(struct order *o, const json_t *rec, struct err *e)
{
	if (list_read(&o->argv, "sh", rec, "command", e) < 0)
		return -1;
	if (o->argv[1] == NULL)
		return err_perm(e, "'command' is empty");
	if (o->argv[1][0] == '\0' || o->argv[1][0] == '-')
		return err_perm(e, "'%.100s' cannot be a command", o->argv[1]);
	o->script = strdup("#!/bin/sh\nexec \"$@\"\n");
	return o->script ? 0 : no_memory(e);
}

static int
read_job(struct order *o, const json_t *rec, struct err *e)
{
	const char *script = NULL;
	bool command = json_object_get(rec, "command") != NULL;

	if (rec_str(rec, "script", &script, e) < 0)
		return -1;
	if ((script != NULL) == command)
		return err_perm(e, "one of 'script' and 'command' is needed");
	if (command && json_object_get(rec, "args") != NULL)
		return err_perm(e, "'args' go with a script: a command holds "
		    "its own");
	if (command)
		return take_command(o, rec, e);
	if (*script == '\0')
		return err_perm(e, "'script' is empty");
	if (take_script(o, script, e) < 0)
		return -1;
	return list_read(&o->argv, o->path, rec, "args", e);
}

/* The service's Comment, which also carries the request id. */
static int
put_comment(struct order *o, struct err *e)
{
	struct announce a = { .state = ANNOUNCE_WANTED };
	struct jobspec_value *v = &o->spec.v[JOBSPEC_comment];
	char text[ANNOUNCE_MAX];

	if (o->request == NULL)
		return 0;
	/* it could only have come from a #SBATCH line: ours wins */
	(void)snprintf(a.name, sizeof(a.name), "%s",
	    o->service ? o->service : "");
	(void)snprintf(a.request, sizeof(a.request), "%s", o->request);
	if (announce_format(&a, text, e) < 0)
		return -1;
	free(v->text);
	*v = (struct jobspec_value){ .set = true, .text = strdup(text) };
	return v->text ? 0 : no_memory(e);
}

/* An id for a service's job that has none, so that it can be looked for. */
static int
make_request(struct order *o, struct err *e)
{
	static unsigned long count;
	char host[64] = "";

	if (o->service == NULL || o->request != NULL)
		return 0;
	(void)gethostname(host, sizeof(host) - 1);
	if (asprintf(&o->request, "%s-%ld-%lld-%lu", host, (long)getpid(),
	    (long long)clock_wall_ms(), ++count) < 0) {
		o->request = NULL;
		return no_memory(e);
	}
	o->own_request = true;
	return 0;
}

static int
default_name(struct order *o, struct err *e)
{
	const char *name = o->service;

	if (o->spec.v[JOBSPEC_name].set)
		return 0;
	if (name == NULL)
		name = base_name(o->path ? o->path : o->argv[1]);
	return jobspec_set(&o->spec, JOBSPEC_name, name, e);
}

static const char *const order_keys[] = {
	"kind", "at", "request", "service", "script", "command", "args",
	"env", NULL,
};

/* "mail_type": "END" as --mail-type=END: with sbatch, its keys are its own. */
static int
extra_option(char **out, const char *key, const json_t *v)
{
	char *p;
	int rc = 0;

	if (json_is_string(v))
		rc = asprintf(out, "--%s=%s", key, json_string_value(v));
	else if (json_is_integer(v))
		rc = asprintf(out, "--%s=%lld", key,
		    (long long)json_integer_value(v));
	else if (json_is_true(v))
		rc = asprintf(out, "--%s", key);
	if (rc < 0) {
		*out = NULL;
		return -1;
	}
	for (p = *out; p != NULL && *p != '\0' && *p != '='; p++)
		if (*p == '_')
			*p = '-';
	return 0;
}

/* Moves the keys that only sbatch knows out of rec. */
static int
take_extra(struct order *o, json_t *rec, struct err *e)
{
	const char *key;
	json_t *v;
	void *next;
	size_t n = 0;

	o->extra = calloc(json_object_size(rec) + 1, sizeof(o->extra[0]));
	if (o->extra == NULL)
		return no_memory(e);
	json_object_foreach_safe(rec, next, key, v) {
		if (jobspec_is_key(key, order_keys))
			continue;
		if (extra_option(&o->extra[n], key, v) < 0)
			return no_memory(e);
		n += o->extra[n] != NULL;
		(void)json_object_del(rec, key);
	}
	return 0;
}

static int
read_spec(struct order *o, const json_t *rec, struct err *e)
{
	json_t *copy;
	int rc;

	if (!settings.via_sbatch)
		return jobspec_read(&o->spec, rec, order_keys, e);
	copy = json_copy((json_t *)(uintptr_t)rec);
	if (copy == NULL)
		return no_memory(e);
	rc = take_extra(o, copy, e);
	if (rc == 0)
		rc = jobspec_read(&o->spec, copy, order_keys, e);
	json_decref(copy);
	return rc;
}

static int
read_submit(struct order *o, const json_t *rec, struct err *e)
{
	if (text_field(&o->request, rec, "request", 255, e) < 0 ||
	    text_field(&o->service, rec, "service", 255, e) < 0 ||
	    read_spec(o, rec, e) < 0 || env_read(o, rec, e) < 0)
		return -1;
	if (o->spec.v[JOBSPEC_comment].set &&
	    (o->service != NULL || o->request != NULL))
		return err_perm(e, "'comment' is taken: it carries the "
		    "service and the request");
	if (read_job(o, rec, e) < 0 || default_name(o, e) < 0 ||
	    make_request(o, e) < 0)
		return -1;
	return put_comment(o, e);
}

static int
read_target(struct order *o, const json_t *rec, struct err *e)
{
	if (rec_int(rec, "job_id", 1, UINT32_MAX, &o->job_id, e) < 0)
		return -1;
	if (o->job_id == 0)
		return err_perm(e, "'job_id' is missing");
	return rec_int(rec, "submit_at", 1, REC_MAX, &o->submit_at, e);
}

int
order_read(struct order *o, const json_t *rec, struct err *e)
{
	o->kind = rec_is(rec, "submit") ? ORDER_SUBMIT :
	    rec_is(rec, "drain") ? ORDER_DRAIN : ORDER_CANCEL;
	return o->kind == ORDER_SUBMIT ? read_submit(o, rec, e) :
	    read_target(o, rec, e);
}

int
order_command_line(struct order *o, char *const operands[], struct err *e)
{
	size_t n = 0, i;

	o->kind = ORDER_SUBMIT;
	if (take_script(o, operands[0], e) < 0)
		return -1;
	assert(o->path != NULL);
	while (operands[n] != NULL)
		n++;
	o->argv = calloc(n + 1, sizeof(o->argv[0]));
	if (o->argv == NULL)
		return no_memory(e);
	for (i = 0; i < n; i++)
		if ((o->argv[i] = strdup(i ? operands[i] : o->path)) == NULL)
			return no_memory(e);
	return default_name(o, e);
}

void
order_release(struct order *o)
{
	jobspec_release(&o->spec);
	free(o->request);
	free(o->service);
	free(o->path);
	free(o->script);
	list_free(o->argv);
	list_free(o->env);
	list_free(o->extra);
	*o = (struct order){ 0 };
}

/* ---- writing ---- */

static json_t *
list_json(char *const *list)
{
	json_t *array = json_array();

	for (; *list != NULL; list++)
		(void)json_array_append_new(array, json_string(*list));
	return array;
}

static json_t *
env_json(char *const *env)
{
	json_t *object = json_object();
	const char *equals;
	char *name;

	for (; *env != NULL; env++) {
		equals = strchr(*env, '=');
		name = strndup(*env, (size_t)(equals - *env));
		if (name != NULL)
			(void)json_object_set_new(object, name,
			    json_string(equals + 1));
		free(name);
	}
	return object;
}

static void
add_text(json_t *rec, const char *key, const char *s)
{
	if (s != NULL)
		(void)json_object_set_new(rec, key, json_string(s));
}

/* "--mail-type=END" back as "mail_type": "END". */
static void
add_extra(json_t *rec, const char *option)
{
	const char *equals = strchr(option, '=');
	size_t skip = strspn(option, "-");
	char *key = strndup(option + skip, strcspn(option + skip, "=")), *p;

	for (p = key; p != NULL && *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	if (key != NULL)
		(void)json_object_set_new(rec, key, equals ?
		    json_string(equals + 1) : json_true());
	free(key);
}

json_t *
order_json(const struct order *o, struct err *e)
{
	json_t *rec = rec_new("submit");
	size_t i;

	add_text(rec, "request", o->own_request ? NULL : o->request);
	add_text(rec, "service", o->service);
	if (rec == NULL || jobspec_json(&o->spec, rec, e) < 0) {
		json_decref(rec);
		return NULL;
	}
	/* it is made again from the two when the record is read */
	if (o->request != NULL)
		(void)json_object_del(rec, "comment");
	add_text(rec, "script", o->path);
	if (o->path == NULL)
		(void)json_object_set_new(rec, "command",
		    list_json(o->argv + 1));
	else if (o->argv[1] != NULL)
		(void)json_object_set_new(rec, "args", list_json(o->argv + 1));
	if (o->env != NULL)
		(void)json_object_set_new(rec, "env", env_json(o->env));
	for (i = 0; o->extra != NULL && o->extra[i] != NULL; i++)
		add_extra(rec, o->extra[i]);
	return rec;
}

static void
write_now(json_t *rec)
{
	struct err e;

	if (rec == NULL)
		die(ST_TEMP, "out of memory");
	if (nd_write(rec, &e) < 0 || nd_flush(&e) < 0)
		die(ST_TEMP, "%s", e.text);
}

static void
add_subject(json_t *rec, const struct order *o)
{
	add_text(rec, "request", o->request);
	add_text(rec, "service", o->service);
	add_text(rec, "name", o->spec.v[JOBSPEC_name].text);
	if (o->job_id > 0)
		(void)json_object_set_new(rec, "job_id",
		    json_integer(o->job_id));
}

void
order_done(struct order *o, bool again)
{
	json_t *rec = rec_new(done_kinds[o->kind]);

	add_subject(rec, o);
	if (again)
		(void)json_object_set_new(rec, "again", json_true());
	o->state = ORDER_ANSWERED;
	write_now(rec);
}

void
order_refused(struct order *o, const struct err *e)
{
	json_t *rec = rec_new("refused"), *text = json_string(e->text);

	add_text(rec, "order", kinds[o->kind]);
	add_subject(rec, o);
	/* the text may quote bytes that are not UTF-8 */
	(void)json_object_set_new(rec, "error", text ? text :
	    json_string("the reason is not UTF-8"));
	if (e->code != 0)
		(void)json_object_set_new(rec, "code", json_integer(e->code));
	(void)json_object_set_new(rec, "temporary",
	    json_boolean(e->status == ST_TEMP));
	o->state = ORDER_ANSWERED;
	orders_refused++;
	orders_refused_status = e->status;
	note("%s refused: %s", kinds[o->kind], e->text);
	write_now(rec);
}
