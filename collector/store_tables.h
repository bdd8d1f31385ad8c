/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_tables.h - the SQL of the migrations up to version 19
 *
 * A store that was made by any earlier program is brought up to date with these
 * very words, so none of them is ever changed.  Newer ones stand in
 * store_schema.c, which has the list of all.
 *
 * Place    a part of store_schema, included by nobody else.
 * Threads  any: constants.
 * Memory   none.
 * Cost     none.
 */
#ifndef COLLECTOR_STORE_TABLES_H
#define COLLECTOR_STORE_TABLES_H

extern const char store_sql_v1[];
extern const char store_sql_frames_as_they_came[];
extern const char store_sql_frames_indexed[];
extern const char store_sql_ledgers[];
extern const char store_sql_blindness[];
extern const char store_sql_signatures[];
extern const char store_sql_bounds[];
extern const char store_sql_sensor_runs[];
extern const char store_sql_overload_priorities[];
extern const char store_sql_ledger_lost[];
extern const char store_sql_indicators[];
extern const char store_sql_release[];
extern const char store_sql_taps[];
extern const char store_sql_consult[];
extern const char store_sql_posture[];
extern const char store_sql_exercises[];
extern const char store_sql_floods[];
extern const char store_sql_warnings[];
extern const char store_sql_polls[];

#endif
