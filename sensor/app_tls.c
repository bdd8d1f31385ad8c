/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_tls.h"

#include "rules/inspect.h"
#include "sensor/ja3.h"
#include "sensor/ja4.h"

#define HEAD_LEN 5 /* RFC 8446 5.1 */
#define MESSAGE_HEAD_LEN 4 /* RFC 8446 section 4 */
#define MAX_RECORD (16384 + 2048) /* RFC 5246 6.2.3 */
#define SSLV2_MAX_RECORD 32767
#define HEARTBEAT_PADDING 16 /* RFC 6520 section 4 */

enum record_type {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEARTBEAT = 24,
};

enum message_type {
	MSG_CLIENT_HELLO = 1,
	MSG_SERVER_HELLO = 2,
	MSG_CERTIFICATE = 11,
	MSG_SERVER_KEYX = 12,
	MSG_CLIENT_KEYX = 16,
};

/* One direction's place in records and in handshake messages. */
struct side {
	uint8_t head[HEAD_LEN];
	uint8_t n_head;
	bool started, sslv2;
	uint8_t type; /* of the record we are in */
	uint32_t left; /* of it */
	uint32_t at; /* bytes of it seen */

	uint8_t msg_head[MESSAGE_HEAD_LEN];
	uint8_t n_msg_head;
	uint32_t msg_left;
	bool collect; /* the message is kept in 'msg' */
	bool lost; /* no longer known where messages begin */
	struct buf msg; /* its body, or an SSLv2 record */

	bool ccs; /* ChangeCipherSpec was sent */
	uint8_t heartbeat[3];
};

struct tls_state {
	struct tls_tx *tx; /* NULL once both directions are done */
	struct side side[2];
	bool over; /* the transaction was given away */
};

static void *
state_new(struct app_ctx *ctx, struct app_flow *af)
{
	struct tls_state *st = pool_get(ctx->pool, sizeof(*st));

	(void)af;
	if (st != NULL) {
		memset(st, 0, sizeof(*st));
		buf_init(&st->side[0].msg, ctx->pool, TLS_MAX_MESSAGE);
		buf_init(&st->side[1].msg, ctx->pool, TLS_MAX_MESSAGE);
	}
	return st;
}

static void
state_free(struct app_ctx *ctx, struct app_flow *af, void *state)
{
	struct tls_state *st = state;

	(void)af;
	if (st != NULL) {
		buf_fini(&st->side[0].msg);
		buf_fini(&st->side[1].msg);
		pool_put(ctx->pool, st, sizeof(*st));
	}
}

static void
add_event(struct tls_state *st, enum event_id e)
{
	event_set_add(&st->tx->tx.events, e);
}

static bool
is_13(uint16_t version)
{
	return version == TLS_VERSION_13 || version >> 8 == 0x7f ||
	       version >> 8 == 0xfb;
}

/* 'dir' will show nothing more. */
static void
side_done(struct tls_state *st, enum flow_dir dir)
{
	st->tx->tx.done[dir] = true;
	st->tx->tx.updated[dir] = true;
	buf_fini(&st->side[dir].msg);
}

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
		add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
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
		add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
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
			add_event(st, rows[i].event);
		}
	}
	/* A date that is none leaves the rest of use. */
	if (r != TLS_CERT_OK && r != TLS_CERT_BAD_VALIDITY) {
		add_event(st, EV_TLS_CERTIFICATE_INVALID_DER);
		add_event(st, EV_TLS_INVALID_CERTIFICATE);
		add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
	}
}

static void
take_certificates(struct tls_state *st, enum flow_dir dir, struct view body)
{
	struct tls_tx *tx = st->tx;
	struct tls_chain *c = &tx->chain[dir];
	enum tls_cert_result r;

	if (c->seen || is_13(tx->version)) {
		return;
	}
	body = arena_copy(&tx->tx.arena, body);
	if (!tls_read_certificates(tx, dir, body)) {
		add_event(st, EV_TLS_CERTIFICATE_INVALID_LENGTH);
		add_event(st, EV_TLS_INVALID_CERTIFICATE);
		add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
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
	struct side *s = &st->side[dir];
	uint8_t type = s->msg_head[0];

	s->msg_left = load_be24(s->msg_head + 1);
	s->collect = (type == MSG_CLIENT_HELLO && dir == FLOW_TOSERVER) ||
		     (type == MSG_SERVER_HELLO && dir == FLOW_TOCLIENT) ||
		     type == MSG_CERTIFICATE;
	if (s->collect && s->msg_left > TLS_MAX_MESSAGE) {
		add_event(st, EV_TLS_HANDSHAKE_INVALID_LENGTH);
		s->collect = false;
	}
	if (!known_message(type)) {
		add_event(st, EV_TLS_INVALID_HANDSHAKE_MESSAGE);
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
	struct side *s = &st->side[dir];
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

static void
handshake_bytes(struct app_ctx *ctx, struct tls_state *st, enum flow_dir dir,
		struct view data)
{
	struct side *s = &st->side[dir];

	/* Before TLS 1.3 what follows ChangeCipherSpec is encrypted. */
	if (s->lost || (s->ccs && !is_13(st->tx->version))) {
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

/* RFC 6520 section 4: 'len' is the record's. */
static void
heartbeat_bytes(struct tls_state *st, enum flow_dir dir, struct view data,
		uint32_t len)
{
	struct side *s = &st->side[dir];
	uint32_t payload;

	for (size_t i = 0; i < data.len && s->at + i < 3; i++) {
		s->heartbeat[s->at + i] = data.p[i];
	}
	if (s->at >= 3 || s->at + data.len < 3 || s->ccs) {
		return;
	}
	add_event(st, EV_TLS_HEARTBEAT_MESSAGE);
	payload = load_be16(s->heartbeat + 1);
	if (s->heartbeat[0] != 1 && s->heartbeat[0] != 2) {
		add_event(st, EV_TLS_INVALID_HEARTBEAT_MESSAGE);
	} else if (payload + 3 + HEARTBEAT_PADDING > len) {
		add_event(st, EV_TLS_OVERFLOW_HEARTBEAT_MESSAGE);
		add_event(st, EV_TLS_INVALID_HEARTBEAT_MESSAGE);
	}
	st->tx->tx.updated[dir] = true;
}

/* A record that ends what can be read of 'dir' begins. */
static void
cipher_record(struct tls_state *st, enum flow_dir dir, uint8_t type)
{
	struct tls_tx *tx = st->tx;
	bool server = tx->hello[FLOW_TOCLIENT].seen;

	if (type == RECORD_CCS) {
		st->side[dir].ccs = true;
		if (dir == FLOW_TOCLIENT && server && !is_13(tx->version) &&
		    !tx->chain[FLOW_TOCLIENT].seen) {
			tx->resumed = true;
		}
		/* Without a server's hello another client's may follow. */
		if (!server) {
			return;
		}
	}
	side_done(st, dir);
}

static bool
open_record(struct tls_state *st, enum flow_dir dir)
{
	struct side *s = &st->side[dir];

	s->n_head = 0;
	s->type = s->head[0];
	s->left = load_be16(s->head + 3);
	s->at = 0;
	if (s->type < RECORD_CCS || s->type > RECORD_HEARTBEAT) {
		add_event(st, EV_TLS_INVALID_RECORD_TYPE);
		add_event(st, EV_TLS_INVALID_SSL_RECORD);
		return false;
	}
	if (s->head[1] != 3) {
		add_event(st, EV_TLS_INVALID_RECORD_VERSION);
		return false;
	}
	if (s->left > MAX_RECORD) {
		add_event(st, EV_TLS_INVALID_RECORD_LENGTH);
		return false;
	}
	if (s->lost) { /* messages mostly begin with records */
		s->lost = false;
		s->n_msg_head = 0;
		s->msg_left = 0;
	}
	if (s->type == RECORD_CCS || s->type == RECORD_DATA) {
		cipher_record(st, dir, s->type);
	}
	return true;
}

static void
take_sslv2(struct tls_state *st, enum flow_dir dir, struct view record)
{
	struct tls_tx *tx = st->tx;
	struct view body = view_sub(record, 3, record.len);

	tx->tx.updated[dir] = true;
	if (record.len < 3) {
		add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
	} else if (record.p[2] == 0) {
		add_event(st, EV_TLS_ERROR_MESSAGE_ENCOUNTERED);
	} else if (record.p[2] == 1 && dir == FLOW_TOSERVER) {
		body = arena_copy(&tx->tx.arena, body);
		if (!tls_read_sslv2_client_hello(tx, body)) {
			add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
			return;
		}
		tx->state |= SSL_STATE_CLIENT_HELLO;
		if (tx->version == 0) {
			tx->version = tx->hello[dir].version;
		}
		tx->tx.logged = false;
	} else if (record.p[2] == 4 && dir == FLOW_TOCLIENT) {
		tx->version = 0x0002;
		tx->hello[dir].seen = tx->hello[dir].sslv2 = true;
		tx->state |= SSL_STATE_SERVER_HELLO;
		tx->tx.logged = false;
	} else {
		add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
	}
}

/* The first record of a side in SSLv2's form; the view behind it. */
static struct view
run_sslv2(struct app_ctx *ctx, struct tls_state *st, enum flow_dir dir,
	  struct view data)
{
	struct side *s = &st->side[dir];

	while (s->msg.len < 2 && data.len > 0) {
		if (buf_append(&s->msg, view_sub(data, 0, 1)) == 0) {
			goto no_memory;
		}
		data = view_sub(data, 1, data.len);
	}
	if (s->msg.len >= 2) {
		size_t need = 2 + (load_be16(s->msg.p) & SSLV2_MAX_RECORD);
		size_t n = MIN(need - s->msg.len, data.len);

		if (buf_append(&s->msg, view_sub(data, 0, n)) < n) {
			goto no_memory;
		}
		data = view_sub(data, n, data.len);
		if (s->msg.len == need) {
			take_sslv2(st, dir, buf_view(&s->msg));
			buf_fini(&s->msg);
			s->sslv2 = false;
			/* Only hellos are alike; SSLv2 itself goes dark. */
			if (st->tx->version == 0x0002) {
				side_done(st, dir);
			}
		}
	}
	return data;
no_memory:
	ctx->n_no_memory++;
	side_done(st, dir);
	return VIEW_NONE;
}

/* Bytes inside a record. */
static void
record_bytes(struct app_ctx *ctx, struct tls_state *st, enum flow_dir dir,
	     struct view data)
{
	struct side *s = &st->side[dir];

	if (s->type == RECORD_HANDSHAKE) {
		handshake_bytes(ctx, st, dir, data);
	} else if (s->type == RECORD_HEARTBEAT) {
		heartbeat_bytes(st, dir, data, s->at + s->left);
	}
	s->at += (uint32_t)data.len;
	s->left -= (uint32_t)data.len;
}

/* Gives the transaction away when both sides are done. */
static enum app_result
result(struct tls_state *st, struct app_flow *af, enum flow_dir dir)
{
	struct app_tx *tx = &st->tx->tx;
	bool done = tx->done[dir];

	if (tx->done[0] && tx->done[1]) {
		st->tx = NULL;
		st->over = true;
		af->encrypted = true;
	}
	return done ? APP_PARSE_DONE : APP_PARSE_OK;
}

static enum app_result
parse(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
      struct view data)
{
	struct tls_state *st = af->state;
	struct side *s = &st->side[dir];

	if (st->over) {
		return APP_PARSE_DONE;
	}
	if (st->tx == NULL) {
		st->tx = app_tx_new(ctx, af, &app_tls, sizeof(*st->tx));
		if (st->tx == NULL) {
			return APP_PARSE_FAILED;
		}
		st->tx->tx.logged = true; /* nothing to tell before a hello */
	}
	if (!s->started) {
		s->started = true;
		s->sslv2 = (data.p[0] & 0x80) != 0;
	}
	while (data.len > 0 && !st->tx->tx.done[dir]) {
		size_t n;

		if (s->sslv2) {
			data = run_sslv2(ctx, st, dir, data);
			continue;
		}
		if (s->left == 0) {
			n = MIN((size_t)(HEAD_LEN - s->n_head), data.len);
			memcpy(s->head + s->n_head, data.p, n);
			s->n_head += (uint8_t)n;
			if (s->n_head == HEAD_LEN && !open_record(st, dir)) {
				side_done(st, dir);
				(void)result(st, af, dir);
				return APP_PARSE_FAILED;
			}
		} else {
			n = MIN((size_t)s->left, data.len);
			record_bytes(ctx, st, dir, view_sub(data, 0, n));
		}
		data = view_sub(data, n, data.len);
	}
	return result(st, af, dir);
}

static enum app_result
gap(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir, uint64_t bytes)
{
	struct tls_state *st = af->state;
	struct side *s = &st->side[dir];

	(void)ctx;
	if (st->over) {
		return APP_PARSE_DONE;
	}
	if (st->tx == NULL) {
		return APP_PARSE_FAILED;
	}
	if (s->sslv2 || s->n_head > 0 || bytes > s->left) {
		side_done(st, dir);
		(void)result(st, af, dir);
		return APP_PARSE_FAILED;
	}
	s->left -= (uint32_t)bytes;
	s->at += (uint32_t)bytes;
	if (s->type != RECORD_HANDSHAKE || s->lost) {
		return APP_PARSE_OK;
	}
	if (s->n_msg_head < MESSAGE_HEAD_LEN || bytes > s->msg_left) {
		s->lost = true;
	} else {
		s->msg_left -= (uint32_t)bytes;
		s->n_msg_head = s->msg_left > 0 ? MESSAGE_HEAD_LEN : 0;
	}
	s->collect = false;
	buf_fini(&s->msg);
	return APP_PARSE_OK;
}

static void
eof(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir)
{
	struct tls_state *st = af->state;

	(void)ctx;
	if (st->tx != NULL) {
		side_done(st, dir);
		(void)result(st, af, dir);
	}
}

static bool
probe_version(const uint8_t *p)
{
	return p[0] == 3 && p[1] <= 4;
}

/* RFC 5246 E.2, with lengths that must agree. */
static enum app_probe
probe_sslv2(struct view v, enum flow_dir dir)
{
	uint16_t len;

	if (v.len < 11) {
		return v.len >= 3 && v.p[2] != (dir == FLOW_TOSERVER ? 1 : 4)
			       ? PROBE_NO
			       : PROBE_MORE;
	}
	len = load_be16(v.p) & SSLV2_MAX_RECORD;
	if (dir == FLOW_TOSERVER) {
		return v.p[2] == 1 &&
				       (probe_version(v.p + 3) ||
					load_be16(v.p + 3) == 2) &&
				       load_be16(v.p + 5) % 3 == 0 &&
				       load_be16(v.p + 5) > 0 &&
				       9 + load_be16(v.p + 5) +
						       load_be16(v.p + 7) +
						       load_be16(v.p + 9) ==
					       len
			       ? PROBE_YES
			       : PROBE_NO;
	}
	return v.p[2] == 4 && v.p[3] <= 1 && v.p[4] <= 2 &&
			       load_be16(v.p + 5) == 2
		       ? PROBE_YES
		       : PROBE_NO;
}

static enum app_probe
probe(struct view v, enum flow_dir dir, bool by_port)
{
	uint16_t len;

	(void)by_port;
	if (v.len == 0) {
		return PROBE_MORE;
	}
	if (v.p[0] & 0x80) {
		return probe_sslv2(v, dir);
	}
	if (v.p[0] != RECORD_HANDSHAKE && v.p[0] != RECORD_ALERT) {
		return PROBE_NO;
	}
	if ((v.len >= 2 && v.p[1] != 3) || (v.len >= 3 && v.p[2] > 4)) {
		return PROBE_NO;
	}
	if (v.len < 6) {
		return PROBE_MORE;
	}
	len = load_be16(v.p + 3);
	if (v.p[0] == RECORD_ALERT) { /* level: warning or fatal */
		return len == 2 && (v.p[5] == 1 || v.p[5] == 2) ? PROBE_YES
								: PROBE_NO;
	}
	return len > 0 && len <= MAX_RECORD &&
			       (v.p[5] == (dir == FLOW_TOSERVER
						   ? MSG_CLIENT_HELLO
						   : MSG_SERVER_HELLO) ||
				v.p[5] == 0)
		       ? PROBE_YES
		       : PROBE_NO;
}

static const uint16_t ports[] = { 443, 0 };

const struct app_parser app_tls = {
	.proto = APP_TLS,
	.tcp = true,
	.ports = ports,
	.probe = probe,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse,
	.gap = gap,
	.eof = eof,
};
