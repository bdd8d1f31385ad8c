/* SPDX-License-Identifier: Apache-2.0 */
/* IEEE 802.11 data frames, bare or behind a radiotap, Prism or PPI header. */
#include "sensor/decode_ctx.h"

enum { WIFI_BARE = 105, WIFI_PRISM = 119, WIFI_RADIOTAP = 127, WIFI_PPI = 192 };

/* Bits of radiotap's first word, and of its flags field. */
#define RADIOTAP_TSFT (UINT32_C(1) << 0)
#define RADIOTAP_FLAGS (UINT32_C(1) << 1)
#define RADIOTAP_MORE (UINT32_C(1) << 31)
#define RADIOTAP_FLAG_PAD 0x20

/* Frame control: type and subtype in the first byte, flags in the second. */
#define FC_TYPE 0x0c
#define FC_TYPE_DATA 0x08
#define FC_SUBTYPE_NULL 0x40
#define FC_SUBTYPE_QOS 0x80
#define FC_TO_DS 0x01
#define FC_FROM_DS 0x02
#define FC_MORE_FRAGMENTS 0x04
#define FC_PROTECTED 0x40
#define FC_ORDER 0x80

static enum decode_step
not_ip(struct decode_ctx *x)
{
	x->count->not_ip++;
	return STEP_DONE;
}

/* radiotap.org: reads the one field that matters, the frame's flags. */
static uint8_t
radiotap_flags(struct view h)
{
	size_t at = 4;
	uint32_t present = load_le32(h.p + 4);
	uint32_t word;

	do {
		if (at + 4 > h.len) {
			return 0;
		}
		word = load_le32(h.p + at);
		at += 4;
	} while ((word & RADIOTAP_MORE) != 0);
	if ((present & RADIOTAP_TSFT) != 0) {
		at = ((at + 7) & ~(size_t)7) + 8;
	}
	return (present & RADIOTAP_FLAGS) != 0 && at < h.len ? h.p[at] : 0;
}

/* Takes the header before the 802.11 frame; false when there is none. */
static bool
take_radio_header(struct decode_ctx *x, uint8_t *flags)
{
	struct view v = x->rest;
	size_t len;

	*flags = 0;
	switch (x->linktype) {
	case WIFI_RADIOTAP:
		len = v.len >= 8 ? load_le16(v.p + 2) : 0;
		break;
	case WIFI_PPI:
		len = v.len >= 8 ? load_le16(v.p + 2) : 0;
		if (len >= 8 && load_le32(v.p + 4) != WIFI_BARE) {
			return false;
		}
		break;
	case WIFI_PRISM:
		/* AVS headers, which came under the same number, have a
		 * magic and their length in network order. */
		if (v.len < 8) {
			return false;
		}
		len = load_be16(v.p) == 0x8021 ? load_be32(v.p + 4)
					       : load_le32(v.p + 4);
		break;
	default:
		return true;
	}
	if (len < 8 || len > v.len) {
		return false;
	}
	if (x->linktype == WIFI_RADIOTAP) {
		*flags = radiotap_flags(view_of(v.p, len));
	}
	decode_advance(x, len);
	return true;
}

/* IEEE 802.11-2020, 9.3.2.1, data frames; LLC with SNAP follows. */
enum decode_step
decode_wifi(struct decode_ctx *x)
{
	const uint8_t *p;
	size_t hlen = 24;
	uint8_t radio;

	x->count->wifi++;
	if (!take_radio_header(x, &radio)) {
		return not_ip(x);
	}
	p = x->rest.p;
	if (x->rest.len < hlen || (p[0] & FC_TYPE) != FC_TYPE_DATA ||
	    (p[0] & 3) != 0 || (p[0] & FC_SUBTYPE_NULL) != 0 ||
	    (p[1] & (FC_PROTECTED | FC_MORE_FRAGMENTS)) != 0 ||
	    (p[22] & 0xf) != 0) {
		return not_ip(x); /* no data, or encrypted, or a fragment */
	}
	if ((p[1] & (FC_TO_DS | FC_FROM_DS)) == (FC_TO_DS | FC_FROM_DS)) {
		hlen += 6;
	}
	if ((p[0] & FC_SUBTYPE_QOS) != 0) {
		if (x->rest.len < hlen + 2 || (p[hlen] & 0x80) != 0) {
			return not_ip(x); /* an aggregate: A-MSDU */
		}
		hlen += 2 + ((p[1] & FC_ORDER) != 0 ? 4 : 0);
	}
	if ((radio & RADIOTAP_FLAG_PAD) != 0) {
		hlen = (hlen + 3) & ~(size_t)3;
	}
	if (x->rest.len < hlen + 8 || load_be16(p + hlen) != 0xaaaa ||
	    p[hlen + 2] != 3) {
		return not_ip(x);
	}
	x->ethertype = load_be16(p + hlen + 6);
	decode_advance(x, hlen + 8);
	return STEP_ETHERTYPE;
}
