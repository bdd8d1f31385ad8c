/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a live set, and copies of what they find. */
#include "rules/ioc_live_db.h"
#include "rules/ioc_live_reader.h"

bool
ioc_live_enter(struct ioc_live_reader *r)
{
	if (atomic_load_explicit(&r->set->n, memory_order_relaxed) == 0) {
		return false;
	}
	r->n = 0;
	/* Before any pointer is read: the writer sees us, or we see what it
	 * wrote before it looked. */
	atomic_exchange(&r->place->since, atomic_load(&r->set->epoch));
	return true;
}

void
ioc_live_leave(struct ioc_live_reader *r)
{
	atomic_store_explicit(&r->place->since, 0, memory_order_release);
}

uint64_t
ioc_live_lost(const struct ioc_live_reader *r)
{
	return r->lost;
}

bool
ioc_live_has(const struct ioc_live_reader *r, enum ioc_type type)
{
	return atomic_load_explicit(&r->set->count[type],
				    memory_order_relaxed) > 0;
}

static bool
valid_at(const struct live_rec *rec, uint64_t now_us)
{
	return now_us == 0 || (now_us >= rec->from_us &&
			       (rec->until_us == 0 || now_us < rec->until_us));
}

static const struct live_note *
note_of(const struct ioc_live *l, const uint8_t *rec)
{
	struct live_note *const *notes =
		__atomic_load_n(&l->notes, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&notes[live_head(rec) & REC_NOTE],
			       __ATOMIC_ACQUIRE);
}

/* One of a hash that also holds what the caller compares. */
struct match {
	const uint8_t *rec;
	struct live_rec r;
};

static const struct live_table *
table_of(const struct ioc_live *l, uint64_t hash)
{
	return __atomic_load_n(&l->shard[live_shard_of(hash)].t,
			       __ATOMIC_ACQUIRE);
}

/* Bytes from the wire may hold zeros, which no value does. */
static bool
is_value(const char *value, struct view v)
{
	return strnlen(value, INDICATOR_VALUE_CAP) == v.len &&
	       memcmp(value, v.p, v.len) == 0;
}

static bool
probe(const struct ioc_live *l, uint64_t hash, enum ioc_type type,
      struct view value, struct match *out)
{
	const struct live_table *t = table_of(l, hash);
	uint32_t pos = t != NULL ? live_first(t, hash) : 0, at = 0;

	while (t != NULL &&
	       (out->rec = live_next(t, hash, &pos, &at)) != NULL) {
		if (live_type(live_head(out->rec)) != type) {
			continue;
		}
		live_read(out->rec, &out->r);
		if (is_value(out->r.value, value)) {
			return true;
		}
	}
	return false;
}

static bool
probe_net(const struct ioc_live *l, const struct cidr *net, struct match *out)
{
	uint64_t hash = live_hash_net(l, net);
	const struct live_table *t = table_of(l, hash);
	uint32_t pos = t != NULL ? live_first(t, hash) : 0, at = 0;

	while (t != NULL &&
	       (out->rec = live_next(t, hash, &pos, &at)) != NULL) {
		struct cidr there;

		if (live_type(live_head(out->rec)) != IOC_IP) {
			continue;
		}
		live_read(out->rec, &out->r);
		if (cidr_parse(view_cstr(out->r.value), &there) &&
		    there.bits == net->bits &&
		    addr_eq(&there.addr, &net->addr)) {
			return true;
		}
	}
	return false;
}

static char *
copy(char *at, const char *text, const char **out)
{
	size_t n = strlen(text) + 1;

	memcpy(at, text, n);
	*out = at;
	return at + n;
}

/* A copy that stays when the reader has left. */
static const struct ioc *
keep(struct ioc_live_reader *r, const struct match *m)
{
	const struct live_note *n = note_of(r->set, m->rec);
	const char *mark = n->key, *source = mark + strlen(mark) + 1,
		   *description = source + strlen(source) + 1,
		   *tactic = description + strlen(description) + 1,
		   *labels = tactic + strlen(tactic) + 1,
		   *kill_chain = labels + strlen(labels) + 1;
	struct live_found *f;
	char *at;

	for (unsigned i = 0; i < r->n; i++) {
		if (r->found[i].rec == m->rec) {
			return &r->found[i].ioc;
		}
	}
	if (r->n == IOC_LIVE_FOUND) {
		r->lost++;
		return NULL;
	}
	f = &r->found[r->n++];
	f->rec = m->rec;
	f->note = (struct ioc_note){ .type = live_type(live_head(m->rec)),
				     .exact = n->exact,
				     .severity = n->severity,
				     .valid_from_us = m->r.from_us,
				     .valid_until_us = m->r.until_us };
	at = copy(f->text, m->r.value, &f->ioc.value);
	at = copy(at, m->r.id, &f->note.id);
	at = copy(at, source, &f->note.source);
	at = copy(at, description, &f->note.description);
	at = copy(at, tactic, &f->note.tactic);
	at = copy(at, labels, &f->note.labels);
	copy(at, kill_chain, &f->note.kill_chain);
	if (marking_read(&f->mark, view_cstr(mark), NULL) != ERR_OK) {
		f->mark = (struct marking){ .tlp = TLP_RED, .limited = true };
	}
	f->note.tlp = tlp_name(f->mark.tlp);
	f->note.mark = &f->mark;
	f->ioc.note = &f->note;
	return &f->ioc;
}

/* The network of that many bits that has the address. */
static struct cidr
cidr_of(const struct addr *a, unsigned bits)
{
	struct cidr net = { *a, (uint8_t)bits };

	if (bits < 128) {
		net.addr.b[bits / 8] &= (uint8_t)(0xff00u >> (bits % 8));
		memset(net.addr.b + bits / 8 + 1, 0, 15 - bits / 8);
	}
	return net;
}

const struct ioc *
ioc_live_addr(struct ioc_live_reader *r, const struct addr *a, uint64_t now_us)
{
	struct match m;

	if (!ioc_live_has(r, IOC_IP)) {
		return NULL;
	}
	/* From the narrowest to the widest, of the lengths that there are. */
	for (unsigned w = LIVE_LENGTH_WORDS; w-- > 0;) {
		uint64_t left = atomic_load_explicit(&r->set->lengths[w],
						     memory_order_relaxed);

		while (left != 0) {
			unsigned bit = 63u - (unsigned)__builtin_clzll(left);
			struct cidr net = cidr_of(a, w * 64 + bit);

			left ^= UINT64_C(1) << bit;
			if (probe_net(r->set, &net, &m) &&
			    valid_at(&m.r, now_us)) {
				return keep(r, &m);
			}
		}
	}
	return NULL;
}

static bool
has_labels(const struct ioc_live *l, unsigned n)
{
	return atomic_load_explicit(&l->labels[n], memory_order_relaxed) > 0;
}

/* Where a search for 'hash' begins is on its way. */
static void
fetch(const struct ioc_live *l, uint64_t hash)
{
	const struct live_table *t = table_of(l, hash);

	if (t != NULL) {
		__builtin_prefetch(t->tag + live_first(t, hash));
	}
}

const struct ioc *
ioc_live_domain(struct ioc_live_reader *r, struct view name, uint64_t now_us)
{
	const struct ioc_live *l = r->set;
	uint8_t lower[INDICATOR_DOMAIN_MAX];
	struct match m, best = { .rec = NULL };
	struct ioc_suffix v[IOC_SUFFIXES];
	unsigned labels;

	if (name.len > 0 && name.p[name.len - 1] == '.') {
		name.len--;
	}
	if (!ioc_live_has(r, IOC_DOMAIN) || name.len > sizeof(lower)) {
		return NULL;
	}
	for (size_t i = 0; i < name.len; i++) {
		lower[i] = ascii_lower(name.p[i]);
	}
	labels = ioc_suffixes(&l->key, view_of(lower, name.len),
			      ARRAY_LEN(l->labels) - 1, v);
	/* All are on their way before the first is looked at. */
	for (unsigned n = 0; n < labels; n++) {
		if (has_labels(l, n + 1)) {
			fetch(l, v[n].hash);
		}
	}
	for (unsigned n = 0; n < labels; n++) {
		size_t from = v[n].from;

		if (has_labels(l, n + 1) &&
		    probe(l, v[n].hash, IOC_DOMAIN,
			  view_of(lower + from, name.len - from), &m) &&
		    valid_at(&m.r, now_us) &&
		    (from == 0 || !note_of(l, m.rec)->exact)) {
			best = m;
		}
	}
	return best.rec != NULL ? keep(r, &best) : NULL;
}

static const struct ioc *
find_text(struct ioc_live_reader *r, enum ioc_type type, struct view value,
	  uint64_t now_us)
{
	struct match m;

	return probe(r->set, live_hash_text(r->set, type, value), type, value,
		     &m) && valid_at(&m.r, now_us)
		       ? keep(r, &m)
		       : NULL;
}

const struct ioc *
ioc_live_url(struct ioc_live_reader *r, struct view host, struct view uri,
	     uint64_t now_us)
{
	char text[INDICATOR_VALUE_CAP];
	size_t len;

	if (!ioc_live_has(r, IOC_URL)) {
		return NULL;
	}
	ioc_take_absolute(&host, &uri);
	len = indicator_url_text(host, uri, text);
	return len > 0 ? find_text(r, IOC_URL, view_of(text, len), now_us)
		       : NULL;
}

const struct ioc *
ioc_live_text(struct ioc_live_reader *r, enum ioc_type type, struct view text,
	      uint64_t now_us)
{
	char hex[INDICATOR_VALUE_CAP];
	size_t digits = indicator_hex_digits((enum indicator_kind)type);

	if (!ioc_live_has(r, type) || text.len >= INDICATOR_VALUE_CAP) {
		return NULL;
	}
	if (digits > 0) {
		if (indicator_hex_text(text, digits, hex) == 0) {
			return NULL;
		}
		text = view_of(hex, digits);
	}
	return find_text(r, type, text, now_us);
}
