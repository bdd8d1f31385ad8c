/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - enriched alerts and incidents as EVE JSON lines
 *
 * Lines are held back until the store has committed what they tell, so that
 * a reader never learns of what a crash could still undo.
 *
 * Place    after store.
 * Threads  one.
 * Memory   the lines of one batch.
 * Cost     one JSON document written an alert; nothing without --feed.
 */
#ifndef COLLECTOR_FEED_H
#define COLLECTOR_FEED_H

#include <sqlite3.h>

#include "collector/assess.h"
#include "collector/consult.h"
#include "common/alert.h"
#include "common/json.h"

struct feed;

/* Events that are no alerts and are kept for outputs. */
#define FEED_EVENTS_MAX 200000

/* "-" is standard output; NULL writes none, for who only keeps. */
enum err feed_open(struct feed **out, const char *path,
		   struct diag *d) MUST_CHECK;
void feed_close(struct feed *f);
/* From here on what is no alert goes to the table feed_events as well, in the
 * transaction of 'db' that is open then; before feed_close() it must be. */
enum err feed_keep(struct feed *f, sqlite3 *db, struct diag *d) MUST_CHECK;
/* Opens the file anew, after rotation; the old one stays on failure. */
enum err feed_reopen(struct feed *f, struct diag *d) MUST_CHECK;

/* The alert's own line with what is known of its ends under picket.src and
 * picket.dest; 'event' is the first alert of its event, told of when that is
 * another one.  'a' was read from 'line' and names its site. */
enum err feed_alert(struct feed *f, const struct alert *a, struct view line,
		    int64_t id, int64_t event, struct view src_info,
		    struct view dst_info) MUST_CHECK;
/* The same line, without a newline, behind what is in 'out'; 'extra' is for
 * feed_alert_line() to use. */
enum err feed_alert_line(struct json *out, struct json *extra,
			 const struct alert *a, struct view line, int64_t id,
			 int64_t event, struct view src_info,
			 struct view dst_info) MUST_CHECK;
/* Of an alert that the collector raises itself: a side of a consultation is
 * late. */
#define CONSULT_GID 9001
#define CONSULT_SID_LATE 1
enum err feed_consult_alert(struct feed *f, const struct consult_event *event,
			    const struct consult *c,
			    uint64_t now_us) MUST_CHECK;
enum err feed_incident(struct feed *f, int64_t id, const char *what,
		       const struct assessment *a, uint64_t now_us) MUST_CHECK;
/* An indicator that was in force is held: more than one may want to know at once,
 * for what so many hosts use is everybody's, or has spread.  Texts as they are. */
enum err feed_held(struct feed *f, struct view kind, struct view value,
		   struct view site, const char *why,
		   uint64_t now_us) MUST_CHECK;
struct common_set_import;
/* An import of indicators is done. */
enum err feed_indicators(struct feed *f, const struct common_set_import *i,
			 uint64_t now_us) MUST_CHECK;
struct finding_row;
/* What contacts gave away: "new", or "raised" when it became twice as much. */
enum err feed_finding(struct feed *f, const struct finding_row *r,
		      const char *what, uint64_t now_us) MUST_CHECK;
struct store_warning;
/* All sites are, or by the gate are not yet, armed with what one learnt. */
enum err feed_warning(struct feed *f, const struct store_warning *w,
		      uint64_t now_us) MUST_CHECK;
/* What was said in a consultation, and how it stands now. */
enum err feed_consult(struct feed *f, const struct consult_event *event,
		      const struct consult *c, uint64_t now_us) MUST_CHECK;
/* A clock that was compared with others' and is of another state now: how far
 * it is ahead of them. */
enum err feed_clock(struct feed *f, const char *site, const char *sensor,
		    const char *state, int64_t ahead_us,
		    uint64_t now_us) MUST_CHECK;
/* Alert 'was' of this sensor, told of as an event of its own, is part of the
 * event of alert 'event'; so are those that named it as theirs. */
enum err feed_joined(struct feed *f, const char *site, const char *sensor,
		     int64_t was, int64_t event, uint64_t now_us) MUST_CHECK;
struct blind_span;
/* A sensor's interval without sight began ("to" null) or ended. */
enum err feed_blind(struct feed *f, const char *site, const char *sensor,
		    const struct blind_span *span, uint64_t now_us) MUST_CHECK;
/* 'n' batches of a sensor were refused; 'what' describes the last. */
enum err feed_refused(struct feed *f, const char *site, const char *sensor,
		      const char *cause, uint64_t n, const char *what,
		      uint64_t now_us) MUST_CHECK;
/* What a partner sent was refused, 'n' times; 'what' describes the last. */
enum err feed_exchange(struct feed *f, const char *partner, const char *cause,
		       uint64_t n, const char *what,
		       uint64_t now_us) MUST_CHECK;
/* After the commit: writes out.  ERR_IO names the file in 'd'. */
enum err feed_flush(struct feed *f, struct diag *d) MUST_CHECK;
/* After a rollback: forgets. */
void feed_drop(struct feed *f);

#endif
