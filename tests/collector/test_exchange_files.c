/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inbox and an outbox that somebody else may write to: what is not whole yet
 * is waited for, what cannot be put aside is refused once, nothing that lies
 * there is waited on, and a heap of it is no work.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/exchange_in.h"

static char dir[64];
static struct sign_key *jp, *jp_public;
static struct exchange_party party = { .name = "JP", .n_keys = 1 };
static struct exchange_conf conf = { .parties = &party, .n = 1, .us = "US" };
static struct exchange_in_files *files;
static const struct exchange_point at = { 7, 2 };

static int
setup(void **state)
{
	struct diag d = { "" };
	char file[128];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/picket-box-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/key", dir);
	assert_int_equal(sign_key_make(file, &d), ERR_OK);
	assert_int_equal(sign_key_load(&jp, file, true, &d), ERR_OK);
	unlink(file);
	strcat(file, ".pub");
	assert_int_equal(sign_key_load(&jp_public, file, false, &d), ERR_OK);
	unlink(file);
	party.keys[0] = jp_public;
	party.inbox = party.outbox = dir;
	assert_int_equal(exchange_in_files_new(&files, &conf), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	char cmd[192];

	(void)state;
	exchange_in_files_free(files);
	sign_key_free(jp);
	sign_key_free(jp_public);
	snprintf(cmd, sizeof(cmd), "chmod -R u+w %s; rm -r %s", dir, dir);
	return system(cmd);
}

static const char *
path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool
there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void
put(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(path_of(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void
age(const char *name)
{
	const struct timespec t[2] = { { .tv_sec = 1000000 },
				       { .tv_sec = 1000000 } };

	assert_int_equal(utimensat(AT_FDCWD, path_of(name), t, 0), 0);
}

#define TEXT "{\"type\":\"bundle\",\"objects\":[]}"

/* The text of the .sig of bundle 7 'seq'. */
static void
sig_of(uint64_t seq, struct json *out)
{
	struct exchange_frame f = { .from = "JP",
				    .to = "US",
				    .epoch = 7,
				    .seq = seq,
				    .len = strlen(TEXT),
				    .data = view_cstr(TEXT) };
	uint8_t mac[FRAME_MAC_MAX];
	size_t len;

	assert_int_equal(exchange_frame_sign(jp, &f, mac, &len), ERR_OK);
	f.mac = view_of(mac, len);
	json_init(out);
	exchange_sig_write(out, &f);
	assert_false(out->failed);
}

static void
put_sig(const char *name, uint64_t seq, size_t cut)
{
	struct json j;

	sig_of(seq, &j);
	put(name, j.p, j.len - cut);
	json_fini(&j);
}

static enum err
next(struct exchange_item *item)
{
	return exchange_in_files_next(files, 0, &at, item);
}

static void
what_is_being_written_is_waited_for(void **state)
{
	struct exchange_item item;

	(void)state;
	put_sig("JP-US-7-3.sig", 3, 20); /* half of it, and no text yet */
	assert_int_equal(next(&item), ERR_EOF);
	put_sig("JP-US-7-3.sig", 3, 0);
	age("JP-US-7-3.sig");
	assert_int_equal(next(&item), ERR_EOF);
	put("JP-US-7-3.json", TEXT, 5);
	assert_int_equal(next(&item), ERR_EOF);
	assert_true(there("JP-US-7-3.sig"));
	put("JP-US-7-3.json", TEXT, strlen(TEXT));
	assert_int_equal(next(&item), ERR_OK);
	assert_int_equal(item.what, EXCHANGE_BUNDLES);
	exchange_in_files_done(files, 0, &item);
	assert_false(there("JP-US-7-3.sig"));
	/* And one that stays so is refused. */
	put_sig("JP-US-7-3.sig", 3, 0);
	put("JP-US-7-3.json", TEXT, 5);
	age("JP-US-7-3.sig");
	age("JP-US-7-3.json");
	assert_int_equal(next(&item), ERR_OK);
	assert_int_equal(item.what, EXCHANGE_REFUSED_MALFORMED);
	exchange_in_files_done(files, 0, &item);
	assert_true(there("JP-US-7-3.sig.refused"));
	assert_true(there("JP-US-7-3.json.refused"));
}

static void
put_bad(void)
{
	put("JP-US-7-3.sig", "{}", 2);
	put("JP-US-7-3.json", "x", 1);
	age("JP-US-7-3.sig");
	age("JP-US-7-3.json");
}

static void
what_is_refused_is_refused_once(void **state)
{
	struct exchange_item item;

	(void)state;
	/* The name that it would get cannot be had. */
	assert_int_equal(mkdir(path_of("JP-US-7-3.sig.refused"), 0700), 0);
	put("JP-US-7-3.sig.refused/x", "", 0);
	put_bad();
	assert_int_equal(next(&item), ERR_OK);
	assert_int_equal(item.what, EXCHANGE_REFUSED_MALFORMED);
	exchange_in_files_done(files, 0, &item);
	assert_int_equal(next(&item), ERR_EOF);
	assert_false(there("JP-US-7-3.sig"));
}

static void
an_inbox_that_is_only_read_tells_once(void **state)
{
	struct exchange_item item;

	(void)state;
	put_bad();
	assert_int_equal(chmod(dir, 0500), 0);
	if (access(dir, W_OK) == 0) {
		skip(); /* root writes all the same */
	}
	assert_int_equal(next(&item), ERR_OK);
	exchange_in_files_done(files, 0, &item);
	assert_int_equal(next(&item), ERR_EOF);
	assert_int_equal(chmod(dir, 0700), 0);
	put_sig("JP-US-7-3.sig", 3, 0); /* another, that is good */
	put("JP-US-7-3.json", TEXT, strlen(TEXT));
	assert_int_equal(next(&item), ERR_OK);
	assert_int_equal(item.what, EXCHANGE_BUNDLES);
}

/* A .sig that is no file, and no pipe that we would wait on. */
static void
only_plain_files_are_read(void **state)
{
	struct exchange_item item;

	(void)state;
	put("elsewhere", "{}", 2);
	for (int i = 0; i < 4; i++) {
		const char *name = path_of("JP-US-7-3.sig");

		switch (i) {
		case 0:
			assert_int_equal(mkfifo(name, 0600), 0);
			break;
		case 1:
			assert_int_equal(mkdir(name, 0700), 0);
			break;
		case 2:
			assert_int_equal(symlink("elsewhere", name), 0);
			break;
		default:
			assert_int_equal(symlink("/dev/zero", name), 0);
		}
		assert_int_equal(next(&item), ERR_OK);
		assert_int_equal(item.what, EXCHANGE_REFUSED_MALFORMED);
		exchange_in_files_done(files, 0, &item);
		assert_false(there("JP-US-7-3.sig"));
	}
	assert_true(there("elsewhere"));
}

static void
a_point_waits_for_nobody(void **state)
{
	struct stat st;

	(void)state;
	alarm(10); /* on a pipe nobody reads, for ever */
	assert_int_equal(mkfifo(path_of("US-JP-point.tmp"), 0600), 0);
	exchange_in_files_tell(files, 0, "7 2 x");
	assert_int_equal(stat(path_of("US-JP-point"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	put("elsewhere", "untouched", 9);
	assert_int_equal(symlink("elsewhere", path_of("US-JP-point.tmp")), 0);
	exchange_in_files_tell(files, 0, "7 3 y");
	assert_int_equal(stat(path_of("elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 9);
	alarm(0);
}

/* Tens of thousands that were taken before, and names that are none. */
static void
a_heap_of_old_ones_is_cleared(void **state)
{
	struct exchange_item item;
	unsigned taken = 0;
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "JP-US-6-%u.sig", i + 1);
		put(name, "{}", 2);
		age(name);
		snprintf(name, sizeof(name),
			 "JP-US-99999999999999999999-%u.sig", i);
		put(name, "", 0);
	}
	while (next(&item) == ERR_OK) {
		exchange_in_files_done(files, 0, &item);
		assert_true(++taken <= 2000);
	}
	assert_int_equal(taken, 2000);
	assert_false(there("JP-US-6-1.sig"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(what_is_being_written_is_waited_for),
		CASE(what_is_refused_is_refused_once),
		CASE(an_inbox_that_is_only_read_tells_once),
		CASE(only_plain_files_are_read),
		CASE(a_point_waits_for_nobody),
		CASE(a_heap_of_old_ones_is_cleared),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
