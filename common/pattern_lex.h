/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern_lex.h - the words, literals and object paths of a STIX pattern
 *
 * Place    one of pattern.h's files: pattern.c alone includes it.
 * Threads  one reading, one thread.
 * Memory   what is read goes to the pattern's chunks.
 * Cost     one pass; a word may be looked at twice.
 */
#ifndef COMMON_PATTERN_LEX_H
#define COMMON_PATTERN_LEX_H

#include "common/pattern.h"
#include "common/pattern_tree.h"

struct pattern_reader {
	struct view text;
	size_t at;
	struct pattern *p;
	struct diag *d;
	unsigned depth, n_qualifiers, n_values;
	enum err e; /* the first error; nothing is read after it */
};

/* Memory of the pattern, cleared; NULL and r->e at its end. */
void *pattern_alloc(struct pattern_reader *r, size_t size);

/* Sets r->e with the position, what was wanted and what stands there. */
void pattern_unexpected(struct pattern_reader *r, const char *want);
void pattern_over(struct pattern_reader *r, const char *what, unsigned max);

/* Passes blanks and comments; true when nothing is left. */
bool pattern_at_end(struct pattern_reader *r);
bool pattern_peek_char(struct pattern_reader *r, char c);
bool pattern_take_char(struct pattern_reader *r, char c);
/* A keyword, whole. */
bool pattern_take_word(struct pattern_reader *r, const char *word);
void pattern_want_char(struct pattern_reader *r, char c);
void pattern_want_word(struct pattern_reader *r, const char *word);

void pattern_read_path(struct pattern_reader *r, struct pattern_path *out);
/* =, ==, !=, <>, <, <=, >, >=, or a word; false: none stands here. */
bool pattern_read_op(struct pattern_reader *r, enum pattern_op *out);
void pattern_read_value(struct pattern_reader *r, struct pattern_value *out);

#endif
