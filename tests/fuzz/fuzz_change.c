/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection whose protocol nobody names: detection, parsers, and one
 * protocol inside another (CONNECT, Upgrade).
 *
 * The input is the runs of fuzz_app.h behind one byte of choices: the port,
 * and how the runs are cut.  Oracle: no transaction of one protocol is taken
 * for another's, and all memory is given back.
 */
#include "tests/fuzz/fuzz_app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct fuzz_app *a)
{
	const struct app_flow *af = a->flow.app;

	if (af == NULL) {
		return;
	}
	for (const struct app_tx *tx = af->txs; tx != NULL; tx = tx->next) {
		if (tx->id >= af->next_tx_id ||
		    (tx->next != NULL && tx->next->id <= tx->id)) {
			abort();
		}
	}
	if (af->change) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 80, 3128, 443, 53 };
	static struct fuzz_app a;
	struct view in = view_of(data, size);

	if (size < 1) {
		return 0;
	}
	fuzz_app_open(&a, IPP_TCP, ports[data[0] & 3]);
	fuzz_app_runs(&a, view_sub(in, 1, size),
		      data[0] & 0xf0 ? data[0] >> 4 : SIZE_MAX);
	check(&a);
	fuzz_app_close(&a);
	return 0;
}
