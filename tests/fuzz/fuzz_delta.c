/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of indicators, as if the signature held: first the input as it is,
 * then as the records of a document that we pack, so that they are reached
 * without a guess at zlib.  A live set takes all that is read.
 */
#include <assert.h>
#include <stdlib.h>

#include <libdeflate.h>

#include "common/delta.h"
#include "rules/ioc_live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_all(struct delta_reader *r, struct view doc)
{
	struct ioc_live *l = ioc_live_new();
	struct delta_change c;
	struct delta_head h;
	struct diag d;
	uint32_t n = 0;

	assert(l != NULL);
	if (delta_open(r, doc, NULL, &h, &d) == ERR_OK) {
		while (delta_next(r, &c, &d) == ERR_OK) {
			n++;
			assert(c.i.value[0] != '\0' &&
			       strlen(c.i.value) <= INDICATOR_PATTERN_CAP);
			if (!c.known) {
				continue;
			}
			if (!c.armed) {
				ioc_live_disarm(l, c.i.kind, c.i.value);
				assert(!ioc_live_disarm(l, c.i.kind,
							c.i.value));
			} else if (ioc_live_arm(l, &c.i, &d) == ERR_OK) {
				assert(ioc_live_count(l) > 0);
			}
		}
		assert(n <= h.n && ioc_live_count(l) <= n);
		ioc_live_begin(l);
		assert(ioc_live_sweep(l) <= n && ioc_live_count(l) == 0);
	}
	ioc_live_free(l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct delta_reader *r;
	static struct libdeflate_compressor *def;
	static uint8_t doc[DELTA_MAX_DOC];
	size_t n;

	if (r == NULL) {
		r = delta_reader_new();
		def = libdeflate_alloc_compressor(1);
		assert(r != NULL && def != NULL);
	}
	take_all(r, view_of(data, size));
	if (size < 2 || size > DELTA_MAX_RAW / 2) {
		return 0;
	}
	memset(doc, 0, DELTA_HEAD);
	memcpy(doc, "PKTI\1\1", 6);
	doc[15] = doc[39] = 1; /* epoch, to */
	store_be32(doc + 52, data[0]);
	store_be32(doc + 56, (uint32_t)size - 1);
	n = libdeflate_zlib_compress(def, data + 1, size - 1, doc + DELTA_HEAD,
				     sizeof(doc) - DELTA_HEAD - SIGN_BYTES);
	assert(n > 0);
	memset(doc + DELTA_HEAD + n, 0, SIGN_BYTES);
	take_all(r, view_of(doc, DELTA_HEAD + n + SIGN_BYTES));
	return 0;
}
