/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_schema.h - the tables of the store, and how an older store becomes one
 *
 * The version is SQLite's user_version; the application id marks the file as
 * ours.  A migration leads from one version to the next: SQL, and a function
 * where SQL is not enough.  They are only ever added.
 *
 * Place    above store_convert; below store and store_read.
 * Threads  used at start by the one writer.
 * Memory   none kept.
 * Cost     cold; one transaction a migration.
 */
#ifndef COLLECTOR_STORE_SCHEMA_H
#define COLLECTOR_STORE_SCHEMA_H

#include <sqlite3.h>

#include "common/err.h"

#define STORE_SCHEMA_VERSION 34
#define STORE_APPLICATION_ID 0x5049434b /* "PICK" */

/* Brings an open database to the current version.  ERR_FORMAT for a newer
 * store or somebody else's file; the diag names 'path' and the mend. */
enum err store_schema_migrate(sqlite3 *db, const char *path,
			      struct diag *d) MUST_CHECK;
/* Refuses what is not a store of the current version; changes nothing. */
enum err store_schema_check(sqlite3 *db, const char *path,
			    struct diag *d) MUST_CHECK;

#endif
