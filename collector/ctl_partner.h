/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_partner.h - picketctl partners: what other collectors told us
 *
 * Place    above store_partner and ctl_options; below ctl.
 * Threads  one.
 * Memory   an answer in JSON; else nothing.
 */
#ifndef COLLECTOR_CTL_PARTNER_H
#define COLLECTOR_CTL_PARTNER_H

#include "collector/ctl_options.h"

/* Every party that ever sent something, with what came of it. */
enum err ctl_partners(struct ctl *c) MUST_CHECK;
/* The incidents of one, the last told first.  ERR_NOTFOUND with diag: nothing
 * ever came from a party of that name. */
enum err ctl_partner_show(struct ctl *c, const char *party,
			  struct diag *d) MUST_CHECK;

#endif
