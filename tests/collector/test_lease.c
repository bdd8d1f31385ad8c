/* SPDX-License-Identifier: Apache-2.0 */
/* One collector at a time writes a store, whatever becomes of the one before. */
#include "collector/lease.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "collector/store_sql.h"
#include "tests/store_dir.h"
#include "tests/wait_for.h"

/* Somebody who works is not to be taken for hung on a slow machine; somebody
 * who is stopped is to be found out soon. */
#define PATIENT (UINT64_C(10) * US_PER_S)
#define HASTY (US_PER_S * 7 / 10)

static volatile sig_atomic_t stop;
static unsigned turns, most_turns;

static struct lease_config
config(uint64_t stale_us, bool ends_itself)
{
	struct lease_config cfg = { .store = path,
				    .name = "c",
				    .stale_us = stale_us,
				    .kill = ends_itself };

	return cfg;
}

static struct lease *
stand_by(uint64_t stale_us, bool ends_itself)
{
	struct lease_config cfg = config(stale_us, ends_itself);
	struct lease *l = NULL;
	struct diag d = { "" };

	if (lease_new(&l, &cfg, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return l;
}

/* About ten times a second. */
static void
turn(void *arg)
{
	(void)arg;
	if (++turns >= most_turns) {
		stop = 1;
	}
}

/* Waits for so many turns, or until it is ours. */
static enum err
await(struct lease *l, unsigned most)
{
	struct diag d = { "" };

	stop = 0;
	turns = 0;
	most_turns = most;
	return lease_wait(l, &stop, turn, NULL, &d);
}

static uint64_t
number_of(struct lease *l)
{
	struct lease_status s;

	lease_status(l, &s);
	return s.number;
}

static uint64_t
takeovers_of(struct lease *l)
{
	struct lease_status s;

	lease_status(l, &s);
	return s.takeovers;
}

/* A transaction by the rules of the store. */
static enum err
writes(struct store *s, const char *name)
{
	enum err e = store_begin(s);

	if (e == ERR_OK) {
		e = store_count(s, name, 1);
	}
	if (e == ERR_OK) {
		e = store_commit(s);
	}
	if (e != ERR_OK) {
		store_rollback(s);
	}
	return e;
}

/* What was counted, as a connection of its own sees it. */
static int64_t
counted(const char *name)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = 0;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT value FROM counters"
					    " WHERE name=?",
					    -1, &st, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW) {
		n = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* ----------------------------------------------- another collector's process */

struct other {
	pid_t pid;
	int to, from;
};

/*
 * Has the lease, says '!', and does what it is told: 'w' a transaction, 'b' its
 * beginning, 'c' its end, 'h' whether it holds the lease still; each with 'y'
 * or 'n' for an answer.
 */
static void
be_other(int in, int out, uint64_t stale_us, bool ends_itself)
{
	struct lease *l = stand_by(stale_us, ends_itself);
	struct store *s;
	enum err e = await(l, 1000);
	char word = '!';

	if (e != ERR_OK) {
		_exit(1);
	}
	s = store_dir_open();
	lease_serving(l);
	while (write(out, &word, 1) == 1 && read(in, &word, 1) == 1) {
		if (word == 'w') {
			e = writes(s, "other");
		} else if (word == 'b') {
			e = store_begin(s);
			e = e == ERR_OK ? store_count(s, "other", 1) : e;
		} else if (word == 'c') {
			e = store_commit(s);
		} else if (word == 'h') {
			e = lease_held(l) ? ERR_OK : ERR_CLOSED;
		}
		word = e == ERR_OK ? 'y' : 'n';
	}
	store_close(s);
	lease_free(l);
	_exit(0);
}

static char
ask(const struct other *o, char word)
{
	char answer = '?';

	if (word != '!') {
		assert_int_equal(write(o->to, &word, 1), 1);
	}
	assert_int_equal(read(o->from, &answer, 1), 1);
	return answer;
}

static struct other
begin_other(uint64_t stale_us, bool ends_itself)
{
	struct other o;
	int to[2], from[2];

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	o.pid = fork();
	assert_true(o.pid >= 0);
	if (o.pid == 0) {
		/* Also while it is stopped, and whatever becomes of us. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		be_other(to[0], from[1], stale_us, ends_itself);
	}
	close(to[0]);
	close(from[1]);
	o.to = to[1];
	o.from = from[0];
	assert_int_equal(ask(&o, '!'), '!');
	return o;
}

/* How it ended. */
static int
end_other(const struct other *o)
{
	int status = 0;

	close(o->to);
	assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
	close(o->from);
	return status;
}

static void
stop_other(const struct other *o)
{
	int status;

	kill(o->pid, SIGSTOP);
	assert_int_equal(waitpid(o->pid, &status, WUNTRACED), o->pid);
}

/* ------------------------------------------------------------------ the tests */

static void
test_one_at_a_time(void **state)
{
	struct lease *a = stand_by(PATIENT, false), *b;
	struct lease_status s;
	struct store *store;

	(void)state;
	assert_int_equal(await(a, 50), ERR_OK);
	assert_false(lease_waited(a));
	assert_true(lease_held(a));
	assert_int_equal(number_of(a), 1);
	store = store_dir_open();
	assert_int_equal(writes(store, "a"), ERR_OK);
	b = stand_by(PATIENT, false);
	assert_int_equal(await(b, 5), ERR_CLOSED);
	assert_true(lease_waited(b));
	assert_false(lease_held(b));
	lease_status(a, &s);
	assert_true(s.held && s.others == 1);
	/* Given up: the next one takes it at once, and that is no takeover. */
	store_close(store);
	lease_free(a);
	assert_int_equal(await(b, 50), ERR_OK);
	assert_int_equal(number_of(b), 2);
	assert_int_equal(takeovers_of(b), 0);
	lease_free(b);
}

/* More signs of life than a hung holder would get away with. */
static void
test_signs_of_life_hold_it(void **state)
{
	struct other o = begin_other(HASTY * 2, false);
	struct lease *l = stand_by(HASTY * 2, false);

	(void)state;
	assert_int_equal(await(l, 18), ERR_CLOSED);
	assert_int_equal(ask(&o, 'w'), 'y');
	assert_int_equal(ask(&o, 'h'), 'y');
	assert_int_equal(end_other(&o), 0);
	assert_int_equal(counted("other"), 1);
	lease_free(l);
}

static const struct other *halted;

/* All stands still for longer than a hung holder would get away with, and we
 * are the first to go on. */
static void
halt(void *arg)
{
	if (turns == 2) {
		stop_other(halted);
		usleep(HASTY * 2 + HASTY / 2);
	} else if (turns == 3) {
		kill(halted->pid, SIGCONT);
	}
	turn(arg);
}

static void
test_who_stands_by_was_away_too(void **state)
{
	struct other o = begin_other(HASTY * 2, false);
	struct lease *l = stand_by(HASTY * 2, false);
	struct diag d = { "" };

	(void)state;
	halted = &o;
	stop = 0;
	turns = 0;
	most_turns = 8;
	assert_int_equal(lease_wait(l, &stop, halt, NULL, &d), ERR_CLOSED);
	assert_int_equal(ask(&o, 'w'), 'y');
	assert_int_equal(end_other(&o), 0);
	assert_int_equal(counted("other"), 1);
	lease_free(l);
}

static void
test_who_dies_is_replaced(void **state)
{
	struct other o = begin_other(PATIENT, true);
	struct lease *l = stand_by(PATIENT, true);

	(void)state;
	assert_int_equal(await(l, 3), ERR_CLOSED);
	kill(o.pid, SIGKILL);
	assert_true(WIFSIGNALED(end_other(&o)));
	/* Without waiting for it to be stale. */
	assert_int_equal(await(l, 50), ERR_OK);
	assert_int_equal(number_of(l), 2);
	assert_int_equal(takeovers_of(l), 1);
	lease_free(l);
}

/* Who was stopped and wakes up writes nothing more, tells nothing more. */
static void
test_who_wakes_up_is_fenced(void **state)
{
	struct other o = begin_other(HASTY, false);
	struct lease *l = stand_by(HASTY, false);
	struct store *store;

	(void)state;
	assert_int_equal(ask(&o, 'w'), 'y');
	stop_other(&o);
	assert_int_equal(await(l, 600), ERR_OK);
	assert_int_equal(number_of(l), 2);
	assert_int_equal(takeovers_of(l), 1);
	store = store_dir_open();
	assert_int_equal(writes(store, "ours"), ERR_OK);
	kill(o.pid, SIGCONT);
	assert_int_equal(ask(&o, 'w'), 'n');
	assert_int_equal(ask(&o, 'h'), 'n');
	assert_int_equal(ask(&o, 'w'), 'n');
	assert_int_equal(writes(store, "ours"), ERR_OK);
	assert_true(lease_held(l));
	/* It ends and gives up nothing that is ours. */
	assert_int_equal(end_other(&o), 0);
	assert_int_equal(writes(store, "ours"), ERR_OK);
	store_close(store);
	assert_int_equal(counted("other"), 1);
	assert_int_equal(counted("ours"), 3);
	lease_free(l);
}

/*
 * Stopped within a transaction it has the lock of SQLite: with 'kill' off
 * nobody takes over, and nothing of it is lost when it goes on.
 */
static void
test_within_a_transaction(void **state)
{
	struct other o = begin_other(HASTY, false);
	struct lease *l = stand_by(HASTY, false);

	(void)state;
	assert_int_equal(ask(&o, 'b'), 'y');
	stop_other(&o);
	assert_int_equal(await(l, 10), ERR_CLOSED);
	assert_int_equal(number_of(l), 0);
	kill(o.pid, SIGCONT);
	assert_int_equal(ask(&o, 'c'), 'y');
	assert_int_equal(end_other(&o), 0);
	assert_int_equal(counted("other"), 1);
	assert_int_equal(await(l, 100), ERR_OK);
	lease_free(l);
}

/* With 'kill' on the kernel ends it, once another stands by. */
static void
test_who_hangs_ends(void **state)
{
	struct other o = begin_other(HASTY * 2, true);
	struct lease *l = stand_by(HASTY * 2, true);
	struct lease_file *f = NULL;
	struct lease_record r[LEASE_FILE_SLOTS];
	struct diag d = { "" };

	(void)state;
	assert_int_equal(lease_file_open(&f, path, false, &d), ERR_OK);
	wait_for(20, lease_file_read(f, false, r) == 2 && r[0].guarded);
	lease_file_close(f);
	assert_int_equal(ask(&o, 'b'), 'y');
	stop_other(&o);
	assert_int_equal(await(l, 600), ERR_OK);
	assert_true(WIFSIGNALED(end_other(&o)));
	/* What it had begun is nobody's. */
	assert_int_equal(counted("other"), 0);
	lease_free(l);
}

static struct lease_record
serving(uint64_t beat_us)
{
	return (struct lease_record){ .role = LEASE_SERVING,
				      .pid = 1,
				      .number = 9,
				      .beat_us = beat_us,
				      .name = "jumps" };
}

static struct lease_file *jumping;

static void
jump(void *arg)
{
	/* Back and forth between the ends of time. */
	struct lease_record r = serving(turns % 2 != 0 ? turns : UINT64_MAX);

	assert_int_equal(lease_file_put(jumping, &r), ERR_OK);
	turn(arg);
}

/* That a sign of life is another one counts, not what its clock says. */
static void
test_clocks_that_jump(void **state)
{
	struct lease *l;
	struct diag d = { "" };
	unsigned slot;

	(void)state;
	assert_int_equal(lease_file_open(&jumping, path, true, &d), ERR_OK);
	assert_int_equal(lease_file_enter(jumping, &slot, &d), ERR_OK);
	assert_int_equal(
		lease_file_put(jumping,
			       &(struct lease_record){ .role = LEASE_SERVING,
						       .pid = 1,
						       .number = 9,
						       .beat_us = UINT64_MAX,
						       .name = "jumps" }),
		ERR_OK);
	l = stand_by(HASTY, false);
	stop = 0;
	turns = 0;
	most_turns = 12;
	assert_int_equal(lease_wait(l, &stop, jump, NULL, &d), ERR_CLOSED);
	/* It stands still, in the far future. */
	assert_int_equal(await(l, 600), ERR_OK);
	lease_free(l);
	lease_file_close(jumping);
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "", "two words", "a\nb", "a;b" };
	struct lease_config cfg = { .store = path };
	struct conf *conf = conf_new();
	char name[LEASE_NAME_CAP + 1];
	struct diag d = { "" };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(lease_configure(&cfg, conf, &d), ERR_OK);
	assert_string_equal(cfg.name, "collector");
	assert_int_equal(cfg.stale_us, 3 * US_PER_S);
	assert_true(cfg.kill);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(conf_set(conf, "lease.name", bad[i]), ERR_OK);
		assert_int_equal(lease_configure(&cfg, conf, &d), ERR_USAGE);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(conf_set(conf, "lease.name", name), ERR_OK);
	assert_int_equal(lease_configure(&cfg, conf, &d), ERR_USAGE);
	name[LEASE_NAME_CAP - 1] = '\0';
	assert_int_equal(conf_set(conf, "lease.name", name), ERR_OK);
	assert_int_equal(lease_configure(&cfg, conf, &d), ERR_OK);
	assert_string_equal(cfg.name, name);
	conf_free(conf);
}

/* No more of them than there are lines, and a line that is free is taken. */
static void
test_lines(void **state)
{
	struct lease *l[LEASE_FILE_SLOTS], *more = NULL;
	struct lease_config cfg = config(PATIENT, false);
	struct diag d = { "" };

	(void)state;
	for (unsigned i = 0; i < LEASE_FILE_SLOTS; i++) {
		l[i] = stand_by(PATIENT, false);
	}
	assert_int_equal(lease_new(&more, &cfg, &d), ERR_LIMIT);
	assert_null(more);
	lease_free(l[3]);
	l[3] = stand_by(PATIENT, false);
	for (unsigned i = 0; i < LEASE_FILE_SLOTS; i++) {
		lease_free(l[i]);
	}
}

static int
teardown(void **state)
{
	char file[128];

	snprintf(file, sizeof(file), "%s.lock", path);
	unlink(file);
	return store_dir_remove(state);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, store_dir_make, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_one_at_a_time),
		CASE(test_signs_of_life_hold_it),
		CASE(test_who_stands_by_was_away_too),
		CASE(test_who_dies_is_replaced),
		CASE(test_who_wakes_up_is_fenced),
		CASE(test_within_a_transaction),
		CASE(test_who_hangs_ends),
		CASE(test_clocks_that_jump),
		CASE(test_names),
		CASE(test_lines),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
