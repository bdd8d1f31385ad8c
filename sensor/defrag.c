/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/defrag.h"

#include "common/clock.h"
#include "common/csum.h"
#include "sensor/defrag_policy.h"

#include <stdlib.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAX_DATAGRAM 65535
/* Extension headers before the fragment header; hosts send at most one. */
#define MAX_HEADER 512
#define UNIT 8 /* offsets count in these (RFC 791, 3.1) */
#define CHUNK_UNITS 170
#define N_CHUNKS ((MAX_DATAGRAM / UNIT) / CHUNK_UNITS + 1)
/* How many waiting datagrams one fragment may push out when memory is short. */
#define MAX_EVICT 8
/* Datagrams one frame may complete; the packets of a frame are fewer. */
#define MAX_FINISHED FRAME_MAX_PACKETS

/* The extent, in units, of the fragment that a unit's bytes came from. */
struct owner {
	uint16_t start, end; /* end 0: nothing came yet */
};

struct chunk {
	uint8_t data[CHUNK_UNITS * UNIT];
	struct owner owner[CHUNK_UNITS];
};
STATIC_ASSERT(sizeof(struct chunk) <= 2048, "one 2 KiB block of the pool");

struct key {
	struct addr src, dst;
	uint32_t id;
	uint16_t vlan[PKT_MAX_VLANS];
	uint8_t family;
	uint8_t proto; /* IPv4 only: RFC 791 has it in the key, RFC 8200 not */
};
STATIC_ASSERT(sizeof(struct key) == 44, "hashed and compared whole");

struct tracker {
	struct key key;
	struct tracker *next; /* of the same bucket */
	struct tracker *older, *newer;
	uint64_t last_us; /* packet time of the last fragment */
	uint32_t n_frags;
	uint32_t n_units; /* covered */
	uint32_t total; /* bytes, once the last fragment told; else 0 */
	uint32_t max_end; /* highest byte covered */
	uint8_t policy;
	uint8_t next_header; /* IPv6: from the first fragment */
	uint16_t header_len, next_header_at;
	uint8_t *header; /* of the fragment with offset 0 */
	struct chunk *chunk[N_CHUNKS];
};

struct defrag {
	struct pool *pool;
	struct defrag_policies *policies;
	struct tracker **bucket;
	uint32_t n_buckets; /* a power of two */
	uint64_t seed;
	struct tracker *oldest, *newest;
	uint32_t n_trackers, max_trackers;
	uint64_t n_frags, max_frags;
	size_t mem, memcap;
	uint64_t timeout_us;
	bool use_vlan;

	struct view finished[MAX_FINISHED];
	unsigned n_finished;
	struct defrag_counters count;
};

struct defrag *
defrag_new(const struct conf *conf, struct pool *pool)
{
	struct defrag *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->pool = pool;
	d->memcap = 32 << 20;
	d->max_trackers = 65535;
	d->max_frags = 65535;
	d->timeout_us = 60 * US_PER_S;
	d->use_vlan = true;
	if (conf != NULL) {
		d->memcap = conf_u64(conf, "defrag.memcap", d->memcap, 1 << 20,
				     SIZE_MAX);
		d->max_trackers = (uint32_t)conf_u64(
			conf, "defrag.trackers", d->max_trackers, 1, 1 << 24);
		d->max_frags = conf_u64(conf, "defrag.max-frags", d->max_frags,
					1, UINT32_MAX);
		d->timeout_us = conf_u64(conf, "defrag.timeout", 60, 1, 3600) *
				US_PER_S;
		d->use_vlan =
			conf_bool(conf, "vlan.use-for-tracking", d->use_vlan);
	}
	d->n_buckets = 1024;
	while (d->n_buckets < d->max_trackers && d->n_buckets < 1 << 16) {
		d->n_buckets *= 2;
	}
	d->bucket = calloc(d->n_buckets, sizeof(struct tracker *));
	d->policies = defrag_policies_new(conf);
	/* The order of a bucket never shows, so that a random seed leaves
	 * results as they are. */
	if (d->bucket == NULL || d->policies == NULL ||
	    getrandom(&d->seed, sizeof(d->seed), 0) != sizeof(d->seed)) {
		defrag_free(d);
		return NULL;
	}
	return d;
}

static void *
take(struct defrag *d, size_t size)
{
	void *p;

	if (d->mem + pool_class_size(size) > d->memcap) {
		return NULL;
	}
	p = pool_get(d->pool, size);
	if (p != NULL) {
		d->mem += pool_class_size(size);
	}
	return p;
}

static void
give(struct defrag *d, void *p, size_t size)
{
	if (p != NULL) {
		d->mem -= pool_class_size(size);
		pool_put(d->pool, p, size);
	}
}

static struct tracker **
bucket_of(const struct defrag *d, const struct key *k)
{
	uint64_t h = XXH3_64bits_withSeed(k, sizeof(*k), d->seed);

	return &d->bucket[h & (d->n_buckets - 1)];
}

static void
unlink_age(struct defrag *d, struct tracker *t)
{
	*(t->older != NULL ? &t->older->newer : &d->oldest) = t->newer;
	*(t->newer != NULL ? &t->newer->older : &d->newest) = t->older;
}

static void
link_newest(struct defrag *d, struct tracker *t)
{
	t->older = d->newest;
	t->newer = NULL;
	*(d->newest != NULL ? &d->newest->newer : &d->oldest) = t;
	d->newest = t;
}

static void
drop_tracker(struct defrag *d, struct tracker *t)
{
	struct tracker **at = bucket_of(d, &t->key);

	while (*at != t) {
		at = &(*at)->next;
	}
	*at = t->next;
	unlink_age(d, t);
	for (size_t i = 0; i < N_CHUNKS; i++) {
		give(d, t->chunk[i], sizeof(struct chunk));
	}
	give(d, t->header, t->header_len);
	d->n_frags -= t->n_frags;
	d->n_trackers--;
	give(d, t, sizeof(*t));
}

void
defrag_free(struct defrag *d)
{
	if (d == NULL) {
		return;
	}
	defrag_recycle(d);
	while (d->oldest != NULL) {
		drop_tracker(d, d->oldest);
	}
	defrag_policies_free(d->policies);
	free(d->bucket);
	free(d);
}

void
defrag_recycle(struct defrag *d)
{
	while (d->n_finished > 0) {
		struct view v = d->finished[--d->n_finished];

		give(d, (uint8_t *)(uintptr_t)v.p, v.len);
	}
}

const struct defrag_counters *
defrag_counters(const struct defrag *d)
{
	return &d->count;
}

/* Memory, for which datagrams that waited longer than 'keep' may have to go. */
static void *
take_or_evict(struct defrag *d, size_t size, const struct tracker *keep)
{
	void *p = take(d, size);

	for (unsigned i = 0; p == NULL && i < MAX_EVICT; i++) {
		if (d->oldest == NULL || d->oldest == keep) {
			break;
		}
		drop_tracker(d, d->oldest);
		d->count.no_memory++;
		p = take(d, size);
	}
	return p;
}

/* Captures may be read one after the other, and clocks may step back. */
static bool
too_old(const struct defrag *d, const struct tracker *t, uint64_t now_us)
{
	return now_us > t->last_us ? now_us - t->last_us > d->timeout_us
				   : t->last_us - now_us > d->timeout_us;
}

static void
make_key(const struct defrag *d, const struct packet *p, struct key *k)
{
	memset(k, 0, sizeof(*k));
	k->src = p->src;
	k->dst = p->dst;
	k->id = p->frag_id;
	k->family = p->ip_version;
	k->proto = p->ip_version == 4 ? p->proto : 0;
	for (unsigned i = 0; d->use_vlan && i < p->n_vlans; i++) {
		/* Tag 0 is a priority, but a tag all the same. */
		k->vlan[i] = p->vlan[i] | 0x1000;
	}
}

static struct tracker *
open_tracker(struct defrag *d, const struct packet *p, const struct key *k)
{
	struct tracker *t, **at;

	if (d->n_trackers >= d->max_trackers) {
		drop_tracker(d, d->oldest);
		d->count.no_memory++;
	}
	t = take_or_evict(d, sizeof(*t), NULL);
	if (t == NULL) {
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->key = *k;
	t->policy = defrag_policy_for(d->policies, &p->dst);
	at = bucket_of(d, k);
	t->next = *at;
	*at = t;
	link_newest(d, t);
	d->n_trackers++;
	return t;
}

static struct tracker *
find_tracker(struct defrag *d, const struct packet *p, uint64_t now_us)
{
	struct key k;
	struct tracker *t;

	/* Each datagram is given up once, so this is cheap in the long run. */
	while (d->oldest != NULL && too_old(d, d->oldest, now_us)) {
		drop_tracker(d, d->oldest);
		d->count.timeout++;
	}
	make_key(d, p, &k);
	for (t = *bucket_of(d, &k); t != NULL; t = t->next) {
		if (memcmp(&t->key, &k, sizeof(k)) == 0) {
			break;
		}
	}
	if (t != NULL && too_old(d, t, now_us)) {
		drop_tracker(d, t);
		d->count.timeout++;
		t = NULL;
	}
	if (t == NULL) {
		t = open_tracker(d, p, &k);
	} else {
		unlink_age(d, t);
		link_newest(d, t);
	}
	if (t != NULL) {
		t->last_us = now_us;
	}
	return t;
}

static enum event_id
event_for(const struct packet *p, enum event_id v4, enum event_id v6)
{
	return p->ip_version == 4 ? v4 : v6;
}

/*
 * Lays the bytes over what came before, unit by unit.  Sets '*overlap' when
 * any of them were there, were it by a fragment sent twice.  False when memory is out.
 */
static bool
lay_units(struct defrag *d, struct tracker *t, uint32_t offset,
	  struct view data, bool *overlap)
{
	uint32_t start = offset / UNIT;
	uint32_t end = start + (uint32_t)((data.len + UNIT - 1) / UNIT);

	for (uint32_t u = start; u < end; u++) {
		struct chunk *c = t->chunk[u / CHUNK_UNITS];
		size_t at = (size_t)(u - start) * UNIT;
		size_t len = MIN(data.len - at, (size_t)UNIT);
		struct owner *o;
		uint8_t *to;

		if (c == NULL) {
			c = take_or_evict(d, sizeof(*c), t);
			if (c == NULL) {
				return false;
			}
			memset(c->owner, 0, sizeof(c->owner));
			t->chunk[u / CHUNK_UNITS] = c;
		}
		o = &c->owner[u % CHUNK_UNITS];
		to = c->data + (size_t)(u % CHUNK_UNITS) * UNIT;
		if (o->end == 0) {
			t->n_units++;
		} else {
			*overlap = true;
			if (!defrag_later_wins(t->policy, start, end, o->start,
					       o->end)) {
				continue;
			}
		}
		memcpy(to, data.p + at, len);
		*o = (struct owner){ (uint16_t)start, (uint16_t)end };
	}
	return true;
}

/* Keeps the header of the first fragment: RFC 791, 3.2; RFC 8200, 4.5. */
static bool
keep_header(struct defrag *d, struct tracker *t, const struct packet *p,
	    const struct defrag_fragment *f)
{
	if (p->frag_offset != 0 || t->header != NULL) {
		return true;
	}
	t->header = take_or_evict(d, f->header.len, t);
	if (t->header == NULL) {
		return false;
	}
	memcpy(t->header, f->header.p, f->header.len);
	t->header_len = (uint16_t)f->header.len;
	t->next_header_at = (uint16_t)f->next_header_at;
	t->next_header = p->proto;
	return true;
}

static void
mend_header(const struct tracker *t, uint8_t *h, size_t len)
{
	uint16_t sum;

	if (t->key.family == 4) {
		store_be16(h + 2, (uint16_t)len);
		h[6] &= 0xc0; /* keeps "reserved" and "don't fragment" */
		h[7] = 0;
		store_be16(h + 10, 0);
		sum = (uint16_t)~csum_fold(csum_add(0, h, t->header_len));
		memcpy(h + 10, &sum, 2);
	} else {
		store_be16(h + 4, (uint16_t)(len - 40));
		h[t->next_header_at] = t->next_header;
	}
}

static bool
assemble(struct defrag *d, struct tracker *t, struct view *datagram)
{
	size_t len = t->header_len + (size_t)t->total;
	uint8_t *p =
		d->n_finished < MAX_FINISHED ? take_or_evict(d, len, t) : NULL;

	if (p == NULL) {
		d->count.no_memory++;
		return false;
	}
	memcpy(p, t->header, t->header_len);
	mend_header(t, p, len);
	for (size_t at = 0; at < t->total; at += CHUNK_UNITS * UNIT) {
		size_t part = MIN(t->total - at, (size_t)CHUNK_UNITS * UNIT);

		memcpy(p + t->header_len + at,
		       t->chunk[at / (CHUNK_UNITS * UNIT)]->data, part);
	}
	*datagram = view_of(p, len);
	d->finished[d->n_finished++] = *datagram;
	return true;
}

/*
 * Whether the fragment goes with what is known of the datagram's end.  Two
 * different ends, or data beyond the end, are refused as hosts do; otherwise
 * a sender could choose which of them we believe.
 */
static bool
end_agrees(const struct tracker *t, uint32_t end, bool more)
{
	if (t->total != 0) {
		return more ? end <= t->total : end == t->total;
	}
	return more || end >= t->max_end;
}

/* Whether a fragment may be part of any datagram; 'data' is cut down to what
 * counts of it. */
static bool
fits(struct packet *p, const struct defrag_fragment *f, struct view *data)
{
	uint32_t offset = (uint32_t)p->frag_offset * UNIT;
	bool odd = false;

	if ((p->frag_flags & 1) != 0) {
		/* RFC 791: only the last may end inside a unit.  RFC 8200
		 * has it discarded, hosts cut the IPv4 one down. */
		if (p->ip_version == 6 && data->len % UNIT != 0) {
			event_set_add(&p->events,
				      EV_DECODE_IPV6_FRAG_INVALID_LENGTH);
			odd = true;
		} else {
			data->len -= data->len % UNIT;
		}
	}
	if (data->len == 0 || (p->flags & (PKT_TRUNCATED | PKT_BROKEN)) != 0 ||
	    f->header.len > MAX_HEADER) {
		event_set_add(&p->events,
			      event_for(p, EV_DECODE_IPV4_FRAG_IGNORED,
					EV_DECODE_IPV6_FRAG_IGNORED));
		return false;
	}
	if (offset + (uint32_t)data->len + f->header.len -
		    (p->ip_version == 6 ? 40 : 0) >
	    MAX_DATAGRAM) {
		event_set_add(&p->events,
			      event_for(p, EV_DECODE_IPV4_FRAG_PKT_TOO_LARGE,
					EV_DECODE_IPV6_FRAG_PKT_TOO_LARGE));
		return false;
	}
	return !odd;
}

/* The datagram of 'p', with room for one fragment more; NULL, and counted,
 * when there is none. */
static struct tracker *
tracker_with_room(struct defrag *d, struct packet *p)
{
	struct tracker *t = find_tracker(d, p, p->frame->ts_us);

	/* Else whoever begins datagrams and never ends them would keep all
	 * others from being put together until the timeout. */
	for (unsigned i = 0; t != NULL && d->n_frags >= d->max_frags &&
			     d->oldest != t && i < MAX_EVICT;
	     i++) {
		drop_tracker(d, d->oldest);
		d->count.no_memory++;
	}
	if (t == NULL || d->n_frags >= d->max_frags) {
		d->count.no_memory++;
		return NULL;
	}
	return t;
}

/* Whether 't' has all its units. */
static bool
is_whole(const struct tracker *t)
{
	return t->total != 0 && t->header != NULL &&
	       t->n_units == (t->total + UNIT - 1) / UNIT;
}

bool
defrag_push(struct defrag *d, struct packet *p, const struct defrag_fragment *f,
	    struct view *datagram)
{
	bool more = (p->frag_flags & 1) != 0, overlap = false, done = false;
	uint32_t offset = (uint32_t)p->frag_offset * UNIT, end;
	struct view data = f->data;
	struct tracker *t;

	if (!fits(p, f, &data)) {
		return false;
	}
	end = offset + (uint32_t)data.len;
	t = tracker_with_room(d, p);
	if (t == NULL) {
		return false;
	}
	if (!end_agrees(t, end, more)) {
		overlap = true;
		goto out;
	}
	if (!keep_header(d, t, p, f) ||
	    !lay_units(d, t, offset, data, &overlap)) {
		/* Holes where memory was missing are never filled with
		 * something else: the datagram is lost, and counted. */
		drop_tracker(d, t);
		d->count.no_memory++;
		return false;
	}
	t->n_frags++;
	d->n_frags++;
	t->max_end = MAX(t->max_end, end);
	t->total = more ? t->total : end;
	if (is_whole(t)) {
		done = t->header_len + t->total -
				       (p->ip_version == 6 ? 40 : 0) <=
			       MAX_DATAGRAM &&
		       assemble(d, t, datagram);
		/* Ends here, so that a reused id begins anew. */
		drop_tracker(d, t);
	}
out:
	if (overlap) {
		event_set_add(&p->events,
			      event_for(p, EV_DECODE_IPV4_FRAG_OVERLAP,
					EV_DECODE_IPV6_FRAG_OVERLAP));
	}
	return done;
}
