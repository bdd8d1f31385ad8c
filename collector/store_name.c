/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and rules that repeat: kept once, known by their numbers. */
#include "collector/store_state.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NAME_SLOTS (2 * (size_t)STORE_MAX_NAMES)

void
store_names_clear(struct store *s)
{
	for (size_t i = 0; i < NAME_SLOTS; i++) {
		free(s->names[i].text);
	}
	memset(s->names, 0, NAME_SLOTS * sizeof(*s->names));
	s->n_names = 0;
	s->exercise_id = 0;
	memset(s->signatures, 0, sizeof(s->signatures));
}

/* From the table, or into it; '*room' false: neither. */
static enum err
name_row(struct store *s, struct view text, bool bounded, bool *room,
	 int64_t *id)
{
	sqlite3_stmt *get = s->st[ST_NAME_GET];
	enum err e = ERR_OK;

	*room = true;

	if (sql_bind(get, "v", text) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(get) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
		sqlite3_reset(get);
		return ERR_OK;
	}
	sqlite3_reset(get);
	if (bounded) {
		e = store_room_for(s, STORE_ROOM_NAMES, room);
	}
	if (e == ERR_OK && *room) {
		e = sql_run(s->st[ST_NAME_PUT], "v", text);
		*id = sqlite3_last_insert_rowid(s->db);
	}
	return e;
}

enum err
store_name_id(struct store *s, struct view text, const char *other, int64_t *id)
{
	uint64_t h = XXH3_64bits(text.len != 0 ? (const void *)text.p : "",
				 text.len) |
		     1;
	size_t slot = h >> 8 & (NAME_SLOTS - 1);
	struct store_name *n;
	bool room;
	enum err e;

	for (;; slot = (slot + 1) & (NAME_SLOTS - 1)) {
		n = &s->names[slot];
		if (n->hash == 0) {
			break;
		}
		if (n->hash == h && n->len == text.len &&
		    (text.len == 0 || memcmp(n->text, text.p, text.len) == 0)) {
			*id = n->id;
			return ERR_OK;
		}
	}
	e = name_row(s, text, other[0] != '\0', &room, id);
	if (e == ERR_OK && !room) {
		e = name_row(s, view_cstr(other), false, &room, id);
	}
	if (e != ERR_OK) {
		return e;
	}
	/* An attacker can invent texts; forgetting all of them costs a
	 * lookup each and keeps memory bounded. */
	if (s->n_names >= STORE_MAX_NAMES) {
		store_names_clear(s);
		n = &s->names[h >> 8 & (NAME_SLOTS - 1)];
	}
	n->text = malloc(text.len + 1);
	if (n->text == NULL) {
		return ERR_NOMEM;
	}
	if (text.len != 0) {
		memcpy(n->text, text.p, text.len);
	}
	n->len = text.len;
	n->hash = h;
	n->id = *id;
	s->n_names++;
	return ERR_OK;
}

static enum err
signature_row(struct store *s, const struct alert *a, bool bounded, bool *room,
	      int64_t *id)
{
	sqlite3_stmt *get = s->st[ST_SIGNATURE_GET];
	enum err e;

	*room = true;

	if (sql_bind(get, "uuuvv", (uint64_t)a->gid, (uint64_t)a->sid,
		     (uint64_t)a->rev, a->signature,
		     a->category) != SQLITE_OK) {
		return ERR_IO;
	}
	if (sqlite3_step(get) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
		sqlite3_reset(get);
		return ERR_OK;
	}
	sqlite3_reset(get);
	e = bounded ? store_room_for(s, STORE_ROOM_SIGNATURES, room) : ERR_OK;
	if (e == ERR_OK && *room) {
		e = sql_run(s->st[ST_SIGNATURE_PUT], "uuuvv", (uint64_t)a->gid,
			    (uint64_t)a->sid, (uint64_t)a->rev, a->signature,
			    a->category);
		*id = sqlite3_last_insert_rowid(s->db);
	}
	return e;
}

enum err
store_signature_id(struct store *s, const struct alert *a, int64_t *id)
{
	uint64_t h = XXH3_64bits_withSeed(
		a->signature.p != NULL ? (const void *)a->signature.p : "",
		a->signature.len, a->category.len);
	size_t slot = (h ^ a->sid) % STORE_SIGNATURES;
	bool room;
	enum err e;

	h = XXH3_64bits_withSeed(
		a->category.p != NULL ? (const void *)a->category.p : "",
		a->category.len, h);
	if (s->signatures[slot].id != 0 && s->signatures[slot].hash == h &&
	    s->signatures[slot].gid == a->gid &&
	    s->signatures[slot].sid == a->sid &&
	    s->signatures[slot].rev == a->rev) {
		*id = s->signatures[slot].id;
		return ERR_OK;
	}
	e = signature_row(s, a, true, &room, id);
	if (e == ERR_OK && !room) {
		const struct alert other = {
			.signature = VIEW_LIT(STORE_SIGNATURE_OTHER),
			.category = VIEW_LIT(""),
		};

		e = signature_row(s, &other, false, &room, id);
	}
	if (e == ERR_OK) {
		s->signatures[slot].gid = a->gid;
		s->signatures[slot].sid = a->sid;
		s->signatures[slot].rev = a->rev;
		s->signatures[slot].hash = h;
		s->signatures[slot].id = *id;
	}
	return e;
}
