/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_file.h - logical lines of rule and threshold files
 *
 * A backslash at a line's end joins the next line to it; lines that begin
 * with '#' are comments, whole, joined or not.
 *
 * Place    above rule_text.
 * Threads  one reader, one thread.
 * Memory   the file is read whole.
 * Cost     cold.
 */
#ifndef RULES_RULE_FILE_H
#define RULES_RULE_FILE_H

#include "common/err.h"
#include "rules/rule_text.h"

#define RULE_FILE_MAX ((size_t)1 << 30)

struct rule_file {
	char *text;
	size_t len, at;
	uint32_t line; /* of the next line */
	char *joined; /* a line put together of several */
	size_t joined_cap;
};

enum err rule_file_open(struct rule_file *f, const char *path,
			struct diag *d) MUST_CHECK;
/*
 * The same for the file that 'setting' names: diag says which setting it was,
 * and where a relative path was looked for.
 */
enum err rule_file_open_setting(struct rule_file *f, const char *setting,
				const char *path, struct diag *d) MUST_CHECK;
void rule_file_close(struct rule_file *f);
/* The next line that is neither empty nor a comment, trimmed, good until the
 * next call; 'line' is where it begins. */
bool rule_file_next(struct rule_file *f, struct view *text, uint32_t *line);

#endif
