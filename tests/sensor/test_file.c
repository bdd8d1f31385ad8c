/* SPDX-License-Identifier: Apache-2.0 */
/* Files: digests, types, the store, ranges, and bodies in parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/file.h"
#include "sensor/file_range.h"
#include "sensor/hex_digest.h"
#include "sensor/http_brotli.h"
#include "sensor/http_lzma.h"
#include "sensor/multipart.h"

/* A context with its settings, and a list of files. */
struct desk {
	struct conf *conf;
	struct pool *pool;
	struct file_ctx *c;
	struct arena arena;
	struct file_list list;
};

static void
desk_open(struct desk *k, const char *const *set)
{
	struct diag d;

	memset(k, 0, sizeof(*k));
	k->conf = conf_new();
	for (; set != NULL && *set != NULL; set++) {
		assert_int_equal(conf_set_arg(k->conf, *set, &d), ERR_OK);
	}
	k->pool = pool_new((size_t)16 << 20);
	k->c = file_ctx_new(k->conf, k->pool);
	assert_non_null(k->c);
	arena_init(&k->arena, k->pool, (size_t)1 << 20);
}

static void
desk_close(struct desk *k)
{
	for (struct file *f = k->list.first; f != NULL; f = f->next) {
		file_fini(k->c, f);
	}
	arena_reset(&k->arena);
	file_ctx_free(k->c);
	assert_int_equal(pool_in_use(k->pool), 0);
	pool_free(k->pool);
	conf_free(k->conf);
}

static struct file *
new_file(struct desk *k, const char *name)
{
	return file_open(k->c, &k->arena, &k->list,
			 &(struct file_start){ .name = view_cstr(name),
					       .flow_id = 7,
					       .front_limit = 4096,
					       .step = 10 });
}

static void
assert_hex(const uint8_t *sum, size_t len, const char *want)
{
	char hex[HEX_DIGEST_CAP];

	assert_true(view_eq(view_of(hex, hex_text(view_of(sum, len), 0, false,
						  hex, sizeof(hex))),
			    view_cstr(want)));
}

#define SHA256_ABC \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
test_digests(void **state)
{
	static const char *const set[] = { "eve.files.force-hash=[md5, sha1]",
					   NULL };
	struct desk k;
	struct file *f;

	(void)state;
	desk_open(&k, set);
	f = new_file(&k, "a");
	file_data(k.c, f, VIEW_LIT("ab"));
	assert_false(file_due(f)); /* 2 of 10 */
	file_data(k.c, f, VIEW_LIT("c"));
	assert_int_equal(f->size, 3);
	assert_int_equal(f->sums.has, 0); /* not before the end */
	file_close(k.c, f, &k.arena, FILE_CLOSED);
	assert_true(file_due(f));
	assert_int_equal(f->sums.has, DIGEST_MD5 | DIGEST_SHA1);
	assert_hex(f->sums.md5, 16, "900150983cd24fb0d6963f7d28e17f72");
	assert_hex(f->sums.sha1, 20,
		   "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_true(view_eq(buf_view(f->front), VIEW_LIT("abc")));
	file_data(k.c, f, VIEW_LIT("more"));
	assert_int_equal(f->size, 3); /* it is over */

	/* what a rule asks for, in a run that was used before */
	file_ctx_want(k.c, FILE_NEED_SHA256);
	f = new_file(&k, "b");
	file_data(k.c, f, VIEW_LIT("abc"));
	file_close(k.c, f, &k.arena, FILE_CLOSED);
	assert_int_equal(f->sums.has, DIGEST_ALL);
	assert_hex(f->sums.sha256, 32, SHA256_ABC);
	desk_close(&k);
}

static void
test_states(void **state)
{
	struct desk k;
	struct file *f;

	(void)state;
	desk_open(&k, NULL);
	f = new_file(&k, "a");
	file_data(k.c, f, VIEW_LIT("abc"));
	file_lost(k.c, f, 4);
	file_data(k.c, f, VIEW_LIT("xyz"));
	assert_true(f->gaps);
	file_close(k.c, f, &k.arena, FILE_CLOSED);
	assert_int_equal(f->state, FILE_TRUNCATED);
	assert_int_equal(f->size, 10);
	/* what rules see has no seam */
	assert_true(view_eq(buf_view(f->front), VIEW_LIT("abc")));
	assert_int_equal(f->sums.has, 0); /* nobody asked */
	for (unsigned i = 1; i < FILES_MAX; i++) {
		assert_non_null(new_file(&k, "n"));
	}
	assert_null(new_file(&k, "one too many"));
	assert_int_equal(file_counters(k.c)->refused, 1);
	desk_close(&k);
}

static void
test_magic(void **state)
{
	struct desk k;
	struct file *f;

	(void)state;
	desk_open(&k, NULL);
	file_ctx_want(k.c, FILE_NEED_MAGIC);
	f = new_file(&k, "a");
	file_data(k.c, f, VIEW_LIT("%PDF-1.5\n%..."));
	assert_false(file_find_magic(k.c, f, &k.arena)); /* too little */
	file_close(k.c, f, &k.arena, FILE_CLOSED);
	assert_true(f->magic.len >= 12);
	assert_true(
		view_eq(view_sub(f->magic, 0, 12), VIEW_LIT("PDF document")));
	desk_close(&k);
}

static char dir[] = "/tmp/picket-store-XXXXXX";

static bool
exists(const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0;
}

static void
test_store(void **state)
{
	char setting[128];
	const char *set[] = { "file-store.enabled=yes", setting,
			      "file-store.max-open-files=2",
			      "file-store.max-size=5", NULL };
	struct desk k;
	struct file *f[4];
	char path[512];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(setting, sizeof(setting), "file-store.dir=%s", dir);
	desk_open(&k, set);
	f[0] = new_file(&k, "a"); /* no rule could ask for it */
	file_data(k.c, f[0], VIEW_LIT("abc"));
	assert_null(f[0]->storing);
	assert_false(exists("tmp"));

	file_ctx_want(k.c, FILE_NEED_STORE);
	for (unsigned i = 1; i < 4; i++) {
		f[i] = new_file(&k, "a");
		file_data(k.c, f[i], VIEW_LIT("abc"));
	}
	assert_null(f[3]->storing); /* two are open */
	f[1]->wanted = true;
	for (unsigned i = 0; i < 4; i++) {
		file_close(k.c, f[i], &k.arena, FILE_CLOSED);
		file_settle(k.c, f[i]);
	}
	assert_true(!f[0]->stored && f[1]->stored && !f[2]->stored);
	assert_true(exists("ba/" SHA256_ABC));
	snprintf(path, sizeof(path), "%s/tmp", dir);
	assert_int_equal(rmdir(path), 0); /* nothing was left there */
	assert_int_equal(mkdir(path, 0700), 0);

	f[1] = new_file(&k, "large");
	f[1]->wanted = true;
	file_data(k.c, f[1], VIEW_LIT("123456"));
	file_close(k.c, f[1], &k.arena, FILE_CLOSED);
	file_settle(k.c, f[1]);
	assert_false(f[1]->stored);
	assert_int_equal(file_store_counts(k.c)->stored, 1);
	assert_int_equal(file_store_counts(k.c)->too_many, 1);
	assert_int_equal(file_store_counts(k.c)->too_large, 1);

	/* the directory is gone: an error that is counted */
	assert_int_equal(rmdir(path), 0);
	assert_null(new_file(&k, "b")->storing);
	assert_int_equal(file_store_counts(k.c)->errors, 1);
	desk_close(&k);
	snprintf(path, sizeof(path), "%s/ba/" SHA256_ABC, dir);
	assert_int_equal(remove(path), 0);
	snprintf(path, sizeof(path), "%s/ba", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

struct fetch {
	const char *bytes;
	uint64_t start, total, now_s;
};

/* One range of 'what'; the whole file when that is complete. */
static struct file *
fetch(struct desk *k, struct range_table *t, const struct fetch *x)
{
	struct range_id id = {
		.server = VIEW_LIT("h"),
		.name = VIEW_LIT("/f"),
		.start = x->start,
		.end = x->start + strlen(x->bytes) - 1,
		.total = x->total,
		.now_us = x->now_s * 1000000,
	};
	struct range_part *p =
		range_begin(t, k->c, &id,
			    &(struct file_start){ .name = VIEW_LIT("f"),
						  .front_limit = 4096 });

	if (p == NULL) {
		return NULL;
	}
	for (const char *b = x->bytes; *b != '\0'; b++) {
		range_data(t, k->c, p, view_of(b, 1));
	}
	return range_end(t, k->c, p, &k->arena, &k->list);
}

static void
test_ranges(void **state)
{
	static const char *const set[] = { "eve.files.force-hash=sha256",
					   NULL };
	struct range_table *t;
	struct file *f;
	struct desk k;

	(void)state;
	desk_open(&k, set);
	t = range_table_new(k.conf, k.pool);
	assert_non_null(t);
	assert_null(fetch(&k, t, &(struct fetch){ "c", 2, 3, 1 }));
	assert_null(fetch(&k, t, &(struct fetch){ "a", 0, 3, 2 }));
	f = fetch(&k, t, &(struct fetch){ "ab", 0, 3, 3 }); /* overlaps */
	assert_non_null(f);
	assert_int_equal(f->state, FILE_CLOSED);
	assert_int_equal(f->size, 3);
	assert_hex(f->sums.sha256, 32, SHA256_ABC);
	assert_true(view_eq(buf_view(f->front), VIEW_LIT("abc")));

	/* a hole is never taken for bytes; senseless numbers for nothing */
	assert_null(fetch(&k, t, &(struct fetch){ "ab", 0, 9, 4 }));
	assert_null(fetch(&k, t, &(struct fetch){ "ghi", 6, 9, 4 }));
	assert_null(fetch(&k, t, &(struct fetch){ "ghi", 7, 9, 4 }));
	f = fetch(&k, t, &(struct fetch){ "cdef", 2, 9, 4 });
	assert_non_null(f);
	assert_int_equal(f->size, 9);
	assert_true(view_eq(buf_view(f->front), VIEW_LIT("abcdefghi")));

	/* what came long ago is of another file */
	assert_null(fetch(&k, t, &(struct fetch){ "a", 0, 3, 100 }));
	assert_null(fetch(&k, t, &(struct fetch){ "bc", 1, 3, 161 }));
	/* and so is what has another length */
	assert_null(fetch(&k, t, &(struct fetch){ "a", 0, 4, 162 }));
	range_table_drop(t, k.c);
	range_table_free(t);
	desk_close(&k);
}

struct parts {
	char text[512];
	size_t n;
};

static void
put(struct parts *p, struct view v)
{
	assert_true(p->n + v.len < sizeof(p->text));
	if (v.len > 0) {
		memcpy(p->text + p->n, v.p, v.len);
	}
	p->n += v.len;
	p->text[p->n] = '\0';
}

static void
on_begin(void *arg, struct view head)
{
	(void)head;
	put(arg, VIEW_LIT("<"));
}

static void
on_data(void *arg, struct view data)
{
	put(arg, data);
}

static void
on_end(void *arg, bool whole)
{
	put(arg, whole ? VIEW_LIT(">") : VIEW_LIT("~"));
}

static void
test_multipart(void **state)
{
	static const struct {
		const char *body, *want;
	} cases[] = {
		{ "--aab\r\n\r\nx\r\n--aab--", "<x>" },
		{ "no\r\n--aab \t\r\nA: "
		  "b\r\n\r\n\r\n--aab\r\n\r\ny\r\n--aab--z",
		  "<><y>" },
		/* almost delimiters, and one that begins inside another */
		{ "--aab\r\n\r\n\r\n--aac\r\n\r\n--aaab\r\r\n--a\r\n--aab--",
		  "<\r\n--aac\r\n\r\n--aaab\r\r\n--a>" },
		{ "--aab\r\n\r\ncut\r\n--aa", "<cut\r\n--aa~" },
		{ "--aab\r\nA: b\r\n", "" },
		{ "nothing here", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view all = view_cstr(cases[i].body);

		for (size_t step = 1; step <= all.len; step++) {
			static struct multipart m;
			struct parts p = { .n = 0 };
			const struct multipart_out out = { on_begin, on_data,
							   on_end, &p };

			multipart_init(&m, VIEW_LIT("aab"), &out);
			for (size_t at = 0; at < all.len; at += step) {
				multipart_feed(&m, view_sub(all, at, step));
			}
			multipart_end(&m);
			assert_string_equal(p.text, cases[i].want);
		}
	}
}

static void
test_boundary(void **state)
{
	struct view b;

	(void)state;
	assert_true(multipart_boundary(
		VIEW_LIT("Multipart/form-data; charset=x; Boundary=ab=c; q"),
		&b));
	assert_true(view_eq(b, VIEW_LIT("ab=c")));
	assert_true(multipart_boundary(
		VIEW_LIT("multipart/form-data;boundary=\"a b\";"), &b));
	assert_true(view_eq(b, VIEW_LIT("a b")));
	assert_false(
		multipart_boundary(VIEW_LIT("text/plain; boundary=a"), &b));
	assert_false(multipart_boundary(VIEW_LIT("multipart/mixed"), &b));
	assert_false(multipart_boundary(
		VIEW_LIT("multipart/mixed; xboundary=a"), &b));
}

/* "abc" as xz --format=lzma packs it, whose dictionary is 8 MiB. */
static const uint8_t lzma_abc[] = {
	0x5d, 0x00, 0x00, 0x80, 0x00, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0x00, 0x30, 0x98, 0x88, 0xa4,
	0x4a, 0x8e, 0x9f, 0xff, 0xf6, 0x63, 0x80, 0x00,
};

static void
test_lzma(void **state)
{
	struct pool *pool = pool_new((size_t)4 << 20);

	(void)state;
	for (size_t step = 1; step <= sizeof(lzma_abc); step += 5) {
		struct http_lzma *z = http_lzma_new(pool, (size_t)64 << 10);
		uint8_t out[16];
		size_t total = 0;
		enum http_decoded r = HTTP_DECODED_MORE;

		assert_non_null(z);
		for (size_t at = 0; at < sizeof(lzma_abc); at += step) {
			struct view in = view_sub(
				view_of(lzma_abc, sizeof(lzma_abc)), at, step);
			size_t n;

			r = http_lzma_run(z, &in, out + total,
					  sizeof(out) - total, &n);
			total += n;
			assert_true(r == HTTP_DECODED_MORE ||
				    r == HTTP_DECODED_END);
		}
		assert_int_equal(r, HTTP_DECODED_END);
		assert_true(view_eq(view_of(out, total), VIEW_LIT("abc")));
		http_lzma_free(z);
	}
	for (unsigned i = 0; i < 2; i++) { /* bad, then short */
		struct http_lzma *z = http_lzma_new(pool, (size_t)64 << 10);
		struct view in = i == 0 ? VIEW_LIT("this is no LZMA at all")
					: view_of(lzma_abc, 9);
		uint8_t out[16];
		size_t n;

		assert_int_equal(http_lzma_run(z, &in, out, sizeof(out), &n),
				 i == 0 ? HTTP_DECODED_BAD : HTTP_DECODED_MORE);
		http_lzma_free(z);
	}
	assert_int_equal(pool_in_use(pool), 0);
	pool_free(pool);
}

static const uint8_t brotli_body[] = {
	0x1b, 0x2a, 0x00, 0xf8, 0x1d, 0x07, 0x6e, 0x2c, 0xcd, 0x5b, 0x5e, 0xe2,
	0x59, 0x83, 0x84, 0x91, 0xd1, 0x0d, 0x31, 0xd8, 0x18, 0x9b, 0xc7, 0x7d,
	0x82, 0x40, 0xe8, 0x15, 0x4c, 0x85, 0x00, 0x39, 0xf3, 0x0d, 0x77, 0x00,
};

static void
test_brotli(void **state)
{
	struct pool *pool = pool_new((size_t)4 << 20);
	struct pool *tiny = pool_new(64);

	(void)state;
	for (size_t step = 1; step <= sizeof(brotli_body); step += 7) {
		struct http_brotli *z = http_brotli_new(pool);
		uint8_t out[64];
		size_t total = 0;
		enum http_decoded r = HTTP_DECODED_MORE;

		assert_non_null(z);
		for (size_t at = 0; at < sizeof(brotli_body); at += step) {
			struct view in = view_sub(
				view_of(brotli_body, sizeof(brotli_body)), at,
				step);
			size_t n;

			r = http_brotli_run(z, &in, out + total,
					    sizeof(out) - total, &n);
			total += n;
		}
		assert_int_equal(r, HTTP_DECODED_END);
		assert_true(view_eq(view_of(out, total),
				    VIEW_LIT("a brotli body, a brotli body, "
					     "a brotli body")));
		http_brotli_free(z);
	}
	for (unsigned i = 0; i < 2; i++) { /* bad, then a small room */
		struct http_brotli *z = http_brotli_new(pool);
		struct view in =
			i == 0 ? VIEW_LIT("\xff\xff\xff\xff\xff")
			       : view_of(brotli_body, sizeof(brotli_body));
		uint8_t out[10];
		size_t n;

		assert_int_equal(http_brotli_run(z, &in, out, sizeof(out), &n),
				 i == 0 ? HTTP_DECODED_BAD : HTTP_DECODED_OUT);
		assert_int_equal(n, i == 0 ? 0 : sizeof(out));
		http_brotli_free(z);
	}
	assert_null(http_brotli_new(tiny)); /* no memory */
	assert_int_equal(pool_in_use(pool), 0);
	pool_free(pool);
	pool_free(tiny);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_magic),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_boundary),
		cmocka_unit_test(test_lzma),
		cmocka_unit_test(test_brotli),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
