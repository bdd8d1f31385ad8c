/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - events and their lines on their way from a worker to the sink
 *
 * Place    above rules/threshold.h; below event_log, worker and sink.
 * Threads  an outbox belongs to its worker while it fills, then, handed over
 *          to the sink and by it to the writer.
 * Memory   heap buffers, grown to the largest round and reused.
 * Cost     one copy per event line; nothing per packet.
 */
#ifndef SENSOR_RECORD_H
#define SENSOR_RECORD_H

#include "rules/held.h"
#include "rules/threshold.h"

/* EVENT_TYPE(symbol, "EVE event_type") */
#define EVENT_TYPE_LIST(T) \
	T(ALERT, "alert") \
	T(ANOMALY, "anomaly") \
	T(DNS, "dns") \
	T(FILEINFO, "fileinfo") \
	T(HTTP, "http") \
	T(TLS, "tls") \
	T(SSH, "ssh") \
	T(FLOW, "flow") \
	T(PACKET, "packet") \
	T(STATS, "stats") \
	T(ANCHOR, "anchor") \
	T(CONTACTS, "contacts")

enum event_type {
#define T(sym, name) EVENT_TYPE_##sym,
	EVENT_TYPE_LIST(T)
#undef T
		EVENT_TYPE_COUNT
};

const char *event_type_name(enum event_type t);
/* EVENT_TYPE_COUNT when there is no such type. */
enum event_type event_type_by_name(struct view name);

/*
 * Where the lines of a packet stand among all others: packets of one frame may
 * be of several workers.  'packet' counts within the frame; flows that end
 * behind it come last.
 */
#define RECORD_BEHIND 15
static inline uint64_t
record_order(uint64_t frame, unsigned packet)
{
	return frame << 4 | packet;
}

/*
 * What the sink needs to know of a line without reading it.  Lines of one order
 * and flow keep theirs.
 */
struct record {
	uint64_t order; /* record_order() */
	uint64_t sub; /* 0, or the flow that ended behind this frame */
	uint64_t ts_us;
	const struct rule *rule; /* alerts: whose thresholds apply; else NULL */
	struct threshold_key key;
	enum event_type type;
	uint8_t severity; /* alerts: 1 is worst; else 0 */
	uint8_t held; /* alerts: enum held_cause; HELD_NOT: to be said */
	bool unmet; /* by the sink: its claim does not hold */
	uint8_t proto; /* alerts: enum ip_proto */
	uint32_t rank; /* alerts: as in struct rule_hit */
	bool passed; /* alerts: a pass rule matched the same packet */
	uint32_t picket_at; /* where the last member begins, when it is the
			     * object "picket": its comma; else 0 */
	uint32_t len; /* of the line, without newline; 0: only a claim */
	size_t at; /* offset of the line in the outbox */
	/* The line is still to be made, by event_later(), of what stands at
	 * 'at'; what alerts share with others is here. */
	bool late;
	size_t scene;
	/* What is still to be asked; its values stand behind the line.  Claims
	 * of one frame are settled by 'turn', the number of the matcher's call,
	 * then in the rules' order of evaluation. */
	struct shared_claim claim;
	uint64_t turn;
};

/* Whether an alert is to be said, as far as its worker can tell; without memory
 * for its line it is still one that is lost. */
static inline bool
record_is_said(const struct record *r)
{
	return r->held == HELD_NOT || r->held == HELD_NO_MEMORY;
}

struct outbox {
	struct record *rec;
	size_t n, cap;
	uint8_t *text;
	size_t text_len, text_cap;
	uint64_t lost; /* lines that found no memory; counted, reported */
	uint64_t lost_severity[4]; /* of these alerts: 1, 2, 3, others */
	uint64_t lost_type[EVENT_TYPE_COUNT]; /* and events */
	/* Live capture bounds what may wait, text and records, as nobody can
	 * be held up: above it alerts are lost, and matches that are only to
	 * be counted lose their rule; what is no alert is lost above half of
	 * it, and what asks for shared state above twice as much. */
	size_t bytes_max; /* 0: no bound */
	uint64_t full_alerts, full_events; /* lost for that */
	uint64_t full_severity[4]; /* of the alerts: 1, 2, 3, others */
	uint64_t full_type[EVENT_TYPE_COUNT]; /* of the events */
	uint64_t full_suppressed; /* counted here instead of by rule */
	uint64_t full_claims; /* of rules without an alert */
	uint64_t *ranked; /* scratch of outbox_settle() */
	size_t ranked_cap;
};

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);
/* Of one that is part of something else. */
void outbox_fini(struct outbox *o);
void outbox_reset(struct outbox *o);
/* Exchanges what two hold, and their memory. */
static inline void
outbox_swap(struct outbox *a, struct outbox *b)
{
	struct outbox t = *a;

	*a = *b;
	*b = t;
}

/*
 * Copies 'line' (unless it stands at the text's end already) and the claim's
 * values in; on lack of memory counts them as lost.  Only an alert that is held
 * back, or a claim, may come without a line.
 */
void outbox_put(struct outbox *o, const struct record *r, struct view line);
/* Notes by class and type that there was no memory for a record's line, for
 * those who keep book of what is forwarded. */
void outbox_lose(struct outbox *o, const struct record *r);
/* Copies in what several records are to share; false without memory. */
bool outbox_share(struct outbox *o, struct view bytes, size_t *at);
/*
 * The alerts from record 'from' on belong to one packet: all but the first
 * 'max' in the order of evaluation are held back (Suricata's packet-alert-max).
 * 'passed' is noted in each.
 */
void outbox_settle(struct outbox *o, size_t from, uint32_t max, bool passed);

static inline struct shared_claim
outbox_claim(const struct outbox *o, const struct record *r)
{
	struct shared_claim c = r->claim;

	c.values.p = o->text + r->at + r->len;
	return c;
}

static inline struct view
outbox_line(const struct outbox *o, const struct record *r)
{
	return view_of(o->text + r->at, r->len);
}

#endif
