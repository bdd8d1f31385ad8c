/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_share.h - what a partner gets, and what is held back
 *
 * Place    above ctl_show, share and conf; below ctl.
 * Threads  one.
 * Memory   one bundle.
 */
#ifndef COLLECTOR_CTL_SHARE_H
#define COLLECTOR_CTL_SHARE_H

#include "collector/ctl_show.h"
#include "common/conf.h"

struct ctl_share {
	const char *to; /* --to */
	const char *out; /* --out; NULL: standard output */
	const char *kinds; /* --kinds; NULL: all */
	const char *who;
	uint64_t since_us;
	bool dry_run;
};

/*
 * The bundle for a partner, into the file or to standard output, once the audit
 * log has it.  With dry_run only what would be said of it.  ERR_USAGE with diag
 * for a policy, mission map or key at fault.
 */
enum err ctl_share_export(struct ctl *c, const struct conf *conf,
			  const struct ctl_share *s, struct diag *d) MUST_CHECK;
/* What is held back from a partner, counted by kind and reason; with --all each
 * thing. */
enum err ctl_share_held(struct ctl *c, const struct conf *conf,
			const struct ctl_share *s, struct diag *d) MUST_CHECK;

#endif
