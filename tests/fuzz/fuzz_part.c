/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part's record, inflated: it is refused, or what is read is in range and can
 * be packed again, and what comes out then is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/part.h"
#include "collector/part_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
pack(struct part_pack *p, const struct part_sight *s)
{
	switch (s->kind) {
	case PART_ALERT:
		assert(s->alert > 0 && s->alert >> PART_ALERT_BITS == 0);
		assert(s->a.n_tactics <= ALERT_MAX_IDS);
		return part_pack_alert(p, s->site, s->sensor, s->alert, &s->a);
	case PART_ANCHOR:
		assert(s->a.trace.has_isn[0] && s->a.trace.has_isn[1]);
		return part_pack_anchor(p, s->site, s->sensor, &s->a);
	case PART_CONTACTS:
		assert(s->line.len <= PART_PACK_LINE);
		return part_pack_contacts(p, s->site, s->sensor, s->line);
	}
	abort();
}

static void
same(const struct part_sight *a, const struct part_sight *b)
{
	assert(a->kind == b->kind && strcmp(a->site, b->site) == 0 &&
	       strcmp(a->sensor, b->sensor) == 0);
	if (a->kind == PART_CONTACTS) {
		assert(view_eq(a->line, b->line));
		return;
	}
	assert(a->a.timestamp_us == b->a.timestamp_us &&
	       a->a.wait_us == b->a.wait_us);
	assert(a->kind == PART_ANCHOR ||
	       (a->alert == b->alert && a->a.sid == b->a.sid &&
		a->a.src_port == b->a.src_port &&
		view_eq(a->a.owner, b->a.owner) &&
		view_eq(a->a.dns_rrname, b->a.dns_rrname)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct part_unpack *u, *again;
	static struct part_pack *p;
	static struct part_sight first, other;
	struct diag d;
	unsigned n = 0;
	bool room = true;
	enum err e;

	if (u == NULL) {
		u = part_unpack_new();
		again = part_unpack_new();
		p = part_pack_new();
		assert(u != NULL && again != NULL && p != NULL);
	}
	part_pack_reset(p);
	e = part_unpack_open(u, view_of(data, size), &d);
	while (e == ERR_OK && room) {
		e = part_unpack_next(u, &first, &d);
		assert(e == ERR_OK || e == ERR_NOTFOUND || e == ERR_FORMAT);
		if (e == ERR_OK) {
			assert(first.site[0] != '\0' &&
			       first.sensor[0] != '\0');
			room = pack(p, &first);
			n += room;
		}
	}
	assert(part_pack_len(p) == n);
	if (n == 0) {
		return 0;
	}
	e = part_unpack_open(u, view_of(data, size), &d);
	assert(e == ERR_OK);
	e = part_unpack_open(again, part_pack_bytes(p), &d);
	assert(e == ERR_OK);
	for (unsigned i = 0; i < n; i++) {
		e = part_unpack_next(u, &first, &d);
		assert(e == ERR_OK);
		e = part_unpack_next(again, &other, &d);
		assert(e == ERR_OK);
		same(&first, &other);
	}
	return 0;
}
