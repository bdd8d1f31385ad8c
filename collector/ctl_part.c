/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_part.h"

#include <inttypes.h>

#include "collector/part.h"
#include "collector/store_sql.h"
#include "common/clock.h"

/* Alerts of a part that a line names. */
#define NAMED 12

/* A part as the head's store has it. */
struct row {
	uint64_t part, epoch, seq, lost, alerts, at_us, seen_us;
	uint64_t said_epoch, said_seq;
};

/* A part as its own store has it. */
struct self {
	uint64_t part, epoch, seq, point, waiting, bytes;
};

static uint64_t
behind(const struct row *r)
{
	return part_behind(r->epoch, r->seq, r->said_epoch, r->said_seq);
}

/* Looks are written down each few seconds, so a part has twice the time that
 * its word holds. */
static const char *
state_of(const struct row *r, uint64_t now)
{
	if (r->seen_us == 0) {
		return "unknown";
	}
	if (now > r->seen_us + 2 * (uint64_t)PART_ALIVE_S * US_PER_S) {
		return "silent";
	}
	return behind(r) > 0 ? "behind" : "here";
}

static void
put_row(struct ctl *c, const struct row *r, uint64_t now)
{
	FILE *out = c->text.out;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "part", r->part);
		json_cstr(&c->j, "state", state_of(r, now));
		json_u64(&c->j, "epoch", r->epoch);
		json_u64(&c->j, "point", r->seq);
		json_u64(&c->j, "behind", behind(r));
		json_u64(&c->j, "lost", r->lost);
		json_u64(&c->j, "alerts", r->alerts);
		json_time(&c->j, "joined", r->at_us);
		json_time(&c->j, "seen", r->seen_us);
		json_obj_end(&c->j);
		return;
	}
	ctl_column(&c->text, 8, state_of(r, now));
	fprintf(out,
		"%4" PRIu64 " %10" PRIu64 " %8" PRIu64 " %6" PRIu64
		" %12" PRIu64 "  ",
		r->part, r->seq, behind(r), r->lost, r->alerts);
	ctl_column(&c->text, 20,
		   r->at_us != 0 ? ctl_time(&c->text, r->at_us) : "never");
	fprintf(out, "%s\n",
		r->seen_us != 0 ? ctl_time(&c->text, r->seen_us) : "never");
}

static enum err
put_parts(struct ctl *c, unsigned *n, bool *well)
{
	uint64_t now = clock_wall_us();
	sqlite3_stmt *st = store_reader_prepare(
		c->store, "SELECT part,epoch,seq,lost,alerts,at_us,seen_us,"
			  "said_epoch,said_seq FROM part_marks ORDER BY part");
	int rc = st == NULL ? SQLITE_ERROR : SQLITE_OK;

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct row r = {
			sql_u64(st, 0), sql_u64(st, 1), sql_u64(st, 2),
			sql_u64(st, 3), sql_u64(st, 4), sql_u64(st, 5),
			sql_u64(st, 6), sql_u64(st, 7), sql_u64(st, 8)
		};

		rc = SQLITE_OK;
		if ((*n)++ == 0 && !c->json) {
			fprintf(c->text.out,
				"%s%-8s %4s %10s %8s %6s %12s  %-20s %s%s\n",
				ctl_sgr(&c->text, "1"), "STATE", "PART",
				"RECORD", "BEHIND", "LOST", "ALERTS",
				"LAST RECORD", "LAST SEEN",
				ctl_sgr(&c->text, "0"));
		}
		put_row(c, &r, now);
		*well &= r.lost == 0 && r.seen_us != 0 &&
			 strcmp(state_of(&r, now), "silent") != 0;
	}
	return store_reader_finish(st, rc);
}

static enum err
put_self(struct ctl *c, unsigned *n)
{
	sqlite3_stmt *st = store_reader_prepare(
		c->store, "SELECT part,epoch,seq,point,(SELECT count(*) FROM "
			  "part_outbox),(SELECT coalesce(sum(length(data)),0) "
			  "FROM part_outbox) FROM part_self");
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW) {
		struct self s = { sql_u64(st, 0), sql_u64(st, 1),
				  sql_u64(st, 2), sql_u64(st, 3),
				  sql_u64(st, 4), sql_u64(st, 5) };

		(*n)++;
		if (c->json) {
			json_obj(&c->j, "self");
			json_u64(&c->j, "part", s.part);
			json_u64(&c->j, "epoch", s.epoch);
			json_u64(&c->j, "said", s.seq);
			json_u64(&c->j, "point", s.point);
			json_u64(&c->j, "waiting", s.waiting);
			json_u64(&c->j, "waiting_bytes", s.bytes);
			json_obj_end(&c->j);
		} else {
			fprintf(c->text.out,
				"part %" PRIu64 ": %" PRIu64
				" records said, the head has %" PRIu64
				"; %" PRIu64 " kept, %.1f MB\n",
				s.part, s.seq, s.point, s.waiting,
				(double)s.bytes / 1e6);
		}
	}
	return store_reader_finish(st, rc);
}

enum err
ctl_parts(struct ctl *c, bool *well, struct diag *d)
{
	unsigned n = 0;
	enum err e;

	*well = true;
	if (c->json) {
		json_obj(&c->j, NULL);
	}
	e = put_self(c, &n);
	if (c->json) {
		json_arr(&c->j, "parts");
	}
	if (e == ERR_OK) {
		e = put_parts(c, &n, well);
	}
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	return e == ERR_OK && n == 0
		       ? diag_set(
				 d, ERR_NOTFOUND,
				 "this store is neither a part's nor a head's: "
				 "one collector takes all sensors in")
		       : e;
}

void
ctl_part_evidence(struct ctl_text *x, const json_t *numbers)
{
	for (unsigned k = 1; k <= PART_MAX; k++) {
		unsigned n = 0;

		for (size_t i = 0; i < json_array_size(numbers); i++) {
			unsigned part;
			int64_t alert;

			if (!part_alert_split(json_integer_value(json_array_get(
						      numbers, i)),
					      &part, &alert) ||
			    part != k) {
				continue;
			}
			if (n == 0) {
				fprintf(x->out, "in the store of part %u:", k);
			}
			if (n++ < NAMED) {
				fprintf(x->out, " %" PRId64, alert);
			}
		}
		if (n > NAMED) {
			fprintf(x->out, " and %u more", n - NAMED);
		}
		if (n > 0) {
			fputc('\n', x->out);
		}
	}
}
