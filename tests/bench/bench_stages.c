/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_stages - packets and bits a second, stage by stage
 *
 *	bench_stages CAPTURE [RULES...]
 *
 * Each row runs the capture through one stage more than the row above, in one
 * thread, and gives the process's CPU time; the first row is the floor: the
 * same bytes through a bare read loop.  The best of three runs counts.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sensor/capture.h"
#include "sensor/worker.h"

#define RUNS 3
/* A sensor runs for days: what its traffic needs is there, not to be faulted
 * in while the clock runs. */
#define MEMORY_READY ((size_t)256 << 20)

enum stage {
	READ,
	CAPTURE,
	DECODE,
	FLOW,
	STREAM,
	WINDOWS,
	NO_RULES,
	RULES,
	STAGES
};

static const char *const names[STAGES] = { "read() loop (floor)",
					   "capture",
					   "+ decode",
					   "+ flow",
					   "+ stream",
					   "+ raw windows",
					   "whole, no rules",
					   "whole, with rules" };

struct totals {
	uint64_t packets, bytes, alerts;
};

/* What the stages before the whole pipeline need. */
struct parts {
	struct pool *pool;
	struct decoder *decoder;
	struct flow_table *flows;
	struct stream_ctx *streams;
};

static double
cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_stages: %s: %s\n", what, why);
	exit(1);
}

static void
read_loop(const char *path)
{
	static uint8_t buf[1 << 20];
	volatile uint64_t sum = 0;
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		die(path, "cannot be opened");
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i += 64) {
			sum = sum + buf[i];
		}
	}
	close(fd);
}

static void
parts_packet(struct parts *p, enum stage stage, struct packet *pkt)
{
	enum flow_dir dir;
	struct stream_chunk c;
	struct flow *f;
	bool fresh;

	if (stage < FLOW) {
		return;
	}
	f = flow_find(p->flows, pkt, &dir);
	if (stage < STREAM || f == NULL || f->proto != IPP_TCP) {
		return;
	}
	fresh = f->tcp == NULL;
	stream_packet(p->streams, p->flows, f, pkt, dir);
	if (fresh && stage < WINDOWS) {
		stream_raw_disable(p->streams, f, FLOW_TOSERVER);
		stream_raw_disable(p->streams, f, FLOW_TOCLIENT);
	}
	while (stream_next(p->streams, f, &c)) {
		stream_raw_done(p->streams, f, c.dir);
	}
}

static void
parts_expire(struct parts *p, uint64_t now_us, bool all)
{
	struct flow *f;

	while ((f = flow_expire(p->flows, now_us, all)) != NULL) {
		if (f->tcp != NULL) {
			stream_free(p->streams, f);
		}
		flow_release(p->flows, f);
	}
}

static void
run_parts(struct parts *p, enum stage stage, const struct batch_frames *b)
{
	struct packet pkts[FRAME_MAX_PACKETS];

	for (uint32_t i = 0; stage > CAPTURE && i < b->n; i++) {
		unsigned n = decode_frame(p->decoder, &b->frame[i], pkts);

		for (unsigned k = 0; k < n; k++) {
			parts_packet(p, stage, &pkts[k]);
		}
	}
	if (stage >= FLOW) {
		parts_expire(p, b->frame[b->n - 1].ts_us, false);
	}
}

static void
run_worker(struct worker *w, struct batch_frames *b, struct outbox *out,
	   struct totals *t)
{
	struct frame *v[BATCH_FRAMES];

	for (uint32_t i = 0; i < b->n; i++) {
		v[i] = &b->frame[i];
	}
	worker_frames(w, v, b->n, out);
	worker_expire(w, b->frame[b->n - 1].ts_us, b->frame[b->n - 1].number,
		      out);
	t->alerts += out->n;
	outbox_reset(out);
}

static struct worker *
make_worker(const struct conf *conf, const struct ruleset *rules)
{
	struct worker_settings set = {
		.conf = conf,
		.rules = rules,
		.origin = { "", "", "", "", "" },
		.event_types = 1u << EVENT_TYPE_ALERT,
		.memory_limit = (size_t)1 << 30,
		.memory_ready = MEMORY_READY,
	};

	return worker_new(&set);
}

/* One pass over the capture; returns CPU seconds. */
static double
run(const char *path, enum stage stage, const struct conf *conf,
    const struct ruleset *rules, struct totals *t)
{
	struct batch_frames *b = batch_frames_new();
	struct outbox *out = outbox_new();
	struct pool *pool = pool_new((size_t)1 << 30);
	bool ready = pool != NULL &&
		     (stage >= NO_RULES || pool_warm(pool, MEMORY_READY));
	struct parts p = { .pool = pool };
	struct worker *w = stage >= NO_RULES ? make_worker(conf, rules) : NULL;
	struct capture *c = NULL;
	struct diag d;
	uint64_t last_us = 0;
	double begin;
	enum err e;

	*t = (struct totals){ 0 };
	p.decoder = decoder_new(conf, pool);
	p.flows = flow_table_new(conf, pool);
	p.streams = stream_ctx_new(conf, pool);
	if (b == NULL || out == NULL || !ready || p.decoder == NULL ||
	    p.flows == NULL || p.streams == NULL ||
	    (stage >= NO_RULES && w == NULL)) {
		die(path, "out of memory");
	}
	if (capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		die(path, d.msg);
	}
	begin = cpu_s();
	if (stage == READ) {
		read_loop(path);
	}
	while (stage > READ && (e = capture_next(c, b, &d)) != ERR_EOF) {
		if (e != ERR_OK) {
			die(path, d.msg);
		}
		t->packets += b->n;
		for (uint32_t i = 0; i < b->n; i++) {
			t->bytes += b->frame[i].caplen;
		}
		last_us = b->frame[b->n - 1].ts_us;
		if (w != NULL) {
			run_worker(w, b, out, t);
		} else {
			run_parts(&p, stage, b);
		}
	}
	if (w != NULL) {
		worker_finish(w, last_us, 0, out);
		t->alerts += out->n;
	}
	begin = cpu_s() - begin;
	capture_close(c);
	worker_free(w);
	parts_expire(&p, last_us, true);
	stream_ctx_free(p.streams);
	flow_table_free(p.flows);
	decoder_free(p.decoder);
	pool_free(pool);
	outbox_free(out);
	batch_frames_free(b);
	return begin;
}

int
main(int argc, char **argv)
{
	struct conf *conf = conf_new();
	struct ruleset *none, *rules;
	struct rusage usage;
	struct totals t = { 0 };
	struct diag d;
	double begin;

	if (argc < 2 || conf == NULL) {
		fputs("usage: bench_stages CAPTURE [RULES...]\n", stderr);
		return 2;
	}
	if (conf_set(conf, "stream.checksum-validation", "no") != ERR_OK ||
	    conf_set(conf, "vars.address-groups.HOME_NET", "any") != ERR_OK ||
	    conf_set(conf, "vars.address-groups.EXTERNAL_NET", "any") !=
		    ERR_OK) {
		return 1;
	}
	none = ruleset_load(conf, NULL, 0, NULL, 0, &d);
	begin = cpu_s();
	rules = ruleset_load(conf, (const char *const *)argv + 2,
			     (size_t)argc - 2, NULL, 0, &d);
	if (none == NULL || rules == NULL) {
		die("rules", d.msg);
	}
	printf("%u rules loaded in %.2f s of CPU time\n",
	       ruleset_report(rules)->loaded, cpu_s() - begin);
	/* The packet count, for the floor's row too. */
	(void)run(argv[1], CAPTURE, conf, none, &t);
	printf("%s: %llu packets, %.1f MB\n", argv[1],
	       (unsigned long long)t.packets, (double)t.bytes / 1e6);
	printf("memory there before the clock starts: %zu MB of the "
	       "pool\n\n",
	       MEMORY_READY >> 20);
	printf("%-22s %10s %10s %10s %8s\n", "stage", "CPU s", "Mpackets/s",
	       "Gbit/s", "alerts");
	for (unsigned s = 0; s < STAGES; s++) {
		struct totals all = t;
		double best = 1e9;

		for (unsigned r = 0; r < RUNS; r++) {
			double x = run(argv[1], (enum stage)s, conf,
				       s == RULES ? rules : none, &all);

			best = x < best ? x : best;
		}
		printf("%-22s %10.3f %10.2f %10.2f %8llu\n", names[s], best,
		       (double)t.packets / best / 1e6,
		       (double)t.bytes * 8 / best / 1e9,
		       (unsigned long long)all.alerts);
		fflush(stdout);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("\nresident memory at most %ld MB\n", usage.ru_maxrss / 1024);
	ruleset_free(rules);
	ruleset_free(none);
	conf_free(conf);
	return 0;
}
