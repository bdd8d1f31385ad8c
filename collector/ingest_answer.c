/* SPDX-License-Identifier: Apache-2.0 */
/* What goes back: committed points, acknowledgements, and what is dropped. */
#include <stdio.h>

#include "collector/ingest_state.h"

#define DEADLETTERS "1000"
/* Entries that one command acknowledges. */
#define ACK_IDS 64

enum err
ingest_publish(struct ingest *in, const char *site, const char *sensor,
	       const char *point)
{
	char key[sizeof("picket:committed:{}") + 2 * INGEST_NAME_CAP];
	const char *argv[] = { "SET", key, point };

	snprintf(key, sizeof(key), "picket:committed:{%s/%s}", site, sensor);
	return redis_pool_queue(in->pool, key, 3, argv, NULL, 0);
}

enum err
ingest_ack(struct ingest *in, unsigned stream, const char *const *ids, size_t n)
{
	const char *argv[3 + ACK_IDS] = { "XACK", in->streams[stream].key,
					  GROUP };
	size_t len[ARRAY_LEN(argv)] = { 4, strlen(argv[1]), strlen(GROUP) };
	enum err e = ERR_OK;

	for (size_t done = 0; done < n && e == ERR_OK;) {
		size_t k = MIN(n - done, (size_t)ACK_IDS);

		for (size_t i = 0; i < k; i++) {
			argv[3 + i] = ids[done + i];
			len[3 + i] = strlen(argv[3 + i]);
		}
		e = redis_pool_queue(in->pool, argv[1], (int)(3 + k), argv, len,
				     0);
		done += k;
	}
	return e;
}

enum err
ingest_trim(struct ingest *in, unsigned stream, const char *id)
{
	const struct stream *s = &in->streams[stream];
	const char *argv[] = { "XTRIM", s->key, "MINID", id };
	size_t len[ARRAY_LEN(argv)];

	if (!s->own_done || s->claim[0] != '\0') {
		return ERR_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
		len[i] = strlen(argv[i]);
	}
	return redis_pool_queue(in->pool, s->key, (int)ARRAY_LEN(argv), argv,
				len, 0);
}

enum err
ingest_deadletter(struct ingest *in, unsigned stream,
		  const struct ingest_entry *e, const char *why)
{
	char key[sizeof("picket:deadletter:{}") + 2 * INGEST_NAME_CAP];
	const struct stream *s = &in->streams[stream];
	const char *argv[] = {
		"XADD",      key,
		"MAXLEN",    "~",
		DEADLETTERS, "*",
		"why",       why,
		"id",        e->id,
		"epoch",     (const char *)e->epoch.p,
		"seq",       (const char *)e->seq.p,
		"data",      (const char *)e->data.p,
		"mac",       (const char *)e->mac.p,
	};
	size_t len[ARRAY_LEN(argv)];

	snprintf(key, sizeof(key), "picket:deadletter:{%s/%s}", s->site,
		 s->sensor);
	for (size_t i = 0; i < ARRAY_LEN(argv); i++) {
		if (argv[i] == NULL) {
			argv[i] = "";
		}
		len[i] = strlen(argv[i]);
	}
	len[11] = e->epoch.len;
	len[13] = e->seq.len;
	len[15] = MIN(e->data.len, (size_t)65536);
	len[17] = MIN(e->mac.len, (size_t)256);
	return redis_pool_queue(in->pool, argv[1], (int)ARRAY_LEN(argv), argv,
				len, 0);
}

enum err
ingest_done(struct ingest *in, struct diag *d)
{
	enum err e = redis_pool_settle(in->pool, CALL_MS, d);

	/* A refused write is no loss: the sensor asks again, and the entry is
	 * delivered again. */
	return e == ERR_FORMAT ? ERR_OK : e;
}

/* A ledger with all its ranges and links has about half of it. */
#define FIELD_MAX_BYTES ((size_t)32 << 10)

/* Names of fields are trusted text to the writer of JSON: letters only. */
static bool
is_field(const redisReply *k, const redisReply *v)
{
	return is_text(k) && is_text(v) && v->len <= FIELD_MAX_BYTES &&
	       k->len <= INGEST_NAME_CAP &&
	       strspn(k->str, "abcdefghijklmnopqrstuvwxyz0123456789_-.") ==
		       k->len;
}

enum err
ingest_presence(struct ingest *in, unsigned stream, struct ingest_presence *out,
		struct diag *d)
{
	const struct stream *s = &in->streams[stream];
	char key[sizeof("picket:sensor:{}") + 2 * INGEST_NAME_CAP];
	redisReply *r = NULL;
	enum err e;

	out->n = 0;
	freeReplyObject(in->presence);
	in->presence = NULL;
	snprintf(key, sizeof(key), "picket:sensor:{%s/%s}", s->site, s->sensor);
	e = redis_pool_call(in->pool, key, CALL_MS, &r, d, "HGETALL %s", key);
	if (e != ERR_OK) {
		return ERR_AGAIN;
	}
	in->presence = r;
	/* A server that will not say is no sensor that fell silent.  Only a key
	 * of another type holds no presence for sure. */
	if (r->type == REDIS_REPLY_ERROR &&
	    strncmp(r->str, "WRONGTYPE", 9) != 0) {
		return diag_set(d, ERR_AGAIN, "Redis: %s: %.200s", key, r->str);
	}
	for (size_t i = 0;
	     is_array(r) && i + 1 < r->elements && out->n < PRESENCE_MAX_FIELDS;
	     i += 2) {
		const redisReply *k = r->element[i], *v = r->element[i + 1];

		if (is_field(k, v)) {
			out->field[out->n++] = (struct presence_field){
				view_of(k->str, k->len), view_of(v->str, v->len)
			};
		}
	}
	return ERR_OK;
}

struct view
ingest_presence_field(const struct ingest_presence *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (view_eq(p->field[i].name, view_cstr(name))) {
			return p->field[i].value;
		}
	}
	return VIEW_NONE;
}
