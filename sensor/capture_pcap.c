/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic pcap: draft-ietf-opsawg-pcap; also nanosecond time stamps and the
 * "modified" record header of early Linux captures.
 */
#include "sensor/capture_format.h"

#include "sensor/capture_map.h"

#define FILE_HEADER 24
#define RECORD_HEADER 16
#define RECORD_HEADER_MODIFIED 24

/*
 * Walking from record to record waits for each header in turn; so what will be
 * read is asked for this many bytes ahead, all lines in order.
 */
#define PREFETCH_AHEAD 4096
#define LINE 64

#define MAGIC_US 0xa1b2c3d4
#define MAGIC_NS 0xa1b23c4d
#define MAGIC_MODIFIED 0xa1b2cd34

static bool
magic_known(uint32_t m)
{
	return m == MAGIC_US || m == MAGIC_NS || m == MAGIC_MODIFIED;
}

bool
pcap_recognise(struct view head)
{
	return head.len >= 4 && (magic_known(load_le32(head.p)) ||
				 magic_known(load_be32(head.p)));
}

static inline uint32_t
word(const struct pcap_reader *r, const uint8_t *p)
{
	return UNLIKELY(r->swapped) ? load_be32(p) : load_le32(p);
}

enum err
pcap_reader_begin(struct pcap_reader *r, struct source *src, const char **why)
{
	struct view v = source_peek(src, FILE_HEADER);
	uint32_t magic;

	if (v.len < FILE_HEADER) {
		return capture_cut_short(src, why);
	}
	*r = (struct pcap_reader){ .src = src };
	r->swapped = !magic_known(load_le32(v.p));
	magic = word(r, v.p);
	r->nanoseconds = magic == MAGIC_NS;
	r->record_header = magic == MAGIC_MODIFIED ? RECORD_HEADER_MODIFIED
						   : RECORD_HEADER;
	/* Only version 2.x was ever written; the minor number matters for
	 * the order of the lengths. */
	if ((word(r, v.p + 4) >> (r->swapped ? 16 : 0) & 0xffff) != 2) {
		*why = "unknown version of the pcap format";
		return ERR_FORMAT;
	}
	r->minor = (uint8_t)(r->swapped ? v.p[7] : v.p[6]);
	/* The snap length is not looked at: writers put nonsense there. The
	 * upper half of the link type holds the FCS length. */
	r->linktype = (uint16_t)word(r, v.p + 20);
	source_consume(src, FILE_HEADER);
	return ERR_OK;
}

enum err
pcap_reader_next(struct pcap_reader *r, struct capture_record *rec,
		 const char **why)
{
	struct view v;
	uint32_t caplen, wirelen, fraction;
	size_t header = r->record_header;

	source_consume(r->src, r->taken);
	r->taken = 0;
	v = source_peek(r->src, header);
	if (UNLIKELY(v.len < header)) {
		enum err e = source_error(r->src, why);

		if (v.len == 0) {
			return e == ERR_OK ? ERR_EOF : e;
		}
		return capture_cut_short(r->src, why);
	}
	fraction = word(r, v.p + 4);
	caplen = word(r, v.p + 8);
	wirelen = word(r, v.p + 12);
	rec->ts_us = (uint64_t)word(r, v.p) * 1000000 +
		     (r->nanoseconds ? fraction / 1000 : fraction);
	if (UNLIKELY(r->minor < 3 || (r->minor == 3 && caplen > wirelen))) {
		/* Before version 2.4 the two lengths stood the other way
		 * round. */
		uint32_t t = caplen;

		caplen = wirelen;
		wirelen = t;
	}
	if (UNLIKELY(caplen > CAPTURE_MAX_FRAME)) {
		if (caplen > CAPTURE_MAX_SKIP) {
			*why = "its length is nonsense";
			return ERR_FORMAT;
		}
		if (!source_skip(r->src, header + (uint64_t)caplen)) {
			return capture_cut_short(r->src, why);
		}
		return ERR_LIMIT;
	}
	v = source_peek(r->src, header + caplen);
	if (UNLIKELY(v.len < header + caplen)) {
		return capture_cut_short(r->src, why);
	}
	rec->data = view_of(v.p + header, caplen);
	rec->wirelen = MAX(wirelen, caplen);
	rec->linktype = r->linktype;
	r->taken = header + caplen;
	return ERR_OK;
}

static inline void
prefetch(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += LINE) {
		__builtin_prefetch(p + PREFETCH_AHEAD + i);
	}
}

/* Compiled for itself for each way of writing numbers. */
static inline __attribute__((always_inline)) uint32_t
views(const struct pcap_reader *r, const struct capture_map *map, struct view v,
      struct frame *f, uint32_t n, struct pcap_views *io, bool usual,
      size_t *at)
{
	const size_t header = usual ? RECORD_HEADER : r->record_header;
	struct pcap_views x = *io;
	uint32_t k = 0;

	for (; k < n && v.len - *at >= header; k++) {
		const uint8_t *p = v.p + *at;
		uint32_t caplen = usual ? load_le32(p + 8) : word(r, p + 8);
		uint32_t wirelen = usual ? load_le32(p + 12) : word(r, p + 12);
		uint32_t fraction = usual ? load_le32(p + 4) : word(r, p + 4);
		uint32_t seconds = usual ? load_le32(p) : word(r, p);
		size_t rounded = (caplen + x.align - 1) & ~(x.align - 1);

		/* When torn, what was read may be none of the file's. */
		if (UNLIKELY(caplen > CAPTURE_MAX_FRAME || caplen > x.room ||
			     v.len - *at - header < caplen || map->torn != 0)) {
			break;
		}
		if (x.fetch) {
			prefetch(p, header + caplen);
		}
		if (!usual && r->nanoseconds) {
			fraction /= 1000;
		}
		f[k].data = p + header;
		f[k].caplen = caplen;
		f[k].wirelen = MAX(wirelen, caplen);
		f[k].ts_us = (uint64_t)seconds * 1000000 + fraction;
		f[k].number = ++x.number;
		f[k].linktype = r->linktype;
		x.room -= MIN(rounded, x.room);
		x.bytes += caplen;
		x.truncated += wirelen > caplen;
		*at += header + caplen;
	}
	*io = x;
	return k;
}

uint32_t
pcap_reader_views(struct pcap_reader *r, struct frame *f, uint32_t n,
		  struct pcap_views *io)
{
	const struct capture_map *map = source_map(r->src);
	bool usual = !r->swapped && !r->nanoseconds &&
		     r->record_header == RECORD_HEADER;
	struct view v;
	size_t at = 0;
	uint32_t k;

	if (map == NULL || r->minor < 4) {
		return 0;
	}
	source_consume(r->src, r->taken);
	r->taken = 0;
	v = source_peek(r->src, 0);
	k = usual ? views(r, map, v, f, n, io, true, &at)
		  : views(r, map, v, f, n, io, false, &at);
	source_consume(r->src, at);
	return k;
}
