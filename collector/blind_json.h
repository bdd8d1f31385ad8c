/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind_json.h - who watched what, and when nobody did, as JSON
 *
 * The one form in which the console's API and `picketctl blind --json` say it
 * (docs/formats.md).
 *
 * Place    above store_cover; below console_lists and ctl_blind.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's.
 * Cost     a few queries.
 */
#ifndef COLLECTOR_BLIND_JSON_H
#define COLLECTOR_BLIND_JSON_H

#include "collector/store_blind.h"
#include "collector/store_cover.h"
#include "common/json.h"

/* Of the time that 'r' speaks of, in tenths; 0 when that is none. */
double blind_percent(const struct store_cover_row *r, enum store_cover state);

/*
 * An object with sensors, blind and assets: what lasted beyond 'since_us'; of
 * one site or asset where these are not NULL.  At most 'limit' intervals, and
 * as many of each asset; how many more there are is said.  '*n_assets' is how
 * many assets there are.
 */
enum err blind_json(struct store_reader *r, uint64_t since_us, const char *site,
		    const char *asset, unsigned limit, struct json *j,
		    unsigned *n_assets) MUST_CHECK;
/* A list under 'key': how the assets of each mission are watched now. */
enum err blind_json_missions(struct store_reader *r, struct json *j,
			     const char *key) MUST_CHECK;

#endif
