/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fanout.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "sensor/ethertype.h"
#include "sensor/ppp_proto.h"

#define ETHER_HEADER 14
#define PPPOE_HEADER 8 /* RFC 2516, section 4, with the PPP protocol */
#define MAX_TAGS 3 /* in the bytes; the kernel takes the outermost off */
#define MAX_LABELS 3
#define MAX_LINKS 32
/* PACKET_FANOUT_FLAG_IGNORE_OUTGOING, since Linux 6.2 */
#define FLAG_IGNORE_OUTGOING 0x4000

enum { /* scratch memory of the program */
       MEM_TYPE, /* what comes at X, an ethertype */
       MEM_SRC,
       MEM_DST,
       MEM_X,
};

/*
 * A program under construction.  Jumps that go to one of the two ends of it are
 * remembered and set once it is known where those are.
 */
struct writer {
	struct sock_filter *v;
	size_t n, cap;
	size_t to_mix[MAX_LINKS], to_none[MAX_LINKS];
	size_t n_mix, n_none;
};

static size_t
put(struct writer *w, uint16_t code, uint32_t k)
{
	assert(w->n < w->cap);
	w->v[w->n] = (struct sock_filter){ .code = code, .k = k };
	return w->n++;
}

/* Ends the program later on, without a pair (none) or to mix the two words. */
static void
go_none(struct writer *w)
{
	assert(w->n_none < MAX_LINKS);
	w->to_none[w->n_none++] = put(w, BPF_JMP | BPF_JA, 0);
}

static void
go_mix(struct writer *w)
{
	assert(w->n_mix < MAX_LINKS);
	w->to_mix[w->n_mix++] = put(w, BPF_JMP | BPF_JA, 0);
}

/* A != k: passes over what comes up to land(). */
static size_t
unless(struct writer *w, uint32_t k)
{
	return put(w, BPF_JMP | BPF_JEQ | BPF_K, k);
}

static void
land(struct writer *w, size_t jump)
{
	assert(w->n - jump - 1 <= UINT8_MAX);
	w->v[jump].jf = (uint8_t)(w->n - jump - 1);
}

static void
advance(struct writer *w, uint32_t bytes)
{
	put(w, BPF_MISC | BPF_TXA, 0);
	put(w, BPF_ALU | BPF_ADD | BPF_K, bytes);
	put(w, BPF_MISC | BPF_TAX, 0);
}

/*
 * X: where the network header is, A and MEM_TYPE: what it is.  A packet on its
 * way out is shown from its link header on, one that came in from behind it.
 */
static void
put_start(struct writer *w, bool ether)
{
	size_t incoming;

	put(w, BPF_LDX | BPF_W | BPF_IMM, 0);
	put(w, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)SKF_AD_OFF + SKF_AD_PROTOCOL);
	put(w, BPF_ST, MEM_TYPE);
	if (!ether) {
		return;
	}
	put(w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_PKTTYPE);
	incoming = unless(w, PACKET_OUTGOING);
	put(w, BPF_LD | BPF_H | BPF_ABS, ETHER_HEADER - 2);
	put(w, BPF_ST, MEM_TYPE);
	put(w, BPF_LDX | BPF_W | BPF_IMM, ETHER_HEADER);
	land(w, incoming);
	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_TYPE);
}

/* One VLAN tag that is still there: A is what stands behind it. */
static void
put_tag(struct writer *w)
{
	size_t customer = put(w, BPF_JMP | BPF_JEQ | BPF_K, ETH_VLAN);
	size_t service = put(w, BPF_JMP | BPF_JEQ | BPF_K, ETH_QINQ);
	size_t old = put(w, BPF_JMP | BPF_JEQ | BPF_K, ETH_QINQ_OLD);

	w->v[customer].jt = 2;
	w->v[service].jt = 1;
	put(w, BPF_LD | BPF_H | BPF_IND, 2);
	put(w, BPF_ST, MEM_TYPE);
	advance(w, 4);
	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_TYPE);
	land(w, old);
}

/* RFC 2516: A is the ethertype of what PPP carries; others have no pair. */
static void
put_pppoe(struct writer *w)
{
	size_t other = unless(w, ETH_PPPOE_SESSION), v4, v6;

	put(w, BPF_LD | BPF_H | BPF_IND, PPPOE_HEADER - 2);
	v4 = unless(w, PPP_IPV4);
	put(w, BPF_LD | BPF_W | BPF_IMM, ETH_IPV4);
	land(w, v4);
	v6 = unless(w, PPP_IPV6);
	put(w, BPF_LD | BPF_W | BPF_IMM, ETH_IPV6);
	land(w, v6);
	put(w, BPF_ST, MEM_TYPE);
	advance(w, PPPOE_HEADER);
	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_TYPE);
	land(w, other);
}

/* RFC 3032: what is below the last label is told by its first four bits. */
static void
put_mpls(struct writer *w)
{
	size_t not_mpls, bottom[MAX_LABELS], v4, v6;

	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_TYPE);
	not_mpls = unless(w, ETH_MPLS);
	for (unsigned i = 0; i < MAX_LABELS; i++) {
		put(w, BPF_LD | BPF_B | BPF_IND, 2);
		put(w, BPF_ST, MEM_SRC);
		advance(w, 4);
		put(w, BPF_LD | BPF_W | BPF_MEM, MEM_SRC);
		bottom[i] = put(w, BPF_JMP | BPF_JSET | BPF_K, 1);
	}
	for (unsigned i = 0; i < MAX_LABELS; i++) {
		w->v[bottom[i]].jt = (uint8_t)(w->n - bottom[i] - 1);
	}
	put(w, BPF_LD | BPF_B | BPF_IND, 0);
	put(w, BPF_ALU | BPF_RSH | BPF_K, 4);
	v4 = unless(w, 4);
	put(w, BPF_LD | BPF_W | BPF_IMM, ETH_IPV4);
	land(w, v4);
	v6 = unless(w, 6);
	put(w, BPF_LD | BPF_W | BPF_IMM, ETH_IPV6);
	land(w, v6);
	put(w, BPF_ST, MEM_TYPE);
	land(w, not_mpls);
}

/* The four words of an IPv6 address in one. */
static void
put_v6_address(struct writer *w, uint32_t at, uint32_t mem)
{
	put(w, BPF_LD | BPF_W | BPF_IND, at);
	for (uint32_t i = 4; i < 16; i += 4) {
		put(w, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
		put(w, BPF_ST, mem);
		put(w, BPF_LD | BPF_W | BPF_IND, at + i);
		/* A may only be added to from X, which is kept */
		put(w, BPF_STX, MEM_X);
		put(w, BPF_LDX | BPF_W | BPF_MEM, mem);
		put(w, BPF_ALU | BPF_ADD | BPF_X, 0);
		put(w, BPF_LDX | BPF_W | BPF_MEM, MEM_X);
	}
	put(w, BPF_ST, mem);
}

/* The two addresses, by what A says is at X. */
static void
put_addresses(struct writer *w)
{
	size_t not_v4, not_v6;

	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_TYPE);
	not_v4 = unless(w, ETH_IPV4);
	put(w, BPF_LD | BPF_W | BPF_IND, 12);
	put(w, BPF_ST, MEM_SRC);
	put(w, BPF_LD | BPF_W | BPF_IND, 16);
	put(w, BPF_ST, MEM_DST);
	go_mix(w);
	land(w, not_v4);
	not_v6 = unless(w, ETH_IPV6);
	put_v6_address(w, 8, MEM_SRC);
	put_v6_address(w, 24, MEM_DST);
	go_mix(w);
	land(w, not_v6);
	go_none(w);
}

static void
set_targets(struct writer *w, const size_t *jumps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->v[jumps[i]].k = (uint32_t)(w->n - jumps[i] - 1);
	}
}

/*
 * Both the difference and the sum are the same in both directions; neither
 * alone tells 10.0.0.1-10.0.0.2 from 10.0.0.5-10.0.0.6.
 */
static void
put_mix(struct writer *w, uint32_t key)
{
	set_targets(w, w->to_mix, w->n_mix);
	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_SRC);
	put(w, BPF_LDX | BPF_W | BPF_MEM, MEM_DST);
	put(w, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(w, BPF_ALU | BPF_XOR | BPF_K, key);
	put(w, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
	put(w, BPF_ST, MEM_TYPE);
	put(w, BPF_LD | BPF_W | BPF_MEM, MEM_SRC);
	put(w, BPF_ALU | BPF_ADD | BPF_X, 0);
	put(w, BPF_LDX | BPF_W | BPF_MEM, MEM_TYPE);
	put(w, BPF_ALU | BPF_ADD | BPF_X, 0);
	/* high bits into the low ones, of which the place is made */
	put(w, BPF_ST, MEM_TYPE);
	put(w, BPF_ALU | BPF_RSH | BPF_K, 15);
	put(w, BPF_LDX | BPF_W | BPF_MEM, MEM_TYPE);
	put(w, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(w, BPF_ALU | BPF_MUL | BPF_K, 0x85ebca6b);
	put(w, BPF_ALU | BPF_RSH | BPF_K, 16);
	put(w, BPF_RET | BPF_A, 0);
	set_targets(w, w->to_none, w->n_none);
	put(w, BPF_RET | BPF_K, 0);
}

size_t
fanout_program(struct sock_filter *out, size_t cap, bool ether, uint32_t key)
{
	struct writer w = { .v = out, .cap = cap };

	put_start(&w, ether);
	for (unsigned i = 0; i < MAX_TAGS; i++) {
		put_tag(&w);
	}
	put_pppoe(&w);
	put_mpls(&w);
	put_addresses(&w);
	put_mix(&w, key);
	return w.n;
}

static int
join(int fd, uint16_t id, unsigned type_flags)
{
	uint32_t arg = (uint32_t)id | (uint32_t)type_flags << 16;

	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof(arg));
}

static int
set_program(int fd, bool ether, uint32_t key)
{
	struct sock_filter v[FANOUT_PROGRAM_CAP];
	struct sock_fprog p = {
		.len = (unsigned short)fanout_program(v, ARRAY_LEN(v), ether,
						      key),
		.filter = v,
	};

	return setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &p, sizeof(p));
}

static unsigned
type_flags(const struct fanout_options *o)
{
	unsigned type =
		o->mode == FANOUT_PAIR
			? PACKET_FANOUT_CBPF
			: PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_DEFRAG;

	return o->echo ? type | FLAG_IGNORE_OUTGOING : type;
}

enum err
fanout_join(struct fanout_group *g, int fd, const struct fanout_options *o,
	    struct diag *d)
{
	unsigned type = type_flags(o);
	uint32_t got = 0;
	socklen_t len = sizeof(got);
	int rc;

	if (g->n > 0) {
		rc = join(fd, g->id, type);
	} else {
		/* The kernel picks an id that nobody has on this interface. */
		rc = join(fd, 0, type | PACKET_FANOUT_FLAG_UNIQUEID);
		if (rc == 0) {
			rc = getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &got,
					&len);
		}
		if (rc == 0 && o->mode == FANOUT_PAIR) {
			rc = set_program(fd, o->ether, o->key);
		}
		g->id = (uint16_t)got;
	}
	if (rc != 0) {
		return diag_set(d, ERR_IO,
				"the kernel does not share packets out among "
				"workers (PACKET_FANOUT: %s); use --workers 1",
				strerror(errno));
	}
	g->n++;
	return ERR_OK;
}
