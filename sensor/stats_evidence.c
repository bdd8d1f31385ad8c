/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stats_overload.h"

void
stats_put_evidence(struct json *j, struct evidence *v)
{
	struct evidence_counters n;

	if (v == NULL) {
		return;
	}
	evidence_get_counters(v, &n);
	json_obj(j, "evidence");
	json_name(j, "mode", evidence_mode_name(n.mode));
#define C(name) json_u64(j, #name, n.dir.name);
	EVIDENCE_DIR_LIST(C)
#undef C
#define C(name) json_u64(j, #name, n.tap.name);
	EVIDENCE_TAP_LIST(C)
#undef C
	json_u64(j, "stored_bytes", n.dir.stored_bytes);
	json_obj_end(j);
}
