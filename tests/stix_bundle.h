/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stix_bundle.h - bundles as a partner's collector sends them, for tests
 *
 * Place    tests only.
 * Threads  one.
 * Memory   the caller's buffer, on the heap: bundle_free().
 */
#ifndef TESTS_STIX_BUNDLE_H
#define TESTS_STIX_BUNDLE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/stix_in_state.h" /* for the id of a creator */

#define GREEN "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define RED "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define MARKED "\"object_marking_refs\":[\"" GREEN "\"]"

struct bundle {
	char *text;
	size_t len, cap;
	unsigned n;
	char by[STIX_IN_ID_CAP]; /* its creator */
};

static inline void
bundle_creator(const char *party, char out[STIX_IN_ID_CAP])
{
	char unused[STIX_IN_ID_CAP];

	if (stix_in_ids(party, out, unused) != ERR_OK) {
		abort();
	}
}

__attribute__((format(printf, 2, 3))) static inline void
bundle_put(struct bundle *b, const char *fmt, ...)
{
	va_list ap;

	if (b->cap - b->len < 16384) {
		b->cap = b->cap * 2 + 65536;
		b->text = realloc(b->text, b->cap);
		if (b->text == NULL) {
			abort();
		}
	}
	va_start(ap, fmt);
	b->len += (size_t)vsnprintf(b->text + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
}

static inline void
bundle_begin(struct bundle *b, const char *party)
{
	*b = (struct bundle){ .n = 0 };
	bundle_creator(party, b->by);
	bundle_put(b, "{\"type\":\"bundle\",\"id\":\"bundle--"
		      "00000000-0000-4000-8000-000000000001\",\"objects\":[");
}

/* One object; 'fmt' is its members behind those that all have. */
__attribute__((format(printf, 4, 5))) static inline void
bundle_object(struct bundle *b, const char *type, unsigned id, const char *fmt,
	      ...)
{
	char members[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(members, sizeof(members), fmt, ap);
	va_end(ap);
	bundle_put(b,
		   "%s{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s--"
		   "00000000-0000-4000-8000-%012u\",\"created\":"
		   "\"2026-11-20T00:00:00.000Z\",%s}",
		   b->n++ > 0 ? "," : "", type, type, id, members);
}

/* 192.0.2.N, as of minute 'version' of that day. */
static inline void
bundle_indicator(struct bundle *b, unsigned n, unsigned version, bool revoked)
{
	bundle_object(b, "indicator", n,
		      "\"created_by_ref\":\"%s\"," MARKED
		      ",\"modified\":\"2026-11-20T01:%02u:00.000Z\","
		      "\"pattern_type\":\"stix\",\"valid_from\":"
		      "\"2026-11-20T00:00:00Z\",\"confidence\":70,%s"
		      "\"pattern\":\"[ipv4-addr:value = '192.0.%u.%u']\"",
		      b->by, version, revoked ? "\"revoked\":true," : "",
		      2 + n / 250, 1 + n % 250);
}

static inline void
bundle_sighting(struct bundle *b, unsigned id, unsigned of, unsigned count,
		const char *more)
{
	bundle_object(b, "sighting", id,
		      "\"created_by_ref\":\"%s\"," MARKED
		      ",\"modified\":\"2026-11-20T01:00:00.000Z\","
		      "\"first_seen\":\"2026-11-20T01:00:00Z\",\"last_seen\":"
		      "\"2026-11-20T01:05:00Z\",\"count\":%u,"
		      "\"sighting_of_ref\":\"indicator--"
		      "00000000-0000-4000-8000-%012u\"%s",
		      b->by, count, of, more);
}

static inline struct view
bundle_end(struct bundle *b)
{
	bundle_put(b, "]}");
	return view_of(b->text, b->len);
}

static inline void
bundle_free(struct bundle *b)
{
	free(b->text);
	*b = (struct bundle){ .n = 0 };
}

#endif
