/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

/* Lines of one sweep, at least: the rest waits for the next, so that packets
 * do not wait for all. */
#define SWEEP_LINES 512

static void
tell(struct worker *w, const struct contacts_told *told)
{
	if (UNLIKELY(told != NULL)) {
		struct event_subject s = { .ts_us = told->end_us };

		worker_tell(w, &s,
			    &(struct event_what){ .type = EVENT_TYPE_CONTACTS,
						  .contacts = told });
	}
}

/*
 * Whether the packet shows who began the flow, not yet counted: the first one,
 * but for an answer to what was not seen.  That may be to what somebody else
 * sent in our name, as long as nothing but a reset comes back.
 */
static bool
begins(const struct event_subject *s, const struct flow *f, uint8_t *flags)
{
	*flags = s->pkt->tcp_flags;
	if ((f->flags & FLOW_SWAPPED) == 0) {
		return f->pkts[0] + f->pkts[1] == 1;
	}
	*flags = TCP_SYN;
	return f->pkts[FLOW_TOSERVER] == 1 && s->dir == FLOW_TOSERVER &&
	       (s->pkt->tcp_flags & TCP_RST) == 0;
}

/* Both sides said so, or one broke it off. */
static bool
is_closing(const struct event_subject *s, const struct flow *f)
{
	return f->proto == IPP_TCP &&
	       ((s->pkt->tcp_flags & TCP_RST) != 0 ||
		(f->tcp_flags[0] & f->tcp_flags[1] & TCP_FIN) != 0);
}

void
worker_note_contact(struct worker *w, const struct event_subject *s,
		    struct flow *f)
{
	bool counted = (f->flags & FLOW_CONTACT) != 0;
	uint8_t flags;

	if (UNLIKELY(w->overload.level > 0)) {
		/* The first thing that is given up. */
		contacts_counters(w->contacts)->shed +=
			!counted && begins(s, f, &flags);
	} else if (!counted) {
		if (begins(s, f, &flags)) {
			tell(w, contacts_start(w->contacts, f, flags,
					       event_log_exercise(w->log, s),
					       f->first_us));
		}
	} else if (is_closing(s, f)) {
		tell(w, contacts_closed(w->contacts, f, s->ts_us));
	} else if (f->pkts[s->dir] % CONTACTS_EVERY == 1 &&
		   f->pkts[s->dir] > 1) {
		tell(w, contacts_moved(w->contacts, f, s->ts_us));
	}
}

void
worker_end_contact(struct worker *w, struct flow *f, uint64_t now_us)
{
	uint64_t at = f->last_us + flow_timeout_us(w->flows, f);
	bool shed = w->overload.level > 0 && (f->flags & FLOW_CONTACT) != 0;

	/* Who looked when does not matter, unless it ends before its time. */
	if (f->end != FLOW_END_TIMEOUT) {
		at = MIN(at, now_us);
	}
	contacts_counters(w->contacts)->shed += shed;
	tell(w, contacts_end(w->contacts, f, at, shed || !w->asks.contacts));
}

void
worker_tell_contacts(struct worker *w, uint64_t now_us, bool all)
{
	const struct contacts_told *told;
	uint32_t most;

	if (w->contacts == NULL) {
		return;
	}
	w->sub = 0;
	most = all ? UINT32_MAX
		   : MAX(contacts_size(w->contacts) / 4, (uint32_t)SWEEP_LINES);
	contacts_sweep(w->contacts, now_us, all);
	while (most-- > 0 && (told = contacts_next(w->contacts)) != NULL) {
		tell(w, told);
	}
}
