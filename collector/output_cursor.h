/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_cursor.h - how far an output has come: STORE.output-NAME
 *
 * {"alert":N,"event":N,"told":N,"refused":N,"lost":N}, replaced as a whole.
 *
 * Place    above output_read (a position); below output.
 * Threads  one a file.
 * Memory   none.
 * Cost     a file written and synced.
 */
#ifndef COLLECTOR_OUTPUT_CURSOR_H
#define COLLECTOR_OUTPUT_CURSOR_H

#include "collector/output_read.h"

struct output_cursor {
	struct output_position at;
	uint64_t told, refused, lost; /* of its whole life */
};

/* ERR_NOTFOUND: it has not begun; ERR_FORMAT, ERR_IO with diag. */
enum err output_cursor_load(struct output_cursor *c, const char *store,
			    const char *name, struct diag *d) MUST_CHECK;
/* On the disk when it returns ERR_OK; ERR_IO with diag. */
enum err output_cursor_save(const struct output_cursor *c, const char *store,
			    const char *name, struct diag *d) MUST_CHECK;

#endif
