/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_options.h - the command line of picketctl
 *
 * Place    above ctl_show and ctl_control; below ctl_command.
 * Threads  one.
 * Memory   texts point into argv or into the settings.
 */
#ifndef COLLECTOR_CTL_OPTIONS_H
#define COLLECTOR_CTL_OPTIONS_H

#include "collector/ctl_audit.h"
#include "collector/ctl_control.h"
#include "collector/ctl_share.h"
#include "common/conf.h"

#define CTL_TRY_HELP "; see picketctl --help"

struct ctl_arguments {
	const char *config, *note, *who, *redis;
	struct ctl_order order;
	bool hmac, html;
	bool done; /* --help or --version */
	int n_words;
	char **words; /* the command and what follows */
	const char *asset; /* --asset, or NULL */
	const char *kind; /* --kind of findings, or NULL */
	const char *as, *to; /* owners of a consultation, or NULL */
	uint64_t since_us; /* --since */
	const char *source, *mark; /* indicators: --source, --mark, or NULL */
	uint64_t until_us; /* --until; 0: open */
	uint64_t for_us; /* --for; 0: not given */
	const char *key, *run; /* the first of --keys and of --run, or NULL */
	bool snapshot; /* --snapshot */
	struct ctl_share share;
	struct ctl_audit audit; /* its key is order.key */
};

/*
 * Reads argv and --set into 'c' (what is shown), 'args' and 'conf'.  ERR_USAGE
 * with diag: one line, what is wrong and the mend.  With args->done nothing
 * else is to be done: a text was printed.
 */
enum err ctl_options_read(int argc, char **argv, struct ctl *c,
			  struct ctl_arguments *args, struct conf *conf,
			  struct diag *d) MUST_CHECK;

/* A decimal number of an option or command 'name'; ERR_USAGE with diag. */
enum err ctl_number(const char *name, const char *s, uint64_t min, uint64_t max,
		    uint64_t *out, struct diag *d) MUST_CHECK;

#endif
