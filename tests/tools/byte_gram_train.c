/* SPDX-License-Identifier: Apache-2.0 */
/*
 * byte_gram_train - writes rules/byte_gram_data.c from captures
 *
 *	byte_gram_train CAPTURE... > rules/byte_gram_data.c
 *
 * Counts the bytes and pairs of bytes in what TCP and UDP carry.  Encrypted
 * and compressed bytes count as well: they are scanned like all others.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/byte_gram_data.h"
#include "sensor/capture.h"
#include "sensor/decode.h"

#define PER_LINE 72
#define MEMORY ((size_t)256 << 20)

struct counts {
	double bytes[256], folded[BYTE_GRAM_FOLDED];
	double pairs[BYTE_GRAM_FOLDED][BYTE_GRAM_FOLDED];
	double all;
};

static void
count(struct counts *c, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned f = byte_gram_fold(v.p[i]);

		c->bytes[v.p[i]]++;
		c->folded[f]++;
		c->all++;
		if (i > 0) {
			c->pairs[byte_gram_fold(v.p[i - 1])][f]++;
		}
	}
}

static bool
count_capture(struct counts *c, struct decoder *dec, struct batch_frames *b,
	      const char *path)
{
	struct packet pkts[FRAME_MAX_PACKETS];
	struct capture *cap = NULL;
	struct diag d;
	enum err e = capture_open_files(&cap, &path, 1, NULL, &d);

	while (e == ERR_OK && (e = capture_next(cap, b, &d)) == ERR_OK) {
		for (uint32_t i = 0; i < b->n; i++) {
			unsigned n = decode_frame(dec, &b->frame[i], pkts);

			for (unsigned k = 0; k < n; k++) {
				count(c, pkts[k].payload);
			}
		}
	}
	capture_close(cap);
	if (e != ERR_EOF) {
		fprintf(stderr, "%s: %s\n", path, d.msg);
	}
	return e == ERR_EOF;
}

static char
letter(double p)
{
	long cost = lround(-2 * log2(p));

	return (char)(BYTE_GRAM_ZERO + MAX(0, MIN(cost, BYTE_GRAM_MOST)));
}

static void
put_table(const char *name, const char *size, const char *t, size_t n)
{
	printf("\nconst char %s[%s + 1] =", name, size);
	for (size_t i = 0; i < n; i += PER_LINE) {
		printf("\n\t\"%.*s\"", (int)MIN(n - i, (size_t)PER_LINE),
		       t + i);
	}
	puts(";");
}

static void
put_all(const struct counts *c)
{
	static char pairs[BYTE_GRAM_FOLDED * BYTE_GRAM_FOLDED];
	char bytes[256];

	puts("/* SPDX-License-Identifier: Apache-2.0 */\n"
	     "/* Written by tests/tools/byte_gram_train.c; not to be edited. "
	     "*/\n"
	     "#include \"rules/byte_gram_data.h\"\n\n"
	     "/* clang-format off */");
	for (unsigned i = 0; i < 256; i++) {
		bytes[i] = letter((c->bytes[i] + 1) / (c->all + 256));
	}
	for (unsigned a = 0; a < BYTE_GRAM_FOLDED; a++) {
		for (unsigned b = 0; b < BYTE_GRAM_FOLDED; b++) {
			/* A pair never met is as rare as its second byte. */
			double prior = (c->folded[b] + 1) /
				       (c->all + BYTE_GRAM_FOLDED);

			pairs[a * BYTE_GRAM_FOLDED + b] = letter(
				(c->pairs[a][b] + prior) / (c->folded[a] + 1));
		}
	}
	put_table("byte_gram_bytes", "256", bytes, sizeof(bytes));
	put_table("byte_gram_pairs", "BYTE_GRAM_FOLDED * BYTE_GRAM_FOLDED",
		  pairs, sizeof(pairs));
}

int
main(int argc, char **argv)
{
	static struct counts c;
	struct conf *conf = conf_new();
	struct pool *pool = pool_new(MEMORY);
	struct batch_frames *b = batch_frames_new();
	struct decoder *dec;
	bool good = argc > 1;

	if (conf == NULL || pool == NULL || b == NULL ||
	    (dec = decoder_new(conf, pool)) == NULL) {
		fputs("byte_gram_train: out of memory\n", stderr);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		good = count_capture(&c, dec, b, argv[i]) && good;
	}
	if (c.all > 0) {
		put_all(&c);
	}
	decoder_free(dec);
	batch_frames_free(b);
	pool_free(pool);
	conf_free(conf);
	return good ? 0 : 1;
}
