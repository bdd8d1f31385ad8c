/* SPDX-License-Identifier: Apache-2.0 */
/* Which buffer a rule's contents are looked for in. */
#include "rules/rule_draft.h"

/* "file.data: to_client": which half of a "=>" rule means this buffer. */
static enum err
read_half(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint8_t dirs = text_is(value, "to_server")   ? 1 << DIR_TOSERVER
		       : text_is(value, "to_client") ? 1 << DIR_TOCLIENT
						     : 0;

	if (!r->prog.two_halves || dirs == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: takes no value, but to_server or "
				"to_client in a rule with =>",
				w->name);
	}
	if ((dirs == 1 << DIR_TOSERVER ? w->a : w->b) == KW_NONE) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: does not exist in that direction",
				w->name);
	}
	r->lists[r->cur].dirs = dirs;
	return ERR_OK;
}

/* A sticky buffer: what follows looks there. */
enum err
parse_buffer(struct rule_draft *r, const struct keyword *w, struct view value)
{
	enum err e = draft_list_of(r, w, true, &r->cur);

	r->last_op = -1;
	r->latest = r->cur;
	if (e == ERR_OK && value.len > 0) {
		e = read_half(r, w, text_trim(text_unquote(value)));
	}
	return e;
}

/*
 * "frame:http1.request", or "frame:request" in a rule for http: a message as
 * it was sent.  Those of protocols that are not parsed, and those that would
 * need a record of their own, are refused.
 */
enum err
parse_frame(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct keyword frames[] = {
		{ "http1.request", KW_BUFFER, 0, BUF_HTTP_REQ_FRAME, KW_NONE,
		  APP_HTTP, NULL },
		{ "http1.response", KW_BUFFER, 0, KW_NONE, BUF_HTTP_RESP_FRAME,
		  APP_HTTP, NULL },
		{ "dns.pdu", KW_BUFFER, 0, BUF_DNS_PDU, BUF_DNS_PDU, APP_DNS,
		  NULL },
	};
	struct view name = text_trim(text_unquote(value));

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		const char *part = strchr(frames[i].name, '.') + 1;

		if (text_is(name, frames[i].name) ||
		    (text_is(name, part) && r->prog.app == frames[i].app)) {
			return parse_buffer(r, &frames[i], VIEW_NONE);
		}
	}
	return diag_set(r->d, ERR_FORMAT,
			"%s: no such frame is kept: \"%.*s\"; there are "
			"http1.request, http1.response and dns.pdu",
			w->name, (int)MIN(name.len, (size_t)64),
			(const char *)name.p);
}

enum err
parse_pkt_data(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)w;
	(void)value;
	r->cur = 0;
	r->latest = 0;
	r->last_op = -1;
	return ERR_OK;
}

/* A legacy modifier: the content before it moves to its buffer. */
enum err
parse_modifier(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_op *o = draft_content(r, w), moved;
	uint8_t at, before = r->cur;
	enum err e;

	(void)value;
	if (o == NULL) {
		return ERR_FORMAT;
	}
	if (r->last_list != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: its content belongs to a buffer "
				"already; use the sticky form of %s",
				w->name, w->name);
	}
	moved = *o;
	r->lists[0].n_ops--;
	memmove(o, o + 1,
		(size_t)(r->lists[0].n_ops - r->last_op) * sizeof(*o));
	e = draft_list_of(r, w, false, &at);
	if (e != ERR_OK) {
		return e;
	}
	r->cur = at;
	o = draft_add_op(r, OP_CONTENT);
	r->cur = before;
	if (o == NULL) {
		return ERR_LIMIT;
	}
	*o = moved;
	r->last_list = at;
	r->last_op = r->lists[at].n_ops - 1;
	r->latest = at;
	return ERR_OK;
}

enum err
parse_absent(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_list *l = draft_cur(r);

	if (l->word == NULL || l->n_ops > 0 || l->absent) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: stands directly behind a sticky buffer",
				w->name);
	}
	if (value.len > 0 && !text_is(value, "or_else")) {
		return diag_set(r->d, ERR_FORMAT,
				"absent: takes nothing or \"or_else\"");
	}
	l->absent = true;
	l->absent_or = value.len > 0;
	return ERR_OK;
}
