/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/evidence_fetch.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "common/clock.h"

#define ANSWER_MS 5000
#define PIECES_MAX ((uint32_t)(EVIDENCE_ASK_MAX / EVIDENCE_CHUNK) + 1)
#define ENTRIES "4" /* at a look: a megabyte */
#define ENTRY_ID_CAP 48

/* --- pieces --- */

/* A field's text; VIEW_NONE: it is not there. */
static struct view
field(const redisReply *kv, const char *name)
{
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		const redisReply *k = kv->element[i], *v = kv->element[i + 1];

		if (k->type == REDIS_REPLY_STRING &&
		    v->type == REDIS_REPLY_STRING &&
		    view_eq(view_of(k->str, k->len), view_cstr(name))) {
			return view_of(v->str, v->len);
		}
	}
	return VIEW_NONE;
}

static bool
number(const redisReply *kv, const char *name, uint64_t max, uint64_t *out)
{
	struct view v = field(kv, name);

	*out = 0;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9' || *out > max / 10) {
			return false;
		}
		*out = *out * 10 + (uint64_t)(v.p[i] - '0');
	}
	return v.len > 0 && *out <= max;
}

/* What the first piece says of all. */
static bool
take_first(struct evidence_gather *g, const redisReply *kv, uint64_t of)
{
	struct view sha = field(kv, "sha256"), state = field(kv, "state");

	if (sha.len != sizeof(g->got.sha256) - 1 ||
	    !number(kv, "packets", INT64_MAX, &g->got.packets)) {
		return false;
	}
	memcpy(g->got.sha256, sha.p, sha.len);
	g->got.sha256[sha.len] = '\0';
	g->got.cut = view_eq(state, VIEW_LIT("cut"));
	g->of = (uint32_t)of;
	g->cap = of * EVIDENCE_CHUNK;
	g->got.file = malloc(g->cap);
	return g->got.file != NULL;
}

static bool
digest_is_right(const struct evidence_got *got)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[EVIDENCE_SHA256_CAP];
	unsigned n;

	if (EVP_Digest(got->file, got->len, hash, &n, EVP_sha256(), NULL) !=
		    1 ||
	    2 * n + 1 != sizeof(text)) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(text + (size_t)2 * i, 3, "%02x", hash[i]);
	}
	return strcmp(text, got->sha256) == 0;
}

enum err
evidence_gather_add(struct evidence_gather *g, const redisReply *entry,
		    struct diag *d)
{
	const redisReply *kv;
	uint64_t n, of;
	struct view data;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    entry->element[1]->type != REDIS_REPLY_ARRAY) {
		return ERR_AGAIN;
	}
	kv = entry->element[1];
	if (!view_eq(field(kv, "id"), view_cstr(g->id))) {
		return ERR_AGAIN;
	}
	data = field(kv, "data");
	if (!number(kv, "n", PIECES_MAX, &n) ||
	    !number(kv, "of", PIECES_MAX, &of) || of == 0 || n >= of ||
	    data.len > EVIDENCE_CHUNK || (g->of != 0 && g->of != of)) {
		return diag_set(d, ERR_FORMAT,
				"the sensor's answer is malformed");
	}
	if (n < g->n) {
		return ERR_AGAIN; /* once more */
	}
	if (n > g->n) {
		return diag_set(d, ERR_FORMAT,
				"piece %u of the sensor's answer is missing: "
				"ask again",
				g->n + 1);
	}
	if (g->of == 0 && !take_first(g, kv, of)) {
		return diag_set(d, ERR_FORMAT,
				"the sensor's answer is malformed");
	}
	memcpy(g->got.file + g->got.len, data.p, data.len);
	g->got.len += data.len;
	if (++g->n < g->of) {
		return ERR_AGAIN;
	}
	return digest_is_right(&g->got)
		       ? ERR_OK
		       : diag_set(d, ERR_FORMAT,
				  "the sensor's answer is not what its digest "
				  "says");
}

/* --- Redis --- */

/* Entries behind 'from'; NULL: the last one. */
static enum err
ask(struct redis_pool *p, const char *key, const char *from, redisReply **out,
    struct diag *d)
{
	enum err e = from != NULL
			     ? redis_pool_call(p, key, ANSWER_MS, out, d,
					       "XRANGE %s (%s + COUNT " ENTRIES,
					       key, from)
			     : redis_pool_call(p, key, ANSWER_MS, out, d,
					       "XREVRANGE %s + - COUNT 1", key);

	if (e == ERR_OK && (*out)->type != REDIS_REPLY_ARRAY) {
		e = diag_set(d, ERR_IO, "%s: %.200s", redis_pool_name(p),
			     (*out)->type == REDIS_REPLY_ERROR
				     ? (*out)->str
				     : "no such answer was expected");
		freeReplyObject(*out);
	}
	return e;
}

static void
note_id(const redisReply *entry, char id[ENTRY_ID_CAP])
{
	if (entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 &&
	    entry->element[0]->type == REDIS_REPLY_STRING) {
		snprintf(id, ENTRY_ID_CAP, "%s", entry->element[0]->str);
	}
}

/* Where the stream ends before we ask. */
static enum err
find_end(struct redis_pool *p, const char *key, char id[ENTRY_ID_CAP],
	 struct diag *d)
{
	redisReply *r;
	enum err e = ask(p, key, NULL, &r, d);

	snprintf(id, ENTRY_ID_CAP, "0-0");
	if (e == ERR_OK) {
		if (r->elements > 0) {
			note_id(r->element[0], id);
		}
		freeReplyObject(r);
	}
	return e;
}

/* One look; ERR_AGAIN: not all is there. */
static enum err
look(struct redis_pool *p, const char *key, char id[ENTRY_ID_CAP],
     struct evidence_gather *g, bool *any, struct diag *d)
{
	redisReply *r;
	enum err e = ask(p, key, id, &r, d);

	*any = false;
	if (e != ERR_OK) {
		/* One that is away for a moment is not the end of it. */
		return e == ERR_AGAIN ? e : ERR_IO;
	}
	e = ERR_AGAIN;
	*any = r->elements > 0;
	for (size_t i = 0; e == ERR_AGAIN && i < r->elements; i++) {
		note_id(r->element[i], id);
		e = evidence_gather_add(g, r->element[i], d);
	}
	freeReplyObject(r);
	return e;
}

static enum err
await(struct redis_pool *p, const char *key, char id[ENTRY_ID_CAP],
      struct evidence_gather *g, unsigned wait_ms, struct diag *d)
{
	const struct timespec pause = { .tv_nsec = EVIDENCE_LOOK_MS * 1000000 };
	uint64_t until = clock_mono_us() + (uint64_t)wait_ms * 1000;

	do {
		bool any;
		enum err e = look(p, key, id, g, &any, d);

		if (e != ERR_AGAIN) {
			return e;
		}
		if (!any) {
			nanosleep(&pause, NULL);
		}
	} while (clock_mono_us() < until);
	return g->n > 0 ? diag_set(d, ERR_AGAIN,
				   "%u of %u pieces came in %u ms: ask again",
				   g->n, g->of, wait_ms)
			: diag_set(d, ERR_AGAIN,
				   "no answer in %u ms: does the sensor run, "
				   "with evidence.dir and the public key of "
				   "--key as control.public-key?",
				   wait_ms);
}

static bool
make_id(char id[EVIDENCE_ID_CAP])
{
	uint8_t b[(EVIDENCE_ID_CAP - 1) / 2];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(b); i++) {
		snprintf(id + 2 * i, 3, "%02x", b[i]);
	}
	return true;
}

enum err
evidence_fetch(struct redis_pool *p, struct sign_key *k,
	       struct control_doc *doc, unsigned wait_ms,
	       struct evidence_got *out, struct diag *d)
{
	struct evidence_gather g = { .id = doc->evidence.id };
	char name[2 * CONTROL_NAME_CAP], key[sizeof(name) + 32];
	char id[ENTRY_ID_CAP];
	enum err e;

	memset(out, 0, sizeof(*out));
	snprintf(name, sizeof(name), "%s/%s", doc->site, doc->sensor);
	snprintf(key, sizeof(key), EVIDENCE_STREAM, name);
	if (!make_id(doc->evidence.id)) {
		return diag_set(d, ERR_IO, "the system has no random bytes");
	}
	e = redis_pool_connect(p, key, ANSWER_MS, d);
	if (e == ERR_OK) {
		e = find_end(p, key, id, d);
	}
	if (e == ERR_OK) {
		e = redis_pool_connect(p, CONTROL_STREAM, ANSWER_MS, d);
	}
	if (e == ERR_OK) {
		e = control_send(p, k, doc, ANSWER_MS, d);
	}
	if (e == ERR_OK) {
		e = await(p, key, id, &g, wait_ms, d);
	}
	if (e == ERR_OK) {
		*out = g.got;
	} else {
		free(g.got.file);
	}
	return e;
}
