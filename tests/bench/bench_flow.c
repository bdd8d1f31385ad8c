/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_flow - what finding a packet's flow costs, and what a flow weighs
 *
 *	bench_flow [FLOWS...]
 *
 * Opens that many TCP connections (1k, 100k, 1M and 4M by default), each with
 * its handshake, then sends packets of connections drawn at random, both ways.
 * "as they come": flow_find() alone.  "looking ahead": the hash is computed,
 * and hints given, some packets before.  Making up the packets is measured by
 * itself and taken off.  Cycles are CPU time by the clock rate that a chain of
 * additions shows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sensor/stream.h"

#define PACKETS ((uint32_t)1 << 22)
#define RUNS 3
#define AHEAD 32 /* packets to a batch */
#define T0 (UINT64_C(1700000000) * 1000000)

/* What a frame's headers would say. */
struct tiny {
	uint8_t addrs[8]; /* source, destination */
	uint16_t sport, dport;
};

struct bench {
	struct pool *pool;
	struct flow_table *flows;
	struct stream_ctx *streams;
	struct tiny *packets;
	uint64_t ts_us;
	uint64_t found;
};

static double
cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *why)
{
	fprintf(stderr, "bench_flow: %s\n", why);
	exit(1);
}

/* Additions that wait for each other take a cycle each. */
static double
clock_ghz(void)
{
	double best = 1e9;

	for (unsigned r = 0; r < 5; r++) {
		uint64_t x = r;
		double t = cpu_s();

		for (unsigned i = 0; i < 50000000; i++) {
			__asm__ volatile("" : "+r"(x));
			x += i;
		}
		__asm__ volatile("" : "+r"(x));
		t = cpu_s() - t;
		best = MIN(best, t);
	}
	return 50000000 / best / 1e9;
}

static uint64_t
draw(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static struct tiny
packet_of(uint32_t flow, bool back)
{
	uint32_t client = 0x0a000000 + flow * UINT32_C(2654435761) % 0xffffff;
	uint32_t server = 0xc0a80000 + (flow >> 8);
	uint16_t port = (uint16_t)(1024 + flow * 40503u % 60000);
	struct tiny t;

	store_be32(t.addrs + (back ? 4 : 0), client);
	store_be32(t.addrs + (back ? 0 : 4), server);
	t.sport = back ? 443 : port;
	t.dport = back ? port : 443;
	return t;
}

static inline void
make(const struct tiny *t, struct packet *pkt)
{
	pkt->src = addr_from_v4(t->addrs);
	pkt->dst = addr_from_v4(t->addrs + 4);
	pkt->sport = t->sport;
	pkt->dport = t->dport;
	pkt->flow_hash = 0;
}

static void
begin_packet(struct packet *pkt, const struct frame *f)
{
	memset(pkt, 0, sizeof(*pkt));
	pkt->frame = f;
	pkt->ip_version = 4;
	pkt->proto = IPP_TCP;
	pkt->tcp_flags = TCP_ACK;
	pkt->tcp_window = 65535;
	pkt->tcp_wscale = 0xff;
}

/* The three packets that open a connection. */
static void
open_connection(struct bench *b, uint32_t flow)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	struct frame frame = { .ts_us = b->ts_us, .wirelen = 60 };
	struct packet pkt;
	struct stream_chunk c;

	for (unsigned i = 0; i < 3; i++) {
		struct tiny t = packet_of(flow, i == 1);
		enum flow_dir dir;
		struct flow *f;

		begin_packet(&pkt, &frame);
		make(&t, &pkt);
		pkt.tcp_flags = flags[i];
		pkt.tcp_seq = i == 0 ? 100 : i == 1 ? 500 : 101;
		pkt.tcp_ack = i == 0 ? 0 : i == 1 ? 101 : 501;
		f = flow_find(b->flows, &pkt, &dir);
		if (f == NULL) {
			die("no room for a flow");
		}
		stream_packet(b->streams, b->flows, f, &pkt, dir);
		while (stream_next(b->streams, f, &c)) {
		}
	}
	b->ts_us++;
}

static void
make_only(struct bench *b)
{
	struct frame frame = { .ts_us = b->ts_us, .wirelen = 60 };
	struct packet pkt;

	begin_packet(&pkt, &frame);
	for (uint32_t i = 0; i < PACKETS; i++) {
		make(&b->packets[i], &pkt);
		__asm__ volatile("" : : "r"(&pkt) : "memory");
	}
}

static void
as_they_come(struct bench *b)
{
	struct frame frame = { .ts_us = b->ts_us, .wirelen = 60 };
	struct packet pkt;
	enum flow_dir dir;

	begin_packet(&pkt, &frame);
	for (uint32_t i = 0; i < PACKETS; i++) {
		make(&b->packets[i], &pkt);
		b->found += flow_find(b->flows, &pkt, &dir)->pkts[dir] > 0;
	}
}

static void
looking_ahead(struct bench *b)
{
	struct frame frame = { .ts_us = b->ts_us, .wirelen = 60 };
	struct packet pkt[AHEAD];
	enum flow_dir dir;

	for (unsigned j = 0; j < AHEAD; j++) {
		begin_packet(&pkt[j], &frame);
	}
	for (uint32_t i = 0; i < PACKETS; i += AHEAD) {
		for (unsigned j = 0; j < AHEAD; j++) {
			make(&b->packets[i + j], &pkt[j]);
		}
		flow_ahead_bucket(b->flows, pkt, AHEAD);
		flow_ahead_record(b->flows, pkt, AHEAD);
		for (unsigned j = 0; j < AHEAD; j++) {
			b->found +=
				flow_find(b->flows, &pkt[j], &dir)->pkts[dir] >
				0;
		}
	}
}

static double
best_of(struct bench *b, void (*pass)(struct bench *b))
{
	double best = 1e9;

	for (unsigned r = 0; r < RUNS; r++) {
		double t = cpu_s();

		pass(b);
		t = cpu_s() - t;
		best = MIN(best, t);
	}
	return best;
}

/* Pages that are there now. */
static double
resident_mb(void)
{
	unsigned long all, here = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &all, &here) != 2) {
		here = 0;
	}
	if (f != NULL) {
		fclose(f);
	}
	return (double)here * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void
run(struct bench *b, const struct conf *conf, uint32_t n_flows, double ghz)
{
	double per = ghz * 1e9 / PACKETS, made, plain, ahead, opened;
	double before = resident_mb();
	uint64_t x = 88172645463325252;
	size_t empty;

	b->pool = pool_new((size_t)8 << 30);
	b->flows = b->pool != NULL ? flow_table_new(conf, b->pool) : NULL;
	b->streams = b->pool != NULL ? stream_ctx_new(conf, b->pool) : NULL;
	if (b->flows == NULL || b->streams == NULL) {
		die("out of memory");
	}
	empty = pool_in_use(b->pool);
	b->ts_us = T0;
	opened = cpu_s();
	for (uint32_t i = 0; i < n_flows; i++) {
		open_connection(b, i);
	}
	opened = cpu_s() - opened;
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint64_t r = draw(&x);

		b->packets[i] =
			packet_of((uint32_t)((r >> 8) % n_flows), r & 1);
	}
	made = best_of(b, make_only);
	plain = best_of(b, as_they_come) - made;
	ahead = best_of(b, looking_ahead) - made;
	printf("%10u %14.0f %14.0f %12.0f %12.0f %12.0f\n", n_flows,
	       plain * per, ahead * per, opened * ghz * 1e9 / n_flows,
	       (double)(pool_in_use(b->pool) - empty) / n_flows,
	       resident_mb() - before);
	fflush(stdout);
	for (struct flow *f; (f = flow_expire(b->flows, 0, true)) != NULL;) {
		stream_free(b->streams, f);
		flow_release(b->flows, f);
	}
	stream_ctx_free(b->streams);
	flow_table_free(b->flows);
	pool_free(b->pool);
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = { "1000", "100000", "1000000",
					     "4000000" };
	struct conf *conf = conf_new();
	struct bench b = { .packets = calloc(PACKETS, sizeof(*b.packets)) };
	int n = argc > 1 ? argc - 1 : (int)ARRAY_LEN(usual);
	double ghz = clock_ghz();

	if (conf == NULL || b.packets == NULL ||
	    conf_set(conf, "flow.memcap", "2gb") != ERR_OK ||
	    conf_set(conf, "stream.memcap", "4gb") != ERR_OK ||
	    conf_set(conf, "flow-timeouts.tcp.established", "100000") !=
		    ERR_OK) {
		die("out of memory");
	}
	memset(b.packets, 0, PACKETS * sizeof(*b.packets));
	printf("%.2f GHz\n%10s %14s %14s %12s %12s %12s\n", ghz, "flows",
	       "as they come", "looking ahead", "to open", "bytes", "resident");
	printf("%10s %14s %14s %12s %12s %12s\n", "", "cycles/packet",
	       "cycles/packet", "cycles/flow", "a TCP flow", "MB");
	for (int i = 0; i < n; i++) {
		run(&b, conf,
		    (uint32_t)strtoul(argc > 1 ? argv[i + 1] : usual[i], NULL,
				      10),
		    ghz);
	}
	free(b.packets);
	conf_free(conf);
	return 0;
}
