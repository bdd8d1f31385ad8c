/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_conf.h - whom else the collector tells: the settings of "outputs"
 *
 * Place    above conf.h; below every other output_*.
 * Threads  one, at the start; what was read is only read from then on.
 * Memory   the caller's; texts point into the settings.
 */
#ifndef COLLECTOR_OUTPUT_CONF_H
#define COLLECTOR_OUTPUT_CONF_H

#include "common/conf.h"
#include "common/err.h"

#define OUTPUTS_MAX 16
#define OUTPUT_TYPES_MAX 16
#define OUTPUT_NAME_CAP 32
#define OUTPUT_URL_CAP 1024

enum output_way {
	OUTPUT_SOCKET, /* EVE lines into a Unix socket */
	OUTPUT_WEBHOOK, /* a JSON array of events, by POST */
	OUTPUT_ECS, /* Elastic Common Schema, to a _bulk endpoint */
};

struct output_conf {
	char key[64]; /* "outputs.N" */
	const char *name; /* letters, digits, '-': part of a file's name */
	enum output_way way;
	const char *url;
	const char *types[OUTPUT_TYPES_MAX]; /* event_type; none: all */
	unsigned n_types;
	uint8_t min_severity; /* alerts of 1 to this; 0: all */
	bool exercises, from_start;
	const char *index; /* OUTPUT_ECS */
	const char *secret_file; /* OUTPUT_WEBHOOK: key of the HMAC; or NULL */
	const char *login_file, *token_file, *cert_file, *key_file, *ca_file;
	unsigned timeout_s;
};

struct output_conf_set {
	struct output_conf all[OUTPUTS_MAX];
	unsigned n;
	bool too_many, bad_name;
};

/* "webhook" */
const char *output_way_name(enum output_way way);
/* Of "outputs"; ERR_USAGE with diag, which names the setting. */
enum err output_conf_read(struct output_conf_set *s, const struct conf *c,
			  struct diag *d) MUST_CHECK;
/* Calls 'fn' for each file that is read when an output begins. */
void output_conf_files(const struct output_conf_set *s,
		       void (*fn)(void *arg, const char *path), void *arg);

#endif
