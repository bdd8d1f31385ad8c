/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that are armed: as a list, and in the sets that take them in. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/ioc_pattern_set.h"
#include "rules/ioc_set.h"
#include "rules/pattern_list.h"
#include "rules/ruleset.h"

#define NAME "[domain-name:value = 'a.example' AND domain-name:value != 'b']"
#define UNREADABLE "[domain-name:value MATCHES '(half']"
#define UNSEEN "[process:pid = 5]"

static struct indicator
make(const char *text, const char *id)
{
	return (struct indicator){ .kind = INDICATOR_PATTERN,
				   .severity = 2,
				   .mark = { .tlp = TLP_AMBER },
				   .value = text,
				   .id = id,
				   .source = "partner",
				   .created_by = "",
				   .description = "",
				   .labels = "",
				   .tactic = "",
				   .kill_chain = "" };
}

static enum err
arm(struct pattern_list *l, const char *text, const char *id)
{
	struct indicator i = make(text, id);
	struct diag d = { "" };

	return pattern_list_arm(l, &i, &d);
}

static struct pattern_list_counts
counts(struct pattern_list *l)
{
	struct pattern_list_counts n;

	pattern_list_read(l, &n);
	return n;
}

static int
begin(void **state)
{
	*state = pattern_list_new();
	return *state == NULL;
}

static int
end(void **state)
{
	pattern_list_free(*state);
	return 0;
}

static void
each_change_is_counted_once(void **state)
{
	struct pattern_list *l = *state;
	struct indicator wider = make(NAME, "i1");
	uint64_t n;

	assert_int_equal(arm(l, NAME, "i1"), ERR_OK);
	n = counts(l).changes;
	assert_int_equal(n, 1);
	assert_int_equal(arm(l, NAME, "i1"), ERR_OK);
	assert_int_equal(counts(l).changes, n);
	wider.mark = (struct marking){ .tlp = TLP_RED };
	assert_int_equal(pattern_list_arm(l, &wider, NULL), ERR_OK);
	assert_true(counts(l).changes > n);
	assert_int_equal(counts(l).armed, 1);
	n = counts(l).changes;
	assert_false(pattern_list_disarm(l, "[x:y = 1]"));
	assert_int_equal(counts(l).changes, n);
	assert_true(pattern_list_disarm(l, NAME));
	assert_true(counts(l).changes > n);
	assert_int_equal(counts(l).armed, 0);
}

static void
what_cannot_be_judged_is_told_by_id(void **state)
{
	struct pattern_list *l = *state;
	char text[200], small[90];

	assert_int_equal(arm(l, UNREADABLE, "i7"), ERR_FORMAT);
	assert_int_equal(arm(l, UNREADABLE, "i7"), ERR_FORMAT);
	assert_int_equal(arm(l, NAME, "i1"), ERR_OK);
	assert_int_equal(counts(l).refused, 1);
	assert_int_equal(counts(l).armed, 1);
	assert_int_equal(counts(l).changes, 1);
	assert_int_equal(
		strncmp(pattern_list_refused(l, text, sizeof(text)), "i7: ", 4),
		0);
	assert_int_equal(arm(l, UNSEEN, "i8"), ERR_FORMAT);
	assert_non_null(
		strstr(pattern_list_refused(l, text, sizeof(text)), "; i8: "));
	/* Where there is no room the number is said. */
	assert_int_equal(arm(l, "[x:y = 1]", "i9"), ERR_FORMAT);
	pattern_list_refused(l, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
	assert_non_null(strpbrk(small, "23"));
	assert_true(pattern_list_disarm(l, UNREADABLE));
	assert_true(pattern_list_disarm(l, UNSEEN));
	assert_true(pattern_list_disarm(l, "[x:y = 1]"));
	assert_string_equal(pattern_list_refused(l, text, sizeof(text)), "");
	assert_int_equal(counts(l).changes, 1);
}

static void
what_is_not_armed_again_is_swept(void **state)
{
	struct pattern_list *l = *state;
	char text[100];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "[file:size > %u]", i);
		assert_int_equal(arm(l, text, ""), ERR_OK);
	}
	assert_int_equal(arm(l, UNSEEN, "gone"), ERR_FORMAT);
	pattern_list_begin(l);
	for (unsigned i = 0; i < 500; i += 5) {
		snprintf(text, sizeof(text), "[file:size > %u]", i);
		assert_int_equal(arm(l, text, ""), ERR_OK);
	}
	assert_int_equal(counts(l).armed, 500);
	assert_int_equal(pattern_list_sweep(l), 401);
	assert_int_equal(counts(l).armed, 100);
	assert_int_equal(counts(l).refused, 0);
	assert_false(pattern_list_disarm(l, "[file:size > 7]"));
	assert_true(pattern_list_disarm(l, "[file:size > 10]"));
}

static void
a_copy_outlives_the_list_it_was_made_of(void **state)
{
	struct pattern_list *l = *state;
	struct pattern_list_copy c;
	char text[100];

	assert_int_equal(arm(l, "[file:size > 2]", "second"), ERR_OK);
	assert_int_equal(arm(l, "[file:size > 1]", "first"), ERR_OK);
	assert_int_equal(arm(l, UNSEEN, "refused"), ERR_FORMAT);
	assert_int_equal(pattern_list_take(l, &c), ERR_OK);
	assert_int_equal(c.n, 2);
	assert_true(pattern_list_disarm(l, "[file:size > 1]"));
	assert_string_equal(pattern_list_at(&c, 0)->id, "first");
	assert_string_equal(pattern_list_at(&c, 1)->id, "second");
	/* What a set says of one that is gone is said of nobody. */
	pattern_list_refuse(l, &c, 0, "no room");
	assert_int_equal(counts(l).refused, 1);
	pattern_list_refuse(l, &c, 1, "no room");
	assert_int_equal(counts(l).refused, 2);
	assert_non_null(strstr(pattern_list_refused(l, text, sizeof(text)),
			       "second: no room"));
	pattern_list_refuse(l, &c, 1, NULL);
	assert_int_equal(counts(l).refused, 1);
	pattern_list_give(&c);
}

/* --- in a set --- */

static struct ruleset *
set_of(const struct ruleset *prev, struct pattern_list *l, const char *file)
{
	struct diag d = { "" };
	struct ruleset *rs = ruleset_reload(prev, NULL, NULL, 0, &file,
					    file != NULL ? 1 : 0, l, &d);

	if (rs == NULL) {
		fail_msg("%s", d.msg);
	}
	return rs;
}

static void
a_set_has_them_beside_those_of_files(void **state)
{
	struct pattern_list *l = *state;
	static const char bundle[] =
		"{\"type\":\"bundle\",\"objects\":[{\"type\":\"indicator\","
		"\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-"
		"4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00Z\","
		"\"modified\":\"2026-01-01T00:00:00Z\",\"valid_from\":"
		"\"2020-01-01T00:00:00Z\",\"pattern_type\":\"stix\","
		"\"pattern\":\"" NAME "\"}]}";
	char path[] = "/tmp/picket-patterns-XXXXXX";
	struct indicator i = make(NAME, "i1");
	struct ruleset *first, *second;
	const struct ioc_set *s;
	uint64_t changes;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bundle, sizeof(bundle) - 1),
			 sizeof(bundle) - 1);
	close(fd);
	first = set_of(NULL, l, path);
	assert_int_equal(ruleset_indicator_count(first), 1);
	assert_int_equal(marking_release_to(&i.mark, VIEW_LIT("JP")), ERR_OK);
	assert_int_equal(pattern_list_arm(l, &i, NULL), ERR_OK);
	i.value = "[file:size > 1]";
	i.id = "i2";
	assert_int_equal(pattern_list_arm(l, &i, NULL), ERR_OK);
	second = set_of(first, l, path);
	s = ruleset_indicators(second);
	assert_int_equal(ruleset_armed_patterns(second, &changes), 1);
	assert_int_equal(changes, counts(l).changes);
	assert_int_equal(ioc_set_patterns(s)->n, 2);
	/* They are no part of what its operator has loaded. */
	assert_int_equal(ruleset_indicator_count(second), 1);
	assert_string_equal(ruleset_digest(first), ruleset_digest(second));
	/* What is in both bears what both say; the file said nothing. */
	for (uint32_t k = 0; k < 2; k++) {
		const struct ioc_note *n = ioc_set_at(s, k)->note;

		assert_non_null(n->mark);
		assert_string_equal(n->tlp, "amber");
		assert_true(n->mark->limited && n->mark->n_names == 1);
		assert_string_equal(n->mark->names[0], "JP");
	}
	ruleset_free(first);
	ruleset_free(second);
	unlink(path);
}

/* Too many that the same value finds: the last are refused, by id, and have
 * their turn when others go. */
static void
what_a_set_has_no_room_for_waits(void **state)
{
	struct pattern_list *l = *state;
	struct ruleset *rs, *next;
	uint64_t changes;
	char text[200];

	for (unsigned i = 0; i <= IOC_PATTERN_CHAIN_MAX; i++) {
		snprintf(text, sizeof(text),
			 "[domain-name:value = 'a.example' AND "
			 "domain-name:value != 'n%04u']",
			 i);
		assert_int_equal(arm(l, text, ""), ERR_OK);
	}
	rs = set_of(NULL, l, NULL);
	assert_int_equal(ruleset_armed_patterns(rs, &changes),
			 IOC_PATTERN_CHAIN_MAX);
	assert_int_equal(counts(l).refused, 1);
	assert_true(pattern_list_disarm(
		l, "[domain-name:value = 'a.example' AND domain-name:value != "
		   "'n0007']"));
	next = set_of(rs, l, NULL);
	assert_int_equal(ruleset_armed_patterns(next, &changes),
			 IOC_PATTERN_CHAIN_MAX);
	assert_int_equal(counts(l).refused, 0);
	ruleset_free(next);
	ruleset_free(rs);
}

int
main(void)
{
#define ON(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		ON(each_change_is_counted_once),
		ON(what_cannot_be_judged_is_told_by_id),
		ON(what_is_not_armed_again_is_swept),
		ON(a_copy_outlives_the_list_it_was_made_of),
		ON(a_set_has_them_beside_those_of_files),
		ON(what_a_set_has_no_room_for_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
