/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/outputs.h"

#include <stdio.h>

#include "common/log.h"
#include "sensor/file_store.h"

/* A file, not standard output. */
static bool
is_file(const char *path)
{
	return path != NULL && strcmp(path, "-") != 0;
}

bool
outputs_others(const struct options *o, const struct shared_state *state,
	       char *out, size_t cap)
{
	const struct {
		bool wanted;
		const char *name;
	} all[] = {
		{ o->redis != NULL, "Redis" },
		{ file_store_dir(o->conf) != NULL, "the file store" },
		{ is_file(o->stats), "--stats" },
		{ is_file(o->profile), "--profile" },
		{ shared_state_saves(state), "datasets" },
	};
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].wanted && at < cap) {
			at += (size_t)snprintf(out + at, cap - at, "%s%s",
					       at > 0 ? ", " : "", all[i].name);
		}
	}
	return at > 0;
}

bool
outputs_reader_gone(const struct options *o, const struct shared_state *state)
{
	char others[128];

	if (outputs_others(o, state, others, sizeof(others))) {
		log_warn("nobody reads standard output any more: events are "
			 "no longer written there; going on for %s",
			 others);
		return true;
	}
	log_err("nobody reads standard output any more: stopping");
	return false;
}
