/* SPDX-License-Identifier: Apache-2.0 */
/* Records of parts, read: every length and number is checked. */
#include "collector/part_pack.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/part.h"
#include "collector/part_pack_state.h"
#include "collector/store_line.h"

#define NAME_CAP 64

struct name {
	char site[NAME_CAP], sensor[NAME_CAP];
};

struct part_unpack {
	struct view raw, left;
	unsigned n_names, n_subjects;
	uint64_t last_us;
	int64_t last_id;
	struct name names[PART_PACK_NAMES];
	struct alert subjects[PART_PACK_SUBJECTS];
};

struct part_unpack *
part_unpack_new(void)
{
	return calloc(1, sizeof(struct part_unpack));
}

void
part_unpack_free(struct part_unpack *u)
{
	free(u);
}

/* --- bytes --- */

static enum err
bad(const struct part_unpack *u, struct diag *d, const char *what)
{
	return diag_set(d, ERR_FORMAT, "byte %zu: %s", u->raw.len - u->left.len,
			what);
}

static bool
take(struct part_unpack *u, size_t len, struct view *out)
{
	if (len > u->left.len) {
		return false;
	}
	*out = view_of(u->left.p, len);
	u->left.p += len;
	u->left.len -= len;
	return true;
}

static bool
take_u8(struct part_unpack *u, uint8_t *out)
{
	struct view v;

	if (!take(u, 1, &v)) {
		return false;
	}
	*out = v.p[0];
	return true;
}

static bool
take_u32(struct part_unpack *u, uint32_t *out)
{
	struct view v;

	if (!take(u, sizeof(*out), &v)) {
		return false;
	}
	*out = load_be32(v.p);
	return true;
}

/* A number of at most 'max'. */
static bool
take_number(struct part_unpack *u, uint64_t max, uint64_t *out)
{
	return store_varint_get(&u->left, out) && *out <= max;
}

static bool
take_text(struct part_unpack *u, size_t max, struct view *out)
{
	uint64_t len;

	return take_number(u, max, &len) && take(u, len, out);
}

static bool
take_addr(struct part_unpack *u, struct addr *out)
{
	struct view v;

	if (!take(u, sizeof(out->b), &v)) {
		return false;
	}
	memcpy(out->b, v.p, sizeof(out->b));
	return true;
}

/* --- pieces --- */

/* As ingest has them: printable, none of "/{}". */
static bool
name_copy(struct view v, char out[NAME_CAP])
{
	if (v.len == 0 || v.len >= NAME_CAP) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] <= ' ' || v.p[i] == 0x7f ||
		    strchr("/{}", v.p[i]) != NULL) {
			return false;
		}
	}
	memcpy(out, v.p, v.len);
	out[v.len] = '\0';
	return true;
}

static enum err
take_name(struct part_unpack *u, struct diag *d)
{
	struct view site, sensor;
	struct name *n;

	if (u->n_names == PART_PACK_NAMES) {
		return bad(u, d, "too many sensors");
	}
	n = &u->names[u->n_names];
	if (!take_text(u, PART_PACK_TEXT, &site) ||
	    !take_text(u, PART_PACK_TEXT, &sensor) ||
	    !name_copy(site, n->site) || !name_copy(sensor, n->sensor)) {
		return bad(u, d, "name of a sensor");
	}
	u->n_names++;
	return ERR_OK;
}

static bool
take_numbers(struct part_unpack *u, struct alert *a, uint8_t *flags)
{
	uint64_t gid, sid;

	if (!take_u8(u, flags) || !take_u8(u, &a->severity) ||
	    !take_u8(u, &a->indicator.confidence) ||
	    !take_number(u, UINT32_MAX, &gid) ||
	    !take_number(u, UINT32_MAX, &sid)) {
		return false;
	}
	a->gid = (uint32_t)gid;
	a->sid = (uint32_t)sid;
	a->has_addrs = (*flags & SUBJECT_ADDRS) != 0;
	a->has_indicator = (*flags & SUBJECT_INDICATOR) != 0;
	a->indicator.subdomains = (*flags & SUBJECT_SUBDOMAINS) != 0;
	if ((*flags & SUBJECT_WARNING) != 0) {
		a->indicator.source = VIEW_LIT(INDICATOR_WARNING_SOURCE);
	}
	return a->indicator.confidence <= 100 && (*flags & ~SUBJECT_FLAGS) == 0;
}

static enum err
take_subject(struct part_unpack *u, struct diag *d)
{
	struct view *texts[PART_PACK_TEXTS];
	struct alert *a;
	uint8_t flags, tactics = 0;
	unsigned n;

	if (u->n_subjects == PART_PACK_SUBJECTS) {
		return bad(u, d, "too many subjects");
	}
	a = &u->subjects[u->n_subjects];
	*a = (struct alert){ .timestamp_us = 0 };
	if (!take_numbers(u, a, &flags) ||
	    (a->has_addrs &&
	     (!take_addr(u, &a->src) || !take_addr(u, &a->dst)))) {
		return bad(u, d, "head of a subject");
	}
	n = part_pack_texts(a, texts);
	for (unsigned i = 0; i < n; i++) {
		if (!take_text(u, part_pack_most(texts[i], a), texts[i])) {
			return bad(u, d, "text of a subject");
		}
	}
	if (!take_u8(u, &tactics) || tactics > ALERT_MAX_IDS) {
		return bad(u, d, "tactics of a subject");
	}
	for (; a->n_tactics < tactics; a->n_tactics++) {
		if (!take_text(u, PART_PACK_TEXT, &a->tactics[a->n_tactics])) {
			return bad(u, d, "tactics of a subject");
		}
	}
	u->n_subjects++;
	return ERR_OK;
}

/* Who, and when; times are those that SQLite's integers can have. */
static bool
take_when(struct part_unpack *u, uint64_t *us)
{
	uint64_t step;

	if (!store_varint_get(&u->left, &step)) {
		return false;
	}
	u->last_us += (uint64_t)part_unzigzag(step);
	*us = u->last_us;
	return u->last_us <= INT64_MAX;
}

static bool
take_trace(struct part_unpack *u, uint8_t flags, struct trace *t)
{
	uint32_t high, low;
	struct view v;

	t->has_isn[0] = (flags & SIGHT_CLIENT) != 0;
	t->has_isn[1] = (flags & SIGHT_SERVER) != 0;
	if ((t->has_isn[0] && !take_u32(u, &t->isn[0])) ||
	    (t->has_isn[1] && !take_u32(u, &t->isn[1]))) {
		return false;
	}
	if ((flags & SIGHT_CONTENT) != 0) {
		if (!take_u32(u, &high) || !take_u32(u, &low)) {
			return false;
		}
		t->content = (uint64_t)high << 32 | low;
	}
	if ((flags & SIGHT_IP_ID) != 0) {
		if (!take(u, sizeof(t->ip_id), &v)) {
			return false;
		}
		t->ip_id = load_be16(v.p);
	}
	return true;
}

static void
name_it(const struct part_unpack *u, struct part_sight *s, uint64_t name)
{
	s->name = (unsigned)name;
	s->site = u->names[name].site;
	s->sensor = u->names[name].sensor;
	s->a.site = view_cstr(s->site);
	s->a.sensor = view_cstr(s->sensor);
}

static enum err
take_alert(struct part_unpack *u, struct part_sight *s, struct diag *d)
{
	const uint64_t top = INT64_MAX;
	uint64_t name, subject, step, src, dst, hosts = 0;
	uint8_t flags;

	if (!take_u8(u, &flags) || flags > SIGHT_FLAGS ||
	    (flags & (SIGHT_HOSTS | SIGHT_PAST)) == SIGHT_HOSTS ||
	    !store_varint_get(&u->left, &name) || name >= u->n_names ||
	    !store_varint_get(&u->left, &subject) || subject >= u->n_subjects ||
	    !store_varint_get(&u->left, &step)) {
		return bad(u, d, "head of an alert");
	}
	u->last_id =
		(int64_t)((uint64_t)u->last_id + (uint64_t)part_unzigzag(step));
	if (u->last_id <= 0 || u->last_id >> PART_ALERT_BITS != 0) {
		return bad(u, d, "number of an alert");
	}
	s->kind = PART_ALERT;
	s->line = VIEW_NONE;
	s->alert = u->last_id;
	s->a = u->subjects[subject];
	name_it(u, s, name);
	if (!take_when(u, &s->a.timestamp_us) ||
	    !take_number(u, UINT16_MAX, &src) ||
	    !take_number(u, UINT16_MAX, &dst) ||
	    !take_trace(u, flags, &s->a.trace)) {
		return bad(u, d, "alert");
	}
	s->a.src_port = (uint16_t)src;
	s->a.dst_port = (uint16_t)dst;
	s->a.has_past = (flags & SIGHT_PAST) != 0;
	/* The ranges are those of a line: sums of counts stay numbers. */
	if (s->a.has_past && (!take_number(u, top, &s->a.past_first_us) ||
			      !take_number(u, top, &s->a.past_last_us) ||
			      s->a.past_first_us > s->a.past_last_us ||
			      !take_number(u, UINT32_MAX, &s->a.past_count) ||
			      ((flags & SIGHT_HOSTS) != 0 &&
			       !take_number(u, UINT32_MAX, &hosts)))) {
		return bad(u, d, "past of an alert");
	}
	s->a.past_hosts = (uint32_t)hosts;
	return ERR_OK;
}

static enum err
take_anchor(struct part_unpack *u, struct part_sight *s, struct diag *d)
{
	uint64_t name;

	*s = (struct part_sight){ .kind = PART_ANCHOR };
	if (!store_varint_get(&u->left, &name) || name >= u->n_names ||
	    !take_when(u, &s->a.timestamp_us) ||
	    !take_number(u, ANCHOR_WAIT_MAX_US, &s->a.wait_us) ||
	    !take_trace(u, SIGHT_CLIENT | SIGHT_SERVER, &s->a.trace)) {
		return bad(u, d, "anchor");
	}
	name_it(u, s, name);
	return ERR_OK;
}

static enum err
take_contacts(struct part_unpack *u, struct part_sight *s, struct diag *d)
{
	uint64_t name, len;

	*s = (struct part_sight){ .kind = PART_CONTACTS };
	if (!store_varint_get(&u->left, &name) || name >= u->n_names ||
	    !take_number(u, PART_PACK_LINE, &len) || !take(u, len, &s->line)) {
		return bad(u, d, "line of contacts");
	}
	name_it(u, s, name);
	return ERR_OK;
}

enum err
part_unpack_open(struct part_unpack *u, struct view raw, struct diag *d)
{
	uint8_t version;

	u->raw = u->left = raw;
	u->n_names = u->n_subjects = 0;
	u->last_us = 0;
	u->last_id = 0;
	return take_u8(u, &version) && version == PART_PACK_VERSION
		       ? ERR_OK
		       : bad(u, d, "version");
}

enum err
part_unpack_next(struct part_unpack *u, struct part_sight *out, struct diag *d)
{
	enum err e = ERR_OK;
	uint8_t piece;

	while (e == ERR_OK && take_u8(u, &piece)) {
		switch (piece) {
		case PIECE_NAME:
			e = take_name(u, d);
			break;
		case PIECE_SUBJECT:
			e = take_subject(u, d);
			break;
		case PIECE_ALERT:
			return take_alert(u, out, d);
		case PIECE_ANCHOR:
			return take_anchor(u, out, d);
		case PIECE_CONTACTS:
			return take_contacts(u, out, d);
		default:
			return bad(u, d, "a piece of no kind");
		}
	}
	return e != ERR_OK ? e : ERR_NOTFOUND;
}
