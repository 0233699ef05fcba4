/*
 * announce.c - the Comment of a service's job, written and read.
 */
#include "announce.h"

#include <stdio.h>
#include <string.h>

#include "num.h"

static const char *const state_words[] = { "wanted", "ready", "draining" };

static bool
plain(unsigned char c)
{
	return c > ' ' && c != 127 && strchr(",%|\"'\\", c) == NULL;
}

/* Percent-encodes s; -1 if it does not fit. */
static int
encode(const char *s, char *out, size_t size)
{
	size_t len = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (len + 4 > size)
			return -1;
		if (plain(c))
			out[len++] = (char)c;
		else
			len += (size_t)snprintf(out + len, 4, "%%%02X", c);
	}
	out[len] = '\0';
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Undoes encode on n bytes; -1 on a bad escape or if it does not fit. */
static int
decode(const char *s, size_t n, char *out, size_t size)
{
	size_t len = 0, i;

	for (i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return -1;
			c = hex(s[i + 1]) * 16 + hex(s[i + 2]);
			i += 2;
		}
		if (c == 0 || len + 1 >= size)
			return -1;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return 0;
}

static int
copy(const char *s, size_t n, char *out, size_t size)
{
	if (n >= size)
		return -1;
	memcpy(out, s, n);
	out[n] = '\0';
	return 0;
}

static int
parse_state(const char *s, size_t n, enum announce_state *out)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(state_words); i++) {
		if (strlen(state_words[i]) == n &&
		    memcmp(state_words[i], s, n) == 0) {
			*out = (enum announce_state)i;
			return 0;
		}
	}
	return -1;
}

/* People and other tools end a URL with a slash; ours has none. */
static bool
tidy_url(char *url)
{
	size_t len = strlen(url);

	while (len > 0 && (url[len - 1] == '/' || url[len - 1] == ' '))
		url[--len] = '\0';
	return announce_url_ok(url);
}

static int
parse_svc(const char *s, struct announce *a)
{
	const char *f[5];
	size_t n[5], i;
	char restart[24];
	struct err e;

	for (i = 0; i < ARRAY_LEN(f); i++) {
		f[i] = s;
		n[i] = strcspn(s, ",");
		s += n[i];
		if (*s == ',' && i + 1 < ARRAY_LEN(f))
			s++;
		else if (i + 1 < ARRAY_LEN(f) || *s != '\0')
			return 0;
	}
	if (decode(f[0], n[0], a->name, sizeof(a->name)) < 0 ||
	    copy(f[1], n[1], a->url, sizeof(a->url)) < 0 ||
	    parse_state(f[2], n[2], &a->state) < 0 ||
	    copy(f[3], n[3], restart, sizeof(restart)) < 0 ||
	    num_int(restart, 0, UINT32_MAX, &a->restart, &e) < 0 ||
	    decode(f[4], n[4], a->request, sizeof(a->request)) < 0)
		return 0;
	return a->url[0] == '\0' || tidy_url(a->url);
}

/*
 * forever-slurm does not escape its names, so the name ends at the last comma
 * before a URL, which itself has none.
 */
static int
parse_traefik(const char *s, struct announce *a)
{
	const char *comma = strrchr(s, ',');

	if (comma == NULL || comma == s)
		return 0;
	if (copy(s, (size_t)(comma - s), a->name, sizeof(a->name)) < 0 ||
	    copy(comma + 1, strlen(comma + 1), a->url, sizeof(a->url)) < 0)
		return 0;
	a->state = ANNOUNCE_UNKNOWN;
	return tidy_url(a->url);
}

int
announce_parse(const char *comment, struct announce *a)
{
	*a = (struct announce){ .state = ANNOUNCE_WANTED };
	if (comment == NULL)
		return 0;
	if (strncmp(comment, "svc,", 4) == 0)
		return parse_svc(comment + 4, a);
	if (strncmp(comment, "traefik,", 8) == 0)
		return parse_traefik(comment + 8, a);
	return 0;
}

int
announce_format(const struct announce *a, char out[ANNOUNCE_MAX],
    struct err *e)
{
	char name[3 * sizeof(a->name)], request[3 * sizeof(a->request)];
	int n;

	if (a->state > ANNOUNCE_DRAINING || a->restart < 0 ||
	    a->restart > UINT32_MAX ||
	    (a->url[0] != '\0' && !announce_url_ok(a->url)))
		return err_perm(e, "'%s' cannot be announced", a->url);
	if (encode(a->name, name, sizeof(name)) < 0 ||
	    encode(a->request, request, sizeof(request)) < 0)
		return err_perm(e, "service name or request id too long");
	n = snprintf(out, ANNOUNCE_MAX, "svc,%s,%s,%s,%lld,%s", name, a->url,
	    state_words[a->state], (long long)a->restart, request);
	if (n < 0 || n >= ANNOUNCE_MAX)
		return err_perm(e, "the announcement of '%.100s' is longer "
		    "than %d bytes", a->name, ANNOUNCE_MAX - 1);
	return 0;
}

/* Length of a host at s: a name, an IPv4 address, or [IPv6]; 0 if none. */
static size_t
host_len(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		return s[n] == ']' ? n + 1 : 0;
	}
	return strspn(s, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
}

bool
announce_url_ok(const char *s)
{
	char port[8];
	size_t n;
	int64_t num;
	struct err e;

	if (strncmp(s, "http://", 7) != 0)
		return false;
	s += 7;
	n = host_len(s);
	if (n == 0 || n > 255)
		return false;
	s += n;
	if (*s == ':') {
		n = strspn(++s, "0123456789");
		if (copy(s, n, port, sizeof(port)) < 0 ||
		    num_int(port, 1, 65535, &num, &e) < 0)
			return false;
		s += n;
	}
	if (*s == '\0')
		return true;
	if (*s != '/')
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`{|}#?,", *s))
			return false;
	return true;
}
