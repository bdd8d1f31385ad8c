/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the command line and the settings behind it
 *
 * Place    above common/conf.h and record.h; below main.
 * Threads  main's.
 * Memory   strings point into argv or into the settings tree.
 */
#ifndef SENSOR_OPTIONS_H
#define SENSOR_OPTIONS_H

#include "common/conf.h"
#include "common/redis_options.h"
#include "sensor/contacts_conf.h"
#include "sensor/evidence_conf.h"
#include "sensor/live_conf.h"
#include "sensor/overload_conf.h"
#include "sensor/record.h"
#include "sensor/spool.h"

#define OPTIONS_MAX_LIST 1024

struct path_list {
	const char *v[OPTIONS_MAX_LIST];
	size_t n;
};

/* "alert,dns": bit per enum event_type; ERR_USAGE with diag that names
 * 'option'. */
enum err options_read_types(const char *list, uint32_t *out, const char *option,
			    struct diag *d) MUST_CHECK;

struct options {
	struct conf *conf;
	struct path_list read, rules, indicators, interfaces;
	const char *eve, *stats, *redis, *spool;
	struct redis_options redis_set; /* whose URL 'redis' is */
	const char *site, *sensor, *owner, *exercise, *tlp, *bpf;
	struct live_conf live; /* n > 0: interfaces instead of files */
	struct overload_conf overload;
	struct contacts_conf contacts;
	unsigned stats_s; /* live: between two stats events; 0: none */
	uint32_t eve_types, forward_types;
	enum spool_sync_policy spool_sync;
	unsigned workers;
	double pace;
	const char *profile; /* where the rules' costs go; NULL: not asked */
	bool profile_json;
	bool check, check_json, strict, quiet;
	const char *spool_check; /* the spool to look at; NULL: not asked */
	bool json; /* and to tell of as JSON */
	struct path_list retro_ask; /* values to ask an index for; n 0: none */
	bool retro_given; /* --retro: also for captures from files */
	struct evidence_conf evidence;
	const char *retro; /* directory of the index; NULL: none is kept */
	uint64_t retro_size;
	uint32_t retro_days, retro_types;
	bool rules_owned; /* rules.v came from the settings, on the heap */
	/* What to do instead of running: text was printed. */
	bool help, version, list_interfaces;
};

/*
 * Reads argv, the --config file and --set into 'o'.  ERR_USAGE with diag (one
 * line: what is wrong and the mend).  With help or version set, nothing else
 * is valid.
 */
enum err options_read(struct options *o, int argc, char **argv,
		      struct diag *d) MUST_CHECK;
void options_fini(struct options *o);
void options_print_help(void);

#endif
