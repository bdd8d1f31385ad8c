/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs when many flows are there at once: small TCP segments of
 * established flows in an order that no cache foresees.
 */
#include "tests/bench/bench.h"
#include "tests/bench/floor.h"
#include "tests/bench/frames.h"
#include "tests/bench/product.h"

#define DATA_BYTES 10 /* 64 byte frames */

struct crowd {
	struct frames *f;
	struct floor *floor; /* or */
	struct product *product;
	uint64_t x; /* of chance */
	double s; /* CPU time */
};

struct size {
	const struct bench *b;
	uint32_t n;
	const char *rules; /* NULL: none */
};

static void
give(struct crowd *c)
{
	double t = measure_cpu_s();

	if (c->floor != NULL) {
		floor_frames(c->floor, FLOOR_TCP, c->f->v, c->f->n);
	} else {
		product_frames(c->product, c->f->v, c->f->n);
	}
	c->s += measure_cpu_s() - t;
	frames_reset(c->f);
}

static void
open_all(struct crowd *c)
{
	for (uint32_t i = 0; i < c->f->n_talks; i++) {
		for (unsigned step = 0; step < 3; step++) {
			frames_open(c->f, i, step);
			if (frames_full(c->f)) {
				give(c);
			}
		}
	}
	give(c);
}

/* Both sides say a little, turn by turn, each flow when chance has it. */
static void
talk(struct crowd *c, uint64_t packets)
{
	static const uint8_t data[DATA_BYTES] = { 0x80, 0xc1, 3,    7, 0xe0,
						  0x91, 0xff, 0x83, 1, 0xd5 };

	for (uint64_t i = 0; i < packets; i++) {
		uint32_t who;

		c->x = c->x * UINT64_C(6364136223846793005) + 1;
		who = (uint32_t)((c->x >> 32) * c->f->n_talks >> 32);
		frames_put(c->f, who, (unsigned)(c->x >> 31 & 1),
			   TCP_ACK | TCP_PSH, view_of(data, sizeof(data)));
		if (frames_full(c->f)) {
			give(c);
		}
	}
	give(c);
}

/* Cycles a packet, the best of the rounds. */
static double
talk_rounds(struct crowd *c, const struct bench *b)
{
	uint64_t packets = MAX((uint64_t)c->f->n_talks, 2000000);
	double best = 1e9;

	for (unsigned r = 0; r < b->rounds; r++) {
		c->s = 0;
		talk(c, packets);
		best = MIN(best, c->s);
	}
	return best * b->hz / (double)packets;
}

static void
picket(void *arg)
{
	const struct size *z = arg;
	struct conf *conf = product_conf(z->n);
	struct ruleset *rules = product_rules(conf, z->rules, NULL, 0);
	const char *what = z->rules != NULL ? "flows_rules" : "flows";
	struct crowd c = { .x = 1 };
	size_t before, idle;
	double opened, cycles, talked;

	c.f = frames_new(z->n, 9000, DATA_BYTES + 12);
	before = measure_resident();
	c.product = product_new(PRODUCT_WHOLE, conf, rules, 0, false);
	open_all(&c);
	opened = c.s * z->b->hz / (double)z->n / 3;
	idle = measure_resident() - before;
	cycles = talk_rounds(&c, z->b);
	talked = (double)(measure_resident() - before) / z->n;
	printf("%10u %10s %10.0f %12.0f %12.0f %12.0f %10.2f\n", z->n,
	       z->rules != NULL ? "yes" : "no", cycles, opened,
	       (double)idle / z->n, talked,
	       (double)measure_resident_peak() / (1 << 30));
	figure_put(cycles, "%s.%u.cycles", what, z->n);
	figure_put(opened, "%s.%u.open", what, z->n);
	figure_put((double)idle / z->n, "%s.%u.bytes", what, z->n);
	figure_put(talked, "%s.%u.talked_bytes", what, z->n);
	figure_put((double)measure_resident_peak(), "%s.%u.peak", what, z->n);
	if (z->rules == NULL) {
		/* the last size is the largest: it stands for all */
		figure_put(talked, "flows.idle.bytes");
	}
	product_free(c.product);
	frames_free(c.f);
	ruleset_free(rules);
	conf_free(conf);
}

static void
least(void *arg)
{
	const struct size *z = arg;
	struct crowd c = { .x = 1 };
	double cycles;

	c.f = frames_new(z->n, 9000, DATA_BYTES + 12);
	c.floor = floor_new(z->n + z->n / 4 + 1000, NULL);
	floor_reset(c.floor);
	open_all(&c);
	cycles = talk_rounds(&c, z->b);
	printf("%10u %10s %10.0f\n", z->n, "floor", cycles);
	figure_put(cycles, "flows.%u.floor", z->n);
	floor_free(c.floor);
	frames_free(c.f);
}

void
section_flows(void *arg)
{
	const struct bench *b = arg;

	printf("%10s %10s %10s %12s %12s %12s %10s\n", "flows", "rules",
	       "cycles/pkt", "cycles/open", "bytes idle", "bytes talked",
	       "GiB at most");
	for (unsigned i = 0; i < b->n_flows; i++) {
		struct size z = { b, b->flows[i], NULL };

		(void)section_run(NULL, least, &z);
		(void)section_run(NULL, picket, &z);
		if (z.n == 100000) {
			z.rules = b->rules;
			(void)section_run(NULL, picket, &z);
		}
	}
}
