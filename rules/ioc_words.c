/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_reading.h"

/* Blanks, '_' and '-' are one, as lists write names in all three ways. */
static bool
word_is(struct view word, const char *want)
{
	size_t n = strlen(want);

	if (word.len != n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t c = ascii_lower(word.p[i]);

		c = c == '_' || c == ' ' ? '-' : c;
		if (c != (uint8_t)want[i]) {
			return false;
		}
	}
	return true;
}

uint8_t
ioc_severity(struct view word)
{
	static const struct {
		const char *word;
		uint8_t severity;
	} table[] = {
		{ "critical", 1 }, { "high", 1 }, { "medium", 2 },
		{ "low", 3 },      { "info", 4 }, { "informational", 4 },
	};
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (word_is(word, table[i].word)) {
			return table[i].severity;
		}
	}
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9' || n > 25) {
			return 0;
		}
		n = n * 10 + word.p[i] - '0';
	}
	return n <= UINT8_MAX ? (uint8_t)n : 0;
}

static const char *const tlp_words[] = { "clear", "green", "amber",
					 "amber+strict", "red" };

const char *
ioc_tlp(struct view word)
{
	if (word.len > 4 &&
	    view_caseeq(view_sub(word, 0, 4), VIEW_LIT("tlp:"))) {
		word = view_sub(word, 4, word.len);
	}
	if (word_is(word, "white")) {
		return tlp_words[0];
	}
	for (size_t i = 0; i < ARRAY_LEN(tlp_words); i++) {
		if (word_is(word, tlp_words[i])) {
			return tlp_words[i];
		}
	}
	return NULL;
}

static int
tlp_rank(const char *tlp)
{
	for (size_t i = 0; tlp != NULL && i < ARRAY_LEN(tlp_words); i++) {
		if (strcmp(tlp_words[i], tlp) == 0) {
			return (int)i;
		}
	}
	return -1;
}

const char *
ioc_tlp_stricter(const char *a, const char *b)
{
	return tlp_rank(b) > tlp_rank(a) ? b : a;
}

/* ATT&CK for Enterprise and for ICS: tactic ids and kill chain phases. */
static const struct {
	const char *id, *phase;
} tactics[] = {
	{ "TA0043", "reconnaissance" },
	{ "TA0042", "resource-development" },
	{ "TA0001", "initial-access" },
	{ "TA0002", "execution" },
	{ "TA0003", "persistence" },
	{ "TA0004", "privilege-escalation" },
	{ "TA0005", "defense-evasion" },
	{ "TA0006", "credential-access" },
	{ "TA0007", "discovery" },
	{ "TA0008", "lateral-movement" },
	{ "TA0009", "collection" },
	{ "TA0011", "command-and-control" },
	{ "TA0010", "exfiltration" },
	{ "TA0040", "impact" },
	{ "TA0106", "impair-process-control" },
	{ "TA0107", "inhibit-response-function" },
};

const char *
ioc_tactic(struct view word)
{
	for (size_t i = 0; i < ARRAY_LEN(tactics); i++) {
		if (view_caseeq(word, view_cstr(tactics[i].id)) ||
		    word_is(word, tactics[i].phase)) {
			return tactics[i].id;
		}
	}
	return NULL;
}

const char *
ioc_json_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}
