/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles on a virtual link in a network namespace of this test's own: what is
 * sent into one end comes out of the other once, in one of the handles, and is
 * counted.  Skipped where no namespace can be made.
 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/capture_live.h"
#include "sensor/iface.h"

#define PATIENCE_US UINT64_C(120000000)
#define FRAME_LEN 60u
#define HOSTS 200u

static int sender = -1;

static bool
shell(const char *command)
{
	return system(command) == 0;
}

static int
begin(void **state)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };

	(void)state;
	if (unshare(CLONE_NEWNET) != 0) {
		return 0;
	}
	(void)shell("for i in all default; do echo 1 "
		    ">/proc/sys/net/ipv6/conf/$i/disable_ipv6; done "
		    "2>/dev/null");
	if (!shell("ip link add near type veth peer name far 2>/dev/null && "
		   "ip link set near up && ip link set far up")) {
		return 0;
	}
	sender = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex("near");
	return bind(sender, (void *)&to, sizeof(to));
}

static void
need_link(void)
{
	if (sender < 0) {
		skip();
	}
}

static struct capture_live_options
options(void)
{
	return (struct capture_live_options){
		.name = "far",
		.timestamp = "host",
		.snaplen = CAPTURE_LIVE_SNAPLEN,
		.ring_bytes = 8 << 20,
		.timeout_ms = 10,
		.promiscuous = true,
	};
}

/* From host 10.0.0.'from' to 10.0.1.'to', UDP; 'tag' 0: none. */
static size_t
make(uint8_t *b, unsigned from, unsigned to, unsigned tag, size_t len)
{
	uint8_t *ip = b + 14;

	memset(b, 0, len);
	memcpy(b, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
	if (tag != 0) {
		store_be16(b + 12, 0x8100);
		store_be16(b + 14, (uint16_t)tag);
		ip += 4;
	}
	store_be16(ip - 2, 0x0800);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(len - (size_t)(ip - b)));
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, (uint8_t[]){ 10, 0, 0, (uint8_t)from }, 4);
	memcpy(ip + 16, (uint8_t[]){ 10, 0, 1, (uint8_t)to }, 4);
	return len;
}

static void
put(const uint8_t *b, size_t len)
{
	while (send(sender, b, len, 0) != (ssize_t)len) {
		assert_true(errno == ENOBUFS || errno == EAGAIN);
	}
}

/* How often it had to be asked. */
static unsigned
settle(struct capture_live *c)
{
	struct diag d = { "" };
	unsigned n = 1;
	enum err e;

	while ((e = capture_live_settle(c, &d)) == ERR_AGAIN) {
		(void)poll(NULL, 0, 1);
		n++;
	}
	if (e != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return n;
}

/* The next handle sees a packet before it is shut. */
static bool early;

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	uint8_t frame[FRAME_LEN];

	if (early && level == SOL_SOCKET && name == SO_ATTACH_FILTER) {
		early = false;
		make(frame, 1, 2, 0, sizeof(frame));
		put(frame, sizeof(frame));
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

static struct capture_live *
open_one(const struct capture_live_options *o)
{
	struct capture_live *c;
	struct diag d = { "" };

	if (capture_live_open(&c, o, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	settle(c);
	return c;
}

static void
start(struct capture_live *c)
{
	struct diag d = { "" };

	if (capture_live_begin(c, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
}

/* Reads until 'want' frames came; each goes to 'seen' (or NULL). */
static void
read_frames(struct capture_live *c, uint64_t want,
	    void (*seen)(void *arg, const struct frame *f), void *arg)
{
	struct batch_frames *b = batch_frames_new();
	uint64_t until = clock_mono_us() + PATIENCE_US, n = 0;
	struct diag d;

	assert_non_null(b);
	while (n < want && clock_mono_us() < until) {
		struct pollfd p = { .fd = capture_live_fd(c),
				    .events = POLLIN };
		enum err e = capture_live_read(c, b, 1, &d);

		assert_true(e == ERR_OK || e == ERR_AGAIN);
		for (uint32_t i = 0; i < b->n && seen != NULL; i++) {
			seen(arg, &b->frame[i]);
		}
		n += b->n;
		if (e == ERR_AGAIN) {
			(void)poll(&p, 1, 100);
		}
	}
	batch_frames_free(b);
	if (n != want) {
		fail_msg("%llu of %llu frames came", (unsigned long long)n,
			 (unsigned long long)want);
	}
}

static void
assert_counts(struct capture_live *c, uint64_t seen, uint64_t dropped)
{
	struct capture_live_counters n;

	capture_live_count(c, &n);
	assert_int_equal(n.seen, seen);
	assert_int_equal(n.dropped, dropped);
	assert_int_equal(n.delivered, seen - dropped);
}

/* --- tests --- */

static void
check_whole(void *arg, const struct frame *f)
{
	uint8_t b[FRAME_LEN];

	(void)arg;
	make(b, 1, 2, 0, sizeof(b));
	assert_int_equal(f->caplen, FRAME_LEN);
	assert_int_equal(f->wirelen, FRAME_LEN);
	assert_memory_equal(f->data, b, sizeof(b));
	assert_int_equal(f->linktype, 1);
	assert_int_equal(f->iface, 1);
	assert_int_equal(f->number, 0);
	assert_true(f->ts_ns < 1000);
	/* within a minute of now */
	assert_true(f->ts_us + 60 * US_PER_S > clock_wall_us());
}

/* What comes before capture_live_begin() and after capture_live_shut() is
 * nobody's. */
static void
test_counts_from_begin_to_shut(void **state)
{
	struct capture_live_options o = options();
	struct capture_live *c;
	uint8_t b[FRAME_LEN];

	(void)state;
	need_link();
	make(b, 1, 2, 0, sizeof(b));
	for (unsigned i = 0; i < 100; i++) {
		put(b, sizeof(b));
	}
	c = open_one(&o);
	for (unsigned i = 0; i < 100; i++) {
		put(b, sizeof(b));
	}
	start(c);
	for (unsigned i = 0; i < 1000; i++) {
		put(b, sizeof(b));
	}
	read_frames(c, 1000, check_whole, NULL);
	assert_counts(c, 1000, 0);
	capture_live_shut(c);
	put(b, sizeof(b));
	assert_counts(c, 1000, 0);
	capture_live_close(c);
}

static void
check_tag(void *arg, const struct frame *f)
{
	uint8_t b[FRAME_LEN];

	(void)arg;
	make(b, 1, 2, 77, sizeof(b));
	assert_int_equal(f->caplen, FRAME_LEN);
	assert_memory_equal(f->data, b, sizeof(b));
}

/* The kernel takes the tag off, as a plain socket shows; libpcap puts it
 * back. */
static void
test_vlan_tag_is_there(void **state)
{
	struct capture_live_options o = options();
	struct capture_live *c = NULL;
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	uint8_t b[FRAME_LEN], got[2 * FRAME_LEN];
	struct pollfd p = { .events = POLLIN };

	(void)state;
	need_link();
	p.fd = socket(AF_PACKET, SOCK_RAW, 0);
	at.sll_ifindex = (int)if_nametoindex("far");
	assert_int_equal(bind(p.fd, (void *)&at, sizeof(at)), 0);
	c = open_one(&o);
	start(c);
	make(b, 1, 2, 77, sizeof(b));
	for (unsigned i = 0; i < 10; i++) {
		put(b, sizeof(b));
	}
	read_frames(c, 10, check_tag, NULL);
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(recv(p.fd, got, sizeof(got), 0), FRAME_LEN - 4);
	close(p.fd);
	capture_live_close(c);
}

static void
check_cut(void *arg, const struct frame *f)
{
	(void)arg;
	assert_int_equal(f->caplen, 64);
	assert_int_equal(f->wirelen, 1000);
}

static void
test_snap_length(void **state)
{
	struct capture_live_options o = options();
	struct capture_live_counters n;
	struct capture_live *c;
	uint8_t b[1000];

	(void)state;
	need_link();
	o.snaplen = 64;
	c = open_one(&o);
	start(c);
	make(b, 1, 2, 0, sizeof(b));
	for (unsigned i = 0; i < 300; i++) {
		put(b, sizeof(b));
	}
	read_frames(c, 300, check_cut, NULL);
	capture_live_count(c, &n);
	assert_int_equal(n.truncated, 300);
	assert_int_equal(n.bytes, 300 * 64);
	capture_live_close(c);
}

/* More instructions than the kernel takes. */
static void
long_filter(char *out, size_t cap)
{
	size_t at = (size_t)snprintf(out, cap, "ip[0]");

	for (unsigned i = 1; i < 1200; i++) {
		at += (size_t)snprintf(out + at, cap - at, "+ip[%u]", i % 200);
	}
	at += (size_t)snprintf(out + at, cap - at, " = 7");
	assert_true(at < cap);
}

static void
test_filter_is_the_kernels(void **state)
{
	static char words[20000];
	struct capture_live_options o = options();
	struct capture_live *c;
	uint8_t b[FRAME_LEN];
	struct diag d;

	(void)state;
	need_link();
	o.filter = "src host 10.0.0.9";
	c = open_one(&o);
	start(c);
	for (unsigned i = 0; i < 100; i++) {
		make(b, 8 + i % 2, 2, 0, sizeof(b));
		put(b, sizeof(b));
	}
	read_frames(c, 50, NULL, NULL);
	assert_counts(c, 50, 0);
	capture_live_close(c);

	o.filter = "no such filter";
	assert_int_equal(capture_live_open(&c, &o, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "no such filter"));
	/* libpcap would filter this by itself, and count otherwise */
	long_filter(words, sizeof(words));
	o.filter = words;
	c = open_one(&o);
	assert_int_equal(capture_live_begin(c, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "too long"));
	capture_live_close(c);
}

/* A ring that nobody reads drops; each packet is seen all the same. */
static void
test_full_ring_drops(void **state)
{
	struct capture_live_options o = options();
	struct capture_live_counters n;
	struct capture_live *c;
	uint64_t until = clock_mono_us() + PATIENCE_US;
	uint8_t b[1000];

	(void)state;
	need_link();
	o.ring_bytes = 1 << 20;
	c = open_one(&o);
	start(c);
	make(b, 1, 2, 0, sizeof(b));
	for (unsigned i = 0; i < 4000; i++) {
		put(b, sizeof(b));
	}
	do {
		capture_live_count(c, &n);
	} while (n.seen < 4000 && clock_mono_us() < until);
	assert_int_equal(n.seen, 4000);
	assert_in_range(n.dropped, 1, 3999);
	capture_live_shut(c);
	read_frames(c, n.seen - n.dropped, NULL, NULL);
	assert_counts(c, 4000, n.dropped);
	capture_live_close(c);
}

/* Larger than a batch's share of the slab: none is lost or cut. */
static void
test_large_frames(void **state)
{
	static uint8_t b[60000];
	struct capture_live_options o = options();
	struct capture_live_counters n;
	struct capture_live *c;

	(void)state;
	need_link();
	assert_true(shell("ip link set near mtu 65000 && "
			  "ip link set far mtu 65000"));
	o.ring_bytes = 32 << 20;
	c = open_one(&o);
	start(c);
	make(b, 1, 2, 0, sizeof(b));
	for (unsigned i = 0; i < 100; i++) {
		put(b, sizeof(b));
	}
	read_frames(c, 100, NULL, NULL);
	capture_live_count(c, &n);
	assert_int_equal(n.bytes, 100 * sizeof(b));
	assert_int_equal(n.truncated, 0);
	capture_live_close(c);
}

/* --- several handles --- */

struct pairs {
	unsigned n[HOSTS]; /* frames of each pair */
	unsigned from[HOSTS]; /* of these, in one direction */
};

static void
note_pair(void *arg, const struct frame *f)
{
	struct pairs *p = arg;
	const uint8_t *ip =
		f->data + (load_be16(f->data + 12) == 0x8100 ? 18 : 14);
	unsigned a = ip[15], b = ip[19];

	assert_int_equal(a, b);
	p->n[a]++;
	p->from[a] += ip[14] == 0;
}

static void
put_reply(unsigned host, unsigned tag)
{
	uint8_t b[FRAME_LEN], *ip = b + (tag != 0 ? 18 : 14);

	make(b, host, host, tag, sizeof(b));
	ip[14] = 1;
	ip[18] = 0;
	put(b, sizeof(b));
}

/* HOSTS pairs, 'rounds' packets in each direction; all of a pair in one
 * handle, and not all pairs in the same. */
static void
share_out(enum fanout_mode mode, unsigned n_handles)
{
	struct capture_live_options o = options();
	struct capture_live *c[4];
	struct fanout_group g = { 0 };
	struct pairs p[4];
	struct capture_live_counters n;
	uint64_t until = clock_mono_us() + PATIENCE_US, total;
	const unsigned rounds = 10, want = 2 * rounds * HOSTS;
	struct diag d = { "" };

	memset(p, 0, sizeof(p));
	for (unsigned i = 0; i < n_handles; i++) {
		c[i] = open_one(&o);
		if (capture_live_join(c[i], &g, mode, 12345, &d) != ERR_OK) {
			fail_msg("%s", d.msg);
		}
	}
	for (unsigned i = 0; i < n_handles; i++) {
		start(c[i]);
	}
	for (unsigned r = 0; r < rounds; r++) {
		for (unsigned h = 0; h < HOSTS; h++) {
			unsigned tag =
				r % 2 != 0 && mode == FANOUT_PAIR ? 5 : 0;
			uint8_t b[FRAME_LEN];

			make(b, h, h, tag, sizeof(b));
			put(b, sizeof(b));
			put_reply(h, tag);
		}
	}
	do {
		total = 0;
		for (unsigned i = 0; i < n_handles; i++) {
			capture_live_count(c[i], &n);
			total += n.seen;
		}
	} while (total < want && clock_mono_us() < until);
	assert_int_equal(total, want);
	for (unsigned i = 0; i < n_handles; i++) {
		capture_live_count(c[i], &n);
		assert_in_range(n.seen, 1, want / 4 * 3);
		read_frames(c[i], n.seen, note_pair, &p[i]);
		assert_counts(c[i], n.seen, 0);
		capture_live_close(c[i]);
		for (unsigned h = 0; h < HOSTS; h++) {
			if (p[i].n[h] > 0) {
				assert_int_equal(p[i].n[h], 2 * rounds);
				assert_int_equal(p[i].from[h], rounds);
			}
		}
	}
}

static void
test_pairs_meet(void **state)
{
	(void)state;
	need_link();
	share_out(FANOUT_PAIR, 2);
	share_out(FANOUT_PAIR, 4);
}

static void
test_flows_meet(void **state)
{
	(void)state;
	need_link();
	share_out(FANOUT_HASH, 2);
}

/* --- what cannot be opened --- */

static void
test_errors(void **state)
{
	struct capture_live_options o = options();
	struct capture_live *c;
	struct diag d;

	(void)state;
	need_link();
	o.name = "none";
	assert_int_equal(capture_live_open(&c, &o, &d), ERR_NOTFOUND);
	assert_null(c);
	o = options();
	o.timestamp = "adapter";
	assert_int_equal(capture_live_open(&c, &o, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "has host"));
	assert_true(shell("ip link add dull type veth peer name dark"));
	o = options();
	o.name = "dull";
	assert_int_equal(capture_live_open(&c, &o, &d), ERR_AGAIN);
}

static void
test_interface_state(void **state)
{
	struct iface_state a, b;
	struct iface_watch *w;
	uint8_t frame[FRAME_LEN];
	char words[256];
	struct diag d;

	(void)state;
	need_link();
	assert_int_equal(iface_watch_open(&w, &d), ERR_OK);
	assert_int_equal(iface_look(w, "none", &a), ERR_NOTFOUND);
	assert_int_equal(iface_look(w, "a-name-that-is-much-too-long", &a),
			 ERR_NOTFOUND);
	assert_int_equal(iface_look(w, "near", &a), ERR_OK);
	assert_int_equal(a.index, if_nametoindex("near"));
	assert_true(a.up);
	make(frame, 1, 2, 0, sizeof(frame));
	put(frame, sizeof(frame));
	assert_int_equal(iface_look(w, "near", &b), ERR_OK);
	assert_int_equal(b.tx_packets, a.tx_packets + 1);
	assert_int_equal(b.tx_bytes, a.tx_bytes + FRAME_LEN);
	assert_true(shell("ip link set near down"));
	assert_int_equal(iface_look(w, "near", &b), ERR_OK);
	assert_false(b.up);
	assert_true(shell("ip link set near up"));
	iface_watch_close(w);
	iface_suggest("neer", words, sizeof(words));
	assert_non_null(strstr(words, "did you mean near?"));
	iface_suggest("nothing-like-it", words, sizeof(words));
	assert_non_null(strstr(words, "there are"));
	assert_non_null(strstr(words, "far"));
}

/* Sends to nobody, as fast as it goes, until told to stop. */
static void *
flood(void *arg)
{
	const atomic_bool *stop = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (!atomic_load(stop)) {
		(void)!sendto(fd, "x", 1, 0, (void *)&to, sizeof(to));
	}
	close(fd);
	return NULL;
}

/* What goes out of the loopback interface before that can be switched off is
 * seen by the kernel and shown to nobody. */
static void
test_busy_loopback_opens(void **state)
{
	struct capture_live_options o = options();
	atomic_bool stop = false;
	pthread_t thread[2];

	(void)state;
	need_link();
	assert_true(shell("ip link set lo up"));
	o.name = "lo";
	for (unsigned i = 0; i < ARRAY_LEN(thread); i++) {
		assert_int_equal(pthread_create(&thread[i], NULL, flood, &stop),
				 0);
	}
	for (unsigned i = 0; i < 40; i++) {
		struct capture_live *c;
		uint64_t began = clock_mono_us();

		o.immediate = true;
		c = open_one(&o);
		assert_true(clock_mono_us() - began < PATIENCE_US / 2);
		capture_live_close(c);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < ARRAY_LEN(thread); i++) {
		pthread_join(thread[i], NULL);
	}
}

/*
 * Whoever opens a handle beside other work is not held up by it: a packet that
 * the socket saw before it was shut lies in a block that the kernel hands over
 * after the time-out only, and is asked for again until then.
 */
static void
test_settling_does_not_wait(void **state)
{
	struct capture_live_options o = options();
	unsigned asked = 1;

	(void)state;
	need_link();
	o.timeout_ms = 1000;
	for (unsigned i = 0; i < 20 && asked == 1; i++) {
		struct capture_live *c;
		struct diag d = { "" };

		early = true;
		assert_int_equal(capture_live_open(&c, &o, &d), ERR_OK);
		assert_false(early);
		asked = settle(c);
		capture_live_close(c);
	}
	assert_in_range(asked, 2, UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_from_begin_to_shut),
		cmocka_unit_test(test_vlan_tag_is_there),
		cmocka_unit_test(test_snap_length),
		cmocka_unit_test(test_filter_is_the_kernels),
		cmocka_unit_test(test_full_ring_drops),
		cmocka_unit_test(test_pairs_meet),
		cmocka_unit_test(test_flows_meet),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_interface_state),
		cmocka_unit_test(test_large_frames),
		cmocka_unit_test(test_busy_loopback_opens),
		cmocka_unit_test(test_settling_does_not_wait),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
