/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 (OASIS, 10 June 2021): bundles, section 8; indicators, 4.7. */
#include "common/indicator_stix_index.h"

struct stix {
	struct indicator_doc *doc;
	struct indicator_reading *r;
	struct stix_index index;
	struct indicator i; /* the one at hand */
};

/* One reference; what cannot be resolved is for nobody. */
static void
take_marking(struct stix *x, struct view ref)
{
	const struct stix_mark *m = stix_index_mark(&x->index, ref);
	struct marking strictest = indicator_mark_strictest();

	if (m == NULL) {
		indicator_reading_doubt(x->r, 0, x->i.id,
					"marking %.*s is not in the bundle, "
					"so nobody may see it",
					(int)MIN(ref.len, 80), ref.p);
		indicator_mark(&x->i, &strictest);
	} else if (m->restricts) {
		indicator_mark(&x->i, &m->mark);
	}
}

/*
 * Markings of parts (7.2.3) count for the whole: a value cannot be told without
 * what marks it.
 */
static void
take_markings(struct stix *x, const struct json_value *o)
{
	const struct json_reader *j = &x->doc->json;
	const struct json_value *refs =
		json_member(j, o, VIEW_LIT("object_marking_refs"));
	const struct json_value *parts =
		json_member(j, o, VIEW_LIT("granular_markings"));
	const struct json_value *v;
	struct marking own = MARKING_CLEAR;
	bool stated;

	for (v = json_first(j, refs); v != NULL; v = json_next(j, refs, v)) {
		take_marking(x, v->type == JSON_STRING ? v->text : VIEW_NONE);
	}
	for (v = json_first(j, parts); v != NULL; v = json_next(j, parts, v)) {
		if (json_member(j, v, VIEW_LIT("lang")) == NULL) {
			take_marking(x, indicator_doc_view(x->doc, v,
							   "marking_ref"));
		}
	}
	if (!stix_releasable(x->doc, o, &own, &stated)) {
		indicator_reading_doubt(x->r, 0, x->i.id,
					"x_picket_releasable_to is no list of "
					"names, so nobody may see it");
	}
	if (stated && !x->i.marked) {
		/* Names without a colour leave the colour at its strictest. */
		own.tlp = TLP_RED;
		x->i.mark = own;
		x->i.marked = true;
	} else if (stated) {
		indicator_mark(&x->i, &own);
	}
}

/* "NAME:PHASE" of each, and the tactic of the first of ATT&CK's. */
static void
take_phases(struct stix *x, const struct json_value *o)
{
	const struct json_reader *j = &x->doc->json;
	const struct json_value *list =
		json_member(j, o, VIEW_LIT("kill_chain_phases"));
	const struct json_value *v;

	for (v = json_first(j, list); v != NULL; v = json_next(j, list, v)) {
		struct view chain =
			indicator_doc_view(x->doc, v, "kill_chain_name");
		struct view phase = indicator_doc_view(x->doc, v, "phase_name");
		char pair[256];
		const char *tactic;

		if (chain.len == 0 || phase.len == 0 ||
		    chain.len + phase.len + 1 > sizeof(pair)) {
			continue;
		}
		memcpy(pair, chain.p, chain.len);
		pair[chain.len] = ':';
		memcpy(pair + chain.len + 1, phase.p, phase.len);
		indicator_doc_append(x->doc, &x->i.kill_chain,
				     view_of(pair, chain.len + phase.len + 1));
		tactic = indicator_tactic(phase);
		if (tactic != NULL && x->i.tactic[0] == '\0' &&
		    view_eq(view_sub(chain, 0, 6), VIEW_LIT("mitre-"))) {
			x->i.tactic = tactic;
		}
	}
}

/* Labels and indicator types; "severity:high" among them. */
static void
take_labels(struct stix *x, const struct json_value *o)
{
	static const char *const keys[] = { "labels", "indicator_types" };
	const struct json_reader *j = &x->doc->json;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json_value *list =
			json_member(j, o, view_cstr(keys[i]));
		const struct json_value *v;

		for (v = json_first(j, list); v != NULL;
		     v = json_next(j, list, v)) {
			if (v->type != JSON_STRING) {
				continue;
			}
			indicator_doc_append(x->doc, &x->i.labels, v->text);
			indicator_mark_label(&x->i, v->text);
			if (view_eq(view_sub(v->text, 0, 9),
				    VIEW_LIT("severity:"))) {
				uint8_t sev = indicator_severity(
					view_sub(v->text, 9, v->text.len));

				x->i.severity = MAX(sev, 1);
			}
		}
	}
}

static void
take_words(struct stix *x, const struct json_value *o)
{
	const struct json_value *confidence =
		json_member(&x->doc->json, o, VIEW_LIT("confidence"));
	struct view by = indicator_doc_view(x->doc, o, "created_by_ref");

	x->i.created_by = stix_index_name(&x->index, by);
	if (x->i.created_by[0] == '\0') {
		x->i.created_by =
			indicator_doc_copy(x->doc, by, INDICATOR_ID_CAP);
	}
	x->i.description =
		indicator_doc_text(x->doc, o, "name", INDICATOR_TEXT_CAP);
	if (x->i.description[0] == '\0') {
		x->i.description = indicator_doc_text(x->doc, o, "description",
						      INDICATOR_TEXT_CAP);
	}
	if (confidence != NULL && confidence->type == JSON_NUMBER &&
	    !indicator_confidence(confidence->text, &x->i.confidence)) {
		x->i.confidence = INDICATOR_CONFIDENCE_UNKNOWN;
	}
	x->i.revoked = indicator_doc_true(x->doc, o, "revoked");
	take_phases(x, o);
	take_labels(x, o);
}

static bool
take_dates(struct stix *x, const struct json_value *o)
{
	const struct {
		const char *key;
		uint64_t *to;
	} dates[] = { { "valid_from", &x->i.valid_from_us },
		      { "valid_until", &x->i.valid_until_us },
		      { "modified", &x->i.modified_us } };

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		if (!indicator_doc_time(x->doc, o, dates[i].key, dates[i].to)) {
			indicator_reading_refuse(
				x->r, 0, x->i.id, "%s '%s' is no timestamp",
				dates[i].key,
				indicator_doc_text(x->doc, o, dates[i].key,
						   40));
			return false;
		}
	}
	return true;
}

static void
take_pattern(struct stix *x, const struct json_value *o)
{
	struct view lang = indicator_doc_view(x->doc, o, "pattern_type");
	struct view text = indicator_doc_view(x->doc, o, "pattern");

	/* STIX 2.0 knew no other language and had no such property. */
	if (lang.len > 0 && !view_eq(lang, VIEW_LIT("stix")) && !x->i.revoked) {
		indicator_reading_refuse(x->r, 0, x->i.id,
					 "pattern_type '%.*s' is not supported",
					 (int)MIN(lang.len, 40), lang.p);
	} else {
		indicator_reading_pattern(x->r, 0, &x->i, text);
	}
}

static void
read_indicator(struct stix *x, const struct json_value *o)
{
	struct view id = indicator_doc_view(x->doc, o, "id");

	x->i = indicator_blank(x->r);
	x->i.id = indicator_doc_copy(x->doc, id, INDICATOR_ID_CAP);
	if (id.len == 0 || id.len >= INDICATOR_ID_CAP) {
		indicator_reading_refuse(x->r, 0, x->i.id,
					 id.len == 0
						 ? "an indicator without id"
						 : "an id that is too long");
		return;
	}
	if (!take_dates(x, o)) {
		return;
	}
	if (!stix_index_newest(&x->index, id, x->i.modified_us)) {
		indicator_reading_refuse(x->r, 0, x->i.id,
					 "a later version of it is in the "
					 "same file");
		return;
	}
	take_words(x, o);
	take_markings(x, o);
	take_pattern(x, o);
}

/* An object that cannot be read may still say that it is no indicator. */
static void
read_object(struct stix *x, const struct indicator_object *o)
{
	struct view type, id;

	if (o->v != NULL) {
		type = indicator_doc_view(x->doc, o->v, "type");
	} else {
		type = json_stream_text(o->raw, VIEW_LIT("type"));
	}
	if (!view_eq(type, VIEW_LIT("indicator"))) {
		if (o->v == NULL && type.p == NULL && o->raw.p[0] == '{') {
			indicator_reading_refuse(
				x->r, 0, NULL, "at byte %llu: %s",
				(unsigned long long)o->offset, o->why);
		} else {
			x->r->report->others++;
		}
	} else if (o->v == NULL) {
		id = json_stream_text(o->raw, VIEW_LIT("id"));
		indicator_reading_refuse(
			x->r, 0,
			indicator_doc_copy(x->doc, id, INDICATOR_ID_CAP),
			"at byte %llu: %s", (unsigned long long)o->offset,
			o->why);
	} else {
		read_indicator(x, o->v);
	}
}

void
indicator_read_stix(struct indicator_doc *doc)
{
	struct stix x = { .doc = doc, .r = doc->r };
	uint64_t start, n = 0;
	struct indicator_object o;
	enum err e;

	json_stream_peek(&doc->s);
	start = block_read_offset(doc->s.in);
	e = stix_index_build(&x.index, doc);
	if (e != ERR_OK) {
		indicator_reading_stop(
			doc->r, e,
			e == ERR_LIMIT ? "more indicators than one file may "
					 "have: 4194304; split it"
				       : "its markings cannot be kept");
		stix_index_fini(&x.index);
		return;
	}
	/* Where the text went wrong it will again, behind what was whole. */
	json_stream_seek(&doc->s, start);
	if (json_stream_enter(&doc->s, '[')) {
		while (json_stream_item(&doc->s, &n) &&
		       indicator_doc_object(doc, &o)) {
			read_object(&x, &o);
		}
	}
	stix_index_fini(&x.index);
}
