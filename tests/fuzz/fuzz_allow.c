/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an allow list: what it has on a line is found again. */
#include <stdlib.h>

#include "collector/allow_list.h"
#include "collector/indicator_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok) {
		abort();
	}
}

/* The first line of a list that was taken, where it is plain. */
static void
find_again(const struct allow_lists *a, const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	struct view v =
		view_of(data, end != NULL ? (size_t)(end - data) : size);
	struct cidr net;

	if (cidr_parse(v, &net)) {
		require(allow_lists_net(a, &net) != NULL);
	}
	(void)!allow_lists_domain(a, v, false);
	(void)!allow_lists_text(a, v);
}

/* Any bytes as records of the inbox: what is read can be written and read. */
static void
records(const uint8_t *data, size_t size)
{
	static uint8_t out[INDICATOR_PACK_CAP];
	struct view v = view_of(data, size);
	struct indicator i;

	while (indicator_unpack(&v, &i) == ERR_OK) {
		size_t n = indicator_pack(&i, out, sizeof(out));
		struct view again = view_of(out, n);

		require(n > 0);
		require(indicator_unpack(&again, &i) == ERR_OK);
		require(again.len == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct allow_lists *a = allow_lists_new();
	struct diag d;
	enum err e;

	require(a != NULL);
	e = allow_lists_add_bytes(a, "fuzz", view_of(data, size), &d);
	allow_lists_ready(a);
	if (e == ERR_OK && (size == 0 || data[0] != '{')) {
		find_again(a, data, size);
	}
	allow_lists_free(a);
	records(data, size);
	return 0;
}
