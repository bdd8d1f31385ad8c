/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"

#include <string.h>
#include <unistd.h>

#include "tests/test.h"

enum { LONG = 9000 };

/* A document longer than any log line, and what stood on standard error. */
static size_t
written(enum log_level level, bool json, char *out, size_t cap)
{
	static char doc[LONG + 1];
	int kept = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	memset(doc, 'x', LONG);
	memcpy(doc, "{\"a\":\"", 6);
	memcpy(doc + LONG - 2, "\"}", 2);
	assert_int_equal(0, pipe(ends));
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_init("test", level, json);
	log_document("stats", doc, LONG);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(ends[1]);
	n = read(ends[0], out, cap);
	close(ends[0]);
	close(kept);
	assert_true(n > 0);
	return (size_t)n;
}

static void
test_a_document_is_whole(void **state)
{
	static char out[2 * LONG];
	size_t n = written(LOG_WARN, false, out, sizeof(out));

	(void)state;
	assert_int_equal(LONG + 1, n);
	assert_memory_equal("{\"a\":\"xxx", out, 9);
	assert_memory_equal("x\"}\n", out + n - 4, 4);
}

static void
test_a_document_in_the_json_log(void **state)
{
	static const char head[] = "{\"timestamp\":\"";
	static char out[2 * LONG];
	size_t n = written(LOG_INFO, true, out, sizeof(out));

	(void)state;
	assert_memory_equal(head, out, sizeof(head) - 1);
	assert_memory_equal("x\"}}\n", out + n - 5, 5);
	out[n - 1] = '\0';
	assert_non_null(strstr(out, "\"level\":\"info\",\"stats\":{\"a\":\""));
	assert_null(strchr(out, '\n'));
}

/* What partners and attackers name steers no terminal. */
static void
test_what_steers_is_escaped(void **state)
{
	char out[512] = "";
	int kept = dup(STDERR_FILENO), ends[2];

	(void)state;
	assert_int_equal(0, pipe(ends));
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_init("test", LOG_INFO, false);
	log_warn("%s", "caf\xc3\xa9 \x1b[2J \xc2\x9b"
		       "2J \xe2\x80\xaegpj.exe\xe2\x81\xa6 \xe2\x80\xa6");
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	close(ends[1]);
	assert_true(read(ends[0], out, sizeof(out) - 1) > 0);
	close(ends[0]);
	close(kept);
	assert_non_null(strstr(out, "caf\xc3\xa9 \\x1b[2J \\xc2\\x9b"
				    "2J \\xe2\\x80\\xaegpj.exe\\xe2\\x81\\xa6"
				    " \xe2\x80\xa6"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_document_is_whole),
		cmocka_unit_test(test_a_document_in_the_json_log),
		cmocka_unit_test(test_what_steers_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
