/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as they came, and which of their lines are alerts. */
#include "collector/store_state.h"

#include <stdlib.h>

/* Whether the frame is kept already. */
static enum err
has_frame(struct store *s, int64_t sensor, const struct frame_header *h,
	  bool *has)
{
	sqlite3_stmt *st = s->st[ST_FRAME_HAS];
	int rc;

	if (sql_bind(st, "iuu", sensor, h->epoch, h->seq) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	*has = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_frame_begin(struct store *s, int64_t sensor, const char *site,
		  const struct frame_header *h)
{
	struct store_frame_sum *f = &s->frame;
	uint8_t *others = f->others;
	size_t others_cap = f->others_cap;
	bool has = false;
	enum err e = has_frame(s, sensor, h, &has);

	if (e != ERR_OK || has) {
		return e != ERR_OK ? e : ERR_LIMIT;
	}
	if (s->n_groups + STORE_FRAME_ALERTS > STORE_GROUP_SLOTS / 4 * 3 ||
	    s->n_postings + STORE_FRAME_ALERTS > STORE_POSTINGS) {
		e = store_groups_flush(s);
	}
	if (e != ERR_OK) {
		return e;
	}
	*f = (struct store_frame_sum){
		.id = s->next_frame,
		.sensor = sensor,
		.h = *h,
		.first_alert = s->next_alert,
		.first_us = UINT64_MAX,
		.others = others,
		.others_cap = others_cap,
	};
	/* Sites are as few as streams are: theirs are kept in any case. */
	return store_name_id(s, view_cstr(site), "", &f->site);
}

enum err
store_frame_alert(struct store *s, const struct alert *a, int64_t *id,
		  bool *undescribed)
{
	struct store_frame_sum *f = &s->frame;
	enum err e;

	if (f->alerts == STORE_FRAME_ALERTS) {
		return ERR_LIMIT;
	}
	*id = s->next_alert;
	e = store_group_alert(s, a, *id);
	if (e != ERR_OK) {
		return e;
	}
	s->next_alert++;
	f->alerts++;
	f->line++;
	f->first_us = MIN(f->first_us, a->timestamp_us);
	f->last_us = MAX(f->last_us, a->timestamp_us);
	if (a->severity != 0 && (f->worst == 0 || a->severity < f->worst)) {
		f->worst = a->severity;
	}
	*undescribed = s->newest->src_info == 0 && !s->newest->described;
	return ERR_OK;
}

enum err
store_frame_info(struct store *s, struct view src_info, struct view dst_info)
{
	enum err e = store_name_id(s, src_info, "{}", &s->newest->src_info);

	return e == ERR_OK
		       ? store_name_id(s, dst_info, "{}", &s->newest->dst_info)
		       : e;
}

enum err
store_frame_other(struct store *s)
{
	struct store_frame_sum *f = &s->frame;

	if (f->n_others + STORE_VARINT_MAX > f->others_cap) {
		size_t cap = MAX(2 * f->others_cap, (size_t)1024);
		uint8_t *p = realloc(f->others, cap);

		if (p == NULL) {
			return ERR_NOMEM;
		}
		f->others = p;
		f->others_cap = cap;
	}
	/* Lines count from 1 here, so that the first has a distance to -1. */
	f->line++;
	f->n_others += store_varint_put(f->others + f->n_others,
					f->line - f->last_other);
	f->last_other = f->line;
	return ERR_OK;
}

enum err
store_frame_end(struct store *s, struct view data, uint64_t at_us)
{
	const struct store_frame_sum *f = &s->frame;
	const struct frame_header *h = &f->h;
	enum err e;

	e = sql_run(s->st[ST_FRAME], "iiuuuduubiuduub", f->id, f->sensor,
		    h->epoch, h->seq, (uint64_t)h->n, (int)h->sev,
		    (uint64_t)h->crc, at_us, data, f->first_alert, f->alerts,
		    (int)f->worst, f->alerts > 0 ? f->first_us : UINT64_C(0),
		    f->last_us, view_of(f->others, f->n_others));
	if (e == ERR_OK) {
		s->next_frame++;
	}
	return e;
}
