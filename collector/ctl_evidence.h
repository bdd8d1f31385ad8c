/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_evidence.h - picketctl evidence: packets of an alert's flow, from its
 * sensor
 *
 * Place    above ctl_show, evidence_fetch and audit; below ctl.
 * Threads  one.
 * Memory   the packets, at most EVIDENCE_ASK_MAX.
 */
#ifndef COLLECTOR_CTL_EVIDENCE_H
#define COLLECTOR_CTL_EVIDENCE_H

#include "collector/ctl_control.h"

struct ctl_evidence {
	const struct ctl_order *order; /* Redis, and the key that signs */
	int64_t alert;
	const char *out; /* --out FILE; NULL: alert-N.pcapng */
	const char *who;
	unsigned wait_ms;
};

/*
 * Asks the alert's sensor for what it keeps of the alert's flow, ten minutes
 * about the alert, and writes a new file (0600).  That it was fetched is a
 * record of the audit log, or nothing is written.  ERR_NOTFOUND: no such
 * alert, or nothing is kept of it; with diag.
 */
enum err ctl_evidence_get(struct ctl *c, const struct ctl_evidence *o,
			  struct diag *d) MUST_CHECK;

#endif
