/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_state.h - what the files of the store share
 *
 * Internal header: included by store*.c of the writing side only.
 *
 * Place    within store.
 * Threads  as store.h.
 */
#ifndef COLLECTOR_STORE_STATE_H
#define COLLECTOR_STORE_STATE_H

#include "collector/store.h"
#include "collector/store_line.h"
#include "collector/store_sql.h"

/*
 * Bounds of what one transaction sums up in memory.  A frame has at most
 * STORE_FRAME_ALERTS alerts, each at least 64 bytes of it, so that room for
 * that many is made before a frame begins and nothing is written within one.
 */
#define STORE_FRAME_ALERTS (FRAME_MAX_RAW / 64)
#define STORE_GROUP_SLOTS 131072
#define STORE_POSTINGS 262144
#define STORE_MINUTE_SLOTS 8192
/* Groups whose number is remembered from one transaction to the next. */
#define STORE_KNOWN_GROUPS 131072
#define STORE_SIGNATURES 4096

enum store_statement {
	ST_NAME_GET,
	ST_NAME_PUT,
	ST_SENSOR_GET,
	ST_SENSOR_PUT,
	ST_SENSOR_STATE,
	ST_SENSOR_STATS,
	ST_SENSOR_ADD,
	ST_COUNT,
	ST_FRAME_HAS,
	ST_FRAME,
	ST_SIGNATURE_GET,
	ST_SIGNATURE_PUT,
	ST_GROUPS_FIND,
	ST_GROUPS_PUT,
	ST_LISTS_PUT,
	ST_MINUTE,
	ST_OLDEST,
	ST_EXPIRE,
	ST_SWEEP_POSTINGS,
	ST_SWEEP_GROUPS,
	ST_GROUP_TOP,
	ST_PAGES,
	ST_FRAME_MIN,
	ST_MARK,
	ST_EPOCH,
	ST_RANGE,
	ST_RANGE_CLEAR,
	ST_GAP,
	ST_GAP_COUNT,
	ST_GAP_UPTO,
	ST_GAP_SUM,
	ST_GAP_GONE,
	ST_RUN,
	ST_RUN_SITES_CLEAR,
	ST_RUN_SITE,
	ST_LINK,
	ST_RUN_GONE,
	ST_LINKS_GONE,
	ST_MEMBER,
	ST_MEMBER_GONE,
	ST_INCIDENT_GET,
	ST_INCIDENT_PUT,
	ST_INCIDENT_SET,
	ST_INCIDENT_MARK,
	ST_INCIDENT_STATE,
	ST_INCIDENT_MERGE,
	ST_MEMBERS_MERGE,
	ST_LOG,
	ST_COUNT_OF
};

/* Tables of texts and rules, and whether there is room in them. */
enum store_rooms { STORE_ROOM_NAMES, STORE_ROOM_SIGNATURES, STORE_ROOMS };

struct store_room {
	bool counted;
	int64_t rows;
	uint64_t refused; /* since the last sweep */
	uint64_t patience; /* so many commits with refusals before the next */
};

/* A text of the table 'names' and its number. */
struct store_name {
	uint64_t hash; /* 0 is free */
	int64_t id;
	size_t len;
	char *text;
};

/* One row of alert_groups to be, summed up in memory first. */
struct store_group_sum {
	struct store_group_key key;
	uint64_t hash;
	uint64_t count, first_us, last_us; /* count 0 is free */
	int64_t last_alert;
	int64_t src_info, dst_info; /* names; 0: not said */
	int64_t id; /* while it is written */
	uint32_t first_posting, last_posting; /* numbers from 1; 0: none */
	uint8_t severity; /* worst; 0: none said */
	bool is_new; /* to the table, while it is written */
	bool described; /* its ends, in an earlier transaction */
};

/* A group in the order in which SQL is to see it (store_sums.c). */
struct store_order {
	int64_t by;
	uint32_t slot;
};

/* That a group has an alert in a frame. */
struct store_posting {
	int64_t frame;
	uint32_t next;
};

struct store_minute_sum {
	int64_t minute, site, exercise;
	uint64_t count; /* 0 is free */
	uint8_t severity;
};

struct store_known_group {
	struct store_group_key key;
	int64_t id; /* 0 is free */
	bool described;
};

/* The frame that is being taken in. */
struct store_frame_sum {
	int64_t id, sensor;
	int64_t site; /* name */
	struct frame_header h;
	int64_t first_alert;
	uint64_t alerts, first_us, last_us;
	uint8_t worst;
	uint32_t line, last_other; /* lines seen; number of the last no alert */
	uint8_t *others; /* lines that are no alerts: store_line.h */
	size_t n_others, others_cap;
};

struct store {
	sqlite3 *db;
	struct store_checkpoint *checkpoint; /* NULL: it does it itself */
	sqlite3_stmt *st[ST_COUNT_OF];
	struct store_limits limits;
	struct store_bounds bounds;
	bool in_transaction;
	/* The next to be given, and what they were at store_begin(). */
	int64_t next_alert, first_alert, next_frame, first_frame;
	int64_t next_group, first_group;
	struct store_frame_sum frame;
	struct store_name *names;
	size_t n_names;
	struct store_group_sum *groups;
	uint32_t *used; /* slots of 'groups' in order of their first alert */
	size_t n_groups;
	struct store_order *order;
	size_t n_order;
	struct store_group_sum *newest; /* of the last alert */
	struct store_posting *postings;
	uint32_t n_postings;
	struct store_minute_sum *minutes;
	size_t n_minutes;
	struct store_known_group *known;
	/* The last exercise's name: alerts in a row share it. */
	char exercise[256];
	size_t exercise_len;
	int64_t exercise_id; /* 0: none yet */
	int64_t oldest_frame; /* kept; 0: not looked up */
	int64_t sweep; /* next group to be looked at for expiry */
	bool expiring; /* told once per change */
	struct store_room rooms[STORE_ROOMS];
	int64_t minute_rows; /* of the timeline, or more; as if it were full
			      * until it was counted */
	struct {
		uint32_t gid, sid, rev;
		uint64_t hash;
		int64_t id;
	} signatures[STORE_SIGNATURES];
};

/* store_name.c: the number of a text or a rule, made when it is new; that of
 * 'other' ("": none may stand for it) when there is no room. */
enum err store_name_id(struct store *s, struct view text, const char *other,
		       int64_t *id) MUST_CHECK;
enum err store_signature_id(struct store *s, const struct alert *a,
			    int64_t *id) MUST_CHECK;
void store_names_clear(struct store *s);

/* store_group.c: sums of this transaction, to the tables. */
enum err store_group_alert(struct store *s, const struct alert *a,
			   int64_t id) MUST_CHECK;
enum err store_groups_flush(struct store *s) MUST_CHECK;
void store_groups_clear(struct store *s);

/* store_sums.c: the tables "sums" and "lists", for statements. */
enum err store_sums_register(struct store *s) MUST_CHECK;

/* store_expire.c: drops what the limits no longer allow. */
enum err store_expire(struct store *s) MUST_CHECK;

/* store_sweep.c: whether one more text or rule may be kept; it is counted
 * either way.  And what a commit drops of what is beyond its bound. */
enum err store_room_for(struct store *s, enum store_rooms room,
			bool *is) MUST_CHECK;
enum err store_sweep(struct store *s) MUST_CHECK;

/* store.c: steps through 'sql', calling 'fn' for each row. */
enum err store_each_row(struct store *s, const char *sql,
			enum err (*fn)(void *arg, sqlite3_stmt *st),
			void *arg) MUST_CHECK;

#endif
