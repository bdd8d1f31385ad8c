/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor's line of contacts: whatever it says, it is refused or in range. */
#include <stdlib.h>

#include "collector/contacts_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_reader r;
	struct contacts c;
	const char *why = NULL;

	if (!contacts_read(&c, &r, view_of(data, size), &why)) {
		if (why == NULL) {
			abort();
		}
		return 0;
	}
	if (c.n_to > CONTACTS_MAX_TO || c.end_us < c.start_us ||
	    c.end_us - c.start_us > CONTACTS_MAX_SPAN_US) {
		abort();
	}
	for (unsigned i = 0; i < c.n_to; i++) {
		if (c.to[i].n_starts > CONTACTS_MAX_STARTS) {
			abort();
		}
		for (unsigned k = 0; k < c.to[i].n_starts; k++) {
			if (c.to[i].starts_us[k] < c.start_us) {
				abort();
			}
		}
	}
	(void)contacts_complete(&c);
	return 0;
}
