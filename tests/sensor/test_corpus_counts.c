/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads all captures below $PICKET_CORPUS and compares how many packets they
 * hold with what tshark counted; with libpcap's count where tshark does not
 * know the link type and gave up.  Transport counts are compared and told, but
 * tshark also counts what ICMP errors quote and tunnels that we do not open.
 */
#include "sensor/capture.h"
#include "sensor/decode.h"
#include "tests/sensor/pairs_right.h"

#include <dirent.h>
#include <jansson.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const corpora[] = { "zeek-traces", "ndpi-pcaps",
				       "tcpdump-pcaps" };

struct sums {
	unsigned files, packets_wrong, l4[5], l4_wrong[5];
};

struct result {
	uint64_t frames;
	struct decode_counters count;
	struct diag diag;
};

/* Touches what the views hold, so that a sanitizer sees it. */
static unsigned
touch(struct view v)
{
	unsigned sum = 0;

	for (size_t i = 0; i < v.len; i++) {
		sum += v.p[i];
	}
	return sum;
}

static bool
read_capture(const char *path, struct pool *pool, struct result *r)
{
	struct batch_frames *b = batch_frames_new();
	struct decoder *d = decoder_new(NULL, pool);
	struct capture *c = NULL;
	struct packet out[FRAME_MAX_PACKETS];
	static volatile unsigned sink;
	bool ok = b != NULL && d != NULL &&
		  capture_open_files(&c, &path, 1, NULL, &r->diag) == ERR_OK;
	enum err e = ok ? ERR_OK : ERR_EOF;

	while (e != ERR_EOF) {
		e = capture_next(c, b, &r->diag);
		for (uint32_t i = 0; e == ERR_OK && i < b->n; i++) {
			unsigned n = decode_frame(d, &b->frame[i], out);

			ok = ok && pairs_right(d, &b->frame[i], out, n);
			for (unsigned k = 0; k < n; k++) {
				sink += touch(out[k].l3) + touch(out[k].l4) +
					touch(out[k].payload);
			}
		}
	}
	if (c != NULL) {
		r->frames =
			capture_stats(c)->frames + capture_stats(c)->oversized;
	}
	if (d != NULL) {
		decode_counters(d, &r->count);
	}
	(void)sink;
	capture_close(c);
	decoder_free(d);
	batch_frames_free(b);
	return ok;
}

static uint64_t
libpcap_count(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *p = pcap_open_offline(path, why);
	uint64_t n = 0;

	while (p != NULL && pcap_next_ex(p, &h, &data) == 1) {
		n++;
	}
	if (p != NULL) {
		pcap_close(p);
	}
	return n;
}

static void
compare(const char *corpus, const char *name, const char *path,
	struct pool *pool, const json_t *truth, struct sums *s)
{
	static const char *const layer[] = { "tcp", "udp", "icmp", "icmpv6",
					     "sctp" };
	struct result r;
	uint64_t got[5];
	json_t *l4 = json_object_get(truth, "l4_frames");
	uint64_t want =
		(uint64_t)json_integer_value(json_object_get(truth, "packets"));
	bool own_link = json_integer_value(
				json_object_get(truth, "tshark_exit")) != 0 &&
			want == 0;

	memset(&r, 0, sizeof(r));
	if (!read_capture(path, pool, &r)) {
		printf("%s/%s: hash and decoder disagree on IP\n", corpus,
		       name);
		s->packets_wrong++;
	}
	s->files++;
	if (own_link) {
		want = libpcap_count(path);
	}
	if (r.frames != want) {
		printf("%s/%s: packets %llu, expected %llu; %s\n", corpus, name,
		       (unsigned long long)r.frames, (unsigned long long)want,
		       r.diag.msg);
		s->packets_wrong++;
	}
	got[0] = r.count.tcp;
	got[1] = r.count.udp;
	got[2] = r.count.icmpv4;
	got[3] = r.count.icmpv6;
	got[4] = r.count.sctp;
	for (unsigned i = 0; i < 5 && !own_link; i++) {
		uint64_t w = (uint64_t)json_integer_value(
			json_object_get(l4, layer[i]));

		s->l4[i]++;
		if (got[i] != w) {
			s->l4_wrong[i]++;
			if (getenv("PICKET_CORPUS_VERBOSE") != NULL) {
				printf("%s/%s: %s %llu, tshark %llu\n", corpus,
				       name, layer[i],
				       (unsigned long long)got[i],
				       (unsigned long long)w);
			}
		}
	}
}

static void
walk(const char *root, const char *corpus, struct pool *pool, struct sums *s)
{
	char path[1024], truth_path[1024];
	struct dirent **list;
	int n;

	snprintf(path, sizeof(path), "%s/%s", root, corpus);
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		json_t *truth;

		snprintf(truth_path, sizeof(truth_path), "%s/truth/%s/%s.json",
			 root, corpus, name);
		snprintf(path, sizeof(path), "%s/%s/%s", root, corpus, name);
		truth = json_load_file(truth_path, 0, NULL);
		if (truth != NULL) {
			compare(corpus, name, path, pool, truth, s);
			json_decref(truth);
		}
		free(list[i]);
	}
	if (n >= 0) {
		free(list);
	}
}

int
main(void)
{
	const char *root = getenv("PICKET_CORPUS");
	struct pool *pool = pool_new((size_t)64 << 20);
	struct sums s = { 0 };

	if (root == NULL || pool == NULL) {
		pool_free(pool);
		return 77;
	}
	for (size_t i = 0; i < ARRAY_LEN(corpora); i++) {
		walk(root, corpora[i], pool, &s);
	}
	printf("%u captures, packet count wrong in %u; "
	       "tcp %u udp %u icmp %u icmpv6 %u sctp %u differ\n",
	       s.files, s.packets_wrong, s.l4_wrong[0], s.l4_wrong[1],
	       s.l4_wrong[2], s.l4_wrong[3], s.l4_wrong[4]);
	pool_free(pool);
	return s.files > 0 && s.packets_wrong == 0 ? 0 : 1;
}
