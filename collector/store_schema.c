/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_schema.h"

#include <stdio.h>

#include "collector/store_convert.h"
#include "collector/store_tables.h"

/* what partners' collectors told */
static const char partners[] =
	"CREATE TABLE partners(party TEXT PRIMARY KEY,"
	" epoch INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT 0,"
	" at_us INTEGER NOT NULL DEFAULT 0,"
	" sightings INTEGER NOT NULL DEFAULT 0,"
	" incidents INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE partner_counts(party TEXT NOT NULL, name TEXT NOT NULL,"
	" n INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" PRIMARY KEY(party, name)) WITHOUT ROWID;"
	"CREATE TABLE partner_sightings(party TEXT NOT NULL, id TEXT NOT NULL,"
	" kind INTEGER NOT NULL, value TEXT NOT NULL, place TEXT NOT NULL,"
	" exercise TEXT NOT NULL, first_us INTEGER NOT NULL,"
	" last_us INTEGER NOT NULL, count INTEGER NOT NULL,"
	" mark TEXT NOT NULL, at_us INTEGER NOT NULL,"
	" PRIMARY KEY(party, id)) WITHOUT ROWID;"
	"CREATE INDEX partner_sightings_age ON"
	" partner_sightings(party, at_us);"
	"CREATE TABLE partner_incidents(party TEXT NOT NULL, id TEXT NOT NULL,"
	" title TEXT NOT NULL, level INTEGER NOT NULL, score INTEGER NOT NULL,"
	" lead TEXT NOT NULL, support TEXT NOT NULL, missions TEXT NOT NULL,"
	" sites TEXT NOT NULL, stages TEXT NOT NULL,"
	" exercise TEXT NOT NULL, alerts INTEGER NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" modified_us INTEGER NOT NULL, revoked INTEGER NOT NULL,"
	" mark TEXT NOT NULL, at_us INTEGER NOT NULL,"
	" PRIMARY KEY(party, id)) WITHOUT ROWID;"
	"CREATE INDEX partner_incidents_age ON"
	" partner_incidents(party, at_us);";

/* A partner's incidents by what they share with ours (counterpart.h). */
static const char counterparts[] =
	"CREATE TABLE partner_numbers(party TEXT NOT NULL,"
	" number INTEGER NOT NULL, incident TEXT NOT NULL,"
	" PRIMARY KEY(party, number)) WITHOUT ROWID;"
	"CREATE INDEX partner_numbers_of ON"
	" partner_numbers(party, incident);"
	"CREATE TABLE partner_keys(key TEXT NOT NULL, party TEXT NOT NULL,"
	" incident TEXT NOT NULL, PRIMARY KEY(key, party, incident))"
	" WITHOUT ROWID;"
	"CREATE INDEX partner_keys_of ON partner_keys(party, incident);"
	"CREATE INDEX consults_foreign ON consults(state) WHERE local=0;"
	"CREATE TRIGGER partner_incident_gone AFTER DELETE ON"
	" partner_incidents BEGIN DELETE FROM partner_keys WHERE"
	" party=old.party AND incident=old.id; DELETE FROM partner_numbers"
	" WHERE party=old.party AND incident=old.id; END;";
/* how long a bundle waited; versions of one object, however many values it has */
static const char received[] =
	"ALTER TABLE partners ADD COLUMN added_us INTEGER NOT NULL DEFAULT 0;"
	"DROP INDEX indicator_sources_id;"
	"CREATE INDEX indicator_sources_id ON indicator_sources(id_key,"
	" origin, gone, modified_us) WHERE id_key<>0;";

/* contacts: what their correlators remember, and what they found */
static const char findings[] =
	"CREATE TABLE contact_places(id INTEGER PRIMARY KEY,"
	" exercise TEXT NOT NULL, site TEXT NOT NULL, owner TEXT NOT NULL,"
	" since_us INTEGER NOT NULL, last_us INTEGER NOT NULL);"
	"CREATE TABLE contact_states(id INTEGER PRIMARY KEY,"
	" kind INTEGER NOT NULL, place INTEGER NOT NULL,"
	" shared INTEGER NOT NULL, a BLOB NOT NULL, b BLOB NOT NULL,"
	" port INTEGER NOT NULL, proto INTEGER NOT NULL,"
	" touched_us INTEGER NOT NULL, settled INTEGER NOT NULL,"
	" mark TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL);"
	"CREATE TABLE findings(id INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
	" exercise TEXT NOT NULL, key TEXT NOT NULL, site TEXT NOT NULL,"
	" host TEXT NOT NULL, peer TEXT NOT NULL, port INTEGER NOT NULL,"
	" proto INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" title TEXT NOT NULL, mark TEXT NOT NULL, first_us INTEGER NOT NULL,"
	" last_us INTEGER NOT NULL, stored_us INTEGER NOT NULL,"
	" updates INTEGER NOT NULL, told REAL NOT NULL, places TEXT NOT NULL,"
	" evidence TEXT NOT NULL);"
	"CREATE INDEX findings_key ON findings(key, kind, exercise, last_us);"
	"CREATE INDEX findings_site ON findings(site, id);";
/* which collector writes (lease.h) */
static const char lease[] =
	"CREATE TABLE lease(id INTEGER PRIMARY KEY CHECK(id=1),"
	" number INTEGER NOT NULL, name TEXT NOT NULL, pid INTEGER NOT NULL,"
	" since_us INTEGER NOT NULL, takeovers INTEGER NOT NULL,"
	" released_us INTEGER NOT NULL);";
/* parts: what waits for the head; at the head, how far each is, and what it
 * said of late */
static const char parts[] =
	"CREATE TABLE part_self(id INTEGER PRIMARY KEY CHECK(id=1),"
	" part INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, point INTEGER NOT NULL);"
	"CREATE TABLE part_outbox(seq INTEGER PRIMARY KEY,"
	" n INTEGER NOT NULL, raw INTEGER NOT NULL, crc INTEGER NOT NULL,"
	" data BLOB NOT NULL);"
	"CREATE TABLE part_marks(part INTEGER PRIMARY KEY,"
	" epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" lost INTEGER NOT NULL, records INTEGER NOT NULL,"
	" alerts INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" seen_us INTEGER NOT NULL, said_epoch INTEGER NOT NULL,"
	" said_seq INTEGER NOT NULL);"
	"CREATE TABLE part_records(id INTEGER PRIMARY KEY,"
	" part INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" n INTEGER NOT NULL, crc INTEGER NOT NULL, last INTEGER NOT NULL,"
	" data BLOB NOT NULL);";

/* One step: SQL, then what SQL cannot do, then SQL again; NULL is nothing. */
struct migration {
	const char *sql;
	enum err (*convert)(sqlite3 *db);
	const char *sql_after;
};

/* exchange with other parties: what each is to get, and what it has.  Triggers
 * number what changes, so that nobody who writes need know who follows, once
 * there is a party. */
static const char exchange[] =
	"CREATE TABLE exchange_parties("
	" party TEXT PRIMARY KEY, epoch INTEGER NOT NULL,"
	" seq INTEGER NOT NULL DEFAULT 0, acked INTEGER NOT NULL DEFAULT 0,"
	" sent INTEGER NOT NULL DEFAULT 0, policy TEXT NOT NULL DEFAULT '',"
	" indicators INTEGER NOT NULL DEFAULT 0,"
	" sightings INTEGER NOT NULL DEFAULT 0,"
	" incidents INTEGER NOT NULL DEFAULT 0,"
	" consultations INTEGER NOT NULL DEFAULT 0,"
	" swept INTEGER NOT NULL DEFAULT 0, sweep BLOB,"
	" made_us INTEGER NOT NULL DEFAULT 0,"
	" acked_us INTEGER NOT NULL DEFAULT 0,"
	" renewed_us INTEGER NOT NULL DEFAULT 0,"
	" objects INTEGER NOT NULL DEFAULT 0,"
	" held INTEGER NOT NULL DEFAULT 0,"
	" down_us INTEGER NOT NULL DEFAULT 0,"
	" error TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
	"CREATE TABLE exchange_outbox("
	" id INTEGER PRIMARY KEY, party TEXT NOT NULL, seq INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, n INTEGER NOT NULL, len INTEGER NOT NULL,"
	" made_us INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE(party, seq));"
	"CREATE TABLE exchange_had("
	" party TEXT NOT NULL, id BLOB NOT NULL, kind INTEGER NOT NULL,"
	" local INTEGER NOT NULL, version INTEGER NOT NULL,"
	" PRIMARY KEY(party, id)) WITHOUT ROWID;"
	"CREATE TABLE exchange_changes("
	" n INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
	" local INTEGER NOT NULL, UNIQUE(kind, local));"
	"CREATE TRIGGER exchange_run_new AFTER INSERT ON runs"
	" WHEN new.kind=0 AND EXISTS(SELECT 1 FROM exchange_parties) BEGIN"
	" DELETE FROM exchange_changes WHERE kind=1 AND local=new.id;"
	" INSERT INTO exchange_changes(kind,local) VALUES(1,new.id); END;"
	"CREATE TRIGGER exchange_run AFTER UPDATE ON runs"
	" WHEN new.kind=0 AND EXISTS(SELECT 1 FROM exchange_parties) BEGIN"
	" DELETE FROM exchange_changes WHERE kind=1 AND local=new.id;"
	" INSERT INTO exchange_changes(kind,local) VALUES(1,new.id); END;"
	"CREATE TRIGGER exchange_run_gone AFTER DELETE ON runs"
	" WHEN old.kind=0 BEGIN DELETE FROM exchange_changes"
	" WHERE kind=1 AND local=old.id; END;"
	"CREATE TRIGGER exchange_incident_new AFTER INSERT ON incidents"
	" WHEN EXISTS(SELECT 1 FROM exchange_parties) BEGIN"
	" DELETE FROM exchange_changes WHERE kind=2 AND local=new.id;"
	" INSERT INTO exchange_changes(kind,local) VALUES(2,new.id); END;"
	"CREATE TRIGGER exchange_incident AFTER UPDATE ON incidents"
	" WHEN EXISTS(SELECT 1 FROM exchange_parties) BEGIN"
	" DELETE FROM exchange_changes WHERE kind=2 AND local=new.id;"
	" INSERT INTO exchange_changes(kind,local) VALUES(2,new.id); END;"
	"CREATE TRIGGER exchange_incident_gone AFTER DELETE ON incidents BEGIN"
	" DELETE FROM exchange_changes WHERE kind=2 AND local=old.id; END;";
/* cases: what analysts change in the picture, and what sensors' silence adds to
 * it; the correlators as they run */
static const char cases[] =
	"ALTER TABLE links ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE incident_apart(a INTEGER NOT NULL, b INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;"
	"CREATE INDEX incident_apart_b ON incident_apart(b);"
	"CREATE TABLE mutes(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" exercise TEXT NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,"
	" from_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
	" who TEXT NOT NULL, why TEXT NOT NULL,"
	" alerts INTEGER NOT NULL DEFAULT 0,"
	" ended_us INTEGER NOT NULL DEFAULT 0,"
	" ended_by TEXT NOT NULL DEFAULT '');"
	"CREATE UNIQUE INDEX mutes_now ON mutes(exercise, kind, key)"
	" WHERE ended_us=0;"
	"CREATE INDEX mutes_due ON mutes(until_us)"
	" WHERE ended_us=0 AND until_us>0;"
	"CREATE TABLE case_orders(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" at_us INTEGER NOT NULL, who TEXT NOT NULL, what INTEGER NOT NULL,"
	" incident INTEGER NOT NULL, other INTEGER NOT NULL,"
	" runs TEXT NOT NULL, exercise TEXT NOT NULL, kind INTEGER NOT NULL,"
	" key TEXT NOT NULL, until_us INTEGER NOT NULL, why TEXT NOT NULL,"
	" state INTEGER NOT NULL DEFAULT 0,"
	" done_us INTEGER NOT NULL DEFAULT 0,"
	" answer TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX case_orders_waiting ON case_orders(id) WHERE state=0;"
	"CREATE TABLE incident_silences(incident INTEGER NOT NULL,"
	" site TEXT NOT NULL, sensor TEXT NOT NULL, cause TEXT NOT NULL,"
	" from_us INTEGER NOT NULL,"
	" PRIMARY KEY(incident, site, sensor, cause, from_us)) WITHOUT ROWID;";
/* What is linked to a run: at a start, and when the run ends. */
static const char links_both_ways[] = "CREATE INDEX links_b ON links(b);";

/* What an indicator told, apart from the rest; and those out of force. */
static const char refuted[] =
	"ALTER TABLE runs ADD COLUMN own BLOB;"
	"ALTER TABLE runs ADD COLUMN refuted INTEGER NOT NULL DEFAULT 0;"
	"UPDATE runs SET own=stages;"
	"ALTER TABLE sightings ADD COLUMN told INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE links ADD COLUMN told INTEGER NOT NULL DEFAULT 0;";

/* the correlators as they run, and what they found by the hour */
static const char correlators[] =
	"CREATE TABLE correlators(kind TEXT PRIMARY KEY,"
	" number INTEGER NOT NULL, place TEXT NOT NULL,"
	" enabled INTEGER NOT NULL, thresholds TEXT NOT NULL,"
	" tactics TEXT NOT NULL, total INTEGER NOT NULL DEFAULT 0,"
	" last_us INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE correlator_hours(kind TEXT NOT NULL,"
	" hour INTEGER NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY(kind, hour)) WITHOUT ROWID;";

/* How many sensors a part was the first to tell the head of. */
static const char part_sensors[] =
	"ALTER TABLE part_marks ADD COLUMN sensors INTEGER NOT NULL DEFAULT 0;";
/* a domain warned of, and whether its subdomains are; what came of it later */
static const char warned[] =
	"ALTER TABLE warnings ADD COLUMN exact INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE warnings ADD COLUMN moved_us INTEGER NOT NULL DEFAULT 0;";
/* How much of a count was found in what had been seen before. */
static const char told_late[] =
	"ALTER TABLE sightings ADD COLUMN past INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE indicator_seen ADD COLUMN past INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE partner_sightings ADD COLUMN past INTEGER NOT NULL"
	" DEFAULT 0;";

/* People who may use the console, and whom it knows at present. */
static const char people[] =
	"CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, role TEXT NOT NULL,"
	" hash TEXT NOT NULL, cert TEXT NOT NULL DEFAULT '',"
	" lang TEXT NOT NULL, zone TEXT NOT NULL, disabled INTEGER NOT NULL,"
	" failed INTEGER NOT NULL DEFAULT 0, changed_us INTEGER NOT NULL);"
	"CREATE TABLE sessions(hash BLOB PRIMARY KEY, user INTEGER NOT NULL,"
	" csrf TEXT NOT NULL, created_us INTEGER NOT NULL,"
	" seen_us INTEGER NOT NULL, ends_us INTEGER NOT NULL,"
	" address TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX sessions_user ON sessions(user, created_us);";

/* migrations[i] leads from version i to i + 1. */
static const struct migration migrations[] = {
	{ store_sql_v1, NULL, NULL },
	{ store_sql_frames_as_they_came, store_convert_alerts,
	  store_sql_frames_indexed },
	{ store_sql_ledgers, NULL, NULL },
	{ store_sql_blindness, NULL, NULL },
	{ store_sql_signatures, NULL, NULL },
	/* A group's first frame is in no list: who looks for it there, as
	 * earlier programs do, would miss alerts. */
	{ "", NULL, NULL },
	{ store_sql_bounds, NULL, NULL },
	{ store_sql_sensor_runs, NULL, NULL },
	{ store_sql_overload_priorities, NULL, NULL },
	{ store_sql_ledger_lost, NULL, NULL },
	{ store_sql_indicators, NULL, NULL },
	{ store_sql_release, NULL, NULL },
	{ store_sql_taps, NULL, NULL },
	{ store_sql_consult, NULL, NULL },
	{ store_sql_posture, NULL, NULL },
	{ store_sql_exercises, NULL, NULL },
	{ store_sql_floods, NULL, NULL },
	{ store_sql_warnings, NULL, NULL },
	{ store_sql_polls, NULL, NULL },
	{ partners, NULL, NULL },
	{ counterparts, NULL, NULL },
	{ exchange, NULL, NULL },
	{ findings, NULL, NULL },
	{ cases, NULL, NULL },
	{ lease, NULL, NULL },
	{ refuted, NULL, NULL },
	{ correlators, NULL, NULL },
	{ links_both_ways, NULL, NULL },
	{ received, NULL, NULL },
	{ parts, NULL, NULL },
	{ part_sensors, NULL, NULL },
	{ warned, NULL, NULL },
	{ told_late, NULL, NULL },
	{ people, NULL, NULL },
};
STATIC_ASSERT(ARRAY_LEN(migrations) == STORE_SCHEMA_VERSION,
	      "every version has its migration");

static int
run_step(sqlite3 *db, const struct migration *m)
{
	int rc = sqlite3_exec(db, m->sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK && m->convert != NULL && m->convert(db) != ERR_OK) {
		rc = sqlite3_errcode(db);
		rc = rc != SQLITE_OK ? rc : SQLITE_ERROR;
	}
	if (rc == SQLITE_OK && m->sql_after != NULL) {
		rc = sqlite3_exec(db, m->sql_after, NULL, NULL, NULL);
	}
	return rc;
}

static int
pragma_int(sqlite3 *db, const char *sql, int *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			*out = sqlite3_column_int(st, 0);
			rc = SQLITE_OK;
		}
	}
	sqlite3_finalize(st);
	return rc;
}

/* Which version the file has; 0 for an empty one. */
static enum err
version_of(sqlite3 *db, const char *path, int *version, struct diag *d)
{
	int app = 0, tables = 0;

	*version = 0;
	if (pragma_int(db, "PRAGMA user_version", version) != SQLITE_OK ||
	    pragma_int(db, "PRAGMA application_id", &app) != SQLITE_OK ||
	    pragma_int(db, "SELECT count(*) FROM sqlite_schema", &tables) !=
		    SQLITE_OK) {
		return diag_set(d, ERR_FORMAT,
				"%s: %s: name another file with --store", path,
				sqlite3_errmsg(db));
	}
	if (tables == 0 && *version == 0) {
		return ERR_OK;
	}
	if (app != STORE_APPLICATION_ID) {
		return diag_set(d, ERR_FORMAT,
				"%s: an SQLite file, but not a Picket store: "
				"name another file with --store",
				path);
	}
	if (*version > STORE_SCHEMA_VERSION) {
		return diag_set(
			d, ERR_FORMAT,
			"%s: written by a newer Picket (schema %d, this "
			"one knows %d): run that version",
			path, *version, STORE_SCHEMA_VERSION);
	}
	return ERR_OK;
}

enum err
store_schema_check(sqlite3 *db, const char *path, struct diag *d)
{
	int version;
	enum err e = version_of(db, path, &version, d);

	if (e == ERR_OK && version != STORE_SCHEMA_VERSION) {
		e = diag_set(d, ERR_FORMAT,
			     "%s: schema %d, this program reads %d: start "
			     "picket-collector once to bring it up to date",
			     path, version, STORE_SCHEMA_VERSION);
	}
	return e;
}

/* One step, and with 'commit' what came before it in its transaction, too. */
static int
migrate_step(sqlite3 *db, int version, bool begin, bool commit)
{
	char end[128];
	int rc = SQLITE_OK;

	snprintf(end, sizeof(end),
		 "PRAGMA application_id=%d; PRAGMA user_version=%d;%s",
		 STORE_APPLICATION_ID, version + 1, commit ? " COMMIT" : "");
	if (begin) {
		rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK) {
		rc = run_step(db, &migrations[version]);
	}
	return rc == SQLITE_OK ? sqlite3_exec(db, end, NULL, NULL, NULL) : rc;
}

/* A new store is there as a whole or not at all: who looks at it meanwhile takes
 * it for no older one.  One that has something is brought on by steps, each of
 * which may take long and stays done. */
enum err
store_schema_migrate(sqlite3 *db, const char *path, struct diag *d)
{
	int version;
	enum err e = version_of(db, path, &version, d);
	bool fresh = e == ERR_OK && version == 0;

	for (; e == ERR_OK && version < STORE_SCHEMA_VERSION; version++) {
		int rc = migrate_step(
			db, version, !fresh || version == 0,
			!fresh || version == STORE_SCHEMA_VERSION - 1);

		if (rc != SQLITE_OK) {
			e = diag_set(d, ERR_IO,
				     "%s: cannot bring the store from schema "
				     "%d to %d: %s",
				     path, version, version + 1,
				     sqlite3_errmsg(db));
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		}
	}
	return e;
}
