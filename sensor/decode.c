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
	struct decode_counters uncounted; /* 'count' with the latest frame */
	struct decode_tally tally; /* not in 'count' */
	struct defrag *defrag;
	struct defrag_counters given_up; /* of 'defrag', in 'count' already */
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

bool
decode_knows_link(uint16_t linktype)
{
	static const uint8_t nothing[1];
	struct frame f = { .data = nothing, .linktype = linktype };
	struct packet pkt[FRAME_MAX_PACKETS];
	struct decode_counters n;
	struct decode_ctx x = { .count = &n };

	memset(&n, 0, sizeof(n));
	decode_begin_frame(&x, &f, pkt);
	(void)decode_link(&x);
	return n.unknown_link == 0;
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

void
decode_layers(struct decode_ctx *x, struct defrag *defrag)
{
	enum decode_step step = STEP_LINK;

	while (step != STEP_DONE) {
		if (is_layer(step) && ++x->layers > x->set->max_layers) {
			decode_too_deep(x);
			break;
		}
		step = take_step(x, step, defrag);
	}
}

/* What the defragmenter gave up for this frame. */
static void
count_given_up(struct decoder *d)
{
	const struct defrag_counters *n = defrag_counters(d->defrag);

	d->count.frag_timeout += n->timeout - d->given_up.timeout;
	d->count.frag_no_memory += n->no_memory - d->given_up.no_memory;
	d->given_up = *n;
}

unsigned
decode_frame_by_layers(struct decoder *d, const struct frame *f,
		       struct packet out[FRAME_MAX_PACKETS])
{
	struct decode_ctx x = { .set = &d->set, .count = &d->count };

	if (UNLIKELY(d->finished)) {
		defrag_recycle(d->defrag);
	}
	decode_begin_frame(&x, f, out);
	d->count.pkts++;
	d->count.bytes += f->caplen;
	decode_layers(&x, d->defrag);
	d->finished = x.finished;
	count_given_up(d);
	for (unsigned i = 0; i < x.n_out; i++) {
		d->count.invalid += (out[i].flags & PKT_BROKEN) != 0;
	}
	return x.n_out;
}

bool
decode_ahead(struct decoder *d, const struct frame *f, struct packet *out)
{
	return LIKELY(d->plain) && decode_plain(&d->set, &d->tally, f, out);
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

unsigned
decode_frame_uncounted(struct decoder *d, const struct frame *f,
		       struct packet out[FRAME_MAX_PACKETS])
{
	struct decode_counters count = d->count;
	unsigned n = decode_frame_by_layers(d, f, out);

	d->uncounted = d->count;
	d->count = count;
	return n;
}

void
decode_count_last(struct decoder *d)
{
	d->count = d->uncounted;
}

const struct decode_settings *
decoder_settings(const struct decoder *d)
{
	return &d->set;
}
