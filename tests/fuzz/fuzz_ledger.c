/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger as a sensor may send it: what was read is written and read again to
 * the same text, and its equations are worked out.
 */
#include <stdlib.h>

#include "common/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ledger_equation e[LEDGER_MAX_EQUATIONS];
	static struct ledger l, again;
	struct ledger_store s = { .known = true, .upto = size };
	struct json_reader r;
	struct json a, b;

	json_reader_init(&r);
	json_init(&a);
	json_init(&b);
	if (json_read(&r, view_of(data, size)) &&
	    ledger_read(&l, &r, json_root(&r))) {
		ledger_write(&a, NULL, &l);
		if (!json_read(&r, json_view(&a)) ||
		    !ledger_read(&again, &r, json_root(&r))) {
			abort();
		}
		ledger_write(&b, NULL, &again);
		if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0 ||
		    ledger_check(&l, &s, e) > LEDGER_MAX_EQUATIONS) {
			abort();
		}
	}
	json_reader_fini(&r);
	json_fini(&a);
	json_fini(&b);
	return 0;
}
