/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng: draft-ietf-opsawg-pcapng; section numbers below are its. */
#include "sensor/capture_format.h"

#include <stdlib.h>

enum block_type {
	BLOCK_SHB = 0x0a0d0d0a,
	BLOCK_IDB = 1,
	BLOCK_PB = 2,
	BLOCK_SPB = 3,
	BLOCK_EPB = 6,
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define BLOCK_OVERHEAD 12 /* type, length, length again */
/* Interface and section descriptions have options, but not without end. */
#define MAX_DESCRIPTION ((uint32_t)256 << 10)

enum { OPT_END = 0, OPT_IF_TSRESOL = 9, OPT_IF_TSOFFSET = 14 };

bool
pcapng_recognise(struct view head)
{
	return head.len >= 4 && load_le32(head.p) == BLOCK_SHB;
}

static inline uint32_t
word(const struct pcapng_reader *r, const uint8_t *p)
{
	return UNLIKELY(r->swapped) ? load_be32(p) : load_le32(p);
}

static inline uint16_t
half(const struct pcapng_reader *r, const uint8_t *p)
{
	return UNLIKELY(r->swapped) ? load_be16(p) : load_le16(p);
}

void
pcapng_reader_fini(struct pcapng_reader *r)
{
	free(r->iface);
	r->iface = NULL;
	r->n_ifaces = r->cap_ifaces = 0;
}

enum err
pcapng_reader_begin(struct pcapng_reader *r, struct source *src,
		    const char **why)
{
	(void)why;
	r->src = src;
	r->swapped = false;
	r->n_ifaces = 0;
	r->last_us = 0;
	r->taken = 0;
	return ERR_OK;
}

/* Section 4.1: fixes the byte order and forgets the interfaces. */
static enum err
read_section(struct pcapng_reader *r, const char **why)
{
	struct view v = source_peek(r->src, 28);

	if (v.len < 28) {
		return capture_cut_short(r->src, why);
	}
	r->swapped = load_be32(v.p + 8) == BYTE_ORDER_MAGIC;
	if (!r->swapped && load_le32(v.p + 8) != BYTE_ORDER_MAGIC) {
		*why = "a section without byte order";
		return ERR_FORMAT;
	}
	if (half(r, v.p + 12) != 1) {
		*why = "unknown version of the pcapng format";
		return ERR_FORMAT;
	}
	r->n_ifaces = 0;
	return ERR_OK;
}

static void
read_iface_options(const struct pcapng_reader *r, struct view opt,
		   struct pcapng_iface *f)
{
	while (opt.len >= 4) {
		uint16_t code = half(r, opt.p);
		uint16_t len = half(r, opt.p + 2);
		const uint8_t *value = opt.p + 4;

		if (code == OPT_END || len > opt.len - 4) {
			return;
		}
		if (code == OPT_IF_TSRESOL && len >= 1) {
			f->tsresol = value[0];
		} else if (code == OPT_IF_TSOFFSET && len >= 8) {
			f->tsoffset = (int64_t)(r->swapped ? load_be64(value)
							   : load_le64(value));
		}
		opt = view_sub(opt, 4 + (((size_t)len + 3) & ~(size_t)3),
			       opt.len);
	}
}

/* Section 4.2; 'body' begins behind type and length. */
static enum err
read_iface(struct pcapng_reader *r, struct view body, const char **why)
{
	struct pcapng_iface *f;

	if (body.len < 8) {
		*why = "an interface block too short";
		return ERR_FORMAT;
	}
	if (r->n_ifaces == r->cap_ifaces) {
		uint32_t cap = r->cap_ifaces == 0 ? 8 : r->cap_ifaces * 2;

		if (cap > PCAPNG_MAX_IFACES) {
			*why = "too many interfaces";
			return ERR_FORMAT;
		}
		f = realloc(r->iface, cap * sizeof(*f));
		if (f == NULL) {
			*why = "out of memory";
			return ERR_NOMEM;
		}
		r->iface = f;
		r->cap_ifaces = cap;
	}
	f = &r->iface[r->n_ifaces++];
	*f = (struct pcapng_iface){
		.linktype = half(r, body.p),
		.snaplen = word(r, body.p + 4),
		.tsresol = 6,
	};
	read_iface_options(r, view_sub(body, 8, body.len), f);
	return ERR_OK;
}

/* Ticks of the interface's resolution (section 4.2, if_tsresol) to us. */
static uint64_t
ticks_to_us(const struct pcapng_iface *f, uint64_t ticks)
{
	uint64_t us;
	int64_t offset_us;

	if (LIKELY(f->tsresol == 6)) {
		us = ticks;
	} else if ((f->tsresol & 0x80) != 0) {
		unsigned bits = f->tsresol & 0x7f;
		uint64_t whole = bits < 64 ? ticks >> bits : 0;
		uint64_t rest = bits == 0 ? 0
				: bits < 64
					? ticks & (UINT64_MAX >> (64 - bits))
					: ticks;

		/* 40 bits of the fraction are far below a microsecond, and
		 * as many as can be multiplied. */
		if (bits > 40) {
			rest = bits - 40 < 64 ? rest >> (bits - 40) : 0;
			bits = 40;
		}
		us = whole * 1000000 + (rest * 1000000 >> bits);
	} else {
		us = ticks;
		for (unsigned e = f->tsresol; e > 6 && us > 0; e--) {
			us /= 10;
		}
		for (unsigned e = f->tsresol; e < 6; e++) {
			us *= 10;
		}
	}
	if (f->tsoffset == 0) {
		return us;
	}
	if (__builtin_mul_overflow(f->tsoffset, INT64_C(1000000), &offset_us)) {
		return us;
	}
	return us + (uint64_t)offset_us;
}

struct packet_block {
	uint32_t fixed; /* bytes before the data, with type and length */
	uint32_t iface, caplen, wirelen;
	uint64_t ticks;
	bool has_time;
};

/*
 * The fields of a packet block whose first 28 bytes are in 'v' (16 suffice
 * for a simple packet block).  Sections 4.3, 4.4 and appendix A.
 */
static enum err
read_packet_fields(const struct pcapng_reader *r, const uint8_t *p,
		   uint32_t type, uint32_t total, struct packet_block *b,
		   const char **why)
{
	*b = (struct packet_block){ .fixed = 28, .has_time = true };
	if (type == BLOCK_SPB) {
		b->fixed = 12;
		b->has_time = false;
		b->wirelen = word(r, p + 8);
		b->caplen = MIN(b->wirelen, total - 16);
		if (r->n_ifaces > 0 && r->iface[0].snaplen != 0) {
			b->caplen = MIN(b->caplen, r->iface[0].snaplen);
		}
	} else {
		b->iface = type == BLOCK_PB ? half(r, p + 8) : word(r, p + 8);
		b->ticks = (uint64_t)word(r, p + 12) << 32 | word(r, p + 16);
		b->caplen = word(r, p + 20);
		b->wirelen = word(r, p + 24);
	}
	if (b->iface >= r->n_ifaces) {
		*why = "its interface is not described";
		return ERR_FORMAT;
	}
	if (b->caplen > total - b->fixed - 4) {
		*why = "it is longer than its block";
		return ERR_FORMAT;
	}
	return ERR_OK;
}

static enum err
read_packet(struct pcapng_reader *r, uint32_t type, uint32_t total,
	    struct capture_record *rec, const char **why)
{
	struct packet_block b;
	struct view v;
	uint32_t least = type == BLOCK_SPB ? 16 : 32;
	const struct pcapng_iface *f;
	enum err e;

	if (total < least) {
		*why = "a packet block too short";
		return ERR_FORMAT;
	}
	v = source_peek(r->src, least - 4);
	if (v.len < least - 4) {
		return capture_cut_short(r->src, why);
	}
	e = read_packet_fields(r, v.p, type, total, &b, why);
	if (e != ERR_OK) {
		return e;
	}
	f = &r->iface[b.iface];
	if (b.has_time) {
		r->last_us = ticks_to_us(f, b.ticks);
	}
	if (b.caplen > CAPTURE_MAX_FRAME ||
	    total > CAPTURE_MAX_FRAME + MAX_DESCRIPTION) {
		if (total > CAPTURE_MAX_SKIP) {
			*why = "its length is nonsense";
			return ERR_FORMAT;
		}
		return source_skip(r->src, total)
			       ? ERR_LIMIT
			       : capture_cut_short(r->src, why);
	}
	v = source_peek(r->src, total);
	if (v.len < total) {
		return capture_cut_short(r->src, why);
	}
	if (word(r, v.p + total - 4) != total) {
		*why = "its block's two lengths differ";
		return ERR_FORMAT;
	}
	rec->data = view_of(v.p + b.fixed, b.caplen);
	rec->wirelen = MAX(b.wirelen, b.caplen);
	rec->ts_us = r->last_us;
	rec->linktype = f->linktype;
	r->taken = total;
	return ERR_OK;
}

/* Takes a block that is no packet. */
static enum err
read_other(struct pcapng_reader *r, uint32_t type, uint32_t total,
	   const char **why)
{
	uint8_t tail[4];
	struct view v;
	enum err e = ERR_OK;

	if (type == BLOCK_IDB) {
		if (total > MAX_DESCRIPTION) {
			*why = "an interface block's length is nonsense";
			return ERR_FORMAT;
		}
		v = source_peek(r->src, total);
		if (v.len < total) {
			return capture_cut_short(r->src, why);
		}
		e = read_iface(r, view_of(v.p + 8, total - BLOCK_OVERHEAD),
			       why);
	}
	if (e != ERR_OK) {
		return e;
	}
	/* Blocks of any length may be passed over; they are not kept. */
	if (!source_skip(r->src, total - 4)) {
		return capture_cut_short(r->src, why);
	}
	v = source_peek(r->src, 4);
	if (v.len < 4) {
		return capture_cut_short(r->src, why);
	}
	memcpy(tail, v.p, 4);
	source_consume(r->src, 4);
	if (word(r, tail) != total) {
		*why = "a block's two lengths differ";
		return ERR_FORMAT;
	}
	return ERR_OK;
}

enum err
pcapng_reader_next(struct pcapng_reader *r, struct capture_record *rec,
		   const char **why)
{
	source_consume(r->src, r->taken);
	r->taken = 0;
	for (;;) {
		struct view v = source_peek(r->src, 8);
		uint32_t type, total;
		enum err e;

		if (v.len < 8) {
			e = source_error(r->src, why);
			if (v.len == 0) {
				return e == ERR_OK ? ERR_EOF : e;
			}
			return capture_cut_short(r->src, why);
		}
		if (load_le32(v.p) == BLOCK_SHB) {
			e = read_section(r, why);
			if (e != ERR_OK) {
				return e;
			}
			v = source_peek(r->src, 8);
		}
		type = word(r, v.p);
		total = word(r, v.p + 4);
		if (total < BLOCK_OVERHEAD || total % 4 != 0 ||
		    (type == BLOCK_SHB && total < 28)) {
			*why = "a block's length is nonsense";
			return ERR_FORMAT;
		}
		if (type == BLOCK_EPB || type == BLOCK_SPB ||
		    type == BLOCK_PB) {
			return read_packet(r, type, total, rec, why);
		}
		e = read_other(r, type, total, why);
		if (e != ERR_OK) {
			return e;
		}
	}
}
