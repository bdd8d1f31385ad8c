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
 * Cost     about a microsecond a line; never per packet.
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
};

struct event_log;

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
	const struct rule_metadata *meta; /* NULL: rules have nothing to say */
	bool tx_guessed; /* the rule did not ask for 'tx', see worker_alert.c */
	const struct event_past
		*past; /* the writer's: what was kept; or NULL */
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

/* An event that is no alert: what it is, besides its subject. */
struct event_what {
	/* EVENT_TYPE_FLOW; _PACKET: s->pkt, which a rule tagged; _ANOMALY;
	 * _FILEINFO; of s->tx that which event_type_of() names */
	enum event_type type;
	enum event_id anomaly;
	const struct file *file; /* s->tx carried it towards s->dir; settled */
};

/* Of the event of a transaction; EVENT_TYPE_COUNT: its protocol has none. */
enum event_type event_type_of(const struct app_tx *tx);

/* The lines below are one JSON object each, valid until the log's next call;
 * empty when memory ran out. */
/* The event at once. */
struct view event_line(struct event_log *l, const struct event_subject *s,
		       const struct event_what *what);
/* What a record needs for event_later() to make the same line of it. */
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
const struct alert_conf *event_alert_conf(const struct event_log *l);

#endif
