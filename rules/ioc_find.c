/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "common/indicator_value.h"
#include "rules/ioc_set_db.h"

static bool
valid_at(const struct ioc *ioc, uint64_t now_us)
{
	const struct ioc_note *n = ioc->note;

	return now_us == 0 ||
	       (now_us >= n->valid_from_us &&
		(n->valid_until_us == 0 || now_us < n->valid_until_us));
}

static bool
value_is(const struct ioc *ioc, enum ioc_type type, struct view v)
{
	return ioc->note->type == type &&
	       strncmp(ioc->value, (const char *)v.p, v.len) == 0 &&
	       ioc->value[v.len] == '\0';
}

static const struct ioc *
probe(const struct ioc_set *s, uint64_t hash, enum ioc_type type,
      struct view value)
{
	uint32_t pos = ioc_table_first(&s->index, hash), i;

	while ((i = ioc_table_next(&s->index, hash, &pos)) != IOC_TABLE_NONE) {
		if (value_is(&s->v[i], type, value)) {
			return &s->v[i];
		}
	}
	return NULL;
}

static const struct ioc *
find_host(const struct ioc_set *s, const struct addr *a)
{
	uint64_t hash = ioc_hash_text(s, IOC_IP, view_of(a->b, sizeof(a->b)));
	uint32_t pos = ioc_table_first(&s->index, hash), i;

	while ((i = ioc_table_next(&s->index, hash, &pos)) != IOC_TABLE_NONE) {
		struct addr there;

		/* One in 255 comes this far without being the one. */
		if (s->v[i].note->type == IOC_IP &&
		    addr_parse(view_cstr(s->v[i].value), &there) &&
		    addr_eq(&there, a)) {
			return &s->v[i];
		}
	}
	return NULL;
}

void
ioc_fetch_addr(const struct ioc_set *s, const struct addr *a)
{
	if (s->count[IOC_IP] > 0 && s->index.cap > 0) {
		ioc_table_fetch(
			&s->index,
			ioc_hash_text(s, IOC_IP, view_of(a->b, sizeof(a->b))));
	}
}

const struct ioc *
ioc_find_addr(const struct ioc_set *s, const struct addr *a, uint64_t now_us)
{
	const struct ioc *best = NULL;
	uint32_t at = s->nets.root, i;

	assert(s->sealed);
	if (s->count[IOC_IP] == 0) {
		return NULL;
	}
	if (s->index.cap > 0) {
		best = find_host(s, a);
		if (best != NULL && valid_at(best, now_us)) {
			return best;
		}
		best = NULL;
	}
	while ((i = ioc_trie_step(&s->nets, a, &at)) != IOC_TRIE_NONE) {
		if (valid_at(&s->v[i], now_us)) {
			best = &s->v[i];
		}
	}
	return best;
}

unsigned
ioc_suffixes(const struct keyhash *key, struct view name, unsigned most,
	     struct ioc_suffix v[IOC_SUFFIXES])
{
	struct view left = name;
	uint64_t hash = 0;
	unsigned n = 0;

	most = MIN(most, (unsigned)IOC_SUFFIXES);
	while (n < most && left.len > 0) {
		struct view label = ioc_last_label(left, &left);

		hash = ioc_hash_label(key, hash, label);
		v[n++] = (struct ioc_suffix){
			.hash = hash, .from = (size_t)(label.p - name.p)
		};
	}
	return n;
}

const struct ioc *
ioc_find_domain(const struct ioc_set *s, struct view name, uint64_t now_us)
{
	uint8_t lower[INDICATOR_DOMAIN_MAX];
	struct ioc_suffix v[IOC_SUFFIXES];
	const struct ioc *best = NULL;
	unsigned labels, least;

	assert(s->sealed);
	if (name.len > 0 && name.p[name.len - 1] == '.') {
		name.len--;
	}
	if (s->count[IOC_DOMAIN] == 0 || name.len > sizeof(lower)) {
		return NULL;
	}
	for (size_t i = 0; i < name.len; i++) {
		lower[i] = ascii_lower(name.p[i]);
	}
	labels = ioc_suffixes(&s->key, view_of(lower, name.len), s->max_labels,
			      v);
	least = MAX(s->min_labels, 1u) - 1;
	/* All are on their way before the first is looked at. */
	for (unsigned n = least; n < labels; n++) {
		ioc_table_fetch(&s->index, v[n].hash);
	}
	for (unsigned n = least; n < labels; n++) {
		size_t from = v[n].from;
		const struct ioc *found =
			probe(s, v[n].hash, IOC_DOMAIN,
			      view_of(lower + from, name.len - from));

		if (found != NULL && valid_at(found, now_us) &&
		    (from == 0 || !found->note->exact)) {
			best = found;
		}
	}
	return best;
}

/* RFC 9112 3.2.2: a request to a proxy names scheme and host itself. */
void
ioc_take_absolute(struct view *host, struct view *uri)
{
	const struct view schemes[] = { VIEW_LIT("http://"),
					VIEW_LIT("https://") };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = schemes[i].len, end;

		if (!view_caseeq(view_sub(*uri, 0, n), schemes[i])) {
			continue;
		}
		for (end = n; end < uri->len && uri->p[end] != '/' &&
			      uri->p[end] != '?';) {
			end++;
		}
		*host = view_sub(*uri, n, end - n);
		*uri = view_sub(*uri, end, uri->len);
		return;
	}
}

const struct ioc *
ioc_find_url(const struct ioc_set *s, struct view host, struct view uri,
	     uint64_t now_us)
{
	char text[INDICATOR_VALUE_CAP];
	const struct ioc *found;
	struct view value;
	size_t len;

	assert(s->sealed);
	if (s->count[IOC_URL] == 0) {
		return NULL;
	}
	ioc_take_absolute(&host, &uri);
	len = indicator_url_text(host, uri, text);
	if (len == 0 || len > s->max_url) {
		return NULL;
	}
	value = view_of(text, len);
	found = probe(s, ioc_hash_text(s, IOC_URL, value), IOC_URL, value);
	return found != NULL && valid_at(found, now_us) ? found : NULL;
}

const struct ioc *
ioc_find_text(const struct ioc_set *s, enum ioc_type type, struct view text,
	      uint64_t now_us)
{
	char hex[INDICATOR_VALUE_CAP];
	const struct ioc *found;
	size_t digits = indicator_hex_digits((enum indicator_kind)type);

	assert(s->sealed);
	if (s->count[type] == 0 || text.len >= INDICATOR_VALUE_CAP) {
		return NULL;
	}
	if (digits > 0) {
		if (indicator_hex_text(text, digits, hex) == 0) {
			return NULL;
		}
		text = view_of(hex, digits);
	}
	found = probe(s, ioc_hash_text(s, type, text), type, text);
	return found != NULL && valid_at(found, now_us) ? found : NULL;
}
