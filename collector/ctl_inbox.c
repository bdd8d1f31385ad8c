/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_inbox.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/inbox_json.h"
#include "common/clock.h"

/* The words from 'first' on as one query; ERR_FORMAT when it is too long. */
static enum err
join_words(const struct ctl_arguments *args, int first,
	   char out[QUERY_MAX_LEN + 1], struct diag *d)
{
	size_t n = 0;

	out[0] = '\0';
	for (int i = first; i < args->n_words; i++) {
		int k = snprintf(out + n, QUERY_MAX_LEN + 1 - n, "%s%s",
				 i > first ? " " : "", args->words[i]);

		n += (size_t)k;
		if (n > QUERY_MAX_LEN) {
			return diag_set(d, ERR_USAGE,
					"the query is longer than %d "
					"bytes" CTL_TRY_HELP,
					QUERY_MAX_LEN);
		}
	}
	return ERR_OK;
}

static void
put_row(void *arg, const struct inbox_row *row)
{
	struct ctl *c = arg;
	struct ctl_text *x = &c->text;
	const struct store_group *g = &row->g;
	char src[ADDR_TEXT_CAP], dst[ADDR_TEXT_CAP];

	if (c->json) {
		inbox_json_row(&c->j, row);
		json_obj_end(&c->j);
		return;
	}
	addr_format(&g->src, src);
	addr_format(&g->dst, dst);
	fprintf(x->out, "%6" PRId64 "  %s %s%u%s %6" PRIu64 "x ", g->id,
		ctl_time(x, g->last_us), ctl_severity(x, g->severity),
		g->severity, ctl_sgr(x, "0"), g->count);
	ctl_column(x, 14, g->site);
	fprintf(x->out, "%s -> %s  [%" PRIu32 "] %s", src, dst, g->sid,
		ctl_clean(x, g->signature));
	if (row->archived) {
		fputs("  archived", x->out);
	}
	if (row->escalated_us != 0) {
		fprintf(x->out, "  %sescalated%s", ctl_sgr(x, "31;1"),
			ctl_sgr(x, "0"));
	}
	if (row->who[0] != '\0') {
		fprintf(x->out, " by %s", ctl_clean(x, row->who));
	}
	if (row->note[0] != '\0') {
		fprintf(x->out, ": %s", ctl_clean(x, row->note));
	}
	if (g->exercise[0] != '\0') {
		fprintf(x->out, "  %sEXERCISE %s%s", ctl_sgr(x, "36"),
			ctl_clean(x, g->exercise), ctl_sgr(x, "0"));
	}
	fputc('\n', x->out);
}

static enum err
open_inbox(struct inbox **b, struct ctl *c, const char *query,
	   enum inbox_view view, struct diag *d)
{
	struct inbox_asked a = { .query = view_cstr(query),
				 .view = view,
				 .scope = c->filter.scope,
				 .exercise = c->filter.exercise };
	unsigned column;

	return inbox_new(b, c->store, &a, &column, d);
}

enum err
ctl_inbox(struct ctl *c, const struct ctl_arguments *args, struct diag *d)
{
	char query[QUERY_MAX_LEN + 1];
	struct inbox *b = NULL;
	uint64_t total = 0;
	enum err e = join_words(args, 1, query, d);

	if (e == ERR_OK) {
		e = open_inbox(&b, c, query, c->all ? INBOX_ALL : INBOX_OPEN,
			       d);
	}
	if (e != ERR_OK) {
		return e;
	}
	e = inbox_total(b, &total);
	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "total", total);
		json_bool(&c->j, "total_is_more", total == INBOX_MAX_TOTAL);
		json_arr(&c->j, "groups");
	}
	if (e == ERR_OK) {
		e = inbox_read(b, c->limit, put_row, c);
	}
	inbox_free(b);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && total == 0) {
		fputs("no groups\n", c->text.out);
	} else if (e == ERR_OK && total > c->limit) {
		fprintf(c->text.out, "the first %u of %" PRIu64 "%s groups\n",
			c->limit, total,
			total == INBOX_MAX_TOTAL ? " or more" : "");
	}
	return e;
}

/* ---------------------------------------------------------------------- acts */

static bool
find_verb(const char *word, enum inbox_verb *out)
{
	for (unsigned v = 0; v < INBOX_VERBS; v++) {
		if (strcmp(word, inbox_verb_name((enum inbox_verb)v)) == 0) {
			*out = (enum inbox_verb)v;
			return true;
		}
	}
	return false;
}

bool
ctl_inbox_is_act(const struct ctl_arguments *args)
{
	enum inbox_verb v;

	return args->n_words > 1 && (find_verb(args->words[1], &v) ||
				     strcmp(args->words[1], "undo") == 0);
}

/* The words as "[1,2,3]", when all of them are numbers; else it is empty. */
static void
read_ids(const char *query, char *out, size_t cap)
{
	size_t n = 0;

	if (strspn(query, "0123456789 ") != strlen(query)) {
		out[0] = '\0';
		return;
	}
	out[n++] = '[';
	for (; *query != '\0' && n + 2 < cap; query++) {
		out[n++] = *query == ' ' ? ',' : *query;
	}
	out[n++] = ']';
	out[n] = '\0';
}

static enum err
say_done(struct ctl *c, const char *act, uint64_t done, const char *token)
{
	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "done", done);
		if (token[0] != '\0') {
			json_cstr(&c->j, "undo", token);
		}
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "%s: %" PRIu64 " groups", act, done);
	if (token[0] != '\0') {
		fprintf(c->text.out, "; picketctl inbox undo %s", token);
	}
	fputc('\n', c->text.out);
	return ERR_OK;
}

enum err
ctl_inbox_act(struct ctl *c, const struct ctl_arguments *args, const char *who,
	      struct diag *d)
{
	char query[QUERY_MAX_LEN + 1], ids[QUERY_MAX_LEN + 4];
	char token[INBOX_TOKEN_CAP] = "";
	enum inbox_verb v = INBOX_VERBS;
	struct inbox *b = NULL;
	uint64_t done = 0;
	enum err e;

	if (!find_verb(args->words[1], &v)) {
		e = inbox_undo(c->store, args->words[2], who, &done, d);
		return e == ERR_OK ? say_done(c, "undo", done, "") : e;
	}
	e = join_words(args, 2, query, d);
	if (e != ERR_OK) {
		return e;
	}
	read_ids(query, ids, sizeof(ids));
	/* What is archived can only be got back from where it is. */
	e = open_inbox(&b, c, ids[0] != '\0' ? "" : query,
		       v == INBOX_UNARCHIVE || v == INBOX_DEESCALATE
			       ? INBOX_ALL
			       : INBOX_OPEN,
		       d);
	if (e == ERR_OK) {
		e = inbox_act(b, v, ids[0] != '\0' ? ids : NULL, who,
			      args->note != NULL ? args->note : "", &done,
			      token, d);
		inbox_free(b);
	}
	return e == ERR_OK ? say_done(c, args->words[1], done, token) : e;
}

/* -------------------------------------------------------------------- alerts */

enum err
ctl_alerts_query(struct ctl *c, const struct ctl_arguments *args,
		 struct diag *d)
{
	char text[QUERY_MAX_LEN + 1];
	struct query *q = malloc(sizeof(*q));
	unsigned column;
	enum err e = q != NULL ? join_words(args, 1, text, d)
			       : diag_set(d, ERR_NOMEM, "out of memory");

	if (e == ERR_OK) {
		e = query_parse(q, view_cstr(text), clock_wall_us(), &column,
				d);
	}
	if (e == ERR_OK) {
		if (query_has(q, QUERY_EXERCISE)) {
			c->filter.scope = STORE_BOTH;
		}
		c->filter.query = q;
		e = ctl_alerts(c);
		c->filter.query = NULL;
	}
	free(q);
	return e;
}
