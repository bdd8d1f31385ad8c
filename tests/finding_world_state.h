/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_world_state.h - what the files of finding_world share
 */
#ifndef TESTS_FINDING_WORLD_STATE_H
#define TESTS_FINDING_WORLD_STATE_H

#include "common/clock.h"
#include "common/json.h"
#include "tests/finding_world.h"

#define BEGIN_S UINT64_C(1700006400) /* 2023-11-15 00:00 UTC */
#define HOUR 3600u
#define DAY 86400u
#define TCP 6
#define UDP 17
#define MAX_TO 16
/* By which lines are out of order. */
#define LATE_S 180

struct flow {
	uint32_t at; /* seconds since BEGIN_S */
	uint16_t ms;
	uint16_t port;
	uint8_t site, proto, worker;
	bool failed; /* at its end */
	bool begins;
	struct addr from, to;
	uint32_t kb; /* out */
};

struct world {
	struct world_config cfg;
	uint64_t state;
	struct flow *flows;
	size_t n, cap;
	struct world_truth *truth;
	size_t n_truth;
	char missions[4096];
	struct json j;
};

/* One of the world's row, below 'n'; and the name of a site. */
uint32_t world_rnd(struct world *w, uint32_t n);
const char *world_site(unsigned site);

#endif
