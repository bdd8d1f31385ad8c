/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyword_case.h - one row a keyword: what it matches, what it does not
 *
 * Inputs are written as "name=value;name=value".  Names are those of buffers
 * ("payload", "http.uri", ...), of transaction numbers ("dns.rcode", ...) and
 * of the facts that keyword_case.c lists ("ttl", "flags", "dir", ...).  A
 * buffer without "=" is known to be absent.  An input with a transaction's
 * buffer or number is one of a transaction.
 *
 * Place    tests only.
 * Threads  one.
 * Memory   none.
 */
#ifndef TESTS_KEYWORD_CASE_H
#define TESTS_KEYWORD_CASE_H

#include "common/conf.h"

struct keyword_case {
	const char *keyword;
	const char *rules; /* rule text; the hit that counts has sid 1 */
	const char *yes, *no; /* inputs; NULL: 'rules' must load, no more */
	const char *bad; /* must be refused; NULL when 'no' is there */
};

extern const struct keyword_case keyword_cases[];
extern const size_t n_keyword_cases;

/* Does sid 1 of 'rules', loaded with 'conf' (or NULL), match 'input'? */
bool keyword_case_matches(const struct conf *conf, const char *rules,
			  const char *input);

#endif
