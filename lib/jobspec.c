/*
 * jobspec.c - the resource keys of a job, read and written by one table.
 */
#include "jobspec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "jobtext.h"
#include "rec.h"

#define KEY(key, type, option, letter, field) \
	{ #key, option, letter, JOBSPEC_##type },

const struct jobspec_key jobspec_keys[JOBSPEC_LEN] = { JOBSPEC_TABLE(KEY) };

static struct jobspec_value *
value_of(struct jobspec *s, const struct jobspec_key *key)
{
	return &s->v[key - jobspec_keys];
}

static void
forget(struct jobspec_value *v)
{
	free(v->text);
	*v = (struct jobspec_value){ 0 };
}

void
jobspec_release(struct jobspec *s)
{
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++)
		forget(&s->v[i]);
}

/* Memory is asked for by node or by CPU: the value that excludes key's. */
static struct jobspec_value *
rival(struct jobspec *s, const struct jobspec_key *key)
{
	if (key->type == JOBSPEC_MEM)
		return &s->v[JOBSPEC_mem_per_cpu_mb];
	if (key->type == JOBSPEC_MEM_CPU)
		return &s->v[JOBSPEC_mem_mb];
	return NULL;
}

void
jobspec_fill(struct jobspec *s, struct jobspec *from)
{
	struct jobspec_value *other;
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++) {
		other = rival(s, &jobspec_keys[i]);
		if (!from->v[i].set || s->v[i].set ||
		    (other != NULL && other->set))
			continue;
		s->v[i] = from->v[i];
		from->v[i] = (struct jobspec_value){ 0 };
	}
	jobspec_release(from);
}

/* ---- from text ---- */

const struct jobspec_key *
jobspec_find_option(const char *option)
{
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++)
		if (strcmp(jobspec_keys[i].option, option) == 0)
			return &jobspec_keys[i];
	return NULL;
}

const struct jobspec_key *
jobspec_find_letter(char letter)
{
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++)
		if (letter != 0 && jobspec_keys[i].letter == letter)
			return &jobspec_keys[i];
	return NULL;
}

static bool
is_flag(enum jobspec_type type)
{
	return type == JOBSPEC_REQUEUE || type == JOBSPEC_HOLD ||
	    type == JOBSPEC_SHARE;
}

static const char no_requeue[] = "no-requeue";

enum jobspec_arg
jobspec_arg(const char *option)
{
	const struct jobspec_key *key = jobspec_find_option(option);

	if (key == NULL)
		return JOBSPEC_ARG_NONE;
	if (key->type == JOBSPEC_SHARE)
		return JOBSPEC_ARG_MAY;
	return is_flag(key->type) ? JOBSPEC_ARG_NONE : JOBSPEC_ARG_MUST;
}

static int
put(struct jobspec *s, const struct jobspec_key *key, const char *value,
    struct err *e)
{
	struct jobspec_value *other = rival(s, key);

	if (jobtext_read(key->type, value, value_of(s, key), e) < 0)
		return -1;
	if (other != NULL)
		forget(other);
	return 0;
}

static void
put_flag(struct jobspec *s, const struct jobspec_key *key, bool on)
{
	struct jobspec_value *v = value_of(s, key);

	forget(v);
	v->set = true;
	v->num = on;
}

int
jobspec_set(struct jobspec *s, enum jobspec_id id, const char *value,
    struct err *e)
{
	if (put(s, &jobspec_keys[id], value, e) < 0)
		return err_prefix(e, "%s", jobspec_keys[id].key);
	return 0;
}

int
jobspec_option(struct jobspec *s, const char *option, const char *value,
    struct err *e)
{
	const struct jobspec_key *key = jobspec_find_option(option);

	if (strcmp(option, no_requeue) == 0)
		key = &jobspec_keys[JOBSPEC_requeue];
	if (key == NULL)
		return err_perm(e, "--%s: unknown option", option);
	if (value == NULL && !is_flag(key->type))
		return err_perm(e, "--%s: needs a value", option);
	if (value == NULL)
		put_flag(s, key, strcmp(option, no_requeue) != 0);
	else if (put(s, key, value, e) < 0)
		return err_prefix(e, "--%s", option);
	return 0;
}

/* ---- from #SBATCH lines ---- */

/*
 * The next word of a directive, as sbatch cuts it: quotes group, a backslash
 * takes the next character as it is, a bare # begins a comment. 1; 0 at the
 * end; -1 and *e.
 */
static int
next_word(const char **line, struct buf *word, struct err *e)
{
	const char *p = *line + strspn(*line, " \t\r\f\v");
	char quote = 0;
	int rc = 0;

	buf_cut(word, 0);
	if (*p == '\0' || *p == '#')
		return 0;
	for (; *p != '\0' && rc == 0; p++) {
		if (quote == 0 && (isspace((unsigned char)*p) || *p == '#'))
			break;
		if (*p == '\\' && p[1] != '\0')
			rc = buf_addc(word, *++p);
		else if (quote != 0 && *p == quote)
			quote = 0;
		else if (quote == 0 && (*p == '"' || *p == '\''))
			quote = *p;
		else
			rc = buf_addc(word, *p);
	}
	*line = p;
	if (rc < 0 && errno == EMSGSIZE)
		return err_perm(e, "longer than %d bytes", JOBTEXT_MAX);
	if (rc < 0)
		return err_temp(e, "out of memory");
	if (quote != 0)
		return err_perm(e, "no closing %c", quote);
	return 1;
}

/* The option's value: what is attached, or else the next word. */
static int
option_with(struct jobspec *s, const char *option, const char *attached,
    const char **line, struct err *e)
{
	struct buf word = BUF_INIT(JOBTEXT_MAX);
	int rc = 1;

	if (attached == NULL && jobspec_arg(option) == JOBSPEC_ARG_MUST) {
		rc = next_word(line, &word, e);
		if (rc > 0)
			attached = buf_str(&word);
	}
	if (rc >= 0)
		rc = jobspec_option(s, option, attached, e);
	buf_release(&word);
	return rc;
}

static int
long_option(struct jobspec *s, char *word, const char **line, struct err *e)
{
	char *equals = strchr(word, '=');

	if (equals != NULL)
		*equals++ = '\0';
	return option_with(s, word, equals, line, e);
}

/* "-H", "-N2", "-HN2", "-N 2". */
static int
letters(struct jobspec *s, const char *word, const char **line, struct err *e)
{
	const struct jobspec_key *key;
	const char *attached;

	for (; *word != '\0'; word++) {
		key = jobspec_find_letter(*word);
		if (key == NULL)
			return err_perm(e, "-%c: unknown option", *word);
		attached = word[1] ? word + 1 : NULL;
		if (jobspec_arg(key->option) == JOBSPEC_ARG_MUST)
			return option_with(s, key->option, attached, line, e);
		if (jobspec_option(s, key->option, NULL, e) < 0)
			return -1;
	}
	return 0;
}

static int
directive(struct jobspec *s, const char *line, struct err *e)
{
	struct buf word = BUF_INIT(JOBTEXT_MAX);
	int rc;

	while ((rc = next_word(&line, &word, e)) > 0) {
		if (word.len > 2 && strncmp(word.data, "--", 2) == 0)
			rc = long_option(s, word.data + 2, &line, e);
		else if (word.len > 1 && word.data[0] == '-' &&
		    word.data[1] != '-')
			rc = letters(s, word.data + 1, &line, e);
		else
			rc = err_perm(e, "not an option");
		if (rc < 0)
			break;
	}
	buf_release(&word);
	return rc;
}

enum { SHOWN_MAX = 120 };	/* bytes of a directive in a message */

int
jobspec_script(struct jobspec *s, const char *script, const char *file,
    struct err *e)
{
	static const char magic[] = "#SBATCH";
	unsigned long number;
	const char *line = script, *text;
	size_t len;
	char *copy;
	int rc = 0;

	for (number = 1; *line != '\0' && rc == 0; number++) {
		len = strcspn(line, "\n");
		text = line + strspn(line, " \t\r\f\v");
		if (text < line + len && *text != '#')
			break;		/* the first command */
		if (strncmp(line, magic, sizeof(magic) - 1) == 0) {
			copy = strndup(line + sizeof(magic) - 1,
			    len - (sizeof(magic) - 1));
			rc = copy ? directive(s, copy, e) :
			    err_temp(e, "out of memory");
			free(copy);
			if (rc < 0)
				return err_prefix(e, "%s:%lu: %.*s", file,
				    number, (int)MIN(len, SHOWN_MAX), line);
		}
		line += len + (line[len] == '\n');
	}
	return 0;
}

/* ---- from a record ---- */

static bool
is_one_of(const char *key, const char *const *names)
{
	for (; names != NULL && *names != NULL; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

static const struct jobspec_key *
find_key(const char *name)
{
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++)
		if (strcmp(jobspec_keys[i].key, name) == 0)
			return &jobspec_keys[i];
	return NULL;
}

bool
jobspec_is_key(const char *key, const char *const *others)
{
	return is_one_of(key, others) || find_key(key) != NULL;
}

/* The range of a number in a record; false: it is no number. */
static bool
range(enum jobspec_type type, int64_t *min, int64_t *max)
{
	*min = 0;
	*max = REC_MAX;
	switch (type) {
	case JOBSPEC_COUNT:
	case JOBSPEC_NODES:
	case JOBSPEC_GPUS:
		*min = 1;
		*max = INT32_MAX;
		return true;
	case JOBSPEC_COUNT16:
		*min = 1;
		*max = UINT16_MAX - 2;
		return true;
	case JOBSPEC_TIME:
		*max = (int64_t)UINT32_MAX * 59;
		return true;
	case JOBSPEC_MEM:
	case JOBSPEC_MEM_CPU:
	case JOBSPEC_WHEN:
		return true;
	default:
		return false;
	}
}

static int
read_number(struct jobspec_value *v, const struct jobspec_key *key,
    const json_t *rec, struct err *e)
{
	struct jobspec_value new = { .set = true };
	char text[24];
	int64_t min, max;

	(void)range(key->type, &min, &max);
	if (rec_int(rec, key->key, min, max, &new.num, e) < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%lld", (long long)new.num);
	if (key->type == JOBSPEC_GPUS || key->type == JOBSPEC_NODES)
		return jobtext_read(key->type, text, v, e);
	forget(v);
	*v = new;
	return 0;
}

static int
read_key(struct jobspec *s, const struct jobspec_key *key, const json_t *rec,
    struct err *e)
{
	const json_t *value = json_object_get(rec, key->key);
	const char *text = "";
	int64_t min, max;
	int on;

	if (is_flag(key->type) && !(key->type == JOBSPEC_SHARE &&
	    json_is_string(value))) {
		if (rec_bool(rec, key->key, &on, e) < 0)
			return -1;
		put_flag(s, key, on);
		return 0;
	}
	if (range(key->type, &min, &max) && !(json_is_string(value) &&
	    (key->type == JOBSPEC_NODES || key->type == JOBSPEC_GPUS)))
		return read_number(value_of(s, key), key, rec, e);
	if (rec_str(rec, key->key, &text, e) < 0)
		return -1;
	if (jobtext_read(key->type, text, value_of(s, key), e) < 0)
		return err_prefix(e, "%s", key->key);
	return 0;
}

int
jobspec_read(struct jobspec *s, const json_t *rec, const char *const *others,
    struct err *e)
{
	const struct jobspec_key *key;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)rec, name, value) {
		if (is_one_of(name, others))
			continue;
		key = find_key(name);
		if (key == NULL)
			return err_perm(e, "unknown key '%.100s'", name);
		if (read_key(s, key, rec, e) < 0)
			return -1;
	}
	if (s->v[JOBSPEC_mem_mb].set && s->v[JOBSPEC_mem_per_cpu_mb].set)
		return err_perm(e, "mem_mb and mem_per_cpu_mb exclude each "
		    "other");
	return 0;
}

/* ---- out again ---- */

static json_t *
nodes_json(const struct jobspec_value *v)
{
	if (v->max == v->num)
		return json_integer(v->num);
	return json_sprintf("%lld-%lld", (long long)v->num, (long long)v->max);
}

static json_t *
value_json(const struct jobspec_key *key, const struct jobspec_value *v)
{
	if (v->text != NULL)
		return json_string(v->text);
	if (is_flag(key->type))
		return json_boolean(v->num != 0);
	if (key->type == JOBSPEC_NODES)
		return nodes_json(v);
	return json_integer(v->num);
}

int
jobspec_json(const struct jobspec *s, json_t *rec, struct err *e)
{
	const struct jobspec_key *key;
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++) {
		key = &jobspec_keys[i];
		if (s->v[i].set && json_object_set_new(rec, key->key,
		    value_json(key, &s->v[i])) < 0)
			return err_perm(e, "%s: not UTF-8", key->key);
	}
	return 0;
}

static int
when_option(char **out, const struct jobspec_key *key, int64_t at)
{
	time_t then = at;
	struct tm tm;
	char text[40];

	if (localtime_r(&then, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return -1;
	return asprintf(out, "--%s=%s", key->option, text);
}

static int
number_option(char **out, const struct jobspec_key *key,
    const struct jobspec_value *v)
{
	switch (key->type) {
	case JOBSPEC_TIME:
		return v->num == 0 ? asprintf(out, "--%s=UNLIMITED",
		    key->option) : asprintf(out, "--%s=%lld:%02lld",
		    key->option, (long long)v->num / 60,
		    (long long)v->num % 60);
	case JOBSPEC_MEM:
	case JOBSPEC_MEM_CPU:
		return asprintf(out, "--%s=%lldM", key->option,
		    (long long)v->num);
	case JOBSPEC_NODES:
		return asprintf(out, "--%s=%lld-%lld", key->option,
		    (long long)v->num, (long long)v->max);
	case JOBSPEC_WHEN:
		return when_option(out, key, v->num);
	default:
		return asprintf(out, "--%s=%lld", key->option,
		    (long long)v->num);
	}
}

/* One option; *out stays NULL where there is nothing to say. -1: no memory. */
static int
option_of(char **out, const struct jobspec_key *key,
    const struct jobspec_value *v)
{
	if (v->text != NULL)
		return asprintf(out, "--%s=%s", key->option, v->text);
	if (key->type == JOBSPEC_REQUEUE && !v->num)
		return asprintf(out, "--%s", no_requeue);
	if (is_flag(key->type))
		return v->num ? asprintf(out, "--%s", key->option) : 0;
	return number_option(out, key, v);
}

char **
jobspec_argv(const struct jobspec *s)
{
	char **argv = calloc(JOBSPEC_LEN + 1, sizeof(argv[0]));
	size_t i, n = 0;

	for (i = 0; argv != NULL && i < JOBSPEC_LEN; i++) {
		if (!s->v[i].set)
			continue;
		if (option_of(&argv[n], &jobspec_keys[i], &s->v[i]) < 0) {
			argv[n] = NULL;	/* undefined after a failure */
			jobspec_argv_free(argv);
			return NULL;
		}
		n += argv[n] != NULL;
	}
	return argv;
}

void
jobspec_argv_free(char **argv)
{
	size_t i;

	for (i = 0; argv != NULL && argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}
