/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_facts.h"

#include "common/clock.h"
#include "common/csum.h"
#include "rules/header_index.h"

void
call_facts_of(const struct inspect *in, struct call_facts *f)
{
	unsigned __int128 src = addr_value(&in->pkt.src);
	unsigned __int128 dst = addr_value(&in->pkt.dst);
	uint32_t ports = (uint32_t)in->pkt.sport << 16 | in->pkt.dport;

	if (f->src != src || f->dst != dst || f->ports != ports) {
		memset(f->known, 0, sizeof(f->known));
	}
	f->src = src;
	f->dst = dst;
	f->ports = ports;
	f->version = in->pkt.ip_version == 4   ? 1
		     : in->pkt.ip_version == 6 ? 2
					       : 0;
	switch (in->pkt.proto) {
	case IPP_TCP:
		f->proto = PROTO_TCP;
		break;
	case IPP_UDP:
		f->proto = PROTO_UDP;
		break;
	case IPP_ICMP:
		f->proto = PROTO_ICMP4;
		break;
	case IPP_ICMPV6:
		f->proto = PROTO_ICMP6;
		break;
	case IPP_SCTP:
		f->proto = PROTO_SCTP;
		break;
	default:
		f->proto = PROTO_OTHER;
		break;
	}
}

enum { KNOWN_HAS = 1, KNOWN_DST = 2, KNOWN_PORT = 4 };

/* Whether 'set' (NULL: any) has the packet's address or port 'which', as
 * above. */
static bool
set_ok(const struct range_set *set, const struct inspect *in,
       struct call_facts *c, unsigned which)
{
	uint64_t key = (uint64_t)(uintptr_t)set << 3 | which;
	uint64_t *slot = &c->known[(key >> 7 ^ key >> 10 ^ key >> 1) &
				   (FACTS_KNOWN - 1)];
	unsigned __int128 x;

	if (set == NULL) {
		return true;
	}
	if ((*slot & ~(uint64_t)KNOWN_HAS) == key) {
		return (*slot & KNOWN_HAS) != 0;
	}
	if ((which & KNOWN_PORT) != 0) {
		x = (which & KNOWN_DST) != 0 ? in->pkt.dport : in->pkt.sport;
	} else {
		x = (which & KNOWN_DST) != 0 ? c->dst : c->src;
	}
	*slot = key | range_set_has(set, x);
	return (*slot & KNOWN_HAS) != 0;
}

static bool
ends_ok(const struct rule_prog *p, const struct inspect *in,
	struct call_facts *c, bool swap)
{
	unsigned src = swap ? KNOWN_DST : 0, dst = KNOWN_DST - src;

	return set_ok(p->src, in, c, src) && set_ok(p->dst, in, c, dst) &&
	       set_ok(p->sport, in, c, KNOWN_PORT | src) &&
	       set_ok(p->dport, in, c, KNOWN_PORT | dst);
}

bool
facts_flow(const struct rule_prog *p, const struct inspect *in)
{
	bool fragment =
		in->pkt.frag_offset != 0 || (in->pkt.frag_flags & 1) != 0;

	if ((p->flow & FLOW_NEEDED) != 0 && in->flow == NULL) {
		return false;
	}
	if ((p->flow & FLOW_ESTABLISHED) != 0 &&
	    (in->flow == NULL || !in->flow->established)) {
		return false;
	}
	if ((p->flow & FLOW_NOT_ESTABLISHED) != 0 && in->flow != NULL &&
	    in->flow->established) {
		return false;
	}
	if (((p->flow & FLOW_NO_FRAG) != 0 && fragment) ||
	    ((p->flow & FLOW_ONLY_FRAG) != 0 && !fragment)) {
		return false;
	}
	return true;
}

static bool
app_ok(const struct rule_prog *p, const struct inspect *in)
{
	if (p->app == APP_UNKNOWN) {
		return true;
	}
	if (in->kind == INSPECT_TX) {
		return in->app == (enum app_proto)p->app;
	}
	return in->flow != NULL && header_app_covers(p, in->flow->app);
}

bool
facts_lasting(const struct rule_prog *p, const struct inspect *in,
	      struct call_facts *c, bool swap)
{
	if ((p->protos & c->proto) == 0 ||
	    (p->ip_versions != 0 && (p->ip_versions & c->version) == 0) ||
	    !app_ok(p, in)) {
		return false;
	}
	return ends_ok(p, in, c, swap) ||
	       (p->both_ways && ends_ok(p, in, c, !swap));
}

static bool
count_ok(const struct test *t, const uint64_t counts[2])
{
	enum cmp c = (enum cmp)t->compare;

	if (t->arg < 2) {
		return compare_u64(counts[t->arg], c, t->a, t->b);
	}
	return compare_u64(counts[0], c, t->a, t->b) ||
	       compare_u64(counts[1], c, t->a, t->b);
}

/* "client" is what the client sent. */
static bool
stream_size_ok(const struct test *t, const struct inspect_flow *f)
{
	enum cmp c = (enum cmp)t->compare;
	bool client = compare_u64(f->stream_bytes[DIR_TOSERVER], c, t->a, 0);
	bool server = compare_u64(f->stream_bytes[DIR_TOCLIENT], c, t->a, 0);

	switch (t->arg) {
	case 0:
		return server;
	case 1:
		return client;
	case 2:
		return server && client;
	default:
		return server || client;
	}
}

static bool
app_in(const struct test *t, enum app_proto p)
{
	return (t->a >> p & 1) != 0;
}

static bool
app_proto_ok(const struct test *t, const struct inspect *in)
{
	const struct inspect_flow *f = in->flow;
	enum app_proto x, ts = f->app_dir[DIR_TOSERVER],
			  tc = f->app_dir[DIR_TOCLIENT];

	switch ((enum app_mode)t->arg) {
	case APP_EITHER:
		/* negated: what is known of either side is something else */
		if (!t->negated) {
			return app_in(t, ts) || app_in(t, tc);
		}
		return (ts != APP_UNKNOWN && !app_in(t, ts)) ||
		       (tc != APP_UNKNOWN && !app_in(t, tc));
	case APP_TO_SERVER:
		x = ts;
		break;
	case APP_TO_CLIENT:
		x = tc;
		break;
	case APP_FINAL:
		x = f->app;
		break;
	case APP_ORIGINAL:
		x = f->app_before;
		break;
	default:
		/* a side that said nothing yet is what the other made it */
		x = f->app_dir[in->dir] != APP_UNKNOWN ? f->app_dir[in->dir]
						       : f->app;
		break;
	}
	if (x == APP_UNKNOWN && t->negated) {
		return false;
	}
	return app_in(t, x) != t->negated;
}

/* Whether the transport's checksum is as the rule wants it. */
static bool
l4_csum_is(const struct inspect_packet *pkt, bool right)
{
	if ((pkt->csum & CSUM_L4_DUE) != 0) {
		return csum_transport_ok(&pkt->src, &pkt->dst, pkt->ip_version,
					 pkt->proto, pkt->l4) == right;
	}
	return (pkt->csum & (right ? CSUM_L4_RIGHT : CSUM_L4_WRONG)) != 0;
}

static bool
csum_ok(const struct test *t, const struct inspect_packet *pkt)
{
	static const struct {
		uint8_t proto, version;
	} of[] = {
		[CSUM_TCPV4] = { IPP_TCP, 4 },
		[CSUM_TCPV6] = { IPP_TCP, 6 },
		[CSUM_UDPV4] = { IPP_UDP, 4 },
		[CSUM_UDPV6] = { IPP_UDP, 6 },
		[CSUM_ICMPV4] = { IPP_ICMP, 4 },
		[CSUM_ICMPV6] = { IPP_ICMPV6, 6 },
	};

	if (t->arg == CSUM_IPV4) {
		return (pkt->csum & (t->a ? CSUM_IP_RIGHT : CSUM_IP_WRONG)) !=
		       0;
	}
	return pkt->proto == of[t->arg].proto &&
	       pkt->ip_version == of[t->arg].version &&
	       l4_csum_is(pkt, t->a != 0);
}

static bool
num_ok(const struct test *t, const struct inspect *in)
{
	return (in->num_set >> t->arg & 1) != 0 &&
	       compare_u64((uint64_t)in->num[t->arg], (enum cmp)t->compare,
			   t->a, t->b);
}

static bool
cert_ok(const struct test *t, const struct inspect *in)
{
	int64_t now = (int64_t)(in->pkt.ts_us / US_PER_S);

	if ((in->num_set >> NUM_TLS_NOT_AFTER & 1) == 0) {
		return false;
	}
	if (t->fact == FACT_CERT_EXPIRED) {
		return now > in->num[NUM_TLS_NOT_AFTER];
	}
	return now <= in->num[NUM_TLS_NOT_AFTER] &&
	       (in->num_set >> NUM_TLS_NOT_BEFORE & 1) != 0 &&
	       now >= in->num[NUM_TLS_NOT_BEFORE];
}

/* The captured value has the text in it; one that is not there has not. */
static bool
note_ok(const struct test *t, const struct rule_flow *f)
{
	const struct note *n = NULL;
	struct view v;

	if (f != NULL && f->notes != NULL) {
		n = notes_find(f->notes, (enum note_kind)t->arg,
			       (uint32_t)t->a);
	}
	if (n == NULL) {
		return false;
	}
	v = note_value(n);
	return (memmem(v.p, v.len, t->text.p, t->text.len) != NULL) !=
	       t->negated;
}

static bool
flowint_ok(const struct test *t, const struct rule_flow *f)
{
	uint32_t x = 0, y = 0;
	bool set = state_int(f, t->arg, &x);

	if (t->fact == FACT_FLOWINT_ISSET) {
		return set;
	}
	if (t->fact == FACT_FLOWINT_NOTSET) {
		return !set;
	}
	if (!set || (t->negated && !state_int(f, (uint32_t)t->b, &y))) {
		return false;
	}
	return compare_u64(x, (enum cmp)t->compare, t->negated ? y : t->a, 0);
}

static bool
ssl_state_ok(const struct test *t, const struct inspect *in)
{
	uint64_t state = (uint64_t)in->num[NUM_TLS_STATE];

	return (in->num_set >> NUM_TLS_STATE & 1) != 0 &&
	       (t->a == 0 || (state & t->a) != 0) && (state & t->b) == 0;
}

static uint64_t
tls_version_bit(int64_t version)
{
	switch (version) {
	case 0x0002:
		return TLS_BIT_SSL2;
	case 0x0300:
		return TLS_BIT_SSL3;
	case 0x0301:
		return TLS_BIT_10;
	case 0x0302:
		return TLS_BIT_11;
	case 0x0303:
		return TLS_BIT_12;
	case 0x0304:
		return TLS_BIT_13;
	default: /* drafts, and Facebook's experiments with them */
		return version >> 8 == 0x7f || version >> 8 == 0xfb ? TLS_BIT_13
								    : 0;
	}
}

static bool
tls_version_ok(const struct test *t, const struct inspect *in)
{
	uint64_t bit;

	if ((in->num_set >> NUM_TLS_VERSION & 1) == 0) {
		return false;
	}
	bit = tls_version_bit(in->num[NUM_TLS_VERSION]);
	return (t->a == 0 || (bit & t->a) != 0) && (bit & t->b) == 0;
}

/* How large a file is shows at its end; that it is too large may before. */
static bool
file_size_ok(const struct test *t, const struct inspect_file *f)
{
	enum cmp c = (enum cmp)t->compare;

	return (f->ended || c == CMP_GT || c == CMP_GE) &&
	       compare_u64(f->size, c, t->a, t->b);
}

static bool
file_digest_ok(const struct test *t, const struct inspect_file *f)
{
	const uint8_t *sum = f->digest[t->arg];

	return sum != NULL && digest_list_has(t->digests, sum) != t->negated;
}

static bool
flow_fact_ok(const struct test *t, const struct inspect *in)
{
	const struct inspect_flow *f = in->flow;

	if (f == NULL) {
		return false;
	}
	switch ((enum fact)t->fact) {
	case FACT_FLOW_AGE:
		return compare_u64((in->pkt.ts_us - f->first_us) / US_PER_S,
				   (enum cmp)t->compare, t->a, t->b);
	case FACT_FLOW_PKTS:
		return count_ok(t, f->pkts);
	case FACT_FLOW_BYTES:
		return count_ok(t, f->bytes);
	case FACT_STREAM_SIZE:
		return f->is_tcp && stream_size_ok(t, f);
	default:
		return app_proto_ok(t, in);
	}
}

static bool
addr_ok(const struct test *t, const struct inspect *in)
{
	const struct range_set *set = (const struct range_set *)(uintptr_t)t->a;
	bool src = range_set_has(set, addr_value(&in->pkt.src));
	bool dst = range_set_has(set, addr_value(&in->pkt.dst));

	if (in->pkt_is_reverse) {
		bool was = src;

		src = dst;
		dst = was;
	}
	switch (t->arg) {
	case 1:
		return src;
	case 2:
		return dst;
	case 3:
		return src && dst;
	default:
		return src || dst;
	}
}

static bool
test_ok(const struct test *t, const struct inspect *in,
	const struct rule_flow *flow)
{
	const struct inspect_packet *pkt = &in->pkt;
	uint64_t x;

	switch ((enum fact)t->fact) {
	case FACT_TTL:
		x = pkt->ttl;
		break;
	case FACT_TOS:
		x = pkt->tos;
		break;
	case FACT_IP_ID:
		x = pkt->ip_id;
		break;
	case FACT_IP_PROTO:
		x = pkt->proto;
		break;
	case FACT_FRAG_OFFSET:
		x = pkt->frag_offset;
		break;
	case FACT_TCP_SEQ:
		x = pkt->tcp_seq;
		break;
	case FACT_TCP_ACK:
		x = pkt->tcp_ack;
		break;
	case FACT_TCP_WINDOW:
		x = pkt->tcp_window;
		break;
	case FACT_TCP_MSS:
		if (pkt->tcp_mss == 0) {
			return false;
		}
		x = pkt->tcp_mss;
		break;
	case FACT_ICMP_TYPE:
		x = pkt->icmp_type;
		break;
	case FACT_ICMP_CODE:
		x = pkt->icmp_code;
		break;
	case FACT_ICMP_ID:
	case FACT_ICMP_SEQ:
		if (!pkt->icmp_has_id) {
			return false;
		}
		x = t->fact == FACT_ICMP_ID ? pkt->icmp_id : pkt->icmp_seq;
		break;
	case FACT_ICMPV6_MTU:
		if (!pkt->icmpv6_has_mtu) {
			return false;
		}
		x = pkt->icmpv6_mtu;
		break;
	case FACT_IGMP_TYPE:
		if (pkt->proto != IPP_IGMP) {
			return false;
		}
		x = pkt->icmp_type;
		break;
	case FACT_TCP_WSCALE:
		if (pkt->tcp_wscale == 0xff) {
			return false;
		}
		x = pkt->tcp_wscale;
		break;
	case FACT_DSIZE:
		x = pkt->dsize;
		break;
	case FACT_FLAGS:
		return flags_match(t, pkt->tcp_flags);
	case FACT_FRAGBITS:
		return flags_match(t, pkt->frag_flags);
	case FACT_IPOPT:
		return (pkt->ip_options & t->a) != 0;
	case FACT_CSUM:
		return csum_ok(t, pkt);
	case FACT_SAMEIP:
		return addr_eq(&pkt->src, &pkt->dst);
	case FACT_ADDR:
		return addr_ok(t, in);
	case FACT_EVENT:
		return event_set_has(&pkt->events, (enum event_id)t->a) ||
		       (in->kind == INSPECT_TX &&
			event_set_has(&in->events, (enum event_id)t->a));
	case FACT_NUM:
		return num_ok(t, in);
	case FACT_FILE:
		return in->file != NULL;
	case FACT_FILE_SIZE:
		return in->file != NULL && file_size_ok(t, in->file);
	case FACT_FILE_DIGEST:
		return in->file != NULL && file_digest_ok(t, in->file);
	case FACT_SSL_STATE:
		return ssl_state_ok(t, in);
	case FACT_TLS_VERSION:
		return tls_version_ok(t, in);
	case FACT_CERT_EXPIRED:
	case FACT_CERT_VALID:
		return cert_ok(t, in);
	case FACT_NOTE:
		return note_ok(t, flow);
	case FACT_FLOWINT_ISSET:
	case FACT_FLOWINT_NOTSET:
	case FACT_FLOWINT:
		return in->flow != NULL && flowint_ok(t, flow);
	default:
		return flow_fact_ok(t, in);
	}
	return compare_u64(x, (enum cmp)t->compare, t->a, t->b);
}

bool
facts_tests(const struct rule_prog *p, const struct inspect *in,
	    const struct rule_flow *flow)
{
	for (uint16_t i = 0; i < p->n_tests; i++) {
		if (!test_ok(&p->tests[i], in, flow)) {
			return false;
		}
	}
	return true;
}

bool
facts_refused(const struct rule_prog *p, const struct inspect *in)
{
	for (uint16_t i = 0; p->tests_settle && i < p->n_tests; i++) {
		if (p->tests[i].fact == FACT_TLS_VERSION &&
		    (in->num_set >> NUM_TLS_VERSION & 1) != 0 &&
		    !tls_version_ok(&p->tests[i], in)) {
			return true;
		}
	}
	return false;
}

bool
facts_bits(const struct rule_prog *p, const struct inspect *in,
	   const struct rule_flow *flow)
{
	if (p->n_bits > 0 && in->flow == NULL) {
		return false;
	}
	for (uint16_t i = 0; i < p->n_bits; i++) {
		const struct bit_op *op = &p->bits[i];
		bool wanted = op->cmd == BIT_ISSET, met = false;

		for (uint16_t k = 0; k < op->n && !met; k++) {
			met = state_bit(flow, op->ids[k]) == wanted;
		}
		if (!met) {
			return false;
		}
	}
	return true;
}
