/*
 * run.h - svc-run: one service instance inside a job.
 *
 *	main.c	the command line; what happens when
 *	place.c	the address and a free port
 *	cmd.c	CMD and its descendants
 *	help.c	what may block, in a child of its own: probe, say, time left
 */
#ifndef BERTH_RUN_H
#define BERTH_RUN_H

#include "announce.h"
#include "ev.h"
#include "http.h"
#include "rng.h"

enum {
	HOST_MAX = 256,			/* bytes of a host, with its NUL */
	URL_MAX = 512,
};

enum phase {
	STARTING,	/* CMD was started and does not answer yet */
	UP,		/* it answers */
	DRAINING,	/* announced to end; still serves */
	ENDING,		/* told to end */
	CLEARING,	/* CMD is gone; what it left is told to end */
};

struct run {
	/* what was asked for */
	const char *name;		/* NULL: as the Comment says */
	const char *path;		/* "-": no HTTP, a connect is enough */
	const char *status_text;
	struct http_statuses status;
	int64_t ready_ms, drain_ms;
	const char *dir;		/* of URL files; NULL: the Comment */
	char **argv;			/* CMD with its placeholders */

	/* which job this is */
	uint32_t job_id;		/* 0: none */
	int64_t restart;
	uint32_t file_id;		/* in the name of the URL file */

	/* where it is to listen */
	struct rng rng;
	char host[HOST_MAX];
	uint16_t port;
	char url[URL_MAX];

	/* how it goes */
	struct ev *ev;
	enum phase phase;
	int ports_lost;			/* to somebody quicker */
	bool told_to_end;
	bool gave_up;			/* CMD was never ready */
	bool lost_early;		/* CMD may never have had its port */
	bool killing;			/* SIGTERM was not enough */
	pid_t cmd;			/* 0: none */
	int64_t cmd_at_ms;		/* when it was started */
	int cmd_status;			/* of waitpid, once it ended */
	int64_t time_left_ms;		/* when svc-run first knew it */
	int64_t end_ms;			/* time limit, monotonic; 0: none */
	struct ev_timer phase_timer;

	/* helpers; 0: not at work */
	pid_t prober, sayer, asker;
	enum announce_state saying;	/* WANTED: nothing yet */
	int64_t say_wait_ms;		/* before it is said again */
	struct ev_timer say_timer, ask_timer, end_timer;
	int64_t *asked_s;		/* shared with asker */
};

/* place.c */

/* The address at which the login node reaches this one, into r->host. */
void place_host(struct run *r);

/*
 * Takes a free port at random: sets ->port and ->url. A descriptor that holds
 * the port until it is closed; -1 and *e.
 */
int place_port(struct run *r, struct err *e);

/* Whether somebody listens at the instance's place. */
bool place_taken(const struct run *r);

/* cmd.c */

/* Starts CMD in a process group of its own; closes hold first. 0; -1, *e. */
int cmd_start(struct run *r, int hold, struct err *e);

/* Sends CMD and its process group a signal. */
void cmd_signal(const struct run *r, int signo);

/*
 * Sends every child of svc-run that is not in CMD's process group a signal:
 * once CMD was reaped, all that it left.
 */
void cmd_signal_rest(const struct run *r, int signo);

/* As a shell has it: the exit status, or 128 + the signal. */
int cmd_exit_status(int status);

/* "exit status 3", "signal 9 (Killed)"; returns text. */
char *cmd_how(int status, char *text, size_t size);

/* help.c: each is run in a forked child and returns its exit status. */
typedef int help_fn(const struct run *r);

/* The pid; -1 and *e. */
pid_t help_start(const struct run *r, help_fn *fn, struct err *e);

int help_probe(const struct run *r);	/* waits until CMD answers */
int help_say(const struct run *r);	/* announces ->saying */
int help_ask(const struct run *r);	/* the job's time left, to *asked_s */

/* Takes the URL file away, if there is one. Not in a child. */
void help_unsay(const struct run *r);

#endif
