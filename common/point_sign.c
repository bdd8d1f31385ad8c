/* SPDX-License-Identifier: Apache-2.0 */
#include "common/point_sign.h"

#include <inttypes.h>
#include <stdio.h>

#define PURPOSE "picket-committed"
#define NAME_MAX_BYTES 255
#define CLAIM_MAX (FRAME_MAC_HEAD + 1 + NAME_MAX_BYTES + 2 * 8)

/* What is signed: the mac's head, the name, two numbers; 0: the name is too
 * long. */
static size_t
write_claim(uint8_t out[CLAIM_MAX], const uint8_t *head, const char *name,
	    uint64_t epoch, uint64_t seq)
{
	size_t n = strlen(name), at = FRAME_MAC_HEAD;

	if (n > NAME_MAX_BYTES) {
		return 0;
	}
	memcpy(out, head, FRAME_MAC_HEAD);
	out[at++] = (uint8_t)n;
	memcpy(out + at, name, n);
	at += n;
	for (int shift = 56; shift >= 0; shift -= 8, at++) {
		out[at] = (uint8_t)(epoch >> shift);
		out[at + 8] = (uint8_t)(seq >> shift);
	}
	return at + 8;
}

enum err
point_write(struct sign_key *k, const char *name, uint64_t epoch, uint64_t seq,
	    char out[POINT_TEXT_CAP])
{
	uint8_t claim[CLAIM_MAX], mac[FRAME_MAC_MAX];
	int at = snprintf(out, POINT_TEXT_CAP, "%" PRIu64 " %" PRIu64, epoch,
			  seq);
	size_t n, len;

	if (k == NULL) {
		return ERR_OK;
	}
	len = frame_mac_head(k, mac);
	n = write_claim(claim, mac, name, epoch, seq);
	if (n == 0 || sign_make(k, PURPOSE, view_of(claim, n),
				mac + FRAME_MAC_HEAD) != ERR_OK) {
		return ERR_NOMEM;
	}
	out[at++] = ' ';
	frame_mac_hex(view_of(mac, len), out + at);
	return ERR_OK;
}

/* Decimal digits and no more than fit; false when there are none. */
static bool
take_number(struct view *text, uint64_t *out)
{
	size_t i = 0;

	*out = 0;
	for (; i < text->len && text->p[i] >= '0' && text->p[i] <= '9'; i++) {
		unsigned digit = text->p[i] - '0';

		if (*out > (UINT64_MAX - digit) / 10) {
			return false;
		}
		*out = *out * 10 + digit;
	}
	*text = view_sub(*text, i, text->len);
	return i > 0;
}

static bool
take_blank(struct view *text)
{
	if (text->len == 0 || text->p[0] != ' ') {
		return false;
	}
	*text = view_sub(*text, 1, text->len);
	return true;
}

bool
point_read(struct view text, struct point *out)
{
	out->mac_len = 0;
	if (!take_number(&text, &out->epoch) || !take_blank(&text) ||
	    !take_number(&text, &out->seq)) {
		return false;
	}
	return text.len == 0 ||
	       (take_blank(&text) &&
		frame_mac_unhex(text, out->mac, &out->mac_len));
}

bool
point_check(struct sign_key *k, const char *name, const struct point *p)
{
	uint8_t claim[CLAIM_MAX];
	struct frame_mac m;
	size_t n;

	if (!frame_mac_read(view_of(p->mac, p->mac_len), &m) ||
	    !frame_mac_is_of(&m, k)) {
		return false;
	}
	n = write_claim(claim, p->mac, name, p->epoch, p->seq);
	return n > 0 && sign_check(k, PURPOSE, view_of(claim, n), m.sig);
}
