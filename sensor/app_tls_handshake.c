/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_tls_state.h"

#include "rules/inspect.h"
#include "sensor/ja3.h"
#include "sensor/ja4.h"

static void
take_client_hello(struct tls_state *st, struct view body)
{
	struct tls_tx *tx = st->tx;

	/* After a HelloRetryRequest the first one stays the fingerprint. */
	if (tx->hello[FLOW_TOSERVER].seen) {
		return;
	}
	body = arena_copy(&tx->tx.arena, body);
	if (!tls_read_client_hello(tx, body)) {
		tls_add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
	}
	if (!tx->hello[FLOW_TOSERVER].seen) {
		return;
	}
	tx->state |= SSL_STATE_CLIENT_HELLO;
	if (tx->version == 0) {
		tx->version = tx->hello[FLOW_TOSERVER].version;
	}
	tx->tx.logged = false;
	ja3_client(tx);
	ja4_client(tx);
}

/* RFC 8446 4.1.3: the random that marks a HelloRetryRequest. */
static bool
is_retry(const struct tls_hello *h)
{
	static const uint8_t mark[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
		0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
		0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};

	return view_eq(h->random, view_of(mark, sizeof(mark)));
}

static void
take_server_hello(struct tls_state *st, struct view body)
{
	struct tls_tx *tx = st->tx;
	struct tls_hello *h = &tx->hello[FLOW_TOCLIENT];

	if (h->seen) {
		return;
	}
	body = arena_copy(&tx->tx.arena, body);
	if (!tls_read_server_hello(tx, body)) {
		tls_add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
	}
	if (!h->seen) {
		return;
	}
	tx->version = h->version == TLS_VERSION_13 ? TLS_VERSION_EARLY_DRAFT
						   : h->best_version;
	if (is_retry(h)) {
		memset(h, 0, sizeof(*h));
		return;
	}
	tx->state |= SSL_STATE_SERVER_HELLO;
	tx->tx.logged = false;
	ja3_server(tx);
}

/* What could not be read of a certificate, by Suricata's names. */
static void
certificate_events(struct tls_state *st, enum tls_cert_result r)
{
	static const struct {
		enum tls_cert_result result;
		enum event_id event;
	} rows[] = {
		{ TLS_CERT_BAD_VERSION, EV_TLS_CERTIFICATE_INVALID_VERSION },
		{ TLS_CERT_BAD_SERIAL, EV_TLS_CERTIFICATE_INVALID_SERIAL },
		{ TLS_CERT_BAD_ALGORITHM,
		  EV_TLS_CERTIFICATE_INVALID_ALGORITHM },
		{ TLS_CERT_BAD_ISSUER, EV_TLS_CERTIFICATE_INVALID_ISSUER },
		{ TLS_CERT_BAD_ISSUER, EV_TLS_CERTIFICATE_INVALID_NAME },
		{ TLS_CERT_BAD_SUBJECT, EV_TLS_CERTIFICATE_INVALID_SUBJECT },
		{ TLS_CERT_BAD_SUBJECT, EV_TLS_CERTIFICATE_INVALID_NAME },
		{ TLS_CERT_BAD_EXTENSIONS,
		  EV_TLS_CERTIFICATE_INVALID_EXTENSIONS },
		{ TLS_CERT_BAD_VALIDITY, EV_TLS_CERTIFICATE_INVALID_VALIDITY },
		{ TLS_CERT_BAD_VALIDITY, EV_TLS_CERTIFICATE_INVALID_DATE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].result == r) {
			tls_add_event(st, rows[i].event);
		}
	}
	/* A date that is none leaves the rest of use. */
	if (r != TLS_CERT_OK && r != TLS_CERT_BAD_VALIDITY) {
		tls_add_event(st, EV_TLS_CERTIFICATE_INVALID_DER);
		tls_add_event(st, EV_TLS_INVALID_CERTIFICATE);
		tls_add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
	}
}

static void
take_certificates(struct tls_state *st, enum flow_dir dir, struct view body)
{
	struct tls_tx *tx = st->tx;
	struct tls_chain *c = &tx->chain[dir];
	enum tls_cert_result r;

	if (c->seen || tls_is_13(tx->version)) {
		return;
	}
	body = arena_copy(&tx->tx.arena, body);
	if (!tls_read_certificates(tx, dir, body)) {
		tls_add_event(st, EV_TLS_CERTIFICATE_INVALID_LENGTH);
		tls_add_event(st, EV_TLS_INVALID_CERTIFICATE);
		tls_add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
	}
	if (c->n == 0) {
		return;
	}
	r = tls_cert_parse(c->der[0], &tx->tx.arena, &c->leaf);
	certificate_events(st, r);
}

static void
take_message(struct tls_state *st, enum flow_dir dir, uint8_t type,
	     struct view body)
{
	if (type == MSG_CLIENT_HELLO) {
		take_client_hello(st, body);
	} else if (type == MSG_SERVER_HELLO) {
		take_server_hello(st, body);
	} else {
		take_certificates(st, dir, body);
	}
	st->tx->tx.updated[dir] = true;
}

/* RFC 5246 7.4, RFC 8446 4, RFC 4680, RFC 6066 and next protocol (67). */
static bool
known_message(uint8_t type)
{
	return type <= 6 || type == 8 || (type >= 11 && type <= 16) ||
	       (type >= 20 && type <= 25) || type == 67 || type == 254;
}

/* A message's header is complete: keep it or skip it. */
static void
open_message(struct tls_state *st, enum flow_dir dir)
{
	struct tls_side *s = &st->side[dir];
	uint8_t type = s->msg_head[0];

	s->msg_left = load_be24(s->msg_head + 1);
	s->collect = (type == MSG_CLIENT_HELLO && dir == FLOW_TOSERVER) ||
		     (type == MSG_SERVER_HELLO && dir == FLOW_TOCLIENT) ||
		     type == MSG_CERTIFICATE;
	if (s->collect && s->msg_left > TLS_MAX_MESSAGE) {
		tls_add_event(st, EV_TLS_HANDSHAKE_INVALID_LENGTH);
		s->collect = false;
	}
	if (!known_message(type)) {
		tls_add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
		s->lost = true; /* until the next record */
	}
	if (type == MSG_CLIENT_KEYX) {
		st->tx->state |= SSL_STATE_CLIENT_KEYX;
		st->tx->tx.updated[dir] = true;
	} else if (type == MSG_SERVER_KEYX) {
		st->tx->state |= SSL_STATE_SERVER_KEYX;
		st->tx->tx.updated[dir] = true;
	}
}

/* Takes what there is of the message begun; the view behind it. */
static struct view
run_message(struct app_ctx *ctx, struct tls_state *st, enum flow_dir dir,
	    struct view data)
{
	struct tls_side *s = &st->side[dir];
	size_t n = MIN((size_t)s->msg_left, data.len);
	struct view part = view_sub(data, 0, n);

	s->msg_left -= (uint32_t)n;
	if (s->collect && s->msg_left == 0 && s->msg.len == 0) {
		take_message(st, dir, s->msg_head[0], part);
	} else if (s->collect) {
		if (buf_append(&s->msg, part) < n) {
			ctx->n_no_memory++;
			s->collect = false;
		} else if (s->msg_left == 0) {
			take_message(st, dir, s->msg_head[0],
				     buf_view(&s->msg));
		}
	}
	if (s->msg_left == 0 || !s->collect) {
		buf_fini(&s->msg);
	}
	if (s->msg_left == 0) {
		s->n_msg_head = 0;
	}
	return view_sub(data, n, data.len);
}

void
tls_handshake_bytes(struct app_ctx *ctx, struct tls_state *st,
		    enum flow_dir dir, struct view data)
{
	struct tls_side *s = &st->side[dir];

	/* Before TLS 1.3 what follows ChangeCipherSpec is encrypted. */
	if (s->lost || (s->ccs && !tls_is_13(st->tx->version))) {
		return;
	}
	while (data.len > 0 && !s->lost) {
		size_t n = MIN((size_t)(MESSAGE_HEAD_LEN - s->n_msg_head),
			       data.len);

		memcpy(s->msg_head + s->n_msg_head, data.p, n);
		s->n_msg_head += (uint8_t)n;
		data = view_sub(data, n, data.len);
		if (n > 0 && s->n_msg_head == MESSAGE_HEAD_LEN) {
			open_message(st, dir);
		}
		if (s->n_msg_head == MESSAGE_HEAD_LEN && !s->lost) {
			data = run_message(ctx, st, dir, data);
		}
	}
}
