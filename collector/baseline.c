/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/baseline.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HOUR_US (3600 * US_PER_S)
/* What an hour counts at least for what is usual. */
#define WEIGHT 0.05
/* How far from the usual everybody is now and then. */
#define LEAST_DEV 0.25
/* Hours without a word that are learned as empty. */
#define MAX_SILENT 168
#define AHEAD_HOURS 48
#define KNOWN_HOURS (30 * 24)
#define NEAR 0.3

/* ---------------------------------------------------------------- window */

struct piece *
piece_at(struct piece *pieces, unsigned n, uint64_t len_us, uint64_t t)
{
	uint64_t start = t - t % len_us;
	struct piece *p = &pieces[t / len_us % n];

	if (p->start_us != start) {
		/* What claims to be of another age is no reason to be deaf. */
		if (p->start_us > start &&
		    p->start_us - start <= 2 * n * len_us) {
			return NULL;
		}
		memset(p, 0, sizeof(*p));
		p->start_us = start;
	}
	return p;
}

unsigned
piece_sum(const struct piece *pieces, unsigned n, uint64_t len_us, uint64_t t,
	  struct piece *sum)
{
	uint64_t start = t - t % len_us;
	unsigned used = 0;

	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < n; i++) {
		const struct piece *p = &pieces[i];
		uint64_t away = p->start_us > start ? p->start_us - start
						    : start - p->start_us;

		if (p->flows + p->failed == 0 || away >= n * len_us) {
			continue;
		}
		sum->flows += p->flows;
		sum->failed += p->failed;
		hll_merge(&sum->a, &p->a);
		hll_merge(&sum->b, &p->b);
		if (used++ == 0 || p->start_us < sum->start_us) {
			sum->start_us = p->start_us;
		}
	}
	return used;
}

/* ---------------------------------------------------------------- rhythm */

bool
rhythm_add(struct rhythm *r, uint64_t start_us)
{
	unsigned at = r->n;

	while (at > 0 && r->start_us[at - 1] > start_us) {
		at--;
	}
	if ((at > 0 && start_us - r->start_us[at - 1] < BASELINE_SAME_US) ||
	    (at < r->n && r->start_us[at] - start_us < BASELINE_SAME_US)) {
		return false;
	}
	if (r->n == BASELINE_STARTS) {
		if (at == 0) {
			return false;
		}
		memmove(&r->start_us[0], &r->start_us[1],
			(at - 1) * sizeof(r->start_us[0]));
		at--;
	} else {
		memmove(&r->start_us[at + 1], &r->start_us[at],
			(r->n - at) * sizeof(r->start_us[0]));
		r->n++;
	}
	r->start_us[at] = start_us;
	r->total++;
	return true;
}

static int
by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_size);
	return n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

bool
rhythm_judge(const struct rhythm *r, struct rhythm_verdict *out)
{
	double between[BASELINE_STARTS], away[BASELINE_STARTS];
	unsigned n, near = 0;
	double m;

	if (r->n < 3) {
		return false;
	}
	n = r->n - 1;
	for (unsigned i = 0; i < n; i++) {
		between[i] = (double)(r->start_us[i + 1] - r->start_us[i]);
	}
	m = median(between, n);
	for (unsigned i = 0; i < n; i++) {
		away[i] = between[i] > m ? between[i] - m : m - between[i];
		near += away[i] <= NEAR * m;
	}
	out->period_s = m / (double)US_PER_S;
	out->jitter = median(away, n) / m;
	out->share = (double)near / n;
	out->score = MAX(1 - out->jitter, 0.0) * out->share;
	return true;
}

/* ---------------------------------------------------------------- volume */

static double
limit_of(const struct usual *u, double k)
{
	return u->mean + k * MAX(u->dev, u->mean * LEAST_DEV);
}

static void
learn(struct usual *u, double x)
{
	double w = MAX(1.0 / (double)(u->n + 1), WEIGHT);
	double away = x - u->mean;

	u->mean += w * away;
	if (u->n > 0) {
		u->dev += w * ((away < 0 ? -away : away) - u->dev);
	}
	u->n++;
}

static void
learn_hour(struct volume *v, uint64_t hour, double x, double k)
{
	struct usual *h = &v->of_hour[hour % 24];

	if (v->all.n >= 24) {
		double most = 2 * MAX(limit_of(&v->all, k), limit_of(h, k));

		/* From nothing at all there is no way up by doubling. */
		x = MIN(x, MAX(most, (double)(1 << 20)));
	}
	learn(&v->all, x);
	learn(h, x);
}

double
volume_limit(const struct volume *v, uint64_t t, double k)
{
	const struct usual *h = &v->of_hour[t / HOUR_US % 24];
	double limit = limit_of(&v->all, k);

	return h->n > 0 ? MAX(limit, limit_of(h, k)) : limit;
}

/* What ended goes into what is usual, up to the hour before 'hour'. */
static void
turn_to(struct volume *v, uint64_t hour, double k)
{
	uint64_t silent;

	/* Of the hour before the very first nobody told. */
	if (v->all.n > 0 || v->bytes[1] > 0) {
		learn_hour(v, v->hour - 1, (double)v->bytes[1], k);
	}
	if (hour - v->hour == 1) {
		v->bytes[1] = v->bytes[0];
	} else {
		learn_hour(v, v->hour, (double)v->bytes[0], k);
		silent = hour - v->hour - 2;
		silent = MIN(silent, (uint64_t)MAX_SILENT);
		for (uint64_t i = 0; i < silent; i++) {
			learn_hour(v, v->hour + 1 + i, 0, k);
		}
		v->bytes[1] = 0;
	}
	v->bytes[0] = 0;
	v->hour = hour;
}

bool
volume_add(struct volume *v, uint64_t t, uint64_t bytes, double k,
	   uint64_t *hour_bytes)
{
	uint64_t hour = t / HOUR_US;
	unsigned at = 0;

	if (v->hour == 0 || v->hour > hour + AHEAD_HOURS) {
		/* A clock that was far ahead shall not make us deaf. */
		v->hour = hour;
		v->bytes[0] = v->bytes[1] = 0;
	} else if (hour > v->hour) {
		turn_to(v, hour, k);
	} else if (hour + 1 == v->hour) {
		at = 1;
	} else if (hour < v->hour) {
		return false;
	}
	v->bytes[at] += bytes;
	*hour_bytes = v->bytes[at];
	return true;
}

/* ----------------------------------------------------------------- known */

uint32_t
known_hash(const struct addr *a, uint16_t port, uint8_t proto)
{
	return (uint32_t)XXH3_64bits_withSeed(a->b, sizeof(a->b),
					      (uint64_t)port << 8 | proto);
}

enum known_verdict
known_note(struct baseline_known *set, uint32_t *n, uint32_t cap, uint32_t hash,
	   uint64_t t, bool *changed)
{
	uint32_t hour = (uint32_t)(t / HOUR_US), oldest = 0, at = *n;

	*changed = false;
	for (uint32_t i = 0; i < *n; i++) {
		if (set[i].hash == hash) {
			*changed = hour > set[i].hour;
			set[i].hour = MAX(hour, set[i].hour);
			return KNOWN_OLD;
		}
		oldest = set[i].hour < set[oldest].hour ? i : oldest;
	}
	if (*n == cap) {
		if (set[oldest].hour + KNOWN_HOURS > hour) {
			return KNOWN_FULL;
		}
		at = oldest;
	} else {
		(*n)++;
	}
	set[at] = (struct baseline_known){ hash, hour };
	*changed = true;
	return KNOWN_NEW;
}
