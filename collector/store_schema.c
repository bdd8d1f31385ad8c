/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_schema.h"

#include <stdio.h>

#include "collector/store_convert.h"

/*
 * Texts that repeat are kept once, in 'names'.  The alerts' EVE lines stay in
 * the compressed frames they came in.  Times are microseconds since 1970,
 * addresses 16 bytes.
 */
static const char v1[] =
	"CREATE TABLE names("
	" id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
	"CREATE TABLE sensors("
	" id INTEGER PRIMARY KEY, site TEXT NOT NULL, sensor TEXT NOT NULL,"
	" owner TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT "
	"'unknown',"
	" presence TEXT NOT NULL DEFAULT '', stats TEXT NOT NULL DEFAULT '',"
	" first_us INTEGER NOT NULL DEFAULT 0,"
	" last_us INTEGER NOT NULL DEFAULT 0,"
	" seen_us INTEGER NOT NULL DEFAULT 0,"
	" alerts INTEGER NOT NULL DEFAULT 0,"
	" frames INTEGER NOT NULL DEFAULT 0,"
	" lines_refused INTEGER NOT NULL DEFAULT 0,"
	" frames_refused INTEGER NOT NULL DEFAULT 0,"
	" duplicates INTEGER NOT NULL DEFAULT 0,"
	" epoch INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE(site, sensor));"
	"CREATE TABLE marks("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" upto INTEGER NOT NULL, PRIMARY KEY(sensor, epoch)) WITHOUT ROWID;"
	"CREATE TABLE mark_ranges("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" lo INTEGER NOT NULL, hi INTEGER NOT NULL,"
	" PRIMARY KEY(sensor, epoch, lo)) WITHOUT ROWID;"
	"CREATE TABLE gaps("
	" id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,"
	" frames INTEGER NOT NULL, events INTEGER NOT NULL,"
	" cause TEXT NOT NULL, at_us INTEGER NOT NULL);"
	"CREATE TABLE frames("
	" id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,"
	" sev INTEGER NOT NULL, crc INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" data BLOB NOT NULL, UNIQUE(sensor, epoch, seq));"
	"CREATE TABLE signatures("
	" id INTEGER PRIMARY KEY, gid INTEGER NOT NULL, sid INTEGER NOT NULL,"
	" rev INTEGER NOT NULL, text TEXT NOT NULL, category TEXT NOT NULL,"
	" UNIQUE(gid, sid, rev, text, category));"
	"CREATE TABLE alerts("
	" id INTEGER PRIMARY KEY, ts_us INTEGER NOT NULL,"
	" sensor INTEGER NOT NULL, signature INTEGER NOT NULL,"
	" severity INTEGER NOT NULL, src BLOB NOT NULL, sport INTEGER NOT NULL,"
	" dst BLOB NOT NULL, dport INTEGER NOT NULL, proto INTEGER NOT NULL,"
	" app INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" tlp INTEGER NOT NULL, indicator INTEGER NOT NULL,"
	" src_info INTEGER NOT NULL, dst_info INTEGER NOT NULL,"
	" frame INTEGER NOT NULL, off INTEGER NOT NULL, len INTEGER NOT NULL);"
	"CREATE INDEX alerts_ts ON alerts(ts_us);"
	"CREATE TABLE alert_groups("
	" id INTEGER PRIMARY KEY, signature INTEGER NOT NULL,"
	" site INTEGER NOT NULL, exercise INTEGER NOT NULL,"
	" src BLOB NOT NULL, dst BLOB NOT NULL, severity INTEGER NOT NULL,"
	" count INTEGER NOT NULL, first_us INTEGER NOT NULL,"
	" last_us INTEGER NOT NULL, last_alert INTEGER NOT NULL,"
	" UNIQUE(signature, site, exercise, src, dst));"
	"CREATE INDEX alert_groups_last ON alert_groups(last_us);"
	"CREATE TABLE timeline("
	" minute INTEGER NOT NULL, site INTEGER NOT NULL,"
	" exercise INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" count INTEGER NOT NULL,"
	" PRIMARY KEY(minute, site, exercise, severity)) WITHOUT ROWID;"
	/* One key over one unbroken interval, whatever the site. */
	"CREATE TABLE runs("
	" id INTEGER PRIMARY KEY, exercise TEXT NOT NULL,"
	" kind INTEGER NOT NULL, key TEXT NOT NULL, first_us INTEGER NOT NULL,"
	" last_us INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" confidence INTEGER NOT NULL, stages BLOB);"
	"CREATE INDEX runs_last ON runs(last_us);"
	"CREATE INDEX runs_key ON runs(key);"
	"CREATE TABLE sightings("
	" run INTEGER NOT NULL, site TEXT NOT NULL, owner TEXT NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" count INTEGER NOT NULL, strong INTEGER NOT NULL,"
	" PRIMARY KEY(run, site, owner)) WITHOUT ROWID;"
	"CREATE TABLE links("
	" a INTEGER NOT NULL, b INTEGER NOT NULL, alert INTEGER NOT NULL,"
	" PRIMARY KEY(a, b)) WITHOUT ROWID;"
	"CREATE TABLE incidents("
	" id INTEGER PRIMARY KEY, state TEXT NOT NULL,"
	" exercise TEXT NOT NULL, title TEXT NOT NULL, score INTEGER NOT NULL,"
	" level INTEGER NOT NULL, lead TEXT NOT NULL, support TEXT NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,"
	" merged_into INTEGER NOT NULL DEFAULT 0, summary TEXT NOT NULL);"
	"CREATE TABLE incident_runs("
	" run INTEGER PRIMARY KEY, incident INTEGER NOT NULL);"
	"CREATE INDEX incident_runs_incident ON incident_runs(incident);"
	"CREATE TABLE incident_log("
	" id INTEGER PRIMARY KEY, incident INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
	" text TEXT NOT NULL);"
	"CREATE INDEX incident_log_incident ON incident_log(incident);"
	"CREATE TABLE counters("
	" name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

/*
 * No row an alert: a frame knows how many it has, their first number, and
 * which of its lines are none (store_line.h).  What is filtered by stands in
 * frames_alerts, so that frames are walked without touching them.
 */
static const char frames_as_they_came[] =
	"ALTER TABLE frames ADD COLUMN first_alert INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE frames ADD COLUMN alerts INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE frames ADD COLUMN worst INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE frames ADD COLUMN first_us INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE frames ADD COLUMN last_us INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE frames ADD COLUMN others BLOB;"
	"ALTER TABLE alert_groups RENAME TO old_groups;"
	"DROP INDEX alert_groups_last;"
	"CREATE TABLE alert_groups("
	" id INTEGER PRIMARY KEY, key INTEGER NOT NULL,"
	" signature INTEGER NOT NULL, site INTEGER NOT NULL,"
	" exercise INTEGER NOT NULL, src BLOB NOT NULL, dst BLOB NOT NULL,"
	" severity INTEGER NOT NULL, count INTEGER NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" last_alert INTEGER NOT NULL, src_info INTEGER NOT NULL,"
	" dst_info INTEGER NOT NULL, first_frame INTEGER NOT NULL,"
	" last_frame INTEGER NOT NULL);"
	"CREATE INDEX alert_groups_key ON alert_groups(key);"
	"CREATE TABLE group_frames("
	" grp INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" frames BLOB NOT NULL, PRIMARY KEY(grp, first)) WITHOUT ROWID;";
static const char frames_indexed[] =
	"DROP TABLE alerts;"
	"DROP TABLE old_groups;"
	"CREATE INDEX alert_groups_last ON alert_groups(last_us);"
	"CREATE INDEX frames_alerts ON"
	" frames(first_alert,alerts,sensor,worst,first_us,last_us,at_us);"
	"CREATE INDEX frames_first ON frames(first_us) WHERE alerts>0;";

/* The ledgers of sensors, and what is here of what they speak of. */
static const char ledgers[] =
	"CREATE TABLE ledgers("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" batches INTEGER NOT NULL DEFAULT 0, gaps INTEGER NOT NULL DEFAULT 0,"
	" repeats INTEGER NOT NULL DEFAULT 0,"
	" floor INTEGER NOT NULL DEFAULT 0, at_us INTEGER NOT NULL DEFAULT 0,"
	" seen_us INTEGER NOT NULL DEFAULT 0,"
	" committed INTEGER NOT NULL DEFAULT 0, text TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY(sensor, epoch)) WITHOUT ROWID;"
	"CREATE TABLE ledger_batches("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, class INTEGER NOT NULL,"
	" events INTEGER NOT NULL, lost INTEGER NOT NULL,"
	" PRIMARY KEY(sensor, epoch, seq)) WITHOUT ROWID;"
	"CREATE TABLE ledger_sums("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" class INTEGER NOT NULL, events INTEGER NOT NULL,"
	" lost INTEGER NOT NULL, PRIMARY KEY(sensor, epoch, class))"
	" WITHOUT ROWID;"
	"CREATE TABLE ledger_shed("
	" sensor INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" class INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL,"
	" events INTEGER NOT NULL, counted INTEGER NOT NULL DEFAULT 0,"
	" returned INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(sensor, epoch, class, lo)) WITHOUT ROWID;";

/* When nobody was looking (store_blind.h).  An asset that no sensor watches
 * stands there with sensor 0. */
static const char blindness[] =
	"CREATE TABLE blind("
	" id INTEGER PRIMARY KEY, sensor INTEGER NOT NULL,"
	" cause TEXT NOT NULL, from_us INTEGER NOT NULL,"
	" to_us INTEGER NOT NULL, detail TEXT NOT NULL,"
	" UNIQUE(sensor, cause, from_us));"
	"CREATE INDEX blind_to ON blind(to_us);"
	"CREATE TABLE blind_watch("
	" sensor INTEGER PRIMARY KEY, live INTEGER NOT NULL,"
	" since_us INTEGER NOT NULL, last_us INTEGER NOT NULL);"
	"CREATE TABLE blind_beat("
	" id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL);"
	/* The key's columns first: SQLite 3.40 takes others between them for
	 * NULL when it is asked whether a store is whole. */
	"CREATE TABLE blind_assets("
	" asset TEXT NOT NULL, sensor INTEGER NOT NULL, site TEXT NOT NULL,"
	" PRIMARY KEY(asset, sensor)) WITHOUT ROWID;";

/* Who signed last; what was refused of whom. */
static const char signatures[] =
	"CREATE TABLE signed("
	" sensor INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
	" key TEXT NOT NULL, at_us INTEGER NOT NULL);"
	"CREATE TABLE refused("
	" sensor INTEGER NOT NULL, cause TEXT NOT NULL, n INTEGER NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" what TEXT NOT NULL, PRIMARY KEY(sensor, cause)) WITHOUT ROWID;";

/*
 * What went beyond a bound (store_bound.h), and what is bounded by sensor;
 * which assets a mission stands on.
 */
static const char bounds[] =
	"CREATE TABLE dropped("
	" sensor INTEGER NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL,"
	" events INTEGER NOT NULL, upto INTEGER NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" PRIMARY KEY(sensor, what)) WITHOUT ROWID;"
	"CREATE INDEX gaps_sensor ON gaps(sensor);"
	"CREATE TABLE mission_assets("
	" mission TEXT NOT NULL, asset TEXT NOT NULL, owner TEXT NOT NULL,"
	" criticality INTEGER NOT NULL, PRIMARY KEY(mission, asset))"
	" WITHOUT ROWID;";

/* The last word of each run of a sensor's program (store_runs.h). */
static const char sensor_runs[] =
	"CREATE TABLE sensor_runs("
	" sensor INTEGER NOT NULL, started_us INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, word INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, ended INTEGER NOT NULL,"
	" live INTEGER NOT NULL, captured INTEGER NOT NULL,"
	" dropped INTEGER NOT NULL, delivered INTEGER NOT NULL,"
	" inspected INTEGER NOT NULL, pending INTEGER NOT NULL,"
	" PRIMARY KEY(sensor, started_us)) WITHOUT ROWID;";

/* Whom an overload was about (blind_overload.h); of old ones, and of assets of
 * which no sensor has told yet, nothing is known, so everybody is. */
static const char overload_priorities[] =
	"ALTER TABLE blind ADD COLUMN all_from INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE blind ADD COLUMN payload_from INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE blind_assets ADD COLUMN"
	" priority INTEGER NOT NULL DEFAULT 6;";

/* What the newest ledger of an epoch says never came, lost or gone, so that a
 * list of sensors need not read ledgers; NULL while there is none. */
static const char ledger_lost[] =
	"ALTER TABLE ledgers ADD COLUMN lost INTEGER;"
	"UPDATE ledgers SET lost=(SELECT coalesce(sum(t.atom),0) FROM"
	" json_tree(ledgers.text,'$.events') t WHERE t.type='integer' AND"
	" (t.path GLOB '$.events.lost.*' OR t.path GLOB '$.events.gone.*'))"
	" WHERE json_valid(text);";

/*
 * indicators: the common set.  'key' is a digest of the value, so that an index
 * of numbers finds it; 'due_us' the next moment at which one of its sources
 * runs out.  A value is one row, and one more for each source that gave it.
 */
static const char indicators[] =
	"CREATE TABLE indicator_origins("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" n INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE indicators("
	" id INTEGER PRIMARY KEY, key INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" value TEXT NOT NULL, state INTEGER NOT NULL,"
	" verdict INTEGER NOT NULL, change INTEGER NOT NULL,"
	" reason TEXT NOT NULL, exact INTEGER NOT NULL,"
	" severity INTEGER NOT NULL, confidence INTEGER NOT NULL,"
	" mark TEXT NOT NULL, valid_from_us INTEGER NOT NULL,"
	" valid_until_us INTEGER NOT NULL, modified_us INTEGER NOT NULL,"
	" best INTEGER NOT NULL, due_us INTEGER NOT NULL,"
	" first_us INTEGER NOT NULL, changed_us INTEGER NOT NULL);"
	"CREATE INDEX indicators_key ON indicators(key);"
	"CREATE UNIQUE INDEX indicators_change ON indicators(change);"
	"CREATE INDEX indicators_due ON indicators(due_us) WHERE due_us>0;"
	"CREATE INDEX indicators_held ON indicators(id) WHERE state=1;"
	"CREATE INDEX indicators_off ON indicators(change) WHERE state=0;"
	"CREATE TABLE indicator_sources("
	" indicator INTEGER NOT NULL, origin INTEGER NOT NULL,"
	" id TEXT NOT NULL, id_key INTEGER NOT NULL, exact INTEGER NOT NULL,"
	" gone INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" confidence INTEGER NOT NULL, mark TEXT NOT NULL,"
	" valid_from_us INTEGER NOT NULL, valid_until_us INTEGER NOT NULL,"
	" modified_us INTEGER NOT NULL, created_by TEXT NOT NULL,"
	" description TEXT NOT NULL, labels TEXT NOT NULL,"
	" tactic TEXT NOT NULL, kill_chain TEXT NOT NULL,"
	" import INTEGER NOT NULL, at_us INTEGER NOT NULL,"
	" PRIMARY KEY(indicator, origin)) WITHOUT ROWID;"
	"CREATE INDEX indicator_sources_origin ON"
	" indicator_sources(origin, indicator);"
	"CREATE INDEX indicator_sources_id ON indicator_sources(id_key)"
	" WHERE id_key<>0;"
	"CREATE TABLE indicator_imports("
	" id INTEGER PRIMARY KEY, origin TEXT NOT NULL, who TEXT NOT NULL,"
	" snapshot INTEGER NOT NULL, state INTEGER NOT NULL,"
	" begun_us INTEGER NOT NULL, alive_us INTEGER NOT NULL,"
	" ended_us INTEGER NOT NULL DEFAULT 0,"
	" total INTEGER NOT NULL DEFAULT 0,"
	" supported INTEGER NOT NULL DEFAULT 0,"
	" refused INTEGER NOT NULL DEFAULT 0,"
	" repeated INTEGER NOT NULL DEFAULT 0,"
	" taken INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0,"
	" changed INTEGER NOT NULL DEFAULT 0,"
	" same INTEGER NOT NULL DEFAULT 0, stale INTEGER NOT NULL DEFAULT 0,"
	" revoked INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,"
	" no_room INTEGER NOT NULL DEFAULT 0,"
	" withdrawn INTEGER NOT NULL DEFAULT 0,"
	" cursor INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX indicator_imports_open ON indicator_imports(state)"
	" WHERE state<2;"
	"CREATE TABLE indicator_refusals("
	" import INTEGER NOT NULL, n INTEGER NOT NULL, file TEXT NOT NULL,"
	" line INTEGER NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL,"
	" PRIMARY KEY(import, n)) WITHOUT ROWID;"
	"CREATE TABLE indicator_inbox("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, import INTEGER NOT NULL,"
	" n INTEGER NOT NULL, records BLOB NOT NULL);"
	"CREATE INDEX indicator_inbox_import ON indicator_inbox(import);"
	"CREATE TABLE indicator_log("
	" id INTEGER PRIMARY KEY, indicator INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
	" text TEXT NOT NULL);"
	"CREATE INDEX indicator_log_indicator ON indicator_log(indicator);"
	"CREATE TABLE indicator_seen("
	" indicator INTEGER NOT NULL, site TEXT NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" count INTEGER NOT NULL, PRIMARY KEY(indicator, site))"
	" WITHOUT ROWID;";

/* release: what was given to partners, and the audit log */
/*
 * What was seen before markings were kept is nobody's to see: its marking is
 * not known.  'audit' is only added to; its records are chained (audit.h).
 */
static const char release[] =
	"ALTER TABLE runs ADD COLUMN what INTEGER NOT NULL DEFAULT 255;"
	"ALTER TABLE runs ADD COLUMN said TEXT NOT NULL DEFAULT 'red//';"
	"ALTER TABLE runs ADD COLUMN mark TEXT NOT NULL DEFAULT 'red//';"
	"ALTER TABLE sightings ADD COLUMN mark TEXT NOT NULL DEFAULT 'red//';"
	"ALTER TABLE incidents ADD COLUMN mark TEXT NOT NULL DEFAULT 'red//';"
	"CREATE TABLE audit("
	" id INTEGER PRIMARY KEY, record TEXT NOT NULL, hash BLOB NOT NULL);"
	"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN"
	" SELECT raise(ABORT,'the audit log is only added to'); END;"
	"CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN"
	" SELECT raise(ABORT,'the audit log is only added to'); END;"
	"CREATE TRIGGER audit_next BEFORE INSERT ON audit"
	" WHEN new.id<>coalesce((SELECT max(id) FROM audit),0)+1 BEGIN"
	" SELECT raise(ABORT,'the audit log is only added to'); END;"
	"CREATE TABLE share_policies("
	" partner TEXT PRIMARY KEY, digest TEXT NOT NULL,"
	" record INTEGER NOT NULL) WITHOUT ROWID;";

/* taps: one event at several, and their clocks */
static const char taps[] =
	/* An observation beyond an event's first one. */
	"CREATE TABLE twins("
	" alert INTEGER PRIMARY KEY, event INTEGER NOT NULL,"
	" sensor INTEGER NOT NULL);"
	"CREATE INDEX twins_event ON twins(event);"
	"CREATE TABLE clock_pairs("
	" a INTEGER NOT NULL, b INTEGER NOT NULL, total INTEGER NOT NULL,"
	" n INTEGER NOT NULL, next INTEGER NOT NULL, samples BLOB NOT NULL,"
	" PRIMARY KEY(a, b)) WITHOUT ROWID;"
	"CREATE TABLE clocks("
	" sensor INTEGER PRIMARY KEY, state TEXT NOT NULL,"
	" offset_us INTEGER NOT NULL, drift_ppb INTEGER NOT NULL,"
	" error_us INTEGER NOT NULL, shared INTEGER NOT NULL,"
	" others INTEGER NOT NULL, at_us INTEGER NOT NULL);"
	/* Of 'strong', those that no other tap had told of before. */
	"ALTER TABLE sightings ADD COLUMN events INTEGER NOT NULL DEFAULT 0;"
	"UPDATE sightings SET events=strong;";

/* consultations */
static const char consult[] =
	"CREATE TABLE consult_events("
	" id INTEGER PRIMARY KEY, side TEXT NOT NULL, number INTEGER NOT NULL,"
	" local INTEGER NOT NULL, consult_side TEXT NOT NULL,"
	" consult_number INTEGER NOT NULL, kind INTEGER NOT NULL,"
	" clock INTEGER NOT NULL, at_us INTEGER NOT NULL, who TEXT NOT NULL,"
	" about TEXT NOT NULL, other_side TEXT NOT NULL,"
	" other_number INTEGER NOT NULL, level INTEGER NOT NULL,"
	" step INTEGER NOT NULL, deadline_us INTEGER NOT NULL,"
	" incident INTEGER NOT NULL, exercise TEXT NOT NULL,"
	" sides TEXT NOT NULL, text TEXT NOT NULL, UNIQUE(side, number));"
	"CREATE INDEX consult_events_of ON"
	" consult_events(consult_side, consult_number, side);"
	"CREATE INDEX consult_events_other ON"
	" consult_events(other_side, other_number) WHERE other_number>0;"
	"CREATE TABLE consults("
	" side TEXT NOT NULL, number INTEGER NOT NULL,"
	" root_side TEXT NOT NULL, root_number INTEGER NOT NULL,"
	" state TEXT NOT NULL, local INTEGER NOT NULL,"
	" incident INTEGER NOT NULL, exercise TEXT NOT NULL,"
	" level INTEGER NOT NULL, lead TEXT NOT NULL,"
	" waiting INTEGER NOT NULL, step INTEGER NOT NULL,"
	" opened_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
	" closed_us INTEGER NOT NULL, deadline_us INTEGER NOT NULL,"
	" body TEXT NOT NULL, PRIMARY KEY(side, number)) WITHOUT ROWID;"
	"CREATE INDEX consults_root ON consults(root_side, root_number);"
	"CREATE INDEX consults_due ON consults(deadline_us)"
	" WHERE deadline_us>0;"
	"CREATE INDEX consults_incident ON consults(incident)"
	" WHERE local=1;"
	"CREATE TABLE consult_sides("
	" side TEXT PRIMARY KEY, last INTEGER NOT NULL,"
	" events INTEGER NOT NULL, opened INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE consult_told("
	" id INTEGER PRIMARY KEY CHECK(id=1), event INTEGER NOT NULL);"
	/* What incidents have in common (situation.h). */
	"CREATE TABLE incident_keys("
	" key TEXT NOT NULL, incident INTEGER NOT NULL,"
	" PRIMARY KEY(key, incident)) WITHOUT ROWID;"
	"CREATE INDEX incident_keys_of ON incident_keys(incident);";

/* posture */
static const char posture[] =
	"CREATE TABLE posture_levels(number INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL, settings TEXT NOT NULL);"
	"CREATE TABLE posture_orders(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" at_us INTEGER NOT NULL, level TEXT NOT NULL, site TEXT NOT NULL,"
	" who TEXT NOT NULL, why TEXT NOT NULL,"
	" version INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX posture_by_site ON posture_orders(site, id);";

/* exercises: those that were ordered, and what of their injects was seen */
static const char exercises[] =
	"CREATE TABLE exercises(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, token TEXT NOT NULL,"
	" from_us INTEGER NOT NULL, until_us INTEGER NOT NULL,"
	" at_us INTEGER NOT NULL, who TEXT NOT NULL,"
	" version INTEGER NOT NULL DEFAULT 0,"
	" end_us INTEGER NOT NULL DEFAULT 0, end_who TEXT NOT NULL DEFAULT '',"
	" end_version INTEGER NOT NULL DEFAULT 0,"
	" misplaced INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE exercise_hits(exercise INTEGER NOT NULL,"
	" inject INTEGER NOT NULL, site TEXT NOT NULL,"
	" first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
	" seen_us INTEGER NOT NULL, count INTEGER NOT NULL,"
	" alert INTEGER NOT NULL, signature TEXT NOT NULL,"
	" PRIMARY KEY(exercise, inject, site)) WITHOUT ROWID;";

/* warnings: what one site learnt and all are armed with */
static const char warnings[] =
	"CREATE TABLE warnings(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" kind INTEGER NOT NULL, value TEXT NOT NULL, mark TEXT NOT NULL,"
	" confidence INTEGER NOT NULL, severity INTEGER NOT NULL,"
	" incident INTEGER NOT NULL, level INTEGER NOT NULL,"
	" site TEXT NOT NULL, first_us INTEGER NOT NULL,"
	" cause_us INTEGER NOT NULL, stored_us INTEGER NOT NULL,"
	" state INTEGER NOT NULL DEFAULT 0,"
	" indicator INTEGER NOT NULL DEFAULT 0,"
	" change INTEGER NOT NULL DEFAULT 0,"
	" offered_us INTEGER NOT NULL DEFAULT 0,"
	" armed_us INTEGER NOT NULL DEFAULT 0,"
	" sensors INTEGER NOT NULL DEFAULT 0,"
	" last_site TEXT NOT NULL DEFAULT '',"
	" last_sensor TEXT NOT NULL DEFAULT '',"
	" UNIQUE(kind, value));"
	"CREATE INDEX warnings_by_site ON warnings(site, stored_us);"
	"CREATE INDEX warnings_by_incident ON warnings(incident);"
	"CREATE INDEX warnings_open ON warnings(state, id) WHERE state<2;";

/* polls of TAXII servers */
static const char polls[] =
	"CREATE TABLE indicator_polls(source TEXT PRIMARY KEY,"
	" url TEXT NOT NULL, collection TEXT NOT NULL,"
	" added_after TEXT NOT NULL, polled_us INTEGER NOT NULL,"
	" good_us INTEGER NOT NULL, polls INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, entries INTEGER NOT NULL,"
	" error TEXT NOT NULL) WITHOUT ROWID;";

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

/* migrations[i] leads from version i to i + 1. */
/* correlators: what a run counted for its floods, in its newest two pieces of
 * time */
static const char floods[] =
	"ALTER TABLE runs ADD COLUMN flooded INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE runs ADD COLUMN flood_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE runs ADD COLUMN flood_n INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE runs ADD COLUMN flood_before INTEGER NOT NULL DEFAULT 0;";

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

static const struct migration migrations[] = {
	{ v1, NULL, NULL },
	{ frames_as_they_came, store_convert_alerts, frames_indexed },
	{ ledgers, NULL, NULL },
	{ blindness, NULL, NULL },
	{ signatures, NULL, NULL },
	/* A group's first frame is in no list: who looks for it there, as
	 * earlier programs do, would miss alerts. */
	{ "", NULL, NULL },
	{ bounds, NULL, NULL },
	{ sensor_runs, NULL, NULL },
	{ overload_priorities, NULL, NULL },
	{ ledger_lost, NULL, NULL },
	{ indicators, NULL, NULL },
	{ release, NULL, NULL },
	{ taps, NULL, NULL },
	{ consult, NULL, NULL },
	{ posture, NULL, NULL },
	{ exercises, NULL, NULL },
	{ floods, NULL, NULL },
	{ warnings, NULL, NULL },
	{ polls, NULL, NULL },
	{ partners, NULL, NULL },
	{ counterparts, NULL, NULL },
	{ exchange, NULL, NULL },
	{ findings, NULL, NULL },
	{ cases, NULL, NULL },
	{ lease, NULL, NULL },
	{ parts, NULL, NULL },
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

enum err
store_schema_migrate(sqlite3 *db, const char *path, struct diag *d)
{
	int version;
	enum err e = version_of(db, path, &version, d);

	for (; e == ERR_OK && version < STORE_SCHEMA_VERSION; version++) {
		char end[128];
		int rc;

		snprintf(end, sizeof(end),
			 "PRAGMA application_id=%d; PRAGMA user_version=%d; "
			 "COMMIT",
			 STORE_APPLICATION_ID, version + 1);
		rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK) {
			rc = run_step(db, &migrations[version]);
		}
		if (rc == SQLITE_OK) {
			rc = sqlite3_exec(db, end, NULL, NULL, NULL);
		}
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
