/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledgers of sensors in the store: the newest is kept, whatever clocks do,
 * and what was declared gone and came all the same is taken off.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store_ledger.h"
#include "collector/store_read.h"
#include "collector/store_runs.h"

#define EPOCH 7

struct fixture {
	char dir[64], path[96];
	struct store *store;
	struct store_ledger *ledgers;
	int64_t sensor;
	struct store_ledger_row row; /* as read last */
	unsigned rows;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diag d = { "" };

	assert_non_null(f);
	*state = f;
	strcpy(f->dir, "/tmp/picket-kept.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/s.db", f->dir);
	if (store_open(&f->store, f->path, &d) != ERR_OK ||
	    store_ledger_new(&f->ledgers, f->store, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	assert_int_equal(store_begin(f->store), ERR_OK);
	assert_int_equal(store_sensor(f->store, "hq", "tap1", &f->sensor),
			 ERR_OK);
	assert_int_equal(store_commit(f->store), ERR_OK);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;
	char file[128];

	store_ledger_free(f->ledgers);
	store_close(f->store);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(file, sizeof(file), "%s%s", f->path, tails[i]);
		unlink(file);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
tell(struct fixture *f, const struct ledger *l)
{
	struct json j;

	json_init(&j);
	json_obj(&j, NULL);
	ledger_write(&j, "ledger", l);
	json_obj_end(&j);
	assert_false(j.failed);
	assert_int_equal(store_begin(f->store), ERR_OK);
	assert_int_equal(store_ledger_told(f->ledgers, f->sensor, json_view(&j),
					   1, NULL),
			 ERR_OK);
	assert_int_equal(store_commit(f->store), ERR_OK);
	json_fini(&j);
}

static void
arrives(struct fixture *f, uint64_t seq, uint8_t sev, uint32_t n)
{
	const struct frame_header h = {
		.epoch = EPOCH, .seq = seq, .sev = sev, .n = n
	};

	assert_int_equal(store_begin(f->store), ERR_OK);
	assert_int_equal(store_ledger_batch(f->ledgers, f->sensor, &h, n, 0),
			 ERR_OK);
	assert_int_equal(store_commit(f->store), ERR_OK);
}

static void
take_row(void *arg, const struct store_ledger_row *row)
{
	struct fixture *f = arg;

	f->row = *row;
	f->rows++;
}

static const struct store_ledger_row *
kept(struct fixture *f)
{
	struct store_reader *r = NULL;
	struct diag d = { "" };

	f->rows = 0;
	assert_int_equal(store_reader_open(&r, f->path, &d), ERR_OK);
	assert_int_equal(store_read_ledgers(r, NULL, NULL, take_row, f),
			 ERR_OK);
	store_reader_close(r);
	assert_int_equal(f->rows, 1);
	return &f->row;
}

static void
take_lost(void *arg, const struct store_sensor *s)
{
	*(uint64_t *)arg = s->lost_events;
}

/* What lists of sensors and the status say is what the ledger says. */
static void
test_lost_is_told(void **state)
{
	struct fixture *f = *state;
	struct ledger l = { .epoch = EPOCH, .at_us = 1, .order = 1 };
	struct store_reader *r = NULL;
	struct store_status status;
	struct diag d = { "" };
	uint64_t lost = 0;

	l.lost[LEDGER_LOST_spool_full][2] = 1000;
	l.lost[LEDGER_LOST_queue_full][0] = 5;
	l.gone[LEDGER_GONE_shed][3] = 780;
	l.n_shed = 1;
	l.shed[0] = (struct ledger_shed){
		.cls = 3, .from = 1, .to = 4, .events = 780
	};
	tell(f, &l);
	arrives(f, 2, 4, 10); /* came all the same */
	assert_int_equal(store_reader_open(&r, f->path, &d), ERR_OK);
	assert_int_equal(store_read_sensors(r, take_lost, &lost), ERR_OK);
	assert_int_equal(store_read_status(r, &status), ERR_OK);
	store_reader_close(r);
	assert_int_equal(lost, 1775);
	assert_int_equal(status.lost_events, 1775);
}

/* A sensor whose clock is set back goes on telling, and is believed. */
static void
test_clock_set_back(void **state)
{
	struct ledger l = { .epoch = EPOCH, .at_us = 5000, .order = 5000 };

	l.raised[0] = 1;
	tell(*state, &l);
	l.raised[0] = 2;
	l.at_us = 1000;
	l.order = 5001;
	tell(*state, &l);
	assert_int_equal(kept(*state)->ledger.raised[0], 2);
	/* An older one that comes late changes nothing. */
	l.raised[0] = 1;
	l.order = 5000;
	tell(*state, &l);
	assert_int_equal(kept(*state)->ledger.raised[0], 2);
	assert_int_equal(kept(*state)->ledger.at_us, 1000);
}

/* Damaged and shed batches that had been sent before: they are here. */
static void
test_came_all_the_same(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct fixture *f = *state;
	struct ledger l = { .epoch = EPOCH, .order = 1, .last_seq = 4 };
	const struct store_ledger_row *row;
	unsigned n;

	l.raised[2] = l.spooled[2] = 22;
	l.gone[LEDGER_GONE_shed][2] = 4;
	l.gone[LEDGER_GONE_damaged][2] = 15;
	l.held[2] = 3;
	l.n_shed = 2;
	l.shed[0] = (struct ledger_shed){ 1, 1, 4, 2, 0 };
	l.shed[1] = (struct ledger_shed){ 3, 4, 15, 2, 1 };
	arrives(f, 1, 3, 4); /* before it is said to be gone */
	tell(f, &l);
	arrives(f, 2, 3, 3);
	arrives(f, 4, 3, 5); /* after that */
	row = kept(f);
	assert_int_equal(row->store.returned[2], 9);
	n = ledger_check(&row->ledger, &row->store, e);
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(e[i].name, "spooled") == 0) {
			assert_int_equal(e[i].verdict, LEDGER_HOLDS);
		}
	}
}

/* A batch that two ranges tell of is one batch, whether it came before them or
 * comes after. */
static void
test_overlapping_ranges(void **state)
{
	struct ledger l = { .epoch = EPOCH, .order = 1, .last_seq = 9 };

	arrives(*state, 2, 3, 5);
	l.spooled[2] = 20;
	l.n_shed = 1;
	l.shed[0] = (struct ledger_shed){ 2, 3, 10, 2, 1 };
	tell(*state, &l);
	l.order = 2;
	l.n_shed = 2;
	l.shed[1] = (struct ledger_shed){ 1, 6, 20, 2, 0 };
	tell(*state, &l);
	assert_int_equal(kept(*state)->store.returned[2], 5);
	arrives(*state, 3, 3, 7);
	assert_int_equal(kept(*state)->store.returned[2], 12);
	arrives(*state, 6, 3, 2);
	assert_int_equal(kept(*state)->store.returned[2], 14);
}

struct killed {
	unsigned n;
	struct store_run last;
};

static void
take_killed(void *arg, const struct store_run *run)
{
	struct killed *k = arg;

	k->last = *run;
	k->n++;
}

static struct killed
killed_of(struct fixture *f)
{
	struct store_reader *r = NULL;
	struct killed k = { 0 };
	struct diag d = { "" };

	assert_int_equal(store_reader_open(&r, f->path, &d), ERR_OK);
	assert_int_equal(store_read_killed(r, "hq", "tap1", take_killed, &k),
			 ERR_OK);
	store_reader_close(r);
	return k;
}

/* The last account of a run that was killed outlives the words of the next; of
 * one that ended, whose last words were late, it does not. */
static void
test_killed_run(void **state)
{
	struct ledger l = { .epoch = EPOCH,
			    .order = 10,
			    .at_us = 10,
			    .started_us = 5,
			    .files = { .records = 90 },
			    .frames = { .delivered = 90, .inspected = 80 } };

	tell(*state, &l);
	assert_int_equal(killed_of(*state).n, 0); /* it runs */
	l.started_us = l.order = l.at_us = 20;
	l.files.records = l.frames.delivered = l.frames.inspected = 1;
	tell(*state, &l);
	assert_int_equal(killed_of(*state).n, 1);
	assert_int_equal(killed_of(*state).last.started_us, 5);
	assert_int_equal(killed_of(*state).last.at_us, 10);
	assert_int_equal(killed_of(*state).last.captured, 90);
	assert_int_equal(killed_of(*state).last.inspected, 80);
	/* From the spool: it said more before it was killed. */
	l.started_us = 5;
	l.order = l.at_us = 12;
	l.files.records = l.frames.delivered = l.frames.inspected = 95;
	tell(*state, &l);
	assert_int_equal(killed_of(*state).n, 1);
	assert_int_equal(killed_of(*state).last.captured, 95);
	/* And then that it was not. */
	l.order = 13;
	l.ended = true;
	tell(*state, &l);
	assert_int_equal(killed_of(*state).n, 0);
	assert_int_equal(kept(*state)->ledger.frames.inspected, 1);
}

/* A sensor that is killed again and again leaves so many, and the latest. */
static void
test_killed_runs_bounded(void **state)
{
	struct ledger l = { .epoch = EPOCH };

	for (uint64_t i = 1; i <= 50; i++) {
		l.order = l.at_us = l.started_us = i;
		tell(*state, &l);
	}
	assert_int_equal(killed_of(*state).n, STORE_RUNS_KEPT - 1);
	assert_int_equal(killed_of(*state).last.started_us, 49);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_clock_set_back),    TEST(test_overlapping_ranges),
		TEST(test_killed_run),        TEST(test_killed_runs_bounded),
		TEST(test_came_all_the_same), TEST(test_lost_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
