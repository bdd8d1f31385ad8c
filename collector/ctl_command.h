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

struct ctl_command {
	enum {
		CTL_STATUS,
		CTL_SENSORS,
		CTL_LEDGER,
		CTL_BLIND,
		CTL_MISSIONS,
		CTL_SKEW,
		CTL_ALERTS,
		CTL_LIST,
		CTL_SHOW_ALL,
		CTL_SHOW,
		CTL_ACK,
		CTL_CLOSE,
		CTL_KEYS_MAKE,
		CTL_RULES_RELOAD
	} what;
	int64_t id;
	bool broken; /* what was asked for is here, and is not well */
};

/* The words of 'args' as a command; ERR_USAGE with diag and the mend. */
enum err ctl_command_read(const struct ctl *c, const struct ctl_arguments *args,
			  struct ctl_command *cmd, struct diag *d) MUST_CHECK;

#endif
