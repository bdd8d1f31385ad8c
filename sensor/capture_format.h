/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_format.h - records out of the two capture file formats
 *
 * Internal to the capture_*.c files.
 *
 * Place    above capture_source.h.
 * Threads  one reader, one thread.
 * Memory   a record's bytes are in the source's window until the next call;
 *          a pcapng reader keeps 24 bytes per interface, PCAPNG_MAX_IFACES.
 * Cost     no copy, no allocation per record.
 */
#ifndef SENSOR_CAPTURE_FORMAT_H
#define SENSOR_CAPTURE_FORMAT_H

#include "sensor/capture_source.h"
#include "sensor/packet.h"

/* The largest frame taken: what Linux and libpcap agree on. */
#define CAPTURE_MAX_FRAME ((uint32_t)256 << 10)
/*
 * A record up to this long is an odd but possible one and is skipped; a
 * longer length is damage, and where the next record begins is not known.
 */
#define CAPTURE_MAX_SKIP ((uint32_t)16 << 20)
#define PCAPNG_MAX_IFACES 65536

struct capture_record {
	struct view data;
	uint32_t wirelen;
	uint64_t ts_us;
	uint16_t linktype;
};

struct pcap_reader {
	struct source *src;
	bool swapped, nanoseconds;
	uint8_t record_header; /* 16, or 24 for the "modified" format */
	uint8_t minor;
	uint16_t linktype;
	size_t taken; /* of the window by the record given out last */
};

struct pcapng_iface {
	uint32_t snaplen;
	uint16_t linktype;
	uint8_t tsresol; /* as in the file; 6 is microseconds */
	int64_t tsoffset; /* seconds */
};

struct pcapng_reader {
	struct source *src;
	bool swapped;
	struct pcapng_iface *iface;
	uint32_t n_ifaces, cap_ifaces;
	uint64_t last_us; /* simple packet blocks have no time of their own */
	size_t taken;
};

/* Whether the file's first four bytes open a file of this format. */
bool pcap_recognise(struct view head);
bool pcapng_recognise(struct view head);

/*
 * Both begin at the file's first byte.  On failure '*why' says it in words
 * (static storage): ERR_TRUNCATED, ERR_FORMAT, ERR_NOMEM.
 */
enum err pcap_reader_begin(struct pcap_reader *r, struct source *src,
			   const char **why) MUST_CHECK;
/* Keeps the interface table of an earlier file for reuse; zero it first. */
enum err pcapng_reader_begin(struct pcapng_reader *r, struct source *src,
			     const char **why) MUST_CHECK;
void pcapng_reader_fini(struct pcapng_reader *r);

/*
 * The next record, ERR_EOF at a clean end, ERR_LIMIT for one longer than
 * CAPTURE_MAX_FRAME that was skipped, else as above (ERR_IO too) and the rest
 * of the file cannot be read.
 */
enum err pcap_reader_next(struct pcap_reader *r, struct capture_record *rec,
			  const char **why) MUST_CHECK;
enum err pcapng_reader_next(struct pcapng_reader *r, struct capture_record *rec,
			    const char **why) MUST_CHECK;

/* What goes along with views, and is left as it is behind them. */
struct pcap_views {
	size_t room; /* what their lengths, rounded up, may add up to */
	size_t align; /* to this, a power of two */
	uint64_t number; /* of the frame before */
	uint64_t bytes, truncated; /* as in struct capture_stats */
	bool fetch; /* nobody has sent for the file's bytes: read ahead */
};

/*
 * Fills in up to 'n' frames as long as records are ordinary and the source is
 * a map, of which the frames are views then; how many.
 */
uint32_t pcap_reader_views(struct pcap_reader *r, struct frame *f, uint32_t n,
			   struct pcap_views *io);

/* The error of a source that ended inside something of ours. */
static inline enum err
capture_cut_short(const struct source *src, const char **why)
{
	enum err e = source_error(src, why);

	if (e == ERR_OK) {
		*why = "the file ends inside it";
		return ERR_TRUNCATED;
	}
	return e;
}

#endif
