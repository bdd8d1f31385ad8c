/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_lines.h - what lists and CSV share: lines, and names of types
 *
 * Place    below indicator_text.c and indicator_csv.c; nobody else includes it.
 * Threads  one reading, one thread.
 * Memory   one line.
 * Cost     cold.
 */
#ifndef COMMON_INDICATOR_LINES_H
#define COMMON_INDICATOR_LINES_H

#include "common/indicator_reading.h"

#define INDICATOR_LINE_CAP ((size_t)32 << 10)

struct indicator_lines {
	struct block_read *in;
	uint32_t number; /* of the line at hand, from 1 */
	bool cut; /* it was longer than INDICATOR_LINE_CAP */
	size_t len;
	char text[INDICATOR_LINE_CAP];
};

/* The next line without its end; false at the end of the file. */
bool indicator_next_line(struct indicator_lines *l) MUST_CHECK;
struct view indicator_trimmed(struct view v);

/*
 * What is meant by an address, name or URL as reports write it: "evil[.]test",
 * "hxxp[:]//evil(dot)test/".  Only up to the path, for brackets may be part of
 * that.  The result lies in 'out', or is 'in' itself.
 */
struct view indicator_refanged(struct view in, char out[INDICATOR_VALUE_CAP]);

struct indicator_type {
	const char *name;
	enum indicator_kind kind;
	bool exact;
};

/* A type's name as lists write it; NULL: there is none such. */
const struct indicator_type *indicator_type_by_name(struct view word);
void indicator_refuse_type(struct indicator_reading *r, uint32_t line,
			   const char *id, struct view word);

/* 'l' stands at a line that is a header row, or not: false. */
bool indicator_read_csv(struct indicator_reading *r,
			struct indicator_lines *l) MUST_CHECK;

#endif
