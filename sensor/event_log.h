/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log.h - EVE JSON lines from what the pipeline saw
 *
 * Field for field Suricata's EVE where the field exists there; what Picket
 * adds stands under the key "picket".
 *
 * Place    above every parser's own log_*; below worker.
 * Threads  one event_log per worker, and one of the writer's for scenes.
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
	bool whole; /* no settings of alerts apply: it is a flow's end */
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
/* A log without settings of its own, for event_later() alone. */
struct event_log *event_log_for_scenes(void);
/* The line of a record with a scene. */
struct view event_later(struct event_log *l, const struct outbox *o,
			const struct record *r);

/* Each returns one JSON object (event_later() too), valid until the log's next
 * call; empty when memory ran out. */
/* A packet that a rule tagged; 's->pkt' is it. */
struct view event_packet(struct event_log *l, const struct event_subject *s);
/* Of the latest line: where "picket" begins, as record.h has it. */
uint32_t event_picket_at(const struct event_log *l);
/* The settings of alerts that this log reads. */
const struct alert_conf *event_alert_conf(const struct event_log *l);
/* The dns, http or tls event of s->tx; empty for other protocols. */
struct view event_tx(struct event_log *l, const struct event_subject *s,
		     enum event_type *type);
/* The fileinfo event of a file that s->tx carried, towards s->dir. */
struct view event_file(struct event_log *l, const struct event_subject *s,
		       const struct file *f);
/* At once; or, behind an event_scene() without payload, later, by
 * event_later(). */
struct view event_flow(struct event_log *l, const struct event_subject *s);
struct view event_flow_rest(struct event_log *l, const struct event_subject *s);
struct view event_anomaly(struct event_log *l, const struct event_subject *s,
			  enum event_id e);

#endif
