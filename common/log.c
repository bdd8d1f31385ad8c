/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

static struct {
	const char *program;
	enum log_level level;
	bool json;
} log_state = { "picket", LOG_INFO, false };

static const char *const level_names[] = { "error", "warning", "info",
					   "debug" };

void
log_init(const char *program, enum log_level level, bool json)
{
	log_state.program = program;
	log_state.level = level;
	log_state.json = json;
}

enum log_level
log_level(void)
{
	return log_state.level;
}

/* Control bytes never reach a terminal or a log reader unescaped. */
/*
 * The bytes of a code point at 's' that steers a terminal or the order of what is
 * read: C1 controls, and what is invisible or turns text around.  0: none.
 */
static unsigned
steers(const unsigned char *s)
{
	if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) {
		return 2;
	}
	if (s[0] == 0xd8 && s[1] == 0x9c) {
		return 2;
	}
	return s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0x8b && s[2] <= 0xaf &&
				 (s[2] <= 0x8f || s[2] >= 0xa8)) ||
				(s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf))
		       ? 3
		       : 0;
}

static size_t
escape(const char *in, char *out, size_t cap)
{
	unsigned left = 0; /* bytes of a code point that is escaped */
	size_t n = 0;

	for (; *in != '\0' && n + 7 < cap; in++) {
		unsigned char c = (unsigned char)*in;

		if (left == 0) {
			left = steers((const unsigned char *)in);
		}
		if (left > 0) {
			left--;
			n += (size_t)snprintf(
				out + n, cap - n,
				log_state.json ? "\\\\x%02x" : "\\x%02x", c);
			continue;
		}

		if (log_state.json && (c == '"' || c == '\\')) {
			out[n++] = '\\';
			out[n++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(
				out + n, cap - n,
				log_state.json ? "\\u%04x" : "\\x%02x", c);
		} else {
			out[n++] = (char)c;
		}
	}
	out[n] = '\0';
	return n;
}

void
log_msg(enum log_level level, const char *fmt, ...)
{
	char msg[1024], safe[2048], line[2304], ts[CLOCK_ISO_CAP];
	va_list ap;
	int n;

	if (level > log_state.level) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	escape(msg, safe, sizeof(safe));
	if (log_state.json) {
		clock_iso(clock_wall_us(), ts);
		n = snprintf(line, sizeof(line),
			     "{\"timestamp\":\"%s\",\"program\":\"%s\","
			     "\"level\":\"%s\",\"message\":\"%s\"}\n",
			     ts, log_state.program, level_names[level], safe);
	} else {
		n = snprintf(line, sizeof(line), "%s: %s: %s\n",
			     log_state.program, level_names[level], safe);
	}
	if (n > (int)sizeof(line) - 1) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* Nothing sensible can be done when standard error is gone. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0) {
		return;
	}
}

/* A pipe may take a long line in parts. */
static void
write_whole(const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, p, len);

		if (n <= 0) {
			if (n < 0 && errno == EINTR) {
				continue;
			}
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

void
log_document(const char *name, const char *json, size_t len)
{
	char head[256], ts[CLOCK_ISO_CAP];

	if (log_state.json) {
		clock_iso(clock_wall_us(), ts);
		snprintf(head, sizeof(head),
			 "{\"timestamp\":\"%s\",\"program\":\"%s\","
			 "\"level\":\"info\",\"%s\":",
			 ts, log_state.program, name);
		write_whole(head, strlen(head));
	}
	write_whole(json, len);
	write_whole(log_state.json ? "}\n" : "\n", log_state.json ? 2 : 1);
}
