/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gate_history.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/finding_state.h"
#include "collector/sighting.h"
#include "collector/store_sql.h"
#include "common/addr.h"
#include "common/clock.h"

/* Rows of one look at the clock. */
#define STEP_ROWS 512

enum phase { RUNS, LINKS, SITES, CALLS, DONE };

struct history_run {
	int64_t id;
	uint8_t kind;
	uint32_t hosts, sites;
	uint64_t alerts;
	char *key; /* NULL for hosts */
};

struct history_slot {
	uint64_t hash; /* 0 is free */
	struct gate_hits hits;
};

struct history_addr {
	struct addr addr;
	struct gate_hits upto; /* of this and all before it */
};

/* Who calls an address; of each port one, until it is built. */
struct history_called {
	struct addr addr;
	struct hll callers;
};

/* One reading; while the next is under way, the last is asked. */
struct reading {
	struct history_run *runs; /* by id */
	size_t n, cap;
	struct history_slot *slots;
	size_t n_slots; /* a power of two */
	struct history_addr *addrs;
	size_t n_addrs;
	struct history_called *called; /* by address */
	size_t n_called, called_cap;
};

struct gate_history {
	sqlite3 *db;
	enum phase phase;
	bool reading_on;
	int64_t cursor, cursor_b;
	uint64_t since_us;
	struct reading next, last;
	bool ready;
	uint64_t read_us; /* monotonic */
};

struct gate_history *
gate_history_new(sqlite3 *db)
{
	struct gate_history *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		h->db = db;
	}
	return h;
}

static void
reading_clear(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->runs[i].key);
	}
	free(r->runs);
	free(r->slots);
	free(r->addrs);
	free(r->called);
	*r = (struct reading){ .n = 0 };
}

void
gate_history_free(struct gate_history *h)
{
	if (h != NULL) {
		reading_clear(&h->next);
		reading_clear(&h->last);
		free(h);
	}
}

static struct history_run *
find_run(struct reading *r, int64_t id)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->runs[mid].id < id) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < r->n && r->runs[lo].id == id ? &r->runs[lo] : NULL;
}

/* ----------------------------------------------------------------- reading */

/* "aa:bb" to "aabb", as indicators are written. */
static void
without_colons(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != ':') {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool
wanted(int kind)
{
	return kind == KEY_ADDRESS || kind == KEY_DOMAIN || kind == KEY_CERT ||
	       kind == KEY_JA3;
}

static enum err
take_run(struct gate_history *h, sqlite3_stmt *st)
{
	struct reading *r = &h->next;
	struct history_run *to;
	int kind = sqlite3_column_int(st, 1);

	h->cursor = sqlite3_column_int64(st, 0);
	if ((!wanted(kind) && kind != KEY_HOST) || r->n == GATE_HISTORY_RUNS ||
	    sqlite3_column_int(st, 3) == 0) {
		return ERR_OK;
	}
	if (r->n == r->cap) {
		size_t cap = MAX(r->cap * 2, (size_t)1024);
		struct history_run *p = realloc(r->runs, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		r->runs = p;
		r->cap = cap;
	}
	to = &r->runs[r->n];
	*to = (struct history_run){ .id = h->cursor, .kind = (uint8_t)kind };
	if (kind != KEY_HOST) {
		to->key = strdup(sql_text(st, 2));
		if (to->key == NULL) {
			return ERR_NOMEM;
		}
		if (kind == KEY_CERT) {
			without_colons(to->key);
		}
	}
	r->n++;
	return ERR_OK;
}

/* A link of one of our hosts with what it met. */
static enum err
take_link(struct gate_history *h, sqlite3_stmt *st)
{
	struct history_run *a, *b;

	h->cursor = sqlite3_column_int64(st, 0);
	h->cursor_b = sqlite3_column_int64(st, 1);
	a = find_run(&h->next, h->cursor);
	b = a != NULL ? find_run(&h->next, h->cursor_b) : NULL;
	if (b != NULL && a->kind == KEY_HOST) {
		b->hosts++;
	} else if (b != NULL && b->kind == KEY_HOST) {
		a->hosts++;
	}
	return ERR_OK;
}

static enum err
take_site(struct gate_history *h, sqlite3_stmt *st)
{
	struct history_run *r;

	h->cursor = sqlite3_column_int64(st, 0);
	r = find_run(&h->next, h->cursor);
	if (r != NULL) {
		r->sites = (uint32_t)sqlite3_column_int(st, 1);
		r->alerts = sql_u64(st, 2);
	}
	return ERR_OK;
}

/* A port outside that hosts of ours call. */
static enum err
take_called(struct gate_history *h, sqlite3_stmt *st)
{
	struct reading *r = &h->next;
	struct history_called c;

	h->cursor = sqlite3_column_int64(st, 0);
	if (sqlite3_column_int(st, 1) != STATE_SERVICE ||
	    sqlite3_column_int(st, 4) == 0 ||
	    !finding_service_callers(
		    STATE_SERVICE, sqlite3_column_int(st, 3),
		    view_of(sqlite3_column_blob(st, 5),
			    (size_t)sqlite3_column_bytes(st, 5)),
		    h->since_us, &c.callers)) {
		return ERR_OK;
	}
	c.addr = sql_addr(st, 2);
	if (r->n_called == r->called_cap) {
		size_t cap = MAX(r->called_cap * 2, (size_t)1024);
		struct history_called *p = realloc(r->called, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		r->called = p;
		r->called_cap = cap;
	}
	r->called[r->n_called++] = c;
	return ERR_OK;
}

/* ---------------------------------------------------------------- the table */

static uint64_t
hash_of(unsigned kind, struct view key)
{
	return XXH3_64bits_withSeed(key.p, key.len, kind) | 1;
}

static void
add_hits(struct gate_hits *to, const struct history_run *r)
{
	to->alerts += r->alerts;
	to->hosts += r->hosts;
	to->sites = MAX(to->sites, (uint64_t)r->sites);
}

static struct history_slot *
slot_of(const struct reading *r, uint64_t hash)
{
	size_t i = hash & (r->n_slots - 1);

	while (r->slots[i].hash != 0 && r->slots[i].hash != hash) {
		i = (i + 1) & (r->n_slots - 1);
	}
	return &r->slots[i];
}

static void
put(struct reading *r, const struct history_run *run, struct view key)
{
	struct history_slot *s = slot_of(r, hash_of(run->kind, key));

	s->hash = hash_of(run->kind, key);
	add_hits(&s->hits, run);
}

/* 'v' behind its first label; empty when it has one only. */
static struct view
parent(struct view v)
{
	const uint8_t *dot = v.len > 0 ? memchr(v.p, '.', v.len) : NULL;

	return dot != NULL ? view_sub(v, (size_t)(dot - v.p) + 1, SIZE_MAX)
			   : VIEW_NONE;
}

static size_t
keys_of(const struct history_run *r)
{
	size_t n = 1;

	for (const char *p = r->kind == KEY_DOMAIN ? r->key : NULL;
	     p != NULL && (p = strchr(p, '.')) != NULL; p++) {
		n++;
	}
	return n;
}

static int
by_addr(const void *x, const void *y)
{
	const struct history_addr *a = x, *b = y;

	return addr_cmp(&a->addr, &b->addr);
}

/* Address by address, each with the sum of all before it. */
static void
sum_addrs(struct reading *r)
{
	struct gate_hits sum = { 0 };

	if (r->n_addrs > 0) {
		qsort(r->addrs, r->n_addrs, sizeof(*r->addrs), by_addr);
	}
	for (size_t i = 0; i < r->n_addrs; i++) {
		sum.alerts += r->addrs[i].upto.alerts;
		sum.hosts += r->addrs[i].upto.hosts;
		sum.sites = MAX(sum.sites, r->addrs[i].upto.sites);
		r->addrs[i].upto = sum;
	}
}

static int
by_called(const void *x, const void *y)
{
	const struct history_called *a = x, *b = y;

	return addr_cmp(&a->addr, &b->addr);
}

/* Whoever calls two ports of an address is one host. */
static void
join_called(struct reading *r)
{
	size_t n = 0;

	if (r->n_called > 0) {
		qsort(r->called, r->n_called, sizeof(*r->called), by_called);
	}
	for (size_t i = 0; i < r->n_called; i++) {
		if (n > 0 &&
		    addr_eq(&r->called[n - 1].addr, &r->called[i].addr)) {
			hll_merge(&r->called[n - 1].callers,
				  &r->called[i].callers);
		} else {
			r->called[n++] = r->called[i];
		}
	}
	r->n_called = n;
}

/* The runs become the table; their texts go. */
static enum err
build(struct reading *r)
{
	size_t keys = 1, addrs = 0;

	for (size_t i = 0; i < r->n; i++) {
		keys += r->runs[i].key != NULL ? keys_of(&r->runs[i]) : 0;
		addrs += r->runs[i].kind == KEY_ADDRESS;
	}
	for (r->n_slots = 64; r->n_slots < keys * 2; r->n_slots *= 2) {
	}
	r->slots = calloc(r->n_slots, sizeof(*r->slots));
	r->addrs = calloc(addrs + 1, sizeof(*r->addrs));
	if (r->slots == NULL || r->addrs == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct history_run *run = &r->runs[i];
		struct view key = view_cstr(run->key);
		struct history_addr *a = &r->addrs[r->n_addrs];

		if (run->kind == KEY_ADDRESS && addr_parse(key, &a->addr)) {
			add_hits(&a->upto, run);
			r->n_addrs++;
		} else if (run->key != NULL) {
			put(r, run, key);
		}
		for (key = run->kind == KEY_DOMAIN ? parent(key) : VIEW_NONE;
		     key.len > 0; key = parent(key)) {
			/* Below it, not itself: asked for by another seed. */
			struct history_run below = *run;

			below.kind = KEY_KINDS;
			put(r, &below, key);
		}
	}
	sum_addrs(r);
	join_called(r);
	for (size_t i = 0; i < r->n; i++) {
		free(r->runs[i].key);
	}
	free(r->runs);
	r->runs = NULL;
	r->n = r->cap = 0;
	return ERR_OK;
}

/* ---------------------------------------------------------------- in slices */

static const struct {
	const char *sql;
	enum err (*take)(struct gate_history *h, sqlite3_stmt *st);
} phases[DONE] = {
	/* No condition but the order: a slice looks at so many rows. */
	[RUNS] = { "SELECT id,kind,key,last_us>=?3 AND exercise='' FROM runs"
		   " WHERE id>?1 ORDER BY id LIMIT ?4",
		   take_run },
	[LINKS] = { "SELECT a,b FROM links WHERE (a,b)>(?1,?2) AND ?3=?3"
		    " ORDER BY a,b LIMIT ?4",
		    take_link },
	[SITES] = { "SELECT run,count(*),sum(count) FROM sightings WHERE"
		    " run>?1 AND ?3=?3 GROUP BY run ORDER BY run LIMIT ?4",
		    take_site },
	/* Most rows are of other kinds, whose bodies are not touched. */
	[CALLS] = { "SELECT s.id,s.kind,s.a,s.version,coalesce(p.exercise='',"
		    "0),s.body FROM contact_states s LEFT JOIN contact_places"
		    " p ON p.id=s.place WHERE s.id>?1 AND ?3=?3 ORDER BY s.id"
		    " LIMIT ?4",
		    take_called },
};

static enum err
step(struct gate_history *h)
{
	sqlite3_stmt *st = NULL;
	unsigned n = 0;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(h->db, phases[h->phase].sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "iiui", h->cursor, h->cursor_b, h->since_us,
			      (int64_t)STEP_ROWS);
	}
	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = phases[h->phase].take(h, st);
		n++;
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	if (e == ERR_OK && rc != SQLITE_DONE) {
		e = ERR_IO;
	}
	if (e == ERR_OK && n < STEP_ROWS) {
		h->phase++;
		h->cursor = h->phase == CALLS ? 0
			    : h->next.n > 0   ? h->next.runs[0].id - 1
					      : INT64_MAX;
		h->cursor_b = INT64_MAX;
	}
	return e;
}

/* Where the newest runs begin, when there are more than there is room for. */
static int64_t
first_run(struct gate_history *h)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0;

	if (sqlite3_prepare_v2(h->db, "SELECT max(id) FROM runs", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return id > GATE_HISTORY_RUNS ? id - GATE_HISTORY_RUNS : 0;
}

enum err
gate_history_turn(struct gate_history *h, uint64_t since_us,
		  uint64_t max_age_us, uint64_t budget_us, bool *ready)
{
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (!h->reading_on && (!h->ready || now - h->read_us >= max_age_us)) {
		h->reading_on = true;
		h->phase = RUNS;
		h->cursor = first_run(h);
		h->cursor_b = 0;
		h->since_us = since_us;
	}
	while (h->reading_on && e == ERR_OK &&
	       clock_mono_us() - now < budget_us) {
		e = h->phase != DONE ? step(h) : build(&h->next);
		if (e == ERR_OK && h->next.slots != NULL) {
			reading_clear(&h->last);
			h->last = h->next;
			h->next = (struct reading){ .n = 0 };
			h->ready = true;
			h->reading_on = false;
			h->read_us = clock_mono_us();
		}
	}
	if (e != ERR_OK) {
		reading_clear(&h->next);
		h->reading_on = false;
	}
	*ready = h->ready && !h->reading_on;
	return e;
}

/* ------------------------------------------------------------------- asking */

static struct gate_hits
hits_of(const struct gate_history *h, unsigned kind, struct view key)
{
	return slot_of(&h->last, hash_of(kind, key))->hits;
}

static size_t
first_addr(const struct reading *r, const struct addr *a)
{
	size_t lo = 0, hi = r->n_addrs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&r->addrs[mid].addr, a) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

static size_t
first_called(const struct reading *r, const struct addr *a)
{
	size_t lo = 0, hi = r->n_called;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&r->called[mid].addr, a) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

static uint64_t
callers_of(const struct reading *r, const struct cidr *net)
{
	struct hll all = { 0 };

	for (size_t i = first_called(r, &net->addr);
	     i < r->n_called && cidr_contains(net, &r->called[i].addr); i++) {
		hll_merge(&all, &r->called[i].callers);
	}
	return hll_count(&all);
}

static struct gate_hits
ask_net(const struct reading *r, struct view value)
{
	struct gate_hits hits = { 0 };
	struct cidr net;
	struct addr end;
	size_t lo, hi;

	if (!cidr_parse(value, &net)) {
		return hits;
	}
	hits.callers = callers_of(r, &net);
	end = net.addr;
	for (unsigned b = net.bits; b < 128; b++) {
		end.b[b / 8] |= (uint8_t)(0x80u >> b % 8);
	}
	lo = first_addr(r, &net.addr);
	hi = first_addr(r, &end);
	hi += hi < r->n_addrs && addr_eq(&r->addrs[hi].addr, &end);
	if (lo < hi) {
		uint64_t callers = hits.callers;

		hits = r->addrs[hi - 1].upto;
		hits.callers = callers;
		if (lo > 0) {
			hits.alerts -= r->addrs[lo - 1].upto.alerts;
			hits.hosts -= r->addrs[lo - 1].upto.hosts;
		}
	}
	return hits;
}

struct gate_hits
gate_history_ask(const struct gate_history *h, const struct indicator *i)
{
	struct view value = view_cstr(i->value);
	struct gate_hits hits = { 0 }, below;

	if (!h->ready) {
		return hits;
	}
	switch (i->kind) {
	case INDICATOR_IP:
		return ask_net(&h->last, value);
	case INDICATOR_DOMAIN:
		hits = hits_of(h, KEY_DOMAIN, value);
		if (!i->exact) {
			below = hits_of(h, KEY_KINDS, value);
			hits.alerts += below.alerts;
			hits.hosts += below.hosts;
			hits.sites = MAX(hits.sites, below.sites);
		}
		return hits;
	case INDICATOR_JA3:
		return hits_of(h, KEY_JA3, value);
	case INDICATOR_CERT_SHA1:
	case INDICATOR_CERT_SHA256:
		return hits_of(h, KEY_CERT, value);
	default:
		return hits;
	}
}
