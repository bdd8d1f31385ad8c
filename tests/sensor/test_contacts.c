/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "sensor/contacts_desk.h"
#include "tests/test.h"

#include <stdlib.h>

#define MINUTE UINT64_C(60000000)
#define START (UINT64_C(28333334) * MINUTE)

static struct contacts_conf conf;

static int
set_up(void **state)
{
	struct conf *c = conf_new();
	struct diag d;

	(void)state;
	assert_non_null(c);
	assert_int_equal(conf_set(c, "contacts.max-hosts", "64"), ERR_OK);
	assert_int_equal(contacts_conf_read(&conf, c, &d), ERR_OK);
	conf_free(c);
	assert_int_equal(conf.interval_us, MINUTE);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	contacts_conf_fini(&conf);
	return 0;
}

#define MOVED 256

/* What a worker writes on, and what the table takes of it at once. */
static struct contact_notes notes;

static struct contacts *
table(void)
{
	static struct contact_note sheet[CONTACT_NOTES + 1];
	static struct contact_moved moved[MOVED + 1];
	struct contacts *c;

	contact_notes_init(&notes, sheet, moved, MOVED);
	c = contacts_new(&conf, &notes.lanes);
	assert_non_null(c);
	return c;
}

static const struct contacts_told *
take(struct contacts *c)
{
	const struct contacts_told *told = NULL;

	assert_true(notes.n <= 1);
	if (notes.n > 0) {
		notes.n = 0;
		told = contacts_take(c, &notes.v[0]);
	}
	return told;
}

static const struct contacts_told *
contacts_start(struct contacts *c, struct flow *f, uint8_t tcp_flags,
	       const char *exercise, uint64_t ts_us)
{
	contact_notes_start(&notes, f, tcp_flags, exercise, ts_us);
	return take(c);
}

static void
contacts_moved(struct contacts *c, struct flow *f, uint64_t ts_us)
{
	contact_notes_moved(&notes, f, ts_us);
	take(c);
}

static void
contacts_closed(struct contacts *c, struct flow *f, uint64_t ts_us)
{
	contact_notes_closed(&notes, f, ts_us);
	take(c);
}

static void
contacts_end(struct contacts *c, struct flow *f, uint64_t ts_us, bool leave)
{
	contact_notes_end(&notes, f, ts_us, leave);
	take(c);
}

static struct addr
four(uint32_t ip)
{
	uint8_t b[4];

	store_be32(b, ip);
	return addr_from_v4(b);
}

/* 10.0.0.N, 198.51.100.N */
#define OURS(n) (0x0a000000 + (n))
#define THEIRS(n) (0xc6336400 + (n))

static struct flow
flow(uint32_t src, uint32_t dst, uint16_t port)
{
	return (struct flow){
		.addr = { four(src), four(dst) },
		.port = { 40000, port },
		.proto = IPP_TCP,
		.pkts = { 1, 0 },
		.tcp_flags = { TCP_SYN, 0 },
	};
}

/* One that begins and, unanswered, ends in the same interval. */
static void
contact(struct contacts *c, uint32_t src, uint32_t dst, uint16_t port,
	uint64_t bytes, uint64_t us)
{
	struct flow f = flow(src, dst, port);

	contacts_start(c, &f, TCP_SYN, "", us);
	f.bytes[0] = bytes;
	contacts_end(c, &f, us, false);
}

static const struct contacts_told *
only(struct contacts *c, uint64_t now_us, bool all)
{
	const struct contacts_told *t;

	contacts_sweep(c, now_us, all);
	t = contacts_next(c);
	assert_non_null(t);
	return t;
}

static void
sums_up_an_interval(void **state)
{
	struct contacts *c = table();
	const struct contacts_told *t;

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		contact(c, OURS(1), THEIRS(i % 5), 80, 100, START + i * 1000);
	}
	contacts_sweep(c, START + MINUTE + CONTACTS_LATE_US - 1, false);
	assert_null(contacts_next(c));
	t = only(c, START + MINUTE + CONTACTS_LATE_US, false);
	assert_int_equal(t->start_us, START);
	assert_int_equal(t->end_us, START + MINUTE);
	assert_int_equal(t->flows, 10);
	assert_int_equal(t->failed, 10);
	assert_int_equal(t->bytes_out, 1000);
	assert_in_range(hll_count(&t->peers), 4, 6);
	assert_int_equal(hll_count(&t->ports), 1);
	assert_int_equal(t->n_to, 5);
	assert_int_equal(t->to[0].flows, 2);
	assert_int_equal(t->to[0].n_starts, 2);
	assert_int_equal(t->to[0].starts_ms[1] - t->to[0].starts_ms[0], 5);
	assert_null(contacts_next(c));
	assert_int_equal(contacts_size(c), 0);
	contacts_free(c);
}

/* The estimate of a thousand peers is within the bound of the sketch. */
static void
counts_many_peers(void **state)
{
	double squares = 0;

	(void)state;
	for (uint32_t k = 0; k < 20; k++) {
		struct contacts *c = table();
		double e;

		for (uint32_t i = 0; i < 1000; i++) {
			contact(c, OURS(1), 0xc0000000 + k * 65536 + i,
				(uint16_t)(i + 1), 10, START);
		}
		e = (double)hll_count(&only(c, START, true)->peers) / 1000 - 1;
		squares += e * e;
		assert_true(contacts_counters(c)->destinations_left > 900);
		contacts_free(c);
	}
	assert_true(squares / 20 < 0.15 * 0.15);
}

/* Not ours at either end, not to one host, no beginning, no question. */
static void
leaves_out_what_is_no_contact(void **state)
{
	struct contacts *c = table();
	struct flow f = flow(THEIRS(1), THEIRS(2), 80);

	(void)state;
	assert_null(contacts_start(c, &f, TCP_SYN, "", START));
	f = flow(OURS(1), 0xe00000fb, 5353);
	contacts_start(c, &f, TCP_SYN, "", START);
	f = flow(0, 0xffffffff, 67);
	contacts_start(c, &f, TCP_SYN, "", START);
	f = flow(OURS(1), THEIRS(2), 80);
	contacts_start(c, &f, TCP_ACK, "", START);
	f.proto = IPP_ICMP;
	f.icmp_type = 3;
	contacts_start(c, &f, 0, "", START);
	contacts_end(c, &f, START, false);
	assert_int_equal(contacts_size(c), 0);
	assert_int_equal(contacts_counters(c)->flows, 0);
	contacts_free(c);
}

/* A flow's bytes go where they moved, each of them once. */
static void
counts_bytes_once(void **state)
{
	struct contacts *c = table();
	struct flow f = flow(OURS(1), THEIRS(1), 443);
	uint64_t sum = 0;

	(void)state;
	f.tcp_flags[1] = TCP_SYN | TCP_ACK;
	contacts_start(c, &f, TCP_SYN, "", START);
	f.bytes[0] = 5000;
	f.bytes[1] = 700;
	contacts_moved(c, &f, START + MINUTE);
	f.bytes[0] = 6000;
	contacts_moved(c, &f, START + 2 * MINUTE);
	f.bytes[0] = 8000;
	contacts_closed(c, &f, START + 2 * MINUTE);
	contacts_closed(c, &f, START + 2 * MINUTE);
	f.bytes[0] += 66; /* what goes behind the close */
	contacts_end(c, &f, START + 3 * MINUTE, false);
	assert_int_equal(f.contact, 0);
	assert_int_equal(contacts_size(c), 3);
	contacts_sweep(c, START, true);
	for (unsigned i = 0; i < 3; i++) {
		static const uint64_t out[3] = { 0, 5000, 3000 };
		const struct contacts_told *t = contacts_next(c);

		assert_non_null(t);
		assert_int_equal(t->start_us, START + i * MINUTE);
		assert_int_equal(t->flows, i == 0);
		assert_int_equal(t->failed, 0);
		assert_int_equal(t->bytes_out, out[i]);
		sum += t->bytes_in;
	}
	assert_int_equal(sum, 700);
	/* its ends changed places: nothing is counted that was not there */
	f = flow(OURS(1), THEIRS(1), 443);
	contacts_start(c, &f, TCP_SYN, "", START);
	f.bytes[0] = 9000;
	contacts_moved(c, &f, START);
	f.bytes[0] = 10;
	f.bytes[1] = 9000;
	contacts_end(c, &f, START, false);
	assert_int_equal(only(c, START, true)->bytes_out, 9000);
	contacts_free(c);
}

/* Where there is not room, the least of the oldest goes, those from outside
 * among themselves, and a flood of them does not become as many lines. */
static void
is_bounded(void **state)
{
	struct contacts *c = table();
	const struct contacts_counters *n = contacts_counters(c);
	uint64_t flows = 0, early = 0;

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		contact(c, OURS(i), THEIRS(1), 80, 100, START);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		struct flow f = flow(0xc0000000 + i, OURS(1), 80);
		const struct contacts_told *t =
			contacts_start(c, &f, TCP_SYN, "", START + i);

		if (t != NULL) {
			early++;
			flows += t->flows;
		}
		assert_true(contacts_size(c) <= 64);
		contacts_end(c, &f, START + i, false);
	}
	assert_int_equal(early, 64);
	assert_int_equal(n->early, 64);
	assert_int_equal(contacts_size(c), 62);
	contacts_sweep(c, START, true);
	for (uint32_t i = 0; i < 30; i++) {
		const struct contacts_told *t = contacts_next(c);
		struct addr ours = four(OURS(i));

		assert_non_null(t);
		assert_true(addr_eq(&t->ip, &ours));
		flows += t->flows;
	}
	for (const struct contacts_told *t; (t = contacts_next(c)) != NULL;) {
		flows += t->flows;
	}
	assert_int_equal(flows + n->hosts_dropped, n->flows);
	assert_int_equal(n->flows, 100030);
	/* the next interval may tell of some again */
	for (uint32_t i = 0; i < 40; i++) {
		struct flow f = flow(THEIRS(i), OURS(1), 80);

		contacts_start(c, &f, TCP_SYN, "", START + MINUTE);
	}
	assert_int_equal(n->early, 64 + 8);
	contacts_free(c);
}

/* Hosts of ours fill all; one from outside finds a place all the same. */
static void
one_side_fills_all(void **state)
{
	struct contacts *c = table();

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		contact(c, OURS(i), THEIRS(1), 80, 1, START);
		if (i % 10 == 0) {
			contact(c, THEIRS(i), OURS(1), 80, 1, START);
		}
	}
	assert_true(contacts_size(c) <= 64);
	contacts_sweep(c, START, true);
	while (contacts_next(c) != NULL) {
	}
	assert_int_equal(contacts_size(c), 0);
	contacts_free(c);
}

/* Of many destinations: what came back, then administration, then bytes. */
static void
tells_of_the_telling_ones(void **state)
{
	struct contacts *c = table();
	const struct contacts_told *t;
	struct addr beacon = four(THEIRS(200)), admin = four(OURS(9));

	(void)state;
	contact(c, OURS(1), THEIRS(200), 8443, 10, START);
	only(c, START + 2 * MINUTE, false);
	for (uint32_t i = 0; i < 60; i++) {
		contact(c, OURS(1), THEIRS(i), 443, 1000 + i,
			START + 5 * MINUTE);
	}
	contact(c, OURS(1), OURS(9), 445, 10, START + 5 * MINUTE);
	contact(c, OURS(1), THEIRS(200), 8443, 10, START + 5 * MINUTE);
	t = only(c, START + 7 * MINUTE, false);
	assert_int_equal(t->n_to, CONTACTS_TO);
	assert_true(addr_eq(&t->to[0].ip, &beacon));
	assert_int_equal(t->to[0].port, 8443);
	assert_true(addr_eq(&t->to[1].ip, &admin));
	for (unsigned i = 2; i < CONTACTS_TO; i++) {
		assert_int_equal(t->to[i].bytes_out, 1059 - (i - 2));
	}
	contacts_free(c);
}

/* What is the exercise's and what is real never share a line. */
static void
keeps_exercises_apart(void **state)
{
	struct contacts *c = table();
	static const char *const names[] = { "", "KEEN", "BOLD" };
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct flow f = flow(OURS(1), THEIRS(1), 80);

		contacts_start(c, &f, TCP_SYN, names[i], START);
		f.bytes[0] = 100 * (i + 1);
		/* it is over by then; the flow is its own still */
		contacts_end(c, &f, START, false);
	}
	contacts_sweep(c, START, true);
	for (const struct contacts_told *t; (t = contacts_next(c)) != NULL;) {
		assert_string_equal(t->exercise, names[seen]);
		assert_int_equal(t->bytes_out, 100 * (seen + 1));
		seen++;
	}
	assert_int_equal(seen, 3);
	contacts_free(c);
}

/* Times that are wrong, or at the end of the numbers, harm nothing. */
static void
bears_odd_times(void **state)
{
	struct contacts *c = table();

	(void)state;
	contact(c, OURS(1), THEIRS(1), 80, 1, 0);
	contact(c, OURS(1), THEIRS(1), 80, 1, UINT64_MAX);
	contact(c, OURS(1), THEIRS(1), 80, 1, START);
	/* that of the past is over, that of the future is not waited for */
	contacts_sweep(c, START, false);
	assert_int_equal(contacts_next(c)->start_us, 0);
	assert_non_null(contacts_next(c));
	assert_null(contacts_next(c));
	assert_int_equal(contacts_size(c), 1);
	assert_int_equal(only(c, START + 2 * MINUTE, false)->start_us, START);
	/* late ones of an interval that was told of make a second part */
	contact(c, OURS(1), THEIRS(1), 80, 1, START);
	assert_int_equal(only(c, START + 2 * MINUTE, false)->start_us, START);
	contacts_free(c);
}

/* Without room for what was told of flows' bytes, they wait for the end. */
static void
moves_are_bounded(void **state)
{
	struct contacts *c = table();
	static struct flow f[1000];
	uint64_t sum = 0, failed = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(f); i++) {
		f[i] = flow(OURS(1), THEIRS(1), 80);
		contacts_start(c, &f[i], TCP_SYN, "", START);
		f[i].bytes[0] = 100;
		f[i].pkts[1] = 1;
		f[i].tcp_flags[1] = TCP_RST;
		contacts_closed(c, &f[i], START);
	}
	for (unsigned i = 0; i < ARRAY_LEN(f); i++) {
		contacts_end(c, &f[i], START + MINUTE, false);
	}
	contacts_sweep(c, START, true);
	for (const struct contacts_told *t; (t = contacts_next(c)) != NULL;) {
		sum += t->bytes_out;
		failed += t->start_us == START ? t->failed : 0;
	}
	assert_int_equal(sum, 100 * ARRAY_LEN(f));
	assert_int_equal(failed, ARRAY_LEN(f));
	contacts_free(c);
}

/* 20,000 flows of 40 hosts through a desk; what it tells, summed up. */
static uint64_t
through_desk(bool thread, uint64_t *lines)
{
	struct contacts_desk *d = contacts_desk_new(&conf);
	struct contact_notes *n;
	const struct contacts_told *t;
	struct diag diag;
	uint64_t sum = 0;

	assert_non_null(d);
	assert_true(!thread || contacts_desk_start(d, true, &diag) == ERR_OK);
	n = contacts_desk_notes(d);
	*lines = 0;
	for (uint32_t i = 0; i < 20001; i++) {
		struct flow f =
			flow(OURS(i % 40), THEIRS(i % 200), (uint16_t)i);
		bool last = i == 20000, full = contact_notes_full(n);

		for (unsigned k = 0; k < 2 && (full || last); k++) {
			while ((t = contacts_desk_next(d)) != NULL) {
				sum = sum * 31 + t->flows + t->bytes_out +
				      t->ip.b[15] + t->n_to;
				++*lines;
			}
			if (k == 0) {
				assert_true(contacts_desk_hand(
					d, START + i * 10000, last));
				assert_int_equal(n->n, 0);
			}
		}
		if (!last) {
			contact_notes_start(n, &f, TCP_SYN, "",
					    START + i * 10000);
		}
	}
	assert_int_equal(n->lost, 0);
	assert_int_equal(contacts_desk_counters(d)->flows, 20000);
	contacts_desk_free(d);
	return sum;
}

/* The thread tells what the worker would have told itself, in that order. */
static void
a_desk_changes_nothing(void **state)
{
	uint64_t alone, with, lines;

	(void)state;
	alone = through_desk(false, &lines);
	assert_true(lines >= 40 * 3);
	with = through_desk(true, &lines);
	assert_int_equal(alone, with);
}

/* A desk that is behind is not waited for, and what has no room is counted. */
static void
a_sheet_is_bounded(void **state)
{
	struct contacts_desk *d = contacts_desk_new(&conf);
	struct contact_notes *n = contacts_desk_notes(d);

	(void)state;
	for (uint32_t i = 0; i < CONTACT_NOTES + 10; i++) {
		struct flow f = flow(OURS(1), THEIRS(1), 80);

		contact_notes_start(n, &f, TCP_SYN, "", START);
	}
	assert_int_equal(n->n, CONTACT_NOTES);
	assert_int_equal(n->lost, 10);
	assert_true(contacts_desk_hand(d, 0, false));
	assert_false(contacts_desk_hand(d, 0, false));
	assert_null(contacts_desk_next(d));
	assert_int_equal(contacts_desk_counters(d)->flows, CONTACT_NOTES);
	contacts_desk_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_up_an_interval),
		cmocka_unit_test(counts_many_peers),
		cmocka_unit_test(leaves_out_what_is_no_contact),
		cmocka_unit_test(counts_bytes_once),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(one_side_fills_all),
		cmocka_unit_test(tells_of_the_telling_ones),
		cmocka_unit_test(keeps_exercises_apart),
		cmocka_unit_test(bears_odd_times),
		cmocka_unit_test(moves_are_bounded),
		cmocka_unit_test(a_desk_changes_nothing),
		cmocka_unit_test(a_sheet_is_bounded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
