/* SPDX-License-Identifier: Apache-2.0 */
/* Captures that are mapped: as others, growing, cut, gone. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <zlib.h>

#include "sensor/capture_map.h"
#include "tests/sensor/capture_bench.h"

#define MANY 20000 /* records of 100 bytes: nearly two of the map's steps */

static struct bytes
large_pcap(unsigned from, unsigned to)
{
	struct bytes b = bytes_new(false);

	if (from == 0) {
		put_pcap_header(&b, 0xa1b2c3d4, 65535, 1);
	}
	for (unsigned i = from; i < to; i++) {
		put_pcap_record(&b, 1000, i, 84, 84, (uint8_t)(i | 1));
	}
	return b;
}

/* Adds up every byte, as who looks for something would. */
static unsigned
look_at(const struct batch_frames *b)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		for (uint32_t k = 0; k < b->frame[i].caplen; k++) {
			sum += b->frame[i].data[k];
		}
	}
	return sum;
}

/* The same batches, whether the file could be mapped or not. */
static void
batches_do_not_tell_maps(void **state)
{
	struct bytes b = large_pcap(0, 1000);
	struct batch_frames *f = batch_frames_new(), *g = batch_frames_new();
	struct capture *c, *k;
	const char *path;
	char packed[128];
	struct diag d;
	gzFile z;
	enum err e;

	(void)state;
	for (unsigned i = 0; i < 20; i++) { /* the slab's size counts, too */
		put_pcap_record(&b, 2000, i, 60000 + i, 70000, 1);
	}
	snprintf(packed, sizeof(packed), "%s/m.pcap.gz", dir);
	z = gzopen(packed, "wb");
	assert_int_equal(gzwrite(z, b.p, (unsigned)b.len), b.len);
	gzclose(z);
	path = packed;
	assert_int_equal(capture_open_files(&k, &path, 1, NULL, &d), ERR_OK);
	path = write_file("m.pcap", b.p, b.len);
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	do {
		e = capture_next(c, f, &d);
		assert_int_equal(capture_next(k, g, &d), e);
		assert_int_equal(f->n, g->n);
		assert_int_equal(f->used, g->used);
		assert_true(e != ERR_OK || (f->map != NULL && g->map == NULL));
		assert_int_equal(look_at(f), look_at(g));
		for (uint32_t i = 0; i < f->n; i++) {
			assert_int_equal(f->frame[i].caplen,
					 g->frame[i].caplen);
			assert_int_equal(f->frame[i].wirelen,
					 g->frame[i].wirelen);
			assert_int_equal(f->frame[i].ts_us, g->frame[i].ts_us);
			assert_int_equal(f->frame[i].number,
					 g->frame[i].number);
		}
	} while (e == ERR_OK);
	assert_int_equal(e, ERR_EOF);
	assert_int_equal(capture_stats(c)->frames, 1020);
	assert_int_equal(capture_stats(c)->truncated, 20);
	assert_int_equal(capture_stats(c)->bytes, capture_stats(k)->bytes);
	capture_close(c);
	capture_close(k);
	batch_frames_free(f);
	batch_frames_free(g);
	free(b.p);
}

/* What a batch holds stays, though the capture has gone on and ended. */
static void
frames_outlive_the_file(void **state)
{
	struct bytes b = large_pcap(0, MANY);
	struct batch_frames *f = batch_frames_new();
	const char *path = write_file("o.pcap", b.p, b.len);
	struct capture *c;
	struct diag d;
	unsigned sum;

	(void)state;
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	assert_int_equal(capture_next(c, f, &d), ERR_OK);
	sum = look_at(f);
	capture_close(c);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(look_at(f), sum);
	assert_true(sum > 0);
	batch_frames_free(f);
	free(b.p);
}

static void
a_file_grows(void **state)
{
	struct bytes b = large_pcap(0, 1000), more = large_pcap(1000, MANY);
	struct batch_frames *f = batch_frames_new();
	const char *path = write_file("g.pcap", b.p, b.len);
	struct capture *c;
	struct diag d;
	uint64_t n = 0;
	int fd = open(path, O_WRONLY | O_APPEND);

	(void)state;
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	while (capture_next(c, f, &d) == ERR_OK) {
		if (n == 0) {
			assert_int_equal(write(fd, more.p, more.len), more.len);
		}
		for (uint32_t i = 0; i < f->n; i++) {
			assert_int_equal(f->frame[i].ts_us,
					 1000 * 1000000ull + n);
			assert_int_equal(f->frame[i].data[83],
					 (uint8_t)(n | 1));
			n++;
		}
	}
	assert_int_equal(n, MANY);
	assert_int_equal(capture_stats(c)->file_bytes_done, b.len + more.len);
	close(fd);
	capture_close(c);
	batch_frames_free(f);
	free(b.p);
	free(more.p);
}

/* The pages of frames that a batch holds go, and those not yet read. */
static void
a_file_is_cut(void **state)
{
	struct bytes b = large_pcap(0, MANY);
	struct batch_frames *f = batch_frames_new();
	const char *path = write_file("t.pcap", b.p, b.len);
	struct capture *c;
	struct diag d;
	uint64_t n;
	enum err e;

	(void)state;
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	for (n = 0; n < MANY / 2; n += f->n) {
		assert_int_equal(capture_next(c, f, &d), ERR_OK);
	}
	assert_true(look_at(f) > 0);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(look_at(f), 0);
	assert_int_equal(f->map->torn, 1);
	e = capture_next(c, f, &d);
	assert_int_equal(e, ERR_TRUNCATED);
	assert_non_null(strstr(d.msg, "the file was cut while it was read"));
	assert_int_equal(capture_next(c, f, &d), ERR_EOF);
	assert_int_equal(capture_stats(c)->cut_short, 0);
	capture_close(c);
	batch_frames_free(f);
	free(b.p);
}

/* Somebody else's fault still ends the process, as it did before. */
static void
faults_elsewhere_are_not_hidden(void **state)
{
	struct bytes b = large_pcap(0, 100);
	const char *path = write_file("e.pcap", b.p, b.len);
	int status = 0;
	pid_t pid;

	(void)state;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_RDONLY);
		struct capture_map *m = capture_map_open(fd, b.len);
		volatile uint8_t *p =
			mmap(NULL, b.len, PROT_READ, MAP_PRIVATE, fd, 0);
		uint8_t x;

		signal(SIGBUS, SIG_DFL); /* the test's own */
		capture_map_release(m);
		m = capture_map_open(fd, b.len);
		if (m == NULL || p == MAP_FAILED || truncate(path, 0) != 0 ||
		    m->base[5000] != 0 || m->torn != 1) {
			_exit(0);
		}
		close(2); /* a sanitizer would tell */
		x = p[5000];
		(void)x;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) != 0));
	free(b.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_do_not_tell_maps),
		cmocka_unit_test(frames_outlive_the_file),
		cmocka_unit_test(a_file_grows),
		cmocka_unit_test(a_file_is_cut),
		cmocka_unit_test(faults_elsewhere_are_not_hidden),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
