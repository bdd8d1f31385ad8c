/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 (OASIS, 10 June 2021): bundles, section 8; indicators, 4.7. */
#include "common/clock.h"
#include "common/indicator_reading.h"
#include "common/indicator_terms.h"

/* Markings of fixed identity: STIX 2.1 section 7.2.1.4, and TLP 2.0's. */
static const struct {
	const char *id;
	enum tlp tlp;
} known_markings[] = {
	{ "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	  TLP_CLEAR },
	{ "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	  TLP_GREEN },
	{ "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	  TLP_AMBER },
	{ "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	  TLP_AMBER_STRICT },
	{ "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED },
	{ "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
	  TLP_CLEAR },
	{ "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
	  TLP_GREEN },
	{ "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
	  TLP_AMBER },
	{ "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED },
};
#define TLP2_EXTENSION \
	"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

struct stix {
	struct indicator_reading *r;
	json_t *newest; /* id to its latest version, borrowed objects */
	struct indicator note; /* of the indicator at hand */
};

/* Of several versions of an object the last modified speaks (3.6). */
static bool
index_objects(struct stix *x, const json_t *objects)
{
	const json_t *o;
	size_t i;

	x->newest = json_object();
	json_array_foreach(objects, i, o)
	{
		const char *id = ioc_json_text(o, "id");
		const json_t *old = json_object_get(x->newest, id);

		if (id[0] == '\0' ||
		    (old != NULL && strcmp(ioc_json_text(old, "modified"),
					   ioc_json_text(o, "modified")) > 0)) {
			continue;
		}
		if (json_object_set(x->newest, id, (json_t *)o) != 0) {
			return false;
		}
	}
	return x->newest != NULL;
}

/* Nobody may see what an unknown marking protects. */
static enum tlp
marking_tlp(const struct stix *x, const char *id)
{
	const json_t *o = json_object_get(x->newest, id);
	const json_t *v2, *v1;
	enum tlp t;

	for (size_t i = 0; i < ARRAY_LEN(known_markings); i++) {
		if (strcmp(id, known_markings[i].id) == 0) {
			return known_markings[i].tlp;
		}
	}
	v2 = json_object_get(json_object_get(o, "extensions"), TLP2_EXTENSION);
	v1 = json_object_get(o, "definition");
	if (tlp_read(view_cstr(ioc_json_text(v2, "tlp_2_0")), &t) ||
	    tlp_read(view_cstr(ioc_json_text(v1, "tlp")), &t)) {
		return t;
	}
	return TLP_RED;
}

static void
take_markings(struct stix *x, const json_t *o)
{
	const json_t *refs = json_object_get(o, "object_marking_refs"), *ref;
	size_t i;

	json_array_foreach(refs, i, ref)
	{
		const char *id = json_string_value(ref);

		if (id != NULL) {
			indicator_mark(&x->note, marking_tlp(x, id));
		}
	}
}

/* Phases of ATT&CK's kill chains, and "severity:high" among the labels. */
static void
take_phases_and_labels(struct stix *x, const json_t *o)
{
	const json_t *list = json_object_get(o, "kill_chain_phases"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *chain = ioc_json_text(item, "kill_chain_name");

		if (strncmp(chain, "mitre-", 6) == 0 &&
		    x->note.tactic[0] == '\0') {
			const char *tactic = indicator_tactic(
				view_cstr(ioc_json_text(item, "phase_name")));

			x->note.tactic = tactic != NULL ? tactic : "";
		}
	}
	list = json_object_get(o, "labels");
	json_array_foreach(list, i, item)
	{
		const char *label = json_string_value(item);

		if (label != NULL && strncmp(label, "severity:", 9) == 0) {
			uint8_t sev = indicator_severity(view_cstr(label + 9));

			x->note.severity = MAX(sev, 1);
		}
	}
}

static const char *
source_of(const struct stix *x, const json_t *o)
{
	const json_t *by =
		json_object_get(x->newest, ioc_json_text(o, "created_by_ref"));
	const char *name = ioc_json_text(by, "name");

	return name;
}

static bool
take_dates(struct stix *x, const json_t *o)
{
	const struct {
		const char *key;
		uint64_t *to;
	} dates[] = { { "valid_from", &x->note.valid_from_us },
		      { "valid_until", &x->note.valid_until_us } };

	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		const char *text = ioc_json_text(o, dates[i].key);

		if (json_object_get(o, dates[i].key) != NULL &&
		    !clock_parse_iso(view_cstr(text), dates[i].to)) {
			indicator_reading_refuse(x->r, 0, x->note.id,
						 "%s '%.40s' is no timestamp",
						 dates[i].key, text);
			return false;
		}
	}
	return true;
}

static void
on_term(void *arg, const struct indicator_term *t)
{
	struct stix *x = arg;

	if (t->refusal[0] != '\0') {
		indicator_reading_refuse(x->r, 0, x->note.id, "%s", t->refusal);
		return;
	}
	x->note.kind = t->kind;
	indicator_reading_add(x->r, 0, &x->note, view_of(t->value, t->len));
}

/* NULL, or why the object is passed over whatever its pattern says. */
static const char *
passed_over(const struct stix *x, const json_t *o)
{
	const json_t *last = json_object_get(x->newest, x->note.id);

	if (x->note.id[0] == '\0') {
		return "an indicator without id";
	}
	if (last != o) {
		return "a later version of it is in the same file";
	}
	return NULL;
}

static void
read_indicator(struct stix *x, const json_t *o)
{
	const char *lang = ioc_json_text(o, "pattern_type"), *why;
	struct diag d;

	x->note = indicator_blank(x->r);
	x->note.id = ioc_json_text(o, "id");
	why = passed_over(x, o);
	if (why != NULL) {
		indicator_reading_refuse(x->r, 0, x->note.id, "%s", why);
		return;
	}
	/* STIX 2.0 knew no other language and had no such property. */
	if (lang[0] != '\0' && strcmp(lang, "stix") != 0) {
		indicator_reading_refuse(
			x->r, 0, x->note.id,
			"pattern_type '%.40s' is not supported", lang);
		return;
	}
	x->note.created_by = source_of(x, o);
	x->note.description = ioc_json_text(o, "name");
	if (x->note.description[0] == '\0') {
		x->note.description = ioc_json_text(o, "description");
	}
	x->note.revoked = json_is_true(json_object_get(o, "revoked"));
	take_markings(x, o);
	take_phases_and_labels(x, o);
	if (!take_dates(x, o)) {
		return;
	}
	if (indicator_terms_each(view_cstr(ioc_json_text(o, "pattern")),
				 on_term, x, &d) != ERR_OK) {
		indicator_reading_refuse(x->r, 0, x->note.id, "%s", d.msg);
	}
}

void
indicator_read_stix(struct indicator_reading *r, const json_t *bundle)
{
	const json_t *objects = json_object_get(bundle, "objects"), *o;
	struct stix x = { .r = r };
	size_t i;

	if (!index_objects(&x, objects)) {
		r->stop =
			diag_set(r->d, ERR_NOMEM, "%s: out of memory", r->file);
	}
	json_array_foreach(objects, i, o)
	{
		if (r->stop != ERR_OK) {
			break;
		}
		if (strcmp(ioc_json_text(o, "type"), "indicator") == 0) {
			read_indicator(&x, o);
		}
	}
	json_decref(x.newest);
}
