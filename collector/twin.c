/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/twin.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Keys by which an observation is found: its connection, both ends, or each
 * end with what is known beside it. */
enum { KEY_CONNECTION, KEY_ENDS, KEY_SRC, KEY_DST, N_KEYS };

#define NONE UINT32_MAX
/* Of one key so many are looked at: a flood of look-alikes costs no more. */
#define MAX_LOOKS 24
/* And of one bucket so many, whatever their keys. */
#define MAX_STEPS 512
#define HINTS 8192
/* Taps of one event. */
#define MAX_PEERS 32

/* How far apart two taps may be.  Clocks that nobody compared are believed to
 * be right within five minutes each; a handshake says more than a clock. */
#define NEAR_US (UINT64_C(5) * 1000000)
#define UNKNOWN_US (UINT64_C(610) * 1000000)
#define SHAKEN_US (UINT64_C(7500) * 1000000)

struct seen {
	int64_t alert, event, sensor;
	uint64_t us;
	uint64_t key[N_KEYS]; /* 0: not by this one */
	uint64_t src, dst; /* of address and port */
	uint64_t src_ip, dst_ip;
	uint32_t next[N_KEYS], prev[N_KEYS]; /* of the same bucket */
	uint32_t peer; /* the next of the event's, in a ring */
	uint32_t younger, older; /* of the same sensor */
	uint32_t isn[2];
	uint32_t owner; /* index of its sensor */
	uint16_t ip_id;
	bool has_isn[2];
	bool clock_known, tcp, has_content;
	bool src_private, dst_private;
};

struct owner {
	int64_t sensor; /* 0: free */
	uint32_t oldest, newest, n;
};

struct bucket {
	uint32_t first, last;
};

struct hint {
	uint64_t key;
	int64_t sensor, alert; /* 'at' is void when it is another alert */
	uint32_t at;
};

struct twins {
	size_t max, n_buckets; /* the latter a power of two */
	uint64_t secret;
	struct seen *v;
	uint32_t n, free; /* 'free' chains by 'peer' */
	struct bucket *buckets[N_KEYS]; /* the oldest first */
	struct hint hints[HINTS];
	struct owner owners[TWIN_SENSORS];
	uint32_t n_owners, largest;
	struct twins_stats stats;
};

struct twins *
twins_new(size_t max)
{
	struct twins *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->max = max;
	t->n_buckets = 1024;
	while (t->n_buckets < 2 * max) {
		t->n_buckets *= 2;
	}
	t->v = calloc(max, sizeof(*t->v));
	t->buckets[0] = malloc(N_KEYS * t->n_buckets * sizeof(struct bucket));
	if (t->v == NULL || t->buckets[0] == NULL ||
	    getrandom(&t->secret, sizeof(t->secret), 0) !=
		    (ssize_t)sizeof(t->secret)) {
		twins_free(t);
		return NULL;
	}
	for (unsigned k = 1; k < N_KEYS; k++) {
		t->buckets[k] = t->buckets[k - 1] + t->n_buckets;
	}
	twins_reset(t);
	return t;
}

void
twins_free(struct twins *t)
{
	if (t != NULL) {
		free(t->v);
		free(t->buckets[0]);
		free(t);
	}
}

void
twins_reset(struct twins *t)
{
	memset(t->buckets[0], 0xff,
	       N_KEYS * t->n_buckets * sizeof(struct bucket));
	memset(t->hints, 0, sizeof(t->hints));
	memset(t->owners, 0, sizeof(t->owners));
	t->n = 0;
	t->free = NONE;
	t->n_owners = t->largest = 0;
	t->stats.kept = 0;
}

/* ------------------------------------------------- what makes it the same */

static uint64_t
hash_of(const struct twins *t, const void *p, size_t len, uint64_t h)
{
	h = XXH3_64bits_withSeed(p, len, h ^ t->secret);
	return h != 0 ? h : 1;
}

static uint64_t
hash_view(const struct twins *t, struct view v, uint64_t h)
{
	return hash_of(t, v.len > 0 ? v.p : (const uint8_t *)"", v.len, h);
}

/* RFC 1918, 6598 and 4193: behind a NAT, if anything is. */
static bool
is_private(const struct addr *a)
{
	const uint8_t *b = a->b;

	if (!addr_is_v4(a)) {
		return (b[0] & 0xfe) == 0xfc;
	}
	return b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
	       (b[12] == 192 && b[13] == 168) ||
	       (b[12] == 100 && (b[13] & 0xc0) == 64);
}

/* What was matched, and on what content. */
static uint64_t
subject_of(const struct twins *t, const struct alert *a)
{
	/* What is told of the past sums up many: it is no tap's live event. */
	uint64_t h = hash_view(t, a->exercise, a->has_past ? 2 : 1);

	if (a->has_indicator && a->indicator.value.len != 0) {
		/* The value: two nations' lists have ids of their own. */
		h = hash_view(t, a->indicator.value, h);
	} else {
		uint32_t rule[2] = { a->gid, a->sid };

		h = hash_of(t, rule, sizeof(rule), h);
	}
	h = hash_view(t, a->proto, h);
	return hash_of(t, &a->trace.content, sizeof(a->trace.content), h);
}

static uint64_t
end_of(const struct twins *t, const struct addr *a, uint16_t port, uint64_t h)
{
	return hash_of(t, &port, sizeof(port), hash_of(t, a, sizeof(*a), h));
}

static void
describe(const struct twins *t, struct seen *s, const struct twin_seen *seen,
	 const struct alert *a)
{
	uint64_t h = subject_of(t, a);
	bool shaken = a->trace.has_isn[0] && a->trace.has_isn[1];

	*s = (struct seen){
		.alert = seen->alert,
		.event = seen->alert,
		.sensor = seen->sensor,
		.us = seen->us,
		.clock_known = seen->clock_known,
		.src = end_of(t, &a->src, a->src_port, 0),
		.dst = end_of(t, &a->dst, a->dst_port, 0),
		.src_ip = hash_of(t, &a->src, sizeof(a->src), 0),
		.dst_ip = hash_of(t, &a->dst, sizeof(a->dst), 0),
		.src_private = is_private(&a->src),
		.dst_private = is_private(&a->dst),
		.isn = { a->trace.isn[0], a->trace.isn[1] },
		.has_isn = { a->trace.has_isn[0], a->trace.has_isn[1] },
		.ip_id = a->trace.ip_id,
		.tcp = view_eq(a->proto, VIEW_LIT("TCP")),
		.has_content = a->trace.content != 0,
	};
	if (shaken) {
		s->key[KEY_CONNECTION] = hash_of(t, s->isn, sizeof(s->isn), h);
	}
	if (s->has_isn[0] || s->has_content) {
		/* The client's number is there from its SYN on. */
		uint64_t one = hash_of(t, s->isn, sizeof(s->isn[0]), h);

		one = s->has_isn[0] ? one : h;
		s->key[KEY_SRC] = hash_of(t, &s->src, sizeof(s->src), one + 1);
		s->key[KEY_DST] = hash_of(t, &s->dst, sizeof(s->dst), one + 2);
	}
	if (a->has_addrs) {
		uint64_t ends[2] = { s->src, s->dst };

		s->key[KEY_ENDS] = hash_of(t, ends, sizeof(ends), h + 3);
	}
}

static uint64_t
apart(const struct seen *a, const struct seen *b)
{
	return a->us > b->us ? a->us - b->us : b->us - a->us;
}

/* One end is the same, the other was translated. */
static bool
translated(const struct seen *a, const struct seen *b)
{
	bool src = a->src == b->src, dst = a->dst == b->dst;

	if (src == dst) {
		return false;
	}
	return src ? a->dst_ip != b->dst_ip && a->dst_private != b->dst_private
		   : a->src_ip != b->src_ip && a->src_private != b->src_private;
}

/* Whether both are of one event; a connection is believed over long times. */
static bool
same_event(const struct seen *a, const struct seen *b)
{
	unsigned agree = 0;
	uint64_t limit;

	for (unsigned d = 0; d < 2; d++) {
		if (a->has_isn[d] && b->has_isn[d]) {
			if (a->isn[d] != b->isn[d]) {
				return false;
			}
			agree++;
		}
	}
	if (a->ip_id != 0 && b->ip_id != 0 && a->ip_id != b->ip_id) {
		return false;
	}
	if (agree == 2) {
		limit = SHAKEN_US;
	} else if ((a->src == b->src && a->dst == b->dst) || translated(a, b)) {
		limit = a->clock_known && b->clock_known ? NEAR_US : UNKNOWN_US;
	} else {
		return false;
	}
	return apart(a, b) <= limit;
}

/* Whether one of the event's observations is the sensor's already. */
static bool
has_sensor(const struct twins *t, uint32_t i, int64_t sensor)
{
	uint32_t at = i;

	for (unsigned n = 0; n < MAX_PEERS; n++) {
		if (t->v[at].sensor == sensor) {
			return true;
		}
		at = t->v[at].peer;
		if (at == i) {
			return false;
		}
	}
	return true; /* no more taps than that */
}

/* Where the sensor found its last one of this key. */
static struct hint *
hint_of(struct twins *t, const struct seen *s, unsigned k)
{
	uint64_t h = s->key[k] ^ (uint64_t)s->sensor * UINT64_C(0x9e3779b1);

	return &t->hints[h % HINTS];
}

/* Whether 'i', of the chain of 's's key, is of the same event and may be told
 * of by its sensor. */
static bool
fits(const struct twins *t, uint32_t i, const struct seen *s)
{
	const struct seen *o = &t->v[i];

	return o->sensor != s->sensor && same_event(o, s) &&
	       !has_sensor(t, i, s->sensor);
}

/* Of the next observations from 'i' on: where clocks were compared the one
 * that is nearest in time, else the oldest. */
static uint32_t
look_from(const struct twins *t, uint32_t i, const struct seen *s, unsigned k)
{
	uint32_t best = NONE;

	for (unsigned n = 0, all = 0;
	     i != NONE && n < MAX_LOOKS && all < MAX_STEPS;
	     i = t->v[i].next[k], all++) {
		if (t->v[i].key[k] != s->key[k]) {
			continue;
		}
		n++;
		if ((best == NONE ||
		     apart(&t->v[i], s) < apart(&t->v[best], s)) &&
		    fits(t, i, s)) {
			best = i;
			if (!s->clock_known || !t->v[i].clock_known) {
				break;
			}
		}
	}
	return best;
}

/*
 * The observation of the same event by one key.  Taps tell of events in the
 * same order, so the search goes on where the sensor's last one was found.
 */
static uint32_t
find_by(struct twins *t, const struct seen *s, unsigned k)
{
	struct hint *h;
	uint32_t best = NONE;

	if (s->key[k] == 0) {
		return NONE;
	}
	h = hint_of(t, s, k);
	if (h->key == s->key[k] && h->sensor == s->sensor &&
	    t->v[h->at].alert == h->alert && t->v[h->at].key[k] == h->key) {
		best = look_from(t, t->v[h->at].next[k], s, k);
	}
	if (best == NONE) {
		best = look_from(
			t, t->buckets[k][s->key[k] & (t->n_buckets - 1)].first,
			s, k);
	}
	if (best != NONE) {
		*h = (struct hint){ s->key[k], s->sensor, t->v[best].alert,
				    best };
	}
	return best;
}

/* ---------------------------------------------------------- what is kept */

static void
link_key(struct twins *t, uint32_t i, unsigned k)
{
	struct seen *s = &t->v[i];
	struct bucket *b = &t->buckets[k][s->key[k] & (t->n_buckets - 1)];

	s->next[k] = NONE;
	s->prev[k] = b->last;
	if (b->last != NONE) {
		t->v[b->last].next[k] = i;
	} else {
		b->first = i;
	}
	b->last = i;
}

static void
unlink_key(struct twins *t, uint32_t i, unsigned k)
{
	struct seen *s = &t->v[i];
	struct bucket *b = &t->buckets[k][s->key[k] & (t->n_buckets - 1)];

	if (s->prev[k] != NONE) {
		t->v[s->prev[k]].next[k] = s->next[k];
	} else {
		b->first = s->next[k];
	}
	if (s->next[k] != NONE) {
		t->v[s->next[k]].prev[k] = s->prev[k];
	} else {
		b->last = s->prev[k];
	}
}

/* The place of a sensor; those beyond the room share the last. */
static uint32_t
owner_of(struct twins *t, int64_t sensor)
{
	uint32_t at = (uint32_t)((uint64_t)sensor % TWIN_SENSORS);

	for (uint32_t n = 0; n < TWIN_SENSORS; n++) {
		struct owner *o = &t->owners[at];

		if (o->sensor == sensor) {
			return at;
		}
		if (o->sensor == 0) {
			*o = (struct owner){ sensor, NONE, NONE, 0 };
			t->n_owners++;
			return at;
		}
		at = (at + 1) % TWIN_SENSORS;
	}
	return TWIN_SENSORS - 1;
}

static void
evict_oldest(struct twins *t, uint32_t owner)
{
	struct owner *o = &t->owners[owner];
	uint32_t i = o->oldest, at = i;
	struct seen *s = &t->v[i];

	for (unsigned k = 0; k < N_KEYS; k++) {
		if (s->key[k] != 0) {
			unlink_key(t, i, k);
		}
	}
	while (t->v[at].peer != i) {
		at = t->v[at].peer;
	}
	t->v[at].peer = s->peer;
	o->oldest = s->younger;
	if (o->oldest != NONE) {
		t->v[o->oldest].older = NONE;
	} else {
		o->newest = NONE;
	}
	o->n--;
	s->alert = 0; /* hints that lead here are void */
	s->peer = t->free;
	t->free = i;
	t->stats.kept--;
	t->stats.evicted++;
}

/* Who has more than a fair share makes room himself. */
static void
make_room(struct twins *t, uint32_t owner)
{
	size_t share = t->max / t->n_owners;

	if (t->owners[owner].n > 0 && t->owners[owner].n >= share) {
		evict_oldest(t, owner);
		return;
	}
	if (t->owners[t->largest].n <= share) {
		for (uint32_t i = 0; i < TWIN_SENSORS; i++) {
			if (t->owners[i].n > t->owners[t->largest].n) {
				t->largest = i;
			}
		}
	}
	evict_oldest(t, t->largest);
}

static uint32_t
keep(struct twins *t, const struct seen *s, uint32_t with)
{
	uint32_t owner = owner_of(t, s->sensor), i;
	struct owner *o = &t->owners[owner];

	i = t->free;
	if (i != NONE) {
		t->free = t->v[i].peer;
	} else {
		i = t->n++;
	}
	t->v[i] = *s;
	t->v[i].owner = owner;
	t->v[i].peer = i;
	if (with != NONE) {
		t->v[i].peer = t->v[with].peer;
		t->v[with].peer = i;
	}
	for (unsigned k = 0; k < N_KEYS; k++) {
		if (s->key[k] != 0) {
			link_key(t, i, k);
		}
	}
	t->v[i].younger = NONE;
	t->v[i].older = o->newest;
	if (o->newest != NONE) {
		t->v[o->newest].younger = i;
	} else {
		o->oldest = i;
	}
	o->newest = i;
	o->n++;
	if (o->n > t->owners[t->largest].n) {
		t->largest = owner;
	}
	t->stats.kept++;
	return i;
}

static void
need_room(struct twins *t, const struct seen *s)
{
	if (t->free == NONE && t->n == t->max) {
		make_room(t, owner_of(t, s->sensor));
	}
}

int64_t
twins_add(struct twins *t, const struct twin_seen *seen, const struct alert *a)
{
	static const uint8_t order[] = { KEY_CONNECTION, KEY_ENDS, KEY_SRC,
					 KEY_DST };
	struct seen s;
	uint32_t with = NONE;

	describe(t, &s, seen, a);
	need_room(t, &s);
	for (size_t i = 0; i < ARRAY_LEN(order) && with == NONE; i++) {
		with = find_by(t, &s, order[i]);
	}
	if (with != NONE) {
		s.event = t->v[with].event;
	}
	(void)keep(t, &s, with);
	t->stats.observed++;
	t->stats.events += with == NONE;
	return s.event;
}

void
twins_load(struct twins *t, const struct twin_seen *seen, const struct alert *a,
	   int64_t event)
{
	uint32_t with = NONE;
	struct seen s;

	describe(t, &s, seen, a);
	s.event = event;
	need_room(t, &s);
	for (unsigned k = 0; k < N_KEYS && event != seen->alert; k++) {
		uint32_t i =
			s.key[k] != 0
				? t->buckets[k][s.key[k] & (t->n_buckets - 1)]
					  .first
				: NONE;

		for (unsigned n = 0; i != NONE && n < MAX_STEPS && with == NONE;
		     i = t->v[i].next[k], n++) {
			with = t->v[i].event == event ? i : NONE;
		}
	}
	(void)keep(t, &s, with);
}

void
twins_stats(const struct twins *t, struct twins_stats *out)
{
	*out = t->stats;
}
