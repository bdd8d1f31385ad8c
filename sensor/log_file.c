/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_file.h"

#include "sensor/app_http_head.h"
#include "sensor/log_http.h"

void
log_file(struct json *j, struct http_tx *tx, enum flow_dir dir)
{
	const struct http_body *b = &tx->msg[dir].body;
	bool whole = b->complete && !b->gap && !b->truncated && !b->cut_off;
	struct http_range range;

	json_obj(j, "fileinfo");
	json_str(j, "filename", http_file_name(tx, dir));
	if (dir == FLOW_TOCLIENT &&
	    http_parse_range(http_field_value(&tx->msg[dir], "content-range"),
			     &range) &&
	    range.has_bytes) {
		json_u64(j, "start", range.start);
		json_u64(j, "end", range.end);
	}
	json_bool(j, "gaps", b->gap);
	json_cstr(j, "state", whole ? "CLOSED" : "TRUNCATED");
	json_bool(j, "stored", false);
	json_u64(j, "size", b->truncated && !b->gap ? b->data.len : b->size);
	json_u64(j, "tx_id", tx->tx.id);
	json_obj_end(j);
}
