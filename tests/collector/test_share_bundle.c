/* SPDX-License-Identifier: Apache-2.0 */
/* One whole bundle of what a store has, and what the audit log says of it. */
#include "collector/share.h"

#include <sys/stat.h>

#include "collector/audit.h"
#include "collector/indicator_store.h"
#include "collector/store_sql.h"
#include "common/indicator_read.h"
#include "tests/store_dir.h"

static struct share_policy *policy;
static struct mission_map *map;
static struct store_reader *reader;
static struct share_bundle bundle;
static sqlite3 *db;

static void
run_sql(const char *sql)
{
	if (sql_exec(db, sql) != ERR_OK) {
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	}
}

static void
read_policy(const char *fields, const char *sites)
{
	char text[1024], key[128];
	struct diag d = { "" };
	FILE *out;

	snprintf(key, sizeof(key), "%s/key", dir);
	out = fopen(key, "w");
	assert_non_null(out);
	for (int i = 0; i < 32; i++) {
		fputs("a7", out);
	}
	fclose(out);
	chmod(key, 0600);
	snprintf(text, sizeof(text),
		 "producer: JP\npartners:\n  - name: US\n    owner: US\n"
		 "    highest: amber\n    pseudonym-key: %s\n"
		 "    kinds: [indicator, sighting, incident]\n"
		 "    exercises: [KEEN]\n    redact: { sites: %s }\n"
		 "    fields: { indicator: [%s], incident: [title, sites] }\n",
		 key, sites, fields);
	share_policy_free(policy);
	if (share_policy_read(&policy, "policy", view_cstr(text), &d) !=
	    ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

static int
begin(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	store_close(store_dir_open());
	map = mission_empty();
	assert_int_equal(store_reader_open(&reader, path, &d), ERR_OK);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run_sql("PRAGMA synchronous=OFF");
	read_policy("", "drop");
	return 0;
}

static int
end(void **state)
{
	char key[128];

	share_bundle_fini(&bundle);
	bundle = (struct share_bundle){ .n_notes = 0 };
	store_reader_close(reader);
	sqlite3_close(db);
	share_policy_free(policy);
	policy = NULL;
	mission_free(map);
	snprintf(key, sizeof(key), "%s/key", dir);
	unlink(key);
	return store_dir_remove(state);
}

/* The bundle, with a NUL behind it. */
static const char *
make(void)
{
	struct share_request r = { .policy = policy,
				   .to = share_partner(policy, "US"),
				   .map = map };
	struct diag d = { "" };

	share_bundle_fini(&bundle);
	if (share_bundle_write(reader, &r, &bundle, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	run_sql("BEGIN");
	assert_int_equal(share_audit(db, &r, &bundle, "me", 1000000, &d),
			 ERR_OK);
	run_sql("COMMIT");
	json_append(&bundle.stix.j, view_of("", 1));
	assert_false(bundle.stix.j.failed);
	return bundle.stix.j.p;
}

static unsigned
count(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word)) != NULL) {
		n++;
		text++;
	}
	return n;
}

/* A number that a statement gives. */
static int
ask(const char *sql)
{
	sqlite3_stmt *st;
	int n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

#define INDICATORS "\"type\":\"indicator\""
/* How many things all records of that sort name. */
#define NAMED(what, list) \
	"SELECT coalesce(sum(json_array_length(record,'$.body." list \
	"')),0) FROM audit WHERE record LIKE '%\"what\":\"" what "\"%'"
#define ARMED_ROW \
	",0,i,'',0,1,255,m,0,0,0,0,0,1763600000000000,1763600000000000"

/* Indicators 1 to 'held' that are red, and one behind them that is green. */
static void
arm(unsigned held)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
		 " WHERE i<%u),v(i,m) AS (SELECT i,iif(i=%u,'green','red')"
		 " FROM n) INSERT INTO indicators SELECT i,i,1,'host-'||i||"
		 "'.example',2" ARMED_ROW " FROM v",
		 held + 1, held + 1);
	run_sql(sql);
}

/* Whatever is held back: all that went is on record. */
static void
test_all_that_went_is_on_record(void **state)
{
	(void)state;
	arm(2 * SHARE_MAX_OBJECTS);
	assert_int_equal(count(make(), INDICATORS), 1);
	assert_int_equal(share_released(&bundle), 1);
	assert_int_equal(share_held(&bundle), 2 * SHARE_MAX_OBJECTS);
	assert_int_equal(ask(NAMED("released", "objects")), 1);
	assert_int_equal(ask(NAMED("held", "things")), SHARE_MAX_OBJECTS);
	/* No record of nothing. */
	assert_int_equal(ask("SELECT count(*) FROM audit WHERE"
			     " json_array_length(record,'$.body.things')=0"),
			 0);
}

/* Who may not know times is not told them by when something ends. */
static void
test_an_end_is_a_day(void **state)
{
	(void)state;
	arm(0);
	run_sql("UPDATE indicators SET valid_until_us=1999000000123000");
	assert_int_equal(count(make(), "\"valid_until\":\"2033-05-07T00:00:00"
				       ".000Z\""),
			 1);
	/* A day that is over is no day more. */
	run_sql("UPDATE indicators SET valid_until_us=1999036800000000");
	assert_int_equal(count(make(), "\"valid_until\":\"2033-05-07T00:00:00"
				       ".000Z\""),
			 1);
	read_policy("times", "drop");
	run_sql("UPDATE indicators SET valid_until_us=1999000000123000");
	assert_int_equal(count(make(), "\"valid_until\":\"2033-05-06T13:46:40"
				       ".123Z\""),
			 1);
}

/* What partners gave is not sent on by hand either. */
static void
test_of_partners(void **state)
{
	(void)state;
	arm(0);
	run_sql("INSERT INTO indicator_origins VALUES(1,'partner:AU',1),"
		"(2,'list',1)");
	run_sql("INSERT INTO indicator_sources SELECT 1,1,'',0,0,0,1,255,"
		"'green',0,0,0,'','','','','',0,0");
	assert_int_equal(count(make(), INDICATORS), 0);
	assert_int_equal(bundle.counts[SHARE_INDICATOR][HELD_THEIRS], 1);
	/* By our own list it goes, as that has it. */
	run_sql("INSERT INTO indicator_sources SELECT 1,2,'',0,0,0,1,255,"
		"'clear//JP,US',0,0,0,'','','','','',0,0");
	assert_int_equal(count(make(), INDICATORS), 1);
	assert_int_equal(
		count(make(), "\"x_picket_releasable_to\":[\"JP\",\"US\"]"), 1);
}

/* Of a value that is real and played with, neither takes the other's place. */
static void
test_played_with(void **state)
{
	const char *text;

	(void)state;
	run_sql("INSERT INTO runs(exercise,kind,key,first_us,last_us,severity,"
		"confidence,what,said,mark) SELECT x,0,'bad.example',1,2,1,50,"
		"1,'green','green' FROM (SELECT 'KEEN' x UNION ALL SELECT '')");
	run_sql("INSERT INTO sightings(run,site,owner,first_us,last_us,count,"
		"strong,mark) SELECT id,'base','JP',1,2,1,1,'green' FROM runs");
	text = make();
	assert_int_equal(count(text, INDICATORS), 2);
	assert_int_equal(count(text, "\"type\":\"sighting\""), 2);
	assert_int_equal(count(text, "\"x_picket_exercise\":\"KEEN\""), 2);
	/* Each of its own. */
	assert_int_equal(ask("SELECT count(DISTINCT json_extract(o.value,"
			     "'$[3]')) FROM audit,json_each(record,"
			     "'$.body.objects') o WHERE record LIKE"
			     " '%\"what\":\"released\"%'"),
			 4);
}

/* What a sensor found in what it had seen before is told as that, unless some of
 * it was live, or times are not told. */
static void
test_past(void **state)
{
	(void)state;
	run_sql("INSERT INTO runs(exercise,kind,key,first_us,last_us,severity,"
		"confidence,what,said,mark) VALUES('',0,'bad.example',1,2,1,50,"
		"1,'green','green')");
	run_sql("INSERT INTO sightings(run,site,owner,first_us,last_us,count,"
		"strong,mark,past) SELECT id,'base','JP',1,2,3,3,'green',2"
		" FROM runs");
	run_sql("UPDATE sightings SET past=3");
	read_policy("times], sighting: [times, count", "drop");
	assert_int_equal(count(make(), "\"x_picket_past\":true"), 1);
	run_sql("UPDATE sightings SET count=4");
	assert_int_equal(count(make(), "x_picket_past"), 0);
	run_sql("UPDATE sightings SET past=4");
	read_policy("times], sighting: [count", "drop");
	assert_int_equal(count(make(), "\"type\":\"sighting\""), 1);
	assert_int_equal(count(bundle.stix.j.p, "x_picket_past"), 0);
}

/* An incident of that title at ours and at what a partner told; as it is named. */
static void
named(const char *title, bool told, const char *want)
{
	char sql[800], name[300];

	run_sql("DELETE FROM incidents");
	snprintf(sql, sizeof(sql),
		 "INSERT INTO incidents(state,exercise,title,score,level,lead,"
		 "support,first_us,last_us,created_us,updated_us,summary,mark)"
		 " VALUES('open','','%s',1,1,'JP','',1,1,1,1,'{\"sites\":["
		 "{\"site\":\"ship-7\",\"owner\":\"JP\"}%s]}','green')",
		 title,
		 told ? ",{\"site\":\"AU:harbour\",\"owner\":\"AU\"}" : "");
	run_sql(sql);
	snprintf(name, sizeof(name), "\"name\":\"%s\"", want);
	if (count(make(), name) != 1) {
		fail_msg("no %s in %s", name, bundle.stix.j.p);
	}
	assert_null(strstr(bundle.stix.j.p, "harbour"));
}

/* Names of sites stand in titles, whether the map knows them or not. */
static void
test_no_site_in_a_title(void **state)
{
	(void)state;
	named("domain a.b at 2 sites (ship-7, x): recon to impact", false,
	      "domain a.b at 2 sites: recon to impact");
	named("rule 1:2 at 1 site (ship-7)", false, "rule 1:2 at 1 site");
	/* cut */
	named("rule 1:2 at 9 sites (ship-7, ship", false,
	      "rule 1:2 at 9 sites");
	/* of an attacker's making */
	named("host x at 1 site (y): z at 2 sites (ship-7, sh", false,
	      "host x at 1 site");
	named("host x at 1 site (y) at 2 sites (ship-7): recon", false,
	      "host x at 1 site: recon");
	named("host at x site (y", false, "host at x site (y");
	read_policy("", "role");
	named("rule 1:2 at 1 site (ship-7)", false, "rule 1:2 at 1 site");
	read_policy("", "keep");
	named("rule 1:2 at 1 site (ship-7)", false,
	      "rule 1:2 at 1 site (ship-7)");
	assert_int_equal(count(bundle.stix.j.p, "\"ship-7\""), 1);
	/* A place of a partner is not told to another. */
	named("rule 1:2 at 2 sites (ship-7, AU:harbour)", true,
	      "rule 1:2 at 2 sites");
	assert_int_equal(count(bundle.stix.j.p, "\"ship-7\""), 1);
}

/* An indicator as it is known, on one line. */
struct line {
	char text[2000];
	unsigned n;
};

static enum err
write_line(void *arg, const struct indicator *i, struct diag *d)
{
	struct line *l = arg;
	char mark[MARKING_TEXT_CAP];

	(void)d;
	l->n++;
	snprintf(l->text, sizeof(l->text),
		 "%s %s %s c=%u %llu-%llu l=%s t=%s k=%s%s",
		 indicator_kind_name(i->kind), i->value,
		 marking_text(&i->mark, mark), i->confidence,
		 (unsigned long long)i->valid_from_us,
		 (unsigned long long)i->valid_until_us, i->labels, i->tactic,
		 i->kill_chain, i->revoked ? " revoked" : "");
	return ERR_OK;
}

/* The one indicator of a document. */
static const char *
line_of(const char *text)
{
	static struct line l;
	const struct indicator_sink sink = { &l, write_line, NULL, NULL };
	struct indicator_report r = { 0 };
	struct diag d = { "" };

	l = (struct line){ .n = 0 };
	if (indicator_read_bytes("x", view_cstr(text), &sink, &r, &d) !=
	    ERR_OK) {
		fail_msg("%s", d.msg);
	}
	assert_int_equal(l.n, 1);
	return l.text;
}

static struct indicator_store *set;
static struct indicator_put put;

static enum err
put_one(void *arg, const struct indicator *i, struct diag *d)
{
	(void)arg;
	(void)d;
	return indicator_store_put(set, i, &put);
}

/* A document into the common set, as a list of ours. */
static void
known_here(const char *source, const char *text)
{
	const struct indicator_sink sink = { NULL, put_one, NULL, NULL };
	struct indicator_report r = { 0 };
	struct diag d = { "" };

	put = (struct indicator_put){ .now_us = 1790000000000000 };
	assert_int_equal(
		indicator_store_open(&set, db, &indicator_limits_default, &d),
		ERR_OK);
	assert_int_equal(indicator_store_begin(set), ERR_OK);
	assert_int_equal(indicator_store_origin(set, source, &put.origin),
			 ERR_OK);
	assert_int_equal(
		indicator_read_bytes("x", view_cstr(text), &sink, &r, &d),
		ERR_OK);
	assert_int_equal(r.loaded, 1);
	assert_int_equal(indicator_store_commit(set), ERR_OK);
	indicator_store_close(set);
}

#define AMBER "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define DOC(phases) \
	"{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\"," \
	"\"id\":\"indicator--1\",\"modified\":\"2026-01-01T00:00:00Z\"," \
	"\"pattern_type\":\"stix\",\"pattern\":" \
	"\"[ipv4-addr:value = '45.155.205.3']\"," \
	"\"valid_from\":\"2026-01-01T00:00:00Z\"," \
	"\"valid_until\":\"2096-01-01T00:00:00Z\",\"confidence\":85," \
	"\"labels\":[\"apt 7\",\"tlp:amber\",\"from 10.9.8.7\"]," \
	"\"object_marking_refs\":[\"" AMBER "\"]," \
	"\"x_picket_releasable_to\":[\"JP\",\"US\"]" phases "}]}"
#define PHASES \
	",\"kill_chain_phases\":[{\"kill_chain_name\":" \
	"\"lockheed-martin-cyber-kill-chain\",\"phase_name\":\"delivery\"}," \
	"{\"kill_chain_name\":\"mitre-attack\",\"phase_name\":" \
	"\"exfiltration\"}]"
#define SPAN "1767225600000000-3976214400000000 "

/* What came in goes out the same, as far as the policy lets it: to the partner
 * it is the same value, of the same time, marking and stage. */
static void
test_there_and_back(void **state)
{
	(void)state;
	known_here("list", DOC(PHASES));
	/* What a partner says of it is not told on. */
	known_here("partner:AU", "type,value,tlp,labels,tactic\n"
				 "ip,45.155.205.3,green,theirs,persistence\n");
	read_policy("times, confidence, labels, stages", "drop");
	assert_string_equal(line_of(make()),
			    "ip 45.155.205.3 amber//JP,US c=85 " SPAN
			    "l=apt 7,from [address],malicious-activity "
			    "t=TA0010 k=lockheed-martin-cyber-kill-chain:"
			    "delivery,mitre-attack:exfiltration");
	/* No field that is not listed, and no list that is empty. */
	read_policy("times", "drop");
	assert_string_equal(line_of(make()),
			    "ip 45.155.205.3 amber//JP,US c=255 " SPAN
			    "l=malicious-activity t= k=");
	assert_null(strstr(bundle.stix.j.p, "kill_chain"));
	assert_null(strstr(bundle.stix.j.p, "labels"));
}

/* A tactic by itself, as CSV has it, is a phase to others. */
static void
test_a_tactic_is_a_phase(void **state)
{
	(void)state;
	known_here("list", "type,value,tlp,labels,tactic\n"
			   "domain,bad.example,green,tlp:green,TA0011\n");
	read_policy("labels, stages", "drop");
	assert_non_null(strstr(line_of(make()),
			       " l=malicious-activity t=TA0011 "
			       "k=mitre-attack:command-and-control"));
	assert_null(strstr(bundle.stix.j.p, "labels"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_that_went_is_on_record,
						begin, end),
		cmocka_unit_test_setup_teardown(test_an_end_is_a_day, begin,
						end),
		cmocka_unit_test_setup_teardown(test_of_partners, begin, end),
		cmocka_unit_test_setup_teardown(test_no_site_in_a_title, begin,
						end),
		cmocka_unit_test_setup_teardown(test_played_with, begin, end),
		cmocka_unit_test_setup_teardown(test_there_and_back, begin,
						end),
		cmocka_unit_test_setup_teardown(test_a_tactic_is_a_phase, begin,
						end),
		cmocka_unit_test_setup_teardown(test_past, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
