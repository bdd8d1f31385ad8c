/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_tx.h"

const struct http_field *
http_field_find(const struct http_msg *m, const char *name)
{
	struct view v = view_cstr(name);
	uint32_t h = http_name_hash(v);

	for (uint32_t i = 0; i < m->n_fields; i++) {
		if (m->fields[i].hash == h &&
		    http_name_eq(m->fields[i].name, v)) {
			return &m->fields[i];
		}
	}
	return NULL;
}

struct view
http_field_value(const struct http_msg *m, const char *name)
{
	const struct http_field *f = http_field_find(m, name);

	return f != NULL ? f->value : VIEW_NONE;
}

bool
http_body_due(const struct http_tx *tx, enum flow_dir dir)
{
	const struct http_body *b = &tx->msg[dir].body;
	uint64_t seen = tx->tx.body_inspected[dir];
	uint64_t step = MAX((uint64_t)tx->settings->body_step[dir], seen / 2);

	return b->complete || b->truncated || tx->tx.done[dir] ||
	       b->data.len >= seen + step;
}
