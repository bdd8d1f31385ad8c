/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_tls.h - TLS and SSL handshakes, until they turn opaque
 *
 * SSLv2 hellos, SSLv3 and TLS 1.0 to 1.3 (RFC 5246, RFC 8446).  A connection
 * is one transaction: both hellos, the certificates that can be seen, and the
 * fingerprints made of them.  Handshake messages are put together across
 * records and segments; what is of no interest is skipped, never kept.
 *
 * Place    above app_parser.h, below app.h.
 * Threads  pure, but for the flow and transaction it is given.
 * Memory   one unfinished message a direction, at most TLS_MAX_MESSAGE; hello
 *          and certificate bytes from the transaction's arena.
 * Cost     linear in the bytes of the handshake; nothing after it.
 */
#ifndef SENSOR_APP_TLS_H
#define SENSOR_APP_TLS_H

#include "sensor/app_parser.h"
#include "sensor/tls_cert.h"

/* The handshake's length field reaches 16 MiB; real chains stay below this. */
#define TLS_MAX_MESSAGE ((size_t)256 << 10)
#define TLS_MAX_EXTENSIONS 256
#define TLS_MAX_ALPN 64
#define TLS_MAX_CHAIN 32

#define TLS_VERSION_13 0x0304
/* Our number for drafts that put TLS 1.3's own number into the hello. */
#define TLS_VERSION_EARLY_DRAFT 0x7f01

/* A client's or server's hello.  Lists are big-endian pairs as sent. */
struct tls_hello {
	bool seen;
	bool sslv2; /* came in an SSLv2 record */
	uint16_t version; /* the hello's own field */
	uint16_t best_version; /* of supported_versions, else 'version' */
	struct view random, session_id;
	struct view random_time, random_bytes; /* 4 and 28 bytes of it */
	struct view ciphers; /* a server's has one */
	struct view curves, sigalgs, point_formats;
	uint16_t *exts;
	uint32_t n_exts;
	struct view *alpn;
	uint32_t n_alpn;
	struct view sni;
	bool has_sni;
};

struct tls_chain {
	bool seen; /* a Certificate message came */
	struct view *der;
	uint32_t n, n_dropped;
	struct tls_cert leaf;
};

struct tls_tx {
	struct app_tx tx;
	struct tls_hello hello[2]; /* by direction of the sender */
	struct tls_chain chain[2];
	uint16_t version; /* the server's choice, else the client's offer */
	uint32_t state; /* enum inspect_ssl_state (rules/inspect.h) */
	bool resumed; /* went on without certificate */
	struct view ja3, ja3_hash, ja3s, ja3s_hash, ja4;
	struct view version_text; /* set when rules ask for it */
};

extern const struct app_parser app_tls;

/* "TLS 1.2", "TLSv1", "SSLv3", "TLS 1.3 draft-22"; "UNDETERMINED". */
const char *tls_version_name(uint16_t version);
/* RFC 8701: values that mean nothing. */
static inline bool
tls_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/*
 * The parts below are shared between the files of this module.
 * Each reads the body of a handshake message; false: malformed.
 */
bool tls_read_client_hello(struct tls_tx *tx, struct view body) MUST_CHECK;
bool tls_read_server_hello(struct tls_tx *tx, struct view body) MUST_CHECK;
bool tls_read_sslv2_client_hello(struct tls_tx *tx,
				 struct view body) MUST_CHECK;
bool tls_read_certificates(struct tls_tx *tx, enum flow_dir dir,
			   struct view body) MUST_CHECK;

#endif
