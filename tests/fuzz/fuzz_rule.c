/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule text and the bytes it meets, both hostile: what is before the first
 * NUL is a rule file, what is behind it is every buffer in turn.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rules/rule_match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ruleset *
load(struct view text)
{
	int fd = memfd_create("rules", 0);
	struct ruleset *rs = NULL;
	struct diag d;
	char path[64];
	const char *patterns[] = { path };

	if (fd < 0) {
		return NULL;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, text.p, text.len) == (ssize_t)text.len) {
		rs = ruleset_load(NULL, patterns, 1, NULL, 0, &d);
	}
	close(fd);
	return rs;
}

static void
set(struct inspect *in, unsigned b, const struct view *v)
{
	inspect_set(in, (enum inspect_buf)b, v, 1);
	in->fresh[b / 64] |= UINT64_C(1) << (b % 64);
}

static void
match_all(struct rule_matcher *m, struct view bytes, struct pool *pool)
{
	static const enum app_proto apps[] = { APP_HTTP, APP_DNS, APP_TLS };
	static const uint8_t protos[] = { IPP_TCP, IPP_UDP, IPP_ICMP };
	struct rule_flow *flow_state = NULL;
	struct rule_tx *tx_state = NULL;
	struct rule_hit room[64];
	struct rule_hits out = { .v = room, .cap = 64 };
	struct inspect_flow flow = { .established = true,
				     .is_tcp = true,
				     .app = APP_HTTP,
				     .pkts = { 1, 1 } };
	struct inspect in = { .flow = &flow,
			      .flow_state = &flow_state,
			      .tx_state = &tx_state,
			      .pool = pool };
	struct view half = view_sub(bytes, 0, bytes.len / 2);
	struct rule_tx *file_state[2] = { NULL, NULL };
	static const uint8_t digest[32];
	bool wanted = false;

	in.pkt.ip_version = 4;
	for (unsigned i = 0; i < 6; i++) {
		in.dir = (enum inspect_dir)(i & 1);
		in.pkt.proto = protos[i / 2];
		in.pkt.dsize = (uint32_t)bytes.len;
		flow.app = in.app = apps[i / 2];
		memset(in.buf, 0, sizeof(in.buf));
		set(&in, BUF_PAYLOAD, &bytes);
		in.kind = INSPECT_PACKET;
		rule_match(m, &in, &out);
		memset(in.buf, 0, sizeof(in.buf));
		set(&in, BUF_STREAM, i < 3 ? &half : &bytes);
		in.stream_seen = i < 3 ? 0 : (uint32_t)half.len;
		in.kind = INSPECT_STREAM;
		rule_match(m, &in, &out);
		for (unsigned b = BUF_FILE_DATA; b < BUF_COUNT; b++) {
			set(&in, b, i < 3 ? &half : &bytes);
		}
		in.body_complete[i & 1] = i >= 3;
		for (unsigned k = 0; k < 2; k++) {
			struct view v = i < 3 ? half : bytes;

			in.files[k] = (struct inspect_file){
				.name = k == 0 ? v : half,
				.magic = i < 4 ? VIEW_NONE : v,
				.data = v,
				.fresh_name = i == 0,
				.fresh_magic = i == 4,
				.fresh_data = true,
				.data_due = k == 0,
				.magic_known = i >= 3,
				.ended = i >= 3,
				.whole = i >= 5,
				.size = v.len,
				.digest = { i >= 5 ? digest : NULL },
				.state = &file_state[k],
				.wanted = &wanted,
			};
		}
		in.n_files = i & 1 ? 2 : 1;
		in.num_set = i >= 2 ? UINT32_MAX : 0;
		in.kind = INSPECT_TX;
		rule_match(m, &in, &out);
		out.n = 0;
	}
	rule_flow_free(flow_state, pool);
	rule_tx_free(tx_state, pool);
	rule_tx_free(file_state[0], pool);
	rule_tx_free(file_state[1], pool);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
	size_t split = nul != NULL ? (size_t)(nul - data) : size;
	struct ruleset *rs = load(view_of(data, split));
	struct rule_matcher *m = rs != NULL ? rule_matcher_new(rs) : NULL;
	struct pool *pool = pool_new((size_t)1 << 20);

	if (m != NULL && pool != NULL && ruleset_count(rs) > 0) {
		match_all(m, view_sub(view_of(data, size), split + 1, size),
			  pool);
	}
	if (pool != NULL && pool_in_use(pool) != 0) {
		abort();
	}
	rule_matcher_free(m);
	ruleset_free(rs);
	pool_free(pool);
	return 0;
}
