/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of packets from a stream that others may write to. */
#include "tests/test.h"

#include <stdlib.h>

#include "collector/evidence_fetch.h"

#define FIELDS 12

/* An entry as hiredis gives it, over texts of the test. */
struct entry {
	redisReply reply, id, kv, field[FIELDS];
	redisReply *top[2], *at[FIELDS];
};

static void
text(redisReply *r, struct view v)
{
	memset(r, 0, sizeof(*r));
	r->type = REDIS_REPLY_STRING;
	r->str = (char *)(uintptr_t)v.p;
	r->len = v.len;
}

static const redisReply *
make(struct entry *e, const char *id, const char *n, const char *of,
     const char *sha256, struct view data)
{
	const struct view v[FIELDS] = {
		VIEW_LIT("id"),      view_cstr(id),    VIEW_LIT("n"),
		view_cstr(n),        VIEW_LIT("of"),   view_cstr(of),
		VIEW_LIT("packets"), VIEW_LIT("7"),    VIEW_LIT("sha256"),
		view_cstr(sha256),   VIEW_LIT("data"), data,
	};

	memset(e, 0, sizeof(*e));
	text(&e->id, VIEW_LIT("1-1"));
	for (unsigned i = 0; i < FIELDS; i++) {
		text(&e->field[i], v[i]);
		e->at[i] = &e->field[i];
	}
	e->kv.type = e->reply.type = REDIS_REPLY_ARRAY;
	e->kv.elements = FIELDS;
	e->kv.element = e->at;
	e->top[0] = &e->id;
	e->top[1] = &e->kv;
	e->reply.elements = 2;
	e->reply.element = e->top;
	return &e->reply;
}

/* Of "abcdef". */
#define SHA "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"

static void
pieces_become_the_file(void **state)
{
	struct evidence_gather g = { .id = "me" };
	struct entry e;
	struct diag d;

	(void)state;
	/* another's, the first, that again, the last */
	assert_int_equal(evidence_gather_add(&g,
					     make(&e, "you", "0", "1", SHA,
						  VIEW_LIT("xxx")),
					     &d),
			 ERR_AGAIN);
	assert_int_equal(
		evidence_gather_add(
			&g, make(&e, "me", "0", "2", SHA, VIEW_LIT("abc")), &d),
		ERR_AGAIN);
	assert_int_equal(
		evidence_gather_add(
			&g, make(&e, "me", "0", "2", SHA, VIEW_LIT("abc")), &d),
		ERR_AGAIN);
	assert_int_equal(
		evidence_gather_add(
			&g, make(&e, "me", "1", "2", SHA, VIEW_LIT("def")), &d),
		ERR_OK);
	assert_int_equal(g.got.len, 6);
	assert_memory_equal(g.got.file, "abcdef", 6);
	assert_int_equal(g.got.packets, 7);
	free(g.got.file);
}

static void
what_is_damaged_is_refused(void **state)
{
	static uint8_t large[EVIDENCE_CHUNK + 1];
	static const struct {
		const char *n, *of, *sha256;
		size_t len;
	} bad[] = {
		{ "0", "1", SHA, 3 }, /* not what the digest says */
		{ "0", "0", SHA, 3 },
		{ "1", "1", SHA, 3 },
		{ "1", "2", SHA, 3 }, /* the first is missing */
		{ "0", "66", SHA, 3 },
		{ "0", "99999999999999999999", SHA, 3 },
		{ "-1", "2", SHA, 3 },
		{ "0", "", SHA, 3 },
		{ "0", "2", "bef5", 3 },
		{ "0", "2", SHA, EVIDENCE_CHUNK + 1 },
	};
	struct entry e;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct evidence_gather g = { .id = "me" };

		assert_int_equal(
			evidence_gather_add(&g,
					    make(&e, "me", bad[i].n, bad[i].of,
						 bad[i].sha256,
						 view_of(large, bad[i].len)),
					    &d),
			ERR_FORMAT);
		free(g.got.file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_become_the_file),
		cmocka_unit_test(what_is_damaged_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
