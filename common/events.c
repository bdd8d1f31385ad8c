/* SPDX-License-Identifier: Apache-2.0 */
#include "common/events.h"

static const struct {
	const char *name;
	const char *layer;
} events[EVENT_COUNT] = {
#define EVENT(sym, name, layer) [EV_##sym] = { name, layer },
#include "common/events.def"
#undef EVENT
};

const char *
event_name(enum event_id e)
{
	return e < EVENT_COUNT ? events[e].name : NULL;
}

const char *
event_layer(enum event_id e)
{
	return e < EVENT_COUNT ? events[e].layer : NULL;
}

enum event_id
event_by_name(const char *layer, struct view name)
{
	/* names that older rule files still carry */
	static const struct {
		const char *old, *name;
	} renamed[] = {
		{ "dns.not_a_request", "dns.not_request" },
		{ "dns.not_a_response", "dns.not_response" },
	};

	for (size_t i = 0; i < ARRAY_LEN(renamed); i++) {
		if (view_eq(name, view_cstr(renamed[i].old))) {
			name = view_cstr(renamed[i].name);
		}
	}
	for (unsigned i = 1; i < EVENT_COUNT; i++) {
		if (strcmp(events[i].layer, layer) == 0 &&
		    view_eq(name, view_cstr(events[i].name))) {
			return (enum event_id)i;
		}
	}
	return EVENT_NONE;
}
