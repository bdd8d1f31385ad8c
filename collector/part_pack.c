/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/part_pack.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/part_pack_state.h"
#include "collector/store_line.h"

/* Open addressing: twice as many places as there may be subjects. */
#define SLOTS (2 * PART_PACK_SUBJECTS)
/* The longest that a subject, with the name before it and the alert behind it,
 * may be. */
#define LONGEST \
	((size_t)(PART_PACK_TEXTS + ALERT_MAX_IDS) * \
		 (PART_PACK_TEXT + STORE_VARINT_MAX) + \
	 PART_PACK_VALUE + 1024)
#define CAP (PART_PACK_BYTES + LONGEST)

struct subject {
	uint64_t hash;
	uint32_t at, len; /* its bytes in the record */
};

struct part_pack {
	uint64_t secret; /* nobody can make subjects fall on one place */
	size_t len;
	unsigned n_names, n_subjects, n_alerts, n;
	uint64_t last_us;
	int64_t last_id;
	struct subject subjects[PART_PACK_SUBJECTS];
	uint16_t slots[SLOTS]; /* index + 1; 0 is free */
	char names[PART_PACK_NAMES][2][64];
	uint8_t scratch[LONGEST]; /* a subject, while it is compared */
	uint8_t bytes[CAP];
};
STATIC_ASSERT(CAP <= (size_t)1 << 20, "FRAME_MAX_RAW");
STATIC_ASSERT(LONGEST > PART_PACK_LINE + 1024, "room for a line");

struct part_pack *
part_pack_new(void)
{
	struct part_pack *p = malloc(sizeof(*p));

	if (p != NULL &&
	    getrandom(&p->secret, sizeof(p->secret), 0) != sizeof(p->secret)) {
		free(p);
		return NULL;
	}
	if (p != NULL) {
		part_pack_reset(p);
	}
	return p;
}

void
part_pack_free(struct part_pack *p)
{
	free(p);
}

void
part_pack_reset(struct part_pack *p)
{
	memset(p->slots, 0, sizeof(p->slots));
	p->len = 0;
	p->n_names = p->n_subjects = p->n_alerts = p->n = 0;
	p->last_us = 0;
	p->last_id = 0;
}

struct view
part_pack_bytes(const struct part_pack *p)
{
	return view_of(p->bytes, p->len);
}

unsigned
part_pack_alerts(const struct part_pack *p)
{
	return p->n_alerts;
}

unsigned
part_pack_subjects(const struct part_pack *p)
{
	return p->n_subjects;
}

unsigned
part_pack_len(const struct part_pack *p)
{
	return p->n;
}

/* --- bytes --- */

static uint8_t *
put_text(uint8_t *out, struct view v, size_t max)
{
	v.len = MIN(v.len, max);
	out += store_varint_put(out, v.len);
	if (v.len > 0) {
		memcpy(out, v.p, v.len);
	}
	return out + v.len;
}

static uint8_t *
put(uint8_t *out, uint64_t v)
{
	return out + store_varint_put(out, v);
}

static uint8_t *
put_be32(uint8_t *out, uint32_t v)
{
	store_be32(out, v);
	return out + sizeof(v);
}

static uint8_t
subject_flags(const struct alert *a)
{
	const struct view warning = VIEW_LIT(INDICATOR_WARNING_SOURCE);

	return (uint8_t)((a->has_addrs ? SUBJECT_ADDRS : 0) |
			 (a->has_indicator ? SUBJECT_INDICATOR : 0) |
			 (view_eq(a->indicator.source, warning)
				  ? SUBJECT_WARNING
				  : 0) |
			 (a->indicator.subdomains ? SUBJECT_SUBDOMAINS : 0));
}

/* How many bytes of 'scratch' say what 'a' has in common with others. */
static size_t
write_subject(struct part_pack *p, const struct alert *a)
{
	struct view *texts[PART_PACK_TEXTS];
	struct alert said = *a;
	unsigned n = part_pack_texts(&said, texts);
	uint8_t *out = p->scratch;

	if (a->exercise.len == 0) {
		said.signature = VIEW_NONE;
	}
	if (!a->has_indicator) {
		said.indicator = (struct alert_indicator){ .confidence = 0 };
	}
	*out++ = PIECE_SUBJECT;
	*out++ = subject_flags(&said);
	*out++ = a->severity;
	*out++ = said.indicator.confidence;
	out = put(out, a->gid);
	out = put(out, a->sid);
	if (a->has_addrs) {
		memcpy(out, a->src.b, sizeof(a->src.b));
		out += sizeof(a->src.b);
		memcpy(out, a->dst.b, sizeof(a->dst.b));
		out += sizeof(a->dst.b);
	}
	for (unsigned i = 0; i < n; i++) {
		out = put_text(out, *texts[i], part_pack_most(texts[i], &said));
	}
	*out++ = (uint8_t)MIN(a->n_tactics, (unsigned)ALERT_MAX_IDS);
	for (unsigned i = 0; i < a->n_tactics && i < ALERT_MAX_IDS; i++) {
		out = put_text(out, a->tactics[i], PART_PACK_TEXT);
	}
	return (size_t)(out - p->scratch);
}

/* The number of what 'a' says; false when there is no room for it. */
static bool
subject_of(struct part_pack *p, const struct alert *a, uint32_t *out)
{
	size_t len = write_subject(p, a);
	uint64_t h = XXH3_64bits_withSeed(p->scratch, len, p->secret);
	unsigned slot = (unsigned)(h % SLOTS);
	struct subject *s;

	for (; p->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		*out = p->slots[slot] - 1U;
		s = &p->subjects[*out];
		if (s->hash == h && s->len == len &&
		    memcmp(p->bytes + s->at, p->scratch, len) == 0) {
			return true;
		}
	}
	if (p->n_subjects == PART_PACK_SUBJECTS) {
		return false;
	}
	*out = p->n_subjects++;
	p->slots[slot] = (uint16_t)p->n_subjects;
	p->subjects[*out] =
		(struct subject){ h, (uint32_t)p->len, (uint32_t)len };
	memcpy(p->bytes + p->len, p->scratch, len);
	p->len += len;
	return true;
}

/* The number of a sensor: those of one batch come one after the other. */
static bool
name_of(struct part_pack *p, const char *site, const char *sensor,
	uint32_t *out)
{
	uint8_t *to;

	for (unsigned i = p->n_names; i-- > 0;) {
		if (strcmp(p->names[i][0], site) == 0 &&
		    strcmp(p->names[i][1], sensor) == 0) {
			*out = i;
			return true;
		}
	}
	if (p->n_names == PART_PACK_NAMES) {
		return false;
	}
	*out = p->n_names++;
	/* ingest.c lets no longer names in. */
	assert(strlen(site) < sizeof(p->names[0][0]) &&
	       strlen(sensor) < sizeof(p->names[0][1]));
	strcpy(p->names[*out][0], site);
	strcpy(p->names[*out][1], sensor);
	to = p->bytes + p->len;
	*to++ = PIECE_NAME;
	to = put_text(to, view_cstr(site), PART_PACK_TEXT);
	to = put_text(to, view_cstr(sensor), PART_PACK_TEXT);
	p->len = (size_t)(to - p->bytes);
	return true;
}

/* The first byte of a record is its version. */
static bool
make_room(struct part_pack *p)
{
	if (p->len == 0) {
		p->bytes[p->len++] = PART_PACK_VERSION;
	}
	return p->len < PART_PACK_BYTES;
}

static uint8_t *
put_time(struct part_pack *p, uint8_t *to, uint64_t us)
{
	to = put(to, part_zigzag((int64_t)(us - p->last_us)));
	p->last_us = us;
	return to;
}

static uint8_t *
put_trace(uint8_t *to, const struct trace *t)
{
	if (t->has_isn[0]) {
		to = put_be32(to, t->isn[0]);
	}
	if (t->has_isn[1]) {
		to = put_be32(to, t->isn[1]);
	}
	if (t->content != 0) {
		to = put_be32(to, (uint32_t)(t->content >> 32));
		to = put_be32(to, (uint32_t)t->content);
	}
	if (t->ip_id != 0) {
		store_be16(to, t->ip_id);
		to += sizeof(t->ip_id);
	}
	return to;
}

bool
part_pack_alert(struct part_pack *p, const char *site, const char *sensor,
		int64_t id, const struct alert *a)
{
	const struct trace *t = &a->trace;
	uint32_t name, subject;
	uint8_t *to;

	if (!make_room(p) || !name_of(p, site, sensor, &name) ||
	    !subject_of(p, a, &subject)) {
		return false;
	}
	to = p->bytes + p->len;
	*to++ = PIECE_ALERT;
	*to++ = (uint8_t)((t->has_isn[0] ? SIGHT_CLIENT : 0) |
			  (t->has_isn[1] ? SIGHT_SERVER : 0) |
			  (t->content != 0 ? SIGHT_CONTENT : 0) |
			  (t->ip_id != 0 ? SIGHT_IP_ID : 0) |
			  (a->has_past ? SIGHT_PAST : 0) |
			  (a->has_past && a->past_hosts != 0 ? SIGHT_HOSTS
							     : 0));
	to = put(to, name);
	to = put(to, subject);
	to = put(to, part_zigzag(id - p->last_id));
	p->last_id = id;
	to = put_time(p, to, a->timestamp_us);
	to = put(to, a->src_port);
	to = put(to, a->dst_port);
	to = put_trace(to, t);
	if (a->has_past) {
		to = put(to, a->past_first_us);
		to = put(to, a->past_last_us);
		to = put(to, a->past_count);
		if (a->past_hosts != 0) {
			to = put(to, a->past_hosts);
		}
	}
	p->len = (size_t)(to - p->bytes);
	p->n_alerts++;
	p->n++;
	return true;
}

bool
part_pack_anchor(struct part_pack *p, const char *site, const char *sensor,
		 const struct alert *a)
{
	uint32_t name;
	uint8_t *to;

	if (!a->trace.has_isn[0] || !a->trace.has_isn[1]) {
		return true; /* it compares with nothing */
	}
	if (!make_room(p) || !name_of(p, site, sensor, &name)) {
		return false;
	}
	to = p->bytes + p->len;
	*to++ = PIECE_ANCHOR;
	to = put(to, name);
	to = put_time(p, to, a->timestamp_us);
	to = put(to, a->wait_us);
	to = put_be32(to, a->trace.isn[0]);
	to = put_be32(to, a->trace.isn[1]);
	p->len = (size_t)(to - p->bytes);
	p->n++;
	return true;
}

bool
part_pack_contacts(struct part_pack *p, const char *site, const char *sensor,
		   struct view line)
{
	uint32_t name;
	uint8_t *to;

	assert(line.len <= PART_PACK_LINE);
	if (!make_room(p) || !name_of(p, site, sensor, &name)) {
		return false;
	}
	to = p->bytes + p->len;
	*to++ = PIECE_CONTACTS;
	to = put(to, name);
	to = put(to, line.len);
	if (line.len > 0) {
		memcpy(to, line.p, line.len);
	}
	p->len = (size_t)(to - p->bytes) + line.len;
	p->n++;
	return true;
}
