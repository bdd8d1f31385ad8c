/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_live.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_live_reader.h"

STATIC_ASSERT((int)IOC_USER_AGENT == (int)INDICATOR_USER_AGENT &&
		      (int)IOC_IP == (int)INDICATOR_IP,
	      "one number for a type and an indicator's kind");

struct ioc_live *
ioc_live_new(void)
{
	struct ioc_live *l =
		aligned_alloc(_Alignof(struct ioc_live), sizeof(*l));

	if (l != NULL) {
		memset(l, 0, sizeof(*l));
		atomic_init(&l->epoch, 1);
		atomic_init(&l->memory, sizeof(*l));
		if (keyhash_init(&l->key) != ERR_OK) {
			free(l);
			return NULL;
		}
	}
	return l;
}

void
ioc_live_free(struct ioc_live *l)
{
	if (l == NULL) {
		return;
	}
	ioc_live_reclaim(l);
	for (unsigned i = 0; i < IOC_LIVE_SHARDS; i++) {
		free(l->shard[i].t);
	}
	live_notes_fini(l);
	free(l->retired);
	free(l);
}

static unsigned
labels_of(const char *domain)
{
	unsigned n = 1;

	for (; *domain != '\0'; domain++) {
		n += *domain == '.';
	}
	return n;
}

static uint64_t
hash_domain(const struct ioc_live *l, const char *value)
{
	struct view left = view_cstr(value);
	uint64_t hash = 0;

	while (left.len > 0) {
		hash = ioc_hash_label(&l->key, hash,
				      ioc_last_label(left, &left));
	}
	return hash;
}

bool
live_hash(const struct ioc_live *l, enum ioc_type type, const char *value,
	  uint64_t *out)
{
	struct cidr net;

	switch (type) {
	case IOC_IP:
		if (!cidr_parse(view_cstr(value), &net)) {
			return false;
		}
		*out = live_hash_net(l, &net);
		return true;
	case IOC_DOMAIN:
		*out = hash_domain(l, value);
		return true;
	default:
		*out = live_hash_text(l, type, view_cstr(value));
		return true;
	}
}

static void
count_length(struct ioc_live *l, unsigned bits, int by)
{
	uint64_t bit = UINT64_C(1) << (bits % 64);

	l->bits[bits] += (uint32_t)by;
	if (l->bits[bits] > 0) {
		atomic_fetch_or_explicit(&l->lengths[bits / 64], bit,
					 memory_order_relaxed);
	} else {
		atomic_fetch_and_explicit(&l->lengths[bits / 64], ~bit,
					  memory_order_relaxed);
	}
}

/* One more or, with -1, one less of what look-ups ask first. */
static void
count(struct ioc_live *l, enum ioc_type type, const char *value, int by)
{
	struct cidr net;

	atomic_fetch_add_explicit(&l->count[type], (uint32_t)by,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&l->n, (uint64_t)(int64_t)by,
				  memory_order_relaxed);
	if (type == IOC_DOMAIN) {
		unsigned n = labels_of(value);

		n = MIN(n, (unsigned)ARRAY_LEN(l->labels) - 1);
		atomic_fetch_add_explicit(&l->labels[n], (uint32_t)by,
					  memory_order_relaxed);
	} else if (type == IOC_IP && cidr_parse(view_cstr(value), &net)) {
		count_length(l, net.bits, by);
	}
}

static const uint8_t *
find(const struct live_table *t, enum ioc_type type, const char *value,
     uint64_t hash, uint32_t *at)
{
	uint32_t pos = t != NULL ? live_first(t, hash) : 0;
	const uint8_t *rec = NULL;

	while (t != NULL && (rec = live_next(t, hash, &pos, at)) != NULL) {
		struct live_rec r;

		live_read(rec, &r);
		if (live_type(live_head(rec)) == type &&
		    strcmp(r.value, value) == 0) {
			return rec;
		}
	}
	return NULL;
}

static size_t
write_record(const struct indicator *i, enum ioc_type type, const char *value,
	     uint32_t note, uint8_t out[REC_MAX])
{
	uint32_t head = note | REC_TURN | (uint32_t)type << REC_TYPE_SHIFT;
	size_t at = 4, len = strlen(value) + 1,
	       id = strnlen(i->id, INDICATOR_ID_CAP - 1);

	if (i->valid_from_us != 0) {
		head |= REC_FROM;
		memcpy(out + at, &i->valid_from_us, 8);
		at += 8;
	}
	if (i->valid_until_us != 0) {
		head |= REC_UNTIL;
		memcpy(out + at, &i->valid_until_us, 8);
		at += 8;
	}
	memcpy(out + at, value, len);
	at += len;
	if (id > 0) {
		head |= REC_ID;
		memcpy(out + at, i->id, id);
		out[at + id] = 0;
		at += id + 1;
	}
	memcpy(out, &head, 4);
	for (; at % 4 != 0; at++) {
		out[at] = 0;
	}
	return at;
}

/* What is the same already takes part in the sweep, and that is all. */
static bool
is_there(uint8_t *rec, const uint8_t *want, size_t size)
{
	uint32_t head = live_head(rec), new_head;
	struct live_rec r;

	memcpy(&new_head, want, 4);
	live_read(rec, &r);
	if (r.size != size || ((head ^ new_head) & ~REC_TURN) != 0 ||
	    memcmp(rec + 4, want + 4, size - 4) != 0) {
		return false;
	}
	__atomic_store_n((uint32_t *)rec, head | REC_TURN, __ATOMIC_RELAXED);
	return true;
}

static enum err
place(struct ioc_live *l, const struct indicator *i, const char *value,
      uint64_t hash, const struct live_note *note)
{
	struct live_shard *s = &l->shard[live_shard_of(hash)];
	enum ioc_type type = (enum ioc_type)i->kind;
	uint8_t rec[REC_MAX];
	size_t size = write_record(i, type, value, note->number, rec);
	uint32_t at = 0, former = 0;
	const uint8_t *old = find(s->t, type, value, hash, &at);
	enum err e;

	if (old != NULL && is_there((uint8_t *)old, rec, size)) {
		live_note_put(l, note->number);
		return ERR_OK;
	}
	e = live_table_room(l, s, size);
	if (e != ERR_OK) {
		live_note_put(l, note->number);
		return e;
	}
	l->changes++;
	old = find(s->t, type, value, hash, &at);
	if (old != NULL) {
		former = live_head(old) & REC_NOTE;
		live_table_replace(s, at, rec, size);
		live_note_put(l, former);
	} else {
		live_table_put(s, hash, rec, size);
		count(l, type, value, 1);
	}
	return ERR_OK;
}

static enum err
canon(enum indicator_kind kind, bool exact, const char *value,
      char out[INDICATOR_VALUE_CAP], struct diag *d)
{
	size_t len;
	enum err e;

	/* A pattern is a program, which a look-up by hash does not run. */
	if ((unsigned)kind >= IOC_TYPE_COUNT || kind == INDICATOR_PATTERN) {
		return diag_set(d, ERR_USAGE,
				"%s: not looked for by this sensor",
				indicator_kind_name(kind));
	}
	e = indicator_value_canon(kind, exact, view_cstr(value), out, &len, d);
	if (e == ERR_OK) {
		out[len] = '\0';
	}
	return e;
}

enum err
ioc_live_arm(struct ioc_live *l, const struct indicator *i, struct diag *d)
{
	char value[INDICATOR_VALUE_CAP];
	struct live_note *note;
	uint64_t hash;
	enum err e = canon(i->kind, i->exact, i->value, value, d);

	if (e == ERR_OK && (l->skip >> i->kind & 1) != 0) {
		e = diag_set(d, ERR_USAGE, "%s: not looked for, by a setting",
			     indicator_kind_name(i->kind));
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!live_hash(l, (enum ioc_type)i->kind, value, &hash)) {
		return diag_set(d, ERR_FORMAT, "%.80s: no value", value);
	}
	note = live_note_get(l, i);
	e = note != NULL ? place(l, i, value, hash, note) : ERR_NOMEM;
	ioc_live_reclaim(l);
	return e == ERR_OK ? e : diag_set(d, e, "no memory for indicators");
}

void
ioc_live_skip(struct ioc_live *l, uint32_t kinds)
{
	l->skip = kinds;
}

static void
take_out(struct ioc_live *l, struct live_shard *s, uint32_t at,
	 const uint8_t *rec)
{
	uint32_t head = live_head(rec);
	struct live_rec r;

	l->changes++;
	live_read(rec, &r);
	live_table_remove(s, at);
	count(l, live_type(head), r.value, -1);
	live_note_put(l, head & REC_NOTE);
}

bool
ioc_live_disarm(struct ioc_live *l, enum indicator_kind kind, const char *value)
{
	char text[INDICATOR_VALUE_CAP];
	const uint8_t *rec;
	struct live_shard *s;
	uint64_t hash;
	uint32_t at = 0;

	if (canon(kind, true, value, text, NULL) != ERR_OK ||
	    !live_hash(l, (enum ioc_type)kind, text, &hash)) {
		return false;
	}
	s = &l->shard[live_shard_of(hash)];
	rec = find(s->t, (enum ioc_type)kind, text, hash, &at);
	if (rec == NULL) {
		return false;
	}
	take_out(l, s, at, rec);
	ioc_live_reclaim(l);
	return true;
}

static void
clear_turn(uint8_t *rec)
{
	__atomic_store_n((uint32_t *)rec, live_head(rec) & ~REC_TURN,
			 __ATOMIC_RELAXED);
}

/* Words are stored one by one: readers look at the others of them. */
void
ioc_live_begin(struct ioc_live *l)
{
	for (unsigned i = 0; i < IOC_LIVE_SHARDS; i++) {
		struct live_table *t = l->shard[i].t;

		for (uint32_t k = 0; t != NULL && k < t->cap; k++) {
			if (t->slot[k] >= SLOT_FIRST) {
				clear_turn(t->rec +
					   (size_t)(t->slot[k] - SLOT_FIRST) *
						   4);
			}
		}
	}
}

uint64_t
ioc_live_sweep(struct ioc_live *l)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < IOC_LIVE_SHARDS; i++) {
		struct live_shard *s = &l->shard[i];

		for (uint32_t k = 0; s->t != NULL && k < s->t->cap; k++) {
			const uint8_t *rec;

			if (s->t->slot[k] < SLOT_FIRST) {
				continue;
			}
			rec = s->t->rec +
			      (size_t)(s->t->slot[k] - SLOT_FIRST) * 4;
			if ((live_head(rec) & REC_TURN) == 0) {
				take_out(l, s, k, rec);
				n++;
			}
		}
	}
	ioc_live_reclaim(l);
	return n;
}

uint64_t
ioc_live_count(const struct ioc_live *l)
{
	return atomic_load_explicit(&l->n, memory_order_relaxed);
}

uint64_t
ioc_live_changes(const struct ioc_live *l)
{
	return l->changes;
}

size_t
ioc_live_memory(const struct ioc_live *l)
{
	return atomic_load_explicit(&l->memory, memory_order_relaxed);
}

struct ioc_live_reader *
ioc_live_reader_new(struct ioc_live *l)
{
	struct ioc_live_reader *r = malloc(sizeof(*r));

	if (r == NULL) {
		return NULL;
	}
	r->set = l;
	r->place = NULL;
	r->n = 0;
	r->lost = 0;
	for (unsigned i = 0; i < IOC_LIVE_READERS; i++) {
		bool no = false;

		if (atomic_compare_exchange_strong(&l->reader[i].taken, &no,
						   true)) {
			r->place = &l->reader[i];
			return r;
		}
	}
	free(r);
	return NULL;
}

void
ioc_live_reader_free(struct ioc_live_reader *r)
{
	if (r != NULL) {
		atomic_store(&r->place->taken, false);
		free(r);
	}
}

void
ioc_live_needed(uint64_t needed[2])
{
	static const enum inspect_buf bufs[] = {
		BUF_DNS_QUERY,       BUF_TLS_SNI,
		BUF_HTTP_HOST,       BUF_HTTP_HOST_RAW,
		BUF_HTTP_URI,        BUF_HTTP_URI_RAW,
		BUF_JA3_HASH,        BUF_TLS_CERT_FINGERPRINT,
		BUF_TLS_CERTS,       BUF_JA4_HASH,
		BUF_HTTP_USER_AGENT,
	};

	needed[0] = needed[1] = 0;
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
		needed[bufs[i] / 64] |= UINT64_C(1) << (bufs[i] % 64);
	}
}
