/* SPDX-License-Identifier: Apache-2.0 */
/* The common set: several sources of a value, what is held, what runs out. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/common_set.h"
#include "collector/finding_state.h"
#include "collector/indicator_inbox.h"
#include "collector/indicator_list.h"
#include "collector/indicator_pack.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/store_dir.h"

#define NOW UINT64_C(1795300000000000)
#define HOUR (UINT64_C(3600) * US_PER_S)

static struct store *store;
static sqlite3 *db;
static struct mission_map *map;
static struct common_set *set;

static void
open_set(const struct indicator_limits *limits)
{
	struct common_set_config cfg = { .gate = gate_defaults,
					 .limits = *limits };
	struct allow_lists *lists = allow_lists_new();
	struct diag d = { "" };

	assert_non_null(lists);
	if (allow_lists_add(lists, ALLOW_DIR, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	assert_true(allow_lists_entries(lists) > 100);
	assert_int_equal(common_set_new(&set, db, &cfg, lists, map, &d),
			 ERR_OK);
}

static int
setup(void **state)
{
	store_dir_make(state);
	store = store_dir_open();
	db = store_db(store);
	map = mission_empty();
	open_set(&indicator_limits_default);
	return 0;
}

static int
teardown(void **state)
{
	common_set_free(set);
	mission_free(map);
	store_close(store);
	return store_dir_remove(state);
}

static struct indicator
an_indicator(enum indicator_kind kind, const char *value)
{
	return (struct indicator){
		.kind = kind,
		.severity = 2,
		.confidence = 80,
		.mark = { .tlp = TLP_GREEN },
		.value = value,
		.id = "",
		.source = "",
		.created_by = "",
		.description = "",
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};
}

static struct indicator_put
offer(const char *source, const struct indicator *i, uint64_t now)
{
	struct indicator_put p;
	enum err e;

	do {
		e = common_set_offer(set, source, i, now, &p);
	} while (e == ERR_AGAIN);
	assert_int_equal(e, ERR_OK);
	return p;
}

static int64_t
number(const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
expect_text(const char *sql, const char *want)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal(sql_text(st, 0), want);
	sqlite3_finalize(st);
}

static void
turn(uint64_t now)
{
	struct diag d = { "" };

	do {
		if (common_set_turn(set, now, NULL, NULL, &d) != ERR_OK) {
			fail_msg("%s", d.msg);
		}
	} while (common_set_busy(set));
}

static void
test_pack(void **state)
{
	static uint8_t bytes[2 * INDICATOR_PACK_CAP];
	static char value[INDICATOR_PATTERN_CAP + 1];
	struct indicator i = an_indicator(INDICATOR_URL, "h.example/x?y=1");
	struct indicator back;
	struct view v;
	size_t n;

	(void)state;
	i.revoked = true;
	i.valid_until_us = NOW;
	i.labels = "a,b";
	i.description = "caf\xc3\xa9";
	assert_int_equal(marking_release_to(&i.mark, VIEW_LIT("JP")), ERR_OK);
	n = indicator_pack(&i, bytes, sizeof(bytes));
	assert_true(n > 0);
	v = view_of(bytes, n);
	assert_int_equal(indicator_unpack(&v, &back), ERR_OK);
	assert_int_equal(back.kind, i.kind);
	assert_true(back.revoked && !back.exact);
	assert_int_equal(back.valid_until_us, NOW);
	assert_string_equal(back.value, i.value);
	assert_string_equal(back.labels, "a,b");
	assert_string_equal(back.description, i.description);
	assert_int_equal(back.mark.n_names, 1);
	assert_int_equal(indicator_unpack(&v, &back), ERR_EOF);
	/* No cut of it is a record, and no place too small takes it. */
	for (size_t k = 1; k < n; k++) {
		v = view_of(bytes, k);
		assert_int_equal(indicator_unpack(&v, &back), ERR_FORMAT);
	}
	for (size_t k = 0; k < n; k++) {
		assert_int_equal(indicator_pack(&i, bytes, k), 0);
	}
	memset(value, 'x', sizeof(value) - 1);
	i.value = value;
	assert_int_equal(indicator_pack(&i, bytes, sizeof(bytes)), 0);
}

/* Two sources: what restricts stands, what is best is shown; each takes back
 * its own only. */
static void
test_sources(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "evil-host.xyz");
	struct indicator b = a;
	struct indicator_put p;

	(void)state;
	a.valid_until_us = NOW + HOUR;
	a.confidence = 40;
	assert_int_equal(marking_release_to(&a.mark, VIEW_LIT("JP")), ERR_OK);
	b.mark.tlp = TLP_AMBER;
	b.valid_until_us = NOW + 2 * HOUR;
	b.severity = 1;
	b.description = "seen at US";
	p = offer("jp", &a, NOW);
	assert_int_equal(p.outcome, INDICATOR_ADDED);
	assert_false(p.held);
	p = offer("jp", &a, NOW);
	assert_int_equal(p.outcome, INDICATOR_SAME);
	p = offer("us", &b, NOW);
	assert_int_equal(p.outcome, INDICATOR_CHANGED);
	assert_int_equal(number("SELECT count(*) FROM indicators"), 1);
	expect_text("SELECT mark FROM indicators", "amber//JP");
	assert_int_equal(number("SELECT confidence FROM indicators"), 80);
	assert_int_equal(number("SELECT severity FROM indicators"), 1);
	assert_int_equal(number("SELECT valid_until_us FROM indicators"),
			 NOW + 2 * HOUR);
	/* The first one's validity ends, and its restriction with it. */
	turn(NOW + HOUR);
	expect_text("SELECT mark FROM indicators", "amber");
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
	/* Somebody else's revocation changes nothing. */
	a = b;
	a.revoked = true;
	offer("other", &a, NOW + HOUR);
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
	offer("us", &a, NOW + HOUR);
	assert_int_equal(number("SELECT state FROM indicators"), INDICATOR_OFF);
	assert_true(number("SELECT change FROM indicators") >= 4);
}

static void
test_versions(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "old-name.xyz");

	(void)state;
	a.id = "indicator--1";
	a.modified_us = NOW - HOUR;
	offer("s", &a, NOW);
	a.value = "new-name.xyz";
	a.modified_us = NOW;
	offer("s", &a, NOW);
	assert_int_equal(number("SELECT state FROM indicators WHERE"
				" value='old-name.xyz'"),
			 INDICATOR_OFF);
	/* What is older comes late. */
	a.modified_us = NOW - HOUR;
	assert_int_equal(offer("s", &a, NOW).outcome, INDICATOR_STALE);
	assert_int_equal(number("SELECT state FROM indicators WHERE"
				" value='new-name.xyz'"),
			 INDICATOR_ARMED);
}

/* Taken back under another value, or of a pattern that nobody sees by now, and
 * while there is no room: what the id gave before goes. */
static void
test_taken_back(void **state)
{
	const struct indicator_limits small = { .max_total = 1000,
						.max_source = 2,
						.keep_off = 10,
						.keep_log = 5 };
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "one.xyz");

	(void)state;
	common_set_free(set);
	open_set(&small);
	a.id = "indicator--1";
	a.modified_us = NOW - HOUR;
	offer("s", &a, NOW);
	a.value = "two.xyz";
	offer("s", &a, NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 2);
	a.value = "indicator--1.forgotten.invalid";
	a.modified_us = NOW;
	a.revoked = true;
	assert_int_equal(offer("s", &a, NOW).outcome, INDICATOR_NO_ROOM);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 0);
}

static void
test_expiry(void **state)
{
	struct indicator a = an_indicator(INDICATOR_IP, "45.155.205.3");

	(void)state;
	a.valid_until_us = NOW + HOUR;
	offer("s", &a, NOW);
	turn(NOW + HOUR - 1);
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
	turn(NOW + HOUR);
	assert_int_equal(number("SELECT state FROM indicators"), INDICATOR_OFF);
	expect_text("SELECT reason FROM indicators", "expired");
	assert_int_equal(number("SELECT due_us FROM indicators"), 0);
	a.valid_until_us = NOW + 4 * HOUR;
	offer("s", &a, NOW + 2 * HOUR);
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
}

/* A week of what goes on every day, and one name that everybody asks for. */
static void
history(void)
{
	char sql[512];

	assert_int_equal(sql_exec(db, "BEGIN"), ERR_OK);
	for (int i = 1; i <= 400; i++) {
		snprintf(sql, sizeof(sql),
			 "INSERT INTO runs(id,exercise,kind,key,first_us,"
			 "last_us,severity,confidence,stages) "
			 "VALUES(%d,'',%d,'%s%d%s',%lld,%lld,"
			 "3,0,NULL);"
			 "INSERT INTO sightings(run,site,owner,first_us,"
			 "last_us,count,strong) VALUES(%d,'hq','JP',%lld,%lld,"
			 "%d,0)",
			 i, i % 2 == 0 ? KEY_DOMAIN : KEY_ADDRESS,
			 i % 2 == 0 ? "www.site" : "93.184.216.", i / 2,
			 i % 2 == 0 ? ".benign.net" : "",
			 (long long)(NOW - HOUR), (long long)(NOW - HOUR), i,
			 (long long)(NOW - HOUR), (long long)(NOW - HOUR), 3);
		assert_int_equal(sql_exec(db, sql), ERR_OK);
	}
	for (int i = 0; i < 40; i++) {
		snprintf(sql, sizeof(sql),
			 "INSERT INTO runs(id,exercise,kind,key,first_us,"
			 "last_us,severity,confidence,stages) "
			 "VALUES(%d,'',%d,'hq 10.0.0.%d',"
			 "%lld,%lld,3,0,NULL);"
			 "INSERT INTO links VALUES(400,%d,1,0,0)",
			 1000 + i, KEY_HOST, i, (long long)(NOW - HOUR),
			 (long long)(NOW - HOUR), 1000 + i);
		assert_int_equal(sql_exec(db, sql), ERR_OK);
	}
	assert_int_equal(sql_exec(db, "COMMIT"), ERR_OK);
}

static void
test_gate(void **state)
{
	static const struct {
		enum indicator_kind kind;
		const char *value, *why;
	} bad[] = {
		{ INDICATOR_DOMAIN, "t.co", "allow list" },
		{ INDICATOR_DOMAIN, "www.google.com", "allow list" },
		{ INDICATOR_DOMAIN, "google.com", "allow list" },
		{ INDICATOR_DOMAIN, "rs.sh", "too short" },
		{ INDICATOR_DOMAIN, "com", "single label" },
		{ INDICATOR_DOMAIN, "co.uk", "public suffix" },
		{ INDICATOR_DOMAIN, "github.io", "public suffix" },
		{ INDICATOR_DOMAIN, "update.microsoft.com", "allow list" },
		{ INDICATOR_DOMAIN, "site200.benign.net", "40 hosts" },
		{ INDICATOR_DOMAIN, "benign.net", "would have raised" },
		{ INDICATOR_IP, "8.8.8.8", "resolvers.txt" },
		{ INDICATOR_IP, "8.8.8.0/24", "resolvers.txt" },
		{ INDICATOR_IP, "10.0.0.0/8", "too wide" },
		{ INDICATOR_IP, "10.1.2.3", "our own" },
		{ INDICATOR_IP, "198.18.0.1", "reserved.txt" },
		{ INDICATOR_IP, "104.16.1.1", "shared.txt" },
		{ INDICATOR_IP, "2001:db8::1", "documentation.txt" },
		{ INDICATOR_IP, "203.0.113.9", "documentation.txt" },
		{ INDICATOR_DOMAIN, "www.example.com", "documentation.txt" },
		{ INDICATOR_IP, "192.168.7.0/24", "our own" },
		{ INDICATOR_IP, "fd00::17", "our own" },
		{ INDICATOR_IP, "224.0.0.251", "reserved.txt" },
		{ INDICATOR_IP, "2001:4860:4860::8888", "resolvers.txt" },
		{ INDICATOR_DOMAIN, "dns.google", "resolvers.txt" },
		{ INDICATOR_IP, "151.101.1.69", "shared.txt" },
		{ INDICATOR_IP, "2606:4700::6810:85e5", "shared.txt" },
		{ INDICATOR_DOMAIN, "cloudflare.com", "shared.txt" },
		{ INDICATOR_DOMAIN, "wikipedia.org", "top.txt" },
		{ INDICATOR_DOMAIN, "bit.ly", "shorteners.txt" },
		{ INDICATOR_IP, "45.0.0.0/12", "too wide" },
		{ INDICATOR_IP, "2a00::/12", "too wide" },
		{ INDICATOR_URL, "bit.ly/", "allow list" },
		{ INDICATOR_FILE_MD5, "d41d8cd98f00b204e9800998ecf8427e",
		  "empty.txt" },
		{ INDICATOR_USER_AGENT, "curl", "too short" },
		{ INDICATOR_PATTERN, "[file:size = 1]", "a pattern" },
	};
	static const struct {
		enum indicator_kind kind;
		const char *value;
	} good[] = {
		{ INDICATOR_DOMAIN, "evil-host.xyz" },
		{ INDICATOR_DOMAIN, "login.micros0ft-update.com" },
		{ INDICATOR_DOMAIN, "someone.github.io" },
		{ INDICATOR_DOMAIN, "d111.cloudfront.net" },
		{ INDICATOR_IP, "45.155.205.3" },
		{ INDICATOR_IP, "45.155.205.0/24" },
		{ INDICATOR_IP, "93.184.216.7" },
		{ INDICATOR_URL, "t.co/abcdef" },
		{ INDICATOR_URL, "evil-host.xyz/a.php" },
		{ INDICATOR_JA3, "e7d705a3286e19ea42f587b344ee6865" },
		{ INDICATOR_USER_AGENT, "Mozilla/4.0 (evil)" },
	};
	char sql[256];

	(void)state;
	history();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct indicator v = an_indicator(bad[i].kind, bad[i].value);

		if (!offer("s", &v, NOW).held) {
			fail_msg("%s passed", bad[i].value);
		}
		snprintf(sql, sizeof(sql),
			 "SELECT instr(reason,'%s') FROM indicators WHERE"
			 " value='%s'",
			 bad[i].why, bad[i].value);
		if (number(sql) == 0) {
			fail_msg("%s: held for another reason", bad[i].value);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct indicator v = an_indicator(good[i].kind, good[i].value);

		if (offer("s", &v, NOW).held) {
			fail_msg("%s was held", good[i].value);
		}
	}
}

/* Hosts of ours, 'first' on, call a port outside in that lane at 't'. */
static void
calls(const char *lane, const char *to, uint16_t port, unsigned first,
      unsigned n, uint64_t t)
{
	struct finding_states *s = finding_states_new(db);
	const struct marking mark = MARKING_CLEAR;
	struct state_key key = {
		.kind = STATE_SERVICE, .shared = true, .port = port, .proto = 6
	};
	struct state_place *place;
	struct state *st;

	assert_non_null(s);
	assert_int_equal(finding_states_reload(s), ERR_OK);
	assert_true(addr_parse(view_cstr(to), &key.a));
	assert_int_equal(finding_states_place(s, lane, "hq", "JP", t, &place),
			 ERR_OK);
	st = finding_states_get(s, place, &key, t, &mark);
	assert_non_null(st);
	for (unsigned i = first; i < first + n; i++) {
		struct piece *p = piece_at(st->body.service.clients,
					   ARRAY_LEN(st->body.service.clients),
					   24 * HOUR, t);

		assert_non_null(p);
		hll_add_hash(&p->a, (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
		p->flows++;
	}
	finding_states_changed(s, st);
	assert_int_equal(finding_states_keep(s), ERR_OK);
	finding_states_free(s);
}

/* What raised nothing yet but is called by many of ours would flood all the same;
 * one host that calls two ports is one. */
static void
test_gate_contacts(void **state)
{
	static const struct {
		const char *value;
		bool held;
	} of[] = {
		{ "45.155.205.3", true },   { "45.155.205.0/28", true },
		{ "45.155.205.4", false },  { "45.155.206.7", false },
		{ "45.155.207.9", false },  { "45.155.208.1", false },
		{ "2a0b:f4c0:1::5", true },
	};

	(void)state;
	calls("", "45.155.205.3", 443, 0, 30, NOW - HOUR);
	calls("", "45.155.206.7", 80, 0, 7, NOW - HOUR);
	calls("", "45.155.206.7", 443, 0, 7, NOW - HOUR);
	/* an exercise's; too long ago */
	calls("KEEN", "45.155.207.9", 443, 0, 30, NOW - HOUR);
	calls("", "45.155.208.1", 443, 0, 30, NOW - 24 * 20 * HOUR);
	calls("", "2a0b:f4c0:1::5", 443, 0, 30, NOW - HOUR);
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct indicator v = an_indicator(INDICATOR_IP, of[i].value);

		if (offer("s", &v, NOW).held != of[i].held) {
			fail_msg("%s: %s", of[i].value,
				 of[i].held ? "passed" : "held");
		}
	}
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE reason"
				" LIKE 'too common: about % hosts of ours%'"),
			 3);
}

/* An exact name that was let through does not become one with all below it
 * unseen; the analyst's word stands over the gate's. */
static void
test_words(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "t.co");
	struct indicator_store *s = NULL;
	struct diag d = { "" };
	struct indicator_put p = offer("s", &a, NOW);

	(void)state;
	assert_true(p.held);
	assert_int_equal(
		indicator_store_open(&s, db, &indicator_limits_default, &d),
		ERR_OK);
	assert_int_equal(indicator_store_begin(s), ERR_OK);
	assert_int_equal(indicator_store_judge(s, 99, VERDICT_RELEASED, "ann",
					       "", NOW, &d),
			 ERR_NOTFOUND);
	assert_int_equal(indicator_store_judge(s, p.id, VERDICT_RELEASED, "ann",
					       "known bad page", NOW, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_judge(s, p.id, VERDICT_RELEASED, "ann",
					       "", NOW, &d),
			 ERR_USAGE);
	assert_int_equal(indicator_store_commit(s), ERR_OK);
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
	assert_int_equal(number("SELECT count(*) FROM indicator_log WHERE"
				" who='ann' AND what='released'"),
			 1);
	assert_int_equal(indicator_store_begin(s), ERR_OK);
	assert_int_equal(indicator_store_judge(s, p.id, VERDICT_REMOVED, "ann",
					       "", NOW, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_commit(s), ERR_OK);
	indicator_store_close(s);
	/* A feed that gives it again does not bring it back. */
	a.description = "again";
	offer("s", &a, NOW);
	assert_int_equal(number("SELECT state FROM indicators"), INDICATOR_OFF);
}

/* What a sensor saw before, of so many bits; whether it was taken back. */
static bool
past_at(enum indicator_kind kind, const char *value, unsigned bits,
	uint64_t last_us)
{
	char why[INDICATOR_REASON_CAP];

	assert_int_equal(sql_exec(db, "BEGIN"), ERR_OK);
	assert_int_equal(common_set_past(set, kind, view_cstr(value),
					 (uint32_t)((UINT64_C(1) << bits) - 1),
					 VIEW_LIT("hq"), last_us, NOW, why),
			 ERR_OK);
	assert_int_equal(sql_exec(db, "COMMIT"), ERR_OK);
	return why[0] != '\0';
}

static bool
past(enum indicator_kind kind, const char *value, unsigned bits)
{
	return past_at(kind, value, bits, NOW - HOUR);
}

/* Armed, and then many of ours are told to have used it: it is taken back, once,
 * and stands as the analyst says from then on. */
static void
test_past(void **state)
{
	static const char ua[] = "Common/1.0 (any of ours)";
	struct indicator few =
		an_indicator(INDICATOR_DOMAIN, "beacon-host.xyz");
	struct indicator many = an_indicator(INDICATOR_USER_AGENT, ua);
	struct indicator_word w;
	struct indicator_put p = offer("feed", &many, NOW);
	struct indicator_store *s = NULL;
	struct diag d = { "" };

	(void)state;
	assert_false(offer("feed", &few, NOW).held || p.held);
	/* no hosts known, few, another kind of the same value, none such */
	assert_false(past(INDICATOR_DOMAIN, "beacon-host.xyz", 0));
	assert_false(past(INDICATOR_DOMAIN, "beacon-host.xyz", 3));
	assert_false(past(INDICATOR_URL, ua, 32));
	assert_false(past(INDICATOR_DOMAIN, "unknown-host.xyz", 32));
	/* what is over floods nobody, and is what is looked for */
	assert_false(past_at(INDICATOR_USER_AGENT, ua, 32, NOW - 200 * HOUR));
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 2);
	assert_true(past(INDICATOR_USER_AGENT, ua, 20));
	assert_false(past(INDICATOR_USER_AGENT, ua, 32)); /* it is already */
	expect_text("SELECT reason FROM indicators WHERE kind=10",
		    "held by gate: too common: about 31 hosts of ours at hq"
		    " used it in a week, last at 2026-11-21T21:26:40Z");
	assert_int_equal(number("SELECT state FROM indicators WHERE kind=10"),
			 INDICATOR_HELD);
	assert_int_equal(indicator_word_of(common_set_words(set), ua, NOW, &w),
			 ERR_OK);
	assert_true(w.refuted && w.until_us == 0);
	/* The source gives it anew, which is no analyst's word. */
	many.description = "again";
	many.modified_us = NOW;
	offer("feed", &many, NOW + HOUR);
	assert_int_equal(number("SELECT state FROM indicators WHERE kind=10"),
			 INDICATOR_HELD);
	assert_int_equal(
		indicator_store_open(&s, db, &indicator_limits_default, &d),
		ERR_OK);
	assert_int_equal(indicator_store_begin(s), ERR_OK);
	assert_int_equal(indicator_store_judge(s, p.id, VERDICT_RELEASED, "ann",
					       "", NOW, &d),
			 ERR_OK);
	assert_int_equal(indicator_store_commit(s), ERR_OK);
	indicator_store_close(s);
	assert_false(past(INDICATOR_USER_AGENT, ua, 32));
	assert_int_equal(number("SELECT state FROM indicators WHERE kind=10"),
			 INDICATOR_ARMED);
	assert_int_equal(indicator_word_of(common_set_words(set), ua, NOW, &w),
			 ERR_OK);
	assert_false(w.refuted);
}

static void
import(const char *origin, bool snapshot, unsigned first, unsigned last)
{
	struct indicator_inbox_config cfg = { .store = path,
					      .origin = origin,
					      .who = "test",
					      .snapshot = snapshot };
	struct indicator_report r = { .refused = 1 };
	struct indicator_refusal no = { "f.csv", 3, "", "no value" };
	struct indicator_inbox *b = NULL;
	struct indicator_sink sink;
	struct diag d = { "" };
	int64_t id = 0;

	assert_int_equal(indicator_inbox_open(&b, &cfg, &d), ERR_OK);
	sink = indicator_inbox_sink(b);
	for (unsigned i = first; i < last; i++) {
		char name[64];
		struct indicator v = an_indicator(INDICATOR_DOMAIN, name);

		snprintf(name, sizeof(name), "name-%u.evil.xyz", i);
		assert_int_equal(sink.take(sink.arg, &v, &d), ERR_OK);
		r.loaded++;
	}
	sink.refused(sink.arg, &no);
	r.total = r.loaded + r.refused;
	assert_int_equal(indicator_inbox_close(b, &r, NULL, &id, &d), ERR_OK);
	assert_true(id > 0);
}

static void
test_import(void **state)
{
	(void)state;
	import("list", true, 0, 3000);
	turn(NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 3000);
	assert_int_equal(number("SELECT taken=supported AND state=2 AND"
				" total=supported+refused AND added=3000 FROM"
				" indicator_imports"),
			 1);
	assert_int_equal(number("SELECT count(*) FROM indicator_refusals"), 1);
	/* Again, and not what the list has no longer; nothing twice. */
	import("list", true, 1000, 3500);
	turn(NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators"), 3500);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=0"),
			 1000);
	assert_int_equal(number("SELECT withdrawn FROM indicator_imports WHERE"
				" id=2"),
			 1000);
	assert_int_equal(number("SELECT count(*) FROM indicator_inbox"), 0);
	assert_int_equal(number("SELECT n FROM indicator_origins"), 3500);
}

/* A reader that died: what it handed in is taken, nothing is withdrawn. */
static void
test_reader_gone(void **state)
{
	(void)state;
	import("list", true, 0, 2000);
	turn(NOW);
	import("list", true, 1000, 2200);
	assert_int_equal(sql_exec(db, "UPDATE indicator_imports SET state=0,"
				      "alive_us=1 WHERE id=2"),
			 ERR_OK);
	common_set_free(set);
	open_set(&indicator_limits_default);
	turn(NOW);
	turn(NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 2200);
	assert_int_equal(number("SELECT error<>'' AND state=2 FROM"
				" indicator_imports WHERE id=2"),
			 1);
	/* It was not gone, and hands in more after all. */
	import("list", false, 3000, 3010);
	assert_int_equal(sql_exec(db, "UPDATE indicator_inbox SET import=2;"
				      "DELETE FROM indicator_imports WHERE"
				      " id=3"),
			 ERR_OK);
	common_set_free(set);
	open_set(&indicator_limits_default);
	turn(NOW);
	turn(NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=2"),
			 2210);
}

/* Whatever partners give: there is room for ours. */
static void
test_partners_make_room(void **state)
{
	struct indicator_limits small = { .max_total = 1000,
					  .max_source = 600,
					  .keep_off = 10,
					  .keep_log = 5 };
	struct indicator_put p;
	uint64_t evicted = 0;

	(void)state;
	common_set_free(set);
	open_set(&small);
	for (unsigned k = 0; k < 2; k++) {
		bool ready = false;

		while (!ready) {
			assert_int_equal(common_set_ready(set, NOW, &ready),
					 ERR_OK);
		}
		assert_int_equal(sql_exec(db, "BEGIN IMMEDIATE"), ERR_OK);
		assert_int_equal(
			common_set_join(set,
					k == 0 ? "partner:JP" : "partner:AU",
					500, NOW, &p),
			ERR_OK);
		for (unsigned i = 0; i < 700; i++) {
			char value[64];
			struct indicator n =
				an_indicator(INDICATOR_DOMAIN, value);

			snprintf(value, sizeof(value), "p%u-%u.xyz", k, i);
			assert_int_equal(common_set_put(set, &n, &p, &evicted),
					 ERR_OK);
		}
		assert_int_equal(common_set_leave(set), ERR_OK);
		assert_int_equal(sql_exec(db, "COMMIT"), ERR_OK);
		common_set_settled(set, true);
	}
	import("ours", false, 0, 550);
	turn(NOW);
	assert_int_equal(number("SELECT no_room FROM indicator_imports"), 0);
	assert_int_equal(number("SELECT n FROM indicator_origins WHERE"
				" name='ours'"),
			 550);
	assert_true(number("SELECT sum(n) FROM indicator_origins") <= 1000);
	assert_true(number("SELECT min(n) FROM indicator_origins") >= 100);
	/* Its own bound is no reason to take from others. */
	import("ours", false, 1000, 1100);
	turn(NOW);
	assert_int_equal(number("SELECT n FROM indicator_origins WHERE"
				" name='ours'"),
			 600);
	assert_true(number("SELECT min(n) FROM indicator_origins") >= 100);
}

static void
test_bounds(void **state)
{
	struct indicator_limits small = { .max_total = 100,
					  .max_source = 60,
					  .keep_off = 10,
					  .keep_log = 5 };

	(void)state;
	common_set_free(set);
	open_set(&small);
	import("greedy", true, 0, 90);
	import("other", false, 200, 220);
	turn(NOW);
	assert_int_equal(number("SELECT no_room FROM indicator_imports WHERE"
				" id=1"),
			 30);
	assert_int_equal(number("SELECT no_room FROM indicator_imports WHERE"
				" id=2"),
			 0);
	import("greedy", true, 0, 5);
	turn(NOW);
	common_set_free(set);
	open_set(&small);
	turn(NOW);
	assert_int_equal(number("SELECT count(*) FROM indicators WHERE"
				" state=0"),
			 10);
	assert_int_equal(number("SELECT n FROM indicator_origins WHERE"
				" name='greedy'"),
			 15);
	assert_int_equal(number("SELECT count(*) FROM indicator_sources"), 35);
	assert_true(number("SELECT count(*) FROM indicator_log") <= 5);
	assert_true(number("SELECT value FROM counters WHERE"
			   " name='indicators_floor'") > 0);
}

/* Where it was seen: sites apart up to a bound, an exercise not at all. */
static void
test_seen(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "evil-host.xyz");
	struct sighting_set s = {
		.first_us = NOW, .last_us = NOW + 5, .count = 3, .n_keys = 1
	};

	(void)state;
	offer("s", &a, NOW);
	s.keys[0].kind = KEY_INDICATOR;
	snprintf(s.keys[0].text, sizeof(s.keys[0].text), "evil-host.xyz");
	for (int i = 0; i < 2 * (COMMON_SET_SITES + 10); i++) {
		snprintf(s.site, sizeof(s.site), "site%d",
			 i % (COMMON_SET_SITES + 10));
		assert_int_equal(common_set_seen(set, &s), ERR_OK);
	}
	s.past = true;
	snprintf(s.site, sizeof(s.site), "site1");
	assert_int_equal(common_set_seen(set, &s), ERR_OK);
	assert_int_equal(number("SELECT sum(past) FROM indicator_seen"), 3);
	assert_int_equal(number("SELECT count FROM indicator_seen WHERE past"),
			 9);
	snprintf(s.exercise, sizeof(s.exercise), "KEEN");
	assert_int_equal(common_set_seen(set, &s), ERR_OK);
	assert_int_equal(number("SELECT count(*) FROM indicator_seen"),
			 COMMON_SET_SITES + 1);
	assert_int_equal(number("SELECT sum(count) FROM indicator_seen"),
			 6 * (COMMON_SET_SITES + 10) + 3);
	assert_int_equal(number("SELECT count FROM indicator_seen WHERE"
				" site='site0'"),
			 6);
}

/* A key that was cut is counted for the value that it is of, and for no other of
 * the same beginning. */
static void
test_seen_long(void **state)
{
	char url[2][600];
	struct sighting_set s = {
		.first_us = NOW, .last_us = NOW + 5, .count = 3, .site = "east"
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct indicator a = an_indicator(INDICATOR_URL, url[i]);

		snprintf(url[i], sizeof(url[i]), "evil-host.xyz/%0500d?Id=%c",
			 0, 'A' + i);
		assert_int_equal(offer("s", &a, NOW).outcome, INDICATOR_ADDED);
	}
	sighting_of_indicator(&s, view_cstr(url[1]));
	assert_int_equal(strlen(s.keys[0].text), SIGHTING_KEY_CAP - 1);
	assert_int_equal(common_set_seen(set, &s), ERR_OK);
	assert_int_equal(number("SELECT count(*) FROM indicator_seen"), 1);
	assert_int_equal(number("SELECT count FROM indicator_seen w JOIN"
				" indicators n ON n.id=w.indicator WHERE"
				" n.value LIKE '%Id=B'"),
			 3);
	/* What only looks like one that was cut is itself. */
	url[0][0] = 'E';
	snprintf(url[0] + SIGHTING_KEY_CAP - 18, 18, "#%016x", 7);
	sighting_of_indicator(&s, view_cstr(url[0]));
	assert_int_equal(common_set_seen(set, &s), ERR_OK);
	assert_int_equal(number("SELECT count(*) FROM indicator_seen"), 1);
}

static enum err
note_change(void *arg, const struct indicator *i, uint64_t change, bool armed)
{
	uint64_t *last = arg;

	assert_true(change > *last);
	assert_true(i->value[0] != '\0');
	assert_int_equal(armed, strcmp(i->value, "t.co") != 0 &&
					strcmp(i->value, "old.xyz-a.com") != 0);
	*last = change;
	return ERR_OK;
}

/* Who follows the set hears of all that changed since, in order. */
static void
test_changes(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "old.xyz-a.com");
	struct indicator b = an_indicator(INDICATOR_DOMAIN, "t.co");
	struct indicator c = an_indicator(INDICATOR_DOMAIN, "new.xyz-b.com");
	struct store_reader *r = NULL;
	struct diag d = { "" };
	uint64_t last = 0, version;

	(void)state;
	offer("s", &a, NOW);
	offer("s", &b, NOW);
	a.revoked = true;
	offer("s", &a, NOW);
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	version = indicator_changes_version(r);
	assert_int_equal(version, 3);
	offer("s", &c, NOW);
	assert_int_equal(indicator_changes(r, 0, 100, note_change, &last),
			 ERR_OK);
	assert_int_equal(last, 4);
	last = 1;
	assert_int_equal(indicator_changes(r, 1, 2, note_change, &last),
			 ERR_OK);
	assert_int_equal(last, 3);
	assert_int_equal(sql_exec(db, "INSERT INTO counters VALUES("
				      "'indicators_floor',3)"),
			 ERR_OK);
	assert_int_equal(indicator_changes(r, 2, 10, note_change, &last),
			 ERR_NOTFOUND);
	store_reader_close(r);
}

/* What is said of one now: whether it still stands, and from when on not. */
static struct indicator_word
word(const char *value, uint64_t now)
{
	struct indicator_word w;

	assert_int_equal(
		indicator_word_of(common_set_words(set), value, now, &w),
		ERR_OK);
	return w;
}

static void
count_value(void *arg, const char *value)
{
	assert_true(value[0] != '\0');
	++*(unsigned *)arg;
}

/* The gate's lists from now on: this one. */
static void
use_list(const char *lines)
{
	struct allow_lists *lists = allow_lists_new();
	struct diag d = { "" };

	assert_non_null(lists);
	assert_int_equal(
		allow_lists_add_bytes(lists, "mine", view_cstr(lines), &d),
		ERR_OK);
	allow_lists_free(common_set_use_lists(set, lists));
}

static void
test_refuted(void **state)
{
	struct indicator a = an_indicator(INDICATOR_DOMAIN, "evil-host.xyz");
	uint64_t change = 0;
	unsigned n = 0;
	bool more;

	(void)state;
	/* Of what nobody gave, nobody said anything. */
	assert_false(word("evil-host.xyz", NOW).refuted);
	offer("s", &a, NOW);
	offer("partner:US", &a, NOW);
	assert_false(word("EVIL-host.xyz", NOW).refuted);
	assert_int_equal(word("evil-host.xyz", NOW).confidence, 80);
	assert_int_equal(word("other-host.xyz", NOW).confidence,
			 INDICATOR_CONFIDENCE_UNKNOWN);
	/* One source stands behind it still; our own warning does not count. */
	a.revoked = true;
	offer("s", &a, NOW);
	assert_false(word("evil-host.xyz", NOW).refuted);
	a.revoked = false;
	offer(INDICATOR_WARNING_SOURCE, &a, NOW);
	a.revoked = true;
	offer("partner:US", &a, NOW);
	assert_int_equal(number("SELECT state FROM indicators"),
			 INDICATOR_ARMED);
	assert_true(word("evil-host.xyz", NOW).refuted);
	assert_int_equal(word("evil-host.xyz", NOW).until_us, 0);
	assert_string_equal(word("evil-host.xyz", NOW).reason,
			    "revoked by its source");
	/* Given again, for a while: good until then. */
	a.revoked = false;
	a.valid_until_us = NOW + 10;
	offer("s", &a, NOW);
	assert_false(word("evil-host.xyz", NOW).refuted);
	assert_true(word("evil-host.xyz", NOW + 10).refuted);
	assert_int_equal(word("evil-host.xyz", NOW + 10).until_us, NOW + 10);
	/* On an allow list. */
	a = an_indicator(INDICATOR_DOMAIN, "t.co");
	offer("s", &a, NOW);
	assert_true(word("t.co", NOW).refuted);
	assert_non_null(strstr(word("t.co", NOW).reason, "allow list"));
	/* The lists are read again: t.co is on none, and another one is. */
	use_list("evil-host.xyz\n");
	assert_false(word("t.co", NOW).refuted);
	assert_non_null(strstr(word("evil-host.xyz", NOW).reason,
			       "on the allow list mine"));
	/* Who follows hears of each value that changed, once. */
	assert_int_equal(indicator_words_since(common_set_words(set), &change,
					       100, count_value, &n, &more),
			 ERR_OK);
	assert_int_equal(n, 2);
	assert_false(more);
	assert_int_equal(change, number("SELECT max(change) FROM indicators"));
}

/* One that is longer than a sighting's key is taken back like any other; a
 * neighbour that begins alike is not. */
static void
test_refuted_long(void **state)
{
	char url[2][600];
	struct sighting_set s[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct indicator a = an_indicator(INDICATOR_URL, url[i]);

		snprintf(url[i], sizeof(url[i]), "evil-host.xyz/%0500d?Id=%c",
			 0, 'A' + i);
		assert_int_equal(offer("s", &a, NOW).outcome, INDICATOR_ADDED);
		sighting_of_indicator(&s[i], view_cstr(url[i]));
		assert_int_equal(word(s[i].keys[0].text, NOW).confidence, 80);
		a.revoked = i == 1;
		offer("s", &a, NOW + 1);
	}
	assert_false(word(s[0].keys[0].text, NOW + 2).refuted);
	assert_true(word(s[1].keys[0].text, NOW + 2).refuted);
	assert_true(word(url[1], NOW + 2).refuted);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_pack),         CASE(test_sources),
		CASE(test_versions),     CASE(test_expiry),
		CASE(test_gate),         CASE(test_gate_contacts),
		CASE(test_words),        CASE(test_import),
		CASE(test_reader_gone),  CASE(test_partners_make_room),
		CASE(test_bounds),       CASE(test_seen),
		CASE(test_seen_long),    CASE(test_changes),
		CASE(test_refuted),      CASE(test_taken_back),
		CASE(test_refuted_long), CASE(test_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
