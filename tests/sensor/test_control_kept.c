/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that hold until others come: over a restart, and not for ever. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/control_kept.h"

#define DAY (UINT64_C(86400) * US_PER_S)
#define NOW (UINT64_C(20000) * DAY)

static const uint8_t sig[SIGN_BYTES];

static bool
put(struct control_kept *k, const char *name, uint64_t until_us)
{
	struct exercise *e = exercise_new();
	struct control_doc doc = { .action = CONTROL_EXERCISE,
				   .version = 1,
				   .token = e };
	struct diag d = { "" };
	struct json j;
	char key[64];
	bool good;

	assert_non_null(e);
	json_init(&j);
	snprintf(e->name, sizeof(e->name), "%s", name);
	snprintf(doc.exercise, sizeof(doc.exercise), "%s", name);
	e->from_us = until_us - DAY;
	e->until_us = until_us;
	assert_int_equal(exercise_add_range(e, VIEW_LIT("10.0.0.0/8"), &d),
			 ERR_OK);
	assert_int_equal(exercise_add_inject(e, VIEW_LIT("i1"),
					     VIEW_LIT("first"), e->from_us, &d),
			 ERR_OK);
	assert_int_equal(exercise_add_source(e, VIEW_LIT("10.1.0.0/16"), &d),
			 ERR_OK);
	assert_int_equal(exercise_check(e, &d), ERR_OK);
	assert_true(control_write(&j, &doc));
	snprintf(key, sizeof(key), "exercise %s", name);
	good = control_kept_put(k, key, json_view(&j),
				view_of(sig, sizeof(sig)));
	json_fini(&j);
	exercise_free(e);
	return good;
}

static void
list(void *arg, const char *name, struct view text, struct view s)
{
	char *out = arg;

	(void)text;
	(void)s;
	strcat(out, name);
	strcat(out, ";");
}

static const char *
names(struct control_kept *k)
{
	static char out[CONTROL_KEPT_MAX * CONTROL_KEPT_NAME_CAP + 16];

	out[0] = '\0';
	control_kept_each(k, list, out);
	return out;
}

static void
what_is_over_makes_room(void **state)
{
	char path[] = "/tmp/picket-kept-XXXXXX", name[16];
	int fd = mkstemp(path);
	struct control_kept *k;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	k = control_kept_open(path);
	assert_non_null(k);
	assert_true(control_kept_put(k, "posture", VIEW_LIT("{}"),
				     view_of(sig, sizeof(sig))));
	for (unsigned i = 1; i < CONTROL_KEPT_MAX; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		assert_true(put(k, name, NOW - (i < 6 ? 2 * DAY : DAY / 2)));
	}
	assert_false(put(k, "next", NOW + DAY));
	control_kept_drop_over(k, NOW);
	assert_true(put(k, "next", NOW + DAY));
	assert_non_null(strstr(names(k), "posture;"));
	assert_non_null(strstr(names(k), "exercise x6;"));
	assert_non_null(strstr(names(k), "exercise next;"));
	assert_null(strstr(names(k), "exercise x5;"));
	assert_null(strstr(names(k), "exercise x1;"));
	control_kept_free(k);
	/* So it is after a restart. */
	k = control_kept_open(path);
	assert_non_null(k);
	assert_non_null(strstr(names(k), "exercise next;"));
	assert_null(strstr(names(k), "exercise x1;"));
	control_kept_free(k);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_over_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
