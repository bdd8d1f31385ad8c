/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_tls_state.h"

#include "rules/inspect.h"

#define HEARTBEAT_PADDING 16 /* RFC 6520 section 4 */

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

/* 'dir' will show nothing more. */
static void
side_done(struct tls_state *st, enum flow_dir dir)
{
	st->tx->tx.done[dir] = true;
	st->tx->tx.updated[dir] = true;
	buf_fini(&st->side[dir].msg);
}

/* RFC 6520 section 4: 'len' is the record's. */
static void
heartbeat_bytes(struct tls_state *st, enum flow_dir dir, struct view data,
		uint32_t len)
{
	struct tls_side *s = &st->side[dir];
	uint32_t payload;

	for (size_t i = 0; i < data.len && s->at + i < 3; i++) {
		s->heartbeat[s->at + i] = data.p[i];
	}
	if (s->at >= 3 || s->at + data.len < 3 || s->ccs) {
		return;
	}
	tls_add_event(st, EV_TLS_HEARTBEAT_MESSAGE);
	payload = load_be16(s->heartbeat + 1);
	if (s->heartbeat[0] != 1 && s->heartbeat[0] != 2) {
		tls_add_event(st, EV_TLS_INVALID_HEARTBEAT_MESSAGE);
	} else if (payload + 3 + HEARTBEAT_PADDING > len) {
		tls_add_event(st, EV_TLS_OVERFLOW_HEARTBEAT_MESSAGE);
		tls_add_event(st, EV_TLS_INVALID_HEARTBEAT_MESSAGE);
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
		if (dir == FLOW_TOCLIENT && server && !tls_is_13(tx->version) &&
		    !tx->chain[FLOW_TOCLIENT].seen) {
			tx->resumed = true;
		}
		/* Without a server's hello another client's may follow. */
		if (!server) {
			return;
		}
	}
	st->side[dir].dark = server && tx->hello[FLOW_TOSERVER].seen;
	side_done(st, dir);
}

static bool
open_record(struct tls_state *st, enum flow_dir dir)
{
	struct tls_side *s = &st->side[dir];

	s->n_head = 0;
	s->type = s->head[0];
	s->left = load_be16(s->head + 3);
	s->at = 0;
	if (s->type < RECORD_CCS || s->type > RECORD_HEARTBEAT) {
		tls_add_event(st, EV_TLS_INVALID_RECORD_TYPE);
		tls_add_event(st, EV_TLS_INVALID_SSL_RECORD);
		return false;
	}
	if (s->head[1] != 3) {
		tls_add_event(st, EV_TLS_INVALID_RECORD_VERSION);
		return false;
	}
	if (s->left > MAX_RECORD) {
		tls_add_event(st, EV_TLS_INVALID_RECORD_LENGTH);
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
		tls_add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
	} else if (record.p[2] == 0) {
		tls_add_event(st, EV_TLS_ERROR_MESSAGE_ENCOUNTERED);
	} else if (record.p[2] == 1 && dir == FLOW_TOSERVER) {
		body = arena_copy(&tx->tx.arena, body);
		if (!tls_read_sslv2_client_hello(tx, body)) {
			tls_add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
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
		tls_add_event(st, EV_TLS_INVALID_SSLV2_HEADER);
	}
}

/* The first record of a side in SSLv2's form; the view behind it. */
static struct view
run_sslv2(struct app_ctx *ctx, struct tls_state *st, enum flow_dir dir,
	  struct view data)
{
	struct tls_side *s = &st->side[dir];

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
	struct tls_side *s = &st->side[dir];

	if (s->type == RECORD_HANDSHAKE) {
		tls_handshake_bytes(ctx, st, dir, data);
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
		af->dark = st->side[0].dark && st->side[1].dark;
	}
	return done ? APP_PARSE_DONE : APP_PARSE_OK;
}

static enum app_result
parse(struct app_ctx *ctx, struct app_flow *af, enum flow_dir dir,
      struct view data)
{
	struct tls_state *st = af->state;
	struct tls_side *s = &st->side[dir];

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
			n = MIN((size_t)(RECORD_HEAD_LEN - s->n_head),
				data.len);
			memcpy(s->head + s->n_head, data.p, n);
			s->n_head += (uint8_t)n;
			if (s->n_head == RECORD_HEAD_LEN &&
			    !open_record(st, dir)) {
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
	struct tls_side *s = &st->side[dir];

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

static const uint16_t ports[] = { 443, 0 };

const struct app_parser app_tls = {
	.proto = APP_TLS,
	.tcp = true,
	.ports = ports,
	.probe = tls_probe,
	.state_new = state_new,
	.state_free = state_free,
	.parse = parse,
	.gap = gap,
	.eof = eof,
};
