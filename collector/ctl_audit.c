/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_audit.h"

#include <errno.h>
#include <inttypes.h>

#include "collector/audit.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define CHECKPOINT_MAX 4096

/* A signature by hand: either kind of key. */
static enum err
load_key(const char *file, bool private, struct sign_key **out, struct diag *d)
{
	if (file == NULL) {
		return diag_set(d, ERR_USAGE,
				"audit: give --key FILE: a private key signs, "
				"its .pub checks; see picketctl --help");
	}
	return sign_key_load_any(out, file, private, d);
}

/*
 * A record in words; the whole of it is in --json.  How much it was, and of what,
 * stands in the record itself, so the store takes it apart.
 */
#define IN_WORDS \
	"CASE json_extract(record,'$.what')" \
	" WHEN 'read' THEN json_extract(record,'$.body.command')" \
	"  || coalesce(' for '||json_extract(record,'$.body.partner')||': '" \
	"   ||json_extract(record,'$.body.released')||' may go, '" \
	"   ||json_extract(record,'$.body.held')||' held','')" \
	" WHEN 'received' THEN 'from '||json_extract(record,'$.body.partner')" \
	"  ||': bundle '||json_extract(record,'$.body.seq')||', '" \
	"  ||coalesce((SELECT group_concat(key||' '||value,', ')" \
	"   FROM json_each(record,'$.body.counts')" \
	"   WHERE key<>'bundles'),'')" \
	" WHEN 'policy' THEN 'of '||json_extract(record,'$.body.producer')" \
	"  ||' for '||coalesce((SELECT group_concat(" \
	"   json_extract(value,'$.name'),', ')" \
	"   FROM json_each(record,'$.body.partners')" \
	"   WHERE type='object'),'nobody')" \
	" WHEN 'recalled' THEN 'from '||json_extract(record,'$.body.partner')" \
	"  ||': bundle '||json_extract(record,'$.body.bundle')||', '" \
	"  ||json_array_length(record,'$.body.objects')||' objects'" \
	" WHEN 'held' THEN 'from '||json_extract(record,'$.body.partner')" \
	"  ||': '||coalesce((SELECT group_concat(n||' '||k,', ') FROM (SELECT" \
	"   json_extract(value,'$[0]')||' '||json_extract(value,'$[3]') k," \
	"   count(*) n FROM json_each(record,'$.body.things')" \
	"   WHERE type='array' GROUP BY 1)),'nothing')" \
	" ELSE 'to '||json_extract(record,'$.body.partner')||': '" \
	"  ||coalesce((SELECT group_concat(n||' '||k,', ') FROM (SELECT" \
	"   json_extract(value,'$[0]') k,count(*) n" \
	"   FROM json_each(record,'$.body.objects')" \
	"   WHERE type='array' GROUP BY 1)),'nothing')" \
	" END"

static void
put_words(struct ctl_text *x, sqlite3_stmt *st)
{
	fprintf(x->out, "%-7" PRId64, (int64_t)sqlite3_column_int64(st, 0));
	ctl_column(x, 20, sql_text(st, 2));
	ctl_column(x, 9, sql_text(st, 3));
	ctl_column(x, 12, sql_text(st, 4));
	fprintf(x->out, "%.2000s\n", ctl_clean(x, sql_text(st, 5)));
}

enum err
ctl_audit_list(struct ctl *c, struct diag *d)
{
	sqlite3_stmt *st = store_reader_prepare(
		c->store,
		"SELECT id,is_there,replace(substr("
		"json_extract(record,'$.at'),1,19),'T',' ')||'Z',"
		"json_extract(record,'$.what'),json_extract(record,'$.who'),"
		"coalesce(" IN_WORDS ",'this is no record: audit verify tells')"
		" FROM (SELECT id,record AS is_there,CASE WHEN"
		" json_valid(record) THEN record ELSE '{}' END AS record"
		" FROM audit ORDER BY id DESC LIMIT ?1) ORDER BY id DESC");
	unsigned n = 0;
	int rc;

	if (st == NULL || sql_bind(st, "i", (int64_t)c->limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		return diag_set(d, ERR_IO, "the store cannot be read");
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "records");
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (c->json) {
			json_raw(&c->j, NULL, view_cstr(sql_text(st, 1)));
		} else {
			put_words(&c->text, st);
		}
		n++;
	}
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
	}
	if (store_reader_finish(st, rc) != ERR_OK) {
		return diag_set(d, ERR_IO, "the store cannot be read");
	}
	if (!c->json && n == 0) {
		fputs("nothing was released, received or read yet\n",
		      c->text.out);
	}
	return c->json ? ctl_flush_json(c) : ERR_OK;
}

/* The walk's own connection sees one moment of the log. */
static enum err
walk(struct ctl *c, struct audit_head *head,
     enum err (*fn)(void *arg, int64_t id, struct view record,
		    const uint8_t hash[AUDIT_HASH_BYTES]),
     void *arg, struct diag *d)
{
	int64_t broken;

	return audit_walk(c->store->db, head, &broken, fn, arg, d);
}

static enum err
put_record(void *arg, int64_t id, struct view record,
	   const uint8_t hash[AUDIT_HASH_BYTES])
{
	FILE *f = arg;

	(void)id;
	fwrite(record.p, 1, record.len, f);
	fputc('\t', f);
	for (unsigned i = 0; i < AUDIT_HASH_BYTES; i++) {
		fprintf(f, "%02x", hash[i]);
	}
	return fputc('\n', f) == EOF ? ERR_IO : ERR_OK;
}

enum err
ctl_audit_export(struct ctl *c, const struct ctl_audit *a, struct diag *d)
{
	struct audit_head head;
	sqlite3 *db;
	int64_t id;
	enum err e = audit_begin(&db, c->store->path, d);

	if (e != ERR_OK) {
		return e;
	}
	e = audit_append(db, AUDIT_READ, a->who, clock_wall_us(),
			 VIEW_LIT("{\"command\":\"audit export\"}"), &id);
	if (e != ERR_OK) {
		diag_set(d, e, "the audit log cannot be written");
	}
	if (audit_end(db, e == ERR_OK, d) != ERR_OK) {
		e = ERR_IO;
	}
	if (e == ERR_OK) {
		e = walk(c, &head, put_record, c->text.out, d);
		if (e == ERR_IO && d->msg[0] == '\0') {
			diag_set(d, e, "not everything was written");
		}
	}
	return e;
}

static enum err
read_checkpoint(const struct ctl_audit *a, struct audit_head *out,
		struct diag *d)
{
	char text[CHECKPOINT_MAX];
	struct sign_key *key = NULL;
	struct diag why = { "" };
	FILE *f = fopen(a->checkpoint, "rb");
	size_t n;
	enum err e;

	if (f == NULL) {
		return diag_set(d, ERR_USAGE, "%s: %s", a->checkpoint,
				strerror(errno));
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	e = load_key(a->key, false, &key, d);
	if (e == ERR_OK) {
		e = audit_checkpoint_read(view_of(text, n), key, out, &why);
		if (e != ERR_OK) {
			(void)diag_set(d, e, "%s: %s", a->checkpoint, why.msg);
		}
	}
	sign_key_free(key);
	return e;
}

/* The log at the moment of the checkpoint. */
struct meeting {
	struct audit_head want;
	bool met;
};

static enum err
compare(void *arg, int64_t id, struct view record,
	const uint8_t hash[AUDIT_HASH_BYTES])
{
	struct meeting *m = arg;

	(void)record;
	if (id == m->want.id) {
		m->met = memcmp(hash, m->want.hash, AUDIT_HASH_BYTES) == 0;
	}
	return ERR_OK;
}

enum err
ctl_audit_verify(struct ctl *c, const struct ctl_audit *a, struct diag *d)
{
	struct meeting m = { .met = a->checkpoint == NULL };
	struct audit_head head;
	enum err e = ERR_OK;

	if (a->checkpoint != NULL) {
		e = read_checkpoint(a, &m.want, d);
		m.met = m.want.id == 0;
	}
	if (e != ERR_OK) {
		return e;
	}
	e = walk(c, &head, compare, &m, d);
	if (e == ERR_OK && !m.met && head.id < m.want.id) {
		e = diag_set(d, ERR_FORMAT,
			     "audit: the log ends at record %" PRId64
			     ", before the checkpoint's %" PRId64,
			     head.id, m.want.id);
	} else if (e == ERR_OK && !m.met) {
		e = diag_set(d, ERR_FORMAT,
			     "audit: record %" PRId64
			     " is another than the checkpoint's",
			     m.want.id);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "records", head.id);
		json_bool(&c->j, "whole", true);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out, "%" PRId64 " records, the chain is whole%s\n",
		head.id,
		a->checkpoint != NULL ? ", and has the checkpoint's" : "");
	return ERR_OK;
}

enum err
ctl_audit_checkpoint(struct ctl *c, const struct ctl_audit *a, struct diag *d)
{
	struct sign_key *key = NULL;
	struct audit_head head;
	enum err e = load_key(a->key, true, &key, d);

	if (e == ERR_OK) {
		e = walk(c, &head, NULL, NULL, d);
	}
	if (e == ERR_OK) {
		e = audit_checkpoint(&head, clock_wall_us(), key, &c->j);
		e = e == ERR_OK ? ctl_flush_json(c)
				: diag_set(d, e, "out of memory");
	}
	sign_key_free(key);
	return e;
}
