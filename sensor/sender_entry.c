/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sender_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void
add(struct sender_entry *e, const char *name, const void *value, size_t len)
{
	e->argv[e->n] = name;
	e->len[e->n++] = strlen(name);
	e->argv[e->n] = value;
	e->len[e->n++] = len;
}

static void
add_u64(struct sender_entry *e, const char *name, uint64_t v)
{
	char *text = e->text[e->n_text++];

	snprintf(text, sizeof(e->text[0]), "%" PRIu64, v);
	add(e, name, text, strlen(text));
}

static void
write_pos(struct sender_entry *e, const struct sender_pos *pos)
{
	size_t n = 0;

	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		n += (size_t)snprintf(e->pos + n, sizeof(e->pos) - n,
				      "%s%" PRIu64, c > 0 ? " " : "",
				      pos->upto[c]);
	}
	add(e, "pos", e->pos, n);
}

void
sender_entry_make(struct sender_entry *e, const char *stream,
		  const struct spool_item *it, const struct sender_pos *pos,
		  struct view none, uint32_t none_crc)
{
	bool gap = it->gap_from != 0;
	struct view data = gap ? none : it->data;

	*e = (struct sender_entry){ .n = 0 };
	/* An id of Redis' choice: one of ours could be refused for ever after
	 * a failover. */
	add(e, "XADD", stream, strlen(stream));
	e->argv[e->n] = "*";
	e->len[e->n++] = 1;
	add(e, "v", "1", 1);
	add_u64(e, "epoch", it->hdr.epoch);
	add_u64(e, "seq", it->hdr.seq);
	add(e, "enc", "zlib", 4);
	add_u64(e, "n", it->hdr.n);
	add_u64(e, "sev", it->hdr.sev);
	add_u64(e, "crc", gap ? none_crc : it->hdr.crc);
	if (gap) {
		add_u64(e, "gap_from", it->gap_from);
		add_u64(e, "gap_to", it->gap_to);
	}
	write_pos(e, pos);
	add(e, "data", data.p, data.len);
}

enum err
sender_entry_sign(struct sender_entry *e, struct sign_key *k, const char *name,
		  const struct spool_item *it, struct view none,
		  uint32_t none_crc)
{
	bool gap = it->gap_from != 0;
	struct frame_header h = it->hdr;
	struct frame_claim c = {
		.name = view_cstr(name),
		.hdr = &h,
		.gap_from = it->gap_from,
		.gap_to = it->gap_to,
		.enc = VIEW_LIT("zlib"),
		.data = gap ? none : it->data,
	};
	size_t len = 0;
	enum err err;

	if (gap) {
		h.crc = none_crc;
		h.raw_len = 0;
	}
	err = frame_sign(k, &c, e->mac, &len);
	add_u64(e, "raw", h.raw_len);
	add(e, "mac", e->mac, len);
	return err;
}

bool
sender_read_committed(const redisReply *r, struct point *out)
{
	/* Behind a number near the highest none could be given any more. */
	return r->type == REDIS_REPLY_STRING &&
	       point_read(view_of(r->str, r->len), out) &&
	       out->seq <= SENDER_MAX_SEQ;
}

/* Value of a field of [k, v, ...]; NULL when it has none. */
static const char *
field(const redisReply *kv, const char *name)
{
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		if (kv->element[i]->type == REDIS_REPLY_STRING &&
		    kv->element[i + 1]->type == REDIS_REPLY_STRING &&
		    strcmp(kv->element[i]->str, name) == 0) {
			return kv->element[i + 1]->str;
		}
	}
	return NULL;
}

static uint64_t
number(const char *s)
{
	return s != NULL ? strtoull(s, NULL, 10) : 0;
}

bool
sender_read_last(const redisReply *r, uint64_t epoch, struct sender_pos *pos)
{
	const redisReply *entry, *kv;
	const char *text;

	if (r->type != REDIS_REPLY_ARRAY || r->elements != 1) {
		return false;
	}
	entry = r->element[0];
	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return false;
	}
	kv = entry->element[1];
	if (number(field(kv, "epoch")) != epoch) {
		return false;
	}
	text = field(kv, "pos");
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		char *end = NULL;

		pos->upto[c] = text != NULL ? strtoull(text, &end, 10)
					    : number(field(kv, "seq"));
		text = end;
	}
	return true;
}
