/* SPDX-License-Identifier: Apache-2.0 */
/* What is given up under overload, and that the rest is not. */
#include "tests/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/app.h"
#include "sensor/capture.h"
#include "sensor/overload_conf.h"
#include "sensor/worker.h"

#define MS UINT64_C(1000)

static struct addr
address(const char *text)
{
	struct cidr c;

	assert_true(cidr_parse(view_cstr(text), &c));
	return c.addr;
}

static enum err
read_conf(struct overload_conf *out, const char *const *settings,
	  struct diag *d)
{
	struct conf *conf = conf_new();
	enum err e;

	for (; *settings != NULL; settings++) {
		assert_int_equal(conf_set_arg(conf, *settings, d), ERR_OK);
	}
	e = overload_conf_read(out, conf, "hq", d);
	conf_free(conf);
	return e;
}

static const char *const three[] = {
	"overload.priorities.0.networks=[192.0.2.0/24, 2001:db8::/32]",
	"overload.priorities.0.priority=1",
	"overload.priorities.1.networks.0=198.51.100.0/24",
	"overload.priorities.1.networks.1=192.0.2.80",
	"overload.priorities.1.priority=3",
	NULL
};

static unsigned
priority(const struct overload_conf *c, const char *text)
{
	struct addr a = address(text);

	return asset_priority_of(c->table, &a);
}

/* --- whose priority --- */

static void
test_longest_prefix(void **state)
{
	struct overload_conf c;
	struct diag d;

	(void)state;
	assert_int_equal(read_conf(&c, three, &d), ERR_OK);
	assert_int_equal(priority(&c, "192.0.2.7"), 1);
	assert_int_equal(priority(&c, "192.0.2.80"), 3);
	assert_int_equal(priority(&c, "192.0.3.1"), 0);
	assert_int_equal(priority(&c, "198.51.100.255"), 3);
	assert_int_equal(priority(&c, "2001:db8:ffff::1"), 1);
	assert_int_equal(priority(&c, "2001:db9::1"), 0);
	overload_conf_fini(&c);
}

static void
test_bad_settings(void **state)
{
	static const struct {
		const char *v[4];
		const char *says;
	} bad[] = {
		{ { "overload.priorities.0.networks=192.0.2.300",
		    "overload.priorities.0.priority=1" },
		  "'192.0.2.300' is no network" },
		{ { "overload.priorities.0.networks=192.0.2.0/24",
		    "overload.priorities.0.priority=9" },
		  "'9' is no priority" },
		{ { "overload.priorities.0.networks=192.0.2.0/24" },
		  "overload.priorities.0.priority" },
		{ { "overload.priorities.0.net=192.0.2.0/24" }, "not known" },
		{ { "overload.stop=50" }, "has to be below start" },
		{ { "overload.missions=/no/such/map.yaml" },
		  "/no/such/map.yaml" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct overload_conf c;
		struct diag d;

		assert_true(read_conf(&c, bad[i].v, &d) != ERR_OK);
		if (strstr(d.msg, bad[i].says) == NULL) {
			fail_msg("'%s' is not in '%s'", bad[i].says, d.msg);
		}
		assert_null(c.table);
	}
}

static const char map[] =
	"owners: [{name: JP}]\n"
	"sites: [{name: hq, owner: JP, networks: [10.0.0.0/8]}]\n"
	"assets:\n"
	"  - {name: mail, site: hq, addresses: [192.0.2.5], criticality: low}\n"
	"  - {name: directory, networks: [198.51.100.0/24]}\n"
	"  - {name: far, site: annex, addresses: [203.0.113.1], criticality: "
	"100}\n"
	"  - {name: tea, addresses: [192.0.2.9]}\n"
	"  - {name: half, addresses: [192.0.2.10], criticality: 60}\n"
	"services:\n"
	"  - {name: names, depends_on: [directory, post]}\n"
	"  - {name: post, depends_on: [mail, names]}\n"
	"missions:\n"
	"  - {name: defence, services: [post], criticality: critical}\n";

/* Criticality flows down, through a circle too. */
static void
test_mission_map(void **state)
{
	char path[] = "/tmp/picket-map.XXXXXX", set[PATH_MAX];
	const char *settings[] = { set, NULL };
	int fd = mkstemp(path);
	struct overload_conf c;
	struct diag d;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, map, sizeof(map) - 1), sizeof(map) - 1);
	close(fd);
	snprintf(set, sizeof(set), "overload.missions=%s", path);
	assert_int_equal(read_conf(&c, settings, &d), ERR_OK);
	assert_int_equal(priority(&c, "192.0.2.5"), 1);
	assert_int_equal(priority(&c, "198.51.100.77"), 1);
	assert_int_equal(priority(&c, "192.0.2.9"), 5);
	assert_int_equal(priority(&c, "192.0.2.10"), 3);
	assert_int_equal(priority(&c, "203.0.113.1"), 0); /* elsewhere */
	overload_conf_fini(&c);
	unlink(path);
}

/* --- levels --- */

static void
test_levels(void **state)
{
	struct overload_conf c;
	struct diag d;

	(void)state;
	/* 1, 3 and, of all others, 5 */
	assert_int_equal(read_conf(&c, three, &d), ERR_OK);
	assert_int_equal(c.n_levels, 5);
	assert_int_equal(c.level[1].payload, 2);
	assert_int_equal(c.level[1].all, 6);
	assert_int_equal(c.level[2].all, 5);
	assert_int_equal(c.level[3].payload, 2);
	assert_int_equal(c.level[3].all, 3);
	assert_int_equal(c.level[4].payload, 1);
	assert_int_equal(c.level[4].all, 3); /* never the most important */
	overload_conf_fini(&c);

	assert_int_equal(read_conf(&c, three + 5, &d), ERR_OK);
	assert_int_equal(c.n_levels, 2);
	assert_int_equal(c.level[1].payload, 5);
	assert_int_equal(c.level[1].all, 6);
	overload_conf_fini(&c);
}

static void
test_gauge(void **state)
{
	struct overload_conf c;
	struct overload o = { .conf = &c };
	uint64_t t = 5 * US_PER_S;
	struct diag d;

	(void)state;
	assert_int_equal(read_conf(&c, three, &d), ERR_OK);
	overload_gauge(&o, 249, t);
	assert_int_equal(o.level, 0);
	overload_gauge(&o, 250, t += MS);
	assert_int_equal(o.level, 1);
	/* not at once again; nor while it empties; but when it is urgent */
	overload_gauge(&o, 300, t += 19 * MS);
	assert_int_equal(o.level, 1);
	overload_gauge(&o, 290, t += 5 * MS);
	assert_int_equal(o.level, 1);
	overload_gauge(&o, 290, t += MS);
	assert_int_equal(o.level, 2);
	overload_gauge(&o, 700, t += 20 * MS);
	assert_int_equal(o.level, 3);
	overload_gauge(&o, 650, t += 20 * MS);
	assert_int_equal(o.level, 4);
	overload_gauge(&o, 1000, t += 20 * MS);
	assert_int_equal(o.level, 4); /* there is no more to give up */
	/* between the two fills it stays as it is */
	overload_gauge(&o, 60, t += 3600 * US_PER_S);
	assert_int_equal(o.level, 4);
	/* down one at a time, each after a second of calm */
	overload_gauge(&o, 50, t += MS);
	overload_gauge(&o, 0, t += 999 * MS);
	assert_int_equal(o.level, 4);
	overload_gauge(&o, 0, t += MS);
	assert_int_equal(o.level, 3);
	overload_gauge(&o, 0, t += 999 * MS);
	overload_gauge(&o, 51, t += MS);
	overload_gauge(&o, 0, t += MS);
	assert_int_equal(o.level, 3);
	for (unsigned left = 3; left > 0; left--) {
		overload_gauge(&o, 0, t += 1000 * MS);
		assert_int_equal(o.level, left - 1);
	}
	overload_gauge(&o, 0, t += 3600 * US_PER_S);
	assert_int_equal(o.count.raised, 4);
	assert_int_equal(o.count.lowered, 4);
	assert_int_equal(o.count.highest, 4);
	assert_true(o.count.overloaded_us > 3600 * US_PER_S &&
		    o.count.overloaded_us < 3700 * US_PER_S);
	overload_conf_fini(&c);
}

static void
test_switched_off(void **state)
{
	static const char *const off[] = { "overload.enabled=no", NULL };
	struct overload_conf c;
	struct overload o = { .conf = &c };
	struct diag d;

	(void)state;
	assert_int_equal(read_conf(&c, off, &d), ERR_OK);
	overload_gauge(&o, OVERLOAD_FULL, US_PER_S);
	assert_int_equal(o.level, 0);
	o.conf = NULL;
	overload_gauge(&o, OVERLOAD_FULL, 2 * US_PER_S);
	assert_int_equal(o.level, 0);
	overload_conf_fini(&c);
}

/* --- verdicts --- */

static struct flow
flow_between(const char *a, const char *b)
{
	return (struct flow){ .addr = { address(a), address(b) } };
}

static void
test_verdicts(void **state)
{
	struct overload_conf c;
	struct overload o = { .conf = &c };
	struct flow top = flow_between("192.0.2.1", "203.0.113.9");
	struct flow mid = flow_between("203.0.113.9", "198.51.100.1");
	struct flow low = flow_between("203.0.113.9", "203.0.113.8");
	/* of three flows: plain, encrypted */
	static const enum overload_shed want[5][3][2] = {
		[1] = { { SHED_NONE, SHED_NONE },
			{ SHED_NONE, SHED_ENCRYPTED },
			{ SHED_NONE, SHED_ENCRYPTED } },
		[2] = { { SHED_NONE, SHED_NONE },
			{ SHED_NONE, SHED_ENCRYPTED },
			{ SHED_PRIORITY_5, SHED_PRIORITY_5 } },
		[3] = { { SHED_NONE, SHED_NONE },
			{ SHED_PRIORITY_3, SHED_PRIORITY_3 },
			{ SHED_PRIORITY_5, SHED_PRIORITY_5 } },
		[4] = { { SHED_NONE, SHED_ENCRYPTED },
			{ SHED_PRIORITY_3, SHED_PRIORITY_3 },
			{ SHED_PRIORITY_5, SHED_PRIORITY_5 } },
	};
	struct flow *f[3] = { &top, &mid, &low };
	struct diag d;

	(void)state;
	assert_int_equal(read_conf(&c, three, &d), ERR_OK);
	for (o.level = 1; o.level < 5; o.level++) {
		for (unsigned i = 0; i < 3; i++) {
			for (unsigned e = 0; e < 2; e++) {
				assert_int_equal(overload_verdict(&o, f[i],
								  FLOW_TOSERVER,
								  e == 1),
						 want[o.level][i][e]);
			}
		}
	}
	/* very large, and its small side */
	o.level = 1;
	mid.bytes[FLOW_TOCLIENT] = UINT64_C(10) << 20;
	assert_int_equal(overload_verdict(&o, &mid, FLOW_TOCLIENT, false),
			 SHED_NONE);
	mid.bytes[FLOW_TOSERVER] = UINT64_C(64) << 10;
	assert_int_equal(overload_verdict(&o, &mid, FLOW_TOCLIENT, false),
			 SHED_ELEPHANT);
	assert_int_equal(overload_verdict(&o, &mid, FLOW_TOSERVER, false),
			 SHED_NONE);
	overload_count(&o, &mid, SHED_ELEPHANT, 1, 100, 7);
	overload_count(&o, &mid, SHED_ELEPHANT, 1, 50, 9);
	overload_count(&o, &mid, SHED_PRIORITY_3, 0, 0, 9);
	assert_int_equal(o.count.payload[3].frames, 2);
	assert_int_equal(o.count.payload[3].since_us, 7);
	assert_int_equal(o.count.payload[3].last_us, 9);
	/* within a frame that is counted for another */
	assert_int_equal(o.count.all[3].frames, 1);
	assert_int_equal(o.count.all[3].since_us, 9);
	assert_int_equal(o.count.shed[SHED_PRIORITY_3].packets, 0);
	o.count.spells++; /* overload ended, and began anew */
	overload_count(&o, &mid, SHED_ELEPHANT, 1, 50, 20);
	assert_int_equal(o.count.payload[3].since_us, 20);
	assert_int_equal(o.count.payload[3].last_us, 20);
	assert_int_equal(o.count.payload[2].frames, 0);
	assert_int_equal(o.count.shed[SHED_ELEPHANT].packets, 3);
	assert_int_equal(o.count.shed[SHED_ELEPHANT].bytes, 200);
	assert_int_equal(o.count.shed[SHED_ELEPHANT].flows, 1);
	assert_int_equal(o.count.shed[SHED_PRIORITY_3].flows, 1);
	overload_conf_fini(&c);
}

/* --- a worker --- */

struct bench {
	struct conf *conf;
	struct overload_conf overload;
	struct ruleset *rules;
	struct outbox *out;
	struct worker *w;
	struct contacts_conf contacts;
};

static void
bench_open(struct bench *b, const char *const *settings, const char *rules)
{
	char path[] = "/tmp/picket-rules.XXXXXX";
	const char *paths[] = { path };
	int fd = mkstemp(path);
	struct diag d;

	assert_int_equal(write(fd, rules, strlen(rules)), strlen(rules));
	close(fd);
	b->conf = conf_new();
	b->out = outbox_new();
	assert_int_equal(read_conf(&b->overload, settings, &d), ERR_OK);
	b->rules = ruleset_load(b->conf, paths, 1, NULL, 0, &d);
	if (b->rules == NULL) {
		fail_msg("%s", d.msg);
	}
	unlink(path);
	b->contacts = (struct contacts_conf){
		.enabled = true,
		.interval_us = 60 * US_PER_S,
		.max_hosts = 64,
	};
	b->w = worker_new(&(struct worker_settings){
		.contacts = &b->contacts,
		.conf = b->conf,
		.rules = b->rules,
		.origin = { "", "", "", "", "", NULL },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 30,
		.overload = &b->overload,
	});
	assert_non_null(b->w);
}

static void
bench_close(struct bench *b)
{
	worker_free(b->w);
	outbox_free(b->out);
	ruleset_free(b->rules);
	overload_conf_fini(&b->overload);
	conf_free(b->conf);
}

/* Brings the worker to a level; levels fall one by one. */
static void
set_level(struct bench *b, unsigned level, uint64_t *now_us)
{
	for (unsigned i = 0; i < 2 * OVERLOAD_MAX_LEVELS &&
			     worker_overload(b->w)->level != level;
	     i++) {
		bool up = worker_overload(b->w)->level < level;

		*now_us += 3600 * US_PER_S;
		worker_behind(b->w, up ? OVERLOAD_FULL : 0, *now_us);
	}
	assert_int_equal(worker_overload(b->w)->level, level);
}

/* Packets 'from' to before 'to' at 'level', all others at 0. */
static void
run(struct bench *b, const char *name, unsigned level, unsigned from,
    unsigned to)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct batch_frames *f = batch_frames_new();
	char text[PATH_MAX];
	const char *path = text;
	struct capture *c = NULL;
	uint64_t now_us = US_PER_S, last_us = 0;
	unsigned n = 0;
	struct diag d;

	snprintf(text, sizeof(text), "%s/pcaps/%s", top, name);
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	while (capture_next(c, f, &d) == ERR_OK) {
		for (uint32_t i = 0; i < f->n; i++, n++) {
			struct frame *one = &f->frame[i];

			set_level(b, n >= from && n < to ? level : 0, &now_us);
			worker_frames(b->w, &one, 1, b->out);
			last_us = one->ts_us;
		}
	}
	worker_finish(b->w, last_us, n, b->out);
	capture_close(c);
	batch_frames_free(f);
}

/* What was delivered is inspected or skipped, to the frame. */
static uint64_t
balance(const struct bench *b)
{
	const struct worker_counters *n = worker_counters(b->w);
	uint64_t shed = 0;

	for (unsigned r = 0; r < SHED_REASONS; r++) {
		shed += worker_overload(b->w)->count.shed[r].packets;
	}
	assert_int_equal(shed, n->skipped_shed);
	assert_int_equal(n->frames, n->inspected + n->skipped_not_ip +
					    n->skipped_invalid +
					    n->skipped_shed);
	return shed;
}

static const char rules_of_both[] =
	"alert tcp any any -> any any (msg:\"SYN\"; flags:S; sid:1;)\n"
	"alert http any any -> any any (msg:\"request\"; "
	"http.method; content:\"GET\"; sid:2;)\n"
	"alert tcp any any -> any any (msg:\"bytes\"; content:!\"zyx\"; "
	"dsize:>0; sid:3;)\n";

static uint64_t
alerts_after(const char *const *settings, const char *name, unsigned level,
	     unsigned from, unsigned to, uint64_t *shed)
{
	struct bench b;
	uint64_t n;

	bench_open(&b, settings, rules_of_both);
	run(&b, name, level, from, to);
	*shed = balance(&b);
	n = worker_counters(b.w)->alerts;
	bench_close(&b);
	return n;
}

/* All of unimportant flows is passed over, nothing of important ones. */
static void
test_worker_sheds_by_priority(void **state)
{
	static const char *const here[] = {
		"overload.priorities.0.networks=[192.0.2.0/24, 2001:db8::/32]",
		"overload.priorities.0.priority=1", NULL
	};
	static const char *const elsewhere[] = {
		"overload.priorities.0.networks=10.0.0.0/8",
		"overload.priorities.0.priority=1", NULL
	};
	uint64_t shed, all;

	(void)state;
	all = alerts_after(here, "http.pcap", 0, 0, UINT_MAX, &shed);
	assert_true(all > 0);
	assert_int_equal(shed, 0);
	for (unsigned level = 1; level <= 2; level++) {
		assert_int_equal(alerts_after(here, "http.pcap", level, 0,
					      UINT_MAX, &shed),
				 all);
		assert_int_equal(shed, 0);
	}
	assert_int_equal(
		alerts_after(elsewhere, "http.pcap", 2, 0, UINT_MAX, &shed), 0);
	assert_true(shed > 0);
}

/* Headers are inspected where only the payload is given up. */
static void
test_worker_sheds_payload(void **state)
{
	static const char *const large[] = { "overload.elephant-bytes=0",
					     "overload.elephant-keep=0", NULL };
	struct bench b;
	uint64_t shed;

	(void)state;
	bench_open(&b, large,
		   "alert tcp any any -> any any (flags:S; sid:1;)\n");
	run(&b, "http.pcap", 0, 0, 0);
	assert_true(worker_counters(b.w)->alerts > 0);
	shed = worker_counters(b.w)->alerts;
	bench_close(&b);

	bench_open(&b, large, rules_of_both);
	run(&b, "http.pcap", 1, 0, UINT_MAX);
	assert_true(balance(&b) > 0);
	assert_int_equal(worker_counters(b.w)->alerts, shed);
	assert_int_equal(
		worker_overload(b.w)->count.shed[SHED_ELEPHANT].packets,
		worker_counters(b.w)->skipped_shed);
	bench_close(&b);
}

static void
test_worker_sheds_encrypted(void **state)
{
	static const char *const none[] = { NULL };
	const struct overload *o;
	struct bench b;

	(void)state;
	bench_open(&b, none, rules_of_both);
	run(&b, "tls.pcap", 1, 0, UINT_MAX);
	o = worker_overload(b.w);
	assert_true(o->count.shed[SHED_ENCRYPTED].packets > 0);
	assert_true(o->count.shed[SHED_ENCRYPTED].flows > 0);
	assert_int_equal(o->count.shed[SHED_ENCRYPTED].packets, balance(&b));
	/* the handshakes were seen */
	assert_true(worker_apps(b.w)->flows[APP_TLS] > 0);
	bench_close(&b);
}

/* Whatever part of a capture is shed, at whatever level: nothing breaks, and
 * what comes behind it is inspected. */
static void
test_any_part(void **state)
{
	static const char *const captures[] = { "http.pcap", "tls.pcap",
						"exercise-jp-east.pcap",
						"vxlan.pcap",
						"icmp-fragments.pcap" };
	static const char *const low[] = {
		"overload.priorities.0.networks=10.0.0.0/8",
		"overload.priorities.0.priority=1", "overload.elephant-bytes=0",
		NULL
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(captures); i++) {
		for (unsigned at = 0; at < 60; at += 7) {
			for (unsigned level = 1; level <= 3; level++) {
				uint64_t shed;

				(void)alerts_after(low, captures[i], level, at,
						   at + 1 + at / 2, &shed);
			}
		}
	}
}

static size_t
contact_lines(const struct bench *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->out->n; i++) {
		n += b->out->rec[i].type == EVENT_TYPE_CONTACTS;
	}
	return n;
}

/* Who contacts whom is given up first, and what was begun then stays out. */
static void
contacts_go_first(void **state)
{
	static const char *const none[] = { NULL };
	struct bench b;

	(void)state;
	bench_open(&b, none, "alert udp any any -> any 9 (sid:1;)\n");
	run(&b, "scan.pcap", 1, 0, UINT32_MAX);
	assert_true(worker_contacts(b.w)->shed > 50);
	assert_int_equal(worker_contacts(b.w)->flows, 0);
	assert_int_equal(contact_lines(&b), 0);
	bench_close(&b);
	bench_open(&b, none, "alert udp any any -> any 9 (sid:1;)\n");
	run(&b, "scan.pcap", 0, 0, 0);
	assert_int_equal(worker_contacts(b.w)->shed, 0);
	assert_true(worker_contacts(b.w)->flows > 50);
	assert_true(contact_lines(&b) > 0);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_prefix),
		cmocka_unit_test(test_bad_settings),
		cmocka_unit_test(test_mission_map),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_gauge),
		cmocka_unit_test(test_switched_off),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_worker_sheds_by_priority),
		cmocka_unit_test(test_worker_sheds_payload),
		cmocka_unit_test(test_worker_sheds_encrypted),
		cmocka_unit_test(test_any_part),
		cmocka_unit_test(contacts_go_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
