/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arming.c - publisher and sensor at full size, through a Redis of their own
 *
 *   arming [NAMES [CHANGES-A-SECOND [SECONDS]]]     1000000 1000 20
 *
 * Arms so many domains, then changes some: how soon is each in force, how much
 * memory do they take, what does a look-up cost beside a set of 1000.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/armed.h"
#include "tests/arm_rows.h"
#include "tests/redis_fixture.h"

static uint64_t *lags;
static _Atomic unsigned n_lags;
static unsigned max_lags;

static enum err
note_lag(void *arg, const struct indicator *i, bool once)
{
	uint64_t now = clock_wall_us();

	(void)arg;
	if (!once && n_lags < max_lags) {
		lags[n_lags++] = now - i->modified_us;
	}
	return ERR_OK;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
name_of(unsigned i, char out[64])
{
	snprintf(out, 64, "h%07x.%c.example.net", i * 2654435761u >> 4,
		 (char)('a' + i % 26));
}

/* Nanoseconds a look-up: of names that are there, and that are not. */
static void
time_lookups(struct ioc_live *l, unsigned names, const char *what)
{
	enum { N = 1000000 };
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	uint64_t hits = 0, began, took[2];
	char(*v)[64] = malloc(N * sizeof(*v));

	assert(r != NULL && v != NULL);
	for (int there = 0; there < 2; there++) {
		for (unsigned i = 0; i < N; i++) {
			name_of(i * 7919u % names, v[i]);
			v[i][0] = there != 0 ? 'h' : 'x';
		}
		began = clock_mono_us();
		for (unsigned i = 0; i < N; i++) {
			if (ioc_live_enter(r)) {
				hits += ioc_live_domain(r, view_cstr(v[i]),
							0) != NULL;
				ioc_live_leave(r);
			}
		}
		took[there] = clock_mono_us() - began;
	}
	printf("look-up, %s: %.0f ns absent, %.0f ns present (%" PRIu64
	       " hits)\n",
	       what, (double)took[0] * 1e3 / N, (double)took[1] * 1e3 / N,
	       hits);
	free(v);
	ioc_live_reader_free(r);
}

static void
small_set(void)
{
	struct ioc_live *l = ioc_live_new();
	char name[64];

	for (unsigned i = 0; i < 1000; i++) {
		struct indicator n = { .kind = INDICATOR_DOMAIN,
				       .value = name,
				       .id = "",
				       .source = "",
				       .created_by = "",
				       .description = "",
				       .labels = "",
				       .tactic = "",
				       .kill_chain = "" };

		name_of(i, name);
		assert(ioc_live_arm(l, &n, NULL) == ERR_OK);
	}
	time_lookups(l, 1000, "1000 armed");
	ioc_live_free(l);
}

static void
wait_even(struct armed *a, struct arm_rows *rows)
{
	struct armed_status st;

	do {
		usleep(1000);
		armed_read(a, &st);
	} while (st.n.epoch == 0 || st.n.version != arm_rows_version(rows));
}

static void
change(struct arm_rows *rows, unsigned rate, unsigned seconds)
{
	uint64_t next = clock_mono_us();
	char name[64];

	for (unsigned i = 0; i < rate * seconds; i++) {
		snprintf(name, sizeof(name), "new%u.example.org", i);
		arm_rows_put(rows, INDICATOR_DOMAIN, name, "amber", true);
		next += US_PER_S / rate;
		while (clock_mono_us() < next) {
			usleep(100);
		}
	}
}

static void
run(const struct redis_fixture *f, unsigned names, unsigned rate,
    unsigned seconds)
{
	struct redis_options where = { .url = f->url };
	struct arm_rows *rows = arm_rows_new();
	char key[128], public[140], name[64];
	struct arm_options po = { .redis = &where,
				  .key = key,
				  .source = arm_rows_source(rows) };
	struct armed_options so = { .key = public,
				    .redis = &where,
				    .ask = note_lag };
	struct armed_status st;
	struct arm_status pst;
	struct armed *armed;
	struct arm *arm;
	struct diag d;
	size_t raw = 0;
	uint64_t began;

	snprintf(key, sizeof(key), "%s/key", f->dir);
	snprintf(public, sizeof(public), "%s.pub", key);
	assert(sign_key_make(key, &d) == ERR_OK);
	for (unsigned i = 0; i < names; i++) {
		name_of(i, name);
		raw += strlen(name) + 1;
		arm_rows_put(rows, INDICATOR_DOMAIN, name, "amber", true);
	}
	began = clock_mono_us();
	assert(arm_new(&arm, &po, &d) == ERR_OK &&
	       arm_start(arm, &d) == ERR_OK);
	do {
		usleep(1000);
		arm_read(arm, &pst);
	} while (pst.bases == 0);
	printf("base of %u: written in %.2f s, %" PRIu64 " bytes\n", names,
	       (double)(clock_mono_us() - began) / 1e6, pst.base_bytes);
	began = clock_mono_us();
	assert(armed_new(&armed, &so, &d) == ERR_OK);
	armed_load(armed, f->dir);
	assert(armed_start(armed, &d) == ERR_OK);
	wait_even(armed, rows);
	armed_read(armed, &st);
	printf("taken in %.2f s; %.1f MB of memory, %.2f times the list\n",
	       (double)(clock_mono_us() - began) / 1e6, (double)st.memory / 1e6,
	       (double)st.memory / (double)raw);
	n_lags = 0;
	max_lags = rate * seconds;
	change(rows, rate, seconds);
	wait_even(armed, rows);
	qsort(lags, n_lags, sizeof(lags[0]), compare);
	arm_read(arm, &pst);
	printf("%u changes, %u/s: in force after %.1f ms (median), %.1f ms "
	       "(99 %%), %.1f ms (all); %" PRIu64 " bases meanwhile\n",
	       n_lags, rate, (double)lags[n_lags / 2] / 1e3,
	       (double)lags[(uint64_t)n_lags * 99 / 100] / 1e3,
	       (double)lags[n_lags - 1] / 1e3, pst.bases - 1);
	small_set();
	snprintf(name, sizeof(name), "%u armed", names);
	time_lookups(armed_live(armed), names, name);
	armed_free(armed);
	arm_free(arm);
	/* And from the disk, as at a start. */
	began = clock_mono_us();
	assert(armed_new(&armed, &so, &d) == ERR_OK);
	armed_load(armed, f->dir);
	armed_read(armed, &st);
	printf("%" PRIu64 " armed from disk in %.2f s\n", st.indicators,
	       (double)(clock_mono_us() - began) / 1e6);
	armed_free(armed);
	arm_rows_free(rows);
}

int
main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)atol(argv[1]) : 1000000;
	unsigned rate = argc > 2 ? (unsigned)atol(argv[2]) : 1000;
	unsigned seconds = argc > 3 ? (unsigned)atol(argv[3]) : 20;
	struct redis_fixture f;

	log_init("arming", LOG_WARN, false);
	lags = calloc((size_t)rate * seconds + 1, sizeof(*lags));
	if (lags == NULL || !redis_fixture_open(&f)) {
		return 77;
	}
	if (!redis_fixture_start(&f, NULL, NULL)) {
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	run(&f, MAX(names, 1000U), MAX(rate, 1U), MAX(seconds, 1U));
	redis_fixture_close(&f);
	free(lags);
	return 0;
}
