/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths, numbers read from the bytes, and base64. */
#include "rules/rule_draft.h"

#define MAX_PARTS 16
#define OFFSET_MAX 65535
#define BASE64_OPS 4 /* each holds a buffer on the verifier's stack */

enum err
parse_bsize(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_op *o;
	struct test t;
	enum err e;

	if (draft_cur(r)->word == NULL && !draft_cur(r)->is_base64) {
		return diag_set(r->d, ERR_FORMAT,
				"bsize: stands behind a sticky buffer; for "
				"payload write dsize");
	}
	e = draft_compare(r, w->name, value, UINT32_MAX, &t);
	if (e != ERR_OK) {
		return e;
	}
	o = draft_add_op(r, OP_BSIZE);
	if (o == NULL) {
		return ERR_LIMIT;
	}
	o->op.bsize.compare = t.compare;
	o->op.bsize.a = t.a;
	o->op.bsize.b = t.b;
	return ERR_OK;
}

enum err
parse_urilen(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	uint8_t at, before = r->cur;
	const char *buffer = "http_uri";
	enum err e;

	if (n == 2 && text_is(parts[1], "raw")) {
		buffer = "http_raw_uri";
	} else if (n == 0 || n > 2 || (n == 2 && !text_is(parts[1], "norm"))) {
		return diag_set(r->d, ERR_FORMAT,
				"urilen: write LENGTH or LENGTH,raw");
	}
	e = draft_list_of(r, keyword_find(view_cstr(buffer)), false, &at);
	if (e != ERR_OK) {
		return e;
	}
	r->cur = at;
	e = parse_bsize(r, w, parts[0]);
	r->cur = before;
	return e;
}

static enum err
read_isdataat(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	struct draft_op *o;
	unsigned n;
	bool negated = false;
	struct operand at;
	enum err e;

	value = text_unquote(value);
	if (value.len > 0 && value.p[0] == '!') {
		negated = true;
		value = text_trim(view_of(value.p + 1, value.len - 1));
	}
	n = text_split(value, ',', parts, MAX_PARTS);
	if (n == 0) {
		return diag_set(r->d, ERR_FORMAT, "isdataat: write a number");
	}
	e = draft_operand(r, w->name, parts[0], 0, OFFSET_MAX, &at);
	if (e != ERR_OK) {
		return e;
	}
	o = draft_add_op(r, OP_ISDATAAT);
	if (o == NULL) {
		return ERR_LIMIT;
	}
	o->op.at = at;
	o->op.flags = negated ? OPF_NEGATED : 0;
	for (unsigned i = 1; i < n; i++) {
		if (text_is(parts[i], "relative")) {
			o->op.flags |= OPF_RELATIVE;
		} else if (!text_is(parts[i], "rawbytes")) {
			return diag_set(r->d, ERR_FORMAT,
					"isdataat: unknown word \"%.*s\"",
					TEXT_ARG(parts[i]));
		}
	}
	return ERR_OK;
}

/* What byte_test and its kin have in common, behind their first words. */
static enum err
byte_word(struct rule_draft *r, const struct keyword *w, struct view v,
	  struct op *op)
{
	static const struct {
		const char *word;
		uint16_t flag;
		uint8_t base;
	} words[] = {
		{ "relative", OPF_RELATIVE, 0 },
		{ "little", OPF_LITTLE, 0 },
		{ "string", OPF_STRING, 0 },
		{ "hex", 0, 16 },
		{ "dec", 0, 10 },
		{ "oct", 0, 8 },
		{ "align", OPF_ALIGN, 0 },
		{ "from_beginning", OPF_FROM_BEGINNING, 0 },
		{ "from_end", OPF_FROM_END, 0 },
	};
	static const char *const numbers[] = { "multiplier", "post_offset",
					       "bitmask", "align" };
	struct view name, rest = v;
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(v, words[i].word)) {
			op->flags |= words[i].flag;
			op->byte.base = MAX(op->byte.base, words[i].base);
			op->byte.align = 4;
			return ERR_OK;
		}
	}
	if (text_is(v, "big")) { /* of two the last one counts */
		op->flags &= (uint16_t)~OPF_LITTLE;
		return ERR_OK;
	}
	if (text_is(v, "dce")) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: dce needs DCERPC, which is not parsed; "
				"say little or big",
				w->name);
	}
	text_next_word(&rest, &name);
	rest = text_trim(rest);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (!text_is(name, numbers[i]) || !text_i64(rest, &n)) {
			continue;
		}
		if (i == 0 && n > 0 && n <= OFFSET_MAX) {
			op->byte.multiplier = (uint32_t)n;
			return ERR_OK;
		}
		if (i == 1 && n >= -OFFSET_MAX && n <= OFFSET_MAX) {
			op->byte.post_offset = (int32_t)n;
			return ERR_OK;
		}
		if (i == 2 && n >= 0 && n <= UINT32_MAX) {
			op->byte.bitmask = (uint64_t)n;
			op->flags |= OPF_BITMASK;
			return ERR_OK;
		}
		if (i == 3 && (n == 2 || n == 4)) {
			op->flags |= OPF_ALIGN;
			op->byte.align = (uint32_t)n;
			return ERR_OK;
		}
	}
	return diag_set(r->d, ERR_FORMAT, "%s: unknown word \"%.*s\"", w->name,
			TEXT_ARG(v));
}

static enum err
byte_check(struct rule_draft *r, const struct keyword *w, const struct op *op)
{
	bool string = (op->flags & OPF_STRING) != 0;
	int64_t most = string ? 23 : op->type == OP_BYTE_MATH ? 10 : 8;
	int64_t least = string && op->type != OP_BYTE_MATH ? 0 : 1;
	uint16_t foreign = OPF_FROM_BEGINNING | OPF_FROM_END;

	if (op->byte.base != 0 && !string) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: hex, dec and oct are of numbers in text: "
				"say string before them",
				w->name);
	}
	if ((op->flags & foreign) == foreign) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: from_beginning and from_end exclude each "
				"other",
				w->name);
	}
	if (op->type != OP_BYTE_JUMP &&
	    ((op->flags & foreign) != 0 || op->byte.post_offset != 0)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: from_beginning, from_end and post_offset "
				"belong to byte_jump",
				w->name);
	}
	if ((op->type == OP_BYTE_TEST || op->type == OP_BYTE_MATH) &&
	    ((op->flags & OPF_ALIGN) != 0 || op->byte.multiplier != 1)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: align and multiplier belong to byte_jump "
				"and byte_extract",
				w->name);
	}

	if (op->byte.n_bytes.var < 0 &&
	    (op->byte.n_bytes.n < least || op->byte.n_bytes.n > most)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: %lld bytes; 1 to %lld can be read",
				w->name, (long long)op->byte.n_bytes.n,
				(long long)most);
	}
	return ERR_OK;
}

static struct draft_op *
new_byte_op(struct rule_draft *r, enum op_type type)
{
	struct draft_op *o = draft_add_op(r, type);

	if (o != NULL) {
		o->op.byte.multiplier = 1;
		o->op.byte.n_bytes.var = o->op.byte.offset.var =
			o->op.byte.value.var = -1;
		o->op.byte.result = -1;
	}
	return o;
}

static const char *
test_sign(struct view *v, uint8_t *c)
{
	static const struct {
		const char *sign;
		enum cmp c;
	} signs[] = { { "<=", CMP_LE }, { ">=", CMP_GE }, { "<", CMP_LT },
		      { ">", CMP_GT },  { "=", CMP_EQ },  { "&", CMP_AND },
		      { "^", CMP_OR } };

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (text_is(*v, signs[i].sign)) {
			*c = (uint8_t)signs[i].c;
			return NULL;
		}
	}
	return "the sign is one of < > = <= >= & ^, with ! before it or not";
}

/* BYTES,[!]SIGN,VALUE,OFFSET[,words] */
static enum err
read_byte_test(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = new_byte_op(r, OP_BYTE_TEST);
	const char *wrong;
	enum err e;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	if (n < 4) {
		return diag_set(r->d, ERR_FORMAT,
				"byte_test: write BYTES,SIGN,VALUE,OFFSET");
	}
	if (parts[1].len > 0 && parts[1].p[0] == '!') {
		o->op.flags |= OPF_NEGATED;
		parts[1] = text_trim(view_sub(parts[1], 1, parts[1].len));
		if (parts[1].len == 0) {
			parts[1] = VIEW_LIT("=");
		}
	}
	wrong = test_sign(&parts[1], &o->op.byte.compare);
	if (wrong != NULL) {
		return diag_set(r->d, ERR_FORMAT, "byte_test: %s", wrong);
	}
	e = draft_operand(r, w->name, parts[0], 0, 23, &o->op.byte.n_bytes);
	if (e == ERR_OK) {
		e = draft_operand(r, w->name, parts[2], INT64_MIN, INT64_MAX,
				  &o->op.byte.value);
	}
	if (e == ERR_OK) {
		e = draft_operand(r, w->name, parts[3], -OFFSET_MAX, OFFSET_MAX,
				  &o->op.byte.offset);
	}
	for (unsigned i = 4; e == ERR_OK && i < n; i++) {
		e = byte_word(r, w, parts[i], &o->op);
	}
	return e == ERR_OK ? byte_check(r, w, &o->op) : e;
}

/* BYTES,OFFSET[,words] */
static enum err
read_byte_jump(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = new_byte_op(r, OP_BYTE_JUMP);
	enum err e;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	if (n < 2) {
		return diag_set(r->d, ERR_FORMAT,
				"byte_jump: write BYTES,OFFSET");
	}
	e = draft_operand(r, w->name, parts[0], 0, 23, &o->op.byte.n_bytes);
	if (e == ERR_OK) {
		e = draft_operand(r, w->name, parts[1], -OFFSET_MAX, OFFSET_MAX,
				  &o->op.byte.offset);
	}
	for (unsigned i = 2; e == ERR_OK && i < n; i++) {
		e = byte_word(r, w, parts[i], &o->op);
	}
	if (e == ERR_OK && o->op.byte.n_bytes.var < 0 &&
	    o->op.byte.n_bytes.n == 0) {
		return ERR_OK; /* moves by post_offset alone */
	}
	return e == ERR_OK ? byte_check(r, w, &o->op) : e;
}

static enum err
new_var(struct rule_draft *r, const struct keyword *w, struct view name,
	int8_t *number)
{
	int64_t n;

	if (name.len == 0 || text_i64(name, &n)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is no name for a result", w->name,
				TEXT_ARG(name));
	}
	if (r->n_vars == RULE_MAX_VARS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d names",
				RULE_MAX_VARS);
	}
	*number = (int8_t)r->n_vars;
	r->var_list[r->n_vars] = r->cur;
	r->vars[r->n_vars++] = name;
	return ERR_OK;
}

/* BYTES,OFFSET,NAME[,words] */
static enum err
read_byte_extract(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = new_byte_op(r, OP_BYTE_EXTRACT);
	enum err e;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	if (n < 3) {
		return diag_set(r->d, ERR_FORMAT,
				"byte_extract: write BYTES,OFFSET,NAME");
	}
	e = draft_operand(r, w->name, parts[0], 0, 23, &o->op.byte.n_bytes);
	if (e == ERR_OK) {
		e = draft_operand(r, w->name, parts[1], -OFFSET_MAX, OFFSET_MAX,
				  &o->op.byte.offset);
	}
	for (unsigned i = 3; e == ERR_OK && i < n; i++) {
		e = byte_word(r, w, parts[i], &o->op);
	}
	if (e == ERR_OK) {
		e = byte_check(r, w, &o->op);
	}
	return e == ERR_OK ? new_var(r, w, parts[2], &o->op.byte.result) : e;
}

static enum err
math_oper(struct rule_draft *r, struct view v, uint8_t *out)
{
	static const struct {
		const char *sign;
		enum math m;
	} signs[] = {
		{ "+", MATH_ADD }, { "-", MATH_SUB },  { "*", MATH_MUL },
		{ "/", MATH_DIV }, { "<<", MATH_SHL }, { ">>", MATH_SHR }
	};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (text_is(v, signs[i].sign)) {
			*out = (uint8_t)signs[i].m;
			return ERR_OK;
		}
	}
	return diag_set(r->d, ERR_FORMAT,
			"byte_math: oper is one of + - * / << >>");
}

struct math_seen {
	bool bytes, offset, oper, rvalue;
	struct view result;
};

static enum err
math_word(struct rule_draft *r, const struct keyword *w, struct view part,
	  struct op *op, struct math_seen *seen)
{
	struct view name, v = part;
	struct operand mask;
	enum err e;

	text_next_word(&v, &name);
	v = text_trim(v);
	if ((seen->bytes && text_is(name, "bytes")) ||
	    (seen->offset && text_is(name, "offset")) ||
	    (seen->oper && text_is(name, "oper")) ||
	    (seen->rvalue && text_is(name, "rvalue")) ||
	    (seen->result.len > 0 && text_is(name, "result"))) {
		return diag_set(r->d, ERR_FORMAT, "%s: \"%.*s\" stands twice",
				w->name, TEXT_ARG(name));
	}
	if (text_is(name, "bytes")) {
		seen->bytes = true;
		return draft_operand(r, w->name, v, 1, 10, &op->byte.n_bytes);
	}
	if (text_is(name, "offset")) {
		seen->offset = true;
		return draft_operand(r, w->name, v, -OFFSET_MAX, OFFSET_MAX,
				     &op->byte.offset);
	}
	if (text_is(name, "oper")) {
		seen->oper = true;
		return math_oper(r, v, &op->byte.math);
	}
	if (text_is(name, "rvalue")) {
		seen->rvalue = true;
		e = draft_operand(r, w->name, v, 0, UINT32_MAX,
				  &op->byte.value);
		return e;
	}
	if (text_is(name, "result")) {
		seen->result = v;
		return ERR_OK;
	}
	if (text_is(name, "bitmask")) {
		op->flags |= OPF_BITMASK;
		e = draft_operand(r, w->name, v, 0, UINT32_MAX, &mask);
		op->byte.bitmask = (uint64_t)mask.n;
		return e;
	}
	if (text_is(name, "endian")) {
		return byte_word(r, w, v, op);
	}
	if (text_is(name, "string")) {
		op->flags |= OPF_STRING;
		return byte_word(r, w, v, op);
	}
	return byte_word(r, w, part, op);
}

/* bytes N, offset N, oper SIGN, rvalue N, result NAME[, words] */
static enum err
read_byte_math(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = new_byte_op(r, OP_BYTE_MATH);
	struct math_seen seen = { .bytes = false };
	enum err e = ERR_OK;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		e = math_word(r, w, parts[i], &o->op, &seen);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!seen.bytes || !seen.offset || !seen.oper || !seen.rvalue ||
	    seen.result.len == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"byte_math: needs bytes, offset, oper, rvalue "
				"and result");
	}
	if (o->op.byte.math == MATH_DIV && o->op.byte.value.var < 0 &&
	    o->op.byte.value.n == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"byte_math: division by zero");
	}
	e = byte_check(r, w, &o->op);
	return e == ERR_OK ? new_var(r, w, seen.result, &o->op.byte.result) : e;
}

/* [bytes N][, offset N][, relative] */
static enum err
read_base64_decode(struct rule_draft *r, const struct keyword *w,
		   struct view value)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);
	struct draft_op *o = draft_add_op(r, OP_BASE64);
	unsigned others = 0;

	if (o == NULL) {
		return ERR_LIMIT;
	}
	for (uint8_t i = 0; i < r->n_lists; i++) {
		for (uint16_t k = 0; k < r->lists[i].n_ops; k++) {
			others += r->lists[i].ops[k].op.type == OP_BASE64;
		}
	}
	if (others > BASE64_OPS) {
		return diag_set(r->d, ERR_LIMIT,
				"base64_decode: more than %d in a rule",
				BASE64_OPS);
	}
	for (unsigned i = 0; i < n; i++) {
		struct view name, v = parts[i];
		uint64_t number = 0;
		bool good;

		text_next_word(&v, &name);
		good = text_u64(text_trim(v), &number) && number <= UINT32_MAX;
		if (text_is(parts[i], "relative")) {
			o->op.flags |= OPF_RELATIVE;
		} else if (good && text_is(name, "bytes") &&
			   number <= OFFSET_MAX) {
			o->op.base64.bytes = (uint32_t)number;
		} else if (good && text_is(name, "offset")) {
			o->op.base64.offset = (uint32_t)number;
		} else {
			return diag_set(r->d, ERR_FORMAT,
					"%s: unknown word \"%.*s\"", w->name,
					TEXT_ARG(parts[i]));
		}
	}
	return ERR_OK;
}

enum err
parse_base64_data(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	struct draft_list *from = &r->lists[r->latest];
	enum err e;

	(void)value;
	if (from->is_base64 || from->n_ops == 0 ||
	    from->ops[from->n_ops - 1].op.type != OP_BASE64) {
		return diag_set(r->d, ERR_FORMAT,
				"base64_data: stands directly behind "
				"base64_decode");
	}
	e = draft_list_of(r, w, true, &r->cur);
	if (e == ERR_OK) {
		from->ops[from->n_ops - 1].base64_list = r->cur;
		r->lists[r->cur].word = NULL;
		r->lists[r->cur].is_base64 = true;
		r->last_op = -1;
	}
	return e;
}

/* Whether one of the words is "relative". */
static bool
is_relative(struct view value)
{
	struct view part;

	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		if (text_is(part, "relative")) {
			return true;
		}
	}
	return false;
}

/* The readers of tests that may be relative, where they belong. */
#define FOLLOWING(name) \
	enum err parse_##name(struct rule_draft *r, const struct keyword *w, \
			      struct view value) \
	{ \
		uint8_t before = draft_follow(r, is_relative(value)); \
		enum err e = read_##name(r, w, value); \
		r->cur = before; \
		return e; \
	}
FOLLOWING(isdataat)
FOLLOWING(byte_test)
FOLLOWING(byte_jump)
FOLLOWING(byte_extract)
FOLLOWING(byte_math)
FOLLOWING(base64_decode)
