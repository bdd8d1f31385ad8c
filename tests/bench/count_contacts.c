/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count_contacts - what summing up contacts takes of a packet, to be counted
 *
 *	count_contacts RULES
 *
 * For contacts.sh, under Valgrind: each call of counted() is one run over the
 * same made-up minutes: without contacts, with notes taken of them, and with all
 * of it in one thread; its name, packets and flows are printed.  500 hosts of 10.0.0.0/23 contact 2,000 others, half of
 * the time one of sixteen that each comes back to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/frames.h"
#include "tests/bench/measure.h"
#include "tests/bench/product.h"

#define HOSTS 500
#define SERVERS 2000
#define ROUND_FLOWS 900 /* at once, and so many for each round */
#define MINUTES 3
#define MINUTE_US 60000000

static uint32_t state = 1;

static uint32_t
draw(uint32_t n)
{
	state = state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)state * n >> 32);
}

static void
put_be32(uint8_t *p, uint32_t x)
{
	store_be32(p, x);
}

/* Frames have addresses of their own; these are ours.  Nobody looks at
 * checksums. */
static void
readdress(struct frames *f, unsigned sender, uint32_t client, uint32_t server)
{
	uint8_t *ip = (uint8_t *)(uintptr_t)f->v[f->n - 1].data + 14;

	put_be32(ip + 12, sender == 0 ? client : server);
	put_be32(ip + 16, sender == 0 ? server : client);
}

/* The step-th packet of one of 'n'. */
static void
put(struct frames *f, uint32_t talk, unsigned step, unsigned n,
    const uint32_t ends[2])
{
	static const uint8_t body[200] = "x";
	unsigned sender = step == 1 || (step > 2 && step % 2 == 1);
	uint8_t flags = step == 0 ? TCP_SYN : TCP_ACK;
	struct view data = VIEW_LIT("");

	if (step == 1) {
		flags |= n == 2 ? TCP_RST : TCP_SYN;
	} else if (step + 2 >= n) {
		flags |= TCP_FIN;
		sender = step + 1 == n;
	} else if (step > 2) {
		data = view_of(body, sizeof(body));
	}
	frames_put(f, talk, sender, flags, data);
	readdress(f, sender, ends[0], ends[1]);
}

/* As many conversations of 'n' packets as fit, ROUND_FLOWS at a time. */
static uint32_t
make(struct frames *f, unsigned n, uint32_t *talk)
{
	static uint32_t ends[ROUND_FLOWS][2];
	uint32_t flows = 0;

	frames_reset(f);
	while (f->n + ROUND_FLOWS * n <= FRAMES_MAX &&
	       *talk + ROUND_FLOWS <= f->n_talks) {
		for (uint32_t i = 0; i < ROUND_FLOWS; i++) {
			uint32_t host = draw(HOSTS);
			uint32_t to = draw(2) == 0 ? host * 16 + draw(16)
						   : draw(SERVERS);

			ends[i][0] = 0x0a000000 + host;
			ends[i][1] = 0xc6120000 + to % SERVERS;
		}
		for (unsigned step = 0; step < n; step++) {
			for (uint32_t i = 0; i < ROUND_FLOWS; i++) {
				put(f, *talk + i, step, n, ends[i]);
			}
		}
		*talk += ROUND_FLOWS;
		flows += ROUND_FLOWS;
	}
	return flows;
}

/* What Valgrind counts from the call to the return. */
__attribute__((noinline)) void counted(struct product *p, struct frames *f);

void
counted(struct product *p, struct frames *f)
{
	product_frames(p, f->v, f->n);
}

static void
run(enum product_stage stage, unsigned n, const struct conf *conf,
    const struct ruleset *rules)
{
	struct frames *f = frames_new(FRAMES_MAX * MINUTES, 80, 200);
	struct product *p =
		product_new(stage, conf, rules, PRODUCT_READY, false);
	uint32_t talk = 0, flows = 0, packets = 0;

	state = 1;
	f->step_us = MINUTE_US / FRAMES_MAX;
	for (unsigned i = 0; i < MINUTES; i++) {
		flows += make(f, n, &talk);
		counted(p, f);
		packets += f->n;
	}
	printf("%s %u %u\n",
	       stage == PRODUCT_WHOLE      ? "without"
	       : stage == PRODUCT_CONTACTS ? "noted"
					   : "all",
	       packets, flows);
	product_free(p);
	frames_free(f);
}

int
main(int argc, char **argv)
{
	static const unsigned lengths[] = { 2, 4, 72 };
	struct conf *conf = product_conf(0);
	struct ruleset *rules;

	if (argc != 2) {
		fputs("usage: count_contacts RULES\n", stderr);
		return 2;
	}
	rules = product_rules(conf, argv[1], NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		run(PRODUCT_WHOLE, lengths[i], conf, rules);
		run(PRODUCT_CONTACTS, lengths[i], conf, rules);
		run(PRODUCT_CONTACTS_ALL, lengths[i], conf, rules);
	}
	ruleset_free(rules);
	conf_free(conf);
	return 0;
}
