/* SPDX-License-Identifier: Apache-2.0 */
/* The latest records of parts, kept to know observations again. */
#include "collector/part_in_state.h"

#include "common/clock.h"
#include "common/log.h"

enum err
part_in_mark(struct part_in *in, unsigned part)
{
	const struct part_mark *m = &in->source[part - 1].mark;

	return sql_run(in->st[ST_MARK], "iuuuuuuuuuu", (int64_t)part, m->epoch,
		       m->seq, m->lost, m->records, m->alerts, m->at_us,
		       m->seen_us, m->said_epoch, m->said_seq, m->sensors);
}

enum err
part_in_keep_record(struct part_in *in, unsigned part,
		    const struct part_record *r, uint64_t now_us, uint64_t n,
		    int64_t last)
{
	enum err e =
		sql_run(in->st[ST_RECORD], "iiuuuib", in->next, (int64_t)part,
			now_us, n, (uint64_t)r->hdr.crc, last, r->entry.data);

	in->next++;
	in->kept += n;
	return e;
}

enum err
part_in_sensor(struct part_in *in, unsigned part, const char *site,
	       const char *sensor, int64_t *id)
{
	struct part_source *src = &in->source[part - 1];
	uint64_t now;
	enum err e = store_sensor_find(in->store, site, sensor, id);

	if (e != ERR_NOTFOUND) {
		return e;
	}
	if (src->mark.sensors < PART_IN_SENSORS) {
		src->mark.sensors++;
		e = store_sensor(in->store, site, sensor, id);
		return e == ERR_OK ? part_in_mark(in, part) : e;
	}
	now = clock_mono_us();
	if (src->sensor_us == 0 || now - src->sensor_us >= TELL_US) {
		src->sensor_us = now;
		log_err("parts: part %u tells of sensor %s/%s, after %d others "
			"that nobody knew: what it says of more is refused",
			part, site, sensor, PART_IN_SENSORS);
	}
	in->stats.refused_sensors++;
	e = store_count(in->store, "parts_sensors_refused", 1);
	return e == ERR_OK ? ERR_NOTFOUND : e;
}

static enum err
drop_oldest(struct part_in *in)
{
	sqlite3_stmt *st = in->st[ST_OLDEST];
	int64_t part = 0, last = 0;
	uint64_t n = 0;
	int rc = sql_bind(st, "i", in->oldest);
	enum err e = ERR_OK;

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		part = sqlite3_column_int64(st, 0);
		n = sql_u64(st, 1);
		last = sqlite3_column_int64(st, 2);
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	if (rc != SQLITE_DONE) {
		return ERR_IO;
	}
	if (last > 0) {
		e = sql_run(in->st[ST_TWINS_GONE], "ii",
			    part_alert_join((unsigned)part, 0),
			    part_alert_join((unsigned)part, last));
	}
	if (e == ERR_OK) {
		e = sql_run(in->st[ST_GONE], "i", in->oldest);
	}
	in->oldest++;
	in->kept -= MIN(n, in->kept);
	return e;
}

enum err
part_in_trim(struct part_in *in)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && in->next - in->oldest > 1 &&
	       (in->kept > PART_IN_KEPT ||
		in->next - in->oldest > PART_IN_RECORDS)) {
		e = drop_oldest(in);
	}
	return e;
}

enum err
part_in_forget(struct part_in *in, unsigned part)
{
	sqlite3_stmt *st = in->st[ST_KEPT];
	enum err e = sql_run(in->st[ST_ALL_GONE], "i", (int64_t)part);

	if (e == ERR_OK && sqlite3_step(st) == SQLITE_ROW) {
		in->kept = sql_u64(st, 0);
	} else if (e == ERR_OK) {
		e = ERR_IO;
	}
	sqlite3_reset(st);
	return e;
}

/* Makes the reader stand before a record that is kept, of which 'st' has CRC
 * and data in the columns from 'at' on.  ERR_FORMAT: it is damaged. */
static enum err
open_kept(struct part_in *in, sqlite3_stmt *st, int at)
{
	struct view data = view_of(sqlite3_column_blob(st, at + 1),
				   (size_t)sqlite3_column_bytes(st, at + 1));
	struct view raw;
	struct diag d;
	enum err e = frame_unpack(in->codec, data, (uint32_t)sql_u64(st, at),
				  &raw, NULL);

	return e == ERR_OK ? part_unpack_open(in->unpack, raw, &d) : e;
}

/* One record; what is damaged can not be known again. */
static enum err
recall(struct part_in *in, sqlite3_stmt *st, part_in_fn *fn, void *arg)
{
	unsigned part = (unsigned)sql_u64(st, 0);
	struct part_sight s;
	struct diag d;
	enum err e = open_kept(in, st, 1), taken = ERR_OK;

	while (e == ERR_OK && taken == ERR_OK) {
		e = part_unpack_next(in->unpack, &s, &d);
		if (e == ERR_OK && s.kind != PART_CONTACTS) {
			taken = fn(arg, part, &s);
		}
	}
	if (taken != ERR_OK) {
		return taken;
	}
	return e == ERR_NOTFOUND || e == ERR_FORMAT ? ERR_OK : e;
}

enum err
part_in_recall(struct part_in *in, part_in_fn *fn, void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(store_db(in->store),
				    "SELECT part,crc,data FROM part_records"
				    " ORDER BY id",
				    -1, &st, NULL);

	in->found_record = 0;
	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		e = recall(in, st, fn, arg);
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Makes the reader stand before the alert, or anywhere before it. */
static enum err
seek(struct part_in *in, unsigned part, int64_t alert)
{
	sqlite3_stmt *st = in->st[ST_FIND];
	int rc = sql_bind(st, "ii", (int64_t)part, alert);
	enum err e = ERR_NOTFOUND;

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(st, 0);

		/* Several of one record are asked for in their order. */
		e = ERR_OK;
		if (id != in->found_record || in->found_alert >= alert) {
			in->found_record = 0;
			e = open_kept(in, st, 1);
			in->found_record = e == ERR_OK ? id : 0;
			in->found_alert = 0;
		}
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? e : ERR_IO;
}

enum err
part_in_find(struct part_in *in, unsigned part, int64_t alert,
	     struct part_sight *out)
{
	struct diag d;
	enum err e = seek(in, part, alert);

	while (e == ERR_OK) {
		e = part_unpack_next(in->unpack, out, &d);
		if (e == ERR_OK && out->kind == PART_ALERT) {
			in->found_alert = out->alert;
			if (out->alert == alert) {
				return ERR_OK;
			}
		}
	}
	in->found_record = 0;
	return e == ERR_FORMAT ? ERR_NOTFOUND : e;
}
