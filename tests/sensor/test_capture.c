/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of every form, whole, cut and broken. */
#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "sensor/capture_map.h"
#include "tests/sensor/capture_bench.h"

static size_t
block_begin(struct bytes *b, uint32_t type)
{
	size_t at = b->len;

	put32(b, type);
	put32(b, 0);
	return at;
}

static void
block_end(struct bytes *b, size_t at)
{
	struct bytes fix = *b;

	while (b->len % 4 != 0) {
		put_filler(b, 1, 0);
	}
	put32(b, (uint32_t)(b->len - at + 4));
	fix.len = at + 4;
	put32(&fix, (uint32_t)(b->len - at));
}

static void
put_section(struct bytes *b)
{
	size_t at = block_begin(b, 0x0a0d0d0a);

	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put32(b, 0xffffffff);
	put32(b, 0xffffffff);
	block_end(b, at);
}

static void
put_iface(struct bytes *b, uint16_t linktype, uint32_t snaplen, int tsresol,
	  uint32_t offset_s)
{
	size_t at = block_begin(b, 1);

	put16(b, linktype);
	put16(b, 0);
	put32(b, snaplen);
	if (tsresol >= 0) {
		uint8_t r[4] = { (uint8_t)tsresol, 0, 0, 0 };

		put16(b, 9);
		put16(b, 1);
		put(b, r, 4);
	}
	if (offset_s != 0) {
		put16(b, 14);
		put16(b, 8);
		put32(b, b->big ? 0 : offset_s);
		put32(b, b->big ? offset_s : 0);
	}
	put32(b, 0);
	block_end(b, at);
}

static void
put_epb(struct bytes *b, uint32_t iface, uint64_t ticks, uint32_t cap,
	uint32_t wire, uint8_t with)
{
	size_t at = block_begin(b, 6);

	put32(b, iface);
	put32(b, (uint32_t)(ticks >> 32));
	put32(b, (uint32_t)ticks);
	put32(b, cap);
	put32(b, wire);
	put_filler(b, cap, with);
	block_end(b, at);
}

static void
put_spb(struct bytes *b, uint32_t cap, uint32_t wire, uint8_t with)
{
	size_t at = block_begin(b, 3);

	put32(b, wire);
	put_filler(b, cap, with);
	block_end(b, at);
}

struct seen {
	uint64_t n;
	struct frame first, last;
	uint8_t last_byte;
	enum err err; /* the last that was no end */
	unsigned n_errs;
	struct diag diag;
	struct capture_stats stats;
};

/* Whether the frame lies where the batch keeps it alive. */
static bool
kept(const struct batch_frames *b, const struct frame *f)
{
	const uint8_t *from = b->slab;
	size_t len = BATCH_SLAB;

	if (b->map != NULL && f->data >= b->map->base &&
	    f->data < b->map->base + b->map->len) {
		from = b->map->base;
		len = b->map->len;
	}
	return f->data >= from && f->data + f->caplen <= from + len;
}

static void
read_all(const char *const *paths, size_t n_paths, const char *bpf,
	 struct seen *s)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c;
	enum err e;

	memset(s, 0, sizeof(*s));
	assert_non_null(b);
	assert_int_equal(capture_open_files(&c, paths, n_paths, bpf, &s->diag),
			 ERR_OK);
	while ((e = capture_next(c, b, &s->diag)) != ERR_EOF) {
		if (e != ERR_OK) {
			s->err = e;
			s->n_errs++;
			assert_int_equal(b->n, 0);
			continue;
		}
		assert_true(b->n > 0 && b->n <= BATCH_FRAMES);
		for (uint32_t i = 0; i < b->n; i++) {
			const struct frame *f = &b->frame[i];

			assert_int_equal(f->number, s->n + 1);
			assert_true(kept(b, f));
			s->last = *f;
			s->last_byte =
				f->caplen > 0 ? f->data[f->caplen - 1] : 0;
			if (s->n++ == 0) {
				s->first = *f;
			}
		}
	}
	s->stats = *capture_stats(c);
	assert_int_equal(s->stats.frames, s->n);
	capture_close(c);
	batch_frames_free(b);
}

static void
read_one(const char *path, struct seen *s)
{
	read_all(&path, 1, NULL, s);
}

static void
pcap_every_magic_and_order(void **state)
{
	static const uint32_t magic[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34 };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct bytes b = bytes_new(i % 2 != 0);
		struct seen s;

		/* A snap length of nonsense must not matter. */
		put_pcap_header(&b, magic[i / 2], i < 3 ? 0 : 0xffffffff, 101);
		for (unsigned k = 0; k < 3; k++) {
			put32(&b, 1000 + k);
			put32(&b, i / 2 == 1 ? 123456789 : 123456);
			put32(&b, 10);
			put32(&b, 20);
			if (i / 2 == 2) {
				put_filler(&b, 8, 0);
			}
			put_filler(&b, 10, (uint8_t)('a' + k));
		}
		read_one(write_file("a.pcap", b.p, b.len), &s);
		assert_int_equal(s.n, 3);
		assert_int_equal(s.err, ERR_OK);
		assert_int_equal(s.last.ts_us, 1002 * 1000000ull + 123456);
		assert_int_equal(s.last.caplen, 10);
		assert_int_equal(s.last.wirelen, 20);
		assert_int_equal(s.last.linktype, 101);
		assert_int_equal(s.last_byte, 'c');
		assert_int_equal(s.stats.truncated, 3);
		free(b.p);
	}
}

static struct bytes
small_pcap(void)
{
	struct bytes b = bytes_new(false);

	put_pcap_header(&b, 0xa1b2c3d4, 65535, 1);
	for (unsigned i = 0; i < 4; i++) {
		put_pcap_record(&b, 1 + i, 0, 20 + i, 20 + i, (uint8_t)i);
	}
	return b;
}

static struct bytes
small_pcapng(bool big)
{
	struct bytes b = bytes_new(big);
	size_t at;

	put_section(&b);
	put_iface(&b, 1, 0, -1, 0);
	put_iface(&b, 101, 0, 9, 10);
	put_epb(&b, 0, 5000000, 7, 9, 'x');
	put_epb(&b, 1, 5123456789, 8, 8, 'y');
	at = block_begin(&b, 0x0bad0bad); /* unknown: skipped */
	put_filler(&b, 13, 7);
	block_end(&b, at);
	put_spb(&b, 30, 30, 'z');
	at = block_begin(&b, 2); /* obsolete packet block */
	put16(&b, 1);
	put16(&b, 3);
	put32(&b, 1);
	put32(&b, 0);
	put32(&b, 5);
	put32(&b, 6);
	put_filler(&b, 5, 'p');
	block_end(&b, at);
	/* A second section, of the other byte order, with an interface of
	 * binary resolution. */
	b.big = !big;
	put_section(&b);
	put_iface(&b, 113, 0, 0x80 | 10, 0);
	put_epb(&b, 0, 2048 + 512, 4, 4, 'q');
	return b;
}

static void
pcapng_blocks_sections_and_times(void **state)
{
	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		struct bytes b = small_pcapng(big != 0);
		const char *path = write_file("a.pcapng", b.p, b.len);
		struct batch_frames *f = batch_frames_new();
		struct capture *c;
		struct diag d;

		assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d),
				 ERR_OK);
		assert_int_equal(capture_next(c, f, &d), ERR_OK);
		assert_int_equal(f->n, 5);
		assert_int_equal(f->frame[0].ts_us, 5000000);
		assert_int_equal(f->frame[0].wirelen, 9);
		assert_int_equal(f->frame[0].linktype, 1);
		assert_int_equal(f->frame[1].ts_us, 15123456);
		assert_int_equal(f->frame[1].linktype, 101);
		assert_int_equal(f->frame[2].caplen, 30);
		assert_int_equal(f->frame[2].linktype, 1);
		assert_int_equal(f->frame[2].ts_us, 15123456);
		assert_int_equal(f->frame[3].caplen, 5);
		assert_int_equal(f->frame[3].wirelen, 6);
		assert_int_equal(f->frame[3].ts_us, 14294967);
		assert_int_equal(f->frame[4].ts_us, 2500000);
		assert_int_equal(f->frame[4].linktype, 113);
		assert_int_equal(capture_next(c, f, &d), ERR_EOF);
		capture_close(c);
		batch_frames_free(f);
		free(b.p);
	}
}

static void
pcapng_refuses_what_disagrees(void **state)
{
	struct bytes b = bytes_new(false);
	struct seen s;
	size_t at;

	(void)state;
	put_section(&b);
	put_iface(&b, 1, 0, -1, 0);
	put_epb(&b, 0, 1, 4, 4, 1);
	at = b.len;
	put_epb(&b, 7, 1, 4, 4, 1); /* no such interface */
	read_one(write_file("b.pcapng", b.p, b.len), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.err, ERR_FORMAT);
	assert_non_null(strstr(s.diag.msg, "b.pcapng: packet 2: "));
	b.len = at;
	put_epb(&b, 0, 1, 4, 4, 1);
	store_le32(b.p + b.len - 4, 44); /* the two lengths differ */
	read_one(write_file("b.pcapng", b.p, b.len), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.err, ERR_FORMAT);
	b.len = at;
	put_epb(&b, 0, 1, 4, 4, 1);
	store_le32(b.p + at + 20, 4000); /* longer than its block */
	read_one(write_file("b.pcapng", b.p, b.len), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.err, ERR_FORMAT);
	b.len = at;
	put32(&b, 6);
	put32(&b, 11); /* no multiple of four */
	read_one(write_file("b.pcapng", b.p, b.len), &s);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.err, ERR_FORMAT);
	free(b.p);
}

static void
gzip_into(struct bytes *out, const void *p, size_t n)
{
	z_stream z;

	memset(&z, 0, sizeof(z));
	assert_int_equal(
		deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
		Z_OK);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out->p + out->len;
	z.avail_out = (uInt)(FILE_CAP - out->len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void
zstd_into(struct bytes *out, const void *p, size_t n)
{
	size_t rc =
		ZSTD_compress(out->p + out->len, FILE_CAP - out->len, p, n, 3);

	assert_false(ZSTD_isError(rc));
	out->len += rc;
}

static void
compressed_in_one_or_more_parts(void **state)
{
	struct bytes plain[2] = { small_pcap(), small_pcapng(false) };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct bytes *in = &plain[i & 1], out = bytes_new(false);
		size_t cut = (i & 2) != 0 ? 50 : in->len;
		void (*pack)(struct bytes *, const void *, size_t) =
			(i & 4) != 0 ? zstd_into : gzip_into;
		struct seen s, direct;

		pack(&out, in->p, cut);
		if (cut < in->len) {
			pack(&out, in->p + cut, in->len - cut);
		}
		read_one(write_file("plain", in->p, in->len), &direct);
		read_one(write_file("packed", out.p, out.len), &s);
		assert_int_equal(s.err, ERR_OK);
		assert_int_equal(s.n, direct.n);
		assert_int_equal(s.stats.bytes, direct.stats.bytes);
		assert_int_equal(s.stats.file_bytes_done, out.len);
		free(out.p);
	}
	free(plain[0].p);
	free(plain[1].p);
}

static void
cut_after_every_byte(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 6; kind++) {
		struct bytes in =
			kind % 2 == 0 ? small_pcap() : small_pcapng(true);
		struct bytes b = bytes_new(false);
		uint64_t most = 0;

		if (kind / 2 == 0) {
			put(&b, in.p, in.len);
		} else if (kind / 2 == 1) {
			gzip_into(&b, in.p, in.len);
		} else {
			zstd_into(&b, in.p, in.len);
		}
		for (size_t n = 0; n < b.len; n++) {
			struct seen s;

			read_one(write_file("cut", b.p, n), &s);
			assert_true(s.n_errs <= 1);
			assert_true(s.n >= most || kind > 1);
			most = MAX(most, s.n);
			if (kind > 1 && n >= 8) {
				assert_int_not_equal(s.err, ERR_OK);
			}
			if (s.err == ERR_TRUNCATED && kind == 0 && n > 24) {
				char want[32];

				snprintf(want, sizeof(want),
					 "packet %u: ", (unsigned)s.n + 1);
				assert_non_null(strstr(s.diag.msg, want));
			}
		}
		assert_true(most >= (kind < 2 ? 3 : 0));
		free(b.p);
		free(in.p);
	}
}

static void
every_byte_changed(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		struct bytes in =
			kind % 2 == 0 ? small_pcap() : small_pcapng(false);
		struct bytes b = bytes_new(false);

		if (kind < 2) {
			put(&b, in.p, in.len);
		} else {
			gzip_into(&b, in.p, in.len);
		}
		for (size_t n = 0; n < b.len; n++) {
			struct seen s;

			b.p[n] ^= 0xff;
			read_one(write_file("bad", b.p, b.len), &s);
			b.p[n] ^= 0xff;
			assert_true(s.n <= 6);
		}
		free(b.p);
		free(in.p);
	}
}

static void
long_records(void **state)
{
	struct bytes b = bytes_new(false);
	struct batch_frames *f = batch_frames_new();
	const char *path;
	struct capture *c;
	struct diag d;
	uint64_t n = 0;
	enum err e;

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 0, 1);
	put_pcap_record(&b, 1, 0, 256 << 10, 256 << 10, 1);
	put_pcap_record(&b, 1, 0, (256 << 10) + 1, (256 << 10) + 1, 2);
	put_pcap_record(&b, 1, 0, 256 << 10, 256 << 10, 3);
	put_pcap_record(&b, 1, 0, 256 << 10, 256 << 10, 4);
	put_pcap_record(&b, 1, 0, 1 << 20, 1 << 20, 5);
	put_pcap_record(&b, 1, 0, 60, 60, 6);
	put32(&b, 1);
	put32(&b, 1);
	put32(&b, 0x7fffffff);
	put32(&b, 0x7fffffff);
	path = write_file("long.pcap", b.p, b.len);
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_OK);
	while ((e = capture_next(c, f, &d)) == ERR_OK) {
		for (uint32_t i = 0; i < f->n; i++) {
			assert_int_equal(f->frame[i].data[0],
					 f->frame[i].number);
			n++;
		}
	}
	assert_int_equal(e, ERR_FORMAT);
	assert_non_null(strstr(d.msg, "packet 7: "));
	assert_int_equal(capture_next(c, f, &d), ERR_EOF);
	assert_int_equal(n, 4);
	assert_int_equal(capture_stats(c)->oversized, 2);
	capture_close(c);
	batch_frames_free(f);
	free(b.p);
}

static void
directories_and_several_paths(void **state)
{
	struct bytes a = small_pcap(), n = small_pcapng(false);
	char sub[128];
	const char *paths[3];
	struct seen s;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/d", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	write_file("d/2.pcap", a.p, a.len);
	write_file("d/1.pcapng", n.p, n.len);
	write_file("d/README", "nothing", 7);
	write_file("d/empty", "", 0);
	snprintf(sub, sizeof(sub), "%s/d/nested", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(sub, sizeof(sub), "%s/d", dir);
	paths[0] = sub;
	paths[1] = write_file("z.pcap", a.p, a.len - 1);
	paths[2] = paths[0];
	read_all(paths, 3, NULL, &s);
	assert_int_equal(s.n, 5 + 4 + 3 + 5 + 4);
	assert_int_equal(s.stats.files, 5);
	assert_int_equal(s.stats.files_skipped, 4);
	assert_int_equal(s.n_errs, 1);
	assert_int_equal(s.err, ERR_TRUNCATED);
	assert_non_null(strstr(s.diag.msg, "z.pcap: packet 4: "));
	assert_int_equal(s.stats.file_bytes_done, s.stats.file_bytes_total);
	free(a.p);
	free(n.p);
}

static void
wrong_use_is_told_at_once(void **state)
{
	struct bytes a = small_pcap();
	const char *path = "/nonexistent/x.pcap";
	struct capture *c;
	struct diag d;
	struct seen s;

	(void)state;
	assert_int_equal(capture_open_files(&c, &path, 1, NULL, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, path));
	path = write_file("a.pcap", a.p, a.len);
	assert_int_equal(capture_open_files(&c, &path, 1, "tcp prot 80", &d),
			 ERR_USAGE);
	assert_non_null(strstr(d.msg, "tcp prot 80"));
	read_one(write_file("text", "no capture at all", 17), &s);
	assert_int_equal(s.err, ERR_FORMAT);
	assert_int_equal(s.n, 0);
	free(a.p);
}

static void
filters_by_link_type(void **state)
{
	static const uint8_t udp[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17 };
	static const uint8_t tcp[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };
	struct bytes b = bytes_new(false);
	const char *path;
	struct seen s;

	(void)state;
	put_pcap_header(&b, 0xa1b2c3d4, 0, 101);
	for (unsigned i = 0; i < 5; i++) {
		const uint8_t *p = i % 2 == 0 ? udp : tcp;
		uint32_t len = i % 2 == 0 ? sizeof(udp) : sizeof(tcp);

		put32(&b, 0);
		put32(&b, 0);
		put32(&b, len);
		put32(&b, len);
		put(&b, p, len);
	}
	path = write_file("f.pcap", b.p, b.len);
	read_all(&path, 1, "udp", &s);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.stats.filtered, 2);
	assert_int_equal(s.last.number, 3);
	free(b.p);
}

static void
standard_input(void **state)
{
	struct bytes a = small_pcap();
	const char *path = "-";
	int keep = dup(0), ends[2];
	struct seen s;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], a.p, a.len), a.len);
	close(ends[1]);
	assert_int_equal(dup2(ends[0], 0), 0);
	close(ends[0]);
	read_all(&path, 1, NULL, &s);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.stats.file_bytes_total, 0);
	dup2(keep, 0);
	close(keep);
	free(a.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_every_magic_and_order),
		cmocka_unit_test(pcapng_blocks_sections_and_times),
		cmocka_unit_test(pcapng_refuses_what_disagrees),
		cmocka_unit_test(compressed_in_one_or_more_parts),
		cmocka_unit_test(cut_after_every_byte),
		cmocka_unit_test(every_byte_changed),
		cmocka_unit_test(long_records),
		cmocka_unit_test(directories_and_several_paths),
		cmocka_unit_test(wrong_use_is_told_at_once),
		cmocka_unit_test(filters_by_link_type),
		cmocka_unit_test(standard_input),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
