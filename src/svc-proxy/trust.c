/*
 * trust.c - who a client is. Behind proxies that are trusted, what they say
 * in X-Forwarded-For; from anybody else that counts for nothing.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "num.h"

enum { NETS_MAX = 64 };

static struct {
	struct trust_addr addr;
	unsigned bits;
} nets[NETS_MAX];
static size_t nnets;
static bool trust_unix;

/* From text; the bits of an address of its kind, 0: it is none. */
static unsigned
parse(const char *text, struct trust_addr *out)
{
	struct in_addr v4;

	*out = (struct trust_addr){ .bytes = { [10] = 0xff, [11] = 0xff } };
	if (inet_pton(AF_INET, text, &v4) == 1) {
		memcpy(out->bytes + 12, &v4, 4);
		return 32;
	}
	return inet_pton(AF_INET6, text, out->bytes) == 1 ? 128 : 0;
}

int
trust_add(const char *text, struct err *e)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	int64_t bits = 0;
	unsigned most;

	if (strcmp(text, "unix") == 0) {
		trust_unix = true;
		return 0;
	}
	if (nnets == NETS_MAX)
		return err_perm(e, "more than %d networks", NETS_MAX);
	(void)snprintf(addr, sizeof(addr), "%.*s", slash ? (int)(slash - text)
	    : (int)sizeof(addr) - 1, text);
	most = parse(addr, &nets[nnets].addr);
	if (most == 0)
		return err_perm(e, "'%s' is not ADDRESS, ADDRESS/BITS or unix",
		    text);
	if (slash == NULL)
		bits = most;
	else if (num_int(slash + 1, 0, most, &bits, e) < 0)
		return err_prefix(e, "'%s'", text);
	nets[nnets++].bits = (unsigned)bits + 128 - most;
	return 0;
}

void
trust_addr(const struct net_addr *a, struct trust_addr *out)
{
	*out = (struct trust_addr){ 0 };
	if (a->sa.sa_family == AF_INET6) {
		memcpy(out->bytes, &a->in6.sin6_addr, 16);
	} else if (a->sa.sa_family == AF_INET) {
		out->bytes[10] = out->bytes[11] = 0xff;
		memcpy(out->bytes + 12, &a->in.sin_addr, 4);
	}
}

static bool
within(const struct trust_addr *a, const struct trust_addr *net, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return memcmp(a->bytes, net->bytes, bytes) == 0 && (rest == 0 ||
	    (a->bytes[bytes] ^ net->bytes[bytes]) >> (8 - rest) == 0);
}

bool
trust_has(const struct trust_addr *a)
{
	static const struct trust_addr none;
	size_t i;

	if (memcmp(a, &none, sizeof(none)) == 0)
		return trust_unix;
	for (i = 0; i < nnets; i++)
		if (within(a, &nets[i].addr, nets[i].bits))
			return true;
	return false;
}

bool
trust_is_alias(struct http_slice name)
{
	static const char *const ours[] = {
		"x-forwarded-", "x-berth-secret", "x-request-id",
	};
	char text[16] = { 0 };
	size_t i;

	if (name.len < 2 || (*name.p | 32) != 'x' ||
	    memchr(name.p, '_', name.len) == NULL)
		return false;
	for (i = 0; i < name.len && i < sizeof(text) - 1; i++)
		text[i] = name.p[i] == '_' ? '-' : name.p[i];
	for (i = 0; i < ARRAY_LEN(ours); i++)
		if (strncasecmp(text, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

/* One element of the list: false if the search ends with it. */
static bool
take(struct conn *c, const char *p, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct trust_addr a;

	while (len > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0)
		return true;
	if (len >= sizeof(text))
		return false;
	memcpy(text, p, len);
	text[len] = '\0';
	if (parse(text, &a) == 0)
		return false;
	memcpy(c->client, text, len + 1);
	c->client_addr = a;
	return trust_has(&a);
}

/*
 * From the end of the list, where the nearest has written, back to the first
 * that is not trusted: what stands before it anybody may have made up.
 */
void
trust_client(struct conn *c, const struct http_head *h)
{
	size_t n, from, to;

	memcpy(c->client, c->peer, sizeof(c->client));
	c->client_addr = c->peer_addr;
	for (n = h->nfields; n-- > 0;) {
		const char *p = h->fields[n].value.p;

		if (h->fields[n].id != HTTP_FORWARDED_FOR)
			continue;
		for (to = h->fields[n].value.len; ; to = from - 1) {
			for (from = to; from > 0 && p[from - 1] != ','; from--)
				continue;
			if (!take(c, p + from, to - from))
				return;
			if (from == 0)
				break;
		}
	}
}
