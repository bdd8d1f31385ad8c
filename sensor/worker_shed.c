/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is given up of a packet while the worker is behind.  Its connection's
 * state is followed all the same, by headers alone: it goes on with a hole in
 * its bytes, like one of which packets were lost, and is inspected again
 * behind it.
 */
#include "sensor/worker_state.h"

/* A segment that begins or ends a connection, whose length matters there. */
static bool
turns(const struct packet *pkt)
{
	return pkt->proto == IPP_TCP &&
	       (pkt->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0;
}

/* A frame is given up once, whatever is in it. */
static void
count(struct worker *w, const struct packet *pkt, struct flow *f,
      enum overload_shed s)
{
	bool first = w->counted;

	w->counted = false;
	w->count.inspected -= first;
	w->count.skipped_shed += first;
	overload_count(&w->overload, f, s, first,
		       first ? pkt->frame->wirelen : 0, pkt->frame->ts_us);
}

enum overload_shed
worker_shed(struct worker *w, struct flow *f, const struct packet *pkt,
	    enum flow_dir dir)
{
	bool encrypted = f->app != NULL && f->app->unseen;
	enum overload_shed s =
		overload_verdict(&w->overload, f, dir, encrypted);

	if (s == SHED_NONE ||
	    (!overload_sheds_all(s) && (pkt->payload.len == 0 || turns(pkt)))) {
		return SHED_NONE;
	}
	count(w, pkt, f, s);
	return s;
}

/* The connection's state, which what comes later is judged by. */
bool
worker_follow_segment(struct worker *w, struct flow *f, struct packet *pkt,
		      enum flow_dir dir)
{
	struct view payload = pkt->payload;
	bool taken;

	if (!turns(pkt)) {
		pkt->payload = VIEW_NONE;
	}
	taken = stream_packet(w->streams, w->flows, f, pkt, dir);
	pkt->payload = payload;
	return taken;
}
