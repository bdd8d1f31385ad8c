/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_before.h"

/* What stands before a packet's bytes; a packet never goes around the end. */
struct entry {
	uint64_t flow, prev; /* the chain's next older, as 'chain' */
	uint64_t ts_us;
	uint32_t caplen, wirelen;
	uint16_t linktype, ts_ns;
};

static unsigned
chain_of(uint64_t flow)
{
	return (unsigned)(flow * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
	       BEFORE_CHAINS;
}

static struct entry
entry_at(const struct evidence_before *b, uint64_t at)
{
	struct entry e;

	memcpy(&e, b->room + (at & (b->size - 1)), sizeof(e));
	return e;
}

void
evidence_before_note(struct evidence_before *b, uint64_t flow,
		     const struct frame *f, uint32_t snaplen)
{
	unsigned c = chain_of(flow);
	struct entry e = {
		.flow = flow,
		.prev = b->chain[c],
		.ts_us = f->ts_us,
		.caplen = MIN(f->caplen, snaplen),
		.wirelen = f->wirelen,
		.linktype = f->linktype,
		.ts_ns = f->ts_ns,
	};
	uint64_t need = sizeof(e) + e.caplen, off = b->head & (b->size - 1);

	if (need > b->size) {
		return;
	}
	if (off + need > b->size) {
		b->head += b->size - off;
		off = 0;
	}
	memcpy(b->room + off, &e, sizeof(e));
	memcpy(b->room + off + sizeof(e), f->data, e.caplen);
	b->chain[c] = b->head + 1;
	b->head += need;
}

unsigned
evidence_before_find(const struct evidence_before *b, uint64_t flow,
		     uint64_t at[BEFORE_PACKETS])
{
	uint64_t next = b->size != 0 ? b->chain[chain_of(flow)] : 0;
	unsigned n = 0;

	/* What begins further back was written over. */
	for (unsigned steps = 0; next != 0 && b->head - (next - 1) <= b->size &&
				 steps < BEFORE_STEPS && n < BEFORE_PACKETS;
	     steps++) {
		struct entry e = entry_at(b, next - 1);

		if (e.flow == flow) {
			at[n++] = next - 1;
		}
		next = e.prev;
	}
	return n;
}

struct frame
evidence_before_read(const struct evidence_before *b, uint64_t at)
{
	struct entry e = entry_at(b, at);

	return (struct frame){
		.data = b->room + (at & (b->size - 1)) + sizeof(e),
		.caplen = e.caplen,
		.wirelen = e.wirelen,
		.ts_us = e.ts_us,
		.ts_ns = e.ts_ns,
		.linktype = e.linktype,
	};
}
