/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static unsigned n_dirs;

static char *
new_dir(void)
{
	char *dir = malloc(128);

	snprintf(dir, 128, "%s/d%u/deep", root, n_dirs++);
	return dir;
}

static struct spool *
open_at(const char *dir, uint64_t max, uint64_t seg)
{
	struct spool_options o = { .dir = dir,
				   .name = "site/sensor",
				   .max_bytes = max,
				   .segment_bytes = seg };
	struct spool *s = NULL;
	struct diag d = { "" };

	if (spool_open(&s, &o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return s;
}

/* The body of batch 'seq' tells its number and length again and again. */
static size_t
make_body(uint64_t seq, size_t len, uint8_t *buf)
{
	for (size_t i = 0; i < len; i++) {
		buf[i] = (uint8_t)(seq * 31 + len * 7 + i);
	}
	return len;
}

static enum err
put(struct spool *s, uint8_t sev, size_t len)
{
	static uint8_t buf[FRAME_MAX_DATA];
	struct frame_header h = { .n = 3, .sev = sev, .crc = 77 };

	make_body(spool_last_seq(s) + 1, len, buf);
	return spool_append(s, &h, view_of(buf, len), NULL);
}

static void
sync_now(struct spool *s)
{
	assert_int_equal(spool_sync(s, NULL), ERR_OK);
}

static void
check_body(const struct spool_item *it)
{
	for (size_t i = 0; i < it->data.len; i++) {
		uint8_t want =
			(uint8_t)(it->hdr.seq * 31 + it->data.len * 7 + i);

		if (it->data.p[i] != want) {
			fail_msg("batch %llu was misread",
				 (unsigned long long)it->hdr.seq);
		}
	}
}

/*
 * Reads everything from 'from'; checks that batches and gaps follow each
 * other without a hole.  Returns the batches, the numbers in gaps in *gaps.
 */
static unsigned
read_all(struct spool *s, uint64_t from, uint64_t *gaps)
{
	struct spool_cursor c;
	struct spool_item it;
	unsigned n = 0;
	uint64_t want = from, lost = 0;
	enum err e;

	spool_seek(&c, from);
	while ((e = spool_next(s, &c, &it)) == ERR_OK) {
		assert_true(it.hdr.epoch == spool_epoch(s));
		if (it.gap_from != 0) {
			assert_true(it.gap_from == want);
			assert_true(it.gap_to >= it.gap_from);
			assert_true(it.hdr.seq == it.gap_to);
			assert_int_equal(it.hdr.n, 0);
			lost += it.gap_to - it.gap_from + 1;
			want = it.gap_to + 1;
		} else {
			assert_true(it.hdr.seq == want);
			check_body(&it);
			want++;
			n++;
		}
	}
	assert_int_equal(e, ERR_EOF);
	if (gaps != NULL) {
		*gaps = lost;
	}
	return n;
}

static unsigned
count_segments(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL) {
		n += strstr(e->d_name, ".seg") != NULL;
	}
	closedir(d);
	return n;
}

static void
copy_file(const char *from, const char *to, size_t limit)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	int c;

	assert_non_null(in);
	assert_non_null(out);
	for (size_t i = 0; i < limit && (c = fgetc(in)) != EOF; i++) {
		fputc(c, out);
	}
	fclose(in);
	fclose(out);
}

/* Calls 'fn' with the path of each file in 'dir'. */
static void
each_file(const char *dir, void (*fn)(const char *path, const char *to),
	  const char *to_dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[400], to[400];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%.120s/%.250s", dir,
				 e->d_name);
			snprintf(to, sizeof(to), "%.120s/%.250s", to_dir,
				 e->d_name);
			fn(path, to);
		}
	}
	if (d != NULL) {
		closedir(d);
	}
}

static void
remove_file(const char *path, const char *to)
{
	(void)to;
	unlink(path);
}

static void
remove_tree(const char *dir)
{
	char parent[128];

	each_file(dir, remove_file, "");
	rmdir(dir);
	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(dir, '/') - dir),
		 dir);
	rmdir(parent);
}

static void
copy_whole(const char *path, const char *to)
{
	copy_file(path, to, SIZE_MAX);
}

/* A copy of the directory as a crash would leave it: no lock, no farewell. */
static char *
snapshot(const char *dir)
{
	char *to = new_dir(), parent[128];

	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(to, '/') - to),
		 to);
	assert_int_equal(mkdir(parent, 0700), 0);
	assert_int_equal(mkdir(to, 0700), 0);
	each_file(dir, copy_whole, to);
	return to;
}

static void
drop(char *dir)
{
	remove_tree(dir);
	free(dir);
}

static void
test_write_read_commit(void **state)
{
	char *dir = new_dir();
	struct spool *s = open_at(dir, 0, 4096);
	struct spool_stats st;
	uint64_t epoch = spool_epoch(s), gaps;
	struct spool_cursor c;
	struct spool_item it;

	(void)state;
	assert_true(epoch > 1500000000000);
	spool_seek(&c, 1);
	assert_int_equal(spool_next(s, &c, &it), ERR_EOF);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put(s, (uint8_t)(i % 5), 300 + i), ERR_OK);
	}
	/* Nothing may be sent before it is durable. */
	assert_int_equal(spool_next(s, &c, &it), ERR_EOF);
	sync_now(s);
	assert_int_equal(spool_next(s, &c, &it), ERR_OK);
	assert_int_equal(it.hdr.n, 3);
	assert_int_equal(it.hdr.crc, 77);
	assert_int_equal(read_all(s, 1, &gaps), 100);
	assert_true(gaps == 0);
	assert_int_equal(read_all(s, 51, NULL), 50);
	spool_get_stats(s, &st);
	assert_true(st.frames == 100 && st.events == 300);

	assert_int_equal(spool_commit(s, 50, NULL), ERR_OK);
	assert_int_equal(spool_commit(s, 40, NULL), ERR_OK);
	spool_get_stats(s, &st);
	assert_true(st.frames == 50 && st.events == 150);
	assert_true(spool_ahead(s, &c) == 0);
	assert_int_equal(read_all(s, 51, &gaps), 50);
	assert_true(gaps == 0);
	/* The cursor from before jumps to what is left. */
	assert_int_equal(spool_next(s, &c, &it), ERR_OK);
	assert_true(it.hdr.seq == 51);
	assert_true(spool_ahead(s, &c) > 0);
	spool_close(s);

	s = open_at(dir, 0, 4096);
	assert_true(spool_epoch(s) == epoch);
	assert_true(spool_committed(s) == 50);
	assert_true(spool_last_seq(s) == 100);
	spool_get_stats(s, &st);
	assert_true(st.frames == 50 && st.events == 150);
	assert_int_equal(read_all(s, 51, &gaps), 50);
	assert_true(gaps == 0);
	assert_int_equal(spool_commit(s, 100, NULL), ERR_OK);
	assert_int_equal(count_segments(dir), 0);
	assert_int_equal(put(s, 1, 10), ERR_OK);
	assert_true(spool_last_seq(s) == 101);
	spool_close(s);
	drop(dir);
}

static void
test_lock_and_owner(void **state)
{
	char *dir = new_dir();
	struct spool *s = open_at(dir, 0, 0), *t = NULL;
	struct spool_options o = { .dir = dir, .name = "site/sensor" };
	struct diag d;

	(void)state;
	assert_int_equal(spool_open(&t, &o, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "in use"));
	spool_close(s);
	o.name = "site/other";
	assert_int_equal(spool_open(&t, &o, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "belongs to"));
	o.name = "site\n/x";
	assert_int_equal(spool_open(&t, &o, &d), ERR_USAGE);
	o.name = "site/sensor";
	o.dir = "/proc/nowhere";
	assert_int_equal(spool_open(&t, &o, &d), ERR_IO);
	drop(dir);
}

/* The file of three batches, cut at every byte. */
static void
test_torn_tail(void **state)
{
	static const size_t ends[] = { 32, 32 + 48 + 10, 32 + 96 + 50,
				       32 + 144 + 80 };
	char *dir = new_dir(), seg[200], to[200], *crashed;
	struct spool *s = open_at(dir, 0, 0);
	uint64_t gaps;

	(void)state;
	put(s, 2, 10);
	put(s, 2, 40);
	put(s, 2, 30);
	sync_now(s);
	crashed = snapshot(dir);
	snprintf(seg, sizeof(seg), "%s/1-00000000000000000001.seg", dir);
	snprintf(to, sizeof(to), "%s/1-00000000000000000001.seg", crashed);
	for (size_t cut = 0; cut <= ends[3]; cut++) {
		unsigned whole = 0;
		struct spool *t;
		struct spool_stats st;

		for (unsigned i = 1; i < 4; i++) {
			whole += cut >= ends[i];
		}
		copy_file(seg, to, cut);
		t = open_at(crashed, 0, 0);
		assert_int_equal(read_all(t, 1, &gaps), whole);
		assert_true(gaps == 0);
		assert_true(spool_last_seq(t) == whole);
		spool_get_stats(t, &st);
		assert_true(st.frames == whole);
		assert_true(st.cut_bytes ==
			    (cut < 32 ? cut : cut - ends[whole]));
		/* Life goes on behind the cut. */
		assert_int_equal(put(t, 2, 20), ERR_OK);
		sync_now(t);
		assert_int_equal(read_all(t, 1, &gaps), whole + 1);
		spool_close(t);
		remove_tree(crashed);
		free(crashed);
		crashed = snapshot(dir);
		snprintf(to, sizeof(to), "%s/1-00000000000000000001.seg",
			 crashed);
	}
	spool_close(s);
	remove_tree(crashed);
	free(crashed);
	drop(dir);
}

/* Any single byte changed: never misread, the rest told as a gap. */
static void
test_flipped_bytes(void **state)
{
	char *dir = new_dir(), seg[200];
	struct spool *s = open_at(dir, 0, 0);
	const size_t size = 32 + 4 * 48 + 10 + 40 + 30 + 20;

	(void)state;
	put(s, 2, 10);
	put(s, 2, 40);
	put(s, 2, 30);
	put(s, 1, 20); /* in a file of its own, so that gaps are told */
	put(s, 2, 20);
	sync_now(s);
	for (size_t at = 0; at < size; at++) {
		char *crashed = snapshot(dir);
		struct spool *t;
		uint64_t gaps;
		unsigned n;
		FILE *f;
		int c;

		snprintf(seg, sizeof(seg), "%s/1-00000000000000000001.seg",
			 crashed);
		f = fopen(seg, "r+b");
		fseek(f, (long)at, SEEK_SET);
		c = fgetc(f);
		fseek(f, (long)at, SEEK_SET);
		fputc(c ^ 0x40, f);
		fclose(f);
		t = open_at(crashed, 0, 0);
		n = read_all(t, 1, &gaps);
		assert_true(n >= 1 && n <= 4);
		/* Batch 5 may be beyond what is known; 1 to 4 add up. */
		assert_true(n + gaps >= 4 && n + gaps <= 5);
		spool_close(t);
		remove_tree(crashed);
		free(crashed);
	}
	spool_close(s);
	drop(dir);
}

static void
test_lost_meta(void **state)
{
	char *dir = new_dir(), path[200];
	struct spool *s = open_at(dir, 0, 0);
	uint64_t epoch = spool_epoch(s), gaps;

	(void)state;
	put(s, 2, 10);
	put(s, 3, 10);
	spool_close(s);
	snprintf(path, sizeof(path), "%s/meta", dir);
	copy_file("/dev/null", path, 0);
	s = open_at(dir, 0, 0);
	assert_true(spool_epoch(s) == epoch);
	assert_int_equal(read_all(s, 1, &gaps), 2);
	put(s, 1, 10);
	assert_true(spool_last_seq(s) > 1000);
	sync_now(s);
	assert_int_equal(read_all(s, 1, &gaps), 3);
	assert_true(gaps > 1000);
	spool_close(s);

	/* Nothing left at all: a new spool, and a new epoch. */
	usleep(2000);
	remove_tree(dir);
	s = open_at(dir, 0, 0);
	assert_true(spool_epoch(s) > epoch);
	assert_true(spool_last_seq(s) == 0);
	spool_close(s);
	drop(dir);
}

static void
test_foreign_segment(void **state)
{
	char *a = new_dir(), *b = new_dir(), from[200], to[200];
	struct spool_options o = { .dir = b, .name = "site/sensor" };
	struct spool *s = open_at(a, 0, 0), *t = NULL;
	struct diag d;

	(void)state;
	put(s, 2, 10);
	spool_close(s);
	usleep(2000);
	s = open_at(b, 0, 0);
	spool_close(s);
	snprintf(from, sizeof(from), "%s/1-00000000000000000001.seg", a);
	snprintf(to, sizeof(to), "%s/1-00000000000000000001.seg", b);
	copy_file(from, to, 1000000);
	assert_int_equal(spool_open(&t, &o, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "another spool"));
	assert_int_equal(access(to, F_OK), 0);
	drop(a);
	drop(b);
}

static void
test_full(void **state)
{
	char *dir = new_dir();
	struct spool *s = open_at(dir, 256 << 10, 16 << 10);
	struct spool_stats st;
	unsigned n_severe = 0;
	uint64_t gaps, last;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint8_t sev = i % 10 == 0 ? 1 : i % 10 < 4 ? 2 : 3;

		n_severe += sev == 1;
		(void)!put(s, sev, 1000);
	}
	sync_now(s);
	spool_get_stats(s, &st);
	assert_true(st.disk_bytes <= 256 << 10);
	/* The worst are all there; of the others the oldest went first. */
	assert_true(st.shed_frames[0] == 0);
	assert_true(st.shed_frames[1] > 0);
	assert_true(st.shed_frames[2] > 500);
	assert_true(st.shed_events[2] == st.shed_frames[2] * 3);
	assert_true(st.frames + st.shed_frames[1] + st.shed_frames[2] == 1000);
	assert_true(read_all(s, 1, &gaps) == st.frames);
	assert_true(st.frames >= n_severe);
	assert_true(gaps <= 1000 - st.frames);

	/* Full of the worst: what is less goes at once, and is counted. */
	for (int i = 0; i < 300; i++) {
		(void)!put(s, 1, 1000);
	}
	do {
		assert_int_equal(put(s, 1, 1000), ERR_OK);
		spool_get_stats(s, &st);
	} while (st.disk_bytes + 1100 <= 256 << 10);
	assert_int_equal(put(s, 3, 1000), ERR_LIMIT);
	assert_int_equal(put(s, 1, 1000), ERR_OK);
	sync_now(s);
	last = spool_last_seq(s);
	spool_get_stats(s, &st);
	assert_true(st.shed_frames[0] > 0);
	assert_true(read_all(s, 1, &gaps) == st.frames);
	assert_true(st.frames + gaps == spool_last_seq(s));
	spool_close(s);

	s = open_at(dir, 256 << 10, 16 << 10);
	assert_true(spool_last_seq(s) == last);
	assert_true(read_all(s, 1, &gaps) == st.frames);
	assert_true(st.frames + gaps == last);
	/* Committed room is used before anything is shed. */
	assert_int_equal(spool_commit(s, last, NULL), ERR_OK);
	spool_get_stats(s, &st);
	gaps = st.shed_frames[2];
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put(s, 3, 1000), ERR_OK);
	}
	spool_get_stats(s, &st);
	assert_true(st.shed_frames[2] == gaps);
	spool_close(s);
	drop(dir);
}

static void
test_larger_than_all(void **state)
{
	char *dir = new_dir();
	struct spool *s = open_at(dir, 10000, 4096);
	struct spool_stats st;

	(void)state;
	assert_int_equal(put(s, 3, 100), ERR_OK);
	assert_int_equal(put(s, 1, 20000), ERR_LIMIT);
	spool_get_stats(s, &st);
	assert_true(st.frames == 1);
	assert_true(st.shed_frames[0] == 1);
	/* Larger than a segment is no matter. */
	assert_int_equal(put(s, 1, 8000), ERR_OK);
	sync_now(s);
	assert_int_equal(read_all(s, 1, NULL), 2);
	spool_close(s);
	drop(dir);
}

static void
test_disk_forgot(void **state)
{
	char *dir = new_dir();
	struct spool *s = open_at(dir, 0, 0);
	struct diag d;

	(void)state;
	put(s, 2, 10);
	sync_now(s);
	assert_int_equal(spool_commit(s, 9, &d), ERR_FORMAT);
	assert_int_equal(put(s, 2, 10), ERR_OK);
	assert_true(spool_last_seq(s) == 10);
	sync_now(s);
	assert_int_equal(read_all(s, 10, NULL), 1);
	spool_close(s);
	s = open_at(dir, 0, 0);
	assert_true(spool_last_seq(s) == 10);
	spool_close(s);
	drop(dir);
}

/*
 * Killed again and again at a random moment: what was reported as synced is
 * there, in order, and nothing is ever misread.
 */
static void
test_killed(void **state)
{
	char *dir = new_dir();
	uint64_t synced = 0, committed = 0;

	(void)state;
	for (int round = 0; round < 30; round++) {
		struct spool *s;
		uint64_t gaps, said;
		int fds[2], status;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			s = open_at(dir, 64 << 20, 8 << 10);
			for (unsigned i = 0;; i++) {
				(void)!put(s, (uint8_t)(i % 4), 50 + i % 900);
				if (i % 3 == 0) {
					uint64_t seq;

					(void)!spool_sync(s, NULL);
					seq = spool_last_seq(s);
					(void)!write(fds[1], &seq, 8);
				}
				if (i % 50 == 49) {
					(void)!spool_commit(
						s, spool_last_seq(s) - 20,
						NULL);
				}
			}
		}
		close(fds[1]);
		usleep(5000 + 1500 * (useconds_t)round);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &said, 8) == 8) {
			synced = said;
		}
		close(fds[0]);
		s = open_at(dir, 64 << 20, 8 << 10);
		assert_true(spool_last_seq(s) >= synced);
		assert_true(spool_committed(s) >= committed);
		committed = spool_committed(s);
		assert_true(read_all(s, committed + 1, &gaps) + gaps ==
			    spool_last_seq(s) - committed);
		assert_true(gaps == 0);
		spool_close(s);
	}
	assert_true(synced > 100);
	drop(dir);
}

static void
test_default_dir(void **state)
{
	char dir[128];
	struct diag d;

	(void)state;
	setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
	assert_int_equal(spool_default_dir("s/n", dir, sizeof(dir), &d),
			 ERR_OK);
	assert_string_equal(dir, "/var/lib/a/spool/s/n");
	assert_int_equal(spool_default_dir("s/n", dir, 8, &d), ERR_USAGE);
	unsetenv("STATE_DIRECTORY");
	if (geteuid() != 0) {
		setenv("XDG_STATE_HOME", "/x", 1);
		assert_int_equal(spool_default_dir("s/n", dir, sizeof(dir), &d),
				 ERR_OK);
		assert_string_equal(dir, "/x/picket/spool/s/n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_read_commit),
		cmocka_unit_test(test_lock_and_owner),
		cmocka_unit_test(test_torn_tail),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_lost_meta),
		cmocka_unit_test(test_foreign_segment),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_larger_than_all),
		cmocka_unit_test(test_disk_forgot),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_default_dir),
	};
	const char *tmp = getenv("TMPDIR");
	int rc;

	/* Hundreds of crashes are played; a disk would make each a wait. */
	if (tmp == NULL) {
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	}
	snprintf(root, sizeof(root), "%.40s/picket-spool.XXXXXX", tmp);
	if (mkdtemp(root) == NULL) {
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(root); /* stays when a test failed */
	return rc;
}
