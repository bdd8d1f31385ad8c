/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tag.h"

#include "common/clock.h"

#define BUCKETS 1024
#define NONE UINT16_MAX
STATIC_ASSERT(TAG_MAX < NONE, "entries are numbered in 16 bits");

/* Of a flow: its id, in the address's place. */
struct tag {
	struct addr key;
	bool host, fresh; /* fresh: set by the packet in hand */
	uint8_t metric; /* enum tag_metric */
	uint16_t next;
	uint32_t gid, sid;
	uint32_t count, left;
	uint64_t begin_s;
};

struct tag_table {
	struct pool *pool;
	struct tag *tags; /* TAG_MAX */
	uint16_t head[BUCKETS];
	uint16_t free; /* list by 'next' */
	uint32_t n;
	struct tag_counters count;
};

#define TAGS_SIZE (sizeof(struct tag) * TAG_MAX)
STATIC_ASSERT(TAGS_SIZE <= POOL_MAX_BLOCK, "one block of the pool");

struct tag_table *
tag_table_new(struct pool *pool)
{
	struct tag_table *t = pool_get(pool, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->pool = pool;
	t->tags = pool_get(pool, TAGS_SIZE);
	if (t->tags == NULL) {
		pool_put(pool, t, sizeof(*t));
		return NULL;
	}
	memset(t->head, 0xff, sizeof(t->head));
	for (unsigned i = 0; i < TAG_MAX; i++) {
		t->tags[i].next = i + 1 < TAG_MAX ? (uint16_t)(i + 1) : NONE;
	}
	return t;
}

void
tag_table_free(struct tag_table *t)
{
	if (t != NULL) {
		pool_put(t->pool, t->tags, TAGS_SIZE);
		pool_put(t->pool, t, sizeof(*t));
	}
}

static struct addr
flow_key(const struct flow *f)
{
	struct addr a = { { 0 } };

	memcpy(a.b, &f->id, sizeof(f->id));
	return a;
}

/* Addresses come from the wire; collisions walk at most TAG_MAX entries. */
static uint16_t *
bucket_of(struct tag_table *t, const struct addr *key)
{
	uint64_t x = (load_be64(key->b) ^ load_be64(key->b + 8)) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return &t->head[x >> 32 & (BUCKETS - 1)];
}

static void
release(struct tag_table *t, uint16_t *link)
{
	uint16_t i = *link;

	*link = t->tags[i].next;
	t->tags[i].next = t->free;
	t->free = i;
	t->n--;
}

static bool
is_for(const struct tag *g, bool host, const struct addr *key)
{
	return g->host == host && addr_eq(&g->key, key);
}

static bool
out_of_time(const struct tag *g, uint64_t now_s)
{
	return g->metric == TAG_SECONDS && now_s > g->begin_s &&
	       now_s - g->begin_s > g->count;
}

/* Room for one more: what is over goes first. */
static uint16_t
take(struct tag_table *t, uint64_t now_s)
{
	uint16_t i;

	if (t->free == NONE) {
		for (unsigned b = 0; b < BUCKETS; b++) {
			uint16_t *link = &t->head[b];

			while (*link != NONE) {
				struct tag *g = &t->tags[*link];

				if (out_of_time(g, now_s) ||
				    (g->metric != TAG_SECONDS &&
				     g->left == 0)) {
					release(t, link);
				} else {
					link = &g->next;
				}
			}
		}
	}
	i = t->free;
	if (i != NONE) {
		t->free = t->tags[i].next;
		t->n++;
	}
	return i;
}

static void
set_one(struct tag_table *t, const struct rule *rule, const struct rule_tag *rt,
	const struct addr *key, uint64_t now_s)
{
	uint16_t *head = bucket_of(t, key), i, n = 0;
	struct tag *g;

	for (i = *head; i != NONE; i = t->tags[i].next) {
		g = &t->tags[i];
		if (!is_for(g, rt->host, key)) {
			continue;
		}
		if (g->sid == rule->sid && g->gid == rule->gid &&
		    g->metric == (uint8_t)rt->metric) {
			g->count = g->left = rt->count;
			g->begin_s = now_s;
			return;
		}
		n++;
	}
	i = n < TAG_PER_KEY ? take(t, now_s) : NONE;
	if (i == NONE) {
		t->count.full++;
		return;
	}
	t->count.set++;
	t->tags[i] = (struct tag){
		.key = *key,
		.host = rt->host,
		.fresh = true,
		.metric = (uint8_t)rt->metric,
		.next = *head,
		.gid = rule->gid,
		.sid = rule->sid,
		.count = rt->count,
		.left = rt->count,
		.begin_s = now_s,
	};
	*head = i;
}

void
tag_set(struct tag_table *t, const struct rule *rule, const struct flow *f,
	const struct addr *src, const struct addr *dst, uint64_t now_us)
{
	for (uint32_t i = 0; i < rule->n_tags; i++) {
		const struct rule_tag *rt = &rule->tags[i];
		struct addr key;

		if (!rt->host && f == NULL) {
			continue;
		}
		key = !rt->host ? flow_key(f) : rt->at_src ? *src : *dst;
		set_one(t, rule, rt, &key, now_us / US_PER_S);
	}
}

/* Whether the tag still holds for this packet, which it then has counted. */
static bool
count_in(struct tag *g, uint32_t len, uint64_t now_s)
{
	uint32_t cost = g->metric == TAG_BYTES ? len : 1;

	if (g->metric == TAG_SECONDS) {
		return !out_of_time(g, now_s);
	}
	if (g->left == 0 || cost > g->left) {
		return false;
	}
	g->left -= cost;
	return true;
}

static bool
count_key(struct tag_table *t, bool host, const struct addr *key, uint32_t len,
	  uint64_t now_s)
{
	uint16_t *link = bucket_of(t, key);
	bool tagged = false;

	while (*link != NONE) {
		struct tag *g = &t->tags[*link];

		if (!is_for(g, host, key)) {
			link = &g->next;
		} else if (!count_in(g, len, now_s)) {
			release(t, link);
		} else {
			tagged = tagged || !g->fresh;
			g->fresh = false;
			link = &g->next;
		}
	}
	return tagged;
}

bool
tag_packet(struct tag_table *t, const struct flow *f, const struct addr *src,
	   const struct addr *dst, uint32_t len, uint64_t now_us)
{
	uint64_t now_s = now_us / US_PER_S;
	bool tagged = false;

	if (t->n == 0) {
		return false;
	}
	if (f != NULL) {
		struct addr key = flow_key(f);

		tagged = count_key(t, false, &key, len, now_s);
	}
	tagged = count_key(t, true, src, len, now_s) || tagged;
	if (!addr_eq(src, dst)) {
		tagged = count_key(t, true, dst, len, now_s) || tagged;
	}
	return tagged;
}

void
tag_forget(struct tag_table *t, const struct flow *f)
{
	struct addr key = flow_key(f);
	uint16_t *link;

	if (t->n == 0) {
		return;
	}
	link = bucket_of(t, &key);
	while (*link != NONE) {
		struct tag *g = &t->tags[*link];

		if (is_for(g, false, &key)) {
			release(t, link);
		} else {
			link = &g->next;
		}
	}
}

const struct tag_counters *
tag_counters(const struct tag_table *t)
{
	return &t->count;
}
