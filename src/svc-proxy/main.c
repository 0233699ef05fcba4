/*
 * svc-proxy - balances HTTP over the ready instances of services that run as
 * Slurm jobs. Instances come in as records on stdin, HTTP on the listeners.
 */
#include "proxy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "die.h"
#include "notify.h"
#include "xalloc.h"

struct proxy px;

#define SYSTEMDS "systemd"	/* the address of a socket that it passes */

static const char usage_text[] =
"usage: svc-proxy -s DIR [-qv] [-l ADDR]... [--admin=ADDR]...\n"
"                 [--drain=DUR] [--access-log=FILE] [--list]\n"
"                 [--trust=NET]...\n"
"                 < instances > instances+demand\n"
"\n"
"Balances HTTP over the instances of the services in DIR.\n"
"\n"
"  -s, --services=DIR     DIR/NAME/service.json: what is served\n"
"  -l, --listen=ADDR      HOST:PORT or unix:PATH (default 127.0.0.1:13013,\n"
"                         or the sockets systemd passes)\n"
"      --admin=ADDR       GET /, /status and /metrics here\n"
"      --access-log=FILE  one NDJSON line a request; reopened on SIGHUP\n"
"      --drain=DUR        on SIGTERM, time for running requests (30s)\n"
"      --list             a 404 names the prefixes that there are\n"
"      --trust=NET        ADDR, ADDR/BITS or unix: such peers may say, by\n"
"                         X-Forwarded-For, whose requests they pass on\n"
"  -q, --quiet            only errors on stderr\n"
"  -v, --verbose          more on stderr\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n";

/* ---- the end ---- */

static void
finish(void)
{
	struct listener *l;

	conn_cut_all();
	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->addr.sa.sa_family == AF_UNIX && !l->inherited &&
		    !px.handed_over)
			(void)unlink(l->addr.un.sun_path);
	ev_stop(px.ev);
}

static void
on_drain_timer(struct ev_timer *t)
{
	(void)t;
	conn_drain(true);	/* after a takeover some may be idle */
	if (px.nconns > 0)
		warn("%zu connections were still open at the end of the drain "
		    "time", px.nconns);
	finish();
}

void
proxy_accept_again(void)
{
	size_t i;

	px.full = false;
	for (i = 0; i < px.nlisteners; i++)
		ev_io_want(px.ev, &px.listeners[i].io, EPOLLIN);
}

void
proxy_conn_gone(void)
{
	if (px.draining && px.nconns == 0)
		finish();
	else if (!px.draining && px.full && rest_fits())
		proxy_accept_again();
}

static void
drain(void)
{
	size_t i;

	px.draining = true;
	note("draining %zu connections", px.nconns);
	for (i = 0; i < px.nlisteners; i++) {
		int fd = px.listeners[i].io.fd;

		ev_io_stop(px.ev, &px.listeners[i].io);
		(void)close(fd);
	}
	conn_drain(!px.handed_over);
	(void)ev_timer_set(px.ev, &px.drain_timer, ev_now_ms(px.ev) +
	    px.drain_ms, on_drain_timer);
	proxy_conn_gone();
}

static void
on_terminate(int signo, void *arg)
{
	static bool told;

	(void)signo;
	(void)arg;
	if (told) {		/* a second time: at once */
		finish();
		return;
	}
	told = true;
	if (px.draining)	/* another process has taken over */
		return;
	takeover_cancel();
	notify_send("STOPPING=1");
	drain();
}

void
proxy_hand_over(void)
{
	px.handed_over = true;
	drain();
}

static void
on_takeover(int signo, void *arg)
{
	(void)signo;
	(void)arg;
	takeover_start();
}

static void
on_hangup(int signo, void *arg)
{
	struct err e;
	size_t i;

	(void)signo;
	(void)arg;
	access_reopen();
	if (route_load(&e) < 0) {
		warn("%s; the services stay as they were", e.text);
		return;
	}
	note("services read again: %zu", px.nroutes);
	for (i = 0; i < px.nroutes; i++)
		queue_serve(px.routes[i]);
}

static void
each_turn(void *arg)
{
	(void)arg;
	if (px.dead_ups != NULL)
		upstream_bury();
	if (px.dead_conns != NULL)
		conn_bury();
}

/* ---- the beginning ---- */

static struct listener *
free_listener(void)
{
	struct listener *l = px.listeners;

	while (l < px.listeners + px.nlisteners && l->io.fd >= 0)
		l++;
	if (l == px.listeners + ARRAY_LEN(px.listeners))
		return NULL;
	px.nlisteners = MAX(px.nlisteners, (size_t)(l - px.listeners) + 1);
	*l = (struct listener){ .io.fd = -1 };
	return l;
}

struct listener *
listener_add(int fd, struct err *e)
{
	struct listener *l = free_listener();

	if (l == NULL) {
		(void)err_perm(e, "more than %zu listeners",
		    ARRAY_LEN(px.listeners));
	} else if (net_local(fd, &l->addr, e) == 0 && ev_io_start(px.ev,
	    &l->io, fd, EPOLLIN, conn_accept, e) == 0) {
		return l;
	}
	(void)close(fd);
	return NULL;
}

static void
add_listener(int fd, const char *ask, bool admin, bool inherited)
{
	struct listener *l;
	char text[NET_TEXT];
	struct err e;

	l = listener_add(fd, &e);
	if (l == NULL)
		die_err(&e);
	l->ask = ask;
	l->admin = admin;
	l->inherited = inherited;
	note("%s on %s", admin ? "admin" : "listening",
	    net_text(&l->addr, text, sizeof(text)));
}

static void
listen_on(const char *text, bool admin)
{
	struct net_addr a;
	struct err e;
	int fd;

	if (net_parse(text, &a, &e) < 0)
		die_err(&e);
	fd = takeover_socket(text);
	if (fd < 0)
		fd = net_listen(&a, &e);
	if (fd < 0)
		die_err(&e);
	add_listener(fd, text, admin, false);
}

static void
listen_inherited(void)
{
	int fd, n = 0;

	while ((fd = takeover_socket(SYSTEMDS)) >= 0 ||
	    (fd = net_systemd_fd(n++)) >= 0)
		add_listener(fd, SYSTEMDS, false, true);
}

static bool
listens(void)
{
	size_t i;

	for (i = 0; i < px.nlisteners; i++)
		if (!px.listeners[i].admin && px.listeners[i].door == 0)
			return true;
	return false;
}

/* Numbers that nobody guesses across restarts. */
static void
seed_ids(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint64_t)clock_mono_us() ^ (uint64_t)getpid() << 40;
	rng_seed(&px.ids, seed);
}

/* A standard descriptor that is closed must not become a socket's number. */
static void
hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* Some descriptors are for checks, files and the admin. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		die(ST_TEMP, "getrlimit failed");
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
	(void)getrlimit(RLIMIT_NOFILE, &rl);
	px.fds_max = rl.rlim_cur > 1024 ? (size_t)rl.rlim_cur - 512 :
	    (size_t)rl.rlim_cur / 2;
}

static void
on_signals(void)
{
	struct err e;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);	/* a log may be full, and no more */
	if (ev_signal(px.ev, SIGTERM, on_terminate, NULL, &e) < 0 ||
	    ev_signal(px.ev, SIGINT, on_terminate, NULL, &e) < 0 ||
	    ev_signal(px.ev, SIGHUP, on_hangup, NULL, &e) < 0 ||
	    ev_signal(px.ev, SIGUSR2, on_takeover, NULL, &e) < 0)
		die_err(&e);
}

struct options {
	const char *listen[LISTENERS_MAX];
	size_t nlisten;
	const char *admin[LISTENERS_MAX];
	size_t nadmin;
	const char *log;
};

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "services", required_argument, NULL, 's' },
		{ "listen", required_argument, NULL, 'l' },
		{ "admin", required_argument, NULL, 'A' },
		{ "access-log", required_argument, NULL, 'L' },
		{ "drain", required_argument, NULL, 'D' },
		{ "list", no_argument, NULL, 'I' },
		{ "trust", required_argument, NULL, 'T' },
		ARGS_HOUSE_LONG,
	};
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:l:" ARGS_HOUSE, longs,
	    NULL)) != -1) {
		switch (opt) {
		case 's':
			px.dir = optarg;
			break;
		case 'l':
			if (o->nlisten == LISTENERS_MAX)
				die(ST_PERM, "more than %d listeners",
				    LISTENERS_MAX);
			o->listen[o->nlisten++] = optarg;
			break;
		case 'A':
			if (o->nadmin == LISTENERS_MAX)
				die(ST_PERM, "more than %d listeners",
				    LISTENERS_MAX);
			o->admin[o->nadmin++] = optarg;
			break;
		case 'L':
			o->log = optarg;
			break;
		case 'D':
			px.drain_ms = args_duration_ms("drain", optarg,
			    INT32_MAX);
			break;
		case 'I':
			px.list = true;
			break;
		case 'T':
			if (trust_add(optarg, &e) < 0)
				die(ST_PERM, "--trust: %s", e.text);
			break;
		default:
			args_house(opt, usage_text);
		}
	}
	if (optind < argc || px.dir == NULL)
		die_usage(usage_text);
}

int
main(int argc, char **argv)
{
	struct options o = { .nlisten = 0 };
	struct err e;
	size_t i;

	prog = "svc-proxy";
	px.drain_ms = 30000;
	parse_options(argc, argv, &o);
	hold_standard_fds();
	px.ev = ev_new(&e);
	if (px.ev == NULL)
		die_err(&e);
	px.scratch = xcalloc(1, SCRATCH_SIZE);
	px.started_at = clock_wall_s();
	rng_seed(&px.rng, (uint64_t)clock_mono_us() ^ (uint64_t)getpid());
	seed_ids();
	raise_limits();
	takeover_begin(argv);
	listen_inherited();
	if (route_load(&e) < 0)
		die_err(&e);
	if (px.nroutes == 0)
		warn("%s: no services yet; SIGHUP reads it again", px.dir);
	if (o.log != NULL && access_open(o.log, &e) < 0)
		die_err(&e);
	on_signals();
	for (i = 0; i < o.nlisten; i++)
		listen_on(o.listen[i], false);
	if (!listens())
		listen_on("127.0.0.1:13013", false);
	for (i = 0; i < o.nadmin; i++)
		listen_on(o.admin[i], true);
	feed_init();
	takeover_load();
	if (feed_start(&e) < 0)
		die_err(&e);
	ev_each_turn(px.ev, each_turn, NULL);
	takeover_ready();
	notify_send("READY=1");
	ev_run(px.ev);
	exit(ST_OK);
}
