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
indicator_tactic_phase(const char *tactic)
{
	for (size_t i = 0; i < ARRAY_LEN(tactics); i++) {
		if (strcmp(tactics[i].id, tactic) == 0) {
			return tactics[i].phase;
		}
	}
	return NULL;
}

bool
indicator_confidence(struct view word, uint8_t *out)
{
	/* STIX 2.1, appendix A: None / Low / Med / High */
	static const struct {
		const char *word;
		uint8_t confidence;
	} table[] = {
		{ "none", 0 },    { "low", 15 },  { "med", 50 },
		{ "medium", 50 }, { "high", 85 },
	};
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (word_is(word, table[i].word)) {
			*out = table[i].confidence;
			return true;
		}
	}
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9' || n > 10) {
			return false;
		}
		n = n * 10 + word.p[i] - '0';
	}
	*out = (uint8_t)n;
	return word.len > 0 && n <= 100;
}
