/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle is read as it was written, and no other. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/evidence_bundle.h"

static struct sign_key *private_key, *public_key;

static int
make_keys(void **state)
{
	char dir[] = "/tmp/picket-bundle.XXXXXX", path[64], pub[80];
	struct diag d;

	(void)state;
	if (mkdtemp(dir) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/key", dir);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	assert_int_equal(sign_key_make(path, &d), ERR_OK);
	assert_int_equal(sign_key_load(&private_key, path, true, &d), ERR_OK);
	assert_int_equal(sign_key_load(&public_key, pub, false, &d), ERR_OK);
	unlink(path);
	unlink(pub);
	rmdir(dir);
	return 0;
}

static int
free_keys(void **state)
{
	(void)state;
	sign_key_free(private_key);
	sign_key_free(public_key);
	return 0;
}

static void
each_byte_counts(void **state)
{
	const struct bundle b = {
		.alert = 7,
		.site = "a",
		.sensor = "b",
		.who = "me",
		.part = { [BUNDLE_ALERT] = VIEW_LIT("{\"sid\":1}"),
			  [BUNDLE_PACKETS] = VIEW_LIT("packets") },
	};
	struct view part[BUNDLE_MEMBERS];
	struct diag d;
	uint8_t *file;
	size_t len;

	(void)state;
	assert_int_equal(bundle_write(&b, private_key, &file, &len), ERR_OK);
	assert_int_equal(bundle_check(view_of(file, len), public_key, part, &d),
			 ERR_OK);
	assert_true(view_eq(part[BUNDLE_PACKETS], b.part[BUNDLE_PACKETS]));
	assert_true(view_eq(part[BUNDLE_ALERT], b.part[BUNDLE_ALERT]));
	for (size_t i = 0; i < len; i++) {
		file[i] ^= 1;
		assert_int_not_equal(
			bundle_check(view_of(file, len), public_key, part, &d),
			ERR_OK);
		file[i] ^= 1;
	}
	for (size_t n = 0; n < len; n += 64) {
		assert_int_not_equal(
			bundle_check(view_of(file, n), public_key, part, &d),
			ERR_OK);
	}
	/* the one that was changed is named */
	file[len - 1024 - 512] ^= 1;
	assert_int_equal(bundle_check(view_of(file, len), public_key, part, &d),
			 ERR_FORMAT);
	assert_non_null(strstr(d.msg, "packets.pcapng"));
	free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_counts),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
