/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - events to other consoles: a thread for each that the settings name
 *
 * Each has a cursor, STORE.output-NAME, which is moved once the other end has
 * taken what it stands behind: at least once, whoever dies meanwhile.  An output
 * that cannot be reached delays nobody else; the store keeps what it misses, for
 * as long as the store keeps it.
 *
 * Place    above output_read and output_send; below metrics and main.
 * Threads  one an output (THREAD_OUTPUT).  Whoever starts them calls
 *          curl_global_init() before the first thread.
 * Memory   one batch an output.
 * Cost     a look at the store each OUTPUT_LOOK_MS.
 */
#ifndef COLLECTOR_OUTPUT_H
#define COLLECTOR_OUTPUT_H

#include "collector/output_conf.h"

#define OUTPUT_LOOK_MS 250

struct output_stats {
	uint64_t told, refused, lost, failures; /* since the start */
	uint64_t failing; /* outputs whose last try failed */
};

struct outputs;

/* 'store' must be there, and stay as 's' must.  None: NULL, which the others
 * take.  ERR_NOMEM, ERR_IO with diag. */
enum err outputs_start(struct outputs **out, const char *store,
		       const struct output_conf_set *s,
		       struct diag *d) MUST_CHECK;
void outputs_stop(struct outputs *o);
void outputs_stats(const struct outputs *o, struct output_stats *out);

#endif
