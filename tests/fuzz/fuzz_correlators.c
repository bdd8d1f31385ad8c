/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of correlators.
 *
 * Oracle: what is taken is within the bounds that the file's thresholds have;
 * what is refused changes nothing and says why.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/correlator_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct correlate_config c, was;
	struct finding_config f = finding_defaults;
	struct diag d = { "" };

	memcpy(&c, &correlate_defaults, sizeof(c));
	memcpy(&was, &c, sizeof(c));
	if (correlator_file_read(&c, &f, NULL, "file", view_of(data, size),
				 &d) != ERR_OK) {
		if (d.msg[0] == '\0' || memcmp(&c, &was, sizeof(c)) != 0 ||
		    f.n_ignore != 0) {
			abort();
		}
		return 0;
	}
	if (c.min_sites < 2 || c.min_owners < 2 || c.min_stages < 2 ||
	    c.min_sites > 1000 || c.min_owners > 1000 || c.min_stages > 16 ||
	    c.flood_alerts < 100 || c.flood_rule_alerts < 100 ||
	    c.flood_seconds < 60 || c.flood_seconds > 86400 ||
	    f.n_ignore > FINDING_MAX_IGNORE || f.scan_seconds < 60 ||
	    f.slow_hours < 4 || f.spread_seconds < 60 || f.beacon_starts > 32 ||
	    f.beacon_least > f.beacon_most || c.window_us != was.window_us ||
	    c.max_runs != was.max_runs) {
		abort();
	}
	return 0;
}
