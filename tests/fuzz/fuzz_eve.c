/* SPDX-License-Identifier: Apache-2.0 */
/* An EVE line as a sensor might send it, up to its sightings. */
#include <stdlib.h>

#include "collector/sighting.h"
#include "common/eve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mission_map *map;
	static struct eve *e;
	struct sighting_set s;
	struct alert a;
	const char *why;

	if (map == NULL) {
		map = mission_empty();
		e = eve_new();
	}
	if (eve_parse(e, view_of(data, size), &a, &why) == EVE_ALERT) {
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
