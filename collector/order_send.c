/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/order_send.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define SEND_MS 5000
/* Of one look so much at most goes to telling: batches wait meanwhile. */
#define TELL_US (US_PER_S / 20)

void
order_send_look(struct order_send *t)
{
	t->until_us = 0;
}

static bool
has_time(struct order_send *t)
{
	uint64_t now = clock_mono_us();

	if (t->until_us == 0) {
		t->until_us = now + TELL_US;
	}
	return now < t->until_us;
}

bool
order_send(struct order_send *t, struct redis_pool *redis, struct sign_key *key,
	   struct control_doc *doc, const char *site, const char *sensor,
	   uint64_t *version)
{
	struct diag why;

	if (key == NULL) {
		if (!t->no_key_told) {
			log_warn("%s: sensors are not told: control.sign-key "
				 "is not set",
				 t->what);
		}
		t->no_key_told = true;
		return false;
	}
	if (!has_time(t)) {
		return false;
	}
	snprintf(doc->site, sizeof(doc->site), "%s", site);
	snprintf(doc->sensor, sizeof(doc->sensor), "%s", sensor);
	if (control_send(redis, key, doc, SEND_MS, &why) != ERR_OK) {
		if (!t->refusal_told) {
			log_warn("%s: sensors cannot be told, trying on: %s",
				 t->what, why.msg);
		}
		t->refusal_told = true;
		return false;
	}
	t->refusal_told = false;
	*version = doc->version;
	return true;
}
