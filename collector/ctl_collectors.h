/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_collectors.h - picketctl collectors: who writes the store, who stands by
 *
 * Place    above ctl_show and lease_file; below ctl.
 * Threads  one.
 * Memory   one answer's JSON.
 */
#ifndef COLLECTOR_CTL_COLLECTORS_H
#define COLLECTOR_CTL_COLLECTORS_H

#include "collector/ctl_show.h"

/* All collectors of the store that live.  '*well': one of them takes batches
 * in. */
enum err ctl_collectors(struct ctl *c, bool *well, struct diag *d) MUST_CHECK;

#endif
