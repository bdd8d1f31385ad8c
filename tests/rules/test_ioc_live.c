/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/ioc_live.h"

static struct indicator
make(enum indicator_kind kind, const char *value)
{
	return (struct indicator){ .kind = kind,
				   .severity = 2,
				   .confidence = 50,
				   .mark = { .tlp = TLP_AMBER },
				   .value = value,
				   .id = "",
				   .source = "list",
				   .created_by = "",
				   .description = "what it is",
				   .labels = "apt-7,c2",
				   .tactic = "TA0011",
				   .kill_chain = "mitre-attack:c2" };
}

static void
arm(struct ioc_live *l, enum indicator_kind kind, const char *value)
{
	struct indicator i = make(kind, value);
	struct diag d = { "" };

	if (ioc_live_arm(l, &i, &d) != ERR_OK) {
		fail_msg("%s: %s", value, d.msg);
	}
}

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(view_cstr(text), &a));
	return a;
}

/* The value that is found for a name, or NULL; good until the next call. */
static const char *
domain(struct ioc_live_reader *r, const char *name, uint64_t now)
{
	const struct ioc *i = NULL;

	if (ioc_live_enter(r)) {
		i = ioc_live_domain(r, view_cstr(name), now);
		ioc_live_leave(r);
	}
	return i != NULL ? i->value : NULL;
}

static const char *
address(struct ioc_live_reader *r, const char *text)
{
	struct addr a = addr(text);
	const struct ioc *i = NULL;

	if (ioc_live_enter(r)) {
		i = ioc_live_addr(r, &a, 0);
		ioc_live_leave(r);
	}
	return i != NULL ? i->value : NULL;
}

static void
assert_value(const char *want, const char *got)
{
	assert_non_null(got);
	assert_string_equal(want, got);
}

static void
each_kind_is_found(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	const struct ioc *i;

	(void)state;
	assert_false(ioc_live_enter(r));
	arm(l, INDICATOR_DOMAIN, "Evil.example.");
	arm(l, INDICATOR_IP, "192.0.2.7");
	arm(l, INDICATOR_IP, "198.51.100.0/24");
	arm(l, INDICATOR_IP, "198.51.100.128/25");
	arm(l, INDICATOR_IP, "2001:db8::/32");
	arm(l, INDICATOR_URL, "http://bad.example/a?b");
	arm(l, INDICATOR_JA3, "0123456789abcdef0123456789abcdef");
	assert_int_equal(ioc_live_count(l), 7);
	assert_value("evil.example", domain(r, "evil.example", 0));
	assert_value("evil.example", domain(r, "a.b.EVIL.example.", 0));
	assert_null(domain(r, "vil.example", 0));
	assert_null(domain(r, "example", 0));
	assert_value("192.0.2.7", address(r, "192.0.2.7"));
	assert_null(address(r, "192.0.2.8"));
	assert_value("198.51.100.0/24", address(r, "198.51.100.1"));
	assert_value("198.51.100.128/25", address(r, "198.51.100.200"));
	assert_value("2001:db8::/32", address(r, "2001:db8:1::1"));
	assert_null(address(r, "2001:db9::1"));
	assert_true(ioc_live_enter(r));
	assert_non_null(
		ioc_live_url(r, VIEW_LIT("bad.example"), VIEW_LIT("/a?b"), 0));
	assert_null(
		ioc_live_url(r, VIEW_LIT("bad.example"), VIEW_LIT("/a"), 0));
	i = ioc_live_text(r, IOC_JA3,
			  VIEW_LIT("0123456789ABCDEF0123456789abcdef"), 0);
	assert_non_null(i);
	assert_ptr_equal(
		i,
		ioc_live_text(r, IOC_JA3,
			      VIEW_LIT("0123456789abcdef0123456789abcdef"), 0));
	ioc_live_leave(r);
	assert_string_equal(i->note->source, "list");
	assert_string_equal(i->note->description, "what it is");
	assert_string_equal(i->note->tactic, "TA0011");
	assert_string_equal(i->note->labels, "apt-7,c2");
	assert_string_equal(i->note->kill_chain, "mitre-attack:c2");
	assert_string_equal(i->note->tlp, "amber");
	assert_int_equal(i->note->severity, 2);
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

static void
what_is_refused_changes_nothing(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct indicator i = make(INDICATOR_DOMAIN, "not a domain");
	struct diag d;

	(void)state;
	assert_int_equal(ioc_live_arm(l, &i, &d), ERR_FORMAT);
	i = make(INDICATOR_PATTERN, "[x:y = 'z']");
	assert_int_equal(ioc_live_arm(l, &i, &d), ERR_USAGE);
	assert_false(ioc_live_disarm(l, INDICATOR_DOMAIN, "a.example"));
	assert_false(ioc_live_disarm(l, INDICATOR_PATTERN, "[x:y = 'z']"));
	assert_int_equal(ioc_live_count(l), 0);
	ioc_live_free(l);
}

static void
the_newest_record_counts(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	struct indicator i = make(INDICATOR_DOMAIN, "evil.example");
	const struct ioc *found;
	struct diag d;

	(void)state;
	arm(l, INDICATOR_DOMAIN, "evil.example");
	i.id = "indicator--2";
	i.exact = true;
	i.valid_from_us = 100;
	i.valid_until_us = 200;
	assert_int_equal(marking_read(&i.mark, VIEW_LIT("red//US"), NULL),
			 ERR_OK);
	assert_int_equal(ioc_live_arm(l, &i, &d), ERR_OK);
	assert_int_equal(ioc_live_count(l), 1);
	assert_null(domain(r, "evil.example", 99));
	assert_non_null(domain(r, "evil.example", 100));
	assert_null(domain(r, "evil.example", 200));
	assert_null(domain(r, "a.evil.example", 150));
	assert_true(ioc_live_enter(r));
	found = ioc_live_domain(r, VIEW_LIT("evil.example"), 150);
	ioc_live_leave(r);
	/* It is taken away, and what was found stays. */
	assert_true(ioc_live_disarm(l, INDICATOR_DOMAIN, "EVIL.example"));
	assert_string_equal(found->note->id, "indicator--2");
	assert_string_equal(found->note->tlp, "red");
	assert_true(found->note->mark->limited);
	assert_string_equal(found->note->mark->names[0], "US");
	assert_null(domain(r, "evil.example", 150));
	assert_false(ioc_live_disarm(l, INDICATOR_DOMAIN, "evil.example"));
	arm(l, INDICATOR_DOMAIN, "evil.example");
	assert_non_null(domain(r, "b.evil.example", 150));
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

static void
what_is_not_armed_again_is_swept(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		arm(l, INDICATOR_DOMAIN, name);
	}
	/* One that breaks off, then one that is finished. */
	ioc_live_begin(l);
	arm(l, INDICATOR_DOMAIN, "n1.example");
	ioc_live_begin(l);
	for (unsigned i = 0; i < 3000; i += 2) {
		snprintf(name, sizeof(name), "n%u.example", i);
		arm(l, INDICATOR_DOMAIN, name);
	}
	arm(l, INDICATOR_DOMAIN, "new.example");
	assert_int_equal(ioc_live_sweep(l), 1500);
	assert_int_equal(ioc_live_count(l), 1501);
	assert_null(domain(r, "n1.example", 0));
	assert_non_null(domain(r, "n2998.example", 0));
	assert_non_null(domain(r, "new.example", 0));
	ioc_live_begin(l);
	assert_int_equal(ioc_live_sweep(l), 1501);
	assert_null(domain(r, "new.example", 0));
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

/* Against a plain array: any order of changes. */
static void
it_is_what_a_simple_model_says(void **state)
{
	enum { N = 500 };
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	bool there[N] = { false };
	uint32_t rnd = 12345;
	char name[64];

	(void)state;
	for (unsigned step = 0; step < 60000; step++) {
		unsigned k;

		rnd = rnd * 1664525 + 1013904223;
		k = rnd >> 8 & 0xffff;
		k %= N;
		snprintf(name, sizeof(name), "10.%u.%u.%u", k % 7, k / 256,
			 k % 256);
		switch (rnd >> 28) {
		case 0:
		case 1:
		case 2:
		case 3:
		case 4: {
			struct indicator i = make(INDICATOR_IP, name);
			char text[32];

			snprintf(text, sizeof(text), "d%u", rnd >> 16 & 1023);
			i.description = text;
			assert_int_equal(ioc_live_arm(l, &i, NULL), ERR_OK);
			there[k] = true;
			break;
		}
		case 5:
		case 6:
		case 7:
		case 8:
			assert_int_equal(ioc_live_disarm(l, INDICATOR_IP, name),
					 there[k]);
			there[k] = false;
			break;
		default:
			assert_int_equal(address(r, name) != NULL, there[k]);
		}
	}
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

/* --- readers beside the writer --- */

struct watcher {
	struct ioc_live *l;
	_Atomic bool end, began;
	uint64_t seen, wrong;
};

/* "stays" is always there, whatever is done to the others. */
static void *
watch(void *arg)
{
	struct watcher *w = arg;
	struct ioc_live_reader *r = ioc_live_reader_new(w->l);
	char name[64];

	for (unsigned i = 0; !atomic_load(&w->end); i++) {
		const struct ioc *ioc;

		w->wrong += domain(r, "x.stays.example", 0) == NULL;
		snprintf(name, sizeof(name), "n%u.example", i % 5000);
		if (ioc_live_enter(r)) {
			ioc = ioc_live_domain(r, view_cstr(name), 0);
			ioc_live_leave(r);
			w->seen += ioc != NULL;
			w->wrong +=
				ioc != NULL && (strcmp(ioc->value, name) != 0 ||
						strncmp(ioc->note->description,
							"about ", 6) != 0);
		}
		atomic_store(&w->began, true);
	}
	ioc_live_reader_free(r);
	return NULL;
}

static void
readers_see_whole_records(void **state)
{
	struct watcher w[2] = { { .l = ioc_live_new() } };
	struct ioc_live *l = w[0].l;
	pthread_t thread[2];
	char name[64], about[64];

	(void)state;
	w[1].l = l;
	arm(l, INDICATOR_DOMAIN, "stays.example");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread[i], NULL, watch, &w[i]),
				 0);
	}
	while (!atomic_load(&w[0].began) || !atomic_load(&w[1].began)) {
	}
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 5000; i++) {
			struct indicator n;

			snprintf(name, sizeof(name), "n%u.example", i);
			snprintf(about, sizeof(about), "about %u",
				 i * round % 777);
			n = make(INDICATOR_DOMAIN, name);
			n.description = about;
			if ((i + round) % 3 == 0) {
				ioc_live_disarm(l, INDICATOR_DOMAIN, name);
			} else {
				assert_int_equal(ioc_live_arm(l, &n, NULL),
						 ERR_OK);
			}
		}
		if (round % 5 == 4) {
			ioc_live_begin(l);
			arm(l, INDICATOR_DOMAIN, "stays.example");
			ioc_live_sweep(l);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		atomic_store(&w[i].end, true);
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].wrong, 0);
	}
	ioc_live_free(l);
}

/* Twice the list of names, one to a line, is what it may take. */
static void
it_takes_little_memory(void **state)
{
	struct ioc_live *l = ioc_live_new();
	size_t empty = ioc_live_memory(l), list = 0;
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		list += 1 + (size_t)snprintf(name, sizeof(name),
					     "h%07x.example.net", i * 2654435u);
		arm(l, INDICATOR_DOMAIN, name);
	}
	assert_in_range(ioc_live_memory(l) - empty, list, 2 * list);
	ioc_live_free(l);
}

static struct rule_hits
match(struct ioc_live_reader *r, const struct inspect *in)
{
	static struct rule_hit room[8];
	struct rule_hits hits = { .v = room, .cap = ARRAY_LEN(room) };

	ioc_match(NULL, r, in, &hits);
	return hits;
}

/* The type of the one hit that a buffer brings. */
static enum ioc_type
type_of(struct ioc_live_reader *r, enum inspect_buf b, const char *text)
{
	struct inspect in = { .kind = INSPECT_TX };
	struct view v = view_cstr(text);
	struct rule_hits hits;

	inspect_set(&in, b, &v, 1);
	in.fresh[b / 64] |= UINT64_C(1) << (b % 64);
	hits = match(r, &in);
	assert_int_equal(hits.n, 1);
	return hits.v[0].ioc->note->type;
}

/* What a file has, an armed one has, too: all that a transaction shows. */
static void
all_that_is_seen_is_asked(void **state)
{
	static const uint8_t md5[16] = { 0xd4 }, sha1[20] = { 1 },
			     sha256[32] = { 2 };
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	struct inspect in = { .kind = INSPECT_TX, .n_files = 1 };
	const char *ja4 = "t13d1516h2_8daaf6152771_b186095e22b6";
	const char *hash = "0123456789abcdef0123456789abcdef";
	uint64_t needed[2];

	(void)state;
	arm(l, INDICATOR_JA4, ja4);
	arm(l, INDICATOR_JA3, hash);
	arm(l, INDICATOR_USER_AGENT, "Evil/1.0 (x)");
	arm(l, INDICATOR_CERT_SHA1, "0123456789abcdef0123456789abcdef01234567");
	arm(l, INDICATOR_CERT_SHA256,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	arm(l, INDICATOR_FILE_MD5, "d4000000000000000000000000000000");
	arm(l, INDICATOR_FILE_SHA1, "0100000000000000000000000000000000000000");
	arm(l, INDICATOR_FILE_SHA256,
	    "0200000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(type_of(r, BUF_JA4_HASH, ja4), IOC_JA4);
	assert_int_equal(type_of(r, BUF_JA3_HASH, hash), IOC_JA3);
	assert_int_equal(type_of(r, BUF_HTTP_USER_AGENT, "Evil/1.0 (x)"),
			 IOC_USER_AGENT);
	assert_int_equal(type_of(r, BUF_TLS_CERT_FINGERPRINT,
				 "01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:"
				 "ef:01:23:45:67"),
			 IOC_CERT_SHA1);
	assert_int_equal(type_of(r, BUF_TLS_CERTS, "abc"), IOC_CERT_SHA256);
	in.files[0].digest[INSPECT_MD5] = md5;
	in.files[0].digest[INSPECT_SHA1] = sha1;
	in.files[0].digest[INSPECT_SHA256] = sha256;
	assert_int_equal(match(r, &in).n, 0); /* not whole */
	in.files[0].whole = true;
	assert_int_equal(match(r, &in).n, 3);
	ioc_live_needed(needed);
	assert_true(inspect_bit(needed, BUF_JA4_HASH));
	assert_true(inspect_bit(needed, BUF_HTTP_USER_AGENT));
	assert_true(inspect_bit(needed, BUF_TLS_CERTS));
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

/* A walk gives each, also when tables are built anew on the way. */
static void
a_walk_gives_all_that_stay(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_walk w = { 0 };
	static bool seen[5000];
	struct indicator i;
	char name[64];
	unsigned n = 0, k = 0;

	(void)state;
	assert_false(ioc_live_next(l, &w, &i));
	for (unsigned m = 0; m < ARRAY_LEN(seen); m++) {
		i = make(INDICATOR_DOMAIN, name);
		snprintf(name, sizeof(name), "n%u.example", m);
		i.mark.limited = true; /* to nobody */
		i.id = "its-id";
		assert_int_equal(ioc_live_arm(l, &i, NULL), ERR_OK);
	}
	w = (struct ioc_live_walk){ 0 };
	while (ioc_live_next(l, &w, &i)) {
		if (sscanf(i.value, "n%u.example", &k) == 1) {
			n += !seen[k];
			seen[k] = true;
			assert_string_equal(i.id, "its-id");
			assert_string_equal(i.tactic, "TA0011");
			assert_string_equal(i.labels, "apt-7,c2");
			assert_string_equal(i.kill_chain, "mitre-attack:c2");
			assert_true(i.mark.limited);
			assert_int_equal(i.mark.tlp, TLP_AMBER);
			snprintf(name, sizeof(name), "more%u.example", k);
			arm(l, INDICATOR_DOMAIN, name);
		}
	}
	assert_int_equal(n, ARRAY_LEN(seen));
	ioc_live_free(l);
}

/* Bytes behind a zero are bytes: an id that stands behind a value in its
 * record, and what stands behind that, are no part of the value. */
static void
a_zero_ends_no_value(void **state)
{
	struct ioc_live *l = ioc_live_new();
	struct ioc_live_reader *r = ioc_live_reader_new(l);
	struct indicator i = make(INDICATOR_USER_AGENT, "evil");
	char text[] = "evil\0abcdefgh";
	unsigned wrong = 0;

	(void)state;
	i.id = "01234567";
	assert_int_equal(ioc_live_arm(l, &i, NULL), ERR_OK);
	assert_true(ioc_live_enter(r));
	/* So many that some come upon the record by their hash. */
	for (uint32_t k = 0; k < 12000000; k++) {
		memcpy(text + 5, &k, sizeof(k));
		wrong += ioc_live_text(r, IOC_USER_AGENT,
				       view_of(text, sizeof(text) - 1),
				       0) != NULL;
	}
	assert_int_equal(wrong, 0);
	assert_non_null(ioc_live_text(r, IOC_USER_AGENT, VIEW_LIT("evil"), 0));
	ioc_live_leave(r);
	ioc_live_reader_free(r);
	ioc_live_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_found),
		cmocka_unit_test(what_is_refused_changes_nothing),
		cmocka_unit_test(the_newest_record_counts),
		cmocka_unit_test(what_is_not_armed_again_is_swept),
		cmocka_unit_test(it_is_what_a_simple_model_says),
		cmocka_unit_test(readers_see_whole_records),
		cmocka_unit_test(it_takes_little_memory),
		cmocka_unit_test(all_that_is_seen_is_asked),
		cmocka_unit_test(a_walk_gives_all_that_stay),
		cmocka_unit_test(a_zero_ends_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
