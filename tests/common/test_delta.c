/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/delta.h"

static char dir[200];
static struct sign_key *ours, *checks, *foreign;

static struct sign_key *
make(const char *name, struct sign_key **public)
{
	char path[256], pub[300];
	struct sign_key *k = NULL;
	struct diag d = { "" };

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	assert_int_equal(sign_key_make(path, &d), ERR_OK);
	assert_int_equal(sign_key_load(&k, path, true, &d), ERR_OK);
	if (public != NULL) {
		assert_int_equal(sign_key_load(public, pub, false, &d), ERR_OK);
	}
	return k;
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%.150s/picket-delta.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	ours = make("a", &checks);
	foreign = make("b", NULL);
	return 0;
}

static int
tear_down(void **state)
{
	char command[300];

	(void)state;
	sign_key_free(ours);
	sign_key_free(checks);
	sign_key_free(foreign);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command);
}

static struct indicator
domain(const char *value)
{
	struct indicator i = { .kind = INDICATOR_DOMAIN,
			       .severity = 2,
			       .confidence = 80,
			       .valid_from_us = 5,
			       .valid_until_us = UINT64_C(1) << 60,
			       .modified_us = 7,
			       .value = value,
			       .id = "indicator--1",
			       .source = "list",
			       .created_by = "identity--1",
			       .description = "d",
			       .labels = "a,b",
			       .tactic = "TA0011",
			       .kill_chain = "x:y" };

	assert_int_equal(marking_read(&i.mark, VIEW_LIT("amber//JP,US"), NULL),
			 ERR_OK);
	return i;
}

/* A document of two records; the writer's. */
static struct view
document(struct delta_writer *w, struct sign_key *k)
{
	struct delta_head h = { .kind = DELTA_CHANGES,
				.epoch = 9,
				.from = 3,
				.to = 5,
				.made_us = 11 };
	struct indicator i = domain("evil.example");
	struct view doc;
	struct diag d;

	delta_begin(w);
	assert_int_equal(delta_add(w, &i, true, &d), ERR_OK);
	i.value = "gone.example";
	i.exact = true;
	assert_int_equal(delta_add(w, &i, false, &d), ERR_OK);
	assert_int_equal(delta_finish(w, &h, k, &doc, &d), ERR_OK);
	return doc;
}

static void
all_that_is_written_is_read(void **state)
{
	struct delta_writer *w = delta_writer_new();
	struct delta_reader *r = delta_reader_new();
	struct delta_head h;
	struct delta_change c;
	char mark[MARKING_TEXT_CAP];
	struct diag d;

	(void)state;
	assert_int_equal(delta_open(r, document(w, ours), checks, &h, &d),
			 ERR_OK);
	assert_int_equal(h.kind, DELTA_CHANGES);
	assert_int_equal(h.epoch, 9);
	assert_int_equal(h.from, 3);
	assert_int_equal(h.to, 5);
	assert_int_equal(h.made_us, 11);
	assert_int_equal(h.n, 2);
	assert_int_equal(delta_next(r, &c, &d), ERR_OK);
	assert_true(c.armed && c.known && !c.i.exact);
	assert_int_equal(c.i.kind, INDICATOR_DOMAIN);
	assert_int_equal(c.i.severity, 2);
	assert_int_equal(c.i.confidence, 80);
	assert_int_equal(c.i.valid_from_us, 5);
	assert_int_equal(c.i.valid_until_us, UINT64_C(1) << 60);
	assert_int_equal(c.i.modified_us, 7);
	assert_string_equal(c.i.value, "evil.example");
	assert_string_equal(c.i.id, "indicator--1");
	assert_string_equal(c.i.source, "list");
	assert_string_equal(c.i.created_by, "identity--1");
	assert_string_equal(c.i.description, "d");
	assert_string_equal(c.i.labels, "a,b");
	assert_string_equal(c.i.tactic, "TA0011");
	assert_string_equal(c.i.kill_chain, "x:y");
	assert_string_equal(marking_text(&c.i.mark, mark), "amber//JP,US");
	assert_int_equal(delta_next(r, &c, &d), ERR_OK);
	assert_true(!c.armed && c.i.exact);
	assert_string_equal(c.i.value, "gone.example");
	assert_string_equal(c.i.id, "");
	assert_int_equal(delta_next(r, &c, &d), ERR_EOF);
	delta_reader_free(r);
	delta_writer_free(w);
}

/* Every byte counts: whatever is changed, the signature holds no longer. */
static void
no_byte_can_be_changed(void **state)
{
	struct delta_writer *w = delta_writer_new();
	struct delta_reader *r = delta_reader_new();
	struct view doc = document(w, ours);
	uint8_t *copy = malloc(doc.len);
	struct delta_head h;
	struct diag d;

	(void)state;
	memcpy(copy, doc.p, doc.len);
	for (size_t i = 0; i < doc.len; i += i < 70 ? 1 : 7) {
		copy[i] ^= 0x10;
		assert_int_equal(
			delta_open(r, view_of(copy, doc.len), checks, &h, &d),
			ERR_AUTH);
		copy[i] ^= 0x10;
	}
	for (size_t n = 0; n < doc.len; n++) {
		assert_int_not_equal(
			delta_open(r, view_of(copy, n), checks, &h, &d),
			ERR_OK);
	}
	assert_int_equal(delta_open(r, document(w, foreign), checks, &h, &d),
			 ERR_AUTH);
	free(copy);
	delta_reader_free(r);
	delta_writer_free(w);
}

/* A signed document of a program that errs is read up to the error. */
static void
what_is_signed_may_still_be_wrong(void **state)
{
	struct delta_writer *w = delta_writer_new();
	struct delta_reader *r = delta_reader_new();
	struct view doc = document(w, ours);
	uint8_t *copy = malloc(doc.len);
	struct delta_head h;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < doc.len - SIGN_BYTES; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			struct delta_change c;
			unsigned n = 0;

			memcpy(copy, doc.p, doc.len);
			copy[i] ^= (uint8_t)(1u << bit);
			if (delta_open(r, view_of(copy, doc.len), NULL, &h,
				       &d) != ERR_OK) {
				continue;
			}
			while (delta_next(r, &c, &d) == ERR_OK) {
				n++;
			}
			assert_true(n <= DELTA_MAX_RECORDS);
		}
	}
	free(copy);
	delta_reader_free(r);
	delta_writer_free(w);
}

static void
a_full_document_takes_no_more(void **state)
{
	struct delta_writer *w = delta_writer_new();
	struct delta_reader *r = delta_reader_new();
	char text[INDICATOR_PATTERN_CAP + 2];
	struct indicator i = domain("x");
	struct delta_head h = { .kind = DELTA_PART, .epoch = 1, .part = 4 };
	struct delta_change c;
	struct view doc;
	struct diag d;
	uint32_t n = 0;
	enum err e;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[INDICATOR_PATTERN_CAP + 1] = '\0';
	i.kind = INDICATOR_PATTERN;
	i.value = text;
	delta_begin(w);
	assert_int_equal(delta_add(w, &i, true, &d), ERR_FORMAT);
	text[INDICATOR_PATTERN_CAP] = '\0';
	i.description = text; /* is cut */
	while ((e = delta_add(w, &i, true, &d)) == ERR_OK) {
		n++;
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_in_range(n, 50, 64);
	assert_int_equal(delta_count(w), n);
	assert_int_equal(delta_finish(w, &h, ours, &doc, &d), ERR_OK);
	assert_int_equal(delta_open(r, doc, checks, &h, &d), ERR_OK);
	assert_int_equal(h.part, 4);
	for (; n > 0; n--) {
		assert_int_equal(delta_next(r, &c, &d), ERR_OK);
		assert_int_equal(strlen(c.i.value), INDICATOR_PATTERN_CAP);
		assert_int_equal(strlen(c.i.description),
				 INDICATOR_TEXT_CAP - 1);
	}
	assert_int_equal(delta_next(r, &c, &d), ERR_EOF);
	delta_reader_free(r);
	delta_writer_free(w);
}

static void
a_version_has_a_text(void **state)
{
	char text[DELTA_VERSION_CAP], key[DELTA_KEY_CAP];
	uint64_t epoch = 0, version = 0;

	(void)state;
	delta_version_text(12, UINT64_MAX, text);
	assert_string_equal(text, "12-18446744073709551615");
	assert_true(delta_version_read(text, &epoch, &version));
	assert_int_equal(epoch, 12);
	assert_true(version == UINT64_MAX);
	assert_false(delta_version_read("12", &epoch, &version));
	assert_false(delta_version_read("", &epoch, &version));
	assert_false(delta_version_read("1-2x", &epoch, &version));
	assert_string_equal(delta_part_key(1, 2, 3, key), DELTA_BASE ":1-2:3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_written_is_read),
		cmocka_unit_test(no_byte_can_be_changed),
		cmocka_unit_test(what_is_signed_may_still_be_wrong),
		cmocka_unit_test(a_full_document_takes_no_more),
		cmocka_unit_test(a_version_has_a_text),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
