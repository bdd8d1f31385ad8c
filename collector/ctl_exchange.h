/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_exchange.h - how far the exchange with each partner is
 *
 * Place    above ctl_show and exchange_out_store; below ctl.
 * Threads  one.
 * Memory   one row.
 */
#ifndef COLLECTOR_CTL_EXCHANGE_H
#define COLLECTOR_CTL_EXCHANGE_H

#include "collector/ctl_show.h"

/* A line a partner: what was made, sent and acknowledged, what waits, since when
 * it cannot be reached and why. */
enum err ctl_share_status(struct ctl *c) MUST_CHECK;

#endif
