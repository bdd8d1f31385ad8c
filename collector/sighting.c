/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/sighting.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Alerts of this severity or better (1 is worst) can open incidents. */
#define STRONG_SEVERITY 2

#define SLOTS 16384
STATIC_ASSERT(SLOTS >= 2 * SIGHTING_BATCH, "open addressing needs room");
/* Alerts by what makes their keys; a place holds one, the last. */
#define ALIKE_SLOTS 16384
/* What makes an alert's keys; longer ones are read each time. */
#define ALIKE_MAX 2048

/*
 * What alerts alike said.  The digest is keyed with a secret, so that nobody
 * can make two that differ share one.
 */
struct alike {
	XXH128_hash_t digest;
	uint32_t set; /* index + 1; 0 is free */
};

struct sighting_batch {
	unsigned n;
	uint64_t secret;
	/* Of the alert that was last asked about and not known. */
	XXH128_hash_t asked;
	bool was_asked;
	struct alike alike[ALIKE_SLOTS];
	uint16_t slots[SLOTS]; /* index + 1; 0 is free */
	uint64_t hashes[SIGHTING_BATCH];
	struct sighting_set sets[SIGHTING_BATCH];
};

const char *
key_kind_name(enum key_kind k)
{
	static const char *const names[KEY_KINDS] = {
		"indicator", "address", "domain", "certificate",
		"host",      "ja3",     "rule",
	};

	return (unsigned)k < KEY_KINDS ? names[k] : "unknown";
}

static void
copy_name(char out[SIGHTING_NAME_CAP], struct view v)
{
	size_t n = MIN(v.len, (size_t)SIGHTING_NAME_CAP - 1);

	if (n > 0) {
		memcpy(out, v.p, n);
	}
	out[n] = '\0';
}

/* What a key has of a value that was cut; behind it are '#' and 16 digits. */
#define KEY_CUT (SIGHTING_KEY_CAP - 18)

/* By which a value's key can be told to be its, and an indicator be found. */
static uint64_t
cut_hash(enum key_kind kind, struct view v, bool fold)
{
	uint64_t h = 0;

	if (kind == KEY_INDICATOR) {
		return (uint64_t)indicator_value_key(v);
	}
	/* Of the caseless form where case does not count. */
	for (size_t i = 0; i < v.len; i += 64) {
		uint8_t part[64];
		size_t m = MIN(v.len - i, sizeof(part));

		for (size_t j = 0; j < m; j++) {
			part[j] = fold ? ascii_lower(v.p[i + j]) : v.p[i + j];
		}
		h = XXH3_64bits_withSeed(part, m, h);
	}
	return h;
}

int64_t
sighting_key_value(const char *text, size_t *n)
{
	const char *p = text + KEY_CUT;
	uint64_t h = 0;
	unsigned digits = 0;

	*n = strlen(text);
	if (*n == SIGHTING_KEY_CAP - 1 && *p == '#') {
		while (ascii_hex((uint8_t)p[1 + digits]) >= 0) {
			h = h << 4 |
			    (uint64_t)ascii_hex((uint8_t)p[1 + digits]);
			digits++;
		}
	}
	/* A value that ends so by itself is that other one's at most. */
	if (digits != 16) {
		return indicator_value_key(view_of(text, *n));
	}
	*n = KEY_CUT;
	return (int64_t)h;
}

/*
 * A key is compared whole, so a long one (a URL of an attacker's making) is
 * cut and gets a hash of all of it.
 */
static void
add_key(struct sighting_set *s, enum key_kind kind, struct view v, bool fold)
{
	struct sighting_key *k;
	size_t n;

	if (v.len == 0 || s->n_keys == SIGHTING_MAX_KEYS) {
		return;
	}
	k = &s->keys[s->n_keys];
	memset(k, 0, sizeof(*k));
	k->kind = (uint8_t)kind;
	n = MIN(v.len, sizeof(k->text) - 1);
	memcpy(k->text, v.p, n);
	for (size_t i = 0; fold && i < n; i++) {
		k->text[i] = (char)ascii_lower((uint8_t)k->text[i]);
	}
	if (v.len > n) {
		snprintf(k->text + KEY_CUT, sizeof(k->text) - KEY_CUT,
			 "#%016llx",
			 (unsigned long long)cut_hash(kind, v, fold));
	}
	for (unsigned i = 0; i < s->n_keys; i++) {
		if (s->keys[i].kind == k->kind &&
		    strcmp(s->keys[i].text, k->text) == 0) {
			return;
		}
	}
	s->n_keys++;
}

static void
add_domain(struct sighting_set *s, struct view v)
{
	struct addr ignored;
	const uint8_t *colon;

	/* A Host field may carry a port (RFC 9110 7.2). */
	colon = v.len != 0 ? memchr(v.p, ':', v.len) : NULL;
	if (colon != NULL) {
		v.len = (size_t)(colon - v.p);
	}
	while (v.len > 0 && v.p[v.len - 1] == '.') {
		v.len--;
	}
	/* A bare address is its own key; a single label names nothing. */
	if (v.len == 0 || memchr(v.p, '.', v.len) == NULL ||
	    addr_parse(v, &ignored)) {
		return;
	}
	add_key(s, KEY_DOMAIN, v, true);
}

static void
add_addr(struct sighting_set *s, enum key_kind kind, const struct addr *a)
{
	char text[SIGHTING_NAME_CAP + ADDR_TEXT_CAP + 1];
	size_t n = 0;

	if (kind == KEY_HOST) {
		n = (size_t)snprintf(text, sizeof(text), "%s ", s->site);
	}
	n += addr_format(a, text + n);
	add_key(s, kind, view_of(text, n), false);
}

static void
add_ends(struct sighting_set *s, const struct alert *a,
	 const struct mission_map *m)
{
	bool src_ours, dst_ours, dns;

	if (!a->has_addrs) {
		return;
	}
	src_ours = mission_is_ours(m, s->site, &a->src);
	dst_ours = mission_is_ours(m, s->site, &a->dst);
	/* The other end of a DNS query is a resolver, not the adversary. */
	dns = a->dns_rrname.len != 0;
	if (src_ours) {
		add_addr(s, KEY_HOST, &a->src);
	} else if (!dns) {
		add_addr(s, KEY_ADDRESS, &a->src);
	}
	if (dst_ours) {
		add_addr(s, KEY_HOST, &a->dst);
	} else if (!dns) {
		add_addr(s, KEY_ADDRESS, &a->dst);
	}
}

/* It was seen when the index says so, not when the question was asked. */
static void
take_past(struct sighting_set *s, const struct alert *a)
{
	s->last_us = MAX(MIN(a->past_last_us, a->timestamp_us), UINT64_C(1));
	s->first_us = MAX(MIN(a->past_first_us, s->last_us), UINT64_C(1));
	if (s->last_us > SIGHTING_PAST_US) {
		s->first_us = MAX(s->first_us, s->last_us - SIGHTING_PAST_US);
	}
	s->count = MAX(a->past_count, UINT64_C(1));
}

/* What is no list of names as ours are is released to nobody. */
static void
read_names(struct marking *m, struct view array)
{
	struct view v = view_sub(array, 1, array.len - 2);

	m->limited = true;
	while (v.len > 0) {
		size_t n = 0;
		const uint8_t *end;

		while (n < v.len &&
		       (v.p[n] == ' ' || v.p[n] == ',' || v.p[n] == '\t')) {
			n++;
		}
		v = view_sub(v, n, v.len - n);
		end = v.len > 1 ? memchr(v.p + 1, '"', v.len - 1) : NULL;
		if (v.len == 0) {
			return;
		}
		n = end != NULL ? (size_t)(end - v.p) : 0;
		if (end == NULL || v.p[0] != '"' ||
		    marking_release_to(m, view_sub(v, 1, n - 1)) != ERR_OK) {
			*m = mark_nobody;
			return;
		}
		v = view_sub(v, n + 1, v.len - n - 1);
	}
}

static void
join_label(struct marking *m, struct view label)
{
	enum tlp t;

	m->tlp = MAX(m->tlp, tlp_read(label, &t) ? t : TLP_RED);
}

/* What the alert says of itself; what says nothing has the default. */
static void
read_marks(struct sighting_set *s, const struct alert *a,
	   const struct mission_map *m)
{
	struct marking names = MARKING_CLEAR;

	s->said = MARKING_CLEAR;
	if (a->tlp.len != 0) {
		join_label(&s->said, a->tlp);
	} else if (a->has_indicator || a->rule_tlp.len == 0) {
		marking_join(&s->said, mission_unmarked(m));
	}
	if (a->rule_tlp.len != 0) {
		join_label(&s->said, a->rule_tlp);
	}
	if (a->releasable_to.len >= 2) {
		read_names(&names, a->releasable_to);
		marking_join(&s->said, &names);
	}
	s->mark = s->said;
	mission_join_site(m, s->site, &s->mark);
	if (a->has_addrs) {
		mission_join_addr(m, s->site, &a->src, &s->mark);
		mission_join_addr(m, s->site, &a->dst, &s->mark);
	}
}

static uint8_t
indicator_what(const struct alert *a)
{
	enum indicator_kind k;

	return a->has_indicator && indicator_kind_read(a->indicator.type, &k)
		       ? (uint8_t)k
		       : INDICATOR_KINDS;
}

void
sighting_from_alert(const struct alert *a, const struct mission_map *m,
		    struct sighting_set *s)
{
	char rule[32];
	int n;

	s->n_keys = 0;
	s->count = s->events = 1;
	s->alert = 0;
	s->stages = 0;
	s->first_us = s->last_us = MAX(a->timestamp_us, (uint64_t)1);
	s->past = a->has_past;
	s->refuted = false;
	if (a->has_past) {
		take_past(s, a);
	}
	s->severity = a->severity != 0 ? MIN(a->severity, (uint8_t)4) : 4;
	s->confidence = 0;
	copy_name(s->exercise, a->exercise);
	copy_name(s->site, a->site);
	copy_name(s->owner, view_cstr(mission_site_owner(m, s->site)));
	if (s->owner[0] == '\0') {
		copy_name(s->owner, a->owner);
	}
	s->what = indicator_what(a);
	read_marks(s, a, m);
	for (unsigned i = 0; i < a->n_tactics; i++) {
		uint8_t stage = stage_of(a->tactics[i]);

		if (stage != STAGE_NONE) {
			s->stages |= UINT32_C(1) << stage;
		}
	}
	s->strong = a->has_indicator || s->stages != 0 ||
		    s->severity <= STRONG_SEVERITY;
	if (a->has_indicator) {
		/* The value is what two nations' lists have in common; the
		 * id differs from list to list. */
		s->confidence = a->indicator.confidence != 0
					? a->indicator.confidence
					: 50;
		add_key(s, KEY_INDICATOR,
			a->indicator.value.len != 0 ? a->indicator.value
						    : a->indicator.id,
			true);
	}
	add_ends(s, a, m);
	add_domain(s, a->http_host);
	add_domain(s, a->dns_rrname);
	add_domain(s, a->tls_sni);
	add_key(s, KEY_CERT, a->tls_fingerprint, true);
	add_key(s, KEY_JA3, a->tls_ja3, true);
	n = snprintf(rule, sizeof(rule), "%u:%u", a->gid, a->sid);
	add_key(s, KEY_RULE, view_of(rule, (size_t)n), false);
}

bool
sighting_is_warned(const struct alert *a)
{
	return view_eq(a->indicator.source, VIEW_LIT(INDICATOR_WARNING_SOURCE));
}

bool
sighting_is_told(const char *site, const char *owner)
{
	size_t n = strlen(owner);

	return n > 0 && strncmp(site, owner, n) == 0 && site[n] == ':';
}

void
sighting_of_indicator(struct sighting_set *s, struct view value)
{
	s->n_keys = 0;
	add_key(s, KEY_INDICATOR, value, true);
}

struct sighting_batch *
sighting_batch_new(void)
{
	struct sighting_batch *b = calloc(1, sizeof(*b));

	if (b != NULL &&
	    getrandom(&b->secret, sizeof(b->secret), 0) != sizeof(b->secret)) {
		free(b);
		return NULL;
	}
	return b;
}

void
sighting_batch_free(struct sighting_batch *b)
{
	free(b);
}

static uint64_t
set_hash(const struct sighting_set *s)
{
	uint64_t h = (uint64_t)s->past << 63 | (uint64_t)s->stages << 16 |
		     (uint64_t)s->severity << 8 | s->confidence;

	h += mark_hash(&s->mark) + s->what;
	h = XXH3_64bits_withSeed(s->exercise, strlen(s->exercise), h);
	h = XXH3_64bits_withSeed(s->site, strlen(s->site), h);
	h = XXH3_64bits_withSeed(s->owner, strlen(s->owner), h);
	for (unsigned i = 0; i < s->n_keys; i++) {
		h = XXH3_64bits_withSeed(s->keys[i].text,
					 strlen(s->keys[i].text),
					 h + s->keys[i].kind);
	}
	return h;
}

static bool
set_same(const struct sighting_set *a, const struct sighting_set *b)
{
	if (a->n_keys != b->n_keys || a->past != b->past ||
	    a->stages != b->stages || a->severity != b->severity ||
	    a->confidence != b->confidence || a->what != b->what ||
	    !mark_same(&a->mark, &b->mark) || !mark_same(&a->said, &b->said) ||
	    strcmp(a->exercise, b->exercise) != 0 ||
	    strcmp(a->site, b->site) != 0 || strcmp(a->owner, b->owner) != 0) {
		return false;
	}
	for (unsigned i = 0; i < a->n_keys; i++) {
		if (a->keys[i].kind != b->keys[i].kind ||
		    strcmp(a->keys[i].text, b->keys[i].text) != 0) {
			return false;
		}
	}
	return true;
}

static bool
near_in_time(const struct sighting_set *a, const struct sighting_set *b)
{
	return MAX(a->last_us, b->last_us) - MIN(a->first_us, b->first_us) <=
	       SIGHTING_SPAN_US;
}

/* All that sighting_from_alert() looks at, in one piece; 0: too long. */
static size_t
gather(const struct alert *a, uint8_t out[ALIKE_MAX])
{
	const struct view *const texts[] = {
		&a->exercise,
		&a->site,
		&a->owner,
		&a->http_host,
		&a->dns_rrname,
		&a->tls_sni,
		&a->tls_fingerprint,
		&a->tls_ja3,
		&a->indicator.value,
		&a->indicator.id,
		&a->tactics[0],
		&a->tactics[1],
		&a->tactics[2],
		&a->tactics[3],
		&a->tactics[4],
		&a->tactics[5],
		&a->tactics[6],
		&a->tactics[7],
		&a->tlp,
		&a->rule_tlp,
		&a->releasable_to,
		&a->indicator.type,
	};
	uint32_t numbers[] = { a->gid,
			       a->sid,
			       a->severity,
			       a->indicator.confidence,
			       a->n_tactics,
			       a->has_addrs,
			       a->has_indicator,
			       a->indicator.subdomains,
			       sighting_is_warned(a) };
	size_t len = 0;

	STATIC_ASSERT(ALERT_MAX_IDS == 8, "all tactics are listed");
	memcpy(out, numbers, sizeof(numbers));
	len += sizeof(numbers);
	memcpy(out + len, &a->src, sizeof(a->src));
	len += sizeof(a->src);
	memcpy(out + len, &a->dst, sizeof(a->dst));
	len += sizeof(a->dst);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i]->len > ALIKE_MAX - len - sizeof(uint16_t)) {
			return 0;
		}
		store_be16(out + len, (uint16_t)texts[i]->len);
		len += sizeof(uint16_t);
		if (texts[i]->len > 0) {
			memcpy(out + len, texts[i]->p, texts[i]->len);
			len += texts[i]->len;
		}
		if (len > ALIKE_MAX - sizeof(uint16_t)) {
			return 0;
		}
	}
	return len;
}

bool
sighting_batch_count(struct sighting_batch *b, const struct alert *a,
		     uint64_t us, unsigned events)
{
	uint8_t bytes[ALIKE_MAX];
	size_t len = gather(a, bytes);
	struct sighting_set *t;
	struct alike *k;

	us = MAX(us, (uint64_t)1);
	/* what tells of the past has times of its own */
	b->was_asked = len > 0 && !a->has_past;
	if (!b->was_asked) {
		return false;
	}
	b->asked = XXH3_128bits_withSeed(bytes, len, b->secret);
	k = &b->alike[b->asked.low64 % ALIKE_SLOTS];
	if (k->set == 0 || !XXH128_isEqual(k->digest, b->asked)) {
		return false;
	}
	t = &b->sets[k->set - 1];
	if (MAX(t->last_us, us) - MIN(t->first_us, us) > SIGHTING_SPAN_US) {
		return false;
	}
	/* Whatever is added next says nothing of this alert. */
	b->was_asked = false;
	t->count++;
	t->events += events;
	t->first_us = MIN(t->first_us, us);
	t->last_us = MAX(t->last_us, us);
	return true;
}

/* The alert last asked about is of set 'i'. */
static void
remember(struct sighting_batch *b, unsigned i)
{
	if (b->was_asked) {
		b->alike[b->asked.low64 % ALIKE_SLOTS] =
			(struct alike){ b->asked, i + 1 };
		b->was_asked = false;
	}
}

bool
sighting_batch_add(struct sighting_batch *b, const struct sighting_set *s)
{
	uint64_t h = set_hash(s);
	unsigned slot = (unsigned)h % SLOTS;

	for (; b->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		unsigned i = b->slots[slot] - 1u;
		struct sighting_set *t = &b->sets[i];

		if (b->hashes[i] == h && set_same(t, s) && near_in_time(t, s)) {
			t->count += s->count;
			t->events += s->events;
			t->first_us = MIN(t->first_us, s->first_us);
			t->last_us = MAX(t->last_us, s->last_us);
			remember(b, i);
			return true;
		}
	}
	if (b->n == SIGHTING_BATCH) {
		return false;
	}
	b->sets[b->n] = *s;
	b->hashes[b->n] = h;
	remember(b, b->n);
	b->slots[slot] = (uint16_t)(++b->n);
	return true;
}

unsigned
sighting_batch_len(const struct sighting_batch *b)
{
	return b->n;
}

const struct sighting_set *
sighting_batch_get(const struct sighting_batch *b, unsigned i)
{
	return &b->sets[i];
}

void
sighting_batch_reset(struct sighting_batch *b)
{
	memset(b->slots, 0, sizeof(b->slots));
	memset(b->alike, 0, sizeof(b->alike));
	b->n = 0;
}
