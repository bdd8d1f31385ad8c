/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.h - protocol anomalies by number and by name
 *
 * The sensor sets event bits, the rule language tests them
 * (decode-event, stream-event, app-layer-event), EVE prints them (anomaly).
 *
 * Place    above base.h.
 * Threads  pure; static tables.
 */
#ifndef COMMON_EVENTS_H
#define COMMON_EVENTS_H

#include "common/base.h"

enum event_id {
	EVENT_NONE = 0,
#define EVENT(sym, name, layer) EV_##sym,
#include "common/events.def"
#undef EVENT
	EVENT_COUNT
};

#define EVENT_WORDS ((EVENT_COUNT + 63) / 64)

/* A set of events. */
struct event_set {
	uint64_t w[EVENT_WORDS];
};

static inline void
event_set_add(struct event_set *s, enum event_id e)
{
	s->w[e / 64] |= UINT64_C(1) << (e % 64);
}

static inline bool
event_set_has(const struct event_set *s, enum event_id e)
{
	return (s->w[e / 64] >> (e % 64) & 1) != 0;
}

static inline bool
event_set_empty(const struct event_set *s)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < EVENT_WORDS; i++) {
		any |= s->w[i];
	}
	return any == 0;
}

/* "http.missing_host_header" and "decode", "stream" or "app". */
const char *event_name(enum event_id e);
const char *event_layer(enum event_id e);
/* EVENT_NONE when there is no such event in 'layer'. */
enum event_id event_by_name(const char *layer, struct view name);

#endif
