/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's file: a forwarder that is killed again and again, at any moment,
 * and what the next start says of it.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/forward.h"
#include "sensor/ledger_file.h"
#include "tests/rnd.h"

#define KILLS 60

/* Written by the child, read when it is dead. */
struct told {
	_Atomic uint64_t begun[LEDGER_CLASSES], done[LEDGER_CLASSES];
	_Atomic int failed;
};

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void
temp_dir(char *out)
{
	strcpy(out, "/tmp/picket-ledger.XXXXXX");
	assert_non_null(mkdtemp(out));
}

static void
drop_dir(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct forward_options
options_for(const char *dir, uint64_t max)
{
	return (struct forward_options){
		.redis_url = "unix:///nonexistent/redis.sock",
		.site = "hq",
		.sensor = "tap1",
		.spool_dir = dir,
		.spool_max_bytes = max,
	};
}

static unsigned
class_of(uint8_t sev)
{
	return sev >= 1 && sev <= 3 ? sev - 1U : 3;
}

/* Pushes lines of all classes until it is killed. */
static void
be_killed(const char *dir, uint64_t max, uint64_t seed, struct told *t)
{
	struct forward_options o = options_for(dir, max);
	struct forward *f = NULL;
	struct diag d;
	static char line[900];

	rnd_state = (uint32_t)seed;
	if (forward_start(&f, &o, &d) != ERR_OK) {
		t->failed = 1;
		_exit(1);
	}
	for (;;) {
		uint8_t sev = (uint8_t)rnd(5);
		size_t len = 30 + rnd((uint32_t)sizeof(line) - 30);

		for (size_t i = 0; i < len; i++) {
			line[i] = (char)('a' + rnd(26));
		}
		t->begun[class_of(sev)]++;
		forward_push(f, view_of(line, len), sev);
		t->done[class_of(sev)]++;
	}
}

/* What stands in the spool, counted one by one. */
static void
count_spool(const char *dir, uint64_t held[LEDGER_CLASSES])
{
	struct spool_options so = { .dir = dir, .name = "hq/tap1" };
	struct spool_cursor cur;
	struct spool_item it;
	struct spool *s = NULL;
	struct diag d;

	memset(held, 0, LEDGER_CLASSES * sizeof(*held));
	if (spool_open(&s, &so, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	spool_seek(&cur, 1);
	while (spool_next(s, &cur, &it) == ERR_OK) {
		if (it.gap_from == 0) {
			held[spool_class(it.hdr.sev)] += it.hdr.n;
		}
	}
	spool_close(s);
}

static void
all_hold(const struct ledger *l)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	unsigned n = ledger_check(l, NULL, e);

	for (unsigned i = 0; i < n; i++) {
		if (e[i].verdict != LEDGER_HOLDS) {
			fail_msg("%s %s: difference %" PRId64, e[i].name,
				 e[i].of, e[i].difference);
		}
	}
}

/* The start after a kill: everything is accounted for, exactly. */
static void
look_after(const char *dir, uint64_t max, const struct told *t, unsigned own)
{
	struct forward_options o = options_for(dir, max);
	uint64_t held[LEDGER_CLASSES];
	struct forward *f = NULL;
	struct ledger l;
	struct diag d;

	count_spool(dir, held);
	if (forward_start(&f, &o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	forward_get_ledger(f, &l);
	all_hold(&l);
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		/* Alerts of the forwarder's own, of what it lost, are of class
		 * 0; how many it raised nobody else counts. */
		assert_in_range(l.raised[c], t->done[c],
				t->begun[c] + (c == 0 ? own : 0));
		assert_int_equal(l.memory[c], 0);
		assert_int_equal(l.held[c], held[c]);
		assert_int_equal(l.spooled[c],
				 held[c] + l.gone[LEDGER_GONE_shed][c]);
		assert_int_equal(l.gone[LEDGER_GONE_damaged][c], 0);
	}
	assert_int_equal(l.unknown_since_us, 0);
	assert_true(l.blind_from_us > 0);
	assert_true(l.blind_from_us <= l.blind_to_us);
	forward_finish(f, FORWARD_SPOOLED, 0, NULL);
	forward_free(f);
}

/* A kill at any moment, by the clock. */
static void
kill_often(uint64_t max, unsigned kills)
{
	struct told *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	char dir[64];

	assert_true(t != MAP_FAILED);
	temp_dir(dir);
	for (unsigned i = 0; i < kills; i++) {
		uint64_t before = t->done[0];
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			be_killed(dir, max, i + 1, t);
		}
		/* Half of them as soon as something was pushed. */
		for (unsigned ms = 0; i % 2 == 0 && ms < 20000 &&
				      t->done[0] == before && !t->failed;
		     ms++) {
			usleep(1000);
		}
		usleep((useconds_t)rnd(60000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_false(t->failed);
		/* What was begun and not done may have been raised or not: by
		 * the file it is one or the other, and so it is from here. */
		look_after(dir, max, t, 4 * (i + 1));
	}
	assert_true(t->done[0] + t->done[1] + t->done[2] + t->done[3] > 1000);
	drop_dir(dir);
	munmap(t, sizeof(*t));
}

static void
test_killed(void **state)
{
	(void)state;
	kill_often(0, KILLS);
}

static void
test_killed_while_shedding(void **state)
{
	(void)state;
	kill_often(512 << 10, KILLS);
}

static void
test_clean(void **state)
{
	struct forward_options o;
	struct forward *f = NULL;
	struct ledger l;
	char dir[64];

	(void)state;
	temp_dir(dir);
	o = options_for(dir, 0);
	for (unsigned run = 1; run <= 3; run++) {
		assert_int_equal(forward_start(&f, &o, NULL), ERR_OK);
		forward_get_ledger(f, &l);
		assert_int_equal(l.raised[0], 2 * (run - 1));
		assert_int_equal(l.blind_to_us, 0);
		all_hold(&l);
		forward_push(f, VIEW_LIT("{\"a\":1}"), 1);
		forward_push(f, VIEW_LIT("{\"a\":2}\n"), 1);
		forward_push(f, VIEW_LIT("\n"), 1);
		forward_lost(f, LEDGER_LOST_writer, 2, 5);
		forward_finish(f, FORWARD_SPOOLED, 0, NULL);
		forward_get_ledger(f, &l);
		all_hold(&l);
		assert_int_equal(l.raised[0], 2 * run);
		assert_int_equal(l.spooled[0], 2 * run);
		assert_int_equal(l.raised[1], 5 * run);
		assert_int_equal(l.lost[LEDGER_LOST_writer][1], 5 * run);
		forward_free(f);
	}
	drop_dir(dir);
}

/* Damages the file; the spool stays. */
static void
overwrite(const char *dir, off_t at, const char *bytes, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

/* A file that is damaged is worth nothing, and the ledger says so. */
static void
test_damaged(void **state)
{
	struct forward_options o;
	struct forward *f = NULL;
	struct ledger l;
	char dir[64];

	(void)state;
	temp_dir(dir);
	o = options_for(dir, 0);
	assert_int_equal(forward_start(&f, &o, NULL), ERR_OK);
	forward_push(f, VIEW_LIT("{\"a\":1}"), 1);
	forward_finish(f, FORWARD_SPOOLED, 0, NULL);
	forward_free(f);
	overwrite(dir, 0, "rubbish!", 8);
	assert_int_equal(forward_start(&f, &o, NULL), ERR_OK);
	forward_get_ledger(f, &l);
	assert_int_equal(l.unknown_since_us, l.epoch * 1000);
	assert_int_equal(l.base_seq, 1);
	assert_int_equal(l.raised[0], 0);
	assert_int_equal(l.held[0], 1);
	all_hold(&l);
	forward_free(f);
	drop_dir(dir);
}

/* A list that is longer than it can be is not followed. */
static void
test_unsound_slot(void **state)
{
	struct ledger_slot slots[] = {
		{ .seq = 4, .n_shed = LEDGER_SHEDS + 1 },
		{ .seq = 4, .n_shed = UINT64_MAX },
		{ .seq = 4, .n_shed = 1, .shed = { { .cls = 4 } } },
		{ .seq = 4, .n_shed = LEDGER_SHEDS },
	};
	char dir[64];

	(void)state;
	temp_dir(dir);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		bool sound = i == ARRAY_LEN(slots) - 1;
		enum ledger_found found;
		struct ledger_file *lf;

		assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL),
				 ERR_OK);
		ledger_file_put(lf, &slots[i]);
		ledger_file_close(lf, true);
		assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL),
				 ERR_OK);
		assert_int_equal(found, sound ? LEDGER_FILE_CLEAN
					      : LEDGER_FILE_DAMAGED);
		assert_int_equal(ledger_file_slot(lf)->seq, sound ? 4 : 0);
		ledger_file_close(lf, true);
	}
	drop_dir(dir);
}

/* After a power cut the counts are from below, since the last beat. */
static void
test_power_cut(void **state)
{
	struct ledger_slot slot = { .seq = 4 };
	struct ledger_file *lf;
	enum ledger_found found;
	uint64_t raised[LEDGER_CLASSES];
	char dir[64];

	(void)state;
	temp_dir(dir);
	assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL), ERR_OK);
	assert_int_equal(found, LEDGER_FILE_NEW);
	ledger_file_raise(lf, 2, 1);
	ledger_file_beat(lf, 123456, true);
	ledger_file_put(lf, &slot);
	ledger_file_close(lf, false);
	/* magic, epoch and CRC, then the boot's name */
	overwrite(dir, 24, "another boot", 12);
	assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL), ERR_OK);
	assert_int_equal(found, LEDGER_FILE_POWER);
	assert_int_equal(ledger_file_last_beat(lf), 123456);
	assert_int_equal(ledger_file_slot(lf)->seq, 4);
	ledger_file_raised(lf, raised);
	assert_int_equal(raised[2], 1);
	ledger_file_close(lf, true);
	assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL), ERR_OK);
	assert_int_equal(found, LEDGER_FILE_CLEAN);
	ledger_file_close(lf, false);
	assert_int_equal(ledger_file_open(&lf, dir, 7, &found, NULL), ERR_OK);
	assert_int_equal(found, LEDGER_FILE_KILLED);
	ledger_file_close(lf, true);
	/* Of another spool: nothing of it counts. */
	assert_int_equal(ledger_file_open(&lf, dir, 8, &found, NULL), ERR_OK);
	assert_int_equal(found, LEDGER_FILE_NEW);
	ledger_file_close(lf, true);
	drop_dir(dir);
}

/* A power cut with one of the file's pages written and not the other: the slot
 * that lies in both is not taken, but the one before. */
static void
test_torn_slot(void **state)
{
	struct ledger_slot slot = { .seq = 4 };
	struct ledger_file *lf;
	enum ledger_found found;
	char dir[64], second[4096], path[128];
	int fd;

	(void)state;
	temp_dir(dir);
	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, dir);
	for (unsigned last = 6; last <= 7; last++) {
		assert_int_equal(ledger_file_open(&lf, dir, last, &found, NULL),
				 ERR_OK);
		fd = open(path, O_RDONLY);
		assert_int_equal(pread(fd, second, sizeof(second), 4096), 4096);
		close(fd);
		for (slot.seq = 4; slot.seq <= last; slot.seq++) {
			slot.base_seq = slot.seq;
			ledger_file_put(lf, &slot);
		}
		ledger_file_close(lf, false);
		overwrite(dir, 24, "another boot", 12);
		overwrite(dir, 4096, second, sizeof(second));
		assert_int_equal(ledger_file_open(&lf, dir, last, &found, NULL),
				 ERR_OK);
		assert_int_equal(found, LEDGER_FILE_POWER);
		/* one of the two lies in both pages */
		assert_in_range(ledger_file_slot(lf)->seq, last - 1, last);
		assert_int_equal(ledger_file_slot(lf)->base_seq,
				 ledger_file_slot(lf)->seq);
		ledger_file_close(lf, false);
		/* no power cut: then it is damage */
		overwrite(dir, 1000, "x", 1);
		overwrite(dir, 4000, "x", 1);
		assert_int_equal(ledger_file_open(&lf, dir, last, &found, NULL),
				 ERR_OK);
		assert_int_equal(found, LEDGER_FILE_DAMAGED);
		ledger_file_close(lf, true);
	}
	drop_dir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_killed_while_shedding),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_unsound_slot),
		cmocka_unit_test(test_power_cut),
		cmocka_unit_test(test_torn_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
