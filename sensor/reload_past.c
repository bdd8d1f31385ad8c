/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators that come into force: whether they were seen before. */
#include "sensor/reload_past.h"

#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "rules/ioc_set.h"
#include "rules/keyhash.h"

#define WAIT_NS 5000000 /* while all places of questions are taken */

static struct indicator
indicator_of(const struct ioc *ioc)
{
	const struct ioc_note *n = ioc->note;
	struct indicator i = {
		/* the numbers are the same, see docs/formats.md */
		.kind = (enum indicator_kind)n->type,
		.exact = n->exact,
		.severity = n->severity,
		.confidence = INDICATOR_CONFIDENCE_UNKNOWN,
		.mark = MARKING_CLEAR,
		.valid_from_us = n->valid_from_us,
		.valid_until_us = n->valid_until_us,
		.value = ioc->value,
		.id = n->id,
		.source = n->source,
		.created_by = "",
		.description = n->description,
		.labels = n->labels,
		.tactic = n->tactic,
		.kill_chain = n->kill_chain,
	};

	STATIC_ASSERT((int)IOC_CERT_SHA256 == (int)INDICATOR_CERT_SHA256,
		      "kinds have the numbers of types");
	if (n->mark != NULL) {
		i.mark = *n->mark;
	} else if (n->tlp[0] != '\0' &&
		   !tlp_read(view_cstr(n->tlp), &i.mark.tlp)) {
		i.mark.tlp = TLP_RED;
	}
	return i;
}

/* The same for the same type, value and reach. */
static uint64_t
digest_of(const struct keyhash *k, const struct ioc *ioc)
{
	uint64_t kind = (uint64_t)ioc->note->type * 2 + ioc->note->exact;

	return keyhash_join(kind, keyhash(k, view_cstr(ioc->value)));
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The digests of all, sorted; NULL: without memory, or there is none. */
static uint64_t *
digests(const struct keyhash *k, const struct ioc_set *s, uint32_t *n)
{
	uint64_t *v = NULL;

	*n = s != NULL ? ioc_set_count(s) : 0;
	if (*n > 0) {
		v = malloc(*n * sizeof(*v));
	}
	if (v == NULL) {
		*n = 0;
		return NULL;
	}
	for (uint32_t i = 0; i < *n; i++) {
		v[i] = digest_of(k, ioc_set_at(s, i));
	}
	qsort(v, *n, sizeof(*v), by_number);
	return v;
}

static enum err
ask_in_turn(struct retro *r, const struct ioc *ioc, bool once,
	    const _Atomic bool *ending)
{
	struct indicator i = indicator_of(ioc);
	enum err e;

	for (;;) {
		e = once ? retro_ask_once(r, &i) : retro_ask(r, &i);
		if (e != ERR_LIMIT || *ending) {
			return e;
		}
		(void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_NS }, NULL);
	}
}

/* Not in force any more, and never again. */
static bool
is_over(const struct ioc *ioc, uint64_t now_us)
{
	uint64_t until = ioc->note->valid_until_us;

	return until > 0 && until < now_us;
}

void
reload_ask_past(struct retro *r, const struct ruleset *now,
		const struct ruleset *former, const _Atomic bool *ending)
{
	const struct ioc_set *s = r != NULL ? ruleset_indicators(now) : NULL;
	uint32_t n = s != NULL ? ioc_set_count(s) : 0, n_old = 0, left = 0;
	uint64_t *old = NULL;
	struct keyhash key;

	if (n == 0 || keyhash_init(&key) != ERR_OK) {
		return;
	}
	if (former != NULL) {
		old = digests(&key, ruleset_indicators(former), &n_old);
	}
	for (uint32_t i = 0; i < n && !*ending; i++) {
		const struct ioc *ioc = ioc_set_at(s, i);
		uint64_t digest = digest_of(&key, ioc);

		if (is_over(ioc, clock_wall_us())) {
			continue;
		}
		if (n_old > 0 && bsearch(&digest, old, n_old, sizeof(*old),
					 by_number) != NULL) {
			continue;
		}
		left += ask_in_turn(r, ioc, former == NULL, ending) != ERR_OK;
	}
	if (left > 0) {
		log_warn("retro: %u indicators were not asked for", left);
	}
	free(old);
}
