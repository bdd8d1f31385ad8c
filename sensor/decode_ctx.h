/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_ctx.h - what the layers of one frame hand on to each other
 *
 * Internal: only decode.c and the decode_*.c files include it.
 *
 * A layer is a function that takes its header off the front of ctx->rest,
 * notes what it found in ctx->pkt and returns the step that comes next.  It
 * calls no other layer; decode.c alone drives, and counts the steps, so that
 * nesting costs a bounded amount of work whatever the frame says.
 *
 * Place    above defrag.h, below the decode_*.c files.
 * Threads  one worker's.
 * Memory   everything borrows from the frame or from the defragmenter.
 * Cost     no allocation.
 */
#ifndef SENSOR_DECODE_CTX_H
#define SENSOR_DECODE_CTX_H

#include "sensor/decode_count.h"
#include "sensor/defrag.h"

struct decoder;

enum decode_step {
	STEP_DONE = 0, /* nothing more can be told */
	STEP_LINK, /* a frame of ctx->linktype */
	STEP_WIFI, /* an IEEE 802.11 frame with or without radio header */
	STEP_ETHER, /* an Ethernet frame */
	STEP_ETHERTYPE, /* what ctx->ethertype says */
	STEP_PPP, /* a PPP protocol field */
	STEP_MPLS, /* a label stack */
	STEP_IP, /* IP of either version */
	STEP_IPV4,
	STEP_IPV6,
	STEP_FRAGMENT, /* ctx->frag is filled in */
	STEP_TRANSPORT, /* what ctx->pkt->proto says */
	STEP_UDP_TUNNEL, /* UDP payload on a port that tunnels use */
	STEP_GRE,
	STEP_IP_IN_IP,
};

#define DECODE_MAX_PORTS 8

struct decode_ports {
	bool enabled;
	uint8_t n;
	uint16_t port[DECODE_MAX_PORTS];
};

struct decode_settings {
	unsigned max_layers;
	struct decode_ports vxlan, geneve, teredo;
	/* A bit for the low six bits of each port above: for most packets it
	 * tells at once that neither port is among them. */
	uint64_t some_port;
};

struct decode_ctx {
	const struct decode_settings *set;
	struct decode_counters *count;
	const struct frame *frame;

	struct packet *out;
	unsigned n_out;
	struct packet *pkt; /* the one being filled in: out[n_out - 1] */

	struct view rest; /* not decoded yet */
	size_t wire; /* bytes 'rest' had on the wire, at least rest.len */
	uint16_t linktype;
	uint16_t ethertype;
	unsigned layers;
	bool finished; /* the defragmenter gave a datagram out */
	struct defrag_fragment frag;
};

/* Takes 'n' bytes, which are there, off the front. */
static inline void
decode_advance(struct decode_ctx *x, size_t n)
{
	x->rest.p += n;
	x->rest.len -= n;
	x->wire -= n;
}

/* Drops what follows the first 'n' bytes: padding, trailers. */
static inline void
decode_limit(struct decode_ctx *x, size_t n)
{
	x->rest.len = MIN(x->rest.len, n);
	x->wire = MIN(x->wire, n);
}

static inline void
decode_event(struct decode_ctx *x, enum event_id e)
{
	event_set_add(&x->pkt->events, e);
}

/* A header that cannot be used: notes why and ends the packet. */
static inline enum decode_step
decode_broken(struct decode_ctx *x, enum event_id e)
{
	decode_event(x, e);
	x->pkt->flags |= PKT_BROKEN;
	return STEP_DONE;
}

/* Nothing in it for us; that is not an error. */
static inline enum decode_step
decode_not_ip(struct decode_ctx *x)
{
	x->count->not_ip++;
	return STEP_DONE;
}

/* Begins the first packet of 'f', into 'out' of FRAME_MAX_PACKETS. */
void decode_begin_frame(struct decode_ctx *x, const struct frame *f,
			struct packet *out);
/*
 * Begin a packet after the current one: what is inside a tunnel, or the
 * datagram that a fragment completed.  VLANs go along.  False, with an event
 * on the current packet, when the frame holds too many.
 */
bool decode_begin_inner(struct decode_ctx *x, uint32_t tunnel_id) MUST_CHECK;
bool decode_begin_datagram(struct decode_ctx *x,
			   struct view datagram) MUST_CHECK;
/* Counts the frame as too deep, and says so on the current packet. */
void decode_too_deep(struct decode_ctx *x);

/*
 * Bounds ctx->rest by the datagram's own length.  A frame cut by the snap
 * length is a packet its host got whole.  One that is short on the wire is
 * none: no host takes it, so nothing of it is believed, and false is returned.
 */
bool decode_bound(struct decode_ctx *x, size_t total,
		  enum event_id trunc) MUST_CHECK;

/*
 * A network card that segments for its host ("TSO") leaves the length of what
 * the host captures at 0.  Such a frame is longer than any Ethernet carries;
 * a short one with length 0 is no packet that a host would take.
 */
#define DECODE_LONGEST_PAYLOAD 1508

/* decode.c: all layers, from the first on; without 'defrag' fragments are the
 * end of it. */
void decode_layers(struct decode_ctx *x, struct defrag *defrag);
const struct decode_settings *decoder_settings(const struct decoder *d);

/* decode_link.c */
enum decode_step decode_link(struct decode_ctx *x);
enum decode_step decode_ether(struct decode_ctx *x);
enum decode_step decode_ethertype(struct decode_ctx *x);
enum decode_step decode_mpls(struct decode_ctx *x);

/* decode_ppp.c */
enum decode_step decode_pppoe(struct decode_ctx *x, bool discovery);
enum decode_step decode_ppp(struct decode_ctx *x);

/* decode_wifi.c: link types 105, 119, 127, 192 */
enum decode_step decode_wifi(struct decode_ctx *x);

/* decode_ip.c */
enum decode_step decode_ip(struct decode_ctx *x);
enum decode_step decode_ipv4(struct decode_ctx *x);

/* decode_ipv6.c */
enum decode_step decode_ipv6(struct decode_ctx *x);

/* decode_icmp.c: of ctx->pkt->l4 */
enum decode_step decode_icmpv4(struct decode_ctx *x);
enum decode_step decode_icmpv6(struct decode_ctx *x);
enum decode_step decode_igmp(struct decode_ctx *x);

/* decode_arp.c */
enum decode_step decode_arp(struct decode_ctx *x);

/* Whether one of the ports is one that tunnels use. */
bool decode_port_listed(const struct decode_settings *set, uint16_t a,
			uint16_t b);

static inline bool
decode_tunnel_ports(const struct decode_settings *set, uint16_t a, uint16_t b)
{
	return UNLIKELY(((set->some_port >> (a & 63) |
			  set->some_port >> (b & 63)) &
			 1) != 0) &&
	       decode_port_listed(set, a, b);
}

/* decode_l4.c */
enum decode_step decode_transport(struct decode_ctx *x);
/*
 * The transport's checksum may be asked for: packet_l4_csum_ok().  That of a
 * datagram cut short, or not finished yet, cannot be judged and passes.
 */
void decode_l4_csum_due(struct packet *p);
void decode_tcp_options(struct packet *p, struct view o);
/* The transport's header has 'hlen' bytes; the rest of l4 is payload. */
void decode_payload(struct packet *p, size_t hlen);

/*
 * decode_plain.c: the whole frame, when it is an ordinary one (decode_peek.h)
 * that no layer would remark upon, and then the same packet and counters as
 * the layers give; false, and nothing is touched, for all others.
 */
bool decode_plain(const struct decode_settings *set, struct decode_tally *tally,
		  const struct frame *f, struct packet *p) MUST_CHECK;

/* decode_tunnel.c */
enum decode_step decode_gre(struct decode_ctx *x);
enum decode_step decode_udp_tunnel(struct decode_ctx *x);
enum decode_step decode_ip_in_ip(struct decode_ctx *x);

#endif
