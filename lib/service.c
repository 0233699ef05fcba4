/*
 * service.c - reads services/NAME/service.json by one table of its keys.
 */
#include "service.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"
#include "rec.h"

struct key {
	const char *group;	/* "" at the top */
	const char *name;
	enum rec_type type;
	size_t offset;
	int64_t min, max, init;	/* numbers and truth values */
	const char *text;	/* first value of a text; NULL: worked out */
};

#define AT(field) offsetof(struct service, field)
#define NUM(g, k, min, max, init) \
	{ #g, #k, REC_INT, AT(g.k), min, max, init, NULL }
#define BOOL(g, k, init) { #g, #k, REC_BOOL, AT(g.k), 0, 1, init, NULL }
#define TEXT(g, k, init) { #g, #k, REC_STR, AT(g.k), 0, 0, 0, init }

enum { DAY_S = 86400, YEAR_S = 366 * DAY_S, FILE_MAX_BYTES = 1 << 20 };

static const struct key keys[] = {
	{ "", "name", REC_STR, AT(name), 0, 0, 0, NULL },
	{ "", "balance", REC_STR, AT(balance), 0, 0, 0, "least" },
	{ "", "per_instance", REC_INT, AT(per_instance), 0, 1000000, 0, NULL },
	{ "", "secret_file", REC_STR, AT(secret_file), 0, 0, 0, NULL },
	NUM(instances, min, 0, 10000, 1),
	NUM(instances, max, 0, 10000, -1),
	NUM(instances, target_inflight, 0, 1000000, 0),
	NUM(instances, idle_s, 0, YEAR_S, 600),
	NUM(instances, lead_s, 0, YEAR_S, -1),
	BOOL(instances, spread, 0),
	TEXT(route, prefix, NULL),
	TEXT(route, host, NULL),
	TEXT(route, listen, NULL),
	{ "route", "default", REC_BOOL, AT(route.is_default), 0, 1, 0, NULL },
	BOOL(route, strip, 1),
	NUM(route, drain_s, 0, DAY_S, 30),
	TEXT(health, path, "/"),
	TEXT(health, status, "200-399,401"),
	NUM(health, interval_s, 1, DAY_S, 5),
	NUM(health, timeout_s, 1, 3600, 2),
	NUM(health, rise, 1, 100, 1),
	NUM(health, fall, 1, 100, 2),
	NUM(health, eject_after, 0, 1000, 5),
	NUM(queue, max, 0, 1000000, 1024),
	NUM(queue, timeout_s, 0, DAY_S, 300),
	NUM(retry, attempts, 1, 100, 3),
	BOOL(retry, unsafe, 0),
	NUM(retry, body_max_bytes, 0, 1 << 30, 1 << 20),
	TEXT(auth, bearer_file, NULL),
	TEXT(auth, basic_file, NULL),
	NUM(limit, requests, 0, 1000000, 0),
	NUM(limit, per_s, 1, DAY_S, 1),
};

static const struct key *
find_key(const char *group, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].group, group) == 0 &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static bool
is_group(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (*name != '\0' && strcmp(keys[i].group, name) == 0)
			return true;
	return false;
}

static int
set_text(char **to, const char *s, struct err *e)
{
	free(*to);
	*to = strdup(s);
	return *to ? 0 : err_temp(e, "out of memory");
}

static int
set_default(const struct key *k, struct service *out, struct err *e)
{
	void *at = (char *)out + k->offset;

	if (k->type == REC_INT)
		*(int64_t *)at = k->init;
	else if (k->type == REC_BOOL)
		*(int *)at = (int)k->init;
	else if (k->text != NULL)
		return set_text(at, k->text, e);
	return 0;
}

static int
set_key(const struct key *k, const json_t *from, struct service *out,
    struct err *e)
{
	void *at = (char *)out + k->offset;
	const char *s = NULL;

	if (k->type == REC_INT)
		return rec_int(from, k->name, k->min, k->max, at, e);
	if (k->type == REC_BOOL)
		return rec_bool(from, k->name, at, e);
	if (rec_str(from, k->name, &s, e) < 0)
		return -1;
	return s ? set_text(at, s, e) : 0;
}

/* All keys of one group that are there, and a word on each stranger. */
static int
read_group(const char *group, const json_t *from, const char *where,
    struct service *out, service_warn_fn *odd, struct err *e)
{
	const char *dot = *group ? "." : "";
	const struct key *k;
	const char *name;
	const json_t *v;

	json_object_foreach((json_t *)(uintptr_t)from, name, v) {
		k = find_key(group, name);
		if (k == NULL && *group == '\0' && (is_group(name) ||
		    strcmp(name, "kind") == 0 || strcmp(name, "job") == 0))
			continue;
		if (k == NULL)
			odd("%s: unknown key '%s%s%s'", where, group, dot,
			    name);
		else if (set_key(k, from, out, e) < 0)
			return *group ? err_prefix(e, "%s", group) : -1;
	}
	return 0;
}

static int
read_groups(const json_t *rec, const char *where, struct service *out,
    service_warn_fn *odd, struct err *e)
{
	const char *name;
	const json_t *v;

	json_object_foreach((json_t *)(uintptr_t)rec, name, v) {
		if (!is_group(name))
			continue;
		if (!json_is_object(v))
			return err_perm(e, "'%s' must be an object", name);
		if (read_group(name, v, where, out, odd, e) < 0)
			return -1;
	}
	return 0;
}

static bool
name_ok(const char *name)
{
	if (*name == '\0' || strlen(name) > SERVICE_NAME_MAX ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == 127 ||
		    *name == '/')
			return false;
	return true;
}

/*
 * "/NAME", percent-encoded where a URL path needs it. What has a host name or
 * an address of its own has all of it.
 */
static char *
default_prefix(const struct service *of)
{
	const char *name = of->name;
	char *s, *p;

	if (of->route.host != NULL || of->route.listen != NULL)
		return strdup("/");
	s = malloc(3 * strlen(name) + 2);
	if (s == NULL)
		return NULL;
	s[0] = '/';
	p = s + 1;
	for (; *name != '\0'; name++) {
		if (strchr("-._~!$&'()*+,;=:@", *name) != NULL ||
		    (*name >= '0' && *name <= '9') ||
		    (*name >= 'a' && *name <= 'z') ||
		    (*name >= 'A' && *name <= 'Z'))
			*p++ = *name;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*name);
	}
	*p = '\0';
	return s;
}

static bool
visible_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static bool
prefix_ok(const char *s)
{
	size_t len = strlen(s);

	if (*s != '/' || len > 1024 || (len > 1 && s[len - 1] == '/'))
		return false;
	return visible_ascii(s) && strpbrk(s, "?#") == NULL;
}

/* A name or address, without a port. */
static bool
host_ok(const char *s)
{
	size_t len = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._");

	if (*s == '[') {
		s += 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return strcmp(s, "]") == 0;
	}
	return s[len] == '\0' && len > 0 && len <= 253;
}

/* What goes into a request line as it stands; "-" is a TCP connect. */
static bool
health_path_ok(const char *s)
{
	return strcmp(s, "-") == 0 || (*s == '/' && strlen(s) <= 1024 &&
	    visible_ascii(s) && strchr(s, '#') == NULL);
}

/* "WORD" or "WORD:NAME" as a way to choose; NAME goes into a header. */
static int
read_balance(struct service *out, struct err *e)
{
	static const struct {
		const char *text;
		enum balance by;
	} ways[] = {
		{ "least", BALANCE_LEAST }, { "p2c", BALANCE_P2C },
		{ "rr", BALANCE_RR }, { "hash:client", BALANCE_CLIENT },
		{ "hash:header:", BALANCE_HEADER },
		{ "hash:cookie:", BALANCE_COOKIE },
		{ "sticky", BALANCE_STICKY }, { "sticky:", BALANCE_STICKY },
	};
	const char *s = out->balance, *p;
	size_t i, len;

	for (i = 0; i < ARRAY_LEN(ways); i++) {
		len = strlen(ways[i].text);
		out->how.by = ways[i].by;
		out->how.name = "berth";
		if (strcmp(s, ways[i].text) == 0 && s[len - 1] != ':')
			return 0;
		if (ways[i].text[len - 1] != ':' ||
		    strncmp(s, ways[i].text, len) != 0)
			continue;
		for (p = s + len; http_token_char(*p); p++)
			continue;
		out->how.name = s + len;
		if (*p == '\0' && p > s + len && p - s <= 100)
			return 0;
	}
	return err_perm(e, "'balance' must be least, p2c, rr, hash:client, "
	    "hash:header:NAME, hash:cookie:NAME, sticky or sticky:NAME");
}

/* What follows from the keys together. */
static int
finish(struct service *out, struct err *e)
{
	struct http_statuses statuses;

	if (out->name == NULL)
		return err_perm(e, "'name' is missing");
	if (!name_ok(out->name))
		return err_perm(e, "'name' must be 1 to %d bytes without "
		    "'/' and control characters", SERVICE_NAME_MAX);
	if (out->instances.max < 0)
		out->instances.max = MAX(out->instances.min, 1);
	if (out->instances.max < out->instances.min)
		return err_perm(e, "instances: max (%lld) is less than min "
		    "(%lld)", (long long)out->instances.max,
		    (long long)out->instances.min);
	if (out->route.prefix == NULL)
		out->route.prefix = default_prefix(out);
	if (out->route.prefix == NULL)
		return err_temp(e, "out of memory");
	if (!prefix_ok(out->route.prefix))
		return err_perm(e, "route: 'prefix' must begin with '/', not "
		    "end with it, and be ASCII without blanks, '?' and '#'");
	if (out->route.host != NULL && !host_ok(out->route.host))
		return err_perm(e, "route: 'host' must be a name or an "
		    "address, without a port");
	if (!health_path_ok(out->health.path))
		return err_perm(e, "health: 'path' must begin with '/' and be "
		    "ASCII without blanks (or be \"-\" for a TCP connect)");
	if (http_statuses_parse(out->health.status, &statuses, e) < 0)
		return err_prefix(e, "health: 'status'");
	return read_balance(out, e);
}

int
service_read(const json_t *rec, const char *dir, struct service *out,
    service_warn_fn *odd, struct err *e)
{
	json_t *job = json_object_get(rec, "job");
	char where[PATH_MAX];
	size_t i;

	*out = (struct service){ 0 };
	(void)snprintf(where, sizeof(where), "%s/service.json", dir);
	if (*rec_kind(rec) != '\0' && !rec_is(rec, "service")) {
		(void)err_perm(e, "kind is '%s', not 'service'", rec_kind(rec));
		goto bad;
	}
	if (job != NULL && !json_is_object(job)) {
		(void)err_perm(e, "'job' must be an object");
		goto bad;
	}
	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (set_default(&keys[i], out, e) < 0)
			goto bad;
	if (set_text(&out->dir, dir, e) < 0 ||
	    read_group("", rec, where, out, odd, e) < 0 ||
	    read_groups(rec, where, out, odd, e) < 0 || finish(out, e) < 0)
		goto bad;
	out->job = job ? json_deep_copy(job) : json_object();
	if (out->job == NULL) {
		(void)err_temp(e, "out of memory");
		goto bad;
	}
	return 0;
bad:
	(void)err_prefix(e, "%s", where);
	service_release(out);
	return -1;
}

void
service_release(struct service *s)
{
	free(s->name);
	free(s->dir);
	json_decref(s->job);
	free(s->route.prefix);
	free(s->route.host);
	free(s->route.listen);
	free(s->health.path);
	free(s->health.status);
	free(s->balance);
	free(s->auth.bearer_file);
	free(s->auth.basic_file);
	free(s->secret_file);
	*s = (struct service){ 0 };
}

/* ---- the directory ---- */

/* A descriptor of a file of sane size. A FIFO would be waited for: no. */
static int
open_file(const char *file, struct err *e)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_errno(e, "%s", file);
	if (fstat(fd, &st) < 0)
		(void)err_errno(e, "%s", file);
	else if (!S_ISREG(st.st_mode))
		(void)err_perm(e, "%s: not a regular file", file);
	else if (st.st_size > FILE_MAX_BYTES)
		(void)err_perm(e, "%s: longer than %d bytes", file,
		    FILE_MAX_BYTES);
	else
		return fd;
	(void)close(fd);
	return -1;
}

/* 1: read; 0: there is no service.json in it; -1. */
static int
load_one(const char *dir, const char *sub, struct service *out,
    service_warn_fn *odd, struct err *e)
{
	char path[PATH_MAX], file[PATH_MAX];
	json_error_t je;
	json_t *rec;
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/%s", dir, sub) >=
	    (int)sizeof(path) ||
	    snprintf(file, sizeof(file), "%s/service.json", path) >=
	    (int)sizeof(file))
		return err_perm(e, "%s/%s: path too long", dir, sub);
	fd = open_file(file, e);
	if (fd < 0)
		return e->code == ENOENT || e->code == ENOTDIR ? 0 : -1;
	rec = json_loadfd(fd, JSON_REJECT_DUPLICATES, &je);
	(void)close(fd);
	if (rec == NULL)
		return err_perm(e, "%s:%d: %s", file, je.line, je.text);
	if (json_is_object(rec))
		rc = service_read(rec, path, out, odd, e);
	else
		rc = err_perm(e, "%s: not a JSON object", file);
	json_decref(rec);
	return rc < 0 ? -1 : 1;
}

static bool
same_text(const char *a, const char *b, int (*compare)(const char *,
    const char *))
{
	return a == NULL || b == NULL ? a == b : compare(a, b) == 0;
}

/* Whether s takes what o has: a name or a route. 0; -1 and *e. */
static int
clash(const struct service *s, const struct service *o, struct err *e)
{
	const char *of = NULL, *what = NULL;

	if (strcmp(o->name, s->name) == 0) {
		of = "name";
		what = s->name;
	} else if (!same_text(o->route.listen, s->route.listen, strcmp)) {
		return 0;
	} else if (o->route.is_default && s->route.is_default) {
		return err_perm(e, "%s/service.json: the default is %s/"
		    "service.json", s->dir, o->dir);
	} else if (strcmp(o->route.prefix, s->route.prefix) == 0 &&
	    same_text(o->route.host, s->route.host, strcasecmp)) {
		of = "prefix";
		what = s->route.prefix;
	}
	return of == NULL ? 0 : err_perm(e, "%s/service.json: the %s '%s' is "
	    "taken by %s/service.json", s->dir, of, what, o->dir);
}

static int
add(struct services *all, struct service *s, struct err *e)
{
	struct service *list, *o;

	assert(s->name != NULL && s->route.prefix != NULL);
	for (o = all->list; o != NULL && o < all->list + all->len; o++)
		if (clash(s, o, e) < 0)
			return -1;
	list = reallocarray(all->list, all->len + 1, sizeof(*list));
	if (list == NULL)
		return err_temp(e, "out of memory");
	all->list = list;
	all->list[all->len++] = *s;
	return 0;
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int
by_name(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int
services_load(const char *dir, struct services *out, service_warn_fn *odd,
    struct err *e)
{
	char root[PATH_MAX];
	struct dirent **subs;
	struct service one = { 0 };
	int n, i, got = 0;

	*out = (struct services){ 0 };
	if (realpath(dir, root) == NULL)
		return err_errno(e, "%s", dir);
	n = scandir(root, &subs, visible, alphasort);
	if (n < 0)
		return err_errno(e, "%s", dir);
	for (i = 0; i < n; i++) {
		if (got >= 0)
			got = load_one(root, subs[i]->d_name, &one, odd, e);
		if (got == 1 && add(out, &one, e) < 0) {
			service_release(&one);
			got = -1;
		}
		free(subs[i]);
	}
	free(subs);
	if (got < 0) {
		services_release(out);
		return -1;
	}
	if (out->len > 1)
		qsort(out->list, out->len, sizeof(*out->list), by_name);
	return 0;
}

void
services_release(struct services *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		service_release(&s->list[i]);
	free(s->list);
	*s = (struct services){ 0 };
}

const struct service *
services_find(const struct services *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		if (strcmp(s->list[i].name, name) == 0)
			return &s->list[i];
	return NULL;
}
