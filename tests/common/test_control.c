/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/control.h"

static char dir[200], key_path[256], other_path[256];
static struct sign_key *private_key, *public_key, *other_key;

static struct sign_key *
load(const char *path, bool private)
{
	struct sign_key *k = NULL;
	struct diag d = { "" };

	if (sign_key_load(&k, path, private, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return k;
}

static int
set_up(void **state)
{
	char public[300];
	struct diag d;

	(void)state;
	snprintf(dir, sizeof(dir), "%.150s/picket-control.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(key_path, sizeof(key_path), "%s/key", dir);
	snprintf(other_path, sizeof(other_path), "%s/other", dir);
	assert_int_equal(sign_key_make(key_path, &d), ERR_OK);
	assert_int_equal(sign_key_make(other_path, &d), ERR_OK);
	private_key = load(key_path, true);
	snprintf(public, sizeof(public), "%s.pub", key_path);
	public_key = load(public, false);
	snprintf(public, sizeof(public), "%s.pub", other_path);
	other_key = load(public, false);
	return 0;
}

static int
tear_down(void **state)
{
	char command[300];

	(void)state;
	sign_key_free(private_key);
	sign_key_free(public_key);
	sign_key_free(other_key);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command);
}

static void
keys_are_files_of_their_owner(void **state)
{
	char public[300];
	struct sign_key *k = NULL;
	struct stat st;
	struct diag d;

	(void)state;
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sign_key_make(key_path, &d), ERR_USAGE);
	/* a half that is there is not written over, and leaves no other half */
	snprintf(public, sizeof(public), "%s/third.pub", dir);
	assert_int_equal(symlink(key_path, public), 0);
	public[strlen(public) - 4] = '\0';
	assert_int_equal(sign_key_make(public, &d), ERR_USAGE);
	assert_int_equal(access(public, F_OK), -1);
	/* one half is not the other; other files are none */
	assert_int_equal(sign_key_load(&k, key_path, false, &d), ERR_USAGE);
	assert_int_equal(sign_key_load(&k, "/dev/null", true, &d), ERR_USAGE);
	assert_int_equal(sign_key_load(&k, "/no/such", true, &d), ERR_USAGE);
	assert_null(k);
	/* what signs is for its owner alone; a group may be let in */
	assert_int_equal(chmod(key_path, 0644), 0);
	assert_int_equal(sign_key_load(&k, key_path, true, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "chmod 600"));
	assert_null(k);
	assert_int_equal(chmod(key_path, 0640), 0);
	assert_int_equal(sign_key_load(&k, key_path, true, &d), ERR_OK);
	sign_key_free(k);
	assert_int_equal(chmod(key_path, 0600), 0);
}

static void
signatures_are_of_one_text_and_purpose(void **state)
{
	uint8_t sig[SIGN_BYTES];
	struct view text = view_cstr("text"), s = view_of(sig, sizeof(sig));

	(void)state;
	assert_int_equal(sign_make(private_key, "a", text, sig), ERR_OK);
	assert_true(sign_check(public_key, "a", text, s));
	assert_false(sign_check(public_key, "b", text, s));
	assert_false(sign_check(public_key, "at", view_cstr("ext"), s));
	assert_false(sign_check(public_key, "a", view_cstr("texts"), s));
	assert_false(sign_check(public_key, "a", VIEW_NONE, s));
	assert_false(sign_check(other_key, "a", text, s));
	assert_false(sign_check(public_key, "a", text, view_of(sig, 63)));
	assert_false(sign_check(public_key, "a", text, VIEW_NONE));
	sig[9] ^= 1;
	assert_false(sign_check(public_key, "a", text, s));
	assert_int_equal(sign_make(private_key, "a", VIEW_NONE, sig), ERR_OK);
	assert_true(sign_check(public_key, "a", VIEW_NONE, s));
}

static void
documents_are_read_as_written(void **state)
{
	struct control_doc doc = { .version = 77, .site = "a", .sensor = "b" };
	struct control_doc got;
	uint8_t sig[SIGN_BYTES];
	struct view s = view_of(sig, sizeof(sig));
	struct json j;

	(void)state;
	json_init(&j);
	assert_true(control_write(&j, &doc));
	assert_int_equal(control_sign(private_key, json_view(&j), sig), ERR_OK);
	assert_int_equal(control_read(public_key, json_view(&j), s, &got),
			 ERR_OK);
	assert_int_equal(got.version, 77);
	assert_true(control_is_for(&got, "a", "b"));
	assert_false(control_is_for(&got, "a", "c"));
	assert_false(control_is_for(&got, "c", "b"));
	assert_int_equal(control_read(other_key, json_view(&j), s, &got),
			 ERR_AUTH);
	assert_int_equal(got.version, 0);
	assert_int_equal(control_read(public_key, VIEW_NONE, VIEW_NONE, &got),
			 ERR_AUTH);
	/* of a version to come */
	assert_int_equal(control_sign(private_key, view_cstr("{\"v\":2}"), sig),
			 ERR_OK);
	assert_int_equal(
		control_read(public_key, view_cstr("{\"v\":2}"), s, &got),
		ERR_FORMAT);
	json_fini(&j);
}

#define ASK_HEAD "{\"v\":1,\"kind\":\"evidence\",\"version\":5,"
#define ASK_WHO "\"site\":\"a\",\"sensor\":\"b\","
#define ASK_FLOW "\"hosts\":[\"192.0.2.7\",\"2001:db8::1\"],\"proto\":6,"
#define ASK_TIME "\"from\":1,\"to\":2,"

static void
questions_for_packets_have_bounds(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} asks[] = {
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1,0],\"max_bytes\":65536}",
		  true },
		/* of no sensor in particular */
		{ ASK_HEAD ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1,0],\"max_bytes\":65536}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"../f0\",\"ports\":[1,0],\"max_bytes\":65536}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1],\"max_bytes\":65536}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1,0,2],\"max_bytes\":65536}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1,65536],\"max_bytes\":65536}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW ASK_TIME
		  "\"id\":\"f0\",\"ports\":[1,0],\"max_bytes\":16777217}",
		  false },
		{ ASK_HEAD ASK_WHO ASK_FLOW
		  "\"from\":3,\"to\":2,"
		  "\"id\":\"f0\",\"ports\":[1,0],\"max_bytes\":65536}",
		  false },
	};
	struct control_doc doc, again;
	struct json j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		assert_int_equal(control_parse(view_cstr(asks[i].text), &doc),
				 asks[i].good);
	}
	assert_true(control_parse(view_cstr(asks[0].text), &doc));
	assert_int_equal(doc.action, CONTROL_EVIDENCE);
	json_init(&j);
	assert_true(control_write(&j, &doc));
	assert_true(control_parse(json_view(&j), &again));
	assert_memory_equal(&again.evidence, &doc.evidence,
			    sizeof(doc.evidence));
	json_fini(&j);
}

static void
other_texts_are_none(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\"}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":0}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":-1}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":99999999999999999999}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"erase\","
		"\"version\":5}",
		"{\"v\":1,\"kind\":\"posture\",\"action\":\"reload\","
		"\"version\":5}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":5,\"site\":7}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":5,\"site\":\"\"}",
		"{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
		"\"version\":5} x",
	};
	struct control_doc doc;
	char text[300], name[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(control_parse(view_cstr(bad[i]), &doc));
	}
	memset(name, 'n', CONTROL_NAME_CAP);
	name[CONTROL_NAME_CAP] = '\0';
	for (int more = 0; more < 2; more++) {
		snprintf(text, sizeof(text),
			 "{\"v\":1,\"kind\":\"rules\",\"action\":\"reload\","
			 "\"version\":5,\"site\":\"%s\"}",
			 name + 1 - more);
		assert_int_equal(control_parse(view_cstr(text), &doc), !more);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_files_of_their_owner),
		cmocka_unit_test(signatures_are_of_one_text_and_purpose),
		cmocka_unit_test(documents_are_read_as_written),
		cmocka_unit_test(questions_for_packets_have_bounds),
		cmocka_unit_test(other_texts_are_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
