/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eve.h - EVE JSON lines back to records
 *
 * Lines come from sensors and therefore from the wire: strict JSON (RFC 8259),
 * UTF-8, no duplicate keys, known fields of the known type and range, or the
 * line is refused as a whole.  Unknown fields are left alone.
 *
 * Place    above alert.h.
 * Threads  pure, apart from the allocator.
 * Memory   one JSON document a line, at most EVE_MAX_LINE bytes of text.
 * Cost     about 5 us for a line of 700 bytes.
 */
#ifndef COMMON_EVE_H
#define COMMON_EVE_H

#include "common/alert.h"

#define EVE_MAX_LINE ((size_t)256 << 10)

/* What a line turned out to be. */
enum eve_kind {
	EVE_BAD, /* refused; 'why' says for what */
	EVE_ALERT,
	EVE_STATS,
	EVE_OTHER, /* a well-formed event of another type */
};

/*
 * Reads one line (without its newline).  Fills in 'a' for alerts, and the
 * origin (site, sensor, exercise, timestamp) for every well-formed event;
 * eve_alert_fini() must follow whatever came back.  '*why' is static text
 * naming the field at fault when the line is bad.
 */
enum eve_kind eve_parse(struct view line, struct alert *a,
			const char **why) MUST_CHECK;
void eve_alert_fini(struct alert *a);

/*
 * Puts 'json' (a JSON value) under picket.KEY of the parsed line; false when it
 * is no JSON or memory is out.
 */
bool eve_annotate(struct alert *a, const char *key,
		  struct view json) MUST_CHECK;
/* Writes the line as it is now in parts; 'put' returns 0 to go on. */
bool eve_write(const struct alert *a,
	       int (*put)(const char *bytes, size_t len, void *arg),
	       void *arg) MUST_CHECK;

#endif
