/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that shares packets out: run here as the kernel runs it, on
 * packets that come in (shown from behind the link header, the outermost tag
 * taken off) and that go out (shown whole).
 */
#include <linux/filter.h>
#include <linux/if_packet.h>

#include "common/base.h"
#include "sensor/fanout.h"
#include "tests/rnd.h"
#include "tests/test.h"

#define KEY 0x12345678

struct shown {
	uint8_t bytes[256];
	size_t len;
	uint16_t protocol;
	bool outgoing;
};

/* What a load gives; false: beyond the packet, where the kernel ends with 0. */
static bool
load(const struct shown *p, uint32_t k, unsigned size, uint32_t *a)
{
	if (k == (uint32_t)SKF_AD_OFF + SKF_AD_PROTOCOL) {
		*a = p->protocol;
		return true;
	}
	if (k == (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE) {
		*a = p->outgoing ? PACKET_OUTGOING : PACKET_HOST;
		return true;
	}
	if (k > p->len || p->len - k < size) {
		return false;
	}
	*a = 0;
	for (unsigned i = 0; i < size; i++) {
		*a = *a << 8 | p->bytes[k + i];
	}
	return true;
}

static uint32_t
run(const struct sock_filter *v, size_t n, const struct shown *p)
{
	uint32_t a = 0, x = 0, mem[BPF_MEMWORDS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &v[i];
		uint32_t operand = BPF_SRC(f->code) == BPF_X ? x : f->k;
		unsigned size = BPF_SIZE(f->code) == BPF_W   ? 4
				: BPF_SIZE(f->code) == BPF_H ? 2
							     : 1;

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
			if (BPF_MODE(f->code) == BPF_IMM) {
				a = f->k;
			} else if (BPF_MODE(f->code) == BPF_MEM) {
				a = mem[f->k];
			} else if (!load(p,
					 f->k + (BPF_MODE(f->code) == BPF_IND
							 ? x
							 : 0),
					 size, &a)) {
				return 0;
			}
			break;
		case BPF_LDX:
			x = BPF_MODE(f->code) == BPF_MEM ? mem[f->k] : f->k;
			break;
		case BPF_ST:
			mem[f->k] = a;
			break;
		case BPF_STX:
			mem[f->k] = x;
			break;
		case BPF_ALU:
			switch (BPF_OP(f->code)) {
			case BPF_ADD:
				a += operand;
				break;
			case BPF_MUL:
				a *= operand;
				break;
			case BPF_RSH:
				a >>= operand;
				break;
			case BPF_XOR:
				a ^= operand;
				break;
			default:
				fail_msg("operation %x", f->code);
			}
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA) {
				i += f->k;
			} else if (BPF_OP(f->code) == BPF_JEQ) {
				i += a == f->k ? f->jt : f->jf;
			} else if (BPF_OP(f->code) == BPF_JSET) {
				i += (a & f->k) != 0 ? f->jt : f->jf;
			} else {
				fail_msg("jump %x", f->code);
			}
			break;
		case BPF_MISC:
			if (BPF_MISCOP(f->code) == BPF_TAX) {
				x = a;
			} else {
				a = x;
			}
			break;
		case BPF_RET:
			return BPF_RVAL(f->code) == BPF_A ? a : f->k;
		default:
			fail_msg("instruction %x", f->code);
		}
	}
	fail_msg("ran off the end");
	return 0;
}

static uint32_t
place(const struct shown *p)
{
	struct sock_filter v[FANOUT_PROGRAM_CAP];

	return run(v, fanout_program(v, ARRAY_LEN(v), true, KEY), p);
}

/* --- packets --- */

enum wrap { PLAIN, TAG, TWO_TAGS, PPPOE, MPLS, TWO_LABELS, N_WRAPS };

static size_t
put16(uint8_t *to, size_t at, unsigned v)
{
	store_be16(to + at, (uint16_t)v);
	return at + 2;
}

/* Whatever stands between Ethernet's addresses and IP. */
static size_t
put_wrap(uint8_t *b, size_t at, enum wrap w, bool v6)
{
	unsigned ip = v6 ? 0x86dd : 0x0800;

	switch (w) {
	case TAG:
		at = put16(b, put16(b, at, 0x8100), 7);
		break;
	case TWO_TAGS:
		at = put16(b, put16(b, at, 0x88a8), 7);
		at = put16(b, put16(b, at, 0x8100), 8);
		break;
	case PPPOE:
		at = put16(b, at, 0x8864);
		at = put16(b, put16(b, put16(b, at, 0x1100), 1), 40);
		return put16(b, at, v6 ? 0x0057 : 0x0021);
	case TWO_LABELS:
	case MPLS:
		at = put16(b, at, 0x8847);
		if (w == TWO_LABELS) {
			at = put16(b, put16(b, at, 0x0001), 0x0040);
		}
		return put16(b, put16(b, at, 0x0002), 0x0140);
	default:
		break;
	}
	return put16(b, at, ip);
}

static size_t
put_ip(uint8_t *b, size_t at, bool v6, const uint8_t *src, const uint8_t *dst)
{
	if (v6) {
		b[at] = 0x60;
		memcpy(b + at + 8, src, 16);
		memcpy(b + at + 24, dst, 16);
		return at + 40;
	}
	b[at] = 0x45;
	memcpy(b + at + 12, src, 4);
	memcpy(b + at + 16, dst, 4);
	return at + 20;
}

static void
make(struct shown *p, bool outgoing, enum wrap w, bool v6, const uint8_t *src,
     const uint8_t *dst)
{
	uint8_t whole[256] = { 0 };
	size_t len = put_ip(whole, put_wrap(whole, 12, w, v6), v6, src, dst);
	size_t skip = 0;

	*p = (struct shown){ .outgoing = outgoing };
	if (!outgoing) {
		/* the first tag is none of the bytes any more */
		skip = w == TAG || w == TWO_TAGS ? 18 : 14;
		p->protocol = load_be16(whole + skip - 2);
	}
	p->len = len - skip;
	memcpy(p->bytes, whole + skip, p->len);
}

static void
fill(uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b[i] = (uint8_t)rnd(256);
	}
}

/* --- tests --- */

static void
test_both_directions_meet(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t a[16], b[16];
		bool v6 = i % 2 != 0;
		uint32_t first = 0;

		fill(a, sizeof(a));
		fill(b, sizeof(b));
		for (unsigned k = 0; k < N_WRAPS * 4; k++) {
			struct shown p;
			bool back = (k & 1) != 0;
			uint32_t got;

			make(&p, (k & 2) != 0, (enum wrap)(k / 4), v6,
			     back ? b : a, back ? a : b);
			got = place(&p);
			if (k == 0) {
				first = got;
			}
			assert_int_equal(got, first);
		}
	}
}

/* Hosts of one network with one server, and with each other. */
static void
test_pairs_are_shared_out(void **state)
{
	(void)state;
	for (unsigned workers = 2; workers <= 7; workers++) {
		unsigned n[2][8] = { { 0 } };

		for (unsigned i = 0; i < 4000; i++) {
			uint8_t a[16] = { 10, 0, (uint8_t)(i >> 8),
					  (uint8_t)i };
			uint8_t b[16] = { 192, 0, 2, 1 };
			uint8_t c[16] = { 10, 0, (uint8_t)(i >> 8),
					  (uint8_t)(i + 1) };
			struct shown p;

			make(&p, false, PLAIN, false, a, b);
			n[0][place(&p) % workers]++;
			make(&p, false, PLAIN, i % 2 != 0, a, c);
			n[1][place(&p) % workers]++;
		}
		for (unsigned k = 0; k < 2; k++) {
			for (unsigned w = 0; w < workers; w++) {
				assert_in_range(n[k][w], 4000 / workers * 3 / 4,
						4000 / workers * 5 / 4);
			}
		}
	}
}

static void
test_what_has_no_pair(void **state)
{
	uint8_t a[16] = { 1 }, b[16] = { 2 };
	struct shown p = { .protocol = 0x0806, .len = 28 };

	(void)state;
	assert_int_equal(place(&p), 0);
	/* cut anywhere: never beyond what is there */
	for (unsigned w = 0; w < N_WRAPS; w++) {
		struct shown whole;

		make(&whole, true, (enum wrap)w, true, a, b);
		for (size_t len = 0; len < whole.len; len++) {
			p = whole;
			p.len = len;
			assert_int_equal(place(&p), 0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions_meet),
		cmocka_unit_test(test_pairs_are_shared_out),
		cmocka_unit_test(test_what_has_no_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
