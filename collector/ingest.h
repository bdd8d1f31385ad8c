/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest.h - entries of all sensors' streams, from Redis
 *
 * One consumer group, "picket", on every stream that the set picket:sensors
 * names.  What was delivered and not acknowledged (a collector that died) is
 * delivered first.  Everything in Redis is disposable: when the broker comes
 * back empty, groups are made anew, and the caller publishes its marks again
 * when 'renewed' is set.
 *
 * Place    above redis_pool; first stage of the collector.
 * Threads  one.
 * Memory   one reply, at most REDIS_MAX_PENDING bytes; at most
 *          INGEST_MAX_STREAMS streams.
 * Cost     one round trip a batch.
 */
#ifndef COLLECTOR_INGEST_H
#define COLLECTOR_INGEST_H

#include "common/presence_sign.h"
#include "common/redis_pool.h"

/* So many streams are read at most; who but watches knows more sensors. */
#define INGEST_READ_STREAMS 4096
#define INGEST_MAX_STREAMS 16384
#define INGEST_MAX_ENTRIES 1024
#define INGEST_NAME_CAP 64

/* Fields of an entry as they came; nothing is checked yet. */
struct ingest_entry {
	unsigned stream; /* number, stable while the process runs */
	const char *id; /* Redis's */
	struct view v, epoch, seq, enc, n, sev, crc, raw, mac, data;
	struct view gap_from, gap_to, gap_n;
};

struct ingest;

/* 'consumer' names this collector within the group. */
enum err ingest_new(struct ingest **out, const struct redis_options *redis,
		    const char *consumer, struct diag *d) MUST_CHECK;
void ingest_free(struct ingest *in);

/*
 * Before the first read: of sensors only those that 'mine' lets in (NULL: all)
 * have streams here; 'watch' when these are not read, and no group is made, so
 * that only presence can be asked for.
 */
void ingest_restrict(struct ingest *in,
		     bool (*mine)(void *arg, const char *site,
				  const char *sensor),
		     void *arg, bool watch);

/* While it holds nothing is read: ingest_read() sees to the connection only. */
void ingest_hold(struct ingest *in, bool hold);

/* Such a sensor is known: its stream is looked at, whether Redis remembers it or
 * not.  A name that can be none, and one too many, is passed over. */
void ingest_know(struct ingest *in, const char *site, const char *sensor);

/*
 * Waits up to 'wait_ms' for entries of any stream.  They are valid until the
 * next ingest_read().  ERR_AGAIN: the broker is not there
 * (diag says why), try again; ERR_AUTH: it refuses us.  No entries is
 * success.  '*renewed' is set when groups had to be made.
 */
enum err ingest_read(struct ingest *in, int wait_ms,
		     const struct ingest_entry **entries, size_t *n,
		     bool *renewed, struct diag *d) MUST_CHECK;

/* Whether more waits, by what the last read gave; never in a cluster. */
bool ingest_more(const struct ingest *in);
/* Asks for the next entries while the last ones are worked at.  The next thing
 * must be ingest_read(), which takes them, or ingest_deadletter(). */
void ingest_ahead(struct ingest *in);

/* "SITE" and "SENSOR" of a stream, as its key says. */
const char *ingest_site(const struct ingest *in, unsigned stream);
const char *ingest_sensor(const struct ingest *in, unsigned stream);
unsigned ingest_n_streams(const struct ingest *in);
/* Entries dropped unread because no reply may be that large. */
uint64_t ingest_oversize(const struct ingest *in);
/* Sensors that found no room, at the last look at their set. */
uint64_t ingest_left_out(const struct ingest *in);
/* The connections, for a call between two reads; not after ingest_ahead(). */
struct redis_pool *ingest_pool(struct ingest *in);
/* As redis_pool_troubles(). */
const uint64_t *ingest_troubles(const struct ingest *in);

/* After the commit: queue these, then send them all with ingest_done().
 * 'point' is the committed point's text (point_sign.h). */
enum err ingest_publish(struct ingest *in, const char *site, const char *sensor,
			const char *point) MUST_CHECK;
/* 'n' ids of entries of one stream. */
enum err ingest_ack(struct ingest *in, unsigned stream, const char *const *ids,
		    size_t n) MUST_CHECK;
/* Drops the entries before 'id', which stays: a sensor that connects reads in
 * it how far it had come.  Skipped while older ones may still be waiting for
 * another read. */
enum err ingest_trim(struct ingest *in, unsigned stream,
		     const char *id) MUST_CHECK;
/* Keeps a bad entry for whoever wants to know why, newest 1000 a sensor. */
enum err ingest_deadletter(struct ingest *in, unsigned stream,
			   const struct ingest_entry *e,
			   const char *why) MUST_CHECK;
enum err ingest_done(struct ingest *in, struct diag *d) MUST_CHECK;

/* The last entries were not taken in after all: they are delivered again. */
void ingest_rewind(struct ingest *in);

/*
 * The hash with the presence of a stream's sensor, whoever wrote it.  No fields
 * when its time to live ran out, or it is larger than any sensor's and costs the
 * connection each time it is asked for.  Valid until the next ingest_presence().
 * ERR_AGAIN when Redis is away or refuses to say.
 */
struct ingest_presence {
	struct presence_field field[PRESENCE_MAX_FIELDS];
	size_t n;
};
enum err ingest_presence(struct ingest *in, unsigned stream,
			 struct ingest_presence *out,
			 struct diag *d) MUST_CHECK;
/* A field's value; p is NULL when it is not there. */
struct view ingest_presence_field(const struct ingest_presence *p,
				  const char *name);

/* Whether every stream has its group, and what a former life left
 * unacknowledged has been read again. */
bool ingest_idle(const struct ingest *in);

#endif
