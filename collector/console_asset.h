/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_asset.h - the console's page, built into the program
 *
 * collector/assets/embed.sh writes the table at build time.
 *
 * Place    above err.h; below console.
 * Threads  console_asset_init() once, before any other.
 * Memory   static.
 */
#ifndef COLLECTOR_CONSOLE_ASSET_H
#define COLLECTOR_CONSOLE_ASSET_H

#include "common/err.h"

struct console_asset {
	const char *path; /* "/app.js" */
	const char *type; /* of its content, as in Content-Type */
	const unsigned char *data;
	size_t len;
};

/* Ends with a path of NULL; in collector/assets/embedded.c. */
extern const struct console_asset console_assets[];

/* Computes the entity tags (SHA-256). */
enum err console_asset_init(void) MUST_CHECK;
/* NULL when there is none of that path; 'etag' is a quoted strong tag. */
const struct console_asset *console_asset_find(const char *path,
					       const char **etag);

#endif
