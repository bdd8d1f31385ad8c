/* SPDX-License-Identifier: Apache-2.0 */
/* How full a ring is taken to be: a worker that is behind, and a link on which
 * nothing came for long. */
#include "tests/test.h"

#include <stdlib.h>

#include "sensor/live_load.c"

#define TIMEOUT_MS 1000 /* long: the test may be held up in between */
#define RING (UINT32_C(64) * BLOCK_BYTES)
#define BLOCK_US (UINT64_C(1000) * TIMEOUT_MS)

static struct capture_live_counters kernel; /* what it says */
static unsigned fill_told;

void
capture_live_count(struct capture_live *c, struct capture_live_counters *out)
{
	(void)c;
	*out = kernel;
}

void
worker_behind(struct worker *w, unsigned fill, uint64_t mono_us)
{
	(void)w;
	(void)mono_us;
	fill_told = fill;
}

/* One interface; the latest packet that was read, and the latest time that
 * there was none to read, are so long ago. */
static unsigned
fill_after(uint64_t read_us, uint64_t empty_us, uint64_t waiting)
{
	static struct live_iface_conf conf = {
		.open = { .ring_bytes = RING,
			  .timeout_ms = TIMEOUT_MS,
			  .timestamp = "host" },
	};
	struct live *live = calloc(1, sizeof(*live));
	struct live_worker *w = calloc(1, sizeof(*w));

	assert_non_null(live);
	assert_non_null(w);
	live->n_ports = 1;
	live->port[0].conf = &conf;
	w->live = live;
	w->tap[0].handle = (void *)&kernel; /* only that there is one counts */
	w->tap[0].last_us = clock_wall_us() - read_us;
	w->tap[0].clock.empty_us = clock_mono_us() - empty_us;
	kernel = (struct capture_live_counters){ .seen = 1000 + waiting,
						 .delivered = 1000,
						 .bytes = 64000 };
	fill_told = OVERLOAD_FULL + 1;
	live_look_at_load(w);
	free(w);
	free(live);
	return fill_told;
}

static void
few_packets_fill_a_ring(void **state)
{
	(void)state;
	assert_in_range(fill_after(32 * BLOCK_US, 64 * BLOCK_US, 40),
			OVERLOAD_FULL / 2, OVERLOAD_FULL * 6 / 10);
	assert_int_equal(fill_after(90 * BLOCK_US, 90 * BLOCK_US, 100),
			 OVERLOAD_FULL);
	/* no more blocks than packets */
	assert_in_range(fill_after(90 * BLOCK_US, 90 * BLOCK_US, 2), 0,
			OVERLOAD_FULL / 20);
}

/* What comes behind a silence stands in the block that the kernel fills yet. */
static void
silence_is_no_overload(void **state)
{
	(void)state;
	assert_in_range(fill_after(9000 * BLOCK_US, 0, 500), 0,
			OVERLOAD_FULL / 20);
	assert_in_range(fill_after(0, 9000 * BLOCK_US, 500), 0,
			OVERLOAD_FULL / 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_packets_fill_a_ring),
		cmocka_unit_test(silence_is_no_overload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
