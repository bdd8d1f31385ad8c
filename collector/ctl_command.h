/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_command.h - which of picketctl's commands is meant
 *
 * What can be wrong with the command is said before the store is opened.
 *
 * Place    above ctl_options; below ctl.
 * Threads  one.
 * Memory   none.
 */
#ifndef COLLECTOR_CTL_COMMAND_H
#define COLLECTOR_CTL_COMMAND_H

#include "collector/ctl_options.h"
#include "collector/store_consult_speak.h"

struct ctl_command {
	enum {
		CTL_STATUS,
		CTL_TOP,
		CTL_SENSORS,
		CTL_LEDGER,
		CTL_BLIND,
		CTL_MISSIONS,
		CTL_WARNINGS,
		CTL_FINDINGS,
		CTL_RULES_NOISY,
		CTL_CORRELATORS,
		CTL_PARTNERS,
		CTL_PARTNER_SHOW,
		CTL_SKEW,
		CTL_COLLECTORS,
		CTL_PARTS,
		CTL_ALERTS,
		CTL_ALERTS_SHOW,
		CTL_ALERTS_QUERY,
		CTL_INBOX,
		CTL_INBOX_ACT,
		CTL_LIST,
		CTL_SHOW_ALL,
		CTL_CONSULT_LIST,
		CTL_CONSULT_SHOW,
		CTL_CONSULT_LOG,
		CTL_CONSULT_SAY,
		CTL_SHOW,
		CTL_ACK,
		CTL_CLOSE,
		CTL_KEYS,
		CTL_SPLIT,
		CTL_MERGE,
		CTL_MUTE,
		CTL_INDICATORS,
		CTL_POSTURE,
		CTL_EXERCISES,
		CTL_EXERCISE_START,
		CTL_EXERCISE_STOP,
		CTL_EXERCISE_REPORT,
		CTL_SHARE_EXPORT,
		CTL_SHARE_HELD,
		CTL_SHARE_STATUS,
		CTL_AUDIT_LIST,
		CTL_AUDIT_VERIFY,
		CTL_AUDIT_EXPORT,
		CTL_AUDIT_CHECKPOINT,
		CTL_EVIDENCE_GET,
		CTL_EVIDENCE_BUNDLE,
		/* From here on no store is asked. */
		CTL_KEYS_MAKE,
		CTL_RULES_RELOAD,
		CTL_EXERCISE_CHECK,
		CTL_EVIDENCE_VERIFY
	} what;
	int64_t id;
	struct consult_order consult; /* what is said in which */
	bool broken; /* what was asked for is here, and is not well */
};

/* The words of 'args' as a command; ERR_USAGE with diag and the mend. */
enum err ctl_command_read(const struct ctl *c, const struct ctl_arguments *args,
			  struct ctl_command *cmd, struct diag *d) MUST_CHECK;

#endif
