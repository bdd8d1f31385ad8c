/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind_json.h - who watched what, and when nobody did, as JSON
 *
 * The one form in which the console's API and `picketctl blind --json` say it
 * (docs/formats.md).
 *
 * Place    above store_blind; below console_lists and ctl_blind.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's.
 * Cost     a few queries.
 */
#ifndef COLLECTOR_BLIND_JSON_H
#define COLLECTOR_BLIND_JSON_H

#include "collector/store_blind.h"
#include "common/json.h"

/* "watched", "partly", "blind", "unwatched". */
const char *blind_cover_state(const struct store_cover_row *r);

/*
 * An object with sensors, blind and assets: what lasted beyond 'since_us'; of
 * one site or asset where these are not NULL.  '*n_assets' is how many rows
 * assets has.
 */
enum err blind_json(struct store_reader *r, uint64_t since_us, const char *site,
		    const char *asset, struct json *j,
		    unsigned *n_assets) MUST_CHECK;

#endif
