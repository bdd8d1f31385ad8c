/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line and the settings of picket-collector
 *
 * Options are settings too, and win over the file whatever their order: so the
 * command line is read twice, for the file and then for what goes over it, and
 * again whenever the keys are.
 *
 * Place    above pipeline.h; below main.
 * Threads  main's.
 * Memory   texts point into argv or into the settings.
 * Cost     cold.
 */
#ifndef COLLECTOR_OPTIONS_H
#define COLLECTOR_OPTIONS_H

#include "collector/indicator_files.h"
#include "collector/pipeline.h"
#include "common/conf.h"

#define OPTIONS_MAX_GEOIP 16
#define OPTIONS_MAX_ALLOW 64
#define OPTIONS_TRY_HELP "; see picket-collector --help"

/* What the command line said, apart from settings. */
struct options {
	const char *geoip[OPTIONS_MAX_GEOIP];
	unsigned n_geoip;
	const char *allow[OPTIONS_MAX_ALLOW];
	unsigned n_allow; /* more than fit: an error */
	const char *files[INDICATOR_FILES_MAX];
	unsigned n_files; /* likewise */
	const char *settings[PIPELINE_MAX_SETTINGS];
	unsigned n_settings;
	bool check;
	bool standby;
	bool log_json, verbose, done; /* 'done': --help or --version */
};

/*
 * Reads argv: 'first', the settings files into 'conf' and what is no setting
 * into 'o'; else what goes over the files.  ERR_USAGE with diag: one line, what
 * is wrong and the mend.  With o->done nothing else is to be done: a text was
 * printed.
 */
enum err options_read(struct options *o, int argc, char **argv, bool first,
		      struct conf *conf, struct diag *d) MUST_CHECK;

/*
 * The settings, checked, as the pipeline wants them; 'cfg' points into 'conf'
 * and 'o'.  Missions and keys are not loaded.  ERR_USAGE with diag, which names
 * the setting.
 */
enum err options_configure(struct options *o, const struct conf *conf,
			   struct pipeline_config *cfg,
			   struct diag *d) MUST_CHECK;

#endif
