/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator_reading.h"

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
indicator_severity(struct view word)
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
indicator_tactic(struct view word)
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
