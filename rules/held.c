/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/held.h"

#include <stdlib.h>

#define FIRST_CAP 256

/* Open addressing by gid and sid, at most half full; entries never leave. */
struct held {
	struct held_rule **slots;
	uint32_t cap, n;
	uint64_t total[HELD_CAUSES];
};

static const char *const names[HELD_CAUSES] = {
#define CAUSE(sym, name) [HELD_##sym] = name,
	HELD_CAUSE_LIST(CAUSE)
#undef CAUSE
};

const char *
held_cause_name(enum held_cause c)
{
	return c < HELD_CAUSES ? names[c] : NULL;
}

struct held *
held_new(void)
{
	struct held *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		h->cap = FIRST_CAP;
		h->slots = calloc(h->cap, sizeof(struct held_rule *));
		if (h->slots == NULL) {
			free(h);
			h = NULL;
		}
	}
	return h;
}

void
held_free(struct held *h)
{
	if (h == NULL) {
		return;
	}
	for (uint32_t i = 0; i < h->cap; i++) {
		free(h->slots[i]);
	}
	free(h->slots);
	free(h);
}

/* Where the rule is, or the free place where it belongs. */
static struct held_rule **
place_of(struct held_rule **slots, uint32_t cap, uint32_t gid, uint32_t sid)
{
	uint64_t x = ((uint64_t)gid << 32 | sid) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(x >> 32) & (cap - 1);

	while (slots[i] != NULL &&
	       (slots[i]->sid != sid || slots[i]->gid != gid)) {
		i = (i + 1) & (cap - 1);
	}
	return &slots[i];
}

static bool
grow(struct held *h)
{
	struct held_rule **v;
	uint32_t cap = h->cap * 2;

	if (h->n < h->cap / 2) {
		return true;
	}
	if (h->n >= HELD_MAX_RULES) {
		return false;
	}
	v = calloc(cap, sizeof(struct held_rule *));
	if (v == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < h->cap; i++) {
		struct held_rule *r = h->slots[i];

		if (r != NULL) {
			*place_of(v, cap, r->gid, r->sid) = r;
		}
	}
	free(h->slots);
	h->slots = v;
	h->cap = cap;
	return true;
}

void
held_add(struct held *h, const struct rule *rule, enum held_cause c)
{
	struct held_rule **at, *r;

	h->total[c]++;
	at = place_of(h->slots, h->cap, rule->gid, rule->sid);
	if (*at == NULL) {
		if (!grow(h)) {
			return;
		}
		at = place_of(h->slots, h->cap, rule->gid, rule->sid);
		r = calloc(1, sizeof(*r));
		if (r == NULL) {
			return;
		}
		r->gid = rule->gid;
		r->sid = rule->sid;
		*at = r;
		h->n++;
	}
	r = *at;
	r->total++;
	r->by[c]++;
	r->fresh[c]++;
	r->any_fresh = true;
}

void
held_add_unnamed(struct held *h, enum held_cause c, uint64_t n)
{
	h->total[c] += n;
}

struct held_rule *
held_news(struct held *h, const struct rule *rule)
{
	struct held_rule *r;

	if (h->n == 0) {
		return NULL;
	}
	r = *place_of(h->slots, h->cap, rule->gid, rule->sid);
	return r != NULL && r->any_fresh ? r : NULL;
}

void
held_told(struct held_rule *r)
{
	memset(r->fresh, 0, sizeof(r->fresh));
	r->any_fresh = false;
}

uint64_t
held_total(const struct held *h, enum held_cause c)
{
	return h->total[c];
}

uint32_t
held_rules(const struct held *h)
{
	return h->n;
}

static bool
worse(const struct held_rule *a, const struct held_rule *b)
{
	if (a->total != b->total) {
		return a->total > b->total;
	}
	return a->gid != b->gid ? a->gid < b->gid : a->sid < b->sid;
}

uint32_t
held_worst(const struct held *h, const struct held_rule **out, uint32_t cap)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->cap; i++) {
		const struct held_rule *r = h->slots[i];
		uint32_t k;

		if (r == NULL || (n == cap && !worse(r, out[n - 1]))) {
			continue;
		}
		k = n < cap ? n++ : n - 1;
		for (; k > 0 && worse(r, out[k - 1]); k--) {
			out[k] = out[k - 1];
		}
		out[k] = r;
	}
	return n;
}
