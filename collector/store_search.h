/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_search.h - one question about alerts that is under way
 *
 * Internal header: included by store_alerts.c, which decides which frames are
 * opened, and store_alert_frame.c, which reads one of them.
 *
 * Place    within store_read.
 * Threads  as store_read.h.
 * Memory   one inflated frame and its lines; at most MAX_GROUPS turns.
 */
#ifndef COLLECTOR_STORE_SEARCH_H
#define COLLECTOR_STORE_SEARCH_H

#include "collector/store_line.h"
#include "collector/store_read.h"
#include "collector/store_sql.h"
#include "common/eve.h"
#include "common/frame.h"
#include "common/json.h"

/* A group and the highest frame that may be its next. */
struct turn {
	int64_t group, frame;
	int64_t first; /* its first frame, which is in no list */
	bool exact; /* it has an alert in just this frame */
};

/* The statements of a search. */
enum { Q_FRAME, Q_FRAMES_OF, Q_SIGNATURE, Q_NAME, Q_GROUP, Q_COUNT };

struct line {
	size_t off, len;
};

/* One question under way. */
struct search {
	struct store_reader *r;
	const struct store_alert_filter *f;
	unsigned left; /* rows still wanted */
	void (*fn)(void *arg, const struct store_alert *a);
	void *arg;
	sqlite3_stmt *q[Q_COUNT];
	struct frame_codec *codec;
	struct eve *eve;
	struct line *lines; /* the frame's alerts */
	size_t lines_cap;
	struct json text; /* NUL-terminated texts of the row that is made */
	struct turn *heap;
	size_t n_heap, heap_cap;
	/* Of a query: a bit for each group that passes, by its number. */
	uint8_t *passing;
	size_t n_passing; /* bytes */
};

/* Whether an alert passes in what alerts of one group differ in. */
bool store_search_passes(const struct query *q, const struct alert *a,
			 struct view sensor);

/* Hands over the alerts of a frame that pass, last one first.  A frame that is
 * gone by now, or damaged, has none. */
enum err store_search_frame(struct search *s, int64_t frame) MUST_CHECK;

#endif
