/* SPDX-License-Identifier: Apache-2.0 */
/* SSH version lines and key exchanges as literal bytes, whole and in pieces. */
#include "tests/sensor/app_case.h"

#include "sensor/fill_ssh.h"
#include "sensor/log_ssh.h"

static int
setup(void **state)
{
	app_case_flow(IPP_TCP, 40000, 22);
	return app_case_setup(state);
}

static void
send(enum flow_dir dir, const char *s)
{
	app_case_send(dir, view_cstr(s), SIZE_MAX);
}

static struct ssh_tx *
tx(void)
{
	assert_non_null(flow.app);
	assert_non_null(flow.app->txs);
	return (struct ssh_tx *)flow.app->txs;
}

static bool
has(enum event_id e)
{
	return event_set_has(&tx()->tx.events, e);
}

static void
put32(struct buf *b, uint32_t n)
{
	uint8_t v[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
			 (uint8_t)(n >> 8), (uint8_t)n };

	assert_int_equal(buf_append(b, view_of(v, 4)), 4);
}

/* A packet of RFC 4253 6 with four bytes of padding. */
static void
put_packet(struct buf *b, uint8_t message, struct view payload)
{
	uint8_t head[2] = { 4, message };

	put32(b, (uint32_t)payload.len + 6);
	buf_append(b, view_of(head, 2));
	buf_append(b, payload);
	buf_append(b, VIEW_LIT("\0\0\0\0"));
}

/* A KEXINIT whose lists are 'lists', the ten of RFC 4253 7.1. */
static void
put_kexinit(struct buf *b, const char *const lists[10])
{
	struct buf p;

	buf_init(&p, pool, 4096);
	buf_append(&p, VIEW_LIT("0123456789abcdef"));
	for (unsigned i = 0; i < 10; i++) {
		put32(&p, (uint32_t)strlen(lists[i]));
		buf_append(&p, view_cstr(lists[i]));
	}
	buf_append(&p, VIEW_LIT("\0\0\0\0\0"));
	put_packet(b, 20, buf_view(&p));
	buf_fini(&p);
}

#define CLIENT "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"
#define SERVER "SSH-1.99-dropbear\n"

static const char *const lists[10] = { "kex1,kex2", "rsa",   "c2s",  "s2c",
				       "mac-c",     "mac-s", "none", "zlib",
				       "",          "" };

static void
handshake(struct buf out[2])
{
	for (unsigned d = 0; d < 2; d++) {
		buf_init(&out[d], pool, 8192);
		buf_append(&out[d], view_cstr(d == 0 ? CLIENT : SERVER));
		put_kexinit(&out[d], lists);
		put_packet(&out[d], 30, VIEW_LIT("key"));
		put_packet(&out[d], 21, VIEW_NONE);
		buf_append(&out[d], VIEW_LIT("\xff\xff\xff\xff opaque"));
	}
}

static void
test_handshake(void **state)
{
	uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct buf bytes[2];

	(void)state;
	handshake(bytes);
	for (size_t step = 1; step < 40; step++) {
		struct inspect in = { .dir = DIR_TOSERVER };
		struct json j = { 0 };

		app_free(ctx, &flow);
		app_case_send(FLOW_TOSERVER, buf_view(&bytes[0]), step);
		assert_true(tx()->tx.done[0]);
		fill_ssh(&in, tx(), all);
		expect_text(in.buf[BUF_SSH_PROTO].v[0], "2.0");
		expect_text(in.buf[BUF_SSH_SOFTWARE].v[0], "OpenSSH_9.2p1");
		expect_text(in.buf[BUF_SSH_HASSH_STRING].v[0],
			    "kex1,kex2;c2s;mac-c;none");
		assert_false(inspect_bit(in.done, BUF_SSH_HASSH_SERVER));
		memset(&in, 0, sizeof(in));
		in.dir = DIR_TOCLIENT;
		fill_ssh(&in, tx(), all);
		assert_int_equal(in.done[0] | in.done[1], 0);
		app_case_send(FLOW_TOCLIENT, buf_view(&bytes[1]), step);
		fill_ssh(&in, tx(), all);
		expect_text(in.buf[BUF_SSH_PROTO].v[0], "1.99");
		expect_text(in.buf[BUF_SSH_HASSH_SERVER_STRING].v[0],
			    "kex1,kex2;s2c;mac-s;zlib");
		assert_true(flow.app->encrypted);
		assert_true(event_set_empty(&tx()->tx.events));
		log_ssh(&j, tx());
		expect_text(json_view(&j),
			    "\"ssh\":{\"client\":{\"proto_version\":\"2.0\","
			    "\"software_version\":\"OpenSSH_9.2p1\",\"hassh\":{"
			    "\"hash\":\"2e8f7e2136a5d47a173a846575eafb74\","
			    "\"string\":\"kex1,kex2;c2s;mac-c;none\"}},"
			    "\"server\":{\"proto_version\":\"1.99\","
			    "\"software_version\":\"dropbear\",\"hassh\":{"
			    "\"hash\":\"be2e73cea5d19ffa6364e400ad0ebc60\","
			    "\"string\":\"kex1,kex2;s2c;mac-s;zlib\"}}}");
		json_fini(&j);
	}
	buf_fini(&bytes[0]);
	buf_fini(&bytes[1]);
}

static void
test_lines(void **state)
{
	char line[400];

	(void)state;
	/* A server may talk first, RFC 4253 4.2. */
	send(FLOW_TOSERVER, "SSH-2.0-x\r\n");
	send(FLOW_TOCLIENT, "Be welcome\r\nand log in\r\nSSH-2.0-y z\r\n");
	expect_text(tx()->side[FLOW_TOCLIENT].software, "y");
	assert_true(event_set_empty(&tx()->tx.events));

	app_free(ctx, &flow);
	send(FLOW_TOSERVER, "SSH-2.0\r\n");
	assert_true(has(EV_SSH_INVALID_BANNER));
	assert_false(tx()->side[FLOW_TOSERVER].has_version);

	app_free(ctx, &flow);
	memset(line, 'x', sizeof(line));
	memcpy(line, "SSH-2.0-", 8);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	send(FLOW_TOSERVER, line);
	assert_true(has(EV_SSH_LONG_BANNER));
	assert_int_equal(tx()->side[FLOW_TOSERVER].software.len,
			 SSH_LINE_MAX - 8);
	/* SSH 1 has other packets: nothing behind its line is read. */
	app_free(ctx, &flow);
	send(FLOW_TOSERVER, "SSH-1.5-x\r\n\1\2\3\4\5\6\7\10");
	assert_true(tx()->tx.done[FLOW_TOSERVER]);
	assert_true(event_set_empty(&tx()->tx.events));
}

static void
test_bad_packets(void **state)
{
	struct buf b;
	static const char *const bad[10] = { "a", "b", "c", "d", "e",
					     "f", "g", "h", "i", "j" };

	(void)state;
	send(FLOW_TOSERVER, "SSH-2.0-x\r\n\xff\xff\xff\xff\4\24");
	assert_true(has(EV_SSH_INVALID_RECORD));
	assert_true(tx()->tx.done[FLOW_TOSERVER]);

	/* more padding than packet */
	app_free(ctx, &flow);
	app_case_send(FLOW_TOSERVER, VIEW_LIT("SSH-2.0-x\r\n\0\0\0\5\4\24"),
		      SIZE_MAX);
	assert_true(has(EV_SSH_INVALID_RECORD));

	/* a list that is longer than its packet */
	app_free(ctx, &flow);
	buf_init(&b, pool, 1024);
	buf_append(&b, VIEW_LIT("SSH-2.0-x\r\n"));
	put_kexinit(&b, bad);
	b.p[11 + 6 + 16 + 3] = 0xff;
	app_case_send(FLOW_TOSERVER, buf_view(&b), SIZE_MAX);
	buf_fini(&b);
	assert_true(has(EV_SSH_INVALID_RECORD));
	assert_false(tx()->side[FLOW_TOSERVER].has_kex);
}

static void
test_gap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, pool, 1024);
	buf_append(&b, VIEW_LIT("SSH-2.0-x\r\n"));
	put_packet(&b, 2, VIEW_LIT("ignored, some of it lost"));
	put_kexinit(&b, lists);
	app_case_send(FLOW_TOSERVER, view_sub(buf_view(&b), 0, 20), SIZE_MAX);
	app_gap(ctx, &flow, FLOW_TOSERVER, 10, 1);
	app_case_send(FLOW_TOSERVER, view_sub(buf_view(&b), 30, b.len),
		      SIZE_MAX);
	assert_true(tx()->side[FLOW_TOSERVER].has_kex);
	app_gap(ctx, &flow, FLOW_TOSERVER, 10, 1);
	assert_true(tx()->tx.done[FLOW_TOSERVER]);
	buf_fini(&b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, app_case_teardown)
	const struct CMUnitTest tests[] = {
		T(test_handshake),
		T(test_lines),
		T(test_bad_packets),
		T(test_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
