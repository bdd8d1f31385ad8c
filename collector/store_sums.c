/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of a transaction as tables that SQL can read.
 *
 * "sums" has a row for each group, "lists" for each part of a group's list of
 * frames; both are virtual tables over memory, in the order of s->order.  One
 * statement then looks up, writes or lists all groups: to bind, step and reset
 * one for each of them costs more than the work in the trees does.
 */
#include "collector/store_state.h"

/* Frames of one group that are written in one row. */
#define ROW_FRAMES 512

enum sums_column {
	SUM_PLACE, /* in s->groups */
	SUM_ID,
	SUM_KEY,
	SUM_SIGNATURE,
	SUM_SITE,
	SUM_EXERCISE,
	SUM_SRC,
	SUM_DST,
	SUM_SEVERITY,
	SUM_COUNT,
	SUM_FIRST_US,
	SUM_LAST_US,
	SUM_LAST_ALERT,
	SUM_SRC_INFO,
	SUM_DST_INFO,
	SUM_FIRST_FRAME,
	SUM_LAST_FRAME,
};
static const char sums_columns[] =
	"CREATE TABLE x(place,id,key,signature,site,exercise,src,dst,severity,"
	"count,first_us,last_us,last_alert,src_info,dst_info,first_frame,"
	"last_frame)";

enum lists_column { LIST_GROUP, LIST_FIRST, LIST_LAST, LIST_FRAMES };
static const char lists_columns[] = "CREATE TABLE x(grp,first,last,frames)";

struct table {
	sqlite3_vtab base;
	struct store *s;
};

struct cursor {
	sqlite3_vtab_cursor base;
	size_t i; /* in s->order */
	/* Of "lists": the row, and the posting behind it. */
	uint32_t next;
	int64_t first, last;
	size_t len;
	uint8_t list[ROW_FRAMES * STORE_VARINT_MAX];
};

static struct store *
store_of(sqlite3_vtab_cursor *c)
{
	return ((struct table *)c->pVtab)->s;
}

static const struct store_group_sum *
group_at(const struct store *s, size_t i)
{
	return &s->groups[s->order[i].slot];
}

static int
connect_to(sqlite3 *db, struct store *s, const char *columns,
	   sqlite3_vtab **out)
{
	int rc = sqlite3_declare_vtab(db, columns);
	struct table *t = rc == SQLITE_OK ? sqlite3_malloc(sizeof(*t)) : NULL;

	if (t == NULL) {
		return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
	}
	*t = (struct table){ .s = s };
	*out = &t->base;
	return SQLITE_OK;
}

static int
disconnect(sqlite3_vtab *t)
{
	sqlite3_free(t);
	return SQLITE_OK;
}

/* There is one way: from the first to the last. */
static int
best_index(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	info->estimatedCost = 1000;
	info->estimatedRows = 1000;
	return SQLITE_OK;
}

static int
open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	(void)t;
	if (c == NULL) {
		return SQLITE_NOMEM;
	}
	c->base = (sqlite3_vtab_cursor){ NULL };
	c->i = 0;
	*out = &c->base;
	return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *c)
{
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
at_end(sqlite3_vtab_cursor *c)
{
	return ((struct cursor *)c)->i >= store_of(c)->n_order;
}

static int
row_number(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((struct cursor *)c)->i;
	return SQLITE_OK;
}

/* ------------------------------------------------------------------ sums */

static int
sums_connect(sqlite3 *db, void *s, int argc, const char *const *argv,
	     sqlite3_vtab **out, char **why)
{
	(void)argc, (void)argv, (void)why;
	return connect_to(db, s, sums_columns, out);
}

static int
sums_filter(sqlite3_vtab_cursor *c, int index, const char *text, int argc,
	    sqlite3_value **argv)
{
	(void)index, (void)text, (void)argc, (void)argv;
	((struct cursor *)c)->i = 0;
	return SQLITE_OK;
}

static int
sums_next(sqlite3_vtab_cursor *c)
{
	((struct cursor *)c)->i++;
	return SQLITE_OK;
}

static void
give_addr(sqlite3_context *out, const struct addr *a)
{
	sqlite3_result_blob(out, a->b, sizeof(a->b), SQLITE_STATIC);
}

static int64_t
sums_number(const struct store *s, const struct store_group_sum *g, int column)
{
	switch (column) {
	case SUM_PLACE:
		return g - s->groups;
	case SUM_ID:
		return g->id;
	case SUM_KEY:
		return (int64_t)g->hash;
	case SUM_SIGNATURE:
		return g->key.signature;
	case SUM_SITE:
		return g->key.site;
	case SUM_EXERCISE:
		return g->key.exercise;
	case SUM_SEVERITY:
		return g->severity;
	case SUM_COUNT:
		return (int64_t)g->count;
	case SUM_FIRST_US:
		return (int64_t)g->first_us;
	case SUM_LAST_US:
		return (int64_t)g->last_us;
	case SUM_LAST_ALERT:
		return g->last_alert;
	case SUM_SRC_INFO:
		return g->src_info;
	case SUM_DST_INFO:
		return g->dst_info;
	case SUM_FIRST_FRAME:
		return s->postings[g->first_posting - 1].frame;
	default:
		return s->postings[g->last_posting - 1].frame;
	}
}

static int
sums_column(sqlite3_vtab_cursor *c, sqlite3_context *out, int column)
{
	const struct store *s = store_of(c);
	const struct store_group_sum *g = group_at(s, ((struct cursor *)c)->i);

	if (column == SUM_SRC) {
		give_addr(out, &g->key.src);
	} else if (column == SUM_DST) {
		give_addr(out, &g->key.dst);
	} else {
		sqlite3_result_int64(out, sums_number(s, g, column));
	}
	return SQLITE_OK;
}

static const sqlite3_module sums_module = {
	.xConnect = sums_connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = sums_filter,
	.xNext = sums_next,
	.xEof = at_end,
	.xColumn = sums_column,
	.xRowid = row_number,
};

/* ----------------------------------------------------------------- lists */

static int
lists_connect(sqlite3 *db, void *s, int argc, const char *const *argv,
	      sqlite3_vtab **out, char **why)
{
	(void)argc, (void)argv, (void)why;
	return connect_to(db, s, lists_columns, out);
}

/* The first posting of the group at c->i that goes into a list: a new group's
 * first frame stands in the group itself. */
static void
enter_group(const struct store *s, struct cursor *c)
{
	if (c->i < s->n_order) {
		const struct store_group_sum *g = group_at(s, c->i);

		c->next = g->is_new ? s->postings[g->first_posting - 1].next
				    : g->first_posting;
	}
}

/* The next row: up to ROW_FRAMES frames of one group. */
static int
lists_next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	const struct store *s = store_of(base);
	unsigned n;

	while (c->next == 0 && c->i < s->n_order) {
		c->i++;
		enter_group(s, c);
	}
	if (c->i >= s->n_order) {
		return SQLITE_OK;
	}
	c->first = c->last = s->postings[c->next - 1].frame;
	c->len = 0;
	c->next = s->postings[c->next - 1].next;
	for (n = 1; c->next != 0 && n < ROW_FRAMES; n++) {
		int64_t frame = s->postings[c->next - 1].frame;

		c->len += store_varint_put(c->list + c->len,
					   (uint64_t)(frame - c->last));
		c->last = frame;
		c->next = s->postings[c->next - 1].next;
	}
	return SQLITE_OK;
}

static int
lists_filter(sqlite3_vtab_cursor *base, int index, const char *text, int argc,
	     sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;

	(void)index, (void)text, (void)argc, (void)argv;
	c->i = 0;
	c->next = 0;
	enter_group(store_of(base), c);
	return lists_next(base);
}

static int
lists_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column)
{
	struct cursor *c = (struct cursor *)base;

	switch (column) {
	case LIST_GROUP:
		sqlite3_result_int64(out, group_at(store_of(base), c->i)->id);
		break;
	case LIST_FIRST:
		sqlite3_result_int64(out, c->first);
		break;
	case LIST_LAST:
		sqlite3_result_int64(out, c->last);
		break;
	default:
		/* Gone with the next row; nobody holds it that long. */
		sqlite3_result_blob(out, c->list, (int)c->len,
				    SQLITE_TRANSIENT);
		break;
	}
	return SQLITE_OK;
}

static const sqlite3_module lists_module = {
	.xConnect = lists_connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = lists_filter,
	.xNext = lists_next,
	.xEof = at_end,
	.xColumn = lists_column,
	.xRowid = row_number,
};

enum err
store_sums_register(struct store *s)
{
	return sqlite3_create_module(s->db, "sums", &sums_module, s) ==
				       SQLITE_OK &&
			       sqlite3_create_module(s->db, "lists",
						     &lists_module,
						     s) == SQLITE_OK
		       ? ERR_OK
		       : ERR_NOMEM;
}
