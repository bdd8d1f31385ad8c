/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_tls.h"

static void
put_text(struct json *j, const char *key, struct view v)
{
	if (v.len > 0) {
		json_str(j, key, v);
	}
}

static void
put_list(struct json *j, const char *key, const struct view *v, uint32_t n)
{
	if (n == 0) {
		return;
	}
	json_arr(j, key);
	for (uint32_t i = 0; i < n; i++) {
		json_str(j, NULL, v[i]);
	}
	json_arr_end(j);
}

static void
put_time(struct json *j, const char *key, int64_t seconds)
{
	char text[TLS_TIME_CAP];
	size_t n = tls_time_text(seconds, text);

	json_str(j, key, view_of(text, n));
}

static void
put_certificate(struct json *j, const struct tls_chain *c, unsigned extra)
{
	const struct tls_cert *leaf = &c->leaf;

	put_text(j, "subject", leaf->subject);
	put_text(j, "issuerdn", leaf->issuer);
	put_list(j, "subjectaltname", leaf->sans, leaf->n_sans);
	put_text(j, "serial", leaf->serial);
	put_text(j, "fingerprint", leaf->fingerprint);
	if (leaf->has_validity) {
		put_time(j, "notbefore", leaf->not_before);
		put_time(j, "notafter", leaf->not_after);
	}
	if ((extra & LOG_TLS_CERTIFICATE) && c->n > 0) {
		json_base64(j, "certificate", c->der[0]);
	}
	if ((extra & LOG_TLS_CHAIN) && c->n > 0) {
		json_arr(j, "chain");
		for (uint32_t i = 0; i < c->n; i++) {
			json_base64(j, NULL, c->der[i]);
		}
		json_arr_end(j);
	}
}

static void
put_pairs(struct json *j, const char *key, struct view list)
{
	json_arr(j, key);
	for (size_t i = 0; i + 2 <= list.len; i += 2) {
		uint16_t v = load_be16(list.p + i);

		if (!tls_is_grease(v)) {
			json_u64(j, NULL, v);
		}
	}
	json_arr_end(j);
}

static void
put_handshake(struct json *j, const char *key, const struct tls_hello *h,
	      bool server)
{
	if (!h->seen) {
		return;
	}
	json_obj(j, key);
	json_cstr(j, "version", tls_version_name(h->best_version));
	if (!server) {
		put_pairs(j, "ciphers", h->ciphers);
	} else if (h->ciphers.len >= 2) {
		json_u64(j, "cipher", load_be16(h->ciphers.p));
	}
	json_arr(j, "exts");
	for (uint32_t i = 0; i < h->n_exts; i++) {
		if (!tls_is_grease(h->exts[i])) {
			json_u64(j, NULL, h->exts[i]);
		}
	}
	json_arr_end(j);
	if (!server && h->sigalgs.len > 0) {
		put_pairs(j, "sig_algs", h->sigalgs);
	}
	json_obj_end(j);
}

static void
put_ja3(struct json *j, const char *key, struct view hash, struct view string)
{
	if (string.len == 0) {
		return;
	}
	json_obj(j, key);
	put_text(j, "hash", hash);
	json_str(j, "string", string);
	json_obj_end(j);
}

void
log_tls_extra(struct json *j, const struct tls_tx *tx, unsigned extra)
{
	const struct tls_hello *client = &tx->hello[FLOW_TOSERVER];
	const struct tls_hello *server = &tx->hello[FLOW_TOCLIENT];

	json_obj(j, "tls");
	put_certificate(j, &tx->chain[FLOW_TOCLIENT], extra);
	if (tx->resumed) {
		json_bool(j, "session_resumed", true);
	}
	put_text(j, "sni", client->sni);
	json_cstr(j, "version", tls_version_name(tx->version));
	put_ja3(j, "ja3", tx->ja3_hash, tx->ja3);
	put_ja3(j, "ja3s", tx->ja3s_hash, tx->ja3s);
	put_text(j, "ja4", tx->ja4);
	put_list(j, "client_alpns", client->alpn, client->n_alpn);
	put_list(j, "server_alpns", server->alpn, server->n_alpn);
	if (tx->chain[FLOW_TOSERVER].n > 0) {
		json_obj(j, "client");
		put_certificate(j, &tx->chain[FLOW_TOSERVER], extra);
		json_obj_end(j);
	}
	if (extra & LOG_TLS_CLIENT_HANDSHAKE) {
		put_handshake(j, "client_handshake", client, false);
	}
	if (extra & LOG_TLS_SERVER_HANDSHAKE) {
		put_handshake(j, "server_handshake", server, true);
	}
	json_obj_end(j);
}

void
log_tls(struct json *j, const struct tls_tx *tx)
{
	log_tls_extra(j, tx, 0);
}
