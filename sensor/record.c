/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record.h"

#include <stdlib.h>

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define T(sym, name) [EVENT_TYPE_##sym] = name,
	EVENT_TYPE_LIST(T)
#undef T
};

const char *
event_type_name(enum event_type t)
{
	return t < EVENT_TYPE_COUNT ? type_names[t] : NULL;
}

enum event_type
event_type_by_name(struct view name)
{
	unsigned i = 0;

	while (i < EVENT_TYPE_COUNT &&
	       !view_eq(name, view_cstr(type_names[i]))) {
		i++;
	}
	return (enum event_type)i;
}

struct outbox *
outbox_new(void)
{
	return calloc(1, sizeof(struct outbox));
}

void
outbox_fini(struct outbox *o)
{
	free(o->rec);
	free(o->text);
	free(o->ranked);
	*o = (struct outbox){ 0 };
}

void
outbox_free(struct outbox *o)
{
	if (o != NULL) {
		outbox_fini(o);
		free(o);
	}
}

void
outbox_reset(struct outbox *o)
{
	o->n = 0;
	o->text_len = 0;
	o->lost = o->full_alerts = o->full_events = 0;
	o->full_suppressed = o->full_claims = 0;
	memset(o->full_severity, 0, sizeof(o->full_severity));
	memset(o->full_type, 0, sizeof(o->full_type));
	memset(o->lost_severity, 0, sizeof(o->lost_severity));
	memset(o->lost_type, 0, sizeof(o->lost_type));
}

static bool
grow(void **mem, size_t *cap, size_t need, size_t unit, size_t first)
{
	size_t n = MAX(*cap * 2, MAX(need, first));
	void *p;

	if (need <= *cap) {
		return true;
	}
	p = realloc(*mem, n * unit);
	if (p == NULL) {
		return false;
	}
	*mem = p;
	*cap = n;
	return true;
}

/* Whether 'v' was put together behind the text: its bytes move with it. */
static bool
at_end(const struct outbox *o, struct view v)
{
	return o->text != NULL && v.p == o->text + o->text_len;
}

static void
put_bytes(struct outbox *o, struct view v, bool there)
{
	if (v.len > 0 && !there) {
		memcpy(o->text + o->text_len, v.p, v.len);
	}
	o->text_len += v.len;
}

static size_t
bytes_used(const struct outbox *o)
{
	return o->text_len + o->n * sizeof(*o->rec);
}

/* How much may be there before 'r' finds no more room.  What others ask for is
 * the last to go: without it they would not know what they missed. */
static size_t
room_for(const struct outbox *o, const struct record *r)
{
	if (claim_is_made(&r->claim)) {
		return o->bytes_max * 2;
	}
	return r->rule != NULL ? o->bytes_max : o->bytes_max / 2;
}

static bool
is_full(struct outbox *o, const struct record *r)
{
	if (o->bytes_max == 0 || bytes_used(o) < room_for(o, r)) {
		return false;
	}
	if (r->rule != NULL && r->held == HELD_SUPPRESS) {
		o->full_suppressed++;
	} else if (r->rule != NULL) {
		o->full_alerts++;
		o->full_severity[r->severity - 1U < 3 ? r->severity - 1U : 3]++;
	} else if (claim_is_made(&r->claim)) {
		o->full_claims++;
	} else {
		o->full_events++;
		o->full_type[r->type]++;
	}
	return true;
}

void
outbox_lose(struct outbox *o, const struct record *r)
{
	if (r->rule == NULL && !claim_is_made(&r->claim)) {
		o->lost_type[r->type]++;
	} else if (r->rule != NULL && record_is_said(r)) {
		o->lost_severity[r->severity - 1U < 3 ? r->severity - 1U : 3]++;
	}
}

void
outbox_put(struct outbox *o, const struct record *r, struct view line)
{
	void *rec = o->rec, *text = o->text;
	struct view values = r->claim.values;
	bool there = line.len > 0 && at_end(o, line), ok;

	if (UNLIKELY(is_full(o, r))) {
		return;
	}
	ok = (line.len > 0 || claim_is_made(&r->claim) ||
	      (r->rule != NULL && r->held != HELD_NOT)) &&
	     line.len <= UINT32_MAX &&
	     grow(&rec, &o->cap, o->n + 1, sizeof(*o->rec), 256);
	o->rec = rec;
	ok = ok && grow(&text, &o->text_cap,
			o->text_len + line.len + values.len, 1, 1 << 16);
	o->text = text;
	if (!ok) {
		o->lost++;
		outbox_lose(o, r);
		return;
	}
	o->rec[o->n] = *r;
	o->rec[o->n].at = o->text_len;
	o->rec[o->n].len = (uint32_t)line.len;
	o->n++;
	put_bytes(o, line, there);
	if (values.len > 0) {
		memcpy(o->text + o->text_len, values.p, values.len);
		o->text_len += values.len;
	}
}

bool
outbox_share(struct outbox *o, struct view bytes, size_t *at)
{
	void *text = o->text;
	bool there = bytes.len > 0 && at_end(o, bytes);
	bool full = o->bytes_max > 0 && bytes_used(o) >= o->bytes_max;
	bool ok =
		bytes.len > 0 && !full &&
		grow(&text, &o->text_cap, o->text_len + bytes.len, 1, 1 << 16);

	o->text = text;
	if (ok) {
		*at = o->text_len;
		put_bytes(o, bytes, there);
	}
	return ok;
}

static int
by_rank(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
outbox_settle(struct outbox *o, size_t from, uint32_t max, bool passed)
{
	void *ranked = o->ranked;
	size_t n = 0;

	for (size_t i = from; i < o->n; i++) {
		struct record *r = &o->rec[i];

		if (r->rule != NULL && r->held == HELD_NOT) {
			r->passed = r->passed || passed;
			n++;
		}
	}
	if (n <= max) {
		return;
	}
	/* Sorted, because one packet can complete very many transactions.
	 * Without memory the last ones written are the ones held back. */
	if (!grow(&ranked, &o->ranked_cap, n, sizeof(*o->ranked), 256)) {
		for (size_t i = o->n; n > max; i--) {
			struct record *r = &o->rec[i - 1];

			if (r->rule != NULL && r->held == HELD_NOT) {
				r->held = HELD_ALERT_MAX;
				n--;
			}
		}
		return;
	}
	o->ranked = ranked;
	n = 0;
	for (size_t i = from; i < o->n; i++) {
		const struct record *r = &o->rec[i];

		if (r->rule != NULL && r->held == HELD_NOT) {
			o->ranked[n++] =
				(uint64_t)r->rank << 32 | (uint32_t)(i - from);
		}
	}
	qsort(o->ranked, n, sizeof(*o->ranked), by_rank);
	for (size_t i = max; i < n; i++) {
		o->rec[from + (uint32_t)o->ranked[i]].held = HELD_ALERT_MAX;
	}
}
