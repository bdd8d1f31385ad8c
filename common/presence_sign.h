/* SPDX-License-Identifier: Apache-2.0 */
/*
 * presence_sign.h - a sensor's presence signed: the fields of a Redis hash
 *
 * Redis keeps the fields of a hash in no order, and fields that an older
 * program wrote stay.  So the hash names, in the field "signed" and parted by
 * blanks, the fields that count, and "mac" is the signature of these in that
 * order (as frame_sign.h, in hexadecimal).  All others are to be passed over.
 * "order" grows within an "epoch"; what does not grow is played back.
 *
 * Place    above frame_sign.h; both programs use it.
 * Threads  as the key.
 * Memory   heap while it runs, a copy of the fields.
 * Cost     that of sign.h.
 */
#ifndef COMMON_PRESENCE_SIGN_H
#define COMMON_PRESENCE_SIGN_H

#include "common/frame_sign.h"

#define PRESENCE_SIGNED "signed"
#define PRESENCE_MAC "mac"
#define PRESENCE_MAX_FIELDS 64
#define PRESENCE_MAX_BYTES ((size_t)64 << 10) /* of all names and values */
#define PRESENCE_LIST_CAP 1024 /* of "signed", with NUL */
#define PRESENCE_MAC_CAP (2 * FRAME_MAC_MAX + 1)

struct presence_field {
	struct view name, value;
};

/*
 * Signs all 'n' fields for 'name', SITE/SENSOR: writes the values of the fields
 * "signed" and "mac".  ERR_LIMIT when there are too many or they are too long,
 * ERR_NOMEM.
 */
enum err presence_sign(struct sign_key *k, const char *name,
		       const struct presence_field *f, size_t n,
		       char list[PRESENCE_LIST_CAP],
		       char mac[PRESENCE_MAC_CAP]) MUST_CHECK;

/*
 * Puts the fields that "signed" names in front, in its order, and '*n' becomes
 * their number.  False when it names one that is not there or names it twice.
 */
bool presence_pick(struct view list, struct presence_field *f,
		   size_t *n) MUST_CHECK;
/* Whether the key signed just these fields of this sensor. */
bool presence_check(struct sign_key *k, struct view name,
		    const struct presence_field *f, size_t n,
		    const struct frame_mac *m) MUST_CHECK;

#endif
