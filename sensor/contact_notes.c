/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/contact_notes.h"

/* Bytes that fit twice into what a flow has room for. */
#define SMALL UINT64_C(0xffff)

void
contact_notes_init(struct contact_notes *n, struct contact_note *v,
		   struct contact_moved *moved, uint32_t n_moved)
{
	*n = (struct contact_notes){ .v = v, .moved = moved };
	moved[0] = (struct contact_moved){ .next = 0 };
	for (uint32_t i = n_moved; i > 0; i--) {
		moved[i] = (struct contact_moved){ .next = n->moved_free };
		n->moved_free = i;
	}
}

/* Whether somebody began it, and who. */
static inline bool
has_beginning(const struct flow *f, uint8_t tcp_flags)
{
	switch (f->proto) {
	case IPP_TCP:
		return (tcp_flags & TCP_SYN) != 0 || (tcp_flags & TCP_ACK) == 0;
	case IPP_ICMP:
		return f->icmp_type == 8;
	case IPP_ICMPV6:
		return f->icmp_type == 128;
	default:
		return true;
	}
}

/* Whether nobody ever answered, as far as the protocol tells. */
static inline bool
is_failed(const struct flow *f)
{
	switch (f->proto) {
	case IPP_TCP:
		if ((f->tcp_flags[1] & TCP_SYN) != 0) {
			return false;
		}
		return (f->tcp_flags[0] & TCP_SYN) != 0 || f->pkts[1] == 0 ||
		       (f->pkts[1] == 1 && (f->tcp_flags[1] & TCP_RST) != 0);
	case IPP_UDP:
	case IPP_SCTP:
	case IPP_ICMP:
	case IPP_ICMPV6:
		return f->pkts[1] == 0;
	default:
		return false;
	}
}

static inline void
put(struct contact_notes *n, const struct flow *f, const uint64_t bytes[2],
    unsigned what, uint64_t ts_us)
{
	struct contact_note *note = &n->v[n->n];

	note->src = f->addr[0];
	note->dst = f->addr[1];
	note->ts_us = ts_us;
	note->bytes[0] = bytes[0];
	note->bytes[1] = bytes[1];
	note->port = f->port[1];
	note->proto = f->proto;
	note->lane = f->contact_lane;
	note->what = (uint8_t)what;
	n->n++;
	if (UNLIKELY(n->n > CONTACT_NOTES)) {
		n->n--;
		n->lost++;
	}
}

/* 1 + the place of the exercise's name, noted if need be; what is beyond the
 * last place shares that. */
static uint8_t
lane_of(struct contact_lanes *l, const char *exercise)
{
	unsigned i = 0;

	while (i + 1 < CONTACTS_LANES && l->exercise[i][0] != '\0' &&
	       strcmp(l->exercise[i], exercise) != 0) {
		i++;
	}
	if (l->exercise[i][0] == '\0') {
		strncpy(l->exercise[i], exercise, EXERCISE_NAME_CAP - 1);
	}
	return (uint8_t)(i + 1);
}

void
contact_notes_start(struct contact_notes *n, struct flow *f, uint8_t tcp_flags,
		    const char *exercise, uint64_t ts_us)
{
	static const uint64_t none[2];

	if (!has_beginning(f, tcp_flags)) {
		return;
	}
	f->flags |= FLOW_CONTACT;
	f->contact_lane =
		exercise[0] == '\0' ? 0 : lane_of(&n->lanes, exercise);
	put(n, f, none, CONTACT_BEGAN, ts_us);
}

/* What was not counted yet; a flow's ends may have changed places since. */
static inline void
rest_of(const struct contact_notes *n, const struct flow *f, uint64_t rest[2])
{
	bool small = (f->flags & FLOW_CONTACT_SMALL) != 0;
	const uint64_t *moved = n->moved[small ? 0 : f->contact].bytes;
	uint64_t was[2] = { small ? f->contact >> 16 : moved[0],
			    small ? f->contact & SMALL : moved[1] };

	for (unsigned d = 0; d < 2; d++) {
		rest[d] = f->bytes[d] > was[d] ? f->bytes[d] - was[d] : 0;
	}
}

/* A record of the flow's own, if there is one left. */
static bool
get_moved(struct contact_notes *n, struct flow *f)
{
	uint32_t i = n->moved_free;

	if (i == 0) {
		return false;
	}
	n->moved_free = n->moved[i].next;
	n->moved[i].next = 0;
	f->contact = i;
	f->flags &= ~FLOW_CONTACT_SMALL;
	return true;
}

/* Keeps in mind that all was counted; false: it cannot, and what was not
 * counted yet waits for the end. */
static inline bool
note_moved(struct contact_notes *n, struct flow *f)
{
	bool own = f->contact != 0 && (f->flags & FLOW_CONTACT_SMALL) == 0;

	if (!own && f->bytes[0] <= SMALL && f->bytes[1] <= SMALL) {
		f->contact = (uint32_t)(f->bytes[0] << 16 | f->bytes[1]);
		f->flags |= FLOW_CONTACT_SMALL;
		return true;
	}
	if (!own && !get_moved(n, f)) {
		return false;
	}
	n->moved[f->contact].bytes[0] = f->bytes[0];
	n->moved[f->contact].bytes[1] = f->bytes[1];
	return true;
}

static inline void
credit(struct contact_notes *n, const struct flow *f, const uint64_t bytes[2],
       bool failed, uint64_t ts_us)
{
	if (bytes[0] != 0 || bytes[1] != 0 || failed) {
		put(n, f, bytes, failed ? CONTACT_FAILED : 0, ts_us);
	}
}

void
contact_notes_moved(struct contact_notes *n, struct flow *f, uint64_t ts_us)
{
	uint64_t rest[2];

	if ((f->flags & FLOW_CONTACT) == 0) {
		return;
	}
	rest_of(n, f, rest);
	if (note_moved(n, f)) {
		credit(n, f, rest, false, ts_us);
	}
}

void
contact_notes_closed(struct contact_notes *n, struct flow *f, uint64_t ts_us)
{
	uint64_t rest[2];

	if ((f->flags & (FLOW_CONTACT | FLOW_CONTACT_CLOSED)) != FLOW_CONTACT) {
		return;
	}
	f->flags |= FLOW_CONTACT_CLOSED;
	if (LIKELY(f->contact == 0 && (f->bytes[0] | f->bytes[1]) <= SMALL)) {
		/* short, and nothing of it was counted */
		f->contact = (uint32_t)(f->bytes[0] << 16 | f->bytes[1]);
		f->flags |= FLOW_CONTACT_SMALL;
		put(n, f, f->bytes, is_failed(f) ? CONTACT_FAILED : 0, ts_us);
		return;
	}
	rest_of(n, f, rest);
	if (!note_moved(n, f)) {
		rest[0] = rest[1] = 0;
	}
	credit(n, f, rest, is_failed(f), ts_us);
}

void
contact_notes_end(struct contact_notes *n, struct flow *f, uint64_t ts_us,
		  bool leave)
{
	bool closed = (f->flags & FLOW_CONTACT_CLOSED) != 0;
	bool small = (f->flags & FLOW_CONTACT_SMALL) != 0;
	bool told = small || f->contact != 0; /* of its bytes, at its close */
	uint64_t rest[2];

	if ((f->flags & FLOW_CONTACT) == 0) {
		return;
	}
	rest_of(n, f, rest);
	if (!small && f->contact != 0) {
		n->moved[f->contact] =
			(struct contact_moved){ .next = n->moved_free };
		n->moved_free = f->contact;
	}
	f->contact = 0;
	f->flags &= ~FLOW_CONTACT_SMALL;
	if (leave || (closed && told && rest[0] + rest[1] < CONTACT_AFTERWORD)) {
		return;
	}
	credit(n, f, rest, !closed && is_failed(f), ts_us);
}
