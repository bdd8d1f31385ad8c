/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - what is well-formed UTF-8
 *
 * One answer for who reads JSON and who writes it: two that differ are a way
 * to hide something from one of them.
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   none.
 * Cost     inline; a few instructions a sequence.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/base.h"

/*
 * Length of the well-formed sequence at the start of the 'n' bytes at 'p', of
 * which there is at least one (RFC 3629 section 4, which excludes overlong
 * forms, surrogates, and what is beyond U+10FFFF); 0 when there is none.
 */
static inline size_t
utf8_len(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t need;

	if (p[0] < 0x80) {
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		need = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		need = 3;
		lo = p[0] == 0xe0 ? 0xa0 : 0x80;
		hi = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		need = 4;
		lo = p[0] == 0xf0 ? 0x90 : 0x80;
		hi = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (n < need || p[1] < lo || p[1] > hi) {
		return 0;
	}
	for (size_t i = 2; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return need;
}

#endif
