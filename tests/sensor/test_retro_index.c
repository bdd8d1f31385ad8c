/* SPDX-License-Identifier: Apache-2.0 */
/* The index of what was seen: against a model, within its bound, damaged. */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/clock.h"
#include "sensor/retro_index.h"
#include "sensor/retro_seg.h"
#include "tests/rnd.h"

#define DAY 86400
#define BASE_S 1700000000 /* 2023: before any clock that runs this */

static char dir[64];

static int
make_dir(void **state)
{
	(void)state;
	/* in memory where that can be: a test that waits for a disk waits long */
	strcpy(dir, "/dev/shm/picket-retro.XXXXXX");
	if (mkdtemp(dir) == NULL) {
		strcpy(dir, "/tmp/picket-retro.XXXXXX");
		return mkdtemp(dir) != NULL ? 0 : -1;
	}
	return 0;
}

static int
remove_dir(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static struct retro_index *
open_index(uint32_t table, uint32_t keep_s)
{
	struct retro_index_conf c = { .dir = dir,
				      .max_size = RETRO_MIN_SIZE,
				      .keep_s = keep_s,
				      .table = table };
	struct retro_index *x;
	struct diag d;

	if (retro_index_open(&x, &c, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return x;
}

/* The n-th thing, seen once at that second. */
static struct retro_entry
thing(const struct retro_index *x, unsigned kind, uint32_t n, uint32_t at)
{
	struct retro_entry e = { .kind = (uint8_t)kind,
				 .port = (uint16_t)n,
				 .first_s = at,
				 .last_s = at,
				 .count = 1 };
	uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			  (uint8_t)n };
	struct addr a = addr_from_v4(v4);

	if (kind == INDICATOR_IP) {
		retro_addr_key(&a, e.key);
	} else {
		retro_key(retro_index_secret(x), view_of(&n, sizeof(n)), e.key);
	}
	return e;
}

static struct retro_past
find(struct retro_index *x, unsigned kind, uint32_t n)
{
	struct retro_entry e = thing(x, kind, n, 1);
	struct retro_past p = { 0 };

	retro_index_find(x, kind, e.key, &p);
	return p;
}

static void
work(struct retro_index *x)
{
	while (retro_index_work(x, clock_mono_us() + 60 * US_PER_S)) {
		continue;
	}
}

#define THINGS 5000
/* A week begins within the times of the model. */
#define WEEK ((BASE_S / RETRO_HOSTS_S + 1) * RETRO_HOSTS_S)

/* What is found is what came in, whichever segments and merges it is in. */
static void
test_like_a_model(void **state)
{
	static struct retro_past model[2][THINGS];
	static const unsigned kinds[2] = { INDICATOR_IP, INDICATOR_DOMAIN };
	struct retro_index *x = open_index(700, 0);
	struct retro_index_counters n;

	(void)state;
	memset(model, 0, sizeof(model));
	for (uint32_t i = 0; i < 60000; i++) {
		unsigned k = rnd(2);
		/* some much more often than others */
		uint32_t t = rnd(1 + rnd(THINGS));
		uint32_t at = BASE_S + rnd(150000);
		struct retro_entry e = thing(x, kinds[k], t, at);
		struct retro_past *m = &model[k][t];

		if (kinds[k] != INDICATOR_IP) {
			e.hosts = UINT32_C(1) << rnd(1 + t % 32);
			if (at < WEEK) {
				m->hosts_before |= e.hosts;
			} else {
				m->hosts |= e.hosts;
			}
		}
		m->first_s = m->found ? MIN(m->first_s, at) : at;
		m->last_s = MAX(m->last_s, at);
		m->count++;
		m->found = true;
		retro_index_add(x, &e);
		if (i % 500 == 0) {
			work(x);
		}
		if (i == 30000) {
			retro_index_close(x);
			x = open_index(700, 0);
		}
	}
	for (unsigned k = 0; k < 2; k++) {
		for (uint32_t t = 0; t < THINGS + 10; t++) {
			struct retro_past p = find(x, kinds[k], t);
			struct retro_past none = { 0 };
			const struct retro_past *m =
				t < THINGS ? &model[k][t] : &none;

			assert_int_equal(p.found, m->found);
			assert_int_equal(p.first_s, m->first_s);
			assert_int_equal(p.last_s, m->last_s);
			assert_int_equal(p.count, m->count);
			if (m->last_s < WEEK) {
				assert_int_equal(p.hosts, m->hosts_before);
				assert_int_equal(p.hosts_before, 0);
			} else {
				assert_int_equal(p.hosts, m->hosts);
				/* a merge may have forgotten some */
				assert_int_equal(
					p.hosts_before & ~m->hosts_before, 0);
			}
			assert_false(p.cut);
		}
	}
	retro_index_counters(x, &n);
	assert_int_equal(n.lost, 0);
	assert_true(n.merged > 10);
	assert_true(n.segments < 16);
	retro_index_close(x);
}

/* A network is what its addresses are together. */
static void
test_networks(void **state)
{
	struct retro_index *x = open_index(300, 0);
	struct cidr net;

	(void)state;
	for (uint32_t i = 0; i < 70000; i += 7) {
		struct retro_entry e =
			thing(x, INDICATOR_IP, i, BASE_S + i / 7);

		retro_index_add(x, &e);
	}
	for (unsigned bits = 8; bits <= 24; bits += 4) {
		struct retro_past p = { 0 };
		uint32_t size = UINT32_C(1) << (32 - bits), want = 0;
		char text[32];

		/* 10.0.64.0 and what surrounds it */
		snprintf(text, sizeof(text), "%s/%u",
			 bits < 17 ? "10.0.0.0" : "10.0.64.0", bits);
		assert_true(cidr_parse(view_cstr(text), &net));
		for (uint32_t i = 0; i < 70000; i += 7) {
			uint32_t from = bits < 17 ? 0 : 64 << 8;

			want += i >= from && i - from < size;
		}
		retro_index_find_net(x, &net, &p);
		assert_int_equal(p.count, want);
	}
	assert_true(cidr_parse(view_cstr("11.0.0.0/8"), &net));
	{
		struct retro_past p = { 0 };

		retro_index_find_net(x, &net, &p);
		assert_false(p.found);
	}
	retro_index_close(x);
}

static uint64_t
bytes_there(void)
{
	DIR *d = opendir(dir);
	uint64_t n = 0;

	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[400];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			n += (uint64_t)st.st_size;
		}
	}
	closedir(d);
	return n;
}

/* Above its bound what was last seen longest ago goes, and nothing else. */
static void
test_bound(void **state)
{
	struct retro_index *x = open_index(20000, 0);
	uint32_t n = 1600000, oldest = 0;
	struct retro_index_counters c;

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		struct retro_entry e =
			thing(x, INDICATOR_DOMAIN, i, BASE_S + i / 10);

		retro_index_add(x, &e);
		if (i % 20000 == 0) {
			(void)retro_index_work(x, clock_mono_us());
			assert_true(bytes_there() <= RETRO_MIN_SIZE);
		}
	}
	retro_index_counters(x, &c);
	assert_int_equal(c.lost, 0);
	assert_true(c.dropped > 0);
	assert_true(c.entries > n / 3);
	while (!find(x, INDICATOR_DOMAIN, oldest).found) {
		oldest += 1000;
	}
	assert_true(oldest > 0);
	for (uint32_t i = oldest; i < n; i += 997) {
		assert_true(find(x, INDICATOR_DOMAIN, i).found);
	}
	retro_index_close(x);
}

/* What was last seen too long ago is not told, and goes with time. */
static void
test_age(void **state)
{
	struct retro_index *x = open_index(1000, 10 * DAY);
	struct retro_entry e;

	(void)state;
	for (uint32_t day = 0; day < 30; day++) {
		for (uint32_t i = 0; i < 500; i++) {
			e = thing(x, INDICATOR_DOMAIN, day * 1000 + i,
				  BASE_S + day * DAY);
			retro_index_add(x, &e);
		}
		assert_int_equal(retro_index_flush(x), ERR_OK);
		work(x);
	}
	/* a clock that is wrong once does not clear it */
	e = thing(x, INDICATOR_DOMAIN, 999999, UINT32_MAX);
	assert_true(find(x, INDICATOR_DOMAIN, 29000).found);
	assert_true(find(x, INDICATOR_DOMAIN, 20000).found);
	assert_false(find(x, INDICATOR_DOMAIN, 18000).found);
	assert_false(find(x, INDICATOR_DOMAIN, 0).found);
	assert_true(bytes_there() < 20 * 500 * 64 + 40 * 24576);
	retro_index_close(x);
}

/* The only segment there is. */
static int
open_segment(void)
{
	DIR *d = opendir(dir);
	char path[400] = "";
	int fd;

	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strstr(e->d_name, ".seg") != NULL) {
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		}
	}
	closedir(d);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

/* Flips a byte of it. */
static void
damage(off_t at)
{
	int fd = open_segment();
	uint8_t b;

	assert_int_equal(pread(fd, &b, 1, at), 1);
	b ^= 0x40;
	assert_int_equal(pwrite(fd, &b, 1, at), 1);
	close(fd);
}

static struct retro_index *
one_segment(void)
{
	struct retro_index *x = open_index(4000, 0);

	for (uint32_t i = 0; i < 2000; i++) {
		struct retro_entry e = thing(x, INDICATOR_DOMAIN, i, BASE_S);

		retro_index_add(x, &e);
	}
	return x;
}

static unsigned
found_of(struct retro_index *x, uint32_t n)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < n; i++) {
		found += find(x, INDICATOR_DOMAIN, i).found;
	}
	return found;
}

/* A block that is damaged takes nothing else with it, also when merged. */
static void
test_damaged_block(void **state)
{
	struct retro_index *x;
	struct retro_index_counters c;

	(void)state;
	retro_index_close(one_segment());
	damage(RETRO_SEG_HEAD + RETRO_BLOCK + 1000);
	x = open_index(4000, 0);
	assert_int_equal(found_of(x, 2000), 2000 - RETRO_BLOCK_ENTRIES);
	retro_index_counters(x, &c);
	assert_int_equal(c.bad_segments, 0);
	assert_int_equal(c.bad_blocks, RETRO_BLOCK_ENTRIES);
	for (uint32_t k = 1; k <= 4; k++) {
		for (uint32_t i = 0; i < 1000; i++) {
			struct retro_entry e = thing(x, INDICATOR_DOMAIN,
						     k * 10000 + i, BASE_S);

			retro_index_add(x, &e);
		}
		assert_int_equal(retro_index_flush(x), ERR_OK);
	}
	work(x);
	retro_index_counters(x, &c);
	assert_true(c.segments <= 2);
	assert_int_equal(found_of(x, 2000), 2000 - RETRO_BLOCK_ENTRIES);
	retro_index_close(x);
}

/* One damaged in its head is left out, and told once. */
static void
test_damaged_head(void **state)
{
	static const off_t at[] = { 0, 9, 20, 30, 44 };
	struct retro_index_counters c;
	struct retro_index *x;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		retro_index_close(one_segment());
		damage(at[i]);
		x = open_index(4000, 0);
		retro_index_counters(x, &c);
		assert_int_equal(c.bad_segments, 1);
		assert_int_equal(found_of(x, 10), 0);
		retro_index_close(x);
	}
}

/* The only segment becomes what the first version wrote: digests are longer by
 * four bytes, in which there are no hosts. */
static void
make_old(uint32_t n_blocks)
{
	static struct retro_block b;
	static struct retro_fence fence[16];
	uint8_t head[56];
	int fd = open_segment();
	ssize_t fence_len = (ssize_t)(n_blocks * sizeof(*fence));
	off_t fence_at = RETRO_SEG_HEAD + (off_t)n_blocks * RETRO_BLOCK;
	uint64_t sum;

	for (uint32_t i = 0; i < n_blocks; i++) {
		off_t at = RETRO_SEG_HEAD + (off_t)i * RETRO_BLOCK;

		assert_int_equal(pread(fd, &b, sizeof(b), at), sizeof(b));
		for (uint32_t k = 0; k < b.n; k++) {
			if (b.v[k].kind != INDICATOR_IP) {
				b.v[k].hosts = rnd(UINT32_MAX) | 1;
			}
		}
		b.sum = XXH3_64bits((uint8_t *)&b + 8, sizeof(b) - 8);
		assert_int_equal(pwrite(fd, &b, sizeof(b), at), sizeof(b));
		fence[i] = (struct retro_fence){ .kind = b.v[0].kind };
		memcpy(fence[i].key, b.v[0].key, RETRO_KEY_LEN);
	}
	assert_int_equal(pwrite(fd, fence, (size_t)fence_len, fence_at),
			 fence_len);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	memcpy(head, "KPRETRO1", 8);
	sum = XXH3_64bits(fence, (size_t)fence_len);
	memcpy(head + 40, &sum, 8);
	sum = XXH3_64bits(head, 48);
	memcpy(head + 48, &sum, 8);
	assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
	close(fd);
}

/* What an older version kept is found; of hosts it says nothing, and what comes
 * later says it, merged or not. */
static void
test_old_segment(void **state)
{
	struct retro_index *x = one_segment();
	struct retro_index_counters c;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct retro_entry e = thing(x, INDICATOR_IP, i, BASE_S);

		retro_index_add(x, &e);
	}
	retro_index_close(x);
	make_old((2100 + RETRO_BLOCK_ENTRIES - 1) / RETRO_BLOCK_ENTRIES);
	x = open_index(4000, 0);
	assert_int_equal(found_of(x, 2000), 2000);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(find(x, INDICATOR_DOMAIN, i).hosts, 0);
		assert_true(find(x, INDICATOR_IP, i).found);
	}
	for (uint32_t k = 0; k < 4; k++) {
		for (uint32_t i = 0; i < 1000; i++) {
			struct retro_entry e =
				thing(x, INDICATOR_DOMAIN, i, BASE_S + k);

			e.hosts = UINT32_C(1) << k;
			retro_index_add(x, &e);
		}
		assert_int_equal(retro_index_flush(x), ERR_OK);
		assert_int_equal(find(x, INDICATOR_DOMAIN, 9).hosts,
				 (2U << k) - 1);
	}
	work(x);
	retro_index_counters(x, &c);
	assert_true(c.segments <= 2);
	assert_int_equal(c.bad_segments + c.bad_blocks, 0);
	assert_int_equal(found_of(x, 2000), 2000);
	for (uint32_t i = 0; i < 2000; i++) {
		struct retro_past p = find(x, INDICATOR_DOMAIN, i);

		assert_int_equal(p.hosts, i < 1000 ? 15 : 0);
		assert_int_equal(p.count, i < 1000 ? 5 : 1);
	}
	retro_index_close(x);
}

static void
write_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A list that is damaged or lost costs nothing; what no list names goes. */
static void
test_manifest(void **state)
{
	static const char *const bad[] = {
		"",
		"picket-retro 2\n",
		"picket-retro 1\nnext 12\n",
		"picket-retro 1\nnext 0000000000000002\nseg 0000000000000001\n",
		("picket-retro 1\nnext 0000000000000002\n"
		 "end 0000000000000000\n"),
	};
	struct retro_index *x;

	(void)state;
	retro_index_close(one_segment());
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file("manifest", bad[i]);
		x = open_index(4000, 0);
		assert_int_equal(found_of(x, 2000), 2000);
		retro_index_close(x);
	}
	/* what a crash leaves: a segment that was made, and one half made */
	write_file("00000000000000ff.seg", "nothing");
	write_file("00000000000000fe.new", "half");
	x = open_index(4000, 0);
	assert_int_equal(found_of(x, 2000), 2000);
	assert_int_equal(bytes_there() / 1000, 135);
	retro_index_close(x);
}

/* Two do not write to one; others may read beside it. */
static void
test_one_writer(void **state)
{
	struct retro_index *x = one_segment(), *other;
	struct retro_index_conf c = { .dir = dir, .max_size = RETRO_MIN_SIZE };
	struct diag d;

	(void)state;
	assert_int_equal(retro_index_open(&other, &c, &d), ERR_IO);
	assert_non_null(strstr(d.msg, "another sensor"));
	assert_int_equal(retro_index_flush(x), ERR_OK);
	assert_int_equal(retro_index_open_read(&other, dir, &d), ERR_OK);
	assert_int_equal(found_of(other, 2000), 2000);
	retro_index_close(other);
	retro_index_close(x);
	assert_int_equal(retro_index_open_read(&other, "/nonexistent", &d),
			 ERR_IO);
}

/* A disk that is full: what memory holds stays, and goes on when there is
 * room; what finds no place is counted. */
static void
test_full_disk(void **state)
{
	struct retro_index *x = open_index(1000, 0);
	struct rlimit was, full;
	struct retro_index_counters c;

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		struct retro_entry e = thing(x, INDICATOR_DOMAIN, i, BASE_S);

		retro_index_add(x, &e);
	}
	assert_int_equal(retro_index_flush(x), ERR_OK);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	full = was;
	full.rlim_cur = 10000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (uint32_t i = 500; i < 2000; i++) {
		struct retro_entry e = thing(x, INDICATOR_DOMAIN, i, BASE_S);

		retro_index_add(x, &e);
	}
	assert_int_not_equal(retro_index_flush(x), ERR_OK);
	assert_int_equal(found_of(x, 2000), 1500);
	retro_index_counters(x, &c);
	assert_int_equal(c.lost, 500);
	assert_true(c.write_errors > 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	retro_index_close(x);
	x = open_index(1000, 0);
	assert_int_equal(found_of(x, 2000), 1500);
	retro_index_close(x);
}

#define RUN_THINGS 10000000

/* Adds without end, and says in '*written' what is on disk for sure. */
static void
add_until_killed(uint32_t from, _Atomic uint32_t *written)
{
	struct retro_index *x = open_index(300, 0);

	for (uint32_t i = from;; i++) {
		struct retro_entry e = thing(x, INDICATOR_DOMAIN, i, BASE_S);

		retro_index_add(x, &e);
		if (i % 100 == 99) {
			if (retro_index_flush(x) != ERR_OK) {
				_exit(1);
			}
			*written = i + 1;
			(void)retro_index_work(x, clock_mono_us());
		}
	}
}

/* Killed at any moment: all that was written is there, each once. */
static void
test_killed(void **state)
{
	_Atomic uint32_t *written =
		mmap(NULL, sizeof(*written), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t end[10];

	(void)state;
	assert_ptr_not_equal(written, MAP_FAILED);
	for (uint32_t run = 0; run < ARRAY_LEN(end); run++) {
		uint32_t from = run * RUN_THINGS;
		struct retro_index *x;
		int status;
		pid_t pid;

		*written = from;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			add_until_killed(from, written);
		}
		while (*written == from) {
			assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
			usleep(200);
		}
		usleep(rnd(3000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		end[run] = *written;
		x = open_index(300, 0);
		for (uint32_t r = 0; r <= run; r++) {
			for (uint32_t i = r * RUN_THINGS; i < end[r]; i += 19) {
				assert_int_equal(
					find(x, INDICATOR_DOMAIN, i).count, 1);
			}
		}
		retro_index_close(x);
	}
	munmap((void *)(uintptr_t)written, sizeof(*written));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		T(test_like_a_model),  T(test_networks),
		T(test_bound),         T(test_age),
		T(test_damaged_block), T(test_damaged_head),
		T(test_manifest),      T(test_one_writer),
		T(test_full_disk),     T(test_killed),
		T(test_old_segment),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
