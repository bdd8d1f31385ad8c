/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/redact.h"

#include <stdlib.h>

#include "collector/pseudonym.h"
#include "collector/redact_scan.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A name of the map: its words, in lower case. */
struct redact_name {
	char *text;
	size_t len;
	enum mission_name what;
};

struct redact {
	const struct mission_map *map;
	const struct share_policy *policy;
	const struct share_partner *partner;
	struct pseudonym *pseudonym;
	struct cidr private_nets[10];
	unsigned n_private;
	struct redact_name *names; /* open addressing; text NULL is free */
	size_t n_names, cap;
	unsigned most_words; /* of a name */
	bool no_memory;
};

/* One text on its way through. */
struct passage {
	struct redact *r;
	enum share_kind kind;
	const struct marking *mark; /* NULL: nothing is allowed */
	struct json *out; /* NULL: only looked at */
	size_t found;
};

/* ------------------------------------------------------------------- names */

static uint64_t
folded_hash(struct view v)
{
	uint64_t h = v.len;

	for (size_t i = 0; i < v.len; i += 64) {
		uint8_t part[64];
		size_t n = MIN(v.len - i, sizeof(part));

		for (size_t k = 0; k < n; k++) {
			part[k] = ascii_lower(v.p[i + k]);
		}
		h = XXH3_64bits_withSeed(part, n, h);
	}
	return h;
}

static const struct redact_name *
find_name(const struct redact *r, struct view v)
{
	size_t slot;

	if (r->n_names == 0) {
		return NULL;
	}
	for (slot = folded_hash(v) % r->cap; r->names[slot].text != NULL;
	     slot = (slot + 1) % r->cap) {
		if (view_caseeq(v, view_of(r->names[slot].text,
					   r->names[slot].len))) {
			return &r->names[slot];
		}
	}
	return NULL;
}

static void
put_name(struct redact *r, struct redact_name name)
{
	size_t slot = folded_hash(view_of(name.text, name.len)) % r->cap;

	while (r->names[slot].text != NULL) {
		slot = (slot + 1) % r->cap;
	}
	r->names[slot] = name;
}

static bool
grow_names(struct redact *r)
{
	struct redact_name *old = r->names;
	size_t n = r->cap;

	if (2 * r->n_names < r->cap) {
		return true;
	}
	r->cap = MAX(2 * n, (size_t)256);
	r->names = calloc(r->cap, sizeof(*r->names));
	if (r->names == NULL) {
		r->names = old;
		r->cap = n;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (old[i].text != NULL) {
			put_name(r, old[i]);
		}
	}
	free(old);
	return true;
}

/* From its first word to its last, without what stands around them. */
static struct view
core_of(struct view v, unsigned *words)
{
	size_t first = v.len, last = 0;

	*words = 0;
	for (size_t i = 0; i < v.len;) {
		size_t end = redact_scan_word(v, i);

		if (end > i) {
			first = MIN(first, i);
			last = end;
			(*words)++;
			i = end;
		} else {
			i++;
		}
	}
	return first < last ? view_sub(v, first, last - first) : VIEW_NONE;
}

static void
add_name(void *arg, enum mission_name what, const char *text)
{
	struct redact *r = arg;
	unsigned words;
	struct view v = core_of(view_cstr(text), &words);
	const struct redact_name *has = find_name(r, v);
	struct redact_name name = { NULL, v.len, what };

	if (v.len == 0 || (has != NULL && has->what == MISSION_ASSET)) {
		return;
	}
	if (has != NULL) {
		/* Of two things of one name the more guarded one counts. */
		if (what == MISSION_ASSET) {
			((struct redact_name *)has)->what = what;
		}
		return;
	}
	name.text = strndup((const char *)v.p, v.len);
	if (name.text == NULL || !grow_names(r)) {
		free(name.text);
		r->no_memory = true;
		return;
	}
	put_name(r, name);
	r->n_names++;
	r->most_words = MAX(r->most_words, words);
}

/* The name that begins at text[at], the longest; 'len' of what it takes. */
static const struct redact_name *
name_at(const struct redact *r, struct view text, size_t at, size_t *len)
{
	const struct redact_name *best = NULL;
	size_t end = at;

	for (unsigned words = 0; words < r->most_words && end < text.len;
	     words++) {
		const struct redact_name *n;
		size_t next = redact_scan_word(text, end);

		/* Between words stands what the name has there. */
		while (next == end && end < text.len && words > 0) {
			next = redact_scan_word(text, ++end);
		}
		if (next == end) {
			break;
		}
		end = next;
		n = find_name(r, view_sub(text, at, end - at));
		if (n != NULL) {
			best = n;
			*len = end - at;
		}
	}
	return best;
}

/* --------------------------------------------------------------- addresses */

static bool
is_ours(void *arg, const struct addr *a)
{
	const struct redact *r = arg;

	for (unsigned i = 0; i < r->n_private; i++) {
		if (cidr_contains(&r->private_nets[i], a)) {
			return true;
		}
	}
	return mission_is_ours_anywhere(r->map, a);
}

static void
put(struct passage *p, struct view v)
{
	if (p->out != NULL) {
		json_append(p->out, v);
	}
}

/* The first service of the asset whose own marking the object's covers. */
static bool
put_role(struct passage *p, const struct mission_asset *a)
{
	for (unsigned i = 0; a != NULL && i < a->n_services; i++) {
		struct marking own;

		if (mission_service_mark(p->r->map, a->services[i], &own) &&
		    marking_covers(p->mark, &own)) {
			put(p, VIEW_LIT("["));
			put(p, view_cstr(a->services[i]));
			put(p, VIEW_LIT("]"));
			return true;
		}
	}
	return false;
}

static void
put_addr(struct passage *p, const struct addr *a)
{
	char text[ADDR_TEXT_CAP];
	struct addr other;

	if (p->mark != NULL && p->r->partner->addresses == SHARE_ROLE &&
	    put_role(p, mission_asset_anywhere(p->r->map, a))) {
		return;
	}
	if (p->mark != NULL && p->r->partner->addresses == SHARE_PSEUDONYM &&
	    pseudonym_addr(p->r->pseudonym, a, &other) == ERR_OK) {
		put(p, VIEW_LIT("anon:"));
		put(p, view_of(text, addr_format(&other, text)));
		return;
	}
	put(p, VIEW_LIT("[address]"));
}

/* ----------------------------------------------------------------- texts */

static bool
within(struct view host, const char *domain)
{
	size_t n = strlen(domain);

	return host.len >= n &&
	       view_caseeq(view_sub(host, host.len - n, n),
			   view_cstr(domain)) &&
	       (host.len == n || host.p[host.len - n - 1] == '.');
}

static bool
is_our_host(const struct redact *r, struct view host)
{
	for (unsigned i = 0; i < r->policy->n_domains; i++) {
		if (within(host, r->policy->domains[i])) {
			return true;
		}
	}
	return false;
}

static bool
may_name(const struct passage *p, enum mission_name what)
{
	const struct share_partner *to = p->r->partner;

	if (p->mark == NULL) {
		return false;
	}
	switch (what) {
	case MISSION_SITE:
		return to->sites == SHARE_KEEP &&
		       share_has(to, p->kind, SHARE_SITES);
	case MISSION_SERVICE:
		return share_has(to, p->kind, SHARE_SERVICES);
	case MISSION_MISSION:
		return share_has(to, p->kind, SHARE_MISSIONS);
	case MISSION_ASSET:
		break;
	}
	return false;
}

static void
put_named(struct passage *p, const struct redact_name *n)
{
	static const char *const words[] = { "[site]", "[asset]", "[service]",
					     "[mission]" };

	put(p, view_cstr(words[n->what]));
}

/* What is ours at text[at] goes; how much of the text that took, 0: nothing. */
static size_t
take_out(struct passage *p, struct view text, size_t at)
{
	const struct share_partner *to = p->r->partner;
	bool begins = at == 0 || redact_scan_word(text, at - 1) < at + 1 ||
		      text.p[at] >= 0x80;
	const struct redact_name *name;
	struct addr a;
	size_t n = 0;

	if (p->mark == NULL || to->addresses != SHARE_KEEP) {
		n = redact_scan_addr(text, at, is_ours, p->r, &a);
	}
	if (n != 0) {
		put_addr(p, &a);
		return n;
	}
	if (!begins || redact_scan_word(text, at) == at) {
		return 0;
	}
	if (p->mark == NULL || !to->keep_domains) {
		n = redact_scan_host(text, at);
		if (n != 0 && is_our_host(p->r, view_sub(text, at, n))) {
			put(p, VIEW_LIT("[host]"));
			return n;
		}
	}
	name = name_at(p->r, text, at, &n);
	if (name == NULL || may_name(p, name->what)) {
		return 0;
	}
	put_named(p, name);
	return n;
}

static void
pass(struct passage *p, struct view in)
{
	for (size_t at = 0; at < in.len;) {
		size_t n = take_out(p, in, at);

		if (n != 0) {
			/* What is behind stands at the beginning now. */
			p->found++;
			in = view_sub(in, at + n, in.len);
			at = 0;
			continue;
		}
		put(p, view_sub(in, at++, 1));
	}
}

size_t
redact_text(struct redact *r, enum share_kind kind, const struct marking *mark,
	    struct view in, struct json *out)
{
	struct passage p = { r, kind, mark, out, 0 };

	json_reset(out);
	pass(&p, in);
	return p.found;
}

bool
redact_finds(struct redact *r, struct view in)
{
	struct passage p = { r, SHARE_INDICATOR, NULL, NULL, 0 };

	pass(&p, in);
	return p.found > 0;
}

/* ---------------------------------------------------------------- lifetime */

static bool
add_private(struct redact *r)
{
	static const char *const nets[] = {
		"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16",
		"127.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16",
		"fc00::/7",    "fe80::/10",     "::1/128",
	};

	for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
		if (!cidr_parse(view_cstr(nets[i]),
				&r->private_nets[r->n_private++])) {
			return false;
		}
	}
	return true;
}

enum err
redact_new(struct redact **out, const struct mission_map *map,
	   const struct share_policy *policy,
	   const struct share_partner *partner, const uint8_t *key)
{
	struct redact *r = calloc(1, sizeof(*r));
	enum err e = r != NULL ? ERR_OK : ERR_NOMEM;

	*out = NULL;
	if (e == ERR_OK) {
		r->map = map;
		r->policy = policy;
		r->partner = partner;
		e = pseudonym_new(&r->pseudonym, key);
	}
	if (e == ERR_OK) {
		mission_each_name(map, add_name, r);
		e = !r->no_memory && add_private(r) ? ERR_OK : ERR_NOMEM;
	}
	if (e != ERR_OK) {
		redact_free(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void
redact_free(struct redact *r)
{
	if (r == NULL) {
		return;
	}
	for (size_t i = 0; i < r->cap; i++) {
		free(r->names[i].text);
	}
	free(r->names);
	pseudonym_free(r->pseudonym);
	free(r);
}
