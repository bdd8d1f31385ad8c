/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fill_tls.h"

static void
set_number(struct inspect *in, enum inspect_num n, int64_t value)
{
	in->num[n] = value;
	in->num_set |= UINT32_C(1) << n;
}

static void
set_one(struct inspect *in, const uint64_t needed[2], enum inspect_buf b,
	const struct view *v)
{
	if (inspect_bit(needed, b)) {
		inspect_set(in, b, v, v->len > 0 ? 1 : 0);
	}
}

static void
set_list(struct inspect *in, const uint64_t needed[2], enum inspect_buf b,
	 const struct view *v, uint32_t n)
{
	if (inspect_bit(needed, b)) {
		inspect_set(in, b, v, n);
	}
}

static void
fill_certificate(struct inspect *in, const struct tls_chain *c,
		 const uint64_t needed[2])
{
	const struct tls_cert *leaf = &c->leaf;

	set_one(in, needed, BUF_TLS_CERT_SUBJECT, &leaf->subject);
	set_one(in, needed, BUF_TLS_CERT_ISSUER, &leaf->issuer);
	set_one(in, needed, BUF_TLS_CERT_SERIAL, &leaf->serial);
	set_one(in, needed, BUF_TLS_CERT_FINGERPRINT, &leaf->fingerprint);
	set_list(in, needed, BUF_TLS_CERTS, c->der, c->n);
	set_list(in, needed, BUF_TLS_SUBJECTALTNAME, leaf->sans, leaf->n_sans);
	if (!c->seen) {
		return;
	}
	set_number(in, NUM_TLS_CHAIN_LEN, c->n + c->n_dropped);
	if (leaf->has_validity) {
		set_number(in, NUM_TLS_NOT_BEFORE, leaf->not_before);
		set_number(in, NUM_TLS_NOT_AFTER, leaf->not_after);
	}
}

/* "1.2", as the tls.version keyword writes them. */
static struct view
version_text(uint16_t version)
{
	switch (version) {
	case 0x0300:
		return VIEW_LIT("sslv3");
	case 0x0301:
		return VIEW_LIT("1.0");
	case 0x0302:
		return VIEW_LIT("1.1");
	case 0x0303:
		return VIEW_LIT("1.2");
	case TLS_VERSION_13:
		return VIEW_LIT("1.3");
	default:
		return version == 0x0002 ? VIEW_LIT("sslv2") : VIEW_NONE;
	}
}

/* The highest that a client offers; what the server chose. */
static uint16_t
version_of(const struct tls_tx *tx, enum flow_dir dir)
{
	return dir == FLOW_TOCLIENT ? tx->version
				    : tx->hello[FLOW_TOSERVER].best_version;
}

/* Each side's messages are states of its direction. */
static const uint32_t states[] = {
	[FLOW_TOSERVER] = SSL_STATE_CLIENT_HELLO | SSL_STATE_CLIENT_KEYX |
			  SSL_STATE_UNKNOWN,
	[FLOW_TOCLIENT] = SSL_STATE_SERVER_HELLO | SSL_STATE_SERVER_KEYX |
			  SSL_STATE_UNKNOWN,
};

void
fill_tls(struct inspect *in, struct tls_tx *tx, const uint64_t needed[2])
{
	const struct tls_hello *client = &tx->hello[FLOW_TOSERVER];
	const struct tls_hello *server = &tx->hello[FLOW_TOCLIENT];
	enum flow_dir dir =
		in->dir == DIR_TOSERVER ? FLOW_TOSERVER : FLOW_TOCLIENT;
	struct tls_hello *own = &tx->hello[dir];

	if (client->seen || tx->tx.done[FLOW_TOSERVER]) {
		set_one(in, needed, BUF_TLS_SNI, &client->sni);
		set_one(in, needed, BUF_JA3_HASH, &tx->ja3_hash);
		set_one(in, needed, BUF_JA3_STRING, &tx->ja3);
		set_one(in, needed, BUF_JA4_HASH, &tx->ja4);
	}
	if (server->seen || tx->tx.done[FLOW_TOCLIENT]) {
		set_one(in, needed, BUF_JA3S_HASH, &tx->ja3s_hash);
		set_one(in, needed, BUF_JA3S_STRING, &tx->ja3s);
		tx->version_text = version_text(tx->version);
		set_one(in, needed, BUF_TLS_VERSION_TEXT, &tx->version_text);
	}
	if (own->seen || tx->tx.done[dir]) {
		set_one(in, needed, BUF_TLS_RANDOM, &own->random);
		own->random_time = view_sub(own->random, 0, 4);
		own->random_bytes = view_sub(own->random, 4, own->random.len);
		set_one(in, needed, BUF_TLS_RANDOM_TIME, &own->random_time);
		set_one(in, needed, BUF_TLS_RANDOM_BYTES, &own->random_bytes);
		set_list(in, needed, BUF_TLS_ALPN, own->alpn, own->n_alpn);
	}
	if (tx->chain[dir].seen || tx->tx.done[dir]) {
		fill_certificate(in, &tx->chain[dir], needed);
	}
	if (own->seen) {
		set_number(in, NUM_TLS_VERSION, version_of(tx, dir));
	}
	set_number(in, NUM_TLS_STATE, tx->state & states[dir]);
}
