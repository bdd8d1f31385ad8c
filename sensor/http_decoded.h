/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_decoded.h - what one step of undoing a content coding came to
 *
 * A step takes the front of '*in' off and writes '*n' of 'cap' bytes.
 *
 * Place    above pool.h; below http_lzma, http_brotli.
 * Threads  plain data.
 */
#ifndef SENSOR_HTTP_DECODED_H
#define SENSOR_HTTP_DECODED_H

#include "common/pool.h"

enum http_decoded {
	HTTP_DECODED_MORE, /* all input taken, nothing held back */
	HTTP_DECODED_OUT, /* 'out' is full: call again */
	HTTP_DECODED_END,
	HTTP_DECODED_BAD,
};

#endif
