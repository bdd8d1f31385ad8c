/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index as a failing disk may leave it: a segment and its list.  It opens,
 * answers, takes more in and merges; what is damaged is refused, and what comes
 * in afterwards is found again.
 *
 *   first byte: how many of the rest are the list; behind them the segment
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/retro_index.h"
#include "sensor/retro_seg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned seed);

static char dir[64];

/* Makes checksums right after two of three mutations: head, fence,
 * blocks; or nothing behind them would be reached. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	size_t at, n_blocks;
	uint64_t sum;
	uint8_t *s;

	size = LLVMFuzzerMutate(data, size, max);
	if (seed % 3 == 0 || size < 1) {
		return size;
	}
	at = 1 + MIN((size_t)data[0], size - 1);
	s = data + at;
	if (size - at < RETRO_SEG_HEAD) {
		return size;
	}
	n_blocks = (size - at - RETRO_SEG_HEAD) / RETRO_BLOCK;
	for (size_t i = 0; i < n_blocks; i++) {
		uint8_t *b = s + RETRO_SEG_HEAD + i * RETRO_BLOCK;

		sum = XXH3_64bits(b + 8, RETRO_BLOCK - 8);
		memcpy(b, &sum, 8);
	}
	at = RETRO_SEG_HEAD + n_blocks * RETRO_BLOCK;
	sum = XXH3_64bits(s + at, MIN(n_blocks * sizeof(struct retro_fence),
				      size - (size_t)(s - data) - at));
	memcpy(s + 40, &sum, 8);
	sum = XXH3_64bits(s, 48);
	memcpy(s + 48, &sum, 8);
	return size;
}

static void
write_file(const char *name, const uint8_t *data, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
		abort();
	}
	close(fd);
}

static void
clear(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (dir[0] != '\0' && system(cmd) != 0) {
		abort();
	}
}

static void
use(struct retro_index *x)
{
	struct retro_past p = { 0 };
	struct cidr all = { .bits = 0 };

	retro_index_find_net(x, &all, &p);
	for (uint32_t i = 1; i <= 3; i++) {
		struct retro_entry e = { .kind = INDICATOR_DOMAIN,
					 .first_s = i,
					 .last_s = i,
					 .count = 1 };

		memset(e.key, (int)i, sizeof(e.key));
		retro_index_add(x, &e);
		if (retro_index_flush(x) != ERR_OK) {
			abort();
		}
	}
	while (retro_index_work(x, clock_mono_us())) {
		continue;
	}
	for (uint32_t i = 1; i <= 3; i++) {
		uint8_t key[RETRO_KEY_LEN];

		memset(key, (int)i, sizeof(key));
		p = (struct retro_past){ 0 };
		retro_index_find(x, INDICATOR_DOMAIN, key, &p);
		if (!p.found && !p.cut) {
			abort();
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct retro_index_conf c = { .dir = dir, .table = 16 };
	struct retro_index *x;
	size_t list;

	if (size < 1) {
		return 0;
	}
	list = MIN((size_t)data[0], size - 1);
	log_init("fuzz", LOG_ERR, false);
	strcpy(dir, "/tmp/picket-fuzz.XXXXXX");
	if (mkdtemp(dir) == NULL) {
		abort();
	}
	if (list > 0) {
		write_file("manifest", data + 1, list);
	}
	write_file("0000000000000001.seg", data + 1 + list, size - 1 - list);
	if (retro_index_open(&x, &c, NULL) != ERR_OK) {
		abort();
	}
	use(x);
	retro_index_close(x);
	clear();
	return 0;
}
