/* SPDX-License-Identifier: Apache-2.0 */
/* A rule's text as a sensor sends it, explained: always one JSON value. */
#include <stdlib.h>

#include "collector/rule_words.h"
#include "common/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json j = { 0 };
	struct json_reader r;

	json_obj(&j, NULL);
	rule_words_json(&j, "rule", view_of(data, MIN(size, (size_t)4096)));
	json_obj_end(&j);
	json_reader_init(&r);
	if (j.failed || !json_read(&r, json_view(&j))) {
		abort();
	}
	json_reader_fini(&r);
	json_fini(&j);
	return 0;
}
