/*
 * term.c - progress on a terminal.
 */
#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"

enum {
	FIRST_MS = 500, EACH_MS = 100,
	BAR_MIN = 10, BAR_MAX = 40,	/* columns between the brackets */
	FRAME = 3,		/* these, and the blank behind them */
	COLUMNS_MAX = 500, COLUMNS_ELSE = 80,
};

static const char clear[] = "\r\033[K";

void
term_open(struct term *t, int fd, bool quiet)
{
	const char *no_color = getenv("NO_COLOR"), *name = getenv("TERM");

	*t = (struct term){ .fd = fd };
	t->on = !quiet && isatty(fd) &&
	    (no_color == NULL || *no_color == '\0') &&
	    name != NULL && strcmp(name, "dumb") != 0;
	if (t->on)
		t->next_ms = clock_mono_ms() + FIRST_MS;
}

bool
term_due(struct term *t)
{
	int64_t now;

	if (!t->on)
		return false;
	now = clock_mono_ms();
	if (now < t->next_ms)
		return false;
	t->next_ms = now + EACH_MS;
	return true;
}

static int
columns(int fd)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
		return COLUMNS_ELSE;
	return MIN(w.ws_col, COLUMNS_MAX);
}

/* "[===>   ] " with that many columns between the brackets. */
static void
draw_bar(char *to, int width, int64_t done, int64_t all)
{
	int full = (int)((double)done / (double)all * width), i;

	*to++ = '[';
	for (i = 0; i < width; i++)
		*to++ = i < full ? '=' : i == full ? '>' : ' ';
	*to++ = ']';
	*to++ = ' ';
	*to = '\0';
}

/* How much of the parts of detail fits into room. */
static int
fit(const char *detail, int room)
{
	const char *end;
	int len = 0, next;

	for (end = detail;; end += 2) {
		end += strcspn(end, ",");
		next = (int)(end - detail);
		if (next > room)
			return len;
		len = next;
		if (*end == '\0')
			return len;
	}
}

void
term_show(struct term *t, const char *what, int64_t done, int64_t all,
    const char *detail)
{
	char line[COLUMNS_MAX + 16], percent[8] = "";
	char bar[BAR_MAX + FRAME + 1] = "";
	int room = columns(t->fd) - 1, frame = 0, n;

	if (all > 0) {
		done = MIN(MAX(done, 0), all);
		n = snprintf(percent, sizeof(percent), "%3d%% ",
		    (int)((double)done / (double)all * 100));
		room -= n;
		frame = room >= BAR_MIN + FRAME ? BAR_MIN + FRAME : 0;
		room -= frame;
	}
	if (room < 0)
		return;
	if ((int)strlen(what) + 1 > room - fit(detail, room))
		what = "";
	else
		room -= (int)strlen(what) + 1;
	n = fit(detail, room);
	if (frame > 0)
		draw_bar(bar, MIN(BAR_MIN + room - n, BAR_MAX), done, all);
	n = snprintf(line, sizeof(line), "%s%s%s%s%s%.*s", clear, what,
	    *what != '\0' ? " " : "", bar, percent, n, detail);
	t->shown = true;
	if (write(t->fd, line, (size_t)MIN(n, (int)sizeof(line) - 1)) < 0)
		t->on = false;
}

void
term_clear(struct term *t)
{
	if (!t->shown)
		return;
	t->shown = false;
	if (write(t->fd, clear, sizeof(clear) - 1) < 0)
		t->on = false;
}
