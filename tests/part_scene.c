/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/part_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"

struct redis_fixture scene_redis;
struct sign_key *scene_stranger;
static struct sign_key *part_key, *part_public, *head_key, *head_public,
	*other_public;
static struct redis_options where;

static struct sign_key *
a_key(const char *name, struct sign_key **public)
{
	struct sign_key *k = NULL;
	struct diag d = { "" };
	char file[128];

	snprintf(file, sizeof(file), "%s/%s", scene_redis.dir, name);
	assert_int_equal(sign_key_make(file, &d), ERR_OK);
	assert_int_equal(sign_key_load(&k, file, true, &d), ERR_OK);
	unlink(file);
	strcat(file, ".pub");
	assert_int_equal(sign_key_load(public, file, false, &d), ERR_OK);
	unlink(file);
	return k;
}

int
scenes_open(void **state)
{
	(void)state;
	if (!redis_fixture_open(&scene_redis)) {
		return 0; /* tests skip */
	}
	where.url = scene_redis.url;
	part_key = a_key("part", &part_public);
	head_key = a_key("head", &head_public);
	scene_stranger = a_key("other", &other_public);
	return 0;
}

int
scenes_close(void **state)
{
	struct sign_key *all[] = { part_key,    head_key,    scene_stranger,
				   part_public, head_public, other_public };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		sign_key_free(all[i]);
	}
	redis_fixture_close(&scene_redis);
	return 0;
}

void
must(enum err e, const struct diag *d)
{
	if (e != ERR_OK) {
		fail_msg("%s: %s", err_name(e), d->msg);
	}
}

void
scene_open_part(struct scene *s)
{
	struct diag d = { "" };

	must(store_open(&s->part_store, s->part_db, &d), &d);
	must(part_out_new(&s->out, &s->part_cfg, s->part_store, &d), &d);
	must(part_out_reload(s->out), &d);
}

void
scene_close_part(struct scene *s)
{
	part_out_free(s->out);
	store_close(s->part_store);
}

void
scene_open_head(struct scene *s)
{
	struct diag d = { "" };

	must(store_open(&s->head_store, s->head_db, &d), &d);
	must(part_in_new(&s->in, &s->head_cfg, s->head_store, &d), &d);
	must(part_in_reload(s->in), &d);
	s->last = 0;
}

void
scene_close_head(struct scene *s)
{
	part_in_free(s->in);
	store_close(s->head_store);
}

struct scene *
scene_begin(void)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct diag d = { "" };

	if (scene_redis.pid == 0 &&
	    !redis_fixture_start(&scene_redis, NULL, NULL)) {
		skip();
	}
	assert_non_null(s);
	snprintf(s->part_db, sizeof(s->part_db), "%s/part.db", scene_redis.dir);
	snprintf(s->head_db, sizeof(s->head_db), "%s/head.db", scene_redis.dir);
	s->part_cfg = (struct part_config){ .of = 1,
					    .number = 1,
					    .max_waiting = 1 << 20,
					    .own = part_key,
					    .keys = { head_public },
					    .n_keys = 1 };
	s->head_cfg = (struct part_config){ .of = 1,
					    .head = true,
					    .own = head_key,
					    .keys = { part_public },
					    .n_keys = 1 };
	must(redis_pool_new(&s->part_pool, &where, &d), &d);
	must(redis_pool_new(&s->head_pool, &where, &d), &d);
	scene_open_part(s);
	scene_open_head(s);
	s->next = 1;
	return s;
}

void
scene_remove_store(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char file[160];

	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(file, sizeof(file), "%s%s", path, tails[i]);
		unlink(file);
	}
}

void
scene_end(struct scene *s)
{
	scene_close_part(s);
	scene_close_head(s);
	redis_pool_free(s->part_pool);
	redis_pool_free(s->head_pool);
	scene_remove_store(s->part_db);
	scene_remove_store(s->head_db);
	free(s);
	redis_fixture_stop(&scene_redis);
	scene_redis.pid = 0;
}

void
scene_say(struct scene *s, unsigned n)
{
	struct diag d = { "" };

	must(store_begin(s->part_store), &d);
	for (unsigned i = 0; i < n; i++) {
		struct alert a = { .timestamp_us = 1000 + i,
				   .severity = 1,
				   .sid = 7,
				   .gid = 1,
				   .has_addrs = true };

		must(part_out_alert(s->out, "base", "tap1", s->next++, &a), &d);
	}
	must(part_out_keep(s->out), &d);
	must(store_commit(s->part_store), &d);
	part_out_committed(s->out);
}

void
scene_part_turn(struct scene *s)
{
	struct diag d = { "" };

	must(part_out_turn(s->out, s->part_pool, &d), &d);
}

static enum err
anew(void *arg, unsigned part)
{
	struct scene *s = arg;

	assert_int_equal(part, 1);
	s->anew++;
	return ERR_OK;
}

static enum err
came(void *arg, unsigned part, const struct part_sight *sight)
{
	struct scene *s = arg;
	enum err e = s->fails;

	assert_int_equal(part, 1);
	assert_string_equal(sight->sensor, "tap1");
	s->out_of_order += sight->alert != s->last + 1;
	s->last = sight->alert;
	s->came++;
	s->fails = ERR_OK;
	return e;
}

void
scene_head_turn(struct scene *s, bool commit)
{
	const struct part_in_taker to = { came, anew, s };
	const enum err fails = s->fails;
	struct diag d = { "" };
	enum err e;
	size_t n;

	must(part_in_read(s->in, s->head_pool, &n, &d), &d);
	must(store_begin(s->head_store), &d);
	e = part_in_apply(s->in, clock_wall_us(), &to);
	if (!commit) {
		assert_int_equal(e, fails);
		store_rollback(s->head_store);
		must(part_in_reload(s->in), &d);
		return;
	}
	must(e, &d);
	must(store_commit(s->head_store), &d);
	must(part_in_acknowledge(s->in, s->head_pool, &d), &d);
}

struct part_in_stats
scene_in_stats(const struct scene *s)
{
	struct part_in_stats st;

	part_in_stats(s->in, &st);
	return st;
}

struct part_out_stats
scene_out_stats(const struct scene *s)
{
	struct part_out_stats st;

	part_out_stats(s->out, &st);
	return st;
}

redisReply *
scene_ask(struct scene *s, const char *fmt, const char *arg)
{
	redisReply *r = NULL;
	struct diag d = { "" };

	must(redis_pool_call(s->head_pool, SCENE_STREAM, 10000, &r, &d, fmt,
			     arg),
	     &d);
	assert_int_not_equal(r->type, REDIS_REPLY_ERROR);
	return r;
}
