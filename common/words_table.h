/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words_table.h - the catalogue as words.awk writes it
 *
 * Internal: included by words.c and by common/words/table.c, which is made
 * of ja.po.
 *
 * Place    with words.
 * Threads  constants.
 */
#ifndef COMMON_WORDS_TABLE_H
#define COMMON_WORDS_TABLE_H

#include "common/words.h"

extern const struct word_pair word_table[];
extern const size_t word_table_len;

#endif
