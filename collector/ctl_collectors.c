/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_collectors.h"

#include <inttypes.h>

#include "collector/lease_file.h"
#include "collector/store_sql.h"
#include "common/clock.h"

/* Signs of life come four times a second. */
#define LATE_US (UINT64_C(2) * US_PER_S)

struct lease_row {
	uint64_t number, takeovers, since_us, released_us;
};

static enum err
read_row(struct store_reader *r, struct lease_row *out)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT number,takeovers,since_us,released_us FROM lease");
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW) {
		*out = (struct lease_row){ sql_u64(st, 0), sql_u64(st, 1),
					   sql_u64(st, 2), sql_u64(st, 3) };
	}
	return store_reader_finish(st, rc);
}

/* Seconds since its last sign of life; 0 when clocks do not compare. */
static double
silent_s(const struct lease_record *r, uint64_t now)
{
	return r->beat_us != 0 && now > r->beat_us
		       ? (double)(now - r->beat_us) / (double)US_PER_S
		       : 0;
}

/* What is true of it, whatever it says of itself. */
static const char *
state_of(const struct lease_record *r, const struct lease_row *row,
	 uint64_t now)
{
	bool holds = r->role == LEASE_OPENING || r->role == LEASE_SERVING;

	if (holds && r->number != row->number) {
		return "lost";
	}
	return now > r->beat_us + LATE_US ? "hangs" : lease_role_name(r->role);
}

static void
put_json(struct json *j, const struct lease_record *all, unsigned n,
	 const struct lease_row *row, uint64_t now)
{
	json_obj(j, NULL);
	json_obj(j, "lease");
	json_u64(j, "number", row->number);
	json_u64(j, "takeovers", row->takeovers);
	json_time(j, "since", row->since_us);
	if (row->released_us != 0) {
		json_time(j, "released", row->released_us);
	}
	json_obj_end(j);
	json_arr(j, "collectors");
	for (unsigned i = 0; i < n; i++) {
		json_obj(j, NULL);
		json_cstr(j, "name", all[i].name);
		json_cstr(j, "state", state_of(&all[i], row, now));
		json_u64(j, "pid", all[i].pid);
		json_u64(j, "lease", all[i].number);
		json_time(j, "since", all[i].since_us);
		json_f64(j, "silent_s", silent_s(&all[i], now));
		json_bool(j, "guarded", all[i].guarded);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

static void
put_text(struct ctl_text *x, const struct lease_record *all, unsigned n,
	 const struct lease_row *row, uint64_t now)
{
	fprintf(x->out, "%s%-9s %-20s %8s %6s %8s  %s%s\n", ctl_sgr(x, "1"),
		"STATE", "NAME", "PID", "LEASE", "SILENT s", "SINCE",
		ctl_sgr(x, "0"));
	for (unsigned i = 0; i < n; i++) {
		const struct lease_record *r = &all[i];

		ctl_column(x, 9, state_of(r, row, now));
		ctl_column(x, 20, r->name);
		fprintf(x->out, "%8" PRIu64 " %6" PRIu64 " %8.2f  %s\n", r->pid,
			r->number, silent_s(r, now), ctl_time(x, r->since_us));
	}
	fprintf(x->out,
		"lease %" PRIu64 "; %" PRIu64
		" time%s it was taken over from one that had not given it up\n",
		row->number, row->takeovers, row->takeovers == 1 ? "" : "s");
}

enum err
ctl_collectors(struct ctl *c, bool *well, struct diag *d)
{
	struct lease_record all[LEASE_FILE_SLOTS];
	struct lease_row row = { 0 };
	struct lease_file *f = NULL;
	enum err e = lease_file_open(&f, c->store->path, false, d);
	uint64_t now;
	unsigned n;

	if (e == ERR_OK) {
		e = read_row(c->store, &row);
	}
	if (e != ERR_OK) {
		lease_file_close(f);
		return e;
	}
	n = lease_file_read(f, false, all);
	lease_file_close(f);
	now = clock_mono_us();
	*well = false;
	for (unsigned i = 0; i < n; i++) {
		*well |= strcmp(state_of(&all[i], &row, now), "serving") == 0;
	}
	if (c->json) {
		put_json(&c->j, all, n, &row, now);
		return ctl_flush_json(c);
	}
	put_text(&c->text, all, n, &row, now);
	return ERR_OK;
}
