/* SPDX-License-Identifier: Apache-2.0 */
/* flow, flowbits, flowint, thresholds: what a rule asks of the past. */
#include "rules/rule_draft.h"
#include "rules/threshold_words.h"

#define MAX_PARTS 16

enum err
parse_flow(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *word;
		uint8_t dirs, flags;
	} words[] = {
		{ "to_server", 1 << DIR_TOSERVER, 0 },
		{ "from_client", 1 << DIR_TOSERVER, 0 },
		{ "to_client", 1 << DIR_TOCLIENT, 0 },
		{ "from_server", 1 << DIR_TOCLIENT, 0 },
		{ "established", 0, FLOW_ESTABLISHED },
		{ "not_established", 0, FLOW_NOT_ESTABLISHED },
		{ "stateless", 0, 0 },
		{ "no_stream", 0, FLOW_NO_STREAM },
		{ "only_stream", 0, FLOW_ONLY_STREAM },
		{ "no_frag", 0, FLOW_NO_FRAG },
		{ "only_frag", 0, FLOW_ONLY_FRAG },
	};
	struct view part;
	uint8_t dirs = 0;

	if (r->has_flow_word) {
		return diag_set(r->d, ERR_FORMAT, "flow: stands twice");
	}
	r->has_flow_word = true;
	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		size_t i;

		for (i = 0; i < ARRAY_LEN(words); i++) {
			if (text_is(part, words[i].word)) {
				break;
			}
		}
		if (i == ARRAY_LEN(words)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: unknown word \"%.*s\"", w->name,
					TEXT_ARG(part));
		}
		dirs |= words[i].dirs;
		r->prog.flow |= words[i].flags;
		if ((words[i].flags & (FLOW_NO_FRAG | FLOW_ONLY_FRAG)) == 0) {
			r->prog.flow |= FLOW_NEEDED;
		}
	}
	if (dirs == 3 ||
	    (r->prog.flow & (FLOW_ESTABLISHED | FLOW_NOT_ESTABLISHED)) ==
		    (FLOW_ESTABLISHED | FLOW_NOT_ESTABLISHED) ||
	    (r->prog.flow & (FLOW_NO_STREAM | FLOW_ONLY_STREAM)) ==
		    (FLOW_NO_STREAM | FLOW_ONLY_STREAM)) {
		return diag_set(r->d, ERR_FORMAT,
				"flow: two words contradict each other");
	}
	if (dirs != 0) {
		r->prog.dirs = dirs;
	}
	return ERR_OK;
}

static enum err
bit_names(struct rule_draft *r, struct view names, struct bit_op *op)
{
	uint32_t ids[MAX_PARTS];
	struct view name;

	while (text_next(&names, '|', &name)) {
		if (op->n == MAX_PARTS) {
			return diag_set(r->d, ERR_LIMIT,
					"flowbits: more than %d names",
					MAX_PARTS);
		}
		for (size_t i = 0; i < name.len; i++) {
			if (text_is_space(name.p[i])) {
				name.len = 0;
			}
		}
		if (name.len == 0) {
			return diag_set(r->d, ERR_FORMAT,
					"flowbits: a name is empty or has "
					"spaces");
		}
		if (!name_table_add(&r->env->flowbits, name, &ids[op->n++])) {
			return draft_nomem(r);
		}
	}
	if (op->n == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"flowbits: write COMMAND,NAME");
	}
	op->ids = draft_copy(r, ids, op->n * sizeof(ids[0]));
	return op->ids != NULL ? ERR_OK : ERR_NOMEM;
}

enum err
parse_flowbits(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *word;
		enum bit_cmd cmd;
	} words[] = { { "isset", BIT_ISSET },
		      { "isnotset", BIT_ISNOTSET },
		      { "set", BIT_SET },
		      { "unset", BIT_UNSET },
		      { "toggle", BIT_TOGGLE } };
	struct bit_op op = { .cmd = 255 };
	struct view cmd;
	bool asks;
	enum err e;

	value = text_unquote(value);
	if (!text_next(&value, ',', &cmd)) {
		return diag_set(r->d, ERR_FORMAT,
				"flowbits: write COMMAND,NAME");
	}
	if (text_is(cmd, "noalert")) {
		if (text_trim(value).len > 0) {
			return diag_set(r->d, ERR_FORMAT,
					"flowbits: noalert has no name");
		}
		r->rule->noalert = true;
		return ERR_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(cmd, words[i].word)) {
			op.cmd = (uint8_t)words[i].cmd;
		}
	}
	if (op.cmd == 255) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: unknown command \"%.*s\"", w->name,
				TEXT_ARG(cmd));
	}
	asks = op.cmd == BIT_ISSET || op.cmd == BIT_ISNOTSET;
	e = bit_names(r, text_trim(value), &op);
	if (e != ERR_OK) {
		return e;
	}
	if (!asks && op.n > 1) {
		return diag_set(r->d, ERR_FORMAT,
				"flowbits: one name; '|' goes with isset and "
				"isnotset");
	}
	if ((asks ? r->prog.n_bits : r->prog.n_bits_set) == RULE_MAX_BITS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d flowbits",
				RULE_MAX_BITS);
	}
	if (asks) {
		r->bits[r->prog.n_bits++] = op;
	} else {
		r->bits_set[r->prog.n_bits_set++] = op;
	}
	r->prog.flow |= FLOW_NEEDED;
	return ERR_OK;
}

static enum err
int_change(struct rule_draft *r, uint32_t var, enum int_cmd cmd, struct view v)
{
	struct int_op op = { .cmd = (uint8_t)cmd, .var = (uint16_t)var };
	uint64_t n;

	if (text_u64(v, &n) && n <= UINT32_MAX) {
		op.value = (uint32_t)n;
	} else if (v.len > 0 && (v.p[0] < '0' || v.p[0] > '9')) {
		op.from_var = true;
		if (!name_table_add(&r->env->flowints, v, &op.value)) {
			return draft_nomem(r);
		}
	} else {
		return diag_set(r->d, ERR_FORMAT,
				"flowint: \"%.*s\" is neither a 32-bit number "
				"nor a name",
				TEXT_ARG(v));
	}
	if (r->prog.n_ints == RULE_MAX_BITS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d flowints",
				RULE_MAX_BITS);
	}
	r->ints[r->prog.n_ints++] = op;
	return ERR_OK;
}

static enum err
int_test(struct rule_draft *r, uint32_t var, enum cmp c, struct view v)
{
	struct test t = { .fact = FACT_FLOWINT,
			  .compare = (uint8_t)c,
			  .arg = (uint16_t)var };
	uint32_t other;

	if (text_u64(v, &t.a) && t.a <= UINT32_MAX) {
		return draft_add_test(r, &t);
	}
	if (v.len == 0 || (v.p[0] >= '0' && v.p[0] <= '9')) {
		return diag_set(r->d, ERR_FORMAT,
				"flowint: \"%.*s\" is neither a 32-bit number "
				"nor a name",
				TEXT_ARG(v));
	}
	if (!name_table_add(&r->env->flowints, v, &other)) {
		return draft_nomem(r);
	}
	t.negated = true; /* compares with a variable */
	t.b = other;
	return draft_add_test(r, &t);
}

/* flowvar:NAME,"bytes"; pktvar the same: the value that was captured */
enum err
parse_note(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct test t = { .fact = FACT_NOTE, .arg = (uint16_t)w->a };
	struct view name = VIEW_NONE;
	uint32_t id;
	enum err e;

	text_next(&value, ',', &name);
	value = text_trim(value);
	if (name.len == 0 || value.len == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: write NAME,\"bytes\"",
				w->name);
	}
	e = draft_bytes(r, w, value, true, &t.negated, &t.text);
	if (e != ERR_OK) {
		return e;
	}
	if (!name_table_add(&r->env->notes, name, &id)) {
		return draft_nomem(r);
	}
	t.a = id;
	r->prog.flow |= FLOW_NEEDED;
	return draft_add_test(r, &t);
}

/* NAME,SIGN,VALUE or NAME,isset */
enum err
parse_flowint(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *sign;
		int cmd; /* enum int_cmd, or -1 */
		enum cmp c;
	} signs[] = { { "+", INT_ADD, 0 },  { "-", INT_SUB, 0 },
		      { "=", INT_SET, 0 },  { "<", -1, CMP_LT },
		      { "<=", -1, CMP_LE }, { ">", -1, CMP_GT },
		      { ">=", -1, CMP_GE }, { "==", -1, CMP_EQ },
		      { "!=", -1, CMP_NE } };
	struct view name = VIEW_NONE, sign = VIEW_NONE, v = VIEW_NONE;
	struct test t = { .fact = FACT_FLOWINT_ISSET };
	uint32_t var;

	value = text_unquote(value);
	text_next(&value, ',', &name);
	text_next(&value, ',', &sign);
	v = text_trim(value);
	if (name.len == 0 || sign.len == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"flowint: write NAME,SIGN,VALUE");
	}
	if (!name_table_add(&r->env->flowints, name, &var)) {
		return draft_nomem(r);
	}
	if (var > 1023) {
		return diag_set(r->d, ERR_LIMIT,
				"flowint: more than 1024 names in all");
	}
	r->prog.flow |= FLOW_NEEDED;
	t.arg = (uint16_t)var;
	if (text_is(sign, "isset")) {
		return draft_add_test(r, &t);
	}
	if (text_is(sign, "notset") || text_is(sign, "isnotset")) {
		t.fact = FACT_FLOWINT_NOTSET;
		return draft_add_test(r, &t);
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (!text_is(sign, signs[i].sign)) {
			continue;
		}
		return signs[i].cmd >= 0
			       ? int_change(r, var, (enum int_cmd)signs[i].cmd,
					    v)
			       : int_test(r, var, signs[i].c, v);
	}
	return diag_set(r->d, ERR_FORMAT, "%s: unknown sign \"%.*s\"", w->name,
			TEXT_ARG(sign));
}

/* type limit, track by_src, count 1, seconds 60 - in any order */
enum err
parse_threshold(struct rule_draft *r, const struct keyword *w,
		struct view value)
{
	bool filter = w->shape == KW_DETECTION_FILTER;
	struct threshold_words t = {
		.t.type = filter ? THRESHOLD_DETECTION : THRESHOLD_NONE,
	};
	struct view part, name;
	const char *lacks;

	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		struct view v = part;

		text_next_word(&v, &name);
		if (!threshold_word(&t, name, text_trim(v))) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: \"%.*s\" is not understood: "
					"type, track, count, seconds",
					w->name, TEXT_ARG(part));
		}
	}
	lacks = threshold_lacks(&t);
	if (lacks != NULL) {
		return diag_set(r->d, ERR_FORMAT, "%s: %s", w->name, lacks);
	}
	if (r->rule->threshold.type != THRESHOLD_NONE ||
	    r->rule->detection_filter.type != THRESHOLD_NONE) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: a rule has one threshold or "
				"detection_filter",
				w->name);
	}
	if (filter) {
		r->rule->detection_filter = t.t;
	} else {
		r->rule->threshold = t.t;
	}
	return ERR_OK;
}

/* SIDE,SIGN,BYTES */
enum err
parse_stream_size(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	static const char *const sides[] = { "server", "client", "both",
					     "either" };
	static const struct {
		const char *sign;
		enum cmp c;
	} signs[] = { { "<", CMP_LT },  { "<=", CMP_LE }, { ">", CMP_GT },
		      { ">=", CMP_GE }, { "=", CMP_EQ },  { "!=", CMP_NE } };
	struct view side = VIEW_NONE, sign = VIEW_NONE;
	struct test t = { .fact = FACT_STREAM_SIZE };
	bool known_side = false, known_sign = false;

	value = text_unquote(value);
	text_next(&value, ',', &side);
	text_next(&value, ',', &sign);
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		if (text_is(side, sides[i])) {
			t.arg = (uint16_t)i;
			known_side = true;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (text_is(sign, signs[i].sign)) {
			t.compare = (uint8_t)signs[i].c;
			known_sign = true;
		}
	}
	if (!known_side || !known_sign || !text_u64(text_trim(value), &t.a)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write server|client|both|either, "
				"SIGN,BYTES",
				w->name);
	}
	r->prog.flow |= FLOW_NEEDED;
	return draft_add_test(r, &t);
}
