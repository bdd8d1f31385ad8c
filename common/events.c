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

/* Names that rule files use for what EVE calls otherwise. */
static const struct {
	const char *name;
	enum event_id id;
} aliases[] = {
	{ "3whs_synack_resend_with_different_ack",
	  EV_STREAM_3WHS_SYNACK_RESEND_WITH_DIFF_ACK },
	{ "est_synack_resend_with_different_ack",
	  EV_STREAM_EST_SYNACK_RESEND_WITH_DIFF_ACK },
	{ "dns.not_request", EV_DNS_NOT_A_REQUEST },
	{ "dns.not_response", EV_DNS_NOT_A_RESPONSE },
};

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
	for (unsigned i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcmp(events[aliases[i].id].layer, layer) == 0 &&
		    view_eq(name, view_cstr(aliases[i].name))) {
			return aliases[i].id;
		}
	}
	return EVENT_NONE;
}
