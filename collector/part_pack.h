/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_pack.h - what alerts said, in few bytes, for whoever joins them
 *
 * Alerts that differ in time and connection alone say the same: it is written
 * once, as a *subject*, and each alert is then about 25 bytes that name it, with
 * what tells one event from another (twin.h).  What comes out again is a struct
 * alert that lacks nothing which sighting.h, taps.h and exercises look at, so
 * that the head does with it what one collector alone would do.  Lines of contacts
 * go as they are: they are sums already.
 *
 * docs/formats.md, "Sightings of parts", has the bytes.
 *
 * Place    above alert.h and store_line.h; below part_out and part_in.
 * Threads  one packer, or one reader, one thread.
 * Memory   0.7 MiB a packer, 3.5 MiB a reader; views of what is read borrow from
 *          the bytes and the reader.
 * Cost     0.15 us an alert packed, 0.1 us read, when many say the same.
 */
#ifndef COLLECTOR_PART_PACK_H
#define COLLECTOR_PART_PACK_H

#include "common/alert.h"
#include "common/err.h"
#include "common/indicator.h"

#define PART_PACK_VERSION 1
/* A record is full beyond these. */
#define PART_PACK_BYTES ((size_t)256 << 10)
#define PART_PACK_SUBJECTS 4096
#define PART_PACK_NAMES 1024
/* Of a text so much is kept; the rest tells nothing apart. */
#define PART_PACK_TEXT 4096
/* But an indicator is its whole value. */
#define PART_PACK_VALUE INDICATOR_PATTERN_CAP
#define PART_PACK_TEXTS 20 /* of a subject, without tactics */
/* A line of contacts that is longer is no sensor's. */
#define PART_PACK_LINE ((size_t)32 << 10)

struct part_pack;
struct part_pack *part_pack_new(void); /* NULL when out of memory */
void part_pack_free(struct part_pack *p);
void part_pack_reset(struct part_pack *p);
/* Takes in alert number 'id' of a sensor, or an anchor (common/eve.h).  False
 * when the record is full: hand it on, reset and try again. */
bool part_pack_alert(struct part_pack *p, const char *site, const char *sensor,
		     int64_t id, const struct alert *a) MUST_CHECK;
bool part_pack_anchor(struct part_pack *p, const char *site, const char *sensor,
		      const struct alert *a) MUST_CHECK;
/* And a line of contacts (contacts_in.h), of at most PART_PACK_LINE bytes. */
bool part_pack_contacts(struct part_pack *p, const char *site,
			const char *sensor, struct view line) MUST_CHECK;
/* The record so far; of no bytes when nothing was taken in. */
struct view part_pack_bytes(const struct part_pack *p);
unsigned part_pack_alerts(const struct part_pack *p);
unsigned part_pack_subjects(const struct part_pack *p);
/* Alerts, anchors and lines. */
unsigned part_pack_len(const struct part_pack *p);

enum part_kind { PART_ALERT, PART_ANCHOR, PART_CONTACTS };

struct part_sight {
	enum part_kind kind;
	const char *site, *sensor;
	unsigned name; /* number of the sensor within the record */
	int64_t alert; /* the part's number of it */
	struct alert a; /* not of contacts */
	struct view line; /* of contacts */
};

struct part_unpack;
struct part_unpack *part_unpack_new(void); /* NULL when out of memory */
void part_unpack_free(struct part_unpack *u);
/* From the beginning of 'raw', which has to stay.  ERR_FORMAT with diag. */
enum err part_unpack_open(struct part_unpack *u, struct view raw,
			  struct diag *d) MUST_CHECK;
/* The next of these; ERR_NOTFOUND behind the last, ERR_FORMAT with diag,
 * ERR_NOMEM. */
enum err part_unpack_next(struct part_unpack *u, struct part_sight *out,
			  struct diag *d) MUST_CHECK;

#endif
