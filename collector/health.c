/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/health.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"

enum state { UNKNOWN, LIVE, SILENT, ENDED };

struct health {
	uint8_t states[INGEST_MAX_STREAMS];
	unsigned n_silent;
	uint64_t checked_us;
	struct json j;
	struct store_ledger *ledger; /* or NULL */
};

struct health *
health_new(void)
{
	return calloc(1, sizeof(struct health));
}

void
health_free(struct health *h)
{
	if (h != NULL) {
		json_fini(&h->j);
		free(h);
	}
}

void
health_set_ledger(struct health *h, struct store_ledger *l)
{
	h->ledger = l;
}

unsigned
health_silent(const struct health *h)
{
	return h->n_silent;
}

static enum err
check_one(struct health *h, struct ingest *in, struct store *s, unsigned i,
	  struct diag *d)
{
	static const char *const names[] = { "unknown", "live", "silent",
					     "ended" };
	const char *site = ingest_site(in, i), *sensor = ingest_sensor(in, i);
	uint8_t was = h->states[i];
	char told[INGEST_NAME_CAP];
	bool there;
	int64_t id;
	enum err e = ingest_presence(in, i, &there, &h->j, told, d);

	if (e != ERR_OK) {
		return e;
	}
	if (there) {
		h->states[i] = strcmp(told, "ended") == 0 ? ENDED : LIVE;
	} else if (was == LIVE) {
		/* Only who was seen can fall silent: a stream may have been
		 * filled by hand, and a replay may be long over. */
		h->states[i] = SILENT;
	}
	h->n_silent += h->states[i] == SILENT;
	if (h->states[i] == SILENT && was != SILENT) {
		log_warn("sensor %s/%s is silent: its presence ran out without "
			 "a goodbye",
			 site, sensor);
		e = store_count(s, "sensors_fell_silent", 1);
	} else if (was == SILENT && h->states[i] != SILENT) {
		log_info("sensor %s/%s is back", site, sensor);
	}
	if (e == ERR_OK && (there || h->states[i] != was)) {
		e = store_sensor(s, site, sensor, &id);
		if (e == ERR_OK) {
			e = store_sensor_state(s, id, names[h->states[i]],
					       there && !h->j.failed
						       ? json_view(&h->j)
						       : VIEW_NONE,
					       there ? clock_wall_us() : 0);
		}
		if (e == ERR_OK && there && !h->j.failed && h->ledger != NULL) {
			e = store_ledger_told(h->ledger, id, json_view(&h->j),
					      clock_wall_us(), NULL);
		}
	}
	return e;
}

enum err
health_check(struct health *h, struct ingest *in, struct store *s, bool now,
	     struct diag *d)
{
	uint64_t t = clock_mono_us();
	enum err e;

	if (!now && h->checked_us != 0 && t - h->checked_us < HEALTH_EVERY_US) {
		return ERR_OK;
	}
	h->checked_us = t;
	h->n_silent = 0;
	e = store_begin(s);
	for (unsigned i = 0; i < ingest_n_streams(in) && e == ERR_OK; i++) {
		e = check_one(h, in, s, i, d);
	}
	if (e != ERR_OK) {
		store_rollback(s);
		return e;
	}
	return store_commit(s);
}
