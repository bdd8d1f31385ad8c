/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet_ledger.h - what became of packets, for the ledger
 *
 * The counters are the workers' own.  Whoever may read them (no worker runs,
 * or the round is closed) takes them down here, all at one moment, so that
 * they add up; the forwarder's thread reads them from here.
 *
 * Place    above worker.h, capture.h and common/ledger.h; below main.
 * Threads  any: a lock held for a copy.
 * Memory   one copy.
 * Cost     packet_ledger_take() sums over the workers.
 */
#ifndef SENSOR_PACKET_LEDGER_H
#define SENSOR_PACKET_LEDGER_H

#include "common/ledger.h"
#include "sensor/stats.h"

struct packet_ledger;

struct packet_ledger *packet_ledger_new(void);
void packet_ledger_free(struct packet_ledger *p);

/* Takes the counters down, while no worker runs. */
void packet_ledger_take(struct packet_ledger *p, const struct stats_source *s);
/* As the forwarder asks for them: 'arg' is a struct packet_ledger. */
void packet_ledger_read(void *arg, struct ledger *out);

#endif
