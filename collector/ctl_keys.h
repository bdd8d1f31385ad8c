/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_keys.h - keys made for whoever signs
 *
 * Place    above ctl_show.h, keyring.h; below ctl.
 * Threads  one.
 * Memory   caller's.
 */
#ifndef COLLECTOR_CTL_KEYS_H
#define COLLECTOR_CTL_KEYS_H

#include "collector/ctl_show.h"

struct ctl_keys {
	const char
		*sensor; /* SITE/SENSOR; NULL: a pair for control documents */
	const char *file; /* NULL: SITE-SENSOR.key */
	bool hmac; /* one secret rather than a pair */
};

/*
 * Makes a pair (the private key in the file, the public one in file.pub) or a
 * secret, and says what goes where.  ERR_USAGE with diag: no such name, or a
 * file that is there.
 */
enum err ctl_keys_make(struct ctl *c, const struct ctl_keys *k,
		       struct diag *d) MUST_CHECK;

#endif
