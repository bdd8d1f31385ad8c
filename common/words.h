/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - what people read, in their language
 *
 * The source text is English and is the key of the catalogue,
 * common/words/ja.po.  Only texts for people at a screen or of a report go
 * through here: log lines, errors of options, names in JSON stay English, so
 * that programs and searches find them.
 *
 * Place    below everything that speaks to people.
 * Threads  any.
 * Memory   constants of the program.
 * Cost     a binary search; for English none.
 */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include "common/base.h"

enum lang { LANG_EN, LANG_JA, LANG_COUNT };

/* Marks a text of a table that reaches word() later as a variable: the
 * catalogue is checked against what is marked. */
#define WORD(text) text

/* A language's name as users give it and as locales have it: "ja", "en_GB",
 * "ja_JP.UTF-8", "C".  False: there are no words in it; *out is untouched. */
bool lang_of(const char *name, enum lang *out);
/* "en", "ja": for HTML and for settings. */
const char *lang_name(enum lang lang);
/* That of the environment: LC_ALL, else LC_MESSAGES, else LANG; English where
 * it has none of ours. */
enum lang lang_of_environment(void);

/* 'english' in that language; itself where the catalogue lacks it.  A format
 * keeps its conversions, perhaps in another order ("%2$s"). */
const char *word(enum lang lang, const char *english)
	__attribute__((format_arg(2)));

/* One entry of the catalogue. */
struct word_pair {
	const char *english, *japanese;
};

/* All of it, in no order; for tests. */
const struct word_pair *word_pairs(size_t *n);

#endif
