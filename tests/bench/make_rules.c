/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_rules N FILE... : as many rules as are wanted, made from those given
 *
 * Fewer than there are: every so many-th, so that each kind has its share.
 * More: the rules are repeated with other sids; in each copy the end of every
 * content of four bytes or more is the copy's own, so that no such literal is
 * there twice and each is as long as it was.  Rules without one are not
 * repeated.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base.h"

#define LINE_CAP 65536
#define FIRST_SID 100000000
#define COPIES_MAX 676

static char **rules;
static size_t n_rules, cap_rules;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "make_rules: %s: %s\n", what, why);
	exit(1);
}

static bool
is_rule(const char *line)
{
	static const char *const actions[] = { "alert ", "drop ", "reject ",
					       "pass " };

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strncmp(line, actions[i], strlen(actions[i])) == 0) {
			return true;
		}
	}
	return false;
}

static void
read_rules(const char *path)
{
	static char line[LINE_CAP];
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		die(path, "cannot be read");
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (!is_rule(line)) {
			continue;
		}
		if (n_rules == cap_rules) {
			cap_rules = cap_rules == 0 ? 4096 : cap_rules * 2;
			rules = realloc(rules, cap_rules * sizeof(*rules));
		}
		if (rules == NULL || (rules[n_rules] = strdup(line)) == NULL) {
			die(path, "out of memory");
		}
		n_rules++;
	}
	fclose(f);
}

/* Where the value that begins at 'p', behind its quote, ends. */
static char *
value_end(char *p)
{
	while (*p != '\0' && *p != '"') {
		p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
	}
	return p;
}

/* Gives the content from..to an end of its own; false: it is too short. */
static bool
vary_content(char *from, char *to, unsigned copy)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = (size_t)(to - from);

	if (n >= 13 && to[-1] == '|' && isxdigit((unsigned char)to[-2]) &&
	    isxdigit((unsigned char)to[-3])) {
		to[-3] = digits[8 + copy / 16 % 4];
		to[-2] = digits[copy % 16];
		return true;
	}
	if (n < 4 || memchr(from, '|', n) != NULL ||
	    memchr(from, '\\', n) != NULL || !isalnum((unsigned char)to[-1]) ||
	    !isalnum((unsigned char)to[-2])) {
		return false;
	}
	to[-2] = (char)('a' + copy % 26);
	to[-1] = (char)('a' + copy / 26 % 26);
	return true;
}

static bool
vary(char *rule, unsigned copy)
{
	bool varied = false;
	char *at = rule;

	while ((at = strstr(at, "content:")) != NULL) {
		char *from = strchr(at, '"'), *to;

		if (from == NULL) {
			break;
		}
		to = value_end(from + 1);
		varied |= vary_content(from + 1, to, copy);
		at = to;
	}
	return varied;
}

/* Puts 'rule' with the i-th sid. */
static void
put(const char *rule, size_t i)
{
	const char *sid = strstr(rule, "sid:"), *rest;

	if (sid == NULL) {
		die(rule, "has no sid");
	}
	for (rest = sid + 4; *rest == ' ' || isdigit((unsigned char)*rest);) {
		rest++;
	}
	printf("%.*ssid:%zu%s", (int)(sid - rule), rule, FIRST_SID + i, rest);
}

int
main(int argc, char **argv)
{
	static char copy[LINE_CAP];
	size_t n = argc > 2 ? strtoull(argv[1], NULL, 10) : 0, i = 0;

	if (n == 0) {
		fputs("usage: make_rules N FILE...\n", stderr);
		return 2;
	}
	for (int a = 2; a < argc; a++) {
		read_rules(argv[a]);
	}
	for (; i < n && i < n_rules; i++) {
		put(rules[n < n_rules ? i * n_rules / n : i], i);
	}
	for (unsigned k = 1; i < n && k < COPIES_MAX; k++) {
		for (size_t j = 0; i < n && j < n_rules; j++) {
			snprintf(copy, sizeof(copy), "%s", rules[j]);
			if (vary(copy, k)) {
				put(copy, i++);
			}
		}
	}
	for (size_t j = 0; j < n_rules; j++) {
		free(rules[j]);
	}
	free(rules);
	return fflush(stdout) == 0 ? 0 : 1;
}
