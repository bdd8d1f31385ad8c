/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_case.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/case_order.h"
#include "collector/finding.h"
#include "collector/mute_store.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/hide_args.h"

/* A collector that is running looks for orders twice a second, unless a batch
 * or a slice of the common set keeps it. */
#define PATIENCE_MS 8000

/* ------------------------------------------------------------- the order */

static enum err
give(struct ctl *c, struct case_order *o, const struct ctl_arguments *args,
     const char *who, bool *broken, struct diag *d)
{
	static const char *const names[] = { "waiting", "done", "refused" };
	char answer[CASE_TEXT_CAP] = "";
	enum case_state state = CASE_WAITING;
	int64_t id = 0;
	enum err e;

	snprintf(o->who, sizeof(o->who), "%s", who);
	snprintf(o->why, sizeof(o->why), "%s",
		 args->note != NULL ? args->note : "");
	e = case_order_give(c->store, o, &id, d);
	if (e == ERR_OK) {
		e = case_order_wait(c->store, id, PATIENCE_MS, &state, answer);
	}
	if (e != ERR_OK) {
		return e;
	}
	*broken = state != CASE_DONE;
	if (state == CASE_REFUSED) {
		diag_set(d, ERR_FORMAT, "refused: %s", answer);
	} else if (state == CASE_WAITING) {
		diag_set(d, ERR_AGAIN,
			 "order %" PRId64 " waits: no collector has answered; "
			 "it is carried out when one runs",
			 id);
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "order", id);
		json_cstr(&c->j, "state", names[state]);
		json_cstr(&c->j, "answer", answer);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	if (state == CASE_DONE) {
		fprintf(c->text.out, "%s\n", ctl_clean(&c->text, answer));
	}
	return ERR_OK;
}

/* -------------------------------------------------------------- incidents */

enum err
ctl_case_check(const struct ctl_arguments *args, struct diag *d)
{
	const char *verb = args->words[1];
	bool merge = strcmp(verb, "merge") == 0;
	uint64_t n;

	if (merge && args->n_words < 4) {
		return diag_set(d, ERR_USAGE,
				"incidents merge: which two? Give their "
				"numbers, as in incidents merge 3 "
				"7" CTL_TRY_HELP);
	}
	if (merge) {
		return ctl_number("incidents", args->words[3], 1, INT64_MAX, &n,
				  d);
	}
	if ((args->key == NULL) == (args->run == NULL)) {
		return diag_set(d, ERR_USAGE,
				"incidents split: what is to be parted? Give "
				"--keys KEY... or --run N..., which "
				"picketctl incidents keys %s "
				"lists" CTL_TRY_HELP,
				args->words[2]);
	}
	if (args->run != NULL) {
		for (int i = 2; i < args->n_words; i++) {
			const char *s = i == 2 ? args->run : args->words[i];
			enum err e =
				ctl_number("--run", s, 1, INT64_MAX, &n, d);

			if (e != ERR_OK) {
				return e;
			}
		}
	}
	return ERR_OK;
}

/* The runs of an incident, in the order of their numbers. */
static sqlite3_stmt *
runs_of(struct ctl *c, int64_t id)
{
	sqlite3_stmt *st = store_reader_prepare(
		c->store, "SELECT r.id,r.kind,r.key,r.first_us,r.last_us,"
			  "(SELECT coalesce(sum(s.count),0) FROM sightings s"
			  " WHERE s.run=r.id),"
			  "(SELECT group_concat(x.site,', ') FROM (SELECT"
			  " DISTINCT s.site FROM sightings s WHERE s.run=r.id"
			  " ORDER BY 1) x),"
			  "EXISTS(SELECT 1 FROM mutes m WHERE m.ended_us=0 AND"
			  " m.exercise=r.exercise AND m.kind=r.kind AND"
			  " m.key=r.key) FROM incident_runs i JOIN runs r ON"
			  " r.id=i.run WHERE i.incident=? ORDER BY r.id");

	if (st != NULL && sql_bind(st, "i", id) != SQLITE_OK) {
		sqlite3_finalize(st);
		st = NULL;
	}
	return st;
}

/* Whether a key was named; "KIND:KEY" names one of that kind only. */
static bool
names(const char *said, unsigned kind, const char *key)
{
	const char *k = key_kind_name((enum key_kind)kind);
	size_t n = strlen(k);

	return strcmp(said, key) == 0 ||
	       (strncmp(said, k, n) == 0 && said[n] == ':' &&
		strcmp(said + n + 1, key) == 0);
}

/* Which of the words behind the number this run is; -1: none. */
static int
word_of(const struct ctl_arguments *args, uint64_t run, unsigned kind,
	const char *key)
{
	for (int i = 2; i < args->n_words; i++) {
		const char *s = i > 2               ? args->words[i]
				: args->run != NULL ? args->run
						    : args->key;

		if (args->run != NULL ? strtoull(s, NULL, 10) == run
				      : names(s, kind, key)) {
			return i;
		}
	}
	return -1;
}

enum err
ctl_incident_split(struct ctl *c, const struct ctl_arguments *args, int64_t id,
		   const char *who, bool *broken, struct diag *d)
{
	struct case_order o = { .what = CASE_SPLIT, .incident = id };
	sqlite3_stmt *st = runs_of(c, id);
	bool *used = calloc((size_t)args->n_words + 1, sizeof(*used));
	int rc = SQLITE_ERROR;
	enum err e = ERR_NOMEM;

	o.runs = malloc(CASE_MAX_RUNS * sizeof(*o.runs));
	if (st == NULL) {
		e = ERR_IO;
	} else if (o.runs != NULL && used != NULL) {
		e = ERR_OK;
		while (o.n_runs < CASE_MAX_RUNS &&
		       (rc = sqlite3_step(st)) == SQLITE_ROW) {
			int w = word_of(args, sql_u64(st, 0),
					(unsigned)sqlite3_column_int(st, 1),
					sql_text(st, 2));

			if (w >= 0) {
				o.runs[o.n_runs++] = sql_u64(st, 0);
				used[w] = true;
			}
		}
		e = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
	}
	for (int i = 2; e == ERR_OK && i < args->n_words; i++) {
		if (!used[i]) {
			e = diag_set(d, ERR_NOTFOUND,
				     "incident %" PRId64 " has no '%.160s': "
				     "picketctl incidents keys %" PRId64
				     " lists what it has",
				     id,
				     i > 2               ? args->words[i]
				     : args->run != NULL ? args->run
							 : args->key,
				     id);
		}
	}
	sqlite3_finalize(st);
	free(used);
	if (e == ERR_OK) {
		e = give(c, &o, args, who, broken, d);
	}
	case_order_fini(&o);
	return e;
}

enum err
ctl_incident_merge(struct ctl *c, const struct ctl_arguments *args, int64_t id,
		   const char *who, bool *broken, struct diag *d)
{
	struct case_order o = { .what = CASE_MERGE, .incident = id };

	o.other = (int64_t)strtoull(args->words[3], NULL, 10);
	return give(c, &o, args, who, broken, d);
}

static void
put_run(struct ctl *c, sqlite3_stmt *st)
{
	struct ctl_text *x = &c->text;
	const char *kind =
		key_kind_name((enum key_kind)sqlite3_column_int(st, 1));
	bool muted = sqlite3_column_int(st, 7) != 0;
	char number[24];

	if (c->json) {
		json_obj(&c->j, NULL);
		json_u64(&c->j, "run", sql_u64(st, 0));
		json_cstr(&c->j, "kind", kind);
		json_cstr(&c->j, "key", sql_text(st, 2));
		json_time(&c->j, "first", sql_u64(st, 3));
		json_time(&c->j, "last", sql_u64(st, 4));
		json_u64(&c->j, "count", sql_u64(st, 5));
		json_cstr(&c->j, "sites", sql_text(st, 6));
		json_bool(&c->j, "muted", muted);
		json_obj_end(&c->j);
		return;
	}
	snprintf(number, sizeof(number), "%" PRIu64, sql_u64(st, 0));
	ctl_column(x, 8, number);
	ctl_column(x, 12, kind);
	ctl_column(x, 40, sql_text(st, 2));
	ctl_column(x, 20, ctl_time(x, sql_u64(st, 4)));
	snprintf(number, sizeof(number), "%" PRIu64, sql_u64(st, 5));
	ctl_column(x, 8, number);
	fprintf(x->out, "%s%s\n", ctl_clean(x, sql_text(st, 6)),
		muted ? "  MUTED" : "");
}

enum err
ctl_incident_keys(struct ctl *c, int64_t id)
{
	struct ctl_text *x = &c->text;
	sqlite3_stmt *st = runs_of(c, id);
	unsigned n = 0;
	int rc;

	if (st == NULL) {
		return ERR_IO;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "id", id);
		json_arr(&c->j, "keys");
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (n++ == 0 && !c->json) {
			ctl_column(x, 8, "RUN");
			ctl_column(x, 12, "KIND");
			ctl_column(x, 40, "KEY");
			ctl_column(x, 20, "LAST SEEN");
			ctl_column(x, 8, "COUNT");
			fputs("SITES\n", x->out);
		}
		put_run(c, st);
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE) {
		return ERR_IO;
	}
	if (n == 0) {
		return ERR_NOTFOUND;
	}
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	return ERR_OK;
}

/* ------------------------------------------------------------------ mutes */

static bool
kind_of(const char *s, unsigned *kind)
{
	for (unsigned k = 0; k < KEY_KINDS; k++) {
		if (strcmp(s, key_kind_name((enum key_kind)k)) == 0) {
			*kind = k;
			return true;
		}
	}
	return false;
}

/* An address as the correlation writes it; false: it is none. */
static bool
canon_address(const char *s, char out[ADDR_TEXT_CAP])
{
	struct addr a;

	if (!addr_parse(view_cstr(s), &a)) {
		return false;
	}
	out[addr_format(&a, out)] = '\0';
	return true;
}

/* "GID:SID", or a SID of text rules, or "collector:KIND" of a finding. */
static bool
canon_rule(const char *s, char *out, size_t cap)
{
	static const char ours[] = "collector:";
	unsigned gid = 1, sid = 0;
	int n = 0;

	if (strncmp(s, ours, sizeof(ours) - 1) == 0) {
		enum finding_kind k;

		snprintf(out, cap, "%s", s);
		return finding_kind_read(view_cstr(s + sizeof(ours) - 1), &k);
	}
	if (sscanf(s, "%u:%u%n", &gid, &sid, &n) != 2) {
		gid = 1;
		n = 0;
		if (sscanf(s, "%u%n", &sid, &n) != 1) {
			return false;
		}
	}
	snprintf(out, cap, "%u:%u", gid, sid);
	return s[n] == '\0';
}

/* The key as the correlation has it. */
static enum err
read_key(const struct ctl_arguments *args, struct case_order *o, struct diag *d)
{
	const char *kind = args->words[2], *s = args->words[3];
	char address[ADDR_TEXT_CAP];
	bool ok = strlen(s) < sizeof(o->key);

	/* Who shares a program's handshake shares nothing: JA3 ties nothing, so
	 * there is nothing to mute.  One that an earlier version muted can be
	 * removed. */
	if (!kind_of(kind, &o->kind) ||
	    (o->kind == KEY_JA3 && o->what == CASE_MUTE)) {
		return diag_set(d, ERR_USAGE,
				"mute: '%.40s' is not one of indicator, "
				"address, domain, certificate, host, "
				"rule" CTL_TRY_HELP,
				kind);
	}
	if ((args->n_words == 5) != (o->kind == KEY_HOST)) {
		return diag_set(d, ERR_USAGE,
				o->kind == KEY_HOST ? "mute: a host is SITE "
						      "ADDRESS" CTL_TRY_HELP
						    : "mute: write KIND "
						      "KEY" CTL_TRY_HELP);
	}
	snprintf(o->key, sizeof(o->key), "%s", s);
	if (o->kind == KEY_ADDRESS) {
		ok = canon_address(s, o->key);
	} else if (o->kind == KEY_HOST) {
		ok = canon_address(args->words[4], address) &&
		     strlen(s) < SIGHTING_NAME_CAP;
		snprintf(o->key, sizeof(o->key), "%.*s %s",
			 SIGHTING_NAME_CAP - 1, s, address);
	} else if (o->kind == KEY_RULE) {
		ok = canon_rule(s, o->key, sizeof(o->key));
	} else {
		for (char *p = o->key; *p != '\0'; p++) {
			*p = (char)ascii_lower((uint8_t)*p);
		}
	}
	return ok && o->key[0] != '\0'
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "mute: '%.64s' is no %s" CTL_TRY_HELP, s,
				  kind);
}

enum err
ctl_mute_check(const struct ctl_arguments *args, struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	struct case_order o = { .id = 0 };
	bool add = strcmp(verb, "add") == 0;
	char shown[HIDE_ARG_CAP];

	if (strcmp(verb, "list") == 0) {
		return args->n_words <= 2
			       ? ERR_OK
			       : diag_set(
					 d, ERR_USAGE,
					 "mute list: that is all" CTL_TRY_HELP);
	}
	if (!add && strcmp(verb, "remove") != 0) {
		return diag_set(d, ERR_USAGE,
				"mute: '%s' is not one of list, add, "
				"remove" CTL_TRY_HELP,
				hide_arg(verb, shown));
	}
	if (args->n_words < 4 || args->n_words > 5) {
		return diag_set(d, ERR_USAGE,
				"mute %s: write KIND KEY, as address "
				"192.0.2.7" CTL_TRY_HELP,
				verb);
	}
	if (add && (args->note == NULL || args->note[0] == '\0')) {
		return diag_set(d, ERR_USAGE,
				"mute add: say --why TEXT" CTL_TRY_HELP);
	}
	if (add && args->until_us != 0 && args->for_us != 0) {
		return diag_set(d, ERR_USAGE,
				"mute add: --until or --for, not "
				"both" CTL_TRY_HELP);
	}
	o.what = add ? CASE_MUTE : CASE_UNMUTE;
	return read_key(args, &o, d);
}

static void
put_text(struct ctl *c, const struct mute_row *m)
{
	struct ctl_text *x = &c->text;

	fprintf(x->out, "%s%s ", ctl_sgr(x, "1"),
		key_kind_name((enum key_kind)m->kind));
	fprintf(x->out, "%s%s", ctl_clean(x, m->key), ctl_sgr(x, "0"));
	if (m->exercise[0] != '\0') {
		fprintf(x->out, "  EXERCISE %s", ctl_clean(x, m->exercise));
	}
	fprintf(x->out, "\n  by %s at %s", ctl_clean(x, m->who),
		ctl_time(x, m->from_us));
	if (m->ended_us != 0) {
		fprintf(x->out, ", ended %s", ctl_time(x, m->ended_us));
		fprintf(x->out, " by %s", ctl_clean(x, m->ended_by));
	} else if (m->until_us != 0) {
		fprintf(x->out, ", until %s", ctl_time(x, m->until_us));
	} else {
		fputs(", until it is removed", x->out);
	}
	fprintf(x->out, "; %" PRIu64 " alert%s meanwhile\n  %s\n", m->alerts,
		m->alerts == 1 ? "" : "s", ctl_clean(x, m->why));
}

struct list {
	struct ctl *c;
	unsigned n;
};

static enum err
put_mute(void *arg, const struct mute_row *m)
{
	struct list *l = arg;
	struct json *j = &l->c->j;

	l->n++;
	if (!l->c->json) {
		put_text(l->c, m);
		return ERR_OK;
	}
	json_obj(j, NULL);
	json_cstr(j, "kind", key_kind_name((enum key_kind)m->kind));
	json_cstr(j, "key", m->key);
	json_cstr(j, "exercise", m->exercise);
	json_cstr(j, "who", m->who);
	json_cstr(j, "why", m->why);
	json_time(j, "from", m->from_us);
	if (m->until_us != 0) {
		json_time(j, "until", m->until_us);
	} else {
		json_nil(j, "until");
	}
	json_u64(j, "alerts", m->alerts);
	if (m->ended_us != 0) {
		json_time(j, "ended", m->ended_us);
		json_cstr(j, "ended_by", m->ended_by);
	}
	json_obj_end(j);
	return ERR_OK;
}

static enum err
list(struct ctl *c)
{
	struct list l = { .c = c };
	unsigned most = c->limited ? c->limit : MUTES_NOW + MUTES_ENDED;
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "mutes");
	}
	e = mute_each(c->store->db, c->all, most, put_mute, &l);
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && l.n == 0) {
		fputs("nothing is muted\n", c->text.out);
	}
	return e;
}

enum err
ctl_mute(struct ctl *c, const struct ctl_arguments *args, const char *who,
	 bool *broken, struct diag *d)
{
	struct case_order o = { .what = CASE_MUTE, .until_us = args->until_us };
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	enum err e;

	if (strcmp(verb, "list") == 0) {
		return list(c);
	}
	if (strcmp(verb, "remove") == 0) {
		o.what = CASE_UNMUTE;
	}
	if (args->for_us != 0) {
		o.until_us = clock_wall_us() + args->for_us;
	}
	snprintf(o.exercise, sizeof(o.exercise), "%s",
		 c->filter.exercise != NULL ? c->filter.exercise : "");
	e = read_key(args, &o, d);
	return e == ERR_OK ? give(c, &o, args, who, broken, d) : e;
}
