/* SPDX-License-Identifier: Apache-2.0 */
/* The latest records of parts, kept to know observations again. */
#include "collector/part_in_state.h"

enum err
part_in_mark(struct part_in *in, unsigned part)
{
	const struct part_mark *m = &in->source[part - 1].mark;

	return sql_run(in->st[ST_MARK], "iuuuuuuuuu", (int64_t)part, m->epoch,
		       m->seq, m->lost, m->records, m->alerts, m->at_us,
		       m->seen_us, m->said_epoch, m->said_seq);
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
	const int64_t most = (INT64_C(1) << PART_ALERT_BITS) - 1;
	sqlite3_stmt *st = in->st[ST_KEPT];
	enum err e =
		sql_run(in->st[ST_TWINS_GONE], "ii", part_alert_join(part, 0),
			part_alert_join(part, most));

	if (e == ERR_OK) {
		e = sql_run(in->st[ST_ALL_GONE], "i", (int64_t)part);
	}
	if (e == ERR_OK && sqlite3_step(st) == SQLITE_ROW) {
		in->kept = sql_u64(st, 0);
	} else if (e == ERR_OK) {
		e = ERR_IO;
	}
	sqlite3_reset(st);
	return e;
}

/* One record; what is damaged can not be known again. */
static enum err
recall(struct part_in *in, sqlite3_stmt *st, part_in_fn *fn, void *arg)
{
	unsigned part = (unsigned)sql_u64(st, 0);
	struct part_sight s;
	struct diag d;
	struct view raw;
	enum err e = frame_unpack(in->codec,
				  view_of(sqlite3_column_blob(st, 2),
					  (size_t)sqlite3_column_bytes(st, 2)),
				  (uint32_t)sql_u64(st, 1), &raw, NULL);

	if (e == ERR_OK) {
		e = part_unpack_open(in->unpack, raw, &d);
	}
	while (e == ERR_OK) {
		e = part_unpack_next(in->unpack, &s, &d);
		if (e == ERR_OK && s.kind != PART_CONTACTS) {
			e = fn(arg, part, &s);
		}
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

	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		e = recall(in, st, fn, arg);
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
