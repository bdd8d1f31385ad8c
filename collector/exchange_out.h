/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_out.h - what partners get, made and sent
 *
 * A thread a partner, so that one whose broker hangs delays nobody else: it
 * looks every exchange.interval at what changed for it (exchange_fill.h), sends
 * what waits by Redis, by files, or by both, and frees what the partner's signed
 * point says that it has.  All that it knows is in the store.
 *
 * The epoch is the time at which the party's row was made.  Another one begins,
 * and the partner gets all again, when its point is beyond what we made (our
 * store is an older copy), or for a minute stays behind what it had acknowledged
 * (it lost its own); that happens once an hour at most.
 *
 * Place    above exchange_fill, exchange_send and exchange_files; below main.
 * Threads  one a party (THREAD_EXCHANGE), each with two connections to the
 *          store.
 * Memory   a bundle a party.
 * Cost     five lookups and a round trip an interval and party.
 */
#ifndef COLLECTOR_EXCHANGE_OUT_H
#define COLLECTOR_EXCHANGE_OUT_H

#include "collector/exchange_conf.h"
#include "collector/mission.h"

struct exchange_out;

/*
 * Starts a thread for each party that the policy names and that is reached by
 * url or outbox; none: NULL, which the other takes.  'store' must be there; it,
 * 'conf' and 'map' must stay.  ERR_NOMEM, ERR_IO, ERR_USAGE with diag.
 */
enum err exchange_out_start(struct exchange_out **out, const char *store,
			    const struct exchange_conf *conf,
			    const struct mission_map *map,
			    struct diag *d) MUST_CHECK;
/*
 * From here on by 'conf' (exchange_conf_reload()): each thread takes it up with
 * its next turn.  Until exchange_out_settled() the one before has to stay.  'x'
 * may be NULL.
 */
void exchange_out_use(struct exchange_out *x, const struct exchange_conf *conf);
bool exchange_out_settled(const struct exchange_out *x);
/* Waits for what is being sent, some seconds at most. */
void exchange_out_stop(struct exchange_out *x);

#endif
