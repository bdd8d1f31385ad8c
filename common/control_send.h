/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_send.h - a control document on its way to the sensors
 *
 * Place    above control.h and redis_pool.h; used by picketctl and the
 *          collector.
 * Threads  the pool's.
 * Memory   a document's text.
 * Cost     two round trips.
 */
#ifndef COMMON_CONTROL_SEND_H
#define COMMON_CONTROL_SEND_H

#include "common/control.h"
#include "common/redis_pool.h"

/*
 * Gives 'doc' a version beyond that of all before, signs it and adds it to
 * CONTROL_STREAM.  ERR_IO, ERR_AGAIN when Redis refuses or is away ('wait_ms' a
 * reply), ERR_NOMEM; with diag.
 */
enum err control_send(struct redis_pool *p, struct sign_key *k,
		      struct control_doc *doc, int wait_ms,
		      struct diag *d) MUST_CHECK;

#endif
