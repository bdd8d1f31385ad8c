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
	const char *out; /* --out FILE; NULL: by the alert */
	const char *who;
	unsigned wait_ms;
	bool bundle; /* with the alert, signed with the order's key */
};

/*
 * Asks the alert's sensor for what it keeps of the alert's flow, ten minutes
 * about the alert, and writes a new file (0600).  That it was fetched is a
 * record of the audit log, or nothing is written.  ERR_NOTFOUND: no such
 * alert, or nothing is kept of it; with diag.
 */
enum err ctl_evidence_get(struct ctl *c, const struct ctl_evidence *o,
			  struct diag *d) MUST_CHECK;

/*
 * Checks a bundle with the public key in the file 'key'.  ERR_FORMAT, ERR_AUTH
 * with diag that names the member that was changed; ERR_IO, ERR_USAGE.
 */
enum err ctl_evidence_verify(struct ctl *c, const char *path, const char *key,
			     struct diag *d) MUST_CHECK;

#endif
