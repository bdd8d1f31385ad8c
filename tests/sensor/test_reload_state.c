/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules remember beyond one packet outlives a reload: captured values,
 * bits of flows, transactions, hosts and pairs, datasets, and what was said of
 * files and is kept of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/sensor/reload_scene.h"

#define N_SIDS 20 /* of the text below; each speaks */
#define TIMES 30 /* enough for two reloads behind all rounds in flight */

static const char text[] =
	"alert http any any -> any any (msg:\"captures\"; http.user_agent; "
	"pcre:\"/^([a-zA-Z]+)\\/([0-9.]+)/, flow:agent, pkt:release\"; "
	"sid:1;)\n"
	"alert http any any -> any any (msg:\"captures for itself\"; http.uri; "
	"pcre:\"/^\\/([a-z]+)/, alert:what\"; sid:2;)\n"
	"alert http any any -> any any (msg:\"measures\"; flow:to_client; "
	"file.data; entropy:value > 1; sid:3;)\n"
	"alert http any any -> any any (http.method; content:\"GET\"; "
	"flowbits:set,got; flowint:gets,+,1; noalert; sid:101;)\n"
	"alert http any any -> any any (msg:\"asks a flowbit\"; "
	"flow:to_client; http.stat_code; content:\"200\"; flowbits:isset,got; "
	"flowint:gets,>,0; sid:4;)\n"
	"alert dns any any -> any any (dns.query; content:\".\"; "
	"xbits:set,asked,track ip_src,expire 3600; noalert; sid:102;)\n"
	"alert tcp any any -> any any (msg:\"asked before\"; flags:S; "
	"xbits:isset,asked,track ip_src; sid:5;)\n"
	"alert tcp any any -> any any (msg:\"a new pair\"; flags:S; "
	"xbits:isnotset,met,track ip_pair; xbits:set,met,track ip_pair,expire "
	"3600; sid:6;)\n"
	"alert tcp any any -> any any (flags:S; hostbits:toggle,odd,dst; "
	"noalert; sid:103;)\n"
	"alert tcp any any -> any any (msg:\"every second\"; flags:S; "
	"hostbits:isset,odd,dst; sid:7;)\n"
	"alert http any any -> any any (http.method; content:\"P\"; "
	"xbits:set,posts,track tx; noalert; sid:104;)\n"
	"alert http any any -> any any (msg:\"asks its transaction\"; "
	"flow:to_client; http.stat_code; content:\"200\"; "
	"xbits:isset,posts,track tx; sid:8;)\n"
	"alert http any any -> any any (msg:\"a new agent\"; http.user_agent; "
	"dataset:set,agents,type string,save agents.lst; sid:9;)\n"
	"alert http any any -> any any (msg:\"a known agent\"; "
	"http.user_agent; dataset:isset,agents; sid:10;)\n"
	"alert dns any any -> any any (msg:\"a new name\"; dns.query; to_md5; "
	"dataset:isnotset,names,type md5,save names.lst; "
	"dataset:set,names; sid:11;)\n"
	"alert ip any any -> any any (msg:\"a new host\"; ip.src; "
	"dataset:set,hosts,type ip,save hosts.lst; sid:12;)\n"
	"alert tcp any any -> any any (msg:\"taken out\"; flags:F+; ip.src; "
	"dataset:unset,hosts; sid:13;)\n"
	"alert http any any -> any any (msg:\"keeps the file\"; "
	"flow:to_client; http.stat_code; content:\"200\"; filestore; "
	"sid:14;)\n"
	"alert http any any -> any any (msg:\"size\"; filesize:>700; "
	"sid:15;)\n"
	"alert http any any -> any any (msg:\"type\"; file.magic; "
	"content:\"text\"; sid:16;)\n"
	"alert http any any -> any any (msg:\"ending\"; fileext:\"txt\"; "
	"sid:17;)\n"
	"alert http any any -> any any (msg:\"digest\"; "
	"filesha256:digests.lst; sid:18;)\n"
	"alert http any any -> any any (msg:\"unlike the list\"; "
	"filesha256:!digests.lst; sid:19;)\n"
	"alert http any any => any any (msg:\"both halves\"; http.method; "
	"content:\"GET\"; http.stat_code; content:\"200\"; "
	"sid:20;)\n";

/* Tests what flows share and changes its own flow: for one worker. */
static const char undivided[] =
	"alert tcp any any -> any any (msg:\"marked\"; flags:S; "
	"xbits:isset,asked,track ip_src; flowbits:set,asker; sid:21;)\n"
	"alert http any any -> any any (msg:\"asker\"; http.method; "
	"content:\"GET\"; flowbits:isset,asker; sid:22;)\n";

/* One body of http.pcap, as in its events. */
static const char digests[] =
	"869fbeb7dc56dba75f38a67e95f529c99762ba46c761bdd03616fdded39f04eb"
	"\n";

/* The sets' values are asked for, and nobody changes them any more. */
static const char asked_only[] =
	"alert http any any -> any any (msg:\"a known agent\"; "
	"http.user_agent; dataset:isset,agents,type string,save agents.lst; "
	"sid:23;)\n";

struct run {
	struct reload *reload;
	const char *next; /* the rules from the first reload on; NULL: none */
};

/* Between rounds: asks for a reload and waits until the change is ready. */
static void
on_tick(void *arg, bool idle)
{
	struct run *r = arg;
	struct reload_status st;

	(void)idle;
	reload_get_status(r->reload, &st);
	if (r->next == NULL || st.ready) {
		return;
	}
	rule_file("live.rules", r->next);
	reload_request(r->reload, "test", 0);
	do {
		usleep(1000);
		reload_get_status(r->reload, &st);
	} while (!st.ready && st.failed == 0);
}

static void
set(const char *key, const char *value)
{
	char setting[2400];
	struct diag d;

	snprintf(setting, sizeof(setting), "%s=%s", key, value);
	assert_int_equal(conf_set_arg(scene.conf, setting, &d), ERR_OK);
}

/* What a replay left: events, saved datasets, and the names of stored files. */
struct left {
	char *text[5];
	size_t len[5];
};

static void
take(struct left *l, const char *dir)
{
	static const char *const names[] = { "eve.json", "agents.lst",
					     "names.lst", "hosts.lst",
					     "stored" };
	char path[1400];

	snprintf(path, sizeof(path),
		 "cd '%s' && find store -type f | sort >stored", dir);
	assert_int_equal(system(path), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		l->text[i] = read_all(path, &l->len[i]);
		assert_true(l->len[i] > 0);
	}
}

static void
drop(struct left *l)
{
	for (size_t i = 0; i < ARRAY_LEN(l->text); i++) {
		free(l->text[i]);
	}
}

static void
make_dir(char *dir, size_t cap, const char *name, unsigned n)
{
	char store[1200];

	snprintf(dir, cap, "%s/%s-%u", scene.dir, name, n);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(store, sizeof(store), "%s/store", dir);
	assert_int_equal(mkdir(store, 0700), 0);
	set("default-data-dir", dir);
	set("file-store.dir", store);
}

static struct worker *
worker_of(const struct ruleset *rs, struct shared_state *shared)
{
	struct worker_settings s = {
		.conf = scene.conf,
		.rules = rs,
		.origin = { "", "", "", "", "", NULL },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 28,
		.shared = ruleset_undivided(rs) != NULL ? shared : NULL,
	};
	struct worker *w = worker_new(&s);

	assert_non_null(w);
	return w;
}

/*
 * All captures TIMES times by 'n' workers, with the rules 'first_text'; with
 * 'next' there are reloads before rounds.
 */
static void
replay(const char *name, const char *first_text, const char *next, unsigned n,
       struct left *out)
{
	const char *patterns[] = { rule_file("live.rules", first_text) };
	const char *paths[MAX_PATHS * TIMES];
	char dir[1100], eve[1200];
	struct run run = { .next = next };
	struct worker *workers[4];
	struct replay_settings set = { .workers = workers,
				       .n_workers = n,
				       .tick = on_tick,
				       .tick_arg = &run };
	struct sink_settings ss = { .eve_path = eve,
				    .eve_types = UINT32_MAX,
				    .threshold_entries = 1024 };
	struct reload_settings rs = { .conf = scene.conf,
				      .rules = patterns,
				      .n_rules = 1,
				      .n_workers = n };
	struct shared_state *shared;
	struct replay_result result;
	struct reload_status st;
	struct ruleset *first;
	struct diag d = { "" };

	make_dir(dir, sizeof(dir), name, n);
	snprintf(eve, sizeof(eve), "%s/eve.json", dir);
	for (size_t i = 0; i < scene.n_pcaps * TIMES; i++) {
		paths[i] = scene.pcaps[i % scene.n_pcaps];
	}
	first = load(NULL, patterns);
	assert_int_equal(ruleset_report(first)->failed, 0);
	assert_int_equal(shared_state_new(&shared, first, scene.conf, &d),
			 ERR_OK);
	rs.shared = ss.shared = shared;
	for (unsigned i = 0; i < n; i++) {
		workers[i] = worker_of(first, shared);
	}
	assert_int_equal(capture_open_files(&set.capture, paths,
					    scene.n_pcaps * TIMES, NULL, &d),
			 ERR_OK);
	assert_int_equal(sink_open(&set.sink, &ss, &d), ERR_OK);
	assert_int_equal(reload_start(&run.reload, &rs, first, &d), ERR_OK);
	set.reload = run.reload;
	assert_int_equal(replay_run(&set, &result, &d), ERR_OK);
	reload_get_status(run.reload, &st);
	if (st.failed > 0) {
		fail_msg("reload: %s", st.error);
	}
	assert_true(next != NULL ? st.done > 1 : st.done == 0);
	assert_int_equal(sink_close(set.sink), ERR_OK);
	assert_int_equal(shared_state_save(shared), ERR_OK);
	for (unsigned i = 0; i < n; i++) {
		worker_free(workers[i]);
	}
	reload_free(run.reload);
	shared_state_free(shared);
	capture_close(set.capture);
	take(out, dir);
}

static void
compare(const struct left *a, const struct left *b)
{
	for (size_t i = 0; i < ARRAY_LEN(a->text); i++) {
		if (a->len[i] != b->len[i] ||
		    memcmp(a->text[i], b->text[i], a->len[i]) != 0) {
			fail_msg("file %zu: %zu and %zu bytes", i, a->len[i],
				 b->len[i]);
		}
	}
}

static void
speaks(const struct left *l, unsigned n)
{
	char sid[40];

	snprintf(sid, sizeof(sid), "\"signature_id\":%u,", n);
	if (strstr(l->text[0], sid) == NULL) {
		fail_msg("sid %u never alerts", n);
	}
}

static void
all_speak(const struct left *l, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		speaks(l, i);
	}
	assert_non_null(strstr(l->text[0], "\"flowvars\""));
	assert_non_null(strstr(l->text[0], "\"stored\":true"));
}

static int
set_up(void **state)
{
	int rc = scene_set_up(state);

	rule_file("digests.lst", digests);
	set("file-store.enabled", "yes");
	return rc;
}

/* The same with a reload before every round as without, any worker count. */
static void
nothing_is_forgotten(void **state)
{
	static const unsigned counts[] = { 1, 3 };
	struct left plain, busy;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		replay("plain", text, NULL, counts[i], &plain);
		replay("busy", text, text, counts[i], &busy);
		all_speak(&plain, N_SIDS);
		compare(&plain, &busy);
		drop(&plain);
		drop(&busy);
	}
}

static void
nor_by_a_set_for_one_worker(void **state)
{
	char both[sizeof(text) + sizeof(undivided)];
	struct left plain, busy;

	(void)state;
	snprintf(both, sizeof(both), "%s%s", text, undivided);
	replay("plain-one", both, NULL, 1, &plain);
	replay("busy-one", both, both, 1, &busy);
	all_speak(&plain, N_SIDS + 2);
	compare(&plain, &busy);
	drop(&plain);
	drop(&busy);
}

/* What rules put into datasets is found, and saved, when they are gone. */
static void
values_outlive_their_rules(void **state)
{
	struct left l;

	(void)state;
	for (unsigned n = 1; n <= 3; n += 2) {
		replay("asked-only", text, asked_only, n, &l); /* all saved */
		speaks(&l, 9);
		speaks(&l, 23);
		drop(&l);
	}
}

/* A matcher of the second set before each frame, and of the first again. */
static void
not_even_within_a_transaction(void **state)
{
	const char *patterns[] = { rule_file("state.rules", text) };
	char dir[1100];
	struct ruleset *first, *second;

	(void)state;
	make_dir(dir, sizeof(dir), "frames", 1);
	first = load(NULL, patterns);
	second = load(first, patterns);
	for (size_t i = 0; i < scene.n_pcaps; i++) {
		struct outbox *plain = outbox_new(), *changed = outbox_new();
		struct worker *v = make_worker(first), *w = make_worker(first);

		run_capture(scene.pcaps[i], v, NULL, plain);
		run_capture(scene.pcaps[i], w, rule_matcher_new(second),
			    changed);
		same_lines(scene.pcaps[i], plain, changed);
		worker_free(v);
		worker_free(w);
		outbox_free(plain);
		outbox_free(changed);
	}
	ruleset_free(first);
	ruleset_free(second);
}

/* A set for one worker is refused where there are three; the old one stays. */
static void
a_set_for_one_is_refused_by_three(void **state)
{
	const char *patterns[] = { rule_file("live.rules", text) };
	struct reload_settings rs = { .conf = scene.conf,
				      .rules = patterns,
				      .n_rules = 1,
				      .n_workers = 3 };
	struct ruleset *first = load(NULL, patterns);
	struct reload_status st;
	struct reload *r;
	struct diag d;

	(void)state;
	assert_int_equal(shared_state_new(&rs.shared, first, scene.conf, &d),
			 ERR_OK);
	assert_int_equal(reload_start(&r, &rs, first, &d), ERR_OK);
	log_init("test_reload_state", (enum log_level) - 1, false);
	rule_file("live.rules", undivided);
	reload_request(r, "test", 0);
	do {
		usleep(1000);
		reload_get_status(r, &st);
	} while (st.failed == 0 && !st.ready);
	log_init("test_reload_state", LOG_ERR, false);
	assert_int_equal(st.failed, 1);
	assert_non_null(strstr(st.error, "sid 21"));
	assert_ptr_equal(reload_rules(r), first);
	reload_free(r);
	shared_state_free(rs.shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_forgotten),
		cmocka_unit_test(nor_by_a_set_for_one_worker),
		cmocka_unit_test(values_outlive_their_rules),
		cmocka_unit_test(not_even_within_a_transaction),
		cmocka_unit_test(a_set_for_one_is_refused_by_three),
	};

	return cmocka_run_group_tests(tests, set_up, scene_tear_down);
}
