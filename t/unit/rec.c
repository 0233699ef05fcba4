/*
 * rec.c - reads records and writes those that are structs back: "instance" as
 * JSON from its struct, "demand" as its numbers; of other kinds the name. With
 * "live": each line is a job state.
 */
#include "rec.h"

#include "nd.h"
#include "unit.h"

static void
live(void)
{
	char *line;

	while ((line = unit_line()) != NULL)
		printf("%s %s\n", line, rec_state_is_live(line) ? "live" :
		    "ended");
}

static int
instance(const json_t *rec, struct err *e)
{
	struct rec_instance r;
	int rc;

	if (rec_instance_read(rec, &r, e) < 0)
		return -1;
	rc = nd_write(rec_instance_json(&r), e);
	rec_instance_release(&r);
	return rc;
}

static int
demand(const json_t *rec, struct err *e)
{
	struct rec_demand r;

	if (rec_demand_read(rec, &r, e) < 0)
		return -1;
	printf("%s queued=%lld inflight=%lld ready=%lld rate=%lld of=%zu\n",
	    r.service, (long long)r.queued, (long long)r.inflight,
	    (long long)r.ready, (long long)r.rate_mhz,
	    json_array_size(r.instances));
	rec_demand_release(&r);
	return 0;
}

static int
one(const json_t *rec, struct err *e)
{
	if (rec_is(rec, "instance"))
		return instance(rec, e);
	if (rec_is(rec, "demand"))
		return demand(rec, e);
	printf("kind '%s'\n", rec_kind(rec));
	return 0;
}

int
main(int argc, char **argv)
{
	struct nd_in in;
	struct err e;
	json_t *rec;
	int got;

	if (argc > 1 && strcmp(argv[1], "live") == 0) {
		live();
		return 0;
	}
	nd_open(&in, 0, "stdin");
	while ((got = nd_read(&in, &rec, &e)) != 0) {
		if (got > 0)
			got = one(rec, &e);
		if (got < 0)
			unit_err(&e);
		json_decref(rec);
		rec = NULL;
	}
	nd_close(&in);
	return 0;
}
