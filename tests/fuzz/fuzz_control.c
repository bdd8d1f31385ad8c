/* SPDX-License-Identifier: Apache-2.0 */
/* A control document; what was read is written and read again. */
#include <stdlib.h>

#include "common/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_doc doc, again;
	struct exercise *e = NULL;
	struct json j;

	if (!control_parse(view_of(data, size), &doc)) {
		return 0;
	}
	if (doc.action == CONTROL_EXERCISE) {
		struct diag why;

		if (control_exercise(view_of(data, size), &e, &why) != ERR_OK) {
			abort();
		}
		doc.token = e;
	}
	json_init(&j);
	if (!control_write(&j, &doc) || !control_parse(json_view(&j), &again) ||
	    again.version != doc.version || again.action != doc.action ||
	    strcmp(again.posture.level, doc.posture.level) != 0 ||
	    again.posture.n > doc.posture.n ||
	    !control_is_for(&again, doc.site, doc.sensor)) {
		abort();
	}
	json_fini(&j);
	exercise_free(e);
	return 0;
}
