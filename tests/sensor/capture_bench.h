/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_bench.h - captures made by hand, in a directory of their own
 *
 * A test includes it once: 'dir' is its own.
 */
#ifndef TESTS_SENSOR_CAPTURE_BENCH_H
#define TESTS_SENSOR_CAPTURE_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "tests/test.h"

#define FILE_CAP ((size_t)4 << 20)

static char dir[64];

struct bytes {
	uint8_t *p;
	size_t len;
	bool big; /* byte order of what is put */
};

static inline void
put(struct bytes *b, const void *p, size_t n)
{
	assert_true(b->len + n <= FILE_CAP);
	memcpy(b->p + b->len, p, n);
	b->len += n;
}

static inline void
put32(struct bytes *b, uint32_t v)
{
	uint8_t t[4];

	if (b->big) {
		store_be32(t, v);
	} else {
		store_le32(t, v);
	}
	put(b, t, 4);
}

static inline void
put16(struct bytes *b, uint16_t v)
{
	uint8_t t[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	if (b->big) {
		store_be16(t, v);
	}
	put(b, t, 2);
}

static inline struct bytes
bytes_new(bool big)
{
	struct bytes b = { malloc(FILE_CAP), 0, big };

	assert_non_null(b.p);
	return b;
}

static inline void
put_pcap_header(struct bytes *b, uint32_t magic, uint32_t snaplen,
		uint32_t linktype)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put32(b, 0);
	put32(b, 0);
	put32(b, snaplen);
	put32(b, linktype);
}

static inline void
put_filler(struct bytes *b, size_t n, uint8_t with)
{
	assert_true(b->len + n <= FILE_CAP);
	memset(b->p + b->len, with, n);
	b->len += n;
}

static inline void
put_pcap_record(struct bytes *b, uint32_t sec, uint32_t frac, uint32_t cap,
		uint32_t wire, uint8_t with)
{
	put32(b, sec);
	put32(b, frac);
	put32(b, cap);
	put32(b, wire);
	put_filler(b, cap, with);
}

static inline const char *
write_file(const char *name, const void *p, size_t n)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	return path;
}

static inline int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_capture.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static inline int
remove_dir(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

#endif
