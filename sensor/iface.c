/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/iface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_CAP 32768
#define ANSWER_MS 1000

struct iface_watch {
	int fd;
	uint32_t seq;
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_CAP];
};

enum err
iface_watch_open(struct iface_watch **out, struct diag *d)
{
	struct iface_watch *w = calloc(1, sizeof(*w));
	struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };

	*out = NULL;
	if (w == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (w->fd < 0) {
		enum err e =
			diag_set(d, ERR_IO, "rtnetlink: %s", strerror(errno));

		free(w);
		return e;
	}
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof(patience));
	*out = w;
	return ERR_OK;
}

void
iface_watch_close(struct iface_watch *w)
{
	if (w != NULL) {
		close(w->fd);
		free(w);
	}
}

static bool
ask(struct iface_watch *w, const char *name)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
		struct rtattr a;
		char name[IF_NAMESIZE];
	} q = {
		.h = { .nlmsg_type = RTM_GETLINK,
		       .nlmsg_flags = NLM_F_REQUEST,
		       .nlmsg_seq = ++w->seq },
		.a = { .rta_type = IFLA_IFNAME },
	};
	size_t len = strlen(name) + 1;

	if (len > sizeof(q.name)) {
		return false;
	}
	memcpy(q.name, name, len);
	q.a.rta_len = (unsigned short)RTA_LENGTH(len);
	q.h.nlmsg_len = (uint32_t)(offsetof(__typeof__(q), a) + RTA_SPACE(len));
	return send(w->fd, &q, q.h.nlmsg_len, 0) == (ssize_t)q.h.nlmsg_len;
}

static void
read_stats(const struct rtattr *a, struct iface_state *out)
{
	struct rtnl_link_stats64 s = { 0 };

	memcpy(&s, RTA_DATA(a), MIN(sizeof(s), (size_t)RTA_PAYLOAD(a)));
	out->rx_packets = s.rx_packets;
	out->tx_packets = s.tx_packets;
	out->rx_bytes = s.rx_bytes;
	out->tx_bytes = s.tx_bytes;
	out->missed = s.rx_missed_errors + s.rx_fifo_errors;
}

static void
read_link(const struct nlmsghdr *h, struct iface_state *out)
{
	const struct ifinfomsg *i = NLMSG_DATA(h);
	size_t len = IFLA_PAYLOAD(h);
	unsigned both = IFF_UP | IFF_RUNNING;

	*out = (struct iface_state){
		.index = (unsigned)i->ifi_index,
		.up = (i->ifi_flags & both) == both,
	};
	for (const struct rtattr *a = IFLA_RTA(i); RTA_OK(a, len);
	     a = RTA_NEXT(a, len)) {
		if (a->rta_type == IFLA_STATS64) {
			read_stats(a, out);
		}
	}
}

enum err
iface_look(struct iface_watch *w, const char *name, struct iface_state *out)
{
	*out = (struct iface_state){ 0 };
	if (!ask(w, name)) {
		return strlen(name) < IF_NAMESIZE ? ERR_IO : ERR_NOTFOUND;
	}
	for (;;) {
		const struct nlmsghdr *h = (void *)w->answer;
		ssize_t n = recv(w->fd, w->answer, sizeof(w->answer), 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 || !NLMSG_OK(h, (size_t)n)) {
			return ERR_IO;
		}
		if (h->nlmsg_seq != w->seq) {
			continue; /* the answer to one given up */
		}
		if (h->nlmsg_type == RTM_NEWLINK) {
			read_link(h, out);
			return ERR_OK;
		}
		if (h->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			return e->error == -ENODEV ? ERR_NOTFOUND : ERR_IO;
		}
	}
}

static uint32_t
ethtool(int fd, const char *name, uint32_t command)
{
	struct ethtool_value v = { .cmd = command };
	struct ifreq r = { .ifr_data = (void *)&v };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return ioctl(fd, SIOCETHTOOL, &r) == 0 ? v.data : 0;
}

bool
iface_merges(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool merges;

	if (fd < 0) {
		return false;
	}
	merges = ethtool(fd, name, ETHTOOL_GGRO) != 0 ||
		 (ethtool(fd, name, ETHTOOL_GFLAGS) & ETH_FLAG_LRO) != 0;
	close(fd);
	return merges;
}
