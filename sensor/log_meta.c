/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_meta.h"

#define TRAFFIC_ID "traffic/id/"
#define TRAFFIC_LABEL "traffic/label/"

#define KEY_MAX 256

/*
 * The writer trusts keys; these come from rules and from packets.  What could
 * end the string or the line becomes '_'.
 */
static const char *
key_of(struct view v, char out[KEY_MAX + 1])
{
	size_t n = 0;

	for (; n < v.len && n < KEY_MAX; n++) {
		uint8_t c = v.p[n];

		out[n] = c > ' ' && c < 0x7f && c != '"' && c != '\\' ? (char)c
								      : '_';
	}
	out[n] = '\0';
	return out;
}

static void
put_note(struct json *j, const struct rule_metadata *m, const struct note *n)
{
	struct view key = note_key(n);
	char text[KEY_MAX + 1];

	if (key.len == 0) {
		key = view_cstr(m->names[n->name]);
	}
	json_str(j, key_of(key, text), note_value(n));
}

static uint32_t
count_notes(const struct notes *l, enum note_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; l != NULL && i < l->n; i++) {
		n += l->v[i].kind == (uint8_t)kind;
	}
	return n;
}

static void
put_notes(struct json *j, const struct rule_metadata *m, const char *title,
	  enum note_kind kind)
{
	if (count_notes(m->notes, kind) == 0) {
		return;
	}
	json_arr(j, title);
	for (uint32_t i = 0; i < m->notes->n; i++) {
		if (m->notes->v[i].kind == (uint8_t)kind) {
			json_obj(j, NULL);
			put_note(j, m, &m->notes->v[i]);
			json_obj_end(j);
		}
	}
	json_arr_end(j);
}

static void
put_entropy(struct json *j, const struct rule_metadata *m)
{
	if (count_notes(m->notes, NOTE_ENTROPY) == 0) {
		return;
	}
	json_obj(j, "entropy");
	for (uint32_t i = 0; i < m->notes->n; i++) {
		const struct note *n = &m->notes->v[i];

		if (n->kind == NOTE_ENTROPY) {
			json_f64_full(j, m->names[n->name], n->number);
		}
	}
	json_obj_end(j);
}

static bool
is_traffic(const char *bit)
{
	return strncmp(bit, TRAFFIC_ID, strlen(TRAFFIC_ID)) == 0 ||
	       strncmp(bit, TRAFFIC_LABEL, strlen(TRAFFIC_LABEL)) == 0;
}

/* The flow's bits of one namespace; those without are for 'key' NULL. */
static void
put_bits(struct json *j, const struct rule_metadata *m, const char *key,
	 const char *prefix)
{
	size_t skip = prefix != NULL ? strlen(prefix) : 0;
	bool open = false;

	for (uint32_t i = 0; i < m->n_bits; i++) {
		const char *name = m->bits[i];
		bool mine = prefix == NULL || strncmp(name, prefix, skip) == 0;

		mine = mine && (prefix != NULL || !is_traffic(name));
		if (!mine) {
			continue;
		}
		if (!open) {
			json_arr(j, key);
			open = true;
		}
		json_cstr(j, NULL, name + skip);
	}
	if (open) {
		json_arr_end(j);
	}
}

static void
put_ints(struct json *j, const struct rule_metadata *m)
{
	char text[KEY_MAX + 1];

	if (m->n_ints == 0) {
		return;
	}
	json_obj(j, "flowints");
	for (uint32_t i = 0; i < m->n_ints; i++) {
		json_u64(j, key_of(view_cstr(m->ints[i].name), text),
			 m->ints[i].value);
	}
	json_obj_end(j);
}

void
log_meta(struct json *j, const struct rule_metadata *m, bool has_packet)
{
	uint32_t n_traffic = 0;
	bool any = m->n_ints > 0 || count_notes(m->notes, NOTE_FLOW) > 0 ||
		   count_notes(m->notes, NOTE_ENTROPY) > 0 ||
		   (has_packet && count_notes(m->notes, NOTE_PKT) > 0);

	for (uint32_t i = 0; i < m->n_bits; i++) {
		n_traffic += is_traffic(m->bits[i]);
	}
	if (any || n_traffic < m->n_bits) {
		json_obj(j, "metadata");
		put_bits(j, m, "flowbits", NULL);
		put_ints(j, m);
		if (has_packet) {
			put_notes(j, m, "pktvars", NOTE_PKT);
		}
		put_notes(j, m, "flowvars", NOTE_FLOW);
		put_entropy(j, m);
		json_obj_end(j);
	}
	if (n_traffic > 0) {
		json_obj(j, "traffic");
		put_bits(j, m, "id", TRAFFIC_ID);
		put_bits(j, m, "label", TRAFFIC_LABEL);
		json_obj_end(j);
	}
}

void
log_context(struct json *j, const struct rule_metadata *m,
	    const struct rule_hit *hit)
{
	uint8_t n_notes = m != NULL ? hit->n_notes : 0;

	if (n_notes == 0 && hit->n_data == 0) {
		return;
	}
	json_obj(j, "context");
	for (uint8_t i = 0; i < n_notes; i++) {
		put_note(j, m, &hit->notes[i]);
	}
	/* JSON that datasets hold beside the values that were met */
	for (uint8_t i = 0; i < hit->n_data; i++) {
		json_raw(j, hit->data[i].key, view_cstr(hit->data[i].json));
	}
	json_obj_end(j);
}
