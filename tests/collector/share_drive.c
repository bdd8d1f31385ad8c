/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a store with EVE lines as the collector does, without a broker:
 *
 *	share_drive STORE.db MISSIONS.yaml <lines
 *
 * A line "restart" ends the correlator and begins it anew from the store; a
 * line "rollback" drops what came since the last commit, begins anew and goes
 * on behind it.  What the store then has is the pipeline's own doing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "collector/pipeline_state.h"
#include "common/clock.h"
#include "common/log.h"

static struct pipeline p;
static struct eve *eve;
static int64_t n_alerts;

static void
check(enum err e, const char *what)
{
	if (e != ERR_OK) {
		fprintf(stderr, "share_drive: %s: error %d\n", what, (int)e);
		exit(1);
	}
}

static void
begin_correlate(void)
{
	p.correlate = correlate_new(&correlate_defaults);
	check(p.correlate != NULL ? ERR_OK : ERR_NOMEM, "correlate_new");
	check(store_load_runs(p.store, p.correlate, 0, 1000000),
	      "store_load_runs");
}

static void
commit(void)
{
	check(pipeline_correlate(&p), "correlate");
	check(pipeline_incidents(&p), "incidents");
	check(store_commit(p.store), "commit");
	check(store_begin(p.store), "begin");
}

static void
take(struct view line)
{
	struct sighting_set set;
	const char *why = "";
	struct alert a;

	if (eve_parse(eve, line, &a, &why) != EVE_ALERT) {
		fprintf(stderr, "share_drive: %s: %.*s\n", why, (int)line.len,
			(const char *)line.p);
		exit(1);
	}
	n_alerts++;
	if (sighting_batch_count(p.sightings, &a, a.timestamp_us, 1)) {
		return;
	}
	sighting_from_alert(&a, p.cfg.missions, &set);
	set.alert = n_alerts;
	set.events = 1;
	check(sighting_batch_add(p.sightings, &set) ? ERR_OK : ERR_LIMIT,
	      "sightings");
}

static void
each_line(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "restart") == 0) {
			commit();
			correlate_free(p.correlate);
			begin_correlate();
		} else if (strcmp(line, "rollback") == 0) {
			/* What is lost comes again behind this line. */
			check(pipeline_correlate(&p), "correlate");
			check(pipeline_incidents(&p), "incidents");
			store_rollback(p.store);
			check(store_begin(p.store), "begin");
			correlate_free(p.correlate);
			begin_correlate();
		} else if (strcmp(line, "commit") == 0) {
			commit();
		} else {
			take(view_cstr(line));
		}
	}
	commit();
}

int
main(int argc, char **argv)
{
	struct mission_map *map = NULL;
	struct diag d = { "" };

	if (argc != 3) {
		fputs("usage: share_drive STORE.db MISSIONS.yaml\n", stderr);
		return 2;
	}
	log_init("share_drive", LOG_WARN, false);
	if (store_open(&p.store, argv[1], &d) != ERR_OK ||
	    mission_load(&map, argv[2], &d) != ERR_OK) {
		fprintf(stderr, "share_drive: %s\n", d.msg);
		return 1;
	}
	p.cfg.missions = map;
	p.now_us = clock_wall_us();
	p.sightings = sighting_batch_new();
	assess_init(&p.assessment);
	eve = eve_new();
	check(p.sightings != NULL && eve != NULL ? ERR_OK : ERR_NOMEM, "new");
	begin_correlate();
	if (common_set_new(&p.common, store_db(p.store), &p.cfg.common, NULL,
			   map, &d) != ERR_OK) {
		fprintf(stderr, "share_drive: %s\n", d.msg);
		return 1;
	}
	check(store_begin(p.store), "begin");
	each_line();
	store_rollback(p.store);
	correlate_free(p.correlate);
	common_set_free(p.common);
	sighting_batch_free(p.sightings);
	assess_fini(&p.assessment);
	eve_free(eve);
	mission_free(map);
	store_close(p.store);
	return 0;
}
