/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eve.h - EVE JSON lines back to records
 *
 * Lines come from sensors and therefore from the wire: strict JSON (RFC 8259),
 * UTF-8, no duplicate keys, known fields of the known type and range, or the
 * line is refused as a whole.  Unknown fields are left alone.
 *
 * Place    above alert.h.
 * Threads  one reader, one thread.
 * Memory   the reader's, reused; a line has at most EVE_MAX_LINE bytes.
 * Cost     about 1.5 us for a line of 700 bytes.
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
	EVE_ANCHOR, /* a handshake: 'trace' and 'wait_us' tell */
	EVE_CONTACTS, /* whom a host contacted; only its origin is read here */
};

struct eve;
struct eve *eve_new(void); /* NULL when out of memory */
void eve_free(struct eve *e);

/*
 * What the lines read from now on say stays until the next call of this, not
 * only until the next line; together they have at most 'bytes'.  False when
 * out of memory.
 */
bool eve_keep(struct eve *e, size_t bytes) MUST_CHECK;

/*
 * Reads one line (without its newline).  Fills in 'a' for alerts, and the
 * origin (site, sensor, exercise, timestamp) for every well-formed event.
 * What 'a' holds borrows from 'line' and from the reader until its next call
 * (eve_keep()).
 * '*why' is static text naming the field at fault when the line is bad.
 */
enum eve_kind eve_parse(struct eve *e, struct view line, struct alert *a,
			const char **why) MUST_CHECK;
/* Whether the last line was EVE_BAD for want of memory only: it says nothing
 * of the line, which must be read again before it is given up. */
bool eve_no_memory(const struct eve *e);

#endif
