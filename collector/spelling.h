/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spelling.h - indicators of a transaction's alerts as their lists write them
 *
 * A sighting's key has no case, may be cut, and does not tell kinds apart
 * (sighting.h).  Whoever arms others with what was seen needs the value itself,
 * so it is kept beside the key for as long as the transaction lasts: by its end
 * it stands in a warning, or the next alert brings it again.
 *
 * What one site names beyond SPELLING_SITE values, SPELLING_ALIKE of a key or
 * SPELLING_SITE_BYTES is not kept: no site may add more warnings in an hour.
 *
 * Place    above indicator.h; below pipeline.
 * Threads  one.
 * Memory   heap, SPELLING_BYTES at most.
 * Cost     a lookup for an alert of an indicator, and a copy when it is new.
 */
#ifndef COLLECTOR_SPELLING_H
#define COLLECTOR_SPELLING_H

#include "common/indicator.h"

#define SPELLING_SITE 256
#define SPELLING_ALIKE 8
#define SPELLING_SITE_BYTES ((size_t)512 << 10)
#define SPELLING_BYTES ((size_t)16 << 20)

struct spelling {
	enum indicator_kind kind;
	bool exact; /* a domain without its subdomains */
	const char *value;
	struct spelling *next; /* of the same key */
};

struct spellings;

struct spellings *spellings_new(void);
void spellings_free(struct spellings *s);
/* Forgets all. */
void spellings_reset(struct spellings *s);
/* 'value' was named at 'site' and is kept under 'key'; a domain that is there
 * without subdomains gets them if 'exact' is false.  False: it is not kept, as
 * there is no room or it has a byte of zero. */
bool spellings_note(struct spellings *s, const char *site, const char *key,
		    enum indicator_kind kind, bool exact, struct view value);
/* Those of a key, the first that came first; NULL: none. */
const struct spelling *spellings_of(const struct spellings *s, const char *key);

#endif
