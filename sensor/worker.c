/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker.h"

#include <stdlib.h>

#include "rules/ioc_set.h"
#include "sensor/fill.h"
#include "sensor/log_file.h"
#include "sensor/tag.h"

#define MAX_HITS 4096

struct worker {
	struct pool *pool;
	struct decoder *decoder;
	struct flow_table *flows;
	struct stream_ctx *streams;
	struct app_ctx *apps;
	struct rule_matcher *matcher;
	struct event_log *log;
	struct tag_table *tags; /* NULL: no rule tags, or nobody looks */
	const struct ruleset *rules;
	uint64_t needed[2];
	bool guess_tx; /* alerts of raw bytes name the transaction they met */
	bool raw[2]; /* rules look at raw stream bytes of this direction */
	uint32_t event_types;

	/* Scratch of the packet in hand. */
	struct packet pkts[FRAME_MAX_PACKETS];
	struct inspect in;
	struct inspect_flow in_flow;
	struct rule_hits hits;
	struct rule_metadata meta; /* of the flow in hand */
	struct outbox *out;
	size_t settled; /* records of the outbox before this packet's */
	bool passed; /* a pass rule matched since */
	uint64_t order; /* number of the frame that events belong to */
	uint64_t sub; /* the flow being ended, or 0 */
	uint64_t turn; /* calls of the matcher */
	uint64_t pressed; /* flows that found the table full, as seen last */
	struct worker_counters count;
};

static bool
wants(const struct worker *w, enum event_type t)
{
	return (w->event_types >> t & 1) != 0;
}

/* What the matcher's set looks at; false when there is no room for tags. */
static bool
note_rules(struct worker *w)
{
	w->rules = rule_matcher_rules(w->matcher);
	memcpy(w->needed, ruleset_needed(w->rules), sizeof(w->needed));
	w->apps->keep_frames = inspect_bit(w->needed, BUF_HTTP_REQ_FRAME) ||
			       inspect_bit(w->needed, BUF_HTTP_RESP_FRAME);
	w->raw[0] = ruleset_needs_stream(w->rules, DIR_TOSERVER);
	w->raw[1] = ruleset_needs_stream(w->rules, DIR_TOCLIENT);
	file_ctx_want(w->apps->files, ruleset_file_needs(w->rules));
	if (w->tags == NULL && ruleset_tags(w->rules) &&
	    wants(w, EVENT_TYPE_PACKET) &&
	    event_alert_conf(w->log)->tagged_packets) {
		w->tags = tag_table_new(w->pool);
		return w->tags != NULL;
	}
	return true;
}

struct worker *
worker_new(const struct worker_settings *s)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return NULL;
	}
	w->event_types = s->event_types;
	w->pool = pool_new(s->memory_limit);
	w->hits.v = calloc(MAX_HITS, sizeof(*w->hits.v));
	w->hits.cap = MAX_HITS;
	if (w->pool != NULL) {
		w->decoder = decoder_new(s->conf, w->pool);
		w->flows = flow_table_new(s->conf, w->pool);
		w->streams = stream_ctx_new(s->conf, w->pool);
		w->apps = app_ctx_new(s->conf, w->pool);
	}
	w->matcher = rule_matcher_new(s->rules);
	if (w->matcher != NULL && s->shared != NULL) {
		rule_matcher_settle(w->matcher, s->shared);
	}
	w->guess_tx = conf_bool(s->conf, "detect.guess-applayer-tx", false);
	w->log = event_log_new(&s->origin, s->conf);
	if (w->hits.v == NULL || w->decoder == NULL || w->flows == NULL ||
	    w->streams == NULL || w->apps == NULL || w->matcher == NULL ||
	    w->log == NULL) {
		worker_free(w);
		return NULL;
	}
	if (!note_rules(w)) {
		worker_free(w);
		return NULL;
	}
	stream_set_file_depth(w->streams, file_stream_depth(w->apps->files));
	w->in.pool = w->pool;
	return w;
}

struct rule_matcher *
worker_change_rules(struct worker *w, struct rule_matcher *next)
{
	struct rule_matcher *former = w->matcher;

	rule_matcher_follow(next, former);
	w->matcher = next;
	if (!note_rules(w)) {
		w->count.events_lost++; /* tagged packets */
	}
	return former;
}

/* What rules remember of the subject's flow, for the event to come. */
static void
remember(struct worker *w, struct event_subject *s)
{
	rule_metadata_of(w->rules, s->f != NULL ? s->f->rules : NULL, &w->meta);
	s->meta = &w->meta;
}

static void
put_line(struct worker *w, const struct event_subject *s, enum event_type type,
	 struct view line)
{
	struct record r = {
		.order = w->order,
		.sub = w->sub,
		.ts_us = s->ts_us,
		.type = type,
	};

	if (line.len == 0) {
		w->count.events_lost++;
		return;
	}
	outbox_put(w->out, &r, line);
}

/*
 * The bytes that this call looked at: the packet's, or the stream's as far as
 * it is kept.  Where no rule needs the raw stream, the segment that completed
 * the match stands for it.
 */
static struct payload
payload_of(const struct worker *w, const struct event_subject *s)
{
	struct payload p = { .stream = false };
	uint32_t seen;
	uint64_t offset;

	if (w->in.kind != INSPECT_PACKET && s->f != NULL &&
	    s->f->proto == IPP_TCP) {
		p.stream = true;
		p.v = stream_raw(s->f, s->dir, &seen, &offset);
		p.gap = p.v.len > 0 ? stream_raw_gap(s->f, s->dir) : 0;
	}
	if (p.v.len == 0 && s->pkt != NULL && !w->in.pkt_is_reverse) {
		p.v = s->pkt->payload;
	}
	return p;
}

static void
put_alert(struct worker *w, struct event_subject *s, const struct rule_hit *hit)
{
	struct payload payload = payload_of(w, s);
	struct record r = {
		.order = w->order,
		.sub = w->sub,
		.ts_us = s->ts_us,
		.rule = hit->silent ? NULL : hit->rule,
		.type = EVENT_TYPE_ALERT,
		.rank = hit->rank,
		.held = hit->suppressed ? HELD_SUPPRESS : HELD_NOT,
		.severity = hit->ioc != NULL ? hit->ioc->note->severity
					     : hit->rule->priority,
		.claim = hit->claim,
		.turn = w->turn,
	};
	struct view line = VIEW_NONE;

	if (hit->silent) { /* not seen, but others may ask what it leaves */
		outbox_put(w->out, &r, VIEW_NONE);
		return;
	}

	if (s->f != NULL) {
		unsigned from = s->dir == FLOW_TOSERVER ? 0 : 1;

		r.key.src = s->f->addr[from];
		r.key.dst = s->f->addr[1 - from];
		r.key.flow_id = s->f->id;
		r.proto = s->f->proto;
	} else if (s->pkt != NULL) {
		r.key.src = s->pkt->src;
		r.key.dst = s->pkt->dst;
		r.proto = s->pkt->proto;
	}
	w->count.alerts++;
	if (w->tags != NULL && hit->rule->n_tags > 0 && s->pkt != NULL &&
	    !hit->suppressed) {
		tag_set(w->tags, hit->rule, s->f, &r.key.src, &r.key.dst,
			s->ts_us);
	}
	if (!hit->suppressed) {
		remember(w, s);
		line = event_alert(w->log, s, hit, &payload);
		r.picket_at = event_picket_at(w->log);
		r.held = line.len > 0 ? HELD_NOT : HELD_NO_MEMORY;
	}
	outbox_put(w->out, &r, line);
}

static void
put_anomalies(struct worker *w, const struct event_subject *s,
	      const struct event_set *set)
{
	if (!wants(w, EVENT_TYPE_ANOMALY)) {
		return;
	}
	for (unsigned i = 0; i < EVENT_WORDS; i++) {
		uint64_t bits = set->w[i];

		while (bits != 0) {
			unsigned b = (unsigned)__builtin_ctzll(bits);

			bits &= bits - 1;
			w->count.anomalies++;
			put_line(w, s, EVENT_TYPE_ANOMALY,
				 event_anomaly(w->log, s,
					       (enum event_id)(i * 64 + b)));
		}
	}
}

/*
 * What pass, drop and reject rules decide for the whole flow: those that look
 * past packets, and those on addresses alone.
 */
static void
note_actions(struct worker *w, const struct event_subject *s)
{
	struct flow *f = (struct flow *)s->f;

	if (f == NULL) {
		return;
	}
	if (w->hits.passed && rule_flow_passed(f->rules)) {
		f->flags |= FLOW_PASSED;
	}
	if (w->hits.bypass) {
		f->flags |= FLOW_BYPASSED;
	}
	for (uint32_t i = 0; i < w->hits.n; i++) {
		const struct rule_hit *hit = &w->hits.v[i];

		if (!hit->silent &&
		    (hit->rule->action == ACTION_REJECT ||
		     hit->rule->action == ACTION_DROP) &&
		    (w->in.kind != INSPECT_PACKET || hit->ip_only)) {
			f->flags |= FLOW_REJECTED;
		}
	}
}

/*
 * The transaction to show with an alert of a packet or of raw stream bytes.
 * A datagram is one of its own when the rule is for its protocol; for others
 * it is a guess, made on demand and only when there is one to choose from.
 */
static void
add_tx(const struct worker *w, struct event_subject *s, struct rule_hit *hit)
{
	const struct app_flow *af = s->f != NULL ? s->f->app : NULL;
	bool datagram = s->f != NULL && s->f->proto == IPP_UDP &&
			hit->rule->app != APP_UNKNOWN;

	if (hit->has_tx || s->tx != NULL || af == NULL || af->txs == NULL ||
	    !(datagram || (w->guess_tx && af->n_txs == 1))) {
		return;
	}
	s->tx = datagram ? af->last_tx : af->txs;
	s->tx_guessed = !datagram;
	hit->has_tx = true;
	hit->tx_id = s->tx->id;
}

/* Matches what w->in holds and writes the alerts. */
static void
match(struct worker *w, struct event_subject *s)
{
	w->hits.n = 0;
	w->hits.overflowed = 0;
	w->hits.passed = w->hits.bypass = w->hits.no_tx_log = false;
	w->turn++;
	rule_match(w->matcher, &w->in, &w->hits);
	w->count.alerts_lost += w->hits.overflowed;
	w->passed = w->passed || w->hits.passed;
	note_actions(w, s);
	for (uint32_t i = 0; i < w->hits.n; i++) {
		struct rule_hit *hit = &w->hits.v[i];
		struct event_subject subject = *s;

		if (hit->silent && hit->claim.prog == NULL) {
			continue;
		}
		if (s->f != NULL && !hit->suppressed && !hit->silent) {
			((struct flow *)s->f)->n_alerts++;
		}
		add_tx(w, &subject, hit);
		put_alert(w, &subject, hit);
	}
}

/*
 * What a packet alone gave, or what its stream and transactions did, is
 * complete: Suricata's packet-alert-max bounds each.
 */
static void
settle(struct worker *w)
{
	if (w->out->n > w->settled) {
		outbox_settle(w->out, w->settled,
			      event_alert_conf(w->log)->packet_alert_max,
			      w->passed);
	}
	w->settled = w->out->n;
	w->passed = false;
}

static bool
wants_tx(const struct worker *w, const struct app_tx *tx)
{
	switch (tx->parser->proto) {
	case APP_HTTP:
		return wants(w, EVENT_TYPE_HTTP);
	case APP_TLS:
		return wants(w, EVENT_TYPE_TLS);
	case APP_SSH:
		return wants(w, EVENT_TYPE_SSH);
	default:
		return wants(w, EVENT_TYPE_DNS);
	}
}

static void
log_tx(struct worker *w, struct event_subject *s, struct app_tx *tx)
{
	enum event_type type;
	enum flow_dir dir = s->dir;
	struct view line;

	if (tx->logged) {
		return;
	}
	tx->logged = true;
	if (tx->log_off || !wants_tx(w, tx)) {
		return;
	}
	/* EVE shows a transaction from the one who began it. */
	if (!tx->one_sided) {
		s->dir = FLOW_TOSERVER;
	}
	s->tx = tx;
	remember(w, s);
	line = event_tx(w->log, s, &type);
	if (line.len > 0) {
		put_line(w, s, type, line);
	}
	s->dir = dir;
	s->tx = NULL;
}

static void
end_tx(struct worker *w, struct flow *f, struct app_tx *tx)
{
	rule_tx_free(tx->rules, w->pool);
	tx->rules = NULL;
	for (unsigned d = 0; d < 2; d++) {
		for (struct file *x = tx->files[d].first; x != NULL;
		     x = x->next) {
			rule_tx_free(x->rules, w->pool);
			x->rules = NULL;
		}
	}
	app_tx_end(w->apps, f, tx);
}

static void
want_files(struct app_tx *tx, unsigned d)
{
	tx->store_files[d] = true;
	for (struct file *f = tx->files[d].first; f != NULL; f = f->next) {
		f->wanted = true;
	}
}

/* What filestore asked for besides the file that its rule was about. */
static void
note_store(const struct inspect_store *store, struct app_flow *af,
	   struct app_tx *tx)
{
	for (unsigned d = 0; d < 2; d++) {
		if (store->tx[d]) {
			want_files(tx, d);
		}
		if (!store->flow[d]) {
			continue;
		}
		af->store_files[d] = true;
		for (struct app_tx *t = af->txs; t != NULL; t = t->next) {
			want_files(t, d);
		}
	}
}

/* The event of a file that ended, and its copy beside it in the store. */
static void
log_file_end(struct worker *w, const struct event_subject *s,
	     const struct file *f)
{
	bool info = f->stored && file_writes_info(w->apps->files);
	struct view line;

	if (!info && !wants(w, EVENT_TYPE_FILEINFO)) {
		return;
	}
	line = event_file(w->log, s, f);
	if (info && line.len > 0) {
		file_write_info(w->apps->files, f, s->ts_us,
				log_file_id(f, s->f->id, s->tx->id, s->dir),
				line);
	}
	if (wants(w, EVENT_TYPE_FILEINFO)) {
		put_line(w, s, EVENT_TYPE_FILEINFO, line);
	}
}

/* Writes what ended of the files that 'tx' carried; s->tx is 'tx'. */
static void
log_files(struct worker *w, struct event_subject *s, struct app_tx *tx)
{
	enum flow_dir dir = s->dir;

	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		for (struct file *f = tx->files[d].first; f != NULL;
		     f = f->next) {
			if (!file_ended(f)) {
				if (f->storing != NULL) {
					stream_deepen((struct flow *)s->f,
						      s->dir);
				}
				continue;
			}
			if (f->logged) {
				continue;
			}
			f->logged = true;
			file_settle(w->apps->files, f);
			log_file_end(w, s, f);
		}
	}
	s->dir = dir;
}

/* Offers every transaction that went on to the rules; ends finished ones. */
static void
inspect_txs(struct worker *w, struct event_subject *s, struct flow *f)
{
	struct app_tx *tx = f->app->txs, *next;
	enum flow_dir packet_dir = s->dir;

	for (; tx != NULL; tx = next) {
		struct event_set new_events;

		next = tx->next;
		s->tx = tx;
		for (unsigned d = 0; d < 2; d++) {
			if (!tx->updated[d]) {
				continue;
			}
			tx->updated[d] = false;
			s->dir = (enum flow_dir)d;
			w->in.pkt_is_reverse = s->dir != packet_dir;
			fill_tx(&w->in, tx, s->dir, w->needed);
			fill_tx_raw(&w->in, f, s->pkt, packet_dir);
			w->in.flow_state = &f->rules;
			w->in.tx_state = &tx->rules;
			match(w, s);
			tx->log_off = tx->log_off || w->hits.no_tx_log;
			note_store(&w->in.store, f->app, tx);
			fill_tx_done(&w->in, tx);
			if (tx->done[d] && !tx->cut[d]) {
				tx->cut[d] = true;
				stream_raw_cut(f, s->dir);
			}
		}
		s->dir = packet_dir;
		w->in.pkt_is_reverse = false;
		log_files(w, s, tx);
		for (unsigned i = 0; i < EVENT_WORDS; i++) {
			new_events.w[i] =
				tx->events.w[i] & ~tx->events_logged.w[i];
			tx->events_logged.w[i] = tx->events.w[i];
		}
		put_anomalies(w, s, &new_events);
		s->tx = NULL;
		if (tx->done[0] && tx->done[1]) {
			log_tx(w, s, tx);
			end_tx(w, f, tx);
		}
	}
}

/* Offers the raw bytes of direction s->dir; 'last': no more will come. */
static void
inspect_stream(struct worker *w, struct event_subject *s, struct flow *f,
	       bool last)
{
	if (!w->raw[s->dir]) {
		/* kept for rules that are no longer there */
		stream_raw_disable(w->streams, f, s->dir);
		return;
	}
	if (fill_stream(&w->in, f, s->dir, last)) {
		w->in.flow_state = &f->rules;
		w->in.tx_state = NULL;
		match(w, s);
		stream_raw_done(w->streams, f, s->dir);
	}
}

static void
inspect_streams(struct worker *w, struct event_subject *s, struct flow *f)
{
	enum flow_dir packet_dir = s->dir;

	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		w->in.pkt_is_reverse = s->dir != packet_dir;
		inspect_stream(w, s, f,
			       stream_raw_last(f, (enum flow_dir)d, false));
	}
	s->dir = packet_dir;
	w->in.pkt_is_reverse = false;
}

/* The facts of packet and flow as they are now. */
static void
fill_subject(struct worker *w, const struct event_subject *s, bool in_stream)
{
	if (s->f != NULL) {
		fill_flow(&w->in_flow, s->f);
	}
	w->in.flow = s->f != NULL ? &w->in_flow : NULL;
	fill_packet(&w->in, s->pkt, s->dir, in_stream);
}

/*
 * Moves what the stream made ready into the application parser.  Rules look
 * at the raw bytes before a hole now, because a hole ends the raw window.
 */
static void
run_app(struct worker *w, struct event_subject *s, struct flow *f,
	uint64_t now_us)
{
	struct stream_chunk c;

	while (stream_next(w->streams, f, &c)) {
		if (c.gap > 0) {
			if (s->pkt != NULL) {
				fill_subject(w, s, true);
				inspect_streams(w, s, f);
			}
			app_gap(w->apps, f, c.dir, c.gap, now_us);
		} else if (c.data.len > 0) {
			app_data(w->apps, f, c.dir, c.data, now_us);
		}
		if (c.fin) {
			app_eof(w->apps, f, c.dir, now_us);
		}
	}
}

static void
put_flow_anomalies(struct worker *w, const struct event_subject *s,
		   struct flow *f)
{
	if (!event_set_empty(&f->app->events)) {
		put_anomalies(w, s, &f->app->events);
		memset(&f->app->events, 0, sizeof(f->app->events));
	}
}

/* The packet itself, when a rule asked for it earlier. */
static void
put_tagged(struct worker *w, const struct event_subject *s)
{
	if (UNLIKELY(w->tags != NULL) && s->pkt->ip_version != 0 &&
	    tag_packet(w->tags, s->f, &s->pkt->src, &s->pkt->dst,
		       s->pkt->frame->caplen, s->ts_us)) {
		put_line(w, s, EVENT_TYPE_PACKET, event_packet(w->log, s));
	}
}

static void
packet(struct worker *w, struct packet *pkt)
{
	struct event_subject s = {
		.pkt = pkt,
		.ts_us = pkt->frame->ts_us,
		.number = pkt->frame->number,
	};
	bool in_stream = false, established = false;
	bool was_established = false;
	enum app_proto known = APP_UNKNOWN;
	struct flow *f;

	w->count.packets++;
	if (pkt->flags & PKT_INNER) {
		w->count.tunnel_packets++;
	}
	f = flow_find(w->flows, pkt, &s.dir);
	s.f = f;
	if (f != NULL && (f->flags & FLOW_BYPASSED) != 0) {
		w->count.bypassed_packets++;
		put_tagged(w, &s);
		return;
	}
	if (f != NULL && f->proto == IPP_TCP) {
		bool fresh = f->tcp == NULL;

		/* The ACK that ends the handshake is part of it still, unless
		 * it brings data. */
		was_established = stream_established(f) ||
				  (!fresh && pkt->payload.len > 0);
		in_stream = stream_packet(w->streams, w->flows, f, pkt, s.dir);
		/* The roles may have been exchanged by a late start. */
		s.dir = flow_packet_dir(f, pkt);
		if (fresh && f->tcp != NULL) {
			for (unsigned d = 0; d < 2; d++) {
				if (!w->raw[d]) {
					stream_raw_disable(w->streams, f,
							   (enum flow_dir)d);
				}
			}
		}
		known = app_proto_of(f);
		w->settled = w->out->n;
		run_app(w, &s, f, s.ts_us);
		settle(w); /* what stood before a hole */
	} else if (f != NULL && f->proto == IPP_UDP && pkt->payload.len > 0) {
		app_data(w->apps, f, s.dir, pkt->payload, s.ts_us);
		if (f->app != NULL && f->app->swap) {
			/* the first datagram was the server's */
			f->app->swap = false;
			flow_swap(w->flows, f);
			s.dir = flow_packet_dir(f, pkt);
		}
	}

	fill_subject(w, &s, in_stream && pkt->payload.len > 0);
	if (f != NULL && f->proto == IPP_TCP) {
		/* a segment's own bytes count once they are acknowledged */
		w->in_flow.app = known;
	}
	w->in.flow_state = f != NULL ? &f->rules : NULL;
	w->in.tx_state = NULL;
	established = w->in_flow.established;
	if (f != NULL && f->proto == IPP_TCP) {
		w->in_flow.established = established && was_established;
	}
	w->settled = w->out->n;
	match(w, &s);
	settle(w);
	w->in_flow.established = established;
	put_anomalies(w, &s, &pkt->events);
	if (f == NULL) {
		put_tagged(w, &s);
		return;
	}
	w->in_flow.app = app_proto_of(f);
	if (f->tcp != NULL) {
		inspect_streams(w, &s, f);
	}
	if (f->app != NULL) {
		inspect_txs(w, &s, f);
		put_flow_anomalies(w, &s, f);
	}
	settle(w);
	put_tagged(w, &s);
}

static void expire(struct worker *w, uint64_t now_us, uint64_t number, bool all,
		   struct outbox *out);

/*
 * At flow.memcap each new flow ends an old one, and only few may wait to be
 * written: in a flood they cannot wait for the round's end.
 */
static void
relieve(struct worker *w, const struct frame *f, struct outbox *out)
{
	const struct flow_counters *n = flow_counters(w->flows);
	uint64_t pressed = n->emergency_evicted + n->no_memory;

	if (UNLIKELY(pressed != w->pressed)) {
		w->pressed = pressed;
		expire(w, f->ts_us, f->number, false, out);
	}
}

void
worker_frame(struct worker *w, const struct frame *f, struct outbox *out)
{
	unsigned n = decode_frame(w->decoder, f, w->pkts);
	bool any_ip = false, broken = false;

	w->out = out;
	w->order = f->number;
	w->sub = 0;
	w->count.frames++;
	w->count.bytes += f->caplen;
	for (unsigned i = 0; i < n; i++) {
		any_ip = any_ip || w->pkts[i].ip_version != 0;
		broken = broken || (w->pkts[i].flags & PKT_BROKEN) != 0;
	}
	if (any_ip) {
		w->count.inspected++;
	} else if (broken) {
		w->count.skipped_invalid++;
	} else {
		w->count.skipped_not_ip++;
	}
	for (unsigned i = 0; i < n; i++) {
		packet(w, &w->pkts[i]);
	}
	relieve(w, f, out);
}

/* Turns 'pkt', which stands for a flow's last packet, to 'dir'. */
static void
fill_last_packet(struct worker *w, struct packet *pkt, const struct flow *f,
		 enum flow_dir dir)
{
	unsigned from = dir == FLOW_TOSERVER ? 0 : 1;

	pkt->src = f->addr[from];
	pkt->dst = f->addr[1 - from];
	pkt->sport = f->port[from];
	pkt->dport = f->port[1 - from];
	fill_packet(&w->in, pkt, dir, true);
}

/*
 * A flow's last words: bytes that waited behind holes, transactions that
 * never finished.  They are matched as if a last packet of the flow had come.
 */
static void
drain_flow(struct worker *w, struct event_subject *s, struct flow *f)
{
	struct frame last = { .ts_us = f->last_us };
	struct packet pkt = {
		.frame = &last,
		.ip_version = f->ip_version,
		.proto = f->proto,
	};

	if (f->tcp == NULL && f->app == NULL) {
		return;
	}
	if ((f->flags & FLOW_BYPASSED) != 0) {
		/* Nobody looks any more; what is known may be logged. */
		while (f->app != NULL && f->app->txs != NULL) {
			log_tx(w, s, f->app->txs);
			end_tx(w, f, f->app->txs);
		}
		return;
	}
	if (f->tcp != NULL) {
		stream_flush(w->streams, f);
		run_app(w, s, f, f->last_us);
	}
	if (f->app != NULL) {
		app_eof(w->apps, f, FLOW_TOSERVER, f->last_us);
		app_eof(w->apps, f, FLOW_TOCLIENT, f->last_us);
	}
	w->settled = w->out->n;
	w->count.pseudo_packets++;
	fill_flow(&w->in_flow, f);
	w->in.flow = &w->in_flow;
	for (unsigned d = 0; d < 2; d++) {
		s->dir = (enum flow_dir)d;
		fill_last_packet(w, &pkt, f, s->dir);
		if (f->tcp != NULL) {
			inspect_stream(w, s, f,
				       stream_raw_last(f, s->dir, true));
		}
	}
	s->dir = FLOW_TOSERVER;
	fill_last_packet(w, &pkt, f, s->dir);
	if (f->app != NULL) {
		inspect_txs(w, s, f);
		put_flow_anomalies(w, s, f);
		while (f->app->txs != NULL) {
			log_tx(w, s, f->app->txs);
			end_tx(w, f, f->app->txs);
		}
	}
	settle(w);
}

static void
end_flow(struct worker *w, struct flow *f)
{
	struct event_subject s = {
		.f = f,
		.ts_us = f->last_us,
		.dir = FLOW_TOSERVER,
	};
	struct record r = { .order = w->order,
			    .sub = w->sub,
			    .type = EVENT_TYPE_FLOW };
	struct view line;

	drain_flow(w, &s, f);
	if (w->tags != NULL) {
		tag_forget(w->tags, f);
	}
	if (wants(w, EVENT_TYPE_FLOW)) {
		remember(w, &s);
		line = event_flow(w->log, &s);
		r.ts_us = s.ts_us;
		if (line.len > 0) {
			outbox_put(w->out, &r, line);
		} else {
			w->count.events_lost++;
		}
	}
	rule_flow_free(f->rules, w->pool);
	f->rules = NULL;
	if (f->app != NULL) {
		app_free(w->apps, f);
	}
	if (f->tcp != NULL) {
		stream_free(w->streams, f);
	}
	flow_release(w->flows, f);
}

static void
expire(struct worker *w, uint64_t now_us, uint64_t number, bool all,
       struct outbox *out)
{
	struct flow *f;

	w->out = out;
	w->order = number;
	while ((f = flow_expire(w->flows, now_us, all)) != NULL) {
		w->sub = f->id;
		end_flow(w, f);
	}
}

void
worker_expire(struct worker *w, uint64_t now_us, uint64_t number,
	      struct outbox *out)
{
	flow_table_set_clock(w->flows, now_us);
	expire(w, now_us, number, false, out);
}

void
worker_finish(struct worker *w, uint64_t now_us, uint64_t number,
	      struct outbox *out)
{
	expire(w, now_us, number, true, out);
}

void
worker_free(struct worker *w)
{
	if (w == NULL) {
		return;
	}
	tag_table_free(w->tags);
	event_log_free(w->log);
	rule_matcher_free(w->matcher);
	app_ctx_free(w->apps);
	stream_ctx_free(w->streams);
	flow_table_free(w->flows);
	decoder_free(w->decoder);
	pool_free(w->pool);
	free(w->hits.v);
	free(w);
}

const struct worker_counters *
worker_counters(const struct worker *w)
{
	return &w->count;
}

const struct decode_counters *
worker_decode(const struct worker *w)
{
	return decode_counters(w->decoder);
}

const struct flow_counters *
worker_flows(const struct worker *w)
{
	return flow_counters(w->flows);
}

const struct stream_counters *
worker_streams(const struct worker *w)
{
	return stream_counters(w->streams);
}

const struct app_counters *
worker_apps(const struct worker *w)
{
	return app_counters(w->apps);
}

const struct file_ctx *
worker_files(const struct worker *w)
{
	return w->apps->files;
}

const struct rule_matcher_stats *
worker_matcher(const struct worker *w)
{
	return rule_matcher_stats(w->matcher);
}

const struct tag_counters *
worker_tags(const struct worker *w)
{
	return w->tags != NULL ? tag_counters(w->tags) : NULL;
}

size_t
worker_memory(const struct worker *w)
{
	return pool_in_use(w->pool);
}
