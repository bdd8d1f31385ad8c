/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of consultations from another collector, a line each.  What was read
 * is written and read again, and the log folds the same in any order.
 */
#include <stdlib.h>

#include "collector/consult.h"

#define MAX_EVENTS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct states {
	struct consult list[MAX_EVENTS];
	unsigned n;
};

static void
take(void *arg, const struct consult *c)
{
	struct states *s = arg;

	s->list[s->n++] = *c;
}

static void
write_again(const struct consult_event *e)
{
	struct consult_event again;
	struct json j;

	json_init(&j);
	json_obj(&j, NULL);
	consult_event_json(&j, e);
	json_obj_end(&j);
	if (j.failed ||
	    consult_event_parse(json_view(&j), &again, NULL) != ERR_OK ||
	    memcmp(&again, e, sizeof(again)) != 0) {
		abort();
	}
	json_fini(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct consult_event log[MAX_EVENTS];
	static struct states one, two;
	size_t n = 0;

	while (size > 0 && n < MAX_EVENTS) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end != NULL ? (size_t)(end - data) : size;

		if (consult_event_parse(view_of(data, len), &log[n], NULL) ==
		    ERR_OK) {
			write_again(&log[n++]);
		}
		len += end != NULL;
		data += len;
		size -= len;
	}
	one.n = two.n = 0;
	if (consult_replay(log, n, take, &one) != ERR_OK) {
		return 0;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct consult_event t = log[i];

		log[i] = log[n - 1 - i];
		log[n - 1 - i] = t;
	}
	if (consult_replay(log, n, take, &two) != ERR_OK) {
		return 0;
	}
	if (one.n != two.n ||
	    memcmp(one.list, two.list, one.n * sizeof(one.list[0])) != 0) {
		abort();
	}
	return 0;
}
