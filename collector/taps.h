/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.h - what several sensors say of one event and of each other's clocks
 *
 * Joins twin.h and skew.h to the store: which observations are of one event
 * (table "twins"), and how far each clock is off ("clock_pairs", "clocks").
 * Observations stay as they came; times are corrected for correlation only.
 *
 * Place    above twin, skew and store; below pipeline.
 * Threads  the store's writer; the reading half: as store_reader.h.
 * Memory   that of twin.h and skew.h, and one inflated frame while it loads.
 * Cost     as twin.h an alert, as skew.h an anchor and, where that takes long,
 *          a twentieth of the time; else a commit; a row in the store for each
 *          observation beyond an event's first.
 */
#ifndef COLLECTOR_TAPS_H
#define COLLECTOR_TAPS_H

#include "collector/skew.h"
#include "collector/store.h"
#include "collector/twin.h"

struct taps;
/* 'max' observations at most; 0: TWIN_MAX. */
enum err taps_new(struct taps **out, struct store *store, size_t max,
		  struct diag *d) MUST_CHECK;
void taps_free(struct taps *t);
/* Memory as the store has it: at start, and after a failed commit.  Of alerts
 * and handshakes, what stands in the latest frames. */
enum err taps_reload(struct taps *t) MUST_CHECK;

/* What is known of an alert. */
struct taps_view {
	uint64_t us; /* when it was, by a clock that is right if any is */
	int64_t event; /* the first alert of the event */
	bool again; /* it is not the first */
};

/* Behind taps_reload(): an alert or anchor that was taken in before, of which
 * the store has no frame. */
enum err taps_recall(struct taps *t, int64_t sensor, int64_t id,
		     const struct alert *a) MUST_CHECK;
enum err taps_recall_anchor(struct taps *t, int64_t sensor,
			    const struct alert *a) MUST_CHECK;

/* Where alerts are that the store has no frames of, by their numbers; what is
 * found stays until the next call.  ERR_NOTFOUND: it is gone. */
struct taps_kept {
	const struct alert *a;
	const char *site, *sensor;
	int64_t sensor_id;
};
typedef enum err taps_find_fn(void *arg, int64_t id, struct taps_kept *out);
void taps_elsewhere(struct taps *t, taps_find_fn *find, void *arg);

/* All of these inside of the store's transaction. */

/* These numbers are other alerts' from now on: their observations are forgotten,
 * and an event that was called by one of them is called by its next. */
enum err taps_forget(struct taps *t, int64_t first, int64_t last) MUST_CHECK;

/* An alert that the store took in as number 'id'. */
enum err taps_alert(struct taps *t, int64_t sensor, int64_t id,
		    const struct alert *a, struct taps_view *out) MUST_CHECK;
/* An event of the kind EVE_ANCHOR. */
enum err taps_anchor(struct taps *t, int64_t sensor,
		     const struct alert *a) MUST_CHECK;
/* Works out what the anchors since the last call say of the clocks. */
void taps_clocks(struct taps *t);

/* An event that was told apart from an older one of which it is part. */
struct taps_joined {
	int64_t was, event; /* their first alerts */
	/* The alert 'was', which was counted as an event of its own, of whom
	 * and when as far as is known now; NULL: it is gone. */
	const struct alert *a;
	const char *site, *sensor;
	uint64_t us;
};
/*
 * Looks again at some of what stood at another time until clocks were compared,
 * or had just been read from the store, and joins what is one.  It takes a few
 * thousand looks and TAPS_JOIN_MAX joined events at most; taps_busy(): there is
 * more to do.
 */
#define TAPS_JOIN_MAX 128
enum err taps_rejoin(struct taps *t,
		     enum err (*joined)(void *arg, const struct taps_joined *j),
		     void *arg) MUST_CHECK;
bool taps_busy(const struct taps *t);
struct taps_clock;
/* Before the commit: what changed of clocks; rows of alerts that are gone.
 * 'turned' is called for each clock that is of another state now. */
enum err taps_keep(struct taps *t,
		   enum err (*turned)(void *arg, const struct taps_clock *c),
		   void *arg) MUST_CHECK;

struct taps_stats {
	struct twins_stats twins;
	struct skew_stats skew;
};
void taps_stats(const struct taps *t, struct taps_stats *out);

/* --- reading --- */

struct store_reader;

/* A sensor's clock, as the store has it. */
struct taps_clock {
	const char *site, *sensor, *state; /* skew_state_name() */
	int64_t offset_us; /* ahead of the others */
	double drift; /* seconds a second */
	uint64_t error_us, shared, at_us;
	unsigned others;
};
enum err taps_read_clocks(struct store_reader *r,
			  void (*fn)(void *arg, const struct taps_clock *c),
			  void *arg) MUST_CHECK;

/* One observation of the event that alert 'id' is of, in order of arrival; none
 * when only one sensor saw it. */
struct taps_observation {
	int64_t alert;
	const char *site, *sensor;
};
enum err taps_read_event(struct store_reader *r, int64_t id,
			 void (*fn)(void *arg,
				    const struct taps_observation *o),
			 void *arg) MUST_CHECK;

/* A sensor that saw events which an incident was made of. */
struct taps_witness {
	const char *site, *sensor;
	uint64_t events; /* so many of those that are its evidence */
};
/* Of the first TAPS_EVIDENCE alerts that tie an incident together. */
#define TAPS_EVIDENCE 1000
enum err taps_read_incident(struct store_reader *r, int64_t incident,
			    void (*fn)(void *arg, const struct taps_witness *w),
			    void *arg) MUST_CHECK;

#endif
