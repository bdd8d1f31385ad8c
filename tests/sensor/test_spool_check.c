/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --spool-check tells of a spool, that it changes nothing, and what the
 * policies of syncing promise.
 */
#include "sensor/spool_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64], dir[96];

static struct spool *
open_spool(enum spool_sync_policy sync, uint64_t seg)
{
	struct spool_options o = { .dir = dir,
				   .name = "hq/tap1",
				   .segment_bytes = seg,
				   .sync = sync };
	struct spool *s = NULL;
	struct diag d = { "" };

	if (spool_open(&s, &o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return s;
}

static void
put(struct spool *s, uint8_t sev, uint32_t n)
{
	struct frame_header h = { .n = n, .sev = sev };

	assert_int_equal(spool_append(s, &h,
				      VIEW_LIT("some forty bytes that "
					       "are a batch's body"),
				      NULL),
			 ERR_OK);
}

static int
setup(void **state)
{
	static unsigned n;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/s%u", root, n++);
	return 0;
}

static void
name_of(const char *file, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", dir, file);
}

static void
change_byte(const char *file, long at)
{
	char path[160];
	FILE *f;
	int c;

	name_of(file, path, sizeof(path));
	f = fopen(path, "r+b");
	assert_non_null(f);
	fseek(f, at, SEEK_SET);
	c = fgetc(f);
	fseek(f, at, SEEK_SET);
	fputc(c ^ 0x40, f);
	fclose(f);
}

/* Sizes and contents of all files, in one number. */
static uint64_t
digest(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t sum = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char path[400];
		uint64_t h = 14695981039346656037u;
		FILE *f;
		int c;

		if (e->d_name[0] == '.') {
			continue;
		}
		snprintf(path, sizeof(path), "%.95s/%.255s", dir, e->d_name);
		f = fopen(path, "rb");
		for (const char *p = e->d_name; *p != '\0'; p++) {
			h = (h ^ (uint8_t)*p) * 1099511628211u;
		}
		while (f != NULL && (c = fgetc(f)) != EOF) {
			h = (h ^ (uint8_t)c) * 1099511628211u;
		}
		fclose(f);
		sum += h;
	}
	closedir(d);
	return sum;
}

static void
check(struct spool_check *c, enum spool_verdict want)
{
	uint64_t before = access(dir, F_OK) == 0 ? digest() : 0;
	FILE *null = fopen("/dev/null", "w");

	spool_check(c, dir);
	if (c->verdict != want) {
		fail_msg("%s, not %s: %s", spool_verdict_name(c->verdict),
			 spool_verdict_name(want),
			 c->n_problems > 0 ? c->problem[0] : "no problem");
	}
	assert_true(spool_check_print(c, null));
	assert_true(spool_check_json(c, null));
	fclose(null);
	if (before != 0) {
		assert_true(digest() == before);
	}
}

/* One of a thing is not several. */
static void
test_words(void **state)
{
	struct spool *s = open_spool(SPOOL_SYNC_BATCH, 4096);
	struct spool_check c;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	put(s, 1, 1);
	assert_int_equal(spool_sync(s, NULL), ERR_OK);
	spool_close(s);
	check(&c, SPOOL_CLEAN);
	assert_true(spool_check_print(&c, f));
	fclose(f);
	assert_non_null(strstr(text, "\n1 segment, "));
	assert_non_null(strstr(text, "severity 1: 1 batch with "));
	assert_non_null(strstr(text, " in 1 segment; 0 events were shed"));
	assert_non_null(strstr(text, "severity 2: 0 batches with 0 events "));
	free(text);
	spool_check_fini(&c);
}

static void
test_clean_and_in_use(void **state)
{
	struct spool *s = open_spool(SPOOL_SYNC_BATCH, 4096);
	struct spool_check c;

	(void)state;
	for (int i = 1; i <= 50; i++) {
		put(s, (uint8_t)(i % 5), 2);
	}
	assert_int_equal(spool_sync(s, NULL), ERR_OK);
	assert_int_equal(spool_commit(s, 20, NULL), ERR_OK);
	check(&c, SPOOL_CLEAN);
	assert_true(c.in_use);
	assert_true(c.pid == getpid());
	spool_check_fini(&c);
	spool_close(s);

	check(&c, SPOOL_CLEAN);
	assert_false(c.in_use);
	assert_string_equal(c.meta.name, "hq/tap1");
	assert_true(c.meta.committed == 20);
	assert_true(c.last_seq == 50);
	assert_true(c.n_gaps == 0);
	/* Of 21 to 50: severities 1, 2, 3 six times each, the rest twelve. */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(c.waiting[i].batches == 6);
		assert_true(c.waiting[i].events == 12);
	}
	assert_true(c.waiting[3].batches == 12);
	spool_check_fini(&c);
}

static void
test_damage(void **state)
{
	struct spool *s = open_spool(SPOOL_SYNC_BATCH, 0);
	struct spool_stats st;
	struct spool_check c;
	char path[160];
	uint64_t rec = 48 + 40;

	(void)state;
	for (int i = 1; i <= 10; i++) {
		put(s, 2, 3);
	}
	spool_close(s);
	name_of("1-00000000000000000001.seg", path, sizeof(path));

	/* A body: passed over, and a gap. */
	change_byte("1-00000000000000000001.seg", (long)(32 + rec - 3));
	check(&c, SPOOL_DAMAGED);
	assert_true(c.bad_records == 1 && c.torn_bytes == 0);
	assert_true(c.n_gaps == 1 && c.gap[0].from == 1 && c.gap[0].to == 1);
	assert_true(c.waiting[1].batches == 9);
	spool_check_fini(&c);

	/* A head: what follows is found by its numbers only, which are not
	 * given again. */
	change_byte("1-00000000000000000001.seg", (long)(32 + 5 * rec + 9));
	check(&c, SPOOL_DAMAGED);
	assert_true(c.torn_bytes == 5 * rec);
	assert_true(c.last_seq == 10);
	assert_true(c.waiting[1].batches == 4);
	assert_true(c.gap_numbers == 6);
	spool_check_fini(&c);
	change_byte("meta", 20); /* so that only the segment tells */
	check(&c, SPOOL_DAMAGED);
	assert_false(c.has_meta);
	spool_check_fini(&c);
	s = open_spool(SPOOL_SYNC_BATCH, 0);
	assert_true(spool_last_seq(s) >= 10);
	spool_get_stats(s, &st);
	assert_true(st.bad_records == 1 && st.cut_bytes == 5 * rec);
	spool_close(s);
}

static void
test_unusable(void **state)
{
	struct spool_check c;
	char path[160];
	FILE *f;

	(void)state;
	check(&c, SPOOL_UNUSABLE); /* no such directory */
	spool_check_fini(&c);
	assert_int_equal(mkdir(dir, 0700), 0);
	check(&c, SPOOL_UNUSABLE); /* empty */
	spool_check_fini(&c);
	spool_close(open_spool(SPOOL_SYNC_BATCH, 0));
	check(&c, SPOOL_CLEAN);
	spool_check_fini(&c);
	/* A segment without a head is removed by a start. */
	name_of("2-00000000000000000007.seg", path, sizeof(path));
	f = fopen(path, "wb");
	fputs("half a he", f);
	fclose(f);
	check(&c, SPOOL_DAMAGED);
	spool_check_fini(&c);
}

/* With interval and none batches go out at once; a system that went down may
 * have sent numbers that its disk does not know. */
static void
test_policies(void **state)
{
	static const enum spool_sync_policy all[] = { SPOOL_SYNC_INTERVAL,
						      SPOOL_SYNC_NONE };
	enum spool_sync_policy p;

	assert_true(spool_sync_policy_read("interval", &p));
	assert_int_equal(p, SPOOL_SYNC_INTERVAL);
	assert_false(spool_sync_policy_read("Batch", &p));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct spool *s;
		struct spool_cursor c = { .seq = 1 };
		struct spool_item it;
		struct spool_meta m;
		char meta[160], kept[160];

		setup(state);
		s = open_spool(all[i], 0);
		put(s, 1, 1);
		assert_int_equal(spool_next(s, &c, &it), ERR_EOF);
		assert_int_equal(spool_sync(s, NULL), ERR_OK);
		assert_int_equal(spool_next(s, &c, &it), ERR_OK);
		name_of("meta", meta, sizeof(meta));
		name_of("kept", kept, sizeof(kept));
		assert_int_equal(link(meta, kept), 0); /* as in a crash */
		spool_close(s);
		assert_int_equal(rename(kept, meta), 0);

		/* The same boot: the records tell all. */
		s = open_spool(all[i], 0);
		assert_true(spool_last_seq(s) == 1);
		spool_close(s);

		/* Another: what was reserved is passed over. */
		{
			int fd = open(dir, O_RDONLY | O_DIRECTORY);

			assert_int_equal(spool_meta_load(&m, fd), ERR_OK);
			assert_true(m.reserved == 0); /* closed well */
			m.reserved = 1025;
			snprintf(m.boot, sizeof(m.boot), "another");
			assert_int_equal(spool_meta_save(&m, fd), ERR_OK);
			close(fd);
		}
		s = open_spool(all[i], 0);
		assert_true(spool_last_seq(s) == 1024);
		spool_close(s);
	}
}

/* The system may have no file to give just now: that is no gap. */
static void
test_no_files_left(void **state)
{
	struct spool *s = open_spool(SPOOL_SYNC_BATCH, 256);
	struct rlimit was, none = { 0, 0 };
	struct spool_cursor c = { .seq = 1 };
	struct spool_item it;
	uint64_t q = 0;
	enum err e;

	(void)state;
	for (int i = 1; i <= 40; i++) {
		put(s, 1, 1);
	}
	spool_close(s);
	s = open_spool(SPOOL_SYNC_BATCH, 256);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while ((e = spool_next(s, &c, &it)) == ERR_OK) {
		q++; /* of files that are open already */
		assert_true(it.gap_from == 0 && it.hdr.seq == q);
	}
	for (int i = 0; i < 5; i++) {
		assert_int_equal(e, ERR_IO);
		e = spool_next(s, &c, &it);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	while (spool_next(s, &c, &it) == ERR_OK) {
		q++;
		assert_true(it.gap_from == 0 && it.hdr.seq == q);
	}
	assert_true(q == 40);
	assert_int_equal(spool_next(s, &c, &it), ERR_EOF);
	spool_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words, setup),
		cmocka_unit_test_setup(test_clean_and_in_use, setup),
		cmocka_unit_test_setup(test_damage, setup),
		cmocka_unit_test_setup(test_unusable, setup),
		cmocka_unit_test(test_policies),
		cmocka_unit_test_setup(test_no_files_left, setup),
	};
	char cmd[100];
	int rc;

	snprintf(root, sizeof(root), "/tmp/picket-check.XXXXXX");
	if (mkdtemp(root) == NULL) {
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", root);
	return system(cmd) == 0 ? rc : 1;
}
