/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_text.h - counters kept as JSON, said in Prometheus' text format
 *
 * A program already gathers its counters in one JSON object; here every number
 * of it becomes a sample.  A table says how those that are known are called,
 * what they count and which parts of their path are labels.  A number that no
 * row names is a sample too, under a name made of its path and of type
 * "untyped": a counter that somebody adds cannot stay out of sight.
 *
 * Format: text exposition 0.0.4, https://prometheus.io/docs/instrumenting/
 *
 * Place    above err.h; below metrics_http.h.
 * Threads  pure.
 * Memory   heap, for the call; at most METRICS_MAX_SAMPLES samples.
 * Cost     cold: some hundred microseconds for a thousand numbers.
 */
#ifndef COMMON_METRICS_TEXT_H
#define COMMON_METRICS_TEXT_H

#include "common/err.h"

#define METRICS_MAX_SAMPLES 20000
#define METRICS_MAX_DEPTH 8

enum metric_type {
	METRIC_COUNTER, /* only grows while the program runs */
	METRIC_GAUGE,
	METRIC_INFO, /* strings of an object, as the labels of a 1 */
	METRIC_NONE, /* left out */
};

/*
 * 'path' is the keys down to the number with dots between, "*" any one key or
 * element of a list, and a final "**" all below.  The first row that fits a
 * number takes it.  A '%' in name and help stands for what the last star is, so
 * that a row may give many metrics.  Rows of one name must be next to each other
 * and of one type; the first one's help counts.
 */
struct metric_row {
	const char *path; /* "frames.skipped.*" */
	const char *name; /* "frames_skipped_total": behind the prefix */
	enum metric_type type;
	const char *labels; /* of the stars, by commas: "reason"; or NULL */
	const char *help; /* one sentence */
};

/*
 * Writes 'doc', one JSON object, to a heap string '*out' of '*len' bytes which
 * is the caller's.  An element of a list is known by its member "interface",
 * "name" or "id" when that is a string, else by its number from 0.  ERR_FORMAT
 * when 'doc' is no object, ERR_LIMIT when it has too many numbers, ERR_NOMEM.
 */
enum err metrics_text(struct view doc, const char *prefix,
		      const struct metric_row *rows, size_t n_rows, char **out,
		      size_t *len) MUST_CHECK;

#endif
