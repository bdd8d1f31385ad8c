/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles for a partner from a store: cut where they are full, each version
 * once, whole after whatever is lost in between, and revoked when it is no more.
 */
#include "collector/exchange_fill.h"

#include <sys/stat.h>
#include <zlib.h>

#include "collector/store_consult.h"
#include "collector/store_sql.h"
#include "tests/store_dir.h"

static struct share_policy *policy;
static struct mission_map *map;
static struct exchange_conf conf;
static struct exchange_party party = { .name = "US", .url = "redis://x" };
static struct exchange_fill f;
static struct exchange_state s;

static void
run_sql(const char *sql)
{
	if (sql_exec(f.db, sql) != ERR_OK) {
		fail_msg("%s: %s", sql, sqlite3_errmsg(f.db));
	}
}

static int
count_rows(const char *of)
{
	sqlite3_stmt *st;
	char sql[256];
	int n;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", of);
	assert_int_equal(sqlite3_prepare_v2(f.db, sql, -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
read_policy_of(const char *highest, const char *kinds)
{
	char text[512], key[128];
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
		 "    highest: %s\n    pseudonym-key: %s\n"
		 "    kinds: [%s]\n"
		 "    exercises: [KEEN]\n",
		 highest, key, kinds);
	share_policy_free(policy);
	if (share_policy_read(&policy, "policy", view_cstr(text), &d) !=
	    ERR_OK) {
		fail_msg("%s", d.msg);
	}
	conf.policy = policy;
	conf.us = policy->producer;
	f.to = share_partner(policy, "US");
	assert_int_equal(share_policy_digest(policy, f.policy), ERR_OK);
}

static void
read_policy(const char *highest)
{
	read_policy_of(highest, "indicator, sighting, incident, consultation");
}

static int
begin(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	store_close(store_dir_open());
	map = mission_empty();
	conf = (struct exchange_conf){ .outbox_bytes = EXCHANGE_OUTBOX_BYTES,
				       .outbox_bundles = 100 };
	f = (struct exchange_fill){ .conf = &conf,
				    .party = &party,
				    .map = map };
	assert_int_equal(store_reader_open(&f.store, path, &d), ERR_OK);
	assert_int_equal(sqlite3_open(path, &f.db), SQLITE_OK);
	run_sql("PRAGMA synchronous=OFF");
	read_policy("amber");
	/* What was there before the first party. */
	run_sql("INSERT INTO "
		"incidents(id,state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES(900,'merged','','t',1,1,'JP','',1,1,1,1,'{}','red')");
	assert_int_equal(count_rows("exchange_changes"), 0);
	assert_int_equal(exchange_state_make(f.db, "US", 1000), ERR_OK);
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_int_equal(s.epoch, 1000);
	assert_int_equal(count_rows("exchange_changes"), 1);
	run_sql("UPDATE incidents SET level=2 WHERE id=900");
	assert_int_equal(count_rows("exchange_changes WHERE n=2"), 1);
	return 0;
}

static int
end(void **state)
{
	char key[128];

	store_reader_close(f.store);
	sqlite3_close(f.db);
	share_policy_free(policy);
	policy = NULL;
	mission_free(map);
	snprintf(key, sizeof(key), "%s/key", dir);
	unlink(key);
	return store_dir_remove(state);
}

/* Indicators n1 to n2, which change in that order. */
static void
arm(unsigned n1, unsigned n2, const char *mark)
{
	sqlite3_stmt *st;
	char value[64];

	run_sql("BEGIN");
	assert_int_equal(
		sqlite3_prepare_v2(f.db,
				   "INSERT INTO indicators VALUES(?1,?1,1,?2,2,"
				   "0,(SELECT coalesce(max(change),0)+1 FROM"
				   " indicators),'',0,1,255,?3,0,0,0,0,0,"
				   "1763600000000000,1763600000000000)",
				   -1, &st, NULL),
		SQLITE_OK);
	for (unsigned n = n1; n <= n2; n++) {
		snprintf(value, sizeof(value), "host-%u.example", n);
		assert_int_equal(sql_run(st, "dtt", (int)n, value, mark),
				 ERR_OK);
	}
	sqlite3_finalize(st);
	run_sql("COMMIT");
}

/* Makes what there is; more than one call when indicators wait for room. */
static void
fill(void)
{
	struct diag d = { "" };
	bool more;

	do {
		if (exchange_fill(&f, &s, &more, &d) != ERR_OK) {
			fail_msg("%s", d.msg);
		}
	} while (more);
}

/* The partner has all that was made. */
static void
take_all(void)
{
	s.sent = s.acked = s.seq;
	assert_int_equal(exchange_state_note(f.db, "US", &s), ERR_OK);
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_int_equal(s.waiting, 0);
}

/* Counts 'word' in the bundles of the outbox behind 'seq'. */
static unsigned
count(uint64_t seq, const char *word)
{
	struct exchange_made m;
	unsigned n = 0;

	while (exchange_out_next(f.db, "US", seq, &m) == ERR_OK) {
		uLongf len = (uLongf)m.len;
		char *text = malloc(m.len + 1);

		assert_non_null(text);
		assert_true(m.n <= EXCHANGE_MAX_OBJECTS);
		assert_true(m.len <= EXCHANGE_MAX_LEN);
		assert_int_equal(m.seq, seq + 1);
		assert_int_equal(
			uncompress((uint8_t *)text, &len, m.data.p, m.data.len),
			Z_OK);
		text[len] = '\0';
		for (char *p = text; (p = strstr(p, word)) != NULL; p++) {
			n++;
		}
		free(text);
		seq = m.seq;
		exchange_made_fini(&m);
	}
	exchange_made_fini(&m);
	return n;
}

#define HELD_RECORDS "audit WHERE record LIKE '%\"what\":\"held\"%'"
/* Says an event of ours, in a consultation with these; its name. */
static struct consult_id
consult(const char *with, const char *exercise)
{
	struct consult_event e = { .kind = CONSULT_OPEN,
				   .level = 4,
				   .deadline_us = 2000000,
				   .n_sides = 2 };
	struct diag d = { "" };

	strcpy(e.side, "JP");
	strcpy(e.who, "k.tanaka");
	strcpy(e.exercise, exercise);
	strcpy(e.sides[0], "JP");
	snprintf(e.sides[1], sizeof(e.sides[1]), "%s", with);
	strcpy(e.text, "seen from 10.1.2.3");
	run_sql("BEGIN");
	if (store_consult_say(f.db, &e, 1000000, 0, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	run_sql("COMMIT");
	return e.id;
}

#define INDICATORS "\"type\":\"indicator\""

static void
test_cut_and_resumed(void **state)
{
	struct exchange_state was;
	unsigned total = 0;

	(void)state;
	arm(1, 20000, "green//");
	fill();
	assert_int_equal(s.seq, 0); /* for nobody */
	assert_true(s.held >= 20000);
	run_sql("UPDATE indicators SET mark='green',change=change+20000");
	/* Few wait at a time; what is not made is the cursor's. */
	while (total < 20000) {
		fill();
		assert_true(s.waiting <= EXCHANGE_BULK);
		total += count(s.acked, INDICATORS);
		was = s;
		take_all();
		/* Cursors that only moved are not lost by forgetting them. */
		assert_int_equal(s.cursor[SHARE_INDICATOR],
				 was.cursor[SHARE_INDICATOR]);
	}
	assert_int_equal(total, 20000);
	assert_int_equal(s.seq, 22); /* of 949 each, at most */
	fill();
	assert_int_equal(s.waiting, 0);
	/* That a row changed is no new version. */
	run_sql("UPDATE indicators SET change=100000,changed_us=1 WHERE id=7");
	fill();
	assert_int_equal(s.waiting, 0);
	/* What was made is lost with the memory of it: it is made anew. */
	run_sql("UPDATE indicators SET confidence=80,valid_until_us="
		"1999000000000000,change=100001 WHERE id=7");
	fill();
	assert_int_equal(count(s.acked, INDICATORS), 1);
}

static void
test_revoked_once(void **state)
{
	(void)state;
	arm(1, 5, "amber");
	fill();
	assert_int_equal(count(0, INDICATORS), 5);
	take_all();
	/* removed; too high for it now; held */
	run_sql("UPDATE indicators SET state=0,change=11 WHERE id=1");
	run_sql("UPDATE indicators SET mark='red',change=12 WHERE id=2");
	run_sql("UPDATE indicators SET state=1,change=13 WHERE id=3");
	fill();
	assert_int_equal(count(s.acked, "\"revoked\":true"), 3);
	assert_int_equal(count(s.acked, INDICATORS), 3);
	take_all();
	run_sql("UPDATE indicators SET change=change+100");
	fill();
	assert_int_equal(s.waiting, 0);
	/* armed again: it goes again */
	run_sql("UPDATE indicators SET state=2,change=500 WHERE id=1");
	fill();
	assert_int_equal(count(s.acked, "host-1.example"), 1);
	assert_int_equal(count(s.acked, "revoked"), 0);
	take_all();
	/* a policy that lets it see less takes back what it has */
	read_policy("green");
	fill();
	assert_int_equal(count(s.acked, "\"revoked\":true"), 3);
}

#define REVOKED "\"revoked\":true"
#define RECALLED "audit WHERE record LIKE '%\"what\":\"recalled\"%'"

/* What waits for a partner does not leave by a policy that is over. */
static void
test_narrowed_while_it_waits(void **state)
{
	(void)state;
	arm(1, 5, "amber");
	fill();
	take_all();
	/* Two bundles wait: the end of one that it has; four that it has not. */
	run_sql("UPDATE indicators SET state=0,change=11 WHERE id=1");
	fill();
	arm(6, 8, "amber");
	arm(9, 9, "green");
	consult("US", "");
	fill();
	assert_int_equal(count(s.acked, "host-6.example"), 1);
	assert_int_equal(s.waiting, 3);
	read_policy("green");
	fill();
	/* Counted without a gap, as ever: count() looks. */
	for (unsigned n = 6; n <= 8; n++) {
		char host[32];

		snprintf(host, sizeof(host), "host-%u.example", n);
		assert_int_equal(count(s.acked, host), 0);
	}
	assert_int_equal(count(s.acked, "x-picket-consultation-event\""), 0);
	assert_int_equal(count(s.acked, "host-9.example"), 1);
	/* The end that waited; those it has; those it may have by now, of which
	 * it is told nothing that it may not know. */
	assert_int_equal(count(s.acked, REVOKED), 8);
	assert_int_equal(count(s.acked, "forgotten.invalid"), 3);
	assert_int_equal(count_rows(RECALLED), 2);
	/* Kept, so that who goes on with the store does not begin again. */
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_string_equal(s.policy, f.policy);
	fill();
	assert_int_equal(count_rows(RECALLED), 2);
	take_all();
	/* And widened, all goes that it may see now. */
	read_policy("amber");
	fill();
	assert_int_equal(count(s.acked, "host-6.example"), 1);
	assert_int_equal(count(s.acked, INDICATORS), 7);
	assert_int_equal(count(s.acked, REVOKED), 0);
	assert_int_equal(count(s.acked, "x-picket-consultation-event\""), 1);
}

/* Broken off in the midst, it is done as a whole by the next turn. */
static void
test_recall_broken_off(void **state)
{
	atomic_bool stop = true;
	struct diag d = { "" };
	bool more;

	(void)state;
	arm(1, 3, "amber");
	fill();
	read_policy("green");
	f.stop = &stop;
	assert_int_equal(exchange_fill(&f, &s, &more, &d), ERR_AGAIN);
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_string_not_equal(s.policy, f.policy);
	atomic_store(&stop, false);
	fill();
	assert_int_equal(count(0, ".example"), 0);
	assert_int_equal(count(0, REVOKED), 3);
	/* An outbox that holds no bundle is told, not sent. */
	run_sql("UPDATE exchange_outbox SET data=x'00'");
	read_policy("amber");
	assert_int_equal(exchange_fill(&f, &s, &more, &d), ERR_FORMAT);
	assert_non_null(strstr(d.msg, "bundle 1 of the outbox"));
}

static void
test_forgotten_is_revoked(void **state)
{
	(void)state;
	arm(1, 10, "green");
	fill();
	take_all();
	/* While nothing was made, one was disarmed and forgotten. */
	run_sql("DELETE FROM indicators WHERE id=4");
	run_sql("INSERT INTO counters VALUES('indicators_floor',50)");
	run_sql("UPDATE indicators SET change=60,confidence=1 WHERE id=1");
	fill();
	assert_int_equal(count(s.acked, "\"revoked\":true"), 1);
	assert_int_equal(count(s.acked, INDICATORS), 1);
	take_all();
	assert_false(s.sweeps);
	fill();
	assert_int_equal(s.waiting, 0);
}

static void
test_not_ours(void **state)
{
	(void)state;
	arm(1, 3, "green");
	run_sql("INSERT INTO indicator_origins VALUES(1,'partner:AU',1),"
		"(2,'warning',1),(3,'analyst k',1)");
	run_sql("INSERT INTO indicator_sources SELECT i.id,o.id,'',0,0,0,1,255,"
		"'green',0,0,0,'','','','','',0,0 FROM indicators i,"
		"indicator_origins o WHERE o.id=1 OR (o.id=2 AND i.id>1) OR"
		" (o.id=3 AND i.id=3)");
	fill();
	assert_int_equal(count(0, INDICATORS), 1);
	assert_int_equal(count(0, "host-3.example"), 1);
	assert_int_equal(s.held, 0);
	take_all();
	/* Our warning of what a partner took back, or what is over, is no more
	 * ours than it was. */
	run_sql("UPDATE indicator_sources SET gone=1 WHERE origin=1 AND"
		" indicator=2");
	run_sql("UPDATE indicator_sources SET valid_until_us=1 WHERE origin=1"
		" AND indicator=1");
	run_sql("UPDATE indicators SET change=change+10");
	fill();
	assert_int_equal(s.waiting, 0);
}

/* A partner that marks what we know ourselves takes it from nobody. */
static void
test_no_partner_revokes_ours(void **state)
{
	(void)state;
	arm(1, 2, "green");
	run_sql("INSERT INTO indicator_origins VALUES(1,'partner:AU',1),"
		"(3,'analyst k',1)");
	run_sql("INSERT INTO indicator_sources SELECT i.id,3,'',0,0,0,1,255,"
		"'green',0,0,0,'','','','','',0,0 FROM indicators i");
	fill();
	assert_int_equal(count(0, INDICATORS), 2);
	take_all();
	run_sql("INSERT INTO indicator_sources SELECT 1,1,'',0,0,0,1,255,"
		"'red//',0,0,0,'','','','','',0,0");
	run_sql("UPDATE indicators SET change=60,mark='red//' WHERE id=1");
	fill();
	assert_int_equal(s.waiting, 0);
	/* Our own word on it holds. */
	run_sql("UPDATE indicator_sources SET mark='red' WHERE indicator=1 AND"
		" origin=3");
	run_sql("UPDATE indicators SET change=61 WHERE id=1");
	fill();
	assert_int_equal(s.waiting, 1);
	assert_int_equal(count(s.acked, "\"revoked\":true"), 1);
}

/* What is held changes all the time; the audit log keeps all that it is told. */
static void
test_held_is_on_record_once(void **state)
{
	(void)state;
	run_sql("INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES('open','','t',1,1,'JP','',1,1,1,1,'{}','red'),"
		"('open','','t',1,1,'JP','',1,1,1,1,'{}','amber//JP')");
	for (int i = 0; i < 50; i++) {
		fill();
		run_sql("UPDATE incidents SET updated_us=updated_us+1");
	}
	assert_int_equal(s.seq, 0);
	/* The account is of things, not of looks at them. */
	assert_int_equal(s.held, 2);
	assert_int_equal(count_rows(HELD_RECORDS), 1);
	assert_int_equal(count_rows(HELD_RECORDS " AND json_extract(record,"
						 "'$.body.count')=2 AND"
						 " json_array_length(record,"
						 "'$.body.things')=2"),
			 1);
	/* For another reason, by another policy, and by who does not know. */
	run_sql("UPDATE incidents SET mark='red' WHERE mark='amber//JP'");
	fill();
	assert_int_equal(count_rows(HELD_RECORDS), 2);
	read_policy("green");
	fill();
	assert_int_equal(count_rows(HELD_RECORDS), 3);
	memset(&f.held, 0, sizeof(f.held));
	run_sql("UPDATE incidents SET updated_us=updated_us+1");
	fill();
	assert_int_equal(count_rows(HELD_RECORDS), 4);
	/* A record that was taken back is made again. */
	run_sql("CREATE TRIGGER no BEFORE UPDATE ON exchange_parties WHEN"
		" NEW.incidents>OLD.incidents BEGIN SELECT raise(ABORT,'no');"
		" END");
	run_sql("INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES('open','','t',1,1,'JP','',1,1,1,1,'{}','red')");
	for (int i = 0; i < 2; i++) {
		struct diag d = { "" };
		bool more;

		assert_int_equal(exchange_fill(&f, &s, &more, &d), ERR_IO);
		assert_int_equal(count_rows(HELD_RECORDS), 4);
	}
	run_sql("DROP TRIGGER no");
	fill();
	assert_int_equal(count_rows(HELD_RECORDS), 5);
}

/* A kind that the policy lists no longer: what the partner has of it goes back. */
static void
test_kind_is_withdrawn(void **state)
{
	(void)state;
	arm(1, 2000, "green");
	run_sql("INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES('open','','t',1,1,'JP','',1,1,1,1,'{}','green')");
	fill();
	take_all();
	/* One that no row of the set is known of. */
	run_sql("INSERT INTO exchange_had VALUES('US',"
		"x'11112222333344445555666677778888',0,0,7)");
	read_policy_of("amber", "incident");
	fill();
	assert_int_equal(count(s.acked, "\"revoked\":true"), 2001);
	assert_int_equal(count(s.acked, "host-"), 0);
	assert_int_equal(count_rows("exchange_had"), 1);
	take_all();
	arm(2001, 2010, "green");
	fill();
	assert_int_equal(s.waiting, 0);
	read_policy_of("amber", "consultation");
	fill();
	assert_int_equal(count(s.acked, "\"revoked\":true"), 1);
	assert_int_equal(count_rows("exchange_had"), 0);
	take_all();
	/* Listed again: all there is goes again. */
	read_policy("amber");
	fill();
	assert_int_equal(count(s.acked, INDICATORS), 2010);
	assert_int_equal(count(s.acked, "revoked"), 0);
}

/* An indicator of the set, as US gave it, and a run of its key. */
static void
see(unsigned id, enum indicator_kind kind, const char *value, const char *mark)
{
	struct sighting_set set;
	sqlite3_stmt *st;

	sighting_of_indicator(&set, view_cstr(value));
	assert_int_equal(sqlite3_prepare_v2(
				 f.db,
				 "INSERT INTO indicators VALUES(?1,?2,?3,?4,2,"
				 "0,?1,'',0,1,255,?5,0,0,0,0,0,"
				 "1763600000000000,1763600000000000)",
				 -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sql_run(st, "didtt", (int)id,
				 indicator_value_key(view_cstr(value)),
				 (int)kind, value, mark),
			 ERR_OK);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_prepare_v2(
				 f.db,
				 "INSERT INTO runs(id,exercise,kind,key,"
				 "first_us,last_us,severity,confidence,stages,"
				 "what,said,mark) VALUES(?1,'',0,?2,"
				 "1763600000000000,1763600001000000,1,50,'',"
				 "?3,'green','green')",
				 -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(
		sql_run(st, "dtd", (int)id, set.keys[0].text, (int)kind),
		ERR_OK);
	sqlite3_finalize(st);
	assert_int_equal(
		sqlite3_prepare_v2(f.db,
				   "INSERT INTO sightings(run,site,owner,"
				   "first_us,last_us,count,strong,mark) VALUES("
				   "?1,'jp-east','JP',1763600000000000,"
				   "1763600001000000,7,7,'green')",
				   -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sql_run(st, "d", (int)id), ERR_OK);
	sqlite3_finalize(st);
	run_sql("INSERT OR IGNORE INTO indicator_origins VALUES"
		"(1,'partner:US',9)");
	run_sql("INSERT INTO indicator_sources SELECT max(id),1,'',0,0,0,1,255,"
		"'green',0,0,0,'','','','','',0,0 FROM indicators");
}

#define SIGHTINGS "\"type\":\"sighting\""
#define PADDING \
	"0123456789012345678901234567890123456789012345678901234567890123456" \
	"789012345678901234567890123456789012345678901234567890123456789012"

/* A key has lost its case, or its end: the set knows what it stood for. */
static void
test_seen_of_every_kind(void **state)
{
	(void)state;
	see(1, INDICATOR_DOMAIN, "seen.example", "green");
	see(2, INDICATOR_URL, "evil.example/Stage/Two.bin", "green");
	see(3, INDICATOR_USER_AGENT, "EvilAgent/1.0", "green");
	see(4, INDICATOR_URL, "evil.example/Long/" PADDING PADDING "A",
	    "green");
	see(5, INDICATOR_PATTERN,
	    "[domain-name:value = 'One.example' OR domain-name:value = "
	    "'" PADDING "'] FOLLOWEDBY [url:value LIKE 'http://%/Two']",
	    "green");
	/* Marked above what the partner may have since it was seen. */
	see(6, INDICATOR_URL, "evil.example/Secret", "red");
	see(7, INDICATOR_URL, "evil.example/Long/" PADDING PADDING "B", "red");
	/* Only a site's own list had it. */
	see(8, INDICATOR_URL, "evil.example/Nobody", "green");
	run_sql("DELETE FROM indicators WHERE id=8");
	fill();
	assert_int_equal(count(0, SIGHTINGS), 5);
	assert_int_equal(
		count(0, "[url:value = 'http://evil.example/Stage/Two.bin']"),
		1);
	assert_int_equal(count(0, "'EvilAgent/1.0'"), 1);
	assert_int_equal(count(0, PADDING "A']"), 1);
	assert_int_equal(count(0, "[url:value LIKE 'http://%/Two']"), 1);
	assert_int_equal(count(0, "ecret"), 0);
	assert_int_equal(count(0, PADDING "B"), 0);
	assert_int_equal(count(0, "obody"), 0);
	take_all();
	fill();
	assert_int_equal(s.waiting, 0);
}

static void
test_full_outbox_waits(void **state)
{
	(void)state;
	conf.outbox_bundles = 1;
	arm(1, 3000, "green");
	run_sql("INSERT INTO incidents(state,exercise,title,score,level,lead,"
		"support,first_us,last_us,created_us,updated_us,summary,mark)"
		" VALUES('open','','t',1,1,'JP','',1,1,1,1,'{}','green'),"
		"('open','KEEN','t',1,1,'JP','',1,1,1,1,'{}','green'),"
		"('open','SECRET','t',1,1,'JP','',1,1,1,1,'{}','green')");
	fill();
	assert_int_equal(s.waiting, 1);
	/* What people wait for goes first. */
	assert_int_equal(count(0, "\"type\":\"incident\""), 2);
	assert_int_equal(count(0, "\"x_picket_exercise\":\"KEEN\""), 1);
	fill();
	assert_int_equal(s.waiting, 1);
	take_all();
	fill();
	assert_int_equal(s.seq, 2);
	assert_int_equal(count(1, INDICATORS), 947);
	take_all();
	run_sql("UPDATE incidents SET state='merged' WHERE id=901");
	fill();
	assert_int_equal(count(2, "\"revoked\":true"), 1);
}

static void
test_two_make_bundles(void **state)
{
	struct exchange_state old = s;
	struct diag d = { "" };
	bool more;

	(void)state;
	arm(1, 3, "green");
	fill();
	assert_int_equal(s.seq, 1);
	/* Nor does it take back what it does not know. */
	assert_int_equal(exchange_fill(&f, &old, &more, &d), ERR_AGAIN);
	assert_int_equal(count(0, INDICATORS), 3);
	memcpy(old.policy, s.policy, sizeof(old.policy));
	/* Another collector that knew the store as it was makes none twice. */
	assert_int_equal(exchange_fill(&f, &old, &more, &d), ERR_OK);
	assert_int_equal(old.seq, 0); /* it saw that the partner has them */
	arm(4, 4, "green");
	assert_int_equal(exchange_fill(&f, &old, &more, &d), ERR_AGAIN);
	fill();
	assert_int_equal(s.seq, 2);
	assert_int_equal(count(1, "host-4.example"), 1);
	/* All again, in an epoch of its own. */
	assert_int_equal(exchange_state_renew(f.db, "US", 2000, 5), ERR_OK);
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_int_equal(s.waiting, 0);
	fill();
	assert_int_equal(s.seq, 1);
	assert_int_equal(count(0, INDICATORS), 4);
	/* What is noted of the epoch before changes nothing. */
	old = s;
	old.epoch = 1000;
	old.acked = 1;
	assert_int_equal(exchange_state_note(f.db, "US", &old), ERR_OK);
	assert_int_equal(exchange_state_get(f.db, "US", &s), ERR_OK);
	assert_int_equal(s.acked, 0);
	assert_int_equal(s.waiting, 1);
}

/* Who comes to the table later hears what was said before, once. */
static void
test_consulted_later(void **state)
{
	struct consult_event e = { .kind = CONSULT_RAISE,
				   .level = 5,
				   .deadline_us = 2000000,
				   .n_sides = 1 };
	struct diag d = { "" };

	(void)state;
	e.id = consult("AU", "");
	fill();
	assert_int_equal(s.waiting, 0);
	strcpy(e.side, "JP");
	strcpy(e.who, CONSULT_AUTOMATION);
	strcpy(e.sides[0], "US");
	run_sql("BEGIN");
	assert_int_equal(store_consult_say(f.db, &e, 1000000, 0, &d), ERR_OK);
	run_sql("COMMIT");
	fill();
	assert_int_equal(count(0, "\"what\":\"opened\""), 1);
	assert_int_equal(count(0, "\"what\":\"raised\""), 1);
	take_all();
	fill();
	assert_int_equal(s.waiting, 0);
}

static void
test_consultations(void **state)
{
	(void)state;
	consult("US", "");
	consult("AU", "");
	consult("US", "SECRET");
	fill();
	assert_int_equal(count(0, "\"type\":\"x-picket-consultation-event\""),
			 1);
	assert_int_equal(count(0, "k.tanaka"), 0);
	assert_int_equal(count(0, "10.1.2.3"), 0);
	assert_int_equal(count(0, "seen from [address]"), 1);
	assert_int_equal(s.held, 1);
	take_all();
	fill();
	assert_int_equal(s.waiting, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cut_and_resumed, begin,
						end),
		cmocka_unit_test_setup_teardown(test_revoked_once, begin, end),
		cmocka_unit_test_setup_teardown(test_narrowed_while_it_waits,
						begin, end),
		cmocka_unit_test_setup_teardown(test_recall_broken_off, begin,
						end),
		cmocka_unit_test_setup_teardown(test_forgotten_is_revoked,
						begin, end),
		cmocka_unit_test_setup_teardown(test_not_ours, begin, end),
		cmocka_unit_test_setup_teardown(test_no_partner_revokes_ours,
						begin, end),
		cmocka_unit_test_setup_teardown(test_held_is_on_record_once,
						begin, end),
		cmocka_unit_test_setup_teardown(test_kind_is_withdrawn, begin,
						end),
		cmocka_unit_test_setup_teardown(test_seen_of_every_kind, begin,
						end),
		cmocka_unit_test_setup_teardown(test_full_outbox_waits, begin,
						end),
		cmocka_unit_test_setup_teardown(test_two_make_bundles, begin,
						end),
		cmocka_unit_test_setup_teardown(test_consultations, begin, end),
		cmocka_unit_test_setup_teardown(test_consulted_later, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
