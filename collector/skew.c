/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/skew_state.h"

#include <stdlib.h>

/* No two clocks are compared that are further apart. */
#define MAX_APART_US (UINT64_C(48) * 3600 * 1000000)
/* A drift is believed for so long behind the last comparison. */
#define FORECAST_US (UINT64_C(3600) * 1000000)

const char *
skew_state_name(enum skew_state s)
{
	static const char *const names[] = { "unknown", "relative", "good",
					     "off" };

	return (unsigned)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

struct skew *
skew_new(void)
{
	return calloc(1, sizeof(struct skew));
}

void
skew_reset(struct skew *s)
{
	for (unsigned i = 0; i < s->n_sensors; i++) {
		free(s->sensors[i].anchors);
	}
	for (unsigned i = 0; i < s->n_pairs; i++) {
		free(s->pairs[i]);
	}
	memset(s->sensors, 0, sizeof(s->sensors));
	memset(s->slots, 0, sizeof(s->slots));
	s->n_sensors = s->n_pairs = 0;
	s->dirty = false;
}

void
skew_free(struct skew *s)
{
	if (s != NULL) {
		skew_reset(s);
		free(s);
	}
}

unsigned
skew_find(struct skew *s, int64_t sensor)
{
	/* Alerts of one sensor come in rows. */
	if (s->last < s->n_sensors &&
	    s->sensors[s->last].clock.sensor == sensor) {
		return s->last;
	}
	for (unsigned i = 0; i < s->n_sensors; i++) {
		if (s->sensors[i].clock.sensor == sensor) {
			s->last = i;
			return i;
		}
	}
	return SKEW_SENSORS;
}

static unsigned
find_or_add(struct skew *s, int64_t sensor)
{
	unsigned i = skew_find(s, sensor);

	if (i == SKEW_SENSORS && s->n_sensors < SKEW_SENSORS) {
		i = s->n_sensors++;
		s->sensors[i].clock.sensor = sensor;
		s->sensors[i].clock.error_us = UINT64_MAX;
	}
	return i;
}

/* The pair, made when it is new; NULL with '*e' ERR_OK: no room. */
static struct skew_pair *
pair_of(struct skew *s, int64_t a, int64_t b, enum err *e)
{
	uint64_t h = (uint64_t)a * UINT64_C(0x9e3779b97f4a7c15) ^
		     (uint64_t)b * UINT64_C(0xc2b2ae3d27d4eb4f);
	unsigned slot = (unsigned)(h >> 40) % PAIR_SLOTS;
	struct skew_pair *p;

	*e = ERR_OK;
	for (; s->slots[slot] != 0; slot = (slot + 1) % PAIR_SLOTS) {
		p = s->pairs[s->slots[slot] - 1];
		if (p->a == a && p->b == b) {
			return p;
		}
	}
	if (s->n_pairs == SKEW_PAIRS) {
		s->stats.refused++;
		return NULL;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		*e = ERR_NOMEM;
		return NULL;
	}
	p->a = a;
	p->b = b;
	p->error_us = UINT64_MAX;
	s->pairs[s->n_pairs++] = p;
	s->slots[slot] = (uint16_t)s->n_pairs;
	return p;
}

/* Half of the difference of the sums: no overflow, times are below 2^63. */
static int64_t
difference(const struct anchor *a, const struct anchor *b)
{
	int64_t syn = (int64_t)(b->syn_us - a->syn_us);
	int64_t answer = (int64_t)(b->answer_us - a->answer_us);

	return syn / 2 + answer / 2 + (syn % 2 + answer % 2) / 2;
}

static enum err
compare(struct skew *s, int64_t one, const struct anchor *x, int64_t two,
	const struct anchor *y)
{
	const struct anchor *a = one < two ? x : y, *b = one < two ? y : x;
	int64_t diff = difference(a, b);
	struct skew_pair *p;
	enum err e;

	if ((uint64_t)llabs(diff) > MAX_APART_US) {
		return ERR_OK;
	}
	p = pair_of(s, MIN(one, two), MAX(one, two), &e);
	if (p == NULL) {
		return e;
	}
	p->ring[p->next] = (struct skew_sample){ diff, a->answer_us };
	p->next = (p->next + 1) % SKEW_SAMPLES;
	p->n = MIN(p->n + 1, (uint32_t)SKEW_SAMPLES);
	p->total++;
	p->changed = s->dirty = true;
	s->stats.shared++;
	return ERR_OK;
}

/* The low bits are those that picked it. */
static unsigned
place_of(uint64_t id)
{
	return (unsigned)(id >> 40) & (SKEW_ANCHORS - 1);
}

/* Notes a handshake of sensor '*me'; '*is_new' false: known, or refused. */
static enum err
note(struct skew *s, int64_t sensor, const struct anchor *mine, unsigned *me,
     bool *is_new)
{
	struct anchor *at;

	*is_new = false;
	*me = find_or_add(s, sensor);
	if (*me == SKEW_SENSORS || mine->syn_us > INT64_MAX ||
	    mine->answer_us > INT64_MAX) {
		s->stats.refused++;
		return ERR_OK;
	}
	if (s->sensors[*me].anchors == NULL) {
		s->sensors[*me].anchors =
			calloc(SKEW_ANCHORS, sizeof(struct anchor));
		if (s->sensors[*me].anchors == NULL) {
			return ERR_NOMEM;
		}
	}
	at = &s->sensors[*me].anchors[place_of(mine->id)];
	/* On two ways to one sensor: the first counts. */
	*is_new = at->id != mine->id;
	if (*is_new) {
		*at = *mine;
	}
	return ERR_OK;
}

enum err
skew_add(struct skew *s, int64_t sensor, uint64_t id, uint64_t syn_us,
	 uint64_t answer_us)
{
	struct anchor mine = { id != 0 ? id : 1, syn_us, answer_us };
	unsigned me;
	bool is_new;
	enum err e = note(s, sensor, &mine, &me, &is_new);

	s->stats.anchors++;
	for (unsigned i = 0; is_new && i < s->n_sensors && e == ERR_OK; i++) {
		const struct anchor *other = s->sensors[i].anchors;

		if (i == me || other == NULL) {
			continue;
		}
		other += place_of(mine.id);
		if (other->id == mine.id) {
			e = compare(s, sensor, &mine,
				    s->sensors[i].clock.sensor, other);
		}
	}
	return e;
}

enum err
skew_recall(struct skew *s, int64_t sensor, uint64_t id, uint64_t syn_us,
	    uint64_t answer_us)
{
	struct anchor mine = { id != 0 ? id : 1, syn_us, answer_us };
	unsigned me;
	bool is_new;

	return note(s, sensor, &mine, &me, &is_new);
}

int64_t
skew_ahead(struct skew *s, int64_t sensor, uint64_t us, bool *known)
{
	unsigned i = skew_find(s, sensor);
	const struct skew_clock *c;
	int64_t ago, ahead;

	*known = false;
	if (i == SKEW_SENSORS || s->sensors[i].clock.state == SKEW_UNKNOWN) {
		return 0;
	}
	c = &s->sensors[i].clock;
	*known = true;
	ago = (int64_t)(us - c->at_us);
	ago = MAX(MIN(ago, (int64_t)FORECAST_US), -(int64_t)FORECAST_US);
	ahead = c->offset_us + (int64_t)(c->drift * (double)ago);
	return llabs(ahead) < SKEW_CORRECT_US ? 0 : ahead;
}

enum err
skew_each_change(struct skew *s,
		 enum err (*pair)(void *arg, const struct skew_pair *p),
		 enum err (*clock)(void *arg, const struct skew_clock *c),
		 void *arg)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < s->n_pairs && e == ERR_OK; i++) {
		if (s->pairs[i]->changed) {
			e = pair(arg, s->pairs[i]);
			s->pairs[i]->changed = false;
		}
	}
	for (unsigned i = 0; i < s->n_sensors && e == ERR_OK; i++) {
		struct skew_clock *c = &s->sensors[i].clock;

		if (c->changed) {
			e = clock(arg, c);
			c->changed = c->turned = false;
		}
	}
	return e;
}

enum err
skew_load(struct skew *s, const struct skew_pair *p)
{
	struct skew_pair *mine;
	enum err e;

	if (p->a >= p->b || p->n > SKEW_SAMPLES || p->next >= SKEW_SAMPLES ||
	    find_or_add(s, p->a) == SKEW_SENSORS ||
	    find_or_add(s, p->b) == SKEW_SENSORS) {
		s->stats.refused++;
		return ERR_OK;
	}
	mine = pair_of(s, p->a, p->b, &e);
	if (mine != NULL) {
		*mine = *p;
		mine->changed = false;
		skew_estimate(mine);
		s->dirty = true;
	}
	return e;
}

void
skew_told(struct skew *s, int64_t sensor, const char *state)
{
	unsigned i = skew_find(s, sensor);

	if (i != SKEW_SENSORS &&
	    strcmp(skew_state_name(s->sensors[i].clock.state), state) == 0) {
		s->sensors[i].clock.turned = false;
	}
}

void
skew_stats(const struct skew *s, struct skew_stats *out)
{
	*out = s->stats;
	out->sensors = s->n_sensors;
	out->pairs = s->n_pairs;
	out->off = 0;
	for (unsigned i = 0; i < s->n_sensors; i++) {
		out->off += s->sensors[i].clock.state == SKEW_OFF;
	}
}
