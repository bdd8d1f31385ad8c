/* SPDX-License-Identifier: Apache-2.0 */
/* Captures, settings and rules of the tests of reloads. */
#ifndef TESTS_SENSOR_RELOAD_SCENE_H
#define TESTS_SENSOR_RELOAD_SCENE_H

#include "sensor/capture.h"
#include "sensor/replay.h"
#include "tests/test.h"

#define MAX_PATHS 64

struct scene {
	char dir[512]; /* of the test's own files */
	char *pcaps[MAX_PATHS];
	size_t n_pcaps;
	char rules[600];
	const char *patterns[1];
	struct conf *conf;
};

extern struct scene scene;

int scene_set_up(void **state);
int scene_tear_down(void **state);

/* Fails the test when 'patterns' cannot be read. */
struct ruleset *load(const struct ruleset *prev, const char *const *patterns);
/* Writes a file of rules; its path is good for three more calls. */
const char *rule_file(const char *name, const char *text);
struct worker *make_worker(const struct ruleset *rs);
/* All frames of one capture; with 'other', another matcher before each. */
void run_capture(const char *path, struct worker *w, struct rule_matcher *other,
		 struct outbox *out);
/* The whole file, to be freed. */
char *read_all(const char *path, size_t *len);

/* Of the workers that filled them, which are there still. */
void same_lines(const char *path, const struct outbox *a,
		const struct outbox *b);

#endif
