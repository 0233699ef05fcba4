/*
 * svc-keepalive - decides what must be submitted or ended so that each service
 * has what it wants: snapshots and demand in, orders out. It never talks to
 * Slurm and holds nothing that Slurm does not know better.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "die.h"
#include "keepalive.h"
#include "nd.h"

static const char usage_text[] =
"usage: svc-keepalive -s SERVICES [--once] [--state=FILE] [--now=T] [-nqv]\n"
"\n"
"Reads what svc-discover and svc-proxy write and says what svc-submit is to\n"
"do so that each service has the instances it wants.\n"
"\n"
"  -s, --services=DIR  the services that are wanted (svc-service(5))\n"
"      --once          read stdin to its end, decide once, exit (for cron)\n"
"      --state=FILE    keep what was learnt in FILE over a restart\n"
"      --now=T         seconds since the epoch; tests only\n"
"  -n, --dry-run       leave FILE as it is\n"
"  -q, --quiet         do not tell events on stderr\n"
"  -v, --verbose       tell each decision\n"
"  -h, --help          this text\n"
"  -V, --version       the version\n";

enum { OPT_ONCE = 256, OPT_STATE, OPT_NOW, SAY_EVERY_MS = 10000 };

static const struct option long_options[] = {
	{ "services", required_argument, NULL, 's' },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "now", required_argument, NULL, OPT_NOW },
	{ "dry-run", no_argument, NULL, 'n' },
	ARGS_HOUSE_LONG,
};

static struct {
	const char *services, *state;
	bool once, dry_run;
	int64_t now;		/* 0: the snapshot says */
} opt;

static volatile sig_atomic_t hup;

static void
on_hup(int sig)
{
	(void)sig;
	hup = 1;
}

/* ---- records ---- */

static void
decide_now(struct keepalive *k, bool fresh)
{
	if (!k->whole || k->stale || k->torn)
		return;
	decide(k, fresh);
	if (opt.state != NULL && !opt.dry_run)
		state_save(k, opt.state, opt.once);
}

static void
bad_line(struct keepalive *k, const struct err *e)
{
	static int64_t said_at;
	static unsigned long more;
	int64_t now = clock_mono_ms();

	if (opt.once)
		die_err(e);
	k->torn = true;
	units_drop(k);
	if (said_at != 0 && now - said_at < SAY_EVERY_MS) {
		more++;
		return;
	}
	if (more > 0)
		warn("%lu more bad lines before this one", more);
	warn("%s: this snapshot is not used", e->text);
	said_at = now;
	more = 0;
}

static int
take_end(struct keepalive *k, const struct nd_in *in, const json_t *rec,
    struct err *e)
{
	int64_t at = clock_wall_s();
	size_t read = k->read;
	const char *of = "";

	if (rec_str(rec, "of", &of, e) < 0 ||
	    rec_int(rec, "at", 0, REC_MAX, &at, e) < 0)
		return -1;
	if (strcmp(of, "instance") != 0)
		return 0;
	k->read = 0;
	if (!k->torn && rec_end_check(rec, read, e) < 0) {
		(void)err_prefix(e, "%s:%lu", in->name, in->line);
		bad_line(k, e);
	}
	if (k->torn) {
		k->torn = false;
		units_drop(k);
		return 0;
	}
	if (k->stale)
		note("Slurm answers again");
	k->stale = false;
	units_turn(k, opt.now ? opt.now : at);
	if (!opt.once)
		decide_now(k, true);
	return 0;
}

static void
take_stale(struct keepalive *k, const json_t *rec)
{
	const char *why = json_string_value(json_object_get(rec, "error"));

	if (!k->stale)
		note("no orders until Slurm answers again%s%s",
		    why ? ": " : "", why ? why : "");
	k->stale = true;
	k->torn = false;
	k->read = 0;
	units_drop(k);
}

static int
take(struct keepalive *k, const struct nd_in *in, const json_t *rec,
    struct err *e)
{
	if (rec_is(rec, "instance")) {
		k->read++;
		return unit_add(k, rec, e);
	}
	if (rec_is(rec, "end"))
		return take_end(k, in, rec, e);
	if (rec_is(rec, "stale")) {
		take_stale(k, rec);
	} else if (rec_is(rec, "demand")) {
		if (unit_demand(k, rec, e) < 0)
			return -1;
		if (!opt.once)
			decide_now(k, false);
	}
	return 0;
}

static void
one_line(struct keepalive *k, struct nd_in *in, const char *line, size_t len)
{
	json_t *rec = NULL;
	struct err e;

	if (nd_parse(in, line, len, &rec, &e) < 0) {
		bad_line(k, &e);
	} else if (take(k, in, rec, &e) < 0) {
		(void)err_prefix(&e, "%s:%lu", in->name, in->line);
		bad_line(k, &e);
	}
	json_decref(rec);
}

/* ---- the loop ---- */

/* A bad set is told, and the old one stays; a reload ends every back-off. */
static void
reload(struct keepalive *k)
{
	struct err e;
	size_t i;

	hup = 0;
	if (units_load(k, opt.services, &e) < 0) {
		warn("%s: the services stay as they were", e.text);
		return;
	}
	for (i = 0; i < k->services.len; i++)
		past_forgive(&k->units[i]);
	note("%zu services read from %s", k->services.len, opt.services);
	decide_now(k, false);
}

/* SIGHUP is let in here alone, so none is missed or waits for a record. */
static void
wait_input(struct keepalive *k, const sigset_t *open)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	while (ppoll(&p, 1, NULL, open) < 0 && errno == EINTR)
		if (hup)
			reload(k);
}

static void
read_all(struct keepalive *k, const sigset_t *open)
{
	struct nd_in in;
	struct err e;
	char *line;
	size_t len;
	int got;

	nd_open(&in, STDIN_FILENO, "stdin");
	for (;;) {
		got = nd_next(&in, &line, &len, &e);
		if (got > 0)
			one_line(k, &in, line, len);
		else if (got < 0)
			bad_line(k, &e);
		else if (in.eof)
			break;
		else {
			wait_input(k, open);
			if (nd_fill(&in, &e) < 0)
				die_err(&e);
		}
	}
	nd_close(&in);
}

static void
set_signals(sigset_t *open)
{
	struct sigaction sa = { .sa_handler = on_hup };
	sigset_t hups;

	(void)sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
	(void)sigemptyset(&hups);
	(void)sigaddset(&hups, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &hups, open);
	(void)sigdelset(open, SIGHUP);
}

static void
parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:n" ARGS_HOUSE, long_options,
	    NULL)) != -1) {
		switch (c) {
		case 's': opt.services = optarg; break;
		case OPT_ONCE: opt.once = true; break;
		case OPT_STATE: opt.state = optarg; break;
		case OPT_NOW:
			opt.now = args_int("now", optarg, 1, REC_MAX);
			clock_set_now(opt.now);
			break;
		case 'n': opt.dry_run = true; break;
		default: args_house(c, usage_text);
		}
	}
	if (opt.services == NULL || optind < argc)
		die_usage(usage_text);
}

int
main(int argc, char **argv)
{
	struct keepalive k = { 0 };
	sigset_t open;
	struct err e;

	prog = "svc-keepalive";
	parse_options(argc, argv);
	if (units_load(&k, opt.services, &e) < 0)
		die_err(&e);
	if (opt.state != NULL)
		state_load(&k, opt.state);
	set_signals(&open);
	read_all(&k, &open);
	if (opt.once && (!k.whole || k.stale))
		die(ST_TEMP, "%s: no orders", k.stale ? "Slurm does not "
		    "answer" : "no whole snapshot on stdin");
	if (opt.once)
		decide_now(&k, true);
	units_release(&k);
	leave(ST_OK);
}
