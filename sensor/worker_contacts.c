/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

/* Notes are handed over when so many wait, or when so much time went by. */
#define ENOUGH (CONTACT_NOTES / 4)
#define LONG_US UINT64_C(1000000)

static uint64_t
time_apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* What came back from the desk. */
static void
tell(struct worker *w)
{
	const struct contacts_told *told;

	while ((told = contacts_desk_next(w->contacts)) != NULL) {
		struct event_subject s = { .ts_us = told->end_us };

		worker_tell(w, &s,
			    &(struct event_what){ .type = EVENT_TYPE_CONTACTS,
						  .contacts = told });
	}
}

static __attribute__((noinline)) void
hand_full(struct worker *w)
{
	tell(w);
	contacts_desk_hand(w->contacts, 0, false);
}

static inline void
turn_over(struct worker *w)
{
	if (UNLIKELY(contact_notes_full(w->notes))) {
		hand_full(w);
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

/* Each kept apart: what one needs is not what the next packet does. */
static __attribute__((noinline)) void
start(struct worker *w, const struct event_subject *s, struct flow *f)
{
	uint8_t flags;

	if (!begins(s, f, &flags)) {
		return;
	}
	contact_notes_start(w->notes, f, flags, event_log_exercise(w->log, s),
			    f->first_us);
	turn_over(w);
	if (UNLIKELY((s->pkt->tcp_flags & TCP_RST) != 0)) {
		worker_close_contact(w, s, f);
	}
}

static __attribute__((noinline)) void
shed(struct worker *w, const struct event_subject *s, struct flow *f)
{
	uint8_t flags;

	/* The first thing that is given up. */
	w->contacts_shed +=
		(f->flags & FLOW_CONTACT) == 0 && begins(s, f, &flags);
}

void
worker_close_contact(struct worker *w, const struct event_subject *s,
		     struct flow *f)
{
	if (worker_contact_closes(s, f) && w->asks.contacts &&
	    LIKELY(w->overload.level == 0)) {
		contact_notes_closed(w->notes, f, s->ts_us);
		turn_over(w);
	}
}

void
worker_note_contact(struct worker *w, const struct event_subject *s,
		    struct flow *f)
{
	if (UNLIKELY(w->overload.level > 0)) {
		shed(w, s, f);
	} else if ((f->flags & FLOW_CONTACT) == 0) {
		start(w, s, f);
	} else if (f->pkts[s->dir] > 1) {
		contact_notes_moved(w->notes, f, s->ts_us);
		turn_over(w);
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
	w->contacts_shed += shed;
	contact_notes_end(w->notes, f, at, shed || !w->asks.contacts);
	turn_over(w);
}

void
worker_tell_contacts(struct worker *w, uint64_t now_us, bool all)
{
	if (w->contacts == NULL) {
		return;
	}
	w->sub = 0;
	if (all) {
		contacts_desk_wait(w->contacts);
	}
	tell(w);
	if (all || w->notes->n >= ENOUGH ||
	    time_apart(now_us, w->handed_us) >= LONG_US) {
		if (contacts_desk_hand(w->contacts, now_us, all)) {
			w->handed_us = now_us;
		}
	}
	if (all) {
		tell(w);
	}
	contacts_desk_counters(w->contacts)->shed =
		w->contacts_shed + w->notes->lost;
}

enum err
worker_start_contacts(struct worker *w, bool wait, struct diag *d)
{
	return w->contacts != NULL ? contacts_desk_start(w->contacts, wait, d)
				   : ERR_OK;
}
