/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/case_graph.h"

#include "collector/sighting.h"
#include "collector/store_sql.h"

struct nodes {
	int64_t id[GRAPH_MAX_NODES];
	unsigned n;
	bool cut;
};

/* Members first, those that were seen most at their head; then the hosts. */
static const char node_sql[] =
	"WITH m(run) AS (SELECT run FROM incident_runs WHERE incident=?1),"
	" h(run) AS (SELECT l.b FROM m JOIN links l ON l.a=m.run UNION"
	" SELECT l.a FROM m JOIN links l ON l.b=m.run),"
	" x(run,member) AS (SELECT run,1 FROM m UNION ALL SELECT run,0 FROM h"
	" WHERE run NOT IN (SELECT run FROM m))"
	" SELECT r.id,r.kind,r.key,r.first_us,r.last_us,x.member,"
	"(SELECT coalesce(sum(s.count),0) FROM sightings s WHERE s.run=r.id)"
	" AS n,(SELECT group_concat(y.site,', ') FROM (SELECT DISTINCT s.site"
	" FROM sightings s WHERE s.run=r.id ORDER BY 1) y)"
	" FROM x JOIN runs r ON r.id=x.run WHERE x.member OR r.kind=?2"
	" ORDER BY x.member DESC,n DESC,r.id LIMIT ?3";

static const char edge_sql[] =
	"WITH m(run) AS (SELECT run FROM incident_runs WHERE incident=?1)"
	" SELECT l.a,l.b,l.alert,l.by_hand,max(a.first_us,b.first_us),"
	"min(a.last_us,b.last_us) FROM (SELECT l.* FROM m JOIN links l ON"
	" l.a=m.run UNION SELECT l.* FROM m JOIN links l ON l.b=m.run) l"
	" JOIN runs a ON a.id=l.a JOIN runs b ON b.id=l.b ORDER BY l.a,l.b";

static const char *
member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
put_texts(struct json *j, const char *key, const json_t *list)
{
	json_arr(j, key);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s != NULL) {
			json_cstr(j, NULL, s);
		}
	}
	json_arr_end(j);
}

/* A host's key is "SITE ADDRESS". */
static void
put_host(struct json *j, const char *key, const json_t *summary)
{
	const json_t *list = json_object_get(summary, "victims"), *found = NULL;
	const char *address = strrchr(key, ' ');
	struct view site;

	if (address == NULL) {
		json_cstr(j, "label", key);
		return;
	}
	site = view_of(key, (size_t)(address - key));
	address++;
	json_cstr(j, "label", address);
	json_str(j, "site", site);
	for (size_t i = 0; i < json_array_size(list) && found == NULL; i++) {
		const json_t *v = json_array_get(list, i);

		if (strcmp(member(v, "address"), address) == 0 &&
		    view_eq(view_cstr(member(v, "site")), site)) {
			found = v;
		}
	}
	if (json_object_get(found, "asset") != NULL) {
		json_cstr(j, "asset", member(found, "asset"));
	}
	put_texts(j, "missions", json_object_get(found, "missions"));
}

static void
put_node(struct json *j, sqlite3_stmt *st, const json_t *summary)
{
	enum key_kind kind = (enum key_kind)sqlite3_column_int(st, 1);

	json_obj(j, NULL);
	json_i64(j, "id", sqlite3_column_int64(st, 0));
	json_cstr(j, "kind", key_kind_name(kind));
	json_cstr(j, "key", sql_text(st, 2));
	if (kind == KEY_HOST) {
		put_host(j, sql_text(st, 2), summary);
	} else {
		json_cstr(j, "label", sql_text(st, 2));
	}
	json_cstr(j, "sites", sql_text(st, 7));
	json_bool(j, "member", sqlite3_column_int(st, 5) != 0);
	json_u64(j, "count", sql_u64(st, 6));
	json_time_known(j, "first", sql_u64(st, 3));
	json_time_known(j, "last", sql_u64(st, 4));
	json_obj_end(j);
}

static enum err
put_nodes(struct store_reader *r, int64_t incident, const json_t *summary,
	  struct json *j, struct nodes *out)
{
	sqlite3_stmt *st = store_reader_prepare(r, node_sql);
	int rc = SQLITE_ERROR;

	json_arr(j, "nodes");
	if (st != NULL && sql_bind(st, "idd", incident, (int)KEY_HOST,
				   GRAPH_MAX_NODES + 1) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			if (out->n == GRAPH_MAX_NODES) {
				out->cut = true;
				continue;
			}
			out->id[out->n++] = sqlite3_column_int64(st, 0);
			put_node(j, st, summary);
		}
	}
	sqlite3_finalize(st);
	json_arr_end(j);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static bool
is_shown(const struct nodes *n, int64_t id)
{
	for (unsigned i = 0; i < n->n; i++) {
		if (n->id[i] == id) {
			return true;
		}
	}
	return false;
}

static enum err
put_edges(struct store_reader *r, int64_t incident, struct json *j,
	  struct nodes *nodes)
{
	sqlite3_stmt *st = store_reader_prepare(r, edge_sql);
	unsigned n = 0;
	int rc = SQLITE_ERROR;

	json_arr(j, "edges");
	if (st != NULL && sql_bind(st, "i", incident) == SQLITE_OK) {
		rc = SQLITE_ROW;
		while (n < GRAPH_MAX_EDGES &&
		       (rc = sqlite3_step(st)) == SQLITE_ROW) {
			int64_t from = sqlite3_column_int64(st, 0),
				to = sqlite3_column_int64(st, 1);
			uint64_t first = sql_u64(st, 4), last = sql_u64(st, 5);

			if (!is_shown(nodes, from) || !is_shown(nodes, to)) {
				continue;
			}
			n++;
			json_obj(j, NULL);
			json_i64(j, "from", from);
			json_i64(j, "to", to);
			json_name(j, "kind",
				  sqlite3_column_int(st, 3) != 0 ? "by hand"
								 : "seen");
			json_i64(j, "alert", sqlite3_column_int64(st, 2));
			json_time_known(j, "first", first);
			json_time_known(j, "last", MAX(first, last));
			json_obj_end(j);
		}
	}
	nodes->cut |= rc == SQLITE_ROW;
	sqlite3_finalize(st);
	json_arr_end(j);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
case_graph_json(struct store_reader *r, int64_t incident, const json_t *summary,
		struct json *j)
{
	struct nodes nodes = { .n = 0 };
	enum err e;

	json_obj(j, "graph");
	e = put_nodes(r, incident, summary, j, &nodes);
	if (e == ERR_OK) {
		e = put_edges(r, incident, j, &nodes);
	}
	json_bool(j, "cut", nodes.cut);
	json_obj_end(j);
	return e;
}
