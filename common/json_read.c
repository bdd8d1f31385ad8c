/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json_read.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/utf8.h"

/* Where the reader stands. */
struct cursor {
	struct json_reader *r;
	const uint8_t *p, *end;
};

void
json_reader_init(struct json_reader *r)
{
	*r = (struct json_reader){ 0 };
}

void
json_reader_fini(struct json_reader *r)
{
	free(r->values);
	free(r->decoded);
	*r = (struct json_reader){ 0 };
}

static void
skip_space(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' ||
				 *c->p == '\n' || *c->p == '\r')) {
		c->p++;
	}
}

static bool
hex4(struct cursor *c, uint32_t *out)
{
	*out = 0;
	if (c->end - c->p < 4) {
		return false;
	}
	for (int i = 0; i < 4; i++) {
		uint8_t b = ascii_lower(*c->p++);

		if (b >= '0' && b <= '9') {
			*out = *out << 4 | (uint32_t)(b - '0');
		} else if (b >= 'a' && b <= 'f') {
			*out = *out << 4 | (uint32_t)(b - 'a' + 10);
		} else {
			return false;
		}
	}
	return true;
}

static void
put_utf8(struct json_reader *r, uint32_t u)
{
	char *o = r->decoded + r->len;

	if (u < 0x80) {
		o[0] = (char)u;
		r->len += 1;
	} else if (u < 0x800) {
		o[0] = (char)(0xc0 | u >> 6);
		o[1] = (char)(0x80 | (u & 0x3f));
		r->len += 2;
	} else if (u < 0x10000) {
		o[0] = (char)(0xe0 | u >> 12);
		o[1] = (char)(0x80 | (u >> 6 & 0x3f));
		o[2] = (char)(0x80 | (u & 0x3f));
		r->len += 3;
	} else {
		o[0] = (char)(0xf0 | u >> 18);
		o[1] = (char)(0x80 | (u >> 12 & 0x3f));
		o[2] = (char)(0x80 | (u >> 6 & 0x3f));
		o[3] = (char)(0x80 | (u & 0x3f));
		r->len += 4;
	}
}

/* Behind a backslash.  What comes out is never longer than what went in. */
static bool
read_escape(struct cursor *c)
{
	static const char known[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	uint32_t u, low;

	if (c->p == c->end) {
		return false;
	}
	if (*c->p != 'u') {
		if (known[*c->p] == '\0') {
			return false;
		}
		c->r->decoded[c->r->len++] = known[*c->p];
		c->p++;
		return true;
	}
	c->p++;
	if (!hex4(c, &u) || (u >= 0xdc00 && u < 0xe000)) {
		return false;
	}
	if (u >= 0xd800 && u < 0xdc00) {
		if (c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u') {
			return false;
		}
		c->p += 2;
		if (!hex4(c, &low) || low < 0xdc00 || low >= 0xe000) {
			return false;
		}
		u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
	}
	/* An attacker must not lose us the whole record with a NUL, nor cut a
	 * text short. */
	if (u == 0) {
		u = 0xfffd;
	}
	put_utf8(c->r, u);
	return true;
}

/* Copies [from, p) to the decoded text. */
static void
keep(struct cursor *c, const uint8_t *from)
{
	memcpy(c->r->decoded + c->r->len, from, (size_t)(c->p - from));
	c->r->len += (size_t)(c->p - from);
}

/*
 * The first of the bytes that a string cannot simply go on with: a quote, a
 * backslash, control characters, and what is not ASCII.
 */
static const uint8_t *
plain_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
		      slash = _mm_set1_epi8('\\');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		/* As signed numbers, bytes from 0x80 on are below 0x20 too. */
		int odd = _mm_movemask_epi8(
			_mm_or_si128(_mm_cmplt_epi8(v, space),
				     _mm_or_si128(_mm_cmpeq_epi8(v, quote),
						  _mm_cmpeq_epi8(v, slash))));

		if (odd != 0) {
			return p + __builtin_ctz((unsigned)odd);
		}
	}
#endif
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
		p++;
	}
	return p;
}

/* Behind the opening quote. */
static bool
read_string(struct cursor *c, struct view *out)
{
	const uint8_t *start = c->p, *from = c->p;
	size_t decoded = c->r->len;
	bool escaped = false;

	while ((c->p = plain_end(c->p, c->end)) < c->end) {
		uint8_t b = *c->p;
		size_t n;

		if (b == '"') {
			if (escaped) {
				keep(c, from);
				*out = view_of(c->r->decoded + decoded,
					       c->r->len - decoded);
			} else {
				*out = view_of(start, (size_t)(c->p - start));
			}
			c->p++;
			return true;
		}
		if (b == '\\') {
			keep(c, from);
			escaped = true;
			c->p++;
			if (!read_escape(c)) {
				return false;
			}
			from = c->p;
			continue;
		}
		n = b >= 0x80 ? utf8_len(c->p, (size_t)(c->end - c->p)) : 0;
		if (n == 0) {
			return false;
		}
		c->p += n;
	}
	return false;
}

static bool
digits(struct cursor *c)
{
	const uint8_t *start = c->p;

	while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
		c->p++;
	}
	return c->p > start;
}

/* RFC 8259 section 6. */
static bool
read_number(struct cursor *c)
{
	if (*c->p == '-') {
		c->p++;
	}
	if (c->p < c->end && *c->p == '0') {
		c->p++;
	} else if (!digits(c)) {
		return false;
	}
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!digits(c)) {
			return false;
		}
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-')) {
			c->p++;
		}
		return digits(c);
	}
	return true;
}

static bool
read_word(struct cursor *c, struct view word)
{
	if ((size_t)(c->end - c->p) < word.len ||
	    memcmp(c->p, word.p, word.len) != 0) {
		return false;
	}
	c->p += word.len;
	return true;
}

/* A value that holds no others. */
static bool
read_scalar(struct cursor *c, struct json_value *v)
{
	const uint8_t *start = c->p;
	bool ok;

	switch (*c->p) {
	case '"':
		c->p++;
		v->type = JSON_STRING;
		return read_string(c, &v->text);
	case 't':
		v->type = JSON_TRUE;
		ok = read_word(c, VIEW_LIT("true"));
		break;
	case 'f':
		v->type = JSON_FALSE;
		ok = read_word(c, VIEW_LIT("false"));
		break;
	case 'n':
		v->type = JSON_NULL;
		ok = read_word(c, VIEW_LIT("null"));
		break;
	default:
		v->type = JSON_NUMBER;
		ok = read_number(c);
		break;
	}
	v->text = view_of(start, (size_t)(c->p - start));
	return ok;
}

/* Up to eight bytes as a number. */
static uint64_t
load_some(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	if (n >= 8) {
		memcpy(&v, p, 8);
	} else if (n >= 4) {
		uint32_t head, tail;

		memcpy(&head, p, 4);
		memcpy(&tail, p + n - 4, 4);
		v = (uint64_t)head << 32 | tail;
	} else if (n > 0) {
		v = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
	}
	return v;
}

/* Of the length and both ends; only to tell names apart quickly. */
uint32_t
json_name_hash(struct view name)
{
	uint64_t h = load_some(name.p, name.len);

	if (name.len > 8) {
		h ^= load_some(name.p + name.len - 8, 8) * 0x9e3779b97f4a7c15u;
	}
	h = (h ^ name.len) * 0xff51afd7ed558ccdu;
	return (uint32_t)(h >> 32);
}

/* An object or array that is not closed yet. */
struct level {
	uint32_t value; /* its number */
	uint32_t n_names;
	uint64_t seen[4]; /* a bit for each name's hash: none is new */
};

static struct json_value *
push_value(struct json_reader *r)
{
	if (r->n == r->cap) {
		uint32_t cap = MAX(r->cap * 2, 256u);
		struct json_value *p;

		if (r->n >= JSON_MAX_VALUES) {
			return NULL;
		}
		p = realloc(r->values, cap * sizeof(*p));
		if (p == NULL) {
			r->no_memory = true;
			return NULL;
		}
		r->values = p;
		r->cap = cap;
	}
	r->values[r->n] = (struct json_value){ .next = r->n + 1 };
	return &r->values[r->n++];
}

/* Whether 'parent' has a member of this name already. */
static bool
is_repeated(const struct json_reader *r, uint32_t parent, struct view name,
	    uint32_t hash)
{
	for (uint32_t i = parent + 1; i < r->n; i = r->values[i].next) {
		if (r->values[i].name_hash == hash &&
		    view_eq(r->values[i].name, name)) {
			return true;
		}
	}
	return false;
}

/* "name":  of a member. */
static bool
read_name(struct cursor *c, struct level *in, struct view *name, uint32_t *hash)
{
	uint64_t *seen, bit;

	if (c->p == c->end || *c->p != '"' || ++in->n_names > JSON_MAX_NAMES) {
		return false;
	}
	c->p++;
	if (!read_string(c, name)) {
		return false;
	}
	*hash = json_name_hash(*name);
	seen = &in->seen[*hash >> 6 & 3];
	bit = UINT64_C(1) << (*hash & 63);
	if ((*seen & bit) != 0 && is_repeated(c->r, in->value, *name, *hash)) {
		return false;
	}
	*seen |= bit;
	skip_space(c);
	if (c->p == c->end || *c->p != ':') {
		return false;
	}
	c->p++;
	skip_space(c);
	return true;
}

/* Behind a value: closes what ends here, and says whether more must follow. */
static bool
close_levels(struct cursor *c, struct level *stack, unsigned *depth, bool *more)
{
	*more = false;
	for (;;) {
		struct json_value *open;

		skip_space(c);
		if (*depth == 0) {
			return c->p == c->end;
		}
		if (c->p == c->end) {
			return false;
		}
		open = &c->r->values[stack[*depth - 1].value];
		if (*c->p == ',') {
			c->p++;
			skip_space(c);
			*more = true;
			return true;
		}
		if (*c->p != (open->type == JSON_OBJECT ? '}' : ']')) {
			return false;
		}
		c->p++;
		open->next = c->r->n;
		open->text.len = (size_t)(c->p - open->text.p);
		(*depth)--;
	}
}

static bool
read_all(struct cursor *c)
{
	struct level stack[JSON_MAX_DEPTH];
	unsigned depth = 0;
	bool more = true;

	skip_space(c);
	while (more) {
		struct view name = VIEW_NONE;
		uint32_t hash = 0;
		struct json_value *v;

		if (depth > 0 &&
		    c->r->values[stack[depth - 1].value].type == JSON_OBJECT &&
		    !read_name(c, &stack[depth - 1], &name, &hash)) {
			return false;
		}
		if (c->p == c->end || (v = push_value(c->r)) == NULL) {
			return false;
		}
		v->name = name;
		v->name_hash = hash;
		if (*c->p != '{' && *c->p != '[') {
			if (!read_scalar(c, v) ||
			    !close_levels(c, stack, &depth, &more)) {
				return false;
			}
			continue;
		}
		if (depth == JSON_MAX_DEPTH) {
			return false;
		}
		v->type = *c->p == '{' ? JSON_OBJECT : JSON_ARRAY;
		v->text = view_of(c->p, 0);
		stack[depth++] = (struct level){ .value = c->r->n - 1 };
		c->p++;
		skip_space(c);
		/* An empty one ends at once; else its first value follows. */
		if (c->p < c->end &&
		    *c->p == (v->type == JSON_OBJECT ? '}' : ']') &&
		    !close_levels(c, stack, &depth, &more)) {
			return false;
		}
	}
	return true;
}

/* Room for 'bytes' more of decoded strings. */
static bool
reserve_decoded(struct json_reader *r, size_t bytes)
{
	char *p;

	if (r->decoded_cap - r->len >= bytes) {
		return true;
	}
	/* What was handed out must not move. */
	p = r->keeps ? NULL : realloc(r->decoded, bytes);
	if (p == NULL) {
		r->no_memory = !r->keeps;
		return false;
	}
	r->decoded = p;
	r->decoded_cap = bytes;
	return true;
}

bool
json_reader_keep(struct json_reader *r, size_t bytes)
{
	r->n = 0;
	r->len = 0;
	r->keeps = false;
	if (!reserve_decoded(r, MAX(bytes, (size_t)1))) {
		return false;
	}
	r->keeps = true;
	return true;
}

bool
json_read(struct json_reader *r, struct view text)
{
	struct cursor c = { r, text.p, text.p + text.len };

	r->n = 0;
	r->no_memory = false;
	if (!r->keeps) {
		r->len = 0;
	}
	if (text.len == 0 || !reserve_decoded(r, text.len)) {
		return false;
	}
	if (!read_all(&c)) {
		r->n = 0;
		return false;
	}
	return true;
}

const struct json_value *
json_root(const struct json_reader *r)
{
	return r->n > 0 ? &r->values[0] : NULL;
}

const struct json_value *
json_first(const struct json_reader *r, const struct json_value *v)
{
	uint32_t i;

	if (v == NULL || v->type > JSON_ARRAY) {
		return NULL;
	}
	i = (uint32_t)(v - r->values) + 1;
	return i < v->next ? &r->values[i] : NULL;
}

const struct json_value *
json_next(const struct json_reader *r, const struct json_value *parent,
	  const struct json_value *v)
{
	return v->next < parent->next ? &r->values[v->next] : NULL;
}

const struct json_value *
json_member(const struct json_reader *r, const struct json_value *obj,
	    struct view name)
{
	uint32_t i, hash;

	if (obj == NULL || obj->type != JSON_OBJECT) {
		return NULL;
	}
	hash = json_name_hash(name);
	for (i = (uint32_t)(obj - r->values) + 1; i < obj->next;
	     i = r->values[i].next) {
		if (r->values[i].name_hash == hash &&
		    view_eq(r->values[i].name, name)) {
			return &r->values[i];
		}
	}
	return NULL;
}

bool
json_uint(const struct json_value *v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (v->type != JSON_NUMBER || v->text.len > 20) {
		return false;
	}
	for (size_t i = 0; i < v->text.len; i++) {
		uint64_t digit = (uint64_t)v->text.p[i] - '0';

		if (digit > 9 || digit > max || n > (max - digit) / 10) {
			return false;
		}
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}
