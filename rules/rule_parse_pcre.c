/* SPDX-License-Identifier: Apache-2.0 */
/* pcre: expressions, compiled once by PCRE2 with its JIT. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/rule_draft.h"

#include <stdlib.h>

#define PCRE_MAX 8192

struct pcre_words {
	struct view pattern;
	uint32_t options;
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
		if (c == ',') {
			return diag_set(r->d, ERR_FORMAT,
					"pcre: captures are not kept; leave "
					"out what follows the comma");
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
	if (value.len < 3 || value.p[0] != '/' || end < 2) {
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

/* The list of the buffer that a flag names. */
static enum err
pcre_list(struct rule_draft *r, const struct pcre_words *p, uint8_t *at)
{
	const struct keyword *w = keyword_find(view_cstr(p->buffer));
	const struct keyword *now = draft_cur(r)->word;

	if (r->cur == 0) {
		return draft_list_of(r, w, false, at);
	}
	if (now != NULL && now->a == w->a && now->b == w->b) {
		*at = r->cur;
		return ERR_OK;
	}
	return diag_set(r->d, ERR_FORMAT,
			"pcre: a flag names %s, but another sticky buffer is "
			"set; leave the flag out",
			p->buffer);
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
	e = p.buffer != NULL ? pcre_list(r, &p, &at) : ERR_OK;
	if (e != ERR_OK) {
		return e;
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
	return ERR_OK;
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
