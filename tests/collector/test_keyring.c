/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose batches are let in: every single change of a signed one is refused,
 * as is what is moved, cut, made up, or signed by a key that may not.
 */
#include "collector/pipeline_trust.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/rnd.h"

#define NOW 1795000000 /* 2026-11-18 */
#define TEXT 2048 /* of a field, at most */

static char dir[64];

/* One entry's fields as a sender writes them; 'n' of them. */
enum { V, EPOCH, SEQ, ENC, N, SEV, CRC, RAW, DATA, MAC, FROM, TO, FIELDS };
struct sent {
	uint8_t text[FIELDS][TEXT];
	size_t len[FIELDS];
	bool there[FIELDS];
};

static void
put(struct sent *s, int field, const void *p, size_t len)
{
	assert_true(len <= TEXT);
	memcpy(s->text[field], p, len);
	s->len[field] = len;
	s->there[field] = true;
}

static void
put_u64(struct sent *s, int field, uint64_t v)
{
	char text[24];

	put(s, field, text,
	    (size_t)snprintf(text, sizeof(text), "%" PRIu64, v));
}

static struct ingest_entry
entry_of(const struct sent *s)
{
	struct ingest_entry e = { .id = "1-1" };
	struct view *const to[FIELDS] = { &e.v,   &e.epoch,    &e.seq,
					  &e.enc, &e.n,        &e.sev,
					  &e.crc, &e.raw,      &e.data,
					  &e.mac, &e.gap_from, &e.gap_to };

	for (int i = 0; i < FIELDS; i++) {
		if (s->there[i]) {
			*to[i] = view_of(s->text[i], s->len[i]);
		}
	}
	return e;
}

static char *
path_of(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 128, "%s/%s", dir, name);
	return p;
}

static struct sign_key *
load(const char *spec, bool private)
{
	struct sign_key *k;
	struct diag d = { "" };

	if (sign_key_load_any(&k, spec, private, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return k;
}

static void
make(struct sent *s, struct sign_key *k, const char *name, uint64_t seq,
     uint64_t gap_from)
{
	struct frame_codec *c = frame_codec_new(6);
	struct frame_header h = { .epoch = 1794000000000, .seq = seq };
	struct frame_claim claim = { .name = view_cstr(name),
				     .hdr = &h,
				     .enc = VIEW_LIT("zlib") };
	uint8_t mac[FRAME_MAC_MAX];
	char lines[256] = "";
	size_t len;

	memset(s, 0, sizeof(*s));
	if (gap_from == 0) {
		h.n = 2;
		h.sev = 1;
		snprintf(lines, sizeof(lines), "{\"a\":%u}\n{\"b\":\"%s\"}\n",
			 (unsigned)seq, name);
	} else {
		claim.gap_from = gap_from;
		claim.gap_to = seq;
		put_u64(s, FROM, gap_from);
		put_u64(s, TO, seq);
	}
	assert_int_equal(frame_pack(c, view_cstr(lines), &h, &claim.data),
			 ERR_OK);
	assert_int_equal(frame_sign(k, &claim, mac, &len), ERR_OK);
	put(s, V, "1", 1);
	put_u64(s, EPOCH, h.epoch);
	put_u64(s, SEQ, h.seq);
	put(s, ENC, "zlib", 4);
	put_u64(s, N, h.n);
	put_u64(s, SEV, h.sev);
	put_u64(s, CRC, h.crc);
	put_u64(s, RAW, h.raw_len);
	put(s, DATA, claim.data.p, claim.data.len);
	put(s, MAC, mac, len);
	frame_codec_free(c);
}

/* False for a header that is none, as the pipeline refuses it. */
static bool
let_in(struct keyring *ring, const char *name, const struct sent *s,
       int64_t now, enum keyring_verdict *v)
{
	struct ingest_entry e = entry_of(s);
	char id[KEYRING_ID_TEXT];
	struct inflated f;

	*v = KEYRING_MALFORMED;
	if (inflate_header(&e, &f) == INFLATE_BAD_HEADER) {
		return false;
	}
	*v = keyring_judge(ring, view_cstr(name), &e, &f, now, id);
	return *v == KEYRING_SIGNED || *v == KEYRING_PASSED;
}

static enum keyring_verdict
verdict(struct keyring *ring, const char *name, const struct sent *s)
{
	enum keyring_verdict v;

	(void)let_in(ring, name, s, NOW, &v);
	return v;
}

static struct keyring *
ring_of(const char *const *settings)
{
	struct conf *c = conf_new();
	struct keyring *ring;
	struct diag d = { "" };

	for (; *settings != NULL; settings++) {
		assert_int_equal(conf_set_arg(c, *settings, &d), ERR_OK);
	}
	if (keyring_load(&ring, c, &d) != ERR_OK) {
		print_message("refused: %s\n", d.msg);
		ring = NULL;
	}
	conf_free(c);
	return ring;
}

static struct keyring *
usual_ring(const char *mode)
{
	char set[8][200];
	const char *list[9] = { NULL };

	snprintf(set[0], 200, "ingest.signatures=%s", mode);
	snprintf(set[1], 200, "ingest.keys.0.sensor=hq/tap1");
	snprintf(set[2], 200, "ingest.keys.0.key=%s/one.pub", dir);
	snprintf(set[3], 200, "ingest.keys.1.sensor=hq/tap2");
	snprintf(set[4], 200, "ingest.keys.1.key=hmac:%s/secret", dir);
	snprintf(set[5], 200, "ingest.keys.2.sensor=north/*");
	snprintf(set[6], 200, "ingest.keys.2.key=%s/two.pub", dir);
	for (int i = 0; i < 7; i++) {
		list[i] = set[i];
	}
	return ring_of(list);
}

static int
setup(void **state)
{
	struct diag d;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/keyring.XXXXXX",
		 getenv("TMPDIR") != NULL && strlen(getenv("TMPDIR")) < 40
			 ? getenv("TMPDIR")
			 : "/tmp");
	return mkdtemp(dir) != NULL &&
			       sign_key_make(path_of("one"), &d) == ERR_OK &&
			       sign_key_make(path_of("two"), &d) == ERR_OK &&
			       sign_secret_make(path_of("secret"), &d) == ERR_OK
		       ? 0
		       : -1;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "one",     "one.pub", "two",
					     "two.pub", "secret",  "short" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		unlink(path_of(files[i]));
	}
	rmdir(dir);
	return 0;
}

/* Every bit of every field of a batch and of a gap, by either kind of key. */
static void
test_every_bit(void **state)
{
	struct keyring *ring = usual_ring("require");
	char hmac[160];

	(void)state;
	snprintf(hmac, sizeof(hmac), "hmac:%s/secret", dir);
	for (unsigned kind = 0; kind < 4; kind++) {
		const char *name = kind & 1 ? "hq/tap2" : "hq/tap1";
		struct sign_key *k =
			load(kind & 1 ? hmac : path_of("one"), true);
		enum keyring_verdict v;
		struct sent s;
		unsigned n = 0;

		make(&s, k, name, 7, kind & 2 ? 3 : 0);
		assert_int_equal(verdict(ring, name, &s), KEYRING_SIGNED);
		for (int f = 0; f < FIELDS; f++) {
			for (size_t bit = 0; bit < 8 * s.len[f]; bit++, n++) {
				uint8_t *b = &s.text[f][bit / 8];

				*b ^= (uint8_t)(1U << bit % 8);
				if (let_in(ring, name, &s, NOW, &v)) {
					fail_msg("bit %zu of field %d let in",
						 bit, f);
				}
				*b ^= (uint8_t)(1U << bit % 8);
			}
		}
		assert_true(n > 400);
		assert_int_equal(verdict(ring, name, &s), KEYRING_SIGNED);
		sign_key_free(k);
	}
	keyring_free(ring);
}

/* Several changes at once: bytes, lengths, fields left out or swapped. */
static void
test_random_changes(void **state)
{
	struct keyring *ring = usual_ring("require");
	struct sign_key *k = load(path_of("one"), true);
	struct sent a, b;

	(void)state;
	make(&a, k, "hq/tap1", 7, 0);
	make(&b, k, "hq/tap1", 8, 0);
	for (unsigned i = 0; i < 10000; i++) {
		struct sent s = a;
		enum keyring_verdict v;
		int f = (int)(rnd(MAC)), g = (int)(rnd(FROM));

		switch (rnd(4)) {
		case 0:
			s.text[g][rnd((uint32_t)s.len[g])] ^=
				(uint8_t)(1 + rnd(255));
			break;
		case 1:
			s.len[g] = rnd((uint32_t)s.len[g]);
			break;
		case 2:
			s.there[g] = false;
			break;
		case 3: /* of the next batch, where that differs */
			put(&s, SEQ, b.text[SEQ], b.len[SEQ]);
			if (f != SEQ) {
				put(&s, f, b.text[f], b.len[f]);
			}
			break;
		}
		if (let_in(ring, "hq/tap1", &s, NOW, &v)) {
			fail_msg("change %u of field %d was let in", i, g);
		}
	}
	/* The whole other batch is one of its own. */
	assert_int_equal(verdict(ring, "hq/tap1", &b), KEYRING_SIGNED);
	sign_key_free(k);
	keyring_free(ring);
}

static void
test_whose_key(void **state)
{
	struct keyring *ring = usual_ring("require");
	struct sign_key *one = load(path_of("one"), true);
	struct sign_key *two = load(path_of("two"), true);
	struct sent s;

	(void)state;
	make(&s, one, "hq/tap1", 7, 0);
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_SIGNED);
	assert_int_equal(verdict(ring, "hq/tap2", &s), KEYRING_FOREIGN);
	assert_int_equal(verdict(ring, "north/tap1", &s), KEYRING_FOREIGN);
	/* A key for a whole site: still only where it was signed for. */
	make(&s, two, "north/tap1", 7, 0);
	assert_int_equal(verdict(ring, "north/tap1", &s), KEYRING_SIGNED);
	assert_int_equal(verdict(ring, "north/tap2", &s), KEYRING_FORGED);
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_FOREIGN);
	make(&s, two, "hq/tap1", 7, 0);
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_FOREIGN);
	s.there[MAC] = false;
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_UNSIGNED);
	keyring_free(ring);
	ring = usual_ring("accept");
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_PASSED);
	s.there[MAC] = true;
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_FOREIGN);
	keyring_free(ring);
	ring = usual_ring("off");
	assert_int_equal(verdict(ring, "hq/tap1", &s), KEYRING_PASSED);
	keyring_free(ring);
	sign_key_free(one);
	sign_key_free(two);
}

static enum keyring_verdict
at(struct keyring *ring, const struct sent *s, int64_t when)
{
	enum keyring_verdict v;

	(void)let_in(ring, "hq/tap1", s, when, &v);
	return v;
}

/* One key ends, the next began before; and one that was stolen. */
static void
test_rotation(void **state)
{
	struct sign_key *one = load(path_of("one"), true);
	struct sign_key *two = load(path_of("two"), true);
	char set[7][200], id[KEYRING_ID_TEXT];
	const char *list[9] = { "ingest.signatures=require" };
	struct keyring *ring;
	struct sent old, new;

	(void)state;
	snprintf(set[0], 200, "ingest.keys.0.sensor=hq/tap1");
	snprintf(set[1], 200, "ingest.keys.0.key=%s/one.pub", dir);
	snprintf(set[2], 200, "ingest.keys.0.not-after=2026-11-18");
	snprintf(set[3], 200, "ingest.keys.1.sensor=hq/tap1");
	snprintf(set[4], 200, "ingest.keys.1.key=%s/two.pub", dir);
	snprintf(set[5], 200, "ingest.keys.1.not-before=2026-11-18T12:00:00Z");
	keyring_id_text(sign_key_id(two), id);
	snprintf(set[6], 200, "ingest.revoked.0=%s", id);
	for (int i = 0; i < 6; i++) {
		list[i + 1] = set[i];
	}
	make(&old, one, "hq/tap1", 7, 0);
	make(&new, two, "hq/tap1", 7, 0);
	ring = ring_of(list);
	assert_non_null(ring);
	/* 2026-11-18 is from 1794960000 on */
	assert_int_equal(at(ring, &old, 1794960000), KEYRING_SIGNED);
	assert_int_equal(at(ring, &old, 1794960000 + 86399), KEYRING_SIGNED);
	assert_int_equal(at(ring, &old, 1794960000 + 86400), KEYRING_EXPIRED);
	assert_int_equal(at(ring, &new, 1794960000 + 43199), KEYRING_EXPIRED);
	assert_int_equal(at(ring, &new, 1794960000 + 43200), KEYRING_SIGNED);
	keyring_free(ring);
	list[7] = set[6];
	ring = ring_of(list);
	assert_non_null(ring);
	assert_int_equal(at(ring, &new, 1794960000 + 43200), KEYRING_REVOKED);
	assert_int_equal(at(ring, &old, 1794960000), KEYRING_SIGNED);
	keyring_free(ring);
	sign_key_free(one);
	sign_key_free(two);
}

static void
test_bad_settings(void **state)
{
	static const char *const lists[][3] = {
		{ "ingest.signatures=maybe", NULL },
		{ "ingest.signatures=require", NULL },
		{ "ingest.keys.0.sensor=hq/tap1", NULL },
		{ "ingest.keys.0.sensor=tap1", "ingest.keys.0.key=x", NULL },
		{ "ingest.keys.0.sensor=hq/a", "ingest.keys.0.key=/no/such",
		  NULL },
		{ "ingest.keys.0.sensor=hq/a", "ingest.keys.0.not-after=soon",
		  NULL },
		{ "ingest.keys.0.sensor=hq/a", "ingest.keys.0.kee=x", NULL },
		{ "ingest.revoked.0=/no/such", NULL },
	};
	FILE *f = fopen(path_of("short"), "w");
	struct sign_key *k;
	char spec[160];
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		assert_null(ring_of(lists[i]));
	}
	/* 31 bytes are too few for a secret, and what all may read is none */
	assert_non_null(f);
	fprintf(f, "%031d\n", 0);
	fclose(f);
	snprintf(spec, sizeof(spec), "hmac:%s/short", dir);
	chmod(path_of("short"), 0600);
	assert_int_equal(sign_key_load_any(&k, spec, true, &d), ERR_USAGE);
	snprintf(spec, sizeof(spec), "hmac:%s/secret", dir);
	chmod(path_of("secret"), 0604);
	assert_int_equal(sign_key_load_any(&k, spec, true, &d), ERR_USAGE);
	chmod(path_of("secret"), 0600);
	sign_key_free(load(spec, true));
}

/* Of a former spool, once it cannot be on its way any more. */
static void
test_replayed(void **state)
{
	static struct pipeline p;
	struct pipeline_trust t = { .known = true };
	struct frame_header h = { .epoch = UINT64_C(1794000000000), .seq = 5 };
	enum dedupe_verdict v;
	uint64_t n;

	(void)state;
	p.cfg.keys = usual_ring("require");
	p.dedupe = dedupe_new();
	t.epoch = h.epoch + 1000;
	p.now_us = (t.epoch + CLOSED_MS - 1) * 1000;
	assert_false(is_replayed(&p, &t, 1, &h));
	p.now_us = (t.epoch + CLOSED_MS) * 1000;
	assert_true(is_replayed(&p, &t, 1, &h));
	/* What is here already is a repeat, and is answered as one; what is not
	 * of a spool that is known comes for the first time. */
	assert_int_equal(dedupe_note(p.dedupe, 1, h.epoch, 5, 5, &v, &n),
			 ERR_OK);
	assert_false(is_replayed(&p, &t, 1, &h));
	h.seq = 6;
	assert_false(is_replayed(&p, &t, 1, &h));
	assert_true(is_replayed(&p, &t, 2, &h));
	h.epoch = t.epoch;
	assert_false(is_replayed(&p, &t, 1, &h));
	/* A sensor whose clock ran ahead is not shut out, not even once the
	 * right clock has come that far. */
	h.epoch = t.epoch - 1;
	p.now_us = (t.epoch - 5) * 1000;
	assert_false(is_replayed(&p, &t, 1, &h));
	assert_int_equal(dedupe_note(p.dedupe, 1, h.epoch, 1, 1, &v, &n),
			 ERR_OK);
	p.now_us = (t.epoch + CLOSED_MS) * 1000;
	assert_false(is_replayed(&p, &t, 1, &h));
	dedupe_free(p.dedupe);
	keyring_free(p.cfg.keys);
}

/* --- presence --- */

#define PRESENCE_EPOCH "1794000000000"

struct told {
	struct ingest_presence p;
	char order[24], list[PRESENCE_LIST_CAP], mac[PRESENCE_MAC_CAP];
};

static void
add(struct told *t, const char *name, const char *value)
{
	t->p.field[t->p.n++] =
		(struct presence_field){ view_cstr(name), view_cstr(value) };
}

/* A presence as a sensor signs it, with a field more that is not signed. */
static void
tell(struct told *t, struct sign_key *k, const char *name, uint64_t order,
     const char *state)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->order, sizeof(t->order), "%" PRIu64, order);
	add(t, "version", "1");
	add(t, "epoch", PRESENCE_EPOCH);
	add(t, "order", t->order);
	add(t, "reload_error", "");
	add(t, "state", state);
	if (k != NULL) {
		assert_int_equal(presence_sign(k, name, t->p.field, t->p.n,
					       t->list, t->mac),
				 ERR_OK);
		add(t, "signed", t->list);
		add(t, "mac", t->mac);
	}
	add(t, "ledger", "{}");
}

static enum keyring_verdict
judge_told(struct keyring *k, struct told *t)
{
	char id[KEYRING_ID_TEXT];

	return keyring_judge_presence(k, VIEW_LIT("hq/tap1"), &t->p,
				      INT64_C(1794000000), id);
}

/* Each byte of each field, each name, and which of them count. */
static void
test_presence_bytes(void **state)
{
	struct keyring *k = usual_ring("require");
	struct sign_key *own = load(path_of("one"), true);
	struct told t;

	(void)state;
	tell(&t, own, "hq/tap1", 7, "running");
	assert_int_equal(judge_told(k, &t), KEYRING_SIGNED);
	/* what is not signed is gone */
	assert_int_equal(t.p.n, 5);
	assert_null(ingest_presence_field(&t.p, "ledger").p);
	for (size_t i = 0; i < 7; i++) {
		size_t len;

		tell(&t, own, "hq/tap1", 7, "running");
		len = t.p.field[i].value.len;
		for (size_t at = 0; at < len; at++) {
			char bad[PRESENCE_LIST_CAP];

			tell(&t, own, "hq/tap1", 7, "running");
			memcpy(bad, t.p.field[i].value.p, len);
			bad[at] ^= 1;
			t.p.field[i].value = view_of(bad, len);
			if (judge_told(k, &t) == KEYRING_SIGNED) {
				fail_msg("field %zu byte %zu", i, at);
			}
		}
	}
	tell(&t, own, "hq/tap1", 7, "running");
	t.p.field[0].name = VIEW_LIT("versiom");
	assert_int_equal(judge_told(k, &t), KEYRING_FORGED);
	tell(&t, own, "hq/tap2", 7, "running");
	assert_int_equal(judge_told(k, &t), KEYRING_FORGED);
	tell(&t, NULL, "hq/tap1", 7, "running");
	assert_int_equal(judge_told(k, &t), KEYRING_UNSIGNED);
	tell(&t, own, "hq/tap1", 7, "running");
	t.p.field[6].value = VIEW_LIT("no mac");
	assert_int_equal(judge_told(k, &t), KEYRING_MALFORMED);
	keyring_free(k);
	k = usual_ring("accept");
	tell(&t, NULL, "hq/tap1", 7, "running");
	assert_int_equal(judge_told(k, &t), KEYRING_PASSED);
	sign_key_free(own);
	keyring_free(k);
}

static bool
news(struct pipeline_trust *t, uint64_t order, const char *state)
{
	struct told told;

	tell(&told, NULL, "hq/tap1", order, state);
	return is_news(t, &told.p);
}

/* Only what is newer moves anything; what stands still runs out, but for a last
 * word. */
static void
test_presence_played_back(void **state)
{
	struct pipeline_trust t = { .known = false };

	(void)state;
	assert_true(news(&t, 5, "running"));
	assert_true(news(&t, 5, "running"));
	assert_true(news(&t, 6, "running"));
	assert_false(news(&t, 5, "running"));
	assert_false(news(&t, 5, "ended"));
	t.presence_us -= FRESH_US;
	assert_false(news(&t, 6, "running"));
	assert_true(news(&t, 7, "ended"));
	t.presence_us -= FRESH_US;
	assert_true(news(&t, 7, "ended"));
	assert_true(news(&t, 8, "running"));
	/* of a former spool */
	t.presence_epoch++;
	assert_false(news(&t, 9, "running"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_whose_key),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_bad_settings),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_presence_bytes),
		cmocka_unit_test(test_presence_played_back),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
