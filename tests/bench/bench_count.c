/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_count - runs each stage once over captures, to be counted
 *
 *	bench_count RULES CAPTURE...
 *
 * For instructions.sh, under Valgrind: each call of counted() is one stage,
 * in the order that is printed, behind the number of packets.  Frames are in
 * memory before, and what a stage needs is made before: only the packet path
 * is counted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sensor/capture.h"
#include "tests/bench/floor.h"
#include "tests/bench/literals.h"
#include "tests/bench/measure.h"
#include "tests/bench/product.h"

#define FRAMES_CAP 65536
#define FLOWS 65536

struct all {
	struct frame v[FRAMES_CAP];
	uint32_t n;
};

static void
keep_frames(struct all *a, const char *path)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c = NULL;
	struct diag d;

	if (b == NULL || capture_open_files(&c, &path, 1, NULL, &d) != ERR_OK) {
		bench_die(path, "cannot be read");
	}
	while (capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n && a->n < FRAMES_CAP; i++) {
			struct frame *f = &a->v[a->n];
			uint8_t *bytes = calloc(1, b->frame[i].caplen + 64);

			if (bytes == NULL) {
				bench_die(path, "out of memory");
			}
			*f = b->frame[i];
			memcpy(bytes, f->data, f->caplen);
			f->data = bytes;
			f->number = ++a->n;
		}
	}
	capture_close(c);
	batch_frames_free(b);
}

/* What Valgrind counts from the call to the return. */
__attribute__((noinline)) void counted(struct floor *f, enum floor_level level,
				       struct product *p, struct all *a);

void
counted(struct floor *f, enum floor_level level, struct product *p,
	struct all *a)
{
	if (f != NULL) {
		floor_frames(f, level, a->v, a->n);
	} else {
		product_frames(p, a->v, a->n);
	}
}

static void
count_floor(const char *name, enum floor_level level,
	    const struct floor_literals *l, struct all *a)
{
	struct floor *f = floor_new(FLOWS, l);

	floor_reset(f);
	counted(f, level, NULL, a);
	floor_free(f);
	puts(name);
}

static void
count_product(const char *name, enum product_stage stage,
	      const struct conf *conf, const struct ruleset *rules,
	      struct all *a)
{
	struct product *p =
		product_new(stage, conf, rules, PRODUCT_READY, false);

	counted(NULL, FLOOR_READ, p, a);
	product_free(p);
	puts(name);
}

int
main(int argc, char **argv)
{
	static struct all a;
	struct conf *conf = product_conf(0);
	struct ruleset *none, *rules;
	struct floor_literals l;

	if (argc < 3) {
		fputs("usage: bench_count RULES CAPTURE...\n", stderr);
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		keep_frames(&a, argv[i]);
	}
	none = product_rules(conf, NULL, NULL, 0);
	rules = product_rules(conf, argv[1], NULL, 0);
	l = floor_literals_of(rules, LITERALS_ALL);
	printf("%u\n", a.n);
	count_floor("floor", FLOOR_TCP, &l, &a);
	count_floor("floor+scan", FLOOR_SCAN, &l, &a);
	count_product("decode", PRODUCT_DECODE, conf, none, &a);
	count_product("flow", PRODUCT_FLOW, conf, none, &a);
	count_product("stream", PRODUCT_STREAM, conf, none, &a);
	count_product("whole", PRODUCT_WHOLE, conf, none, &a);
	count_product("whole+rules", PRODUCT_WHOLE, conf, rules, &a);
	floor_literals_fini(&l);
	ruleset_free(rules);
	ruleset_free(none);
	conf_free(conf);
	for (uint32_t i = 0; i < a.n; i++) {
		free((uint8_t *)(uintptr_t)a.v[i].data);
	}
	return 0;
}
