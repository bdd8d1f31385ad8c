/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart.h - the parts of a multipart body, as its bytes come (RFC 2046)
 *
 * Place    above base.h; below app_http_file.
 * Threads  one worker.
 * Memory   one block of the caller's: a boundary, one part's head and the
 *          bytes that may be a delimiter.
 * Cost     linear, however the bytes are cut.
 */
#ifndef SENSOR_MULTIPART_H
#define SENSOR_MULTIPART_H

#include "common/base.h"

#define MULTIPART_BOUNDARY_MAX 256 /* RFC 2046 allows 70 */
#define MULTIPART_HEAD_MAX 4096 /* of one part; longer ones are cut */

/* Who takes the parts; views last until the call returns. */
struct multipart_out {
	void (*begin)(void *arg, struct view head); /* its field lines */
	void (*data)(void *arg, struct view data);
	void (*end)(void *arg, bool whole);
	void *arg;
};

enum multipart_at {
	MULTIPART_PREAMBLE,
	MULTIPART_BOUNDARY_LINE, /* the rest of a delimiter's line */
	MULTIPART_HEAD,
	MULTIPART_DATA,
	MULTIPART_EPILOGUE,
};

struct multipart {
	struct multipart_out out;
	uint8_t at; /* enum multipart_at */
	bool line_empty; /* this line of the head has no bytes yet */
	bool dash[2]; /* "--" behind the delimiter: the last one */
	uint8_t n_line; /* bytes of the delimiter's line */
	uint16_t n_match; /* bytes of the delimiter that were seen */
	uint16_t n_delim, n_head;
	uint8_t delim[MULTIPART_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
	uint16_t fail[MULTIPART_BOUNDARY_MAX + 5]; /* KMP's table */
	uint8_t head[MULTIPART_HEAD_MAX];
};

/*
 * The boundary that a Content-Type names; false when it is not a multipart
 * type or names none (or one that is too long).
 */
bool multipart_boundary(struct view content_type, struct view *boundary);
void multipart_init(struct multipart *m, struct view boundary,
		    const struct multipart_out *out);
void multipart_feed(struct multipart *m, struct view in);
/* Bytes are missing here: no delimiter lies across. */
void multipart_gap(struct multipart *m);
/* No more bytes come. */
void multipart_end(struct multipart *m);

#endif
