/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash that is worked out from a frame's bytes, some frames ahead, is the
 * one by which the decoded packet's flow is found.
 */
#include "tests/test.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "sensor/capture.h"
#include "sensor/worker_ahead.c"

struct parts {
	struct pool *pool;
	struct decoder *decoder;
	struct flow_table *flows;
	unsigned long ordinary, others;
};

static void
check_frame(struct parts *p, struct frame *f)
{
	struct packet pkts[FRAME_MAX_PACKETS];
	uint64_t ahead;

	f->shape = decode_peek(f);
	ahead = hash_of(flow_keying(p->flows), f);
	if (ahead == 0) {
		p->others++;
		return;
	}
	assert_true(decode_frame(p->decoder, f, pkts) > 0);
	if ((pkts[0].flags & (PKT_BROKEN | PKT_FRAGMENT)) == 0) {
		assert_true(ahead == flow_hash(p->flows, &pkts[0]));
		p->ordinary++;
	}
}

static void
check_capture(struct parts *p, const char *path)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c = NULL;
	struct diag d;

	assert_non_null(b);
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	while (capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			check_frame(p, &b->frame[i]);
		}
	}
	capture_close(c);
	batch_frames_free(b);
}

static void
test_hash_is_the_tables(void **state)
{
	const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	struct conf *conf = conf_new();
	struct parts p = { .pool = pool_new((size_t)64 << 20) };
	char captures[PATH_MAX];
	glob_t found;

	(void)state;
	p.decoder = decoder_new(conf, p.pool);
	p.flows = flow_table_new(conf, p.pool);
	assert_non_null(p.decoder);
	assert_non_null(p.flows);
	snprintf(captures, sizeof(captures), "%s/pcaps/*.pcap", top);
	assert_int_equal(glob(captures, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		check_capture(&p, found.gl_pathv[i]);
	}
	assert_true(p.ordinary > 1000);
	assert_true(p.others > 0);
	globfree(&found);
	flow_table_free(p.flows);
	decoder_free(p.decoder);
	pool_free(p.pool);
	conf_free(conf);
}

/* Both versions of IP, with a VLAN tag and without. */
static void
test_forms(void **state)
{
	static const uint8_t v6[40] = { 0x60, 0, 0,    0,    0,    8,   17,
					64,   1, 0x20, 0x01, 0x0d, 0xb8 };
	static const uint8_t v4[20] = { 0x45, 0, 0,  28, 0, 0, 0,  0, 64, 17,
					0,    0, 10, 0,  0, 1, 10, 0, 0,  2 };
	struct conf *conf = conf_new();
	struct parts p = { .pool = pool_new((size_t)64 << 20) };

	(void)state;
	p.decoder = decoder_new(conf, p.pool);
	p.flows = flow_table_new(conf, p.pool);
	for (unsigned form = 0; form < 4; form++) {
		bool tag = (form & 1) != 0, six = (form & 2) != 0;
		uint8_t data[128] = { 0 };
		size_t n = 12;
		struct frame f = { .data = data, .linktype = 1, .number = 1 };

		if (tag) {
			store_be16(data + n, 0x8100);
			store_be16(data + n + 2, 0x6123);
			n += 4;
		}
		store_be16(data + n, six ? 0x86dd : 0x0800);
		n += 2;
		memcpy(data + n, six ? v6 : v4, six ? 40 : 20);
		n += six ? 40 : 20;
		store_be16(data + n, 1234 + form);
		store_be16(data + n + 2, 53);
		store_be16(data + n + 4, 8);
		f.caplen = f.wirelen = (uint32_t)(n + 8);
		check_frame(&p, &f);
	}
	assert_int_equal(p.ordinary, 4);
	flow_table_free(p.flows);
	decoder_free(p.decoder);
	pool_free(p.pool);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_is_the_tables),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
