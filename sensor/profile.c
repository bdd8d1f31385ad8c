/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/profile.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "rules/rule_profile.h"

#define TABLE_RULES 100 /* for people; JSON has all */

void
profile_begin(struct profile_start *s)
{
	s->mono_us = clock_mono_us();
	s->ticks = profile_ticks();
}

static double
ticks_per_us(const struct profile_start *s)
{
	uint64_t us, ticks;

	/* long enough for a clock of microseconds to be exact */
	do {
		us = clock_mono_us() - s->mono_us;
		ticks = profile_ticks() - s->ticks;
	} while (us < 1000);
	return (double)ticks / (double)us;
}

static struct rule_profile *
sum_of(struct worker *const *workers, unsigned n)
{
	struct rule_profile *sum = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct rule_profile *p = worker_costs(workers[i]);

		if (p == NULL) {
			continue;
		}
		if (sum == NULL) {
			sum = rule_profile_new(rule_profile_rules(p));
		}
		if (sum == NULL) {
			return NULL;
		}
		rule_profile_add(sum, p);
	}
	return sum;
}

static bool
print_to(FILE *f, const struct rule_profile *p, double per_us, bool as_json)
{
	struct json j;
	bool good;

	if (!as_json) {
		return rule_profile_print(p, per_us, TABLE_RULES, f);
	}
	json_init(&j);
	good = rule_profile_json(p, per_us, &j) &&
	       fprintf(f, "%.*s\n", (int)j.len, j.p) >= 0;
	json_fini(&j);
	return good;
}

bool
profile_write(const struct profile_start *s, struct worker *const *workers,
	      unsigned n_workers, const char *path, bool as_json)
{
	bool standard = strcmp(path, "-") == 0, good;
	struct rule_profile *sum = sum_of(workers, n_workers);
	FILE *f;

	if (sum == NULL) {
		log_err("--profile-rules: out of memory");
		return false;
	}
	f = standard ? stdout : fopen(path, "w");
	good = f != NULL && print_to(f, sum, ticks_per_us(s), as_json);
	if (f != NULL && (standard ? fflush(f) : fclose(f)) != 0) {
		good = false;
	}
	if (!good) {
		log_err("--profile-rules: %s: %s",
			standard ? "standard output" : path, strerror(errno));
	}
	rule_profile_free(sum);
	return good;
}
