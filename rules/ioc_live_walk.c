/* SPDX-License-Identifier: Apache-2.0 */
/* All of a live set, one after the other, for its writer. */
#include "rules/ioc_live_db.h"

static void
read_one(const struct ioc_live *l, const uint8_t *rec, struct indicator *out)
{
	uint32_t head = live_head(rec);
	const struct live_note *n = l->notes[head & REC_NOTE];
	const char *mark = n->key, *source = mark + strlen(mark) + 1,
		   *description = source + strlen(source) + 1,
		   *tactic = description + strlen(description) + 1,
		   *labels = tactic + strlen(tactic) + 1,
		   *kill_chain = labels + strlen(labels) + 1;
	struct live_rec r;

	live_read(rec, &r);
	*out = (struct indicator){
		.kind = (enum indicator_kind)live_type(head),
		.exact = n->exact,
		.severity = n->severity,
		.confidence = INDICATOR_CONFIDENCE_UNKNOWN,
		.valid_from_us = r.from_us,
		.valid_until_us = r.until_us,
		.value = r.value,
		.id = r.id,
		.source = source,
		.created_by = "",
		.description = description,
		.labels = labels,
		.tactic = tactic,
		.kill_chain = kill_chain,
	};
	if (marking_read(&out->mark, view_cstr(mark), NULL) != ERR_OK) {
		out->mark = (struct marking){ .tlp = TLP_RED, .limited = true };
	}
}

bool
ioc_live_next(const struct ioc_live *l, struct ioc_live_walk *w,
	      struct indicator *out)
{
	for (; w->shard < IOC_LIVE_SHARDS; w->shard++, w->slot = 0) {
		const struct live_shard *s = &l->shard[w->shard];

		if (w->built != s->built) {
			/* another table, perhaps of the same records */
			w->built = s->built;
			w->slot = 0;
		}
		while (s->t != NULL && w->slot < s->t->cap) {
			uint32_t at = s->t->slot[w->slot++];

			if (at >= SLOT_FIRST) {
				read_one(l,
					 s->t->rec +
						 (size_t)(at - SLOT_FIRST) * 4,
					 out);
				return true;
			}
		}
	}
	return false;
}
