/*
 * auth.c - who may use a service: bearer tokens, and passwords by crypt(3).
 * And what its instances are shown, so that they can tell us from others.
 *
 * A password's hash is slow by intent, and there is one thread: results are
 * kept, and hashing may take but a part of the time, whoever tries.
 */
#include "proxy.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

enum {
	CREDS_MAX = 512,	/* bytes of "USER:PASSWORD" */
	LINES_MAX = 10000,
	SECRET_MAX = 1024,
	KEPT_GOOD = 64,		/* results that are kept */
	KEPT_BAD = 8,
	REST = 4,		/* times as long as hashing took */
	AHEAD_US = 1000000,	/* of rest that may be owed */
};

enum verdict { YES, NO, LATER, BROKEN };

/* ---- the files ---- */

static bool
is_visible(struct http_slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static bool
is_token(struct http_slice line)
{
	return line.len <= SECRET_MAX && is_visible(line);
}

/* "USER:HASH", a hash that crypt(3) takes long enough for. */
static bool
is_login(struct http_slice line)
{
	static const char *const hashes[] = {
		"$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$",
	};
	const char *colon = memchr(line.p, ':', line.len);
	size_t i, n, left;

	if (colon == NULL || colon == line.p || line.len > CREDS_MAX)
		return false;
	left = line.len - (size_t)(colon + 1 - line.p);
	for (i = 0; i < ARRAY_LEN(hashes); i++) {
		n = strlen(hashes[i]);
		if (left > n && memcmp(colon + 1, hashes[i], n) == 0)
			return true;
	}
	return false;
}

int
auth_open(const struct service *s, struct auth_files *out, struct err *e)
{
	*out = (struct auth_files){ 0 };
	if (s->auth.bearer_file != NULL && (out->bearer = secret_open(s->dir,
	    s->auth.bearer_file, LINES_MAX, is_token, e)) == NULL)
		goto bad;
	if (s->auth.basic_file != NULL && (out->basic = secret_open(s->dir,
	    s->auth.basic_file, LINES_MAX, is_login, e)) == NULL)
		goto bad;
	if (s->secret_file != NULL && (out->secret = secret_open(s->dir,
	    s->secret_file, 1, is_token, e)) == NULL)
		goto bad;
	return 0;
bad:
	auth_close(out);
	return -1;
}

void
auth_close(struct auth_files *a)
{
	secret_free(a->bearer);
	secret_free(a->basic);
	secret_free(a->secret);
	*a = (struct auth_files){ 0 };
}

int
auth_secret(const struct svc *s, struct http_slice *out)
{
	const struct http_slice *lines;

	*out = (struct http_slice){ "", 0 };
	if (s->files.secret == NULL)
		return 0;
	if (secret_lines(s->files.secret, &lines) < 0)
		return -1;
	*out = lines[0];
	return 0;
}

/* ---- tokens ---- */

static enum verdict
check_token(struct secret_file *f, struct http_slice token)
{
	const struct http_slice *lines;
	ssize_t n = secret_lines(f, &lines), i;
	bool found = false;

	if (n < 0)
		return BROKEN;
	for (i = 0; i < n; i++)
		found |= secret_same(token, lines[i]);
	return found ? YES : NO;
}

/* ---- results that are kept ---- */

struct result {
	uint64_t version;	/* of the file; 0: none */
	uint64_t used;		/* the count when it was last of use */
	size_t len;
	char creds[CREDS_MAX];
};

static struct result good[KEPT_GOOD], bad[KEPT_BAD];
static uint64_t uses;

static bool
recall(struct result *list, size_t n, uint64_t version, struct http_slice creds)
{
	struct result *r;

	for (r = list; r < list + n; r++) {
		if (r->version != version || !secret_same(creds,
		    (struct http_slice){ r->creds, r->len }))
			continue;
		r->used = ++uses;
		return true;
	}
	return false;
}

static void
keep(struct result *list, size_t n, uint64_t version, struct http_slice creds)
{
	struct result *r, *oldest = list;

	for (r = list; r < list + n; r++)
		if (r->used < oldest->used)
			oldest = r;
	explicit_bzero(oldest->creds, sizeof(oldest->creds));
	memcpy(oldest->creds, creds.p, creds.len);
	oldest->len = creds.len;
	oldest->version = version;
	oldest->used = ++uses;
}

/* ---- passwords ---- */

static int
digit64(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* From base64 to out, NUL-ended; its length, or -1. */
static ssize_t
decode64(struct http_slice s, char *out, size_t size)
{
	unsigned bits = 0, have = 0;
	size_t i, n = 0;
	int d;

	for (i = 0; i < 2 && s.len > 0 && s.p[s.len - 1] == '='; i++)
		s.len--;
	for (i = 0; i < s.len; i++) {
		d = digit64(s.p[i]);
		if (d < 0 || n + 1 >= size)
			return -1;
		bits = (bits << 6 | (unsigned)d) & 0xfff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[n++] = (char)(bits >> have & 0xff);
	}
	out[n] = '\0';
	return memchr(out, '\0', n) == NULL ? (ssize_t)n : -1;
}

/* The hash of user; of somebody else, and *known false, if there is none. */
static struct http_slice
hash_of(const struct http_slice *lines, ssize_t n, struct http_slice user,
    bool *known)
{
	ssize_t i, found = 0;

	*known = false;
	for (i = 0; i < n && !*known; i++) {
		if (lines[i].len > user.len && lines[i].p[user.len] == ':' &&
		    memcmp(lines[i].p, user.p, user.len) == 0) {
			*known = true;
			found = i;
		}
	}
	user.p = (const char *)memchr(lines[found].p, ':', lines[found].len) +
	    1;
	user.len = lines[found].len - (size_t)(user.p - lines[found].p);
	return user;
}

static bool
hash_fits(const char *password, struct http_slice hash)
{
	static struct crypt_data data;
	char setting[CREDS_MAX + 1];
	const char *got;
	bool same;

	memcpy(setting, hash.p, hash.len);
	setting[hash.len] = '\0';
	got = crypt_r(password, setting, &data);
	same = got != NULL && *got != '*' && secret_same(hash,
	    (struct http_slice){ got, strlen(got) });
	explicit_bzero(&data, sizeof(data));
	return same;
}

/* creds is "USER:PASSWORD", NUL-ended. */
static enum verdict
check_password(struct secret_file *f, struct http_slice creds)
{
	static int64_t rested_us;	/* when hashing has rested enough */
	const char *colon = memchr(creds.p, ':', creds.len);
	const struct http_slice *lines;
	ssize_t n = secret_lines(f, &lines);
	int64_t begin_us = clock_mono_us(), end_us;
	struct http_slice hash;
	bool known, fits;

	if (n < 0)
		return BROKEN;
	if (colon == NULL || recall(bad, KEPT_BAD, secret_version(f), creds))
		return NO;
	if (recall(good, KEPT_GOOD, secret_version(f), creds))
		return YES;
	if (rested_us - begin_us > AHEAD_US)
		return LATER;
	hash = hash_of(lines, n, (struct http_slice){ creds.p,
	    (size_t)(colon - creds.p) }, &known);
	fits = hash_fits(colon + 1, hash) && known;
	end_us = clock_mono_us();
	rested_us = MAX(rested_us, end_us) + REST * (end_us - begin_us);
	if (fits)
		keep(good, KEPT_GOOD, secret_version(f), creds);
	else
		keep(bad, KEPT_BAD, secret_version(f), creds);
	return fits ? YES : NO;
}

static enum verdict
check_basic(struct secret_file *f, struct http_slice text)
{
	char creds[CREDS_MAX];
	ssize_t n = decode64(text, creds, sizeof(creds));
	enum verdict v = NO;

	if (n >= 0)
		v = check_password(f, (struct http_slice){ creds, (size_t)n });
	explicit_bzero(creds, sizeof(creds));
	return v;
}

/* ---- a request ---- */

/* What follows "SCHEME " in value, without blanks; false: another scheme. */
static bool
after_scheme(struct http_slice value, const char *scheme,
    struct http_slice *rest)
{
	size_t n = strlen(scheme);

	if (value.len <= n || value.p[n] != ' ' ||
	    !http_is((struct http_slice){ value.p, n }, scheme))
		return false;
	while (n < value.len && value.p[n] == ' ')
		n++;
	*rest = (struct http_slice){ value.p + n, value.len - n };
	return true;
}

static enum verdict
judge(const struct svc *s, const struct http_head *h)
{
	const struct http_field *f = NULL;
	struct http_slice rest;
	size_t i;

	for (i = 0; i < h->nfields; i++) {
		if (h->fields[i].id != HTTP_AUTHORIZATION)
			continue;
		if (f != NULL)
			return NO;	/* which of them? */
		f = &h->fields[i];
	}
	if (f == NULL)
		return NO;
	if (s->files.bearer != NULL && after_scheme(f->value, "Bearer", &rest))
		return check_token(s->files.bearer, rest);
	if (s->files.basic != NULL && after_scheme(f->value, "Basic", &rest))
		return check_basic(s->files.basic, rest);
	return NO;
}

/* Says which schemes there are. A realm is the service's: letters, digits. */
static void
ask_for_it(struct conn *c)
{
	char realm[SERVICE_NAME_MAX + 1], fields[512], *p;
	const struct svc *s = c->svc;

	(void)snprintf(realm, sizeof(realm), "%s", s->conf.name);
	for (p = realm; *p != '\0'; p++)
		if (!http_token_char(*p))
			*p = '_';
	(void)snprintf(fields, sizeof(fields), "%s%s%s%s%s%s",
	    s->files.bearer ? "WWW-Authenticate: Bearer realm=\"" : "",
	    s->files.bearer ? realm : "", s->files.bearer ? "\"\r\n" : "",
	    s->files.basic ? "WWW-Authenticate: Basic realm=\"" : "",
	    s->files.basic ? realm : "",
	    s->files.basic ? "\", charset=\"UTF-8\"\r\n" : "");
	reply_refusal(c, 401, "this service asks who you are", fields, NULL);
}

bool
auth_check(struct conn *c, const struct http_head *h)
{
	const struct auth_files *a = &c->svc->files;
	struct http_slice secret;
	enum verdict v = YES;

	if (a->bearer != NULL || a->basic != NULL)
		v = judge(c->svc, h);
	if (v == YES && auth_secret(c->svc, &secret) < 0)
		v = BROKEN;
	if (v == YES && secret.len > 0 && http_is(h->method, "TRACE")) {
		reply_error(c, 501, "TRACE would show the secret", NULL);
		return false;
	}
	if (v == NO)
		ask_for_it(c);
	else if (v == LATER)
		reply_refusal(c, 429, "too many passwords to check",
		    "Retry-After: 1\r\n", NULL);
	else if (v == BROKEN)
		reply_error(c, 503, "access cannot be checked now", NULL);
	return v == YES;
}
