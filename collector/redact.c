/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/redact.h"

#include <stdlib.h>

#include "collector/pseudonym.h"
#include "collector/redact_fold.h"
#include "collector/redact_names.h"
#include "collector/redact_scan.h"

/* Around what stands for something of ours, while a text is looked through. */
#define EDGE 0x01
#define MAX_ROUNDS 32

struct redact {
	const struct mission_map *map;
	const struct share_policy *policy;
	const struct share_partner *partner;
	struct pseudonym *pseudonym;
	struct cidr private_nets[10];
	unsigned n_private;
	struct redact_names *names;
};

/* One text on its way through. */
struct passage {
	struct redact *r;
	enum share_kind kind;
	const struct marking *mark; /* NULL: nothing is allowed */
	struct json *out; /* NULL: only looked at */
	size_t found;
	struct view in; /* as it was given */
	struct redact_fold fold;
	size_t base; /* where in the folded text the view begins */
	size_t host_end; /* in the view: of the host name at the last word */
	size_t done; /* of 'in': what is in 'out' or was taken out */
};

/* --------------------------------------------------------------- addresses */

static bool
is_ours_itself(const struct redact *r, const struct addr *a)
{
	for (unsigned i = 0; i < r->n_private; i++) {
		if (cidr_contains(&r->private_nets[i], a)) {
			return true;
		}
	}
	return mission_is_ours_anywhere(r->map, a);
}

/* An address of IPv6 that is made of one of IPv4: compatible (RFC 4291
 * 2.5.5.1), translated (RFC 6052), 6to4 (RFC 3056). */
static bool
embedded(const struct addr *a, struct addr *v4)
{
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };
	static const uint8_t siit[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	static const uint8_t none[12];
	size_t at = 12;

	if (addr_is_v4(a)) {
		return false;
	}
	if (a->b[0] == 0x20 && a->b[1] == 0x02) {
		at = 2;
	} else if (memcmp(a->b, nat64, 12) != 0 &&
		   memcmp(a->b, siit, 12) != 0 && memcmp(a->b, none, 12) != 0) {
		return false;
	}
	*v4 = addr_from_v4(a->b + at);
	return true;
}

static bool
is_ours(void *arg, const struct addr *a)
{
	const struct redact *r = arg;
	struct addr v4;

	return is_ours_itself(r, a) ||
	       (embedded(a, &v4) && is_ours_itself(r, &v4));
}

static void
put(struct passage *p, struct view v)
{
	if (p->out != NULL) {
		json_append(p->out, v);
	}
}

/* What stands before byte 'at' of the view, as it was written. */
static void
put_before(struct passage *p, size_t at)
{
	size_t end = redact_fold_from(&p->fold, p->base + at);

	put(p, view_sub(p->in, p->done, end - p->done));
	p->done = end;
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

/* All that are called so may be named, and the object is not below them. */
static bool
may_name(const struct passage *p, const struct redact_name *n)
{
	const struct share_partner *to = p->r->partner;
	unsigned may = 0;

	if (p->mark == NULL || !marking_covers(p->mark, n->mark)) {
		return false;
	}
	if (to->sites == SHARE_KEEP && share_has(to, p->kind, SHARE_SITES)) {
		may |= 1u << MISSION_SITE;
	}
	if (share_has(to, p->kind, SHARE_SERVICES)) {
		may |= 1u << MISSION_SERVICE;
	}
	if (share_has(to, p->kind, SHARE_MISSIONS)) {
		may |= 1u << MISSION_MISSION;
	}
	return (n->what & ~may) == 0;
}

static void
put_named(struct passage *p, const struct redact_name *n)
{
	static const char *const words[] = {
		[MISSION_ASSET] = "[asset]",
		[MISSION_SITE] = "[site]",
		[MISSION_SERVICE] = "[service]",
		[MISSION_MISSION] = "[mission]",
	};
	unsigned what = MISSION_ASSET;

	if ((n->what >> MISSION_ASSET & 1) == 0) {
		for (what = 0; (n->what >> what & 1) == 0; what++) {
		}
	}
	put(p, view_cstr(words[what]));
}

/* What stands for something of ours, between two edges: it is not looked at
 * again. */
static void
put_edge(struct passage *p)
{
	put(p, view_of(&(uint8_t){ EDGE }, 1));
}

/* The host name from 'at' to where it ends, however long: no name is, but one
 * of ours may stand at its end.  Looked for once for all its words. */
static struct view
host_at(struct passage *p, struct view text, size_t at)
{
	if (at >= p->host_end) {
		p->host_end = at + redact_scan_host(text, at);
	}
	return view_sub(text, at, p->host_end - at);
}

/* What is ours at text[at] goes; how much of the text that took, 0: nothing. */
static size_t
take_out(struct passage *p, struct view text, size_t at)
{
	const struct share_partner *to = p->r->partner;
	/* Two bytes say it; to the word's end, from each of its bytes, would be
	 * the square of its length. */
	bool begins = at == 0 || text.p[at] >= 0x80 ||
		      redact_scan_word(view_sub(text, at - 1, 2), 0) < 2;
	const struct redact_name *name;
	struct addr a;
	size_t n = 0;

	if (p->mark == NULL || to->addresses != SHARE_KEEP) {
		n = redact_scan_addr(text, at, is_ours, p->r, &a);
	}
	if (n != 0) {
		put_before(p, at);
		put_edge(p);
		put_addr(p, &a);
		put_edge(p);
		return n;
	}
	if (!begins || redact_scan_word(view_sub(text, at, 1), 0) == 0) {
		return 0;
	}
	if (p->mark == NULL || !to->keep_domains) {
		struct view host = host_at(p, text, at);

		n = host.len;
		if (n != 0 && is_our_host(p->r, host)) {
			put_before(p, at);
			put_edge(p);
			put(p, VIEW_LIT("[host]"));
			put_edge(p);
			return n;
		}
	}
	name = redact_names_at(p->r->names, text, at, &n);
	if (name == NULL || may_name(p, name)) {
		return 0;
	}
	put_before(p, at);
	put_edge(p);
	put_named(p, name);
	put_edge(p);
	return n;
}

/* False: no memory. */
static bool
pass(struct passage *p)
{
	bool folded = redact_fold(&p->fold, p->in);
	struct view text = p->fold.text;

	for (size_t at = 0; folded && at < text.len;) {
		size_t n = take_out(p, text, at);

		if (n != 0) {
			/* What is behind stands at the beginning now. */
			p->found++;
			p->base += at + n;
			p->done = redact_fold_from(&p->fold, p->base);
			p->host_end = 0;
			text = view_sub(text, at + n, text.len);
			at = 0;
			continue;
		}
		at++;
	}
	if (folded) {
		put(p, view_sub(p->in, p->done, p->in.len));
	}
	redact_fold_fini(&p->fold);
	return folded;
}

/* The pieces between what was taken out, once more. */
static bool
pass_pieces(struct passage *p, struct view text)
{
	bool token = false, ok = true;

	while (ok) {
		const uint8_t *edge =
			text.len > 0 ? memchr(text.p, EDGE, text.len) : NULL;
		size_t n = edge != NULL ? (size_t)(edge - text.p) : text.len;
		struct passage piece = { .r = p->r,
					 .kind = p->kind,
					 .mark = p->mark,
					 .out = p->out,
					 .in = view_sub(text, 0, n) };

		if (token) {
			put_edge(p);
			put(p, piece.in);
			put_edge(p);
		} else if (n > 0) {
			ok = pass(&piece);
			p->found += piece.found;
		}
		if (edge == NULL) {
			break;
		}
		text = view_sub(text, n + 1, text.len);
		token = !token;
	}
	return ok;
}

/* What was taken out may have hidden its neighbour, as the address in
 * "web10.1.2.3" hides "web": again, until there is nothing more.  What has no end is not told.
 * False: no memory. */
static bool
pass_all(struct passage *p)
{
	struct json was;
	size_t found = 0;
	bool ok = pass(p);

	json_init(&was);
	for (unsigned i = 0; ok && p->found > found; i++) {
		json_reset(&was);
		json_append(&was, json_view(p->out));
		json_reset(p->out);
		found = p->found;
		if (i == MAX_ROUNDS) {
			put(p, VIEW_LIT("[text]"));
			break;
		}
		ok = !was.failed && pass_pieces(p, json_view(&was));
	}
	json_fini(&was);
	return ok;
}

static void
drop_edges(struct json *out)
{
	size_t n = 0;

	for (size_t i = 0; i < out->len; i++) {
		if ((uint8_t)out->p[i] != EDGE) {
			out->p[n++] = out->p[i];
		}
	}
	out->len = n;
}

size_t
redact_text(struct redact *r, enum share_kind kind, const struct marking *mark,
	    struct view in, struct json *out)
{
	struct passage p = {
		.r = r, .kind = kind, .mark = mark, .out = out, .in = in
	};

	json_reset(out);
	/* Nobody writes that but to confuse us. */
	if (in.len > 0 && memchr(in.p, EDGE, in.len) != NULL) {
		return 1;
	}
	if (!pass_all(&p)) {
		json_reset(out);
		out->failed = true;
	}
	drop_edges(out);
	return p.found;
}

bool
redact_finds(struct redact *r, struct view in)
{
	struct passage p = { .r = r, .kind = SHARE_INDICATOR, .in = in };

	/* What could not be looked at may say anything. */
	return !pass(&p) || p.found > 0;
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
		e = redact_names_new(&r->names, map);
	}
	if (e == ERR_OK) {
		e = add_private(r) ? ERR_OK : ERR_NOMEM;
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
	redact_names_free(r->names);
	pseudonym_free(r->pseudonym);
	free(r);
}
