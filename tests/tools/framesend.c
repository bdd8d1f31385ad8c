/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framesend IFACE MBPS SECONDS FILE...: sends the Ethernet frames of captures,
 * over and over, at that rate (of bytes of frames).  What is cut, of another
 * link type, or longer than the link takes, is left out.  Prints one line:
 * packets, bytes and microseconds.  For benchmarks of live capture: a capture
 * of everything has packets that tcpreplay refuses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "sensor/capture.h"

#define AT_ONCE 64u
#define ETHERNET 1

struct frames {
	struct iovec *v;
	size_t n, cap;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "framesend: %s: %s\n", what, why);
	exit(1);
}

static void
keep(struct frames *all, const struct frame *f)
{
	uint8_t *copy = malloc(f->caplen);

	if (all->n == all->cap) {
		all->cap = all->cap * 2 + 1024;
		all->v = realloc(all->v, all->cap * sizeof(*all->v));
	}
	if (copy == NULL || all->v == NULL) {
		die("frames", "out of memory");
	}
	memcpy(copy, f->data, f->caplen);
	all->v[all->n++] = (struct iovec){ copy, f->caplen };
}

static void
read_frames(struct frames *all, char **files, size_t n, size_t longest)
{
	struct batch_frames *b = batch_frames_new();
	struct capture *c;
	struct diag d;
	enum err e;

	if (b == NULL || capture_open_files(&c, (const char *const *)files, n,
					    NULL, &d) != ERR_OK) {
		die("captures", d.msg);
	}
	while ((e = capture_next(c, b, &d)) != ERR_EOF) {
		for (uint32_t i = 0; e == ERR_OK && i < b->n; i++) {
			const struct frame *f = &b->frame[i];

			if (f->linktype == ETHERNET &&
			    f->caplen == f->wirelen && f->caplen >= ETH_HLEN &&
			    f->caplen <= longest) {
				keep(all, f);
			}
		}
	}
	capture_close(c);
	batch_frames_free(b);
}

static int
open_link(const char *name, size_t *longest)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct ifreq r = { .ifr_ifindex = 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;

	/* as cheap as can be: the queue of the link is passed by */
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes,
			 sizeof(yes));
	to.sll_ifindex = (int)if_nametoindex(name);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd < 0 || to.sll_ifindex == 0 ||
	    bind(fd, (void *)&to, sizeof(to)) != 0 ||
	    ioctl(fd, SIOCGIFMTU, &r) != 0) {
		die(name, strerror(errno));
	}
	*longest = (size_t)r.ifr_mtu + ETH_HLEN;
	return fd;
}

/* Sends up to 'n'; how many went out. */
static size_t
send_some(int fd, struct iovec *v, size_t n)
{
	struct mmsghdr m[AT_ONCE];
	int sent;

	memset(m, 0, sizeof(m));
	n = MIN(n, AT_ONCE);
	for (size_t i = 0; i < n; i++) {
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(fd, m, (unsigned)n, 0);
	if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
		die("send", strerror(errno));
	}
	return sent > 0 ? (size_t)sent : 0;
}

int
main(int argc, char **argv)
{
	struct frames all = { .n = 0 };
	uint64_t began, packets = 0, bytes = 0, spent;
	double mbps, seconds;
	size_t longest, at = 0;
	int fd;

	if (argc < 5) {
		die("usage", "framesend IFACE MBPS SECONDS FILE...");
	}
	mbps = strtod(argv[2], NULL);
	seconds = strtod(argv[3], NULL);
	fd = open_link(argv[1], &longest);
	read_frames(&all, argv + 4, (size_t)argc - 4, longest);
	if (all.n == 0) {
		die(argv[4], "no frame that can be sent");
	}
	began = clock_mono_us();
	while ((spent = clock_mono_us() - began) < (uint64_t)(seconds * 1e6)) {
		size_t sent;

		/* bits by microseconds */
		if ((double)bytes * 8 > mbps * (double)spent) {
			struct timespec nap = { .tv_nsec = 50000 };

			nanosleep(&nap, NULL);
			continue;
		}
		sent = send_some(fd, all.v + at, all.n - at);
		for (size_t i = 0; i < sent; i++) {
			bytes += all.v[at + i].iov_len;
		}
		packets += sent;
		at = (at + sent) % all.n;
	}
	printf("%llu packets %llu bytes %llu us\n", (unsigned long long)packets,
	       (unsigned long long)bytes, (unsigned long long)spent);
	close(fd);
	return 0;
}
