/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf.h"

static enum err
load(struct conf *c, const char *text, struct diag *d)
{
	char path[] = "/tmp/picket-conf-XXXXXX";
	int fd = mkstemp(path);
	enum err e;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	e = conf_load(c, path, d);
	unlink(path);
	return e;
}

static void
flattens_maps_and_lists(void **state)
{
	struct conf *c = conf_new();
	struct diag d;

	(void)state;
	assert_int_equal(load(c,
			      "%YAML 1.1\n---\nvars:\n  address-groups:\n"
			      "    HOME_NET: \"[10.0.0.0/8]\"\n"
			      "rule-files:\n  - a.rules\n  - b.rules\n"
			      "outputs:\n  - eve-log:\n      enabled: yes\n"
			      "stream: {memcap: 64mb, midstream: true}\n",
			      &d),
			 ERR_OK);
	assert_string_equal(conf_get(c, "vars.address-groups.HOME_NET"),
			    "[10.0.0.0/8]");
	assert_string_equal(conf_get(c, "rule-files.1"), "b.rules");
	assert_true(conf_bool(c, "outputs.0.eve-log.enabled", false));
	assert_int_equal(conf_u64(c, "stream.memcap", 0, 0, UINT64_MAX),
			 64 << 20);
	assert_true(conf_has(c, "stream"));
	assert_false(conf_has(c, "strea"));
	assert_int_equal(load(c, "rule-files: [c.rules]\n", &d), ERR_OK);
	assert_string_equal(conf_get(c, "rule-files.0"), "c.rules");
	assert_null(conf_get(c, "rule-files.1"));
	assert_int_equal(conf_set_arg(c, "stream.memcap=1gb", &d), ERR_OK);
	assert_int_equal(conf_u64(c, "stream.memcap", 0, 0, UINT64_MAX),
			 1 << 30);
	assert_int_equal(conf_set_arg(c, "metrics.listen=", &d), ERR_OK);
	assert_string_equal(conf_get(c, "metrics.listen"), "");
	assert_null(conf_named(c, "metrics.listen"));
	assert_null(conf_named(c, "eve.file"));
	assert_string_equal(conf_named(c, "stream.memcap"), "1gb");
	conf_free(c);
}

static void
says_where_it_is_wrong(void **state)
{
	struct conf *c = conf_new();
	struct diag d;

	(void)state;
	assert_int_equal(load(c, "a: 1\nb: [1, 2\n", &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, ":3:"));
	assert_int_equal(load(c, "- a\n", &d), ERR_USAGE);
	assert_int_equal(load(c, "a: &x 1\nb: *x\n", &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "alias"));
	assert_int_equal(conf_load(c, "/nonexistent/x.yaml", &d), ERR_USAGE);
	assert_int_equal(conf_set_arg(c, "novalue", &d), ERR_USAGE);
	conf_free(c);
}

static void
own_keys_are_checked(void **state)
{
	static const struct conf_key keys[] = {
		{ "spool.dir", "string", "", "" },
		{ "vars.*", "map", "", "" },
	};
	static const char *const own[] = { "spool", NULL };
	struct conf *c = conf_new();
	struct diag d;

	(void)state;
	assert_int_equal(conf_set(c, "vars.address-groups.X", "any"), ERR_OK);
	assert_int_equal(conf_set(c, "spool.dir", "/x"), ERR_OK);
	assert_int_equal(conf_check(c, keys, 2, own, "x(5)", &d), ERR_OK);
	assert_int_equal(conf_set(c, "spool.drr", "/x"), ERR_OK);
	assert_int_equal(conf_check(c, keys, 2, own, "x(5)", &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "spool.drr"));
	assert_non_null(strstr(d.msg, "x(5)"));
	assert_null(strstr(d.msg, ":0:"));
	conf_free(c);

	/* What a file says is named with its line, as long as it stands. */
	c = conf_new();
	assert_int_equal(load(c, "vars:\n  a: 1\nspool: x\n", &d), ERR_OK);
	assert_int_equal(conf_check(c, keys, 2, own, "x(5)", &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, ":3: unknown setting 'spool'"));
	assert_int_equal(conf_set(c, "spool", "y"), ERR_OK);
	assert_int_equal(conf_check(c, keys, 2, own, "x(5)", &d), ERR_USAGE);
	assert_null(strstr(d.msg, ":3:"));
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flattens_maps_and_lists),
		cmocka_unit_test(says_where_it_is_wrong),
		cmocka_unit_test(own_keys_are_checked),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
