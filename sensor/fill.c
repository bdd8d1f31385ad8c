/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fill.h"

#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_tls.h"
#include "sensor/fill_dns.h"
#include "sensor/fill_http.h"
#include "sensor/fill_ssh.h"
#include "sensor/fill_tls.h"

/* The buffers whose bytes grow while a body arrives. */
static const enum inspect_buf body_bufs[2] = {
	[FLOW_TOSERVER] = BUF_HTTP_REQ_BODY,
	[FLOW_TOCLIENT] = BUF_HTTP_RESP_BODY,
};

static void
begin(struct inspect *in, enum inspect_kind kind, enum flow_dir dir)
{
	in->kind = kind;
	in->dir = (enum inspect_dir)dir;
	/* Only what the last call filled: there are a hundred buffers. */
	in->buf[BUF_PAYLOAD] = in->buf[BUF_STREAM] = (struct inspect_list){ 0 };
	for (unsigned w = 0; w < 2; w++) {
		while (in->done[w] != 0) {
			unsigned b = (unsigned)__builtin_ctzll(in->done[w]);

			in->done[w] &= in->done[w] - 1;
			in->buf[w * 64 + b] = (struct inspect_list){ 0 };
		}
		in->fresh[w] = in->known[w] = 0;
	}
	in->num_set = 0;
	in->n_files = 0;
	in->file = NULL;
	in->store = (struct inspect_store){ 0 };
}

static uint8_t
csum_of(const struct packet *p)
{
	uint8_t bits = 0;

	if (p->ip_version == 4 && (p->flags & PKT_BROKEN) == 0) {
		bits = packet_ip_csum_ok(p) ? CSUM_IP_RIGHT : CSUM_IP_WRONG;
	}
	if (p->l4_hlen != 0 &&
	    (p->flags & (PKT_TRUNCATED | PKT_FRAGMENT | PKT_NO_L4_CSUM)) == 0) {
		bits |= (p->flags & PKT_L4_CSUM_DUE) != 0   ? CSUM_L4_DUE
			: (p->flags & PKT_BAD_L4_CSUM) != 0 ? CSUM_L4_WRONG
							    : CSUM_L4_RIGHT;
	}
	return bits;
}

static void
fill_facts(struct inspect_packet *out, const struct packet *pkt)
{
	*out = (struct inspect_packet){
		.src = pkt->src,
		.dst = pkt->dst,
		.sport = pkt->sport,
		.dport = pkt->dport,
		.proto = pkt->proto,
		.ip_version = pkt->ip_version,
		.ttl = pkt->ttl,
		.tos = pkt->tos,
		.ip_id = pkt->ip_id,
		.frag_offset = pkt->frag_offset,
		.frag_flags = pkt->frag_flags,
		.ip_options = pkt->ip_options,
		.tcp_flags = pkt->tcp_flags,
		.tcp_seq = pkt->tcp_seq,
		.tcp_ack = pkt->tcp_ack,
		.tcp_window = pkt->tcp_window,
		.tcp_mss = pkt->tcp_mss,
		.icmp_type = pkt->icmp_type,
		.icmp_code = pkt->icmp_code,
		.icmp_id = pkt->icmp_id,
		.icmp_seq = pkt->icmp_seq,
		.icmp_has_id = pkt->icmp_has_id,
		.icmpv6_has_mtu = pkt->icmpv6_has_mtu,
		.icmpv6_mtu = pkt->icmpv6_mtu,
		.tcp_wscale = pkt->tcp_wscale,
		.csum = csum_of(pkt),
		.l4 = pkt->l4,
		.dsize = (uint32_t)pkt->payload.len,
		.ts_us = pkt->frame->ts_us,
		.events = pkt->events,
	};
}

/* One view per header buffer, kept in 'store' for the call's length. */
static void
fill_headers(struct inspect *in, const struct packet *pkt, struct view *store)
{
	struct view l4 = view_sub(pkt->l4, 0, pkt->l4_hlen);

	store[0] = view_sub(pkt->l3, 0, pkt->l3_hlen);
	if (pkt->ip_version != 0 && store[0].len > 0) {
		inspect_set(in,
			    pkt->ip_version == 4 ? BUF_IPV4_HDR : BUF_IPV6_HDR,
			    &store[0], 1);
	}
	if (l4.len == 0) {
		return;
	}
	store[1] = l4;
	switch (pkt->proto) {
	case IPP_TCP:
		inspect_set(in, BUF_TCP_HDR, &store[1], 1);
		break;
	case IPP_UDP:
		inspect_set(in, BUF_UDP_HDR, &store[1], 1);
		break;
	case IPP_ICMP:
		store[1] = pkt->l4;
		inspect_set(in, BUF_ICMPV4_HDR, &store[1], 1);
		break;
	case IPP_ICMPV6:
		store[1] = pkt->l4;
		inspect_set(in, BUF_ICMPV6_HDR, &store[1], 1);
		break;
	default:
		break;
	}
}

void
fill_packet(struct inspect *in, const struct packet *pkt, enum flow_dir dir,
	    bool in_stream)
{
	begin(in, INSPECT_PACKET, dir);
	fill_facts(&in->pkt, pkt);
	in->pkt.in_stream = in_stream;
	fill_headers(in, pkt, in->pkt_views);
	in->pkt_views[2] = pkt->payload;
	inspect_set(in, BUF_PAYLOAD, &in->pkt_views[2],
		    pkt->payload.len > 0 ? 1 : 0);
}

bool
flow_established(const struct flow *f)
{
	return f->proto == IPP_TCP ? stream_established(f)
				   : f->pkts[0] > 0 && f->pkts[1] > 0;
}

void
fill_flow(struct inspect_flow *out, const struct flow *f)
{
	*out = (struct inspect_flow){
		.id = f->id,
		.established = flow_established(f),
		.is_tcp = f->proto == IPP_TCP && f->tcp != NULL,
		.first_packet = f->pkts[0] + f->pkts[1] == 1,
		.app = app_proto_of(f),
		.app_dir = { app_proto_dir(f, FLOW_TOSERVER),
			     app_proto_dir(f, FLOW_TOCLIENT) },
		.app_before = app_proto_before(f),
		.first_us = f->first_us,
		.pkts = { f->pkts[0], f->pkts[1] },
		.bytes = { f->bytes[0], f->bytes[1] },
	};
	if (f->tcp != NULL) {
		out->stream_bytes[0] = stream_bytes(f, FLOW_TOSERVER);
		out->stream_bytes[1] = stream_bytes(f, FLOW_TOCLIENT);
	}
}

bool
fill_stream(struct inspect *in, const struct flow *f, enum flow_dir dir,
	    bool last)
{
	uint32_t seen = 0;
	uint64_t offset = 0;
	struct view window = stream_raw(f, dir, &seen, &offset);

	if (window.len == 0 || (seen >= window.len && !last)) {
		return false;
	}
	begin(in, INSPECT_STREAM, dir);
	in->pkt_views[3] = window;
	inspect_set(in, BUF_STREAM, &in->pkt_views[3], 1);
	in->stream_seen = seen;
	in->stream_offset = offset;
	in->stream_chunk = stream_raw_chunk(f, dir);
	in->stream_end = last;
	in->pkt.is_rebuilt_stream = true;
	return true;
}

static void
set_digests(struct inspect_file *out, const struct file *f)
{
	const struct digest_sums *s = &f->sums;

	/* the digest of a file that lacks bytes is no file's */
	if (f->state == FILE_CLOSED) {
		out->digest[INSPECT_MD5] =
			(s->has & DIGEST_MD5) != 0 ? s->md5 : NULL;
		out->digest[INSPECT_SHA1] =
			(s->has & DIGEST_SHA1) != 0 ? s->sha1 : NULL;
		out->digest[INSPECT_SHA256] =
			(s->has & DIGEST_SHA256) != 0 ? s->sha256 : NULL;
	}
}

/* Those files of the direction that the rules have not seen the end of. */
static void
fill_files(struct inspect *in, struct app_tx *tx, enum flow_dir dir)
{
	for (struct file *f = tx->files[dir].first; f != NULL; f = f->next) {
		struct inspect_file *out = &in->files[in->n_files];
		bool ended = file_ended(f);

		if (f->end_offered || in->n_files == INSPECT_FILES_MAX) {
			continue;
		}
		*out = (struct inspect_file){
			.name = f->name,
			.magic = f->magic,
			.data = buf_view(f->front),
			.fresh_name = !f->offered,
			.fresh_magic = f->magic.len > 0 && !f->magic_offered,
			.data_due = file_due(f),
			.fresh_data = file_due(f),
			.magic_known = f->magic_tried || ended,
			.ended = ended,
			.whole = f->state == FILE_CLOSED,
			.data_seen = (uint32_t)f->inspected,
			.size = f->size,
			.state = &f->rules,
			.wanted = &f->wanted,
		};
		set_digests(out, f);
		in->n_files++;
	}
}
STATIC_ASSERT(INSPECT_FILES_MAX >= FILES_MAX, "no file is passed over");

void
fill_tx(struct inspect *in, struct app_tx *tx, enum flow_dir dir,
	const uint64_t needed[2])
{
	enum inspect_buf body = body_bufs[dir];

	begin(in, INSPECT_TX, dir);
	in->pkt.is_rebuilt_stream = false;
	in->app = tx->parser->proto;
	in->tx_id = tx->id;
	in->events = tx->events;
	in->tx_done[0] = tx->done[0];
	in->tx_done[1] = tx->done[1];
	memset(in->body_seen, 0, sizeof(in->body_seen));
	memset(in->body_offset, 0, sizeof(in->body_offset));
	memset(in->body_complete, 0, sizeof(in->body_complete));
	memset(in->body_end, 0, sizeof(in->body_end));
	switch (tx->parser->proto) {
	case APP_HTTP:
		fill_http(in, (struct http_tx *)tx, needed);
		break;
	case APP_DNS:
	case APP_MDNS:
		fill_dns(in, (struct dns_tx *)tx, needed);
		break;
	case APP_SSH:
		fill_ssh(in, (struct ssh_tx *)tx, needed);
		break;
	case APP_TLS:
		fill_tls(in, (struct tls_tx *)tx, needed);
		break;
	default:
		break;
	}
	for (unsigned w = 0; w < 2; w++) {
		in->fresh[w] = in->done[w] & ~tx->inspected[dir][w];
		in->known[w] = tx->inspected[!dir][w];
	}
	if (in->buf[body].n > 0 &&
	    (in->body_end[dir] > tx->body_inspected[dir] ||
	     (in->body_complete[dir] && !tx->end_inspected[dir]))) {
		in->fresh[body / 64] |= UINT64_C(1) << (body % 64);
	}
	fill_files(in, tx, dir);
}

void
fill_tx_raw(struct inspect *in, const struct flow *f, const struct packet *pkt,
	    enum flow_dir packet_dir)
{
	enum flow_dir dir = (enum flow_dir)in->dir;
	uint32_t seen = 0;

	if (f->tcp != NULL) {
		in->pkt_views[3] =
			stream_raw(f, dir, &seen, &in->stream_offset);
		in->buf[BUF_STREAM].v = &in->pkt_views[3];
		in->buf[BUF_STREAM].n = in->pkt_views[3].len > 0 ? 1 : 0;
		in->stream_seen = seen;
	} else if (pkt != NULL && dir == packet_dir) {
		in->pkt_views[2] = pkt->payload;
		in->buf[BUF_PAYLOAD].v = &in->pkt_views[2];
		in->buf[BUF_PAYLOAD].n = pkt->payload.len > 0 ? 1 : 0;
	}
}

void
fill_tx_done(const struct inspect *in, struct app_tx *tx)
{
	tx->inspected[in->dir][0] |= in->done[0];
	tx->inspected[in->dir][1] |= in->done[1];
	if (in->body_end[in->dir] > 0) {
		tx->body_inspected[in->dir] =
			MAX(tx->body_inspected[in->dir], in->body_end[in->dir]);
		tx->end_inspected[in->dir] = in->body_complete[in->dir];
	}
	for (struct file *f = tx->files[in->dir].first; f != NULL;
	     f = f->next) {
		if (file_due(f)) {
			f->inspected = f->front->len;
		}
		f->offered = true;
		f->magic_offered = f->magic_offered || f->magic.len > 0;
		f->end_offered = file_ended(f);
	}
}
