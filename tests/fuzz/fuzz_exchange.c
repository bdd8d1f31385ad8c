/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partner's broker and its carriers hand us of the exchange: points and
 * the texts beside bundles.  None is taken for signed that the key did not sign.
 */
#include <assert.h>

#include "collector/exchange_frame.h"
#include "tests/fuzz/fuzz_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static struct exchange_party party = { .name = "US" };

/* The key's own: read back as it was written, and nothing near it. */
static void
check_own(uint64_t epoch, uint64_t seq)
{
	char text[POINT_TEXT_CAP];
	uint64_t e = 0, s = 0;

	epoch &= INT64_MAX;
	seq &= INT64_MAX;
	assert(exchange_point_write(key, "JP", "US", epoch, seq, text) ==
	       ERR_OK);
	assert(exchange_point_read(&party, "JP", view_cstr(text), &e, &s) ==
	       EXCHANGE_OK);
	assert(e == epoch && s == seq);
	text[0] = text[0] == '1' ? '2' : '1';
	assert(exchange_point_read(&party, "JP", view_cstr(text), &e, &s) !=
	       EXCHANGE_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct view v = view_of(p, len);
	struct exchange_frame f;
	uint8_t mac[FRAME_MAC_MAX];
	uint64_t epoch = 0, seq = 0;
	struct diag d = { "" };

	if (key == NULL) {
		make_key();
		party.keys[0] = key;
		party.n_keys = 1;
	}
	assert(exchange_point_read(&party, "JP", v, &epoch, &seq) !=
	       EXCHANGE_OK);
	assert(epoch == 0 && seq == 0);
	for (size_t i = 0; i < len && i < 8; i++) {
		epoch = epoch << 8 | p[i];
		seq = seq << 8 | p[len - 1 - i];
	}
	check_own(epoch, seq);
	if (exchange_sig_read(v, &f, mac, &d)) {
		assert(exchange_name_ok(view_cstr(f.from)));
		assert(exchange_name_ok(view_cstr(f.to)));
		f.data = v;
		assert(exchange_frame_judge(&party, f.to, &f) != EXCHANGE_OK);
	} else {
		assert(d.msg[0] != '\0');
	}
	return 0;
}
