/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_scene.h - a part and a head, with a Redis of the test's own between them
 *
 * Whatever fails fails the test; without redis-server it is skipped.
 *
 * Place    tests only.
 * Threads  one.
 * Memory   a scene's, until scene_end(); stores in the fixture's directory.
 */
#ifndef TESTS_PART_SCENE_H
#define TESTS_PART_SCENE_H

#include "collector/part_in.h"
#include "collector/part_out.h"
#include "tests/redis_fixture.h"
#include "tests/test.h"

#define SCENE_STREAM "picket:sightings:{1}"

extern struct redis_fixture scene_redis;
extern struct sign_key *scene_stranger; /* nobody's key */

/* Both ends, each with its store and its connection. */
struct scene {
	struct part_config part_cfg, head_cfg;
	char part_db[128], head_db[128];
	struct store *part_store, *head_store;
	struct redis_pool *part_pool, *head_pool;
	struct part_out *out;
	struct part_in *in;
	int64_t next; /* number of the next alert */
	int64_t last; /* that came, in this life of the head */
	unsigned came, out_of_order, anew;
	enum err fails; /* what who takes them in says, once */
};

/* For cmocka_run_group_tests(). */
int scenes_open(void **state);
int scenes_close(void **state);
struct scene *scene_begin(void);
void scene_end(struct scene *s);
/* Each end may go and come back; a head that does counts from alert 1 on. */
void scene_open_part(struct scene *s);
void scene_close_part(struct scene *s);
void scene_open_head(struct scene *s);
void scene_close_head(struct scene *s);
void scene_remove_store(const char *path);

/* 'n' alerts into one record of the part's store. */
void scene_say(struct scene *s, unsigned n);
void scene_part_turn(struct scene *s);
/* One turn of the head; 'commit' says whether its transaction succeeds: if not,
 * who takes alerts in may have said why ('fails'). */
void scene_head_turn(struct scene *s, bool commit);
struct part_in_stats scene_in_stats(const struct scene *s);
struct part_out_stats scene_out_stats(const struct scene *s);
/* What Redis says, which is no error; the caller's to free. */
redisReply *scene_ask(struct scene *s, const char *fmt, const char *arg);
void must(enum err e, const struct diag *d);

#endif
