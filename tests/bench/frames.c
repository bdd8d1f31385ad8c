/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/frames.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "tests/bench/measure.h"

#define HEADS 54 /* Ethernet, IPv4, TCP */
#define SLACK 64

struct frames *
frames_new(uint32_t n_talks, uint16_t port, size_t mean_bytes)
{
	struct frames *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		bench_die("frames", "out of memory");
	}
	f->n_talks = n_talks;
	f->port = port;
	f->cap = FRAMES_MAX * (mean_bytes + HEADS) + FRAME_BYTES + SLACK;
	f->bytes = malloc(f->cap);
	f->seq[0] = malloc(n_talks * sizeof(uint32_t));
	f->seq[1] = malloc(n_talks * sizeof(uint32_t));
	if (f->bytes == NULL || f->seq[0] == NULL || f->seq[1] == NULL) {
		bench_die("frames", "out of memory");
	}
	memset(f->bytes, 0, f->cap);
	for (uint32_t i = 0; i < n_talks; i++) {
		f->seq[0][i] = i * 7919 + 1;
		f->seq[1][i] = i * 104729 + 1;
	}
	f->now_us = UINT64_C(1700000000000000);
	f->step_us = 1;
	return f;
}

void
frames_free(struct frames *f)
{
	if (f != NULL) {
		free(f->bytes);
		free(f->seq[0]);
		free(f->seq[1]);
		free(f);
	}
}

void
frames_reset(struct frames *f)
{
	f->n = 0;
	f->used = 0;
}

bool
frames_full(const struct frames *f)
{
	return f->n == FRAMES_MAX || f->used + FRAME_BYTES + SLACK > f->cap;
}

static void
put_be16(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static void
put_be32(uint8_t *p, uint32_t x)
{
	put_be16(p, x >> 16);
	put_be16(p + 2, x);
}

static uint32_t
sum16(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		sum += load_be16(p + i);
	}
	if (n % 2 != 0) {
		sum += (uint32_t)p[n - 1] << 8;
	}
	return sum;
}

static uint32_t
folded(uint32_t sum)
{
	while (sum >> 16 != 0) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ~sum & 0xffff;
}

void
frames_put(struct frames *f, uint32_t talk, unsigned sender, uint8_t tcp_flags,
	   struct view payload)
{
	uint8_t *p = f->bytes + f->used, *ip = p + 14, *tcp = p + 34;
	size_t len = MIN(payload.len, (size_t)(FRAME_BYTES - HEADS));
	/* Sixteen million clients of 256 servers, and their ports. */
	uint32_t client = 0x0a000000 | (talk & 0xffffff);
	uint32_t server = 0xc6120000 | (talk * 2654435761u >> 24);
	uint32_t cport = 1024 + (talk >> 24) * 64 + talk % 50000;

	memset(p, 0, HEADS);
	p[0] = p[6] = 2;
	p[5] = (uint8_t)sender;
	p[11] = (uint8_t)!sender;
	put_be16(p + 12, 0x0800);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint32_t)(len + 40));
	put_be16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = IPP_TCP;
	put_be32(ip + 12, sender == 0 ? client : server);
	put_be32(ip + 16, sender == 0 ? server : client);
	put_be16(ip + 10, folded(sum16(ip, 20, 0)));
	put_be16(tcp, sender == 0 ? cport : f->port);
	put_be16(tcp + 2, sender == 0 ? f->port : cport);
	put_be32(tcp + 4, f->seq[sender][talk]);
	if ((tcp_flags & TCP_ACK) != 0) {
		put_be32(tcp + 8, f->seq[!sender][talk]);
	}
	tcp[12] = 0x50;
	tcp[13] = tcp_flags;
	put_be16(tcp + 14, 65000);
	memcpy(p + HEADS, payload.p, len);
	put_be16(tcp + 16,
		 folded(sum16(
			 tcp, len + 20,
			 sum16(ip + 12, 8, (uint32_t)(IPP_TCP + len + 20)))));
	f->seq[sender][talk] += (uint32_t)len + ((tcp_flags & TCP_SYN) != 0);
	f->v[f->n++] = (struct frame){
		.data = p,
		.caplen = (uint32_t)(len + HEADS),
		.wirelen = (uint32_t)(len + HEADS),
		.ts_us = f->now_us += f->step_us,
		.number = ++f->number,
		.linktype = 1,
	};
	f->used += (len + HEADS + 63) & ~(size_t)63;
}

void
frames_open(struct frames *f, uint32_t talk, unsigned step)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };

	frames_put(f, talk, step == 1, flags[step], VIEW_LIT(""));
}
