/*
 * svc-proxy - balances HTTP over the ready instances of services that run as
 * Slurm jobs. Instances come in as records on stdin, HTTP on the listeners.
 */
#include "proxy.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "die.h"
#include "notify.h"
#include "num.h"
#include "xalloc.h"

struct proxy px;

static const char usage_text[] =
"usage: svc-proxy -s DIR [-qv] [-l ADDR]... [--admin=ADDR] [--drain=DUR]\n"
"                 [--access-log=FILE] < instances > instances+demand\n"
"\n"
"Balances HTTP over the instances of the services in DIR.\n"
"\n"
"  -s, --services=DIR     DIR/NAME/service.json: what is served\n"
"  -l, --listen=ADDR      HOST:PORT or unix:PATH (default 127.0.0.1:13013,\n"
"                         or the sockets systemd passes)\n"
"      --admin=ADDR       GET /status here\n"
"      --access-log=FILE  one NDJSON line a request; reopened on SIGHUP\n"
"      --drain=DUR        on SIGTERM, time for running requests (30s)\n"
"  -q, --quiet            only errors on stderr\n"
"  -v, --verbose          more on stderr\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n";

/* ---- the end ---- */

static void
finish(void)
{
	struct listener *l;

	for (l = px.listeners; l < px.listeners + px.nlisteners; l++)
		if (l->addr.sa.sa_family == AF_UNIX && !l->inherited)
			(void)unlink(l->addr.un.sun_path);
	ev_stop(px.ev);
}

static void
on_drain_timer(struct ev_timer *t)
{
	(void)t;
	warn("%zu connections were still open at the end of the drain time",
	    px.nconns);
	finish();
}

static void
resume_accepting(void)
{
	size_t i;

	for (i = 0; i < px.nlisteners; i++)
		ev_io_want(px.ev, &px.listeners[i].io, EPOLLIN);
}

void
proxy_conn_gone(void)
{
	if (px.draining && px.nconns == 0)
		finish();
	else if (!px.draining && px.nconns < px.conns_max)
		resume_accepting();
}

static void
on_terminate(int signo, void *arg)
{
	size_t i;

	(void)signo;
	(void)arg;
	if (px.draining) {	/* a second time: at once */
		finish();
		return;
	}
	px.draining = true;
	notify_send("STOPPING=1");
	note("draining %zu connections", px.nconns);
	for (i = 0; i < px.nlisteners; i++) {
		int fd = px.listeners[i].io.fd;

		ev_io_stop(px.ev, &px.listeners[i].io);
		(void)close(fd);
	}
	conn_drain();
	(void)ev_timer_set(px.ev, &px.drain_timer, ev_now_ms(px.ev) +
	    px.drain_ms, on_drain_timer);
	proxy_conn_gone();
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
		relay_bury();
	if (px.dead_conns != NULL)
		conn_bury();
}

/* ---- the beginning ---- */

static void
add_listener(int fd, bool admin, bool inherited)
{
	struct listener *l;
	char text[NET_TEXT];
	struct err e;

	if (px.nlisteners == LISTENERS_MAX)
		die(ST_PERM, "more than %d listeners", LISTENERS_MAX);
	l = &px.listeners[px.nlisteners++];
	l->admin = admin;
	l->inherited = inherited;
	if (net_local(fd, &l->addr, &e) < 0 ||
	    ev_io_start(px.ev, &l->io, fd, EPOLLIN, conn_accept, &e) < 0)
		die_err(&e);
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
	fd = net_listen(&a, &e);
	if (fd < 0)
		die_err(&e);
	add_listener(fd, admin, false);
}

static size_t
listen_inherited(void)
{
	size_t n = 0;
	int fd;

	while ((fd = net_systemd_fd((int)n)) >= 0) {
		add_listener(fd, false, true);
		n++;
	}
	return n;
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

/* Two descriptors a request, and some for checks, files and the admin. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		die(ST_TEMP, "getrlimit failed");
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
	(void)getrlimit(RLIMIT_NOFILE, &rl);
	px.conns_max = rl.rlim_cur > 1024 ? (size_t)(rl.rlim_cur - 512) / 2 :
	    (size_t)rl.rlim_cur / 4;
}

static void
on_signals(void)
{
	struct err e;

	(void)signal(SIGPIPE, SIG_IGN);
	if (ev_signal(px.ev, SIGTERM, on_terminate, NULL, &e) < 0 ||
	    ev_signal(px.ev, SIGINT, on_terminate, NULL, &e) < 0 ||
	    ev_signal(px.ev, SIGHUP, on_hangup, NULL, &e) < 0)
		die_err(&e);
}

struct options {
	const char *listen[LISTENERS_MAX];
	size_t nlisten;
	const char *admin, *log;
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
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct err e;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:l:qvhV", longs, NULL)) != -1) {
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
			o->admin = optarg;
			break;
		case 'L':
			o->log = optarg;
			break;
		case 'D':
			if (num_duration(optarg, &px.drain_ms, &e) < 0)
				die(ST_PERM, "--drain: %s", e.text);
			break;
		case 'q':
			verbosity = -1;
			break;
		case 'v':
			verbosity++;
			break;
		case 'h':
			leave_help(usage_text);
		case 'V':
			leave_version();
		default:
			die_usage(usage_text);
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
	raise_limits();
	if (route_load(&e) < 0)
		die_err(&e);
	if (px.nroutes == 0)
		warn("%s: no services yet; SIGHUP reads it again", px.dir);
	if (o.log != NULL && access_open(o.log, &e) < 0)
		die_err(&e);
	on_signals();
	for (i = 0; i < o.nlisten; i++)
		listen_on(o.listen[i], false);
	if (listen_inherited() == 0 && o.nlisten == 0)
		listen_on("127.0.0.1:13013", false);
	if (o.admin != NULL)
		listen_on(o.admin, true);
	if (feed_start(&e) < 0)
		die_err(&e);
	ev_each_turn(px.ev, each_turn, NULL);
	notify_send("READY=1");
	ev_run(px.ev);
	exit(ST_OK);
}
