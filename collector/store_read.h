/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_read.h - what analysts ask of the store
 *
 * Rows are handed to a callback; every pointer in a row is valid only during
 * that call, every text is NUL-terminated and never NULL ("" when absent).
 * Texts are as the network sent them: escape them where they leave.
 *
 * Place    above store_schema; beside the writer, never calling it.
 * Threads  a reader is its own connection and may be used by any number of
 *          threads; it never blocks the writer and is never blocked by it.
 * Memory   a page at a time; limits are clamped to STORE_MAX_ROWS.
 * Cost     every query is bounded by its limit, or by one index range.
 */
#ifndef COLLECTOR_STORE_READ_H
#define COLLECTOR_STORE_READ_H

#include "collector/query.h"
#include "collector/store_reader.h"
#include "common/addr.h"

struct store_status {
	int schema; /* version */
	uint64_t sensors, alerts, frames, incidents_open, incidents;
	uint64_t lines_refused, frames_refused, duplicates;
	uint64_t lost_frames, lost_events; /* declared by sensors */
	uint64_t missing_frames; /* holes not yet filled or declared */
	uint64_t expired_frames, expired_alerts; /* dropped by the limits */
	uint64_t first_us, last_us; /* of the alerts kept; 0 when none */
	uint64_t committed_us; /* wall clock of the last commit */
	uint64_t bytes; /* of the database file */
};
enum err store_read_status(struct store_reader *r,
			   struct store_status *out) MUST_CHECK;
/* Every counter of the ledger by name, in name order. */
enum err store_read_counters(struct store_reader *r,
			     void (*fn)(void *arg, const char *name,
					uint64_t value),
			     void *arg) MUST_CHECK;

struct store_sensor {
	int64_t id;
	const char *site, *sensor, *owner;
	const char *state; /* "live", "silent", "ended", "unknown" */
	const char *presence; /* JSON object: the presence hash, or "" */
	const char *stats; /* JSON: the last stats event, or "" */
	uint64_t first_us, last_us; /* packet time of its alerts */
	uint64_t seen_us; /* wall clock of its last frame or presence */
	uint64_t alerts, frames, lines_refused, frames_refused, duplicates;
	uint64_t lost_frames, lost_events, missing_frames;
	uint64_t epoch, committed; /* the mark last published */
};
enum err store_read_sensors(struct store_reader *r,
			    void (*fn)(void *arg, const struct store_sensor *s),
			    void *arg) MUST_CHECK;

struct store_alert {
	int64_t id; /* stable; grows with arrival */
	uint64_t timestamp_us;
	const char *site, *sensor, *exercise, *tlp;
	struct addr src, dst;
	uint16_t src_port, dst_port;
	const char *proto, *app_proto;
	uint32_t gid, sid, rev;
	uint8_t severity;
	const char *signature, *category;
	const char *indicator; /* "type:value", or "" */
	/* When that was seen, if it was not known yet; 0: it was seen now. */
	uint64_t past_first_us, past_last_us, past_count;
	uint32_t past_hosts; /* as in host_bits.h */
	/* JSON objects as enrich wrote them: country_iso, country, city, asn,
	 * org, site, asset, criticality, services, missions; "{}" at least. */
	const char *src_info, *dst_info;
	const char *raw; /* the EVE line; "" unless asked for */
};

/* Zeroed is everything.  Texts are compared whole and may be NULL. */
struct store_alert_filter {
	enum store_scope scope;
	const char *exercise; /* with STORE_EXERCISE: this one only */
	const char *site, *sensor;
	const char *text; /* part of the signature's text, caseless */
	struct addr addr; /* either end */
	bool has_addr;
	uint32_t sid; /* 0 is any */
	uint8_t max_severity; /* 1: worst only; 0 is any */
	uint64_t from_us, to_us; /* [from, to); 0 is open */
	int64_t before_id; /* page on: ids below this; 0 is from the top */
	int64_t after_id; /* ids above this (live view); 0 is none */
	bool raw; /* hand over the EVE line too */
	const struct query *query; /* as well, or NULL */
	int64_t group; /* of this group only; 0 is any */
};
/* Newest arrival first. */
enum err store_read_alerts(struct store_reader *r,
			   const struct store_alert_filter *f, unsigned limit,
			   void (*fn)(void *arg, const struct store_alert *a),
			   void *arg) MUST_CHECK;
/* One alert with its EVE line; ERR_NOTFOUND. */
enum err store_read_alert(struct store_reader *r, int64_t id,
			  void (*fn)(void *arg, const struct store_alert *a),
			  void *arg) MUST_CHECK;

struct store_group {
	int64_t id, last_alert;
	const char *site, *exercise, *signature, *category;
	uint32_t gid, sid;
	uint8_t severity;
	struct addr src, dst;
	uint64_t count, first_us, last_us;
};
/*
 * Alerts that differ in time only, latest first.  Of the filter, 'scope',
 * 'exercise', 'site', 'text', 'addr', 'sid', 'max_severity', 'from_us' and
 * 'to_us' count.  'offset' skips rows.
 */
enum err store_read_groups(struct store_reader *r,
			   const struct store_alert_filter *f, unsigned offset,
			   unsigned limit,
			   void (*fn)(void *arg, const struct store_group *g),
			   void *arg) MUST_CHECK;

struct store_bucket {
	uint64_t from_us; /* start of the bucket */
	const char *site;
	uint8_t severity;
	uint64_t count;
};
/* Counts by 'step_s' (rounded to minutes), site and severity. */
enum err
store_read_timeline(struct store_reader *r, const struct store_alert_filter *f,
		    uint64_t step_s,
		    void (*fn)(void *arg, const struct store_bucket *b),
		    void *arg) MUST_CHECK;

/* Names of exercises seen, in order of name. */
enum err store_read_exercises(struct store_reader *r,
			      void (*fn)(void *arg, const char *name,
					 uint64_t alerts),
			      void *arg) MUST_CHECK;

#endif
