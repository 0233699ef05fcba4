/*
 * proxy.h - svc-proxy: what its files share.
 *
 *	main.c	options, listeners, signals, the end
 *	feed.c	records in (the table of instances) and out (demand)
 *	route.c	services at run time; which service a path belongs to
 *	pool.c	the instances of a service, and which one is next
 *	health.c	active checks
 *	resolve.c	addresses of instances that are announced by name
 *	queue.c	requests that wait for an instance
 *	conn.c	the client's side of a request: its connection
 *	input.c	and what it sends
 *	head.c	heads rewritten on their way through
 *	relay.c	the instance's side of a request
 *	access.c	the access log
 *	status.c	the admin listener, and answers of our own
 *
 * One process, one thread, one loop. Everything hangs on the one struct proxy.
 * A struct conn is a client's connection with at most one request at a time; a
 * struct upstream is a connection to an instance, lent to a conn or idle.
 * What is closed is freed at the end of the loop's turn, so no function needs
 * to ask whether what it called has freed what it holds.
 */
#ifndef BERTH_PROXY_H
#define BERTH_PROXY_H

#include <sys/uio.h>

#include "buf.h"
#include "chunks.h"
#include "err.h"
#include "ev.h"
#include "http.h"
#include "map.h"
#include "net.h"
#include "rec.h"
#include "rng.h"
#include "service.h"

enum {
	SCRATCH_SIZE = 65536,	/* bytes of one read */
	HIGH_MARK = 65536,	/* unsent bytes above which the source waits */
	IN_MAX = 2 * SCRATCH_SIZE,
	OUT_MAX = HIGH_MARK + 2 * SCRATCH_SIZE,
	REQ_MAX = (1 << 30) + OUT_MAX,	/* body_max_bytes bounds it lower */
	KEEP_CAP = 2048,	/* a larger buffer is freed when idle */
	IDLE_MAX = 256,		/* idle connections kept to one instance */
	LISTENERS_MAX = 16,
};

/* Deadlines, ms. Every state of a connection has one. */
enum {
	CLIENT_IDLE_MS = 75000,		/* between two requests */
	CLIENT_HEAD_MS = 15000,		/* a head, from its first byte */
	CLIENT_BODY_MS = 60000,		/* between two pieces of a body */
	CLIENT_SEND_MS = 120000,	/* a client that does not read */
	LINGER_MS = 2000,		/* the rest of what it still sends */
	CONNECT_MS = 3000,
	UPSTREAM_IDLE_MS = 55000,	/* an unused connection is closed */
	RESPONSE_MS = 3600000,		/* silence of an instance at work */
	TUNNEL_MS = 3600000,		/* silence of both after an upgrade */
};

struct instance;
struct conn;
struct upstream;

/* A service at run time. Never freed: requests and the log hold on to it. */
struct svc {
	struct service conf;
	bool gone;		/* no longer in the services directory */
	struct http_statuses healthy;
	struct instance **inst;	/* every job of the service */
	size_t ninst, inst_cap;
	struct conn *first, *last;	/* the queue */
	int64_t queued, inflight;
	uint64_t requests, answered, failed;	/* since the start */
	uint64_t rate_mark;	/* requests when the rate was last taken */
	int64_t rate_mhz;	/* requests a second then, in thousandths */
	bool demand_due;	/* something changed since */
};

enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

/* A job of a service, from its first snapshot to its last request. */
struct instance {
	struct svc *svc;
	struct rec_instance rec;	/* as svc-discover said it */
	struct net_addr addr;
	bool has_addr;
	const char *base;	/* path of its URL, "" mostly; in rec.url */
	bool gone;		/* no longer in the table */
	uint64_t generation;	/* of the snapshot that last named it */
	enum health health;
	char last_error[160];
	int64_t outstanding;	/* requests at it */
	uint64_t served;
	int64_t used_us;	/* when it last got a request */
	struct upstream *idle;	/* most recently used first */
	size_t nidle;
	size_t refs;		/* upstreams, a check, a resolver */
	struct check *check;
	struct resolver *resolver;
};

enum conn_state {
	CONN_IDLE,	/* between requests */
	CONN_HEAD,	/* part of a head is there */
	CONN_QUEUED,	/* waits for an instance */
	CONN_BUSY,	/* an instance works for it */
	CONN_TUNNEL,	/* upgraded: bytes both ways */
	CONN_FLUSH,	/* the last answer is being sent; then close */
	CONN_LINGER,	/* all was sent; reads what still comes */
	CONN_DEAD,
};

struct conn {
	struct ev_io io;
	struct ev_timer timer;
	enum conn_state state;
	bool admin;		/* came in on the admin listener */
	bool in_eof;		/* the client has ended its side */
	char client[INET6_ADDRSTRLEN];
	struct buf in;		/* read and not yet understood */
	size_t in_line;		/* see http_head_len */
	struct buf out;		/* not yet sent to the client */

	/* the request; req begins with its head as the instance gets it */
	struct svc *svc;
	struct upstream *up;
	struct instance *avoid;	/* where it failed last */
	struct buf req;
	size_t req_target;	/* offset in req where a base path goes */
	size_t req_base;	/* bytes of a base path there */
	size_t req_head;	/* bytes of its head */
	size_t req_sent;	/* bytes of req sent to this instance */
	bool req_whole;		/* req still has all: it can be sent again */
	enum http_body body;
	int64_t body_left;
	struct chunks chunks;
	bool body_done;
	bool idempotent, to_head, keep_alive, upgrade;
	int minor;
	bool answered;		/* bytes of an answer were passed on */
	int attempts;
	struct conn *prev, *next;	/* in the queue, or the graveyard */
	struct conn *all_prev, *all_next;
	bool due;		/* the request is to be dispatched */
	bool feeding;		/* conn_feed is at work further up */

	/* for the log and the statistics */
	int status;
	int64_t start_us, queue_us, sent_us, first_us;
	int64_t job_id;
	uint64_t bytes_in, bytes_out;
	char *log_method, *log_path;	/* only with an access log */
};

enum up_state { UP_CONNECT, UP_BUSY, UP_IDLE, UP_DEAD };

struct upstream {
	struct ev_io io;
	struct ev_timer timer;
	enum up_state state;
	struct instance *inst;
	struct conn *conn;
	struct upstream *prev, *next;	/* idle list, or the graveyard */
	bool reused;		/* has served a request before */
	struct buf in;		/* part of a response head */
	size_t in_line;
	bool head_done;
	bool keep_alive;
	enum http_body body;
	int64_t body_left;
	struct chunks chunks;
	bool data_only;		/* the client cannot take chunks */
	bool in_eof;		/* in a tunnel: the instance has ended */
	bool deaf;		/* it takes no more of the request */
};

struct listener {
	struct ev_io io;
	struct net_addr addr;
	bool admin;
	bool inherited;		/* systemd's: its path is not ours to unlink */
};

struct proxy {
	struct ev *ev;
	const char *dir;	/* of the services */
	struct map svcs;	/* name -> struct svc */
	struct svc **routes;	/* longest prefix first */
	size_t nroutes;
	struct listener listeners[LISTENERS_MAX];
	size_t nlisteners;
	struct ev_timer accept_timer, demand_timer, drain_timer;
	int64_t rate_us;	/* when the rates were last taken */
	int64_t drain_ms;
	bool draining;
	size_t nconns, conns_max;
	struct conn *conns;
	struct conn *dead_conns;
	struct upstream *dead_ups;
	char *scratch;		/* SCRATCH_SIZE bytes of the read under way */
	struct rng rng;
	int64_t stale_since;	/* Slurm does not answer since; 0: it does */
	char stale_error[200];
	int64_t snapshot_at;	/* last whole snapshot; 0: none yet */
	uint64_t accepted, requests, log_lost;
	int64_t started_at;
};

extern struct proxy px;

/* main.c */
void proxy_conn_gone(void);	/* one fewer: accept again, or end */

/* feed.c */
int feed_start(struct err *e);
void feed_demand_due(struct svc *s, bool now);

/* route.c */
int route_load(struct err *e);
struct svc *route_find(struct http_slice path);
struct svc *route_by_name(const char *name);
size_t route_prefix_len(const struct svc *s);	/* 0 for "/" */

/* pool.c */
struct instance *pool_pick(struct svc *s, const struct instance *avoid);
/* Takes rec over. Marks what it names as seen in that generation. */
void pool_update(struct svc *s, struct rec_instance *rec, uint64_t generation);
void pool_sweep(struct svc *s, uint64_t generation);
void pool_unref(struct instance *i);
bool pool_usable(const struct instance *i);
void pool_health(struct instance *i, enum health health, const char *why);
/* Why no instance of s takes a request, in words. Returns b's text. */
const char *pool_why(const struct svc *s, struct buf *b);

/* health.c */
void check_start(struct instance *i);	/* again: at once */
void check_stop(struct instance *i);

/* resolve.c */
void resolve_start(struct instance *i, const char *host, const char *port);
void resolve_stop(struct instance *i);

/* queue.c */
void queue_add(struct conn *c, bool first);
void queue_remove(struct conn *c);
void queue_serve(struct svc *s);
void queue_refuse(struct conn *c, const char *error);

/* conn.c */
void conn_bury(void);		/* frees what was closed in this turn */
void conn_drain(void);		/* closes idle ones; the others after this */
void conn_accept(struct ev_io *io, uint32_t events);
void conn_close(struct conn *c);
void conn_abort(struct conn *c);	/* with RST: the answer is torn */
/* Sends to the client, keeps what does not fit. false: closed it. */
bool conn_send(struct conn *c, struct iovec *iov, int n);
void conn_watch(struct conn *c);	/* what it wants to hear of */
void conn_done(struct conn *c);		/* the answer is complete */
void conn_touch(struct conn *c);	/* it moved: a new deadline */
void conn_end_output(struct conn *c);	/* tunnel: the instance has ended */
void conn_deadline(struct conn *c, int64_t ms);
/* No more answers are to come: closes when all is sent. */
void conn_end_answers(struct conn *c);
/* Answers by ourselves, then goes on or closes. fields may be "". */
void conn_reply(struct conn *c, int status, const char *type,
    const char *fields, const char *body, size_t len);

/* input.c */
bool input_wanted(const struct conn *c);	/* bytes are of use now */
void input_take(struct conn *c, const char *p, size_t len);
void input_kept(struct conn *c);	/* what was read ahead of an answer */
void input_ended(struct conn *c);

/* head.c */
int head_request(struct conn *c, const struct http_head *h);
int head_base(struct conn *c, const char *base);
int head_response(struct conn *c, const struct upstream *u,
    const struct http_head *h, struct buf *out);

/* relay.c */
void relay_dispatch(struct conn *c);	/* to an instance, or the queue */
bool relay_try(struct conn *c);		/* to an instance, or false */
void relay_flush(struct conn *c);	/* req to the instance */
void relay_watch(struct upstream *u);
void relay_drop(struct conn *c);	/* the client is gone, or was told */
void relay_close(struct upstream *u);
void relay_bury(void);

/* access.c */
int access_open(const char *path, struct err *e);
void access_reopen(void);
void access_log(const struct conn *c);
bool access_on(void);

/* status.c */
void status_serve(struct conn *c, const struct http_head *h);
void reply_error(struct conn *c, int status, const char *error,
    const char *why);

#endif
