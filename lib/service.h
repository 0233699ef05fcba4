/*
 * service.h - services/NAME/service.json, as svc-service(5) defines it.
 *
 * The directory is read whole: either every service in it is sound, or none
 * is taken. A key that is not known is named to the caller and ignored.
 */
#ifndef BERTH_SERVICE_H
#define BERTH_SERVICE_H

#include <jansson.h>

#include "err.h"

enum { SERVICE_NAME_MAX = 100 };	/* bytes */

/* How an instance is chosen; the last three need a name. */
enum balance {
	BALANCE_LEAST, BALANCE_P2C, BALANCE_RR, BALANCE_CLIENT,
	BALANCE_HEADER, BALANCE_COOKIE, BALANCE_STICKY,
};

struct service_balance {
	enum balance by;
	const char *name;	/* of a header or cookie; in ->balance */
};

struct service {
	char *name;
	char *dir;		/* where its service.json lies, absolute */
	json_t *job;		/* resource keys and script, as written */

	struct {
		int64_t min, max;
		int64_t target_inflight;	/* requests at one; 0: off */
		int64_t idle_s;		/* before a surplus one is let go */
		int64_t lead_s;		/* successor's lead; -1: measured */
		int spread;		/* at most one on a node */
	} instances;
	struct {
		char *prefix;		/* "/NAME" where none is given */
		char *host;		/* NULL: any */
		char *listen;		/* an address of its own, or NULL */
		int is_default;		/* what no other service takes */
		int strip;
		int64_t drain_s;	/* no new request this near the end */
	} route;
	struct {
		char *path;
		char *status;		/* as http_statuses_parse reads it */
		int64_t interval_s, timeout_s;
		int64_t rise, fall;	/* checks in a row */
		int64_t eject_after;	/* failed requests in a row; 0: off */
	} health;
	char *balance;			/* as written, */
	struct service_balance how;	/* and what it says */
	int64_t per_instance;		/* most requests at one; 0: any */
	struct {
		int64_t max;		/* requests that wait at most */
		int64_t timeout_s;
	} queue;
	struct {
		int64_t attempts;
		int unsafe;		/* repeat POST and PATCH too */
		int64_t body_max_bytes;	/* kept for a repetition */
	} retry;
	struct {
		char *bearer_file, *basic_file;	/* who may; NULL: anybody */
	} auth;
	char *secret_file;		/* shown to the instance, or NULL */
	struct {
		int64_t requests;	/* of one client in per_s; 0: any */
		int64_t per_s;
	} limit;
};

struct services {
	struct service *list;	/* sorted by name */
	size_t len;
};

/* Called with each thing that is odd but not wrong. */
typedef void service_warn_fn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Reads every DIR/SUB/service.json. 0; -1 and *e, which names the file, and
 * out is then empty. Names and route prefixes are unique in it.
 */
int services_load(const char *dir, struct services *out,
    service_warn_fn *odd, struct err *e);
void services_release(struct services *s);

/* The service of exactly that name, or NULL. */
const struct service *services_find(const struct services *s,
    const char *name);

/* One service from its JSON; dir is for messages and for ->dir. */
int service_read(const json_t *rec, const char *dir, struct service *out,
    service_warn_fn *odd, struct err *e);
void service_release(struct service *s);

#endif
