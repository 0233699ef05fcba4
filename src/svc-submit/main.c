/*
 * svc-submit - carries out orders on Slurm, each at most once: submit, drain
 * and cancel records from stdin, or one script from the command line.
 *
 * Signals are blocked but while we wait, so that a call to slurmctld that is
 * under way is finished and answered before we end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "die.h"
#include "nd.h"
#include "num.h"
#include "rec.h"
#include "submit.h"
#include "xalloc.h"

static const char usage_text[] =
"usage: svc-submit [OPTION]... [SCRIPT [ARG]...]\n"
"Carries out the submit, drain and cancel records of stdin on Slurm, each at\n"
"most once, and answers each with a record; or submits one batch script.\n"
"\n"
"  -n, --dry-run      print what would be submitted, and submit nothing\n"
"  -k, --keep-going   warn of a bad line and skip it\n"
"      --timeout=DUR  try an order for that long while Slurm errs (60s)\n"
"      --rate=N/s     submit no more than that\n"
"      --via=sbatch   hand jobs to sbatch, with what it alone knows\n"
"      --seed=N       of the jitter between tries\n"
"      --now=T        the time, in seconds since the epoch, for --begin\n"
"  -q, --quiet        say errors only\n"
"  -v, --verbose      say each try\n"
"  -h, --help         this text\n"
"  -V, --version      the version\n"
"\n"
"With a SCRIPT, these options of sbatch, which win over its #SBATCH lines:\n"
"  -A --account  -a --array  -b --begin  -c --cpus-per-task  -C --constraint\n"
"  -d --dependency  -D --chdir  -e --error  -G --gpus  -H --hold\n"
"  -J --job-name  -L --licenses  -N --nodes  -o --output  -p --partition\n"
"  -t --time  -w --nodelist  -x --exclude  --comment  --exclusive  --gres\n"
"  --mem  --mem-per-cpu  --no-requeue  --ntasks  --ntasks-per-node  --qos\n"
"  --requeue  --reservation  --signal\n";

struct settings settings = { .timeout_ms = 60000 };

static bool keep_going;
static bool had_bad_line;
static struct order command_line;	/* what its options say */
static size_t extra_len;

/* ---- waiting ---- */

static sigset_t end_signals;

bool
told_to_end(void)
{
	sigset_t now;

	return sigpending(&now) == 0 && (sigismember(&now, SIGTERM) == 1 ||
	    sigismember(&now, SIGINT) == 1);
}

static void
block_signals(void)
{
	(void)sigemptyset(&end_signals);
	(void)sigaddset(&end_signals, SIGTERM);
	(void)sigaddset(&end_signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &end_signals, NULL);
}

/* Waits ms (-1: for ever) for fd (-1: none). True: it can be read. */
static bool
wait_for(int fd, int64_t ms)
{
	static int signals = -1;
	struct pollfd p[2];

	if (signals < 0)
		signals = signalfd(-1, &end_signals, SFD_CLOEXEC);
	p[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
	if (poll(p, 2, (int)MIN(ms, INT32_MAX)) < 0 && errno != EINTR)
		die(ST_TEMP, "poll: %s", strerror(errno));
	return fd >= 0 && p[0].revents != 0;
}

/* ---- records ---- */

static void
print(json_t *rec)
{
	struct err e;

	if (nd_write(rec, &e) < 0 || nd_flush(&e) < 0)
		die(ST_TEMP, "%s", e.text);
}

/* -n: what a submit order comes to; others as they are. */
static int
show(const struct order *o, json_t *rec, struct err *e)
{
	json_t *out = o->kind == ORDER_SUBMIT ? order_json(o, e) :
	    json_incref(rec);

	if (out == NULL)
		return -1;
	print(out);
	return 0;
}

static bool
is_order(const json_t *rec)
{
	return rec_is(rec, "submit") || rec_is(rec, "drain") ||
	    rec_is(rec, "cancel");
}

/* Takes rec over. An order that makes no sense is answered at once. */
static void
take_record(const struct nd_in *in, json_t *rec)
{
	struct order o = { 0 };
	struct err e;
	int rc;

	if (rec_is(rec, "event")) {
		print(rec);
		return;
	}
	if (is_order(rec)) {
		rc = order_read(&o, rec, &e);
		if (rc == 0 && settings.dry_run)
			rc = show(&o, rec, &e);
		else if (rc == 0)
			work_add(&o);
		if (rc < 0) {
			(void)err_prefix(&e, "%s:%lu", in->name, in->line);
			order_refused(&o, &e);
		}
		order_release(&o);
	}
	json_decref(rec);
}

static void work_off(void);

/* A line that is no record: what came before it is still carried out. */
static void
bad_line(const struct err *e)
{
	if (!keep_going) {
		work_off();
		die_err(e);
	}
	warn("%s", e->text);
	had_bad_line = true;
}

/* The whole lines that are in memory, as far as there is room for orders. */
static void
take_lines(struct nd_in *in)
{
	struct err e;
	json_t *rec;
	char *line;
	size_t len;
	int got;

	while (work_len() < WORK_MAX &&
	    (got = nd_next(in, &line, &len, &e)) != 0) {
		if (got < 0 || nd_parse(in, line, len, &rec, &e) < 0)
			bad_line(&e);
		else
			take_record(in, rec);
	}
}

/* All that can be read without waiting, so that a batch needs one look. */
static bool
take_input(struct nd_in *in)
{
	bool open = true;
	struct err e;
	int got;

	do {
		got = nd_fill(in, &e);
		if (got < 0)
			die_err(&e);
		open = got > 0;
		take_lines(in);
	} while (open && work_len() < WORK_MAX && wait_for(in->fd, 0));
	return open;
}

static void
finish_if_told(void)
{
	if (!told_to_end())
		return;
	work_refuse_all();
	leave(orders_refused || had_bad_line ? ST_NO : ST_OK);
}

/* Carries out all that is there. */
static void
work_off(void)
{
	while (work_len() > 0) {
		work_round();
		if (work_len() > 0)
			(void)wait_for(-1, work_wait_ms());
		finish_if_told();
	}
}

static void
records(void)
{
	struct nd_in in;
	bool open = true, room;

	nd_open(&in, STDIN_FILENO, "stdin");
	for (;;) {
		take_lines(&in);
		if (!open && work_len() == 0)
			break;
		room = open && work_len() < WORK_MAX;
		if (wait_for(room ? in.fd : -1, work_wait_ms()))
			open = take_input(&in);
		finish_if_told();
		work_round();
	}
	nd_close(&in);
	leave(orders_refused || had_bad_line ? ST_NO : ST_OK);
}

/* ---- the command line ---- */

static void
one_script(char *operands[])
{
	struct order *o = &command_line;
	struct err e;

	if (order_command_line(o, operands, &e) < 0 ||
	    (settings.dry_run && show(o, NULL, &e) < 0)) {
		order_refused(o, &e);
		leave(e.status);
	}
	if (settings.dry_run)
		leave(ST_OK);
	work_add(o);
	work_off();
	leave(orders_refused ? orders_refused_status : ST_OK);
}

enum {
	OPT_TIMEOUT = 256, OPT_RATE, OPT_VIA, OPT_SEED, OPT_NOW,
	OPT_TABLE,		/* the table's keys, then no-requeue */
};

static const struct option house[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "via", required_argument, NULL, OPT_VIA },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "now", required_argument, NULL, OPT_NOW },
};
static const char house_letters[] = "nk" ARGS_HOUSE;

static struct option options[ARRAY_LEN(house) + JOBSPEC_LEN + 2];
static char letters[3 + ARRAY_LEN(house) + 2 * JOBSPEC_LEN];

static const char no_requeue[] = "no-requeue";

/* getopt's tables: the house's options and the table's. */
static void
make_options(void)
{
	static const int how[] = {
		[JOBSPEC_ARG_NONE] = no_argument,
		[JOBSPEC_ARG_MAY] = optional_argument,
		[JOBSPEC_ARG_MUST] = required_argument,
	};
	struct option *o = options + ARRAY_LEN(house);
	const struct jobspec_key *key;
	char *l = letters;
	int i;

	memcpy(options, house, sizeof(house));
	*l++ = '+';
	*l++ = ':';
	memcpy(l, house_letters, sizeof(house_letters) - 1);
	l += sizeof(house_letters) - 1;
	for (i = 0; i < JOBSPEC_LEN; i++) {
		key = &jobspec_keys[i];
		*o++ = (struct option){ key->option,
		    how[jobspec_arg(key->option)], NULL, OPT_TABLE + i };
		if (key->letter == 0 || strchr(house_letters, key->letter))
			continue;
		*l++ = key->letter;
		if (jobspec_arg(key->option) == JOBSPEC_ARG_MUST)
			*l++ = ':';
	}
	*o = (struct option){ no_requeue, no_argument, NULL, OPT_TABLE + i };
}

/* An option of sbatch, by its number in `options` or its letter. */
static bool
table_option(int c, const char *value)
{
	const struct jobspec_key *key = c < OPT_TABLE ?
	    jobspec_find_letter((char)c) : NULL;
	const char *option = key ? key->option : NULL;
	struct err e;

	if (c >= OPT_TABLE)
		option = options[ARRAY_LEN(house) + (size_t)(c - OPT_TABLE)]
		    .name;
	if (option == NULL)
		return false;
	if (jobspec_option(&command_line.spec, option, value, &e) < 0)
		die_err(&e);
	return true;
}

/* An option that we do not know may be one of sbatch's. */
static void
unknown_option(const char *text)
{
	char letter[] = "-?";

	if (optopt > 0 && optopt < OPT_TIMEOUT) {
		letter[1] = (char)optopt;
		text = letter;
	}
	if (!settings.via_sbatch) {
		warn("unknown option '%s'", text);
		die_usage(usage_text);
	}
	command_line.extra[extra_len++] = xstrdup(text);
}

static const char *
name_of(int c)
{
	size_t i = 0;

	while (house[i].val != c)
		i++;
	return house[i].name;
}

static void
long_option(int c, const char *value)
{
	int64_t n = 0;
	struct err e;
	int rc = 0;

	switch (c) {
	case OPT_TIMEOUT:
		rc = num_duration(value, &settings.timeout_ms, &e);
		break;
	case OPT_RATE:
		rc = num_rate(value, &settings.rate_e6, &e);
		break;
	case OPT_SEED:
		rc = num_int(value, 0, INT64_MAX, &n, &e);
		settings.seed = (uint64_t)n;
		break;
	case OPT_NOW:
		rc = num_int(value, 0, REC_MAX, &n, &e);
		clock_set_now(n);
		break;
	default:
		settings.via_sbatch = true;
		if (strcmp(value, "sbatch") != 0)
			rc = err_perm(&e, "'%s' is not sbatch", value);
		break;
	}
	if (rc < 0) {
		(void)err_prefix(&e, "--%s", name_of(c));
		die_err(&e);
	}
}

static void
one_option(int c, char *argv[])
{
	switch (c) {
	case 'n':
		settings.dry_run = true;
		break;
	case 'k':
		keep_going = true;
		break;
	case 'q': case 'v': case 'h': case 'V':
		args_house(c, usage_text);
		break;
	case '?':
		unknown_option(argv[optind - 1]);
		break;
	case ':':
		warn("option '%s' needs a value", argv[optind - 1]);
		die_usage(usage_text);
	default:
		if (!table_option(c, optarg))
			long_option(c, optarg);
	}
}

static bool
job_options(void)
{
	size_t i;

	for (i = 0; i < JOBSPEC_LEN; i++)
		if (command_line.spec.v[i].set)
			return true;
	return extra_len > 0;
}

int
main(int argc, char *argv[])
{
	int c;

	prog = "svc-submit";
	settings.seed = (uint64_t)clock_mono_us() ^ (uint64_t)getpid();
	command_line.extra = xcalloc((size_t)argc + 1,
	    sizeof(command_line.extra[0]));
	make_options();
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1)
		one_option(c, argv);
	if (optind == argc && job_options()) {
		warn("options of a job need a SCRIPT");
		die_usage(usage_text);
	}
	die_if_closed(optind == argc);
	block_signals();
	if (!settings.dry_run)
		work_open();
	if (optind < argc)
		one_script(argv + optind);
	records();
}
