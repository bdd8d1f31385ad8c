/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge_captures - many small captures to one large one, for benchmarks
 *
 *	merge_captures OUT.pcap MEGABYTES PATH...
 *
 * Takes the Ethernet frames of all captures that can be read, over and over,
 * until OUT has the size.  Each time round, IPv4 addresses are moved to other
 * networks and time goes on, so that every round has flows of its own; their
 * checksums are then wrong, and the benchmark does not ask for them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sensor/capture.h"

#define LINKTYPE_ETHERNET 1
#define FILE_CAP ((size_t)1 << 20) /* of one capture: no single one rules */
#define ROUNDS_MAX 200

struct merge {
	FILE *out;
	uint64_t limit, written, frames;
	uint64_t base_us; /* where the next capture begins in time */
	unsigned round;
};

static void
put(struct merge *m, const void *p, size_t n)
{
	if (fwrite(p, 1, n, m->out) != n) {
		perror("merge_captures");
		exit(1);
	}
	m->written += n;
}

static void
put_header(struct merge *m)
{
	uint8_t h[24] = { 0 };

	store_le32(h, 0xa1b2c3d4);
	h[4] = 2;
	h[6] = 4;
	store_le32(h + 16, 262144);
	store_le32(h + 20, LINKTYPE_ETHERNET);
	put(m, h, sizeof(h));
}

static void
put_frame(struct merge *m, const struct frame *f, uint64_t ts_us)
{
	uint8_t h[16], head[34];
	size_t n = f->caplen < sizeof(head) ? f->caplen : sizeof(head);

	store_le32(h, (uint32_t)(ts_us / 1000000));
	store_le32(h + 4, (uint32_t)(ts_us % 1000000));
	store_le32(h + 8, f->caplen);
	store_le32(h + 12, f->wirelen);
	memcpy(head, f->data, n);
	if (n == sizeof(head) && load_be16(head + 12) == 0x0800) {
		head[26] = (uint8_t)(head[26] + m->round);
		head[30] = (uint8_t)(head[30] + m->round);
	}
	put(m, h, sizeof(h));
	put(m, head, n);
	put(m, f->data + n, f->caplen - n);
	m->frames++;
}

static void
add_capture(struct merge *m, const char *path, struct batch_frames *b)
{
	struct capture *c;
	struct diag d;
	uint64_t first = 0, last = 0, taken = 0;
	bool any = false;

	if (capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		return;
	}
	while (taken < FILE_CAP && m->written < m->limit &&
	       capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			const struct frame *f = &b->frame[i];

			if (f->linktype != LINKTYPE_ETHERNET) {
				continue;
			}
			first = any ? first : f->ts_us;
			any = true;
			/* Some captures jump by years. */
			if (f->ts_us >= first &&
			    f->ts_us - first < 3600 * UINT64_C(1000000)) {
				last = f->ts_us - first;
			}
			put_frame(m, f, m->base_us + last);
			taken += f->caplen;
		}
	}
	m->base_us += last;
	capture_close(c);
}

int
main(int argc, char **argv)
{
	struct batch_frames *b = batch_frames_new();
	struct merge m = { .base_us = UINT64_C(1700000000000000) };

	if (argc < 4 || b == NULL) {
		fputs("usage: merge_captures OUT.pcap MEGABYTES PATH...\n",
		      stderr);
		return 2;
	}
	m.out = fopen(argv[1], "wb");
	m.limit = strtoull(argv[2], NULL, 10) * 1000000;
	if (m.out == NULL) {
		perror(argv[1]);
		return 1;
	}
	put_header(&m);
	for (; m.round < ROUNDS_MAX && m.written < m.limit; m.round++) {
		uint64_t before = m.written;

		for (int i = 3; i < argc; i++) {
			add_capture(&m, argv[i], b);
		}
		if (m.written == before) {
			break;
		}
	}
	batch_frames_free(b);
	if (fclose(m.out) != 0 || m.frames == 0) {
		fputs("merge_captures: nothing was merged\n", stderr);
		return 1;
	}
	printf("%s: %llu frames, %.1f MB, each capture %u times\n", argv[1],
	       (unsigned long long)m.frames, (double)m.written / 1e6, m.round);
	return 0;
}
