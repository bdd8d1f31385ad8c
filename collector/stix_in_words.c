/* SPDX-License-Identifier: Apache-2.0 */
/* What of a bundle stix_out and consult have the words for. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/consult.h"
#include "collector/stix_in.h"
#include "collector/stix_out.h"

/* stix_in_state.h reads JSON by another library, with the same names. */
enum err stix_in_ids(const char *party, char *producer, char *extension);
enum err stix_in_event(struct view raw, struct consult_event *out,
		       struct diag *d);

enum err
stix_in_ids(const char *party, char *producer, char *extension)
{
	struct stix_out ids = { .failed = false };
	char name[128];

	snprintf(name, sizeof(name), "identity|%s", party);
	stix_id(&ids, true, "identity", name, producer);
	stix_id(&ids, true, "extension-definition", "extension|incident|1",
		extension);
	return ids.failed ? ERR_NOMEM : ERR_OK;
}

enum err
stix_in_event(struct view raw, struct consult_event *out, struct diag *d)
{
	json_t *doc = NULL, *event;
	char *text = NULL;
	enum err e;

	if (raw.len <= 2 * CONSULT_EVENT_MAX) {
		doc = json_loadb((const char *)raw.p, raw.len,
				 JSON_REJECT_DUPLICATES, NULL);
	}
	event = json_object_get(doc, "event");
	text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;
	e = text != NULL ? consult_event_parse(view_cstr(text), out, d)
			 : diag_set(d, ERR_FORMAT, "it has no \"event\"");
	free(text);
	json_decref(doc);
	return e;
}
