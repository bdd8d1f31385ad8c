/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/share_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/sign.h"

#define DAY_US (UINT64_C(86400) * US_PER_S)

bool
share_room(const struct sharing *s)
{
	if (s->step != NULL) {
		return s->b->stix.objects < SHARE_STEP_OBJECTS &&
		       s->b->stix.j.len < SHARE_STEP_BYTES;
	}
	return s->b->stix.n < SHARE_MAX_OBJECTS &&
	       s->b->stix.j.len < SHARE_MAX_BYTES;
}

void
share_note(struct sharing *s, enum share_kind kind, enum release_verdict v,
	   int64_t local, const char *id, const struct marking *mark)
{
	struct share_bundle *b = s->b;
	char text[MARKING_TEXT_CAP];
	struct share_note *n;

	b->counts[kind][v]++;
	b->stix.n += v == RELEASE_GOES;
	/* What is held is counted beyond that; what went is on record, always. */
	if (v != RELEASE_GOES && b->n_held == SHARE_MAX_OBJECTS) {
		return;
	}
	if ((b->n_notes & (b->n_notes - 1)) == 0) {
		n = realloc(b->notes,
			    MAX(2 * b->n_notes, (size_t)1) * sizeof(*n));
		if (n == NULL) {
			s->err = ERR_NOMEM;
			return;
		}
		b->notes = n;
	}
	n = &b->notes[b->n_notes];
	*n = (struct share_note){ .kind = kind, .verdict = v, .local = local };
	snprintf(n->id, sizeof(n->id), "%s", id != NULL ? id : "");
	n->mark = strdup(marking_text(mark, text));
	if (n->mark == NULL) {
		s->err = ERR_NOMEM;
		return;
	}
	b->n_notes++;
	b->n_held += v != RELEASE_GOES;
}

bool
share_wants(const struct sharing *s, enum share_kind k)
{
	return s->r->kinds == 0 || (s->r->kinds >> k & 1) != 0;
}

uint64_t
share_moment(const struct sharing *s, enum share_kind k, uint64_t us)
{
	return share_has(s->r->to, k, SHARE_TIMES) ? us : us - us % DAY_US;
}

uint64_t
share_end_moment(const struct sharing *s, enum share_kind k, uint64_t us)
{
	return us == 0 || share_has(s->r->to, k, SHARE_TIMES)
		       ? us
		       : share_moment(s, k, us - 1) + DAY_US;
}

void
share_text(struct sharing *s, enum share_kind k, const struct marking *mark,
	   const char *key, const char *in)
{
	redact_text(s->redact, k, mark, view_cstr(in), &s->text);
	s->b->stix.failed |= s->text.failed;
	json_str(&s->b->stix.j, key, json_view(&s->text));
}

/* What is hidden from this partner is hidden by its key: 32 bytes for
 * pseudonyms, 16 for the name space of ids. */
static enum err
derive(const struct share_partner *to, uint8_t pseudonyms[SIGN_BYTES],
       uint8_t ids[SIGN_BYTES], struct diag *d)
{
	struct sign_key *key = NULL;
	char spec[1100];
	enum err e;

	snprintf(spec, sizeof(spec), "hmac:%s", to->key_file);
	e = sign_key_load_any(&key, spec, true, d);
	if (e == ERR_OK) {
		e = sign_make(key, "picket-pseudonyms", view_cstr(to->name),
			      pseudonyms);
	}
	if (e == ERR_OK) {
		e = sign_make(key, "picket-ids", view_cstr(to->name), ids);
	}
	sign_key_free(key);
	return e;
}

enum err
share_open(struct sharing *s, const char *name, struct diag *d)
{
	const struct share_request *r = s->r;
	uint8_t pseudonyms[SIGN_BYTES], ids[SIGN_BYTES];
	enum err e;

	*s->b = (struct share_bundle){ .n_notes = 0 };
	json_init(&s->text);
	e = derive(r->to, pseudonyms, ids, d);
	if (e == ERR_OK) {
		e = redact_new(&s->redact, r->map, r->policy, r->to,
			       pseudonyms);
	}
	if (e == ERR_OK) {
		e = stix_begin(&s->b->stix, r->policy->producer, ids, name);
	}
	/* One moment for all that is read. */
	if (e == ERR_OK && sqlite3_exec(s->store->db, "BEGIN", NULL, NULL,
					NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	s->begun = e == ERR_OK;
	return e;
}

enum err
share_close(struct sharing *s, enum err e)
{
	sqlite3_finalize(s->had);
	sqlite3_finalize(s->owned);
	if (s->begun) {
		sqlite3_exec(s->store->db, "COMMIT", NULL, NULL, NULL);
	}
	if (e == ERR_OK) {
		e = s->err != ERR_OK ? s->err : stix_end(&s->b->stix);
	}
	redact_free(s->redact);
	json_decref(s->known);
	json_decref(s->consults);
	json_fini(&s->text);
	return e;
}

enum err
share_bundle_write(struct store_reader *store, const struct share_request *r,
		   struct share_bundle *out, struct diag *d)
{
	struct sharing s = { .r = r, .store = store, .b = out };
	enum err e = share_open(&s, "bundle", d);

	if (e == ERR_OK) {
		e = share_known_marks(&s);
	}
	if (e == ERR_OK) {
		e = share_set(&s);
	}
	if (e == ERR_OK) {
		e = share_sightings(&s);
	}
	if (e == ERR_OK) {
		e = share_incidents(&s);
	}
	if (e == ERR_OK) {
		e = share_consults(&s);
	}
	return share_close(&s, e);
}

void
share_bundle_fini(struct share_bundle *b)
{
	for (size_t i = 0; i < b->n_notes; i++) {
		free(b->notes[i].mark);
	}
	free(b->notes);
	stix_fini(&b->stix);
}

static uint64_t
count(const struct share_bundle *b, bool released)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < SHARE_KINDS; k++) {
		for (unsigned v = 0; v < RELEASE_VERDICTS; v++) {
			n += (v == RELEASE_GOES) == released ? b->counts[k][v]
							     : 0;
		}
	}
	return n;
}

uint64_t
share_released(const struct share_bundle *b)
{
	return count(b, true);
}

uint64_t
share_held(const struct share_bundle *b)
{
	return count(b, false);
}
