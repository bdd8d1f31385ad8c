/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_finding.h - picketctl findings: what contacts gave away
 *
 * Place    above finding_store; below ctl.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_FINDING_H
#define COLLECTOR_CTL_FINDING_H

#include "collector/ctl_options.h"

/* The newest first, --limit of them; 'kind' NULL: of all kinds.  Those of
 * exercises as of alerts: by --exercise or --all only. */
enum err ctl_findings(struct ctl *c, const char *kind) MUST_CHECK;

#endif
