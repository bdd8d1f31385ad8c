/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_dns.h"

#define HEADER_LEN 12 /* RFC 1035 4.1.1 */
#define MIN_QUESTION 5 /* root name, type, class */
#define MIN_RR 11 /* root name, type, class, ttl, length */
#define TCP_MAX_MESSAGE 65535
#define TCP_USUAL_MESSAGE 4096 /* what is believed on another port */

#define FLAG_QR 0x8000
#define FLAG_RD 0x0100
#define FLAG_Z 0x0040
#define OPCODE(flags) ((flags) >> 11 & 0xf)
#define OPCODE_LAST 6 /* DSO, RFC 8490; above is unassigned */

/* What TCP keeps of one direction. */
struct dns_side {
	struct buf buf; /* an unfinished message with its length */
	uint64_t skip; /* bytes of a message torn by a gap, still to come */
	bool lost; /* no longer known where messages begin */
};

struct dns_state {
	struct dns_side side[2];
};

static bool
read_question(struct dns_tx *tx, struct view msg, size_t *pos,
	      struct dns_question *q)
{
	if (!dns_name_read(msg, pos, &tx->tx.arena, &q->name, &tx->tx.events) ||
	    msg.len - *pos < 4) {
		return false;
	}
	q->type = load_be16(msg.p + *pos);
	q->class = load_be16(msg.p + *pos + 2);
	*pos += 4;
	return true;
}

/* Reads 'count' questions, keeping the first DNS_MAX_RRS of them. */
static bool
read_questions(struct dns_tx *tx, struct view msg, size_t *pos)
{
	uint32_t count = tx->count[0];
	uint32_t room = (uint32_t)MIN((msg.len - *pos) / MIN_QUESTION,
				      (size_t)MIN(count, DNS_MAX_RRS));

	tx->questions =
		arena_zalloc(&tx->tx.arena, room * sizeof(*tx->questions));
	if (tx->questions == NULL) {
		room = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (i < room) {
			if (!read_question(tx, msg, pos, &tx->questions[i])) {
				return false;
			}
			tx->n_questions++;
			continue;
		}
		if (!dns_name_skip(msg, pos) || msg.len - *pos < 4) {
			return false;
		}
		*pos += 4;
		tx->n_questions_dropped++;
	}
	return true;
}

/* RFC 1035 3.3.13, after the header fields. */
static bool
read_soa(struct dns_tx *tx, struct view msg, size_t pos, size_t end,
	 struct dns_rr *rr)
{
	if (!dns_name_read(msg, &pos, &tx->tx.arena, &rr->target,
			   &tx->tx.events) ||
	    !dns_name_read(msg, &pos, &tx->tx.arena, &rr->rname,
			   &tx->tx.events) ||
	    pos > end || end - pos < sizeof(rr->soa)) {
		return false;
	}
	for (unsigned i = 0; i < ARRAY_LEN(rr->soa); i++) {
		rr->soa[i] = load_be32(msg.p + pos + 4 * i);
	}
	return true;
}

/* Takes apart the rdata at [pos, end) where its type is known. */
static bool
read_rdata(struct dns_tx *tx, struct view msg, size_t pos, size_t end,
	   struct dns_rr *rr)
{
	size_t len = end - pos;

	switch (rr->type) {
	case DNS_TYPE_A:
		return len == 4;
	case DNS_TYPE_AAAA:
		return len == 16;
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
	case DNS_TYPE_PTR:
	case DNS_TYPE_DNAME:
		break;
	case DNS_TYPE_MX: /* 3.3.9 */
		if (len < 2) {
			return false;
		}
		rr->prio = load_be16(msg.p + pos);
		pos += 2;
		break;
	case DNS_TYPE_SRV: /* RFC 2782 */
		if (len < 6) {
			return false;
		}
		rr->prio = load_be16(msg.p + pos);
		rr->weight = load_be16(msg.p + pos + 2);
		rr->port = load_be16(msg.p + pos + 4);
		pos += 6;
		break;
	case DNS_TYPE_SOA:
		return read_soa(tx, msg, pos, end, rr);
	case DNS_TYPE_SSHFP: /* RFC 4255 3.1 */
		return len >= 2;
	default:
		return true;
	}
	return dns_name_read(msg, &pos, &tx->tx.arena, &rr->target,
			     &tx->tx.events) &&
	       pos <= end;
}

/* RFC 1035 4.1.3.  'rr' is NULL for a record that is only counted. */
static bool
read_rr(struct dns_tx *tx, struct view msg, size_t *pos, struct dns_rr *rr)
{
	size_t p, len;

	if (rr == NULL ? !dns_name_skip(msg, pos)
		       : !dns_name_read(msg, pos, &tx->tx.arena, &rr->name,
					&tx->tx.events)) {
		return false;
	}
	p = *pos;
	if (msg.len - p < 10) {
		return false;
	}
	len = load_be16(msg.p + p + 8);
	if (msg.len - p - 10 < len) {
		return false;
	}
	*pos = p + 10 + len;
	if (rr != NULL) {
		rr->type = load_be16(msg.p + p);
		rr->class = load_be16(msg.p + p + 2);
		rr->ttl = load_be32(msg.p + p + 4);
		rr->rdata = view_of(msg.p + p + 10, len);
		rr->parsed = read_rdata(tx, msg, p + 10, *pos, rr);
	}
	return true;
}

static bool
read_section(struct dns_tx *tx, struct view msg, size_t *pos,
	     enum dns_section s)
{
	uint32_t count = tx->count[1 + s];
	uint32_t room = (uint32_t)MIN((msg.len - *pos) / MIN_RR,
				      (size_t)MIN(count, DNS_MAX_RRS));

	tx->rr[s] = arena_zalloc(&tx->tx.arena, room * sizeof(*tx->rr[s]));
	if (tx->rr[s] == NULL) {
		room = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!read_rr(tx, msg, pos, i < room ? &tx->rr[s][i] : NULL)) {
			return false;
		}
		if (i < room) {
			tx->n_rr[s]++;
		} else {
			tx->n_rr_dropped[s]++;
		}
	}
	return true;
}

static void
drop_section(struct dns_tx *tx, enum dns_section s)
{
	tx->n_rr_dropped[s] += tx->n_rr[s];
	tx->n_rr[s] = 0;
}

/* False when questions or answers are broken: nothing of it can be trusted. */
static bool
read_body(struct dns_tx *tx, struct view msg)
{
	size_t pos = HEADER_LEN;

	if (!read_questions(tx, msg, &pos) ||
	    !read_section(tx, msg, &pos, DNS_ANSWER)) {
		event_set_add(&tx->tx.events, EV_DNS_MALFORMED_DATA);
		return false;
	}
	if (!read_section(tx, msg, &pos, DNS_AUTHORITY)) {
		event_set_add(&tx->tx.events, EV_DNS_INVALID_AUTHORITIES);
		drop_section(tx, DNS_AUTHORITY);
	} else if (!read_section(tx, msg, &pos, DNS_ADDITIONAL)) {
		event_set_add(&tx->tx.events, EV_DNS_INVALID_ADDITIONALS);
		drop_section(tx, DNS_ADDITIONAL);
	}
	return true;
}

static void
read_header(struct dns_tx *tx, struct view msg, enum flow_dir dir)
{
	tx->id = load_be16(msg.p);
	tx->flags = load_be16(msg.p + 2);
	tx->opcode = OPCODE(tx->flags);
	tx->rcode = tx->flags & 0xf;
	tx->response = (tx->flags & FLAG_QR) != 0;
	for (unsigned i = 0; i < ARRAY_LEN(tx->count); i++) {
		tx->count[i] = load_be16(msg.p + 4 + 2 * i);
	}
	if (tx->flags & FLAG_Z) {
		event_set_add(&tx->tx.events, EV_DNS_Z_FLAG_SET);
	}
	if (tx->opcode > OPCODE_LAST) {
		event_set_add(&tx->tx.events, EV_DNS_INVALID_OPCODE);
	}
	if (tx->tx.parser->proto == APP_MDNS) {
		return; /* both speak from and to one port, RFC 6762 5.2 */
	}
	if (tx->response && dir == FLOW_TOSERVER) {
		event_set_add(&tx->tx.events, EV_DNS_NOT_A_REQUEST);
	}
	if (!tx->response && dir == FLOW_TOCLIENT) {
		event_set_add(&tx->tx.events, EV_DNS_NOT_A_RESPONSE);
	}
}

/*
 * One whole message with the 'prefix' bytes of TCP's length before it.  A
 * message that cannot be read stays a transaction, for its events, but is
 * not written as a DNS record.
 */
static void
take_message(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
	     struct view whole, size_t prefix)
{
	struct dns_tx *tx;
	struct view msg;

	tx = app_tx_new(ctx, af, af->parser, sizeof(*tx));
	if (tx == NULL) {
		return;
	}
	tx->tx.one_sided = true;
	tx->tx.done[FLOW_TOSERVER] = tx->tx.done[FLOW_TOCLIENT] = true;
	tx->tx.updated[dir] = true;
	tx->response = dir == FLOW_TOCLIENT;
	whole = arena_copy(&tx->tx.arena, whole);
	if (whole.len == 0) {
		ctx->n_no_memory++;
	}
	tx->tcp_length = view_sub(whole, 0, prefix);
	tx->message = msg = view_sub(whole, prefix, whole.len);
	if (msg.len < HEADER_LEN) {
		event_set_add(&tx->tx.events, EV_DNS_MALFORMED_DATA);
		tx->tx.logged = true;
		return;
	}
	read_header(tx, msg, dir);
	if (!read_body(tx, msg)) {
		tx->tx.logged = true;
	}
}

static enum app_result
parse_udp(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
	  struct view data)
{
	if (data.len > 0) {
		take_message(ctx, af, dir, data, 0);
	}
	return APP_PARSE_OK;
}

static void *
state_new(struct app_ctx *ctx, struct app_flow *af)
{
	struct dns_state *st = pool_get(ctx->pool, sizeof(*st));

	(void)af;
	if (st != NULL) {
		memset(st, 0, sizeof(*st));
		for (unsigned i = 0; i < 2; i++) {
			buf_init(&st->side[i].buf, ctx->pool,
				 2 + TCP_MAX_MESSAGE);
		}
	}
	return st;
}

static void
state_free(struct app_ctx *ctx, struct app_flow *af, void *state)
{
	struct dns_state *st = state;

	(void)af;
	if (st != NULL) {
		buf_fini(&st->side[0].buf);
		buf_fini(&st->side[1].buf);
		pool_put(ctx->pool, st, sizeof(*st));
	}
}

/* Bytes of the message at the front of 'v', its length included; 0: unknown. */
static size_t
tcp_need(struct view v)
{
	return v.len < 2 ? 0 : 2 + (size_t)load_be16(v.p);
}

/* Fills up the message that waits in 'side' and takes it once whole. */
static struct view
finish_waiting(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
	       struct dns_side *side, struct view data)
{
	size_t n, need;

	if (side->buf.len == 1) {
		if (buf_append(&side->buf, view_sub(data, 0, 1)) == 0) {
			goto no_memory;
		}
		data = view_sub(data, 1, data.len);
	}
	need = tcp_need(buf_view(&side->buf));
	n = MIN(need - side->buf.len, data.len);
	if (buf_append(&side->buf, view_sub(data, 0, n)) < n) {
		goto no_memory;
	}
	data = view_sub(data, n, data.len);
	if (side->buf.len == need) {
		if (need > 2) {
			take_message(ctx, af, dir, buf_view(&side->buf), 2);
		}
		side->buf.len = 0;
	}
	return data;
no_memory:
	ctx->n_no_memory++;
	side->buf.len = 0;
	side->lost = true;
	return VIEW_NONE;
}

static enum app_probe probe_tcp(struct view data, enum flow_dir dir,
				bool by_port);

static enum app_result
parse_tcp(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
	  struct view data)
{
	struct dns_state *st = af->state;
	struct dns_side *side = &st->side[dir];
	uint64_t skip = MIN(side->skip, data.len);

	side->skip -= skip;
	data = view_sub(data, (size_t)skip, data.len);
	if (side->lost && data.len > 0) {
		if (probe_tcp(data, dir, true) != PROBE_YES) {
			return APP_PARSE_OK; /* wait for one that begins here */
		}
		side->lost = false;
	}
	if (side->buf.len > 0 && data.len > 0) {
		data = finish_waiting(ctx, af, dir, side, data);
	}
	while (data.len > 0) {
		size_t need = tcp_need(data);

		if (need == 0 || need > data.len) {
			if (buf_append(&side->buf, data) < data.len) {
				ctx->n_no_memory++;
				side->buf.len = 0;
				side->lost = true;
			}
			break;
		}
		if (need > 2) {
			take_message(ctx, af, dir, view_sub(data, 0, need), 2);
		}
		data = view_sub(data, need, data.len);
	}
	if (side->buf.len == 0) {
		buf_fini(&side->buf);
	}
	return APP_PARSE_OK;
}

static enum app_result
gap_tcp(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
	uint64_t bytes)
{
	struct dns_state *st = af->state;
	struct dns_side *side = &st->side[dir];
	uint64_t rest = side->skip;

	(void)ctx;
	if (side->buf.len >= 2) {
		rest = tcp_need(buf_view(&side->buf)) - side->buf.len;
	}
	/* A hole inside one message tells where the next begins. */
	side->lost |= bytes > rest || side->buf.len == 1;
	side->skip = side->lost ? 0 : rest - bytes;
	buf_fini(&side->buf);
	return APP_PARSE_OK;
}

/* Types and classes that a question of an honest resolver carries. */
static bool
usual_question(struct view msg, size_t pos)
{
	uint16_t type, class;

	if (msg.len - pos < 4) {
		return false;
	}
	type = load_be16(msg.p + pos);
	class = load_be16(msg.p + pos + 2) & 0x7fff; /* RFC 6762 5.4 */
	return type != 0 && (type <= 65 || (type >= 249 && type <= 258)) &&
	       (class == 1 || class == 3 || class == 255);
}

/*
 * Names of hosts hold these; other bytes on another port are not DNS.  One
 * label of 32 letters is NetBIOS's way of writing names (RFC 1001 14.1).
 */
static bool
usual_name(struct view msg, size_t pos)
{
	size_t n = 0, start = pos;

	for (;;) {
		uint8_t len = msg.p[pos++];

		if (len == 0 || (len & 0xc0) != 0) {
			return n > 0 && len == 0 &&
			       !(n == 1 && msg.p[start] == 32);
		}
		for (uint8_t i = 0; i < len; i++, pos++) {
			uint8_t c = ascii_lower(msg.p[pos]);

			if (!((c >= 'a' && c <= 'z') ||
			      (c >= '0' && c <= '9') || c == '-' || c == '_')) {
				return false;
			}
		}
		n++;
	}
}

/*
 * 'len' is what the message claims to have, 'msg' what is here of it.  On its
 * port a message is believed when its counts could fit; elsewhere it must be
 * a stub resolver's plain query, or the answer, for one usual name.  Those ask
 * for recursion, which keeps LLMNR (RFC 4795 2.1.1) apart.
 */
static enum app_probe
probe_message(struct view msg, size_t len, bool by_port)
{
	size_t pos = HEADER_LEN, count[4];
	uint16_t flags;

	if (len < HEADER_LEN) {
		return PROBE_NO;
	}
	if (msg.len < HEADER_LEN) {
		return PROBE_MORE;
	}
	flags = load_be16(msg.p + 2);
	for (unsigned i = 0; i < 4; i++) {
		count[i] = load_be16(msg.p + 4 + 2 * i);
	}
	if (count[0] + count[1] + count[2] + count[3] == 0 ||
	    count[0] * MIN_QUESTION > len - HEADER_LEN) {
		return PROBE_NO;
	}
	if (!by_port &&
	    ((flags & (0x7800 | FLAG_Z | FLAG_RD)) != FLAG_RD ||
	     count[0] != 1 ||
	     (count[1] + count[2] + count[3]) * MIN_RR > len - HEADER_LEN)) {
		return PROBE_NO;
	}
	if (!dns_name_skip(msg, &pos)) {
		if (msg.len < len) {
			return PROBE_MORE;
		}
		/* Cut short, or a label of a reserved type: not by content. */
		return by_port && count[0] > 0 ? PROBE_YES : PROBE_NO;
	}
	if (by_port) {
		return PROBE_YES;
	}
	if (!usual_name(msg, HEADER_LEN) || msg.len < len) {
		return msg.len < len ? PROBE_MORE : PROBE_NO;
	}
	return usual_question(msg, pos) ? PROBE_YES : PROBE_NO;
}

static enum app_probe
probe_udp(struct view data, enum flow_dir dir, bool by_port)
{
	enum app_probe r = probe_message(data, data.len, by_port);

	(void)dir;
	return r == PROBE_MORE ? PROBE_NO : r;
}

static enum app_probe
probe_tcp(struct view data, enum flow_dir dir, bool by_port)
{
	size_t len;

	(void)dir;
	if (data.len < 2) {
		return PROBE_MORE;
	}
	len = load_be16(data.p);
	if (!by_port && len > TCP_USUAL_MESSAGE) {
		return PROBE_NO;
	}
	return probe_message(view_sub(data, 2, len), len, by_port);
}

static enum app_probe
probe_mdns(struct view data, enum flow_dir dir, bool by_port)
{
	return by_port ? probe_udp(data, dir, true) : PROBE_NO;
}

static bool
reversed(struct view data, enum flow_dir dir)
{
	return data.len >= HEADER_LEN && ((load_be16(data.p + 2) & FLAG_QR) !=
					  0) != (dir == FLOW_TOCLIENT);
}

static const uint16_t dns_ports[] = { 53, 0 };
static const uint16_t mdns_ports[] = { 5353, 0 };

const struct app_parser app_dns_udp = {
	.proto = APP_DNS,
	.udp = true,
	.ports = dns_ports,
	.probe = probe_udp,
	.reversed = reversed,
	.parse = parse_udp,
};

const struct app_parser app_mdns = {
	.proto = APP_MDNS,
	.udp = true,
	.ports = mdns_ports,
	.probe = probe_mdns,
	.parse = parse_udp,
};

const struct app_parser app_dns_tcp = {
	.proto = APP_DNS,
	.tcp = true,
	.ports = dns_ports,
	.probe = probe_tcp,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse_tcp,
	.gap = gap_tcp,
};
