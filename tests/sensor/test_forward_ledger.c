/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder's account against its spool, step by step: a disk that is full
 * or goes bad at a chosen moment, and a kill between any two steps.
 */
#include "tests/test.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sensor/forward_ledger.h"
#include "sensor/ledger_ranges.h"
#include "sensor/spool_order.h"
#include "sensor/spool_seg.h"

#define EVENTS 7 /* in each batch */

/* --- a disk that is full, and a program that dies, when we say so --- */

static int full_after = -1; /* records that fit, from now; -1: all */

/* A kill before or after the nth of these calls that is about to come. */
enum call {
	NO_CALL,
	UNLINK_SEGMENT, /* a file is shed, or freed when it was committed */
	CHANGE_META,
	WRITE_RECORD,
};

static struct {
	enum call call;
	unsigned nth;
	bool after;
} die;

static bool
dies_here(enum call call, bool after)
{
	if (die.call != call || die.after != after) {
		return false;
	}
	return --die.nth == 0;
}

static bool
is_segment(int fd)
{
	char link[64], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	(void)!readlink(link, path, sizeof(path) - 1);
	return strstr(path, ".seg") != NULL;
}

static ssize_t
write_at(int fd, const struct iovec *iov, int n, off_t off)
{
	/* The head of a new file still fits: that leaves an empty one. */
	bool record = is_segment(fd) && off > 0;
	ssize_t done;

	if (record && full_after == 0) {
		errno = ENOSPC;
		return -1;
	}
	full_after -= record && full_after > 0;
	if (record && dies_here(WRITE_RECORD, false)) {
		_exit(0);
	}
	done = syscall(SYS_pwritev, fd, iov, n, off, 0);
	if (record && dies_here(WRITE_RECORD, true)) {
		_exit(0);
	}
	return done;
}

ssize_t
pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	return write_at(fd, iov, n, off);
}

int
unlinkat(int dir, const char *name, int flags)
{
	bool segment = strstr(name, ".seg") != NULL;
	int rc;

	if (segment && dies_here(UNLINK_SEGMENT, false)) {
		_exit(0);
	}
	rc = (int)syscall(SYS_unlinkat, dir, name, flags);
	if (segment && dies_here(UNLINK_SEGMENT, true)) {
		_exit(0);
	}
	return rc;
}

int
renameat2(int from_dir, const char *from, int to_dir, const char *to,
	  unsigned flags)
{
	int rc;

	if (dies_here(CHANGE_META, false)) {
		_exit(0);
	}
	rc = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	if (dies_here(CHANGE_META, true)) {
		_exit(0);
	}
	return rc;
}

/* --- a spool and its account --- */

struct pair {
	struct spool *spool;
	struct forward_ledger l;
	char dir[64];
	uint64_t max_bytes; /* 0: little */
};

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void
open_pair(struct pair *p)
{
	/* Two batches fill a file, and twelve files the spool. */
	struct spool_options so = { .dir = p->dir,
				    .name = "hq/tap1",
				    .max_bytes = p->max_bytes != 0
							 ? p->max_bytes
							 : 49152,
				    .segment_bytes = 4096 };
	struct diag d = { "" };

	memset(&p->l, 0, sizeof(p->l));
	if (spool_open(&p->spool, &so, &d) != ERR_OK ||
	    forward_ledger_open(&p->l, p->dir, p->spool, &d) != ERR_OK) {
		fprintf(stderr, "%s\n", d.msg);
		abort();
	}
}

static void
close_pair(struct pair *p)
{
	forward_ledger_close(&p->l, true);
	spool_close(p->spool);
}

static int
set_up(void **state)
{
	static struct pair p;

	p = (struct pair){ 0 };
	strcpy(p.dir, "/tmp/picket-account.XXXXXX");
	*state = &p;
	return mkdtemp(p.dir) != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct pair *p = *state;

	nftw(p->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* As the forwarder does it. */
static enum err
append(struct pair *p, uint8_t sev)
{
	static const uint8_t data[1500] = { 1 };
	struct frame_header h = { .n = EVENTS, .sev = sev, .raw_len = 1 };
	struct diag d;
	enum err e;

	for (unsigned i = 0; i < EVENTS; i++) {
		forward_ledger_raise(&p->l, spool_class(sev), true);
		forward_ledger_take(&p->l, spool_class(sev));
	}
	e = spool_append(p->spool, &h, view_of(data, sizeof(data)), &d);
	forward_ledger_batch(&p->l, &h, e);
	(void)!spool_sync(p->spool, &d);
	return e;
}

static void
commit(struct pair *p, uint64_t upto)
{
	struct diag d;

	(void)!spool_commit(p->spool, upto, &d);
	forward_ledger_commit(&p->l);
}

/* What can be read, counted one by one. */
static void
count_held(struct pair *p, uint64_t held[LEDGER_CLASSES])
{
	struct spool_cursor cur;
	struct spool_item it;

	memset(held, 0, LEDGER_CLASSES * sizeof(*held));
	spool_seek(&cur, 1);
	while (spool_next(p->spool, &cur, &it) == ERR_OK) {
		if (it.gap_from == 0) {
			held[spool_class(it.hdr.sev)] += it.hdr.n;
		}
	}
}

static struct ledger
ledger_of(struct pair *p)
{
	const uint64_t none[LEDGER_CLASSES] = { 0 };
	struct ledger l = { 0 };

	forward_ledger_raised(&p->l, &l);
	forward_ledger_fill(&p->l, none, &l);
	return l;
}

/* 'done': batches that were committed, by class. */
static void
all_hold(struct pair *p, const unsigned done[LEDGER_CLASSES])
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	uint64_t held[LEDGER_CLASSES];
	struct ledger l;
	unsigned n;

	count_held(p, held);
	l = ledger_of(p);
	n = ledger_check(&l, NULL, e);
	for (unsigned i = 0; i < n; i++) {
		if (e[i].verdict != LEDGER_HOLDS) {
			fail_msg("%s %s: difference %" PRId64, e[i].name,
				 e[i].of, e[i].difference);
		}
	}
	for (unsigned c = 0; c < LEDGER_CLASSES; c++) {
		assert_int_equal(l.held[c], held[c]);
		assert_int_equal(l.spooled[c],
				 done[c] * EVENTS + held[c] +
					 l.gone[LEDGER_GONE_shed][c] +
					 l.gone[LEDGER_GONE_damaged][c]);
	}
}

static const unsigned NONE_DONE[LEDGER_CLASSES];

/* A run of its own that may be killed: it returns, or dies in a call. */
static void
live(struct pair *p, void (*run)(struct pair *p), enum call call, unsigned nth,
     bool after)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		open_pair(p);
		die.call = call;
		die.nth = nth;
		die.after = after;
		run(p);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- a full disk --- */

/* The file that was just begun may be all there is to remove, and it is empty:
 * nothing is lost by that, and nothing is taken back. */
static void
test_empty_file(void **state)
{
	struct pair *p = *state;

	open_pair(p);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(append(p, 3), ERR_OK);
	}
	full_after = 0;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(append(p, 3), ERR_IO);
		all_hold(p, NONE_DONE);
	}
	full_after = -1;
	assert_int_equal(append(p, 3), ERR_OK);
	all_hold(p, NONE_DONE);
	assert_int_equal(ledger_of(p).gone[LEDGER_GONE_shed][2], 6 * EVENTS);
	assert_int_equal(ledger_of(p).lost[LEDGER_LOST_disk][2], 3 * EVENTS);
	close_pair(p);
	open_pair(p);
	all_hold(p, NONE_DONE);
	close_pair(p);
}

/* --- kills --- */

/* Two classes, one of them shed for the other; a disk that is full at times. */
static void
much(struct pair *p)
{
	struct ledger_slot *s = &p->l.slot;

	for (unsigned i = 0; i < 40; i++) {
		full_after = i % 9 == 8 ? (int)(i & 1) : -1;
		(void)!append(p, i % 3 == 0 ? 1 : 3);
	}
	full_after = -1;
	assert(s->gone[LEDGER_GONE_shed][2] > 0);
}

static void
test_killed_while_shedding(void **state)
{
	static const enum call calls[] = { UNLINK_SEGMENT, CHANGE_META,
					   WRITE_RECORD };
	struct pair *p = *state;

	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (unsigned nth = 1; nth <= 12; nth++) {
			live(p, much, calls[c], nth, nth % 2 == 0);
			open_pair(p);
			all_hold(p, NONE_DONE);
			assert_int_equal(
				ledger_of(p).gone[LEDGER_GONE_damaged][2], 0);
			close_pair(p);
		}
	}
}

static void
commits(struct pair *p)
{
	for (unsigned i = 0; i < 10; i++) {
		(void)!append(p, 3);
	}
	commit(p, spool_last_seq(p->spool) - 3);
	for (unsigned i = 0; i < 3; i++) {
		(void)!append(p, 1);
	}
	commit(p, spool_last_seq(p->spool));
}

/* The account knows what was committed before any file goes. */
static void
test_killed_while_committing(void **state)
{
	static const enum call calls[] = { UNLINK_SEGMENT, CHANGE_META };
	struct pair *p = *state;

	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (unsigned nth = 1; nth <= 6; nth++) {
			unsigned done[LEDGER_CLASSES] = { 0 };
			struct ledger l;

			live(p, commits, calls[c], nth, nth % 2 == 0);
			open_pair(p);
			l = ledger_of(p);
			commit(p, spool_last_seq(p->spool));
			for (unsigned k = 0; k < LEDGER_CLASSES; k++) {
				done[k] = (unsigned)(l.spooled[k] / EVENTS);
				assert_int_equal(l.gone[0][k] + l.gone[1][k],
						 0);
			}
			all_hold(p, done);
			close_pair(p);
		}
	}
}

/* --- a disk that goes bad --- */

/* Spoils a byte of the nth oldest file of class 2 at 'at'. */
static void
spoil_file(const struct pair *p, size_t nth, off_t at)
{
	char path[128], byte = 0x55;
	glob_t g;
	int fd;

	snprintf(path, sizeof(path), "%s/2-*.seg", p->dir);
	assert(glob(path, 0, NULL, &g) == 0 && nth < g.gl_pathc);
	fd = open(g.gl_pathv[nth], O_RDWR);
	assert(fd >= 0 && pwrite(fd, &byte, 1, at) == 1);
	close(fd);
	globfree(&g);
}

static void
spoil(const struct pair *p, off_t at)
{
	spoil_file(p, 0, at);
}

/* Hands everything out, as to a sender that begins again. */
static unsigned
send_all(struct pair *p)
{
	const uint64_t from[SPOOL_CLASSES] = { 1, 1, 1, 1 };
	struct spool_order o;
	struct spool_item it;
	unsigned cls, n = 0;

	memset(&o, 0, sizeof(o));
	spool_order_seek(&o, from, 1);
	while (spool_order_next(p->spool, &o, false, &it, &cls) == ERR_OK) {
		n += it.gap_from == 0;
	}
	return n;
}

#define BODY_OF_FIRST (SEG_HEAD + SEG_REC_HEAD + 100)
#define HEAD_OF_SECOND (SEG_HEAD + SEG_REC_HEAD + 1500 + 9)

/* One batch, or what stands behind a head; told once, however often it is met
 * and whatever ends the program in between. */
static void
goes_bad(struct pair *p, off_t at)
{
	unsigned done[LEDGER_CLASSES] = { 0 };
	struct spool_stats st;

	open_pair(p);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(append(p, 3), ERR_OK);
	}
	assert_int_equal(send_all(p), 6);
	spoil(p, at);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(send_all(p), 5);
		all_hold(p, NONE_DONE);
		assert_int_equal(ledger_of(p).gone[LEDGER_GONE_damaged][2],
				 EVENTS);
	}
	spool_get_stats(p->spool, &st);
	assert_int_equal(st.bad_records, 1);
	close_pair(p);
	open_pair(p);
	assert_int_equal(send_all(p), 5);
	all_hold(p, NONE_DONE);
	assert_int_equal(append(p, 1), ERR_OK);
	commit(p, spool_last_seq(p->spool));
	done[0] = 1;
	done[2] = 5;
	all_hold(p, done);
	assert_int_equal(ledger_of(p).gone[LEDGER_GONE_damaged][2], EVENTS);
	close_pair(p);
}

static void
test_bad_body(void **state)
{
	goes_bad(*state, BODY_OF_FIRST);
}

static void
test_bad_head(void **state)
{
	goes_bad(*state, HEAD_OF_SECOND);
}

static void
six(struct pair *p)
{
	for (unsigned i = 0; i < 6; i++) {
		(void)!append(p, 3);
	}
}

static void
bad_and_sent(struct pair *p)
{
	six(p);
	spoil(p, BODY_OF_FIRST);
	(void)send_all(p);
}

static void
bad_and_not_seen(struct pair *p)
{
	six(p);
	spoil(p, BODY_OF_FIRST);
}

static void
bad_and_killed(struct pair *p, void (*run)(struct pair *))
{
	live(p, run, NO_CALL, 0, false);
	for (unsigned i = 0; i < 2; i++) {
		open_pair(p);
		all_hold(p, NONE_DONE);
		(void)send_all(p);
		all_hold(p, NONE_DONE);
		assert_int_equal(ledger_of(p).gone[LEDGER_GONE_damaged][2],
				 EVENTS);
		close_pair(p);
	}
}

static void
test_bad_and_killed(void **state)
{
	bad_and_killed(*state, bad_and_sent);
}

/* How many ranges of class 2 tell that 'seq' is gone. */
static unsigned
told_gone(const struct ledger *l, uint64_t seq)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_shed; i++) {
		n += l->shed[i].cls == 2 && l->shed[i].from <= seq &&
		     seq <= l->shed[i].to;
	}
	return n;
}

/* What went bad while nobody read it has ranges as well: all that is missing
 * above the committed point, and nothing that is there. */
static void
test_bad_at_the_start(void **state)
{
	struct pair *p = *state;
	struct ledger l;

	bad_and_killed(p, bad_and_not_seen);
	open_pair(p);
	l = ledger_of(p);
	assert_int_equal(told_gone(&l, 1), 1);
	for (uint64_t seq = 2; seq <= 6; seq++) {
		assert_int_equal(told_gone(&l, seq), 0);
	}
	close_pair(p);
}

static void
bad_at_the_end(struct pair *p)
{
	six(p);
	(void)!append(p, 1);
	spoil_file(p, 1, HEAD_OF_SECOND);
	spoil_file(p, 2, BODY_OF_FIRST);
	spoil_file(p, 2, HEAD_OF_SECOND);
}

/* Three batches of the class, at the end of what there is of it. */
static void
test_bad_end_at_the_start(void **state)
{
	struct pair *p = *state;
	struct ledger l;

	live(p, bad_at_the_end, NO_CALL, 0, false);
	open_pair(p);
	all_hold(p, NONE_DONE);
	l = ledger_of(p);
	assert_int_equal(l.gone[LEDGER_GONE_damaged][2], 3 * EVENTS);
	for (uint64_t seq = 1; seq <= 6; seq++) {
		assert_int_equal(told_gone(&l, seq), seq > 3);
	}
	close_pair(p);
}

#define BAD_FILES 40

/* A disk that goes bad in many places: each batch that is lost is told, and no
 * other; those that follow each other are one range. */
static void
many_bad(struct pair *p, bool both)
{
	struct ledger l;

	p->max_bytes = 1 << 20;
	open_pair(p);
	for (unsigned i = 0; i < BAD_FILES * 2; i++) {
		assert_int_equal(append(p, 3), ERR_OK);
	}
	for (unsigned i = 0; i < BAD_FILES; i++) {
		spoil_file(p, i, BODY_OF_FIRST);
		if (both) {
			spoil_file(p, i, BODY_OF_FIRST + SEG_REC_HEAD + 1500);
		}
	}
	assert_int_equal(send_all(p), both ? 0 : BAD_FILES);
	all_hold(p, NONE_DONE);
	l = ledger_of(p);
	assert_int_equal(l.shed_more, 0);
	assert_int_equal(l.n_shed, both ? 1 : BAD_FILES);
	for (uint64_t seq = 1; seq <= BAD_FILES * 2; seq++) {
		assert_int_equal(told_gone(&l, seq), both || seq % 2 == 1);
	}
	close_pair(p);
}

static void
test_many_bad(void **state)
{
	many_bad(*state, false);
}

static void
test_all_bad(void **state)
{
	many_bad(*state, true);
}

/* More ranges than there is room for: it says so, and the collector's sum is
 * then unknown, not wrong. */
static void
test_too_many_ranges(void **state)
{
	struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	struct ledger_store st = { .known = true, .upto = 1000 };
	struct ledger_slot s = { 0 };
	struct ledger l = { .last_seq = 1000 };
	unsigned n, unknown = 0, broken = 0;

	(void)state;
	for (uint64_t i = 1; i <= LEDGER_SHEDS + 3; i++) {
		ledger_range_note(&s, &(struct ledger_shed){ .from = i * 3,
							     .to = i * 3,
							     .cls = 2,
							     .alone = 1 });
	}
	assert_int_equal(s.n_shed, LEDGER_SHEDS);
	assert_int_equal(s.shed_more, 3);
	l.shed_more = s.shed_more;
	l.spooled[2] = 10;
	st.stored[2] = 10;
	l.gone[LEDGER_GONE_damaged][2] = 4;
	n = ledger_check(&l, &st, e);
	for (unsigned i = 0; i < n; i++) {
		unknown += e[i].verdict == LEDGER_UNKNOWN;
		if (strcmp(e[i].name, "spooled") == 0) {
			assert_int_not_equal(e[i].verdict, LEDGER_BROKEN);
		}
	}
	assert_int_equal(unknown, 1);
	/* what is nowhere is lost all the same */
	st.stored[2] = 5;
	n = ledger_check(&l, &st, e);
	for (unsigned i = 0; i < n; i++) {
		broken += strcmp(e[i].name, "spooled") == 0 &&
			  e[i].verdict == LEDGER_BROKEN;
	}
	assert_int_equal(broken, 1);
	assert_string_equal(ledger_gone_name(LEDGER_GONE_damaged), "damaged");
}

static void
note_damage(struct ledger_slot *s, uint64_t from, uint64_t to)
{
	ledger_range_note(s, &(struct ledger_shed){ .from = from,
						    .to = to,
						    .events = 1,
						    .cls = 1,
						    .alone = 1 });
}

/* Each damaged batch is in a range, in whatever order they are found. */
static void
test_bad_in_any_order(void **state)
{
	struct ledger_slot s = { 0 };

	(void)state;
	note_damage(&s, 100, 100);
	note_damage(&s, 50, 51);
	assert_int_equal(s.n_shed, 2);
	assert_int_equal(s.shed[0].from, 100);
	assert_int_equal(s.shed[1].from, 50);
	assert_int_equal(s.shed[1].to, 51);
	note_damage(&s, 48, 49);
	note_damage(&s, 52, 52);
	assert_int_equal(s.n_shed, 2);
	assert_int_equal(s.shed[1].from, 48);
	assert_int_equal(s.shed[1].to, 52);
	assert_int_equal(s.shed[1].events, 3);
}

/* Losses are counted, not walked. */
static void
test_lose_very_many(void **state)
{
	const uint64_t many = UINT64_C(1) << 60;
	struct pair *p = *state;

	open_pair(p);
	forward_ledger_lose(&p->l, LEDGER_LOST_overload, 1, many);
	assert_int_equal(ledger_of(p).raised[1], many);
	assert_int_equal(ledger_of(p).lost[LEDGER_LOST_overload][1], many);
	close_pair(p);
}

/* --- a power cut --- */

static void
copy_page(const struct pair *p, uint8_t page[LEDGER_FILE_SIZE], bool back)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/" LEDGER_FILE, p->dir);
	fd = open(path, O_RDWR);
	assert(fd >= 0);
	assert((back ? pwrite(fd, page, LEDGER_FILE_SIZE, 0)
		     : pread(fd, page, LEDGER_FILE_SIZE, 0)) ==
	       LEDGER_FILE_SIZE);
	close(fd);
}

/* The account is older than the spool: what came and went since then cannot be
 * known, and it says so; what is only there is counted. */
static void
power_cut(struct pair *p, bool commits_too)
{
	uint8_t page[LEDGER_FILE_SIZE];
	struct ledger l;

	open_pair(p);
	six(p);
	copy_page(p, page, false);
	six(p);
	if (commits_too) {
		commit(p, 10);
	}
	close_pair(p);
	memcpy(page + 24, "another boot", 12);
	copy_page(p, page, true);
	open_pair(p);
	l = ledger_of(p);
	assert_true(l.unknown_since_us > 0);
	assert_int_equal(l.base_seq, commits_too ? 12 : 0);
	if (!commits_too) {
		all_hold(p, NONE_DONE);
		assert_int_equal(l.raised[2], 12 * EVENTS);
	}
	close_pair(p);
}

static void
test_power_cut(void **state)
{
	power_cut(*state, false);
}

static void
test_power_cut_after_commit(void **state)
{
	power_cut(*state, true);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_empty_file),
		TEST(test_killed_while_shedding),
		TEST(test_killed_while_committing),
		TEST(test_bad_body),
		TEST(test_bad_head),
		TEST(test_bad_and_killed),
		TEST(test_bad_at_the_start),
		TEST(test_bad_end_at_the_start),
		TEST(test_many_bad),
		TEST(test_all_bad),
		TEST(test_too_many_ranges),
		TEST(test_bad_in_any_order),
		TEST(test_lose_very_many),
		TEST(test_power_cut),
		TEST(test_power_cut_after_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
