/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 (OASIS, 10 June 2021): markings, section 7.2; versions, 3.6. */
#include "common/indicator_stix_index.h"

#include <stdlib.h>

/* Markings of fixed identity: STIX 2.1 section 7.2.1.4, and TLP 2.0's. */
static const struct {
	const char *id;
	struct stix_mark m;
} known_markings[] = {
#define KNOWN(uuid, t) \
	{ \
		"marking-definition--" uuid, \
		{ \
			true, \
			{ \
				.tlp = (t) \
			} \
		} \
	}
	KNOWN("94868c89-83c2-464b-929b-a1a8aa3c8487", TLP_CLEAR),
	KNOWN("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP_GREEN),
	KNOWN("55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP_AMBER),
	KNOWN("939a9414-2ddd-4d32-a0cd-375ea402b003", TLP_AMBER_STRICT),
	KNOWN("e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED),
	KNOWN("613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR),
	KNOWN("34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN),
	KNOWN("f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER),
	KNOWN("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED),
#undef KNOWN
};
#define TLP2_EXTENSION \
	"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

bool
stix_releasable(const struct indicator_doc *doc, const struct json_value *o,
		struct marking *m, bool *stated)
{
	const struct json_value *list =
		json_member(&doc->json, o, VIEW_LIT("x_picket_releasable_to"));
	struct marking named = { .tlp = TLP_CLEAR, .limited = true };
	const struct json_value *v;
	bool ok = true;

	*stated = list != NULL;
	if (list == NULL) {
		return true;
	}
	if (list->type != JSON_ARRAY) {
		ok = false;
	} else {
		for (v = json_first(&doc->json, list); v != NULL;
		     v = json_next(&doc->json, list, v)) {
			ok = ok && v->type == JSON_STRING &&
			     marking_release_to(&named, v->text) == ERR_OK;
		}
	}
	if (!ok) { /* whom a broken list meant nobody knows */
		named.n_names = 0;
	}
	marking_join(m, &named);
	return ok;
}

/* The word of member 'key' as TLP; joins it to 'm'. */
static bool
take_tlp(const struct indicator_doc *doc, const struct json_value *o,
	 const char *key, struct stix_mark *m)
{
	struct view word = indicator_doc_view(doc, o, key);
	enum tlp t;

	if (word.p == NULL) {
		return true;
	}
	if (!tlp_read(word, &t)) {
		return false;
	}
	m->restricts = true;
	m->mark.tlp = MAX(m->mark.tlp, t);
	return true;
}

/* False: what it asks for is not known. */
static bool
understand(const struct indicator_doc *doc, const struct json_value *o,
	   struct stix_mark *m)
{
	const struct json_reader *j = &doc->json;
	const struct json_value *ext =
		json_member(j, json_member(j, o, VIEW_LIT("extensions")),
			    VIEW_LIT(TLP2_EXTENSION));
	const struct json_value *def =
		json_member(j, o, VIEW_LIT("definition"));
	bool stated;

	*m = (struct stix_mark){ .mark = MARKING_CLEAR };
	if (!take_tlp(doc, ext, "tlp_2_0", m) ||
	    !take_tlp(doc, def, "tlp", m) ||
	    !stix_releasable(doc, o, &m->mark, &stated)) {
		return false;
	}
	m->restricts |= stated;
	return m->restricts ||
	       view_eq(indicator_doc_view(doc, o, "definition_type"),
		       VIEW_LIT("statement"));
}

/* Doubles what 'p' points to when 'n' elements fill it, up to 'max'. */
static enum err
more_room(void *p, size_t n, size_t *cap, size_t size, size_t max)
{
	void **array = p;
	size_t want = MIN(max, MAX(64, *cap * 2));
	void *bigger;

	if (n < *cap) {
		return ERR_OK;
	}
	if (n == max) {
		return ERR_LIMIT;
	}
	bigger = realloc(*array, want * size);
	if (bigger == NULL) {
		return ERR_NOMEM;
	}
	*array = bigger;
	*cap = want;
	return ERR_OK;
}

/* Of a marking that comes twice both hold; one not understood is strictest. */
static enum err
add_marking(struct stix_index *x, const struct indicator_doc *doc,
	    const struct json_value *o, struct view id)
{
	struct stix_mark m;
	uint64_t *at = NULL;
	bool known;
	enum err e = more_room(&x->marks, x->n_marks, &x->cap_marks,
			       sizeof(*x->marks), STIX_MAX_MARKINGS);

	if (!understand(doc, o, &m)) {
		m = (struct stix_mark){ true, indicator_mark_strictest() };
	}
	if (e == ERR_OK) {
		e = id_map_put(&x->mark_at, id, &known, &at);
	}
	if (e != ERR_OK) {
		return e == ERR_LIMIT ? ERR_OK : e;
	}
	if (known) {
		x->marks[*at].restricts |= m.restricts;
		marking_join(&x->marks[*at].mark, &m.mark);
		return ERR_OK;
	}
	*at = x->n_marks;
	x->marks[x->n_marks++] = m;
	return ERR_OK;
}

static enum err
add_name(struct stix_index *x, struct indicator_doc *doc,
	 const struct json_value *o, struct view id)
{
	const char *name = indicator_doc_text(doc, o, "name", STIX_NAME_CAP);
	uint64_t *at = NULL;
	bool known;
	enum err e = more_room(&x->names, x->n_names, &x->cap_names,
			       sizeof(*x->names), STIX_MAX_NAMES);

	if (e == ERR_OK) {
		e = id_map_put(&x->name_at, id, &known, &at);
	}
	if (e != ERR_OK || known) {
		return e == ERR_LIMIT ? ERR_OK : e;
	}
	*at = x->n_names++;
	memcpy(x->names[*at], name, strlen(name) + 1);
	return ERR_OK;
}

/* The number of an id is its newest time of modification twice, plus 1 once
 * that version was handed over. */
static enum err
add_version(struct stix_index *x, const struct indicator_doc *doc,
	    const struct json_value *o, struct view id)
{
	uint64_t modified = 0, *newest = NULL;
	bool known;
	enum err e = id_map_put(&x->seen, id, &known, NULL);

	if (e != ERR_OK || !known) {
		return e;
	}
	if (!indicator_doc_time(doc, o, "modified", &modified)) {
		modified = 0;
	}
	e = id_map_put(&x->versions, id, &known, &newest);
	if (e == ERR_OK) {
		*newest = MAX(*newest, modified << 1);
	}
	return e;
}

static enum err
add_object(struct stix_index *x, struct indicator_doc *doc,
	   const struct json_value *o)
{
	struct view type = indicator_doc_view(doc, o, "type");
	struct view id = indicator_doc_view(doc, o, "id");

	if (id.len == 0) {
		return ERR_OK;
	}
	if (view_eq(type, VIEW_LIT("indicator"))) {
		return add_version(x, doc, o, id);
	}
	if (view_eq(type, VIEW_LIT("marking-definition"))) {
		return add_marking(x, doc, o, id);
	}
	if (view_eq(type, VIEW_LIT("identity"))) {
		return add_name(x, doc, o, id);
	}
	return ERR_OK;
}

enum err
stix_index_build(struct stix_index *x, struct indicator_doc *doc)
{
	struct indicator_object o;
	uint64_t n = 0;
	enum err e;

	*x = (struct stix_index){ 0 };
	e = id_map_init(&x->seen, false, STIX_MAX_INDICATORS);
	if (e == ERR_OK) {
		e = id_map_init(&x->versions, true, STIX_MAX_VERSIONED);
	}
	if (e == ERR_OK) {
		e = id_map_init(&x->mark_at, true, STIX_MAX_MARKINGS);
	}
	if (e == ERR_OK) {
		e = id_map_init(&x->name_at, true, STIX_MAX_NAMES);
	}
	if (!json_stream_enter(&doc->s, '[')) {
		return e;
	}
	while (e == ERR_OK && json_stream_item(&doc->s, &n) &&
	       indicator_doc_object(doc, &o)) {
		if (o.v != NULL) {
			e = add_object(x, doc, o.v);
		}
	}
	return e != ERR_OK ? e : doc->r->stop;
}

void
stix_index_fini(struct stix_index *x)
{
	id_map_fini(&x->seen);
	id_map_fini(&x->versions);
	id_map_fini(&x->mark_at);
	id_map_fini(&x->name_at);
	free(x->marks);
	free(x->names);
}

bool
stix_index_newest(struct stix_index *x, struct view id, uint64_t modified_us)
{
	uint64_t *newest = id_map_get(&x->versions, id);
	uint64_t mine = modified_us << 1;

	if (newest == NULL) {
		return true;
	}
	/* The first of them was not there when it came. */
	if (mine > (*newest | 1)) {
		*newest = mine;
	}
	if (*newest != mine) {
		return false;
	}
	*newest |= 1;
	return true;
}

const struct stix_mark *
stix_index_mark(const struct stix_index *x, struct view id)
{
	const uint64_t *at;

	for (size_t i = 0; i < ARRAY_LEN(known_markings); i++) {
		if (view_eq(id, view_cstr(known_markings[i].id))) {
			return &known_markings[i].m;
		}
	}
	at = id_map_get(&x->mark_at, id);
	return at != NULL ? &x->marks[*at] : NULL;
}

const char *
stix_index_name(const struct stix_index *x, struct view id)
{
	const uint64_t *at = id_map_get(&x->name_at, id);

	return at != NULL ? x->names[*at] : "";
}
