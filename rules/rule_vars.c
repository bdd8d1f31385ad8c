/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_vars.h"

#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rules/rule_text.h"

#define MAX_DEPTH 16
#define MAX_RANGES ((size_t)1 << 20) /* a list is no way to fill memory */

enum side { SIDE_ADDR, SIDE_PORT };

struct spelling {
	uint64_t hash;
	struct view text;
	enum side side;
	const struct range_set *set;
};

struct rule_vars {
	const struct conf *conf;
	struct arena *arena;
	struct spelling *tab; /* open addressing, power of two */
	size_t n, cap;
};

/* What Suricata's own configuration says when ours says nothing. */
static const struct {
	enum side side;
	const char *name, *value;
} defaults[] = {
	{ SIDE_ADDR, "HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]" },
	{ SIDE_ADDR, "EXTERNAL_NET", "any" },
	{ SIDE_ADDR, "HTTP_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "SMTP_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "SQL_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "DNS_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "TELNET_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "AIM_SERVERS", "$EXTERNAL_NET" },
	{ SIDE_ADDR, "DC_SERVERS", "$HOME_NET" },
	{ SIDE_ADDR, "DNP3_SERVER", "$HOME_NET" },
	{ SIDE_ADDR, "DNP3_CLIENT", "$HOME_NET" },
	{ SIDE_ADDR, "MODBUS_CLIENT", "$HOME_NET" },
	{ SIDE_ADDR, "MODBUS_SERVER", "$HOME_NET" },
	{ SIDE_ADDR, "ENIP_CLIENT", "$HOME_NET" },
	{ SIDE_ADDR, "ENIP_SERVER", "$HOME_NET" },
	{ SIDE_PORT, "HTTP_PORTS", "80" },
	{ SIDE_PORT, "SHELLCODE_PORTS", "!80" },
	{ SIDE_PORT, "ORACLE_PORTS", "1521" },
	{ SIDE_PORT, "SSH_PORTS", "22" },
	{ SIDE_PORT, "DNP3_PORTS", "20000" },
	{ SIDE_PORT, "MODBUS_PORTS", "502" },
	{ SIDE_PORT, "FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]" },
	{ SIDE_PORT, "FTP_PORTS", "21" },
	{ SIDE_PORT, "GENEVE_PORTS", "6081" },
	{ SIDE_PORT, "VXLAN_PORTS", "4789" },
	{ SIDE_PORT, "TEREDO_PORTS", "3544" },
	{ SIDE_PORT, "SIP_PORTS", "[5060,5061]" },
};

struct rule_vars *
rule_vars_new(const struct conf *conf, struct arena *a)
{
	struct rule_vars *v = calloc(1, sizeof(*v));

	if (v != NULL) {
		v->conf = conf;
		v->arena = a;
	}
	return v;
}

void
rule_vars_free(struct rule_vars *v)
{
	if (v != NULL) {
		free(v->tab);
		free(v);
	}
}

static struct spelling *
slot_of(struct spelling *tab, size_t cap, enum side side, uint64_t hash,
	struct view text)
{
	for (size_t i = hash & (cap - 1);; i = (i + 1) & (cap - 1)) {
		struct spelling *s = &tab[i];

		if (s->set == NULL || (s->hash == hash && s->side == side &&
				       view_eq(s->text, text))) {
			return s;
		}
	}
}

static enum err
remember(struct rule_vars *v, enum side side, struct view text,
	 const struct range_set *set)
{
	uint64_t hash = XXH3_64bits(text.p, text.len);

	if (v->n * 2 >= v->cap) {
		size_t cap = v->cap == 0 ? 64 : v->cap * 2;
		struct spelling *tab = calloc(cap, sizeof(*tab));

		if (tab == NULL) {
			return ERR_NOMEM;
		}
		for (size_t i = 0; i < v->cap; i++) {
			const struct spelling *s = &v->tab[i];

			if (s->set != NULL) {
				*slot_of(tab, cap, s->side, s->hash, s->text) =
					*s;
			}
		}
		free(v->tab);
		v->tab = tab;
		v->cap = cap;
	}
	text = arena_copy(v->arena, text);
	if (text.p == NULL) {
		return ERR_NOMEM;
	}
	*slot_of(v->tab, v->cap, side, hash, text) =
		(struct spelling){ hash, text, side, set };
	v->n++;
	return ERR_OK;
}

static const struct range_set *
recall(const struct rule_vars *v, enum side side, struct view text)
{
	if (v->cap == 0) {
		return NULL;
	}
	return slot_of(v->tab, v->cap, side, XXH3_64bits(text.p, text.len),
		       text)
		->set;
}

static enum err eval(struct rule_vars *v, enum side side, struct view text,
		     unsigned depth, const struct range_set **out,
		     struct diag *d);

static const char *
variable(const struct rule_vars *v, enum side side, struct view name)
{
	char key[160];
	const char *value;

	if (name.len > 100 || memchr(name.p, 0, name.len) != NULL) {
		return NULL;
	}
	snprintf(key, sizeof(key), "vars.%s-groups.%.*s",
		 side == SIDE_ADDR ? "address" : "port", TEXT_ARG(name));
	value = v->conf != NULL ? conf_get(v->conf, key) : NULL;
	for (size_t i = 0; value == NULL && i < ARRAY_LEN(defaults); i++) {
		if (defaults[i].side == side &&
		    view_eq(view_cstr(defaults[i].name), name)) {
			value = defaults[i].value;
		}
	}
	return value;
}

static enum err
add_variable(struct rule_vars *v, enum side side, struct view text,
	     unsigned depth, struct range_list *out, struct diag *d)
{
	const struct range_set *set;
	const char *value =
		text.len > 1
			? variable(v, side, view_of(text.p + 1, text.len - 1))
			: NULL;
	enum err e;

	if (value == NULL) {
		return diag_set(d, ERR_FORMAT,
				"unknown group \"%.*s\": set "
				"vars.%s-groups.%.*s",
				TEXT_ARG(text),
				side == SIDE_ADDR ? "address" : "port",
				TEXT_ARG(view_sub(text, 1, text.len)));
	}
	e = eval(v, side, view_cstr(value), depth + 1, &set, d);
	if (e != ERR_OK) {
		return e;
	}
	return range_list_add_set(out, set) ? ERR_OK : ERR_NOMEM;
}

static bool
netmask_bits(const struct addr *mask, unsigned *bits)
{
	uint32_t m = load_be32(mask->b + 12);

	if (!addr_is_v4(mask) || (~m & (~m + 1)) != 0) {
		return false;
	}
	*bits = (unsigned)__builtin_popcount(m);
	return true;
}

/* "192.0.2.0/255.255.255.0", which cidr_parse() does not take. */
static bool
masked_net(struct view text, struct cidr *out)
{
	size_t slash = text_find(text, '/');
	struct addr mask;
	char one[ADDR_TEXT_CAP + 8];
	unsigned bits;
	int n;

	if (slash >= text.len || slash >= ADDR_TEXT_CAP ||
	    !addr_parse(view_sub(text, slash + 1, text.len), &mask) ||
	    !netmask_bits(&mask, &bits)) {
		return false;
	}
	n = snprintf(one, sizeof(one), "%.*s/%u", (int)slash,
		     (const char *)text.p, bits);
	return cidr_parse(view_of(one, (size_t)n), out);
}

static enum err
add_addr(struct view text, struct range_list *out, struct diag *d)
{
	size_t dash = text_find(text, '-');
	struct addr a, b;
	struct cidr net;
	unsigned __int128 lo, span;

	if (dash < text.len) {
		if (!addr_parse(text_trim(view_of(text.p, dash)), &a) ||
		    !addr_parse(text_trim(view_sub(text, dash + 1, text.len)),
				&b) ||
		    addr_cmp(&a, &b) > 0) {
			return diag_set(d, ERR_FORMAT,
					"\"%.*s\" is not an address range: "
					"write LOW-HIGH",
					TEXT_ARG(text));
		}
		return range_list_add(out, addr_value(&a), addr_value(&b))
			       ? ERR_OK
			       : ERR_NOMEM;
	}
	if (!cidr_parse(text, &net) && !masked_net(text, &net)) {
		return diag_set(d, ERR_FORMAT,
				"\"%.*s\" is neither an address nor a network",
				TEXT_ARG(text));
	}
	lo = addr_value(&net.addr);
	span = net.bits >= 128 ? 0 : RANGE_MAX >> net.bits;
	return range_list_add(out, lo, lo | span) ? ERR_OK : ERR_NOMEM;
}

static enum err
add_port(struct view text, struct range_list *out, struct diag *d)
{
	size_t colon = text_find(text, ':');
	struct view a = text_trim(view_of(text.p, colon));
	struct view b = text_trim(view_sub(text, colon + 1, text.len));
	uint64_t lo = 0, hi = 65535;
	bool good;

	if (colon == text.len) {
		good = text_u64(a, &lo);
		hi = lo;
	} else {
		good = (a.len == 0 || text_u64(a, &lo)) &&
		       (b.len == 0 || text_u64(b, &hi)) && a.len + b.len > 0;
	}
	if (!good || lo > hi || hi > 65535) {
		return diag_set(d, ERR_FORMAT,
				"\"%.*s\" is neither a port nor a range of "
				"ports: write 80 or 80:90",
				TEXT_ARG(text));
	}
	return range_list_add(out, lo, hi) ? ERR_OK : ERR_NOMEM;
}

/* The next item of a list: up to a comma outside all brackets. */
static bool
next_item(struct view *s, struct view *item, bool *balanced)
{
	size_t i, depth = 0;

	if (s->len == 0) {
		return false;
	}
	for (i = 0; i < s->len; i++) {
		uint8_t c = s->p[i];

		if (c == '[') {
			depth++;
		} else if (c == ']') {
			if (depth == 0) {
				*balanced = false;
				return false;
			}
			depth--;
		} else if (c == ',' && depth == 0) {
			break;
		}
	}
	if (depth != 0) {
		*balanced = false;
		return false;
	}
	*item = text_trim(view_of(s->p, i));
	*s = i < s->len ? view_of(s->p + i + 1, s->len - i - 1) : VIEW_NONE;
	return true;
}

static unsigned __int128
side_max(enum side side)
{
	return side == SIDE_ADDR ? RANGE_MAX : 65535;
}

static enum err
add_one(struct rule_vars *v, enum side side, struct view item, unsigned depth,
	struct range_list *out, struct diag *d)
{
	const struct range_set *set;
	enum err e;

	if (item.len > 0 && item.p[0] == '[') {
		e = eval(v, side, item, depth + 1, &set, d);
		if (e != ERR_OK) {
			return e;
		}
		return range_list_add_set(out, set) ? ERR_OK : ERR_NOMEM;
	}
	if (item.len > 0 && item.p[0] == '$') {
		return add_variable(v, side, item, depth, out, d);
	}
	if (text_is(item, "any")) {
		return range_list_add(out, 0, side_max(side)) ? ERR_OK
							      : ERR_NOMEM;
	}
	return side == SIDE_ADDR ? add_addr(item, out, d)
				 : add_port(item, out, d);
}

static enum err
eval_items(struct rule_vars *v, enum side side, struct view text,
	   unsigned depth, struct range_list *yes, struct range_list *no,
	   struct diag *d)
{
	bool balanced = true;
	struct view item;

	while (next_item(&text, &item, &balanced)) {
		bool negated = false;
		enum err e;

		while (item.len > 0 && item.p[0] == '!') {
			negated = !negated;
			item = text_trim(view_of(item.p + 1, item.len - 1));
		}
		if (item.len == 0) {
			return diag_set(d, ERR_FORMAT, "empty item in a list");
		}
		e = add_one(v, side, item, depth, negated ? no : yes, d);
		if (e != ERR_OK) {
			return e;
		}
		if (yes->n + no->n > MAX_RANGES) {
			return diag_set(d, ERR_LIMIT,
					"a list of more than %zu items",
					MAX_RANGES);
		}
	}
	if (!balanced) {
		return diag_set(d, ERR_FORMAT,
				"brackets do not pair in \"%.*s\"",
				TEXT_ARG(text));
	}
	return ERR_OK;
}

static enum err
seal_difference(struct rule_vars *v, enum side side, struct view text,
		struct range_list *yes, struct range_list *no,
		const struct range_set **out, struct diag *d)
{
	struct range_list left = { NULL, 0, 0 };
	enum err e = ERR_OK;

	if (yes->n == 0 && !range_list_add(yes, 0, side_max(side))) {
		return ERR_NOMEM;
	}
	if (!range_list_subtract(yes, no, &left)) {
		e = ERR_NOMEM;
	} else if (left.n == 0) {
		e = diag_set(d, ERR_FORMAT, "\"%.*s\" leaves nothing to match",
			     TEXT_ARG(text));
	} else {
		*out = range_list_seal(&left, v->arena);
		e = *out == NULL ? ERR_NOMEM : remember(v, side, text, *out);
	}
	range_list_fini(&left);
	return e;
}

/*
 * A list is the union of its plain items (everything, when there are none)
 * less the union of its negated ones.
 */
static enum err
eval(struct rule_vars *v, enum side side, struct view text, unsigned depth,
     const struct range_set **out, struct diag *d)
{
	struct range_list yes = { NULL, 0, 0 }, no = { NULL, 0, 0 };
	struct view inner;
	enum err e;

	text = text_trim(text);
	if (depth > MAX_DEPTH) {
		return diag_set(d, ERR_FORMAT,
				"groups are nested more than %d deep, or "
				"name each other",
				MAX_DEPTH);
	}
	if (text.len == 0) {
		return diag_set(d, ERR_FORMAT, "empty address or port");
	}
	*out = recall(v, side, text);
	if (*out != NULL) {
		return ERR_OK;
	}
	inner = text;
	if (text.p[0] == '[' && text.p[text.len - 1] == ']') {
		size_t open = 1, i;

		for (i = 1; i < text.len && open > 0; i++) {
			open += text.p[i] == '[';
			open -= text.p[i] == ']';
		}
		if (open == 0 && i == text.len) {
			inner = text_trim(view_of(text.p + 1, text.len - 2));
		}
	}
	if (inner.len == 0) {
		return diag_set(d, ERR_FORMAT, "empty list");
	}
	e = eval_items(v, side, inner, depth, &yes, &no, d);
	if (e == ERR_OK) {
		e = seal_difference(v, side, text, &yes, &no, out, d);
	}
	range_list_fini(&yes);
	range_list_fini(&no);
	return e;
}

static enum err
group(struct rule_vars *v, enum side side, struct view text,
      const struct range_set **out, struct diag *d)
{
	enum err e = eval(v, side, text, 0, out, d);

	if (e == ERR_OK && (*out)->n == 1 && (*out)->v[0].lo == 0 &&
	    (*out)->v[0].hi == side_max(side)) {
		*out = NULL;
	}
	return e == ERR_NOMEM ? diag_set(d, e, "out of memory") : e;
}

enum err
rule_vars_addrs(struct rule_vars *v, struct view text,
		const struct range_set **out, struct diag *d)
{
	return group(v, SIDE_ADDR, text, out, d);
}

enum err
rule_vars_ports(struct rule_vars *v, struct view text,
		const struct range_set **out, struct diag *d)
{
	return group(v, SIDE_PORT, text, out, d);
}
