/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture_live.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define FRAME_ALIGN 64 /* as frames of files */
#define SETTLE_US UINT64_C(20000000)
/* Behind a time-out of the ring: then what it had was shown. */
#define QUIET_US UINT64_C(20000)

STATIC_ASSERT(BATCH_SLAB >= CAPTURE_LIVE_SNAPLEN + FRAME_ALIGN,
	      "any frame fits a fresh slab");

struct capture_live {
	pcap_t *pcap;
	int fd;
	uint16_t linktype;
	uint32_t snaplen, tick; /* tick: of the handle's time, in ns */
	bool has_filter;
	struct bpf_program filter;
	char name[IF_NAMESIZE];
	struct capture_live_counters count;

	/* Of settling, monotonic: see capture_live_settle(). */
	uint64_t quiet_us; /* so long nothing has to come, on loopback */
	uint64_t last_us, until_us; /* it came last; given up */
	uint64_t passed;

	/* Of the read under way. */
	struct batch_frames *batch;
	uint16_t iface;
};

/* --- opening --- */

static void
list_types(pcap_t *p, char *out, size_t cap)
{
	int *v, n = pcap_list_tstamp_types(p, &v);
	size_t at = 0;

	snprintf(out, cap, "host");
	for (int i = 0; i < n && at < cap; i++) {
		const char *name = pcap_tstamp_type_val_to_name(v[i]);

		at += (size_t)snprintf(out + at, cap - at, "%s%s",
				       i > 0 ? ", " : "",
				       name != NULL ? name : "?");
	}
	if (n > 0) {
		pcap_free_tstamp_types(v);
	}
}

static enum err
set_timestamp(pcap_t *p, const struct capture_live_options *o, struct diag *d)
{
	int type = pcap_tstamp_type_name_to_val(o->timestamp);
	char known[128];

	if (type == PCAP_TSTAMP_HOST) {
		return ERR_OK;
	}
	if (type < 0 || pcap_set_tstamp_type(p, type) != 0) {
		list_types(p, known, sizeof(known));
		return diag_set(d, ERR_USAGE, "capture.timestamp %s: %s has %s",
				o->timestamp, o->name, known);
	}
	return ERR_OK;
}

static enum err
set_up(struct capture_live *c, const struct capture_live_options *o,
       struct diag *d)
{
	pcap_t *p = c->pcap;
	enum err e = set_timestamp(p, o, d);

	if (e != ERR_OK) {
		return e;
	}
	pcap_set_snaplen(p, (int)o->snaplen);
	pcap_set_promisc(p, o->promiscuous);
	pcap_set_buffer_size(p, (int)o->ring_bytes);
	pcap_set_timeout(p, (int)o->timeout_ms);
	pcap_set_immediate_mode(p, o->immediate);
	c->tick = pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO) == 0
			  ? 1
			  : 1000;
	return ERR_OK;
}

static enum err
say_refused(const struct capture_live *c, int rc, struct diag *d)
{
	const char *why = pcap_geterr(c->pcap);

	switch (rc) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return diag_set(d, ERR_NOTFOUND,
				"interface %s: no such "
				"interface",
				c->name);
	case PCAP_ERROR_IFACE_NOT_UP:
		return diag_set(d, ERR_AGAIN, "interface %s is down", c->name);
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return diag_set(d, ERR_AUTH,
				"interface %s: not permitted; run as root, or "
				"give the program CAP_NET_RAW",
				c->name);
	default:
		return diag_set(d, ERR_IO, "interface %s: %s", c->name,
				why[0] != '\0' ? why : pcap_statustostr(rc));
	}
}

static enum err
activate(struct capture_live *c, struct diag *d)
{
	char why[PCAP_ERRBUF_SIZE];
	int rc = pcap_activate(c->pcap);

	if (rc < 0) {
		return say_refused(c, rc, d);
	}
	if (rc > 0) {
		log_warn("interface %s: %s", c->name,
			 rc == PCAP_WARNING ? pcap_geterr(c->pcap)
					    : pcap_statustostr(rc));
	}
	if (pcap_setnonblock(c->pcap, 1, why) != 0) {
		return diag_set(d, ERR_IO, "interface %s: %s", c->name, why);
	}
	c->fd = pcap_get_selectable_fd(c->pcap);
	c->linktype = (uint16_t)pcap_datalink(c->pcap);
	/* The snap length that it took. */
	c->snaplen = (uint32_t)pcap_snapshot(c->pcap);
	if (c->fd < 0 || c->snaplen > CAPTURE_LIVE_SNAPLEN) {
		return diag_set(d, ERR_IO,
				"interface %s: not one that can be "
				"captured from",
				c->name);
	}
	return ERR_OK;
}

static bool
is_loopback(const struct capture_live *c)
{
	return strcmp(c->name, "lo") == 0;
}

/* What goes out of the loopback interface comes in again; libpcap passes over
 * the first, and the kernel need not show it. */
static void
ignore_echo(const struct capture_live *c)
{
	int yes = 1;

	if (is_loopback(c)) {
		(void)setsockopt(c->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING,
				 &yes, sizeof(yes));
	}
}

static void
pass_over(u_char *arg, const struct pcap_pkthdr *h, const u_char *bytes)
{
	uint64_t *n = (void *)arg;

	(void)h;
	(void)bytes;
	++*n;
}

static void
read_kernel(struct capture_live *c)
{
	struct tpacket_stats_v3 s = { 0 };
	socklen_t len = sizeof(s);

	/* Each call counts from the one before; drops are in both. */
	if (getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0) {
		c->count.seen += s.tp_packets;
		c->count.dropped += s.tp_drops;
	}
}

/*
 * The socket saw all packets since it was bound, those of other members of the
 * group too: they are taken out, to begin from zero.  Of what went out of the
 * loopback interface before ignore_echo() the kernel counts what libpcap does
 * not show: there, it is enough that nothing comes for so long as a packet may
 * wait in the ring.
 */
enum err
capture_live_settle(struct capture_live *c, struct diag *d)
{
	int rc = pcap_dispatch(c->pcap, -1, pass_over, (void *)&c->passed);
	uint64_t now = clock_mono_us();

	if (rc < 0) {
		return diag_set(d, ERR_IO, "interface %s: %s", c->name,
				pcap_geterr(c->pcap));
	}
	read_kernel(c);
	c->last_us = rc > 0 ? now : c->last_us;
	if (c->passed + c->count.dropped >= c->count.seen ||
	    (is_loopback(c) && now - c->last_us >= c->quiet_us)) {
		c->count = (struct capture_live_counters){ 0 };
		return ERR_OK;
	}
	if (now > c->until_us) {
		return diag_set(d, ERR_IO,
				"interface %s: its ring cannot be emptied",
				c->name);
	}
	return ERR_AGAIN;
}

static void
begin_to_settle(struct capture_live *c, const struct capture_live_options *o)
{
	c->quiet_us = 2 * (uint64_t)o->timeout_ms * 1000 + QUIET_US;
	c->last_us = clock_mono_us();
	c->until_us = c->last_us + SETTLE_US;
}

static enum err
compile(struct capture_live *c, const char *filter, struct diag *d)
{
	if (filter == NULL || filter[0] == '\0') {
		return ERR_OK;
	}
	if (pcap_compile(c->pcap, &c->filter, filter, 1,
			 PCAP_NETMASK_UNKNOWN) != 0) {
		return diag_set(d, ERR_USAGE,
				"interface %s: bpf-filter '%s': %s", c->name,
				filter, pcap_geterr(c->pcap));
	}
	c->has_filter = true;
	return ERR_OK;
}

enum err
capture_live_open(struct capture_live **out,
		  const struct capture_live_options *o, struct diag *d)
{
	struct capture_live *c = calloc(1, sizeof(*c));
	char why[PCAP_ERRBUF_SIZE] = "";
	enum err e;

	*out = NULL;
	if (c == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	snprintf(c->name, sizeof(c->name), "%s", o->name);
	c->pcap = pcap_create(o->name, why);
	if (c->pcap == NULL) {
		e = diag_set(d, ERR_IO, "interface %s: %s", o->name, why);
		goto out;
	}
	e = set_up(c, o, d);
	if (e == ERR_OK) {
		e = activate(c, d);
	}
	if (e == ERR_OK) {
		ignore_echo(c);
		capture_live_shut(c);
		begin_to_settle(c, o);
		e = compile(c, o->filter, d);
	}
out:
	if (e != ERR_OK) {
		capture_live_close(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

enum err
capture_live_join(struct capture_live *c, struct fanout_group *g,
		  enum fanout_mode mode, uint32_t key, struct diag *d)
{
	struct fanout_options o = {
		.mode = mode,
		.ether = c->linktype == DLT_EN10MB,
		.echo = is_loopback(c),
		.key = key,
	};

	return fanout_join(g, c->fd, &o, d);
}

/* Takes nothing. */
void
capture_live_shut(struct capture_live *c)
{
	struct sock_filter none = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog p = { .len = 1, .filter = &none };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof(p));
}

static enum err
set_filter(struct capture_live *c, struct diag *d)
{
	socklen_t len = 0;

	if (pcap_setfilter(c->pcap, &c->filter) != 0) {
		return diag_set(d, ERR_USAGE, "interface %s: bpf-filter: %s",
				c->name, pcap_geterr(c->pcap));
	}
	/* libpcap would filter by itself what the kernel does not, and count
	 * otherwise: what it passes over would be missing here. */
	if (getsockopt(c->fd, SOL_SOCKET, SO_GET_FILTER, NULL, &len) != 0 ||
	    len == 0) {
		return diag_set(d, ERR_USAGE,
				"interface %s: bpf-filter is too long for the "
				"kernel; shorten it",
				c->name);
	}
	return ERR_OK;
}

enum err
capture_live_begin(struct capture_live *c, struct diag *d)
{
	int none = 0;

	if (c->has_filter) {
		return set_filter(c, d);
	}
	if (setsockopt(c->fd, SOL_SOCKET, SO_DETACH_FILTER, &none,
		       sizeof(none)) != 0) {
		return diag_set(d, ERR_IO, "interface %s: %s", c->name,
				strerror(errno));
	}
	return ERR_OK;
}

void
capture_live_close(struct capture_live *c)
{
	if (c == NULL) {
		return;
	}
	if (c->pcap != NULL) {
		pcap_close(c->pcap);
	}
	if (c->has_filter) {
		pcap_freecode(&c->filter);
	}
	free(c);
}

uint16_t
capture_live_linktype(const struct capture_live *c)
{
	return c->linktype;
}

int
capture_live_fd(const struct capture_live *c)
{
	return c->fd;
}

/* --- reading --- */

static void
take(u_char *arg, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct capture_live *c = (void *)arg;
	struct batch_frames *b = c->batch;
	uint32_t caplen =
		(uint32_t)MIN((size_t)h->caplen, BATCH_SLAB - b->used);
	uint64_t ns = (uint64_t)h->ts.tv_usec * c->tick;

	memcpy(b->slab + b->used, bytes, caplen);
	b->frame[b->n++] = (struct frame){
		.data = b->slab + b->used,
		.caplen = caplen,
		.wirelen = h->len,
		.ts_us = (uint64_t)h->ts.tv_sec * US_PER_S + ns / 1000,
		.ts_ns = (uint16_t)(ns % 1000),
		.linktype = c->linktype,
		.iface = c->iface,
	};
	c->count.bytes += caplen;
	c->count.truncated += caplen < h->len;
	b->used += (caplen + FRAME_ALIGN - 1) & ~(uint32_t)(FRAME_ALIGN - 1);
	if (b->used > BATCH_SLAB - c->snaplen) {
		pcap_breakloop(c->pcap);
	}
}

enum err
capture_live_read(struct capture_live *c, struct batch_frames *b,
		  uint16_t iface, struct diag *d)
{
	int rc;

	c->batch = b;
	c->iface = iface;
	b->n = b->used = 0;
	b->next = VIEW_NONE;
	rc = pcap_dispatch(c->pcap, BATCH_FRAMES, take, (void *)c);
	c->count.delivered += b->n;
	if (b->n > 0) {
		return ERR_OK;
	}
	if (rc < 0 && rc != PCAP_ERROR_BREAK) {
		return diag_set(d, ERR_CLOSED, "interface %s: %s", c->name,
				pcap_geterr(c->pcap));
	}
	return ERR_AGAIN;
}

void
capture_live_count(struct capture_live *c, struct capture_live_counters *out)
{
	read_kernel(c);
	*out = c->count;
}
