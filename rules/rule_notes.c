/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_notes.h"

static struct note *
slot_of(struct notes *l, enum note_kind kind, uint32_t name, struct view key)
{
	for (uint32_t i = 0; i < l->n; i++) {
		struct note *n = &l->v[i];

		if (n->kind == (uint8_t)kind && n->name == name &&
		    view_eq(note_key(n), key)) {
			return n;
		}
	}
	return l->n < NOTES_MAX ? &l->v[l->n++] : NULL;
}

bool
notes_text(struct notes *l, enum note_kind kind, uint32_t name, struct view key,
	   struct view value)
{
	struct note *n;

	key = view_sub(key, 0, NOTE_BYTES / 2);
	value = view_sub(value, 0, NOTE_BYTES - key.len);
	n = slot_of(l, kind, name, key);
	if (n == NULL) {
		return false;
	}
	n->name = name;
	n->kind = (uint8_t)kind;
	n->number = 0;
	n->key_len = (uint16_t)key.len;
	n->len = (uint16_t)value.len;
	if (key.len > 0) {
		memcpy(n->bytes, key.p, key.len);
	}
	if (value.len > 0) {
		memcpy(n->bytes + key.len, value.p, value.len);
	}
	return true;
}

bool
notes_number(struct notes *l, enum note_kind kind, uint32_t name, double number)
{
	struct note *n = slot_of(l, kind, name, VIEW_NONE);

	if (n == NULL) {
		return false;
	}
	n->name = name;
	n->kind = (uint8_t)kind;
	n->key_len = n->len = 0;
	n->number = number;
	return true;
}

bool
notes_copy(struct notes *l, const struct note *n)
{
	struct note *to =
		slot_of(l, (enum note_kind)n->kind, n->name, note_key(n));

	if (to != NULL) {
		*to = *n;
	}
	return to != NULL;
}

void
notes_drop(struct notes *l, enum note_kind kind)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].kind != (uint8_t)kind) {
			if (kept != i) {
				l->v[kept] = l->v[i];
			}
			kept++;
		}
	}
	l->n = kept;
}

const struct note *
notes_find(const struct notes *l, enum note_kind kind, uint32_t name)
{
	for (uint32_t i = 0; l != NULL && i < l->n; i++) {
		const struct note *n = &l->v[i];

		if (n->kind == (uint8_t)kind && n->name == name &&
		    n->key_len == 0) {
			return n;
		}
	}
	return NULL;
}
