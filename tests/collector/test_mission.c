/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/enrich.h"
#include "collector/mission_impact.h"
#include "tests/rnd.h"

static const char good[] = "owners:\n"
			   "  - {name: JP, title: Japan}\n"
			   "  - name: US\n"
			   "sites:\n"
			   "  - name: yokosuka\n"
			   "    owner: JP\n"
			   "    location: Yokosuka, Kanagawa\n"
			   "    latitude: 35.28\n"
			   "    longitude: 139.67\n"
			   "    networks: [10.1.0.0/16, 2001:db8:1::/48]\n"
			   "  - name: misawa\n"
			   "    owner: US\n"
			   "    networks: [10.1.0.0/16]\n"
			   "networks: [192.0.2.0/24]\n"
			   "assets:\n"
			   "  - name: mail-gw\n"
			   "    site: yokosuka\n"
			   "    addresses: [10.1.0.5]\n"
			   "    criticality: low\n"
			   "  - name: office\n"
			   "    site: yokosuka\n"
			   "    addresses: 10.1.0.0/24\n"
			   "services:\n"
			   "  - name: mail\n"
			   "    depends_on: [mail-gw]\n"
			   "  - name: directory\n"
			   "    depends_on: [mail]\n"
			   "missions:\n"
			   "  - name: air-defence\n"
			   "    owner: JP\n"
			   "    services: [directory]\n"
			   "    criticality: critical\n";

static struct mission_map *
load(const char *text, enum err want, struct diag *d)
{
	char path[] = "/tmp/picket-mission-XXXXXX";
	struct mission_map *m = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	d->msg[0] = '\0';
	assert_int_equal(mission_load(&m, path, d), want);
	unlink(path);
	return m;
}

static struct addr
addr(const char *s)
{
	struct addr a;

	assert_true(addr_parse(view_cstr(s), &a));
	return a;
}

static void
names_what_depends_on_what(void **state)
{
	struct diag d;
	struct mission_map *m = load(good, ERR_OK, &d);
	struct addr a = addr("10.1.0.5");
	const struct mission_asset *x = mission_asset(m, "yokosuka", &a);

	(void)state;
	assert_string_equal(x->name, "mail-gw");
	assert_int_equal(x->criticality, 100);
	assert_int_equal(x->n_services, 1);
	assert_string_equal(x->services[0], "mail");
	assert_string_equal(x->missions[0], "air-defence");
	assert_string_equal(x->owners[0], "JP");
	a = addr("10.1.0.6");
	assert_string_equal(mission_asset(m, "yokosuka", &a)->name, "office");
	/* The same private address elsewhere is another host. */
	assert_null(mission_asset(m, "misawa", &a));
	assert_true(mission_is_ours(m, "misawa", &a));
	assert_false(mission_is_ours(m, "sasebo", &a));
	a = addr("192.0.2.9");
	assert_true(mission_is_ours(m, "sasebo", &a));
	a = addr("2001:db8:1::7");
	assert_true(mission_is_ours(m, "yokosuka", &a));
	assert_string_equal(mission_site_owner(m, "misawa"), "US");
	assert_string_equal(mission_site_owner(m, "nowhere"), "");
	assert_string_equal(mission_owner_title(m, "JP"), "Japan");
	assert_string_equal(mission_owner_title(m, "US"), "US");
	mission_free(m);
}

static void
says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text, *line, *what;
	} bad[] = {
		{ "", ":1:", "empty" },
		{ "sites:\n  - nam: x\n", ":2:", "unknown key 'nam'" },
		{ "sites: x\n", ":1:", "must be a list" },
		{ "sites:\n  - name: a\n    networks: [10.0.0.300]\n",
		  ":3:", "10.0.0.300" },
		{ "owners: [{name: JP}]\nsites:\n  - {name: a, owner: XX}\n",
		  ":3:", "'XX'" },
		{ "assets:\n  - {name: a, site: b}\n", ":2:", "'b'" },
		{ "assets:\n  - {name: a, criticality: 101}\n", ":2:", "101" },
		{ "services:\n  - {name: s, depends_on: [gone]}\n",
		  ":2:", "gone" },
		{ "missions:\n  - {name: m, services: [gone]}\n",
		  ":2:", "gone" },
		{ "services:\n  - {name: a, depends_on: [b]}\n"
		  "  - {name: b, depends_on: [c]}\n"
		  "  - {name: c, depends_on: [b]}\n",
		  ":3:", "'b' depends on itself: b > c > b" },
		{ "services:\n  - {name: a, depends_on: [a]}\n",
		  ":2:", "'a' depends on itself: a > a" },
		{ "services:\n  - {name: a, needs: some}\n",
		  ":2:", "any when one will do" },
		{ "sites:\n  - {name: a, latitude: 91}\n", ":2:", "latitude" },
		{ "a: [\n", ":", "not YAML" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct diag d;

		assert_null(load(bad[i].text, ERR_FORMAT, &d));
		assert_non_null(strstr(d.msg, bad[i].line));
		assert_non_null(strstr(d.msg, bad[i].what));
	}
}

static void
without_a_map_private_networks_are_ours(void **state)
{
	struct mission_map *m = mission_empty();
	struct addr a = addr("192.168.4.4"), b = addr("8.8.8.8");

	(void)state;
	assert_true(mission_is_ours(m, "x", &a));
	assert_false(mission_is_ours(m, "x", &b));
	assert_null(mission_asset(m, "x", &a));
	mission_free(m);
}

static void
enrichment_tells_what_is_known(void **state)
{
	struct diag d;
	struct mission_map *m = load(good, ERR_OK, &d);
	struct enrich *e = enrich_new(m);
	struct addr a = addr("10.1.0.5"), b = addr("203.0.113.9");
	struct view v;

	(void)state;
	for (int i = 0; i < 2; i++) {
		v = enrich_addr(e, "yokosuka", &a);
		assert_true(view_eq(
			v, VIEW_LIT("{\"ours\":true,\"asset\":\"mail-gw\","
				    "\"criticality\":100,\"services\":"
				    "[\"mail\"],\"missions\":"
				    "[\"air-defence\"]}")));
		v = enrich_addr(e, "yokosuka", &b);
		assert_true(view_eq(v, VIEW_LIT("{}")));
	}
	assert_int_equal(enrich_add_db(e, "/nonexistent.mmdb", &d), ERR_FORMAT);
	assert_non_null(strstr(d.msg, "/nonexistent.mmdb"));
	enrich_free(e);
	mission_free(m);
}

/* With a database made by geoip2mmdb, as the build has it. */
static void
databases_are_read(void **state)
{
	char list[] = "/tmp/picket-geo-XXXXXX", db[64], cmd[256];
	static const char lines[] =
		"3405803776,3405804031,JP\n"
		"203.0.113.128/25;US;Examplecity;64496;Example Org;1.5;-2\n";
	struct mission_map *m = mission_empty();
	struct enrich *e = enrich_new(m);
	struct addr a = addr("203.0.113.9"), b = addr("203.0.113.200");
	struct diag d;
	int fd = mkstemp(list);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	snprintf(db, sizeof(db), "%s.mmdb", list);
	snprintf(cmd, sizeof(cmd), "./geoip2mmdb %s Test %s >/dev/null", db,
		 list);
	if (access("./geoip2mmdb", X_OK) != 0) {
		unlink(list);
		enrich_free(e);
		mission_free(m);
		skip();
	}
	assert_int_equal(system(cmd), 0);
	assert_int_equal(enrich_add_db(e, db, &d), ERR_OK);
	assert_true(view_eq(enrich_addr(e, "x", &a),
			    VIEW_LIT("{\"country_iso\":\"JP\","
				     "\"country\":\"Japan\"}")));
	assert_true(view_eq(
		enrich_addr(e, "x", &b),
		VIEW_LIT("{\"country_iso\":\"US\",\"country\":\"United "
			 "States\",\"city\":\"Examplecity\",\"asn\":64496,"
			 "\"org\":\"Example Org\",\"latitude\":1.500,"
			 "\"longitude\":-2.000}")));
	unlink(list);
	unlink(db);
	enrich_free(e);
	mission_free(m);
}

static void
take_need(void *arg, const char *mission, const char *owner,
	  unsigned criticality, const char *asset)
{
	char *out = arg;
	size_t n = strlen(out);

	assert_string_equal(owner, "JP");
	assert_in_range(criticality, 0, 100);
	snprintf(out + n, 256 - n, "%s:%s ", mission, asset);
}

/* Through services; an asset once; none is said as well. */
static void
says_what_a_mission_stands_on(void **state)
{
	char text[2048], got[256] = "";
	struct mission_map *m;
	struct diag d;

	(void)state;
	snprintf(text, sizeof(text),
		 "%s  - name: patrol\n    owner: JP\n    services: [mail, "
		 "directory]\n  - name: idle\n    owner: JP\n",
		 good);
	m = load(text, ERR_OK, &d);
	assert_true(mission_each_need(m, take_need, got));
	assert_string_equal(got, "air-defence:mail-gw patrol:mail-gw idle: ");
	mission_free(m);
}

static const char gateways[] =
	"sites:\n  - {name: hq, networks: [10.0.0.0/8]}\n"
	"assets:\n"
	"  - {name: gw-a, addresses: [10.0.0.1]}\n"
	"  - {name: gw-b, addresses: [10.0.0.2]}\n"
	"  - {name: db, addresses: [10.0.0.3]}\n"
	"  - {name: db, addresses: [10.0.0.4]}\n"
	"services:\n"
	"  - {name: portal, depends_on: [uplink, data]}\n"
	"  - {name: uplink, depends_on: [gw-a, gw-b], needs: any}\n"
	"  - {name: data, depends_on: [db]}\n"
	"missions:\n"
	"  - {name: patrol, owner: JP, services: [portal],"
	" criticality: 50}\n"
	"  - {name: watch, services: [uplink], criticality: critical}\n";

static const struct mission_hit *
hit(const struct mission_hit *list, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(list[i].name, name) == 0) {
			return &list[i];
		}
	}
	return NULL;
}

static unsigned
score_of(const struct mission_map *m, const char *const *addresses, size_t n,
	 const char *mission, struct mission_impact *out)
{
	const struct mission_asset *touched[8];
	const struct mission_hit *h;

	for (size_t i = 0; i < n; i++) {
		struct addr a = addr(addresses[i]);

		touched[i] = mission_asset(m, "hq", &a);
		assert_non_null(touched[i]);
	}
	assert_int_equal(mission_impact(m, touched, n, out), ERR_OK);
	h = hit(out->missions, out->n_missions, mission);
	return h != NULL ? h->score : 0;
}

static void
one_of_two_gateways_degrades(void **state)
{
	static const char *const all[] = { "10.0.0.1", "10.0.0.2", "10.0.0.3",
					   "10.0.0.4" };
	struct mission_impact out;
	const struct mission_hit *h;
	struct mission_map *m;
	struct diag d;

	(void)state;
	m = load(gateways, ERR_OK, &d);
	assert_int_equal(score_of(m, all, 0, "watch", &out), 0);
	assert_int_equal(out.n_missions + out.n_services, 0);
	assert_int_equal(score_of(m, all, 1, "watch", &out), 50);
	assert_int_equal(score_of(m, all, 1, "patrol", &out), 25);
	h = hit(out.services, out.n_services, "uplink");
	assert_int_equal(h->loss, 50);
	h = hit(out.missions, out.n_missions, "patrol");
	assert_int_equal(h->loss, 50);
	assert_int_equal(h->n_path, 4);
	assert_string_equal(h->path[0], "patrol");
	assert_string_equal(h->path[1], "portal");
	assert_string_equal(h->path[2], "uplink");
	assert_string_equal(h->path[3], "gw-a");
	/* The worst mission first. */
	assert_string_equal(out.missions[0].name, "watch");
	assert_int_equal(score_of(m, all, 2, "watch", &out), 100);
	assert_int_equal(score_of(m, all, 2, "patrol", &out), 50);
	/* Either of the two assets of one name takes the service with it. */
	assert_int_equal(score_of(m, all + 3, 1, "patrol", &out), 50);
	assert_int_equal(score_of(m, all + 3, 1, "watch", &out), 0);
	mission_free(m);
}

/* Maps drawn at random: what is touched in addition never helps. */
static void
more_touched_never_less_lost(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		const struct mission_asset *touched[24];
		struct mission_impact was = { .n_missions = 0 }, now;
		char text[8192];
		int n = snprintf(text, sizeof(text), "assets:\n");
		struct mission_map *m;
		struct diag d;

		for (unsigned i = 0; i < 24; i++) {
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				      "  - {name: a%u, addresses: [10.0.0.%u]}"
				      "\n",
				      i, i);
		}
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "services:\n");
		for (unsigned i = 0; i < 16; i++) {
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				      "  - {name: s%u, needs: %s, depends_on: "
				      "[a%u, a%u, %s%u]}\n",
				      i, rnd(2) ? "any" : "all", rnd(24),
				      rnd(24), i > 0 && rnd(2) ? "s" : "a",
				      i > 0 ? rnd(i) : 0);
		}
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "missions:\n");
		for (unsigned i = 0; i < 6; i++) {
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				      "  - {name: m%u, needs: %s, services: "
				      "[s%u, s%u], criticality: %u}\n",
				      i, rnd(2) ? "any" : "all", rnd(16),
				      rnd(16), rnd(101));
		}
		m = load(text, ERR_OK, &d);
		for (unsigned k = 0; k < ARRAY_LEN(touched); k++) {
			struct addr a;
			char s[16];

			snprintf(s, sizeof(s), "10.0.0.%u", (k * 7) % 24);
			a = addr(s);
			touched[k] = mission_asset(m, "", &a);
			assert_int_equal(
				mission_impact(m, touched, k + 1, &now),
				ERR_OK);
			for (unsigned i = 0; i < was.n_missions; i++) {
				const struct mission_hit *h =
					hit(now.missions, now.n_missions,
					    was.missions[i].name);

				assert_non_null(h);
				assert_true(h->loss >= was.missions[i].loss);
				assert_true(h->score >= was.missions[i].score);
				assert_true(h->loss <= 100);
			}
			was = now;
		}
		/* All that there is: all is down. */
		assert_int_equal(was.n_missions, 6);
		assert_int_equal(was.n_services, 16);
		assert_int_equal(was.services[15].loss, 100);
		mission_free(m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_what_depends_on_what),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(without_a_map_private_networks_are_ours),
		cmocka_unit_test(enrichment_tells_what_is_known),
		cmocka_unit_test(databases_are_read),
		cmocka_unit_test(says_what_a_mission_stands_on),
		cmocka_unit_test(one_of_two_gateways_degrades),
		cmocka_unit_test(more_touched_never_less_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
