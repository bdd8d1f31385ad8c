/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_pace.h"

#define EVERY_US (UINT64_C(1000000) / EXCHANGE_PACE_S)

bool
exchange_pace_may(struct exchange_pace *p, uint64_t now_us)
{
	uint64_t back = (now_us - p->at_us) / EVERY_US;

	if (p->used <= back) {
		p->used = 0;
		p->at_us = now_us;
	} else {
		p->used -= back;
		p->at_us += back * EVERY_US;
	}
	return p->used < EXCHANGE_PACE_BURST;
}

void
exchange_pace_count(struct exchange_pace *p)
{
	p->used++;
}

unsigned
exchange_pace_first(unsigned first, unsigned served, unsigned n)
{
	return n > 0 ? (first + (served < n ? served : 1)) % n : 0;
}
