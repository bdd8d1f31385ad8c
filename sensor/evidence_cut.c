/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_cut.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/decode.h"

#define MAGIC_NS 0xa1b23c4d
#define SLACK_S 60 /* a file's clock and the packets' may differ */
#define FRAGMENTS ((size_t)4 << 20)
#define ANSWER_FIRST ((size_t)64 << 10)
#define MAX_LINKS 16 /* interfaces of the answer */

/* pcapng: draft-ietf-opsawg-pcapng, blocks as they are needed here. */
#define BLOCK_SECTION 0x0a0d0d0a
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET 6
#define SECTION_BYTES 28
#define INTERFACE_BYTES 32
#define PACKET_BYTES 32 /* without the packet */

struct evidence_cut {
	struct evidence_ask ask;
	char (*names)[EVIDENCE_NAME_CAP];
	size_t n_names, at; /* the next to be opened */
	int dir, fd; /* -1: none */
	uint16_t linktype; /* of the file that is open */
	uint8_t *in; /* read from it: [from, to) is not looked at yet */
	size_t in_cap, in_from, in_to;
	uint32_t snaplen;
	struct pool *pool;
	struct decoder *decoder;
	uint8_t *out;
	size_t out_len, out_cap;
	uint16_t link[MAX_LINKS];
	uint32_t n_links;
	struct evidence_cut_result res;
};

struct evidence_cut *
evidence_cut_new(uint32_t snaplen)
{
	struct evidence_cut *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	c->fd = -1;
	c->snaplen = snaplen;
	c->in_cap = CUT_STEP + EVIDENCE_PACKET_HEAD + snaplen;
	c->in = malloc(c->in_cap);
	if (c->in == NULL) {
		evidence_cut_free(c);
		return NULL;
	}
	return c;
}

static void
close_file(struct evidence_cut *c)
{
	if (c->fd >= 0) {
		close(c->fd);
	}
	c->fd = -1;
}

/* What only a cut that is under way needs. */
static void
end(struct evidence_cut *c)
{
	close_file(c);
	free(c->names);
	c->names = NULL;
	c->n_names = c->at = 0;
	decoder_free(c->decoder);
	c->decoder = NULL;
	pool_free(c->pool);
	c->pool = NULL;
}

void
evidence_cut_free(struct evidence_cut *c)
{
	if (c != NULL) {
		end(c);
		free(c->out);
		free(c->in);
		free(c);
	}
}

void
evidence_cut_begin(struct evidence_cut *c, const struct evidence_ask *a, int fd,
		   char (*names)[EVIDENCE_NAME_CAP], size_t n)
{
	end(c);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_cap = 0;
	c->n_links = 0;
	c->res = (struct evidence_cut_result){ .cut = false };
	c->ask = *a;
	c->dir = fd;
	c->names = names;
	c->n_names = n;
}

/* --- the answer --- */

/* Room for 'n' bytes at the end of the answer, zeroed; NULL: no memory. */
static uint8_t *
grow(struct evidence_cut *c, size_t n)
{
	uint8_t *at;

	if (c->out_cap - c->out_len < n) {
		size_t cap =
			MAX(MAX(c->out_cap * 2, ANSWER_FIRST), c->out_len + n);
		uint8_t *p = realloc(c->out, cap);

		if (p == NULL) {
			return NULL;
		}
		c->out = p;
		c->out_cap = cap;
	}
	at = c->out + c->out_len;
	memset(at, 0, n);
	c->out_len += n;
	return at;
}

/* A block's type, and its length at both ends. */
static void
frame_block(uint8_t *p, uint32_t type, uint32_t len)
{
	store_le32(p, type);
	store_le32(p + 4, len);
	store_le32(p + len - 4, len);
}

static enum err
put_section(struct evidence_cut *c)
{
	uint8_t *p = grow(c, SECTION_BYTES);

	if (p == NULL) {
		return ERR_NOMEM;
	}
	frame_block(p, BLOCK_SECTION, SECTION_BYTES);
	store_le32(p + 8, 0x1a2b3c4d);
	store_le32(p + 12, 1); /* version 1.0 */
	memset(p + 16, 0xff, 8); /* of a length that is not said */
	return ERR_OK;
}

/* The interface of that link type; ERR_LIMIT: there are too many. */
static enum err
interface_of(struct evidence_cut *c, uint16_t linktype, uint32_t *out)
{
	uint8_t *p;

	for (*out = 0; *out < c->n_links; (*out)++) {
		if (c->link[*out] == linktype) {
			return ERR_OK;
		}
	}
	if (c->n_links == MAX_LINKS) {
		return ERR_LIMIT;
	}
	p = grow(c, INTERFACE_BYTES);
	if (p == NULL) {
		return ERR_NOMEM;
	}
	frame_block(p, BLOCK_INTERFACE, INTERFACE_BYTES);
	store_le32(p + 8, linktype);
	store_le32(p + 12, c->snaplen);
	store_le32(p + 16, 9 | 1 << 16); /* if_tsresol, one byte */
	p[20] = 9; /* nanoseconds */
	c->link[c->n_links++] = linktype;
	return ERR_OK;
}

/* ERR_LIMIT: the answer would be longer than was asked for. */
static enum err
put_packet(struct evidence_cut *c, const struct frame *f, uint32_t ns)
{
	size_t padded = ((size_t)f->caplen + 3) & ~(size_t)3;
	uint64_t t = f->ts_us / US_PER_S * 1000000000 + ns;
	uint32_t iface;
	uint8_t *p;
	enum err e;

	if (c->out_len + INTERFACE_BYTES + PACKET_BYTES + padded >
	    c->ask.max_bytes) {
		return ERR_LIMIT;
	}
	e = interface_of(c, c->linktype, &iface);
	if (e != ERR_OK) {
		return e;
	}
	p = grow(c, PACKET_BYTES + padded);
	if (p == NULL) {
		return ERR_NOMEM;
	}
	frame_block(p, BLOCK_PACKET, (uint32_t)(PACKET_BYTES + padded));
	store_le32(p + 8, iface);
	store_le32(p + 12, (uint32_t)(t >> 32));
	store_le32(p + 16, (uint32_t)t);
	store_le32(p + 20, f->caplen);
	store_le32(p + 24, f->wirelen);
	memcpy(p + 28, f->data, f->caplen);
	c->res.packets++;
	return ERR_OK;
}

/* --- what is asked for --- */

static bool
goes(const struct evidence_ask *a, const struct packet *p, int from)
{
	/* A fragment has no ports that could differ. */
	bool any = (p->flags & PKT_FRAGMENT) != 0;

	return addr_eq(&p->src, &a->host[from]) &&
	       addr_eq(&p->dst, &a->host[!from]) &&
	       (any || a->port[from] == 0 || a->port[from] == p->sport) &&
	       (any || a->port[!from] == 0 || a->port[!from] == p->dport);
}

static bool
is_asked_for(struct evidence_cut *c, const struct frame *f)
{
	const struct evidence_ask *a = &c->ask;
	struct packet p[FRAME_MAX_PACKETS];
	unsigned n;

	if (f->ts_us < a->from_us || f->ts_us > a->to_us) {
		return false;
	}
	n = decode_frame(c->decoder, f, p);
	for (unsigned i = 0; i < n; i++) {
		if (p[i].ip_version != 0 &&
		    (a->proto == 0 || a->proto == p[i].proto) &&
		    (goes(a, &p[i], 0) || goes(a, &p[i], 1))) {
			return true;
		}
	}
	return false;
}

/* --- files --- */

static uint32_t
word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v)); /* in the machine's byte order */
	return v;
}

/* The next file that may have such packets; false: there is none. */
static bool
open_next(struct evidence_cut *c)
{
	while (c->fd < 0 && c->at < c->n_names) {
		const char *name = c->names[c->at++];
		struct stat st;

		/* One that was removed meanwhile is gone. */
		c->fd = openat(c->dir, name,
			       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (c->fd < 0) {
			continue;
		}
		/* What was last written before that has nothing of it. */
		if (fstat(c->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
		    ((uint64_t)MAX(st.st_mtime, 0) + SLACK_S) * US_PER_S <
			    c->ask.from_us) {
			close_file(c);
			continue;
		}
		c->in_from = c->in_to = 0;
		c->linktype = UINT16_MAX;
		c->res.files++;
	}
	return c->fd >= 0;
}

/* The file's head; false: it is none of ours. */
static bool
take_head(struct evidence_cut *c)
{
	const uint8_t *p = c->in + c->in_from;

	if (word(p) != MAGIC_NS || word(p + 20) >= UINT16_MAX) {
		return false;
	}
	c->linktype = (uint16_t)word(p + 20);
	c->in_from += EVIDENCE_FILE_HEAD;
	return true;
}

/* All packets that are whole in the buffer.  ERR_FORMAT: the file is damaged;
 * ERR_LIMIT, ERR_NOMEM as put_packet(). */
static enum err
take_packets(struct evidence_cut *c)
{
	while (c->in_to - c->in_from >= EVIDENCE_PACKET_HEAD) {
		const uint8_t *p = c->in + c->in_from;
		uint32_t ns = word(p + 4), caplen = word(p + 8);
		struct frame f = {
			.data = p + EVIDENCE_PACKET_HEAD,
			.caplen = caplen,
			.wirelen = word(p + 12),
			.ts_us = word(p) * US_PER_S + ns / 1000,
			.linktype = c->linktype,
		};

		if (caplen > c->snaplen || ns >= 1000000000) {
			return ERR_FORMAT;
		}
		if (c->in_to - c->in_from - EVIDENCE_PACKET_HEAD < caplen) {
			break;
		}
		if (is_asked_for(c, &f)) {
			enum err e = put_packet(c, &f, ns);

			if (e != ERR_OK) {
				return e;
			}
		}
		c->in_from += EVIDENCE_PACKET_HEAD + caplen;
	}
	return ERR_OK;
}

/* One piece of the open file; ERR_EOF: that was all of it. */
static enum err
read_some(struct evidence_cut *c)
{
	ssize_t n;

	memmove(c->in, c->in + c->in_from, c->in_to - c->in_from);
	c->in_to -= c->in_from;
	c->in_from = 0;
	n = read(c->fd, c->in + c->in_to, MIN(CUT_STEP, c->in_cap - c->in_to));
	if (n <= 0) {
		return n == 0 ? ERR_EOF : ERR_IO;
	}
	c->in_to += (size_t)n;
	if (c->linktype == UINT16_MAX) {
		if (c->in_to < EVIDENCE_FILE_HEAD) {
			return ERR_OK;
		}
		if (!take_head(c)) {
			return ERR_FORMAT;
		}
	}
	return take_packets(c);
}

/* ERR_NOMEM. */
static enum err
prepare(struct evidence_cut *c)
{
	if (c->decoder != NULL) {
		return ERR_OK;
	}
	c->pool = pool_new(FRAGMENTS);
	c->decoder = c->pool != NULL ? decoder_new(NULL, c->pool) : NULL;
	return c->decoder != NULL ? put_section(c) : ERR_NOMEM;
}

enum err
evidence_cut_step(struct evidence_cut *c)
{
	enum err e = prepare(c);

	if (e == ERR_OK && open_next(c)) {
		e = read_some(c);
		if (e == ERR_OK) {
			return ERR_AGAIN;
		}
		if (e == ERR_EOF || e == ERR_FORMAT || e == ERR_IO) {
			c->res.damaged += e != ERR_EOF;
			close_file(c);
			return ERR_AGAIN;
		}
		c->res.cut = e == ERR_LIMIT;
	}
	end(c);
	return e == ERR_NOMEM ? e : ERR_OK;
}

struct evidence_cut_result
evidence_cut_result(const struct evidence_cut *c)
{
	struct evidence_cut_result r = c->res;

	r.file = view_of(c->out, c->out_len);
	return r;
}
