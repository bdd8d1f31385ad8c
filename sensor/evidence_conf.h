/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_conf.h - which packets are kept as evidence, and how many
 *
 * Place    above evidence_tap.h and conf.h; below evidence and options.
 * Threads  pure functions.
 * Memory   the caller's; 'dir' borrows from the settings.
 * Cost     cold.
 */
#ifndef SENSOR_EVIDENCE_CONF_H
#define SENSOR_EVIDENCE_CONF_H

#include "common/conf.h"
#include "sensor/evidence_tap.h"

struct evidence_conf {
	const char *dir; /* NULL: nothing is ever kept */
	enum evidence_mode mode;
	struct evidence_limits limit;
	uint64_t total_size; /* bytes of all files */
	uint64_t buffer; /* of a worker's packets that wait */
	uint64_t before; /* of those that may yet be wanted; 2^n, or 0 */
};

/* Keys read: evidence.{dir,mode,file-size,total-size,snaplen,buffer,
 * flow-packets,flow-bytes,before}.  ERR_USAGE: no such mode. */
enum err evidence_conf_read(struct evidence_conf *c, const struct conf *conf,
			    struct diag *d) MUST_CHECK;
/* "none", "alerts", "flows"; false: no such mode. */
bool evidence_mode_read(const char *word, enum evidence_mode *out) MUST_CHECK;
const char *evidence_mode_name(enum evidence_mode m);

#endif
