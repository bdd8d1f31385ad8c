/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_inbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/indicator_pack.h"
#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"

#define BUSY_MS 20000
#define ROW_RECORDS 512
#define ROW_BYTES (128 * 1024)
STATIC_ASSERT(ROW_BYTES > INDICATOR_PACK_CAP, "a row holds any record");
#define NAP_MS 50

struct refusal {
	char file[128], id[128], reason[256];
	uint32_t line;
};

struct indicator_inbox {
	sqlite3 *db;
	sqlite3_stmt *put, *alive, *waiting;
	int64_t import;
	unsigned patience_ms;
	size_t len;
	unsigned n, n_refusals;
	struct refusal refusals[INDICATOR_INBOX_REFUSALS];
	uint64_t n_doubts;
	char doubt[400]; /* the first */
	uint8_t bytes[ROW_BYTES];
};

static void
inbox_free(struct indicator_inbox *b)
{
	if (b != NULL) {
		sqlite3_finalize(b->put);
		sqlite3_finalize(b->alive);
		sqlite3_finalize(b->waiting);
		sqlite3_close(b->db);
		free(b);
	}
}

static enum err
trouble(struct indicator_inbox *b, struct diag *d)
{
	enum err e = sqlite3_errcode(b->db) == SQLITE_BUSY ? ERR_AGAIN : ERR_IO;

	return diag_set(d, e, "the store's inbox: %s", sqlite3_errmsg(b->db));
}

static enum err
begin_import(struct indicator_inbox *b,
	     const struct indicator_inbox_config *cfg, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	uint64_t now = clock_wall_us();
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(b->db,
			       "INSERT INTO indicator_imports(origin,who,"
			       "snapshot,state,begun_us,alive_us)"
			       " VALUES(?,?,?,0,?,?)",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(b->db,
			       "INSERT INTO indicator_inbox(import,n,records)"
			       " VALUES(?,?,?)",
			       -1, &b->put, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(b->db,
			       "UPDATE indicator_imports SET alive_us=?2"
			       " WHERE id=?1",
			       -1, &b->alive, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(b->db,
			       "SELECT coalesce(max(id)-min(id)+1,0) FROM"
			       " indicator_inbox",
			       -1, &b->waiting, NULL) == SQLITE_OK) {
		e = sql_run(st, "ttduu", cfg->origin, cfg->who,
			    (int)cfg->snapshot, now, now);
		b->import = sqlite3_last_insert_rowid(b->db);
	}
	sqlite3_finalize(st);
	return e == ERR_OK ? e : trouble(b, d);
}

enum err
indicator_inbox_open(struct indicator_inbox **out,
		     const struct indicator_inbox_config *cfg, struct diag *d)
{
	struct indicator_inbox *b = calloc(1, sizeof(*b));
	enum err e;

	*out = NULL;
	if (b == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	b->patience_ms = (cfg->patience_s != 0 ? cfg->patience_s : 60) * 1000;
	if (sql_open(&b->db, cfg->store,
		     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) != ERR_OK) {
		e = diag_set(d, ERR_NOTFOUND,
			     "%s: %s: name the store that a picket-collector "
			     "writes; it makes it at its first start",
			     cfg->store, sqlite3_errmsg(b->db));
	} else {
		e = store_schema_check(b->db, cfg->store, d);
	}
	/* The last transaction is durable; those before it only as a whole
	 * with it, which a log written in order gives. */
	if (e == ERR_OK &&
	    (sql_exec(b->db, "PRAGMA synchronous=NORMAL") != ERR_OK ||
	     sqlite3_wal_autocheckpoint(b->db, STORE_LOG_PAGES) != SQLITE_OK)) {
		e = trouble(b, d);
	}
	if (e == ERR_OK) {
		e = begin_import(b, cfg, d);
	}
	if (e != ERR_OK) {
		inbox_free(b);
		return e;
	}
	*out = b;
	return ERR_OK;
}

static enum err
waiting(struct indicator_inbox *b, uint64_t *n, struct diag *d)
{
	int rc = sqlite3_step(b->waiting);

	*n = rc == SQLITE_ROW ? sql_u64(b->waiting, 0) : 0;
	sqlite3_reset(b->waiting);
	return rc == SQLITE_ROW ? ERR_OK : trouble(b, d);
}

/* Until there is room; as long as something is taken, that may last. */
static enum err
wait_for_room(struct indicator_inbox *b, struct diag *d)
{
	const struct timespec nap = { 0, NAP_MS * 1000000 };
	uint64_t n = 0, least = UINT64_MAX, limit = INDICATOR_INBOX_HIGH;
	unsigned idle_ms = 0;
	enum err e = waiting(b, &n, d);

	while (e == ERR_OK && n > limit) {
		idle_ms = n < least ? 0 : idle_ms + NAP_MS;
		least = MIN(n, least);
		limit = INDICATOR_INBOX_HIGH / 2;
		if (idle_ms >= b->patience_ms) {
			return diag_set(d, ERR_AGAIN,
					"the store's inbox is full and nobody "
					"takes from it: is picket-collector "
					"running with this store?");
		}
		if (idle_ms % 10000 == 0 &&
		    sql_run(b->alive, "iu", b->import, clock_wall_us()) !=
			    ERR_OK) {
			return trouble(b, d);
		}
		nanosleep(&nap, NULL);
		e = waiting(b, &n, d);
	}
	return e;
}

static enum err
flush(struct indicator_inbox *b, struct diag *d)
{
	enum err e;

	if (b->n == 0) {
		return ERR_OK;
	}
	e = sql_exec(b->db, "BEGIN IMMEDIATE");
	if (e == ERR_OK) {
		e = sql_run(b->put, "idb", b->import, (int)b->n,
			    view_of(b->bytes, b->len));
		if (e == ERR_OK) {
			e = sql_run(b->alive, "iu", b->import, clock_wall_us());
		}
		if (e == ERR_OK) {
			e = sql_exec(b->db, "COMMIT");
		}
		if (e != ERR_OK) {
			e = trouble(b, d);
			sqlite3_exec(b->db, "ROLLBACK", NULL, NULL, NULL);
			return e;
		}
	}
	b->n = 0;
	b->len = 0;
	return e == ERR_OK ? wait_for_room(b, d) : trouble(b, d);
}

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	struct indicator_inbox *b = arg;
	size_t n;

	if (b->n == ROW_RECORDS || ROW_BYTES - b->len < INDICATOR_PACK_CAP) {
		enum err e = flush(b, d);

		if (e != ERR_OK) {
			return e;
		}
	}
	n = indicator_pack(i, b->bytes + b->len, ROW_BYTES - b->len);
	if (n == 0) {
		return diag_set(d, ERR_FORMAT, "longer than %d bytes",
				INDICATOR_PATTERN_CAP - 1);
	}
	b->len += n;
	b->n++;
	return ERR_OK;
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	struct indicator_inbox *b = arg;
	struct refusal *to = &b->refusals[b->n_refusals];

	if (b->n_refusals == INDICATOR_INBOX_REFUSALS) {
		return;
	}
	b->n_refusals++;
	to->line = r->line;
	snprintf(to->file, sizeof(to->file), "%s", r->file);
	snprintf(to->id, sizeof(to->id), "%s", r->id);
	snprintf(to->reason, sizeof(to->reason), "%s", r->reason);
}

/* What is taken, and not as its list may have meant it. */
static void
doubted(void *arg, const struct indicator_refusal *r)
{
	struct indicator_inbox *b = arg;

	if (b->n_doubts++ == 0) {
		snprintf(b->doubt, sizeof(b->doubt), "%.150s: %.80s%s%s",
			 r->file, r->id, r->id[0] != '\0' ? ": " : "",
			 r->reason);
	}
}

static void
tell_doubts(const struct indicator_inbox *b)
{
	if (b->n_doubts > 1) {
		log_warn("indicators: %s; and %" PRIu64 " more of that kind",
			 b->doubt, b->n_doubts - 1);
	} else if (b->n_doubts == 1) {
		log_warn("indicators: %s", b->doubt);
	}
}

struct indicator_sink
indicator_inbox_sink(struct indicator_inbox *b)
{
	return (struct indicator_sink){
		.arg = b, .take = take, .refused = refused, .doubted = doubted
	};
}

static enum err
put_refusals(struct indicator_inbox *b)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;

	if (sqlite3_prepare_v2(b->db,
			       "INSERT INTO indicator_refusals"
			       " VALUES(?,?,?,?,?,?)",
			       -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	for (unsigned i = 0; i < b->n_refusals && e == ERR_OK; i++) {
		const struct refusal *r = &b->refusals[i];

		e = sql_run(st, "idtitt", b->import, (int)i, r->file,
			    (int64_t)r->line, r->id, r->reason);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
end_import(struct indicator_inbox *b, const struct indicator_report *r,
	   const char *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = put_refusals(b);

	if (e == ERR_OK &&
	    sqlite3_prepare_v2(b->db,
			       "UPDATE indicator_imports SET state=1,total=?2,"
			       "supported=?3,refused=?4,repeated=?5,error=?6"
			       " WHERE id=?1",
			       -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = sql_run(st, "iuuuut", b->import, r->total, r->loaded,
			    r->refused, r->repeated, why != NULL ? why : "");
	}
	sqlite3_finalize(st);
	return e;
}

enum err
indicator_inbox_close(struct indicator_inbox *b,
		      const struct indicator_report *r, const char *why,
		      int64_t *import, struct diag *d)
{
	enum err e;

	tell_doubts(b);
	e = flush(b, d);
	*import = b->import;
	if (e == ERR_OK) {
		e = sql_exec(b->db, "PRAGMA synchronous=FULL;"
				    "BEGIN IMMEDIATE");
		if (e == ERR_OK) {
			e = end_import(b, r, why);
		}
		if (e == ERR_OK) {
			e = sql_exec(b->db, "COMMIT");
		}
		if (e != ERR_OK) {
			e = trouble(b, d);
		}
	}
	inbox_free(b);
	return e;
}
