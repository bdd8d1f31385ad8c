/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rules/keyword_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/rule_match.h"
#include "tests/rules/rule_case.h"

#define MAX_HITS 16
#define MAX_VALUES 16

struct rig {
	struct inspect in;
	struct inspect_flow flow;
	char text[MAX_VALUES][256]; /* values live here */
	struct view views[MAX_VALUES];
	unsigned n_values;
	bool tx;
	struct rule_tx *file_state;
	uint8_t digest[32];
	bool wanted;
};

/* Facts that fit a plain number: where in the struct they go. */
struct number_fact {
	const char *name;
	size_t offset, size;
	bool of_flow;
};

#define PKT(name, field) \
	{ \
		name, offsetof(struct inspect, pkt.field), \
			sizeof(((struct inspect *)0)->pkt.field), false \
	}
#define FLOW(name, field) \
	{ \
		name, offsetof(struct inspect_flow, field), \
			sizeof(((struct inspect_flow *)0)->field), true \
	}

static const struct number_fact number_facts[] = {
	PKT("ttl", ttl),
	PKT("tos", tos),
	PKT("id", ip_id),
	PKT("proto", proto),
	PKT("version", ip_version),
	PKT("seq", tcp_seq),
	PKT("ack", tcp_ack),
	PKT("window", tcp_window),
	PKT("mss", tcp_mss),
	PKT("flags", tcp_flags),
	PKT("itype", icmp_type),
	PKT("icode", icmp_code),
	PKT("icmp_id", icmp_id),
	PKT("icmp_seq", icmp_seq),
	PKT("icmp_has_id", icmp_has_id),
	PKT("has_mtu", icmpv6_has_mtu),
	PKT("mtu", icmpv6_mtu),
	PKT("wscale", tcp_wscale),
	PKT("csum", csum),
	PKT("fragoffset", frag_offset),
	PKT("fragbits", frag_flags),
	PKT("ipopts", ip_options),
	PKT("sport", sport),
	PKT("dport", dport),
	PKT("ts", ts_us),
	FLOW("first", first_us),
	FLOW("pkts0", pkts[0]),
	FLOW("pkts1", pkts[1]),
	FLOW("bytes0", bytes[0]),
	FLOW("bytes1", bytes[1]),
	FLOW("stream0", stream_bytes[0]),
	FLOW("stream1", stream_bytes[1]),
	FLOW("established", established),
};

static bool
set_number(struct rig *r, struct view name, uint64_t value)
{
	for (size_t i = 0; i < ARRAY_LEN(number_facts); i++) {
		const struct number_fact *f = &number_facts[i];

		if (view_eq(name, view_cstr(f->name))) {
			uint8_t *base = f->of_flow ? (uint8_t *)&r->flow
						   : (uint8_t *)&r->in;

			memcpy(base + f->offset, &value, f->size);
			return true;
		}
	}
	return false;
}

static bool
set_tx_number(struct rig *r, struct view name, int64_t value)
{
	static const char *const names[] = {
#define NUM(sym, text) [NUM_##sym] = text,
		INSPECT_NUM_LIST(NUM)
#undef NUM
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (view_eq(name, view_cstr(names[i]))) {
			r->in.num[i] = value;
			r->in.num_set |= 1U << i;
			r->tx = true;
			return true;
		}
	}
	return false;
}

/* A buffer without a value is known to be absent. */
static bool
set_buffer(struct rig *r, struct view name, struct view value, bool there)
{
	static const char *const names[] = {
#define BUF(sym, text) [BUF_##sym] = text,
		INSPECT_BUF_LIST(BUF)
#undef BUF
	};
	struct view *v = &r->views[r->n_values];
	bool found = false;

	if (value.len > 0) {
		memcpy(r->text[r->n_values], value.p, value.len);
	}
	*v = view_of(r->text[r->n_values++], value.len);
	/* a name that two directions share gives both */
	for (size_t b = 0; b < BUF_COUNT; b++) {
		if (!view_eq(name, view_cstr(names[b]))) {
			continue;
		}
		found = true;
		inspect_set(&r->in, (enum inspect_buf)b, v, there);
		r->in.fresh[b / 64] |= UINT64_C(1) << (b % 64);
		r->tx = r->tx || b >= BUF_FILE_DATA;
		if (b == BUF_PAYLOAD) {
			r->in.pkt.dsize = (uint32_t)v->len;
		}
	}
	return found;
}

static bool
set_word(struct rig *r, struct view name, struct view value)
{
	static const uint8_t any[4] = { 192, 0, 2, 1 };

	if (view_eq(name, VIEW_LIT("app"))) {
		r->in.app = r->flow.app = app_proto_by_name(value);
		r->flow.app_dir[0] = r->flow.app_dir[1] = r->flow.app;
	} else if (view_eq(name, VIEW_LIT("src"))) {
		return addr_parse(value, &r->in.pkt.src);
	} else if (view_eq(name, VIEW_LIT("dst"))) {
		return addr_parse(value, &r->in.pkt.dst);
	} else if (view_eq(name, VIEW_LIT("sameip"))) {
		r->in.pkt.src = r->in.pkt.dst = addr_from_v4(any);
	} else if (view_eq(name, VIEW_LIT("event"))) {
		const char *layers[] = { "decode", "stream", "app" };

		for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
			enum event_id e = event_by_name(layers[i], value);

			if (e != EVENT_NONE) {
				event_set_add(i == 2 ? &r->in.events
						     : &r->in.pkt.events,
					      e);
				r->tx = r->tx || i == 2;
			}
		}
	} else if (view_eq(name, VIEW_LIT("stream_payload"))) {
		r->in.pkt.in_stream = true;
	} else {
		return false;
	}
	return true;
}

/* The one file of the transaction, and what is known of it. */
static bool
set_file(struct rig *r, struct view name, struct view value, uint64_t number)
{
	static const char *const digests[] = { "filemd5", "filesha1",
					       "filesha256" };
	struct inspect_file *f = &r->in.files[0];
	struct view *v = view_eq(name, VIEW_LIT("file.name"))    ? &f->name
			 : view_eq(name, VIEW_LIT("file.magic")) ? &f->magic
			 : view_eq(name, VIEW_LIT("file.data"))  ? &f->data
								 : NULL;
	bool known = v != NULL || view_eq(name, VIEW_LIT("filesize"));

	if (v != NULL) {
		memcpy(r->text[r->n_values], value.p, value.len);
		*v = view_of(r->text[r->n_values++], value.len);
	}
	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		if (view_eq(name, view_cstr(digests[i]))) {
			r->digest[0] = (uint8_t)number;
			f->digest[i] = r->digest;
			known = true;
		}
	}
	if (!known) {
		return false;
	}
	f->size = view_eq(name, VIEW_LIT("filesize")) ? number : 3;
	f->fresh_name = f->fresh_magic = f->fresh_data = true;
	f->data_due = f->magic_known = f->ended = f->whole = true;
	f->state = &r->file_state;
	f->wanted = &r->wanted;
	r->in.n_files = 1;
	r->tx = true;
	return true;
}

static void
apply(struct rig *r, struct view item)
{
	struct view name = item, value = VIEW_NONE;
	char text[64];

	for (size_t i = 0; i < item.len; i++) {
		if (item.p[i] == '=') {
			name = view_sub(item, 0, i);
			value = view_sub(item, i + 1, item.len);
			break;
		}
	}
	snprintf(text, sizeof(text), "%.*s", (int)value.len,
		 value.p != NULL ? (const char *)value.p : "");
	if (view_eq(name, VIEW_LIT("dir"))) {
		r->in.dir = (enum inspect_dir)atoi(text);
	} else if (view_eq(name, VIEW_LIT("tx"))) {
		r->tx = true;
	} else if (!set_word(r, name, value) &&
		   !set_file(r, name, value, strtoull(text, NULL, 0)) &&
		   !set_number(r, name, strtoull(text, NULL, 0)) &&
		   !set_tx_number(r, name, strtoll(text, NULL, 0)) &&
		   !set_buffer(r, name, value, name.len < item.len)) {
		fail_msg("no such input: %.*s", (int)name.len, name.p);
	}
}

static void
prepare(struct rig *r, const char *input)
{
	static const uint8_t client[4] = { 192, 168, 1, 5 };
	static const uint8_t server[4] = { 198, 51, 100, 7 };
	struct view rest = view_cstr(input);
	size_t from = 0;

	memset(r, 0, sizeof(*r));
	r->flow = (struct inspect_flow){ .id = 1,
					 .established = true,
					 .pkts = { 3, 3 } };
	r->in.flow = &r->flow;
	r->in.pkt.src = addr_from_v4(client);
	r->in.pkt.dst = addr_from_v4(server);
	r->in.pkt.sport = 40000;
	r->in.pkt.dport = 80;
	r->in.pkt.ip_version = 4;
	r->in.pkt.proto = IPP_TCP;
	r->in.pkt.ttl = 64;
	for (size_t i = 0; i <= rest.len; i++) {
		if (i == rest.len || rest.p[i] == ';') {
			if (i > from) {
				apply(r, view_sub(rest, from, i - from));
			}
			from = i + 1;
		}
	}
	r->in.kind = r->tx ? INSPECT_TX : INSPECT_PACKET;
	r->in.tx_done[0] = r->in.tx_done[1] = true;
	r->in.body_complete[0] = r->in.body_complete[1] = true;
	r->flow.is_tcp = r->in.pkt.proto == IPP_TCP;
}

bool
keyword_case_matches(const struct conf *conf, const char *rules,
		     const char *input)
{
	struct diag d = { "" };
	struct ruleset *rs = rules_of(conf, rules, &d);
	struct rule_matcher *m = rs != NULL ? rule_matcher_new(rs) : NULL;
	struct pool *pool = pool_new((size_t)1 << 20);
	struct rule_flow *flow_state = NULL;
	struct rule_tx *tx_state = NULL;
	struct rule_hit room[MAX_HITS];
	struct rule_hits out = { .v = room, .cap = MAX_HITS };
	struct shared_state *shared = NULL;
	bool hit = false;
	struct rig r;

	if (m == NULL || ruleset_report(rs)->failed > 0) {
		fail_msg("%s: %s", rules,
			 rs != NULL ? ruleset_report(rs)->problems[0].reason
				    : d.msg);
		return false;
	}
	assert_non_null(pool);
	prepare(&r, input);
	r.in.flow_state = &flow_state;
	r.in.tx_state = &tx_state;
	r.in.pool = pool;
	assert_int_equal(shared_state_new(&shared, rs, NULL, &d), ERR_OK);
	rule_matcher_settle(m, shared);
	rule_match(m, &r.in, &out);
	for (uint32_t i = 0; i < out.n; i++) {
		hit = hit || out.v[i].rule->sid == 1;
	}
	rule_flow_free(flow_state, pool);
	rule_tx_free(tx_state, pool);
	rule_tx_free(r.file_state, pool);
	assert_int_equal(pool_in_use(pool), 0);
	rule_matcher_free(m);
	shared_state_free(shared);
	ruleset_free(rs);
	pool_free(pool);
	return hit;
}
