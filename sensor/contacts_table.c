/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts and their destinations: found by a hash with a secret, told of and let
 * go in the order in which they came, which does not depend on it.
 */
#include "sensor/contacts_state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Of so many of the oldest the least gives way. */
#define CANDIDATES 8

static const uint16_t admin_ports[] = { 22,   23,   135,  139, 445,
					3389, 5900, 5985, 5986 };

/* --- hosts --- */

static uint32_t *
host_bucket(const struct contacts *c, const struct addr *ip, uint8_t lane,
	    uint64_t interval)
{
	uint8_t key[25];

	memcpy(key, ip->b, 16);
	store_le64(key + 16, interval);
	key[24] = lane;
	return &c->host_bucket[XXH3_64bits_withSeed(key, sizeof(key), c->seed) &
			       c->host_mask];
}

static void
list_add(struct contacts *c, uint32_t i)
{
	struct contact_host *h = &c->host[i];
	struct host_list *l = &c->list[h->home];

	h->prev = l->last;
	h->next = 0;
	*(l->last != 0 ? &c->host[l->last].next : &l->first) = i;
	l->last = i;
	l->n++;
}

static void
list_take(struct contacts *c, uint32_t i)
{
	const struct contact_host *h = &c->host[i];
	struct host_list *l = &c->list[h->home];

	*(h->prev != 0 ? &c->host[h->prev].next : &l->first) = h->next;
	*(h->next != 0 ? &c->host[h->next].prev : &l->last) = h->prev;
	l->n--;
}

/* --- destinations --- */

static uint32_t *
pair_bucket(const struct contacts *c, uint32_t host,
	    const struct contacts_to *to)
{
	uint8_t key[23];

	memcpy(key, to->ip.b, 16);
	store_le32(key + 16, host);
	store_be16(key + 20, to->port);
	key[22] = to->proto;
	return &c->pair_bucket[XXH3_64bits_withSeed(key, sizeof(key), c->seed) &
			       c->pair_mask];
}

static void
pair_unchain(struct contacts *c, uint32_t i)
{
	const struct contact_pair *p = &c->pair[i];
	uint32_t *at = pair_bucket(c, p->host, &p->to);

	while (*at != i) {
		at = &c->pair[*at].chain;
	}
	*at = p->chain;
}

/* Gives the free record 'i', or one taken from its bucket, to 'to'. */
static struct contact_pair *
pair_set(struct contacts *c, uint32_t i, uint32_t host,
	 const struct contacts_to *to, enum pair_weight weight)
{
	struct contact_pair *p = &c->pair[i];
	uint32_t *bucket = pair_bucket(c, host, to);

	p->to = (struct contacts_to){ .ip = to->ip,
				      .port = to->port,
				      .proto = to->proto };
	p->host = host;
	p->weight = (uint8_t)weight;
	p->chain = *bucket;
	*bucket = i;
	c->host[host].n_of[weight]++;
	return p;
}

static enum pair_weight
weigh(const struct contacts *c, const struct contact_host *h,
      const struct contacts_to *to)
{
	if (h->home && contacts_seen(c, &h->ip, to)) {
		return PAIR_AGAIN;
	}
	for (size_t i = 0; i < ARRAY_LEN(admin_ports); i++) {
		if (to->port == admin_ports[i]) {
			return contacts_home(c->conf, &to->ip) ? PAIR_ADMIN
							       : PAIR_PLAIN;
		}
	}
	return PAIR_PLAIN;
}

void
contacts_weigh(struct contacts *c, struct contact_host *h)
{
	if (h->weighed) {
		return;
	}
	h->weighed = true;
	memset(h->n_of, 0, sizeof(h->n_of));
	for (uint32_t i = h->pairs; i != 0; i = c->pair[i].next) {
		struct contact_pair *p = &c->pair[i];

		p->weight = (uint8_t)weigh(c, h, &p->to);
		h->n_of[p->weight]++;
	}
}

/* Whether one more may be kept beside those that are. */
static bool
has_room(const struct contacts *c, const struct contact_host *h)
{
	if (h->home) {
		return h->n_pairs < KEPT_HOME && c->pair_free != 0;
	}
	return h->n_pairs < KEPT_OUTSIDE && c->pair_free != 0 &&
	       c->outside_pairs < c->outside_pairs_max;
}

/* The one of least weight, and of these of fewest bytes; 0: none is kept. */
static uint32_t
least_pair(const struct contacts *c, const struct contact_host *h)
{
	uint32_t least = h->pairs;

	for (uint32_t i = h->pairs; i != 0; i = c->pair[i].next) {
		const struct contact_pair *p = &c->pair[i];
		const struct contact_pair *q = &c->pair[least];

		if (p->weight != q->weight
			    ? p->weight < q->weight
			    : p->to.bytes_out < q->to.bytes_out) {
			least = i;
		}
	}
	return least;
}

/* One that may be given to a destination of this weight and these bytes; 0:
 * all that are kept count for more. */
static uint32_t
lesser_pair(const struct contacts *c, struct contact_host *h,
	    enum pair_weight weight, uint64_t bytes)
{
	uint32_t least;

	if ((weight > PAIR_PLAIN && h->n_of[PAIR_PLAIN] > 0) ||
	    (weight > PAIR_ADMIN && h->n_of[PAIR_ADMIN] > 0)) {
		return least_pair(c, h);
	}
	/* What is kept only grows: the least of then is a bound. */
	if (weight > PAIR_PLAIN || h->n_of[PAIR_PLAIN] == 0 ||
	    bytes <= h->least_bytes) {
		return 0;
	}
	least = least_pair(c, h);
	h->least_bytes = c->pair[least].to.bytes_out;
	return bytes > h->least_bytes ? least : 0;
}

struct contact_pair *
contacts_pair_at(struct contacts *c, uint32_t host,
		 const struct contacts_to *to, uint64_t bytes)
{
	struct contact_host *h = &c->host[host];
	enum pair_weight weight;
	uint32_t i = *pair_bucket(c, host, to);

	for (; i != 0; i = c->pair[i].chain) {
		struct contact_pair *p = &c->pair[i];

		if (p->host == host && p->to.port == to->port &&
		    p->to.proto == to->proto && addr_eq(&p->to.ip, &to->ip)) {
			return p;
		}
	}
	if (has_room(c, h)) {
		i = c->pair_free;
		c->pair_free = c->pair[i].next;
		c->pair[i].next = h->pairs;
		h->pairs = i;
		h->n_pairs++;
		c->outside_pairs += !h->home;
		return pair_set(c, i, host, to, PAIR_PLAIN);
	}
	contacts_weigh(c, h);
	weight = weigh(c, h, to);
	i = lesser_pair(c, h, weight, bytes);
	if (i == 0) {
		c->count.destinations_left++;
		return NULL;
	}
	c->count.destinations_left++; /* the one that it was */
	pair_unchain(c, i);
	h->n_of[c->pair[i].weight]--;
	return pair_set(c, i, host, to, weight);
}

/* --- both --- */

void
contacts_forget(struct contacts *c, uint32_t i)
{
	struct contact_host *h = &c->host[i];
	uint32_t *at = host_bucket(c, &h->ip, h->lane, h->interval);

	while (h->pairs != 0) {
		uint32_t k = h->pairs;

		pair_unchain(c, k);
		h->pairs = c->pair[k].next;
		c->pair[k].next = c->pair_free;
		c->pair_free = k;
		c->outside_pairs -= !h->home;
	}
	while (*at != i) {
		at = &c->host[*at].chain;
	}
	*at = h->chain;
	list_take(c, i);
	h->next = c->host_free;
	c->host_free = i;
}

/* Whether one more may be told of early in this interval. */
static bool
may_tell(struct contacts *c, uint64_t interval)
{
	if (interval > c->early_interval) {
		c->early_interval = interval;
		c->early_left = c->conf->max_hosts;
	}
	if (c->early_left == 0) {
		return false;
	}
	c->early_left--;
	return true;
}

/* Of the oldest of a side the one of the fewest flows. */
static const struct contacts_told *
make_room(struct contacts *c, bool home, uint64_t interval)
{
	uint32_t i = c->list[home].first, least = i;

	for (unsigned n = 1; n < CANDIDATES && i != 0; n++) {
		i = c->host[i].next;
		if (i != 0 && c->host[i].flows < c->host[least].flows) {
			least = i;
		}
	}
	if (may_tell(c, interval)) {
		c->count.early++;
		return contacts_tell(c, least);
	}
	c->count.hosts_dropped++;
	contacts_forget(c, least);
	return NULL;
}

uint32_t
contacts_host_at(struct contacts *c, const struct addr *ip, uint8_t lane,
		 uint64_t interval, const struct contacts_told **told)
{
	uint32_t *bucket = host_bucket(c, ip, lane, interval);
	struct contact_host *h;
	uint32_t i = *bucket;
	bool home;

	for (; i != 0; i = c->host[i].chain) {
		h = &c->host[i];
		if (h->interval == interval && h->lane == lane &&
		    addr_eq(&h->ip, ip)) {
			return i;
		}
	}
	home = contacts_home(c->conf, ip);
	if (c->list[home].n >= c->list_max[home]) {
		*told = make_room(c, home, interval);
	} else if (c->host_free == 0) {
		*told = make_room(c, c->list[false].n == 0, interval);
	}
	i = c->host_free;
	h = &c->host[i];
	c->host_free = h->next;
	*h = (struct contact_host){ .ip = *ip,
				    .interval = interval,
				    .lane = lane,
				    .home = home,
				    .chain = *bucket };
	*bucket = i;
	list_add(c, i);
	c->due_us = MIN(c->due_us, contacts_due(c, interval));
	return i;
}
