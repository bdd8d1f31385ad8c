/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_state.h - the inside of a worker: its parts and the packet in hand
 *
 * Internal: included by worker.c and worker_*.c only.
 *
 * Place    with worker.
 * Threads  as worker.h.
 * Memory   as worker.h.
 * Cost     as worker.h.
 */
#ifndef SENSOR_WORKER_STATE_H
#define SENSOR_WORKER_STATE_H

#include "sensor/anchor.h"
#include "sensor/contacts_desk.h"
#include "sensor/evidence_tap.h"
#include "sensor/fill.h"
#include "sensor/overload.h"
#include "sensor/retro_note.h"
#include "sensor/worker.h"

/*
 * What the rules, and the events that somebody wants, ask of the stages;
 * worked out once for a ruleset.  What nobody asks for is not done.
 */
struct worker_asks {
	bool match; /* there are rules or indicators */
	bool names; /* protocols are recognised */
	bool raw[2]; /* rules look at raw stream bytes of this direction */
	bool anomalies;
	bool contacts;
	bool ends; /* patterns look at flows that ended */
};

/* Packets that are decoded, at most, before the one in hand is done with. */
#define WORKER_AHEAD 16

/* What the matcher is to see of a segment before its stream went on. */
struct worker_before {
	enum app_proto app;
	bool established;
};

struct worker {
	struct pool *pool;
	struct decoder *decoder;
	struct flow_table *flows;
	const struct flow_counters *flow_count; /* of 'flows' */
	struct stream_ctx *streams;
	struct app_ctx *apps;
	struct rule_matcher *matcher;
	struct event_log *log;
	struct tag_table *tags; /* NULL: no rule tags, or nobody looks */
	bool drill; /* the run is an exercise as a whole */
	struct evidence_tap *evidence; /* NULL: no packet is ever kept */
	struct retro_notes *retro; /* NULL: nothing is noted */
	struct contacts_desk *contacts; /* NULL: none are summed up */
	struct contact_notes *notes; /* its sheet */
	uint64_t handed_us; /* it was, by the packets' clock */
	uint64_t contacts_shed; /* beginnings and ends left out */
	/* When a flow's contacts are looked at: worker_contact_turn(). */
	uint64_t contact_mask; /* 0: never */
	uint8_t turn_flags; /* of TCP, by which anchors and contacts are told */
	const struct ruleset *rules;
	uint64_t needed[2];
	bool guess_tx; /* alerts of raw bytes name the transaction they met */
	struct worker_asks asks;
	uint32_t event_types;
	bool late_events; /* as in worker_settings */

	/* Scratch of the packet in hand. */
	struct packet pkts[FRAME_MAX_PACKETS];
	struct packet ahead[WORKER_AHEAD]; /* worker_ahead.c */
	struct view expected; /* worker_expect() */
	struct inspect in;
	struct inspect_flow in_flow;
	bool filled; /* 'in' has the facts of the packet in hand */
	bool in_stream; /* its payload was taken by the stream */
	struct event_subject subject; /* it, when an event is about it */
	struct worker_before before;
	struct rule_hits hits;
	struct rule_metadata meta; /* of the flow in hand */
	struct outbox *out;
	size_t settled; /* records of the outbox before this packet's */
	bool passed; /* a pass rule matched since */
	uint64_t order; /* record_order() of what events belong to */
	uint64_t sub; /* the flow being ended, or 0 */
	uint64_t turn; /* calls of the matcher */
	/* What the alerts of one turn share. */
	struct {
		uint64_t turn;
		const struct app_tx *tx;
		size_t at; /* in the outbox */
		bool kept;
	} scene;
	struct overload overload;
	struct anchor_pace anchors;
	bool depth_bypass; /* stream.bypass */
	bool counted; /* the frame in hand, as inspected */
	uint64_t pressed; /* flows that found the table full, as seen last */
	struct worker_counters count;
};

static inline bool
worker_wants(const struct worker *w, enum event_type t)
{
	return (w->event_types >> t & 1) != 0;
}

/* worker_alert.c: from the matcher's hits to lines in the outbox. */
/* Matches what w->in holds and writes the alerts. */
void worker_match(struct worker *w, struct event_subject *s);
/* The same for the flow of the subject, which is over; w->in has its facts. */
void worker_match_end(struct worker *w, struct event_subject *s);
/*
 * What a packet alone gave, or what its stream and transactions did, is
 * complete: Suricata's packet-alert-max bounds each.
 */
void worker_settle_alerts(struct worker *w);
static inline void
worker_settle(struct worker *w)
{
	if (w->out->n > w->settled || w->passed) {
		worker_settle_alerts(w);
	}
}
/* What rules remember of the subject's flow, for the event to come. */
void worker_remember(struct worker *w, struct event_subject *s);
/* An event that is no alert; without memory it is counted as lost. */
void worker_tell(struct worker *w, const struct event_subject *s,
		 const struct event_what *what);
/* The same with its line there already; an empty one is counted as lost. */
void worker_put_line(struct worker *w, const struct event_subject *s,
		     enum event_type type, struct view line);
void worker_write_anomalies(struct worker *w, const struct event_subject *s,
			    const struct event_set *set);
static inline void
worker_put_anomalies(struct worker *w, const struct event_subject *s,
		     const struct event_set *set)
{
	if (w->asks.anomalies && UNLIKELY(!event_set_empty(set))) {
		worker_write_anomalies(w, s, set);
	}
}

/* The answer to a flow's first SYN: told of when it is picked. */
void worker_put_anchor(struct worker *w, const struct event_subject *s);

/* worker_asks.c: from a ruleset and the wanted events to w->asks. */
void worker_note_asks(struct worker *w);

/* worker.c: the only packet of a frame that decode_ahead() took. */
void worker_take_ordinary(struct worker *w, struct packet *pkt,
			  struct outbox *out);

/* worker_tx.c: transactions and the files that they carry; f->app is set. */
/* Offers every transaction that went on to the rules; ends finished ones. */
void worker_inspect_txs(struct worker *w, struct event_subject *s,
			struct flow *f);
/* Logs and ends all of them, finished or not; f->app may be NULL. */
void worker_end_txs(struct worker *w, struct event_subject *s, struct flow *f);

/* worker_stream.c: from a connection's bytes to its parser and its rules. */
/* The facts of packet and flow as they are now. */
void worker_fill_subject(struct worker *w, const struct event_subject *s,
			 bool in_stream);
/* The same, unless a call for this packet has them already. */
static inline void
worker_need_facts(struct worker *w, const struct event_subject *s)
{
	if (!w->filled) {
		worker_fill_subject(w, s, w->in_stream);
	}
}
/* Moves what the stream made ready into the application parser. */
void worker_run_app(struct worker *w, struct event_subject *s, struct flow *f,
		    uint64_t now_us);
/* Offers the raw bytes of direction s->dir; 'last': no more will come. */
void worker_inspect_stream(struct worker *w, struct event_subject *s,
			   struct flow *f, bool last);
/*
 * Both sides of 'f' encrypt from now on: the last look at its raw bytes, and
 * what the settings say of the rest.
 */
void worker_part_unseen(struct worker *w, struct event_subject *s,
			struct flow *f);
/* Those of both directions, as they stand while the flow goes on. */
void worker_inspect_streams(struct worker *w, struct event_subject *s,
			    struct flow *f);

/* worker_shed.c: what is given up under overload; at a level above 0. */
/* What of this packet is; it is counted. */
enum overload_shed worker_shed(struct worker *w, struct flow *f,
			       const struct packet *pkt, enum flow_dir dir);
/* As stream_packet(), by the headers alone. */
bool worker_follow_segment(struct worker *w, struct flow *f, struct packet *pkt,
			   enum flow_dir dir);

/* worker_contacts.c: who contacts whom. */
/* Whether a packet of 'f', counted, is to be shown to worker_note_contact(): the
 * first one of it and every 64th of a direction. */
static inline bool
worker_contact_turn(const struct worker *w, const struct flow *f,
		    enum flow_dir dir)
{
	uint64_t n = f->pkts[dir];

	return (n & w->contact_mask) == 1 &&
	       (n > 1 || (f->flags & FLOW_CONTACT) == 0);
}
/* Whether both sides just said that it is over, or one broke it off. */
static inline bool
worker_contact_closes(const struct event_subject *s, const struct flow *f)
{
	return f->proto == IPP_TCP &&
	       ((s->pkt->tcp_flags & TCP_RST) != 0 ||
		(f->tcp_flags[0] & f->tcp_flags[1] & TCP_FIN) != 0) &&
	       (f->flags & (FLOW_CONTACT | FLOW_CONTACT_CLOSED)) ==
		       FLOW_CONTACT;
}
void worker_note_contact(struct worker *w, const struct event_subject *s,
			 struct flow *f);
void worker_close_contact(struct worker *w, const struct event_subject *s,
			  struct flow *f);
/* 'f' is about to be released, at 'now_us'. */
void worker_end_contact(struct worker *w, struct flow *f, uint64_t now_us);
/* Tells of the intervals that are over, or of all. */
void worker_tell_contacts(struct worker *w, uint64_t now_us, bool all);

/* worker_flow.c: the end of flows. */
/* Ends those whose time is up at 'now_us', or all; see worker_expire(). */
void worker_end_flows(struct worker *w, uint64_t now_us, uint64_t number,
		      bool all, struct outbox *out);

#endif
