/* SPDX-License-Identifier: Apache-2.0 */
#include "common/frame_sign.h"

#include <openssl/evp.h>

#define PURPOSE "picket-batch"
#define DIGEST 32
#define NAME_MAX_BYTES 255
/* What follows the names: numbers of fixed width, and the digest. */
#define CLAIM_MAX \
	(FRAME_MAC_HEAD + 2 * (1 + NAME_MAX_BYTES) + 5 * 8 + 3 * 4 + 1 + DIGEST)

struct text {
	uint8_t p[CLAIM_MAX];
	size_t len;
};

static void
put(struct text *t, const void *p, size_t len)
{
	memcpy(t->p + t->len, p, len);
	t->len += len;
}

/* Big-endian, as all on the wire. */
static void
put_number(struct text *t, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0) {
		t->p[t->len++] = (uint8_t)(v >> (8 * bytes));
	}
}

static void
put_name(struct text *t, struct view v)
{
	put_number(t, v.len, 1);
	if (v.len > 0) {
		put(t, v.p, v.len);
	}
}

/* 'head' is the mac's: its version, algorithm and key are signed as well. */
static bool
write_claim(struct text *t, const struct frame_claim *c,
	    const uint8_t head[FRAME_MAC_HEAD])
{
	const struct frame_header *h = c->hdr;
	uint8_t digest[DIGEST];

	if (c->name.len > NAME_MAX_BYTES || c->enc.len > NAME_MAX_BYTES ||
	    EVP_Digest(c->data.len > 0 ? c->data.p : head, c->data.len, digest,
		       NULL, EVP_sha256(), NULL) != 1) {
		return false;
	}
	t->len = 0;
	put(t, head, FRAME_MAC_HEAD);
	put_name(t, c->name);
	put_name(t, c->enc);
	put_number(t, h->epoch, 8);
	put_number(t, h->seq, 8);
	put_number(t, h->n, 4);
	put_number(t, h->sev, 1);
	put_number(t, h->crc, 4);
	put_number(t, h->raw_len, 4);
	put_number(t, c->gap_from, 8);
	put_number(t, c->gap_to, 8);
	put_number(t, c->gap_n, 8);
	put(t, digest, DIGEST);
	return true;
}

static struct view
view_text(const struct text *t)
{
	return view_of(t->p, t->len);
}

size_t
frame_mac_head(const struct sign_key *k, uint8_t mac[FRAME_MAC_MAX])
{
	mac[0] = FRAME_MAC_VERSION;
	mac[1] = (uint8_t)sign_key_alg(k);
	memcpy(mac + 2, sign_key_id(k), SIGN_ID_BYTES);
	return FRAME_MAC_HEAD + sign_len(sign_key_alg(k));
}

bool
frame_mac_is_of(const struct frame_mac *m, const struct sign_key *k)
{
	return sign_key_alg(k) == m->alg &&
	       memcmp(sign_key_id(k), m->id, SIGN_ID_BYTES) == 0;
}

void
frame_mac_hex(struct view mac, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < mac.len; i++) {
		*out++ = digits[mac.p[i] >> 4];
		*out++ = digits[mac.p[i] & 15];
	}
	*out = '\0';
}

bool
frame_mac_unhex(struct view text, uint8_t mac[FRAME_MAC_MAX], size_t *len)
{
	if (text.len % 2 != 0 || text.len > 2 * (size_t)FRAME_MAC_MAX) {
		return false;
	}
	*len = text.len / 2;
	for (size_t i = 0; i < *len; i++) {
		int hi = ascii_hex(text.p[2 * i]);
		int lo = ascii_hex(text.p[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			return false;
		}
		mac[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

enum err
frame_sign(struct sign_key *k, const struct frame_claim *c,
	   uint8_t mac[FRAME_MAC_MAX], size_t *len)
{
	struct text t;

	*len = frame_mac_head(k, mac);
	return write_claim(&t, c, mac) ? sign_make(k, PURPOSE, view_text(&t),
						   mac + FRAME_MAC_HEAD)
				       : ERR_NOMEM;
}

bool
frame_mac_read(struct view mac, struct frame_mac *out)
{
	if (mac.len < FRAME_MAC_HEAD || mac.p[0] != FRAME_MAC_VERSION ||
	    sign_len(mac.p[1]) == 0 ||
	    mac.len != FRAME_MAC_HEAD + sign_len(mac.p[1])) {
		return false;
	}
	*out = (struct frame_mac){
		.alg = mac.p[1],
		.id = mac.p + 2,
		.sig = view_of(mac.p + FRAME_MAC_HEAD, sign_len(mac.p[1])),
	};
	return true;
}

bool
frame_sign_check(struct sign_key *k, const struct frame_claim *c,
		 const struct frame_mac *m)
{
	uint8_t head[FRAME_MAC_HEAD] = { FRAME_MAC_VERSION, (uint8_t)m->alg };
	struct text t;

	if (!frame_mac_is_of(m, k)) {
		return false;
	}
	memcpy(head + 2, m->id, SIGN_ID_BYTES);
	return write_claim(&t, c, head) &&
	       sign_check(k, PURPOSE, view_text(&t), m->sig);
}
