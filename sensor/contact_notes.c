/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/contact_notes.h"

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

uint8_t
contact_notes_lane(struct contact_lanes *l, const char *exercise)
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

/* What was not counted yet; a flow's ends may have changed places since. */
static inline void
rest_of(const struct contact_notes *n, const struct flow *f, uint64_t rest[2])
{
	bool small = (f->flags & FLOW_CONTACT_SMALL) != 0;
	const uint64_t *moved = n->moved[small ? 0 : f->contact].bytes;
	uint64_t was[2] = { small ? f->contact >> 16 : moved[0],
			    small ? f->contact & CONTACT_SMALL : moved[1] };

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

	if (!own && f->bytes[0] <= CONTACT_SMALL &&
	    f->bytes[1] <= CONTACT_SMALL) {
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
		contact_notes_put(n, f, bytes, failed ? CONTACT_FAILED : 0,
				  ts_us);
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
contact_notes_closed_long(struct contact_notes *n, struct flow *f,
			  uint64_t ts_us)
{
	uint64_t rest[2];

	rest_of(n, f, rest);
	if (!note_moved(n, f)) {
		rest[0] = rest[1] = 0;
	}
	credit(n, f, rest, contact_is_failed(f), ts_us);
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
	if (leave ||
	    (closed && told && rest[0] + rest[1] < CONTACT_AFTERWORD)) {
		return;
	}
	credit(n, f, rest, !closed && contact_is_failed(f), ts_us);
}
