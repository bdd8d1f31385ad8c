/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_events.h - what happens in the store, as server-sent events
 *
 * Looks at the store once a second, however many consoles watch, and keeps
 * the last events (alerts, incidents, status) numbered in a ring.  A watcher
 * that names the last event it saw gets what came after it; one that is too
 * far behind is told to start anew (event "reset").
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * Place    above console_lists; below console_http, which it does not know.
 * Threads  events_tick() from one thread; the rest from any.
 * Memory   at most EVENTS_MAX_BYTES, and a reader.
 * Cost     next to nothing while nothing is committed.
 */
#ifndef COLLECTOR_CONSOLE_EVENTS_H
#define COLLECTOR_CONSOLE_EVENTS_H

#include "collector/store_reader.h"
#include "common/base.h"

#define EVENTS_MAX_BYTES (8u << 20)

struct console_events;

enum err console_events_new(struct console_events **out, const char *store,
			    struct diag *d) MUST_CHECK;
void console_events_free(struct console_events *e);

/* Looks at the store; call it once a second. */
void console_events_tick(struct console_events *e);
/* Alerts that arrived in the last minute. */
uint64_t console_events_rate(struct console_events *e);

/* Where a watcher stands. */
struct events_cursor {
	uint64_t seq; /* of the event being sent */
	size_t off; /* into its text */
	char hello[64]; /* sent first */
	size_t hello_off;
};
/* 'last_id' is what the client sent as Last-Event-ID, or NULL. */
void console_events_join(struct console_events *e, struct events_cursor *c,
			 const char *last_id);
/*
 * Copies up to 'cap' bytes to 'out' and returns how many; 0 when there is
 * nothing yet, -1 when the watcher fell too far behind in the middle of an
 * event (close; it will come again).
 */
long console_events_read(struct console_events *e, struct events_cursor *c,
			 char *out, size_t cap);

#endif
