/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode_ctx.h"

static struct packet *
begin_packet(struct decode_ctx *x)
{
	struct packet *p = &x->out[x->n_out++];

	/* In parts, which become plain stores (decode_plain.c). */
	for (size_t i = 0; i + 64 <= sizeof(*p); i += 64) {
		memset((uint8_t *)p + i, 0, 64);
	}
	memset((uint8_t *)p + sizeof(*p) / 64 * 64, 0, sizeof(*p) % 64);
	p->frame = x->frame;
	p->tcp_wscale = 0xff;
	x->pkt = p;
	return p;
}

void
decode_begin_frame(struct decode_ctx *x, const struct frame *f,
		   struct packet *out)
{
	x->frame = f;
	x->out = out;
	x->n_out = 0;
	x->linktype = f->linktype;
	x->rest = view_of(f->data, f->caplen);
	x->wire = MAX(f->wirelen, f->caplen);
	begin_packet(x);
}

void
decode_too_deep(struct decode_ctx *x)
{
	decode_event(x, EV_DECODE_TOO_MANY_LAYERS);
	x->count->too_many_layers++;
}

bool
decode_begin_inner(struct decode_ctx *x, uint32_t tunnel_id)
{
	struct packet *outer = x->pkt, *inner;

	if (x->n_out == FRAME_MAX_PACKETS) {
		decode_too_deep(x);
		return false;
	}
	inner = begin_packet(x);
	memcpy(inner->vlan, outer->vlan, sizeof(inner->vlan));
	inner->n_vlans = outer->n_vlans;
	inner->depth = (uint8_t)(outer->depth + 1);
	inner->outer = outer;
	inner->flags = PKT_INNER;
	inner->tunnel_id = tunnel_id;
	outer->flags |= PKT_OUTER;
	return true;
}

bool
decode_begin_datagram(struct decode_ctx *x, struct view datagram)
{
	struct packet *part = x->pkt, *whole;

	if (x->n_out == FRAME_MAX_PACKETS) {
		decode_too_deep(x);
		return false;
	}
	whole = begin_packet(x);
	memcpy(whole->vlan, part->vlan, sizeof(whole->vlan));
	whole->n_vlans = part->n_vlans;
	whole->ether = part->ether;
	whole->ether_type = part->ether_type;
	whole->depth = part->depth;
	whole->outer = part->outer;
	if (part->depth == 0) {
		whole->link = view_of(x->frame->data,
				      (size_t)(part->l3.p - x->frame->data));
	}
	whole->flags = PKT_REASSEMBLED | (part->flags & PKT_INNER);
	whole->tunnel_id = part->tunnel_id;
	x->rest = datagram;
	x->wire = datagram.len;
	return true;
}

bool
decode_bound(struct decode_ctx *x, size_t total, enum event_id trunc)
{
	if (UNLIKELY(total > x->rest.len)) {
		decode_event(x, trunc);
		x->pkt->flags |= PKT_TRUNCATED;
		if (total > x->wire) {
			return false;
		}
	}
	decode_limit(x, total);
	return true;
}

static bool
listed(const struct decode_ports *ports, uint16_t a, uint16_t b)
{
	if (!ports->enabled) {
		return false;
	}
	for (unsigned i = 0; i < ports->n; i++) {
		if (ports->port[i] == a || ports->port[i] == b) {
			return true;
		}
	}
	return false;
}

bool
decode_port_listed(const struct decode_settings *set, uint16_t a, uint16_t b)
{
	return listed(&set->vxlan, a, b) || listed(&set->geneve, a, b) ||
	       listed(&set->teredo, a, b);
}
