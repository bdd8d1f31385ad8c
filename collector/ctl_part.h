/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_part.h - picketctl parts: the collectors that share the sensors
 *
 * Place    above ctl_show and part; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 * Cost     a row a part.
 */
#ifndef COLLECTOR_CTL_PART_H
#define COLLECTOR_CTL_PART_H

#include "collector/ctl_show.h"

#include <jansson.h>

/* Of the head's store all parts, of a part's store itself.  '*well': none of
 * them is silent, and none lost anything.  ERR_NOTFOUND with diag when the store
 * is neither's. */
enum err ctl_parts(struct ctl *c, bool *well, struct diag *d) MUST_CHECK;
/* Which alerts of which parts these numbers of an incident's evidence are, a
 * line a part; nothing for those of no part. */
void ctl_part_evidence(struct ctl_text *x, const json_t *numbers);

#endif
