/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on files and bodies that grow. */
#include "tests/rules/rule_bench.h"

#include <stdio.h>

#define FILE_RULE(words, sid) \
	"alert http any any -> any any (flow:to_client; " words " sid:" sid \
	";)\n"

static void
file_bench(struct bench *b)
{
	b->in.pkt.proto = IPP_TCP;
	b->in.dir = DIR_TOCLIENT;
	b->in.app = b->flow.app = APP_HTTP;
}

/* One more file, all of which is new. */
static void
give_file(struct bench *b, const char *name, const char *data)
{
	uint32_t i = b->in.n_files++;

	b->in.files[i] = (struct inspect_file){
		.name = view_cstr(name),
		.data = view_cstr(data),
		.fresh_name = true,
		.fresh_data = true,
		.data_due = true,
		.size = strlen(data),
		.state = &b->file_state[i],
		.wanted = &b->wanted,
	};
}

static void
test_body_grows(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "alert http any any -> any any (flow:to_client; "
		       "file_data; content:\"MZ\"; startswith; "
		       "content:\"PE\"; distance:0; sid:1;)\n"
		       "alert http any any -> any any (flow:to_client; "
		       "file_data; content:\"MZ\"; content:!\"zip\"; "
		       "sid:2;)\n");
	b.in.pkt.proto = IPP_TCP;
	b.in.dir = DIR_TOCLIENT;
	b.in.app = b.flow.app = APP_HTTP;
	give_file(&b, "/a", "MZ..");
	assert_int_equal(call(&b, INSPECT_TX), 0);
	b.in.files[0].data_seen = 4;
	b.in.files[0].data = VIEW_LIT("MZ..PE");
	assert_int_equal(call(&b, INSPECT_TX), 1);
	assert_int_equal(b.hits[0].rule->sid, 1);
	/* what must not be there is known at the end only */
	b.in.files[0].data_seen = 6;
	b.in.files[0].ended = b.in.files[0].whole = true;
	assert_int_equal(call(&b, INSPECT_TX), 1);
	assert_int_equal(b.hits[0].rule->sid, 2);
	bench_close(&b);
}

/* The sids that fired, as bits. */
static uint32_t
fired(struct bench *b)
{
	uint32_t n = call(b, INSPECT_TX), bits = 0;

	for (uint32_t i = 0; i < n; i++) {
		bits |= 1U << b->hits[i].rule->sid;
	}
	return bits;
}

static void
test_file_name(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, FILE_RULE("filename:\"R.pdf\";", "1") FILE_RULE(
			       "filename:!\"s.pdf\";",
			       "2") FILE_RULE("filename:!\"r.PDF\";", "3")
			       FILE_RULE("fileext:\"PDF\";", "4") FILE_RULE(
				       "fileext:!\"doc\";",
				       "5") FILE_RULE("fileext:\"df\";", "6")
				       FILE_RULE("file.name; content:\"/r\"; "
						 "startswith;",
						 "7"));
	file_bench(&b);
	give_file(&b, "/r.Pdf", "x");
	assert_int_equal(fired(&b), 1 << 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 7);
	assert_int_equal(fired(&b), 0); /* once a file */
	b.in.n_files = 0;
	give_file(&b, "", "x"); /* no name: nothing is true of it */
	b.in.files[0].ended = true;
	assert_int_equal(fired(&b), 0);
	bench_close(&b);
}

static void
test_file_magic(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		   FILE_RULE("filemagic:\"pdf document\";", "1")
			   FILE_RULE("filemagic:!\"JPEG\";", "2") FILE_RULE(
				   "file.magic; content:\"version 1.5\";", "3")
				   FILE_RULE("filemagic:\"JPEG\";", "4"));
	file_bench(&b);
	give_file(&b, "/r", "x");
	assert_int_equal(fired(&b), 0); /* it is not known yet */
	b.in.files[0].magic = VIEW_LIT("PDF document, version 1.5");
	b.in.files[0].magic_known = b.in.files[0].fresh_magic = true;
	assert_int_equal(fired(&b), 1 << 1 | 1 << 2 | 1 << 3);
	bench_close(&b);
}

static void
test_file_size(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		   FILE_RULE("filesize:>1KB;",
			     "1") FILE_RULE("filesize:<1 kib;", "2")
			   FILE_RULE("filesize:1025;",
				     "3") FILE_RULE("filesize:1024<>1026;", "4")
				   FILE_RULE("filesize:!1025;", "5") FILE_RULE(
					   "filesize:>=2mb;", "6")
					   FILE_RULE("filesize:<=1025;", "7"));
	file_bench(&b);
	give_file(&b, "/r", "x");
	b.in.files[0].size = 1025;
	assert_int_equal(fired(&b), 1 << 1); /* the rest shows at the end */
	b.in.files[0].ended = true;
	assert_int_equal(fired(&b), 1 << 3 | 1 << 4 | 1 << 7);
	bench_close(&b);
}

/* All of a rule's words are asked of one file, and of each. */
static void
test_one_file_at_a_time(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b,
		   FILE_RULE("filename:\"a.exe\"; file.data; "
			     "content:\"MZ\";",
			     "1") FILE_RULE("filename:\"b.txt\"; file.data; "
					    "content:\"MZ\";",
					    "2"));
	file_bench(&b);
	give_file(&b, "a.exe", "MZ");
	give_file(&b, "b.txt", "text");
	b.in.files[0].ended = b.in.files[1].ended = true;
	assert_int_equal(fired(&b), 1 << 1);
	b.in.files[1].data = VIEW_LIT("no, MZ");
	assert_int_equal(fired(&b), 1 << 2);
	bench_close(&b);
}

static void
test_filestore(void **state)
{
	struct bench b;
	bool wanted[2] = { false, false };

	(void)state;
	bench_open(&b, FILE_RULE("filename:\"a\"; filestore;", "1") FILE_RULE(
			       "filename:\"b\"; filestore:both,flow;", "2")
			       FILE_RULE("filename:\"b\"; "
					 "filestore:request,tx;",
					 "3") FILE_RULE("filename:\"b\"; "
							"filestore:request;",
							"4"));
	file_bench(&b);
	assert_int_equal(fired(&b), 0); /* there is no file */
	give_file(&b, "a", "x");
	give_file(&b, "c", "x");
	b.in.files[0].wanted = &wanted[0];
	b.in.files[1].wanted = &wanted[1];
	assert_int_equal(fired(&b), 1 << 1);
	assert_true(wanted[0] && !wanted[1]);
	b.in.files[1].name = VIEW_LIT("b");
	assert_int_equal(fired(&b), 1 << 2 | 1 << 3 | 1 << 4);
	assert_false(wanted[1]); /* it is a response, and 4 stores requests */
	assert_true(b.in.store.flow[0] && b.in.store.flow[1]);
	assert_true(b.in.store.tx[0] && !b.in.store.tx[1]);
	assert_int_equal(ruleset_file_needs(b.rs), RULES_NEED_STORE);
	bench_close(&b);
}

static const uint8_t sum_of_abc[16] = { 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2,
					0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d,
					0x28, 0xe1, 0x7f, 0x72 };

static void
write_text(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void
test_file_digests(void **state)
{
	static const char list[] = "/tmp/picket-digests.list";
	struct bench b;
	struct diag d = { "" };
	struct ruleset *rs;

	(void)state;
	/* beside the rule file, which is in /tmp */
	write_text(list, "# known\n\n"
			 "900150983CD24FB0D6963F7D28E17F72  abc.txt\n"
			 "00000000000000000000000000000000\n");
	bench_open(&b, FILE_RULE("filemd5:picket-digests.list;", "1") FILE_RULE(
			       "filemd5:!picket-digests.list;", "2")
			       FILE_RULE("filemd5:/tmp/picket-digests.list; "
					 "filename:\"z\";",
					 "3"));
	assert_int_equal(ruleset_file_needs(b.rs), RULES_NEED_MD5);
	file_bench(&b);
	give_file(&b, "a", "abc");
	assert_int_equal(fired(&b), 0); /* not known yet */
	b.in.files[0].ended = b.in.files[0].whole = true;
	b.in.files[0].digest[INSPECT_MD5] = sum_of_abc;
	assert_int_equal(fired(&b), 1 << 1);
	bench_close(&b);

	write_text(list, "900150983cd24fb0d6963f7d28e17f72\n900150\n");
	rs = rules_of(NULL,
		      FILE_RULE("filemd5:picket-digests.list;", "1") FILE_RULE(
			      "filesha1:picket-digests.list;", "2")
			      FILE_RULE("filesha256:no-such.list;", "3")
				      FILE_RULE("filestore:up;", "4")
					      FILE_RULE("filesize:x;", "5"),
		      &d);
	assert_non_null(rs);
	assert_int_equal(ruleset_count(rs), 0);
	assert_int_equal(ruleset_report(rs)->n_problems, 5);
	assert_non_null(strstr(ruleset_report(rs)->problems[0].reason,
			       "filemd5: /tmp/picket-digests.list:2: "));
	assert_non_null(strstr(ruleset_report(rs)->problems[1].reason,
			       "filesha1: /tmp/picket-digests.list:1: "));
	assert_non_null(strstr(ruleset_report(rs)->problems[2].reason,
			       "filesha256: /tmp/no-such.list: "));
	ruleset_free(rs);
	remove(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_grows),
		cmocka_unit_test(test_file_name),
		cmocka_unit_test(test_file_magic),
		cmocka_unit_test(test_file_size),
		cmocka_unit_test(test_one_file_at_a_time),
		cmocka_unit_test(test_filestore),
		cmocka_unit_test(test_file_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
