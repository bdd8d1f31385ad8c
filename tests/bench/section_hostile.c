/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that somebody made to be expensive, against ordinary ones: the same
 * conversations, the same sizes, other payload.
 */
#include <stdlib.h>

#include "sensor/capture.h"
#include "tests/bench/bench.h"
#include "tests/bench/frames.h"
#include "tests/bench/literals.h"
#include "tests/bench/product.h"
#include "tests/bench/readdress.h"

#define TALKS 1000
#define SEGMENT 1200
#define POOL_BYTES ((size_t)8 << 20) /* of payload, used over and over */
#define PACKETS 20000

enum kind {
	ORDINARY, /* payload of the capture */
	NOISE, /* random bytes */
	NEAR, /* literals whose last byte is another */
	PIECES, /* of four to eight bytes, of literals */
	KEYS, /* the four bytes of literals that are looked for first */
	CROWD, /* of them the one that most literals share, again and again */
	WHOLE, /* literals: all is to be verified */
	KINDS
};

static const char *const names[KINDS] = {
	"ordinary", "noise", "near", "pieces", "keys", "crowd", "whole",
};

static uint64_t chance = 1;

static uint32_t
roll(uint32_t below)
{
	chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((chance >> 32) * below >> 32);
}

/* The capture's TCP payload, one after the other. */
static void
fill_ordinary(uint8_t *out, const char *path)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c = NULL;
	size_t at = 0;
	struct diag d;

	if (b == NULL || capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		bench_die(path, "cannot be read");
	}
	while (at < POOL_BYTES && capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			struct carried x = carried_by(b->frame[i].data,
						      b->frame[i].caplen);
			size_t n = MIN(x.payload.len, POOL_BYTES - at);

			if (x.proto == 6 && n > 0) {
				memcpy(out + at, x.payload.p, n);
				at += n;
			}
		}
	}
	for (size_t n = at; n > 0 && at < POOL_BYTES; at++) {
		out[at] = out[at - n];
	}
	capture_close(c);
	batch_frames_free(b);
}

static void
fill_literals(uint8_t *out, enum kind kind, const struct literal_list *l)
{
	size_t at = 0;

	while (at < POOL_BYTES) {
		struct view v = l->v[roll(l->n)].bytes;
		size_t n, from = 0;

		if (kind == PIECES) {
			size_t want = 4 + roll(5);

			n = MIN(v.len - 1, want); /* none is whole */
			from = roll((uint32_t)(v.len - n + 1));
		} else {
			n = v.len;
		}
		n = MIN(n, POOL_BYTES - at);
		memcpy(out + at, v.p + from, n);
		at += n;
		if (kind == NEAR && n > 0) {
			out[at - 1] ^= 0x55;
		}
	}
}

static void
fill_keys(uint8_t *out, enum kind kind, const struct key_list *k)
{
	for (size_t at = 0; at + 4 <= POOL_BYTES; at += 4) {
		memcpy(out + at, kind == CROWD ? k->worst : k->v[roll(k->n)],
		       4);
	}
}

static void
fill(uint8_t *out, enum kind kind, const struct literal_list *l,
     const struct key_list *keys, const char *path)
{
	if (kind == ORDINARY) {
		fill_ordinary(out, path);
	} else if (keys->n > 0 && (kind == KEYS || kind == CROWD)) {
		fill_keys(out, kind, keys);
	} else if (kind == NOISE || kind == KEYS || kind == CROWD ||
		   l->n == 0) {
		for (size_t i = 0; i < POOL_BYTES; i++) {
			out[i] = (uint8_t)roll(256);
		}
	} else {
		fill_literals(out, kind, l);
	}
}

/* Cycles a packet for segments cut out of 'bytes'. */
static double
run(const struct bench *b, const struct conf *conf, const struct ruleset *rules,
    const uint8_t *bytes, uint64_t *alerts)
{
	struct frames *f = frames_new(TALKS, 9000, SEGMENT + 10);
	struct product *p =
		product_new(PRODUCT_WHOLE, conf, rules, PRODUCT_READY, false);
	double s = 0, t;

	for (uint32_t i = 0; i < TALKS; i++) {
		for (unsigned k = 0; k < 3; k++) {
			frames_open(f, i, k);
		}
		/* not any protocol's, so that none is parsed */
		frames_put(f, i, 0, TCP_ACK | TCP_PSH,
			   VIEW_LIT("\x80\xc1\x03\x07 nothing \xe0\x91"));
	}
	product_frames(p, f->v, f->n);
	frames_reset(f);
	for (uint32_t i = 0; i < PACKETS; i++) {
		size_t at = roll((uint32_t)(POOL_BYTES - SEGMENT));

		frames_put(f, i % TALKS, 0, TCP_ACK,
			   view_of(bytes + at, SEGMENT));
	}
	t = measure_cpu_s();
	product_frames(p, f->v, f->n);
	s = measure_cpu_s() - t;
	*alerts = product_counts(p)->alerts;
	product_free(p);
	frames_free(f);
	return s * b->hz / PACKETS;
}

void
section_hostile(void *arg)
{
	const struct bench *b = arg;
	struct conf *conf = product_conf(0);
	struct ruleset *rules = product_rules(conf, b->rules, NULL, 0);
	struct literal_list l =
		literals_of(rules, LITERALS_PAYLOAD, DIR_TOSERVER);
	struct key_list keys = keys_of(rules, &l, DIR_TOSERVER);
	double best[KINDS] = { 0 }, worst = 0;
	uint64_t alerts[KINDS];
	uint8_t *bytes[KINDS];

	for (unsigned k = 0; k < KINDS; k++) {
		bytes[k] = malloc(POOL_BYTES);
		if (bytes[k] == NULL) {
			bench_die("hostile bytes", "out of memory");
		}
		fill(bytes[k], (enum kind)k, &l, &keys, b->mix);
	}
	for (unsigned r = 0; r < b->rounds; r++) {
		for (unsigned k = 0; k < KINDS; k++) {
			double x = run(b, conf, rules, bytes[k], &alerts[k]);

			best[k] = r == 0 ? x : MIN(best[k], x);
		}
	}
	printf("%-16s %10s %10s %10s\n", "segments of 1200", "cycles/pkt",
	       "ordinary=1", "alerts");
	for (unsigned k = 0; k < KINDS; k++) {
		printf("%-16s %10.0f %10.2f %10llu\n", names[k], best[k],
		       best[k] / best[ORDINARY], (unsigned long long)alerts[k]);
		figure_put(best[k], "hostile.%s.cycles", names[k]);
		free(bytes[k]);
	}
	/* Whole literals match: that is what the rules are for. */
	for (unsigned k = 0; k < WHOLE; k++) {
		worst = MAX(worst, best[k]);
	}
	figure_put(worst, "hostile.worst.cycles");
	keys_free(&keys);
	literals_free(&l);
	ruleset_free(rules);
	conf_free(conf);
}
