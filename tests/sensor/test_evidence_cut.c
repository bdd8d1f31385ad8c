/* SPDX-License-Identifier: Apache-2.0 */
/* One flow out of files: both directions, up to a bound, and past damage. */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/evidence_cut.h"

#define SNAPLEN 256
#define RAW_IP 101
#define UDP_BYTES 28
#define START_S UINT32_C(1795380000)

static char dir[] = "/tmp/picket-cut.XXXXXX";
static int dir_fd;

/* A UDP datagram without payload, from host and port to host and port. */
static void
put(FILE *f, uint32_t s, uint8_t from, uint16_t sport, uint8_t to,
    uint16_t dport)
{
	const uint32_t head[4] = { s, 5, UDP_BYTES, UDP_BYTES };
	uint8_t p[UDP_BYTES] = { 0x45, 0, 0, UDP_BYTES, 0, 0, 0, 0, 64, 17 };

	p[12] = p[16] = 192;
	p[14] = p[18] = 2;
	p[15] = from;
	p[19] = to;
	p[20] = (uint8_t)(sport >> 8);
	p[21] = (uint8_t)sport;
	p[22] = (uint8_t)(dport >> 8);
	p[23] = (uint8_t)dport;
	p[25] = 8;
	fwrite(head, sizeof(head), 1, f);
	fwrite(p, sizeof(p), 1, f);
}

static FILE *
begin(const char *name)
{
	const uint32_t head[6] = { 0xa1b23c4d, 4U << 16 | 2, 0,
				   0,          SNAPLEN,      RAW_IP };
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(head, sizeof(head), 1, f);
	return f;
}

/* Asks the files 1, 2 and one that is gone; port 7 of .1 with port 9 of .2. */
static struct evidence_cut_result
cut(struct evidence_cut *c, uint64_t max_bytes)
{
	struct evidence_ask a = {
		.id = "x",
		.port = { 7, 9 },
		.proto = 17,
		.from_us = START_S * US_PER_S,
		.to_us = (START_S + 100000) * US_PER_S,
		.max_bytes = max_bytes,
	};
	char(*names)[EVIDENCE_NAME_CAP] = calloc(3, sizeof(*names));
	enum err e;

	assert_non_null(names);
	assert_true(addr_parse(VIEW_LIT("192.0.2.1"), &a.host[0]));
	assert_true(addr_parse(VIEW_LIT("192.0.2.2"), &a.host[1]));
	memcpy(names[0], "1", 2);
	memcpy(names[1], "gone", 5);
	memcpy(names[2], "2", 2);
	evidence_cut_begin(c, &a, dir_fd, names, 3);
	do {
		e = evidence_cut_step(c);
	} while (e == ERR_AGAIN);
	assert_int_equal(e, ERR_OK);
	return evidence_cut_result(c);
}

static int
make_files(void **state)
{
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f = begin("1");
	put(f, START_S - 1, 1, 7, 2, 9); /* too early */
	put(f, START_S, 1, 7, 2, 9);
	put(f, START_S, 2, 9, 1, 7); /* the other way */
	put(f, START_S, 1, 9, 2, 7); /* ports the wrong way round */
	put(f, START_S, 1, 7, 3, 9);
	fwrite("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	       "\xff",
	       16, 1, f); /* damaged from here on */
	put(f, START_S, 1, 7, 2, 9);
	fclose(f);
	f = begin("2");
	for (unsigned i = 0; i < 2000; i++) {
		put(f, START_S + i, 1, 7, 2, 9);
	}
	fclose(f);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	unlinkat(dir_fd, "1", 0);
	unlinkat(dir_fd, "2", 0);
	close(dir_fd);
	return rmdir(dir);
}

static void
packets_of_the_flow_alone(void **state)
{
	struct evidence_cut *c = evidence_cut_new(SNAPLEN);
	struct evidence_cut_result r;

	(void)state;
	assert_non_null(c);
	r = cut(c, EVIDENCE_ASK_MAX);
	assert_int_equal(r.packets, 2002);
	assert_int_equal(r.files, 2);
	assert_int_equal(r.damaged, 1);
	assert_false(r.cut);
	/* section, interface, and each packet in a block */
	assert_int_equal(r.file.len, 28 + 32 + 2002 * (32 + UDP_BYTES));
	/* and again, with less room */
	r = cut(c, EVIDENCE_ASK_LEAST);
	assert_true(r.cut);
	assert_true(r.file.len <= EVIDENCE_ASK_LEAST);
	assert_int_equal(r.packets, (r.file.len - 60) / (32 + UDP_BYTES));
	evidence_cut_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_of_the_flow_alone),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
