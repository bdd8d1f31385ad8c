/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode.h"

#include "sensor/decode_ctx.h"
#include "sensor/decode_peek.h"

#include <stdlib.h>

/*
 * However the layers nest, a frame costs at most this many of them, over all
 * its packets; decoder.max-layers may lower it for each chain of headers.
 */
#define MAX_ROUNDS 32
#define DEFAULT_MAX_LAYERS 16
/* The layers of a frame that decode_plain() takes: Ethernet, tag, type, IP. */
#define PLAIN_LAYERS 4

struct decoder {
	struct decode_settings set;
	struct decode_counters count;
	struct decode_tally tally; /* not in 'count' */
	struct defrag *defrag;
	bool plain; /* decoder.max-layers lets ordinary frames pass */
	bool finished; /* a datagram of the frame before is to be given back */
};

static void
add_port(struct decode_ports *p, uint64_t port)
{
	if (p->n < DECODE_MAX_PORTS && port > 0 && port <= 0xffff) {
		p->port[p->n++] = (uint16_t)port;
	}
}

/* "[4789, 8472]", "4789" or a list, which has a key per item. */
static void
add_port_setting(void *arg, const char *key, const char *value)
{
	const char *s = value;

	(void)key;
	while (*s != '\0') {
		if (*s >= '0' && *s <= '9') {
			char *end;

			add_port(arg, strtoul(s, &end, 10));
			s = end;
		} else {
			s++;
		}
	}
}

static void
read_ports(const struct conf *conf, const char *name, uint16_t usual,
	   struct decode_ports *p)
{
	static const char *const leaf[] = { "enabled", "ports" };
	char key[64];
	size_t n = strlen("decoder.") + strlen(name) + 1;

	p->enabled = true;
	memcpy(key, "decoder.", 8);
	memcpy(key + 8, name, strlen(name));
	key[n - 1] = '.';
	if (conf != NULL) {
		memcpy(key + n, leaf[0], strlen(leaf[0]) + 1);
		p->enabled = conf_bool(conf, key, true);
		memcpy(key + n, leaf[1], strlen(leaf[1]) + 1);
		conf_each(conf, key, add_port_setting, p);
	}
	if (p->n == 0) {
		/* Also for a variable, "$VXLAN_PORTS", as Suricata's own
		 * configuration has it. */
		add_port(p, usual);
	}
}

static uint64_t
low_bits(const struct decode_ports *p)
{
	uint64_t bits = 0;

	for (unsigned i = 0; p->enabled && i < p->n; i++) {
		bits |= UINT64_C(1) << (p->port[i] & 63);
	}
	return bits;
}

struct decoder *
decoder_new(const struct conf *conf, struct pool *pool)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->set.max_layers = DEFAULT_MAX_LAYERS;
	if (conf != NULL) {
		d->set.max_layers =
			(unsigned)conf_u64(conf, "decoder.max-layers",
					   DEFAULT_MAX_LAYERS, 1, MAX_ROUNDS);
	}
	d->plain = d->set.max_layers >= PLAIN_LAYERS;
	read_ports(conf, "vxlan", 4789, &d->set.vxlan);
	read_ports(conf, "geneve", 6081, &d->set.geneve);
	read_ports(conf, "teredo", 3544, &d->set.teredo);
	d->set.some_port = low_bits(&d->set.vxlan) | low_bits(&d->set.geneve) |
			   low_bits(&d->set.teredo);
	d->defrag = defrag_new(conf, pool);
	if (d->defrag == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d != NULL) {
		defrag_free(d->defrag);
		free(d);
	}
}

void
decode_counters(const struct decoder *d, struct decode_counters *n)
{
	*n = d->count;
	for (unsigned i = 0; i < DECODE_TALLIES; i++) {
		uint64_t k = d->tally.frames[i];
		bool is_ipv6 = (i & DECODE_TALLY(1, 0, 0)) != 0;
		bool is_tcp = (i & DECODE_TALLY(0, 1, 0)) != 0;

		n->pkts += k;
		n->ethernet += k;
		n->vlan += (i & DECODE_TALLY(0, 0, 1)) != 0 ? k : 0;
		*(is_ipv6 ? &n->ipv6 : &n->ipv4) += k;
		*(is_tcp ? &n->tcp : &n->udp) += k;
	}
	n->bytes += d->tally.bytes;
}

/* Goes on with the whole datagram when this was its last fragment. */
static enum decode_step
decode_fragment(struct decode_ctx *x, struct defrag *defrag)
{
	struct packet *part = x->pkt;
	struct view datagram;

	if (defrag == NULL || !defrag_push(defrag, part, &x->frag, &datagram)) {
		return STEP_DONE;
	}
	x->finished = true;
	if (part->ip_version == 4) {
		x->count->frag_ipv4_reassembled++;
	} else {
		x->count->frag_ipv6_reassembled++;
	}
	if (!decode_begin_datagram(x, datagram)) {
		return STEP_DONE;
	}
	return part->ip_version == 4 ? STEP_IPV4 : STEP_IPV6;
}

static enum decode_step
take_step(struct decode_ctx *x, enum decode_step step, struct defrag *defrag)
{
	switch (step) {
	case STEP_LINK:
		return decode_link(x);
	case STEP_WIFI:
		return decode_wifi(x);
	case STEP_ETHER:
		return decode_ether(x);
	case STEP_ETHERTYPE:
		return decode_ethertype(x);
	case STEP_PPP:
		return decode_ppp(x);
	case STEP_MPLS:
		return decode_mpls(x);
	case STEP_IP:
		return decode_ip(x);
	case STEP_IPV4:
		return decode_ipv4(x);
	case STEP_IPV6:
		return decode_ipv6(x);
	case STEP_FRAGMENT:
		return decode_fragment(x, defrag);
	case STEP_TRANSPORT:
		return decode_transport(x);
	case STEP_UDP_TUNNEL:
		return decode_udp_tunnel(x);
	case STEP_GRE:
		return decode_gre(x);
	case STEP_IP_IN_IP:
		return decode_ip_in_ip(x);
	case STEP_DONE:
		break;
	}
	return STEP_DONE;
}

/* Steps that take a header off; the others only choose among them. */
static bool
is_layer(enum decode_step s)
{
	return s == STEP_ETHER || s == STEP_ETHERTYPE || s == STEP_PPP ||
	       s == STEP_MPLS || s == STEP_IPV4 || s == STEP_IPV6 ||
	       s == STEP_GRE;
}

unsigned
decode_frame_by_layers(struct decoder *d, const struct frame *f,
		       struct packet out[FRAME_MAX_PACKETS])
{
	struct decode_ctx x = { .set = &d->set, .count = &d->count };
	enum decode_step step = STEP_LINK;

	if (UNLIKELY(d->finished)) {
		defrag_recycle(d->defrag);
	}
	decode_begin_frame(&x, f, out);
	d->count.pkts++;
	d->count.bytes += f->caplen;
	while (step != STEP_DONE) {
		if (is_layer(step) && ++x.layers > d->set.max_layers) {
			decode_too_deep(&x);
			break;
		}
		step = take_step(&x, step, d->defrag);
	}
	d->finished = x.finished;
	d->count.frag_timeout = defrag_counters(d->defrag)->timeout;
	d->count.frag_no_memory = defrag_counters(d->defrag)->no_memory;
	for (unsigned i = 0; i < x.n_out; i++) {
		d->count.invalid += (out[i].flags & PKT_BROKEN) != 0;
	}
	return x.n_out;
}

unsigned
decode_frame(struct decoder *d, const struct frame *f,
	     struct packet out[FRAME_MAX_PACKETS])
{
	if (LIKELY(d->plain && decode_plain(&d->set, &d->tally, f, out))) {
		if (UNLIKELY(d->finished)) {
			defrag_recycle(d->defrag);
			d->finished = false;
		}
		return 1;
	}
	return decode_frame_by_layers(d, f, out);
}

static uint32_t
hash_pair(const struct addr *a, const struct addr *b)
{
	uint64_t lo = load_le64(a->b) ^ load_le64(b->b);
	uint64_t hi = load_le64(a->b + 8) ^ load_le64(b->b + 8);
	uint64_t sum = load_le64(a->b + 8) + load_le64(b->b + 8);
	uint64_t h = (lo + UINT64_C(0x9e3779b97f4a7c15)) *
		     UINT64_C(0xd6e8feb86659fd93);

	/* Both the difference and the sum are the same in both directions;
	 * neither alone tells 10.0.0.1-10.0.0.2 from 10.0.0.5-10.0.0.6. */
	h ^= hi;
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= sum;
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

/*
 * What nearly every frame is, and IP right behind Ethernet of which not all is
 * there.  Takes only what the layers would take just the same; the rest is left
 * to them.
 */
static bool
plain_pair(const struct frame *f, struct addr *src, struct addr *dst)
{
	struct frame_shape s = decode_shape(f);
	const uint8_t *ip = f->data + 14;
	size_t wire;

	if (LIKELY(s.kind != FRAME_OTHER)) {
		ip = f->data + s.l3_off;
		*src = s.kind == FRAME_IPV4 ? addr_from_v4(ip + 12)
					    : addr_from_v6(ip + 8);
		*dst = s.kind == FRAME_IPV4 ? addr_from_v4(ip + 16)
					    : addr_from_v6(ip + 24);
		return true;
	}
	if (f->linktype != 1 || f->caplen < 14 + 40) {
		return false;
	}
	wire = (size_t)MAX(f->wirelen, f->caplen) - 14;
	if (load_be16(f->data + 12) == 0x0800 && ip[0] == 0x45 &&
	    load_be16(ip + 2) >= 20 && load_be16(ip + 2) <= wire) {
		*src = addr_from_v4(ip + 12);
		*dst = addr_from_v4(ip + 16);
		return true;
	}
	if (load_be16(f->data + 12) == 0x86dd && ip[0] >> 4 == 6 &&
	    (size_t)load_be16(ip + 4) + 40 <= wire) {
		*src = addr_from_v6(ip + 8);
		*dst = addr_from_v6(ip + 24);
		return true;
	}
	return false;
}

uint32_t
decode_pair_hash(const struct frame *f)
{
	static const struct decode_settings none = { .max_layers = MAX_ROUNDS };
	struct decode_counters count;
	struct packet out[1];
	struct decode_ctx x;
	enum decode_step step = STEP_LINK;
	struct addr src, dst;

	if (LIKELY(plain_pair(f, &src, &dst))) {
		return hash_pair(&src, &dst);
	}
	memset(&count, 0, sizeof(count));
	x = (struct decode_ctx){ .set = &none, .count = &count };
	decode_begin_frame(&x, f, out);
	while (step != STEP_DONE && ++x.layers <= MAX_ROUNDS) {
		step = take_step(&x, step, NULL);
		if (out[0].ip_version != 0) {
			return hash_pair(&out[0].src, &out[0].dst);
		}
	}
	return 0;
}
