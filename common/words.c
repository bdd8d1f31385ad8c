/* SPDX-License-Identifier: Apache-2.0 */
#include "common/words.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/words_table.h"

/* The catalogue's places, sorted when the first word is asked for: formats
 * of 64-bit numbers are spelled as the machine has them. */
static const struct word_pair **sorted;
static pthread_once_t sorting = PTHREAD_ONCE_INIT;

bool
lang_of(const char *name, enum lang *out)
{
	static const struct {
		const char *name;
		enum lang lang;
	} known[] = { { "en", LANG_EN },
		      { "ja", LANG_JA },
		      { "C", LANG_EN },
		      { "POSIX", LANG_EN } };
	size_t len = strcspn(name, "_.@-");

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strlen(known[i].name) == len &&
		    memcmp(known[i].name, name, len) == 0) {
			*out = known[i].lang;
			return true;
		}
	}
	return false;
}

const char *
lang_name(enum lang lang)
{
	return lang == LANG_JA ? "ja" : "en";
}

enum lang
lang_of_environment(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	enum lang lang = LANG_EN;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		/* The first that is set decides, known or not: as POSIX has
		 * it, an empty one is none. */
		if (value != NULL && value[0] != '\0') {
			lang_of(value, &lang);
			break;
		}
	}
	return lang;
}

static int
pair_cmp(const void *a, const void *b)
{
	const struct word_pair *const *x = a, *const *y = b;

	return strcmp((*x)->english, (*y)->english);
}

static void
sort_words(void)
{
	const struct word_pair **v = calloc(word_table_len, sizeof(*v));

	for (size_t i = 0; v != NULL && i < word_table_len; i++) {
		v[i] = &word_table[i];
	}
	if (v != NULL) {
		qsort(v, word_table_len, sizeof(*v), pair_cmp);
	}
	sorted = v;
}

const char *
word(enum lang lang, const char *english)
{
	struct word_pair key = { .english = english };
	const struct word_pair *k = &key, **found;

	if (lang != LANG_JA) {
		return english;
	}
	pthread_once(&sorting, sort_words);
	/* Without memory it is said in English. */
	if (sorted == NULL) {
		return english;
	}
	found = bsearch(&k, sorted, word_table_len, sizeof(*sorted), pair_cmp);
	return found != NULL ? (*found)->japanese : english;
}

const struct word_pair *
word_pairs(size_t *n)
{
	*n = word_table_len;
	return word_table;
}
