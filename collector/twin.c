/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/twin_state.h"

#include <stdlib.h>
#include <sys/random.h>

/* Of one key so many are looked at: a flood of look-alikes costs no more. */
#define MAX_LOOKS 24
/* And of one bucket so many, whatever their keys. */
#define MAX_STEPS 512

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
	t->n_owners = t->largest = t->n_looking = 0;
	t->stats.kept = 0;
}

bool
twin_has_sensor(const struct twins *t, uint32_t i, int64_t sensor)
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

/* Whether no sensor saw both events, of which 'i' and 'k' are one each. */
static bool
disjoint(const struct twins *t, uint32_t i, uint32_t k)
{
	uint32_t at = k;

	do {
		if (at == i || twin_has_sensor(t, i, t->v[at].sensor)) {
			return false;
		}
		at = t->v[at].peer;
	} while (at != k);
	return true;
}

/* What was told apart once is made one by what is known, not by a guess. */
static bool
is_sure(const struct seen *a, const struct seen *b)
{
	return (a->clock_known && b->clock_known) || twin_shaken(a, b);
}

/* Whether 'i', of the chain of 's's key, is of the same event, of which no
 * sensor tells twice. */
static bool
fits(const struct twins *t, uint32_t i, const struct seen *s, uint32_t self)
{
	const struct seen *o = &t->v[i];

	if (o->sensor == s->sensor || !twin_same(o, s)) {
		return false;
	}
	return self == NONE ? !twin_has_sensor(t, i, s->sensor)
			    : is_sure(o, s) && disjoint(t, i, self);
}

/* Of the next observations from 'i' on: where clocks were compared the one
 * that is nearest in time, else the oldest. */
static uint32_t
look_from(const struct twins *t, uint32_t i, const struct seen *s,
	  uint32_t self, unsigned k)
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
		     twin_apart(&t->v[i], s) < twin_apart(&t->v[best], s)) &&
		    fits(t, i, s, self)) {
			best = i;
			if (!s->clock_known || !t->v[i].clock_known) {
				break;
			}
		}
	}
	return best;
}

static uint32_t
first_of(const struct twins *t, const struct seen *s, unsigned k)
{
	return t->buckets[k][s->key[k] & (t->n_buckets - 1)].first;
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
		best = look_from(t, t->v[h->at].next[k], s, NONE, k);
	}
	if (best == NONE) {
		best = look_from(t, first_of(t, s, k), s, NONE, k);
	}
	if (best != NONE) {
		*h = (struct hint){ s->key[k], s->sensor, t->v[best].alert,
				    best };
	}
	return best;
}

uint32_t
twin_find(struct twins *t, const struct seen *s, uint32_t self)
{
	static const uint8_t order[] = { KEY_CONNECTION, KEY_ENDS, KEY_SRC,
					 KEY_DST };
	uint32_t with = NONE;

	for (size_t i = 0; i < ARRAY_LEN(order) && with == NONE; i++) {
		unsigned k = order[i];

		if (self == NONE) {
			with = find_by(t, s, k);
		} else if (s->key[k] != 0) {
			/* Those around it came at about the same time. */
			with = look_from(t, s->next[k], s, self, k);
			if (with == NONE) {
				with = look_from(t, first_of(t, s, k), s, self,
						 k);
			}
		}
	}
	return with;
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
			*o = (struct owner){ sensor, NONE, NONE, 0, NONE };
			t->n_owners++;
			return at;
		}
		at = (at + 1) % TWIN_SENSORS;
	}
	return TWIN_SENSORS - 1;
}

static void
evict(struct twins *t, uint32_t i)
{
	uint32_t at = i;
	struct seen *s = &t->v[i];
	struct owner *o = &t->owners[s->owner];

	for (unsigned k = 0; k < N_KEYS; k++) {
		if (s->key[k] != 0) {
			unlink_key(t, i, k);
		}
	}
	while (t->v[at].peer != i) {
		at = t->v[at].peer;
	}
	t->v[at].peer = s->peer;
	if (o->look == i) {
		o->look = s->younger;
		t->n_looking -= o->look == NONE;
	}
	if (s->older != NONE) {
		t->v[s->older].younger = s->younger;
	} else {
		o->oldest = s->younger;
	}
	if (s->younger != NONE) {
		t->v[s->younger].older = s->older;
	} else {
		o->newest = s->older;
	}
	o->n--;
	s->alert = 0; /* hints that lead here are void */
	s->peer = t->free;
	t->free = i;
	t->stats.kept--;
	t->stats.evicted++;
}

void
twins_forget(struct twins *t, int64_t first, int64_t last,
	     int64_t (*event)(void *arg, int64_t alert), void *arg)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->v[i].alert != 0 && t->v[i].alert >= first &&
		    t->v[i].alert <= last) {
			evict(t, i);
		}
	}
	for (uint32_t i = 0; i < t->n; i++) {
		struct seen *s = &t->v[i];

		if (s->alert != 0 && s->event >= first && s->event <= last) {
			s->event = event(arg, s->alert);
		}
	}
}

/* Who has more than a fair share makes room himself. */
static void
make_room(struct twins *t, uint32_t owner)
{
	size_t share = t->max / t->n_owners;

	if (t->owners[owner].n > 0 && t->owners[owner].n >= share) {
		evict(t, t->owners[owner].oldest);
		return;
	}
	if (t->owners[t->largest].n <= share) {
		for (uint32_t i = 0; i < TWIN_SENSORS; i++) {
			if (t->owners[i].n > t->owners[t->largest].n) {
				t->largest = i;
			}
		}
	}
	evict(t, t->owners[t->largest].oldest);
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
	struct seen s;
	uint32_t with;

	twin_describe(t, &s, seen, a);
	need_room(t, &s);
	with = twin_find(t, &s, NONE);
	if (with != NONE) {
		s.event = t->v[with].event;
	}
	t->added = keep(t, &s, with);
	t->stats.observed++;
	t->stats.events += with == NONE;
	return s.event;
}

int64_t
twin_first_sensor(const struct twins *t, uint32_t i)
{
	uint32_t at = i;

	do {
		if (t->v[at].alert == t->v[at].event) {
			return t->v[at].sensor;
		}
		at = t->v[at].peer;
	} while (at != i);
	return 0;
}

int64_t
twins_first_sensor(const struct twins *t)
{
	return twin_first_sensor(t, t->added);
}

void
twins_load(struct twins *t, const struct twin_seen *seen, const struct alert *a,
	   int64_t event)
{
	uint32_t with = NONE;
	struct seen s;

	twin_describe(t, &s, seen, a);
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
