/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - what operators read on standard error
 *
 * Place    above err.h.
 * Threads  any thread may log; each message is one write(2).
 * Memory   a stack buffer; long messages are cut.
 * Cost     cold path only; hot modules may not reference it.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>

#include "common/err.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* 'program' must outlive all logging; 'json' selects one JSON object a line. */
void log_init(const char *program, enum log_level level, bool json);
enum log_level log_level(void);
void log_msg(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/*
 * A JSON object of any length that a user asked for, whole and on a line of its
 * own whatever the level; in the JSON log it is the member 'name' of its line.
 */
void log_document(const char *name, const char *json, size_t len);

#define log_err(...) log_msg(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_msg(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...) \
	do { \
		if (log_level() >= LOG_DEBUG) { \
			log_msg(LOG_DEBUG, __VA_ARGS__); \
		} \
	} while (0)

#endif
