/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_recall.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <zlib.h>

#include "collector/audit.h"
#include "collector/exchange_frame.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"

/* A bundle on its way back. */
struct recalled {
	struct exchange_made made; /* as it is to be */
	json_t *bundle;
	json_t *gone; /* ids that are no longer in it */
};

static bool
is_revoked(const json_t *o)
{
	return json_is_true(json_object_get(o, "revoked"));
}

static const char *
id_of(const json_t *o)
{
	const char *id = json_string_value(json_object_get(o, "id"));

	return id != NULL ? id : "";
}

/* What a kept object refers to stays: its markings, and who made it. */
static int
note_refs(json_t *refs, const json_t *o)
{
	const char *by =
		json_string_value(json_object_get(o, "created_by_ref"));
	const json_t *marks = json_object_get(o, "object_marking_refs"), *m;
	size_t i;

	if (by != NULL && json_object_set_new(refs, by, json_true()) != 0) {
		return -1;
	}
	json_array_foreach(marks, i, m)
	{
		if (json_is_string(m) &&
		    json_object_set_new(refs, json_string_value(m),
					json_true()) != 0) {
			return -1;
		}
	}
	return 0;
}

/* Takes all out that is neither revoked nor referred to by what is. */
static enum err
thin(struct recalled *r)
{
	json_t *objects = json_object_get(r->bundle, "objects");
	json_t *refs = json_object(), *kept = json_array(), *o;
	int failed = refs == NULL || kept == NULL;
	size_t i;

	/* Who made a marking that is kept stands before it, and is kept. */
	for (i = json_array_size(objects); !failed && i-- > 0;) {
		o = json_array_get(objects, i);
		if (is_revoked(o) || json_object_get(refs, id_of(o)) != NULL) {
			failed = note_refs(refs, o);
		}
	}
	json_array_foreach(objects, i, o)
	{
		bool stays =
			!failed && (is_revoked(o) ||
				    json_object_get(refs, id_of(o)) != NULL);

		if (!failed) {
			failed = stays ? json_array_append(kept, o)
				       : json_array_append_new(
						 r->gone,
						 json_string_nocheck(id_of(o)));
		}
	}
	if (!failed) {
		r->made.n = (uint32_t)json_array_size(kept);
		failed = json_object_set(r->bundle, "objects", kept);
	}
	json_decref(refs);
	json_decref(kept);
	return failed ? ERR_NOMEM : ERR_OK;
}

static enum err
read_bundle(const struct exchange_made *m, json_t **out)
{
	uLongf len = (uLongf)m->len;
	uint8_t *text;
	enum err e = ERR_FORMAT;

	if (m->len > EXCHANGE_MAX_LEN) {
		return ERR_FORMAT;
	}
	text = malloc(m->len + 1);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	if (uncompress(text, &len, m->data.p, (uLong)m->data.len) == Z_OK &&
	    len == m->len) {
		*out = json_loadb((const char *)text, len, 0, NULL);
		e = json_is_array(json_object_get(*out, "objects"))
			    ? ERR_OK
			    : ERR_FORMAT;
	}
	free(text);
	return e;
}

static enum err
write_bundle(struct recalled *r)
{
	char *text = json_dumps(r->bundle, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;
	uLongf room = compressBound((uLong)len);
	uint8_t *p = malloc(room);
	bool ok = text != NULL && p != NULL &&
		  compress2(p, &room, (const uint8_t *)text, (uLong)len, 6) ==
			  Z_OK;

	free(text);
	if (!ok) {
		free(p);
		return ERR_NOMEM;
	}
	r->made.len = len;
	r->made.data = view_of(p, room);
	return ERR_OK;
}

static enum err
run_one(sqlite3 *db, const char *sql, const struct exchange_recall *r,
	uint64_t a, uint64_t b)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tuu", r->party, a, b);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
put(const struct exchange_recall *r, const struct recalled *b)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(r->db,
			       "UPDATE exchange_outbox SET n=?3,len=?4,data=?5"
			       " WHERE party=?1 AND seq=?2",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tuuub", r->party, b->made.seq,
			    (uint64_t)b->made.n, b->made.len, b->made.data);
	}
	sqlite3_finalize(st);
	return e;
}

/* That the partner has no version of these that we know. */
static enum err
unlearn(const struct exchange_recall *r, const struct recalled *b, uint64_t *n)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;
	uint8_t id[STIX_UUID_BYTES];
	json_t *o;
	size_t i;

	if (sqlite3_prepare_v2(r->db,
			       "UPDATE exchange_had SET version=0 WHERE"
			       " party=?1 AND id=?2",
			       -1, &st, NULL) == SQLITE_OK) {
		e = ERR_OK;
	}
	json_array_foreach(b->gone, i, o)
	{
		stix_id_bytes(json_string_value(o), id);
		if (e == ERR_OK) {
			e = sql_run(st, "tb", r->party,
				    view_of(id, sizeof(id)));
			*n += e == ERR_OK && sqlite3_changes(r->db) > 0;
		}
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
note(const struct exchange_recall *r, const struct recalled *b)
{
	struct json j;
	int64_t id;
	json_t *o;
	size_t i;
	enum err e;

	json_init(&j);
	json_obj(&j, NULL);
	json_u64(&j, "bundle", b->made.seq);
	json_arr(&j, "objects");
	json_array_foreach(b->gone, i, o)
	{
		json_cstr(&j, NULL, json_string_value(o));
	}
	json_arr_end(&j);
	json_cstr(&j, "partner", r->party);
	json_cstr(&j, "policy", r->policy);
	json_obj_end(&j);
	e = j.failed ? ERR_NOMEM
		     : audit_append(r->db, AUDIT_RECALLED, r->who,
				    clock_wall_us(), json_view(&j), &id);
	json_fini(&j);
	return e;
}

/* All of one bundle in one transaction, if it is still of this epoch. */
static enum err
keep(const struct exchange_recall *r, const struct exchange_state *s,
     const struct recalled *b, uint64_t *n)
{
	enum err e = sql_exec(r->db, "BEGIN IMMEDIATE");

	if (e == ERR_OK) {
		e = unlearn(r, b, n);
	}
	if (e == ERR_OK) {
		e = run_one(r->db,
			    "UPDATE exchange_parties SET"
			    " objects=max(0,objects-?3) WHERE party=?1 AND"
			    " epoch=?2",
			    r, s->epoch, *n);
	}
	if (e == ERR_OK && sqlite3_changes(r->db) != 1) {
		e = ERR_AGAIN;
	}
	if (e == ERR_OK) {
		e = put(r, b);
	}
	if (e == ERR_OK) {
		e = note(r, b);
	}
	if (e == ERR_OK) {
		e = sql_exec(r->db, "COMMIT");
	}
	if (e != ERR_OK) {
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	}
	return e;
}

static enum err
recall_one(const struct exchange_recall *r, struct exchange_state *s,
	   const struct exchange_made *m, uint64_t *n)
{
	struct recalled b = { .made = { .seq = m->seq, .kind = m->kind },
			      .gone = json_array() };
	enum err e = b.gone != NULL ? read_bundle(m, &b.bundle) : ERR_NOMEM;

	*n = 0;
	if (e == ERR_OK) {
		e = thin(&b);
	}
	/* One that was rewritten before has nothing more to give back. */
	if (e == ERR_OK && json_array_size(b.gone) > 0) {
		e = write_bundle(&b);
		if (e == ERR_OK) {
			e = keep(r, s, &b, n);
		}
		s->objects -= e == ERR_OK ? MIN(*n, s->objects) : 0;
		s->waiting_bytes += b.made.data.len;
		s->waiting_bytes -= MIN(m->data.len, s->waiting_bytes);
	}
	exchange_made_fini(&b.made);
	json_decref(b.bundle);
	json_decref(b.gone);
	return e;
}

/* From here on the new policy is the one that the row goes by. */
static enum err
settle(const struct exchange_recall *r, struct exchange_state *s)
{
	struct exchange_state next = *s;
	enum err e = sql_exec(r->db, "BEGIN IMMEDIATE");

	memset(next.cursor, 0, sizeof(next.cursor));
	snprintf(next.policy, sizeof(next.policy), "%s", r->policy);
	if (e == ERR_OK && !r->by_redis) {
		/* Files that lie there still are written over. */
		next.sent = next.acked;
		e = run_one(r->db,
			    "UPDATE exchange_parties SET sent=min(sent,?3)"
			    " WHERE party=?1 AND epoch=?2",
			    r, s->epoch, next.sent);
	}
	if (e == ERR_OK) {
		e = exchange_state_advance(r->db, r->party, &next, s->seq);
	}
	if (e == ERR_OK) {
		e = sql_exec(r->db, "COMMIT");
	}
	if (e != ERR_OK) {
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
		return e;
	}
	*s = next;
	return ERR_OK;
}

/* Whether the row is as we know it: else it is for whoever changed it. */
static enum err
is_ours(const struct exchange_recall *r, const struct exchange_state *s)
{
	struct exchange_state row;
	enum err e = exchange_state_get(r->db, r->party, &row);

	return e == ERR_OK && (row.epoch != s->epoch || row.seq != s->seq ||
			       strcmp(row.policy, s->policy) != 0)
		       ? ERR_AGAIN
		       : e;
}

enum err
exchange_recall(const struct exchange_recall *r, struct exchange_state *s,
		struct diag *d)
{
	uint64_t seq = s->acked, n, all = 0, bundles = 0;
	enum err e = is_ours(r, s);

	while (e == ERR_OK) {
		struct exchange_made m;

		if (r->stop != NULL && atomic_load(r->stop)) {
			return ERR_AGAIN;
		}
		e = exchange_out_next(r->db, r->party, seq, &m);
		if (e == ERR_OK) {
			seq = m.seq;
			e = recall_one(r, s, &m, &n);
			bundles += e == ERR_OK && n > 0;
			all += e == ERR_OK ? n : 0;
		}
		exchange_made_fini(&m);
	}
	if (e == ERR_NOTFOUND) {
		e = settle(r, s);
	}
	if (all > 0) {
		log_info("exchange with %s: the policy changed: %" PRIu64
			 " objects of %" PRIu64
			 " bundles that waited are looked at anew",
			 r->party, all, bundles);
	}
	if (e == ERR_FORMAT) {
		return diag_set(
			d, e, "bundle %" PRIu64 " of the outbox is none", seq);
	}
	return e == ERR_OK || e == ERR_AGAIN
		       ? e
		       : diag_set(d, e, "the store: %s", sqlite3_errmsg(r->db));
}
