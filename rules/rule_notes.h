/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_notes.h - values that rules took from the bytes, kept for the events
 *
 * What a group of a pcre captured for the flow, the packet or the alert, and
 * the entropy of a buffer.  The bytes are an attacker's: longer ones are cut,
 * and a full list takes no more.
 *
 * Place    above base.h; below rule_prog.h.
 * Threads  one worker's.
 * Memory   fixed.
 * Cost     one copy a note.
 */
#ifndef RULES_RULE_NOTES_H
#define RULES_RULE_NOTES_H

#include "common/base.h"

#define NOTE_BYTES 512 /* of key and value together */
#define NOTES_MAX 16 /* a list */

/* For whom. */
enum note_kind { NOTE_FLOW, NOTE_PKT, NOTE_ALERT, NOTE_ENTROPY };

struct note {
	uint32_t name; /* in the set's table; not read when there is a key */
	uint8_t kind; /* enum note_kind */
	uint16_t key_len, len;
	double number; /* NOTE_ENTROPY */
	uint8_t bytes[NOTE_BYTES]; /* the key, then the value */
};

struct notes {
	uint32_t n;
	struct note v[NOTES_MAX];
};

static inline struct view
note_key(const struct note *n)
{
	return view_of(n->bytes, n->key_len);
}

static inline struct view
note_value(const struct note *n)
{
	return view_of(n->bytes + n->key_len, n->len);
}

/* Sets the value of (kind, name or key); false when the list is full. */
bool notes_text(struct notes *l, enum note_kind kind, uint32_t name,
		struct view key, struct view value);
bool notes_number(struct notes *l, enum note_kind kind, uint32_t name,
		  double number);
bool notes_copy(struct notes *l, const struct note *n);
/* Takes all of 'kind' out. */
void notes_drop(struct notes *l, enum note_kind kind);
const struct note *notes_find(const struct notes *l, enum note_kind kind,
			      uint32_t name);

#endif
