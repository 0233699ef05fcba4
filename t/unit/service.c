/*
 * service.c - "service DIR" loads a directory of services and prints each as
 * one line of JSON, what was odd, and the error. "service -k" prints the table
 * of keys: GROUP.KEY TYPE MIN MAX DEFAULT; it is static there, hence the
 * unusual include. "service DIR NAME" finds one by its name.
 */
#include "../../lib/service.c"

#include <stdarg.h>

#include "nd.h"
#include "unit.h"

static void
odd(const char *fmt, ...)
{
	va_list ap;

	printf("odd: ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static json_t *
value(const struct key *k, const struct service *s)
{
	const void *at = (const char *)s + k->offset;

	if (k->type == REC_INT)
		return json_integer(*(const int64_t *)at);
	if (k->type == REC_BOOL)
		return json_boolean(*(const int *)at);
	return json_string(*(char *const *)at);
}

static void
show(const struct service *s)
{
	json_t *rec = json_object();
	char name[64];
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(name, sizeof(name), "%s%s%s", keys[i].group,
		    *keys[i].group ? "." : "", keys[i].name);
		(void)json_object_set_new(rec, name, value(&keys[i], s));
	}
	(void)json_object_set(rec, "job", s->job);
	(void)json_object_set_new(rec, "dir", json_string(s->dir));
	if (nd_write(rec, &e) < 0)
		unit_err(&e);
}

static void
table(void)
{
	static const char *const types[] = { "text", "integer", "boolean" };
	const struct key *k;

	for (k = keys; k < keys + ARRAY_LEN(keys); k++) {
		printf("%s%s%s %s ", k->group, *k->group ? "." : "", k->name,
		    types[k->type]);
		if (k->type == REC_INT)
			printf("%lld %lld %lld\n", (long long)k->min,
			    (long long)k->max, (long long)k->init);
		else if (k->type == REC_BOOL)
			printf("- - %s\n", k->init ? "true" : "false");
		else
			printf("- - %s\n", k->text ? k->text : "-");
	}
}

int
main(int argc, char **argv)
{
	const struct service *s;
	struct services all;
	struct err e;
	size_t i;

	if (argc == 2 && strcmp(argv[1], "-k") == 0) {
		table();
		return 0;
	}
	if (services_load(argv[1], &all, odd, &e) < 0) {
		unit_err(&e);
		return e.status;
	}
	for (i = 0; argc == 2 && i < all.len; i++)
		show(&all.list[i]);
	if (argc > 2) {
		s = services_find(&all, argv[2]);
		printf("%s\n", s ? s->dir : "-");
	}
	services_release(&all);
	return 0;
}
