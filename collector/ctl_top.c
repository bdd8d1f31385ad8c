/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_top.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"

#define EVERY_S 1
#define SEVERITIES 4
#define HOUR_US (UINT64_C(3600) * US_PER_S)

struct top {
	struct ctl *c;
	FILE *screen; /* where pictures go at last */
	uint64_t alerts, at_us; /* of the picture before; 0: there was none */
	uint64_t hour[SEVERITIES + 1]; /* by severity; the last: lesser ones */
};

static volatile sig_atomic_t ended;

static void
on_end(int sig)
{
	(void)sig;
	ended = 1;
}

/* A window's new size only has to interrupt the wait. */
static void
on_size(int sig)
{
	(void)sig;
}

static void
add_bucket(void *arg, const struct store_bucket *b)
{
	struct top *t = arg;
	unsigned s = b->severity;

	t->hour[s >= 1 && s <= SEVERITIES ? s - 1 : SEVERITIES] += b->count;
}

/* How many alerts come, and how bad those of the last hour are. */
static enum err
put_rates(struct top *t)
{
	struct ctl_text *x = &t->c->text;
	uint64_t now = clock_wall_us();
	struct store_alert_filter f = {
		.scope = t->c->filter.scope,
		.from_us = now - HOUR_US,
	};
	struct store_status s;
	enum err e = store_read_status(t->c->store, &s);

	memset(t->hour, 0, sizeof(t->hour));
	if (e == ERR_OK) {
		e = store_read_timeline(t->c->store, &f, 60, add_bucket, t);
	}
	if (e != ERR_OK) {
		return e;
	}
	fprintf(x->out, "%spicketctl top  %s%s", ctl_sgr(x, "1"),
		ctl_time(x, now), ctl_sgr(x, "0"));
	if (t->at_us != 0 && now > t->at_us) {
		uint64_t new = s.alerts - MIN(t->alerts, s.alerts);

		fprintf(x->out, word(x->lang, "  %.1f alerts a second"),
			(double)new * 1e6 / (double)(now - t->at_us));
	}
	fputc('\n', x->out);
	fputs(word(x->lang, "Last hour  "), x->out);
	for (unsigned i = 0; i < SEVERITIES; i++) {
		fputs(ctl_severity(x, i + 1), x->out);
		fprintf(x->out, word(x->lang, " severity %u: %" PRIu64), i + 1,
			t->hour[i]);
		fputs(ctl_sgr(x, "0"), x->out);
	}
	fprintf(x->out, word(x->lang, " other: %" PRIu64 "\n"),
		t->hour[SEVERITIES]);
	t->alerts = s.alerts;
	t->at_us = now;
	return ERR_OK;
}

static enum err
put_picture(struct top *t)
{
	struct ctl *c = t->c;
	enum err e = put_rates(t);

	if (e == ERR_OK) {
		e = ctl_status(c);
	}
	if (e == ERR_OK) {
		fputc('\n', c->text.out);
		e = ctl_incidents(c);
	}
	if (e == ERR_OK) {
		fputc('\n', c->text.out);
		e = ctl_sensors(c);
	}
	return e;
}

/* What fits of it, from the screen's top; lines end at its right edge, for
 * they do not wrap. */
static void
draw(struct top *t, const char *text)
{
	struct winsize w = { .ws_row = 0 };
	unsigned rows = 24;

	if (ioctl(fileno(t->screen), TIOCGWINSZ, &w) == 0 && w.ws_row > 0) {
		rows = w.ws_row;
	}
	fputs("\033[H", t->screen);
	for (unsigned i = 0; i < rows && *text != '\0'; i++) {
		size_t len = strcspn(text, "\n");

		fprintf(t->screen, "%s%.*s\033[0m\033[K", i > 0 ? "\r\n" : "",
			(int)len, text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", t->screen);
	fflush(t->screen);
}

static enum err
one_turn(struct top *t)
{
	struct ctl_text *x = &t->c->text;
	char *text = NULL;
	size_t len = 0;
	enum err e;

	x->out = open_memstream(&text, &len);
	if (x->out == NULL) {
		x->out = t->screen;
		return ERR_NOMEM;
	}
	e = put_picture(t);
	if (ferror(x->out) != 0) {
		e = ERR_NOMEM;
	}
	if (fclose(x->out) != 0) {
		e = ERR_NOMEM;
	}
	x->out = t->screen;
	if (e == ERR_OK) {
		draw(t, text);
	}
	free(text);
	return e;
}

/* Waits for the next turn with signals let in. */
static void
wait_turn(const sigset_t *open)
{
	const struct timespec every = { .tv_sec = EVERY_S };
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	bool keys = isatty(STDIN_FILENO) == 1;
	char key;

	if (ppoll(&in, keys ? 1 : 0, &every, open) > 0 &&
	    (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')) {
		ended = 1;
	}
}

static void
catch_signals(sigset_t *open)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction end = { .sa_handler = on_end };
	struct sigaction size = { .sa_handler = on_size };
	sigset_t closed;

	sigemptyset(&closed);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		sigaction(ends[i], &end, NULL);
		sigaddset(&closed, ends[i]);
	}
	sigaction(SIGWINCH, &size, NULL);
	sigaddset(&closed, SIGWINCH);
	sigprocmask(SIG_BLOCK, &closed, open);
}

enum err
ctl_top(struct ctl *c, struct diag *d)
{
	struct top t = { .c = c, .screen = c->text.out };
	bool keys = isatty(STDIN_FILENO) == 1;
	struct termios before, raw;
	sigset_t open;
	enum err e = ERR_OK;

	if (isatty(fileno(t.screen)) != 1) {
		return put_picture(&t);
	}
	if (keys) {
		if (tcgetattr(STDIN_FILENO, &before) != 0) {
			return diag_set(d, ERR_IO, "the terminal: %s",
					strerror(errno));
		}
		raw = before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	catch_signals(&open);
	/* Another screen, no cursor, no wrapping. */
	fputs("\033[?1049h\033[?25l\033[?7l", t.screen);
	while (e == ERR_OK && !ended) {
		e = one_turn(&t);
		if (e == ERR_OK) {
			wait_turn(&open);
		}
	}
	fputs("\033[?7h\033[?25h\033[?1049l", t.screen);
	fflush(t.screen);
	if (keys) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	}
	return e;
}
