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

enum err
frame_sign(struct sign_key *k, const struct frame_claim *c,
	   uint8_t mac[FRAME_MAC_MAX], size_t *len)
{
	struct text t;

	mac[0] = FRAME_MAC_VERSION;
	mac[1] = (uint8_t)sign_key_alg(k);
	memcpy(mac + 2, sign_key_id(k), SIGN_ID_BYTES);
	*len = FRAME_MAC_HEAD + sign_len(sign_key_alg(k));
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

	if (sign_key_alg(k) != m->alg ||
	    memcmp(sign_key_id(k), m->id, SIGN_ID_BYTES) != 0) {
		return false;
	}
	memcpy(head + 2, m->id, SIGN_ID_BYTES);
	return write_claim(&t, c, head) &&
	       sign_check(k, PURPOSE, view_text(&t), m->sig);
}
