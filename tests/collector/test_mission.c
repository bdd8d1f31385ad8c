/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/enrich.h"

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
			   "    depends_on: [mail-gw, directory]\n"
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

/* Through services, rings of them too; an asset once; none is said as well. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
