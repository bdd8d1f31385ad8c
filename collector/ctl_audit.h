/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_audit.h - the audit log, shown, checked and signed
 *
 * Place    above ctl_show and audit; below ctl.
 * Threads  one.
 * Memory   a record at a time; of a list the last --limit records.
 */
#ifndef COLLECTOR_CTL_AUDIT_H
#define COLLECTOR_CTL_AUDIT_H

#include "collector/ctl_show.h"

struct ctl_audit {
	const char *checkpoint; /* --checkpoint FILE, or NULL */
	const char *key; /* --key FILE, or NULL */
	const char *who;
};

/* The last records, the last first. */
enum err ctl_audit_list(struct ctl *c, struct diag *d) MUST_CHECK;
/* Every record as it is kept, a line each, with its hash behind a tab; that it
 * was exported is a record too. */
enum err ctl_audit_export(struct ctl *c, const struct ctl_audit *a,
			  struct diag *d) MUST_CHECK;
/* Whether the chain is whole, and holds what the checkpoint says; ERR_FORMAT
 * with the first broken record in the diag. */
enum err ctl_audit_verify(struct ctl *c, const struct ctl_audit *a,
			  struct diag *d) MUST_CHECK;
/* Signs the head of a log that is whole, to standard output. */
enum err ctl_audit_checkpoint(struct ctl *c, const struct ctl_audit *a,
			      struct diag *d) MUST_CHECK;

#endif
