/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings SITES HOSTS DAYS PLANTED WORKERS INTERVAL SEED STORE: how much of
 * what was planted in a made-up world is found, and how much else.  Prints a
 * row for each kind, what was missed and what was not planted, and what it cost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/finding_run.h"
#include "collector/finding_store.h"
#include "collector/store.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/finding_world.h"

/* Lines of one transaction. */
#define BATCH 2000

struct measure {
	struct store *store;
	struct finder *finder;
	struct json_reader reader;
	struct mission_map *map;
	struct world_truth *truth;
	size_t n_truth;
	uint64_t lines, bytes, busy_us, commit_us, verdicts;
	unsigned in_batch;
	unsigned right[FINDING_KINDS], wrong[FINDING_KINDS];
};

static void
check(enum err e, const char *what)
{
	if (e != ERR_OK) {
		fprintf(stderr, "findings: %s: error %d\n", what, (int)e);
		exit(1);
	}
}

static void
judge(struct measure *m, const struct finding *f)
{
	for (size_t i = 0; i < m->n_truth; i++) {
		if (m->truth[i].kind == f->kind &&
		    strcmp(m->truth[i].key, f->key) == 0) {
			m->right[f->kind] +=
				!m->truth[i].found && !m->truth[i].may;
			m->truth[i].found = true;
			return;
		}
	}
	m->wrong[f->kind]++;
	printf("not planted: %s %s %.*s\n", finding_kind_name(f->kind), f->key,
	       (int)f->evidence.len, (const char *)f->evidence.p);
}

static enum err
found(void *arg, const struct finding *f)
{
	struct measure *m = arg;
	enum finding_news news;
	uint64_t forgotten;
	int64_t id;
	enum err e = finding_store_put(store_db(m->store), f, clock_wall_us(),
				       &id, &news, &forgotten);

	m->verdicts++;
	if (e == ERR_OK && news == FINDING_NEW) {
		judge(m, f);
	}
	return e;
}

static void
commit(struct measure *m)
{
	uint64_t at = clock_mono_us();

	check(finder_keep(m->finder), "keep");
	check(store_commit(m->store), "commit");
	m->commit_us += clock_mono_us() - at;
	m->in_batch = 0;
}

static void
take(void *arg, const char *site, struct view line)
{
	struct measure *m = arg;
	struct finder_sink sink = { m, found };
	struct marking mark = MARKING_CLEAR;
	struct contacts c;
	const char *why;
	uint64_t at = clock_mono_us();

	if (m->in_batch == 0) {
		check(store_begin(m->store), "begin");
	}
	if (!contacts_read(&c, &m->reader, line, &why)) {
		fprintf(stderr, "findings: a line is refused: %s\n", why);
		exit(1);
	}
	check(finder_take(m->finder,
			  &(struct finder_line){ "", site, "JP", &mark, &c },
			  &sink),
	      "take");
	m->busy_us += clock_mono_us() - at;
	m->lines++;
	m->bytes += line.len;
	if (++m->in_batch == BATCH) {
		commit(m);
	}
}

static void
print(const struct measure *m, uint64_t flows)
{
	struct finder_stats st;
	unsigned bad = 0;

	for (unsigned k = 0; k < FINDING_KINDS; k++) {
		unsigned planted = 0;

		for (size_t i = 0; i < m->n_truth; i++) {
			planted += m->truth[i].kind == k && !m->truth[i].may;
		}
		printf("%-10s planted %4u found %4u others %3u  precision "
		       "%.3f recall %.3f\n",
		       finding_kind_name((enum finding_kind)k), planted,
		       m->right[k], m->wrong[k],
		       m->right[k] + m->wrong[k] > 0
			       ? (double)m->right[k] /
					 (m->right[k] + m->wrong[k])
			       : 1,
		       planted > 0 ? (double)m->right[k] / planted : 1);
		bad += m->right[k] * 20 < planted * 19 ||
		       m->wrong[k] * 20 > m->right[k] + m->wrong[k];
	}
	for (size_t i = 0; i < m->n_truth; i++) {
		if (!m->truth[i].found && !m->truth[i].may) {
			printf("missed: %s %s\n",
			       finding_kind_name(m->truth[i].kind),
			       m->truth[i].key);
		}
	}
	finder_stats(m->finder, &st);
	printf("flows %" PRIu64 " lines %" PRIu64 " (%.0f bytes each), "
	       "verdicts %" PRIu64 "; per line %.1f us and %.1f us to keep\n",
	       flows, m->lines, (double)m->bytes / (double)m->lines,
	       m->verdicts, (double)m->busy_us / (double)m->lines,
	       (double)m->commit_us / (double)m->lines);
	printf("states:");
	for (unsigned k = 0; k < STATE_KINDS; k++) {
		printf(" %" PRIu64 " (-%" PRIu64 ")", st.states.n[k],
		       st.states.evicted[k]);
	}
	printf("\n%s\n", bad == 0 ? "good" : "below 0.95");
}

static struct mission_map *
load_missions(const struct world *w, const char *store)
{
	struct mission_map *map = NULL;
	struct diag d = { "" };
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s.yaml", store);
	f = fopen(path, "w");
	if (f == NULL || fputs(world_missions(w), f) < 0 || fclose(f) != 0) {
		check(ERR_IO, path);
	}
	check(mission_load(&map, path, &d), d.msg);
	remove(path);
	return map;
}

int
main(int argc, char **argv)
{
	struct world_config cfg = { 2, 30, 4, 8, 2, 60, 1 };
	unsigned *const number[] = { &cfg.sites,   &cfg.hosts,
				     &cfg.days,    &cfg.planted,
				     &cfg.workers, &cfg.interval_s,
				     &cfg.seed };
	struct measure m = { .in_batch = 0 };
	struct finding_config kinds;
	struct diag d = { "" };
	struct world *w;

	if (argc != 9) {
		fputs("findings SITES HOSTS DAYS PLANTED WORKERS INTERVAL SEED "
		      "STORE\n",
		      stderr);
		return 2;
	}
	for (int i = 0; i < 7; i++) {
		*number[i] = (unsigned)strtoul(argv[i + 1], NULL, 10);
	}
	w = world_new(&cfg);
	world_configure(w, &kinds);
	m.n_truth = world_truths(w, &m.truth);
	m.map = load_missions(w, argv[8]);
	check(store_open(&m.store, argv[8], &d), d.msg);
	check(finder_new(&m.finder, &kinds, m.map, store_db(m.store)),
	      "finder");
	world_lines(w, take, &m);
	if (m.in_batch > 0) {
		commit(&m);
	}
	print(&m, world_flows(w));
	finder_free(m.finder);
	store_close(m.store);
	mission_free(m.map);
	json_reader_fini(&m.reader);
	world_free(w);
	return 0;
}
