/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_tls_state.h - what is remembered of one connection until it turns opaque
 *
 * Internal: included by app_tls.c, app_tls_handshake.c and app_tls_probe.c
 * only.
 *
 * Place    with app_tls.
 * Threads  as app_tls.h.
 * Memory   as app_tls.h.
 * Cost     as app_tls.h.
 */
#ifndef SENSOR_APP_TLS_STATE_H
#define SENSOR_APP_TLS_STATE_H

#include "sensor/app_tls.h"

#define RECORD_HEAD_LEN 5 /* RFC 8446 5.1 */
#define MESSAGE_HEAD_LEN 4 /* RFC 8446 section 4 */
#define MAX_RECORD (16384 + 2048) /* RFC 5246 6.2.3 */
#define SSLV2_MAX_RECORD 32767

enum tls_record_type {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEARTBEAT = 24,
};

enum tls_message_type {
	MSG_CLIENT_HELLO = 1,
	MSG_SERVER_HELLO = 2,
	MSG_CERTIFICATE = 11,
	MSG_SERVER_KEYX = 12,
	MSG_CLIENT_KEYX = 16,
};

/* One direction's place in records and in handshake messages. */
struct tls_side {
	uint8_t head[RECORD_HEAD_LEN];
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
	bool dark; /* encrypted from here on */
	uint8_t heartbeat[3];
};

struct tls_state {
	struct tls_tx *tx; /* NULL once both directions are done */
	struct tls_side side[2];
	bool over; /* the transaction was given away */
};

static inline void
tls_add_event(struct tls_state *st, enum event_id e)
{
	event_set_add(&st->tx->tx.events, e);
}

static inline bool
tls_is_13(uint16_t version)
{
	return version == TLS_VERSION_13 || version >> 8 == 0x7f ||
	       version >> 8 == 0xfb;
}

/* app_tls_handshake.c: bytes inside records of handshake messages. */
void tls_handshake_bytes(struct app_ctx *ctx, struct tls_state *st,
			 enum flow_dir dir, struct view data);

/* app_tls_probe.c: whether a direction begins as TLS or SSL do. */
enum app_probe tls_probe(struct view v, enum flow_dir dir, bool by_port);

#endif
