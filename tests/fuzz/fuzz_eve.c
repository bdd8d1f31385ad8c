/* SPDX-License-Identifier: Apache-2.0 */
/* An EVE line as a sensor might send it, up to its sightings. */
#include <stdlib.h>

#include "collector/sighting.h"
#include "common/eve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read as a trace is written as one that says the same. */
static void
check_trace(const struct trace *t)
{
	char text[TRACE_TEXT_CAP];
	size_t n = trace_format(t, text);
	struct trace back;

	if (n >= sizeof(text) || !trace_parse(view_of(text, n), &back) ||
	    back.content != t->content || back.ip_id != t->ip_id ||
	    memcmp(back.isn, t->isn, sizeof(back.isn)) != 0) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mission_map *map;
	static struct eve *e;
	struct sighting_set s;
	struct alert a;
	const char *why;
	enum eve_kind kind;

	if (map == NULL) {
		map = mission_empty();
		e = eve_new();
	}
	kind = eve_parse(e, view_of(data, size), &a, &why);

	if (kind == EVE_ALERT || kind == EVE_ANCHOR) {
		check_trace(&a.trace);
	}
	if (kind == EVE_ALERT) {
		sighting_from_alert(&a, map, &s);
		if (s.n_keys > SIGHTING_MAX_KEYS) {
			abort();
		}
		for (unsigned i = 0; i < s.n_keys; i++) {
			if (memchr(s.keys[i].text, '\0',
				   sizeof(s.keys[i].text)) == NULL) {
				abort();
			}
		}
	}
	return 0;
}
