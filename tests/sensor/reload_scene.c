/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sensor/reload_scene.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

struct scene scene;

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
find_captures(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (n > 5 && strcmp(e->d_name + n - 5, ".pcap") == 0 &&
		    scene.n_pcaps < MAX_PATHS) {
			assert_true(asprintf(&scene.pcaps[scene.n_pcaps++],
					     "%s/%s", dir, e->d_name) > 0);
		}
	}
	closedir(d);
	qsort(scene.pcaps, scene.n_pcaps, sizeof(scene.pcaps[0]), by_name);
}

int
scene_set_up(void **state)
{
	const char *src = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
	char dir[600], setting[700];
	struct diag d;

	(void)state;
	log_init("test_reload", LOG_ERR, false);
	snprintf(dir, sizeof(dir), "%s/pcaps", src);
	find_captures(dir);
	snprintf(scene.rules, sizeof(scene.rules), "%s/rules/dist/*.rules",
		 src);
	scene.patterns[0] = scene.rules;
	scene.conf = conf_new();
	assert_non_null(scene.conf);
	snprintf(setting, sizeof(setting),
		 "classification-file=%s/rules/dist/classification.config",
		 src);
	assert_int_equal(conf_set_arg(scene.conf, setting, &d), ERR_OK);
	assert_int_equal(
		conf_set_arg(scene.conf,
			     "vars.address-groups.HOME_NET=[192.0.2.0/24]", &d),
		ERR_OK);
	snprintf(scene.dir, sizeof(scene.dir), "%s/picket-reload.XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(scene.dir));
	return 0;
}

int
scene_tear_down(void **state)
{
	char command[600];

	(void)state;
	for (size_t i = 0; i < scene.n_pcaps; i++) {
		free(scene.pcaps[i]);
	}
	conf_free(scene.conf);
	snprintf(command, sizeof(command), "rm -r '%s'", scene.dir);
	return system(command);
}

struct worker *
make_worker(const struct ruleset *rs)
{
	struct worker_settings set = {
		.conf = scene.conf,
		.rules = rs,
		.origin = { .site = "",
			    .sensor = "",
			    .owner = "",
			    .exercise = "",
			    .tlp = "" },
		.event_types = UINT32_MAX,
		.memory_limit = (size_t)1 << 28,
	};
	struct worker *w = worker_new(&set);

	assert_non_null(w);
	return w;
}

void
run_capture(const char *path, struct worker *w, struct rule_matcher *other,
	    struct outbox *out)
{
	const char *paths[] = { path };
	struct batch_frames *b = batch_frames_new();
	struct capture *c;
	uint64_t last_us = 0, number = 0;
	struct diag d;

	assert_non_null(b);
	assert_int_equal(capture_open_files(&c, paths, 1, NULL, &d), ERR_OK);
	while (capture_next(c, b, &d) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			if (other != NULL) {
				other = worker_change_rules(w, other);
			}
			b->frame[i].iface = 1; /* shown where it has a name */
			worker_frame(w, &b->frame[i], out);
			last_us = MAX(last_us, b->frame[i].ts_us);
			number = b->frame[i].number;
		}
	}
	worker_finish(w, last_us, number, out);
	rule_matcher_free(other);
	capture_close(c);
	batch_frames_free(b);
}

struct ruleset *
load(const struct ruleset *prev, const char *const *patterns)
{
	struct diag d = { "" };
	struct ruleset *rs = ruleset_reload(prev, scene.conf, patterns, 1, NULL,
					    0, NULL, &d);

	if (rs == NULL) {
		fail_msg("%s", d.msg);
	}
	return rs;
}

const char *
rule_file(const char *name, const char *text)
{
	static char paths[4][700];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	FILE *f;

	snprintf(path, sizeof(paths[0]), "%s/%s", scene.dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

char *
read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *p;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	*len = (size_t)ftell(f);
	rewind(f);
	p = malloc(*len + 1);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, *len, f), *len);
	p[*len] = '\0';
	fclose(f);
	return p;
}

static struct view
line_of(struct event_log *l, const struct outbox *o, const struct record *r)
{
	return r->late && r->len > 0 ? event_later(l, o, r) : outbox_line(o, r);
}

void
same_lines(const char *path, const struct outbox *a, const struct outbox *b)
{
	struct event_log *la = event_log_for_later();
	struct event_log *lb = event_log_for_later();

	assert_true(la != NULL && lb != NULL);
	if (a->n != b->n) {
		fail_msg("%s: %zu lines, %zu with changes of rules", path, a->n,
			 b->n);
	}
	for (size_t i = 0; i < a->n; i++) {
		const struct record *ra = &a->rec[i], *rb = &b->rec[i];

		assert_int_equal(ra->order, rb->order);
		assert_int_equal(ra->held, rb->held);
		assert_int_equal(ra->rule == NULL, rb->rule == NULL);
		assert_true(view_eq(line_of(la, a, ra), line_of(lb, b, rb)));
	}
	event_log_free(la);
	event_log_free(lb);
}
