/* SPDX-License-Identifier: Apache-2.0 */
/* Entries out of replies; nothing in them is believed yet. */
#include <stddef.h>

#include "collector/ingest_state.h"

static void
take_field(struct ingest_entry *e, const redisReply *k, const redisReply *v)
{
	static const struct {
		const char *name;
		size_t off;
	} fields[] = {
#define FIELD(f) { #f, offsetof(struct ingest_entry, f) }
		FIELD(v),    FIELD(epoch),    FIELD(seq),    FIELD(enc),
		FIELD(n),    FIELD(sev),      FIELD(crc),    FIELD(mac),
		FIELD(data), FIELD(gap_from), FIELD(gap_to), FIELD(gap_n),
		FIELD(raw),
#undef FIELD
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(k->str, fields[i].name) == 0) {
			struct view *out =
				(struct view *)((char *)e + fields[i].off);

			*out = view_of(v->str, v->len);
		}
	}
}

/* [[id, [field, value, ...]], ...]; a trimmed entry has nil for fields. */
void
ingest_take_entries(struct ingest *in, unsigned stream, const redisReply *list)
{
	for (size_t i = 0; is_array(list) && i < list->elements; i++) {
		const redisReply *item = list->element[i];
		struct ingest_entry *e;

		if (!is_array(item) || item->elements != 2 ||
		    !is_text(item->element[0]) ||
		    in->n_entries == INGEST_MAX_ENTRIES) {
			continue;
		}
		e = &in->entries[in->n_entries++];
		*e = (struct ingest_entry){ .stream = stream,
					    .id = item->element[0]->str };
		for (size_t f = 0; is_array(item->element[1]) &&
				   f + 1 < item->element[1]->elements;
		     f += 2) {
			const redisReply *k = item->element[1]->element[f];
			const redisReply *v = item->element[1]->element[f + 1];

			if (is_text(k) && is_text(v)) {
				take_field(e, k, v);
			}
		}
	}
}

static struct stream *
by_key(struct ingest *in, const redisReply *key)
{
	for (unsigned i = 0; is_text(key) && i < in->n_streams; i++) {
		if (strcmp(in->streams[i].key, key->str) == 0) {
			return &in->streams[i];
		}
	}
	return NULL;
}

/* [[key, entries], ...] */
void
ingest_take_streams(struct ingest *in, const redisReply *r)
{
	for (size_t i = 0; is_array(r) && i < r->elements; i++) {
		const redisReply *item = r->element[i];
		struct stream *s;

		if (!is_array(item) || item->elements != 2) {
			continue;
		}
		s = by_key(in, item->element[0]);
		if (s != NULL) {
			ingest_take_entries(in, (unsigned)(s - in->streams),
					    item->element[1]);
		}
	}
}
