/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_range.h - what part of a resource a response holds
 *
 * Place    above base.h and http_tx.h; below app_http_file.
 * Threads  pure.
 */
#ifndef SENSOR_HTTP_RANGE_H
#define SENSOR_HTTP_RANGE_H

#include "common/base.h"

/* Content-Range, "bytes 500-1000/146515", RFC 9110 14.4. */
struct http_range {
	uint64_t start, end, size;
	bool has_bytes, has_size;
};
/* False when 'v' is empty. */
bool http_parse_range(struct view v, struct http_range *out);

#endif
