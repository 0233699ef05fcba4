/*
 * proxy.h - svc-proxy: what its files share.
 *
 *	main.c	options, listeners, signals, the end
 *	takeover.c a new process in place of this one
 *	memory.c what that one is told besides
 *	feed.c	records in (the table of instances) and out (demand)
 *	route.c	services at run time; which service a path belongs to
 *	pool.c	the instances of a service
 *	balance.c	which of them gets a request
 *	eject.c	those that fail requests, left out for a while
 *	health.c	active checks
 *	resolve.c	addresses of instances that are announced by name
 *	queue.c	requests that wait for an instance
 *	conn.c	the client's side of a request: its connection
 *	input.c	and what it sends
 *	rest.c	who must go when descriptors run short
 *	head.c	heads rewritten on their way through
 *	back.c	and what answers say of paths, under the prefix again
 *	relay.c	the instance's side of a request
 *	upstream.c its connection
 *	door.c	listeners of services' own
 *	auth.c	who may: tokens and passwords
 *	secret.c	the files they lie in, and what instances are shown
 *	trust.c	who the client is, behind proxies that are trusted
 *	limit.c	requests a second of one client
 *	access.c	the access log
 *	status.c	the admin listener, and answers of our own
 *	guard.c	whom it believes
 *	metrics.c	the same for Prometheus; page.c for people
 *	stats.c	what is counted; hist.c counts durations
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
	IDLE_MAX = 1024,	/* idle connections kept to one instance */
	LISTENERS_MAX = 16,	/* by options */
	DOORS_MAX = 64,		/* of services' own */
	HOST_MAX = 264,		/* a host name and port */
	ID_MAX = 64,		/* of a request */
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

/* Durations in us, by size: eight buckets for each power of two. */
enum { HIST_BITS = 3, HIST_LEN = 33 << HIST_BITS };

struct hist {
	uint64_t count, sum_us;
	uint64_t n[HIST_LEN];
};

enum method_class { METHOD_SAFE, METHOD_IDEMPOTENT, METHOD_UNSAFE, METHODS };
enum { CODES = 500 };		/* 100 to 599 */

/* The recent past, for people: what happened in each of the last steps. */
enum { HISTORY_LEN = 60, HISTORY_STEP_S = 5 };

struct history {
	struct hist step;	/* of the one under way */
	uint64_t mark, failed_mark;	/* counters at its beginning */
	uint32_t requests[HISTORY_LEN], failed[HISTORY_LEN];
	uint32_t p50_us[HISTORY_LEN], p95_us[HISTORY_LEN];
};

/* Of a service, since the start. */
struct stats {
	uint64_t codes[METHODS][CODES];
	uint64_t bytes_in, bytes_out, retries, ejections;
	struct hist first_byte, whole, wait;
	struct hist recent[2];	/* first bytes: this minute, the last one */
	struct history history;
};

/* What a service says of access; NULL: nothing. */
struct auth_files {
	struct secret_file *bearer, *basic, *secret;
};

/* A service at run time. Never freed: requests and the log hold on to it. */
struct svc {
	struct service conf;
	bool gone;		/* no longer in the services directory */
	struct http_statuses healthy;
	unsigned door;		/* the listener it is behind; 0: the common */
	struct auth_files files;
	struct instance **inst;	/* every job of the service */
	size_t ninst, inst_cap;
	size_t inst_at;		/* where the next of a snapshot may be */
	struct conn *first, *last;	/* the queue */
	int64_t queued, inflight;
	uint64_t requests, answered, failed;	/* since the start */
	uint64_t rate_mark;	/* requests when the rate was last taken */
	int64_t rate_mhz;	/* requests a second then, in thousandths */
	bool demand_due;	/* something changed since */
	bool woke;		/* it was said at once since the last beat */
	uint64_t turns;		/* choices so far */
	struct stats stats;
};

/* An address as 16 bytes, IPv4 mapped into IPv6; all 0: a Unix socket. */
struct trust_addr {
	uint8_t bytes[16];
};

enum { BEAT_MS = 1000 };	/* see feed_beat */

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
	uint64_t id;		/* of its job: for hashes and cookies */
	uint64_t turn;		/* the choice that last took it */
	int64_t first_us;	/* to a first byte: mean, the last count most */
	int64_t first_at_us;	/* when that was last taken */
	struct hist recent[2];	/* this minute, and the one before */
	int failures, passes;	/* of checks, in a row */
	bool held;		/* drained by hand */
	bool ejected, on_trial;	/* see eject.c */
	int errors;		/* in a row */
	int ejections;
	int64_t ejected_until_ms, readmitted_ms;
	struct ev_timer eject_timer;
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

/*
 * What each request looks at comes first, so that it lies in few lines of the
 * cache: of many connections none stays there from one request to the next.
 */
struct conn {
	struct ev_io io;
	struct ev_timer timer;
	enum conn_state state;
	bool admin;		/* came in on the admin listener */
	bool in_eof;		/* the client has ended its side */
	bool trusted;		/* what the peer says of clients is true */
	bool rests, light;	/* see rest.c */
	bool due;		/* the request is to be dispatched */
	bool feeding;		/* conn_feed is at work further up */
	struct buf in;		/* read and not yet understood */
	size_t in_line;		/* see http_head_len */
	struct buf out;		/* not yet sent to the client */

	/* the request; req begins with its head as the instance gets it */
	struct svc *svc;
	struct upstream *up;
	struct instance *avoid;	/* where it failed last */
	size_t strip;		/* bytes of the path that are cut off */
	struct buf req;
	size_t req_target;	/* offset in req where a base path goes */
	size_t req_base;	/* bytes of a base path there */
	size_t req_head;	/* bytes of its head */
	size_t req_sent;	/* bytes of req sent to this instance */
	int64_t body_left;
	enum http_body body;
	enum method_class method_class;
	int minor, attempts;
	bool req_whole;		/* req still has all: it can be sent again */
	bool body_done;
	bool idempotent, to_head, keep_alive, upgrade;
	bool answered;		/* bytes of an answer were passed on */
	bool fresh;		/* not on one more connection that was kept */
	bool has_key;		/* for hash and sticky */
	unsigned door;		/* where it came in; see struct svc */
	int64_t rest_ms;
	uint64_t rest_mark;	/* bytes of the body by then */

	/* for the log and the statistics */
	int status;
	int64_t start_us, sent_us, connect_us, first_us;
	int64_t queue_us;	/* when it last began to wait; 0: never */
	int64_t waited_us;	/* before that */
	int64_t job_id;
	uint64_t bytes_in, bytes_out;
	char *log_method, *log_path;	/* only with an access log */
	char peer[INET6_ADDRSTRLEN];	/* the other end */
	char id[ID_MAX + 1];	/* of the request */
	char host[HOST_MAX];	/* that the client sees, if cut; or "" */

	/* what few look at */
	char client[INET6_ADDRSTRLEN];	/* whose request it is */
	struct trust_addr peer_addr, client_addr;
	struct chunks chunks;
	uint64_t key;
	struct conn *prev, *next;	/* in the queue, or the graveyard */
	struct conn *all_prev, *all_next;
	struct conn *rest_prev, *rest_next;
};

enum up_state { UP_CONNECT, UP_BUSY, UP_IDLE, UP_DEAD };

struct upstream {
	struct ev_io io;
	struct ev_timer timer;
	enum up_state state;
	enum http_body body;
	struct instance *inst;
	struct conn *conn;
	struct upstream *prev, *next;	/* idle list, or the graveyard */
	size_t in_line;
	struct buf in;		/* part of a response head */
	bool reused;		/* has served a request before */
	bool head_done;
	bool keep_alive;
	bool data_only;		/* the client cannot take chunks */
	bool in_eof;		/* in a tunnel: the instance has ended */
	bool deaf;		/* it takes no more of the request */
	bool trial;		/* its instance is on trial with it */
	int64_t body_left;
	struct chunks chunks;
};

struct listener {
	struct ev_io io;
	struct net_addr addr;
	const char *ask;	/* the address as it was asked for */
	bool admin;
	unsigned door;		/* 0: common; no number is used again */
	char *door_name;	/* as service.json has it; a door only */
	bool door_used;
	bool inherited;		/* systemd's: its path is not ours to unlink */
};

struct proxy {
	struct ev *ev;
	const char *dir;	/* of the services */
	struct map svcs;	/* name -> struct svc */
	struct svc **routes;	/* longest prefix first */
	size_t nroutes;
	/* a slot that is free has descriptor -1 */
	struct listener listeners[LISTENERS_MAX + DOORS_MAX];
	size_t nlisteners;
	struct ev_timer accept_timer, beat_timer, drain_timer;
	int64_t rate_us;	/* when the rates were last taken */
	int64_t ticks;		/* seconds of the clock that are in a history */
	struct stats other;	/* requests that belong to no service */
	int64_t drain_ms;
	bool draining;
	bool handed_over;	/* draining, and another process accepts */
	size_t nconns, nups, fds_max;	/* descriptors of all connections */
	size_t nidle;		/* upstreams at rest */
	/* see rest.c; rest_heavy: before it all is light or in a body */
	struct conn *rest_first, *rest_last, *rest_heavy;
	size_t nlight;
	bool full;		/* and so it does not accept */
	struct conn *conns;
	struct conn *dead_conns;
	struct upstream *dead_ups;
	char *scratch;		/* SCRATCH_SIZE bytes of the read under way */
	struct rng rng, ids;
	bool list;		/* a 404 names the prefixes */
	int64_t stale_since;	/* Slurm does not answer since; 0: it does */
	char stale_error[200];
	int64_t snapshot_at;	/* last whole snapshot; 0: none yet */
	uint64_t accepted, expelled, requests, log_lost;
	int64_t started_at;
};

extern struct proxy px;

/* main.c */
/* Takes fd over; NULL and *e (fd is then closed). */
struct listener *listener_add(int fd, struct err *e);
void proxy_conn_gone(void);	/* one fewer: accept again, or end */
void proxy_accept_again(void);
void proxy_hand_over(void);	/* another process accepts: drain and end */

/* takeover.c */
void takeover_begin(char **argv);	/* before there are listeners */
/* The old process's socket for that address, now ours; -1: it has none. */
int takeover_socket(const char *ask);
void takeover_load(void);	/* the table, and what was being read */
void takeover_ready(void);	/* we accept: the old process may end */
void takeover_start(void);	/* starts a new process, as SIGUSR2 asks */
void takeover_cancel(void);	/* if one is being started */
/* A snapshot, or a part of one, for the process taken over from, if any. */
void takeover_tell(const char *lines, size_t len);

/* memory.c */
int memory_save(struct buf *b);	/* lines for memory_load; 0, or -1: no memory */
void memory_load(const char *lines, size_t len);

/* feed.c */
void feed_init(void);
int feed_start(struct err *e);
/* For a process that takes over; feed_load is its part. */
void feed_pause(void);		/* leaves stdin and stdout alone */
void feed_resume(void);
int feed_save(json_t *head, struct buf *body);
int feed_load(const json_t *head, const char *body, size_t len,
    struct err *e);
void feed_follow(int fd);	/* takes fd over: snapshots from there */
/*
 * To be said with the next beat; or now, if nothing was since the last one.
 * Beats come once a second while there are requests; a process at rest is not
 * woken by any.
 */
void feed_demand_due(struct svc *s, bool now);
void feed_busy(void);	/* a request has come: there are beats again */
int64_t feed_beat(int64_t ms);	/* the beat at or after ms */

/* route.c */
int route_load(struct err *e);
/* The service of a request that came to c, or NULL; sets c->svc, ->strip. */
struct svc *route_find(struct conn *c, const struct http_head *h);
/* The prefixes that c could ask for. */
json_t *route_list(const struct conn *c, const struct http_head *h);
struct svc *route_by_name(const char *name);
size_t route_prefix_len(const struct svc *s);	/* 0 for "/" */

/* pool.c */
/* Takes rec over. Marks what it names as seen in that generation. */
void pool_update(struct svc *s, struct rec_instance *rec, uint64_t generation);
void pool_sweep(struct svc *s, uint64_t generation);
void pool_unref(struct instance *i);
bool pool_alive(const struct instance *i);	/* may get requests ... */
bool pool_free(const struct instance *i);	/* ... and one more now */
bool pool_usable(const struct instance *i);	/* both, and not ejected */
/* Drains by hand, or no more. How many instances have that job id. */
size_t pool_hold(int64_t job_id, bool held);
void pool_health(struct instance *i, enum health health, const char *why);
/* Why no instance of s takes a request, in words. Returns b's text. */
const char *pool_why(const struct svc *s, struct buf *b);

/* balance.c */
uint64_t balance_id(const struct rec_instance *rec);
/* What the request's place depends on, taken from its head. */
void balance_key(struct conn *c, const struct http_head *h);
/* The instance for c, not c->avoid if there is another; NULL: none now. */
struct instance *balance_pick(const struct conn *c);
bool balance_is_sticky(const struct svc *s);
/* The Set-Cookie that ties a client to i, "" if it is tied; valid for now. */
const char *balance_cookie(const struct conn *c, const struct instance *i);

/* eject.c */
bool eject_barred(const struct instance *i);
/* trial: the request was sent to it when it was ejected already. */
void eject_answer(struct instance *i, int status, bool trial);
void eject_failure(struct instance *i, const char *why, bool trial);
/* Until the time that it said in Retry-After. */
void eject_pause(struct instance *i, struct http_slice after);
void eject_stop(struct instance *i);
void eject_resume(struct instance *i);	/* it was ejected by another process */

/* hist.c */
void hist_add(struct hist *h, int64_t us);
void hist_clear(struct hist *h);
/* The permille-th part of a and b (may be NULL) in us; 0 of nothing. */
int64_t hist_part(const struct hist *a, const struct hist *b, int permille);
uint64_t hist_below(const struct hist *h, int log2_us);	/* how many */

/* stats.c */
enum method_class stats_method(const struct conn *c, struct http_slice method);
void stats_first_byte(const struct conn *c, struct instance *i);
void stats_done(const struct conn *c);
void stats_tick(void);		/* the histories go on to now */

/* health.c */
void check_start(struct instance *i);	/* again: at once, or next */
void check_stop(struct instance *i);
/* Its connection, at rest and now the caller's; -1: it has none to lend. */
int check_lend(struct instance *i);

/* resolve.c */
void resolve_start(struct instance *i, const char *host, const char *port);
void resolve_stop(struct instance *i);

/* queue.c */
void queue_add(struct conn *c, bool first);
void queue_remove(struct conn *c);
int64_t queue_waited_us(const struct conn *c);	/* each time, in all */
void queue_serve(struct svc *s);
void queue_dismiss(struct svc *s);	/* it is gone for good */
void queue_refuse(struct conn *c, const char *error);

/* conn.c */
void conn_bury(void);		/* frees what was closed in this turn */
/* No more requests on any: the others after this; idle ones at once, or ... */
void conn_drain(bool idle_too);	/* ... with the answer to a last one */
void conn_accept(struct ev_io *io, uint32_t events);
void conn_close(struct conn *c);
/* With RST: the client is gone, or would take what it has for the whole. */
void conn_abort(struct conn *c);
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

void conn_expel(struct conn *c);	/* it is too slow, and in the way */
void conn_cut_all(void);	/* those that are owed something: we end */

/* rest.c */
/* The client's turn: it rests, is in a head, or some KiB of a body came. */
void rest_begin(struct conn *c);
void rest_end(struct conn *c);	/* it has made a request */
void rest_gone(struct conn *c);
bool rest_fits(void);		/* a client more may come */
/* The same, if need be when somebody has gone for the last that came. */
bool rest_room(void);
bool rest_may_keep(void);	/* one more upstream at rest */

/* input.c */
bool input_wanted(const struct conn *c);	/* bytes are of use now */
void input_take(struct conn *c, const char *p, size_t len);
void input_kept(struct conn *c);	/* what was read ahead of an answer */
void input_ended(struct conn *c);
/* Answers a head that is none, or not there in time; then closes. */
void input_refuse(struct conn *c, int error, const char *why);

/* head.c */
void head_id(struct conn *c, const struct http_head *h);
int head_request(struct conn *c, const struct http_head *h);
int head_base(struct conn *c, const char *base);
int head_response(struct conn *c, const struct upstream *u,
    const struct http_head *h, struct buf *out);

/* back.c */
/* Whether f names a path. */
static inline bool
back_maps(const struct http_field *f)
{
	return f->id == HTTP_LOCATION || f->id == HTTP_CONTENT_LOCATION ||
	    f->id == HTTP_SET_COOKIE;
}

/* Bytes that back_put may add, in all fields of h that it is for. */
size_t back_more(const struct conn *c, const struct http_head *h);
/* Adds f to b (there is room), its value put right. */
void back_put(const struct conn *c, const struct instance *i,
    const struct http_field *f, struct buf *b);

/* door.c */
/* Opens what is not open yet: 0; -1 and *e, and all is as before. */
int door_open(const struct services *all, struct err *e);
unsigned door_of(const struct service *s);
void door_close_unused(void);	/* by the last door_open */

/* secret.c */
struct secret_file;
typedef bool secret_line_fn(struct http_slice line);
/*
 * A file of at most `most` lines, each ok; path is relative to dir. NULL and
 * *e if it cannot be used now.
 */
struct secret_file *secret_open(const char *dir, const char *path,
    size_t most, secret_line_fn *ok, struct err *e);
void secret_free(struct secret_file *f);	/* may be NULL */
/* Its lines, as they are now: how many; -1: it cannot be used. */
ssize_t secret_lines(struct secret_file *f, const struct http_slice **lines);
/* Another number after each change, and for each file. */
uint64_t secret_version(const struct secret_file *f);
/* Compares in a time that does not tell where they differ. */
bool secret_same(struct http_slice a, struct http_slice b);

/* auth.c */
/* The files that s names: 0; -1 and *e. */
int auth_open(const struct service *s, struct auth_files *out, struct err *e);
void auth_close(struct auth_files *a);
/* Whether c may go on; false: it was answered. */
bool auth_check(struct conn *c, const struct http_head *h);
/* What instances of s are shown, "" if nothing; -1: it is not known now. */
int auth_secret(const struct svc *s, struct http_slice *out);

/* trust.c */
int trust_add(const char *text, struct err *e);
void trust_addr(const struct net_addr *a, struct trust_addr *out);
bool trust_has(const struct trust_addr *a);
/*
 * Whether a server that cannot tell '_' from '-', as CGI and WSGI cannot, takes
 * the field for one that we set: X_Forwarded_*, X_Berth_Secret, X_Request_Id.
 */
bool trust_is_alias(struct http_slice name);
/* Who the client is, by what a trusted peer says. */
void trust_client(struct conn *c, const struct http_head *h);

/* limit.c */
bool limit_check(struct conn *c);	/* false: it was answered */

/* relay.c */
void relay_dispatch(struct conn *c);	/* to an instance, or the queue */
bool relay_try(struct conn *c);		/* to an instance, or false */
/*
 * Bytes behind what is in req: to the instance at once if none wait and none
 * are kept to be sent again, what is left to req. 0; -1: no memory.
 */
int relay_pass(struct conn *c, const char *p, size_t len);
void relay_flush(struct conn *c);	/* req to the instance */
void relay_watch(struct upstream *u);
void relay_drop(struct conn *c);	/* the client is gone, or was told */
void relay_event(struct ev_io *io, uint32_t events);	/* of an upstream */

/* upstream.c */
/*
 * One that rests, if careful not closed as far as one can know; or, if there is
 * none or it is to be fresh, a new one, being made. NULL with errno.
 */
struct upstream *upstream_get(struct instance *i, bool careful, bool fresh);
void upstream_rest(struct upstream *u);	/* or closes it, if there are many */
void upstream_close(struct upstream *u);
void upstream_bury(void);	/* frees what was closed in this turn */
void upstream_close_spare(void);	/* one that rests, at any instance */
/* One that rests, for a check: its descriptor, the caller's now; or -1. */
int upstream_lend(struct instance *i);

/* access.c */
int access_open(const char *path, struct err *e);
void access_reopen(void);
void access_log(const struct conn *c);
bool access_on(void);

/* guard.c */
bool guard_host_ok(struct http_slice host);	/* of an admin request */
/* Whether a page of somebody else's may have made a browser send this. */
bool guard_is_forged(const struct conn *c, const struct http_head *h);

/* metrics.c */
int metrics_write(struct buf *b);

/* page.c: a page of HTML; NUL-ended */
extern const char page_html[];

/* status.c */
void status_serve(struct conn *c, const struct http_head *h);
void reply_error(struct conn *c, int status, const char *error,
    const char *why);
#define REPLY_LATER "Retry-After: 5\r\n"	/* of a 503 */
/* The same with fields, each with its CR LF, and members of the object. */
void reply_refusal(struct conn *c, int status, const char *error,
    const char *fields, json_t *more);

#endif
