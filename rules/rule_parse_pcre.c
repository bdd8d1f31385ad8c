/* SPDX-License-Identifier: Apache-2.0 */
/* pcre: expressions, compiled once by PCRE2 with its JIT. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/rule_draft.h"

#include <stdlib.h>

#include "rules/pcre_shape.h"

#define PCRE_MAX 8192

struct pcre_words {
	struct view pattern;
	uint32_t options;
	struct view captures; /* "flow:NAME,pkt:NAME" */
	bool negated, relative, no_limit;
	const char *buffer; /* modifier that means the same; NULL: none */
};

static const struct {
	char flag;
	const char *buffer;
} buffer_flags[] = {
	{ 'U', "http_uri" },         { 'I', "http_raw_uri" },
	{ 'P', "http_client_body" }, { 'Q', "http_server_body" },
	{ 'H', "http_header" },      { 'D', "http_raw_header" },
	{ 'M', "http_method" },      { 'C', "http_cookie" },
	{ 'V', "http_user_agent" },  { 'W', "http_host" },
	{ 'Z', "http_raw_host" },    { 'S', "http_stat_code" },
	{ 'Y', "http_stat_msg" },
};

static bool
option_flag(struct pcre_words *p, uint8_t c)
{
	switch (c) {
	case 'i':
		p->options |= PCRE2_CASELESS;
		return true;
	case 's':
		p->options |= PCRE2_DOTALL;
		return true;
	case 'm':
		p->options |= PCRE2_MULTILINE;
		return true;
	case 'x':
		p->options |= PCRE2_EXTENDED;
		return true;
	case 'A':
		p->options |= PCRE2_ANCHORED;
		return true;
	case 'E':
		p->options |= PCRE2_DOLLAR_ENDONLY;
		return true;
	case 'G':
		p->options |= PCRE2_UNGREEDY;
		return true;
	case 'R':
		p->relative = true;
		return true;
	case 'B': /* raw bytes: what payload always is */
		return true;
	case 'O':
		p->no_limit = true;
		return true;
	default:
		return false;
	}
}

static enum err
pcre_flags(struct rule_draft *r, struct pcre_words *p, struct view flags)
{
	for (size_t i = 0; i < flags.len; i++) {
		uint8_t c = flags.p[i];
		const char *buffer = NULL;

		if (option_flag(p, c)) {
			continue;
		}
		for (size_t k = 0; k < ARRAY_LEN(buffer_flags); k++) {
			if (buffer_flags[k].flag == c) {
				buffer = buffer_flags[k].buffer;
			}
		}
		if (c == ',' || c == ' ') {
			p->captures = view_sub(flags, i + 1, flags.len);
			return ERR_OK;
		}
		if (buffer == NULL) {
			return diag_set(r->d, ERR_FORMAT,
					"pcre: unknown flag '%c'",
					c >= ' ' && c < 127 ? c : '?');
		}
		if (p->buffer != NULL && p->buffer != buffer) {
			return diag_set(r->d, ERR_FORMAT,
					"pcre: flags name two buffers");
		}
		p->buffer = buffer;
	}
	return ERR_OK;
}

static enum err
pcre_split(struct rule_draft *r, struct view value, struct pcre_words *p)
{
	size_t end;

	memset(p, 0, sizeof(*p));
	if (value.len > 0 && value.p[0] == '!') {
		p->negated = true;
		value = text_trim(view_of(value.p + 1, value.len - 1));
	}
	value = text_unquote(value);
	if (value.len > 0 && value.p[0] == 'm' && value.len > 1 &&
	    value.p[1] == '/') {
		value = view_of(value.p + 1, value.len - 1);
	}
	for (end = value.len; end > 1 && value.p[end - 1] != '/'; end--) {
	}
	if (value.len < 2 || value.p[0] != '/' || end < 2) {
		return diag_set(r->d, ERR_FORMAT,
				"pcre: write \"/expression/flags\"");
	}
	p->pattern = view_of(value.p + 1, end - 2);
	if (p->pattern.len > PCRE_MAX) {
		return diag_set(r->d, ERR_LIMIT,
				"pcre: more than %d characters", PCRE_MAX);
	}
	return pcre_flags(r, p, view_sub(value, end, value.len));
}

static bool
keep_code(struct rule_env *env, void *code)
{
	if (env->n_codes == env->cap_codes) {
		size_t cap = env->cap_codes == 0 ? 256 : env->cap_codes * 2;
		void **v = realloc(env->codes, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		env->codes = v;
		env->cap_codes = cap;
	}
	env->codes[env->n_codes++] = code;
	return true;
}

enum err
draft_code(struct rule_draft *r, const struct keyword *w, struct view pattern,
	   uint32_t options, void **out)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	PCRE2_SIZE at = 0;
	int number = 0;
	char text[128];

	if (cc == NULL) {
		return draft_nomem(r);
	}
	/* an expression from a rule may not exhaust our stack */
	pcre2_set_parens_nest_limit(cc, 100);
	code = pcre2_compile(pattern.p, pattern.len,
			     options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
				     PCRE2_NEVER_BACKSLASH_C,
			     &number, &at, cc);
	pcre2_compile_context_free(cc);
	if (code == NULL) {
		pcre2_get_error_message(number, (PCRE2_UCHAR *)text,
					sizeof(text));
		return diag_set(r->d, ERR_FORMAT,
				"%s: %s at character %zu of /%.*s/", w->name,
				text, (size_t)at, TEXT_ARG(pattern));
	}
	if (!keep_code(r->env, code)) {
		pcre2_code_free(code);
		return draft_nomem(r);
	}
	/* Without JIT the interpreter does it, under the same limits. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*out = code;
	return ERR_OK;
}

static const struct {
	const char *word; /* in the list behind the flags */
	const char *prefix; /* of a group's name */
	enum note_kind kind;
} capture_kinds[] = { { "flow", "flow_", NOTE_FLOW },
		      { "pkt", "pkt_", NOTE_PKT },
		      { "alert", "alert_", NOTE_ALERT } };

struct captures {
	struct capture v[RULE_MAX_CAPTURES];
	uint8_t n;
};

static enum err
add_capture(struct rule_draft *r, struct captures *l, unsigned group,
	    enum note_kind kind, struct view name)
{
	struct capture *c;

	for (uint8_t i = 0; i < l->n; i++) {
		if (l->v[i].group == group) {
			return ERR_OK; /* has a name already */
		}
	}
	if (l->n == RULE_MAX_CAPTURES || group > UINT8_MAX) {
		return diag_set(r->d, ERR_LIMIT,
				"pcre: more than %d groups are kept",
				RULE_MAX_CAPTURES);
	}
	c = &l->v[l->n];
	*c = (struct capture){ .group = (uint8_t)group, .kind = (uint8_t)kind };
	if (!name_table_add(&r->env->notes, name, &c->name)) {
		return draft_nomem(r);
	}
	l->n++;
	return ERR_OK;
}

/*
 * "pkt:key,pkt:value" and the same of flow: the first group's text is the
 * name, the second's the value.
 */
static void
join_key(struct captures *l, const struct view names[RULE_MAX_CAPTURES])
{
	if (l->n == 2 && l->v[0].kind == l->v[1].kind &&
	    l->v[0].kind != NOTE_ALERT && text_is(names[0], "key") &&
	    text_is(names[1], "value")) {
		l->v[1].key_group = l->v[0].group;
		l->v[1].name = UINT32_MAX;
		l->v[0] = l->v[1];
		l->n = 1;
	}
}

/* "flow:NAME, pkt:NAME": for the groups in their order */
static enum err
listed_captures(struct rule_draft *r, struct view list, uint32_t groups,
		struct captures *out)
{
	struct view names[RULE_MAX_CAPTURES], part;
	unsigned n = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && text_next(&list, ',', &part)) {
		size_t at = text_find(part, ':');
		struct view kind = text_trim(view_of(part.p, at));
		struct view name = text_trim(view_sub(part, at + 1, part.len));
		size_t k = 0;

		while (k < ARRAY_LEN(capture_kinds) &&
		       !text_is(kind, capture_kinds[k].word)) {
			k++;
		}
		if (k == ARRAY_LEN(capture_kinds) || name.len == 0 ||
		    text_find(name, ' ') != name.len) {
			return diag_set(r->d, ERR_FORMAT,
					"pcre: \"%.*s\" is not understood: "
					"behind the flags write flow:NAME, "
					"pkt:NAME or alert:NAME",
					TEXT_ARG(part));
		}
		if (n == RULE_MAX_CAPTURES) {
			return diag_set(r->d, ERR_LIMIT,
					"pcre: more than %d groups are kept",
					RULE_MAX_CAPTURES);
		}
		if (n == groups) {
			return diag_set(r->d, ERR_FORMAT,
					"pcre: more names than groups (%u)",
					groups);
		}
		names[n++] = name;
		e = add_capture(r, out, n, capture_kinds[k].kind, name);
	}
	if (e == ERR_OK) {
		join_key(out, names);
	}
	return e;
}

/* (?P<flow_NAME>..) and the like */
static enum err
named_captures(struct rule_draft *r, const void *code, struct captures *out)
{
	uint32_t n = 0, size = 0;
	PCRE2_SPTR row = NULL;

	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &n);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &row);
	for (uint32_t i = 0; i < n; i++, row += size) {
		unsigned group = (unsigned)row[0] << 8 | row[1];
		const char *name = (const char *)row + 2;

		for (size_t k = 0; k < ARRAY_LEN(capture_kinds); k++) {
			size_t len = strlen(capture_kinds[k].prefix);
			enum err e;

			if (strncmp(name, capture_kinds[k].prefix, len) != 0 ||
			    name[len] == '\0') {
				continue;
			}
			e = add_capture(r, out, group, capture_kinds[k].kind,
					view_cstr(name + len));
			if (e != ERR_OK) {
				return e;
			}
		}
	}
	return ERR_OK;
}

static enum err
pcre_captures(struct rule_draft *r, const struct pcre_words *p, void *code,
	      struct op *op)
{
	struct captures l = { .n = 0 };
	uint32_t groups = 0;
	enum err e;

	(void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	e = listed_captures(r, p->captures, groups, &l);
	if (e == ERR_OK) {
		e = named_captures(r, code, &l);
	}
	if (e != ERR_OK || l.n == 0) {
		return e;
	}
	op->pcre.captures = draft_copy(r, l.v, l.n * sizeof(l.v[0]));
	op->pcre.n_captures = l.n;
	return op->pcre.captures != NULL ? ERR_OK : ERR_NOMEM;
}

/* The list of the buffer that a flag names. */
static enum err
pcre_list(struct rule_draft *r, const struct pcre_words *p, uint8_t *at)
{
	const struct keyword *w = keyword_find(view_cstr(p->buffer));
	const struct keyword *now = draft_cur(r)->word;

	if (r->cur == 0) {
		return draft_list_of(r, w, false, at);
	}
	/* a body that a server sends is file.data, too */
	if (now != NULL &&
	    ((now->a == w->a && now->b == w->b) ||
	     (now->b == BUF_FILE_DATA && w->b == BUF_HTTP_RESP_BODY))) {
		*at = r->cur;
		return ERR_OK;
	}
	return diag_set(r->d, ERR_FORMAT,
			"pcre: a flag names %s, but another sticky buffer is "
			"set; leave the flag out",
			p->buffer);
}

/* A capital letter that means itself, not one of a "\\W" or "\\x4A". */
static bool
has_capital(struct view pattern)
{
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.p[i] == '\\') {
			i += i + 1 < pattern.len && pattern.p[i + 1] == 'x' ? 3
									    : 1;
		} else if (pattern.p[i] >= 'A' && pattern.p[i] <= 'Z') {
			return true;
		}
	}
	return false;
}

/* Something in the buffer that "R" may be relative to. */
static bool
has_place(const struct draft_list *l)
{
	for (uint16_t i = 0; i < l->n_ops; i++) {
		if (l->ops[i].op.type == OP_CONTENT ||
		    l->ops[i].op.type == OP_PCRE) {
			return true;
		}
	}
	return false;
}

/*
 * What every match holds and how long it can be; nothing where free spacing
 * makes the pattern read differently.
 */
static enum err
pcre_note_shape(struct rule_draft *r, const struct pcre_words *p, struct op *op)
{
	struct pcre_literal v[PCRE_SHAPE_LITERALS];
	struct pcre_shape s;
	bool nocase = (p->options & PCRE2_CASELESS) != 0;

	if (pcre2_pattern_info(op->pcre.code, PCRE2_INFO_MINLENGTH,
			       &op->pcre.shortest) != 0) {
		op->pcre.shortest = 0;
	}
	op->pcre.longest = PCRE_ENDLESS;
	if ((p->options & PCRE2_EXTENDED) != 0) {
		return ERR_OK;
	}
	pcre_shape_of(p->pattern, nocase, &s);
	/* an anchored one begins where the search does */
	if ((p->options & PCRE2_ANCHORED) == 0) {
		op->pcre.longest = s.longest;
	}
	memset(v, 0, sizeof(v));
	for (uint8_t i = 0; i < s.n_literals; i++) {
		const struct pcre_shape_literal *l = &s.literals[i];

		v[i].nocase = nocase;
		v[i].content.len = l->len;
		v[i].content.bytes = draft_copy(r, l->bytes, l->len);
		if (v[i].content.bytes == NULL) {
			return ERR_NOMEM;
		}
	}
	op->pcre.literals = draft_copy(r, v, s.n_literals * sizeof(v[0]));
	op->pcre.front = s.front;
	op->pcre.n_literals = s.n_literals;
	return op->pcre.literals != NULL ? ERR_OK : ERR_NOMEM;
}

enum err
parse_pcre(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint8_t before = r->cur, at = r->cur;
	struct pcre_words p;
	struct draft_op *o;
	void *code = NULL;
	enum err e;

	e = pcre_split(r, value, &p);
	if (e != ERR_OK) {
		return e;
	}
	e = draft_code(r, w, p.pattern, p.options, &code);
	if (e != ERR_OK) {
		return e;
	}
	if (p.buffer != NULL && strcmp(p.buffer, "http_host") == 0 &&
	    (p.options & PCRE2_CASELESS) == 0 && has_capital(p.pattern)) {
		return diag_set(r->d, ERR_FORMAT,
				"pcre: W is http.host, which is lower case; "
				"the expression is not");
	}
	e = p.buffer != NULL ? pcre_list(r, &p, &at) : ERR_OK;
	if (e != ERR_OK) {
		return e;
	}
	if (p.relative && before == 0 && !has_place(&r->lists[at])) {
		return diag_set(r->d, ERR_FORMAT,
				"pcre: R needs a content or pcre before it in "
				"the same buffer");
	}
	r->cur = at;
	o = draft_add_op(r, OP_PCRE);
	r->cur = before;
	if (o == NULL) {
		return ERR_LIMIT;
	}
	o->op.flags =
		(p.negated ? OPF_NEGATED : 0) | (p.relative ? OPF_RELATIVE : 0);
	o->op.pcre.code = code;
	o->op.pcre.no_limit = p.no_limit;
	e = pcre_note_shape(r, &p, &o->op);
	if (e != ERR_OK) {
		return e;
	}
	return p.negated ? ERR_OK : pcre_captures(r, &p, code, &o->op);
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "2", "1.5", or "2_compat", which 1.99 is too: how ssh.proto begins. */
enum err
parse_ssh_version(struct rule_draft *r, const struct keyword *w,
		  struct view value)
{
	struct view v = text_unquote(value), pattern;
	char text[] = "\"/^0\\.0/\"";
	uint8_t before = r->cur;
	enum err e;

	if (text_is(v, "2_compat")) {
		pattern = VIEW_LIT("\"/^2|^1\\.99/\"");
	} else if (v.len == 1 && is_digit(v.p[0])) {
		text[3] = (char)v.p[0];
		memcpy(text + 4, "/\"", sizeof("/\""));
		pattern = view_cstr(text);
	} else if (v.len == 3 && is_digit(v.p[0]) && v.p[1] == '.' &&
		   is_digit(v.p[2])) {
		text[3] = (char)v.p[0];
		text[6] = (char)v.p[2];
		pattern = view_cstr(text);
	} else {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is no version: write 2, 1.5 or "
				"2_compat",
				w->name, TEXT_ARG(v));
	}
	e = draft_list_of(r, w, true, &r->cur);
	if (e == ERR_OK) {
		e = parse_pcre(r, w, pattern);
	}
	r->cur = before;
	return e;
}
