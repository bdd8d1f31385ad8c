/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log.h - EVE JSON lines from what the pipeline saw
 *
 * Field for field Suricata's EVE where the field exists there; what Picket
 * adds stands under the key "picket".
 *
 * Place    above every parser's own log_*; below worker.
 * Threads  one event_log per worker, and one of the writer's for what was kept.
 * Memory   the worker's outbox, or one JSON buffer, reused.
 * Cost     about a microsecond a line, less than half of that to keep what it is
 *          made of; never per packet.
 */
#ifndef SENSOR_EVENT_LOG_H
#define SENSOR_EVENT_LOG_H

#include "common/conf.h"
#include "common/json.h"
#include "rules/rule_match.h"
#include "sensor/app.h"
#include "sensor/log_payload.h"
#include "sensor/record.h"
#include "sensor/stream.h"

/* Who speaks; strings outlive the log. */
struct event_origin {
	const char *site, *sensor, *owner, *exercise, *tlp; /* "" if unset */
	const char *const *ifaces; /* live: names, by frame.iface - 1 */
};

struct event_log;
struct trace;
struct contacts_told;
struct evidence_at;

struct event_log *event_log_new(const struct event_origin *origin,
				const struct conf *conf);
void event_log_free(struct event_log *l);

/* Lines are put together behind what '*into' holds, for outbox_put() to take
 * over without a copy, or for the next one to overwrite. */
void event_log_into(struct event_log *l, struct outbox *const *into);

/*
 * What an event is about.  'pkt' may be NULL at flow's end; 'f' and 'tx' may
 * be NULL.  'dir' turns source and destination.
 */
struct event_subject {
	const struct packet *pkt;
	const struct flow *f;
	const struct app_tx *tx;
	enum flow_dir dir;
	uint64_t ts_us;
	uint64_t number; /* pcap_cnt; 0: none */
	uint16_t iface; /* of live capture, as in struct frame; 0: none */
	const struct rule_metadata *meta; /* NULL: rules have nothing to say */
	bool tx_guessed; /* the rule did not ask for 'tx', see worker_alert.c */
	const struct event_past *past; /* the writer's; NULL: it is now */
	const struct evidence_at *evidence; /* where its packet is; or NULL */
	const struct trace *trace; /* EVENT_TYPE_ANCHOR's; else NULL */
};

/*
 * An alert's line is made where it is known that it is said, by another thread
 * and later.  What it tells goes there in two parts: what all alerts of the
 * moment share, and what is one rule's own.  They borrow from the log that
 * made them, and from the rules; texts of attackers are in them as JSON.
 */
/* 'payload' is cut to what is shown; '*s' is that of the moment. */
struct view event_scene(struct event_log *l, const struct event_subject *s,
			struct payload payload);
struct view event_hit(struct event_log *l, const struct event_subject *s,
		      const struct rule_hit *hit);

/*
 * An event that is no alert, and what it is besides its subject.  Its line is
 * made at once, or, where the writer has time to spare (worker.h, late_events),
 * of what is kept of it; by the same functions and with the same result.
 */
struct event_what {
	/* EVENT_TYPE_FLOW; _PACKET: s->pkt, which a rule tagged; _ANOMALY;
	 * _FILEINFO; of s->tx that which event_type_of() names */
	enum event_type type;
	enum event_id anomaly;
	const struct contacts_told *contacts; /* EVENT_TYPE_CONTACTS */
	const struct file *file; /* s->tx carried it towards s->dir; settled */
};

/* Of the event of a transaction; EVENT_TYPE_COUNT: its protocol has none. */
enum event_type event_type_of(const struct app_tx *tx);

/* Lines are one JSON object each; they, and what is kept, are valid until the
 * log's next call, and empty when memory ran out. */
/* The event at once. */
struct view event_line(struct event_log *l, const struct event_subject *s,
		       const struct event_what *what);
/* What a record needs for event_later() to make the same line of it; bytes that
 * borrow as those of alerts do. */
struct view event_kept(struct event_log *l, const struct event_subject *s,
		       const struct event_what *what);
/* A log without settings of its own, for event_later() alone. */
struct event_log *event_log_for_later(void);
/* The line of a record that waits for it ('late'): an alert, or event_kept(). */
struct view event_later(struct event_log *l, const struct outbox *o,
			const struct record *r);
/* Of the latest line: where "picket" begins, as record.h has it. */
uint32_t event_picket_at(const struct event_log *l);
/* The settings of alerts that this log reads. */
struct event_lanes;
/*
 * Alerts from now on show what 'alert' says, and events are of these exercises
 * ('lanes' may be NULL, and outlives the log); those kept before are shown as
 * they were to be.  False without memory: all stays as it was.
 */
bool event_log_set(struct event_log *l, const struct alert_conf *alert,
		   const struct event_lanes *lanes) MUST_CHECK;
/* Whether it is an exercise's: event_lane_of(). */
unsigned event_log_lane(const struct event_log *l,
			const struct event_subject *s);
/* The exercise that it is part of by now; "": none. */
const char *event_log_exercise(const struct event_log *l,
			       const struct event_subject *s);
const struct alert_conf *event_alert_conf(const struct event_log *l);

#endif
