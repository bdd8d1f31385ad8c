/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a list of indicators: the account adds up, what is handed over
 * is whole and canonical, and what is not marked is for nobody.
 */
#include <stdlib.h>

#include "common/indicator_read.h"
#include "common/indicator_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t taken, refused;
};

static void
require(bool ok)
{
	if (!ok) {
		abort();
	}
}

static void
check_texts(const struct indicator *i)
{
	require(strlen(i->id) < INDICATOR_ID_CAP);
	require(strlen(i->description) < INDICATOR_TEXT_CAP);
	require(strlen(i->labels) < INDICATOR_TEXT_CAP);
	require(strlen(i->kill_chain) < INDICATOR_TEXT_CAP);
	require(strlen(i->created_by) < INDICATOR_TEXT_CAP);
	require(i->source != NULL && i->tactic != NULL);
	require(i->severity >= 1);
	require(i->confidence <= 100 ||
		i->confidence == INDICATOR_CONFIDENCE_UNKNOWN);
}

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	struct seen *s = arg;
	char again[INDICATOR_VALUE_CAP];
	size_t len;

	s->taken++;
	check_texts(i);
	if (!i->marked) {
		require(i->mark.tlp == TLP_RED && i->mark.limited &&
			i->mark.n_names == 0);
	}
	if (i->kind == INDICATOR_PATTERN) {
		require(strlen(i->value) < INDICATOR_PATTERN_CAP);
		return ERR_OK;
	}
	require(indicator_value_canon(i->kind, i->exact, view_cstr(i->value),
				      again, &len, d) == ERR_OK);
	require(strcmp(again, i->value) == 0);
	return ERR_OK;
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	struct seen *s = arg;

	require(r->file != NULL && r->id != NULL && r->reason[0] != '\0');
	s->refused++;
}

static void
doubted(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	require(r->reason[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { 0, 0 };
	const struct indicator_sink sink = { &s, take, refused, doubted };
	struct indicator_report r = { 0 };
	struct diag d = { "" };
	enum err e = indicator_read_bytes("fuzz", view_of(data, size), &sink,
					  &r, &d);

	require(e == ERR_OK || d.msg[0] != '\0');
	require(r.total == r.loaded + r.refused);
	require(r.loaded == s.taken && r.refused == s.refused);
	return 0;
}
