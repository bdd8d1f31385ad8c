/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a file as such is told by all readers of YAML files. */
#include "collector/yaml_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/correlator_file.h"
#include "collector/exercise_file.h"
#include "collector/mission.h"
#include "collector/posture_file.h"
#include "collector/share_policy.h"
#include "tests/test.h"

static enum err
read_posture(const char *path, struct diag *d)
{
	struct posture_levels l;

	return posture_levels_load(&l, path, d);
}

static enum err
read_exercise(const char *path, struct diag *d)
{
	struct exercise *e;

	return exercise_load(&e, path, d);
}

static enum err
read_correlators(const char *path, struct diag *d)
{
	struct correlate_config c = { .shared = true };
	struct finding_config f = { .on = { false } };

	return correlator_file_load(&c, &f, NULL, path, d);
}

static enum err
read_policy(const char *path, struct diag *d)
{
	struct share_policy *p;

	return share_policy_load(&p, path, d);
}

static enum err
read_missions(const char *path, struct diag *d)
{
	struct mission_map *m;

	return mission_load(&m, path, d);
}

static const struct reader {
	enum err (*load)(const char *path, struct diag *d);
	enum err absent, unread, bad;
	const char *named, *hint, *no_yaml, *empty;
	size_t max;
} readers[] = {
	{ read_posture, ERR_USAGE, ERR_USAGE, ERR_USAGE, "posture.file: ", "",
	  "", "no levels: see picket-collector(8)", POSTURE_FILE_MAX },
	{ read_exercise, ERR_USAGE, ERR_USAGE, ERR_USAGE, "", "", "",
	  "no exercise: see picketctl(1)", EXERCISE_FILE_MAX },
	{ read_correlators, ERR_USAGE, ERR_IO, ERR_USAGE, "correlators: ", "",
	  "", "no correlators: see picket-collector(8)", CORRELATOR_FILE_MAX },
	{ read_policy, ERR_NOTFOUND, ERR_IO, ERR_FORMAT, "",
	  ": partners.policy names the file", "not YAML: ",
	  "policy: expected 'key: value' pairs", SHARE_POLICY_MAX },
	{ read_missions, ERR_NOTFOUND, ERR_IO, ERR_FORMAT, "",
	  ": name the mission map with --missions",
	  "not YAML: ", "empty: describe sites, assets and missions", 0 },
};

static char path[] = "/tmp/picket-yaml.XXXXXX";

static void
write_file(const char *text, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
expect(const struct reader *r, const char *at, enum err want, const char *text)
{
	struct diag d = { "" };

	assert_int_equal(r->load(at, &d), want);
	assert_string_equal(d.msg, text);
}

static void
test_no_file(void **state)
{
	char want[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const struct reader *r = &readers[i];

		snprintf(want, sizeof(want), "%s/nowhere/at-all: %s%s",
			 r->named, strerror(ENOENT), r->hint);
		expect(r, "/nowhere/at-all", r->absent, want);
		snprintf(want, sizeof(want), "%s/tmp: cannot be read",
			 r->named);
		expect(r, "/tmp", r->unread, want);
	}
}

static void
test_no_yaml(void **state)
{
	static const char broken[] = "a: b\nc: [d\n";
	char want[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const struct reader *r = &readers[i];

		write_file(broken, sizeof(broken) - 1);
		snprintf(want, sizeof(want),
			 "%s:3: %sdid not find expected ',' or ']'", path,
			 r->no_yaml);
		expect(r, path, r->bad, want);
		write_file("", 0);
		snprintf(want, sizeof(want), "%s:1: %s", path, r->empty);
		expect(r, path, r->bad, want);
	}
}

static void
test_too_large(void **state)
{
	char want[300], *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const struct reader *r = &readers[i];

		if (r->max == 0) {
			continue; /* 64 MiB of spaces take a while */
		}
		text = malloc(r->max + 1);
		assert_non_null(text);
		memset(text, ' ', r->max + 1);
		write_file(text, r->max + 1);
		snprintf(want, sizeof(want), "%s: larger than %zu bytes", path,
			 r->max);
		expect(r, path, r->bad, want);
		write_file(text, r->max);
		snprintf(want, sizeof(want), "%s:1: %s", path, r->empty);
		expect(r, path, r->bad, want);
		free(text);
	}
}

static void
test_second_document(void **state)
{
	static const char *const texts[] = {
		"levels: [{name: a}]\n",
		"name: A\nfrom: 2026-01-01T00:00:00Z\n"
		"until: 2026-01-02T00:00:00Z\nranges: [192.0.2.0/24]\n"
		"injects: [{id: b, sources: [198.51.100.1]}]\n",
		"correlators: []\n",
		"producer: JP\npartners: [{name: US, owner: US, highest: green,"
		" kinds: [indicator], pseudonym-key: /none, redact: "
		"{addresses: drop, sites: drop,"
		" domains: drop}}]\n",
		"owners: [{name: JP}]\n",
	};
	char text[600], want[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const struct reader *r = &readers[i];
		unsigned lines = 0;

		snprintf(text, sizeof(text), "%s---\nlevels: []\n", texts[i]);
		for (const char *c = texts[i]; *c != '\0'; c++) {
			lines += *c == '\n';
		}
		write_file(text, strlen(text));
		snprintf(want, sizeof(want), "%s:%u: a second document", path,
			 lines + 2);
		expect(r, path, r->bad, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_no_yaml),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_second_document),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0) {
		return 99;
	}
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
