/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of values: tables, files, declarations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/dataset.h"

static void
test_table(void **state)
{
	struct dataset_table t;
	struct dataset_value *v;
	uint8_t key[40];
	uint32_t n = 5000;

	(void)state;
	assert_int_equal(dataset_table_init(&t, 0), ERR_OK);
	assert_null(dataset_table_find(&t, VIEW_LIT("a")));
	/* short values lie in the table, long ones beside it */
	for (uint32_t i = 0; i < n; i++) {
		memset(key, 'k', sizeof(key));
		memcpy(key, &i, sizeof(i));
		assert_int_equal(
			dataset_table_add(&t, view_of(key, 8 + i % 32), &v),
			ERR_OK);
	}
	for (uint32_t i = 0; i < n; i++) {
		memcpy(key, &i, sizeof(i));
		assert_non_null(
			dataset_table_find(&t, view_of(key, 8 + i % 32)));
		assert_null(dataset_table_find(&t, view_of(key, 7)));
		assert_int_equal(
			dataset_table_add(&t, view_of(key, 8 + i % 32), &v),
			ERR_AGAIN);
		if (i % 3 != 0) {
			assert_true(dataset_table_remove(
				&t, view_of(key, 8 + i % 32)));
			assert_false(dataset_table_remove(
				&t, view_of(key, 8 + i % 32)));
		}
	}
	for (uint32_t i = n; i < 2 * n; i++) { /* makes room where some went */
		memcpy(key, &i, sizeof(i));
		assert_int_equal(
			dataset_table_add(&t, view_of(key, 8 + i % 32), &v),
			ERR_OK);
	}
	for (uint32_t i = 0; i < 2 * n; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(dataset_table_find(
					 &t, view_of(key, 8 + i % 32)) != NULL,
				 i >= n || i % 3 == 0);
	}
	dataset_table_fini(&t);
}

static void
test_memcap(void **state)
{
	struct dataset_table t;
	struct dataset_value *v;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(dataset_table_init(&t, 1000), ERR_OK);
	while (dataset_table_add(&t, view_of(&n, sizeof(n)), &v) == ERR_OK) {
		n++;
	}
	assert_in_range(n, 5, 100);
	assert_true(t.bytes <= 1000);
	/* what is taken out makes room */
	n = 0;
	assert_true(dataset_table_remove(&t, view_of(&n, sizeof(n))));
	n = 1000;
	assert_int_equal(dataset_table_add(&t, view_of(&n, sizeof(n)), &v),
			 ERR_OK);
	n = 1;
	assert_non_null(dataset_table_find(&t, view_of(&n, sizeof(n))));
	dataset_table_fini(&t);
}

/* Reads 'text' as a set of the kind; the number of values, or -1. */
static int
read_as(struct dataset *set, const struct dataset_spec *spec, const char *text,
	struct diag *d)
{
	enum err e;

	memset(set, 0, sizeof(*set));
	strcpy(set->name, "set");
	set->type = spec->type;
	set->format = spec->format;
	assert_int_equal(dataset_table_init(&set->table, 0), ERR_OK);
	e = dataset_read(set, spec, view_cstr(text), "file", d);
	return e == ERR_OK ? (int)set->table.n : -1;
}

static void
expect(const struct dataset_spec *spec, const char *text, int want,
       const char *why)
{
	struct dataset set;
	struct diag d = { "" };
	int got = read_as(&set, spec, text, &d);

	if (got != want) {
		fail_msg("\"%s\": %d values instead of %d: %s", text, got, want,
			 d.msg);
	}
	if (want < 0 && strstr(d.msg, why) == NULL) {
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, d.msg,
			 why);
	}
	dataset_table_fini(&set.table);
}

static void
test_csv(void **state)
{
	struct dataset_spec string = { .type = DATASET_STRING };
	struct dataset_spec md5 = { .type = DATASET_MD5 };
	struct dataset_spec sha = { .type = DATASET_SHA256 };
	struct dataset_spec v4 = { .type = DATASET_IPV4 };
	struct dataset_spec ip = { .type = DATASET_IP };

	(void)state;
	expect(&string, "YQ==\nYWI=\r\n\nYWJj\nYQ==\n", 3, "");
	expect(&string, "YQ", 1, "");
	expect(&string, "", 0, "");
	expect(&string, "YQ==\nY!==\n", -1, "file:2:");
	expect(&string, "Y", -1, "base64");
	expect(&string, "YQ=\n", -1, "base64");
	expect(&string, "=\n", -1, "base64");
	expect(&string, "YQ==\nYQ==,1\n", -1, "file:2:");
	expect(&md5, "b65d49730d16e5a8a7b2ab95350848b8\n", 1, "");
	expect(&md5, "B65D49730D16E5A8A7B2AB95350848B8", 1, "");
	expect(&md5, "b65d49730d16e5a8a7b2ab95350848b\n", -1, "file:1:");
	expect(&md5, "x65d49730d16e5a8a7b2ab95350848b8\n", -1, "file:1:");
	expect(&sha,
	       "e0ca4ff795b3f32d45260678e4ab79884793c05a149f2b350d10274451dc21"
	       "0a\n",
	       1, "");
	expect(&sha, "b65d49730d16e5a8a7b2ab95350848b8\n", -1, "64 hex");
	expect(&v4, "192.0.2.1\n192.0.2.2\n", 2, "");
	expect(&v4, "2001:db8::1\n", -1, "IPv4");
	expect(&v4, "192.0.2.256\n", -1, "IPv4");
	expect(&ip, "192.0.2.1\n2001:db8::1\n::ffff:192.0.2.1\n", 2, "");
	expect(&ip, "192.0.2.0/24\n", -1, "file:1:");
}

static void
test_rep_file(void **state)
{
	struct dataset_spec spec = { .type = DATASET_STRING, .rep = true };
	struct dataset set;
	struct dataset_op op = { .cmd = DATASET_REP, .set = &set };
	struct diag d = { "" };

	(void)state;
	assert_int_equal(read_as(&set, &spec, "YQ==,1\nYg== , 65535\n", &d), 2);
	assert_true(set.rep);
	for (unsigned i = 0; i < 3; i++) {
		op.compare = "<>="[i];
		op.rep = 1;
		assert_int_equal(
			dataset_holds(&set.table, &op, VIEW_LIT("a"), NULL),
			i == 2);
		op.rep = 2;
		assert_int_equal(
			dataset_holds(&set.table, &op, VIEW_LIT("a"), NULL),
			i == 0);
		assert_int_equal(
			dataset_holds(&set.table, &op, VIEW_LIT("b"), NULL),
			i == 1);
		assert_false(
			dataset_holds(&set.table, &op, VIEW_LIT("c"), NULL));
	}
	dataset_table_fini(&set.table);
	expect(&spec, "YQ==,1\nYg==\n", -1, "file:2:");
	expect(&spec, "YQ==,-1\n", -1, "file:1:");
	expect(&spec, "YQ==,65536\n", -1, "file:1:");
	expect(&spec, "YQ==,\n", -1, "file:1:");
	expect(&spec, "YQ==,1,2\n", -1, "file:1:");
}

static const char *
json_of(const struct dataset *set, const char *value)
{
	const struct dataset_value *v =
		dataset_table_find(&set->table, view_cstr(value));

	return v != NULL ? v->json : NULL;
}

static void
test_json(void **state)
{
	struct dataset_spec spec = { .type = DATASET_STRING,
				     .format = DATASET_JSON,
				     .value_key = VIEW_LIT("host.name") };
	struct dataset set;
	struct diag d = { "" };

	(void)state;
	assert_int_equal(
		read_as(&set, &spec,
			"[ {\"host\": {\"name\": \"a\", \"os\": \"x y\"},\n"
			"\"n\": [1, 2]}, {\"host\": {}}, {\"n\": 1} ]\n",
			&d),
		1);
	assert_string_equal(json_of(&set, "a"),
			    "{\"host\":{\"name\":\"a\",\"os\":\"x y\"},"
			    "\"n\":[1,2]}");
	dataset_table_fini(&set.table);
	spec.remove_key = true;
	spec.array_key = VIEW_LIT("data.all");
	assert_int_equal(read_as(&set, &spec,
				 "{\"v\":1,\"data\":{\"all\":[{\"host\":"
				 "{\"name\":\"\\u0061b\"},\"n\":2}]}}",
				 &d),
			 1);
	assert_string_equal(json_of(&set, "ab"), "{\"host\":{},\"n\":2}");
	dataset_table_fini(&set.table);
	expect(&spec, "{\"data\":{\"none\":[]}}", -1, "array_key");
	spec.array_key = VIEW_NONE;
	expect(&spec, "10.0.0.1,1\n10.0.0.2,2\n", -1, "JSON");
	expect(&spec, "", -1, "JSON");
	expect(&spec, "[]", -1, "host.name");
	expect(&spec, "[{\"host\":{\"name\":5}}]", -1, "not a string");
	expect(&spec, "[{\"host\":{\"name\":\"a\"}} {}]", -1, "not JSON");
	expect(&spec, "[{\"host\":{\"name\":\"a\"}]", -1, "JSON");
	expect(&spec, "[{\"host\":{\"name\":\"a\"}}] x", -1, "JSON");
	expect(&spec, "[{\"host\":{\"name\":\"a\"},}]", -1, "file:1:");
	expect(&spec, "[\n\n5]", -1, "file:3:");
}

static void
test_ndjson(void **state)
{
	struct dataset_spec spec = { .type = DATASET_IP,
				     .format = DATASET_NDJSON,
				     .value_key = VIEW_LIT("ip") };

	(void)state;
	expect(&spec, "{\"ip\": \"192.0.2.1\"}\n\n{\"ip\": \"2001:db8::1\"}\n",
	       2, "");
	expect(&spec, "{\"ip\": \"192.0.2.1\"}\n{\"x\": 1}\n", 1, "");
	expect(&spec, "{\"x\": 1}\n", -1, "\"ip\"");
	expect(&spec, "{\"ip\": \"192.0.2.1\"}\n{\"ip\": [1]}\n", -1,
	       "file:2:");
	expect(&spec, "{\"ip\": \"nowhere\"}\n", -1, "file:1:");
	expect(&spec, "{\"ip\": \"192.0.2.1\"\n", -1, "file:1:");
	expect(&spec, "[{\"ip\": \"192.0.2.1\"}]\n", -1, "object");
}

static bool
holds(const struct dataset *set, const char *data, bool subdomain)
{
	struct dataset_op op = { .cmd = DATASET_ISSET,
				 .subdomain = subdomain,
				 .set = (struct dataset *)set };

	return dataset_holds(&set->table, &op, view_cstr(data), NULL);
}

static void
test_subdomain(void **state)
{
	struct dataset_spec spec = { .type = DATASET_STRING };
	struct dataset set;
	struct diag d = { "" };
	char dots[2000];

	(void)state;
	/* .evil.com and bad.org */
	assert_int_equal(
		read_as(&set, &spec, "LmV2aWwuY29t\nYmFkLm9yZw==\n", &d), 2);
	assert_true(holds(&set, ".evil.com", true));
	assert_true(holds(&set, ".a.b.evil.com", true));
	assert_false(holds(&set, ".a.b.evil.com", false));
	assert_false(holds(&set, ".notevil.com", true));
	assert_false(holds(&set, ".evil.com.au", true));
	assert_false(holds(&set, "mail.evil.com", true));
	assert_true(holds(&set, "www.bad.org", true));
	assert_false(holds(&set, ".www.bad.org", true));
	assert_false(holds(&set, "", true));
	memset(dots, '.', sizeof(dots));
	dots[sizeof(dots) - 1] = '\0';
	assert_false(holds(&set, dots, true));
	dataset_table_fini(&set.table);
}

static void
test_keys(void **state)
{
	static const uint8_t v4[4] = { 192, 0, 2, 1 };
	uint8_t room[16], long_one[32] = { 0 };
	struct view key;

	(void)state;
	assert_true(dataset_key(DATASET_IP, view_of(v4, 4), room, &key));
	assert_int_equal(key.len, 16);
	assert_true(dataset_key(DATASET_IPV4, view_of(v4, 4), room, &key));
	assert_false(
		dataset_key(DATASET_IPV4, view_of(long_one, 16), room, &key));
	assert_true(dataset_key(DATASET_IP, view_of(long_one, 16), room, &key));
	assert_false(dataset_key(DATASET_IP, view_of(long_one, 5), room, &key));
	assert_true(
		dataset_key(DATASET_MD5, view_of(long_one, 16), room, &key));
	assert_false(
		dataset_key(DATASET_MD5, view_of(long_one, 15), room, &key));
	assert_true(
		dataset_key(DATASET_SHA256, view_of(long_one, 32), room, &key));
	assert_false(
		dataset_key(DATASET_SHA256, view_of(long_one, 16), room, &key));
	assert_false(dataset_key(DATASET_STRING, VIEW_NONE, room, &key));
}

/* What is written is what is read. */
static void
test_write(void **state)
{
	static const struct {
		enum dataset_type type;
		const char *text;
	} cases[] = {
		{ DATASET_STRING, "YQ==\nYWI=\nYWJj\nYWJjZA==\n" },
		{ DATASET_STRING, "YQ==,1\nYWI=,65535\n" },
		{ DATASET_MD5, "b65d49730d16e5a8a7b2ab95350848b8\n" },
		{ DATASET_IPV4, "192.0.2.1\n192.0.2.2\n" },
		{ DATASET_IP, "192.0.2.1\n2001:db8::1\n" },
	};
	char path[] = "/tmp/picket-dataset-XXXXXX", back[256];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dataset_spec spec = { .type = cases[i].type };
		struct dataset set;
		struct diag d = { "" };
		FILE *f;
		size_t n;

		assert_true(read_as(&set, &spec, cases[i].text, &d) > 0);
		set.save = path;
		assert_int_equal(dataset_write(&set, &set.table, &d), ERR_OK);
		f = fopen(path, "r");
		assert_non_null(f);
		n = fread(back, 1, sizeof(back) - 1, f);
		fclose(f);
		back[n] = '\0';
		assert_string_equal(back, cases[i].text);
		set.save = "/nowhere/at/all";
		assert_int_equal(dataset_write(&set, &set.table, &d), ERR_IO);
		assert_non_null(strstr(d.msg, "/nowhere/at/all"));
		dataset_table_fini(&set.table);
	}
	unlink(path);
}

static void
test_catalog(void **state)
{
	struct dataset_catalog c;
	struct conf *conf = conf_new();
	struct dataset_spec md5 = { .type = DATASET_MD5 };
	struct dataset_spec nothing = { .type = DATASET_NONE };
	struct dataset_spec text = { .type = DATASET_STRING };
	struct dataset *set, *again;
	struct diag d = { "" };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf_set(conf, "datasets.dns.seen.type", "md5"),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "datasets.dns.seen.memcap", "1mb"),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "datasets.0.listed.type", "string"),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "datasets.defaults.memcap", "2mb"),
			 ERR_OK);
	assert_int_equal(conf_set(conf, "datasets.enabled", "yes"), ERR_OK);
	assert_int_equal(dataset_catalog_init(&c, conf, &d), ERR_OK);
	assert_int_equal(dataset_declare(&c, VIEW_LIT("dns.seen"), &nothing,
					 ".", &set, &d),
			 ERR_OK);
	assert_int_equal(set->type, DATASET_MD5);
	assert_int_equal(set->memcap, 1 << 20);
	assert_int_equal(dataset_declare(&c, VIEW_LIT("listed"), &nothing, ".",
					 &again, &d),
			 ERR_OK);
	assert_int_equal(again->memcap, 2 << 20);
	assert_int_equal(dataset_declare(&c, VIEW_LIT("dns.seen"), &md5, ".",
					 &again, &d),
			 ERR_OK);
	assert_ptr_equal(set, again);
	assert_int_equal(dataset_declare(&c, VIEW_LIT("dns.seen"), &text, ".",
					 &again, &d),
			 ERR_FORMAT);
	assert_int_equal(
		dataset_declare(&c, VIEW_LIT("new"), &nothing, ".", &again, &d),
		ERR_FORMAT);
	text.hashsize = 65537;
	assert_int_equal(
		dataset_declare(&c, VIEW_LIT("new"), &text, ".", &again, &d),
		ERR_LIMIT);
	dataset_catalog_fini(&c);
	assert_int_equal(conf_set(conf, "datasets.bad.type", "number"), ERR_OK);
	assert_int_equal(dataset_catalog_init(&c, conf, &d), ERR_USAGE);
	dataset_catalog_fini(&c);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_memcap),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_rep_file),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_ndjson),
		cmocka_unit_test(test_subdomain),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_catalog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
