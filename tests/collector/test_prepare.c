/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches prepared ahead: whatever the number of threads, they come out in the
 * order in which they went in, each as it is when nobody else is at work, and
 * what is given up in the middle leaves nothing behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

#include "collector/prepare.h"
#include "tests/rnd.h"

#define ENTRIES 300
#define NOW 1795000000

/* What an entry was made to be. */
enum make { GOOD, LONG, BROKEN, NO_HEADER, GAP, FORGED, UNSIGNED, MAKES };

struct made {
	enum make make;
	unsigned n; /* lines */
	char seq[24], lines[24], crc[24];
	uint8_t *data;
	size_t data_len;
	uint8_t mac[FRAME_MAC_MAX];
};

static struct made made[ENTRIES];
static struct ingest_entry entries[ENTRIES];
static struct ingest *in;
static struct keyring *keys;
static char secret[64], spec[80];

static size_t
write_lines(char *out, unsigned i, unsigned n)
{
	size_t len = 0;

	/* The escapes make each line's texts live in the reader. */
	for (unsigned k = 0; k < n; k++) {
		len += (size_t)sprintf(
			out + len,
			"{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\","
			"\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\","
			"\"dest_ip\":\"192.0.2.2\",\"alert\":{"
			"\"signature_id\":%u,\"signature\":\"\\\"%u\\/%u\\\"\"}"
			",\"picket\":{\"site\":\"hq\",\"sensor\":\"tap\"}}\n%s",
			k + 1, i, k, k % 7 == 0 ? "\n" : "");
	}
	return len;
}

static void
make_one(unsigned i, enum make make, struct frame_codec *codec,
	 struct sign_key *key)
{
	struct made *m = &made[i];
	struct frame_header h = { .epoch = 1700000000000, .seq = i + 1 };
	struct frame_claim claim = { .name = VIEW_LIT("hq/tap"),
				     .hdr = &h,
				     .enc = VIEW_LIT("zlib") };
	size_t mac_len = 0;
	char *raw;

	m->make = make;
	m->n = make == LONG ? PREPARE_LINES + 5 : make == GAP ? 0 : i % 40 + 1;
	raw = malloc((size_t)m->n * 300 + 1);
	h.n = m->n;
	assert_int_equal(frame_pack(codec,
				    view_of(raw, write_lines(raw, i, m->n)), &h,
				    &claim.data),
			 ERR_OK);
	free(raw);
	m->data_len = claim.data.len;
	m->data = malloc(m->data_len);
	memcpy(m->data, claim.data.p, m->data_len);
	if (make == BROKEN) {
		m->data[m->data_len / 2] ^= 1;
		claim.data.p = m->data;
	}
	claim.gap_from = claim.gap_to = make == GAP ? i + 1 : 0;
	h.raw_len = 0;
	assert_int_equal(frame_sign(key, &claim, m->mac, &mac_len), ERR_OK);
	m->mac[mac_len - 1] ^= make == FORGED;
	sprintf(m->seq, "%u", i + 1);
	sprintf(m->lines, "%u", m->n);
	sprintf(m->crc, "%u", h.crc);
	entries[i] = (struct ingest_entry){
		.stream = 0,
		.id = "1-1",
		.v = view_cstr(make == NO_HEADER ? "x" : "1"),
		.epoch = VIEW_LIT("1700000000000"),
		.seq = view_cstr(m->seq),
		.enc = VIEW_LIT("zlib"),
		.n = view_cstr(m->lines),
		.sev = VIEW_LIT("0"),
		.crc = view_cstr(m->crc),
		.data = view_of(m->data, m->data_len),
	};
	if (make != UNSIGNED) {
		entries[i].mac = view_of(m->mac, mac_len);
	}
	if (make == GAP) {
		entries[i].gap_from = entries[i].gap_to = view_cstr(m->seq);
	}
}

static void
check_lines(const struct prepared *p, unsigned i)
{
	unsigned n = MIN(made[i].n, (unsigned)PREPARE_LINES);

	assert_int_equal(p->n_lines, n);
	for (unsigned k = 0; k < n; k++) {
		const struct prepared_line *l = &p->lines[k];
		char text[40];

		sprintf(text, "\"%u/%u\"", i, k);
		assert_int_equal(l->kind, EVE_ALERT);
		assert_int_equal(l->a.sid, k + 1);
		assert_true(view_eq(l->a.signature, view_cstr(text)));
	}
	if (made[i].make == LONG) {
		assert_true(p->rest < p->f.raw.len);
	} else {
		assert_int_equal(p->rest, p->f.raw.len);
	}
}

static void
check_one(const struct prepared *p, unsigned i)
{
	enum make make = made[i].make;

	assert_int_equal(p->header, make == NO_HEADER ? INFLATE_BAD_HEADER
				    : make == GAP     ? INFLATE_GAP
						      : INFLATE_FRAME);
	if (make == NO_HEADER) {
		return;
	}
	assert_int_equal(p->f.h.seq, i + 1);
	assert_int_equal(p->verdict, make == FORGED     ? KEYRING_FORGED
				     : make == UNSIGNED ? KEYRING_UNSIGNED
							: KEYRING_SIGNED);
	assert_int_equal(p->key[0] == '\0', make == UNSIGNED);
	if (make == GOOD || make == LONG) {
		assert_int_equal(p->body, INFLATE_FRAME);
		check_lines(p, i);
	} else {
		assert_int_equal(p->n_lines, 0);
		assert_ptr_equal(p->f.raw.p, NULL);
		assert_true(make != BROKEN || p->body == INFLATE_BAD_BODY);
	}
}

static void
all_come_in_order(void **state)
{
	static const unsigned threads[] = { 0, 1, 3, PREPARE_MAX_THREADS };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
		struct prepare *p;
		struct diag d;

		assert_int_equal(prepare_new(&p, in, keys, threads[t], &d),
				 ERR_OK);
		for (unsigned round = 0; round < 3; round++) {
			/* A read of any size, and the last one given up. */
			unsigned from = rnd(ENTRIES), n = ENTRIES - from;
			unsigned upto = round == 2 ? n / 2 : n;

			prepare_begin(p, entries + from, n, NOW);
			for (unsigned i = 0; i < upto; i++) {
				check_one(prepare_next(p), from + i);
			}
			prepare_end(p);
		}
		prepare_free(p);
	}
}

static int
setup(void **state)
{
	struct redis_options o = { .url = "redis://127.0.0.1" };
	struct frame_codec *codec = frame_codec_new(1);
	struct conf *c = conf_new();
	struct sign_key *key;
	struct diag d = { "" };

	(void)state;
	snprintf(secret, sizeof(secret), "/tmp/test_prepare.%d", (int)getpid());
	snprintf(spec, sizeof(spec), "hmac:%s", secret);
	if (sign_secret_make(secret, &d) != ERR_OK ||
	    sign_key_load_any(&key, spec, true, &d) != ERR_OK ||
	    conf_set(c, "ingest.signatures", "require") != ERR_OK ||
	    conf_set(c, "ingest.keys.0.sensor", "hq/*") != ERR_OK ||
	    conf_set(c, "ingest.keys.0.key", spec) != ERR_OK ||
	    keyring_load(&keys, c, &d) != ERR_OK ||
	    ingest_new(&in, &o, "test", &d) != ERR_OK) {
		print_error("%s\n", d.msg);
		return 1;
	}
	ingest_know(in, "hq", "tap");
	for (unsigned i = 0; i < ENTRIES; i++) {
		/* Most are good, and one is longer than is read ahead. */
		make_one(i,
			 i == 250
				 ? LONG
				 : (enum make)(rnd(3) != 0 ? GOOD : rnd(MAKES)),
			 codec, key);
	}
	sign_key_free(key);
	conf_free(c);
	frame_codec_free(codec);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ENTRIES; i++) {
		free(made[i].data);
	}
	keyring_free(keys);
	ingest_free(in);
	unlink(secret);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_in_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
