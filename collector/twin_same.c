/* SPDX-License-Identifier: Apache-2.0 */
/* What makes two observations one event. */
#include "collector/twin_state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* How far apart two taps may be.  Clocks that nobody compared are believed to
 * be right within five minutes each; a handshake says more than a clock. */
#define NEAR_US (UINT64_C(5) * 1000000)
#define UNKNOWN_US (UINT64_C(610) * 1000000)
#define SHAKEN_US (UINT64_C(7500) * 1000000)

static uint64_t
hash_of(const struct twins *t, const void *p, size_t len, uint64_t h)
{
	h = XXH3_64bits_withSeed(p, len, h ^ t->secret);
	return h != 0 ? h : 1;
}

static uint64_t
hash_view(const struct twins *t, struct view v, uint64_t h)
{
	return hash_of(t, v.len > 0 ? v.p : (const uint8_t *)"", v.len, h);
}

/* RFC 1918, 6598 and 4193: behind a NAT, if anything is. */
static bool
is_private(const struct addr *a)
{
	const uint8_t *b = a->b;

	if (!addr_is_v4(a)) {
		return (b[0] & 0xfe) == 0xfc;
	}
	return b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
	       (b[12] == 192 && b[13] == 168) ||
	       (b[12] == 100 && (b[13] & 0xc0) == 64);
}

/* What was matched, and on what content. */
static uint64_t
subject_of(const struct twins *t, const struct alert *a)
{
	/* What is told of the past sums up many: it is no tap's live event. */
	uint64_t h = hash_view(t, a->exercise, a->has_past ? 2 : 1);

	if (a->has_indicator && a->indicator.value.len != 0) {
		/* The value: two nations' lists have ids of their own. */
		h = hash_view(t, a->indicator.value, h);
	} else {
		uint32_t rule[2] = { a->gid, a->sid };

		h = hash_of(t, rule, sizeof(rule), h);
	}
	h = hash_view(t, a->proto, h);
	return hash_of(t, &a->trace.content, sizeof(a->trace.content), h);
}

static uint64_t
end_of(const struct twins *t, const struct addr *a, uint16_t port, uint64_t h)
{
	return hash_of(t, &port, sizeof(port), hash_of(t, a, sizeof(*a), h));
}

void
twin_describe(const struct twins *t, struct seen *s,
	      const struct twin_seen *seen, const struct alert *a)
{
	uint64_t h = subject_of(t, a);
	bool shaken = a->trace.has_isn[0] && a->trace.has_isn[1];

	*s = (struct seen){
		.alert = seen->alert,
		.event = seen->alert,
		.sensor = seen->sensor,
		.us = seen->us,
		.told_us = seen->told_us,
		.clock_known = seen->clock_known,
		.src = end_of(t, &a->src, a->src_port, 0),
		.dst = end_of(t, &a->dst, a->dst_port, 0),
		.src_ip = hash_of(t, &a->src, sizeof(a->src), 0),
		.dst_ip = hash_of(t, &a->dst, sizeof(a->dst), 0),
		.src_private = is_private(&a->src),
		.dst_private = is_private(&a->dst),
		.isn = { a->trace.isn[0], a->trace.isn[1] },
		.has_isn = { a->trace.has_isn[0], a->trace.has_isn[1] },
		.ip_id = a->trace.ip_id,
		.tcp = view_eq(a->proto, VIEW_LIT("TCP")),
		.has_content = a->trace.content != 0,
	};
	if (shaken) {
		s->key[KEY_CONNECTION] = hash_of(t, s->isn, sizeof(s->isn), h);
	} else if (!s->has_isn[0] && !s->has_isn[1] && s->ip_id != 0) {
		/* A datagram: thousands may look alike but for this. */
		s->key[KEY_CONNECTION] =
			hash_of(t, &s->ip_id, sizeof(s->ip_id), h + 4);
	}
	if (s->has_isn[0] || s->has_content) {
		/* The client's number is there from its SYN on. */
		uint64_t one = hash_of(t, s->isn, sizeof(s->isn[0]), h);

		one = s->has_isn[0] ? one : h;
		s->key[KEY_SRC] = hash_of(t, &s->src, sizeof(s->src), one + 1);
		s->key[KEY_DST] = hash_of(t, &s->dst, sizeof(s->dst), one + 2);
	}
	if (a->has_addrs) {
		uint64_t ends[2] = { s->src, s->dst };

		s->key[KEY_ENDS] = hash_of(t, ends, sizeof(ends), h + 3);
	}
}

uint64_t
twin_apart(const struct seen *a, const struct seen *b)
{
	return a->us > b->us ? a->us - b->us : b->us - a->us;
}

/* One end is the same, the other was translated. */
static bool
translated(const struct seen *a, const struct seen *b)
{
	bool src = a->src == b->src, dst = a->dst == b->dst;

	if (src == dst) {
		return false;
	}
	return src ? a->dst_ip != b->dst_ip && a->dst_private != b->dst_private
		   : a->src_ip != b->src_ip && a->src_private != b->src_private;
}

bool
twin_same(const struct seen *a, const struct seen *b)
{
	unsigned agree = 0;
	uint64_t limit;

	for (unsigned d = 0; d < 2; d++) {
		if (a->has_isn[d] && b->has_isn[d]) {
			if (a->isn[d] != b->isn[d]) {
				return false;
			}
			agree++;
		}
	}
	if (a->ip_id != 0 && b->ip_id != 0 && a->ip_id != b->ip_id) {
		return false;
	}
	if (agree == 2) {
		limit = SHAKEN_US;
	} else if ((a->src == b->src && a->dst == b->dst) || translated(a, b)) {
		limit = a->clock_known && b->clock_known ? NEAR_US : UNKNOWN_US;
	} else {
		return false;
	}
	return twin_apart(a, b) <= limit;
}

bool
twin_shaken(const struct seen *a, const struct seen *b)
{
	for (unsigned d = 0; d < 2; d++) {
		if (!a->has_isn[d] || !b->has_isn[d] ||
		    a->isn[d] != b->isn[d]) {
			return false;
		}
	}
	return true;
}
